//! What a customer sees of bets whose market is resolved: each bet, or sums by market, runner, side or
//! strategy.

use super::Account;
use super::bet::Bet;
use super::payment::Resolved;
use super::position::Position;
use super::queries::{DateRange, Page};
use crate::ids::{BetId, MarketId, Runner};
use crate::money::Pence;
use crate::order::{OrderType, Persistence, Side};
use crate::price::Price;
use crate::record::RunnerResult;
use crate::time::UtcMillis;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClearedStatus {
    #[default]
    Settled,
    /// Matched, and the market or the runner was void.
    Voided,
    Lapsed,
    Cancelled,
}

/// `None` admits all. The range is of the time of settlement.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClearedFilter {
    pub status: ClearedStatus,
    pub bets: Option<BTreeSet<BetId>>,
    /// The caller knows which markets belong to an event or a sport.
    pub markets: Option<BTreeSet<MarketId>>,
    pub runners: Option<BTreeSet<Runner>>,
    pub order_refs: Option<BTreeSet<String>>,
    pub strategy_refs: Option<BTreeSet<String>>,
    pub side: Option<Side>,
    pub settled: DateRange,
}

/// What one row sums up. Only settled bets are grouped further than by bet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClearedGroup {
    #[default]
    Bet,
    Side,
    Runner,
    Market,
    Strategy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BetOutcome {
    Won,
    Lost,
    /// Each-way: the runner was placed and did not win.
    Placed,
    /// Also of a stake that came back because its line or handicap was met.
    Void,
}

/// A row. What does not belong to its group is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClearedOrder {
    pub market: Option<MarketId>,
    pub runner: Option<Runner>,
    pub side: Option<Side>,
    pub bet: Option<BetId>,
    pub placed_at: Option<UtcMillis>,
    pub matched_at: Option<UtcMillis>,
    pub persistence: Option<Persistence>,
    pub order_type: Option<OrderType>,
    pub price_requested: Option<Price>,
    pub outcome: Option<BetOutcome>,
    pub order_ref: Option<Box<str>>,
    pub strategy_ref: Option<Box<str>>,
    /// The latest of the group.
    pub settled_at: UtcMillis,
    pub bets: u32,
    pub size_settled: Pence,
    /// The average price matched is this by `size_settled`.
    pub matched_times_price: i128,
    /// The price matched is not what it was matched at: a runner was removed.
    pub reduced: bool,
    /// Lapsed or cancelled, whichever was asked for; zero otherwise.
    pub size_cancelled: Pence,
    pub profit: Pence,
    /// By market only: a smaller part has none of its own.
    pub commission: Option<Pence>,
}

/// A page, the latest settlement first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClearedOrders {
    pub orders: Vec<ClearedOrder>,
    pub more: bool,
}

/// What a group's rows have in common; in this order they are listed within one settlement.
type GroupKey = (Option<MarketId>, Option<Runner>, Option<Side>, Option<BetId>, Option<Box<str>>);

impl Account {
    pub fn cleared_orders(
        &self,
        filter: &ClearedFilter,
        group: ClearedGroup,
        page: Page,
    ) -> ClearedOrders {
        let group = if filter.status == ClearedStatus::Settled { group } else { ClearedGroup::Bet };
        let mut groups: BTreeMap<GroupKey, ClearedOrder> = BTreeMap::new();
        for (market, position) in &self.positions {
            let Some(resolved) = &position.resolved else { continue };
            let of_market = filter.markets.as_ref().is_none_or(|markets| markets.contains(market))
                && filter.settled.contains(resolved.at);
            if !of_market {
                continue;
            }
            let bets = position.bets.iter().filter(|bet| filter.admits(position, resolved, bet));
            for bet in bets {
                let row = position.row(filter.status, *market, resolved, bet);
                add(&mut groups, group, row, resolved);
            }
        }
        let mut rows: Vec<ClearedOrder> = groups.into_values().collect();
        rows.sort_by_key(|row| std::cmp::Reverse((row.settled_at, row.market, row.bet)));
        let (orders, more) = page.cut(rows.into_iter());
        ClearedOrders { orders, more }
    }
}

impl ClearedFilter {
    fn admits(&self, position: &Position, resolved: &Resolved, bet: &Bet) -> bool {
        let runner = position.runner(bet);
        let void = resolved.result(runner).is_none();
        let of_status = match self.status {
            ClearedStatus::Settled => !bet.matched.is_zero() && !void,
            ClearedStatus::Voided => !bet.matched.is_zero() && void,
            ClearedStatus::Lapsed => !bet.lapsed.is_zero(),
            ClearedStatus::Cancelled => !bet.cancelled.is_zero(),
        };
        let named = |filter: &Option<BTreeSet<String>>, name: Option<&str>| {
            filter.as_ref().is_none_or(|set| name.is_some_and(|name| set.contains(name)))
        };
        of_status
            && self.side.is_none_or(|side| side == bet.side)
            && self.bets.as_ref().is_none_or(|bets| bets.contains(&bet.id))
            && self.runners.as_ref().is_none_or(|runners| runners.contains(&runner))
            && named(&self.order_refs, bet.order_ref())
            && named(&self.strategy_refs, bet.strategy_ref())
    }
}

impl Position {
    fn row(
        &self,
        status: ClearedStatus,
        market: MarketId,
        resolved: &Resolved,
        bet: &Bet,
    ) -> ClearedOrder {
        let runner = self.runner(bet);
        let result = resolved.result(runner);
        let (settled, cancelled) = match status {
            ClearedStatus::Settled | ClearedStatus::Voided => (true, Pence::ZERO),
            ClearedStatus::Lapsed => (false, bet.lapsed),
            ClearedStatus::Cancelled => (false, bet.cancelled),
        };
        let outcome = match result {
            None => BetOutcome::Void,
            Some(result) => outcome(bet.side, result, resolved.profit(bet.id)),
        };
        ClearedOrder {
            market: Some(market),
            runner: Some(runner),
            side: Some(bet.side),
            bet: Some(bet.id),
            placed_at: Some(bet.placed_at),
            matched_at: (!bet.matched.is_zero()).then_some(bet.matched_at),
            persistence: Some(bet.persistence),
            order_type: Some(bet.order_type),
            price_requested: Some(bet.price),
            outcome: settled.then_some(outcome),
            order_ref: bet.order_ref().map(Into::into),
            strategy_ref: bet.strategy_ref().map(Into::into),
            settled_at: resolved.at,
            bets: 1,
            size_settled: if settled { bet.matched } else { Pence::ZERO },
            matched_times_price: if settled { i128::from(bet.value) } else { 0 },
            reduced: settled && bet.reduced,
            size_cancelled: cancelled,
            profit: if settled { resolved.profit(bet.id) } else { Pence::ZERO },
            commission: None,
        }
    }
}

fn outcome(side: Side, result: RunnerResult, profit: Pence) -> BetOutcome {
    let backers_win = match result {
        RunnerResult::Winner { .. } | RunnerResult::HalfWinner => true,
        RunnerResult::Loser | RunnerResult::HalfLoser => false,
        RunnerResult::Placed { .. } => return BetOutcome::Placed,
        RunnerResult::Removed | RunnerResult::Push => return BetOutcome::Void,
        RunnerResult::Counted(_) if profit.is_zero() => return BetOutcome::Void,
        RunnerResult::Counted(_) => (profit > Pence::ZERO) == (side == Side::Back),
    };
    if backers_win == (side == Side::Back) { BetOutcome::Won } else { BetOutcome::Lost }
}

fn add(
    groups: &mut BTreeMap<GroupKey, ClearedOrder>,
    group: ClearedGroup,
    row: ClearedOrder,
    resolved: &Resolved,
) {
    let key: GroupKey = match group {
        ClearedGroup::Bet => (row.market, row.runner, row.side, row.bet, None),
        ClearedGroup::Side => (row.market, row.runner, row.side, None, None),
        ClearedGroup::Runner => (row.market, row.runner, None, None, None),
        ClearedGroup::Market => (row.market, None, None, None, None),
        ClearedGroup::Strategy => (None, None, None, None, row.strategy_ref.clone()),
    };
    if group == ClearedGroup::Bet {
        groups.insert(key, row);
        return;
    }
    let commission = (group == ClearedGroup::Market).then_some(resolved.payment.commission);
    let sum = groups.entry(key).or_insert_with_key(|key| ClearedOrder {
        market: key.0,
        runner: key.1,
        side: key.2,
        bet: None,
        placed_at: None,
        matched_at: None,
        persistence: None,
        order_type: None,
        price_requested: None,
        outcome: None,
        order_ref: None,
        strategy_ref: key.4.clone(),
        settled_at: resolved.at,
        bets: 0,
        size_settled: Pence::ZERO,
        matched_times_price: 0,
        reduced: false,
        size_cancelled: Pence::ZERO,
        profit: Pence::ZERO,
        commission,
    });
    sum.settled_at = sum.settled_at.max(row.settled_at);
    sum.bets += 1;
    sum.size_settled += row.size_settled;
    sum.matched_times_price += row.matched_times_price;
    sum.reduced |= row.reduced;
    sum.profit += row.profit;
}
