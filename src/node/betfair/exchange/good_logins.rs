//! Good logins, counted where they are limited: who logs in again and again is kept out for a while.
//!
//! Bounds   [`COUNTED_MAX`] users; past it those of the last minute and those kept out stay.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const MINUTE: Duration = Duration::from_secs(60);
const COUNTED_MAX: usize = 100_000;

pub(super) struct GoodLogins {
    /// In a minute; `None` counts nothing.
    most: Option<u32>,
    ban: Duration,
    by_user: Mutex<HashMap<String, Count>>,
}

struct Count {
    since: Instant,
    logins: u32,
    banned_at: Option<Instant>,
}

impl GoodLogins {
    pub(super) fn new(most: Option<u32>, ban: Duration) -> GoodLogins {
        GoodLogins { most, ban, by_user: Mutex::default() }
    }

    pub(super) fn is_banned(&self, user: &str, now: Instant) -> bool {
        if self.most.is_none() {
            return false;
        }
        let by_user = self.by_user.lock().unwrap_or_else(PoisonError::into_inner);
        let banned_at = by_user.get(user).and_then(|count| count.banned_at);
        banned_at.is_some_and(|at| now - at < self.ban)
    }

    /// Counts one more; false when it is one too many, and from then on the user is kept out.
    pub(super) fn admit(&self, user: String, now: Instant) -> bool {
        let Some(most) = self.most else { return true };
        let mut by_user = self.by_user.lock().unwrap_or_else(PoisonError::into_inner);
        if by_user.len() >= COUNTED_MAX {
            let (ban, recent) = (self.ban, |at: Instant| now - at < MINUTE);
            by_user.retain(|_, count| {
                recent(count.since) || count.banned_at.is_some_and(|at| now - at < ban)
            });
        }
        let new = || Count { since: now, logins: 0, banned_at: None };
        let count = by_user.entry(user).or_insert_with(new);
        if now - count.since >= MINUTE {
            *count = new();
        }
        count.logins = count.logins.saturating_add(1);
        let admitted = count.logins <= most;
        if !admitted {
            count.banned_at = Some(now);
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_too_many_in_a_minute_keeps_the_user_out() {
        let good = GoodLogins::new(Some(2), Duration::from_secs(100));
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let log_in = |seconds| {
            let now = at(seconds);
            !good.is_banned("ann", now) && good.admit("ann".into(), now)
        };
        let tried: Vec<bool> = [0, 1, 59, 60, 158, 159].map(log_in).into();
        assert_eq!(tried, [true, true, false, false, false, true]);
        assert!(good.admit("bob".into(), at(59)), "others are not concerned");
        assert!(GoodLogins::new(None, MINUTE).admit("ann".into(), at(0)));
    }
}
