//! What Laybook answers beyond the documented keys, for a client that asks for it in the header
//! `X-Laybook-Extensions`: words with commas between them, or whose application is set to it by the operator
//! (`api.extensions`). Otherwise nothing of it shows, since real clients refuse keys they do not know.

use std::collections::BTreeMap;

use super::exception::{Exception, ExceptionWord};

/// The words there are.
const WORDS: &str = "replay, bet-id, queue-position";

/// Which of them a call wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extensions {
    /// `replay`: a repeated customerRef is answered with the first report.
    pub replay: bool,
    /// `bet-id`: an order placed with `async` is answered with its bet id.
    pub bet_id: bool,
    /// `queue-position`: listCurrentOrders says how much is ahead of each resting order, `sizeAhead`.
    pub queue_position: bool,
}

impl Extensions {
    /// Reads the header; a word that is none is refused, or a client would wait for what never comes.
    pub fn read(header: Option<&str>) -> Result<Extensions, Exception> {
        let mut wanted = Extensions::default();
        let words = header.unwrap_or_default().split(',').map(str::trim);
        for word in words.filter(|word| !word.is_empty()) {
            if !wanted.add(word) {
                let details = format!("X-Laybook-Extensions: is not made of {WORDS}");
                return Err(Exception::new(ExceptionWord::InvalidInputData, details));
            }
        }
        Ok(wanted)
    }

    /// Reads the setting: `KEY=word+word`, with commas between keys.
    pub fn by_key(text: &str) -> Result<BTreeMap<String, Extensions>, String> {
        let mut by_key = BTreeMap::new();
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let (key, words) = entry
                .split_once('=')
                .ok_or_else(|| format!("{entry} is not an application key, = and words"))?;
            let mut wanted = Extensions::default();
            for word in words.split('+').map(str::trim) {
                if !wanted.add(word) {
                    return Err(format!("{word:?} is not one of {WORDS}"));
                }
            }
            if by_key.insert(key.trim().to_owned(), wanted).is_some() {
                return Err(format!("{} is there twice", key.trim()));
            }
        }
        Ok(by_key)
    }

    /// What either wants.
    pub fn with(self, other: Extensions) -> Extensions {
        Extensions {
            replay: self.replay || other.replay,
            bet_id: self.bet_id || other.bet_id,
            queue_position: self.queue_position || other.queue_position,
        }
    }

    /// False when the word is none.
    fn add(&mut self, word: &str) -> bool {
        match word {
            "replay" => self.replay = true,
            "bet-id" => self.bet_id = true,
            "queue-position" => self.queue_position = true,
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_asked_for_by_word() {
        assert_eq!(Extensions::read(None), Ok(Extensions::default()));
        let both = Extensions { replay: true, bet_id: true, queue_position: false };
        assert_eq!(Extensions::read(Some("bet-id, ,replay")), Ok(both));
        assert!(Extensions::read(Some("replay,flight")).is_err());
    }

    #[test]
    fn an_application_has_what_the_operator_set() {
        let by_key = Extensions::by_key(" alice-key=replay+bet-id, bob = queue-position").unwrap();
        let alice = Extensions { replay: true, bet_id: true, queue_position: false };
        assert_eq!(by_key["alice-key"], alice);
        assert_eq!(by_key["bob"].with(alice), Extensions { queue_position: true, ..alice });
        assert_eq!(Extensions::by_key("").unwrap(), BTreeMap::new());
        for (text, reason) in [
            ("alice", "alice is not an application key, = and words"),
            ("a=flight", "\"flight\" is not one of replay, bet-id, queue-position"),
            ("a=replay,a=bet-id", "a is there twice"),
        ] {
            assert_eq!(Extensions::by_key(text).unwrap_err(), reason);
        }
    }
}
