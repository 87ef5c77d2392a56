//! `laybook bench NAME`: programs with a stated workload that measure the product and print what they found.
//!
//! | file | noun |
//! |---|---|
//! | `match_bench`, `match_flow`, `peers` | matching on one thread, the orders it is fed, the engines beside it |
//! | `report`, `stats`, `machine`, `progress` | what is printed, of how many rounds, measured on what |
//!
//! They print figures and judge none. They fail where a result is wrong: a trade too many, an acknowledged
//! bet that the journal does not hold.

mod machine;
mod match_bench;
mod match_flow;
#[cfg(feature = "peers")]
mod peers;
mod progress;
mod report;
mod stats;

use std::io;

/// Which benchmark, of those there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bench {
    /// Orders a second through the product's own market.
    Match,
}

/// How to measure and what to print.
#[derive(Debug, Clone)]
pub struct Settings {
    /// JSON instead of tables.
    pub json: bool,
    /// How often each figure is taken.
    pub rounds: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { json: false, rounds: 5 }
    }
}

/// Runs one benchmark and prints its report. Blocks: call it from outside any runtime.
pub fn run(bench: Bench, settings: &Settings) -> anyhow::Result<()> {
    let report = match bench {
        Bench::Match => match_bench::run_bench(settings.rounds)?,
    };
    report.write(settings.json, &mut io::stdout().lock())?;
    Ok(())
}
