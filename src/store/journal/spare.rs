//! The spare segment: always made before it is needed, so that rotation never waits for zeros to be
//! written.
//!
//! Owns the thread that makes it (or does it inline, for tests that must be deterministic), and the
//! knowledge that the disk is full: a spare that cannot be made is tried again every second, and
//! until then the log takes nothing new. Never renames: the journal does when it rotates.

use super::files::FileOptions;
use super::segment;
use crate::disk::{Disk, DiskFile};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long a rotation waits for a spare that is being made; a disk slower than this counts as
/// full.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Default)]
struct State {
    wanted: Option<u64>,
    ready: Option<(u64, Box<dyn DiskFile>)>,
    failed: bool,
    stopped: bool,
}

struct Shared {
    disk: Arc<dyn Disk>,
    options: FileOptions,
    state: Mutex<State>,
    changed: Condvar,
}

pub(super) struct Spare {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Spare {
    pub(super) fn new(disk: Arc<dyn Disk>, options: FileOptions) -> std::io::Result<Self> {
        let shared =
            Arc::new(Shared { disk, options, state: Mutex::default(), changed: Condvar::new() });
        let thread = if options.background {
            let shared = shared.clone();
            Some(thread::Builder::new().name("journal-spare".into()).spawn(move || shared.work())?)
        } else {
            None
        };
        Ok(Spare { shared, thread })
    }

    /// From now on the spare is to be segment `number`.
    pub(super) fn want(&self, number: u64) {
        self.shared.state().wanted = Some(number);
        self.retry();
    }

    /// Tries again; the background thread does so by itself.
    pub(super) fn retry(&self) {
        if self.thread.is_some() {
            self.shared.changed.notify_all();
        } else if self.shared.state().wanted.is_some() {
            self.shared.make();
        }
    }

    pub(super) fn failed(&self) -> bool {
        self.shared.state().failed
    }

    pub(super) fn is_ready(&self) -> bool {
        self.shared.state().ready.is_some()
    }

    /// The spare, once: waits for it while it is being made, `None` when it cannot be made.
    pub(super) fn take(&self, number: u64) -> Option<Box<dyn DiskFile>> {
        let state = self.shared.state();
        let waiting = |state: &mut State| state.ready.is_none() && !state.failed;
        let mut state = if self.thread.is_some() {
            let waited = self.shared.changed.wait_timeout_while(state, PATIENCE, waiting);
            waited.unwrap_or_else(PoisonError::into_inner).0
        } else {
            state
        };
        let (ready, file) = state.ready.take()?;
        debug_assert_eq!(ready, number);
        Some(file)
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        self.shared.state().stopped = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // It may be writing zeros; the next owner must not find it doing so.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        loop {
            let idle = |state: &mut State| state.wanted.is_none() && !state.stopped;
            let state =
                self.changed.wait_while(self.state(), idle).unwrap_or_else(PoisonError::into_inner);
            if state.stopped {
                return;
            }
            drop(state);
            if !self.make() {
                let state = self.state();
                let running = |state: &mut State| !state.stopped;
                let waited =
                    self.changed.wait_timeout_while(state, self.options.spare_retry, running);
                drop(waited.unwrap_or_else(PoisonError::into_inner));
            }
        }
    }

    /// Makes what is wanted, without holding the lock; true when it is there.
    fn make(&self) -> bool {
        let Some(number) = self.state().wanted else { return true };
        let made = segment::prepare(&*self.disk, number, self.options.segment_bytes);
        let mut state = self.state();
        let failed_before = state.failed;
        state.failed = made.is_err();
        match made {
            Ok(file) => {
                state.wanted = None;
                state.ready = Some((number, file));
                if failed_before {
                    tracing::info!(segment = number, "journal has room again");
                }
            }
            Err(error) if !failed_before => {
                tracing::warn!(segment = number, %error, "no spare segment, the partition is read-only");
            }
            Err(_) => {}
        }
        let made = !state.failed;
        drop(state);
        self.changed.notify_all();
        made
    }
}
