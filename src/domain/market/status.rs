//! An operator's acts on a market: what is allowed in which status, and what lapses.
//!
//! Home numbers the acts and repeats them until they are answered; an answer is kept so that a repeat
//! hears it again and nothing is done twice.

use super::Market;
use super::book::RunnerBook;
use super::crossing::House;
use super::settle::{Telling, Told};
use super::slab::{Place, Slot};
use crate::act::{ActAnswer, ActError, MarketAct};
use crate::definition::{BetDelayModel, MarketDefinition, MarketStatus};
use crate::ids::Runner;
use crate::link::{Arrival, Request};
use crate::order::{LapseReason, Persistence};
use crate::record::{Lapsed, MarketEvent, StatusChanged};
use crate::time::UtcMillis;

/// Longer than any real one.
pub const MAX_BET_DELAY_S: u16 = 600;

/// Why a market is suspended after the exchange itself was away, as everybody is told.
const AWAY: &str = "EXCHANGE_WAS_AWAY";

/// How many answers are kept. Home never has as many acts of one market open.
const ANSWERS_KEPT: u64 = 256;

impl Market {
    /// Home's act `n`. The answer goes to [`Market::send_outgoing`], at once or when the resolution is
    /// through. `Gap`: an earlier act is missing, home must begin again.
    pub fn act(
        &mut self,
        now: UtcMillis,
        n: u64,
        act: &MarketAct,
        records: &mut Vec<MarketEvent>,
    ) -> Arrival {
        self.due(now, records);
        match self.acts.request(n) {
            Request::New if !self.acts.follows(n) => return Arrival::Gap { expected: n - 1 },
            Request::New => {}
            Request::Answered(answer) => {
                let answer = answer.clone();
                self.links.answer_act(n, answer);
                return Arrival::Repeat;
            }
            Request::Pending | Request::Forgotten => return Arrival::Repeat,
        }
        let mut decided = self.decide_act(now, n, act);
        if decided.is_ok()
            && matches!(act, MarketAct::TurnInPlay { .. })
            && self.awaits_starting_price()
        {
            let made = self.reconcile(now, None, self.status);
            self.record_in_pieces(now, made, records);
            decided = self.decide_act(now, n, act);
        }
        let record = decided.unwrap_or_else(|error| MarketEvent::ActRefused { n, error });
        self.record_in_pieces(now, record, records);
        self.tell_on(now, records);
        Arrival::Next
    }

    /// The node was away for so long that nobody could react to the game: an open market in play is suspended
    /// first, so that what waited lapses instead of being matched at prices of long ago. One that a removal has
    /// suspended for a moment stays so after it.
    pub fn suspend_after_outage(&mut self, now: UtcMillis, records: &mut Vec<MarketEvent>) {
        if self.in_play && self.resumes().unwrap_or(self.status) == MarketStatus::Open {
            let mut change = self.change(now, None, MarketStatus::Suspended, false, vec![]);
            change.suspend_reason = Some(AWAY.to_owned());
            self.apply_status(&change);
            records.push(MarketEvent::StatusChanged(change));
        }
        self.due(now, records);
    }

    fn decide_act(&self, now: UtcMillis, n: u64, act: &MarketAct) -> Result<MarketEvent, ActError> {
        if let MarketAct::Create { definition, open } = act {
            return self.create(n, definition, *open);
        }
        if self.definition.is_none() {
            return Err(ActError::NoSuchMarket);
        }
        if self.telling.is_some() {
            return Err(ActError::Settling);
        }
        match act {
            MarketAct::Create { .. } => Err(ActError::MarketExists),
            MarketAct::Open => {
                self.expect_status(&[MarketStatus::Inactive, MarketStatus::Suspended])?;
                Ok(self.status_record(now, n, MarketStatus::Open, false, vec![]))
            }
            MarketAct::Suspend { lapse, reason } => {
                self.expect_status(&[MarketStatus::Open, MarketStatus::Suspended])?;
                let lapsed = match lapse {
                    true => self.lapse_unless(Persistence::Persist, LapseReason::MarketSuspended),
                    false => vec![],
                };
                let mut change = self.change(now, Some(n), MarketStatus::Suspended, *lapse, lapsed);
                change.suspend_reason = reason.clone().or(change.suspend_reason);
                Ok(MarketEvent::StatusChanged(change))
            }
            MarketAct::TurnInPlay { bet_delay_s } => self.turn_in_play(now, n, *bet_delay_s),
            MarketAct::DelayBets { bet_delay_s } => self.delay_bets(now, n, *bet_delay_s),
            MarketAct::KeyLine { runners } => self.decide_key_line(now, n, runners),
            MarketAct::Reopen => {
                self.expect_status(&[MarketStatus::Closed])?;
                if self.resolution.is_some() {
                    return Err(ActError::StillSettled);
                }
                Ok(self.status_record(now, n, MarketStatus::Suspended, false, vec![]))
            }
            MarketAct::Settle(verdict) => self.settle(now, n, verdict),
            MarketAct::Void => self.void(now, n),
            MarketAct::Unsettle => self.unsettle(now, n),
            MarketAct::RemoveRunner { runner, factor } => {
                self.remove_runner(now, n, *runner, *factor)
            }
            MarketAct::ReconcileSp => self.reconcile_act(now, n),
        }
    }

    fn create(
        &self,
        n: u64,
        definition: &MarketDefinition,
        open: bool,
    ) -> Result<MarketEvent, ActError> {
        if self.definition.is_some() {
            return Err(ActError::MarketExists);
        }
        if definition.bet_delay_s > MAX_BET_DELAY_S {
            return Err(ActError::BetDelayTooLong);
        }
        let status = if open { MarketStatus::Open } else { MarketStatus::Inactive };
        Ok(MarketEvent::Created { n, definition: Box::new(definition.clone()), status })
    }

    fn turn_in_play(
        &self,
        now: UtcMillis,
        n: u64,
        bet_delay_s: Option<u16>,
    ) -> Result<MarketEvent, ActError> {
        let definition = self.definition.as_ref().ok_or(ActError::NoSuchMarket)?;
        if self.in_play {
            return Err(ActError::AlreadyInPlay);
        }
        if !definition.turn_in_play {
            return Err(ActError::NotTurnInPlay);
        }
        self.expect_status(&[MarketStatus::Open, MarketStatus::Suspended])?;
        let bet_delay_s = bet_delay_s.unwrap_or(definition.bet_delay_s);
        if bet_delay_s > MAX_BET_DELAY_S {
            return Err(ActError::BetDelayTooLong);
        }
        Ok(MarketEvent::StatusChanged(StatusChanged {
            n: Some(n),
            status: MarketStatus::Open,
            in_play: true,
            bet_delay_s,
            version: self.next_version(now),
            material: true,
            lapsed: self.lapse_unless(Persistence::Persist, LapseReason::TurnedInPlay),
            suspend_reason: None,
        }))
    }

    fn delay_bets(
        &self,
        now: UtcMillis,
        n: u64,
        bet_delay_s: u16,
    ) -> Result<MarketEvent, ActError> {
        let definition = self.definition.as_ref().ok_or(ActError::NoSuchMarket)?;
        self.expect_status(&[MarketStatus::Open, MarketStatus::Suspended])?;
        if !self.in_play || !definition.bet_delay_models.contains(&BetDelayModel::Dynamic) {
            return Err(ActError::BetDelayIsFixed);
        }
        if bet_delay_s > MAX_BET_DELAY_S {
            return Err(ActError::BetDelayTooLong);
        }
        let change = self.change(now, Some(n), self.status, false, vec![]);
        Ok(MarketEvent::StatusChanged(StatusChanged { bet_delay_s, ..change }))
    }

    fn decide_key_line(
        &self,
        now: UtcMillis,
        n: u64,
        runners: &[Runner],
    ) -> Result<MarketEvent, ActError> {
        if !self.definition.as_ref().is_some_and(|it| it.betting_type.has_lines()) {
            return Err(ActError::NoKeyLine);
        }
        self.expect_status(&[MarketStatus::Inactive, MarketStatus::Open, MarketStatus::Suspended])?;
        let wrong = |(at, runner): (usize, &Runner)| {
            self.runner(*runner).is_none() || runners[..at].contains(runner)
        };
        if runners.iter().enumerate().any(wrong) {
            return Err(ActError::NotOnTheLine);
        }
        Ok(MarketEvent::KeyLine { n, runners: runners.to_vec(), version: self.next_version(now) })
    }

    pub(super) fn expect_status(&self, allowed: &[MarketStatus]) -> Result<(), ActError> {
        match allowed.contains(&self.status) {
            true => Ok(()),
            false => Err(ActError::WrongStatus(self.status)),
        }
    }

    fn status_record(
        &self,
        now: UtcMillis,
        n: u64,
        status: MarketStatus,
        material: bool,
        lapsed: Vec<Lapsed>,
    ) -> MarketEvent {
        MarketEvent::StatusChanged(self.change(now, Some(n), status, material, lapsed))
    }

    pub(super) fn change(
        &self,
        now: UtcMillis,
        n: Option<u64>,
        status: MarketStatus,
        material: bool,
        lapsed: Vec<Lapsed>,
    ) -> StatusChanged {
        let stays = status == MarketStatus::Suspended;
        StatusChanged {
            n,
            status,
            in_play: self.in_play,
            bet_delay_s: self.bet_delay_s,
            version: self.next_version(now),
            material,
            lapsed,
            suspend_reason: self.suspend_reason.clone().filter(|_| stays),
        }
    }

    /// Versions follow the clock, so they are large and grow by leaps, as clients expect.
    pub(super) fn next_version(&self, now: UtcMillis) -> u64 {
        (self.version + 1).max(first_version(now))
    }

    /// What goes of the unmatched orders when only those of this persistence stay.
    fn lapse_unless(&self, stays: Persistence, reason: LapseReason) -> Vec<Lapsed> {
        let of_book = |slot: &Slot| slot.place != Place::Closing;
        self.lapse(reason, |slot| of_book(slot) && slot.persistence != stays)
    }

    pub(super) fn lapse(&self, reason: LapseReason, goes: impl Fn(&Slot) -> bool) -> Vec<Lapsed> {
        let orders = self.book.orders.iter().filter(|(_, slot)| goes(slot));
        orders
            .map(|(handle, slot)| Lapsed {
                account: self.links.account(slot.account),
                bet: slot.bet,
                handle,
                size: slot.remaining,
                reason,
            })
            .collect()
    }

    // ------------------------------------------------------------------------------------- apply

    pub(super) fn apply_created(
        &mut self,
        at: UtcMillis,
        n: u64,
        definition: &MarketDefinition,
        status: MarketStatus,
    ) {
        let numbered = (0_u16..).zip(&definition.runners);
        self.runners = numbered.map(|(number, runner)| (runner.runner, number)).collect();
        self.runners.sort_unstable();
        let prices = definition.ladder();
        self.book.prices = prices;
        self.book.runners.resize_with(definition.runners.len(), || RunnerBook::new(prices));
        let house = definition.cross_matching;
        self.house = house.then(|| Box::new(House::new(definition.runners.len())));
        self.factors = definition.runners.iter().map(|runner| runner.adjustment_factor).collect();
        self.definition = Some(Box::new(definition.clone()));
        self.status = status;
        self.version = first_version(at);
        self.last_material = self.version;
        self.answer_act_with_status(n);
    }

    pub(super) fn apply_status(&mut self, change: &StatusChanged) {
        self.book.touched.standing();
        self.status = change.status;
        self.in_play = change.in_play;
        self.bet_delay_s = change.bet_delay_s;
        self.version = change.version;
        self.suspend_reason.clone_from(&change.suspend_reason);
        if change.material {
            self.last_material = change.version;
        }
        if let Some(Telling { what: Told::Removal { resumes }, .. }) = &mut self.telling {
            *resumes = change.status;
        }
        self.apply_lapsed(&change.lapsed);
        if let Some(n) = change.n {
            self.answer_act_with_status(n);
        }
    }

    pub(super) fn apply_key_line(&mut self, n: u64, runners: &[Runner], version: u64) {
        self.book.touched.standing();
        self.key_line = runners.to_vec();
        self.version = version;
        self.answer_act_with_status(n);
    }

    pub(super) fn answer_act_with_status(&mut self, n: u64) {
        let answer = ActAnswer::Market { status: self.status, version: self.version };
        self.answer_act(n, answer);
    }

    pub(super) fn answer_act(&mut self, n: u64, answer: ActAnswer) {
        self.acts.answer(n, answer.clone());
        let pending = self.telling.as_ref().map_or(u64::MAX, |telling| telling.n.saturating_sub(1));
        self.acts.forget_through(n.saturating_sub(ANSWERS_KEPT).min(pending));
        self.links.answer_act(n, answer);
    }
}

fn first_version(at: UtcMillis) -> u64 {
    u64::try_from(at.0).unwrap_or_default().max(1)
}
