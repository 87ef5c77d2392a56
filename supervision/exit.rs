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

/// How an actor that had started came to its end. One that never started is a `StartError`.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot append")]
    struct Append(#[source] std::io::Error);

    #[test]
    fn stop_texts_have_their_meanings() {
        let cases = [
            (None, ExitReason::Normal),
            (Some("normal"), ExitReason::Normal),
            (Some("Drained"), ExitReason::Normal),
            (Some("shutdown"), ExitReason::Shutdown),
            (Some("shutdown: idle"), ExitReason::ShutdownFor("idle".to_owned())),
            (Some("killed"), ExitReason::Killed),
            (Some("shutdownish"), ExitReason::Failed("shutdownish".to_owned())),
            (Some(""), ExitReason::Failed(String::new())),
        ];
        for (text, expected) in cases {
            assert_eq!(ExitReason::from_stop(text.map(str::to_owned)), expected);
        }
    }

    #[test]
    fn an_error_is_told_with_its_causes_and_a_reason_is_taken_at_its_word() {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let expected = ExitReason::Failed(format!("cannot append: {full}"));
        assert_eq!(ExitReason::from_error(Append(full).into(), None), expected);
        for reason in [ExitReason::Normal, ExitReason::ShutdownFor("idle".to_owned())] {
            assert_eq!(ExitReason::from_error(reason.clone().into(), None), reason);
        }
    }

    #[test]
    fn long_reasons_are_cut_between_characters() {
        for pad in 0..4 {
            let text = "x".repeat(pad) + &"\u{20ac}".repeat(REASON_BYTES_MAX);
            let cut = clip(&text);
            assert!(cut.len() <= REASON_BYTES_MAX && cut.len() > REASON_BYTES_MAX - 3);
            assert!(text.starts_with(&cut));
        }
    }
}
