//! The matches of bets that were matched at more than one price, price by price.
//!
//! A bet itself keeps only the sum of its matches: most are matched at one price, and that says it all. Here
//! stands what the sum would lose, for who asks for matches that are not rolled up.

use super::bet::Bet;
use crate::ids::{BetId, Runner};
use crate::money::Pence;
use crate::order::{Matched, Side};
use crate::price::Price;
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Prices of one bet that are told apart; the rest of such a bet is told as one.
const PRICES_MAX: usize = 350;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Fragments {
    by_bet: BTreeMap<BetId, Vec<Fragment>>,
}

/// What one bet matched at one price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Fragment {
    price: Price,
    size: Pence,
    /// The last match at the price.
    at: UtcMillis,
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
    pub(super) fn add(&mut self, before: &Bet, at: UtcMillis, matched: Matched) {
        let fragments = match self.by_bet.get_mut(&before.id) {
            Some(fragments) => fragments,
            None => {
                let as_before = matched.price.times(before.matched) == i128::from(before.value);
                if before.matched.is_zero() || as_before {
                    return;
                }
                let Some(price) = only_price(before) else { return };
                let first = Fragment { price, size: before.matched, at: before.matched_at };
                self.by_bet.entry(before.id).or_insert_with(|| vec![first])
            }
        };
        match fragments.iter().position(|it| it.price == matched.price) {
            Some(known) => {
                fragments[known].size += matched.size;
                fragments[known].at = at;
            }
            None if fragments.len() < PRICES_MAX => {
                fragments.push(Fragment { price: matched.price, size: matched.size, at });
            }
            None => {}
        }
    }

    /// What a bet matched, price by price where that adds up to what the bet says. (It does not once a
    /// runner's removal has reduced the prices.)
    pub(super) fn of(&self, bet: &Bet, runner: Runner) -> Vec<Match> {
        let one = |size: Pence, matched_times_price: i128, at: UtcMillis| Match {
            bet: bet.id,
            runner,
            side: bet.side,
            size,
            matched_times_price,
            at,
            strategy_ref: bet.strategy_ref().map(Into::into),
        };
        let fragments = self.by_bet.get(&bet.id).map_or(&[][..], Vec::as_slice);
        let sum: i128 = fragments.iter().map(|it| it.price.times(it.size)).sum();
        let size: Pence = fragments.iter().map(|it| it.size).sum();
        if sum != i128::from(bet.value) || size != bet.matched {
            return vec![one(bet.matched, i128::from(bet.value), bet.matched_at)];
        }
        fragments.iter().map(|it| one(it.size, it.price.times(it.size), it.at)).collect()
    }
}

/// The price of all matches so far, when they had one.
fn only_price(bet: &Bet) -> Option<Price> {
    let price = bet.value.checked_div(bet.matched.0)?;
    let price = Price(u32::try_from(price).ok()?);
    (price.times(bet.matched) == i128::from(bet.value)).then_some(price)
}

#[cfg(test)]
mod tests {
    use super::super::bet::example;
    use super::*;

    /// Prices and sizes of a bet's matches after these.
    fn matches(fills: &[(u32, i64)]) -> Vec<(i128, i64)> {
        let mut bet = example(Side::Back, 200, 0);
        let mut fragments = Fragments::default();
        for (at, (price, size)) in fills.iter().enumerate() {
            let matched = Matched { price: Price(*price), size: Pence(*size) };
            let at = UtcMillis(at as i64);
            fragments.add(&bet, at, matched);
            bet.matched += matched.size;
            bet.value += i64::try_from(matched.price.times(matched.size)).unwrap();
            bet.matched_at = at;
        }
        let runner = Runner { selection: crate::ids::SelectionId(1), handicap: 0 };
        let found = fragments.of(&bet, runner).into_iter();
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
    fn what_does_not_add_up_is_told_as_one() {
        let mut fragments = Fragments::default();
        let mut bet = example(Side::Back, 200, 100);
        fragments.add(&bet, UtcMillis(1), Matched { price: Price(300), size: Pence(100) });
        bet.matched += Pence(100);
        bet.value = 190 * 200;
        let runner = Runner { selection: crate::ids::SelectionId(1), handicap: 0 };
        assert_eq!(fragments.of(&bet, runner).len(), 1, "the prices were reduced since");
    }
}
