//! Who follows an account's orders, and what each change of a bet means to them.
//!
//! Owns     the followers, and while there are any, what they were told of each bet: a bet that has not changed
//!          is told to nobody twice. Nothing of it is stored: a follower that loses its account follows again
//!          from the time that it was told.
//! Bounds   one note a bet of markets that are not closed.

use crate::session::Handed;
use domain::account::{Account, CurrentOrder};
use domain::ids::{BetId, MarketId, Runner};
use domain::money::Pence;
use domain::order::{Persistence, Side};
use domain::price::Price;
use domain::time::UtcMillis;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Weak};

/// What a follower is told.
#[derive(Debug, Clone)]
pub enum OrderNews {
    /// What there is, as of `at`.
    Image(Arc<OrderChange>),
    Change(Arc<OrderChange>),
    /// Only asked whether it is still there.
    AreYouThere,
}

#[derive(Debug, Clone, Default)]
pub struct OrderChange {
    pub at: UtcMillis,
    pub orders: Vec<CurrentOrder>,
    /// New totals of what is matched.
    pub matched: Vec<(MatchedAt, Pence)>,
    /// Markets that have closed.
    pub closed: Vec<MarketId>,
    /// Answers to the account's own requests, as long as they are on their way: whoever made them should hear
    /// those first.
    pub behind: Weak<Handed>,
}

/// Where something is matched: by runner, side, strategy and price.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct MatchedAt {
    pub market: MarketId,
    pub runner: Runner,
    pub is_lay: bool,
    pub position: Position,
    pub price: Price,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Position {
    Overall,
    /// Of the bets of one strategy, or of none.
    Of(Option<Box<str>>),
}

/// Tells a follower; says whether it is still there. Dropped with the account's life.
pub type Deliver = Arc<dyn Fn(OrderNews) -> bool + Send + Sync>;

struct Follower {
    id: u64,
    deliver: Deliver,
}

/// A bet as it was last told.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    market: MarketId,
    persistence: Persistence,
    at_close: bool,
    sizes: [Pence; 5],
    /// What it counts for in the totals.
    counts: Counted,
}

/// On which runner and side, under which strategy; how much at which price.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Counted {
    runner: Runner,
    side: Side,
    strategy: Option<Box<str>>,
    matched: Vec<(Price, Pence)>,
}

#[derive(Default)]
pub(super) struct Followers {
    all: Vec<Follower>,
    seen: HashMap<BetId, Seen>,
    totals: BTreeMap<MatchedAt, Pence>,
}

impl Followers {
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Everything that a new follower is told; with `since`, completed orders too that changed since.
    pub(super) fn follow(
        &mut self,
        id: u64,
        deliver: Deliver,
        account: &Account,
        at: UtcMillis,
        since: Option<UtcMillis>,
    ) -> OrderChange {
        if self.all.is_empty() {
            for order in account.orders_of_open_markets() {
                self.note(account, &order, &mut BTreeMap::new());
            }
        }
        self.unfollow(id);
        self.all.push(Follower { id, deliver });
        let resolved = account.markets_resolved_since(since);
        OrderChange {
            at,
            orders: account.orders_to_follow(since),
            matched: self.totals.iter().map(|(cell, size)| (cell.clone(), *size)).collect(),
            closed: resolved,
            behind: Weak::new(),
        }
    }

    pub(super) fn unfollow(&mut self, id: u64) {
        self.all.retain(|follower| follower.id != id);
        self.forget_if_alone();
    }

    /// Lets go of who has gone; says whether anybody is left.
    pub(super) fn look(&self) -> bool {
        self.all.iter().any(|follower| (follower.deliver)(OrderNews::AreYouThere))
    }

    fn forget_if_alone(&mut self) {
        if self.all.is_empty() {
            self.seen = HashMap::new();
            self.totals = BTreeMap::new();
        }
    }

    /// What the bets that may have changed have become.
    pub(super) fn change(
        &mut self,
        account: &Account,
        at: UtcMillis,
        bets: &[(MarketId, BetId)],
    ) -> Option<OrderChange> {
        let mut change = OrderChange { at, ..OrderChange::default() };
        let mut totals = BTreeMap::new();
        let mut markets: Vec<MarketId> = Vec::new();
        for (market, bet) in bets {
            if !markets.contains(market) {
                markets.push(*market);
            }
            let Some(order) = account.current_order(*market, *bet) else { continue };
            if self.note(account, &order, &mut totals) {
                // The last word on a bet that changed twice in one step is enough.
                change.orders.retain(|other| other.bet != order.bet);
                change.orders.push(order);
            }
        }
        change.matched = totals.into_iter().collect();
        for market in markets {
            if account.is_resolved(market) {
                change.closed.push(market);
                self.seen.retain(|_, seen| seen.market != market);
                self.totals.retain(|cell, _| cell.market != market);
            }
        }
        let nothing =
            change.orders.is_empty() && change.matched.is_empty() && change.closed.is_empty();
        (!nothing).then_some(change)
    }

    /// Notes a bet as it is; false when it is as it was. Totals that it moved are put into `moved`.
    fn note(
        &mut self,
        account: &Account,
        order: &CurrentOrder,
        moved: &mut BTreeMap<MatchedAt, Pence>,
    ) -> bool {
        let seen = Seen {
            market: order.market,
            persistence: order.persistence,
            at_close: order.at_close,
            sizes: [order.matched, order.remaining, order.lapsed, order.cancelled, order.voided],
            counts: Counted {
                runner: order.runner,
                side: order.side,
                strategy: order.strategy_ref.clone(),
                matched: match order.matched.is_zero() {
                    true => Vec::new(),
                    false => account.matched_prices(order.market, order.bet),
                },
            },
        };
        let before = self.seen.insert(order.bet, seen.clone());
        if before.as_ref() == Some(&seen) {
            return false;
        }
        let before = before.map(|before| before.counts.matched).unwrap_or_default();
        self.count(order.market, &seen.counts, &before, moved);
        true
    }

    fn count(
        &mut self,
        market: MarketId,
        counted: &Counted,
        before: &[(Price, Pence)],
        moved: &mut BTreeMap<MatchedAt, Pence>,
    ) {
        let mut changes: BTreeMap<Price, i64> = BTreeMap::new();
        for (matched, sign) in [(before, -1), (&counted.matched, 1)] {
            for (price, size) in matched {
                *changes.entry(*price).or_default() += sign * size.0;
            }
        }
        let is_lay = counted.side == Side::Lay;
        for position in [Position::Overall, Position::Of(counted.strategy.clone())] {
            for (price, change) in changes.iter().filter(|(_, change)| **change != 0) {
                let (runner, position) = (counted.runner, position.clone());
                let cell = MatchedAt { market, runner, is_lay, position, price: *price };
                let total = self.totals.entry(cell.clone()).or_default();
                total.0 += change;
                moved.insert(cell.clone(), *total);
                if total.is_zero() {
                    self.totals.remove(&cell);
                }
            }
        }
    }

    /// One effect's work: tells everybody.
    pub(super) fn telling(&self, news: OrderNews) -> impl FnOnce() + Send + 'static {
        let all: Vec<Deliver> = self.all.iter().map(|it| it.deliver.clone()).collect();
        move || {
            for deliver in all {
                // One that has gone is found out when the account next looks for rest.
                let _ = deliver(news.clone());
            }
        }
    }
}
