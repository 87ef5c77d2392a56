//! The ways of single orders through the exchange, step by step with their times.
//!
//! Owns     the last journeys: one in [`SAMPLED`] requests always, and while somebody watches as many as can be kept
//!          for a while: every request when few come, one in two, in four … when more do.
//! Never    holds up who it follows: a step is a time and two words behind a short lock, and an order that is not
//!          followed costs a look at its number.
//!
//! A journey on which nothing has happened for [`SETTLED_US`] is over. Where journeys are handed on as traces each is
//! handed on once, and one that goes before its turn is counted.
//!
//! Bounds   about [`BEGUN_MAX`] journeys begun a second, [`JOURNEYS_MAX`] journeys of [`STEPS_MAX`] steps and [`BETS_MAX`] bets; the oldest goes first.

use domain::ids::{BetId, MarketId, SessionId};
use serde::Serialize;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// One of so many requests of a session is followed though nobody watches; its first is.
const SAMPLED: u64 = 64;
const JOURNEYS_MAX: usize = 2_048;
/// In a second; where more are, fewer are followed: what is gone before anybody looks was not worth its cost.
const BEGUN_MAX: u32 = 128;
const STEPS_MAX: usize = 32;
const BETS_MAX: usize = 200;
/// Orders are through in milliseconds; a bet delay may hold one up for seconds.
const SETTLED_US: u64 = 2_000_000;

/// A request, by its session and number there.
pub type Key = (SessionId, u64);

/// One hop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Unix microseconds.
    pub at_us: u64,
    pub from: &'static str,
    pub to: &'static str,
    pub what: &'static str,
    /// Where the log stood that the step rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
}

#[derive(Debug, Clone)]
pub struct Journey {
    pub key: Key,
    pub market: Option<MarketId>,
    pub bets: Vec<BetId>,
    pub steps: Vec<Step>,
    handed_on: bool,
}

#[derive(Debug, Default)]
pub struct Journeys {
    /// One of so many requests of a session is followed: a power of two up to [`SAMPLED`].
    stride: Stride,
    watched: AtomicBool,
    /// Whether they are handed on, and how many went before their turn.
    handed_on: AtomicBool,
    lost: AtomicU64,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    journeys: VecDeque<Journey>,
    /// By the first bet of each: bets that come together go together.
    by_first: HashMap<BetId, Key>,
    /// The second that is counted, and how many were begun in it.
    second: u64,
    begun: u32,
}

#[derive(Debug)]
struct Stride(AtomicU64);

impl Default for Stride {
    fn default() -> Self {
        Stride(AtomicU64::new(SAMPLED))
    }
}

impl Journeys {
    /// Somebody watches from now on, or nobody any more.
    pub fn watch(&self, on: bool) {
        if self.watched.swap(on, Relaxed) != on {
            self.stride.0.store(if on { 1 } else { SAMPLED }, Relaxed);
        }
    }

    pub(crate) fn follows(&self, key: Key) -> bool {
        let stride = self.stride.0.load(Relaxed);
        key.1 % stride == 1 % stride
    }

    /// A step of a request that is followed, if it was from its beginning.
    pub(crate) fn step(&self, key: Key, hop: [&'static str; 3], offset: Option<u64>) {
        let step = step(hop, offset);
        if let Some(journey) = self.kept().find(key) {
            journey.take(step);
        }
    }

    /// The first step of a request that is followed.
    pub(crate) fn begin(&self, key: Key, hop: [&'static str; 3]) {
        let step = step(hop, None);
        let mut kept = self.kept();
        if let Some(journey) = kept.find(key) {
            return journey.take(step);
        }
        if self.watched.load(Relaxed) {
            self.pace(&mut kept, step.at_us / 1_000_000);
        }
        if kept.journeys.len() >= JOURNEYS_MAX
            && let Some(oldest) = kept.journeys.pop_front()
        {
            if !oldest.handed_on && self.handed_on.load(Relaxed) {
                self.lost.fetch_add(1, Relaxed);
            }
            if let Some(first) = oldest.bets.first() {
                kept.by_first.remove(first);
            }
        }
        let (market, bets, steps) = (None, Vec::new(), vec![step]);
        kept.journeys.push_back(Journey { key, market, bets, steps, handed_on: false });
    }

    /// Follows fewer as soon as too many are begun, and more again after a second with few.
    fn pace(&self, kept: &mut Kept, second: u64) {
        let stride = self.stride.0.load(Relaxed);
        if kept.second != second {
            if kept.begun < BEGUN_MAX / 4 {
                self.stride.0.store((stride / 2).max(1), Relaxed);
            }
            (kept.second, kept.begun) = (second, 0);
        }
        kept.begun += 1;
        if kept.begun >= BEGUN_MAX {
            kept.begun = 0;
            self.stride.0.store((stride * 2).min(SAMPLED), Relaxed);
        }
    }

    /// The bets that a followed request became.
    pub(crate) fn became(&self, key: Key, market: Option<MarketId>, bets: &[BetId]) {
        let mut kept = self.kept();
        let Some(journey) = kept.find(key).filter(|journey| journey.bets.is_empty()) else {
            return;
        };
        journey.market = market;
        journey.bets.extend(bets.iter().take(BETS_MAX));
        if let Some(first) = bets.first() {
            kept.by_first.insert(*first, key);
        }
    }

    /// The request that came with this bet as its first, if it is followed.
    pub(crate) fn followed(&self, first: BetId) -> Option<Key> {
        self.kept().by_first.get(&first).copied()
    }

    /// A bet's way so far.
    pub fn of(&self, bet: BetId) -> Option<Journey> {
        let mut journey =
            self.kept().journeys.iter().rev().find(|it| it.bets.contains(&bet)).cloned()?;
        // Steps are told by several threads.
        journey.steps.sort_by_key(|step| step.at_us);
        Some(journey)
    }

    /// The oldest that are over and were not handed on yet, by the wall clock.
    pub fn hand_on(&self, limit: usize) -> Vec<Journey> {
        self.handed_on.store(true, Relaxed);
        let now_us = now_us();
        let mut kept = self.kept();
        let over = kept.journeys.iter_mut().filter(|it| {
            let last = it.steps.iter().map(|step| step.at_us).max().unwrap_or_default();
            !it.handed_on && now_us.saturating_sub(last) >= SETTLED_US
        });
        let over = over.take(limit).map(|journey| {
            journey.handed_on = true;
            let mut journey = journey.clone();
            journey.steps.sort_by_key(|step| step.at_us);
            journey
        });
        over.collect()
    }

    /// Journeys that went before they were handed on.
    pub fn lost(&self) -> u64 {
        self.lost.load(Relaxed)
    }

    /// The newest bets whose way is known.
    pub fn newest(&self, limit: usize) -> Vec<BetId> {
        let kept = self.kept();
        let firsts = kept.journeys.iter().rev().filter_map(|it| it.bets.first().copied());
        firsts.take(limit).collect()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn find(&mut self, key: Key) -> Option<&mut Journey> {
        self.journeys.iter_mut().rev().find(|journey| journey.key == key)
    }
}

impl Journey {
    fn take(&mut self, step: Step) {
        if self.steps.len() < STEPS_MAX {
            self.steps.push(step);
        }
    }
}

fn step([from, to, what]: [&'static str; 3], offset: Option<u64>) -> Step {
    Step { at_us: now_us(), from, to, what, offset }
}

fn now_us() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_micros() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::PartitionId;

    #[test]
    fn a_followed_request_is_found_by_its_bets_and_the_oldest_is_forgotten() {
        let journeys = Journeys::default();
        let session = SessionId(7);
        assert!(journeys.follows((session, 1)) && !journeys.follows((session, 2)));
        journeys.watch(true);
        assert!(journeys.follows((session, 2)));
        let bet = |n: u64| BetId::new(n, PartitionId(0));
        for n in 0..JOURNEYS_MAX as u64 + 1 {
            journeys.begin((session, n), ["door", "session", "request"]);
            journeys.became((session, n), Some(MarketId(5)), &[bet(n)]);
        }
        assert!(journeys.of(bet(0)).is_none(), "the oldest is forgotten");
        for _ in 0..2 * STEPS_MAX {
            let key = journeys.followed(bet(1)).expect("it is followed");
            journeys.step(key, ["account", "market", "matched"], Some(9));
        }
        let way = journeys.of(bet(1)).expect("it is followed");
        assert_eq!((way.steps.len(), way.steps[0].from), (STEPS_MAX, "door"));
        assert_eq!(journeys.newest(1), [bet(JOURNEYS_MAX as u64)]);
    }

    #[test]
    fn while_somebody_watches_all_are_followed_when_few_come_and_some_when_many_do() {
        let journeys = Journeys::default();
        journeys.watch(true);
        let second = |second: u64, requests: u64| {
            let followed = |n: &u64| {
                let follows = journeys.follows((SessionId(7), *n));
                if follows {
                    journeys.pace(&mut journeys.kept(), second);
                }
                follows
            };
            (1..=requests).filter(followed).count()
        };
        assert_eq!(second(1, 20), 20, "every one");
        let crowded = second(2, 100_000);
        assert!((128..3_000).contains(&crowded), "{crowded}");
        journeys.step((SessionId(7), 2), ["account", "market", "matched"], None);
        assert!(journeys.of(BetId(1)).is_none(), "a journey begins at its beginning");
        for quiet in 3..16 {
            second(quiet, 20);
        }
        assert_eq!(second(16, 20), 20, "every one again");
        journeys.watch(false);
        assert!(!journeys.follows((SessionId(7), 2)));
    }

    #[test]
    fn a_journey_is_handed_on_once_and_only_when_it_is_over() {
        let journeys = Journeys::default();
        let key = (SessionId(7), 1);
        journeys.begin(key, ["door", "session", "admitted"]);
        assert!(journeys.hand_on(10).is_empty(), "it may go on");
        for step in &mut journeys.kept().find(key).expect("it is kept").steps {
            step.at_us -= SETTLED_US;
        }
        assert_eq!(journeys.hand_on(10).len(), 1);
        assert!(journeys.hand_on(10).is_empty(), "it was handed on");
        for n in 0..JOURNEYS_MAX as u64 + 2 {
            journeys.begin((SessionId(8), n), ["door", "session", "admitted"]);
        }
        assert_eq!(journeys.lost(), 2, "those that were not handed on");
    }
}
