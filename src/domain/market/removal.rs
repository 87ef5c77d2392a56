//! A runner that does not run: its bets are void, and bets on the others are worth less.
//!
//! ```text
//!   RunnerRemoved ──▶ ResolutionSent ──▶ ResolutionPaid ──▶ … ──▶ StatusChanged (as before) ──▶ ResolutionClosed
//! ```
//! The removal suspends the market in the same record in which what is unmatched goes: everything on the
//! runner, and lays on the others whose backers would now be better off elsewhere, unless they persist, when
//! their price is reduced. What waits for the starting price stays, a lay's liability reduced. Every account
//! that ever spoke to the market is then told in the chunks of a settlement, so that a match before the
//! removal is reduced and one after it is not; with the last of them the market is what it was before.
//!
//! How much a price is reduced depends on the market: in a win market the chance of the others grows as a
//! whole, in a place market their profit shrinks.

use super::Market;
use super::settle::{Telling, Told};
use super::slab::{NONE, Place, Slot};
use crate::act::ActError;
use crate::definition::{MarketDefinition, MarketStatus};
use crate::ids::{Handle, Runner};
use crate::ladder::Ladder;
use crate::money::Pence;
use crate::order::{LapseReason, Persistence, Side};
use crate::price::LadderIndex;
use crate::record::{Adjusted, Lapsed, MarketEvent, RunnerRemoved};
use crate::reduction::{Reduction, ReductionRule};
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// A runner's chance in hundredths of a percent: all of it.
const WHOLE: i64 = 10_000;

/// What a market remembers of a runner that does not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Removed {
    pub(super) reduction: Reduction,
    pub(super) at: UtcMillis,
}

impl MarketDefinition {
    /// Each-way bets are reduced by their win part, as those of a win market.
    fn reduction_rule(&self) -> ReductionRule {
        match self.number_of_winners {
            0 | 1 => ReductionRule::Win,
            _ if self.each_way_divisor.is_some() => ReductionRule::Win,
            _ => ReductionRule::Place,
        }
    }
}

impl Market {
    pub(super) fn remove_runner(
        &self,
        now: UtcMillis,
        n: u64,
        runner: Runner,
        factor: Option<u32>,
    ) -> Result<MarketEvent, ActError> {
        use MarketStatus::{Inactive, Open, Suspended};
        self.expect_status(&[Inactive, Open, Suspended])?;
        let definition = self.definition.as_ref().ok_or(ActError::NoSuchMarket)?;
        let number = self.runner(runner).ok_or(ActError::NotARunner)?;
        // What is left of a cross matched bet would not be even, and a handicap has no chance to give away.
        if definition.ladder() != Ladder::Classic || definition.cross_matching {
            return Err(ActError::NotRemovable);
        }
        if self.is_removed(number) {
            return Err(ActError::RunnerRemoved);
        }
        let factor = factor.or(self.factors[usize::from(number)]).unwrap_or_default();
        if i64::from(factor) > WHOLE {
            return Err(ActError::FactorTooLarge);
        }
        let reduction = Reduction { runner, factor, rule: definition.reduction_rule() };
        let (lapsed, adjusted) = self.adjustments(number, &reduction);
        Ok(MarketEvent::RunnerRemoved(RunnerRemoved {
            n,
            reduction,
            resumes: self.status,
            status: if self.status == Inactive { Inactive } else { Suspended },
            version: self.next_version(now),
            factors: self.factors_without(number, factor),
            lapsed,
            adjusted,
            prepared: 0,
        }))
    }

    pub(super) fn is_removed(&self, number: u16) -> bool {
        let of = |removed: &Removed| self.runner(removed.reduction.runner) == Some(number);
        self.removed.iter().any(of)
    }

    /// What goes of the unmatched orders, and what changes of those that stay.
    fn adjustments(&self, removed: u16, reduction: &Reduction) -> (Vec<Lapsed>, Vec<Adjusted>) {
        let (mut lapsed, mut adjusted) = (Vec::new(), Vec::new());
        // Those who stood before at a price stand before at the next.
        let mut repriced: BTreeSet<(u16, Reverse<u16>)> = BTreeSet::new();
        for (handle, slot) in self.book.orders.iter() {
            let own = slot.runner == removed;
            let lay = slot.side == Side::Lay;
            if own || (lay && slot.place == Place::Waiting && reduction.cancels_lays()) {
                lapsed.push(self.gone(handle, slot));
            } else if lay && slot.place == Place::Closing {
                let money = self.reduced_liability(slot, removed, reduction);
                if money.is_zero() {
                    lapsed.push(self.gone(handle, slot));
                } else if money != slot.remaining {
                    adjusted.push(self.adjusted(handle, slot, slot.index, money));
                }
            } else if lay && slot.place == Place::Resting && reduction.cancels_lays() {
                match slot.persistence {
                    Persistence::Persist => {
                        repriced.insert((slot.runner, Reverse(slot.index)));
                    }
                    _ => lapsed.push(self.gone(handle, slot)),
                }
            }
        }
        for (runner, Reverse(index)) in repriced {
            let price = reduction.price(LadderIndex(index).price());
            let reduced = price.ladder_at_or_below().index().map_or(index, |reduced| reduced.0);
            let mut at = self.book.ladder(runner, Side::Lay).level(u32::from(index)).head;
            while reduced != index && at != NONE {
                let (handle, slot) = (self.book.orders.handle(at), self.book.orders.at(at));
                if slot.persistence == Persistence::Persist {
                    adjusted.push(self.adjusted(handle, slot, reduced, slot.remaining));
                }
                at = slot.next;
            }
        }
        (lapsed, adjusted)
    }

    fn gone(&self, handle: Handle, slot: &Slot) -> Lapsed {
        Lapsed {
            account: self.links.account(slot.account),
            bet: slot.bet,
            handle,
            size: slot.remaining,
            reason: LapseReason::RunnerRemoved,
        }
    }

    fn adjusted(&self, handle: Handle, slot: &Slot, index: u16, left: Pence) -> Adjusted {
        Adjusted {
            account: self.links.account(slot.account),
            bet: slot.bet,
            handle,
            price: LadderIndex(index).price(),
            left,
        }
    }

    /// What a lay that waits for the starting price still risks: as much less as its runner's price will be,
    /// rounded down.
    fn reduced_liability(&self, slot: &Slot, removed: u16, reduction: &Reduction) -> Pence {
        let own = self.factors[usize::from(slot.runner)].unwrap_or_default();
        let own = if slot.runner == removed { 0 } else { i64::from(own) };
        let factor = i64::from(reduction.factor);
        let (kept, of) = match reduction.rule {
            ReductionRule::Win => (WHOLE - own - factor, WHOLE - own),
            ReductionRule::Place => (WHOLE - factor, WHOLE),
        };
        let exact = i128::from(slot.remaining.0) * i128::from(kept.max(0));
        // A part of an i64 is one.
        Pence(exact.checked_div(i128::from(of)).unwrap_or_default() as i64)
    }

    /// The factors of those who still run, grown so that they add up to what all of them did.
    fn factors_without(&self, removed: u16, factor: u32) -> Vec<(Runner, u32)> {
        let Some(definition) = &self.definition else { return Vec::new() };
        let running = (0_u16..).zip(&definition.runners).zip(&self.factors);
        let others: Vec<(Runner, u32)> = running
            .filter(|((number, _), _)| *number != removed && !self.is_removed(*number))
            .filter_map(|((_, runner), factor)| Some((runner.runner, (*factor)?)))
            .collect();
        let left: u64 = others.iter().map(|(_, factor)| u64::from(*factor)).sum();
        let grown = |own: u32| {
            let all = left + u64::from(factor);
            let exact = (u64::from(own) * all + left / 2).checked_div(left).unwrap_or_default();
            u32::try_from(exact).unwrap_or(u32::MAX)
        };
        others.into_iter().map(|(runner, factor)| (runner, grown(factor))).collect()
    }

    // ------------------------------------------------------------------------------------- apply

    pub(super) fn apply_runner_removed(&mut self, at: UtcMillis, removal: &RunnerRemoved) {
        self.acts.take(removal.n);
        self.status = removal.status;
        self.version = removal.version;
        self.last_material = removal.version;
        for (runner, factor) in &removal.factors {
            if let Some(number) = self.runner(*runner) {
                self.factors[usize::from(number)] = Some(*factor);
            }
        }
        self.book.touched.standing();
        self.removed.push(Removed { reduction: removal.reduction, at });
        let prepared = self.take_prepared(removal.prepared);
        for line in prepared.adjusted.iter().chain(&removal.adjusted) {
            let Some(slot) = self.book.orders.get(line.handle).copied() else { continue };
            match slot.place {
                Place::Closing => self.book.reduce(line.handle.slot, slot.remaining - line.left),
                _ => {
                    let index = line.price.index().map_or(slot.index, |index| index.0);
                    self.book.reprice(line.handle.slot, index);
                }
            }
            self.links.adjusted(slot.account, (line.bet, line.price, line.left));
        }
        self.apply_lapsed(&removal.lapsed);
        let told = Told::Removal { resumes: removal.resumes };
        self.telling = Some(Telling::new(removal.n, told, self.links.len() as u32));
    }

    /// What the market becomes when everybody has heard of a removal; `None` without one.
    pub(super) fn resumes(&self) -> Option<MarketStatus> {
        match self.telling.as_ref()?.what {
            Told::Removal { resumes } => Some(resumes),
            Told::Resolution => None,
        }
    }

    /// Everybody has reduced what they have: the market goes on as before.
    pub(super) fn resume(&self, now: UtcMillis) -> Option<MarketEvent> {
        let resumes = self.resumes()?;
        let change = self.change(now, None, resumes, false, vec![]);
        (resumes != self.status).then_some(MarketEvent::StatusChanged(change))
    }
}
