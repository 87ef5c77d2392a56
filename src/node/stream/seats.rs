//! How many stream connections each account has.
//!
//! Owns the counts. A [`Seat`] is one connection; dropping it gives the place back. The lock is held for a
//! map access and never over an await.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::ids::AccountId;

/// The counts.
#[derive(Debug)]
pub struct Seats {
    most: usize,
    taken: Mutex<HashMap<AccountId, usize>>,
}

/// One connection's place.
#[derive(Debug)]
pub struct Seat {
    seats: Arc<Seats>,
    account: AccountId,
}

impl Seats {
    /// At most so many of one account.
    pub fn new(most: usize) -> Arc<Seats> {
        Arc::new(Seats { most, taken: Mutex::default() })
    }

    /// A place, and how many are left; none when there is none.
    pub fn take(self: &Arc<Seats>, account: AccountId) -> Option<(Seat, usize)> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let of_account = taken.entry(account).or_default();
        if *of_account >= self.most {
            return None;
        }
        *of_account += 1;
        let left = self.most - *of_account;
        Some((Seat { seats: self.clone(), account }, left))
    }

    /// How many places the account has left.
    pub fn left(&self, account: AccountId) -> usize {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        self.most - taken.get(&account).copied().unwrap_or_default()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_account) = taken.get_mut(&self.account) {
            *of_account -= 1;
            if *of_account == 0 {
                taken.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_that_is_let_go_is_free_again() {
        let seats = Seats::new(2);
        let (one, left) = seats.take(AccountId(1)).unwrap();
        assert_eq!(left, 1);
        let two = seats.take(AccountId(1)).unwrap();
        assert!(seats.take(AccountId(1)).is_none());
        assert!(seats.take(AccountId(2)).is_some(), "another account has its own");
        drop((one, two));
        assert_eq!(seats.left(AccountId(1)), 2);
    }
}
