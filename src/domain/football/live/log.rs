//! What one provider has told of one match, by its own numbers.
//!
//! Numbers count from 0 or 1 without holes, so that what is missing is known. An event told again under the
//! same number is a repeat when it says the same, and a correction when it does not. A clock that only
//! confirms how late it was thought to be is let go again, so that a match told every second is no larger than
//! one told every minute.

use super::event::{FeedEvent, FeedKind};
use super::story::Story;
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Events of one match by one provider, clocks that were let go not counted.
pub const LOG_MAX: usize = 4_000;
/// Clocks agree when they are no farther apart.
const AGREE_MS: i64 = 5_000;

/// An event and when it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    pub event: FeedEvent,
    pub at: UtcMillis,
    /// So many clocks right before it were let go.
    follows: u32,
}

/// What an event is to a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    New,
    /// Says otherwise what was said before.
    Correction,
    /// Says what is known.
    Repeat,
    /// There is no room for it.
    Full,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Log {
    events: BTreeMap<u32, Heard>,
}

impl Log {
    pub fn judge(&self, seq: u32, event: &FeedEvent) -> Told {
        match self.events.get(&seq) {
            Some(known) if known.event == *event => Told::Repeat,
            Some(_) => Told::Correction,
            None if self.covering(seq).is_some() => match event.kind {
                FeedKind::Clock => Told::Repeat,
                _ => Told::Correction,
            },
            None if self.events.len() >= LOG_MAX => Told::Full,
            None => Told::New,
        }
    }

    /// Keeps it, whatever [`Log::judge`] says.
    pub fn hear(&mut self, seq: u32, event: FeedEvent, at: UtcMillis) {
        let mut heard = Heard { event, at, follows: 0 };
        if let Some(known) = self.events.get(&seq) {
            heard.follows = known.follows;
            // Corrected in what happened and not in when: it was heard when it was.
            if known.event.clock_s() == event.clock_s() {
                heard.at = known.at;
            }
        } else if let Some(over) = self.covering(seq) {
            let above = self.events.get_mut(&over).expect("it covers the number");
            let first = over - above.follows;
            above.follows = over - seq - 1;
            heard.follows = seq - first;
        }
        self.events.insert(seq, heard);
        self.thin(seq);
    }

    pub fn story(&self) -> Story {
        Story::of(self)
    }

    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// By number, which is how they happened.
    pub fn events(&self) -> impl Iterator<Item = (u32, &Heard)> {
        self.events.iter().map(|(seq, heard)| (*seq, heard))
    }

    /// The first number that is missing below others.
    pub fn missing(&self) -> Option<u32> {
        let mut next = None;
        for (seq, heard) in &self.events {
            let first = seq - heard.follows;
            match next {
                None if first > 1 => return Some(1),
                Some(next) if first != next => return Some(next),
                _ => {}
            }
            next = Some(seq + 1);
        }
        None
    }

    /// Whose run of clocks that were let go holds the number.
    fn covering(&self, seq: u32) -> Option<u32> {
        let (above, heard) = self.events.range(seq..).next()?;
        (*above != seq && above - heard.follows <= seq).then_some(*above)
    }

    /// Lets go of the clock before `seq` when it stands between two others that it agrees with.
    fn thin(&mut self, seq: u32) {
        let mut behind = self.events.range(..=seq).rev().map(|(seq, heard)| (*seq, *heard));
        let (Some((_, last)), Some((middle, between)), Some((first, before))) =
            (behind.next(), behind.next(), behind.next())
        else {
            return;
        };
        let in_a_row = middle + 1 == seq - last.follows && first + 1 == middle - between.follows;
        let clocks = [last, between, before].iter().all(|one| one.event.kind == FeedKind::Clock);
        let agree = |late: Heard, early: Heard| {
            let played_ms = (late.event.clock_s() - early.event.clock_s()) * 1_000;
            (played_ms - late.at.since_ms(early.at)).abs() <= AGREE_MS
        };
        if in_a_row && clocks && agree(last, between) && agree(between, before) {
            self.events.remove(&middle);
            if let Some(last) = self.events.get_mut(&seq) {
                last.follows += between.follows + 1;
            }
        }
    }
}
