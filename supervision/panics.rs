//! What a panicking actor had to say: message, place and backtrace, kept by tokio task until the
//! supervisor that hears of the exit picks it up.
//!
//! ractor catches panics and hands on their text alone, which cannot be told from an `Err`. The
//! hook runs in the task that panics, every actor is one task, and a start runs in the task of
//! its supervisor: the task's id is the key. Backtraces are resolved when they are read, because
//! resolving one costs milliseconds and a restart does not.

use std::any::Any;
use std::backtrace::Backtrace;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::panic::PanicHookInfo;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio::task;

use crate::exit::clip;

/// Notes that nobody picked up are forgotten beyond this, oldest first.
const NOTES_MAX: usize = 1024;

/// Backtraces taken in a second. In a storm of panics they are all alike, and each holds some
/// kilobytes until its event is forgotten.
const TRACES_PER_SECOND_MAX: u32 = 250;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Panic {
    pub message: String,
    /// `file:line:column`.
    pub location: Option<String>,
    pub backtrace: Option<Trace>,
}

/// A backtrace that becomes text when somebody reads it.
#[derive(Clone)]
pub enum Trace {
    Captured(Arc<Backtrace>),
    Text(Arc<str>),
}

pub(crate) struct Note {
    pub(crate) panic: Panic,
    /// The payload as ractor will show it; `None` when it was no string.
    text: Option<String>,
    number: u64,
}

impl Note {
    /// A panic that was caught inside the handler also leaves a note: it must not be taken for
    /// the reason of a later `Err`.
    pub(crate) fn explains(&self, text: &str) -> bool {
        self.text.as_deref().is_none_or(|payload| payload == text)
    }
}

#[derive(Default)]
struct Notes {
    by_task: HashMap<task::Id, Note>,
    /// With each note's number: a task may panic again after its first note was picked up.
    order: VecDeque<(u64, task::Id)>,
    written: u64,
    /// The second that is counted, and the backtraces taken in it.
    traces: Option<(Instant, u32)>,
}

static NOTES: Mutex<Option<Notes>> = Mutex::new(None);
static INSTALLED: Once = Once::new();

/// Installs the hook, once for the process; `Root::start` does it too. A panic inside a task is
/// noted and logged as one line; any other goes to the hook that was there before, and so does
/// one that no subscriber of the log would show.
pub fn install_panic_hook() {
    INSTALLED.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if let Some(task) = task::try_id() {
                note(task, info);
                if tracing::enabled!(tracing::Level::ERROR) {
                    return;
                }
            }
            previous(info);
        }));
    });
}

fn note(task: task::Id, info: &PanicHookInfo<'_>) {
    let trace = || Trace::Captured(Arc::new(Backtrace::force_capture()));
    let text = info.payload_as_str().map(str::to_owned);
    let panic = Panic {
        message: text.as_deref().map_or_else(|| "no message".to_owned(), clip),
        location: info.location().map(ToString::to_string),
        backtrace: may_trace().then(trace),
    };
    tracing::error!(%task, message = panic.message, location = panic.location, "task panicked");

    let mut notes = NOTES.lock().unwrap_or_else(PoisonError::into_inner);
    let notes = notes.get_or_insert_default();
    notes.written += 1;
    let number = notes.written;
    notes.by_task.insert(task, Note { panic, text, number });
    notes.order.push_back((number, task));
    // Notes that were picked up stay in `order` until they come to its front.
    if notes.order.len() > NOTES_MAX
        && let Some((oldest, task)) = notes.order.pop_front()
        && notes.by_task.get(&task).is_some_and(|note| note.number == oldest)
    {
        notes.by_task.remove(&task);
    }
}

fn may_trace() -> bool {
    let mut notes = NOTES.lock().unwrap_or_else(PoisonError::into_inner);
    let now = Instant::now();
    let (second, taken) = notes.get_or_insert_default().traces.get_or_insert((now, 0));
    if now.duration_since(*second) >= Duration::from_secs(1) {
        (*second, *taken) = (now, 0);
    }
    *taken += 1;
    *taken <= TRACES_PER_SECOND_MAX
}

pub(crate) fn take(task: task::Id) -> Option<Note> {
    let mut notes = NOTES.lock().unwrap_or_else(PoisonError::into_inner);
    notes.as_mut()?.by_task.remove(&task)
}

/// The panic that this very task has just caught.
pub(crate) fn caught(payload: &(dyn Any + Send)) -> Panic {
    if let Some(note) = task::try_id().and_then(take) {
        return note.panic;
    }
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    Panic { message: clip(text.unwrap_or("no message")), location: None, backtrace: None }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Captured(backtrace) => backtrace.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trace")
    }
}

impl PartialEq for Trace {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Captured(a), Self::Captured(b)) if Arc::ptr_eq(a, b) => true,
            _ => self.to_string() == other.to_string(),
        }
    }
}

impl Serialize for Trace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Trace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::Text(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::exit::ExitReason;

    #[tokio::test]
    async fn a_panic_that_was_caught_inside_is_not_the_reason_of_a_later_error() {
        install_panic_hook();
        let task = tokio::spawn(async {
            let _ = catch_unwind(AssertUnwindSafe(|| panic!("caught in time")));
            task::id()
        });
        let task = task.await.unwrap();
        let error = "something else".into();
        let exit = ExitReason::from_error(error, Some(task));
        assert_eq!(exit, ExitReason::Failed("something else".to_owned()));
        assert!(take(task).is_none(), "and the note is gone");
    }

    #[tokio::test]
    async fn panics_without_text_are_panics_too() {
        install_panic_hook();
        let task = tokio::spawn(async {
            let _ = catch_unwind(AssertUnwindSafe(|| std::panic::panic_any(7)));
            task::id()
        });
        let error = "Unknown panic occurred which couldn't be coerced to a string".into();
        let exit = ExitReason::from_error(error, Some(task.await.unwrap()));
        let ExitReason::Panicked(panic) = exit else { panic!("{exit:?}") };
        assert_eq!(panic.message, "no message");
    }

    #[tokio::test]
    async fn notes_and_backtraces_are_bounded() {
        install_panic_hook();
        let mut tasks = Vec::new();
        for _ in 0..NOTES_MAX + 10 {
            let task = tokio::spawn(async {
                let _ = catch_unwind(AssertUnwindSafe(|| panic!("one of many")));
                task::id()
            });
            tasks.push(task.await.unwrap());
        }
        assert!(take(tasks[0]).is_none(), "the oldest is forgotten");
        let last = take(tasks[NOTES_MAX + 9]).expect("the newest is there");
        assert_eq!(last.panic.message, "one of many");
        let notes = NOTES.lock().unwrap();
        let notes = notes.as_ref().expect("there were notes");
        assert!(notes.by_task.len() <= NOTES_MAX && notes.order.len() <= NOTES_MAX);
        let traced = notes.by_task.values().filter(|note| note.panic.backtrace.is_some());
        assert!(traced.count() < NOTES_MAX, "a storm does not keep them all");
    }
}
