//! `laybook confined`: becomes another program that may have only so much memory, and that does not outlive who
//! started it. What a port puts before the command of its model; people have no use for it.
//!
//! Limits are of the process itself, so they are set in it before it becomes the program, and need no unsafe code
//! between fork and exec.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context as _, anyhow};
use clap::Args;
use rustix::process::{Resource, Rlimit, setrlimit};

use crate::cli::Exit;

/// The arguments of `laybook confined`.
#[derive(Debug, Clone, Args)]
pub struct ConfinedArgs {
    /// Address space of the program, and of each program it starts
    #[arg(long, value_name = "MIB")]
    pub memory_mb: u64,
    /// The program and its arguments
    #[arg(trailing_var_arg = true, required = true, allow_hyphen_values = true)]
    pub command: Vec<String>,
}

/// Only comes back when the program cannot be run.
pub fn run(args: &ConfinedArgs) -> anyhow::Result<Exit> {
    let (program, rest) = args.command.split_first().context("no program is named")?;
    let mut command = Command::new(program);
    command.args(rest);
    let no_more = |most: u64| Rlimit { current: Some(most), maximum: Some(most) };
    // A model that runs out of memory leaves no picture of it on the disk.
    setrlimit(Resource::Core, no_more(0)).context("the size of core files cannot be limited")?;
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .context("it would outlive who started it")?;
    let bytes = args.memory_mb.saturating_mul(1 << 20);
    setrlimit(Resource::As, no_more(bytes)).context("its memory cannot be limited")?;
    Err(anyhow!("{program} cannot be run: {}", command.exec()))
}
