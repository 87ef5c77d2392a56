//! Waiting for something to become true, by looking at it.

use std::fmt::Debug;
use std::time::{Duration, Instant};

/// How long anything may take before a test gives up: generous, since it is only used up on failure.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);

/// Looks again and again until `look` sees something; `None` at the deadline.
///
/// The pause between two looks keeps a waiting test from taking the machine away from the node. It stands
/// for nothing: what is waited for is looked at.
pub(crate) fn within<T>(deadline: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + deadline;
    loop {
        match look() {
            Some(seen) => return Some(seen),
            None if Instant::now() > end => return None,
            None => std::thread::park_timeout(Duration::from_millis(2)),
        }
    }
}

/// Looks until `look` answers `Ok`; panics with its last complaint at the deadline.
pub(crate) fn eventually<T, E: Debug>(what: &str, mut look: impl FnMut() -> Result<T, E>) -> T {
    let mut complaint = None;
    let seen = within(DEADLINE, || look().map_err(|error| complaint = Some(error)).ok());
    seen.unwrap_or_else(|| panic!("not in {DEADLINE:?}: {what}; last seen: {complaint:#?}"))
}
