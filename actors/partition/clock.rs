//! A partition's time: the last journaled time carried on by a clock that cannot jump.
//!
//! It starts where the log ended (or at the wall clock, when that is later), runs with the monotonic clock
//! and is slewed towards the wall clock by at most a tenth of what has passed. It never goes back, so the
//! log's times rise whatever the wall clock does.

use crate::node::ClockMode;
use domain::time::UtcMillis;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

#[derive(Debug)]
pub struct PartitionClock {
    mode: ClockMode,
    began: Instant,
    base_ms: i64,
    /// Slewed so far, or advanced by an operator.
    shift_ms: AtomicI64,
    /// When (since `began`) the last slew was made.
    slewed_ms: AtomicI64,
    last_ms: AtomicI64,
}

/// How far behind or ahead of the wall clock is left alone.
const TOLERATED_MS: i64 = 2;

impl PartitionClock {
    pub fn new(mode: ClockMode, last: UtcMillis) -> Self {
        let base_ms = last.0.max(wall_ms());
        PartitionClock {
            mode,
            began: Instant::now(),
            base_ms,
            shift_ms: AtomicI64::new(0),
            slewed_ms: AtomicI64::new(0),
            last_ms: AtomicI64::new(base_ms),
        }
    }

    /// The time for one decision.
    pub fn sample(&self) -> UtcMillis {
        let elapsed = match self.mode {
            ClockMode::Manual => 0,
            ClockMode::System => self.elapsed_and_slew(),
        };
        let now = self.base_ms + elapsed + self.shift_ms.load(Relaxed);
        UtcMillis(self.last_ms.fetch_max(now, Relaxed).max(now))
    }

    /// Only a manual clock is advanced; says whether it was.
    pub fn advance(&self, by_ms: i64) -> bool {
        if self.mode != ClockMode::Manual || by_ms < 0 {
            return false;
        }
        self.shift_ms.fetch_add(by_ms, Relaxed);
        true
    }

    fn elapsed_and_slew(&self) -> i64 {
        let elapsed = i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX);
        let since = elapsed - self.slewed_ms.load(Relaxed);
        // A tenth of 100 ms is the first step worth making; one thread of many makes it.
        if since >= 100 && self.slewed_ms.fetch_max(elapsed, Relaxed) < elapsed {
            let ahead = self.base_ms + elapsed + self.shift_ms.load(Relaxed) - wall_ms();
            if ahead.abs() > TOLERATED_MS {
                self.shift_ms.fetch_sub(ahead.clamp(-since / 10, since / 10), Relaxed);
            }
        }
        elapsed
    }
}

fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_from_the_log_even_if_the_wall_clock_is_behind() {
        let future = UtcMillis(wall_ms() + 3_600_000);
        let clock = PartitionClock::new(ClockMode::System, future);
        let first = clock.sample();
        assert!(first >= future);
        assert!(clock.sample() >= first);
    }

    #[test]
    fn a_manual_clock_stands_until_it_is_advanced() {
        let clock = PartitionClock::new(ClockMode::Manual, UtcMillis(0));
        let first = clock.sample();
        assert!(clock.advance(1_500));
        assert_eq!(clock.sample(), first.plus_ms(1_500));
        assert!(!clock.advance(-1));
        assert!(!PartitionClock::new(ClockMode::System, first).advance(1));
    }
}
