//! Which prices a market has, and their places in order.
//!
//! | ladder | prices | whose |
//! |---|---|---|
//! | `Classic` | the 350 of [`crate::price`] | markets of odds |
//! | `Finest` | every 0.01 from 1.01 to 1000 | Asian handicaps |
//! | `Lines` | lines, from the lowest to the highest | LINE markets |
//!
//! On every ladder a higher price is better to back and a lower one better to lay: who sells a line wins
//! below it. An index counts prices from the lowest.

use crate::price::{LADDER_LEN, LadderIndex, Price};
use serde::{Deserialize, Serialize};

/// No ladder has more prices than the finest.
pub const PRICES_MAX: u32 = Price::MAX.0 - Price::MIN.0 + 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Ladder {
    #[default]
    #[serde(rename = "c")]
    Classic,
    #[serde(rename = "f")]
    Finest,
    #[serde(rename = "l")]
    Lines(LineRange),
}

/// Lines in hundredths: `min`, `min + interval`, ... `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineRange {
    pub min: u32,
    pub max: u32,
    pub interval: u32,
}

impl LineRange {
    /// `None` unless whole intervals lead from `min` to `max`, and not too many of them.
    pub fn new(min: u32, max: u32, interval: u32) -> Option<LineRange> {
        let whole = interval > 0 && min < max && (max - min).is_multiple_of(interval);
        (whole && (max - min) / interval < PRICES_MAX).then_some(LineRange { min, max, interval })
    }
}

impl Ladder {
    /// How many prices it has.
    pub fn len(self) -> u32 {
        match self {
            Ladder::Classic => LADDER_LEN as u32,
            Ladder::Finest => PRICES_MAX,
            Ladder::Lines(lines) => (lines.max - lines.min) / lines.interval + 1,
        }
    }

    pub fn is_empty(self) -> bool {
        false
    }

    /// `None` when the price is not on the ladder.
    #[inline(always)]
    pub fn index(self, price: Price) -> Option<u32> {
        match self {
            Ladder::Classic => price.index().map(|index| u32::from(index.0)),
            Ladder::Finest => {
                (Price::MIN..=Price::MAX).contains(&price).then(|| price.0 - Price::MIN.0)
            }
            Ladder::Lines(lines) => {
                let above = price.0.checked_sub(lines.min)?;
                let on = price.0 <= lines.max && above.is_multiple_of(lines.interval);
                on.then(|| above / lines.interval)
            }
        }
    }

    pub fn has(self, price: Price) -> bool {
        self.index(price).is_some()
    }

    /// The price of an index below `len`.
    #[inline(always)]
    pub fn price(self, index: u32) -> Price {
        match self {
            Ladder::Classic => LadderIndex(index as u16).price(),
            Ladder::Finest => Price(Price::MIN.0 + index),
            Ladder::Lines(lines) => Price(lines.min + index * lines.interval),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_index_of_every_ladder_has_its_price_and_every_price_its_index() {
        let runs = LineRange::new(50, 30_050, 100).unwrap();
        for ladder in [Ladder::Classic, Ladder::Finest, Ladder::Lines(runs)] {
            for index in 0..ladder.len() {
                assert_eq!(ladder.index(ladder.price(index)), Some(index), "{ladder:?}");
            }
            let on = (0..=110_000).filter(|price| ladder.has(Price(*price))).count();
            assert_eq!(on, ladder.len() as usize, "{ladder:?}");
        }
        assert_eq!(Ladder::Finest.len(), 99_900);
        assert_eq!(Ladder::Lines(runs).len(), 301);
    }

    #[test]
    fn a_price_belongs_to_its_own_ladder() {
        let runs = Ladder::Lines(LineRange::new(0, 1_000, 50).unwrap());
        assert!(Ladder::Finest.has(Price(201)) && !Ladder::Classic.has(Price(201)));
        assert!(runs.has(Price(0)) && runs.has(Price(50)) && !runs.has(Price(60)));
        assert!(!runs.has(Price(1_050)) && !Ladder::Finest.has(Price(100)));
    }

    #[test]
    fn a_range_of_lines_ends_a_whole_number_of_intervals_above_its_beginning() {
        assert_eq!(LineRange::new(0, 100, 30), None);
        assert_eq!(LineRange::new(100, 100, 10), None);
        assert_eq!(LineRange::new(0, 100, 0), None);
        assert_eq!(LineRange::new(0, 99_900, 1), None, "too many");
        assert!(LineRange::new(0, 99_899, 1).is_some());
    }
}
