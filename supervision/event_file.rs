//! Supervision events on disk: a thread that writes what the event log hands it, and what was there before.
//!
//! Owns `<data>/supervision/`: at most [`SEGMENTS_MAX`] segments of [`SEGMENT_BYTES`] in the journal's frame format,
//! events as JSON, the oldest segment dropped. Nothing in it holds up a supervisor or a start: what cannot be read or
//! written is told in the process's own log and gone without.
//!
//! What may be lost: a power cut takes the events of about the last second ([`SYNC_AFTER`]), a SIGKILL those of the
//! last milliseconds that still waited in the queue, and numbers lost so are given again; an orderly stop loses
//! nothing. When [`QUEUE_BOUND`] events wait for the disk, more are kept in memory only.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use store::disk::DirectoryLock;
use store::{Disk, OsDisk, RingLog, RingOptions, frame};
use tokio::sync::oneshot;

use crate::event::SupervisionEvent;
use crate::event_log::trace;
use crate::spawn;

const SEGMENT_BYTES: u64 = 1 << 20;
const SEGMENTS_MAX: usize = 8;

/// Events that may wait for the disk.
const QUEUE_BOUND: usize = 16_384;
/// How long an event may lie in the page cache.
const SYNC_AFTER: Duration = Duration::from_secs(1);
/// Events and bytes of one frame, about.
const FRAME_EVENTS: usize = 256;
const FRAME_BYTES: usize = 64 << 10;
/// Backtraces that are made text for the disk in a second: each costs milliseconds.
const TRACES_PER_SECOND: u32 = 8;
/// After a failed write, how long none is tried.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The way to the thread. It ends when the last clone is gone or it is closed.
#[derive(Clone)]
pub(crate) struct EventFile(SyncSender<Job>);

enum Job {
    Write(SupervisionEvent),
    /// Write, sync, let go of the directory, and answer.
    Close(oneshot::Sender<()>),
}

impl EventFile {
    /// Reads what is there and starts the thread; `None`, and told, when the directory cannot be used.
    pub(crate) fn open(directory: &Path, mut read: impl FnMut(SupervisionEvent)) -> Option<Self> {
        let told = directory.display().to_string();
        let unusable = |why: &dyn std::fmt::Display| {
            tracing::warn!(directory = told, %why, "supervision events are kept in memory only");
        };
        let disk = match OsDisk::new(directory) {
            Ok(disk) => Arc::new(disk),
            Err(error) => {
                unusable(&error);
                return None;
            }
        };
        let lock = match disk.lock() {
            Ok(Some(lock)) => lock,
            Ok(None) => {
                unusable(&"another process has them");
                return None;
            }
            Err(error) => {
                unusable(&error);
                return None;
            }
        };
        let options = RingOptions { segment_bytes: SEGMENT_BYTES, segments_max: SEGMENTS_MAX };
        let mut unreadable = 0;
        let opened = RingLog::open(disk, options, |bytes| match serde_json::from_slice(bytes) {
            Ok(event) => read(event),
            Err(_) => unreadable += 1,
        });
        let (log, findings) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                unusable(&error);
                return None;
            }
        };
        if let Some(hole) = findings.torn {
            tracing::info!(%hole, directory = told, "torn end of the supervision log cut");
        }
        for damage in findings.damage {
            tracing::warn!(%damage, directory = told, "supervision log damaged, going on behind it");
        }
        if unreadable > 0 {
            tracing::warn!(
                unreadable,
                directory = told,
                "supervision events of another shape skipped"
            );
        }
        let (queue, jobs) = mpsc::sync_channel(QUEUE_BOUND);
        let writer = Writer::new(log, lock);
        match spawn::thread("supervision-log", move || writer.run(&jobs)) {
            Ok(()) => Some(EventFile(queue)),
            Err(error) => {
                unusable(&error);
                None
            }
        }
    }

    /// Never waits. False when the event is not going to be written.
    pub(crate) fn write(&self, event: &SupervisionEvent) -> bool {
        self.0.try_send(Job::Write(event.clone())).is_ok()
    }

    /// Everything handed in before is on the disk when this returns, and the directory is free.
    pub(crate) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        let queue = self.0.clone();
        // The queue may be full, and waiting for room in it blocks.
        let sent = spawn::blocking(move || queue.send(Job::Close(done)).is_ok()).await;
        if sent.unwrap_or(false) {
            // A thread that is gone has nothing more to write.
            let _ = closed.await;
        }
    }
}

struct Writer {
    log: RingLog,
    body: Vec<u8>,
    first: u64,
    events: u32,
    /// Since when something has not been synced.
    unsynced_since: Option<Instant>,
    failed_at: Option<Instant>,
    unwritten: u64,
    traces: (Option<Instant>, u32),
    _lock: DirectoryLock,
}

impl Writer {
    fn new(log: RingLog, lock: DirectoryLock) -> Self {
        Writer {
            log,
            body: Vec::new(),
            first: 0,
            events: 0,
            unsynced_since: None,
            failed_at: None,
            unwritten: 0,
            traces: (None, 0),
            _lock: lock,
        }
    }

    fn run(mut self, jobs: &Receiver<Job>) {
        let mut closing = None;
        while closing.is_none() {
            let job = match self.unsynced_since {
                None => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(since) => jobs.recv_timeout(SYNC_AFTER.saturating_sub(since.elapsed())),
            };
            match job {
                Ok(job) => closing = self.gather(job, jobs),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.unsynced_since.is_some_and(|since| since.elapsed() >= SYNC_AFTER) {
                self.sync();
            }
        }
        self.sync();
        drop(self);
        if let Some(done) = closing {
            // Whoever asked may have stopped waiting.
            let _ = done.send(());
        }
    }

    /// Writes what waits, as one frame.
    fn gather(&mut self, first: Job, jobs: &Receiver<Job>) -> Option<oneshot::Sender<()>> {
        let mut next = Some(first);
        let mut closing = None;
        while let Some(job) = next.take() {
            match job {
                Job::Write(event) => self.add(event),
                Job::Close(done) => {
                    closing = Some(done);
                    break;
                }
            }
            if (self.events as usize) < FRAME_EVENTS && self.body.len() < FRAME_BYTES {
                next = jobs.try_recv().ok();
            }
        }
        self.flush();
        closing
    }

    fn add(&mut self, mut event: SupervisionEvent) {
        self.thin(&mut event);
        let seq = event.seq;
        let Ok(text) = serde_json::to_vec(&event) else {
            self.unwritten += 1;
            return;
        };
        // One event is never near a frame's bound but for a hostile backtrace.
        if self.body.len() + text.len() + 4 > self.log.body_bytes_max() {
            self.flush();
        }
        if self.events == 0 {
            self.first = seq;
        }
        self.events += 1;
        frame::push_record(&mut self.body, |out| out.extend_from_slice(&text));
    }

    /// Takes the backtrace away when too many have been made text lately.
    fn thin(&mut self, event: &mut SupervisionEvent) {
        let Some(trace) = trace(event).filter(|trace| trace.is_some()) else { return };
        let (since, count) = &mut self.traces;
        if since.is_none_or(|since| since.elapsed() >= Duration::from_secs(1)) {
            (*since, *count) = (Some(Instant::now()), 0);
        }
        *count += 1;
        if *count > TRACES_PER_SECOND {
            *trace = None;
        }
    }

    fn flush(&mut self) {
        let (events, first) = (std::mem::take(&mut self.events), self.first);
        if events == 0 {
            return;
        }
        if self.failed_at.is_some_and(|at| at.elapsed() < RETRY_AFTER) {
            self.unwritten += u64::from(events);
        } else {
            match self.log.append(first, events, &self.body) {
                Ok(()) => {
                    if self.failed_at.take().is_some() {
                        tracing::info!(
                            unwritten = self.unwritten,
                            "supervision events are written again"
                        );
                        self.unwritten = 0;
                    }
                    self.unsynced_since.get_or_insert_with(Instant::now);
                }
                Err(error) => self.failed(&error, u64::from(events)),
            }
        }
        self.body.clear();
    }

    fn sync(&mut self) {
        self.unsynced_since = None;
        if self.log.is_unsynced()
            && let Err(error) = self.log.sync()
        {
            self.failed(&error, 0);
        }
    }

    /// Told once until it works again.
    fn failed(&mut self, error: &std::io::Error, unwritten: u64) {
        self.unwritten += unwritten;
        if self.failed_at.replace(Instant::now()).is_none() {
            tracing::warn!(%error, "supervision events cannot be written");
        }
    }
}
