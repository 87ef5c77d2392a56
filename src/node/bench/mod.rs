//! `laybook bench NAME`: programs with a stated workload that measure the product and print what they found.
//!
//! | file | noun |
//! |---|---|
//! | `match_bench`, `match_flow`, `peers` | matching on one thread, the orders it is fed, the engines beside it |
//! | `bets`, `bets_flow` | durable bets a second over HTTP JSON, and what is sent |
//! | `orders`, `order_line`, `peer` | durable bets a second over the order channel, its connections, the Erlang beside it |
//! | `restart` | how long what died is away |
//! | `fanout`, `peer/` | one market's changes to thousands of WebSockets, and Node's `ws` beside it |
//! | `pricing` | books, fits and inversions of football, and the results that a peer fits |
//! | `saturday` | a thousand matches at once, from a provider's word to a reader's socket |
//! | `crowd` | what a healthy client waits for while others misbehave |
//! | `idle`, `full` | what markets cost that nobody asks; the largest act there is |
//! | `filled` | the node full of open bets that `restart` and `full` begin with |
//! | `watch` | bets with and without a console open on ten thousand actors |
//! | `node`, `exchange`, `client`, `web_socket` | the node under load, its users and markets, the connections to it |
//! | `audit` | what the journal holds when the load is over |
//! | `report`, `stats`, `machine`, `progress` | what is printed, of how many rounds, measured on what |
//!
//! They print figures and judge none. They fail where a result is wrong: a trade too many, an acknowledged
//! bet that the journal does not hold.

mod audit;
mod bets;
mod bets_flow;
mod client;
mod crowd;
mod exchange;
mod fanout;
mod filled;
mod full;
mod idle;
mod machine;
mod match_bench;
mod match_flow;
mod node;
mod order_line;
mod orders;
mod peer;
#[cfg(feature = "peers")]
mod peers;
mod pricing;
mod progress;
mod report;
mod restart;
mod saturday;
mod stats;
mod watch;
mod web_socket;

pub use node::RunningNode;

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

/// Which benchmark, of those there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bench {
    /// Orders a second through the product's own market.
    Match,
    /// Durable bets a second over HTTP.
    Bets,
    /// Durable bets a second over the order channel, beside a peer.
    Orders,
    /// How long a killed market and a stopped node are away.
    Restart,
    /// One market's changes to thousands of subscribers.
    Fanout,
    /// What a healthy client waits for in a crowd of bad ones.
    Crowd,
    /// What idle markets cost.
    Idle,
    /// A market full of orders lapses.
    Full,
    /// What it costs to be watched.
    Watch,
    /// A thousand matches at once.
    Saturday,
    /// Football on one thread; or only the results of so many seasons that it fits.
    Pricing {
        /// How many.
        results_csv: Option<u8>,
    },
}

/// How to measure and what to print.
#[derive(Debug, Clone)]
pub struct Settings {
    /// JSON instead of tables.
    pub json: bool,
    /// How often each figure is taken.
    pub rounds: usize,
    /// How long a round of load lasts.
    pub round: Duration,
    /// Only this configuration of the load: connections, bets a request.
    pub only: Option<(usize, usize)>,
    /// Load this node instead of one of our own; its journal is then not looked at.
    pub node: Option<RunningNode>,
    /// Measure this build of `laybook` instead of the one that measures.
    pub program: Option<PathBuf>,
    /// Where a node of our own keeps its data while it lasts, instead of the system's temporary directory.
    pub data: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            json: false,
            rounds: 5,
            round: Duration::from_secs(3),
            only: None,
            node: None,
            program: None,
            data: None,
        }
    }
}

impl Settings {
    /// The build of `laybook` that is measured.
    fn program(&self) -> io::Result<PathBuf> {
        self.program.clone().map_or_else(std::env::current_exe, Ok)
    }
}

/// Runs one benchmark and prints its report. Blocks: call it from outside any runtime.
pub fn run(bench: Bench, settings: &Settings) -> anyhow::Result<()> {
    let report = match bench {
        Bench::Match => match_bench::run_bench(settings.rounds)?,
        Bench::Bets => bets::run_bench(settings)?,
        Bench::Orders => orders::run_bench(settings)?,
        Bench::Restart => restart::run_bench(settings)?,
        Bench::Fanout => fanout::run_bench(settings)?,
        Bench::Crowd => crowd::run_bench(settings)?,
        Bench::Idle => idle::run_bench(settings)?,
        Bench::Full => full::run_bench(settings)?,
        Bench::Watch => watch::run_bench(settings)?,
        Bench::Saturday => saturday::run_bench(settings)?,
        Bench::Pricing { results_csv: None } => pricing::run_bench(settings)?,
        Bench::Pricing { results_csv: Some(seasons) } => {
            let text = pricing::results_csv(seasons.into());
            io::stdout().lock().write_all(text.as_bytes())?;
            return Ok(());
        }
    };
    report.write(settings.json, &mut io::stdout().lock())?;
    Ok(())
}
