//! A letter's text and headers.
//!
//! Never    lets anything of a customer's or an operator's into a header: addresses are parsed, subjects are
//!          ours, and names stand in the body alone, which is encoded.

use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

use domain::mail::{BetChange, Change, Content, Letter};
use domain::money::Pence;
use lettre::Message;
use lettre::message::Mailbox;
use lettre::message::header::ContentType;

use crate::secret::LinkKey;

/// What every letter of this node has in common.
#[derive(Debug, Clone, Copy)]
pub struct Look<'a> {
    /// Whom it says it is from.
    pub from: &'a Mailbox,
    /// What links begin with.
    pub public_url: &'a str,
    /// What the tokens of links are made with.
    pub link_key: &'a LinkKey,
}

/// How a market is called.
#[derive(Debug, Clone, Default)]
pub struct Named {
    /// The market.
    pub market: Option<String>,
    /// Its event.
    pub event: Option<String>,
}

/// A letter that cannot be one.
#[derive(Debug, thiserror::Error)]
pub enum LetterError {
    /// It is not written to.
    #[error("the address is none")]
    Address(#[from] lettre::address::AddressError),
    /// Nothing of ours should lead to it.
    #[error(transparent)]
    Message(#[from] lettre::error::Error),
}

/// The letter and its Message-ID: the same for the same letter, whenever it is written.
pub fn write(
    letter: &Letter,
    look: &Look<'_>,
    named: &Named,
) -> Result<(String, Message), LetterError> {
    let id = message_id(letter, look.from);
    let (subject, body) = match &letter.content {
        Content::Confirm { username, nonce } => {
            ("Confirm your account", confirm(look, username, nonce))
        }
        Content::Reset { nonce, known: false } => ("Choose a new password", reset(look, nonce)),
        Content::Reset { nonce, known: true } => {
            ("You have an account already", known(look, nonce))
        }
        Content::Bets { market, changes, more } => {
            ("Your bets", bets(&market.to_string(), changes, *more, named))
        }
    };
    let at = UNIX_EPOCH + Duration::from_millis(u64::try_from(letter.at.0).unwrap_or_default());
    let message = Message::builder()
        .from(look.from.clone())
        .to(Mailbox::new(None, letter.to.parse()?))
        .subject(subject)
        .message_id(Some(id.clone()))
        .date(at)
        .header(ContentType::TEXT_PLAIN)
        .body(body)?;
    Ok((id, message))
}

/// Of the record that the letter follows from and of who gets it.
fn message_id(letter: &Letter, from: &Mailbox) -> String {
    let hash = blake3::hash(letter.to.to_ascii_lowercase().as_bytes()).to_hex();
    format!("<{}.{}@{}>", letter.id, &hash.as_str()[..16], from.email.domain())
}

fn link(look: &Look<'_>, page: &str, nonce: &[u8; 16]) -> String {
    // Behind the # it is sent to no server and written in no log.
    format!("{}/{page}#{}", look.public_url.trim_end_matches('/'), look.link_key.token(nonce))
}

fn confirm(look: &Look<'_>, username: &str, nonce: &[u8; 16]) -> String {
    format!(
        "Somebody, you we hope, asked for the account \"{username}\" with this address.\r\n\r\n\
         Open this link within 15 minutes to have it:\r\n\r\n{}\r\n\r\n\
         If it was not you, do nothing: nothing is kept.\r\n",
        link(look, "confirm", nonce)
    )
}

fn reset(look: &Look<'_>, nonce: &[u8; 16]) -> String {
    format!(
        "Open this link within 15 minutes to choose a new password:\r\n\r\n{}\r\n\r\n\
         If you did not ask for it, do nothing: your password stays as it is.\r\n",
        link(look, "reset", nonce)
    )
}

fn known(look: &Look<'_>, nonce: &[u8; 16]) -> String {
    format!(
        "Somebody wanted to sign up with this address, but it is that of your account here.\r\n\r\n\
         If it was you and you have forgotten the password, choose a new one within 15 \
         minutes:\r\n\r\n{}\r\n\r\nIf it was not you, do nothing.\r\n",
        link(look, "reset", nonce)
    )
}

fn bets(market: &str, changes: &[BetChange], more: u32, named: &Named) -> String {
    let mut text = String::new();
    for name in [&named.event, &named.market].into_iter().flatten() {
        let _ = write!(text, "{name}\r\n");
    }
    let _ = write!(text, "market {market}\r\n\r\n");
    for change in changes {
        let _ = write!(text, "bet {}: {}\r\n", change.bet, told(change.what));
    }
    if more > 0 {
        let _ = write!(text, "and {more} more\r\n");
    }
    text += "\r\nYou get this because your account asks for it; it can be turned off there.\r\n";
    text
}

fn told(change: Change) -> String {
    match change {
        Change::Placed { size } => format!("{size} waits to be matched"),
        Change::Matched { price, size } => format!("{size} matched at {price}"),
        Change::MatchedAtClose { size, value } => {
            let hundredths = if size.is_zero() { 0 } else { value / size.0 };
            format!("{size} matched at the starting price, {}", Pence(hundredths))
        }
        Change::Cancelled { size } => format!("{size} cancelled"),
        Change::Lapsed { size } => format!("{size} lapsed"),
        Change::Settled { profit } if profit < Pence::ZERO => format!("lost {}", -profit),
        Change::Settled { profit } => format!("won {profit}"),
        Change::Reversed { profit } => format!("settlement taken back, {profit}"),
        Change::Reduced => "changed, because a runner does not run".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::ids::{BetId, MarketId};
    use domain::mail::LetterId;
    use domain::price::Price;
    use domain::time::UtcMillis;

    fn write_to(to: &str, content: Content) -> Result<(String, String), LetterError> {
        let letter = Letter {
            id: LetterId(42),
            to: to.to_owned(),
            at: UtcMillis(1_700_000_000_000),
            worthless: None,
            content,
        };
        let from: Mailbox = "Laybook <no-reply@laybook.example>".parse().unwrap();
        let key = LinkKey::of([7; 32]);
        let look = Look { from: &from, public_url: "https://bets.example/", link_key: &key };
        let named = Named { market: Some("Winner\r\nBcc: x@y.example".to_owned()), event: None };
        let (id, message) = write(&letter, &look, &named)?;
        Ok((id, String::from_utf8(message.formatted()).unwrap()))
    }

    fn confirm() -> Content {
        Content::Confirm { username: "zoe".to_owned(), nonce: [1; 16] }
    }

    #[test]
    fn a_letter_has_one_message_id_and_its_link() {
        let (id, text) = write_to("zoe@mail.example", confirm()).unwrap();
        assert_eq!(write_to("zoe@mail.example", confirm()).unwrap(), (id.clone(), text.clone()));
        assert!(text.contains(&format!("Message-ID: {id}\r\n")), "{text}");
        assert!(id.starts_with("<42.") && id.ends_with("@laybook.example>"), "{id}");
        let (other, _) = write_to("bob@mail.example", confirm()).unwrap();
        assert_ne!(other, id);
        let plain = text.replace("=\r\n", "");
        let token = LinkKey::of([7; 32]).token(&[1; 16]);
        assert!(plain.contains(&format!("https://bets.example/confirm#{token}")), "{plain}");
    }

    #[test]
    fn nothing_from_outside_becomes_a_header() {
        for to in ["zoe@mail.example\r\nBcc: x@y.example", "zoe@mail.example, x@y.example", "zoe"] {
            assert!(write_to(to, confirm()).is_err(), "{to:?}");
        }
        let what = Change::Matched { price: Price(250), size: Pence(1_000) };
        let changes = vec![BetChange { bet: BetId(100_000_010_000), what }];
        let content = Content::Bets { market: MarketId(100_000_001), changes, more: 2 };
        let (_, text) = write_to("zoe@mail.example", content).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(!head.contains("Bcc"), "{head}");
        assert!(body.contains("10.00 matched at 2.5"), "{body}");
        assert!(body.contains("and 2 more"), "{body}");
    }
}
