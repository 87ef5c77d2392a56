//! The customer's own references of the last minute, and how the requests that bore them ended.
//!
//! A reference may be used once a minute for each kind of request. Who asks for it is told, in place of a
//! refusal, how the first request ended, whichever session asks and whatever was restarted since; so the
//! outcomes are part of the account's state. They are bounded by their reports: past it the oldest are let go
//! and a repeat of those is a duplicate.

use super::Account;
use super::requests::new_order;
use crate::ids::{BetId, MarketId, SessionId};
use crate::link::Request;
use crate::order::{NewOrder, OrderCommand};
use crate::record::{Ordered, RequestKey};
use crate::request::{CancelScope, CustomerRequest, Outcome, RequestBody};
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::hash::{Hash, Hasher};

/// Within this time a customer's reference may not be used again for the same kind of request.
pub const CUSTOMER_REF_WINDOW_MS: i64 = 60_000;
/// So many references of one minute are remembered; requests that bring more are refused as busy.
pub const CUSTOMER_REFS_MAX: usize = 200_000;
/// Instructions of one minute whose outcomes are kept.
const REPORTS_KEPT: usize = if cfg!(test) { 8 } else { 20_000 };

/// The kinds of request that have a window of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Kind {
    Place,
    Cancel,
    Replace,
    Update,
}

impl Kind {
    pub(super) fn of_request(body: &RequestBody) -> Kind {
        match body {
            RequestBody::Place { .. } => Kind::Place,
            RequestBody::Cancel(_) => Kind::Cancel,
            RequestBody::Replace { .. } => Kind::Replace,
            RequestBody::Update { .. } => Kind::Update,
        }
    }

    fn of_command(command: &OrderCommand) -> Kind {
        match command {
            OrderCommand::Place { .. } => Kind::Place,
            OrderCommand::Cancel { .. } => Kind::Cancel,
            OrderCommand::Replace { .. } => Kind::Replace,
            OrderCommand::Update { .. } => Kind::Update,
        }
    }
}

/// A request by its session and number.
type Name = (SessionId, u64);

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct CustomerRefs {
    used: BTreeMap<Kind, BTreeMap<Box<str>, Use>>,
    oldest_first: VecDeque<(UtcMillis, Kind, Box<str>)>,
    /// Of the requests that bore them: how they ended, once they have.
    outcomes: BTreeMap<Name, Option<Outcome>>,
    /// Those that have ended, as they did.
    ended: VecDeque<Name>,
    reports: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Use {
    at: UtcMillis,
    by: Option<Name>,
    /// What it asked, as far as it was sent on.
    digest: u64,
    /// Instructions, by position, that were not.
    left_out: Vec<u32>,
}

/// What a repeat is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum First {
    /// How the first ended.
    Ended(Outcome),
    /// The first has not: this is its name.
    Open(SessionId, u64),
}

impl CustomerRefs {
    fn found(&self, now: UtcMillis, kind: Kind, reference: &str) -> Option<&Use> {
        let used = self.used.get(&kind)?.get(reference)?;
        (!is_over(now, used.at)).then_some(used)
    }

    pub(super) fn is_used(&self, now: UtcMillis, kind: Kind, reference: &str) -> bool {
        self.found(now, kind, reference).is_some()
    }

    /// No room within the window that ends now.
    pub(super) fn is_full(&self, now: UtcMillis) -> bool {
        self.oldest_first.len() >= CUSTOMER_REFS_MAX
            && self.oldest_first.front().is_some_and(|(at, ..)| !is_over(now, *at))
    }

    /// A command went out that bears a reference.
    pub(super) fn take(&mut self, at: UtcMillis, ordered: &Ordered) {
        let Some(reference) = &ordered.customer_ref else { return };
        while self.oldest_first.front().is_some_and(|(used, ..)| is_over(at, *used)) {
            self.forget_oldest();
        }
        let by = ordered.request.map(name);
        let used = Use {
            at,
            by,
            digest: digest_of_command(ordered),
            left_out: ordered.faults.iter().map(|(position, _)| *position).collect(),
        };
        let kind = Kind::of_command(&ordered.command);
        self.used.entry(kind).or_default().insert(reference.clone(), used);
        self.oldest_first.push_back((at, kind, reference.clone()));
        if let Some(name) = by {
            self.outcomes.insert(name, None);
        }
    }

    fn forget_oldest(&mut self) {
        let Some((at, kind, reference)) = self.oldest_first.pop_front() else { return };
        let Some(refs) = self.used.get_mut(&kind) else { return };
        if refs.get(&reference).is_some_and(|used| used.at == at)
            && let Some(used) = refs.remove(&reference)
            && let Some(name) = used.by
            && let Some(Some(outcome)) = self.outcomes.remove(&name)
        {
            self.reports -= reports_of(&outcome);
        }
    }

    /// A request has ended.
    pub(super) fn ended(&mut self, key: RequestKey, outcome: &Outcome) {
        let Some(kept) = self.outcomes.get_mut(&name(key)) else { return };
        if kept.is_some() {
            return;
        }
        *kept = Some(outcome.clone());
        self.ended.push_back(name(key));
        self.reports += reports_of(outcome);
        while self.reports > REPORTS_KEPT || self.ended.len() > CUSTOMER_REFS_MAX {
            let Some(oldest) = self.ended.pop_front() else { break };
            if let Some(Some(outcome)) = self.outcomes.remove(&oldest) {
                self.reports -= reports_of(&outcome);
            }
        }
        while self.ended.front().is_some_and(|name| !self.outcomes.contains_key(name)) {
            self.ended.pop_front();
        }
    }
}

impl Account {
    /// What came of the first request of which this one is a repeat: the same, with the same reference, within
    /// the window. `None` when there was none, or when it is not known any more.
    pub fn first_of(&self, now: UtcMillis, request: &CustomerRequest) -> Option<First> {
        let kind = Kind::of_request(&request.body);
        let used = self.customer_refs.found(now, kind, request.reference()?)?;
        if digest_of_request(&request.body, &used.left_out).is_some_and(|it| it != used.digest) {
            return None;
        }
        let (session, n) = used.by?;
        if let Some(Some(outcome)) = self.customer_refs.outcomes.get(&(session, n)) {
            return Some(First::Ended(outcome.clone()));
        }
        let key = RequestKey { session, n, answered_through: 0 };
        match self.sessions.request(key) {
            Request::Pending => Some(First::Open(session, n)),
            Request::Answered(outcome) => Some(First::Ended(outcome.clone())),
            Request::New | Request::Forgotten => None,
        }
    }
}

fn name(key: RequestKey) -> Name {
    (key.session, key.n)
}

fn is_over(now: UtcMillis, used: UtcMillis) -> bool {
    now.since_ms(used) >= CUSTOMER_REF_WINDOW_MS
}

/// One at least: an outcome takes room by itself.
fn reports_of(outcome: &Outcome) -> usize {
    1 + match outcome {
        Outcome::Placed(done) => done.reports.len(),
        Outcome::Cancelled(done) => done.reports.len(),
        Outcome::Replaced(done) => done.reports.len(),
        Outcome::Updated(done) => done.reports.len(),
    }
}

// ------------------------------------------------------------------------------------------------- digests

/// FNV-1a. It tells a repeat from another request, and keeps nobody out; a build that feeds it otherwise
/// finds no repeats of the minute before.
struct Digest(u64);

impl Digest {
    fn of(market: MarketId) -> Digest {
        let mut digest = Digest(0xcbf2_9ce4_8422_2325);
        market.hash(&mut digest);
        digest
    }
}

impl Hasher for Digest {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

fn feed_order(digest: &mut Digest, order: &NewOrder, reference: Option<&str>) {
    // The id is the exchange's own.
    NewOrder { bet: BetId(0), ..*order }.hash(digest);
    reference.hash(digest);
}

fn digest_of_command(ordered: &Ordered) -> u64 {
    let mut digest = Digest::of(ordered.market);
    match &ordered.command {
        OrderCommand::Place { orders, conditions } => {
            conditions.market_version.hash(&mut digest);
            ordered.strategy_ref.as_deref().hash(&mut digest);
            for (position, order) in orders.iter().enumerate() {
                let reference = ordered.references.get(position).and_then(|it| it.as_deref());
                feed_order(&mut digest, order, reference);
            }
        }
        OrderCommand::Cancel { orders, .. } => {
            orders.iter().for_each(|order| order.bet.hash(&mut digest));
        }
        OrderCommand::Replace { orders, .. } => {
            orders.iter().for_each(|order| (order.bet, order.new_price).hash(&mut digest));
        }
        OrderCommand::Update { orders } => {
            orders.iter().for_each(|order| (order.bet, order.persistence).hash(&mut digest));
        }
    }
    digest.finish()
}

/// The same of a request, without some of its instructions; `None` when it names none: what it came to rests
/// on what there was.
fn digest_of_request(body: &RequestBody, left_out: &[u32]) -> Option<u64> {
    fn sent<'a, T>(orders: &'a [T], left_out: &'a [u32]) -> impl Iterator<Item = &'a T> {
        let numbered = (0_u32..).zip(orders);
        numbered.filter(|(position, _)| !left_out.contains(position)).map(|(_, order)| order)
    }
    let mut digest = Digest::of(body.market()?);
    match body {
        RequestBody::Place { tickets, strategy_ref, market_version, .. } => {
            market_version.hash(&mut digest);
            strategy_ref.as_deref().filter(|text| !text.is_empty()).hash(&mut digest);
            for ticket in tickets {
                let reference = ticket.reference.as_deref().filter(|text| !text.is_empty());
                feed_order(&mut digest, &new_order(ticket, BetId(0)), reference);
            }
        }
        RequestBody::Cancel(CancelScope::Bets { orders, .. }) => {
            sent(orders, left_out).for_each(|(bet, _)| bet.hash(&mut digest));
        }
        RequestBody::Cancel(_) => return None,
        RequestBody::Replace { orders, .. } => {
            sent(orders, left_out).for_each(|order| order.hash(&mut digest));
        }
        RequestBody::Update { orders, .. } => {
            sent(orders, left_out).for_each(|order| order.hash(&mut digest));
        }
    }
    Some(digest.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::few::Few;
    use crate::money::Pence;
    use crate::request::Execution;

    fn ordered(reference: &str, n: u64) -> Ordered {
        Ordered {
            request: Some(RequestKey { session: SessionId(1), n, answered_through: 0 }),
            market: MarketId(1),
            terms: None,
            n,
            command: OrderCommand::Cancel { orders: Few::default(), on_close: false },
            faults: Vec::new(),
            withdraws: Vec::new(),
            references: Vec::new(),
            customer_ref: Some(reference.into()),
            strategy_ref: None,
            more: false,
            exposure: Pence::ZERO,
        }
    }

    #[test]
    fn a_reference_is_free_again_after_a_minute() {
        let mut refs = CustomerRefs::default();
        refs.take(UtcMillis(1_000), &ordered("a", 1));
        for (now, kind, reference, used) in [
            (1_000, Kind::Cancel, "a", true),
            (60_999, Kind::Cancel, "a", true),
            (61_000, Kind::Cancel, "a", false),
            (1_000, Kind::Place, "a", false),
            (1_000, Kind::Cancel, "b", false),
        ] {
            assert_eq!(refs.is_used(UtcMillis(now), kind, reference), used, "{now} {reference}");
        }
        refs.take(UtcMillis(61_000), &ordered("a", 2));
        assert!(refs.is_used(UtcMillis(61_001), Kind::Cancel, "a"));
        assert_eq!(refs.oldest_first.len(), 1);
        assert_eq!(refs.outcomes.len(), 1, "of the second alone");
    }

    #[test]
    fn outcomes_go_the_oldest_first_when_there_are_too_many() {
        let mut refs = CustomerRefs::default();
        let outcome = Outcome::Cancelled(Execution { error: None, reports: Vec::new() });
        for n in 1..=10 {
            let ordered = ordered(&format!("r{n}"), n);
            refs.take(UtcMillis(n as i64), &ordered);
            refs.ended(ordered.request.unwrap(), &outcome);
        }
        let kept: Vec<u64> = refs.outcomes.keys().map(|(_, n)| *n).collect();
        assert_eq!(kept, [3, 4, 5, 6, 7, 8, 9, 10]);
        assert_eq!((refs.reports, refs.ended.len()), (8, 8));
        refs.take(UtcMillis(70_000), &ordered("late", 11));
        assert_eq!((refs.reports, refs.outcomes.len()), (0, 1), "the minute is over");
    }
}
