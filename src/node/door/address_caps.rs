//! How many connections there are, in all and by address.
//!
//! Owns the counts. A [`Seat`] is one connection; dropping it gives the place back, so a connection
//! that panics or is aborted cannot leak one. The lock is held for a map access and never over an await.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The counts of one door.
#[derive(Debug)]
pub struct AddressCaps {
    most: usize,
    most_per_address: usize,
    counts: Mutex<Counts>,
    freed: Notify,
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// One connection's place.
#[derive(Debug)]
pub struct Seat {
    caps: Arc<AddressCaps>,
    address: IpAddr,
}

impl AddressCaps {
    /// Caps of `most` connections, and `most_per_address` of them from one address.
    pub fn new(most: usize, most_per_address: usize) -> Arc<AddressCaps> {
        Arc::new(AddressCaps {
            most,
            most_per_address,
            counts: Mutex::default(),
            freed: Notify::new(),
        })
    }

    /// A place for a connection from `address`, or none.
    pub fn take(self: &Arc<AddressCaps>, address: IpAddr) -> Option<Seat> {
        let address = counted_as(address);
        let mut counts = self.lock();
        if counts.all >= self.most {
            return None;
        }
        let from_address = counts.by_address.entry(address).or_default();
        if *from_address >= self.most_per_address {
            return None;
        }
        *from_address += 1;
        counts.all += 1;
        drop(counts);
        Some(Seat { caps: self.clone(), address })
    }

    /// Places taken now.
    pub fn taken(&self) -> usize {
        self.lock().all
    }

    /// Resolves when no place is taken.
    pub async fn all_free(&self) {
        loop {
            let freed = self.freed.notified();
            let mut freed = std::pin::pin!(freed);
            freed.as_mut().enable();
            if self.taken() == 0 {
                return;
            }
            freed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        // Nothing between two changes of the counts can panic, so a poisoned lock still holds true counts.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give_back(&self, address: IpAddr) {
        let mut counts = self.lock();
        counts.all -= 1;
        if let Some(from_address) = counts.by_address.get_mut(&address) {
            *from_address -= 1;
            if *from_address == 0 {
                counts.by_address.remove(&address);
            }
        }
        let none_left = counts.all == 0;
        drop(counts);
        if none_left {
            self.freed.notify_waiters();
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.caps.give_back(self.address);
    }
}

/// An IPv6 host commands a whole /64, so that counts as one address.
fn counted_as(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let prefix = u128::from(v6) >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from(prefix))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back_when_seats_are_dropped() {
        let caps = AddressCaps::new(3, 2);
        let here: IpAddr = "192.0.2.1".parse().unwrap();
        let there: IpAddr = "192.0.2.2".parse().unwrap();
        let first = caps.take(here).unwrap();
        let _second = caps.take(here).unwrap();
        assert!(caps.take(here).is_none(), "a third from one address");
        let _third = caps.take(there).unwrap();
        assert!(caps.take(there).is_none(), "a fourth in all");
        drop(first);
        assert_eq!(caps.taken(), 2);
        assert!(caps.take(there).is_some());
    }

    #[test]
    fn one_ipv6_network_is_one_address() {
        let caps = AddressCaps::new(10, 1);
        let _seat = caps.take("2001:db8::1".parse().unwrap()).unwrap();
        assert!(caps.take("2001:db8::ffff".parse().unwrap()).is_none());
        assert!(caps.take("2001:db8:0:1::1".parse().unwrap()).is_some());
    }
}
