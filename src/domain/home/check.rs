//! What texts and numbers from outside must look like before home writes them down.
//!
//! Names are text, never markup: `<b>` is a name like any other and is escaped where it is shown. What is
//! refused is what a reader cannot see: controls, zero-width characters and marks that turn the direction
//! of writing, with which one name could pass for another.

use crate::home::request::HomeError;
use crate::money::Pence;
use crate::time::UtcMillis;

pub(crate) const NAME_CHARS: usize = 100;
pub(crate) const REASON_CHARS: usize = 500;
pub(crate) const USERNAME_CHARS: usize = 64;

type Checked = Result<(), HomeError>;

/// 1 to `max` visible characters, no blank at either end.
pub(crate) fn name(field: &str, text: &str, max: usize) -> Checked {
    if text.is_empty() {
        return Err(HomeError::invalid(field, "must not be empty"));
    }
    // Bytes first: counting the characters of a huge text would be work for nothing.
    if text.len() > 4 * max || text.chars().count() > max {
        return Err(HomeError::invalid(field, format!("must have at most {max} characters")));
    }
    if text.trim() != text {
        return Err(HomeError::invalid(field, "must not begin or end with a blank"));
    }
    match text.chars().find(|&c| is_hidden(c)) {
        None => Ok(()),
        Some(c) => Err(HomeError::invalid(
            field,
            format!("contains the invisible character U+{:04X}", u32::from(c)),
        )),
    }
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E0FFF}')
}

/// 1 to `max` characters, each an ASCII letter or digit or one of `others`.
pub(crate) fn code(field: &str, text: &str, max: usize, others: &str) -> Checked {
    if text.is_empty() || text.len() > max {
        return Err(HomeError::invalid(field, format!("must have 1 to {max} characters")));
    }
    if text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c)) {
        return Ok(());
    }
    Err(HomeError::invalid(field, format!("may contain letters, digits and {others} only")))
}

pub(crate) fn password_hash(text: &str) -> Checked {
    let phc = text.starts_with('$')
        && (8..=512).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_graphic());
    phc.then_some(()).ok_or_else(|| HomeError::invalid("password", "is not hashed in PHC form"))
}

pub(crate) fn email(text: &str) -> Checked {
    name("email", text, 254)?;
    let plain = !text.chars().any(char::is_whitespace)
        && text.rsplit_once('@').is_some_and(|(who, host)| !who.is_empty() && !host.is_empty());
    plain.then_some(()).ok_or_else(|| HomeError::invalid("email", "is not an address"))
}

/// An address that mail is sent to: nothing in it can mean something else in a header or to a mail server.
pub(crate) fn mail_address(text: &str) -> Checked {
    const OTHERS: &str = "!#$%&'*+-/=?^_`{|}~.";
    let dots_apart = |part: &str| part.split('.').all(|label| !label.is_empty());
    let user = |part: &str| {
        part.len() <= 64
            && dots_apart(part)
            && part.chars().all(|c| c.is_ascii_alphanumeric() || OTHERS.contains(c))
    };
    let host = |part: &str| {
        let label =
            |label: &str| label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-');
        dots_apart(part)
            && part.split('.').all(label)
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
    };
    let good = text.len() <= 254
        && text.split_once('@').is_some_and(|(left, right)| user(left) && host(right));
    good.then_some(()).ok_or_else(|| HomeError::invalid("email", "is not an address"))
}

pub(crate) fn country(text: &str) -> Checked {
    let iso = text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase());
    iso.then_some(())
        .ok_or_else(|| HomeError::invalid("countryCode", "must be two capital letters (ISO 3166)"))
}

pub(crate) fn amount(field: &str, amount: Pence) -> Checked {
    if amount <= Pence::ZERO {
        return Err(HomeError::invalid(field, "must be positive"));
    }
    if amount > Pence::MAX_ENTERED {
        return Err(HomeError::invalid(field, format!("must be at most {}", Pence::MAX_ENTERED)));
    }
    Ok(())
}

/// From 1970 to the end of 2099: what every client's dates can hold.
pub(crate) fn moment(field: &str, at: UtcMillis) -> Checked {
    const YEAR_2100: i64 = 4_102_444_800_000;
    if (0..YEAR_2100).contains(&at.0) {
        return Ok(());
    }
    Err(HomeError::invalid(field, "must lie between 1970 and 2099"))
}

pub(crate) fn at_most(field: &str, value: u32, max: u32, unit: &str) -> Checked {
    if value <= max {
        return Ok(());
    }
    Err(HomeError::invalid(field, format!("must be at most {max} {unit}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_a_reader_sees() {
        let long = "x".repeat(101);
        let cases = [
            ("Arsenal v Chelsea", true),
            ("<b>Bayern</b> & \"München\"", true),
            ("1. FC Köln", true),
            ("日本", true),
            ("", false),
            (" Arsenal", false),
            ("Arsenal\n", false),
            ("Ars\u{0007}enal", false),
            ("Ars\u{200B}enal", false),
            ("Ars\u{202E}lane", false),
            ("\u{2066}Arsenal", false),
            ("\u{3164}", false),
            (&long, false),
        ];
        for (text, good) in cases {
            assert_eq!(name("name", text, NAME_CHARS).is_ok(), good, "{text:?}");
        }
        assert!(name("name", &"ö".repeat(100), NAME_CHARS).is_ok());
    }

    #[test]
    fn codes_hashes_and_addresses_have_their_shape() {
        assert!(code("username", "max.mustermann@home", 64, "._@+-").is_ok());
        for text in ["", "a b", "ä", "a/b", &"a".repeat(65)] {
            assert!(code("username", text, 64, "._@+-").is_err(), "{text}");
        }
        assert!(password_hash("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA").is_ok());
        for text in ["", "secret", "$argon2id$v=19 $x"] {
            assert!(password_hash(text).is_err(), "{text}");
        }
        assert!(email("a@b.example").is_ok());
        for text in ["a", "@b", "a@", "a b@c", "a@b\u{200B}"] {
            assert!(email(text).is_err(), "{text}");
        }
        for text in ["a@b.example", "o'brien+bets@mail.host-1.example", "x@localhost"] {
            assert!(mail_address(text).is_ok(), "{text}");
        }
        let long = format!("{}@b.example", "a".repeat(65));
        for text in [
            "",
            "a",
            "@b",
            "a@",
            "a@b@c",
            "a b@c",
            "a@b\r\nBcc: x@y",
            "a\n@b",
            "a@b.",
            ".a@b",
            "a..b@c",
            "<a@b>",
            "a,b@c",
            "\"a\"@b",
            "a@-b",
            "a@[1.2.3.4]",
            "ä@b",
            "a@b\u{200B}",
            &long,
        ] {
            assert!(mail_address(text).is_err(), "{text:?}");
        }
        assert!(country("GB").is_ok());
        for text in ["gb", "GBR", "", "G1"] {
            assert!(country(text).is_err(), "{text}");
        }
    }

    #[test]
    fn amounts_and_moments_have_bounds() {
        assert!(amount("amount", Pence(1)).is_ok());
        assert!(amount("amount", Pence::MAX_ENTERED).is_ok());
        for pence in [0, -1, i64::MIN, Pence::MAX_ENTERED.0 + 1, i64::MAX] {
            assert!(amount("amount", Pence(pence)).is_err(), "{pence}");
        }
        assert!(moment("startTime", UtcMillis(1_700_000_000_000)).is_ok());
        for at in [-1, 4_102_444_800_000, i64::MAX] {
            assert!(moment("startTime", UtcMillis(at)).is_err(), "{at}");
        }
    }
}
