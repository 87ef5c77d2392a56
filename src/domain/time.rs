//! Time as the journal knows it: milliseconds since 1970 UTC, told to the domain and never read by it.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A moment. A span of time is an `i64` of milliseconds with the unit in its name.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct UtcMillis(pub i64);

impl UtcMillis {
    pub const MAX: UtcMillis = UtcMillis(i64::MAX);

    pub fn plus_ms(self, ms: i64) -> UtcMillis {
        UtcMillis(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to here; negative if `earlier` is later.
    pub fn since_ms(self, earlier: UtcMillis) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for UtcMillis {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}
