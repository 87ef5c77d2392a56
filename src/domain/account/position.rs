//! One market as one account sees it: its bets, their sums for each runner, what is held, and both ends of
//! the numbered link.
//!
//! Every step that touches a bet goes through here, so that the sums can never drift from the bets.

use super::bet::{Bet, References, Stage};
use super::exposure::{self, RunnerSums};
use super::fragments::{Fragment, Fragments};
use super::lines::Lines;
use super::payment::Resolved;
use crate::definition::{MarketKind, MarketTerms};
use crate::ids::{BetId, Handle, Runner};
use crate::link::{Inbound, Outbound};
use crate::money::Pence;
use crate::order::{
    LapseReason, Matched, NewOrder, OrderCommand, Persistence, PlacedOrder, Remainder, Side,
    TimeInForce,
};
use crate::price::Price;
use crate::record::{ClosedBet, Reduced, RequestKey};
use crate::reduction::Reduction;
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};

/// A market remembers this many to twice as many of the orders that ended without any match; the oldest
/// go first. A bot that quotes for a week would otherwise fill the memory with what never was a bet.
pub(super) const UNMATCHED_KEPT: u32 = 5_000;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    pub(super) terms: MarketTerms,
    /// In the order of their first bet.
    pub(super) runners: Vec<(Runner, RunnerSums)>,
    /// Of a LINE market, whose runner's sums stay empty.
    pub(super) lines: Lines,
    /// By id.
    pub(super) bets: Vec<Bet>,
    /// Of those that were matched at more than one price.
    pub(super) fragments: Fragments,
    /// Bets that are not done.
    pub(super) live: u32,
    /// Bets that are done and were never matched.
    pub(super) unmatched: u32,
    /// What the last record said is held.
    pub(super) held: Pence,
    pub(super) commands: Outbound<Sent>,
    /// Open commands that the account has given up.
    pub(super) withdrawn: Vec<u64>,
    /// Open commands that the market has, and lets wait for the bet delay.
    pub(super) waiting: Vec<u64>,
    pub(super) notices: Inbound,
    /// The market was told that notices up to this number are applied.
    pub(super) acknowledged: u64,
    /// Of the last resolution.
    pub(super) generation: u32,
    /// The notice of the last resolution and what it paid, repeated when the market asks again.
    pub(super) paid: Option<(u64, Pence)>,
    pub(super) resolved: Option<Resolved>,
    /// Runners that do not run.
    pub(super) removed: Vec<Runner>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Carry {
    In,
    Out,
}

/// Puts a bet into its runner's sums, or takes it out; of a bet on a line what is open goes to the lines, and
/// what is matched has gone there match by match.
fn carry(kind: MarketKind, sums: &mut RunnerSums, lines: &mut Lines, bet: &Bet, way: Carry) {
    match (kind, way) {
        (MarketKind::Line(_), Carry::In) => lines.open(bet.side, bet.held_at, bet.remaining()),
        (MarketKind::Line(_), Carry::Out) => lines.open(bet.side, bet.held_at, -bet.remaining()),
        (kind, Carry::In) => {
            *sums += bet.matched_sums();
            *sums += bet.open_sums(kind);
        }
        (kind, Carry::Out) => {
            *sums -= bet.matched_sums();
            *sums -= bet.open_sums(kind);
        }
    }
}

/// Something that a request would add to what can still be matched, or take off it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Added {
    pub(super) runner: Runner,
    pub(super) side: Side,
    pub(super) price: Price,
    /// Negative: taken off.
    pub(super) size: Pence,
    /// The size is what may be lost at the starting price.
    pub(super) at_close: bool,
}

/// The worst result of a market in which only these stand.
pub(super) fn worst_of(terms: &MarketTerms, added: &[Added]) -> i128 {
    Position::new(*terms).worst_with(terms, added)
}

/// The price that costs more: of a back at a low one less comes back.
pub(super) fn worse(side: Side, one: Price, other: Price) -> Price {
    match side {
        Side::Back => one.min(other),
        Side::Lay => one.max(other),
    }
}

/// A command that the market has not answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sent {
    pub(super) at: UtcMillis,
    pub(super) request: Option<RequestKey>,
    pub(super) command: OrderCommand,
    /// What of the request was not sent, by position: part of its outcome.
    pub(super) faults: Vec<(u32, crate::order::InstructionFault)>,
}

impl Position {
    pub(super) fn new(terms: MarketTerms) -> Self {
        Position {
            terms,
            runners: Vec::new(),
            lines: Lines::default(),
            bets: Vec::new(),
            fragments: Fragments::default(),
            live: 0,
            unmatched: 0,
            held: Pence::ZERO,
            commands: Outbound::default(),
            withdrawn: Vec::new(),
            waiting: Vec::new(),
            notices: Inbound::default(),
            acknowledged: 0,
            generation: 0,
            paid: None,
            resolved: None,
            removed: Vec::new(),
        }
    }

    // ------------------------------------------------------------------------------------- reading

    fn index(&self, bet: BetId) -> Option<usize> {
        self.bets.binary_search_by_key(&bet, |bet| bet.id).ok()
    }

    pub(super) fn bet(&self, bet: BetId) -> Option<&Bet> {
        self.index(bet).map(|at| &self.bets[at])
    }

    pub(super) fn runner(&self, bet: &Bet) -> Runner {
        self.runners[usize::from(bet.runner)].0
    }

    /// Bets that can still be matched, as far as the account knows; the newest first.
    pub(super) fn live_bets(&self) -> impl Iterator<Item = &Bet> {
        self.bets.iter().rev().filter(|bet| bet.stage != Stage::Done).take(self.live as usize)
    }

    /// Where a command stands in the way of forgetting this market.
    pub(super) fn is_quiet(&self) -> bool {
        self.live == 0 && self.commands.is_settled()
    }

    /// The worst result under `terms` with `added` on top, hundredths of a penny.
    pub(super) fn worst_with(&self, terms: &MarketTerms, added: &[Added]) -> i128 {
        let resolved = self.resolved.is_some();
        if let MarketKind::Line(_) = terms.kind {
            if added.is_empty() {
                return 100 * self.lines.worst(resolved);
            }
            let mut lines = self.lines.clone();
            added.iter().for_each(|added| lines.open(added.side, added.price, added.size));
            return 100 * lines.worst(resolved);
        }
        let mut more: Vec<(Runner, RunnerSums)> = Vec::with_capacity(added.len());
        for added in added {
            let open = match added.at_close {
                true => RunnerSums::at_close(added.side, added.size),
                false => RunnerSums::open(terms.kind, added.side, added.price, added.size),
            };
            match more.iter_mut().find(|(runner, _)| *runner == added.runner) {
                Some((_, sums)) => *sums += open,
                None => more.push((added.runner, open)),
            }
        }
        let runs = |runner: &Runner| !self.removed.contains(runner);
        let known = self.runners.iter().filter(|(runner, _)| runs(runner)).map(|(runner, sums)| {
            let mut sums = if resolved { sums.open_only() } else { *sums };
            if let Some((_, more)) = more.iter().find(|(added, _)| added == runner) {
                sums += *more;
            }
            sums
        });
        let new = more
            .iter()
            .filter(|(added, _)| self.runners.iter().all(|(runner, _)| runner != added))
            .filter(|(added, _)| runs(added))
            .map(|(_, sums)| *sums);
        exposure::worst(&self.running(terms), known.chain(new))
    }

    /// The terms of those who still run.
    pub(super) fn running(&self, terms: &MarketTerms) -> MarketTerms {
        let removed = u16::try_from(self.removed.len()).unwrap_or(u16::MAX);
        MarketTerms { runners: terms.runners.saturating_sub(removed), ..*terms }
    }

    /// What the bets as they stand need to have held.
    pub(super) fn exposure(&self) -> Pence {
        let hold = exposure::hold(self.worst_with(&self.terms, &[]));
        Pence(i64::try_from(hold).expect("every bet was admitted against a hold that fits"))
    }

    // ------------------------------------------------------------------------------------- folding

    fn runner_index(&mut self, runner: Runner) -> u16 {
        let at = self.runners.iter().position(|(known, _)| *known == runner).unwrap_or_else(|| {
            self.runners.push((runner, RunnerSums::default()));
            self.runners.len() - 1
        });
        u16::try_from(at).expect("a market's runners are bounded, and so are a batch's")
    }

    pub(super) fn add(
        &mut self,
        at: UtcMillis,
        order: &NewOrder,
        references: Option<Box<References>>,
    ) {
        let runner = self.runner_index(order.runner);
        let at_close = order.kind.is_on_close();
        let (size, liability) = match at_close {
            true => (Pence::ZERO, order.size),
            false => (order.size, Pence::ZERO),
        };
        self.insert(Bet {
            id: order.bet,
            size,
            liability,
            at_close,
            order_type: order.kind.order_type(),
            matched: Pence::ZERO,
            value: 0,
            cancelled: Pence::ZERO,
            lapsed: Pence::ZERO,
            placed_at: at,
            matched_at: UtcMillis::default(),
            ended_at: UtcMillis::default(),
            references,
            handle: None,
            price: order.price,
            held_at: order.price,
            runner,
            side: order.side,
            persistence: order.persistence,
            fill_or_kill: order.time_in_force != TimeInForce::Rest,
            void: false,
            reduced: false,
            rounded: order.kind.risked_stake(order.side, order.price, order.size) != order.size,
            stage: Stage::Sent,
            lapse_reason: None,
        });
    }

    /// The successor of a replaced bet, of what was left of it. One that waits for the starting price takes
    /// its whole liability over.
    pub(super) fn succeed(
        &mut self,
        at: UtcMillis,
        old: BetId,
        new: BetId,
        price: Price,
        size: Pence,
    ) {
        let at_close = self.change(old, |bet| {
            bet.ended_at = at;
            std::mem::replace(&mut bet.at_close, false)
        });
        let (Some(old), Some(at_close)) = (self.bet(old), at_close) else { return };
        let successor = Bet {
            id: new,
            size: if at_close { Pence::ZERO } else { size },
            liability: if at_close { old.liability } else { Pence::ZERO },
            at_close,
            matched: Pence::ZERO,
            value: 0,
            cancelled: Pence::ZERO,
            lapsed: Pence::ZERO,
            placed_at: at,
            handle: None,
            price,
            held_at: price,
            void: false,
            reduced: false,
            rounded: false,
            stage: Stage::Sent,
            lapse_reason: None,
            ..old.clone()
        };
        self.insert(successor);
    }

    fn insert(&mut self, bet: Bet) {
        let sums = &mut self.runners[usize::from(bet.runner)].1;
        carry(self.terms.kind, sums, &mut self.lines, &bet, Carry::In);
        self.live += 1;
        let at = self.bets.partition_point(|other| other.id < bet.id);
        if self.bets.len() == self.bets.capacity() {
            // An eighth at a time: doubling would cost a big account half its memory.
            self.bets.reserve_exact(2 + self.bets.len() / 8);
        }
        self.bets.insert(at, bet);
    }

    /// Changes a bet and carries the difference into its runner's sums; ends it when nothing remains.
    fn change<R>(&mut self, bet: BetId, change: impl FnOnce(&mut Bet) -> R) -> Option<R> {
        let at = self.index(bet)?;
        let bet = &mut self.bets[at];
        let sums = &mut self.runners[usize::from(bet.runner)].1;
        let was_live = bet.stage != Stage::Done;
        carry(self.terms.kind, sums, &mut self.lines, bet, Carry::Out);
        let result = change(bet);
        carry(self.terms.kind, sums, &mut self.lines, bet, Carry::In);
        let over = bet.remaining().is_zero() && !bet.at_close;
        if was_live && over && bet.stage != Stage::Sent {
            bet.stage = Stage::Done;
            bet.held_at = bet.price;
            self.live -= 1;
            self.unmatched += u32::from(bet.matched.is_zero());
        }
        Some(result)
    }

    pub(super) fn fill(&mut self, at: UtcMillis, bet: BetId, matched: Matched) {
        let value = i64::try_from(matched.price.times(matched.size))
            .expect("a match is at most 1000.00 times MAX_ENTERED");
        self.note_match(bet, Fragment::new(value, matched.size, at));
        let side = self.change(bet, |bet| {
            bet.matched += matched.size;
            bet.value += value;
            bet.matched_at = at;
            bet.side
        });
        if let (MarketKind::Line(_), Some(side)) = (self.terms.kind, side) {
            self.lines.matched(bet, side, matched);
        }
    }

    /// Before the bet counts it.
    fn note_match(&mut self, bet: BetId, new: Fragment) {
        if let Some(before) = self.index(bet) {
            self.fragments.add(&self.bets[before], new);
        }
    }

    /// What a removal makes of the matched bets on other runners.
    pub(super) fn reductions(&self, reduction: &Reduction) -> Vec<Reduced> {
        if !reduction.reduces() {
            return Vec::new();
        }
        let others = self.bets.iter().filter(|bet| {
            !bet.matched.is_zero() && !bet.void && self.runner(bet) != reduction.runner
        });
        let reduced = |fragment: &Fragment| Matched {
            price: reduction.price_of(fragment.value, fragment.size),
            size: fragment.size,
        };
        others
            .map(|bet| Reduced {
                bet: bet.id,
                parts: self.fragments.of(bet).iter().map(reduced).collect(),
            })
            .collect()
    }

    /// The runner is removed, and these bets are worth less.
    pub(super) fn remove_runner(&mut self, runner: Runner, reduced: &[Reduced]) {
        if !self.removed.contains(&runner) {
            self.removed.push(runner);
        }
        let on_it = self.bets.iter().filter(|bet| self.runner(bet) == runner);
        let on_it: Vec<BetId> = on_it.map(|bet| bet.id).collect();
        for bet in on_it {
            self.change(bet, |bet| bet.void = true);
        }
        for line in reduced {
            let value = self.fragments.reduce(line.bet, &line.parts);
            self.change(line.bet, |bet| (bet.value, bet.reduced) = (value, true));
        }
    }

    /// A runner is being removed: an unmatched order has another price, or less to lose.
    pub(super) fn adjust(&mut self, bet: BetId, price: Price, left: Pence) {
        self.change(bet, |bet| {
            if bet.at_close {
                bet.liability = left;
                return;
            }
            bet.price = price;
            // While a replace is on its way the worse of both prices is held; the new one may be it.
            if bet.stage != Stage::Replacing {
                bet.held_at = price;
            }
        });
    }

    /// Takes off what the customer cancelled, at most what remains; says how much.
    pub(super) fn cancel(&mut self, at: UtcMillis, bet: BetId, size: Pence) -> Pence {
        self.change(bet, |bet| {
            if bet.at_close && !size.is_zero() {
                // All of it goes at once, and has a size for the first time. An edit cancels nothing.
                bet.at_close = false;
                bet.size += bet.liability;
            }
            let size = size.min(bet.remaining());
            bet.cancelled += size;
            bet.ended_at = at;
            size
        })
        .unwrap_or_default()
    }

    /// Takes off what went by itself; what was killed at once counts as cancelled.
    pub(super) fn lapse(&mut self, at: UtcMillis, bet: BetId, size: Pence, reason: LapseReason) {
        self.change(bet, |bet| {
            if bet.at_close {
                // All of it goes at once, and has a size for the first time.
                bet.at_close = false;
                bet.size += bet.liability;
            }
            let size = size.min(bet.remaining());
            if size.is_zero() {
                return;
            }
            if reason == LapseReason::Killed {
                bet.cancelled += size;
            } else {
                bet.lapsed += size;
                bet.lapse_reason = Some(reason);
            }
            bet.ended_at = at;
        });
    }

    /// The starting price is made. A bet that had not waited for it was in the book: it met it there, or was
    /// converted with all that was left of it.
    pub(super) fn close(&mut self, at: UtcMillis, closed: &ClosedBet) {
        if !closed.matched.is_zero() {
            self.note_match(closed.bet, Fragment::new(closed.value, closed.matched, at));
        }
        self.change(closed.bet, |bet| {
            if !bet.at_close && !closed.liability.is_zero() {
                bet.size -= bet.remaining();
                bet.liability = closed.liability;
                bet.at_close = true;
            }
            if std::mem::replace(&mut bet.at_close, false) {
                bet.size += closed.matched + closed.lapsed;
            }
            if !closed.matched.is_zero() {
                bet.matched += closed.matched;
                bet.value += closed.value;
                bet.matched_at = at;
            }
            if !closed.lapsed.is_zero() {
                bet.lapsed += closed.lapsed;
                bet.lapse_reason = Some(closed.reason);
                bet.ended_at = at;
            }
        });
    }

    /// The market has the order and lets it wait.
    pub(super) fn wait(&mut self, bet: BetId, handle: Handle) {
        self.change(bet, |bet| {
            bet.handle = Some(handle);
            bet.stage = Stage::Waiting;
        });
    }

    /// The market's last word on a placement: after the matches, what rests or why nothing does.
    /// A target's stake is known now: what was matched and what is left.
    pub(super) fn placed(&mut self, at: UtcMillis, placed: &PlacedOrder) {
        let left = match placed.remainder {
            Remainder::None => Some(Pence::ZERO),
            Remainder::Rests { size, .. } => Some(size),
            // Of an order that went while it waited nothing is said.
            Remainder::Gone { size, .. } => Some(size).filter(|size| !size.is_zero()),
        };
        if let Some(left) = left {
            let matched: Pence = placed.matched.iter().map(|matched| matched.size).sum();
            self.change(placed.bet, |bet| {
                if !bet.at_close {
                    bet.size = bet.matched + bet.cancelled + bet.lapsed + matched + left;
                }
            });
        }
        for matched in &placed.matched {
            self.fill(at, placed.bet, *matched);
        }
        self.change(placed.bet, |bet| {
            if bet.stage != Stage::Done {
                bet.stage = Stage::Resting;
            }
            if let Remainder::Rests { handle, .. } = placed.remainder {
                bet.handle = Some(handle);
            }
        });
        if let Remainder::Gone { reason, .. } = placed.remainder {
            self.lapse(at, placed.bet, Pence(i64::MAX), reason);
        }
    }

    /// A replace is on its way: the worse of both prices is held.
    pub(super) fn replacing(&mut self, bet: BetId, new_price: Price) {
        self.change(bet, |bet| {
            bet.stage = Stage::Replacing;
            bet.held_at = worse(bet.side, bet.price, new_price);
        });
    }

    /// The replace is answered: what was not cancelled rests at its old price.
    pub(super) fn replaced(&mut self, bet: BetId) {
        self.change(bet, |bet| {
            bet.held_at = bet.price;
            if bet.stage == Stage::Replacing {
                bet.stage = Stage::Resting;
            }
        });
    }

    pub(super) fn persist(&mut self, bet: BetId, persistence: Persistence) {
        self.change(bet, |bet| bet.persistence = persistence);
    }

    /// A refused placement: the bet has never been.
    pub(super) fn remove(&mut self, bet: BetId) {
        let Some(at) = self.index(bet) else { return };
        let bet = self.bets.remove(at);
        self.fragments.forget(bet.id);
        let sums = &mut self.runners[usize::from(bet.runner)].1;
        carry(self.terms.kind, sums, &mut self.lines, &bet, Carry::Out);
        if bet.stage != Stage::Done {
            self.live -= 1;
        } else if bet.matched.is_zero() {
            self.unmatched -= 1;
        }
    }

    /// Forgets a runner that no bet names any more. It need not exist: a customer may have made it up, and
    /// it would count among those that can win.
    pub(super) fn forget_runner(&mut self, runner: Runner) {
        let Some(at) = self.runners.iter().position(|(known, _)| *known == runner) else { return };
        let index = u16::try_from(at).expect("a market's runners are bounded");
        if self.runners[at].1 != RunnerSums::default()
            || self.bets.iter().any(|bet| bet.runner == index)
        {
            return;
        }
        self.runners.remove(at);
        for bet in self.bets.iter_mut().filter(|bet| bet.runner > index) {
            bet.runner -= 1;
        }
    }

    /// Forgets the oldest orders that were never matched, once there are twice as many as are kept.
    pub(super) fn tidy(&mut self) {
        if self.unmatched >= 2 * UNMATCHED_KEPT {
            self.drop_unmatched(UNMATCHED_KEPT);
        }
    }

    pub(super) fn drop_unmatched(&mut self, keep: u32) {
        let mut excess = self.unmatched.saturating_sub(keep);
        self.unmatched -= excess;
        self.bets.retain(|bet| {
            let goes = excess > 0 && bet.stage == Stage::Done && bet.matched.is_zero();
            excess -= u32::from(goes);
            !goes
        });
    }
}
