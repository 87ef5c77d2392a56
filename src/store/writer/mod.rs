//! The partition's journal: a thread that is handed records with their effects, and what others
//! hold of it.
//!
//! Owns the front: the configuration, the owner's guard ([`Writer`]) and the entities' handle
//! ([`WriterHandle`]). The thread itself is in `thread`, what it does at the start in `replay`.
//!
//! ```text
//! entities --hand_over--> queue --swap--> thread: token? offset, fold, encode ... one frame
//!                                          append + sync -> released -> tail (publisher) -> effects, in order
//! ```
//!
//! A frame is synced when somebody waits for it: records that nobody waits for are kept back for a moment, so
//! that the answer which follows from them needs no sync of its own.
//!
//! A hand-over never blocks and never splits over two frames. When an append fails, or the guard is
//! dropped, the thread stops at once and releases nothing more: effects are dropped, hand-overs
//! answer `Gone`, and the next writer waits for this one's lock on the log. It is told why through
//! `stopped`.

mod replay;
mod thread;

use crate::checkpoint::Compact;
use crate::entry::{Effect, Entry, Epoch, Fold, Offset, Token};
use crate::error::{AppendError, Damage, HandOverError, OpenError};
use crate::index::Frame;
use crate::journal::{Engine, Reader};
use crate::keeper::{Encode, Recovered};
use crate::queue::{PushError, Queue};
use crate::snapshots::Snapshots;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// What an entity hands over in one step: all of it is in one frame, or none.
#[derive(Debug)]
pub struct HandOver<R: Entry, E> {
    pub key: R::Key,
    pub token: Token,
    /// May be empty: then the effects wait for what was accepted before, and nothing is written.
    pub records: Vec<R>,
    pub effects: Vec<E>,
}

/// Why the thread ended.
#[derive(Debug)]
pub enum StopReason {
    /// `Writer::stop`: everything accepted was written and released.
    Asked,
    /// The guard was dropped.
    OwnerGone,
    /// The log could not be opened; `ready` was told.
    NotOpened,
    Append(AppendError),
    /// The tail, an effect or a record's own code panicked.
    Panicked,
}

/// Told once, when the log is open and hand-overs are being written.
pub struct Ready<F> {
    pub epoch: Epoch,
    /// The last record there is.
    pub end: Offset,
    /// Folded through `end`.
    pub fold: F,
    /// The database of snapshots was bad and starts empty; recoveries read the log instead.
    pub snapshots_wiped: bool,
    /// For those who follow the log; see `store::read`.
    pub reader: Arc<dyn Reader>,
}

/// Called with every frame after it became durable, on the journal's thread: it only sends.
pub type Tail<R> = Box<dyn FnMut(Frame<R>) + Send>;

pub struct WriterConfig<R: Entry> {
    /// For thread names.
    pub name: String,
    pub engine: Arc<dyn Engine>,
    /// Without it every recovery reads the log from the last checkpoint on.
    pub snapshots: Option<Snapshots>,
    /// Without it nothing is ever dropped.
    pub compact: Option<Arc<dyn Compact<R>>>,
    /// A checkpoint is made when so many records were sealed since the last one; 0 never by itself.
    pub checkpoint_after_records: u64,
    /// Records and effects in the queue; past it a hand-over answers `Overrun`. Doors refuse long
    /// before, by `backlog`.
    pub queued_max: usize,
    /// A frame is closed when its body has reached this.
    pub frame_body_bytes: usize,
    /// How long records may wait for company that nobody waits for.
    pub keep_back: Duration,
    /// Encoded size of the newest frames that are kept in memory.
    pub cache_bytes: usize,
    /// How long to wait for the last writer of this log.
    pub lock_patience: Duration,
    /// How often lazy work is looked at: the durable mark, a full disk, whether a checkpoint is
    /// due.
    pub idle: Duration,
    pub tail: Tail<R>,
    /// Called on the thread, last of all; the lock on the log is free by then.
    pub stopped: Box<dyn FnOnce(StopReason) + Send>,
}

impl<R: Entry> WriterConfig<R> {
    /// The defaults of a partition, with nobody listening.
    pub fn new(name: impl Into<String>, engine: Arc<dyn Engine>) -> Self {
        WriterConfig {
            name: name.into(),
            engine,
            snapshots: None,
            compact: None,
            checkpoint_after_records: 0,
            queued_max: 1 << 20,
            frame_body_bytes: 1 << 20,
            keep_back: Duration::from_millis(1),
            cache_bytes: 16 << 20,
            lock_patience: Duration::from_secs(10),
            idle: Duration::from_secs(1),
            tail: Box::new(|_| {}),
            stopped: Box::new(|_| {}),
        }
    }
}

type QueryFold<F> = Box<dyn FnOnce(&F, Offset) + Send>;
type Done<T> = Box<dyn FnOnce(T) + Send>;

enum Item<R: Entry, F, E> {
    HandOver(HandOver<R, E>),
    Attach { key: R::Key, done: Recovered<R> },
    Retire { key: R::Key, token: Token, done: Done<bool> },
    Snapshot { key: R::Key, token: Token, encode: Encode },
    Trim { key: R::Key, through: Offset },
    Query(QueryFold<F>),
    Checkpoint(Done<Result<Offset, String>>),
    Checkpointed(Result<Option<Offset>, String>),
    Stop,
}

impl<R: Entry, F, E: Effect> Item<R, F, E> {
    fn is_awaited(&self) -> bool {
        match self {
            Item::HandOver(hand_over) => hand_over.effects.iter().any(E::is_awaited),
            Item::Trim { .. } => false,
            _ => true,
        }
    }
}

/// What the thread and the handles share: a queue and some gauges.
struct Shared<R: Entry, F, E> {
    queue: Queue<Item<R, F, E>>,
    released: AtomicU64,
    writable: AtomicBool,
    commits: [AtomicU32; COMMIT_BUCKETS],
    refused: AtomicU64,
    frames: AtomicU64,
    bytes: AtomicU64,
    /// The thread has let go of the log.
    ended: AtomicBool,
    waiters: AtomicUsize,
    waiting: Mutex<()>,
    moved: Condvar,
}

impl<R: Entry, F, E> Shared<R, F, E> {
    fn publish(&self, offset: Offset) {
        self.released.store(offset.get(), Ordering::SeqCst);
        if self.waiters.load(Ordering::SeqCst) > 0 {
            self.wake();
        }
    }

    fn wake(&self) {
        drop(self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        self.moved.notify_all();
    }

    fn close(&self) {
        self.queue.close();
        self.wake();
    }
}

/// Figures for the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriterStats {
    pub released: Offset,
    pub backlog: usize,
    pub frames: u64,
    pub bytes: u64,
    pub refused: u64,
    pub writable: bool,
    /// How many group commits took how long, write and sync together: the first bucket is less than a
    /// microsecond, each next twice as wide.
    pub commits: [u32; COMMIT_BUCKETS],
}

/// Buckets of [`WriterStats::commits`].
pub const COMMIT_BUCKETS: usize = 24;

impl<R: Entry, F, E> Shared<R, F, E> {
    /// Only the writer's thread counts.
    fn count_commit(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = (u64::BITS - us.leading_zeros()) as usize;
        let bucket = &self.commits[bucket.min(COMMIT_BUCKETS - 1)];
        bucket.store(bucket.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }
}

/// The owner's guard. Dropping it stops the thread at once, without waiting for it.
pub struct Writer<R: Entry, F, E> {
    shared: Arc<Shared<R, F, E>>,
    thread: Option<JoinHandle<()>>,
}

impl<R: Entry, F: Fold<R>, E: Effect> Writer<R, F, E> {
    /// Starts the thread and returns at once; `ready` is called on it when the log is open or
    /// cannot be. Hand-overs made before that wait in the queue.
    pub fn start(
        config: WriterConfig<R>,
        ready: impl FnOnce(Result<Ready<F>, OpenError>) + Send + 'static,
    ) -> io::Result<(Self, WriterHandle<R, F, E>)> {
        let shared = Arc::new(Shared {
            queue: Queue::new(config.queued_max),
            released: AtomicU64::new(0),
            writable: AtomicBool::new(false),
            commits: [const { AtomicU32::new(0) }; COMMIT_BUCKETS],
            refused: AtomicU64::new(0),
            frames: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            waiters: AtomicUsize::new(0),
            waiting: Mutex::new(()),
            moved: Condvar::new(),
        });
        let handle = WriterHandle { shared: shared.clone() };
        let name = config.name.clone();
        let own = shared.clone();
        let thread = std::thread::Builder::new()
            .name(name)
            .spawn(move || thread::run(config, own, Box::new(ready)))?;
        Ok((Writer { shared, thread: Some(thread) }, handle))
    }

    /// Writes and releases everything that was accepted, lets go of the log and waits for the
    /// thread. What is not through after `patience` (a full disk, a slow one) is abandoned; false
    /// then.
    pub fn stop(mut self, patience: Duration) -> bool {
        // Refused only when the thread has ended already.
        let _ = self.shared.queue.push(Item::Stop, 0, true);
        let shared = self.shared.clone();
        let guard = shared.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let running = |_: &mut ()| !shared.ended.load(Ordering::SeqCst);
        drop(shared.moved.wait_timeout_while(guard, patience, running));
        let ended = shared.ended.load(Ordering::SeqCst);
        self.shared.close();
        self.join();
        ended
    }

    /// Stops at once and waits for the thread: for tests and for those who must have the lock free.
    pub fn abandon(mut self) {
        self.shared.close();
        self.join();
    }

    fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl<R: Entry, F, E> Drop for Writer<R, F, E> {
    fn drop(&mut self) {
        self.shared.close();
    }
}

/// What entities hold. Clones are cheap; none of them keeps the journal alive.
pub struct WriterHandle<R: Entry, F, E> {
    shared: Arc<Shared<R, F, E>>,
}

impl<R: Entry, F, E> Clone for WriterHandle<R, F, E> {
    fn clone(&self) -> Self {
        WriterHandle { shared: self.shared.clone() }
    }
}

impl<R: Entry, F: Fold<R>, E: Effect> WriterHandle<R, F, E> {
    /// Never blocks. After it has returned `Ok` the entity may send to others of its partition.
    pub fn hand_over(&self, hand_over: HandOver<R, E>) -> Result<(), HandOverError> {
        let weight = (hand_over.records.len() + hand_over.effects.len()).max(1);
        self.push(Item::HandOver(hand_over), weight)
    }

    /// Answers with what the entity starts from, and a new token; older ones are refused from then
    /// on.
    pub fn attach(
        &self,
        key: R::Key,
        done: impl FnOnce(Result<crate::keeper::Recovery<R>, crate::keeper::RecoveryError>)
        + Send
        + 'static,
    ) -> Result<(), HandOverError> {
        self.push(Item::Attach { key, done: Box::new(done) }, 1)
    }

    /// `done(true)` when everything the entity handed over is durable and its token is worthless;
    /// `false` when it was stale.
    pub fn retire(
        &self,
        key: R::Key,
        token: Token,
        done: impl FnOnce(bool) + Send + 'static,
    ) -> Result<(), HandOverError> {
        self.push(Item::Retire { key, token, done: Box::new(done) }, 1)
    }

    /// A snapshot of the entity as it is after everything it has handed over so far. `encode` runs
    /// on the keeper's thread, and only once that is durable.
    pub fn snapshot(
        &self,
        key: R::Key,
        token: Token,
        encode: impl FnOnce() -> Vec<u8> + Send + 'static,
    ) -> Result<(), HandOverError> {
        self.push(Item::Snapshot { key, token, encode: Box::new(encode) }, 1)
    }

    /// Shows the fold at a released offset.
    pub fn query(
        &self,
        query: impl FnOnce(&F, Offset) + Send + 'static,
    ) -> Result<(), HandOverError> {
        self.push(Item::Query(Box::new(query)), 1)
    }

    /// Makes a checkpoint of what is sealed and drops what it covers; answers with the offset that
    /// the checkpoint in force goes through.
    pub fn checkpoint(
        &self,
        done: impl FnOnce(Result<Offset, String>) + Send + 'static,
    ) -> Result<(), HandOverError> {
        self.push(Item::Checkpoint(Box::new(done)), 1)
    }

    fn push(&self, item: Item<R, F, E>, weight: usize) -> Result<(), HandOverError> {
        let urgent = item.is_awaited();
        self.shared.queue.push(item, weight, urgent).map_err(|error| match error {
            PushError::Closed => HandOverError::Gone,
            PushError::Full => HandOverError::Overrun,
        })
    }

    /// Everything up to it is durable, and its effects are being released.
    pub fn released(&self) -> Offset {
        Offset::new(self.shared.released.load(Ordering::SeqCst))
    }

    /// Blocks until `offset` is released; false when the journal ended or `patience` was over
    /// first.
    pub fn wait_released(&self, offset: Offset, patience: Duration) -> bool {
        let shared = &self.shared;
        shared.waiters.fetch_add(1, Ordering::SeqCst);
        let guard = shared.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let behind = |_: &mut ()| self.released() < offset && !shared.queue.is_closed();
        drop(shared.moved.wait_timeout_while(guard, patience, behind));
        shared.waiters.fetch_sub(1, Ordering::SeqCst);
        self.released() >= offset
    }

    /// Records and effects that were accepted and not yet released: what early refusal looks at.
    pub fn backlog(&self) -> usize {
        self.shared.queue.weight()
    }

    /// False: read-only, orders are to be refused before `decide`. Comes back by itself.
    pub fn writable(&self) -> bool {
        self.shared.writable.load(Ordering::Relaxed) && !self.shared.queue.is_closed()
    }

    pub fn is_gone(&self) -> bool {
        self.shared.queue.is_closed()
    }

    pub fn stats(&self) -> WriterStats {
        let shared = &self.shared;
        WriterStats {
            released: self.released(),
            backlog: self.backlog(),
            frames: shared.frames.load(Ordering::Relaxed),
            bytes: shared.bytes.load(Ordering::Relaxed),
            refused: shared.refused.load(Ordering::Relaxed),
            writable: self.writable(),
            commits: std::array::from_fn(|n| shared.commits[n].load(Ordering::Relaxed)),
        }
    }
}

/// A snapshot that knows more than the journal is the witness of a lost tail.
fn snapshot_ahead(snapshot: Offset, journal: Offset) -> Damage {
    let why =
        format!("a snapshot goes through record {snapshot}, the journal only through {journal}");
    Damage { file: "snapshots".into(), offset: 0, why }
}
