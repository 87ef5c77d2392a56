//! One actor in figures: how much waits, for how long it waited, how long handlers took, what is in hand.
//!
//! Owns     the counters of one incarnation. Senders write the depth, the handler the rest; whoever watches reads
//!          them from outside, also while the handler hangs, and nobody who does not watch pays for it.
//! Never    allocates, locks or looks at a clock in a message's way; what is derived (rates, percentiles) is
//!          derived by who reads.
//!
//! All but the depth has one writer, so a plain load and store does where others would need more.

use serde::Serialize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, AtomicUsize};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Buckets of waiting times: the first is less than a microsecond, each next twice as wide, the last open.
pub const WAIT_BUCKETS: usize = 24;
/// How many messages an actor remembers the names of.
pub const REMEMBERED: usize = 20;
/// Names beyond it are remembered as [`OTHER`]: an actor has a few dozen messages.
const NAMES_MAX: usize = 250;
const OTHER: &str = "other";

/// What instants are counted from, since an atomic cannot hold one.
static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);

/// An actor's mailbox and handler in figures, since its start.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Load {
    pub depth: usize,
    pub handled: u64,
    /// Time that messages spent in the mailbox, in all.
    pub waited_us: u64,
    /// Time that the handler spent, in all.
    pub busy_us: u64,
    pub slowest_us: u64,
}

/// How often a message waited how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Waits([u32; WAIT_BUCKETS]);

/// The message that the handler works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InHand {
    pub message: &'static str,
    pub since: Duration,
}

/// One actor's counters.
#[derive(Debug)]
pub struct Gauge {
    /// Messages that are not handled yet.
    depth: AtomicUsize,
    handled: AtomicU64,
    waited_ns: AtomicU64,
    busy_ns: AtomicU64,
    slowest_ns: AtomicU64,
    waits: [AtomicU32; WAIT_BUCKETS],
    /// Nanoseconds since the epoch at which the handler took what is in hand.
    taken_at: AtomicU64,
    /// One more than the name of what is in hand; none is 0.
    in_hand: AtomicU8,
    slowest: AtomicU8,
    /// Names of the last messages, as a ring; `remembered` says how many there were.
    last: [AtomicU8; REMEMBERED],
    remembered: AtomicU64,
    /// Only grows: a name's place is its number.
    names: Mutex<Vec<&'static str>>,
}

impl Default for Gauge {
    fn default() -> Self {
        Gauge {
            depth: AtomicUsize::new(0),
            handled: AtomicU64::new(0),
            waited_ns: AtomicU64::new(0),
            busy_ns: AtomicU64::new(0),
            slowest_ns: AtomicU64::new(0),
            waits: [const { AtomicU32::new(0) }; WAIT_BUCKETS],
            taken_at: AtomicU64::new(0),
            in_hand: AtomicU8::new(0),
            slowest: AtomicU8::new(0),
            last: [const { AtomicU8::new(0) }; REMEMBERED],
            remembered: AtomicU64::new(0),
            names: Mutex::default(),
        }
    }
}

impl Gauge {
    pub fn load(&self) -> Load {
        Load {
            depth: self.depth.load(Relaxed),
            handled: self.handled.load(Relaxed),
            waited_us: self.waited_ns.load(Relaxed) / 1_000,
            busy_us: self.busy_ns.load(Relaxed) / 1_000,
            slowest_us: self.slowest_ns.load(Relaxed) / 1_000,
        }
    }

    pub fn depth(&self) -> usize {
        self.depth.load(Relaxed)
    }

    pub fn waits(&self) -> Waits {
        let mut waits = Waits::default();
        for (count, bucket) in waits.0.iter_mut().zip(&self.waits) {
            *count = bucket.load(Relaxed);
        }
        waits
    }

    /// What the handler works on now.
    pub fn in_hand(&self) -> Option<InHand> {
        let number = self.in_hand.load(Relaxed).checked_sub(1)?;
        let taken_at = Duration::from_nanos(self.taken_at.load(Relaxed));
        let since = EPOCH.elapsed().saturating_sub(taken_at);
        Some(InHand { message: self.name(number), since })
    }

    /// Which message took longest, and how long.
    pub fn slowest(&self) -> Option<(&'static str, Duration)> {
        let took = self.slowest_ns.load(Relaxed);
        let number = self.slowest.load(Relaxed).checked_sub(1)?;
        Some((self.name(number), Duration::from_nanos(took)))
    }

    /// Names of the last messages, oldest first.
    pub fn last_messages(&self) -> Vec<&'static str> {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let count = self.remembered.load(Relaxed);
        let first = count.saturating_sub(REMEMBERED as u64);
        let slots = (first..count).map(|n| &self.last[(n % REMEMBERED as u64) as usize]);
        slots.map(|slot| name_of(&names, slot.load(Relaxed))).collect()
    }

    fn name(&self, number: u8) -> &'static str {
        name_of(&self.names.lock().unwrap_or_else(PoisonError::into_inner), number)
    }

    /// A message came into the mailbox.
    pub(crate) fn put(&self) {
        self.depth.fetch_add(1, Relaxed);
    }

    /// A message left the mailbox after `waited`.
    pub(crate) fn taken(&self, waited: Duration) {
        self.depth.fetch_sub(1, Relaxed);
        let waited = nanos(waited);
        add(&self.waited_ns, waited);
        let bucket = (u64::BITS - (waited / 1_000).leading_zeros()) as usize;
        let bucket = &self.waits[bucket.min(WAIT_BUCKETS - 1)];
        bucket.store(bucket.load(Relaxed).wrapping_add(1), Relaxed);
    }

    /// The handler begins with a message at an instant.
    pub(crate) fn begins(&self, message: u8, at: Instant) {
        let count = self.remembered.load(Relaxed);
        self.last[(count % REMEMBERED as u64) as usize].store(message, Relaxed);
        self.remembered.store(count + 1, Relaxed);
        self.taken_at.store(nanos(at.saturating_duration_since(*EPOCH)), Relaxed);
        self.in_hand.store(message + 1, Relaxed);
    }

    /// The handler is done after `busy`.
    pub(crate) fn handled(&self, busy: Duration) {
        let busy = nanos(busy);
        add(&self.busy_ns, busy);
        add(&self.handled, 1);
        // Without a message in hand it was looked at, which is nothing that it did.
        let in_hand = self.in_hand.load(Relaxed);
        if in_hand > 0 && busy > self.slowest_ns.load(Relaxed) {
            self.slowest_ns.store(busy, Relaxed);
            self.slowest.store(in_hand, Relaxed);
        }
        self.in_hand.store(0, Relaxed);
    }
}

impl From<[u32; WAIT_BUCKETS]> for Waits {
    fn from(counts: [u32; WAIT_BUCKETS]) -> Self {
        Waits(counts)
    }
}

impl Waits {
    /// What came since an earlier reading.
    pub fn since(&self, before: &Waits) -> Waits {
        let mut waits = *self;
        for (count, before) in waits.0.iter_mut().zip(before.0) {
            *count = count.wrapping_sub(before);
        }
        waits
    }

    pub fn count(&self) -> u64 {
        self.0.iter().map(|count| u64::from(*count)).sum()
    }

    /// The waiting time, in microseconds, that `share` (0 to 1) of the messages did not exceed: the upper
    /// end of its bucket, so at most twice too long. 0 when there were none.
    pub fn quantile_us(&self, share: f64) -> u64 {
        let count = self.count();
        if count == 0 {
            return 0;
        }
        let wanted = ((count as f64) * share).ceil().max(1.0) as u64;
        let mut seen = 0;
        let reaches = |bucket: &u32| {
            seen += u64::from(*bucket);
            seen >= wanted
        };
        self.0.iter().position(reaches).map_or(0, |bucket| 1 << bucket)
    }
}

/// The numbers of message names, as the handler of one actor knows them.
#[derive(Debug, Default)]
pub(crate) struct Names(Vec<&'static str>);

impl Names {
    /// A name's number; a new one is told to the gauge.
    pub(crate) fn number(&mut self, name: &'static str, gauge: &Gauge) -> u8 {
        // Literals: nearly always the same place, and else the same few letters.
        let same = |known: &&'static str| std::ptr::eq(*known, name) || *known == name;
        let known = self.0.iter().position(same);
        let number = known.unwrap_or_else(|| {
            let name = if self.0.len() < NAMES_MAX { name } else { OTHER };
            if self.0.len() <= NAMES_MAX {
                self.0.push(name);
                gauge.names.lock().unwrap_or_else(PoisonError::into_inner).push(name);
            }
            self.0.len() - 1
        });
        number as u8
    }
}

fn name_of(names: &[&'static str], number: u8) -> &'static str {
    names.get(usize::from(number)).copied().unwrap_or(OTHER)
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

fn add(counter: &AtomicU64, more: u64) {
    counter.store(counter.load(Relaxed).wrapping_add(more), Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_times_are_told_by_their_share() {
        let gauge = Gauge::default();
        assert_eq!(gauge.waits().quantile_us(0.99), 0, "nobody waited");
        for us in (0..99).map(|_| 10).chain([40_000]) {
            gauge.put();
            gauge.taken(Duration::from_micros(us));
        }
        let waits = gauge.waits();
        assert_eq!((waits.count(), gauge.depth()), (100, 0));
        assert_eq!(waits.quantile_us(0.5), 16, "10 is below 16");
        assert_eq!(waits.quantile_us(1.0), 65_536);
        gauge.put();
        gauge.taken(Duration::from_secs(1_000_000));
        let later = gauge.waits().since(&waits);
        assert_eq!(later.count(), 1, "an endless wait is in the last bucket");
        assert_eq!(later.quantile_us(0.5), 1 << (WAIT_BUCKETS - 1));
    }

    #[test]
    fn what_is_in_hand_and_what_was_is_seen_from_outside() {
        let (gauge, mut names) = (Gauge::default(), Names::default());
        assert_eq!(gauge.in_hand(), None);
        for n in 0..REMEMBERED + 3 {
            let name = if n % 2 == 0 { "place" } else { "cancel" };
            let number = names.number(name, &gauge);
            gauge.put();
            gauge.taken(Duration::ZERO);
            gauge.begins(number, Instant::now());
            assert_eq!(gauge.in_hand().unwrap().message, name);
            gauge.handled(Duration::from_millis(n as u64));
        }
        assert_eq!(gauge.in_hand(), None);
        let last = gauge.last_messages();
        assert_eq!((last.len(), last[REMEMBERED - 1], last[0]), (REMEMBERED, "place", "cancel"));
        assert_eq!(gauge.slowest(), Some(("place", Duration::from_millis(22))));
        gauge.handled(Duration::from_secs(1));
        assert_eq!(gauge.slowest(), Some(("place", Duration::from_millis(22))), "only looked at");
    }

    #[test]
    fn names_are_bounded() {
        let (gauge, mut names) = (Gauge::default(), Names::default());
        for n in 0..1_000 {
            let name: &'static str = Box::leak(format!("message {n}").into_boxed_str());
            names.number(name, &gauge);
        }
        assert_eq!(gauge.name(names.number("one more", &gauge)), OTHER);
        assert!(names.0.len() <= NAMES_MAX + 1);
    }
}
