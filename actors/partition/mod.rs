//! One partition of this node, while its journal is open: the log, the clock, the counter of bet ids.
//!
//! Made by the journal actor when the log has been read; entities of the partition hold it and find their
//! way through it. The clock and the counter are the only atomics that entities share (`design.md` 4).
//! When the journal dies, this incarnation's log refuses everything, and its entities are stopped with the
//! subtree.

mod clock;
mod route;

pub use clock::PartitionClock;
pub use route::{EntityMessage, Routed, Routes, deliver};

use crate::node::Settings;
use domain::ids::{BetId, PartitionId};
use domain::partition::PartitionFold;
use domain::record::Record;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use store::entry::Offset;
use store::writer::WriterHandle;

/// What waits for durability: runs on the journal's thread, so it only sends.
pub struct Effect(Box<dyn FnOnce(Offset) + Send>);

impl Effect {
    pub fn new(act: impl FnOnce(Offset) + Send + 'static) -> Self {
        Effect(Box::new(act))
    }
}

impl store::entry::Effect for Effect {
    fn release(self, through: Offset) {
        (self.0)(through);
    }
}

/// The way into a partition's log.
pub type Log = WriterHandle<Record, PartitionFold, Effect>;

#[derive(Debug)]
pub struct Partition {
    pub id: PartitionId,
    pub log: Log,
    pub clock: PartitionClock,
    /// How long nothing was journaled before the log was opened.
    pub outage_ms: i64,
    next_bet_count: AtomicU64,
}

/// Why a request is refused before anything is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Busy {
    #[error("the journal is read-only until there is space again")]
    ReadOnly,
    #[error("too much is waiting for the journal")]
    Backlog,
}

impl Partition {
    pub(crate) fn new(id: PartitionId, log: Log, fold: &PartitionFold, settings: &Settings) -> Self {
        let clock = PartitionClock::new(settings.clock, fold.last_at);
        let outage_ms = match fold.last_at.0 {
            0 => 0,
            _ => clock.sample().since_ms(fold.last_at),
        };
        Partition { id, log, clock, outage_ms, next_bet_count: AtomicU64::new(fold.next_bet_count) }
    }

    pub fn next_bet(&self) -> BetId {
        BetId::new(self.next_bet_count.fetch_add(1, Relaxed), self.id)
    }

    /// Asked before a request is decided: what was admitted always fits and is never refused later.
    pub fn admits(&self, settings: &Settings) -> Result<(), Busy> {
        if !self.log.writable() {
            Err(Busy::ReadOnly)
        } else if self.log.backlog() > settings.backlog_max {
            Err(Busy::Backlog)
        } else {
            Ok(())
        }
    }
}
