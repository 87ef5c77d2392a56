//! The process: reads the command line, runs one command, and ends with its exit code.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use laybook::cli::{Cli, Command, Exit};
use laybook::port::confined;
use laybook::pricing::{
    backtest_command, fit_command, inplay_command, models_command, price_command,
};
use laybook::{
    bench_command, config_command, demo_command, events_command, follow_command, link_command,
    lints_command, replay_command, serve_command, top_command, tree_command, verify_command,
    why_command,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    let exit = match Cli::parse().command {
        Command::Serve(args) => serve_command::run(&args),
        Command::Demo(args) => demo_command::run(&args),
        Command::Replay(args) => replay_command::run(&args),
        Command::Verify(args) => verify_command::run(&args),
        Command::Events(args) => events_command::run(&args),
        Command::Tree(args) => tree_command::run(&args),
        Command::Top(args) => top_command::run(&args),
        Command::Why(args) => why_command::run(&args),
        Command::Follow(args) => follow_command::run(&args),
        Command::Lints(args) => lints_command::run(&args),
        Command::Link(args) => link_command::run(&args),
        Command::Price(args) => price_command::run(&args),
        Command::Fit(args) => fit_command::run(&args),
        Command::Backtest(args) => backtest_command::run(&args),
        Command::Models(args) => models_command::run(&args),
        Command::Inplay(args) => inplay_command::run(&args),
        Command::Bench(args) => bench_command::run(&args),
        Command::Confined(args) => confined::run(&args),
        Command::Config(args) => {
            config_command::run(&args, &mut out, &mut err).map_err(anyhow::Error::from)
        }
    };
    exit.unwrap_or_else(|error| {
        // Only a closed output fails here, and then nobody is there to be told.
        let _ = writeln!(err, "laybook: {error:#}");
        Exit::Failed
    })
    .into()
}
