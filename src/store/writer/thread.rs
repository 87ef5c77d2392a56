//! The journal's thread: gathers, writes, releases.
//!
//! Owns the journal, the fold and the index while it runs, and the lock on the log until it has
//! ended. It waits for nothing but its queue, the disk and (when that is full) a new spare segment;
//! snapshots, recoveries and checkpoints are other threads' work. Looks whether its owner is still
//! there before a write, after it, and between effects.

use super::replay::Replaying;
use super::{Done, Item, QueryFold, Ready, Shared, StopReason, Tail, WriterConfig, snapshot_ahead};
use crate::checkpoint::{self, Compact};
use crate::entry::{Effect, Entry, Fold, Offset};
use crate::error::{AppendError, OpenError};
use crate::failpoint::fail_at;
use crate::frame;
use crate::index::{Frame, Index};
use crate::journal::{Batch, Journal, Reader};
use crate::keeper::{Job, Keeper, KeeperThread, Recover};
use crate::process_lock::ProcessLock;
use crate::queue::{Taken, Wake};
use crate::snapshots::{SnapshotError, Snapshots};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

type ReadyCallback<F> = Box<dyn FnOnce(Result<Ready<F>, OpenError>) + Send>;

/// The whole life of the thread.
pub(super) fn run<R: Entry, F: Fold<R>, E: Effect>(
    mut config: WriterConfig<R>,
    shared: Arc<Shared<R, F, E>>,
    ready: ReadyCallback<F>,
) {
    let stopped = std::mem::replace(&mut config.stopped, Box::new(|_| {}));
    let reason = panic::catch_unwind(AssertUnwindSafe(|| live(config, &shared, ready)));
    // Whatever happened: nothing goes in any more, and what was in is dropped with its effects.
    shared.ended.store(true, Ordering::SeqCst);
    shared.close();
    stopped(reason.unwrap_or(StopReason::Panicked));
}

fn live<R: Entry, F: Fold<R>, E: Effect>(
    config: WriterConfig<R>,
    shared: &Arc<Shared<R, F, E>>,
    ready: ReadyCallback<F>,
) -> StopReason {
    let log = config.engine.identity();
    let Some(_lock) = ProcessLock::acquire(&log, config.lock_patience) else {
        ready(Err(OpenError::Busy(log)));
        return StopReason::NotOpened;
    };
    if shared.queue.is_closed() {
        ready(Err(OpenError::OwnerGone));
        return StopReason::OwnerGone;
    }
    match Thread::open(config, shared) {
        Ok((mut thread, told)) => {
            let reason = panic::catch_unwind(AssertUnwindSafe(|| {
                ready(Ok(told));
                thread.work()
            }));
            let reason = reason.unwrap_or(StopReason::Panicked);
            thread.end(&reason);
            reason
        }
        Err(error) => {
            ready(Err(error));
            StopReason::NotOpened
        }
    }
}

struct Thread<R: Entry, F: Fold<R>, E: Effect> {
    shared: Arc<Shared<R, F, E>>,
    journal: Option<Box<dyn Journal>>,
    keeper: Arc<Keeper<R>>,
    keeper_thread: Option<JoinHandle<()>>,
    fold: F,
    index: Index<R>,
    tail: Tail<R>,
    frame_body_bytes: usize,
    /// The last offset given to a record, written or not.
    assigned: Offset,
    /// The frame that is being gathered.
    body: Vec<u8>,
    scratch: Vec<u8>,
    gathered: Vec<(Offset, R)>,
    /// Effects with the offset that each group waits for.
    effects: Vec<(Offset, Vec<E>)>,
    /// What waits for the gathered frame without being an effect.
    after_release: Vec<AfterRelease<R, F>>,
    /// Weight of the queue that this frame settles.
    weight: usize,
    /// Somebody waits for this frame.
    awaited: bool,
    /// Since when records are kept back that nobody waits for.
    kept_back: Option<Instant>,
    keep_back: Duration,
    idle: Duration,
    looked_idle: Instant,
    compact: Option<Arc<dyn Compact<R>>>,
    checkpoint_after_records: u64,
    checkpointing: bool,
    checkpoint_thread: Option<JoinHandle<()>>,
    checkpoint_waiters: Vec<Done<Result<Offset, String>>>,
}

enum AfterRelease<R: Entry, F> {
    Retire(Done<bool>, bool),
    Snapshot { key: R::Key, offset: Offset, encode: crate::keeper::Encode },
    Query(QueryFold<F>),
}

impl<R: Entry, F: Fold<R>, E: Effect> Thread<R, F, E> {
    fn open(
        config: WriterConfig<R>,
        shared: &Arc<Shared<R, F, E>>,
    ) -> Result<(Self, Ready<F>), OpenError> {
        let mut replaying = Replaying::<R, F>::new(config.cache_bytes);
        let journal = config.engine.acquire(&mut replaying)?;
        replaying.folded.settle().map_err(|error| crate::error::Damage {
            file: "checkpoint".into(),
            offset: 0,
            why: error.to_string(),
        })?;
        let end = journal.end();
        let mut index = replaying.index;
        let mut snapshots_wiped = false;
        if let Some(snapshots) = &config.snapshots {
            for (key, offset) in list_or_wipe::<R>(snapshots, &mut snapshots_wiped)? {
                if offset > end {
                    return Err(snapshot_ahead(offset, end).into());
                }
                index.trim(key, offset);
            }
        }
        let keeper = Arc::new(Keeper::new());
        let queue = shared.clone();
        let thread = KeeperThread {
            keeper: keeper.clone(),
            reader: journal.reader(),
            snapshots: config.snapshots,
            checkpoint: Arc::new(replaying.folded.states),
            // The writer that has ended needs no trimming.
            written: Box::new(move |key, through| {
                let _ = queue.queue.push(Item::Trim { key, through }, 0, false);
            }),
        };
        let keeper_thread = std::thread::Builder::new()
            .name(format!("{}-keeper", config.name))
            .spawn(move || thread.run())?;
        let (epoch, reader) = (journal.epoch(), journal.reader());
        let fold = replaying.folded.fold.clone();
        let told = Ready { epoch, end, fold, snapshots_wiped, reader };
        shared.writable.store(journal.writable(), Ordering::Relaxed);
        shared.publish(end);
        let thread = Thread {
            shared: shared.clone(),
            frame_body_bytes: config.frame_body_bytes.min(journal.body_bytes_max()),
            journal: Some(journal),
            keeper,
            keeper_thread: Some(keeper_thread),
            fold: replaying.folded.fold,
            index,
            tail: config.tail,
            assigned: end,
            body: Vec::new(),
            scratch: Vec::new(),
            gathered: Vec::new(),
            effects: Vec::new(),
            after_release: Vec::new(),
            weight: 0,
            awaited: false,
            kept_back: None,
            keep_back: config.keep_back,
            idle: config.idle,
            looked_idle: Instant::now(),
            compact: config.compact,
            checkpoint_after_records: config.checkpoint_after_records,
            checkpointing: false,
            checkpoint_thread: None,
            checkpoint_waiters: Vec::new(),
        };
        Ok((thread, told))
    }

    fn journal(&mut self) -> &mut dyn Journal {
        &mut **self.journal.as_mut().expect("the journal is there until the thread ends")
    }

    /// Until it is asked to stop, its owner is gone or an append fails.
    fn work(&mut self) -> StopReason {
        let mut inbox = Vec::new();
        loop {
            let (wake, patience) = match self.kept_back {
                None => (Wake::Anything, self.idle),
                Some(since) => (Wake::Urgent, self.keep_back.saturating_sub(since.elapsed())),
            };
            let taken = self.shared.queue.take(&mut inbox, wake, patience);
            if taken == Taken::Closed {
                return StopReason::OwnerGone;
            }
            for item in inbox.drain(..) {
                if let Err(reason) = self.item(item) {
                    return reason;
                }
            }
            if self.keeps_back() {
                continue;
            }
            if let Err(reason) = self.commit() {
                return reason;
            }
            self.look_idle(taken == Taken::TimedOut);
        }
    }

    /// A bet is a record of its account, one of its market and one of the answer, each a moment after the last:
    /// the sync that the answer waits for is to take all three along.
    fn keeps_back(&mut self) -> bool {
        if self.awaited || self.gathered.is_empty() {
            return false;
        }
        self.kept_back.get_or_insert_with(Instant::now).elapsed() < self.keep_back
    }

    fn item(&mut self, item: Item<R, F, E>) -> Result<(), StopReason> {
        let awaited = item.is_awaited();
        match item {
            Item::HandOver(hand_over) => self.hand_over(hand_over)?,
            Item::Attach { key, done } => {
                self.weight += 1;
                self.commit()?;
                let token = self.index.issue(key);
                let (trimmed, pieces) = self.index.locate(key);
                let through = self.assigned;
                self.keeper.push(Job::Recover(Recover {
                    key,
                    token,
                    pieces,
                    trimmed,
                    through,
                    done,
                }));
            }
            Item::Retire { key, token, done } => {
                self.weight += 1;
                let retired = self.index.retire(key, token);
                self.after_release.push(AfterRelease::Retire(done, retired));
            }
            Item::Snapshot { key, token, encode } => {
                self.weight += 1;
                if self.index.is_current(key, token) {
                    let offset = self.assigned;
                    self.after_release.push(AfterRelease::Snapshot { key, offset, encode });
                }
            }
            Item::Trim { key, through } => self.index.trim(key, through),
            Item::Query(query) => {
                self.weight += 1;
                self.after_release.push(AfterRelease::Query(query));
            }
            Item::Checkpoint(done) => {
                self.weight += 1;
                self.checkpoint_waiters.push(done);
                self.start_checkpoint();
            }
            Item::Checkpointed(outcome) => self.checkpointed(outcome),
            Item::Stop => {
                self.commit()?;
                return Err(StopReason::Asked);
            }
        }
        // A frame that was full before it has been written without it.
        self.awaited |= awaited;
        Ok(())
    }

    fn hand_over(&mut self, hand_over: super::HandOver<R, E>) -> Result<(), StopReason> {
        let super::HandOver { key, token, records, effects } = hand_over;
        let weight = (records.len() + effects.len()).max(1);
        if !self.index.is_current(key, token) {
            self.shared.refused.fetch_add(1, Ordering::Relaxed);
            self.shared.queue.done(weight);
            return Ok(());
        }
        if !records.is_empty() {
            self.scratch.clear();
            for record in &records {
                frame::push_record(&mut self.scratch, |out| record.encode(out));
            }
            if !self.body.is_empty() && self.body.len() + self.scratch.len() > self.frame_body_bytes
            {
                self.commit()?;
            }
            self.body.extend_from_slice(&self.scratch);
            for record in records {
                let offset = self.assigned.next();
                self.fold.apply(offset, &record);
                self.index.record(record.key(), offset);
                self.gathered.push((offset, record));
                self.assigned = offset;
            }
        }
        self.weight += weight;
        if !effects.is_empty() {
            self.effects.push((self.assigned, effects));
        }
        Ok(())
    }

    /// Writes what was gathered and releases what waits for it.
    fn commit(&mut self) -> Result<(), StopReason> {
        if !self.gathered.is_empty() {
            let at = self.append()?;
            let frame: Frame<R> = std::mem::take(&mut self.gathered).into();
            self.index.frame(at, frame.clone(), self.body.len());
            self.shared.frames.fetch_add(1, Ordering::Relaxed);
            self.shared.bytes.fetch_add(self.body.len() as u64, Ordering::Relaxed);
            self.body.clear();
            fail_at("before_release");
            self.still_owned()?;
            self.shared.publish(self.assigned);
            (self.tail)(frame);
        }
        for (through, effects) in self.effects.drain(..) {
            if self.shared.queue.is_closed() {
                return Err(StopReason::OwnerGone);
            }
            effects.into_iter().for_each(|effect| effect.release(through));
        }
        for waiting in std::mem::take(&mut self.after_release) {
            match waiting {
                AfterRelease::Retire(done, retired) => done(retired),
                AfterRelease::Snapshot { key, offset, encode } => {
                    self.keeper.write_snapshot(key, offset, encode);
                }
                AfterRelease::Query(query) => query(&self.fold, self.assigned),
            }
        }
        self.shared.queue.done(std::mem::take(&mut self.weight));
        (self.awaited, self.kept_back) = (false, None);
        Ok(())
    }

    /// One durable frame. A full disk is waited out: nothing new is admitted meanwhile, and nothing
    /// is lost.
    fn append(&mut self) -> Result<crate::journal::FrameAt, StopReason> {
        let first = self.gathered[0].0;
        let records = self.gathered.len() as u32;
        loop {
            self.still_owned()?;
            let body = std::mem::take(&mut self.body);
            let begun = Instant::now();
            let appended = self.journal().append(Batch { first, records, body: &body });
            self.shared.count_commit(begun.elapsed());
            self.body = body;
            let writable = self.journal().writable();
            self.shared.writable.store(writable, Ordering::Relaxed);
            match appended {
                Ok(at) => return Ok(at),
                Err(AppendError::Full) => {
                    self.shared.writable.store(false, Ordering::Relaxed);
                    self.shared.queue.wait_closed(self.idle);
                    self.journal().idle();
                }
                Err(error) => return Err(StopReason::Append(error)),
            }
        }
    }

    fn still_owned(&self) -> Result<(), StopReason> {
        if self.shared.queue.is_closed() { Err(StopReason::OwnerGone) } else { Ok(()) }
    }

    fn look_idle(&mut self, idle: bool) {
        let now = Instant::now();
        if idle || now.duration_since(self.looked_idle) >= self.idle {
            self.looked_idle = now;
            self.journal().idle();
            let writable = self.journal().writable();
            self.shared.writable.store(writable, Ordering::Relaxed);
            let reader = self.journal().reader();
            let sealed = reader.sealed().get() - reader.checkpoint().get();
            if self.checkpoint_after_records > 0 && sealed >= self.checkpoint_after_records {
                self.start_checkpoint();
            }
        }
    }

    fn start_checkpoint(&mut self) {
        if self.checkpointing {
            return;
        }
        let Some(compact) = self.compact.clone() else {
            self.checkpointed(Err("this journal has no way to compact records".into()));
            return;
        };
        self.checkpointing = true;
        let (reader, keeper) = (self.journal().reader(), self.keeper.clone());
        let shared = self.shared.clone();
        let spawned = std::thread::Builder::new()
            .name("journal-checkpoint".into())
            .spawn(move || make_checkpoint(&*reader, &*compact, &keeper, shared));
        match spawned {
            Ok(thread) => self.checkpoint_thread = Some(thread),
            Err(error) => self.checkpointed(Err(error.to_string())),
        }
    }

    /// The keeper uses the new checkpoint: what it covers may go.
    fn checkpointed(&mut self, outcome: Result<Option<Offset>, String>) {
        self.checkpointing = false;
        let outcome = match outcome {
            Ok(Some(through)) => {
                self.index.checkpointed(through);
                self.journal().retain().map_err(|error| error.to_string())
            }
            Ok(None) => Ok(self.journal().reader().checkpoint()),
            Err(error) => Err(error),
        };
        if let Err(error) = &outcome {
            tracing::warn!(error, "no checkpoint, the log keeps growing");
        }
        for done in self.checkpoint_waiters.drain(..) {
            done(outcome.clone());
        }
    }

    /// Lets go of the log: nothing of this life touches it after the lock is free.
    fn end(mut self, reason: &StopReason) {
        let asked = matches!(reason, StopReason::Asked);
        self.shared.close();
        drop((self.effects, self.after_release, self.checkpoint_waiters));
        if let Some(thread) = self.checkpoint_thread.take() {
            let _ = thread.join();
        }
        self.keeper.stop(asked);
        if let Some(thread) = self.keeper_thread.take() {
            let _ = thread.join();
        }
        if let Some(journal) = self.journal.take()
            && asked
            && let Err(error) = journal.release()
        {
            tracing::warn!(%error, "journal not released in good order");
        }
    }
}

/// The thread of one checkpoint: the keeper switches to it first, then the writer drops what it
/// covers.
fn make_checkpoint<R: Entry, F: Fold<R>, E: Effect>(
    reader: &dyn Reader,
    compact: &dyn Compact<R>,
    keeper: &Keeper<R>,
    shared: Arc<Shared<R, F, E>>,
) {
    let made = panic::catch_unwind(AssertUnwindSafe(|| {
        checkpoint::make::<R, F>(reader, compact, &|| shared.queue.is_closed())
    }));
    let tell = move |outcome| {
        // A writer that has ended finds the checkpoint at its next start.
        let _ = shared.queue.push(Item::Checkpointed(outcome), 0, true);
    };
    match made {
        Ok(Ok(Some(index))) => {
            let through = index.through;
            keeper.push(Job::Checkpoint(index, Box::new(move || tell(Ok(Some(through))))));
        }
        Ok(Ok(None)) => tell(Ok(None)),
        Ok(Err(error)) => tell(Err(error.to_string())),
        Err(_) => tell(Err("the checkpoint panicked".into())),
    }
}

/// What snapshots there are; a database that reads badly is wiped, its content is in the journal.
fn list_or_wipe<R: Entry>(
    snapshots: &Snapshots,
    wiped: &mut bool,
) -> Result<Vec<(R::Key, Offset)>, OpenError> {
    snapshots
        .list::<R::Key>()
        .or_else(|error| {
            *wiped = true;
            snapshots.wipe(&error.to_string())?;
            Ok(Vec::new())
        })
        .map_err(|error: SnapshotError| OpenError::Io(std::io::Error::other(error)))
}
