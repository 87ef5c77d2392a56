//! Letters that have still to go, and how far the log was read for them.
//!
//! The whole of it is written down after each letter that went, so that what a crash repeats is the one
//! that was in flight. A mail server that says "later" is asked again after a pause that doubles; one that
//! says "never" is believed.

use super::{Letter, LetterId};
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Letters that may wait; past it no more of the log is read until some have gone.
pub const WAITING_MAX: usize = 1_000;
/// The longest pause between two tries of a letter.
const PAUSE_MS_MAX: i64 = 60 * 60 * 1_000;
/// A letter that no server took for so long is given up.
const TRIED_MS_MAX: i64 = 3 * 24 * 60 * 60 * 1_000;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Outbox {
    /// The log has been read through this offset.
    pub read: u64,
    waiting: BTreeMap<LetterId, Waiting>,
    pub sent: u64,
    pub given_up: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Waiting {
    letter: Letter,
    tries: u32,
    next: UtcMillis,
}

/// How a try ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Sent,
    /// 4xx, a time-out, nobody there: try again.
    Later,
    /// 5xx, or an address that is none.
    Never,
}

impl Outbox {
    /// For a node that has never sent any: what was before is nobody's news.
    pub fn from(read: u64) -> Outbox {
        Outbox { read, ..Outbox::default() }
    }

    pub fn is_full(&self) -> bool {
        self.waiting.len() >= WAITING_MAX
    }

    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The log was read through `offset`; its record led to this letter.
    pub fn read(&mut self, offset: u64, letter: Option<Letter>) {
        if offset <= self.read {
            return;
        }
        self.read = offset;
        if let Some(letter) = letter {
            let next = letter.at;
            self.waiting.insert(letter.id, Waiting { letter, tries: 0, next });
        }
    }

    /// Gives up what has become worthless by `now`: how many.
    pub fn drop_worthless(&mut self, now: UtcMillis) -> u64 {
        let before = self.waiting.len();
        self.waiting.retain(|_, waiting| waiting.letter.worthless.is_none_or(|end| now < end));
        let dropped = (before - self.waiting.len()) as u64;
        self.given_up += dropped;
        dropped
    }

    /// The letter to be tried now: of those whose pause is over the one that waits for longest.
    pub fn due(&self, now: UtcMillis) -> Option<&Letter> {
        let due = self.waiting.values().filter(|waiting| waiting.next <= now);
        due.min_by_key(|waiting| (waiting.next, waiting.letter.id)).map(|waiting| &waiting.letter)
    }

    pub fn ended(&mut self, now: UtcMillis, id: LetterId, ended: Ended, pause_ms: i64) {
        let Some(waiting) = self.waiting.get_mut(&id) else { return };
        let too_long = now.since_ms(waiting.letter.at) >= TRIED_MS_MAX;
        match ended {
            Ended::Sent => {
                self.sent += 1;
                self.waiting.remove(&id);
            }
            Ended::Later if !too_long => {
                let doubled = pause_ms.max(1).saturating_mul(1 << waiting.tries.min(20));
                waiting.tries = waiting.tries.saturating_add(1);
                waiting.next = now.plus_ms(doubled.min(PAUSE_MS_MAX));
            }
            Ended::Later | Ended::Never => {
                self.given_up += 1;
                self.waiting.remove(&id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Content;
    use super::*;
    use proptest::prelude::*;

    const PAUSE: i64 = 1_000;

    fn letter(id: u64, at: i64, worthless: Option<i64>) -> Letter {
        Letter {
            id: LetterId(id),
            to: "a@b.example".to_owned(),
            at: UtcMillis(at),
            worthless: worthless.map(UtcMillis),
            content: Content::Reset { nonce: [0; 16], known: false },
        }
    }

    #[test]
    fn a_greylisted_letter_comes_back_later_and_later_and_others_go_meanwhile() {
        let mut outbox = Outbox::from(10);
        outbox.read(11, Some(letter(11, 0, None)));
        outbox.read(12, Some(letter(12, 0, None)));
        let now = UtcMillis(5);
        assert_eq!(outbox.due(now).unwrap().id, LetterId(11));
        outbox.ended(now, LetterId(11), Ended::Later, PAUSE);
        assert_eq!(outbox.due(now).unwrap().id, LetterId(12));
        outbox.ended(now, LetterId(12), Ended::Sent, PAUSE);
        assert_eq!(outbox.due(UtcMillis(1_004)), None);
        assert_eq!(outbox.due(UtcMillis(1_005)).unwrap().id, LetterId(11));
        outbox.ended(UtcMillis(1_005), LetterId(11), Ended::Later, PAUSE);
        assert_eq!(outbox.due(UtcMillis(3_004)), None, "the pause has doubled");
        outbox.ended(UtcMillis(3_005), LetterId(11), Ended::Never, PAUSE);
        assert_eq!((outbox.sent, outbox.given_up, outbox.len()), (1, 1, 0));
    }

    #[test]
    fn a_letter_is_given_up_when_it_says_nothing_any_more_or_nobody_takes_it_for_days() {
        let mut outbox = Outbox::default();
        outbox.read(1, Some(letter(1, 0, Some(900_000))));
        assert_eq!(outbox.drop_worthless(UtcMillis(899_999)), 0);
        assert_eq!(outbox.drop_worthless(UtcMillis(900_000)), 1);
        outbox.read(2, Some(letter(2, 0, None)));
        outbox.ended(UtcMillis(TRIED_MS_MAX), LetterId(2), Ended::Later, PAUSE);
        assert!(outbox.is_empty());
        assert_eq!(outbox.given_up, 2);
    }

    proptest! {
        /// Whatever the server says and whenever the node is killed: every letter is sent or given up, none
        /// is forgotten, and a kill repeats at most the letter that was in flight.
        #[test]
        fn every_letter_goes_at_least_once_and_only_one_in_flight_twice(
            steps in prop::collection::vec((0_u8..5, any::<bool>()), 1..80)
        ) {
            let letters = 10_u64;
            let (mut kept, mut live) = (Outbox::default(), Outbox::default());
            let mut delivered = std::collections::BTreeMap::<LetterId, u32>::new();
            let (mut kills, mut now) = (0, UtcMillis(0));
            let mut answers = steps.into_iter().chain(std::iter::repeat_n((0, false), 40));
            loop {
                for offset in live.read + 1..=letters {
                    live.read(offset, Some(letter(offset, 0, None)));
                }
                let Some(id) = live.due(now).map(|letter| letter.id) else {
                    if live.is_empty() { break }
                    now = now.plus_ms(PAUSE);
                    continue;
                };
                let Some((kind, killed)) = answers.next() else { break };
                let ended = if kind < 4 { Ended::Sent } else { Ended::Later };
                if ended == Ended::Sent {
                    *delivered.entry(id).or_default() += 1;
                }
                if killed {
                    kills += 1;
                    live = kept.clone();
                    continue;
                }
                live.ended(now, id, ended, PAUSE);
                kept = live.clone();
            }
            prop_assert!(live.is_empty());
            prop_assert_eq!(delivered.len() as u64, letters);
            let extra: u32 = delivered.values().map(|times| times - 1).sum();
            prop_assert!(extra <= kills, "{extra} repeats after {kills} kills");
        }
    }
}
