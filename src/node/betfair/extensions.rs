//! What Laybook answers beyond the documented keys, for a client that asks for it in the header
//! `X-Laybook-Extensions`: words with commas between them. Without the header nothing of it shows, since
//! real clients refuse keys they do not know.

use super::exception::{Exception, ExceptionWord};

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
            match word {
                "replay" => wanted.replay = true,
                "bet-id" => wanted.bet_id = true,
                "queue-position" => wanted.queue_position = true,
                _ => {
                    let details =
                        "X-Laybook-Extensions: is not made of replay, bet-id, queue-position";
                    return Err(Exception::new(ExceptionWord::InvalidInputData, details));
                }
            }
        }
        Ok(wanted)
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
}
