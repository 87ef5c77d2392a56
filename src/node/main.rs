//! The process: reads the command line, runs one command, and ends with its exit code.

use std::process::ExitCode;

use clap::Parser;
use laybook::cli::{Cli, Command, Exit};
use laybook::config_command;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    let exit = match Cli::parse().command {
        Command::Config(args) => config_command::run(&args, &mut out, &mut err),
    };
    // Only a closed output fails here, and then nobody is there to be told.
    exit.unwrap_or(Exit::Failed).into()
}
