//! What customers bind themselves to: how much they may pay in and lose, and that they want no bets at all.
//!
//! ```text
//!   lower  ──────────────▶ at once (and a raise that was asked for is forgotten)
//!   higher, or no limit ─▶ after `RAISE_AFTER_MS`, unless something lower is said before
//!   excluded ────────────▶ open orders are cancelled, matched bets stand; no bets, no deposits until it ends
//! ```
//! Windows roll and both counts are gross: what was withdrawn or won is not set off. A loss counts when its
//! market is settled; until then what is held counts in its place, so that lost and held together never
//! pass a limit that was there when the bet was placed, whatever is settled when.
//!
//! Never reads a clock: a raise counts from its moment on because it is asked with the time.

use super::Account;
use super::changes::Reach;
use crate::act::{ActError, LimitChange, LimitKind, Window};
use crate::money::Pence;
use crate::record::AccountEvent;
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// A limit becomes looser after so long.
pub const RAISE_AFTER_MS: i64 = 24 * 60 * 60 * 1_000;
/// Amounts are counted by the minute: a window may last up to one longer, and never shorter.
const COUNTED_MS: i64 = 60_000;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Limits {
    set: BTreeMap<(LimitKind, Window), Limit>,
    deposits: Flow,
    losses: Flow,
    excluded: Option<Exclusion>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Limit {
    /// `None`: no limit.
    amount: Option<Pence>,
    /// What it becomes, and when.
    next: Option<(UtcMillis, Option<Pence>)>,
}

/// The customer wants no bets; `None` as its end is for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exclusion {
    pub since: UtcMillis,
    pub until: Option<UtcMillis>,
}

/// One limit as of a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitView {
    pub kind: LimitKind,
    pub window: Window,
    pub amount: Option<Pence>,
    /// A looser amount that was asked for, and from when it holds.
    pub next: Option<(UtcMillis, Option<Pence>)>,
    /// Paid in or lost within the window.
    pub used: Pence,
}

impl Limit {
    fn at(&self, now: UtcMillis) -> Limit {
        match self.next {
            Some((from, amount)) if from <= now => Limit { amount, next: None },
            _ => *self,
        }
    }
}

/// No limit is looser than any.
fn is_looser(new: Option<Pence>, old: Option<Pence>) -> bool {
    match (new, old) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(new), Some(old)) => new > old,
    }
}

/// Amounts by the minute, the oldest first, as long as the longest window.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Flow(VecDeque<(i64, Pence)>);

impl Flow {
    fn add(&mut self, at: UtcMillis, amount: Pence) {
        if amount <= Pence::ZERO {
            return;
        }
        let minute = at.0.div_euclid(COUNTED_MS);
        match self.0.back_mut() {
            // Time never goes back; if it did, the amount would only count for longer.
            Some((last, sum)) if *last >= minute => *sum += amount,
            _ => self.0.push_back((minute, amount)),
        }
        let counts = |minute: i64| Flow::counts(minute, at, Window::Month);
        while self.0.front().is_some_and(|(minute, _)| !counts(*minute)) {
            self.0.pop_front();
        }
    }

    /// What was added at that moment was not so.
    fn take_back(&mut self, at: UtcMillis, amount: Pence) {
        let minute = at.0.div_euclid(COUNTED_MS);
        if let Ok(found) = self.0.binary_search_by_key(&minute, |(minute, _)| *minute) {
            let sum = &mut self.0[found].1;
            *sum = (*sum - amount).max(Pence::ZERO);
        }
    }

    fn counts(minute: i64, now: UtcMillis, window: Window) -> bool {
        (minute + 1).saturating_mul(COUNTED_MS) > now.0.saturating_sub(window.ms())
    }

    fn sum(&self, now: UtcMillis, window: Window) -> Pence {
        let recent =
            self.0.iter().rev().take_while(|(minute, _)| Flow::counts(*minute, now, window));
        recent.map(|(_, amount)| *amount).sum()
    }
}

impl Limits {
    fn flow(&self, kind: LimitKind) -> &Flow {
        match kind {
            LimitKind::Deposit => &self.deposits,
            LimitKind::Loss => &self.losses,
        }
    }

    /// What may still be paid in or lost; `None` where nothing is limited.
    pub(super) fn room(&self, now: UtcMillis, of: LimitKind) -> Option<Pence> {
        let limits = self.set.iter().filter(|((kind, _), _)| *kind == of);
        let rooms = limits.filter_map(|((_, window), limit)| {
            Some(limit.at(now).amount? - self.flow(of).sum(now, *window))
        });
        rooms.min()
    }

    pub(super) fn is_excluded(&self, now: UtcMillis) -> bool {
        self.exclusion(now).is_some()
    }

    fn exclusion(&self, now: UtcMillis) -> Option<Exclusion> {
        self.excluded.filter(|excluded| excluded.until.is_none_or(|until| now < until))
    }

    pub(super) fn deposited(&mut self, at: UtcMillis, amount: Pence) {
        self.deposits.add(at, amount);
    }

    /// A market was settled with this result for the customer.
    pub(super) fn settled(&mut self, at: UtcMillis, net: Pence) {
        self.losses.add(at, -net);
    }

    /// A settlement of that moment was reversed.
    pub(super) fn unsettled(&mut self, settled_at: UtcMillis, net: Pence) {
        if net < Pence::ZERO {
            self.losses.take_back(settled_at, -net);
        }
    }

    pub(super) fn apply_change(&mut self, at: UtcMillis, change: &LimitChange, from: UtcMillis) {
        let limit = self.set.entry((change.kind, change.window)).or_default();
        *limit = limit.at(at);
        *limit = match from <= at {
            true => Limit { amount: change.amount, next: None },
            false => Limit { amount: limit.amount, next: Some((from, change.amount)) },
        };
        if limit.amount.is_none() && limit.next.is_none() {
            self.set.remove(&(change.kind, change.window));
        }
    }

    pub(super) fn apply_exclusion(&mut self, since: UtcMillis, until: Option<UtcMillis>) {
        self.excluded = Some(Exclusion { since, until });
    }
}

impl Account {
    pub(super) fn decide_limit(
        &self,
        now: UtcMillis,
        n: u64,
        change: &LimitChange,
    ) -> Result<AccountEvent, ActError> {
        if change.amount.is_some_and(|amount| amount < Pence::ZERO) {
            return Err(ActError::NotPositive);
        }
        if change.amount.is_some_and(|amount| amount > Pence::MAX_ENTERED) {
            return Err(ActError::TooLarge);
        }
        let set = self.limits.set.get(&(change.kind, change.window));
        let old = set.and_then(|limit| limit.at(now).amount);
        let from = match is_looser(change.amount, old) {
            true => now.plus_ms(RAISE_AFTER_MS),
            false => now,
        };
        Ok(AccountEvent::LimitSet { n, change: *change, from })
    }

    /// The cancels stand before the record that the customer is excluded: a log torn between them has the
    /// act open still, and it cancels again.
    pub(super) fn decide_exclusion(
        &mut self,
        now: UtcMillis,
        n: u64,
        until: Option<UtcMillis>,
    ) -> Result<Vec<AccountEvent>, ActError> {
        if until.is_some_and(|until| until <= now) {
            return Err(ActError::ExclusionOver);
        }
        if let Some(before) = self.limits.exclusion(now) {
            let shorter = match (until, before.until) {
                (Some(_), None) => true,
                (Some(until), Some(before)) => until < before,
                (None, _) => false,
            };
            if shorter {
                return Err(ActError::ExcludedLonger);
            }
        }
        let mut events = self.cancel_everything(now, Reach::Account);
        events.push(AccountEvent::Excluded { n, until });
        Ok(events)
    }

    /// Every limit there is, or was asked for.
    pub fn limits(&self, now: UtcMillis) -> Vec<LimitView> {
        let limits = self.limits.set.iter().map(|((kind, window), limit)| {
            let Limit { amount, next } = limit.at(now);
            let used = self.limits.flow(*kind).sum(now, *window);
            LimitView { kind: *kind, window: *window, amount, next, used }
        });
        limits.collect()
    }

    pub fn exclusion(&self, now: UtcMillis) -> Option<Exclusion> {
        self.limits.exclusion(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY: i64 = 24 * 60 * 60 * 1_000;

    #[test]
    fn a_window_rolls_and_counts_by_the_minute() {
        let mut flow = Flow::default();
        flow.add(UtcMillis(90_000), Pence(100));
        flow.add(UtcMillis(119_999), Pence(10));
        flow.add(UtcMillis(120_000), Pence(1));
        assert_eq!(flow.0.len(), 2, "one entry a minute");
        let sum = |now| flow.sum(UtcMillis(now), Window::Day);
        assert_eq!(sum(120_000), Pence(111));
        assert_eq!(sum(DAY + 119_999), Pence(111), "up to a minute longer");
        assert_eq!(sum(DAY + 120_000), Pence(1));
        assert_eq!(sum(DAY + 180_000), Pence::ZERO);
        assert_eq!(flow.sum(UtcMillis(7 * DAY), Window::Week), Pence(111));
    }

    #[test]
    fn what_no_window_counts_is_dropped() {
        let mut flow = Flow::default();
        for day in 0..100 {
            flow.add(UtcMillis(day * DAY), Pence(1));
        }
        // A month, and the minute that may still count.
        assert_eq!(flow.0.len(), 31);
    }

    #[test]
    fn no_limit_is_the_loosest() {
        let some = |amount| Some(Pence(amount));
        for (new, old, looser) in [
            (some(1), None, false),
            (None, some(1), true),
            (None, None, false),
            (some(2), some(1), true),
            (some(1), some(1), false),
            (some(1), some(2), false),
        ] {
            assert_eq!(is_looser(new, old), looser, "{new:?} {old:?}");
        }
    }

    proptest! {
        /// Whatever is asked in whatever order: what held after any word of the last day still holds.
        #[test]
        fn nothing_is_loosened_within_a_day_of_any_word(
            steps in prop::collection::vec((0_i64..2 * DAY, prop::option::of(0_i64..5)), 1..40)
        ) {
            let mut account = Account::default();
            let mut now = UtcMillis(1_000_000);
            let mut said: Vec<(UtcMillis, Option<Pence>)> = Vec::new();
            for (n, (wait, amount)) in (1..).zip(steps) {
                now = now.plus_ms(wait);
                let (kind, window) = (LimitKind::Deposit, Window::Day);
                let before = account.limits.set.get(&(kind, window)).and_then(|it| it.at(now).amount);
                let change = LimitChange { kind, window, amount: amount.map(Pence) };
                let Ok(event) = account.decide_limit(now, n, &change) else { panic!("refused") };
                account.apply(now, &event);
                let after = account.limits.set.get(&(kind, window)).and_then(|it| it.at(now).amount);
                prop_assert!(!is_looser(after, before), "no word loosens at once");
                said.push((now, after));
                for (at, held) in &said {
                    if now.since_ms(*at) < RAISE_AFTER_MS {
                        prop_assert!(!is_looser(after, *held));
                    }
                }
            }
        }
    }
}
