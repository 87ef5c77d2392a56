//! Where the process's logs go: to stderr, for people on a terminal and as JSON otherwise.
//!
//! Owns the global tracing subscriber, installed once at the start, and the one way to change while it runs how
//! much it lets through.

use std::io::IsTerminal;
use std::sync::OnceLock;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::config::LogFormat;

type Reload = Box<dyn Fn(EnvFilter) -> Result<(), String> + Send + Sync>;

/// Set when the subscriber is installed: a process has one.
static RELOAD: OnceLock<Reload> = OnceLock::new();

/// Lets through what the filter says from now on; what is wrong with it otherwise.
pub fn change_filter(filter: &str) -> Result<(), String> {
    let filter = EnvFilter::try_new(filter).map_err(|error| error.to_string())?;
    let reload = RELOAD.get().ok_or("this process keeps no log")?;
    reload(filter)
}

/// Installs the subscriber. `filter` was checked with the configuration; a bad one logs at `info`.
pub fn install(format: LogFormat, filter: &str) -> Result<(), TryInitError> {
    let pretty = match format {
        LogFormat::Pretty => true,
        LogFormat::Json => false,
        LogFormat::Auto => std::io::stderr().is_terminal(),
    };
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if pretty {
        let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let logs = logs.with_ansi(colour).with_target(false).with_filter_reloading();
        let handle = logs.reload_handle();
        keep(Box::new(move |filter| handle.reload(filter).map_err(|error| error.to_string())));
        logs.finish().try_init()
    } else {
        let logs = logs.json().flatten_event(true).with_current_span(true);
        let logs = logs.with_filter_reloading();
        let handle = logs.reload_handle();
        keep(Box::new(move |filter| handle.reload(filter).map_err(|error| error.to_string())));
        logs.finish().try_init()
    }
}

fn keep(reload: Reload) {
    // A second subscriber is refused, and its way with it.
    let _ = RELOAD.set(reload);
}
