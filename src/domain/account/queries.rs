//! What a customer sees of bets that are not cleared yet: current orders, matches, profit and loss.

use super::Account;
use super::bet::{Bet, Stage};
use super::fragments::{Fragment, Match};
use super::position::Position;
use crate::definition::MarketKind;
use crate::ids::{BetId, Handle, MarketId, Runner};
use crate::money::Pence;
use crate::order::{LapseReason, OrderType, Persistence, Side};
use crate::price::Price;
use crate::time::UtcMillis;
use std::collections::BTreeSet;

/// Which part of a list: `count` 0 is as much as a page may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Page {
    pub from: u32,
    pub count: u32,
}

impl Page {
    pub const COUNT_MAX: u32 = 1_000;

    /// The same page, of so many items at most.
    pub(super) fn at_most(self, most: u32) -> Page {
        let count = if self.count == 0 { most } else { self.count.min(most) };
        Page { count, ..self }
    }

    /// The page of the list, and whether anything follows it.
    pub fn cut<T>(self, items: impl Iterator<Item = T>) -> (Vec<T>, bool) {
        let count = if self.count == 0 { Page::COUNT_MAX } else { self.count };
        let count = count.min(Page::COUNT_MAX) as usize;
        let mut rest = items.skip(self.from as usize);
        let page: Vec<T> = rest.by_ref().take(count).collect();
        let more = rest.next().is_some();
        (page, more)
    }
}

/// Both ends are included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DateRange {
    pub from: Option<UtcMillis>,
    pub to: Option<UtcMillis>,
}

impl DateRange {
    pub fn contains(&self, at: UtcMillis) -> bool {
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at <= to)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OrderProjection {
    #[default]
    All,
    Executable,
    ExecutionComplete,
}

/// `None` admits all. The date range is of the time that the list is sorted by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrderFilter {
    pub bets: Option<BTreeSet<BetId>>,
    pub markets: Option<BTreeSet<MarketId>>,
    pub order_refs: Option<BTreeSet<String>>,
    pub strategy_refs: Option<BTreeSet<String>>,
    pub projection: OrderProjection,
    pub range: DateRange,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortBy {
    #[default]
    PlaceTime,
    Market,
    /// Only bets with a match, by their last.
    MatchTime,
    /// Only void bets: none while a market is open.
    VoidTime,
    /// Only settled bets: none are current.
    SettledTime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OrderSort {
    pub by: SortBy,
    pub latest_first: bool,
}

/// A bet of a market that is not resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentOrder {
    pub bet: BetId,
    pub market: MarketId,
    pub runner: Runner,
    pub side: Side,
    pub price: Price,
    pub size: Pence,
    pub persistence: Persistence,
    pub order_type: OrderType,
    pub fill_or_kill: bool,
    /// Something remains to be matched before the starting price.
    pub executable: bool,
    /// It waits for the starting price: it has no size yet, and cannot be cancelled.
    pub at_close: bool,
    /// What was brought to the starting price: a back's stake, the most that a lay may lose.
    pub liability: Pence,
    pub placed_at: UtcMillis,
    pub matched_at: Option<UtcMillis>,
    pub matched: Pence,
    /// Sum of price times size over the matches, hundredths of a penny.
    pub matched_times_price: i64,
    pub remaining: Pence,
    pub lapsed: Pence,
    pub cancelled: Pence,
    pub voided: Pence,
    /// When it was last cancelled or lapsed, at least in part.
    pub ended_at: Option<UtcMillis>,
    pub lapse_reason: Option<LapseReason>,
    pub order_ref: Option<Box<str>>,
    pub strategy_ref: Option<Box<str>>,
    /// Where the market has it, once it does.
    pub handle: Option<Handle>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentOrders {
    pub orders: Vec<CurrentOrder>,
    pub more: bool,
}

/// What was matched on a runner, one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunnerMatches {
    pub runner: Runner,
    pub side: Side,
    pub size: Pence,
    /// The average price is this by `size`.
    pub matched_times_price: i128,
}

/// Profit of the matched bets in hundredths of a penny, commission not taken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunnerProfit {
    pub runner: Runner,
    /// With one winner, of the whole market; with more, of the bets on this runner.
    pub if_win: i128,
    /// The bets on this runner when it loses.
    pub if_lose: i128,
    /// Each-way: the bets on this runner when it is placed without winning.
    pub if_place: Option<i128>,
}

/// What the matched bets of an open market would pay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfitAndLoss {
    /// Each runner with bets.
    pub runners: Vec<RunnerProfit>,
    /// With one winner, what the market pays when a runner without bets wins.
    pub all_lose: i128,
}

impl Account {
    /// Markets that are not resolved and have orders of these states.
    pub fn markets_with_orders(&self, projection: OrderProjection) -> BTreeSet<MarketId> {
        let filter = OrderFilter { projection, ..OrderFilter::default() };
        let has = |position: &Position| {
            position.resolved.is_none()
                && position.bets.iter().any(|bet| is_listed(bet) && filter.admits(bet))
        };
        let found = self.positions.iter().filter(|(_, position)| has(position));
        found.map(|(market, _)| *market).collect()
    }

    /// Bets that a market has accepted, completed ones too until the market is resolved.
    pub fn current_orders(
        &self,
        filter: &OrderFilter,
        sort: OrderSort,
        page: Page,
    ) -> CurrentOrders {
        let chosen = self.positions.iter().filter(|(market, position)| {
            position.resolved.is_none()
                && filter.markets.as_ref().is_none_or(|markets| markets.contains(market))
        });
        let mut found: Vec<(UtcMillis, MarketId, &Position, &Bet)> = chosen
            .flat_map(|(market, position)| {
                position.bets.iter().map(move |bet| (*market, position, bet))
            })
            .filter(|(_, _, bet)| is_listed(bet) && filter.admits(bet))
            .filter_map(|(market, position, bet)| Some((sort.time_of(bet)?, market, position, bet)))
            .filter(|(at, ..)| filter.range.contains(*at))
            .collect();
        match sort.by {
            SortBy::Market => found.sort_by_key(|(_, market, _, bet)| (*market, bet.id)),
            _ => found.sort_by_key(|(at, _, _, bet)| (*at, bet.id)),
        }
        if sort.latest_first {
            found.reverse();
        }
        let (page, more) = page.cut(found.into_iter());
        let orders =
            page.into_iter().map(|(_, market, position, bet)| position.current(market, bet));
        CurrentOrders { orders: orders.collect(), more }
    }

    /// One bet as the order stream shows it, also when its market is resolved; `None` before a market
    /// has accepted it.
    pub fn current_order(&self, market: MarketId, bet: BetId) -> Option<CurrentOrder> {
        let position = self.positions.get(&market)?;
        let bet = position.bet(bet).filter(|bet| is_listed(bet))?;
        Some(position.current(market, bet))
    }

    /// What the order stream begins with: orders that can still be matched, and with `since` those too that
    /// changed then or later.
    pub fn orders_to_follow(&self, since: Option<UtcMillis>) -> Vec<CurrentOrder> {
        let mut orders = Vec::new();
        for (market, position) in &self.positions {
            let resolved = position.resolved.as_ref().map(|resolved| resolved.at);
            let is_news = |bet: &Bet| match since {
                None => false,
                Some(since) => changed_at(bet).max(resolved.unwrap_or_default()) >= since,
            };
            let bets = position.bets.iter().filter(|bet| is_listed(bet));
            let told = bets.filter(|bet| bet.stage != Stage::Done || is_news(bet));
            orders.extend(told.map(|bet| position.current(*market, bet)));
        }
        orders
    }

    /// Every order of markets that are not resolved.
    pub fn orders_of_open_markets(&self) -> impl Iterator<Item = CurrentOrder> {
        let open = self.positions.iter().filter(|(_, position)| position.resolved.is_none());
        open.flat_map(|(market, position)| {
            let listed = position.bets.iter().filter(|bet| is_listed(bet));
            listed.map(move |bet| position.current(*market, bet))
        })
    }

    /// Whether a settlement or void of the market stands; of one that was forgotten it does.
    pub fn is_resolved(&self, market: MarketId) -> bool {
        self.positions.get(&market).is_none_or(|position| position.resolved.is_some())
    }

    /// Markets that were resolved then or later.
    pub fn markets_resolved_since(&self, since: Option<UtcMillis>) -> Vec<MarketId> {
        let Some(since) = since else { return Vec::new() };
        let resolved = self.positions.iter().filter(|(_, position)| {
            position.resolved.as_ref().is_some_and(|resolved| resolved.at >= since)
        });
        resolved.map(|(market, _)| *market).collect()
    }

    /// What is matched in a market, by runner and side; with strategies, only bets of those.
    pub fn matches(
        &self,
        market: MarketId,
        strategies: Option<&BTreeSet<String>>,
    ) -> Vec<RunnerMatches> {
        let Some(position) = self.positions.get(&market) else { return Vec::new() };
        let mut found: Vec<RunnerMatches> = Vec::new();
        let matched = position.bets.iter().filter(|bet| bet.is_matched());
        for bet in matched.filter(|bet| strategies.is_none_or(|named| bet.is_of(named))) {
            let (runner, side) = (position.runner(bet), bet.side);
            let at = found.iter().position(|row| (row.runner, row.side) == (runner, side));
            let at = at.unwrap_or_else(|| {
                found.push(RunnerMatches {
                    runner,
                    side,
                    size: Pence::ZERO,
                    matched_times_price: 0,
                });
                found.len() - 1
            });
            found[at].size += bet.matched;
            found[at].matched_times_price += i128::from(bet.value);
        }
        found.sort_by_key(|row| (row.runner, row.side));
        found
    }

    /// What one bet matched, price by price, each rounded to a hundredth. Nothing of a void one.
    pub fn matched_prices(&self, market: MarketId, bet: BetId) -> Vec<(Price, Pence)> {
        let Some(position) = self.positions.get(&market) else { return Vec::new() };
        let Some(bet) = position.bet(bet).filter(|bet| bet.is_matched()) else { return Vec::new() };
        let fragments = position.fragments.of(bet);
        let price = |of: &Fragment| Some((Price::average(of.value, of.size)?, of.size));
        fragments.iter().filter_map(price).collect()
    }

    /// What each bet in a market matched, price by price, the oldest bet first.
    pub fn matched_bets(&self, market: MarketId) -> Vec<Match> {
        let Some(position) = self.positions.get(&market) else { return Vec::new() };
        let matched = position.bets.iter().filter(|bet| bet.is_matched());
        matched.flat_map(|bet| position.fragments.matches(bet, position.runner(bet))).collect()
    }

    /// What the matched bets of an open market would pay, those at the starting price only if they are to
    /// count; `None` without a position in it, and for lines: what they pay is no matter of runners.
    pub fn profit_and_loss(&self, market: MarketId, with_bsp: bool) -> Option<ProfitAndLoss> {
        let position = self.positions.get(&market)?;
        let terms = &position.terms;
        let mut sums: Vec<_> = position
            .runners
            .iter()
            .map(|(runner, sums)| (*runner, sums.matched_win, sums.matched_lose))
            .collect();
        let on_close = |bet: &&Bet| bet.order_type != OrderType::Limit && bet.is_matched();
        for bet in position.bets.iter().filter(on_close).filter(|_| !with_bsp) {
            let (_, win, lose) = &mut sums[usize::from(bet.runner)];
            *win -= bet.matched_sums().matched_win;
            *lose -= bet.matched_sums().matched_lose;
        }
        let all_lose: i128 = sums.iter().map(|(_, _, lose)| lose).sum();
        let profit = |runner: Runner, win: i128, lose: i128| match terms.kind {
            MarketKind::EachWay { divisor } => {
                let place = (100 * win).div_euclid(i128::from(divisor));
                let (if_win, if_lose, if_place) = (win + place, 2 * lose, Some(lose + place));
                RunnerProfit { runner, if_win, if_lose, if_place }
            }
            _ if terms.number_of_winners == 1 => {
                let if_win = all_lose - lose + win;
                RunnerProfit { runner, if_win, if_lose: lose, if_place: None }
            }
            _ => RunnerProfit { runner, if_win: win, if_lose: lose, if_place: None },
        };
        if let MarketKind::Line(_) = terms.kind {
            return None;
        }
        let profits = sums.into_iter().map(|(runner, win, lose)| profit(runner, win, lose));
        Some(ProfitAndLoss { runners: profits.collect(), all_lose })
    }
}

/// When anything last happened to it.
fn changed_at(bet: &Bet) -> UtcMillis {
    let matched = if bet.matched.is_zero() { UtcMillis::default() } else { bet.matched_at };
    let ended = if bet.has_ended_in_part() { bet.ended_at } else { UtcMillis::default() };
    bet.placed_at.max(matched).max(ended)
}

/// The market has accepted it: an order that may still be refused as a whole is nobody's bet yet.
fn is_listed(bet: &Bet) -> bool {
    !matches!(bet.stage, Stage::Sent | Stage::Waiting)
}

fn names(filter: &Option<BTreeSet<String>>, reference: Option<&str>) -> bool {
    let named = |filter: &BTreeSet<String>| reference.is_some_and(|name| filter.contains(name));
    filter.as_ref().is_none_or(named)
}

impl Bet {
    pub(super) fn order_ref(&self) -> Option<&str> {
        self.references.as_ref()?.order.as_deref()
    }

    pub(super) fn strategy_ref(&self) -> Option<&str> {
        self.references.as_ref()?.strategy.as_deref()
    }

    fn is_of(&self, strategies: &BTreeSet<String>) -> bool {
        self.strategy_ref().is_some_and(|name| strategies.contains(name))
    }

    /// Of a bet on close that was edited nothing was cancelled, and yet it has ended.
    fn has_ended_in_part(&self) -> bool {
        let edited = self.order_type != OrderType::Limit && !self.at_close;
        !(self.cancelled + self.lapsed).is_zero() || (edited && self.matched.is_zero())
    }

    /// Something is matched, and not void.
    fn is_matched(&self) -> bool {
        !self.matched.is_zero() && !self.void
    }

    fn is_executable(&self) -> bool {
        self.stage != Stage::Done && !self.at_close
    }
}

impl OrderFilter {
    fn admits(&self, bet: &Bet) -> bool {
        let executable = bet.is_executable();
        let projected = match self.projection {
            OrderProjection::All => true,
            OrderProjection::Executable => executable,
            OrderProjection::ExecutionComplete => !executable,
        };
        projected
            && self.bets.as_ref().is_none_or(|bets| bets.contains(&bet.id))
            && names(&self.order_refs, bet.order_ref())
            && names(&self.strategy_refs, bet.strategy_ref())
    }
}

impl OrderSort {
    /// The time that the list is sorted and ranged by; `None` leaves the bet out.
    fn time_of(&self, bet: &Bet) -> Option<UtcMillis> {
        match self.by {
            SortBy::PlaceTime | SortBy::Market => Some(bet.placed_at),
            SortBy::MatchTime => (!bet.matched.is_zero()).then_some(bet.matched_at),
            SortBy::VoidTime | SortBy::SettledTime => None,
        }
    }
}

impl Position {
    fn current(&self, market: MarketId, bet: &Bet) -> CurrentOrder {
        let runner = self.runner(bet);
        let void = bet.void || self.resolved.as_ref().is_some_and(|r| r.result(runner).is_none());
        CurrentOrder {
            bet: bet.id,
            market,
            runner,
            side: bet.side,
            price: bet.price,
            size: bet.size,
            persistence: bet.persistence,
            order_type: bet.order_type,
            fill_or_kill: bet.fill_or_kill,
            executable: bet.is_executable(),
            at_close: bet.at_close,
            liability: bet.liability,
            placed_at: bet.placed_at,
            matched_at: (!bet.matched.is_zero()).then_some(bet.matched_at),
            matched: if void { Pence::ZERO } else { bet.matched },
            matched_times_price: if void { 0 } else { bet.value },
            remaining: bet.remaining(),
            lapsed: bet.lapsed,
            cancelled: bet.cancelled,
            voided: if void { bet.matched } else { Pence::ZERO },
            ended_at: bet.has_ended_in_part().then_some(bet.ended_at),
            lapse_reason: bet.lapse_reason,
            order_ref: bet.order_ref().map(Into::into),
            strategy_ref: bet.strategy_ref().map(Into::into),
            handle: bet.handle,
        }
    }
}
