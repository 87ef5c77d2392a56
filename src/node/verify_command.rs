//! `laybook verify DIR`: is what is on disk whole, and what does it add up to?
//!
//! Checks the chain of every frame, decodes and folds every record, and prints the ledger. The node must
//! not be running: it holds the directory's lock.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use domain::partition::PartitionFold;
use domain::record::Record;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use store::OpenError;
use store::verify::{Report, verify};

use crate::cli::{Exit, VerifyArgs};

/// Verifies every partition of a data directory.
pub fn run(args: &VerifyArgs) -> anyhow::Result<Exit> {
    let journals = journals_of(&args.directory)?;
    if journals.is_empty() {
        writeln!(std::io::stderr(), "laybook: {}: no journal here", args.directory.display())?;
        return Ok(Exit::Failed);
    }
    let mut sound = true;
    for (partition, directory) in journals {
        let bar = progress();
        let found = verify::<Record, PartitionFold>(&directory, |at| {
            bar.set_length(at.bytes_total);
            bar.set_position(at.bytes);
        });
        bar.finish_and_clear();
        sound &= match found {
            Ok(report) => show(&partition, &report, args.json)?,
            Err(error) => {
                tell_error(&partition, &error, args.json)?;
                false
            }
        };
    }
    Ok(if sound { Exit::Done } else { Exit::Failed })
}

/// The partitions of a data directory, by name, and where their journals are.
fn journals_of(directory: &Path) -> anyhow::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let journal = entry.path().join("journal");
        if name.starts_with("partition-") && journal.is_dir() {
            found.push((name, journal));
        }
    }
    found.sort();
    Ok(found)
}

fn progress() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = "{spinner} verifying {bytes}/{total_bytes} [{wide_bar}] {bytes_per_sec} {eta}";
    let style =
        ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style)
}

/// Says whether the books balance too.
fn show(partition: &str, report: &Report<PartitionFold>, as_json: bool) -> anyhow::Result<bool> {
    let totals = report.fold.ledger.recounted();
    let mut out = std::io::stdout();
    if as_json {
        let shown = json!({
            "partition": partition,
            "records": report.log.end.get(),
            "states": report.states,
            "deposits": totals.deposits.to_string(),
            "withdrawals": totals.withdrawals.to_string(),
            "customerBalances": totals.customer_balances.to_string(),
            "holds": totals.holds.to_string(),
            "clearing": totals.clearing.to_string(),
            "commission": totals.commission.to_string(),
            "rounding": totals.rounding.to_string(),
            "crossMatching": totals.cross_matching.to_string(),
            "difference": totals.difference.to_string(),
        });
        writeln!(out, "{shown}")?;
    } else {
        writeln!(out, "{partition}: {} records, chain and checksums good", report.log.end)?;
        for (name, amount) in [
            ("deposits", totals.deposits),
            ("withdrawals", totals.withdrawals),
            ("customer balances", totals.customer_balances),
            ("  of them held", totals.holds),
            ("clearing", totals.clearing),
            ("commission", totals.commission),
            ("rounding", totals.rounding),
            ("cross matching", totals.cross_matching),
            ("difference", totals.difference),
        ] {
            writeln!(out, "  {name:<18} {amount:>20}")?;
        }
    }
    Ok(totals.difference.is_zero())
}

fn tell_error(partition: &str, error: &OpenError, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        let shown = json!({ "partition": partition, "error": error.to_string() });
        writeln!(std::io::stdout(), "{shown}")?;
    } else {
        writeln!(std::io::stderr(), "laybook: {partition}: {error}")?;
    }
    Ok(())
}
