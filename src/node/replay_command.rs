//! `laybook replay FILE`: plays a recorded market as a live one, and says whether ours was the same.
//!
//! The exit code is that of a failure when a single price of an open market differed from the recording.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actors::node::{Child, Node};
use actors::replay::recorded::Messages;
use actors::replay::{Play, Report};
use anyhow::{Context as _, anyhow};
use domain::money::Pence;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::watch;

use crate::betfair::dates::Date;
use crate::boot::Running;
use crate::cli::{Exit, ReplayArgs};
use crate::config::Settings;
use crate::operator::{ask, ledger};
use crate::recording::{Progress, Recording};
use crate::residents::{Resident, Residents, TemporaryDirectory, session_secrets};
use crate::serve_command::{announce, refused, runtime, stop_asked};
use crate::stream::TapeFile;
use crate::{secret, telemetry};

/// Nobody bets more: liabilities at the longest odds fit many times.
const MIRRORS_MONEY: Pence = Pence::MAX_ENTERED;
const TOLD_EVERY: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Plays the file to its end, or until it is told to stop.
pub fn run(args: &ReplayArgs) -> anyhow::Result<Exit> {
    // A file that cannot be read is said so before a node is made for it.
    let mut first = Recording::open(&args.file)?;
    Iterator::next(&mut first).with_context(|| format!("{}: empty", args.file.display()))??;
    let mut flags = args.node.flags();
    let temporary = match args.node.data {
        Some(_) => None,
        None => Some(TemporaryDirectory::new("laybook-replay")?),
    };
    if let Some(directory) = &temporary {
        flags.push(("data.directory", directory.path().display().to_string()));
    }
    let settings = match Settings::read(args.node.config.as_deref(), &flags) {
        Ok(settings) => settings,
        Err(error) => return refused(&error),
    };
    telemetry::install(settings.log_format, &settings.log_filter).context("logging")?;
    runtime()?.block_on(replay(settings, args))
}

async fn replay(settings: Settings, args: &ReplayArgs) -> anyhow::Result<Exit> {
    let stop = stop_asked()?;
    tokio::pin!(stop);
    let running = Running::start(settings).await?;
    announce(&running.listeners)?;
    if args.passive {
        return tell(running, args, stop.as_mut()).await;
    }
    let node = running.node.clone();
    let played = async {
        running.ready().await?;
        play(&node, args).await
    };
    let exit = tokio::select! {
        exit = played => exit?,
        () = &mut stop => {
            say("stopped before the end")?;
            Exit::Failed
        }
    };
    running.stop().await?;
    Ok(exit)
}

/// The recording is told to whoever subscribes, until the node is stopped.
async fn tell(
    running: Running,
    args: &ReplayArgs,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<Exit> {
    let tape = TapeFile { path: args.file.clone(), speed: args.speed };
    running.stream.tape.set(tape).map_err(|_| anyhow!("one recording at a time"))?;
    running.ready().await?;
    let residents = Residents::new(&running.node, "replay").await?;
    let watcher = Resident {
        username: WATCHER,
        password: Some(WATCHER),
        deposit: WATCHERS_MONEY,
        minimum_stakes: true,
    };
    let customer = residents.create(watcher).await?;
    say(&format!("log in as {WATCHER} {WATCHER} with {}", customer.app_key))?;
    say("ready")?;
    stop.await;
    running.stop().await?;
    Ok(Exit::Done)
}

/// Who may follow a recording that is only told.
const WATCHER: &str = "watcher";
/// Nothing can be bet on, but an account begins with a deposit.
const WATCHERS_MONEY: Pence = Pence(10_000);

async fn play(node: &Arc<Node>, args: &ReplayArgs) -> anyhow::Result<Exit> {
    // A data directory may hold the mirrors of earlier replays.
    let username = format!("mirror-{:016x}", secret::number());
    let residents = Residents::new(node, "replay").await?;
    let mirror = Resident {
        username: &username,
        password: None,
        deposit: MIRRORS_MONEY,
        minimum_stakes: false,
    };
    let customer = residents.create(mirror).await?;
    let (report, mut reports) = watch::channel(Report::default());
    let (opened, progress) = watch::channel(Progress::default());
    let path = args.file.clone();
    let open = move || -> Result<Box<dyn Messages>, String> {
        let recording = Recording::open(&path).map_err(|error| error.to_string())?;
        opened.send_replace(recording.progress());
        Ok(Box::new(recording))
    };
    let play = Play {
        open: Box::new(open),
        file: name_of(&args.file),
        speed: args.speed,
        customer,
        secrets: session_secrets,
        report,
    };
    let began = Instant::now();
    node.plays.give(0, play);
    node.nursery().start(Child::Replay(0));
    let report = follow(node, &mut reports, &progress).await?;
    let read = progress.borrow().clone();
    summary(node, &report, &read, began.elapsed()).await
}

/// Shows how far the play is, until it has ended.
async fn follow(
    node: &Node,
    reports: &mut watch::Receiver<Report>,
    progress: &watch::Receiver<Progress>,
) -> anyhow::Result<Report> {
    let bar = bar();
    let (mut every, mut told) = (tokio::time::interval(LOOK_EVERY), Instant::now());
    let mut listed = false;
    loop {
        tokio::select! {
            ended = reports.wait_for(|report| report.end.is_some()) => {
                let report = ended.context("the play was let go")?.clone();
                bar.finish_and_clear();
                return Ok(report);
            }
            _ = every.tick() => {}
        }
        let report = reports.borrow().clone();
        if let Some(market) = report.market.filter(|_| !listed) {
            listed = true;
            bar.suspend(|| say(&format!("market {market}")))?;
        }
        let read = progress.borrow().clone();
        let state = format!("{} {:?}", Date(report.at.0), report.status);
        bar.set_length(read.bytes);
        bar.set_position(read.read());
        bar.set_message(state.clone());
        if bar.is_hidden() && told.elapsed() >= TOLD_EVERY {
            told = Instant::now();
            let percent = 100 * read.read() / read.bytes.max(1);
            let (messages, compared) = (report.messages, report.compared);
            say(&format!("{percent:>3} % {state}: {messages} messages, {compared} compared"))?;
        }
        if node.nursery().is_quarantined(Child::Replay(0)) {
            bar.finish_and_clear();
            return Err(anyhow!("the play failed again and again; see the log"));
        }
    }
}

fn bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bytes}/{total_bytes} [{wide_bar}] {msg} {eta}");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

async fn summary(
    node: &Node,
    report: &Report,
    read: &Progress,
    took: Duration,
) -> anyhow::Result<Exit> {
    let seconds = took.as_secs_f64();
    say(&format!("messages            {} in {seconds:.1} s", report.messages))?;
    say(&format!("ladders compared    {} times, in full", report.compared))?;
    say(&format!("differences         {}", report.differences))?;
    for example in &report.examples {
        say(&format!("                    {example}"))?;
    }
    if report.with_others > 0 {
        say(&format!("with others' orders {}", report.with_others))?;
    }
    let (ours, recorded) = report.volume;
    say(&format!("volume, both sides  {ours}; {recorded} by the rule of odd pence"))?;
    say(&format!("market              {:?}", report.status))?;
    if read.others() > 0 {
        say(&format!("left out            {} changes of other markets", read.others()))?;
    }
    for note in &report.notes {
        say(&format!("note                {note}"))?;
    }
    if let Some(account) = report.account
        && let Ok(actors::account::AccountView::Funds { funds, .. }) =
            ask::funds(node, account).await
    {
        let gained = funds.balance - MIRRORS_MONEY;
        say(&format!("mirror              {gained} after settlement, {} held", funds.exposure))?;
    }
    let ledger = ledger::read(node).await.map_err(|problem| anyhow!("the ledger: {problem:?}"))?;
    for key in ["deposits", "customerBalances", "holds", "clearing", "commission", "rounding"] {
        say(&format!("ledger              {key} {}", ledger[key].as_str().unwrap_or("?")))?;
    }
    let difference = ledger["difference"].as_str().unwrap_or("?");
    say(&format!("ledger              difference {difference}"))?;
    if let Some(Err(why)) = &report.end {
        writeln!(std::io::stderr(), "laybook: the recording ends with damage: {why}")?;
        return Ok(Exit::Failed);
    }
    let good = report.differences == 0 && difference == "0.00";
    Ok(if good { Exit::Done } else { Exit::Failed })
}

fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| "market".into(), |name| name.to_string_lossy().into_owned())
}

fn say(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests;
