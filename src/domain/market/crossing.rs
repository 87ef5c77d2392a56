//! Orders of a cross matched market: who they meet when bets on all other runners together are as good as a
//! bet on theirs, and what the exchange has of standing between.
//!
//! At each step the better of the real price and the virtual one is taken, the real one first where they are
//! equal. Of each other runner the best price is offered, with as many worse ones as it takes to make a
//! pound: who rests there is met at their own price, in the order of arrival. Orders with a target or on
//! close meet real bets only.
//!
//! ```text
//!   taker ──backs X──▶ ┌───────┐ ◀──backs Y── resting
//!                      │ house │ ◀──backs Z── resting        lays all of them: keeps T - what one returns
//!                      └───────┘
//! ```
//! The house has one sum for each runner that may win, and none of them is ever negative: `cross_match`
//! chooses the pennies so, each single time. When the market is settled the sum of the winner, in whole
//! pence, moves from clearing to the exchange.

use super::Market;
use super::cross_match::{self, Best, LEAST};
use super::matching::{affordable, gain};
use super::slab::NONE;
use crate::ids::Handle;
use crate::money::Pence;
use crate::order::{Conditions, LapseReason, Matched, NewOrder, Side, TimeInForce};
use crate::price::Price;
use crate::record::{Crossed, Crossings, Fill, Resolution, RunnerResult, Taken};
use serde::{Deserialize, Serialize};

/// The exchange's own side of what was cross matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct House {
    /// What it has when a runner wins, by the runner's number, in hundredths of a penny.
    if_wins: Vec<i128>,
    /// Stakes that met the house: their other half is nobody's order.
    stakes: Pence,
    /// What settlements so far have paid it, less what was taken back.
    pub(super) paid: Pence,
}

impl House {
    pub(super) fn new(runners: usize) -> House {
        House { if_wins: vec![0; runners], stakes: Pence::ZERO, paid: Pence::ZERO }
    }

    /// What it has met, having seen that it loses nothing whoever wins.
    pub(super) fn check_invariants(&self) -> Pence {
        assert!(self.if_wins.iter().all(|sum| *sum >= 0), "the house may lose: {:?}", self.if_wins);
        self.stakes
    }
}

/// Where the walk along one side of a runner stands.
struct Walk<'a> {
    market: &'a Market,
    runner: u16,
    side: Side,
    /// `None`: at the end.
    level: Option<u32>,
    /// Of the level so far.
    met: Pence,
    slot: u32,
    /// Of the slot so far.
    used: Pence,
}

impl<'a> Walk<'a> {
    fn new(market: &'a Market, runner: u16, side: Side) -> Walk<'a> {
        let mut walk = Walk {
            market,
            runner,
            side,
            level: None,
            met: Pence::ZERO,
            slot: NONE,
            used: Pence::ZERO,
        };
        walk.enter(market.book.ladder(runner, side).best(side));
        walk
    }

    fn enter(&mut self, level: Option<u32>) {
        self.level = level;
        self.met = Pence::ZERO;
        self.used = Pence::ZERO;
        let ladder = self.market.book.ladder(self.runner, self.side);
        self.slot = level.map_or(NONE, |index| ladder.level(index).head);
    }

    fn price(&self) -> Option<Price> {
        self.level.map(|index| self.market.book.prices.price(index))
    }

    /// What is left at this level.
    fn here(&self) -> Pence {
        let ladder = self.market.book.ladder(self.runner, self.side);
        self.level.map_or(Pence::ZERO, |index| ladder.level(index).total - self.met)
    }

    /// So much can be had at this price or a better one: a pound of it, if there is.
    fn best(&self) -> Option<Best> {
        let ladder = self.market.book.ladder(self.runner, self.side);
        let (mut index, mut sum) = (self.level?, self.here());
        while sum < LEAST {
            let Some(behind) = ladder.behind(self.side, index) else { break };
            index = behind;
            sum += ladder.level(index).total;
        }
        Some((self.market.book.prices.price(index), sum))
    }

    /// Meets `size`, which is there, first come first.
    fn take(&mut self, mut size: Pence, fills: &mut Vec<Fill>) {
        let orders = &self.market.book.orders;
        while let (Some(price), false) = (self.price(), size.is_zero()) {
            let slot = orders.at(self.slot);
            let met = size.min(slot.remaining - self.used);
            fills.push(Fill {
                price,
                size: met,
                account: self.market.links.account(slot.account),
                bet: slot.bet,
                handle: orders.handle(self.slot),
            });
            size -= met;
            self.met += met;
            self.used += met;
            if self.used == slot.remaining {
                (self.slot, self.used) = (slot.next, Pence::ZERO);
            }
            if self.slot == NONE {
                let ladder = self.market.book.ladder(self.runner, self.side);
                self.enter(self.level.and_then(|index| ladder.behind(self.side, index)));
            }
        }
    }
}

/// Whom an order meets.
#[derive(Default)]
struct Met {
    fills: Vec<Fill>,
    crossed: Vec<Crossed>,
    /// The first of them was better than asked for.
    improved: bool,
}

impl Met {
    fn size(&self) -> Pence {
        let real: Pence = self.fills.iter().map(|fill| fill.size).sum();
        real + self.crossed.iter().map(|crossed| crossed.size).sum()
    }
}

impl Market {
    /// As `take`, in a cross matched market.
    pub(super) fn take_crossing(
        &self,
        own: u32,
        order: NewOrder,
        conditions: &Conditions,
        rests: Handle,
    ) -> Taken {
        let killed =
            |reason| Taken { order, fills: vec![], rests: None, gone: Some(reason), crossed: None };
        let met = self.meet_crossing(&order);
        if met.improved && !conditions.best_execution {
            return killed(LapseReason::PriceImprovementTooLarge);
        }
        if !conditions.self_match {
            let account = self.links.account(own);
            if met.fills.iter().any(|fill| fill.account == account) {
                return killed(LapseReason::SelfMatch);
            }
        }
        let left = order.size - met.size();
        let (rests, gone) = match order.time_in_force {
            TimeInForce::Rest => ((!left.is_zero()).then_some(rests), None),
            TimeInForce::FillOrKill { min_fill } => {
                if order.size - left < min_fill.unwrap_or(order.size) {
                    return killed(LapseReason::Killed);
                }
                (None, (!left.is_zero()).then_some(LapseReason::Killed))
            }
        };
        let Met { fills, crossed, .. } = met;
        let crossed = (!crossed.is_empty()).then(|| Box::new(Crossings(crossed)));
        Taken { order, fills, rests, gone, crossed }
    }

    fn meet_crossing(&self, order: &NewOrder) -> Met {
        let runner = self.runner(order.runner).expect("checked when the command came");
        let weighted = matches!(order.time_in_force, TimeInForce::FillOrKill { .. });
        let mut real = Walk::new(self, runner, order.side.opposite());
        let others = (0..self.book.runners.len() as u16).filter(|other| *other != runner);
        let mut others: Vec<Walk<'_>> =
            others.map(|other| Walk::new(self, other, order.side)).collect();
        let mut met = Met::default();
        // What is left, and how far what was met is better than the limit, in hundredths of a penny.
        let (mut left, mut saved) = (order.size, 0_i128);
        while !left.is_zero() {
            let over = |price| gain(order.side, order.price, price);
            let most = |price| match over(price) {
                0.. => left,
                worse if weighted => affordable(saved, worse).min(left),
                _ => Pence::ZERO,
            };
            let best: Option<Vec<Best>> = others.iter().map(Walk::best).collect();
            let step = best.and_then(|best| cross_match::step(order.side, &best, most));
            let real_price = real.price();
            let is_real = match (real_price, &step) {
                (Some(price), Some(step)) => over(price) >= over(step.price),
                (price, _) => price.is_some(),
            };
            let (price, size) = match (real_price.filter(|_| is_real), step) {
                (Some(price), _) => {
                    let size = most(price).min(real.here());
                    real.take(size, &mut met.fills);
                    (price, size)
                }
                (None, Some(step)) => {
                    let mut fills = Vec::new();
                    for (walk, stake) in others.iter_mut().zip(step.others) {
                        walk.take(stake, &mut fills);
                    }
                    let (price, size) = (step.price, step.size);
                    met.crossed.push(Crossed { price, size, fills });
                    (price, size)
                }
                (None, None) => break,
            };
            if size.is_zero() {
                break;
            }
            met.improved |= met.size() == size && over(price) > 0;
            left -= size;
            saved += i128::from(over(price)) * i128::from(size.0);
        }
        met
    }

    /// What was crossed leaves the book, and the house has its part.
    pub(super) fn apply_crossed(&mut self, order: &NewOrder, crossings: &Crossings) {
        let Some(own) = self.runner(order.runner) else { return };
        for Crossed { price, size, fills } in &crossings.0 {
            let mut returns = vec![0_i128; self.book.runners.len()];
            returns[usize::from(own)] = price.times(*size);
            let mut staked = *size;
            for fill in fills {
                let Some(slot) = self.book.orders.get(fill.handle) else { continue };
                let (account, runner) = (slot.account, usize::from(slot.runner));
                self.book.fill(fill.handle.slot, fill.size);
                let matched = Matched { price: fill.price, size: fill.size };
                self.links.filled(account, fill.bet, matched);
                returns[runner] += fill.price.times(fill.size);
                staked += fill.size;
            }
            if let Some(index) = self.book.prices.index(*price) {
                self.book.trade(own, index, *size);
            }
            let Some(house) = &mut self.house else { continue };
            house.stakes += staked;
            let all = 100 * i128::from(staked.0);
            for (sum, returned) in house.if_wins.iter_mut().zip(returns) {
                *sum += match order.side {
                    // The house has laid every runner, or backed every one.
                    Side::Back => all - returned,
                    Side::Lay => returned - all,
                };
            }
        }
    }

    /// What the resolution that is being paid leaves the exchange in clearing, in whole pence; taken back,
    /// what it had left before.
    pub(super) fn crossed_result(&self) -> Pence {
        let Some(house) = &self.house else { return Pence::ZERO };
        let results = match &self.resolution {
            Some(Resolution::Settled(results)) => results,
            Some(_) => return Pence::ZERO,
            None => return -house.paid,
        };
        // A dead heat pays the mean of its winners, which all say among how many it is.
        let (mut sum, mut among) = (0, 1);
        for (runner, result) in results {
            if let (Some(number), RunnerResult::Winner { of, .. }) = (self.runner(*runner), result)
            {
                sum += house.if_wins[usize::from(number)];
                among = among.max(i128::from(*of));
            }
        }
        let pence = sum.div_euclid(100 * among);
        Pence(i64::try_from(pence).expect("a part of what was staked"))
    }

    /// What the exchange's own bets come to when this runner wins, in hundredths of a penny: never negative.
    pub fn crossed_if_wins(&self, runner: crate::ids::Runner) -> i128 {
        let number = self.runner(runner).map(usize::from);
        let house = self.house.as_ref().zip(number);
        house.map_or(0, |(house, number)| house.if_wins[number])
    }
}

impl Crossings {
    /// The taker's part.
    pub(super) fn size(&self) -> Pence {
        self.0.iter().map(|crossed| crossed.size).sum()
    }

    /// Adds the taker's part to what else it met, by price, the best first.
    pub(super) fn add_to(&self, taker: Side, matched: &mut Vec<Matched>) {
        for Crossed { price, size, .. } in &self.0 {
            match matched.iter_mut().find(|matched| matched.price == *price) {
                Some(matched) => matched.size += *size,
                None => matched.push(Matched { price: *price, size: *size }),
            }
        }
        matched.sort_by_key(|matched| match taker {
            Side::Back => -i64::from(matched.price.0),
            Side::Lay => i64::from(matched.price.0),
        });
    }
}
