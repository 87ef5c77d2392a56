//! How often somebody may ask, by whatever they are known by.
//!
//! Owns     for each of them the moment at which what they have asked for is paid off (the generic cell rate
//!          algorithm: one moment each, no timers).
//! Bounds   [`KEPT_MAX`] of them; past it those who owe nothing are forgotten, and if nobody is, all.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const KEPT_MAX: usize = 100_000;

/// One rule for all of `K`.
#[derive(Debug)]
pub struct Rate<K> {
    /// One request costs so much time.
    each: Duration,
    /// What may be owed.
    burst: Duration,
    paid_off: Mutex<HashMap<K, Instant>>,
}

impl<K: Hash + Eq> Rate<K> {
    /// `burst` at once, and then one each `each`.
    pub fn new(burst: u32, each: Duration) -> Rate<K> {
        Rate { each, burst: each * burst, paid_off: Mutex::default() }
    }

    /// Takes one, or says how long to wait.
    pub fn take(&self, who: K, now: Instant) -> Result<(), Duration> {
        let mut paid_off = self.paid_off.lock().unwrap_or_else(PoisonError::into_inner);
        if paid_off.len() >= KEPT_MAX && !paid_off.contains_key(&who) {
            paid_off.retain(|_, paid| *paid > now);
            if paid_off.len() >= KEPT_MAX {
                paid_off.clear();
            }
        }
        let paid = paid_off.entry(who).or_insert(now);
        let owed = (*paid).max(now) + self.each;
        let over = owed.saturating_duration_since(now).saturating_sub(self.burst);
        if !over.is_zero() {
            return Err(over);
        }
        *paid = owed;
        Ok(())
    }

    /// Whether one could be taken, without taking it: how long to wait if not.
    pub fn look(&self, who: &K, now: Instant) -> Result<(), Duration> {
        let paid_off = self.paid_off.lock().unwrap_or_else(PoisonError::into_inner);
        let owed = paid_off.get(who).map_or(now, |paid| (*paid).max(now)) + self.each;
        let over = owed.saturating_duration_since(now).saturating_sub(self.burst);
        if over.is_zero() { Ok(()) } else { Err(over) }
    }
}

/// An address as one household has it: of IPv6 the network counts.
pub fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_goes_at_once_and_then_one_each_span() {
        let rate = Rate::new(3, Duration::from_secs(10));
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        for _ in 0..3 {
            assert_eq!(rate.take("a", start), Ok(()));
        }
        assert_eq!(rate.take("a", start), Err(Duration::from_secs(10)));
        assert_eq!(rate.take("b", start), Ok(()), "somebody else");
        assert_eq!(rate.take("a", at(9)), Err(Duration::from_secs(1)));
        assert_eq!(rate.look(&"a", at(10)), Ok(()));
        assert_eq!(rate.take("a", at(10)), Ok(()));
        assert!(rate.take("a", at(10)).is_err());
    }

    #[test]
    fn strangers_do_not_fill_the_memory() {
        let rate = Rate::new(1, Duration::from_secs(1));
        let now = Instant::now();
        for number in 0..=KEPT_MAX {
            let _ = rate.take(number, now);
        }
        assert!(rate.paid_off.lock().unwrap().len() <= KEPT_MAX);
    }

    #[test]
    fn a_network_of_ipv6_is_one_household() {
        let of = |text: &str| neighbourhood(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
