//! `laybook serve`: a node that runs until it is told to stop.
//!
//! On standard output it says where it listens, one line a listener, then a link into the console, good once
//! and for fifteen minutes, then `ready` when it serves.

use std::io::Write;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::boot::{Listeners, Running};
use crate::cli::{Exit, ServeArgs};
use crate::config::{ConfigError, Settings};
use crate::telemetry;

/// Runs the node; the exit code says how it ended.
pub fn run(args: &ServeArgs) -> anyhow::Result<Exit> {
    let settings = match Settings::read(args.node.config.as_deref(), &args.node.flags()) {
        Ok(settings) => settings,
        Err(error) => return refused(&error),
    };
    telemetry::install(settings.log_format, &settings.log_filter).context("logging")?;
    runtime()?.block_on(serve(settings))?;
    Ok(Exit::Done)
}

/// Complaints one a line, as a shell user expects.
pub fn refused(error: &ConfigError) -> anyhow::Result<Exit> {
    for line in error.to_string().lines() {
        writeln!(std::io::stderr(), "laybook: {line}")?;
    }
    Ok(Exit::Usage)
}

/// The executor that a node runs on.
pub fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("the executor")
}

async fn serve(settings: Settings) -> anyhow::Result<()> {
    let running = Running::start(settings).await?;
    announce(&running.listeners)?;
    let stop = stop_asked()?;
    tokio::pin!(stop);
    tokio::select! {
        ready = running.ready() => ready?,
        () = &mut stop => return running.stop().await,
    }
    say(&format!("console {}", running.console_link("console")))?;
    say("ready")?;
    running.run(stop).await
}

/// Where the node listens, for people and for programs that started it.
pub fn announce(listeners: &Listeners) -> anyhow::Result<()> {
    say(&format!("http http://{}", listeners.http))?;
    say(&format!("admin http://{}", listeners.admin))?;
    for (name, address) in [("stream", listeners.stream), ("stream_plain", listeners.stream_plain)]
    {
        if let Some(address) = address {
            say(&format!("{name} {address}"))?;
        }
    }
    Ok(())
}

fn say(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// Resolves at the first SIGTERM or SIGINT.
pub fn stop_asked() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
