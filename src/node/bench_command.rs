//! `laybook bench NAME`: from arguments to a benchmark.

use std::time::Duration;

use crate::bench::{self, Bench, Settings};
use crate::cli::{BenchArgs, BenchName, Exit};

/// Runs the benchmark and prints its report.
pub fn run(args: &BenchArgs) -> anyhow::Result<Exit> {
    let bench = match args.name {
        BenchName::Match => Bench::Match,
        BenchName::Bets => Bench::Bets,
        BenchName::Orders => Bench::Orders,
        BenchName::Restart => Bench::Restart,
        BenchName::Fanout => Bench::Fanout,
        BenchName::Crowd => Bench::Crowd,
        BenchName::Idle => Bench::Idle,
        BenchName::Full => Bench::Full,
        BenchName::Watch => Bench::Watch,
        BenchName::Saturday => Bench::Saturday,
        BenchName::Pricing => Bench::Pricing { results_csv: args.results_csv },
    };
    let settings = Settings {
        json: args.json,
        rounds: usize::from(args.rounds),
        round: Duration::from_secs(args.seconds.into()),
        data: args.data.clone(),
        only: args.only,
        ..Settings::default()
    };
    bench::run(bench, &settings)?;
    Ok(Exit::Done)
}
