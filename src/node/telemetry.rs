//! Where the process's logs go: to stderr, for people on a terminal and as JSON otherwise.
//!
//! Owns the global tracing subscriber, installed once at the start.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::config::LogFormat;

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
        logs.with_ansi(colour).with_target(false).finish().try_init()
    } else {
        logs.json().flatten_event(true).with_current_span(true).finish().try_init()
    }
}
