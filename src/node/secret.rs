//! Secrets that the node draws: tokens, application keys, session ids. What is kept of a token is its hash.

use domain::home::SecretHash;

/// 256 bits from the operating system, as letters and digits with a trailing `=` that clients expect.
pub fn token() -> String {
    format!("{}=", letters(43))
}

/// An application key, as Betfair's look.
pub fn app_key() -> String {
    letters(16)
}

/// A number that tells nothing.
pub fn number() -> u64 {
    let mut bytes = [0; 8];
    fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// What is kept of a token.
pub fn hash(token: &str) -> SecretHash {
    *blake3::hash(token.as_bytes()).as_bytes()
}

fn letters(count: usize) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789AB";
    let mut bytes = vec![0; count];
    fill(&mut bytes);
    bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 64)])).collect()
}

fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("an operating system without randomness cannot run a node");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_are_plain_text() {
        assert_ne!(token(), token());
        assert_ne!(number(), number());
        assert!(token().ends_with('='));
        assert!(app_key().bytes().all(|b| b.is_ascii_alphanumeric()));
        assert_eq!(hash("a"), hash("a"));
    }
}
