//! The keeper: the thread beside the writer that reads what an entity needs to come back, and
//! writes snapshots.
//!
//! Owns all use of sled and all reading of frames for recovery, so that the writer never waits for
//! either. Recoveries and changes of the checkpoint go first, in the order they came; snapshots
//! wait for them. A snapshot that cannot be read is only a slower recovery: the checkpoint and the
//! records behind it hold the same. Never decides what a record means.

use crate::checkpoint::CheckpointIndex;
use crate::entry::{Entry, Offset, Token};
use crate::error::ReadError;
use crate::index::Piece;
use crate::journal::Reader;
use crate::snapshots::{SnapshotError, Snapshots};
use std::collections::VecDeque;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// What an entity starts from: its state at an offset, and every record since that was accepted
/// before it attached.
#[derive(Clone, Debug)]
pub struct Recovery<R> {
    /// To be carried by everything that the entity hands over.
    pub token: Token,
    /// `None`: the entity starts empty.
    pub snapshot: Option<(Offset, Vec<u8>)>,
    /// In order; all of them are behind the snapshot.
    pub records: Vec<(Offset, R)>,
    /// The end of the log when the entity attached; everything up to it is durable.
    pub through: Offset,
}

#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("the snapshot goes through {snapshot}, the journal only through {journal}")]
    SnapshotAhead { snapshot: Offset, journal: Offset },
    #[error("the recovery panicked")]
    Panicked,
}

/// Called on the keeper's thread; dropped uncalled when the journal dies first.
pub type Recovered<R> = Box<dyn FnOnce(Result<Recovery<R>, RecoveryError>) + Send>;
/// Makes the bytes of a snapshot; runs on the keeper's thread, off the handler's path.
pub type Encode = Box<dyn FnOnce() -> Vec<u8> + Send>;

pub(crate) struct Recover<R: Entry> {
    pub(crate) key: R::Key,
    pub(crate) token: Token,
    pub(crate) pieces: Vec<Piece<R>>,
    /// From here on `pieces` are complete.
    pub(crate) trimmed: Offset,
    pub(crate) through: Offset,
    pub(crate) done: Recovered<R>,
}

pub(crate) enum Job<R: Entry> {
    Recover(Recover<R>),
    /// The new checkpoint is in force; `done` when no older one is used any more.
    Checkpoint(Arc<CheckpointIndex<R::Key>>, Box<dyn FnOnce() + Send>),
}

struct WriteSnapshot<K> {
    key: K,
    offset: Offset,
    encode: Encode,
}

struct Jobs<R: Entry> {
    first: VecDeque<Job<R>>,
    snapshots: VecDeque<WriteSnapshot<R::Key>>,
    stopped: bool,
}

/// The queues in front of the keeper.
pub(crate) struct Keeper<R: Entry> {
    jobs: Mutex<Jobs<R>>,
    filled: Condvar,
}

/// Snapshots that wait; past this the oldest is dropped, the entity will make another.
const SNAPSHOTS_WAITING_MAX: usize = 1024;

impl<R: Entry> Keeper<R> {
    pub(crate) fn new() -> Self {
        let jobs = Jobs { first: VecDeque::new(), snapshots: VecDeque::new(), stopped: false };
        Keeper { jobs: Mutex::new(jobs), filled: Condvar::new() }
    }

    fn jobs(&self) -> MutexGuard<'_, Jobs<R>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, job: Job<R>) {
        self.jobs().first.push_back(job);
        self.filled.notify_one();
    }

    pub(crate) fn write_snapshot(&self, key: R::Key, offset: Offset, encode: Encode) {
        let mut jobs = self.jobs();
        // Only an entity's newest snapshot is worth writing.
        jobs.snapshots.retain(|waiting| waiting.key != key);
        if jobs.snapshots.len() >= SNAPSHOTS_WAITING_MAX {
            jobs.snapshots.pop_front();
        }
        jobs.snapshots.push_back(WriteSnapshot { key, offset, encode });
        drop(jobs);
        self.filled.notify_one();
    }

    /// Drops what waits and ends the thread after what it does now. With `finish` what waits is
    /// done first.
    pub(crate) fn stop(&self, finish: bool) {
        let mut jobs = self.jobs();
        jobs.stopped = true;
        let dropped = if finish {
            None
        } else {
            Some((std::mem::take(&mut jobs.first), std::mem::take(&mut jobs.snapshots)))
        };
        drop(jobs);
        self.filled.notify_all();
        drop(dropped);
    }
}

/// What the thread works with.
pub(crate) struct KeeperThread<R: Entry> {
    pub(crate) keeper: Arc<Keeper<R>>,
    pub(crate) reader: Arc<dyn Reader>,
    pub(crate) snapshots: Option<Snapshots>,
    pub(crate) checkpoint: Arc<CheckpointIndex<R::Key>>,
    /// Tells the writer that a snapshot is safe.
    pub(crate) written: Box<dyn Fn(R::Key, Offset) + Send>,
}

impl<R: Entry> KeeperThread<R> {
    pub(crate) fn run(mut self) {
        let keeper = self.keeper.clone();
        loop {
            let idle = |jobs: &mut Jobs<R>| {
                jobs.first.is_empty() && jobs.snapshots.is_empty() && !jobs.stopped
            };
            let waited = keeper.filled.wait_while(keeper.jobs(), idle);
            let mut jobs = waited.unwrap_or_else(PoisonError::into_inner);
            if let Some(job) = jobs.first.pop_front() {
                drop(jobs);
                self.work(job);
            } else if let Some(snapshot) = jobs.snapshots.pop_front() {
                drop(jobs);
                self.write_snapshot(snapshot);
            } else {
                return;
            }
        }
    }

    fn work(&mut self, job: Job<R>) {
        match job {
            Job::Recover(recover) => {
                let found = panic::catch_unwind(AssertUnwindSafe(|| self.recover(&recover)));
                let found = found.unwrap_or(Err(RecoveryError::Panicked));
                // A receiver that panics takes its own entity down, not the keeper.
                let _ = panic::catch_unwind(AssertUnwindSafe(|| (recover.done)(found)));
            }
            Job::Checkpoint(index, done) => {
                self.checkpoint = index;
                done();
            }
        }
    }

    /// The newest state there is, then the records behind it.
    fn recover(&self, recover: &Recover<R>) -> Result<Recovery<R>, RecoveryError> {
        let covered = self.checkpoint.through;
        let snapshot = match self.read_snapshot(recover.key) {
            Some((offset, _)) if offset > recover.through => {
                let journal = recover.through;
                return Err(RecoveryError::SnapshotAhead { snapshot: offset, journal });
            }
            // Older than the checkpoint, it lacks records that the journal no longer has.
            Some((offset, _)) if offset < covered => None,
            other => other,
        };
        let snapshot = match snapshot {
            Some(snapshot) => Some(snapshot),
            None => {
                let state = self.checkpoint.read(&*self.reader, recover.key)?;
                state.map(|state| (covered, state))
            }
        };
        let after = snapshot.as_ref().map_or(covered, |(offset, _)| *offset);
        let records = if after >= recover.trimmed {
            self.gather(recover, after)?
        } else {
            // The index was trimmed for a snapshot that is no longer there.
            tracing::warn!(key = ?recover.key, "snapshot is gone, the entity's records are looked for in the log");
            self.search(recover, after)?
        };
        Ok(Recovery { token: recover.token, snapshot, records, through: recover.through })
    }

    fn read_snapshot(&self, key: R::Key) -> Option<(Offset, Vec<u8>)> {
        match self.snapshots.as_ref()?.read(&key) {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(?key, %error, "snapshot not used");
                if !matches!(error, SnapshotError::Bad(_)) {
                    self.reopen();
                }
                None
            }
        }
    }

    /// Sled latches errors of the disk; if opening it again does not help it starts empty.
    fn reopen(&self) {
        let Some(snapshots) = &self.snapshots else { return };
        if let Err(error) = snapshots.reopen()
            && let Err(error) = snapshots.wipe(&error.to_string())
        {
            tracing::error!(%error, "snapshots cannot be used");
        }
    }

    fn gather(&self, recover: &Recover<R>, after: Offset) -> Result<Vec<(Offset, R)>, ReadError> {
        let mut found = Vec::new();
        let mut body = Vec::new();
        for piece in &recover.pieces {
            match piece {
                Piece::Cached(frame, numbers) => {
                    let records = numbers.iter().map(|&number| &frame[number as usize]);
                    found.extend(records.filter(|(offset, _)| *offset > after).cloned());
                }
                Piece::Stored(at, first, numbers) => {
                    let wanted = |number: &u32| {
                        (first.get() + u64::from(*number) > after.get()).then_some(*number)
                    };
                    let mut numbers = numbers.iter().filter_map(wanted).peekable();
                    if numbers.peek().is_none() {
                        continue;
                    }
                    self.reader.frame(*at, &mut body)?;
                    // Lengths are enough to pass over the others' records.
                    for (number, record) in (0..).zip(crate::frame::records(&body)) {
                        if numbers.next_if_eq(&number).is_some() {
                            let record = R::decode(record).map_err(std::io::Error::other)?;
                            found.push((Offset::new(first.get() + u64::from(number)), record));
                        }
                    }
                }
            }
        }
        Ok(found)
    }

    fn search(&self, recover: &Recover<R>, after: Offset) -> Result<Vec<(Offset, R)>, ReadError> {
        let mut found = Vec::new();
        crate::read::records::<R>(&*self.reader, after, recover.through, &mut |offset, record| {
            if record.key() == recover.key {
                found.push((offset, record));
            }
            Ok(())
        })?;
        Ok(found)
    }

    fn write_snapshot(&self, job: WriteSnapshot<R::Key>) {
        let Some(snapshots) = &self.snapshots else { return };
        let Ok(bytes) = panic::catch_unwind(AssertUnwindSafe(job.encode)) else {
            tracing::error!(key = ?job.key, "snapshot panicked while it was encoded");
            return;
        };
        match snapshots.write(&job.key, job.offset, &bytes) {
            Ok(()) => (self.written)(job.key, job.offset),
            Err(error) => {
                tracing::warn!(key = ?job.key, %error, "snapshot not written");
                self.reopen();
            }
        }
    }
}
