//! Why an actor ended, as a value.
//!
//! ractor knows an optional string (`stop`) or a boxed error (`Err` and panics alike). This file
//! owns the agreement on the strings and tells the three apart; it never decides what a reason
//! leads to, that is the supervisor's `Restart`.

use std::error::Error as StdError;

use ractor::ActorProcessingErr;
use serde::{Deserialize, Serialize};
use tokio::task;

use crate::panics::{self, Panic};
use crate::start::StartError;

/// What a behaviour says to `ActorRef::stop(Some(..))`. `stop(None)` is `NORMAL`; any other text
/// is a failure, as `exit(Other)` is in Erlang.
pub mod reason {
    /// The work is done.
    pub const NORMAL: &str = "normal";
    /// Asked to end by its supervisor.
    pub const SHUTDOWN: &str = "shutdown";
    /// Orderly, with a cause behind the colon: Erlang's `{shutdown, Cause}`.
    pub const SHUTDOWN_PREFIX: &str = "shutdown: ";
    /// A supervisor saw more restarts than its intensity allows.
    pub const GAVE_UP: &str = "shutdown: reached maximum restart intensity";
    /// A supervisor ended because its significant children did.
    pub const AUTO_SHUTDOWN: &str = "shutdown: significant children have ended";
}

/// A message is cut here: a reason travels through every console and log.
pub const REASON_BYTES_MAX: usize = 4096;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "reason", content = "detail", rename_all = "snake_case")]
pub enum ExitReason {
    #[error("normal")]
    Normal,
    #[error("shutdown")]
    Shutdown,
    /// An orderly end with its cause.
    #[error("shutdown: {0}")]
    ShutdownFor(String),
    #[error("killed")]
    Killed,
    /// A handler returned `Err`, or the actor was stopped with a reason of its own.
    #[error("{0}")]
    Failed(String),
    #[error("panicked: {0}")]
    Panicked(Panic),
    #[error("could not start: {0}")]
    StartFailed(Box<StartError>),
}

impl ExitReason {
    /// An end that a transient child is not restarted after.
    pub fn is_orderly(&self) -> bool {
        matches!(self, Self::Normal | Self::Shutdown | Self::ShutdownFor(_))
    }

    /// What ractor reports as terminated.
    pub(crate) fn from_stop(text: Option<String>) -> Self {
        match text.as_deref() {
            None | Some(reason::NORMAL | "Drained") => Self::Normal,
            Some(reason::SHUTDOWN) => Self::Shutdown,
            Some("killed") => Self::Killed,
            Some(other) => match other.strip_prefix(reason::SHUTDOWN_PREFIX) {
                Some(cause) => Self::ShutdownFor(clip(cause)),
                None => Self::Failed(clip(other)),
            },
        }
    }

    /// What ractor reports as failed. A handler may return an `ExitReason` as its error and is
    /// taken at its word; a panic is told from an `Err` by what the hook noted for that task.
    pub(crate) fn from_error(error: ActorProcessingErr, task: Option<task::Id>) -> Self {
        let error = match error.downcast::<ExitReason>() {
            Ok(reason) => return *reason,
            Err(error) => error,
        };
        let text = chain(error.as_ref());
        match task.and_then(panics::take) {
            Some(note) if note.explains(&text) => Self::Panicked(note.panic),
            _ => Self::Failed(clip(&text)),
        }
    }
}

/// The error with its causes, in one line.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}

pub(crate) fn clip(text: &str) -> String {
    let mut end = text.len().min(REASON_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
