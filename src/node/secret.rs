//! Secrets that the node draws: tokens, application keys, session ids. What is kept of a token is its hash.

use domain::home::{Drawn, SecretHash};

/// 260 bits from the operating system, as letters and digits with a trailing `=` that clients expect.
pub fn token() -> String {
    format!("{}=", letters(TOKEN_LETTERS))
}

const TOKEN_LETTERS: usize = 52;

/// The token that an operator's request with a key leads to, the same for each repeat.
pub fn derived_token(own: &str, key: &str, request: &[u8]) -> String {
    let mut hash = blake3::Hasher::new_derive_key("laybook operator token of a keyed request");
    for part in [own.as_bytes(), key.as_bytes(), request] {
        hash.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    let mut bytes = [0; TOKEN_LETTERS];
    hash.finalize_xof().fill(&mut bytes);
    format!("{}=", as_letters(&bytes))
}

/// What the tokens of mailed links are made with: of a link the journal keeps a nonce and a hash, and only
/// who also has this can make the token.
#[derive(Clone)]
pub struct LinkKey([u8; 32]);

impl LinkKey {
    /// Of these bytes.
    pub fn of(bytes: [u8; 32]) -> LinkKey {
        LinkKey(bytes)
    }

    /// A new one.
    pub fn new() -> LinkKey {
        let mut bytes = [0; 32];
        fill(&mut bytes);
        LinkKey(bytes)
    }

    /// To be written to a file that only the node reads.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The token of a link, the same whenever it is asked for.
    pub fn token(&self, nonce: &[u8; 16]) -> String {
        let mut bytes = [0; TOKEN_LETTERS];
        blake3::Hasher::new_keyed(&self.0).update(nonce).finalize_xof().fill(&mut bytes);
        as_letters(&bytes)
    }

    /// A link to be: its nonce, and the hash of its token.
    pub fn draw(&self) -> Drawn {
        let mut nonce = [0; 16];
        fill(&mut nonce);
        Drawn { nonce, token: hash(&self.token(&nonce)) }
    }
}

impl Default for LinkKey {
    fn default() -> LinkKey {
        LinkKey::new()
    }
}

impl std::fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkKey")
    }
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
    let mut bytes = vec![0; count];
    fill(&mut bytes);
    as_letters(&bytes)
}

/// One of 32 letters for each byte: five bits each, none likelier than another.
fn as_letters(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect()
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
        let key = LinkKey::new();
        let drawn = key.draw();
        assert_eq!(hash(&key.token(&drawn.nonce)), drawn.token);
        assert_ne!(LinkKey::new().token(&drawn.nonce), key.token(&drawn.nonce));
    }
}
