//! How long to wait before the next restart. Pure: the jitter comes from the child's id and the
//! attempt, so children that die together do not come back together, and tests can name it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The first restart is immediate; the next wait `first_ms`, doubled each time up to `max_ms`.
/// A child that was up for `reset_after_ms` starts over. Waiting spreads restarts out, so an
/// intensity with a short period may never be reached by a child that backs off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backoff {
    pub first_ms: u64,
    pub max_ms: u64,
    pub reset_after_ms: u64,
}

impl Backoff {
    /// OTP's behaviour: every restart is immediate.
    pub const NONE: Self = Self { first_ms: 0, max_ms: 0, reset_after_ms: 0 };

    /// `attempt` counts from 1 since the child was last well. The result lies between half of
    /// the doubled time and the whole of it.
    pub fn delay(&self, id: &str, attempt: u32) -> Duration {
        if attempt <= 1 || self.first_ms == 0 {
            return Duration::ZERO;
        }
        let doublings = (attempt - 2).min(32);
        let full_ms = self.first_ms.saturating_mul(1 << doublings).min(self.max_ms);
        let half_ms = full_ms / 2;
        Duration::from_millis(half_ms + hash(id, attempt) % (full_ms - half_ms + 1))
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::NONE
    }
}

/// FNV-1a with a final mix: spread is all that is asked of it.
fn hash(id: &str, attempt: u32) -> u64 {
    let bytes = id.bytes().chain(attempt.to_le_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    (hash ^ (hash >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_restart_is_immediate_and_later_ones_wait_longer_up_to_the_maximum() {
        let backoff = Backoff { first_ms: 100, max_ms: 1_000, reset_after_ms: 0 };
        let cases = [(1, 0, 0), (2, 50, 100), (3, 100, 200), (4, 200, 400), (9, 500, 1_000)];
        for (attempt, least_ms, most_ms) in cases {
            let delay_ms = backoff.delay("market-1", attempt).as_millis();
            assert!((least_ms..=most_ms).contains(&delay_ms), "attempt {attempt}: {delay_ms}");
        }
        assert!(backoff.delay("market-1", u32::MAX).as_millis() <= 1_000);
    }

    #[test]
    fn jitter_is_the_same_for_a_child_and_differs_between_children() {
        let backoff = Backoff { first_ms: 10_000, max_ms: 10_000, reset_after_ms: 0 };
        let delays: std::collections::BTreeSet<_> =
            (0..100).map(|n| backoff.delay(&format!("market-{n}"), 2)).collect();
        assert!(delays.len() > 90, "only {} distinct delays", delays.len());
        assert_eq!(backoff.delay("market-1", 2), backoff.delay("market-1", 2));
    }
}
