//! The matches of bets that were matched at more than one price, price by price.
//!
//! A bet itself keeps only the sum of its matches: most are matched at one price, and that says it all. Here
//! stands what the sum would lose, for who asks for matches that are not rolled up, and for the removal of a
//! runner, which reduces each price by itself.

use super::bet::Bet;
use crate::ids::{BetId, Runner};
use crate::money::Pence;
use crate::order::{Matched, Side};
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Prices of one bet that are told apart; past it the rest of such a bet is told as one.
const PRICES_MAX: usize = 350;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Fragments {
    by_bet: BTreeMap<BetId, Vec<Fragment>>,
}

/// What one bet matched at one price: `value` is price times size, hundredths of a penny. The price of a
/// starting price is not one of the ladder, so it is not kept by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fragment {
    pub(super) value: i64,
    pub(super) size: Pence,
    /// The last match at the price.
    at: UtcMillis,
}

impl Fragment {
    pub(super) fn new(value: i64, size: Pence, at: UtcMillis) -> Fragment {
        Fragment { value, size, at }
    }

    fn has_price_of(&self, other: &Fragment) -> bool {
        i128::from(self.value) * i128::from(other.size.0)
            == i128::from(other.value) * i128::from(self.size.0)
    }

    fn add(&mut self, other: &Fragment) {
        self.value += other.value;
        self.size += other.size;
        self.at = other.at;
    }
}

/// Some of what a bet matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    pub bet: BetId,
    pub runner: Runner,
    pub side: Side,
    pub size: Pence,
    /// The price is this by `size`.
    pub matched_times_price: i128,
    pub at: UtcMillis,
    pub strategy_ref: Option<Box<str>>,
}

impl Fragments {
    /// Of a bet as it was before the match.
    pub(super) fn add(&mut self, before: &Bet, new: Fragment) {
        let fragments = match self.by_bet.get_mut(&before.id) {
            Some(fragments) => fragments,
            None => {
                let first = Fragment::new(before.value, before.matched, before.matched_at);
                if before.matched.is_zero() || first.has_price_of(&new) {
                    return;
                }
                self.by_bet.entry(before.id).or_insert_with(|| vec![first])
            }
        };
        let known = fragments.iter().position(|known| known.has_price_of(&new));
        match known.or((fragments.len() >= PRICES_MAX).then_some(PRICES_MAX - 1)) {
            Some(known) => fragments[known].add(&new),
            None => fragments.push(new),
        }
    }

    /// The bet has never been.
    pub(super) fn forget(&mut self, bet: BetId) {
        self.by_bet.remove(&bet);
    }

    /// What a bet matched, price by price.
    pub(super) fn of(&self, bet: &Bet) -> Vec<Fragment> {
        match self.by_bet.get(&bet.id) {
            Some(fragments) => fragments.clone(),
            None if bet.matched.is_zero() => Vec::new(),
            None => vec![Fragment::new(bet.value, bet.matched, bet.matched_at)],
        }
    }

    /// The same as who asks for matches is told.
    pub(super) fn matches(&self, bet: &Bet, runner: Runner) -> Vec<Match> {
        let one = |fragment: &Fragment| Match {
            bet: bet.id,
            runner,
            side: bet.side,
            size: fragment.size,
            matched_times_price: i128::from(fragment.value),
            at: fragment.at,
            strategy_ref: bet.strategy_ref().map(Into::into),
        };
        self.of(bet).iter().map(one).collect()
    }

    /// Each price is another from now on, in the order of [`Fragments::of`]; what the bet's value becomes.
    pub(super) fn reduce(&mut self, bet: BetId, reduced: &[Matched]) -> i64 {
        let value = |matched: &Matched| {
            i64::try_from(matched.price.times(matched.size))
                .expect("a reduced price is no higher than it was")
        };
        if let Some(fragments) = self.by_bet.get_mut(&bet) {
            for (fragment, matched) in fragments.iter_mut().zip(reduced) {
                fragment.value = value(matched);
            }
        }
        reduced.iter().map(value).sum()
    }

    /// Says whether what is kept of a bet adds up to what the bet says.
    pub(super) fn agree_with(&self, bet: &Bet) -> bool {
        let Some(fragments) = self.by_bet.get(&bet.id) else { return true };
        let value: i64 = fragments.iter().map(|fragment| fragment.value).sum();
        let size: Pence = fragments.iter().map(|fragment| fragment.size).sum();
        (value, size) == (bet.value, bet.matched)
    }
}

#[cfg(test)]
mod tests {
    use super::super::bet::example;
    use super::*;
    use crate::price::Price;

    /// Prices and sizes of a bet's matches after these.
    fn matches(fills: &[(u32, i64)]) -> Vec<(i128, i64)> {
        let mut bet = example(Side::Back, 200, 0);
        let mut fragments = Fragments::default();
        for (at, (price, size)) in fills.iter().enumerate() {
            let at = UtcMillis(at as i64);
            let value = i64::try_from(Price(*price).times(Pence(*size))).unwrap();
            fragments.add(&bet, Fragment::new(value, Pence(*size), at));
            bet.matched += Pence(*size);
            bet.value += value;
            bet.matched_at = at;
        }
        assert!(fragments.agree_with(&bet));
        let runner = Runner { selection: crate::ids::SelectionId(1), handicap: 0 };
        let found = fragments.matches(&bet, runner).into_iter();
        found.map(|it| (it.matched_times_price / i128::from(it.size.0), it.size.0)).collect()
    }

    #[test]
    fn matches_at_one_price_are_one_and_at_more_are_told_apart() {
        assert_eq!(matches(&[(200, 100)]), [(200, 100)]);
        assert_eq!(matches(&[(200, 100), (200, 50)]), [(200, 150)]);
        assert_eq!(matches(&[(200, 100), (210, 50)]), [(200, 100), (210, 50)]);
        let back_again = matches(&[(200, 100), (200, 1), (210, 50), (200, 7)]);
        assert_eq!(back_again, [(200, 108), (210, 50)]);
    }

    #[test]
    fn each_price_is_reduced_by_itself() {
        let mut fragments = Fragments::default();
        let mut bet = example(Side::Back, 200, 100);
        fragments.add(&bet, Fragment::new(300 * 50, Pence(50), UtcMillis(1)));
        bet.matched += Pence(50);
        bet.value += 300 * 50;
        let reduced = [(150, 100), (225, 50)]
            .map(|(price, size)| Matched { price: Price(price), size: Pence(size) });
        bet.value = fragments.reduce(bet.id, &reduced);
        assert_eq!(bet.value, 150 * 100 + 225 * 50);
        assert!(fragments.agree_with(&bet));
    }
}
