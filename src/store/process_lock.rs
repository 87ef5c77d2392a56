//! One writer per log in this process.
//!
//! Owns the set of logs that have a writer thread. A journal actor that restarts may find the
//! thread of its former self still inside a sync; the new writer waits here for it, bounded. Never
//! replaces the directory lock, which keeps other processes out.

use std::collections::HashSet;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

static HELD: Mutex<Option<HashSet<String>>> = Mutex::new(None);
static FREED: Condvar = Condvar::new();

/// The log is ours until this is dropped.
#[derive(Debug)]
pub(crate) struct ProcessLock {
    log: String,
}

impl ProcessLock {
    /// Waits at most `patience` for the log's last writer; `None` when it did not let go.
    pub(crate) fn acquire(log: &str, patience: Duration) -> Option<Self> {
        let deadline = Instant::now() + patience;
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if held.get_or_insert_default().insert(log.to_owned()) {
                return Some(ProcessLock { log: log.to_owned() });
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            held = FREED.wait_timeout(held, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for ProcessLock {
    fn drop(&mut self) {
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        held.get_or_insert_default().remove(&self.log);
        drop(held);
        FREED.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_writer_waits_for_the_last_one_but_not_for_ever() {
        let first = ProcessLock::acquire("a log of this test", Duration::ZERO).unwrap();
        assert!(ProcessLock::acquire("a log of this test", Duration::from_millis(5)).is_none());
        let waiting = std::thread::spawn(|| {
            ProcessLock::acquire("a log of this test", Duration::from_secs(20)).is_some()
        });
        drop(first);
        assert!(waiting.join().unwrap());
        assert!(ProcessLock::acquire("a log of this test", Duration::ZERO).is_some());
    }
}
