//! A runner that does not run: order by order what goes and what changes, match by match what it is worth.

use super::book::{NaiveMarket, NaiveOrder};
use crate::sim::law::{Check, hold};
use domain::act::MarketAct;
use domain::definition::MarketStatus;
use domain::ids::{AccountId, BetId, Runner};
use domain::order::{Persistence, Side};
use domain::price::Price;
use domain::record::RunnerRemoved;
use std::collections::{BTreeMap, BTreeSet};

/// A chance of 2.5 percent, from which on a win market reduces at all.
const WIN_FROM: u32 = 250;

/// A chance of 4 percent, from which on a place market takes lays away.
const PLACE_LAYS_FROM: u32 = 400;

#[derive(Debug)]
pub(super) struct Removal {
    pub(super) runner: Runner,
    /// Who spoke to the market later is not told, and holds as if the runner might still win.
    pub(super) told: BTreeSet<AccountId>,
}

/// What a removal does to the prices of the others.
#[derive(Debug, Clone, Copy)]
struct Cut {
    chance: u32,
    only_profit: bool,
}

impl Cut {
    fn matched(self, price: Price) -> Price {
        let kept = |part: u32| (part * (10_000 - self.chance) + 5_000) / 10_000;
        match self.only_profit {
            true => Price(100 + kept(price.0 - 100)),
            false if self.chance < WIN_FROM => price,
            false => Price(kept(price.0).max(101)),
        }
    }

    /// Of a starting price, which is then one of whole hundredths.
    fn closed(self, value: i64, size: i64) -> i64 {
        let kept = i64::from(10_000 - self.chance);
        let halves_up = |part: i64| (2 * part * kept + 10_000 * size) / (20_000 * size);
        match self.only_profit {
            true if self.chance == 0 => value,
            true => (100 + halves_up(value - 100 * size)) * size,
            false if self.chance < WIN_FROM => value,
            false => halves_up(value).max(101) * size,
        }
    }

    /// A price of the ladder, at or below.
    fn resting(self, price: Price) -> Price {
        let mut reduced = self.matched(price);
        while reduced.index().is_none() && reduced > Price::MIN {
            reduced.0 -= 1;
        }
        reduced.max(Price::MIN)
    }

    fn takes_lays(self) -> bool {
        self.chance >= if self.only_profit { PLACE_LAYS_FROM } else { WIN_FROM }
    }
}

impl NaiveMarket {
    pub(super) fn runner_removed(
        &mut self,
        act: Option<&MarketAct>,
        removal: &RunnerRemoved,
    ) -> Check {
        let Some(MarketAct::RemoveRunner { runner, factor }) = act else {
            hold!(Naive, false, "{act:?} became {removal:?}");
            return Ok(());
        };
        let runner = *runner;
        let chance = factor.or(self.chances.get(&runner).copied()).unwrap_or_default();
        hold!(
            Naive,
            self.runs(runner) && !self.is_crossing() && removal.reduction.runner == runner,
            "{act:?} became {removal:?}"
        );
        let only_profit = self.definition.as_ref().is_some_and(|definition| {
            definition.number_of_winners > 1 && definition.each_way_divisor.is_none()
        });
        let cut = Cut { chance, only_profit };
        let meanwhile = match self.status {
            MarketStatus::Inactive => MarketStatus::Inactive,
            _ => MarketStatus::Suspended,
        };
        hold!(
            Naive,
            removal.reduction.factor == chance
                && (removal.status, removal.resumes) == (meanwhile, self.status)
                && removal.version > self.version,
            "{act:?} became {removal:?}"
        );
        // A lay that waits for the starting price risks as much less as its price will be.
        let mut lose_less: BTreeMap<BetId, i64> = BTreeMap::new();
        let waits = |order: &&NaiveOrder| order.closing && order.order.side == Side::Lay;
        for order in self.orders.iter().filter(waits) {
            let own = i64::from(self.chances.get(&order.order.runner).copied().unwrap_or_default());
            let own = if only_profit { 0 } else { own };
            let kept = (10_000 - own - i64::from(chance)).max(0);
            let left = (order.remaining * kept).checked_div(10_000 - own).unwrap_or_default();
            lose_less.insert(order.order.bet, left);
        }
        self.chances_without(runner, chance);
        let factors: BTreeMap<Runner, u32> = removal.factors.iter().copied().collect();
        hold!(Naive, factors == self.chances, "{:?} are left, not {factors:?}", self.chances);
        self.removing = Some(self.status);
        self.status = meanwhile;
        (self.version, self.material) = (removal.version, removal.version);
        self.removed.push(Removal { runner, told: BTreeSet::new() });
        self.lapse(&removal.lapsed, |order| {
            let keeps = order.order.persistence == Persistence::Persist && !order.waiting;
            let nothing_left = lose_less.get(&order.order.bet) == Some(&0);
            let of_book = !order.closing && cut.takes_lays() && !keeps;
            order.order.runner == runner
                || (order.order.side == Side::Lay && (of_book || nothing_left))
        })?;
        self.reprice(cut, &lose_less, removal)?;
        for m in &mut self.matches {
            if m.runner == runner {
                m.void = true;
            } else {
                m.worth = cut.matched(m.worth);
            }
        }
        for close in &mut self.closings {
            if close.runner == runner {
                close.void = true;
            } else {
                close.value = cut.closed(close.value, close.size);
            }
        }
        Ok(())
    }

    /// Those who run share what the removed one leaves, as they stood to each other.
    fn chances_without(&mut self, runner: Runner, chance: u32) {
        self.chances.remove(&runner);
        let left: u64 = self.chances.values().map(|chance| u64::from(*chance)).sum();
        for own in self.chances.values_mut() {
            let exact = u64::from(*own) * (left + u64::from(chance));
            *own = ((2 * exact + left) / (2 * left)) as u32;
        }
    }

    /// What is left of the lays stands at lower prices: the best moves first, and to the end of the queue.
    fn reprice(
        &mut self,
        cut: Cut,
        lose_less: &BTreeMap<BetId, i64>,
        removal: &RunnerRemoved,
    ) -> Check {
        let mut moves: Vec<(Price, BetId)> = Vec::new();
        for order in self.orders.iter().filter(|order| order.order.side == Side::Lay) {
            let price = order.order.price;
            if !order.closing && cut.takes_lays() && cut.resting(price) != price {
                moves.push((price, order.order.bet));
            }
        }
        moves.sort_by_key(|(price, _)| std::cmp::Reverse(*price));
        let mut expected = Vec::new();
        for order in self.orders.iter_mut().filter(|order| order.closing) {
            let left = lose_less.get(&order.order.bet).copied().unwrap_or(order.remaining);
            if left != order.remaining {
                order.remaining = left;
                expected.push((order.order.bet, order.account, order.order.price, left));
            }
        }
        for (_, bet) in moves {
            let at = self.orders.iter().position(|order| order.order.bet == bet).expect("listed");
            let mut order = self.orders.remove(at);
            order.order.price = cut.resting(order.order.price);
            expected.push((bet, order.account, order.order.price, order.remaining));
            self.orders.push(order);
        }
        let real = removal.adjusted.iter();
        let mut real: Vec<_> = real.map(|a| (a.bet, a.account, a.price, a.left.0)).collect();
        expected.sort_unstable();
        real.sort_unstable();
        hold!(Naive, expected == real, "{expected:?} should be adjusted, {real:?} was");
        Ok(())
    }

    /// The removal or resolution is told to these accounts.
    pub(super) fn is_told(&mut self, accounts: &[AccountId]) {
        if let (Some(_), Some(removal)) = (self.removing, self.removed.last_mut()) {
            removal.told.extend(accounts);
        }
    }

    /// Everybody has heard: the market is what it was before.
    pub(super) fn removal_closed(&mut self, resumes: MarketStatus) -> Check {
        hold!(Naive, self.status == resumes, "{:?} after a removal, not {resumes:?}", self.status);
        self.removing = None;
        Ok(())
    }

    pub(in crate::sim) fn is_removed(&self, runner: Runner) -> bool {
        self.removed.iter().any(|removal| removal.runner == runner)
    }

    /// Runners that do not run, as far as an account knows.
    pub(super) fn removed_for(&self, account: AccountId) -> BTreeSet<Runner> {
        let known = self.removed.iter().filter(|removal| removal.told.contains(&account));
        known.map(|removal| removal.runner).collect()
    }

    pub(in crate::sim) fn has_void_matches(&self) -> bool {
        self.matches.iter().any(|m| m.void) || self.closings.iter().any(|close| close.void)
    }
}
