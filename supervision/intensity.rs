//! How often is too often: restarts within a period, as OTP counts them. Told the time.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::event::What;

/// More than `restarts` within `period_ms` is too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intensity {
    pub restarts: u32,
    pub period_ms: u64,
}

impl Intensity {
    /// OTP's own default.
    pub const OTP: Self = Self { restarts: 1, period_ms: 5_000 };
}

impl Default for Intensity {
    fn default() -> Self {
        Self::OTP
    }
}

/// The restarts that still count. Holds at most `restarts + 1` of them, each looked at twice.
pub(crate) struct Window {
    intensity: Intensity,
    marks: VecDeque<Instant>,
}

impl Window {
    pub(crate) fn new(intensity: Intensity) -> Self {
        Self { intensity, marks: VecDeque::new() }
    }

    /// Counts one restart; false when it is one too many.
    pub(crate) fn admit(&mut self, now: Instant) -> bool {
        self.forget_before(now);
        if self.marks.len() > self.intensity.restarts as usize {
            return false;
        }
        self.marks.push_back(now);
        self.marks.len() <= self.intensity.restarts as usize
    }

    pub(crate) fn budget(&mut self, now: Instant) -> Budget {
        self.forget_before(now);
        let Intensity { restarts, period_ms } = self.intensity;
        Budget { used: self.marks.len() as u32, of: restarts, within_ms: period_ms }
    }

    fn forget_before(&mut self, now: Instant) {
        let period = Duration::from_millis(self.intensity.period_ms);
        while self.marks.front().is_some_and(|mark| now.duration_since(*mark) > period) {
            self.marks.pop_front();
        }
    }
}

/// What of an intensity is spent at this moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    pub used: u32,
    pub of: u32,
    pub within_ms: u64,
}

impl Budget {
    /// What is told of a restart that was just counted against it.
    pub(crate) fn restarting(self, own: bool, delay: Duration) -> What {
        What::Restarting {
            attempt: self.used,
            of: self.of,
            within_ms: self.within_ms,
            own,
            backoff_ms: delay.as_millis() as u64,
        }
    }
}
