//! Money: whole pence, signed.
//!
//! | operation | result |
//! |---|---|
//! | `Pence + Pence`, `Pence - Pence`, `-Pence`, sum | `Pence`; an overflow is a broken promise and crashes (builds keep overflow checks on) |
//! | `checked_add`, `checked_sub` | `Option<Pence>`, for amounts that come from outside |
//! | price times size | [`crate::price::Price::times`], exact in i128 |
//!
//! There is no float in or out: text is read and printed digit by digit.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};
use std::str::FromStr;

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Pence(pub i64);

impl Pence {
    pub const ZERO: Pence = Pence(0);
    /// No amount that enters may be larger: a hundred billion pounds, far from any overflow when a
    /// million of them are multiplied by the highest price and added up in i64.
    pub const MAX_ENTERED: Pence = Pence(10_000_000_000_000);

    pub fn checked_add(self, other: Pence) -> Option<Pence> {
        self.0.checked_add(other.0).map(Pence)
    }

    pub fn checked_sub(self, other: Pence) -> Option<Pence> {
        self.0.checked_sub(other.0).map(Pence)
    }

    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl Add for Pence {
    type Output = Pence;
    fn add(self, other: Pence) -> Pence {
        Pence(self.0 + other.0)
    }
}

impl Sub for Pence {
    type Output = Pence;
    fn sub(self, other: Pence) -> Pence {
        Pence(self.0 - other.0)
    }
}

impl Neg for Pence {
    type Output = Pence;
    fn neg(self) -> Pence {
        Pence(-self.0)
    }
}

impl AddAssign for Pence {
    fn add_assign(&mut self, other: Pence) {
        *self = *self + other;
    }
}

impl SubAssign for Pence {
    fn sub_assign(&mut self, other: Pence) {
        *self = *self - other;
    }
}

impl Sum for Pence {
    fn sum<I: Iterator<Item = Pence>>(items: I) -> Pence {
        items.fold(Pence::ZERO, Add::add)
    }
}

impl fmt::Display for Pence {
    /// Pounds with two decimals: `-12.50`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let amount = self.0.unsigned_abs();
        write!(out, "{sign}{}.{:02}", amount / 100, amount % 100)
    }
}

/// Why a text is no amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotMoney {
    #[error("not a decimal amount")]
    NotDecimal,
    #[error("more than two decimals")]
    TooFine,
    #[error("larger than any amount allowed")]
    TooLarge,
}

impl FromStr for Pence {
    type Err = NotMoney;

    /// Pounds as a plain decimal: `12`, `12.5`, `-0.07`. Exponents, signs alone, spaces and more than
    /// two decimals are refused (zeros behind the second are not: `1.500` is 1.50).
    fn from_str(text: &str) -> Result<Self, NotMoney> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !plain(whole) || !plain(fraction) {
            return Err(NotMoney::NotDecimal);
        }
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > 2 {
            return Err(NotMoney::TooFine);
        }
        let whole = whole.trim_start_matches('0');
        if whole.len() > 12 {
            return Err(NotMoney::TooLarge);
        }
        let mut pence = whole.bytes().fold(0_i64, |sum, b| sum * 10 + i64::from(b - b'0')) * 100;
        for (digit, weight) in fraction.bytes().zip([10, 1]) {
            pence += i64::from(digit - b'0') * weight;
        }
        if pence > Pence::MAX_ENTERED.0 {
            return Err(NotMoney::TooLarge);
        }
        Ok(Pence(if negative { -pence } else { pence }))
    }
}

/// `numerator / denominator`, rounded half up (away from zero on a tie above, towards zero below):
/// the one rounding of money there is. `denominator` is positive.
pub fn round_half_up(numerator: i128, denominator: i128) -> i128 {
    debug_assert!(denominator > 0, "a fraction of money has a positive denominator");
    (2 * numerator + denominator).div_euclid(2 * denominator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_exactly_or_refused() {
        let cases = [
            ("0", Ok(0)),
            ("12", Ok(1200)),
            ("12.5", Ok(1250)),
            ("-0.07", Ok(-7)),
            ("1.500", Ok(150)),
            ("007.10", Ok(710)),
            ("100000000000", Ok(10_000_000_000_000)),
            ("100000000000.01", Err(NotMoney::TooLarge)),
            ("99999999999999999999", Err(NotMoney::TooLarge)),
            ("0.005", Err(NotMoney::TooFine)),
            ("1e3", Err(NotMoney::NotDecimal)),
            ("NaN", Err(NotMoney::NotDecimal)),
            ("", Err(NotMoney::NotDecimal)),
            ("-", Err(NotMoney::NotDecimal)),
            ("1.", Err(NotMoney::NotDecimal)),
            (".5", Err(NotMoney::NotDecimal)),
            ("+1", Err(NotMoney::NotDecimal)),
            (" 1", Err(NotMoney::NotDecimal)),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<Pence>(), expected.map(Pence), "{text}");
        }
    }

    #[test]
    fn amounts_are_printed_as_pounds() {
        assert_eq!(Pence(-1250).to_string(), "-12.50");
        assert_eq!(Pence(7).to_string(), "0.07");
    }

    #[test]
    fn a_half_is_rounded_up() {
        assert_eq!(round_half_up(5, 2), 3);
        assert_eq!(round_half_up(-5, 2), -2);
        assert_eq!(round_half_up(-7, 4), -2);
        assert_eq!(round_half_up(7, 4), 2);
    }
}
