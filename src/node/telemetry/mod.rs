//! Where the process's logs go: to stderr, for people on a terminal and as JSON otherwise. Traces go by [`otlp`].
//!
//! Owns the global tracing subscriber, installed once at the start, and the one way to change while it runs how
//! much it lets through.

pub mod otlp;

use std::io::IsTerminal;
use std::sync::{Mutex, OnceLock, PoisonError};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::config::LogFormat;

type Reload = Box<dyn Fn(EnvFilter) -> Result<(), String> + Send + Sync>;

/// The way to the subscriber's filter, and what that says now.
struct Filter {
    reload: Reload,
    says: Mutex<String>,
}

/// Set when the subscriber is installed: a process has one.
static FILTER: OnceLock<Filter> = OnceLock::new();

/// Lets through what the filter says from now on; what is wrong with it otherwise.
pub fn change_filter(says: &str) -> Result<(), String> {
    let parsed = EnvFilter::try_new(says).map_err(|error| error.to_string())?;
    let filter = FILTER.get().ok_or("this process keeps no log")?;
    (filter.reload)(parsed)?;
    *filter.says.lock().unwrap_or_else(PoisonError::into_inner) = says.to_owned();
    Ok(())
}

/// What the filter says; `None` when this process keeps no log.
pub fn filter() -> Option<String> {
    let says = &FILTER.get()?.says;
    Some(says.lock().unwrap_or_else(PoisonError::into_inner).clone())
}

/// Installs the subscriber. `filter` was checked with the configuration; a bad one logs at `info`.
pub fn install(format: LogFormat, filter: &str) -> Result<(), TryInitError> {
    let pretty = match format {
        LogFormat::Pretty => true,
        LogFormat::Json => false,
        LogFormat::Auto => std::io::stderr().is_terminal(),
    };
    let says = filter;
    let filter = EnvFilter::try_new(says).unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if pretty {
        let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let logs = logs.with_ansi(colour).with_target(false).with_filter_reloading();
        let handle = logs.reload_handle();
        keep(says, Box::new(move |new| handle.reload(new).map_err(|error| error.to_string())));
        logs.finish().try_init()
    } else {
        let logs = logs.json().flatten_event(true).with_current_span(true);
        let logs = logs.with_filter_reloading();
        let handle = logs.reload_handle();
        keep(says, Box::new(move |new| handle.reload(new).map_err(|error| error.to_string())));
        logs.finish().try_init()
    }
}

fn keep(says: &str, reload: Reload) {
    // A second subscriber is refused, and its way with it.
    let _ = FILTER.set(Filter { reload, says: Mutex::new(says.to_owned()) });
}
