//! Numbered messages between two entities that may each die at any moment.
//!
//! ```text
//!   sender                          receiver
//!   Outbound: 1 2 3 kept ───2──▶    Inbound: last = 1, takes only last + 1
//!        ◀── answer to 2 / acknowledged through 2 ──
//! ```
//! The sender keeps what it sent until it is answered or acknowledged, and repeats it when the receiver
//! is back or a timer says so; the receiver takes each number once and in order. Both halves are part of
//! their entity's state, so a replay remembers them. `protocol.md` 8 to 10 says why each rule is needed.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// What a receiver does with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// The next one: take it.
    Next,
    /// Taken before: answer what was answered then.
    Repeat,
    /// One or more before it are missing: ask the sender to begin again at `expected`.
    Gap { expected: u64 },
}

/// The receiving half. Numbers begin at 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Inbound {
    last: u64,
}

impl Inbound {
    pub fn arrival(self, n: u64) -> Arrival {
        match n {
            n if n == self.last + 1 => Arrival::Next,
            n if n <= self.last => Arrival::Repeat,
            _ => Arrival::Gap { expected: self.last + 1 },
        }
    }

    /// Called by `apply` of the record that takes number `n`.
    pub fn take(&mut self, n: u64) {
        debug_assert_eq!(n, self.last + 1, "numbers are taken in order");
        self.last = n;
    }

    pub fn last(self) -> u64 {
        self.last
    }
}

/// What a receiver has asked to be sent again. Each number it waits for is asked for once until its timer has
/// passed: whoever else comes too early meanwhile says nothing new, and two who never agree must not talk without
/// end. What was asked in vain is repeated by the sender's own timer.
#[derive(Debug, Clone)]
pub struct Asked<K>(BTreeMap<K, u64>);

impl<K> Default for Asked<K> {
    fn default() -> Self {
        Asked(BTreeMap::new())
    }
}

impl<K: Ord> Asked<K> {
    /// Whether to ask `whom` to begin again at `expected`.
    pub fn asks(&mut self, whom: K, expected: u64) -> bool {
        self.0.insert(whom, expected) != Some(expected)
    }

    /// The timer has passed.
    pub fn forget(&mut self) {
        self.0.clear();
    }
}

/// The sending half: what was sent and is not settled yet, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outbound<T> {
    last: u64,
    open: VecDeque<(u64, T)>,
}

impl<T> Default for Outbound<T> {
    fn default() -> Self {
        Outbound { last: 0, open: VecDeque::new() }
    }
}

impl<T> Outbound<T> {
    /// Counts on after `last`, with nothing open.
    pub fn after(last: u64) -> Self {
        Outbound { last, open: VecDeque::new() }
    }

    /// The number that the next push will be given.
    pub fn next(&self) -> u64 {
        self.last + 1
    }

    pub fn push(&mut self, item: T) -> u64 {
        self.last += 1;
        self.open.push_back((self.last, item));
        self.last
    }

    /// Settles one number, in any order; what was sent is given back the first time.
    pub fn settle(&mut self, n: u64) -> Option<T> {
        let at = self.open.binary_search_by_key(&n, |(number, _)| *number).ok()?;
        self.open.remove(at).map(|(_, item)| item)
    }

    /// Settles everything up to and including `n`.
    pub fn settle_through(&mut self, n: u64) {
        while self.open.front().is_some_and(|(number, _)| *number <= n) {
            self.open.pop_front();
        }
    }

    pub fn get(&self, n: u64) -> Option<&T> {
        let at = self.open.binary_search_by_key(&n, |(number, _)| *number).ok()?;
        self.open.get(at).map(|(_, item)| item)
    }

    /// What is not settled, from number `from` on.
    pub fn open_from(&self, from: u64) -> impl Iterator<Item = (u64, &T)> {
        self.open.iter().filter(move |(n, _)| *n >= from).map(|(n, item)| (*n, item))
    }

    pub fn is_settled(&self) -> bool {
        self.open.is_empty()
    }

    pub fn open_len(&self) -> usize {
        self.open.len()
    }
}

/// The receiving half that keeps its answers until the sender says that it has them: home's acts and
/// sessions' requests are served this way. Numbers may be skipped (what was refused without a trace
/// leaves none) and are never taken twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served<A> {
    forgotten: u64,
    answers: BTreeMap<u64, Option<A>>,
}

impl<A> Default for Served<A> {
    fn default() -> Self {
        Served { forgotten: 0, answers: BTreeMap::new() }
    }
}

/// What a request's number says about it.
#[derive(Debug, PartialEq, Eq)]
pub enum Request<'a, A> {
    /// Not seen, or refused without a trace: decide.
    New,
    /// Taken, not answered yet.
    Pending,
    Answered(&'a A),
    /// Answered so long ago that the sender has confirmed it: a stray repeat, to be dropped.
    Forgotten,
}

impl<A> Served<A> {
    pub fn request(&self, n: u64) -> Request<'_, A> {
        match self.answers.get(&n) {
            _ if n <= self.forgotten => Request::Forgotten,
            None => Request::New,
            Some(None) => Request::Pending,
            Some(Some(answer)) => Request::Answered(answer),
        }
    }

    /// For senders that count without holes: nothing before `n` is missing.
    pub fn follows(&self, n: u64) -> bool {
        let last = self.answers.last_key_value().map_or(self.forgotten, |(last, _)| *last);
        n <= last + 1
    }

    pub fn take(&mut self, n: u64) {
        self.answers.entry(n).or_insert(None);
    }

    /// Stores the answer of a number that was taken; a number already forgotten stays forgotten.
    pub fn answer(&mut self, n: u64, answer: A) {
        if n > self.forgotten {
            self.answers.insert(n, Some(answer));
        }
    }

    /// The sender has every answer up to and including `n`.
    pub fn forget_through(&mut self, n: u64) {
        if n > self.forgotten {
            self.forgotten = n;
            self.answers = self.answers.split_off(&(n + 1));
        }
    }

    pub fn len(&self) -> usize {
        self.answers.len()
    }

    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_until_the_sender_has_it() {
        let mut served = Served::default();
        assert_eq!(served.request(1), Request::New);
        assert!(served.follows(1) && !served.follows(2));
        served.take(1);
        assert_eq!(served.request(1), Request::Pending);
        served.answer(1, "done");
        assert_eq!(served.request(1), Request::Answered(&"done"));
        served.forget_through(1);
        assert_eq!(served.request(1), Request::Forgotten);
        assert_eq!(served.request(2), Request::New);
        assert!(served.follows(2) && !served.follows(3));
        assert!(served.is_empty());
    }

    #[test]
    fn what_is_missing_is_asked_for_once_until_the_timer_has_passed() {
        let mut asked = Asked::default();
        assert!(asked.asks("home", 1) && asked.asks("market", 1));
        assert!(!asked.asks("home", 1));
        assert!(asked.asks("home", 2), "it has come further");
        asked.forget();
        assert!(asked.asks("home", 2));
    }

    #[test]
    fn a_receiver_takes_each_number_once_and_in_order() {
        let mut inbound = Inbound::default();
        assert_eq!(inbound.arrival(2), Arrival::Gap { expected: 1 });
        assert_eq!(inbound.arrival(1), Arrival::Next);
        inbound.take(1);
        assert_eq!(inbound.arrival(1), Arrival::Repeat);
        assert_eq!(inbound.arrival(2), Arrival::Next);
    }

    #[test]
    fn a_sender_keeps_what_is_not_settled() {
        let mut outbound = Outbound::default();
        for item in ["a", "b", "c"] {
            outbound.push(item);
        }
        assert_eq!(outbound.settle(2), Some("b"));
        assert_eq!(outbound.settle(2), None);
        assert_eq!(outbound.open_from(0).collect::<Vec<_>>(), [(1, &"a"), (3, &"c")]);
        outbound.settle_through(1);
        assert_eq!(outbound.open_from(2).collect::<Vec<_>>(), [(3, &"c")]);
        assert_eq!(outbound.next(), 4);
    }
}
