//! Numbers of the wire: pounds, odds and handicaps, all in hundredths.
//!
//! | in | out |
//! |---|---|
//! | JSON number or text with at most two decimals | [`Decimal::Fits`] |
//! | more decimals, or too large to be exact | [`Decimal::Misfit`], which the exchange refuses by its own word |
//! | NaN, infinity, other text | not a decimal: the caller's type error |
//!
//! No arithmetic happens here. A hundredth `k` and the double nearest to `k/100` map to each other exactly
//! up to 2^53, because division is correctly rounded; so reading and writing are free of noise.

use serde::{Serialize, Serializer};

/// Beyond it a double cannot tell hundredths apart.
const MOST: f64 = 9_007_199_254_740_992.0;

/// A number of the client, as hundredths where it is one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Decimal {
    /// So many hundredths: pence, or hundredths of a price.
    Fits(i64),
    /// A number with more than two decimals, or too large; kept to be echoed.
    Misfit(f64),
}

impl Decimal {
    /// A finite double; `None` for NaN and the infinities.
    pub fn from_double(value: f64) -> Option<Decimal> {
        if !value.is_finite() {
            return None;
        }
        let hundredths = (value * 100.0).round();
        if hundredths.abs() < MOST && hundredths / 100.0 == value {
            Some(Decimal::Fits(hundredths as i64))
        } else {
            Some(Decimal::Misfit(value))
        }
    }

    /// Digits with an optional sign, fraction and exponent; no words, no thousands, no decimal comma.
    pub fn from_text(text: &str) -> Option<Decimal> {
        let plain = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
        if !text.bytes().all(plain) {
            return None;
        }
        Decimal::from_double(text.parse().ok()?)
    }

    /// Pence, when it is an amount of whole pence.
    pub fn pence(self) -> Option<i64> {
        match self {
            Decimal::Fits(hundredths) => Some(hundredths),
            Decimal::Misfit(_) => None,
        }
    }

    /// Hundredths of a price, when it is a positive one of at most two decimals.
    pub fn price(self) -> Option<u32> {
        match self {
            Decimal::Fits(hundredths) if hundredths > 0 => u32::try_from(hundredths).ok(),
            _ => None,
        }
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Decimal::Fits(hundredths) => Hundredths(hundredths).serialize(serializer),
            Decimal::Misfit(value) => serializer.serialize_f64(value),
        }
    }
}

/// Pence, hundredths of a price or of a handicap, printed as `2.02` or `10.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Hundredths(pub i64);

impl Serialize for Hundredths {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0 as f64 / 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Option<Decimal>) {
        assert_eq!(Decimal::from_text(text), expect, "{text}");
    }

    #[test]
    fn two_decimals_fit_and_nothing_else_does() {
        check("2", Some(Decimal::Fits(200)));
        check("2.02", Some(Decimal::Fits(202)));
        check("10.50", Some(Decimal::Fits(1050)));
        check("-0.0", Some(Decimal::Fits(0)));
        check("-1", Some(Decimal::Fits(-100)));
        check("1.5e3", Some(Decimal::Fits(150_000)));
        check("2.005", Some(Decimal::Misfit(2.005)));
        check("0.1000000001", Some(Decimal::Misfit(0.100_000_000_1)));
        check("9223372036854775807", Some(Decimal::Misfit(9_223_372_036_854_775_807.0)));
        for refused in ["1e309", "NaN", "inf", "Infinity", "2,0", "", "1 0", "0x10", "ten"] {
            check(refused, None);
        }
    }

    #[test]
    fn every_hundredth_survives_the_way_out_and_in() {
        let near = 0..200_000;
        let far = (1..2_000).map(|n| n * 45_000_000_000 + n % 100);
        for hundredths in near.chain(far) {
            let text = serde_json::to_string(&Hundredths(hundredths)).unwrap();
            assert_eq!(Decimal::from_text(&text), Some(Decimal::Fits(hundredths)), "{text}");
            // serde_json reads numbers by an algorithm of its own.
            let number: f64 = serde_json::from_str(&text).unwrap();
            assert_eq!(Decimal::from_double(number), Some(Decimal::Fits(hundredths)), "{text}");
        }
        assert_eq!(serde_json::to_string(&Hundredths(202)).unwrap(), "2.02");
        assert_eq!(serde_json::to_string(&Hundredths(1000)).unwrap(), "10.0");
        assert_eq!(serde_json::to_string(&Hundredths(0)).unwrap(), "0.0");
        assert_eq!(serde_json::to_string(&Hundredths(-100_000_000_000)).unwrap(), "-1000000000.0");
    }

    #[test]
    fn a_price_is_positive_and_small_enough() {
        assert_eq!(Decimal::Fits(101).price(), Some(101));
        for refused in [Decimal::Fits(0), Decimal::Fits(-101), Decimal::Misfit(1.005)] {
            assert_eq!(refused.price(), None, "{refused:?}");
        }
        assert_eq!(Decimal::Fits(i64::from(u32::MAX) + 1).price(), None);
    }
}
