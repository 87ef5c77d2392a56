//! The queue in front of a thread: a `Vec` under a mutex that the consumer swaps for an empty one.
//!
//! Owns the hand from many producers to one consumer. A push is one short lock (tens of nanoseconds
//! when nobody else is in it) and wakes the consumer only when it sleeps, so the cost of a wake-up
//! is paid once a batch; one that waits for company is woken only by what is urgent. Bounded by weight:
//! past the bound a push is refused, never blocked.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushError {
    Closed,
    Full,
}

/// What a consumer gets to know when it comes for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    Items,
    TimedOut,
    Closed,
}

/// What a consumer may be woken by before its patience is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    Anything,
    Urgent,
}

#[derive(Debug)]
struct Inner<T> {
    items: Vec<T>,
    /// Something in them is urgent.
    urgent: bool,
    /// What the consumer sleeps for, if it does.
    asleep: Option<Wake>,
}

impl<T> Inner<T> {
    fn wakes(&self, wake: Wake) -> bool {
        self.urgent || (wake == Wake::Anything && !self.items.is_empty())
    }
}

#[derive(Debug)]
pub struct Queue<T> {
    inner: Mutex<Inner<T>>,
    filled: Condvar,
    closed: AtomicBool,
    /// Weight that was pushed and not yet given back by `done`.
    weight: AtomicUsize,
    weight_max: usize,
}

impl<T> Queue<T> {
    pub fn new(weight_max: usize) -> Self {
        Queue {
            inner: Mutex::new(Inner { items: Vec::new(), urgent: false, asleep: None }),
            filled: Condvar::new(),
            closed: AtomicBool::new(false),
            weight: AtomicUsize::new(0),
            weight_max,
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A weight of zero is always taken: the producer is the consumer's own kin.
    pub fn push(&self, item: T, weight: usize, urgent: bool) -> Result<(), PushError> {
        if weight > 0 && self.weight.load(Ordering::Relaxed) + weight > self.weight_max {
            return Err(if self.is_closed() { PushError::Closed } else { PushError::Full });
        }
        let mut inner = self.inner();
        // Read under the lock: `close` drains under it, so nothing slips in behind.
        if self.is_closed() {
            return Err(PushError::Closed);
        }
        self.weight.fetch_add(weight, Ordering::Relaxed);
        inner.items.push(item);
        inner.urgent |= urgent;
        let woken = inner.asleep.is_some_and(|wake| inner.wakes(wake));
        if woken {
            inner.asleep = None;
        }
        drop(inner);
        if woken {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Swaps what is there into `into`, which must be empty; sleeps at most `patience` for it.
    pub fn take(&self, into: &mut Vec<T>, wake: Wake, patience: Duration) -> Taken {
        debug_assert!(into.is_empty());
        let mut inner = self.inner();
        if !inner.wakes(wake) && !self.is_closed() {
            inner.asleep = Some(wake);
            let idle = |inner: &mut Inner<T>| !inner.wakes(wake) && !self.is_closed();
            let waited = self.filled.wait_timeout_while(inner, patience, idle);
            inner = waited.unwrap_or_else(PoisonError::into_inner).0;
            inner.asleep = None;
        }
        if self.is_closed() {
            return Taken::Closed;
        }
        if inner.items.is_empty() {
            return Taken::TimedOut;
        }
        std::mem::swap(&mut inner.items, into);
        inner.urgent = false;
        Taken::Items
    }

    /// Sleeps until `patience` is over or the queue is closed; true when it is closed. What is
    /// pushed stays.
    pub fn wait_closed(&self, patience: Duration) -> bool {
        let open = |_: &mut Inner<T>| !self.is_closed();
        drop(self.filled.wait_timeout_while(self.inner(), patience, open));
        self.is_closed()
    }

    /// So much of what was pushed has been dealt with.
    pub fn done(&self, weight: usize) {
        self.weight.fetch_sub(weight, Ordering::Relaxed);
    }

    pub fn weight(&self) -> usize {
        self.weight.load(Ordering::Relaxed)
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Nothing goes in or out any more; what was in it is dropped, outside the lock.
    pub fn close(&self) {
        let mut inner = self.inner();
        self.closed.store(true, Ordering::Release);
        let dropped = std::mem::take(&mut inner.items);
        drop(inner);
        self.filled.notify_all();
        drop(dropped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn what_many_push_one_takes_once_and_in_each_ones_order() {
        let queue = Arc::new(Queue::new(usize::MAX));
        let producers: Vec<_> = (0..4u64)
            .map(|who| {
                let queue = queue.clone();
                std::thread::spawn(move || {
                    (0..5000u64).for_each(|n| queue.push((who, n), 1, true).unwrap())
                })
            })
            .collect();
        let (mut next, mut taken, mut batch) = ([0; 4], 0, Vec::new());
        while taken < 20_000 {
            assert_eq!(queue.take(&mut batch, Wake::Anything, LONG), Taken::Items);
            for (who, n) in batch.drain(..) {
                assert_eq!(n, next[who as usize]);
                next[who as usize] += 1;
                taken += 1;
            }
        }
        producers.into_iter().for_each(|it| it.join().unwrap());
    }

    #[test]
    fn past_its_bound_a_push_is_refused_until_work_is_done() {
        let queue = Queue::new(3);
        queue.push('a', 2, true).unwrap();
        assert_eq!(queue.push('b', 2, true), Err(PushError::Full));
        queue.push('c', 0, true).unwrap();
        queue.take(&mut Vec::new(), Wake::Anything, LONG);
        assert_eq!(queue.push('b', 2, true), Err(PushError::Full));
        queue.done(2);
        queue.push('b', 2, true).unwrap();
    }

    #[test]
    fn who_waits_for_company_is_woken_by_what_is_urgent_and_gets_all() {
        let queue = Arc::new(Queue::new(9));
        queue.push('a', 1, false).unwrap();
        let short = Duration::from_millis(20);
        let mut taken = Vec::new();
        let began = std::time::Instant::now();
        assert_eq!(queue.take(&mut taken, Wake::Urgent, short), Taken::Items);
        assert!(began.elapsed() >= short, "it waited for company in vain");
        assert_eq!(std::mem::take(&mut taken), ['a']);
        assert_eq!(queue.take(&mut taken, Wake::Urgent, Duration::ZERO), Taken::TimedOut);
        let consumer = queue.clone();
        let waiting = std::thread::spawn(move || {
            let mut taken = Vec::new();
            (consumer.take(&mut taken, Wake::Urgent, LONG), taken)
        });
        queue.push('b', 1, false).unwrap();
        std::thread::sleep(short);
        assert!(!waiting.is_finished());
        queue.push('c', 1, true).unwrap();
        assert_eq!(waiting.join().unwrap(), (Taken::Items, vec!['b', 'c']));
        queue.push('d', 1, false).unwrap();
        assert_eq!(queue.take(&mut taken, Wake::Anything, LONG), Taken::Items);
    }

    #[test]
    fn a_closed_queue_wakes_its_consumer_and_takes_nothing() {
        let queue = Arc::new(Queue::<u8>::new(9));
        let consumer = queue.clone();
        let waiting =
            std::thread::spawn(move || consumer.take(&mut Vec::new(), Wake::Anything, LONG));
        queue.close();
        assert_eq!(waiting.join().unwrap(), Taken::Closed);
        assert_eq!(queue.push(1, 1, true), Err(PushError::Closed));
    }
}
