//! Prices and the ladder they stand on.
//!
//! A price is kept in hundredths everywhere outside a book; inside a book it is its index on the ladder.
//!
//! | operation | result |
//! |---|---|
//! | `Price::index` | `Option<LadderIndex>`: `None` off the classic ladder of 350 prices |
//! | `LadderIndex::price` | `Price` |
//! | `Price::times(size)` | i128 hundredths of a penny: price times stake, exact |
//! | `Price::profit(size)` | i128 hundredths of a penny: what a backer wins, exact |
//! | `Price::liability(size)` | `Pence`: what a layer may lose, rounded up |
//! | `ExactPrice::times(size)` | i128 hundredths of a penny, rounded down |
//!
//! Steps of the classic ladder (Betfair): 1.01 to 2 by .01, 3 by .02, 4 by .05, 6 by .1, 10 by .2,
//! 20 by .5, 30 by 1, 50 by 2, 100 by 5, 1000 by 10.

use crate::money::Pence;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Decimal odds in hundredths: 2.02 is `Price(202)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Price(pub u32);

/// Decimal odds in millionths: what a starting price needs, since it need not stand on the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExactPrice(pub u32);

/// A starting price, or why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StartingPrice {
    #[serde(rename = "p")]
    At(ExactPrice),
    /// Nobody lays.
    #[serde(rename = "n")]
    NotANumber,
    /// Somebody lays and nobody backs.
    #[serde(rename = "i")]
    Infinity,
}

/// A step of the classic ladder, 0 (1.01) to 349 (1000).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LadderIndex(pub u16);

/// How many prices the classic ladder has.
pub const LADDER_LEN: usize = 350;

/// (first price, price after the last, step), all prices in hundredths.
const BANDS: [(u32, u32, u32); 10] = [
    (101, 200, 1),
    (200, 300, 2),
    (300, 400, 5),
    (400, 600, 10),
    (600, 1_000, 20),
    (1_000, 2_000, 50),
    (2_000, 3_000, 100),
    (3_000, 5_000, 200),
    (5_000, 10_000, 500),
    (10_000, 100_001, 1_000),
];

const LADDER: [u32; LADDER_LEN] = ladder();

const fn ladder() -> [u32; LADDER_LEN] {
    let mut prices = [0; LADDER_LEN];
    let (mut index, mut band) = (0, 0);
    while band < BANDS.len() {
        let (mut price, end, step) = BANDS[band];
        while price < end {
            prices[index] = price;
            index += 1;
            price += step;
        }
        band += 1;
    }
    assert!(index == LADDER_LEN, "the classic ladder has 350 prices");
    prices
}

/// Below it every hundredth has its own place in a table, from it on every step of `COARSE`.
const FINE: u32 = 1_000;
const COARSE: u32 = 50;

/// The index of each price that is on the ladder; of any other, that of some price that it is not.
const FINE_INDEX: [u16; FINE as usize] = indices();
const COARSE_INDEX: [u16; (100_000 / COARSE + 1) as usize] = indices();

/// For the table of fine or of coarse prices, by its length.
const fn indices<const N: usize>() -> [u16; N] {
    let mut indices = [0; N];
    let step = if N == FINE as usize { 1 } else { COARSE };
    let mut index = 0;
    while index < LADDER_LEN {
        let price = LADDER[index];
        if (price < FINE) == (step == 1) {
            indices[(price / step) as usize] = index as u16;
        }
        index += 1;
    }
    indices
}

impl Price {
    pub const MIN: Price = Price(101);
    pub const MAX: Price = Price(100_000);

    #[inline]
    pub fn index(self) -> Option<LadderIndex> {
        let index = match self.0 {
            price if price < FINE => FINE_INDEX[price as usize],
            price => *COARSE_INDEX.get((price / COARSE) as usize)?,
        };
        (LADDER[usize::from(index)] == self.0).then_some(LadderIndex(index))
    }

    /// The nearest ladder price at or below, at least 1.01: how a price to back is rounded for display.
    pub fn ladder_at_or_below(self) -> Price {
        let above = LADDER.partition_point(|&price| price <= self.0);
        Price(LADDER[above.max(1) - 1])
    }

    /// The nearest ladder price at or above, at most 1000: how a price to lay is rounded for display.
    pub fn ladder_at_or_above(self) -> Price {
        let at = LADDER.partition_point(|&price| price < self.0);
        Price(LADDER[at.min(LADDER_LEN - 1)])
    }

    /// The average price of what was matched, to hundredths, half up; `sum` is price times size. `None` when
    /// nothing was.
    pub fn average(sum: i64, size: Pence) -> Option<Price> {
        if size.0 <= 0 || sum <= 0 {
            return None;
        }
        let hundredths = (2 * i128::from(sum) + i128::from(size.0)) / (2 * i128::from(size.0));
        u32::try_from(hundredths).ok().map(Price)
    }

    /// Price times stake in hundredths of a penny.
    pub fn times(self, size: Pence) -> i128 {
        i128::from(self.0) * i128::from(size.0)
    }

    /// What a backer of `size` wins, in hundredths of a penny.
    pub fn profit(self, size: Pence) -> i128 {
        (i128::from(self.0) - 100) * i128::from(size.0)
    }

    /// What a layer of `size` may lose, in pence, rounded up so that a hold is never too small.
    pub fn liability(self, size: Pence) -> Pence {
        Pence(to_pence_up(self.profit(size)))
    }
}

impl ExactPrice {
    /// Price times stake in hundredths of a penny, rounded down, so that a layer never loses more than was
    /// held.
    pub fn times(self, size: Pence) -> i128 {
        i128::from(self.0) * i128::from(size.0) / 10_000
    }
}

impl From<Price> for ExactPrice {
    fn from(price: Price) -> ExactPrice {
        ExactPrice(price.0 * 10_000)
    }
}

impl fmt::Display for ExactPrice {
    /// With as many of the six decimals as say anything: `2`, `5.084908`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 1_000_000, self.0 % 1_000_000);
        match rest {
            0 => write!(out, "{whole}"),
            rest => {
                let digits = format!("{rest:06}");
                write!(out, "{whole}.{}", digits.trim_end_matches('0'))
            }
        }
    }
}

/// Hundredths of a penny to pence, towards plus infinity.
fn to_pence_up(hundredths: i128) -> i64 {
    let pence = -(-hundredths).div_euclid(100);
    i64::try_from(pence).expect("sizes are bounded by Pence::MAX_ENTERED and prices by 1000")
}

impl LadderIndex {
    pub const LAST: LadderIndex = LadderIndex(LADDER_LEN as u16 - 1);

    #[inline]
    pub fn price(self) -> Price {
        Price(LADDER[usize::from(self.0)])
    }
}

impl fmt::Display for Price {
    /// Decimal odds as people write them: `2`, `2.02`, `2.5`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, cents) = (self.0 / 100, self.0 % 100);
        match cents {
            0 => write!(out, "{whole}"),
            c if c % 10 == 0 => write!(out, "{whole}.{}", c / 10),
            c => write!(out, "{whole}.{c:02}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_index_has_its_price_and_every_price_its_index() {
        for index in 0..LADDER_LEN as u16 {
            assert_eq!(LadderIndex(index).price().index(), Some(LadderIndex(index)));
        }
        assert_eq!(LadderIndex(0).price(), Price::MIN);
        assert_eq!(LadderIndex::LAST.price(), Price::MAX);
        let on = (0..=110_000).filter(|&price| Price(price).index().is_some()).count();
        assert_eq!(on, LADDER_LEN);
    }

    #[test]
    fn prices_off_the_ladder_have_no_index() {
        for price in [0, 100, 201, 495, 5_200, 101_000, u32::MAX] {
            assert_eq!(Price(price).index(), None, "{price}");
        }
        for price in [202, 490, 5_500] {
            assert!(Price(price).index().is_some(), "{price}");
        }
    }

    #[test]
    fn display_rounds_against_the_taker() {
        assert_eq!(Price(533).ladder_at_or_below(), Price(530));
        assert_eq!(Price(533).ladder_at_or_above(), Price(540));
        assert_eq!(Price(50).ladder_at_or_below(), Price::MIN);
        assert_eq!(Price(200_000).ladder_at_or_above(), Price::MAX);
    }

    #[test]
    fn an_average_is_to_hundredths() {
        assert_eq!(Price::average(202 * 1_000, Pence(1_000)), Some(Price(202)));
        assert_eq!(Price::average(200 * 10 + 203 * 10, Pence(20)), Some(Price(202)), "half up");
        assert_eq!(Price::average(0, Pence::ZERO), None);
    }

    #[test]
    fn a_liability_is_rounded_up() {
        assert_eq!(Price(202).liability(Pence(1000)), Pence(1020));
        assert_eq!(Price(101).liability(Pence(1)), Pence(1));
        assert_eq!(Price(200).liability(Pence(0)), Pence(0));
    }
}
