//! Amounts as the doors print them, read as whole pence. Floats stop here.

use serde_json::Value;

/// Pence of a decimal string ("12.50", the operator's doors) or of a number (12.5, Betfair's).
///
/// A number has two decimals at most on the wire; whatever lies further from whole pence than a float's
/// noise is not an amount, and panics.
pub(crate) fn pence(amount: &Value) -> i64 {
    match amount {
        Value::String(text) => pence_of_text(text),
        Value::Number(number) => {
            let pounds = number.as_f64().expect("a JSON number");
            let pence = (pounds * 100.0).round();
            assert!((pounds * 100.0 - pence).abs() < 1e-4, "{number} is not whole pence");
            #[allow(clippy::cast_possible_truncation, reason = "rounded, and far below 2^53")]
            let whole = pence as i64;
            whole
        }
        other => panic!("not an amount: {other}"),
    }
}

/// "1.60" for 160.
pub(crate) fn pounds(pence: i64) -> String {
    let sign = if pence < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", pence.abs() / 100, pence.abs() % 100)
}

fn pence_of_text(text: &str) -> i64 {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "00"));
    assert!(part.len() == 2, "{text:?} does not have two decimals");
    let read = |digits: &str| digits.parse::<i64>().unwrap_or_else(|_| panic!("{text:?}"));
    sign * (read(whole) * 100 + read(part))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn amounts_of_both_doors_are_read_alike() {
        for (wire, expected) in [
            (json!("12.50"), 1250),
            (json!(12.5), 1250),
            (json!("-0.01"), -1),
            (json!(-0.01), -1),
            (json!(0), 0),
            (json!("0.00"), 0),
        ] {
            assert_eq!(pence(&wire), expected, "{wire}");
        }
        assert_eq!(pounds(-1), "-0.01");
        assert_eq!(pounds(1250), "12.50");
    }
}
