//! The last supervision events, for whoever asks: a bounded ring in memory, and the file behind it.
//!
//! It never holds up a supervisor: it reads the far end of an `EventSink`, and forgets the oldest
//! events when it is full. Opened on a directory it begins with what earlier processes left there,
//! their numbers go on, and every event is handed to the file's thread (`event_file.rs` says what
//! may be lost).

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, watch};

use crate::event::{EventSink, SINK_BOUND, SupervisionEvent, What};
use crate::event_file::EventFile;
use crate::exit::ExitReason;
use crate::history::History;
use crate::panics::Trace;
use crate::spawn;
use crate::start::StartError;

/// Events that are kept.
pub const LOG_EVENTS_MAX: usize = 65_536;

/// Panics that keep their backtrace, which is some kilobytes; older ones keep their message and
/// place.
pub const LOG_TRACES_MAX: usize = 256;

/// Cheap to clone; all clones read the same events.
#[derive(Clone)]
pub struct EventLog {
    ring: Arc<Mutex<Ring>>,
    history: Arc<Mutex<History>>,
    newest: watch::Receiver<u64>,
    file: Option<EventFile>,
}

/// Events in the order of their numbers.
struct Ring {
    events: VecDeque<SupervisionEvent>,
    events_max: usize,
    /// Numbers of events that have a backtrace.
    traced: VecDeque<u64>,
}

impl EventLog {
    /// A sink for a tree and the log that follows it until the last clone of the sink is gone.
    pub fn start() -> (EventSink, Self) {
        Self::start_with(|_| {})
    }

    /// `note` sees every event as it comes; it must not wait.
    pub fn start_with(note: impl Fn(&SupervisionEvent) + Send + 'static) -> (EventSink, Self) {
        Self::with_bounds(SINK_BOUND, LOG_EVENTS_MAX, note)
    }

    pub fn with_bounds(
        sink_bound: usize,
        events_max: usize,
        note: impl Fn(&SupervisionEvent) + Send + 'static,
    ) -> (EventSink, Self) {
        Self::begin(sink_bound, Ring::new(events_max), History::default(), None, note)
    }

    /// Begins with the events that are in `directory`, and keeps those to come there. A directory
    /// that cannot be used is told and gone without. Reads files: call it where that may block.
    pub fn open(
        directory: &Path,
        note: impl Fn(&SupervisionEvent) + Send + 'static,
    ) -> (EventSink, Self) {
        let mut ring = Ring::new(LOG_EVENTS_MAX);
        let mut history = History::default();
        let file = EventFile::open(directory, |event| {
            history.push(&event);
            ring.take_up(event);
        });
        Self::begin(SINK_BOUND, ring, history, file, note)
    }

    fn begin(
        sink_bound: usize,
        ring: Ring,
        history: History,
        file: Option<EventFile>,
        note: impl Fn(&SupervisionEvent) + Send + 'static,
    ) -> (EventSink, Self) {
        let last = ring.events.back().map_or(0, |event| event.seq);
        let (sink, events) = EventSink::bounded_after(last, sink_bound);
        let (written, newest) = watch::channel(last);
        let (ring, history) = (Arc::new(Mutex::new(ring)), Arc::new(Mutex::new(history)));
        let kept = (ring.clone(), history.clone());
        spawn::task(follow(events, kept, file.clone(), written, note));
        (sink, Self { ring, history, newest, file })
    }

    /// At most `limit` events with a number above `seq`, oldest first. The first of them does not
    /// follow `seq` when what was between has been forgotten.
    pub fn since(&self, seq: u64, limit: usize) -> Vec<SupervisionEvent> {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let first = ring.events.partition_point(|event| event.seq <= seq);
        ring.events.range(first..).take(limit).cloned().collect()
    }

    /// The last `limit` events with a number below `seq` that are `wanted`, oldest first.
    pub fn last_matching(
        &self,
        seq: u64,
        limit: usize,
        wanted: impl Fn(&SupervisionEvent) -> bool,
    ) -> Vec<SupervisionEvent> {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let end = ring.events.partition_point(|event| event.seq < seq);
        let wanted = |event: &&SupervisionEvent| wanted(event);
        let mut found: Vec<_> =
            ring.events.range(..end).rev().filter(wanted).take(limit).cloned().collect();
        found.reverse();
        found
    }

    /// The first `limit` events with a number above `seq` that are `wanted`, oldest first.
    pub fn first_matching(
        &self,
        seq: u64,
        limit: usize,
        wanted: impl Fn(&SupervisionEvent) -> bool,
    ) -> Vec<SupervisionEvent> {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let first = ring.events.partition_point(|event| event.seq <= seq);
        let wanted = |event: &&SupervisionEvent| wanted(event);
        ring.events.range(first..).filter(wanted).take(limit).cloned().collect()
    }

    /// Looks at the tree as the events tell of it, now and in the past. Events wait meanwhile.
    pub fn look<T>(&self, look: impl FnOnce(&History) -> T) -> T {
        look(&self.history.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The number of the newest event; 0 before the first.
    pub fn newest(&self) -> u64 {
        *self.newest.borrow()
    }

    /// True when the newest event is from an earlier process that did not tell of its own end.
    pub fn ended_in_crash(&self) -> bool {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = ring.events.back();
        newest.is_some_and(|event| !matches!(event.what, What::NodeStopped { .. }))
    }

    /// Waits until `sink`'s last event is here and on the disk; later ones are not written.
    pub async fn close(&self, sink: &EventSink) {
        // One that was dropped by a full sink never comes.
        let lost = sink.lost_last();
        self.changed_since(sink.last_seq().saturating_sub(1 + lost)).await;
        if let Some(file) = &self.file {
            file.close().await;
        }
    }

    /// Waits for an event with a number above `seq`; false when none can come any more.
    pub async fn changed_since(&self, seq: u64) -> bool {
        self.newest.clone().wait_for(|newest| *newest > seq).await.is_ok()
    }
}

async fn follow(
    mut events: mpsc::Receiver<SupervisionEvent>,
    (ring, history): (Arc<Mutex<Ring>>, Arc<Mutex<History>>),
    file: Option<EventFile>,
    written: watch::Sender<u64>,
    note: impl Fn(&SupervisionEvent) + Send + 'static,
) {
    let mut unwritten = 0u64;
    while let Some(event) = events.recv().await {
        let seq = event.seq;
        note(&event);
        if file.as_ref().is_some_and(|file| !file.write(&event)) {
            unwritten += 1;
            if unwritten.is_power_of_two() {
                tracing::warn!(unwritten, "supervision events not written: the disk is behind");
            }
        }
        history.lock().unwrap_or_else(PoisonError::into_inner).push(&event);
        ring.lock().unwrap_or_else(PoisonError::into_inner).push(event);
        written.send_replace(seq);
    }
}

impl Ring {
    fn new(events_max: usize) -> Self {
        Ring { events: VecDeque::new(), events_max, traced: VecDeque::new() }
    }

    /// An event of an earlier process. Numbers that were lost and given again would not be in order.
    fn take_up(&mut self, event: SupervisionEvent) {
        while self.events.back().is_some_and(|last| last.seq >= event.seq) {
            self.events.pop_back();
        }
        self.push(event);
    }

    fn push(&mut self, mut event: SupervisionEvent) {
        if trace(&mut event).is_some_and(|trace| trace.is_some()) {
            self.traced.push_back(event.seq);
        }
        self.events.push_back(event);
        if self.events.len() > self.events_max {
            self.events.pop_front();
        }
        if self.traced.len() > LOG_TRACES_MAX
            && let Some(seq) = self.traced.pop_front()
            && let Ok(index) = self.events.binary_search_by_key(&seq, |event| event.seq)
            && let Some(trace) = trace(&mut self.events[index])
        {
            *trace = None;
        }
    }
}

/// Where an event keeps its backtrace, when it tells of a panic.
pub(crate) fn trace(event: &mut SupervisionEvent) -> Option<&mut Option<Trace>> {
    let exit = match &mut event.what {
        What::Exited { exit, .. } | What::Stopped { exit } => exit,
        What::StartFailed { error } => innermost(error)?,
        _ => return None,
    };
    match exit {
        ExitReason::Panicked(panic) => Some(&mut panic.backtrace),
        _ => None,
    }
}

/// The exit behind a failed start, however deep in the tree.
fn innermost(mut error: &mut StartError) -> Option<&mut ExitReason> {
    loop {
        error = match error {
            StartError::Child { error, .. } => error,
            StartError::Failed(exit) => return Some(exit),
            StartError::Invalid(_) | StartError::TimedOut { .. } => return None,
        };
    }
}
