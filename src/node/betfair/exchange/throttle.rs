//! How fast one account may ask: queries of its orders in flight, and instructions in one second.
//!
//! Owns     a count for each account that was busy within the last second. It is the door's own and not the
//!          account's: nothing rests on it but an answer that says too many.
//! Bounds   [`COUNTED_MAX`] accounts; past it those that are idle are let go.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::ids::AccountId;

use crate::betfair::exception::{Exception, ExceptionWord};
use crate::betfair::limits::Limits;
use crate::betfair::request::Request;

const SECOND: Duration = Duration::from_secs(1);
const COUNTED_MAX: usize = 100_000;

pub(super) struct Throttle {
    queries: Option<u32>,
    instructions: Option<u32>,
    counts: Mutex<HashMap<AccountId, Count>>,
}

#[derive(Debug)]
struct Count {
    in_flight: u32,
    since: Instant,
    instructions: u32,
}

/// A request that was let in; its query counts until this is dropped.
pub(super) struct Admitted<'t> {
    queries_of: Option<(&'t Throttle, AccountId)>,
}

impl Throttle {
    pub(super) fn new(limits: &Limits) -> Throttle {
        Throttle {
            queries: limits.concurrent_queries,
            instructions: limits.instructions_per_second,
            counts: Mutex::default(),
        }
    }

    pub(super) fn admit(
        &self,
        account: AccountId,
        request: &Request,
    ) -> Result<Admitted<'_>, Exception> {
        let queries = self.queries.filter(|_| request.reads_orders());
        let instructions = u32::try_from(request.instructions()).unwrap_or(u32::MAX);
        let placed = self.instructions.filter(|_| instructions > 0);
        self.count(account, Instant::now(), queries, placed, instructions)
    }

    fn count(
        &self,
        account: AccountId,
        now: Instant,
        queries: Option<u32>,
        placed: Option<u32>,
        instructions: u32,
    ) -> Result<Admitted<'_>, Exception> {
        if queries.is_none() && placed.is_none() {
            return Ok(Admitted { queries_of: None });
        }
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= COUNTED_MAX {
            counts.retain(|_, count| count.in_flight > 0 || now - count.since < SECOND);
        }
        let new = || Count { in_flight: 0, since: now, instructions: 0 };
        let count = counts.entry(account).or_insert_with(new);
        if now - count.since >= SECOND {
            (count.since, count.instructions) = (now, 0);
        }
        if let Some(most) = queries.filter(|most| count.in_flight >= *most) {
            return Err(too_many(format!("queries of orders: more than {most} in flight")));
        }
        let sum = count.instructions.saturating_add(instructions);
        if let Some(most) = placed.filter(|most| sum > *most) {
            return Err(too_many(format!("instructions: more than {most} in one second")));
        }
        if placed.is_some() {
            count.instructions = sum;
        }
        count.in_flight += u32::from(queries.is_some());
        Ok(Admitted { queries_of: queries.map(|_| (self, account)) })
    }
}

fn too_many(details: String) -> Exception {
    Exception::new(ExceptionWord::TooManyRequests, details)
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        let Some((throttle, account)) = self.queries_of else { return };
        let mut counts = throttle.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&account) {
            count.in_flight = count.in_flight.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(outcome: Result<Admitted<'_>, Exception>) -> String {
        outcome.map_or_else(|exception| exception.details.into_owned(), |_| String::new())
    }

    #[test]
    fn three_queries_may_be_in_flight() {
        let throttle = Throttle::new(&Limits::betfair());
        let now = Instant::now();
        let ask = |account| throttle.count(AccountId(account), now, throttle.queries, None, 0);
        let held: Vec<_> = (0..3).map(|_| ask(1).unwrap_or_else(|_| panic!("room"))).collect();
        assert_eq!(told(ask(1)), "queries of orders: more than 3 in flight");
        assert_eq!(told(ask(2)), "", "another account has its own");
        drop(held);
        assert_eq!(told(ask(1)), "");
    }

    #[test]
    fn instructions_are_counted_by_the_second() {
        let throttle = Throttle::new(&Limits::betfair());
        let begun = Instant::now();
        let place = |after_ms, n| {
            let now = begun + Duration::from_millis(after_ms);
            told(throttle.count(AccountId(1), now, None, throttle.instructions, n))
        };
        assert_eq!(place(0, 900), "");
        assert_eq!(place(500, 101), "instructions: more than 1000 in one second");
        assert_eq!(place(999, 100), "", "what was refused does not count");
        assert_eq!(place(1_000, 1_000), "");
    }

    #[test]
    fn without_limits_nothing_is_counted() {
        let throttle = Throttle::new(&Limits::open());
        let admitted = throttle.admit(AccountId(1), &Request::GetAccountFunds);
        assert!(admitted.is_ok() && throttle.counts.lock().unwrap().is_empty());
    }
}
