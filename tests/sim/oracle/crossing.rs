//! A cross matched market: whom an order meets when bets on all other runners together are as good as a bet on
//! its own, and the house that stands between.
//!
//! The house is one more account, whose bets are the other halves of what was cross matched. Virtual prices
//! are exact fractions here, and returns are tried one by one. That the house loses nothing, and nobody is met
//! beyond their limit, is asked of each record before it is compared with what should have come of the order.

use super::book::{Met, NaiveMarket, NaiveMatch, NaiveOrder, met};
use crate::sim::law::{Check, hold};
use domain::ids::{AccountId, BetId, Runner};
use domain::market::Market;
use domain::order::{NewOrder, OrderKind, Side, TimeInForce};
use domain::price::Price;
use domain::record::{Crossed, Taken};

/// The exchange itself, and all its bets as one.
pub(super) const HOUSE: (AccountId, BetId) = (AccountId(0), BetId(0));

/// Less than this at a price is met together with the next worse price.
const LEAST: i64 = 100;

/// So many returns are tried for one whose pennies come out right at the best price.
const TRIED: usize = 256;

/// A taker's bet against the house, and the resting bets on the other runners that the house has for it.
#[derive(Debug, PartialEq)]
pub(super) struct VirtualBet {
    pub(super) price: Price,
    pub(super) size: i64,
    pub(super) legs: Vec<Met>,
}

/// Whom an order meets: who stands against it and how much of them, virtual bets.
#[derive(Default)]
pub(super) struct Crossing {
    pub(super) fills: Vec<(usize, i64)>,
    pub(super) crossed: Vec<VirtualBet>,
    /// The first of them was better than asked for.
    pub(super) improved: bool,
}

impl VirtualBet {
    pub(super) fn of(crossed: &Crossed) -> VirtualBet {
        let Crossed { price, size, fills } = crossed;
        VirtualBet { price: *price, size: size.0, legs: fills.iter().map(met).collect() }
    }
}

/// How far a price is better for the taker than what was asked for.
fn better_by(order: &NewOrder, price: Price) -> i64 {
    let over = i64::from(price.0) - i64::from(order.price.0);
    if order.side == Side::Back { over } else { -over }
}

/// The price of the ladder that is no better for the taker than this many hundredths, which must be a price.
fn on_the_ladder(taker: Side, above: i128, below: i128) -> Option<Price> {
    let hundredths = match taker {
        Side::Back => above / below,
        Side::Lay => (above + below - 1) / below,
    };
    let mut price = Price(u32::try_from(hundredths).ok()?);
    if !(Price::MIN..=Price::MAX).contains(&price) {
        return None;
    }
    while price.index().is_none() {
        price.0 = if taker == Side::Back { price.0 - 1 } else { price.0 + 1 };
    }
    Some(price)
}

/// What must be staked at a price to return so much, to the penny in the house's favour.
fn stake(taker: Side, total: i64, price: i64) -> i64 {
    match taker {
        Side::Back => 100 * total / price,
        Side::Lay => (100 * total + price - 1) / price,
    }
}

/// What the house has of these bets when a runner wins, in hundredths of a penny.
fn house_has(matches: &[NaiveMatch], winner: Runner) -> i128 {
    let of = |m: &NaiveMatch| {
        let returned = if m.runner == winner { i128::from(m.price.0) } else { 0 };
        let backer = (returned - 100) * i128::from(m.size);
        match m.bets {
            [HOUSE, _] => backer,
            [_, HOUSE] => -backer,
            _ => 0,
        }
    };
    matches.iter().map(of).sum()
}

/// A customer's bet, and its other half.
fn against_the_house(
    bet: (AccountId, BetId),
    runner: Runner,
    side: Side,
    price: Price,
    size: i64,
) -> NaiveMatch {
    let bets = if side == Side::Back { [bet, HOUSE] } else { [HOUSE, bet] };
    NaiveMatch { runner, price, worth: price, size, bets, void: false }
}

impl NaiveMarket {
    pub(in crate::sim) fn is_crossing(&self) -> bool {
        self.definition.as_ref().is_some_and(|definition| definition.cross_matching)
    }

    fn runners(&self) -> impl Iterator<Item = Runner> + use<'_> {
        let runners = self.definition.iter().flat_map(|definition| &definition.runners);
        runners.map(|named| named.runner)
    }

    // -------------------------------------------------------------------------------------- match

    /// Step by step the better of the real price and the virtual one, the real one first.
    pub(super) fn meet_crossing(&self, order: &NewOrder) -> Crossing {
        let mut there: Vec<i64> = self.orders.iter().map(|other| other.remaining).collect();
        let mut found = Crossing::default();
        // How far what was met is better than asked for, in hundredths of a penny.
        let (mut left, mut saved) = (order.size.0, 0);
        while left > 0 {
            let most = |price| match better_by(order, price) {
                0.. => left,
                _ if order.time_in_force == TimeInForce::Rest => 0,
                worse => left.min(saved / -worse),
            };
            let real = self.level(order.runner, order.side.opposite(), &there);
            let virtual_bet = self.virtual_bet(order, &there, most);
            let real_first = match (&real, &virtual_bet) {
                (Some((price, _)), Some(bet)) => {
                    better_by(order, *price) >= better_by(order, bet.price)
                }
                (real, _) => real.is_some(),
            };
            let (price, size) = match (real, virtual_bet) {
                (Some((price, level)), _) if real_first => {
                    let met = self.take_of(&level, most(price), &mut there);
                    let size = met.iter().map(|(_, size)| size).sum();
                    found.fills.extend(met);
                    (price, size)
                }
                (_, Some(bet)) => {
                    for (account, bet, _, size) in &bet.legs {
                        there[self.find(*account, *bet).expect("it was found")] -= size;
                    }
                    let (price, size) = (bet.price, bet.size);
                    found.crossed.push(bet);
                    (price, size)
                }
                _ => break,
            };
            if size == 0 {
                break;
            }
            found.improved |= left == order.size.0 && better_by(order, price) > 0;
            left -= size;
            saved += better_by(order, price) * size;
        }
        found
    }

    /// The best price on a side of a runner, and who stands there.
    fn level(&self, runner: Runner, side: Side, there: &[i64]) -> Option<(Price, Vec<usize>)> {
        let mut queue = self.queue(runner, side);
        queue.retain(|at| there[*at] > 0);
        let price = self.orders[*queue.first()?].order.price;
        queue.retain(|at| self.orders[*at].order.price == price);
        Some((price, queue))
    }

    /// Takes at most so much of who stands there, first come first.
    fn take_of(&self, queue: &[usize], mut most: i64, there: &mut [i64]) -> Vec<(usize, i64)> {
        let mut met = Vec::new();
        for at in queue {
            let size = most.min(there[*at]);
            if size > 0 {
                met.push((*at, size));
            }
            (most, there[*at]) = (most - size, there[*at] - size);
        }
        met
    }

    /// What can be had of a runner at once: a pound of it, if there is, at the worst of its prices.
    fn pound(&self, runner: Runner, side: Side, there: &[i64]) -> Option<(i64, i64)> {
        let mut there = there.to_vec();
        let (mut price, mut sum) = (None, 0);
        while sum < LEAST {
            let Some((worse, level)) = self.level(runner, side, &there) else { break };
            price = Some(i64::from(worse.0));
            for at in level {
                (sum, there[at]) = (sum + there[at], 0);
            }
        }
        Some((price?, sum))
    }

    /// The next virtual bet of a taker who takes at most `most` at a price.
    fn virtual_bet(
        &self,
        order: &NewOrder,
        there: &[i64],
        most: impl Fn(Price) -> i64,
    ) -> Option<VirtualBet> {
        let side = order.side;
        let others: Vec<Runner> = self.runners().filter(|other| *other != order.runner).collect();
        let pounds = others.iter().map(|other| self.pound(*other, side, there));
        let pounds: Vec<(i64, i64)> = pounds.collect::<Option<_>>()?;
        // P = 1 / (1 - sum of 1 / price) = product / rest
        let prices = pounds.iter().map(|(price, _)| i128::from(*price));
        let product: i128 = prices.clone().product();
        let rest = product - prices.map(|price| 100 * (product / price)).sum::<i128>();
        if rest <= 0 {
            return None;
        }
        let price = on_the_ladder(side, 100 * product, rest)?;
        let wanted = most(price);
        let split = |total: i64| {
            let stakes: Vec<i64> =
                pounds.iter().map(|(price, _)| stake(side, total, *price)).collect();
            (total - stakes.iter().sum::<i64>(), stakes)
        };
        let is_there = |total: &i64| {
            let mut of_each = split(*total).1.into_iter().zip(&pounds);
            of_each.all(|(stake, (_, size))| stake <= *size)
        };
        let asked = (i128::from(wanted) * product / rest) as i64;
        let returned = pounds.iter().map(|(price, size)| price * (size + 1) / 100);
        let largest = returned.min()?.min(asked);
        let fits = |total: &i64| (1..=wanted).contains(&split(*total).0);
        let tried = (1..=largest).rev().skip_while(|total| !is_there(total));
        let mut tried = tried.take(TRIED).filter(fits);
        let first = tried.next()?;
        let is_fair = |total: &i64| {
            let returned = split(*total).0 * i64::from(price.0);
            if side == Side::Back { returned <= 100 * *total } else { returned >= 100 * *total }
        };
        let (total, price) = match std::iter::once(first).chain(tried).find(is_fair) {
            Some(total) => (total, price),
            None => {
                // The pennies do not come out: the taker pays for them with a worse price.
                let own = i128::from(split(first).0);
                (first, on_the_ladder(side, 100 * i128::from(first), own)?)
            }
        };
        let (size, stakes) = split(total);
        if size > most(price) {
            return None;
        }
        let mut there = there.to_vec();
        let mut legs = Vec::new();
        for (other, stake) in others.into_iter().zip(stakes) {
            let met = self.take_of(&self.queue(other, side), stake, &mut there);
            legs.extend(met.into_iter().map(|(at, size)| self.stands(at, size)));
        }
        Some(VirtualBet { price, size, legs })
    }

    /// Carries a virtual bet out.
    pub(super) fn cross(&mut self, taker: (AccountId, BetId), order: &NewOrder, bet: &VirtualBet) {
        let NewOrder { runner, side, .. } = *order;
        self.matches.push(against_the_house(taker, runner, side, bet.price, bet.size));
        for (account, bet, price, size) in &bet.legs {
            let at = self.find(*account, *bet).expect("it was met");
            let NaiveOrder { order, remaining, .. } = &mut self.orders[at];
            *remaining -= size;
            let runner = order.runner;
            self.matches.push(against_the_house((*account, *bet), runner, side, *price, *size));
        }
    }

    // --------------------------------------------------------------------------------------- laws

    /// Whatever should have come of an order: nobody is met beyond their limit, and of each virtual bet the house
    /// loses nothing, whoever wins.
    pub(super) fn crosses_fairly(
        &self,
        account: AccountId,
        order: &NewOrder,
        taken: &Taken,
    ) -> Check {
        let Some(crossed) = &taken.crossed else { return Ok(()) };
        let limited = self.is_crossing() && order.kind == OrderKind::Limit;
        hold!(Naive, limited, "{order:?} is cross matched: {taken:?}");
        let NewOrder { bet, runner, side, .. } = *order;
        let real = taken.fills.iter().map(|fill| (fill.price, fill.size.0));
        let met: Vec<(Price, i64)> =
            real.chain(crossed.0.iter().map(|bet| (bet.price, bet.size.0))).collect();
        let saved: i64 = met.iter().map(|(price, size)| better_by(order, *price) * size).sum();
        let within = met.iter().all(|(price, _)| better_by(order, *price) >= 0);
        let rests = order.time_in_force == TimeInForce::Rest;
        hold!(Naive, saved >= 0 && (within || !rests), "{order:?} is met beyond: {taken:?}");
        for Crossed { price, size, fills } in &crossed.0 {
            let mut bets = vec![against_the_house((account, bet), runner, side, *price, size.0)];
            for fill in fills {
                let leg = self.find(fill.account, fill.bet).map(|at| &self.orders[at].order);
                let Some(leg) = leg.filter(|leg| leg.side == side && leg.runner != runner) else {
                    hold!(Naive, false, "{fill:?} is no bet on another runner: {leg:?}");
                    continue;
                };
                hold!(Naive, fill.price == leg.price, "{leg:?} is met beyond: {fill:?}");
                let leg_of = (fill.account, fill.bet);
                bets.push(against_the_house(leg_of, leg.runner, side, fill.price, fill.size.0));
            }
            for winner in self.runners() {
                let has = house_has(&bets, winner);
                hold!(House, has >= 0, "the house has {has} of {bets:?} when {winner:?} wins");
            }
        }
        Ok(())
    }

    pub(super) fn house_agrees(&self, market: &Market) -> Check {
        for runner in self.runners() {
            let (due, real) = (house_has(&self.matches, runner), market.crossed_if_wins(runner));
            hold!(House, real == due && due >= 0, "the house has {real} of {runner:?}, not {due}");
        }
        Ok(())
    }

    /// What the house has backed and laid of a runner, and price times that.
    pub(in crate::sim) fn house_stands(&self, runner: Runner) -> [(i64, i128); 2] {
        let mut sides = [(0, 0); 2];
        for m in self.matches.iter().filter(|m| m.runner == runner) {
            for (side, bet) in sides.iter_mut().zip(m.bets) {
                if bet == HOUSE {
                    side.0 += m.size;
                    side.1 += i128::from(m.price.0) * i128::from(m.size);
                }
            }
        }
        sides
    }
}
