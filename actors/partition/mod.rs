//! One partition of this node, while its journal is open: the log, the clock, the counter of bet ids.
//!
//! Made by the journal actor when the log has been read; entities of the partition hold it and find their
//! way through it. The clock and the counter are the only atomics that entities share (`design.md` 4).
//! When the journal dies, this incarnation's log refuses everything, and its entities are stopped with the
//! subtree.

mod bounds;
mod clock;
mod route;

pub use bounds::{DIRECTORY_MAX, MAIL_MAX, REQUESTS_MAX};
pub use clock::PartitionClock;
pub use route::{
    Detour, EntityMessage, Mail, Routed, Routes, THROUGH_DIRECTORY, deliver, deliver_by,
};

use crate::node::{ClockMode, Settings};
use domain::ids::{BetId, PartitionId};
use domain::partition::PartitionFold;
use domain::record::Record;
use domain::time::UtcMillis;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use store::entry::Offset;
use store::journal::Reader;
use store::writer::{Ready, WriterHandle};

/// What waits for durability: runs on the journal's thread, so it only sends.
pub struct Effect {
    act: Box<dyn FnOnce(Offset) + Send>,
    awaited: bool,
}

impl Effect {
    pub fn new(act: impl FnOnce(Offset) + Send + 'static) -> Self {
        Effect { act: Box::new(act), awaited: true }
    }

    /// What is told to somebody who does not wait for it.
    pub fn news(act: impl FnOnce(Offset) + Send + 'static) -> Self {
        Effect { act: Box::new(act), awaited: false }
    }
}

impl store::entry::Effect for Effect {
    fn release(self, through: Offset) {
        (self.act)(through);
    }

    fn is_awaited(&self) -> bool {
        self.awaited
    }
}

/// The way into a partition's log.
pub type Log = WriterHandle<Record, PartitionFold, Effect>;

pub struct Partition {
    pub id: PartitionId,
    pub log: Log,
    /// What the log said when it had been read; entities recover behind that.
    opened: OnceLock<Opened>,
}

/// Where a log that has been read leaves off.
struct Opened {
    clock: PartitionClock,
    next_bet_count: AtomicU64,
    outage_ms: i64,
    /// The last record that was there.
    end: Offset,
    reader: Arc<dyn Reader>,
}

/// Why a request is refused before anything is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Busy {
    #[error("the journal is read-only until there is space again")]
    ReadOnly,
    #[error("too much is waiting for the journal")]
    Backlog,
    #[error("too much is waiting for who would take it")]
    Mailbox,
}

impl Partition {
    pub(crate) fn new(id: PartitionId, log: Log) -> Self {
        Partition { id, log, opened: OnceLock::new() }
    }

    /// Called once, when the log has been read.
    pub(crate) fn open(&self, ready: Ready<PartitionFold>, mode: ClockMode) {
        let Ready { fold, end, reader, .. } = ready;
        let clock = PartitionClock::new(mode, fold.last_at);
        let outage_ms = match fold.last_at {
            UtcMillis(0) => 0,
            last => clock.sample().since_ms(last),
        };
        let next_bet_count = AtomicU64::new(fold.next_bet_count);
        let opened = self.opened.set(Opened { clock, next_bet_count, outage_ms, end, reader });
        debug_assert!(opened.is_ok(), "a log is read once");
    }

    /// `None` while the log is being read.
    pub fn now(&self) -> Option<UtcMillis> {
        self.opened.get().map(|opened| opened.clock.sample())
    }

    /// Only a manual clock of an open partition is advanced; says whether it was.
    pub fn advance(&self, by_ms: i64) -> bool {
        self.opened.get().is_some_and(|opened| opened.clock.advance(by_ms))
    }

    /// The time for one decision of an entity that has recovered.
    pub(crate) fn sample(&self) -> UtcMillis {
        self.recovered().clock.sample()
    }

    pub(crate) fn next_bet(&self) -> BetId {
        BetId::new(self.recovered().next_bet_count.fetch_add(1, Relaxed), self.id)
    }

    /// Numbers that were given to bets so far, for who watches; 0 while the log is being read.
    pub fn bets_numbered(&self) -> u64 {
        self.opened.get().map_or(0, |opened| opened.next_bet_count.load(Relaxed))
    }

    /// How long nothing was journaled before the log was opened.
    pub(crate) fn outage_ms(&self) -> i64 {
        self.recovered().outage_ms
    }

    /// The end of the log as it was opened.
    pub(crate) fn opened_at(&self) -> Offset {
        self.recovered().end
    }

    fn recovered(&self) -> &Opened {
        self.opened.get().expect("an entity recovers from a log that has been read")
    }

    /// The same; `None` while the log is being read.
    pub(crate) fn opened_end(&self) -> Option<Offset> {
        self.opened.get().map(|opened| opened.end)
    }

    /// What is written of the log; `None` while it is being read.
    pub fn reader(&self) -> Option<Arc<dyn Reader>> {
        self.opened.get().map(|opened| opened.reader.clone())
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

impl fmt::Debug for Partition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Partition({})", self.id)
    }
}
