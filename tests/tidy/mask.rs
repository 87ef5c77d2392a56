//! Rust text with parts of it blanked, byte for byte, so that a rule can look for words where they mean
//! something and still name the line.

/// Two views of one file.
#[derive(Debug)]
pub(crate) struct Masks {
    /// Without comments and without the insides of texts.
    pub(crate) code: String,
    /// Without comments.
    pub(crate) spoken: String,
}

#[derive(Clone, Copy)]
enum What {
    Code,
    Comment,
    Text,
}

/// Blanks comments, texts and characters. Line ends stay.
pub(crate) fn mask(text: &str) -> Masks {
    let bytes = text.as_bytes();
    let mut code = Vec::with_capacity(bytes.len());
    let mut spoken = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let (what, end) = piece(bytes, at);
        for &byte in &bytes[at..end] {
            let blank = if byte == b'\n' { b'\n' } else { b' ' };
            code.push(if matches!(what, What::Code) { byte } else { blank });
            spoken.push(if matches!(what, What::Comment) { blank } else { byte });
        }
        if matches!(what, What::Text) {
            // The quotes stay, so that a rule sees where a text begins and ends.
            let length = code.len();
            code[length - (end - at)] = b'"';
            code[length - 1] = b'"';
        }
        at = end;
    }
    let read = |bytes| String::from_utf8(bytes).expect("whole characters stay or are blanked");
    Masks { code: read(code), spoken: read(spoken) }
}

/// The piece that begins at `at`, and its end.
fn piece(bytes: &[u8], at: usize) -> (What, usize) {
    let rest = &bytes[at..];
    let word_before = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    if rest.starts_with(b"//") {
        let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        return (What::Comment, at + length);
    }
    if rest.starts_with(b"/*") {
        return (What::Comment, at + comment_length(rest));
    }
    if rest[0] == b'"' {
        return (What::Text, at + text_length(rest));
    }
    if rest[0] == b'r' && (!word_before || bytes[at - 1] == b'b') {
        let hashes = rest[1..].iter().take_while(|byte| **byte == b'#').count();
        if rest.get(1 + hashes) == Some(&b'"') {
            return (What::Text, at + raw_length(rest, hashes));
        }
    }
    if rest[0] == b'\''
        && let Some(length) = character_length(rest)
    {
        return (What::Text, at + length);
    }
    (What::Code, at + 1)
}

fn comment_length(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest[at..].starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

fn text_length(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn raw_length(rest: &[u8], hashes: usize) -> usize {
    let mut end = vec![b'"'];
    end.resize(1 + hashes, b'#');
    let begin = 2 + hashes;
    let found = rest[begin..].windows(end.len()).position(|window| window == end);
    found.map_or(rest.len(), |found| begin + found + end.len())
}

/// `'x'` and `'\n'`; a lifetime is none.
fn character_length(rest: &[u8]) -> Option<usize> {
    if rest.get(1) == Some(&b'\\') {
        let end = rest.iter().skip(3).position(|byte| *byte == b'\'')?;
        return Some(end + 4);
    }
    let wide = rest.iter().skip(2).take_while(|byte| **byte & 0xC0 == 0x80).count();
    (rest.get(2 + wide) == Some(&b'\'')).then_some(3 + wide)
}

/// Both masks without the items that stand under `#[cfg(test)]`.
pub(crate) fn blank_tests(code: &str, spoken: &str) -> (String, String) {
    let mut product = code.as_bytes().to_vec();
    let mut said = spoken.as_bytes().to_vec();
    for mark in ["#[cfg(test)]", "#[cfg(all(test"] {
        for (at, _) in code.match_indices(mark) {
            let end = at + mark.len() + item_length(&code.as_bytes()[at + mark.len()..]);
            for byte in product[at..end].iter_mut().chain(said[at..end].iter_mut()) {
                if *byte != b'\n' {
                    *byte = b' ';
                }
            }
        }
    }
    let read = |bytes| String::from_utf8(bytes).expect("whole items are blanked");
    (read(product), read(said))
}

/// Up to the `;` or the closing brace that ends an item.
fn item_length(rest: &[u8]) -> usize {
    let mut depth = 0_i32;
    for (at, byte) in rest.iter().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' => depth -= 1,
            b'}' => {
                depth -= 1;
                if depth <= 0 {
                    return at + 1;
                }
            }
            b';' if depth <= 0 => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The end of the bracket that opens at `open`, or the text's end.
pub(crate) fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0_i32;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth -= 1;
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    code.len()
}

#[test]
fn comments_and_texts_are_blanked_and_nothing_moves() {
    for (text, code) in [
        ("a // b\nc", "a     \nc"),
        ("/* a /* b */ c */ d", "                  d"),
        (r#"x("a\"b // c") // d"#, r#"x("         ")     "#),
        ("r#\"a \" b\"# y", "\"        \" y"),
        ("let c = '\"'; f::<'a>('{')", "let c = \" \"; f::<'a>(\" \")"),
        ("'\\'' 'é' 'a", "\"  \" \"  \" 'a"),
    ] {
        let masked = mask(text);
        assert_eq!(masked.code, code, "{text}");
        assert_eq!(masked.code.len(), text.len());
    }
}

#[test]
fn what_is_only_for_tests_is_blanked() {
    let code = "fn a() {}\n#[cfg(test)]\nmod tests { fn b() {} }\nfn c() {}";
    let (product, _) = blank_tests(code, code);
    assert!(product.contains("fn a") && product.contains("fn c") && !product.contains("fn b"));
    const LINE: &str = "#[cfg(test)]\nmod tests;\nfn c() {}";
    let (product, _) = blank_tests(LINE, LINE);
    assert!(product.contains("fn c") && !product.contains("mod"));
}
