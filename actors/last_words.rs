//! What an actor was at when it fell: the message in hand, the ones before it, and how many waited.
//!
//! Owns     the last words of actors that fell lately, by ractor's number, until whoever supervises them asks. The
//!          shell leaves them as it falls, before its supervisor hears of it.
//!
//! Bounds   [`KEPT_MAX`] of them; past it the oldest are forgotten.

use crate::gauge::Gauge;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::sync::{LazyLock, Mutex, PoisonError};

const KEPT_MAX: usize = 1_024;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastWords {
    /// The message that it worked on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_hand: Option<Cow<'static, str>>,
    /// For how long, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_hand_us: Option<u64>,
    /// Names of the last messages, oldest first, what was in hand included.
    pub last_messages: Vec<Cow<'static, str>>,
    /// Messages that waited.
    pub mailbox: usize,
}

#[derive(Debug, Default)]
struct Kept {
    words: HashMap<u64, LastWords>,
    order: VecDeque<u64>,
}

static KEPT: LazyLock<Mutex<Kept>> = LazyLock::new(Mutex::default);

/// Keeps what the gauge of a falling actor says.
pub(crate) fn leave(incarnation: u64, gauge: &Gauge) {
    let in_hand = gauge.in_hand();
    let words = LastWords {
        in_hand: in_hand.map(|hand| hand.message.into()),
        in_hand_us: in_hand.map(|hand| hand.since.as_micros() as u64),
        last_messages: gauge.last_messages().into_iter().map(Cow::Borrowed).collect(),
        mailbox: gauge.depth(),
    };
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.words.insert(incarnation, words).is_none() {
        kept.order.push_back(incarnation);
    }
    if kept.order.len() > KEPT_MAX
        && let Some(oldest) = kept.order.pop_front()
    {
        kept.words.remove(&oldest);
    }
}

/// What an actor left, once.
pub fn take(incarnation: u64) -> Option<LastWords> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).words.remove(&incarnation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_words_are_bounded_and_taken_once() {
        let gauge = Gauge::default();
        let first = 1 << 40;
        for n in 0..KEPT_MAX as u64 + 5 {
            leave(first + n, &gauge);
        }
        assert!(take(first).is_none(), "the oldest is forgotten");
        let newest = first + KEPT_MAX as u64 + 4;
        assert_eq!(take(newest).map(|words| words.mailbox), Some(0));
        assert!(take(newest).is_none());
    }
}
