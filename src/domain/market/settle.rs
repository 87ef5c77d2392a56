//! How the end of a market is told and paid.
//!
//! ```text
//!   Resolved ──▶ ResolutionSent (a chunk of accounts) ──▶ ResolutionPaid ──▶ … ──▶ ResolutionClosed
//!                      ▲                                       │
//!                      └───────── until all are told ──────────┘
//! ```
//! Settlement, void and reversal each are a generation, one at a time. Every account that ever spoke to the
//! market is told, at most `CREDIT` unpaid at once; each acknowledgement says what clearing paid it, and what
//! is left in clearing at the end is rounding. The act is answered then.
//!
//! A resolution's notice is settled by the payment only: an acknowledgement without one leaves it open, or a
//! payout could be lost between two crashes.

use super::Market;
use super::verdict::results;
use crate::act::{ActError, Verdict};
use crate::definition::MarketStatus;
use crate::ids::AccountId;
use crate::money::Pence;
use crate::order::LapseReason;
use crate::record::{MarketEvent, Notice, Resolution, StatusChanged};
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many accounts may be told and not have paid.
pub const CREDIT: usize = 256;

/// A resolution that is being told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Telling {
    /// Home's act, answered at the end.
    pub(super) n: u64,
    pub(super) what: Told,
    /// Accounts are told in the order of their links: how many have been, of how many.
    told: u32,
    of: u32,
    /// Told and not paid: the number of their notice.
    unpaid: BTreeMap<AccountId, u64>,
    /// What clearing has paid to those who have.
    paid: Pence,
}

/// What accounts are told in chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Told {
    Resolution,
    /// The last runner removed; the market's status returns to what it was.
    Removal {
        resumes: MarketStatus,
    },
}

impl Telling {
    pub(super) fn new(n: u64, what: Told, of: u32) -> Self {
        Telling { n, what, told: 0, of, unpaid: BTreeMap::new(), paid: Pence::ZERO }
    }
}

/// An account has applied the market's notices through `k`; `paid` is what clearing paid it (negative:
/// received) when the last of them was a resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acknowledgement {
    pub account: AccountId,
    pub k: u64,
    pub paid: Option<Pence>,
}

impl Market {
    pub(super) fn settle(
        &self,
        now: UtcMillis,
        n: u64,
        verdict: &Verdict,
    ) -> Result<MarketEvent, ActError> {
        self.expect_status(&[MarketStatus::Open, MarketStatus::Suspended, MarketStatus::Closed])?;
        self.expect_unresolved()?;
        let definition = self.definition.as_ref().ok_or(ActError::NoSuchMarket)?;
        let is_removed = |runner| self.runner(runner).is_some_and(|at| self.is_removed(at));
        let results = results(definition, verdict, is_removed)?;
        Ok(self.resolve(now, n, Resolution::Settled(results)))
    }

    pub(super) fn void(&self, now: UtcMillis, n: u64) -> Result<MarketEvent, ActError> {
        self.expect_unresolved()?;
        Ok(self.resolve(now, n, Resolution::Voided))
    }

    pub(super) fn unsettle(&self, now: UtcMillis, n: u64) -> Result<MarketEvent, ActError> {
        match self.resolution {
            Some(_) => Ok(self.resolve(now, n, Resolution::Unsettled)),
            None => Err(ActError::NothingToReverse),
        }
    }

    fn expect_unresolved(&self) -> Result<(), ActError> {
        match self.resolution {
            Some(_) => Err(ActError::WrongStatus(self.status)),
            None => Ok(()),
        }
    }

    /// Closes the market with the resolution; what is unmatched lapses in the same record.
    fn resolve(&self, now: UtcMillis, n: u64, resolution: Resolution) -> MarketEvent {
        let lapsed = self.lapse(LapseReason::MarketClosed, |_| true);
        let change = self.change(now, None, MarketStatus::Closed, true, lapsed);
        MarketEvent::Resolved { n, generation: self.generation + 1, resolution, change }
    }

    pub(super) fn apply_resolved(
        &mut self,
        n: u64,
        generation: u32,
        resolution: &Resolution,
        change: &StatusChanged,
    ) {
        self.acts.take(n);
        self.apply_status(change);
        self.generation = generation;
        (self.resolution, self.resolved_for) = match resolution {
            // Who came since was not told of what is taken back.
            Resolution::Unsettled => (None, self.resolved_for),
            _ => (Some(resolution.clone()), self.links.len() as u32),
        };
        let of = self.resolved_for;
        self.telling = Some(Telling::new(n, Told::Resolution, of));
    }

    /// Tells the next accounts when enough have paid, and closes when all have.
    pub(super) fn tell_on(&mut self, now: UtcMillis, records: &mut Vec<MarketEvent>) {
        let Some(telling) = &self.telling else { return };
        let record = if telling.told < telling.of {
            // Half a window at a time, so that a record is not written for each account.
            if telling.unpaid.len() > CREDIT / 2 {
                return;
            }
            let next = self.links.accounts().take(telling.of as usize).skip(telling.told as usize);
            let accounts = next.take(CREDIT - telling.unpaid.len()).collect();
            MarketEvent::ResolutionSent { accounts }
        } else if telling.unpaid.is_empty() {
            let crossed = self.crossed_result();
            let (generation, rounding) = (self.generation, -telling.paid - crossed);
            if let Some(resumed) = self.resume(now) {
                self.apply(now, &resumed);
                records.push(resumed);
            }
            MarketEvent::ResolutionClosed { generation, rounding, crossed }
        } else {
            return;
        };
        let closed = matches!(record, MarketEvent::ResolutionClosed { .. });
        self.apply(now, &record);
        records.push(record);
        if !closed {
            self.tell_on(now, records);
        }
    }

    pub(super) fn apply_resolution_sent(&mut self, accounts: &[AccountId]) {
        let Some(telling) = &mut self.telling else { return };
        let removed = self.removed.last().map(|removed| removed.reduction);
        let notice = match (telling.what, removed) {
            (Told::Removal { .. }, Some(reduction)) => Notice::RunnerRemoved(reduction),
            _ => {
                let resolution = self.resolution.clone().unwrap_or(Resolution::Unsettled);
                Notice::Resolved { generation: self.generation, resolution }
            }
        };
        telling.told += accounts.len() as u32;
        for account in accounts {
            let number = self.links.number_or_new(*account);
            let k = self.links.tell(number, notice.clone());
            telling.unpaid.insert(*account, k);
        }
    }

    pub(super) fn apply_resolution_paid(&mut self, payments: &[(AccountId, u64, Pence)]) {
        let Some(telling) = &mut self.telling else { return };
        for (account, k, paid) in payments {
            if telling.unpaid.remove(account).is_some() {
                telling.paid += *paid;
                let number = self.links.number_or_new(*account);
                self.links.settle_through(number, *k);
            }
        }
    }

    pub(super) fn apply_resolution_closed(&mut self, crossed: Pence) {
        if let Some(house) = &mut self.house {
            house.paid += crossed;
        }
        if let Some(telling) = self.telling.take() {
            self.answer_act_with_status(telling.n);
        }
    }

    // ------------------------------------------------------------------------------- acknowledge

    /// Notices that accounts have applied, outside a command: at most two records for all of them, none
    /// for what is known already.
    pub fn acknowledge(
        &mut self,
        now: UtcMillis,
        acknowledgements: &[Acknowledgement],
        records: &mut Vec<MarketEvent>,
    ) {
        self.due(now, records);
        let mut payments: Vec<(AccountId, u64, Pence)> = Vec::new();
        let mut accounts = Vec::new();
        for Acknowledgement { account, k, paid } in acknowledgements {
            let owed = self.owed(*account);
            match (owed, paid) {
                (Some(owed), Some(paid)) if *k >= owed => {
                    if !payments.iter().any(|(other, ..)| other == account) {
                        payments.push((*account, *k, *paid));
                    }
                }
                _ => {
                    let k = self.before_owed(*account, *k);
                    if self.links.settles(*account, k) {
                        accounts.push((*account, k));
                    }
                }
            }
        }
        let acknowledged = (!accounts.is_empty()).then_some(MarketEvent::Acknowledged { accounts });
        let paid = (!payments.is_empty()).then_some(MarketEvent::ResolutionPaid { payments });
        for record in acknowledged.into_iter().chain(paid) {
            self.apply(now, &record);
            records.push(record);
        }
        self.tell_on(now, records);
    }

    pub(super) fn apply_acknowledged(&mut self, accounts: &[(AccountId, u64)]) {
        for (account, k) in accounts {
            if let Some(number) = self.links.number(*account) {
                self.acknowledge_through(number, *account, *k);
            }
        }
    }

    #[inline]
    pub(super) fn acknowledge_through(&mut self, number: u32, account: AccountId, k: u64) {
        let k = self.before_owed(account, k);
        self.links.settle_through(number, k);
    }

    /// The notice that waits for the account's payment.
    fn owed(&self, account: AccountId) -> Option<u64> {
        self.telling.as_ref()?.unpaid.get(&account).copied()
    }

    #[inline]
    fn before_owed(&self, account: AccountId, k: u64) -> u64 {
        self.owed(account).map_or(k, |owed| k.min(owed - 1))
    }
}
