//! Forms and queries as browsers write them: one name or value at a time.

/// Plus is a space, `%41` is a byte; `None` unless the whole is UTF-8.
pub fn decoded(encoded: &[u8]) -> Option<String> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let [first, tail @ ..] = rest {
        rest = tail;
        bytes.push(match first {
            b'+' => b' ',
            b'%' => {
                let [high, low, tail @ ..] = tail else { return None };
                rest = tail;
                u8::try_from(digit(high)? * 16 + digit(low)?).ok()?
            }
            plain => *plain,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_spelt_out_and_what_is_no_text_is_refused() {
        assert_eq!(decoded(b"a+b%C3%A9%2B").as_deref(), Some("a b\u{e9}+"));
        for bad in [&b"%"[..], b"%4", b"%zz", b"%ff"] {
            assert_eq!(decoded(bad), None, "{bad:?}");
        }
    }
}
