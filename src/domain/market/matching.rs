//! Who an order meets: price, then time; always at the resting order's price, from the best outward.
//!
//! Reads the book and returns fills; never changes anything. A fill-or-kill order is held to its limit by
//! the volume-weighted price of the whole fill, so a part may be worse than the limit as long as better
//! parts pay for it: back 10 at 5.4 may take 2 at 5.5, 6 at 5.4 and 2 at 5.3.

use super::Market;
use super::slab::{NONE, Spot};
use crate::ids::Handle;
use crate::money::Pence;
use crate::order::{Conditions, LapseReason, NewOrder, OrderKind, Side, TimeInForce};
use crate::price::Price;
use crate::record::{Fill, Taken};

/// What a taker gains over the limit for each penny of stake at `price`, in hundredths; negative is worse.
pub(super) fn gain(taker: Side, limit: Price, price: Price) -> i64 {
    let over = i64::from(price.0) - i64::from(limit.0);
    match taker {
        Side::Back => over,
        Side::Lay => -over,
    }
}

/// Somebody who waits at `best` can be met by a taker whose limit is `limit`.
fn reaches(taker: Side, limit: u32, best: u32) -> bool {
    match taker {
        Side::Back => best >= limit,
        Side::Lay => best <= limit,
    }
}

fn killed(order: &NewOrder, reason: LapseReason) -> Taken {
    Taken { order: *order, fills: Vec::new(), rests: None, gone: Some(reason), crossed: None }
}

/// Most orders: nothing to move but themselves.
fn rests_whole(order: &NewOrder, rests: Handle) -> Taken {
    Taken { order: *order, fills: Vec::new(), rests: Some(rests), gone: None, crossed: None }
}

impl Market {
    /// Matches `order` of account number `own`, whose limit is `spot`, as far as it goes; what is left would
    /// stand at `rests`.
    #[inline(always)]
    pub(super) fn take(
        &self,
        own: u32,
        order: &NewOrder,
        spot: Spot,
        conditions: &Conditions,
        rests: Handle,
    ) -> Taken {
        if order.kind.is_on_close() {
            // It only waits.
            return rests_whole(order, rests);
        }
        if self.house.is_some() && order.kind == OrderKind::Limit {
            return self.take_crossing(own, *order, conditions, rests);
        }
        let other = order.side.opposite();
        let best = self.book.ladder(spot.runner, other).best(other);
        match best {
            // If the best price is worse than the limit, no average can be better.
            Some(best) if reaches(order.side, spot.level, best) => {
                self.take_from(own, order, spot, conditions, rests, best)
            }
            _ if order.time_in_force == TimeInForce::Rest => rests_whole(order, rests),
            _ => killed(order, LapseReason::Killed),
        }
    }

    /// Somebody waits at `best`, a price that the order takes.
    #[inline(never)]
    fn take_from(
        &self,
        own: u32,
        order: &NewOrder,
        spot: Spot,
        conditions: &Conditions,
        rests: Handle,
        best: u32,
    ) -> Taken {
        if !conditions.best_execution && best != spot.level {
            return killed(order, LapseReason::PriceImprovementTooLarge);
        }
        if order.kind.target().is_some() {
            // Its stake is found as it is matched.
            let (fills, left) = self.fills_to_target(order, spot.runner);
            let size = left + fills.iter().map(|fill| fill.size).sum();
            return self.settle_for(own, &NewOrder { size, ..*order }, fills, conditions, rests);
        }
        let fills = self.fills(order, spot.runner, best);
        self.settle_for(own, order, fills, conditions, rests)
    }

    /// What an order that meets these comes to.
    #[inline(always)]
    fn settle_for(
        &self,
        own: u32,
        order: &NewOrder,
        fills: Vec<Fill>,
        conditions: &Conditions,
        rests: Handle,
    ) -> Taken {
        if !conditions.self_match && !fills.is_empty() {
            let account = self.links.account(own);
            if fills.iter().any(|fill| fill.account == account) {
                return killed(order, LapseReason::SelfMatch);
            }
        }
        let left = order.size - fills.iter().map(|fill| fill.size).sum();
        match order.time_in_force {
            TimeInForce::Rest => {
                let rests = (!left.is_zero()).then_some(rests);
                Taken { order: *order, fills, rests, gone: None, crossed: None }
            }
            TimeInForce::FillOrKill { min_fill } => {
                if order.size - left < min_fill.unwrap_or(order.size) {
                    return killed(order, LapseReason::Killed);
                }
                let gone = (!left.is_zero()).then_some(LapseReason::Killed);
                Taken { order: *order, fills, rests: None, gone, crossed: None }
            }
        }
    }

    /// With whom, from the `best` price on.
    fn fills(&self, order: &NewOrder, runner: u16, best: u32) -> Vec<Fill> {
        let other = order.side.opposite();
        let ladder = self.book.ladder(runner, other);
        let weighted = matches!(order.time_in_force, TimeInForce::FillOrKill { .. });
        let mut fills = Vec::new();
        let mut left = order.size;
        // How far the fills so far are better than the limit, in hundredths of a penny.
        let mut saved: i128 = 0;
        let mut level = Some(best);
        while let Some(index) = level {
            let price = self.book.prices.price(index);
            let gain = gain(order.side, order.price, price);
            let most = match gain {
                0.. => left,
                _ if weighted => affordable(saved, gain).min(left),
                _ => Pence::ZERO,
            };
            if most.is_zero() {
                break;
            }
            let mut wanted = most;
            self.meet(ladder.level(index).head, price, &mut wanted, &mut fills);
            left -= most - wanted;
            if left.is_zero() {
                break;
            }
            if weighted {
                saved += i128::from(gain) * i128::from((most - wanted).0);
            }
            level = ladder.behind(other, index);
        }
        fills
    }

    /// Whom an order with a target meets, and the stake that is left to reach it at the limit: at each price
    /// the stake is what the target still needs there, so better prices need less of a back and allow more of
    /// a lay. Where a price gives all that was needed, nothing is left, whatever the rounding.
    fn fills_to_target(&self, order: &NewOrder, runner: u16) -> (Vec<Fill>, Pence) {
        let target = order.kind.target().unwrap_or_default();
        let mut needed = 100 * i128::from(target.0);
        let other = order.side.opposite();
        let ladder = self.book.ladder(runner, other);
        let stake = |needed: i128, price| {
            i64::try_from(needed / order.kind.yields(price)).map_or(Pence::MAX_ENTERED, Pence)
        };
        let mut fills = Vec::new();
        let mut level = ladder.best(other);
        while let Some(index) = level {
            let price = self.book.prices.price(index);
            if gain(order.side, order.price, price) < 0 {
                break;
            }
            let mut wanted = stake(needed, price);
            if wanted.is_zero() {
                return (fills, Pence::ZERO);
            }
            needed -= order.kind.yields(price) * i128::from(wanted.0);
            self.meet(ladder.level(index).head, price, &mut wanted, &mut fills);
            if wanted.is_zero() {
                return (fills, Pence::ZERO);
            }
            needed += order.kind.yields(price) * i128::from(wanted.0);
            level = ladder.behind(other, index);
        }
        (fills, stake(needed, order.price))
    }

    /// Takes `wanted` from the orders of a level, first come first.
    #[inline(always)]
    fn meet(&self, head: u32, price: Price, wanted: &mut Pence, fills: &mut Vec<Fill>) {
        let mut at = head;
        while at != NONE && !wanted.is_zero() {
            let slot = self.book.orders.at(at);
            let size = (*wanted).min(slot.remaining);
            fills.push(Fill {
                price,
                size,
                account: self.links.account(slot.account),
                bet: slot.bet,
                handle: self.book.orders.handle(at),
            });
            *wanted -= size;
            at = slot.next;
        }
    }

    /// The first of these orders that may meet one of the account's own, taken together: each is taken to
    /// need, at its own limit, all that it and those before it on its runner and side need.
    pub(super) fn first_to_meet_own(&self, own: u32, orders: &[NewOrder]) -> Option<usize> {
        (0..orders.len()).find(|&at| {
            let order = &orders[at];
            if order.kind.is_on_close() {
                return false;
            }
            let alike = orders[..=at]
                .iter()
                .filter(|other| other.runner == order.runner && other.side == order.side)
                .filter(|other| !other.kind.is_on_close());
            let wanted = alike.map(|other| i128::from(other.largest_stake().0)).sum();
            let runner = self.runner(order.runner);
            runner.is_some_and(|runner| self.meets_own(own, order, runner, wanted))
        })
    }

    fn meets_own(&self, own: u32, order: &NewOrder, runner: u16, mut wanted: i128) -> bool {
        let other = order.side.opposite();
        let ladder = self.book.ladder(runner, other);
        let mut level = ladder.best(other);
        while let Some(index) = level {
            let worse = gain(order.side, order.price, self.book.prices.price(index)) < 0;
            if worse && order.time_in_force == TimeInForce::Rest {
                return false;
            }
            let mut at = ladder.level(index).head;
            while at != NONE {
                if wanted <= 0 {
                    return false;
                }
                let slot = self.book.orders.at(at);
                if slot.account == own {
                    return true;
                }
                wanted -= i128::from(slot.remaining.0);
                at = slot.next;
            }
            level = ladder.behind(other, index);
        }
        false
    }
}

/// How much at a loss of `gain` (negative) the savings pay for.
pub(super) fn affordable(saved: i128, gain: i64) -> Pence {
    let most = saved / i128::from(-gain);
    Pence(i64::try_from(most).unwrap_or(i64::MAX))
}
