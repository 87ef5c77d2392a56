//! Home's acts on an account: open, deposit, withdraw, change, limit, exclude. Each number is taken once, refused or not,
//! and its answer is kept for repeats.

use super::statement::StatementItem;
use super::{Account, Outgoing};
use crate::act::{AccountAct, AccountChange, AccountProfile, ActAnswer, ActError, LimitKind};
use crate::link::Request;
use crate::money::Pence;
use crate::record::AccountEvent;
use crate::time::UtcMillis;

/// Answers of so many of the last acts are kept; home has far fewer open at once.
const ACTS_KEPT: u64 = 4_096;

/// What became of an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acted {
    /// Decided and folded, to be journaled; the answer follows as [`Outgoing::ActAnswered`].
    Taken(Vec<AccountEvent>),
    /// The answer of an act taken before.
    Answered(ActAnswer),
    /// A stray repeat of an act answered long ago.
    Forgotten,
    /// An earlier act is missing: home must begin again.
    Gap,
}

impl Account {
    pub fn act(&mut self, now: UtcMillis, n: u64, act: &AccountAct) -> Acted {
        match self.acts.request(n) {
            Request::New if !self.acts.follows(n) => return Acted::Gap,
            Request::New | Request::Pending => {}
            Request::Answered(answer) => return Acted::Answered(answer.clone()),
            Request::Forgotten => return Acted::Forgotten,
        }
        let decided = match act {
            AccountAct::Exclude { until } if self.opened.is_some() => {
                self.decide_exclusion(now, n, *until)
            }
            act => self.decide_act(now, n, act).map(|event| vec![event]),
        };
        let events = decided.unwrap_or_else(|error| vec![AccountEvent::ActRefused { n, error }]);
        // What an exclusion cancels is folded as it is decided; the act's own record is the last.
        if let Some(event) = events.last() {
            self.apply_act(now, event);
        }
        Acted::Taken(events)
    }

    fn decide_act(
        &self,
        now: UtcMillis,
        n: u64,
        act: &AccountAct,
    ) -> Result<AccountEvent, ActError> {
        if let AccountAct::Open { currency, profile } = act {
            return match self.opened {
                Some(_) => Err(ActError::AccountExists),
                None => Ok(AccountEvent::Opened { n, currency: *currency, profile: *profile }),
            };
        }
        if self.opened.is_none() {
            return Err(ActError::NoSuchAccount);
        }
        match act {
            AccountAct::Deposit { amount } => {
                let amount = positive(*amount)?;
                let balance = self.money.balance.checked_add(amount).ok_or(ActError::TooLarge)?;
                let entered = self.money.deposited.checked_add(amount).ok_or(ActError::TooLarge)?;
                // The second bounds what a customer can ever have put in, so no sum of theirs overflows.
                if balance > Pence::MAX_ENTERED || entered.0 > i64::MAX / 4 {
                    return Err(ActError::TooLarge);
                }
                if self.limits.is_excluded(now) {
                    return Err(ActError::Excluded);
                }
                if self.limits.room(now, LimitKind::Deposit).is_some_and(|room| amount > room) {
                    return Err(ActError::DepositLimit);
                }
                Ok(AccountEvent::Deposited { n, amount })
            }
            AccountAct::Withdraw { amount } => {
                let amount = positive(*amount)?;
                if amount > self.funds().available() {
                    return Err(ActError::InsufficientFunds);
                }
                Ok(AccountEvent::Withdrew { n, amount })
            }
            AccountAct::Change(change) => Ok(AccountEvent::Changed { n, change: *change }),
            AccountAct::Limit(change) => self.decide_limit(now, n, change),
            AccountAct::Open { .. } | AccountAct::Exclude { .. } => Err(ActError::AccountExists),
        }
    }

    pub(super) fn apply_act(&mut self, at: UtcMillis, event: &AccountEvent) {
        let n = match event {
            AccountEvent::Opened { n, currency, profile } => {
                self.opened = Some((*currency, *profile));
                *n
            }
            AccountEvent::Deposited { n, amount } => {
                self.money.deposited += *amount;
                self.money.balance += *amount;
                self.statement.push(at, StatementItem::Deposit, *amount, self.money.balance);
                self.limits.deposited(at, *amount);
                *n
            }
            AccountEvent::Withdrew { n, amount } => {
                self.money.withdrew += *amount;
                self.money.balance -= *amount;
                self.statement.push(at, StatementItem::Withdrawal, -*amount, self.money.balance);
                *n
            }
            AccountEvent::Changed { n, change } => {
                if let Some((_, profile)) = &mut self.opened {
                    change_profile(profile, change);
                }
                *n
            }
            AccountEvent::LimitSet { n, change, from } => {
                self.limits.apply_change(at, change, *from);
                *n
            }
            AccountEvent::Excluded { n, until } => {
                self.limits.apply_exclusion(at, *until);
                *n
            }
            AccountEvent::ActRefused { n, .. } => *n,
            AccountEvent::Ordered(_)
            | AccountEvent::Noticed(_)
            | AccountEvent::Heartbeat { .. }
            | AccountEvent::HeartbeatMissed { .. } => return,
        };
        let answer = match event {
            AccountEvent::ActRefused { error, .. } => ActAnswer::Refused(*error),
            _ => ActAnswer::Account(self.funds()),
        };
        self.acts.take(n);
        self.acts.answer(n, answer.clone());
        self.acts.forget_through(n.saturating_sub(ACTS_KEPT));
        self.outgoing.push(Outgoing::ActAnswered { n, answer });
    }
}

fn positive(amount: Pence) -> Result<Pence, ActError> {
    match amount {
        amount if amount <= Pence::ZERO => Err(ActError::NotPositive),
        amount if amount > Pence::MAX_ENTERED => Err(ActError::TooLarge),
        amount => Ok(amount),
    }
}

fn change_profile(profile: &mut AccountProfile, change: &AccountChange) {
    let AccountChange {
        status,
        discount_rate,
        exposure_limit,
        best_execution,
        self_match,
        minimum_stakes,
    } = *change;
    profile.status = status.unwrap_or(profile.status);
    profile.discount_rate = discount_rate.unwrap_or(profile.discount_rate);
    profile.exposure_limit = exposure_limit.unwrap_or(profile.exposure_limit);
    profile.best_execution = best_execution.unwrap_or(profile.best_execution);
    profile.self_match = self_match.unwrap_or(profile.self_match);
    profile.minimum_stakes = minimum_stakes.unwrap_or(profile.minimum_stakes);
}
