//! Numbers as the stream writes them: hundredths, without needless zeros.

use domain::money::Pence;
use domain::price::Price;

/// A whole number.
pub(super) fn push_integer(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// A whole number, perhaps below zero.
pub(super) fn push_signed(out: &mut Vec<u8>, number: i64) {
    if number < 0 {
        out.push(b'-');
    }
    push_integer(out, number.unsigned_abs());
}

/// So many hundredths: 202 is `2.02`, 250 is `2.5`, 300 is `3`.
pub(super) fn push_hundredths(out: &mut Vec<u8>, hundredths: i64) {
    if hundredths < 0 {
        out.push(b'-');
    }
    let size = hundredths.unsigned_abs();
    push_integer(out, size / 100);
    let cents = (size % 100) as u8;
    if cents != 0 {
        out.extend_from_slice(&[b'.', b'0' + cents / 10]);
        if cents % 10 != 0 {
            out.push(b'0' + cents % 10);
        }
    }
}

pub(super) fn push_price(out: &mut Vec<u8>, price: Price) {
    push_hundredths(out, i64::from(price.0));
}

pub(super) fn push_money(out: &mut Vec<u8>, amount: Pence) {
    push_hundredths(out, amount.0);
}

/// A text, with what JSON asks for.
pub(super) fn push_text(out: &mut Vec<u8>, text: &str) {
    // Writing into memory does not fail.
    let _ = serde_json::to_writer(out, text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hundredths_have_no_needless_zeros() {
        let cases = [
            (0, "0"),
            (5, "0.05"),
            (202, "2.02"),
            (250, "2.5"),
            (100_000, "1000"),
            (-50, "-0.5"),
            (i64::MIN, "-92233720368547758.08"),
        ];
        for (hundredths, text) in cases {
            let mut out = Vec::new();
            push_hundredths(&mut out, hundredths);
            assert_eq!(out, text.as_bytes());
        }
    }
}
