//! How much a bet is worth less when another runner of its market does not run.
//!
//! | | win market | place market |
//! |---|---|---|
//! | a matched price `p` | `p (1 - f)`, at least 1.01, when `f` is 2.5 % or more | `1 + (p - 1)(1 - f)`, whatever `f` is |
//! | an unmatched lay | goes from 2.5 % on | goes from 4 % on |
//!
//! `f` is the chance that was given to the removed runner. Prices are rounded half up to hundredths.

use crate::ids::Runner;
use crate::money::{Pence, round_half_up};
use crate::price::Price;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReductionRule {
    #[serde(rename = "w")]
    Win,
    #[serde(rename = "p")]
    Place,
}

/// A runner that does not run, and what that means for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reduction {
    pub runner: Runner,
    /// Its chance in hundredths of a percent, at most 10,000.
    pub factor: u32,
    pub rule: ReductionRule,
}

impl Reduction {
    /// Bets matched before on other runners are reduced.
    pub fn reduces(&self) -> bool {
        match self.rule {
            ReductionRule::Win => self.factor >= 250,
            ReductionRule::Place => self.factor > 0,
        }
    }

    /// Unmatched lays on other runners go, or have their price reduced.
    pub fn cancels_lays(&self) -> bool {
        match self.rule {
            ReductionRule::Win => self.factor >= 250,
            ReductionRule::Place => self.factor >= 400,
        }
    }

    pub fn price(&self, price: Price) -> Price {
        self.price_of(i64::from(price.0), Pence(1))
    }

    /// The reduced price of a stake; `value` is the sum of price times stake, in hundredths of a penny.
    pub fn price_of(&self, value: i64, stake: Pence) -> Price {
        let kept = 10_000 - i128::from(self.factor.min(10_000));
        let (value, stake) = (i128::from(value), i128::from(stake.0.max(1)));
        let hundredths = match self.rule {
            ReductionRule::Win => round_half_up(value * kept, stake * 10_000).max(101),
            ReductionRule::Place => {
                100 + round_half_up((value - 100 * stake) * kept, stake * 10_000).max(0)
            }
        };
        Price(u32::try_from(hundredths).expect("no more than the price was"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::SelectionId;

    #[test]
    fn prices_are_reduced_as_the_market_asks() {
        use ReductionRule::{Place, Win};
        let cases = [
            (Win, 2_105, 1_200, 947),
            (Win, 1_000, 1_000, 900),
            (Win, 9_900, 200, 101),
            (Win, 10_000, 200, 101),
            (Place, 2_500, 800, 625),
            (Place, 10_000, 800, 100),
            (Place, 1, 800, 800),
        ];
        for (rule, factor, price, expected) in cases {
            let reduction = Reduction { runner: Runner::plain(SelectionId(1)), factor, rule };
            assert_eq!(reduction.price(Price(price)), Price(expected), "{rule:?} {factor} {price}");
        }
    }

    #[test]
    fn small_chances_change_nothing_in_a_win_market() {
        let of = |rule, factor| Reduction { runner: Runner::plain(SelectionId(1)), factor, rule };
        let win = |factor| of(ReductionRule::Win, factor);
        let place = |factor| of(ReductionRule::Place, factor);
        assert_eq!((win(249).reduces(), win(250).reduces()), (false, true));
        assert_eq!((place(0).reduces(), place(1).reduces()), (false, true));
        assert_eq!((win(249).cancels_lays(), win(250).cancels_lays()), (false, true));
        assert_eq!((place(399).cancels_lays(), place(400).cancels_lays()), (false, true));
    }
}
