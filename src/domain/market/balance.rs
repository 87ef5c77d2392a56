//! The price at which backs and lays of a starting price are equal.
//!
//! Written in stakes, with `P` the price: backs whose limit is `P` or lower want `B(P)`, lays whose limit is
//! `P` or higher offer `L(P) / (P - 1)` where they say what they may lose, and `E(P)` where they say a stake,
//! as the orders of the book do. The excess of what is wanted over what is offered,
//!
//! ```text
//!     B(P) - E(P) - L(P) / (P - 1)
//! ```
//! never falls as `P` rises, so it is walked limit by limit until it turns. It turns between two limits, where
//! the price is `1 + L / (B - E)`; or at a limit, whose own orders are then met in part; or it is zero over a
//! stretch, any price of which will do, and the middle is taken. Everything is exact in whole numbers.

use crate::price::{ExactPrice, LadderIndex, StartingPrice};
use std::collections::BTreeMap;

/// Pence at one limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct AtLimit {
    /// Stakes of backs.
    pub(super) back: i128,
    /// Liabilities of lays.
    pub(super) liability: i128,
    /// Stakes of lays.
    pub(super) lay: i128,
}

/// By limit, the lowest first.
pub(super) type Limits = BTreeMap<u16, AtLimit>;

/// A price, and who is met at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Balance {
    /// The price less one, as a fraction.
    pub(super) over_one: (i128, i128),
    /// Backs with a limit up to this one are met in full.
    pub(super) backs_below: u16,
    /// Lays with a limit from this one on are.
    pub(super) lays_from: u16,
    /// Orders of exactly this limit are met as far as there is somebody for them.
    pub(super) marginal: Option<u16>,
}

impl Balance {
    /// In millionths, rounded down.
    pub(super) fn price(&self) -> ExactPrice {
        let (above, below) = self.over_one;
        let over_one = 1_000_000 * above / below;
        let price = u32::try_from(1_000_000 + over_one);
        ExactPrice(price.expect("a price stands between two of the ladder"))
    }

    fn at(index: u16) -> Balance {
        Balance {
            over_one: (hundredths_over_one(index), 100),
            backs_below: index,
            lays_from: index + 1,
            marginal: Some(index),
        }
    }

    /// Between two limits at both of which the same orders are met.
    fn between(low: u16, high: u16, over_one: (i128, i128)) -> Balance {
        Balance { over_one, backs_below: low + 1, lays_from: high, marginal: None }
    }
}

fn hundredths_over_one(index: u16) -> i128 {
    i128::from(LadderIndex(index).price().0) - 100
}

/// What is wanted less what is offered, times a positive number.
fn excess(stakes: i128, liability: i128, index: u16) -> i128 {
    stakes * hundredths_over_one(index) - 100 * liability
}

/// The balance of these orders, or why there is none.
pub(super) fn balance(limits: &Limits) -> Result<Balance, StartingPrice> {
    let (mut liability, mut lay, mut back) = (0, 0, 0);
    for at in limits.values() {
        liability += at.liability;
        lay += at.lay;
        back += at.back;
    }
    if liability + lay == 0 {
        return Err(StartingPrice::NotANumber);
    }
    if back == 0 {
        return Err(StartingPrice::Infinity);
    }
    let mut stakes = -lay;
    let mut before = 0;
    // The first limit at which nothing is in excess.
    let mut level = None;
    for (&index, at) in limits {
        match excess(stakes, liability, index).signum() {
            1 => {
                return Ok(match level {
                    Some(low) => middle(low, before),
                    None => Balance::between(before, index, (liability, stakes)),
                });
            }
            0 => level = level.or(Some(index)),
            _ => {}
        }
        stakes += at.back + at.lay;
        liability -= at.liability;
        match excess(stakes, liability, index).signum() {
            1 => {
                return Ok(match level {
                    Some(low) => middle(low, index),
                    None => Balance::at(index),
                });
            }
            0 => level = level.or(Some(index)),
            _ => {}
        }
        before = index;
    }
    // Not reached: behind the last limit every back is wanted and nothing is offered.
    Err(StartingPrice::Infinity)
}

/// Everything from `low` to `high` is as good.
fn middle(low: u16, high: u16) -> Balance {
    if low == high {
        return Balance::at(low);
    }
    let over_one = hundredths_over_one(low) + hundredths_over_one(high);
    Balance::between(low, high, (over_one, 200))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::price::Price;
    use proptest::prelude::*;

    fn index(price: u32) -> u16 {
        Price(price).index().expect("on the ladder").0
    }

    /// (limit, stake of backs, liability of lays, stake of lays), pounds.
    fn limits(rows: &[(u32, i128, i128, i128)]) -> Limits {
        let mut limits = Limits::new();
        for (price, back, liability, lay) in rows {
            let at = limits.entry(index(*price)).or_default();
            at.back += back * 100;
            at.liability += liability * 100;
            at.lay += lay * 100;
        }
        limits
    }

    #[test]
    fn the_price_is_where_backs_and_lays_are_equal() {
        const LOWEST: u32 = 101;
        const HIGHEST: u32 = 100_000;
        let at = |price: u32| Ok((price * 10_000, Some(index(price))));
        let cases = [
            ("nobody", vec![], Err(StartingPrice::NotANumber)),
            ("nobody lays", vec![(LOWEST, 10, 0, 0)], Err(StartingPrice::NotANumber)),
            ("nobody backs", vec![(HIGHEST, 0, 10, 0)], Err(StartingPrice::Infinity)),
            (
                "market orders only: their ratio",
                vec![(LOWEST, 100, 0, 0), (HIGHEST, 0, 400, 0)],
                Ok((5_000_000, None)),
            ),
            (
                "a ratio is rounded down to millionths",
                vec![(LOWEST, 300, 0, 0), (HIGHEST, 0, 400, 0)],
                Ok((2_333_333, None)),
            ),
            (
                "so much liability that the ladder ends",
                vec![(LOWEST, 1, 0, 0), (HIGHEST, 0, 100_000, 0)],
                at(HIGHEST),
            ),
            (
                "so little that it begins",
                vec![(LOWEST, 1_000, 0, 0), (HIGHEST, 0, 1, 0)],
                at(LOWEST),
            ),
            (
                "a back's limit holds the price",
                vec![(LOWEST, 10, 0, 0), (600, 1_000, 0, 0), (HIGHEST, 0, 100, 0)],
                at(600),
            ),
            (
                "lays of the book at 4.1 absorb what is left",
                vec![(LOWEST, 100, 0, 0), (HIGHEST, 0, 31, 0), (410, 0, 0, 1_000)],
                at(410),
            ),
            (
                "lays of the book above the price are wholly in it",
                vec![(LOWEST, 124, 0, 0), (HIGHEST, 0, 300, 0), (1_000, 0, 0, 24)],
                Ok((4_000_000, None)),
            ),
            (
                "an empty book's middle",
                vec![(200, 0, 0, 10), (300, 10, 0, 0)],
                Ok((2_500_000, None)),
            ),
        ];
        for (name, rows, expected) in cases {
            let found = balance(&limits(&rows));
            let found = found.map(|balance| (balance.price().0, balance.marginal));
            assert_eq!(found, expected, "{name}");
        }
    }

    fn rows() -> impl Strategy<Value = Vec<(u16, i128, i128, i128)>> {
        let amount = || prop_oneof![2 => Just(0_i128), 3 => 1_i128..50];
        prop::collection::vec((0_u16..12, amount(), amount(), amount()), 0..6)
    }

    proptest! {
        /// Whatever is met in full leaves room for what is met in part, on either side.
        #[test]
        fn at_the_price_neither_side_is_left_with_a_better_limit(rows in rows()) {
            let mut limits = Limits::new();
            for (step, back, liability, lay) in rows {
                let at = limits.entry(step * 29).or_default();
                *at = AtLimit { back, liability, lay };
            }
            let Ok(found) = balance(&limits) else {
                let lays: i128 = limits.values().map(|at| at.liability + at.lay).sum();
                let backs: i128 = limits.values().map(|at| at.back).sum();
                prop_assert!(lays == 0 || backs == 0);
                return Ok(());
            };
            let (above, below) = found.over_one;
            let sum = |of: &dyn Fn(u16, &AtLimit) -> i128| -> i128 {
                limits.iter().map(|(index, at)| of(*index, at)).sum()
            };
            let is_marginal = |index| found.marginal == Some(index);
            let backs = sum(&|i, at| if i < found.backs_below { at.back * above } else { 0 });
            let offered = |at: &AtLimit| at.lay * above + at.liability * below;
            let lays = sum(&|i, at| if i >= found.lays_from { offered(at) } else { 0 });
            let more_backs = sum(&|i, at| if is_marginal(i) { at.back * above } else { 0 });
            let more_lays = sum(&|i, at| if is_marginal(i) { offered(at) } else { 0 });
            prop_assert!(backs <= lays + more_lays, "{backs} {lays} {more_lays} {found:?}");
            prop_assert!(lays <= backs + more_backs, "{backs} {lays} {more_backs} {found:?}");
            let price = found.price().0;
            for (index, at) in &limits {
                let limit = ExactPrice::from(LadderIndex(*index).price()).0;
                let in_full = (*index < found.backs_below, *index >= found.lays_from);
                prop_assert!(at.back == 0 || in_full.0 == (limit <= price && !is_marginal(*index)));
                let lays = at.lay + at.liability > 0;
                // The price was rounded down, and may have reached the limit below it.
                prop_assert!(!lays || !in_full.1 || limit >= price);
                prop_assert!(!lays || in_full.1 || limit <= price);
            }
        }
    }
}
