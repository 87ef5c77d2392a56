//! The last supervision events, for whoever asks: a bounded ring in memory.
//!
//! It never holds up a supervisor: it reads the far end of an `EventSink`, and forgets the oldest
//! events when it is full.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, watch};

use crate::event::{EventSink, SINK_BOUND, SupervisionEvent};
use crate::spawn;

/// Events that are kept.
pub const LOG_EVENTS_MAX: usize = 65_536;

/// Cheap to clone; all clones read the same events.
#[derive(Clone)]
pub struct EventLog {
    ring: Arc<Mutex<VecDeque<SupervisionEvent>>>,
    newest: watch::Receiver<u64>,
}

impl EventLog {
    /// A sink for a tree and the log that follows it until the last clone of the sink is gone.
    pub fn start() -> (EventSink, Self) {
        Self::with_bounds(SINK_BOUND, LOG_EVENTS_MAX)
    }

    pub fn with_bounds(sink_bound: usize, events_max: usize) -> (EventSink, Self) {
        let (sink, events) = EventSink::bounded(sink_bound);
        let (written, newest) = watch::channel(0);
        let ring = Arc::new(Mutex::new(VecDeque::new()));
        spawn::task(follow(events, ring.clone(), events_max, written));
        (sink, Self { ring, newest })
    }

    /// At most `limit` events with a number above `seq`, oldest first. The first of them does not
    /// follow `seq` when what was between has been forgotten.
    pub fn since(&self, seq: u64, limit: usize) -> Vec<SupervisionEvent> {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let first = ring.partition_point(|event| event.seq <= seq);
        ring.range(first..).take(limit).cloned().collect()
    }

    /// The number of the newest event; 0 before the first.
    pub fn newest(&self) -> u64 {
        *self.newest.borrow()
    }

    /// Waits for an event with a number above `seq`; false when none can come any more.
    pub async fn changed_since(&self, seq: u64) -> bool {
        self.newest.clone().wait_for(|newest| *newest > seq).await.is_ok()
    }
}

async fn follow(
    mut events: mpsc::Receiver<SupervisionEvent>,
    ring: Arc<Mutex<VecDeque<SupervisionEvent>>>,
    events_max: usize,
    written: watch::Sender<u64>,
) {
    while let Some(event) = events.recv().await {
        let seq = event.seq;
        let forgotten = {
            let mut ring = ring.lock().unwrap_or_else(PoisonError::into_inner);
            ring.push_back(event);
            if ring.len() > events_max { ring.pop_front() } else { None }
        };
        // Freed outside the lock.
        drop(forgotten);
        written.send_replace(seq);
    }
}
