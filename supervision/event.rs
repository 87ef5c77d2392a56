//! What happened in the tree, as values, and the bounded way out of it.
//!
//! A supervisor never waits for whoever listens: when the queue is full the event is dropped, and
//! the next one that fits says how many are missing before it.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use actors::last_words::LastWords;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::exit::ExitReason;
use crate::intensity::Intensity;
use crate::spec::{Restart, Strategy};
use crate::start::StartError;

/// Events that may wait for the reader of the sink.
pub const SINK_BOUND: usize = 16_384;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SupervisionEvent {
    /// Grows by one from event to event, dropped ones included.
    pub seq: u64,
    /// The wall clock, for people; order is `seq`.
    pub at_ms: u64,
    /// The supervisor's place in the tree, ids joined by `/`; empty for the root's own events.
    pub supervisor: Arc<str>,
    pub child: Arc<str>,
    pub kind: Cow<'static, str>,
    #[serde(flatten)]
    pub what: What,
    /// Events that did not fit into the sink just before this one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lost_before: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum What {
    /// Up, for the `incarnation`th time.
    Spawned {
        incarnation: u64,
        restart: Restart,
        /// Of a supervisor: how its own children are restarted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        strategy: Option<Strategy>,
        /// How many restarts it may use up, as a supervisor or as a child with a budget of its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        budget: Option<Intensity>,
    },
    /// Recovered, and taking requests: so long after it was up, from a snapshot or none, and from so
    /// many records behind it.
    Ready {
        after_us: u64,
        /// Where the log stood when the snapshot was made.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        snapshot: Option<u64>,
        replayed: u64,
    },
    /// Its start said that there is nothing to run.
    Ignored,
    StartFailed {
        error: StartError,
    },
    /// Ended by itself.
    Exited {
        exit: ExitReason,
        /// What it was at.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_words: Option<Box<LastWords>>,
    },
    /// Restart `attempt` of the `of` that its supervisor (or its own budget) allows in a period.
    Restarting {
        attempt: u32,
        of: u32,
        within_ms: u64,
        /// It is its own budget, and not its supervisor's.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        own: bool,
        backoff_ms: u64,
    },
    /// Its own budget is spent; it stays in the list, down, until somebody restarts it.
    Quarantined {
        restarts: u32,
        within_ms: u64,
    },
    /// Ended by its supervisor.
    Stopped {
        exit: ExitReason,
    },
    /// It was down, and is no child any more.
    Forgotten,
    /// The supervisor itself ends, because of this child.
    GaveUp,
    /// The process began.
    NodeStarted {
        version: Cow<'static, str>,
        /// The one before it left no word of its end: it was killed, or lost its power.
        after_crash: bool,
    },
    /// The process ends and says so; with a cause when it was not asked to.
    NodeStopped {
        version: Cow<'static, str>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<String>,
    },
    /// Somebody did this to the child from outside.
    OperatorActed {
        operator: String,
        act: Cow<'static, str>,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
}

/// Where events go. Cheap to clone; all clones number together.
#[derive(Clone)]
pub struct EventSink(Arc<Sink>);

struct Sink {
    /// Number and queue change together, so the order of numbers is the order of the queue.
    out: Mutex<Out>,
    lost_total: AtomicU64,
}

struct Out {
    next_seq: u64,
    lost: u64,
    queue: Option<mpsc::Sender<SupervisionEvent>>,
}

impl EventSink {
    /// A sink and its reading end, which holds at most `bound` events.
    pub fn bounded(bound: usize) -> (Self, mpsc::Receiver<SupervisionEvent>) {
        Self::bounded_after(0, bound)
    }

    /// As [`bounded`](Self::bounded); the first event follows number `seq`.
    pub fn bounded_after(seq: u64, bound: usize) -> (Self, mpsc::Receiver<SupervisionEvent>) {
        let (queue, receiver) = mpsc::channel(bound);
        (Self::new(seq + 1, Some(queue)), receiver)
    }

    /// For trees that nobody watches.
    pub fn nowhere() -> Self {
        Self::new(1, None)
    }

    fn new(next_seq: u64, queue: Option<mpsc::Sender<SupervisionEvent>>) -> Self {
        let out = Mutex::new(Out { next_seq, lost: 0, queue });
        Self(Arc::new(Sink { out, lost_total: AtomicU64::new(0) }))
    }

    /// Events dropped since the beginning.
    pub fn lost(&self) -> u64 {
        self.0.lost_total.load(Ordering::Relaxed)
    }

    /// The number of the last event, lost or not; 0 before the first.
    pub(crate) fn last_seq(&self) -> u64 {
        self.0.out.lock().unwrap_or_else(PoisonError::into_inner).next_seq - 1
    }

    /// How many of the last events were dropped.
    pub(crate) fn lost_last(&self) -> u64 {
        self.0.out.lock().unwrap_or_else(PoisonError::into_inner).lost
    }

    /// For what happened to a child, or to the whole node, from outside the tree; its number.
    pub fn note(&self, child: &str, kind: &'static str, what: What) -> u64 {
        self.note_at("", child, kind, what)
    }

    /// The same of a child below a supervisor.
    pub fn note_at(&self, supervisor: &str, child: &str, kind: &'static str, what: What) -> u64 {
        self.send(&supervisor.into(), &child.into(), kind, what)
    }

    pub(crate) fn send(
        &self,
        supervisor: &Arc<str>,
        child: &Arc<str>,
        kind: &'static str,
        what: What,
    ) -> u64 {
        let at_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let mut out = self.0.out.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(queue) = &out.queue else { return 0 };
        let event = SupervisionEvent {
            seq: out.next_seq,
            at_ms: at_ms as u64,
            supervisor: supervisor.clone(),
            child: child.clone(),
            kind: Cow::Borrowed(kind),
            what,
            lost_before: out.lost,
        };
        let seq = out.next_seq;
        let fits = queue.try_send(event).is_ok();
        out.next_seq += 1;
        if fits {
            out.lost = 0;
        } else {
            out.lost += 1;
            self.0.lost_total.fetch_add(1, Ordering::Relaxed);
        }
        seq
    }
}
