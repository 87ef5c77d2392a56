//! The names of things: one newtype per id, so that a bet can never be looked up as a market.
//!
//! Ids are handed out by their owners (home for users, events and markets; the account for bets; the
//! market for handles) and never reused.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(out)
            }
        }
    };
}

id!(
    /// A customer's account, numbered from 1 by home.
    AccountId(u64)
);
id!(
    /// A sport, by Betfair's numbering: 1 soccer, 2 tennis, 7 horse racing.
    EventTypeId(u32)
);
id!(CompetitionId(u64));
id!(EventId(u64));
id!(
    /// A runner's name in every market that it runs in; with the handicap it is the runner's key.
    SelectionId(u64)
);
id!(
    /// Twelve digits, increasing, exact in JavaScript: see [`BetId::new`].
    BetId(u64)
);
id!(PartitionId(u16));
id!(
    /// One login. The number is drawn at random, so that it tells nothing.
    SessionId(u64)
);

/// An exchange market. Printed and read as Betfair does, `1.` and at least nine digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MarketId(pub u64);

impl fmt::Display for MarketId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "1.{:09}", self.0)
    }
}

/// The text is no id of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id of this kind")]
pub struct NotAnId;

impl FromStr for MarketId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let digits = text.strip_prefix("1.").ok_or(NotAnId)?;
        let plain = (9..=18).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        if !plain || (digits.len() > 9 && digits.starts_with('0')) {
            return Err(NotAnId);
        }
        digits.parse().map(MarketId).map_err(|_| NotAnId)
    }
}

impl BetId {
    /// The first count of every partition: makes the id twelve digits long.
    pub const FIRST_COUNT: u64 = 10_000_000;

    /// `count` is the partition's own counter; ids of different partitions never meet.
    pub fn new(count: u64, partition: PartitionId) -> Self {
        BetId(count * 10_000 + u64::from(partition.0))
    }

    pub fn count(self) -> u64 {
        self.0 / 10_000
    }
}

/// A runner of a market: the selection and, in Asian handicap markets, its line in hundredths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Runner {
    pub selection: SelectionId,
    pub handicap: i32,
}

impl Runner {
    pub fn plain(selection: SelectionId) -> Self {
        Runner { selection, handicap: 0 }
    }
}

/// Where an order stands inside its market: a slot of the book and the slot's generation, so that a
/// handle of an order that has gone is never mistaken for its successor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Handle {
    pub slot: u32,
    pub generation: u32,
}

/// What a partition's log is about: each has one actor, one snapshot and one sequence of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EntityId {
    /// Catalogue, users, sessions, operators' acts. In partition 0 only.
    #[serde(rename = "h")]
    Home,
    #[serde(rename = "a")]
    Account(AccountId),
    #[serde(rename = "m")]
    Market(MarketId),
    /// Fixtures, results, and what is told of matches. In partition 0 only.
    #[serde(rename = "f")]
    Football,
}

impl fmt::Display for EntityId {
    /// URL-safe, as the supervision tree names the actor.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EntityId::Home => write!(out, "home"),
            EntityId::Account(id) => write!(out, "account-{id}"),
            EntityId::Market(id) => write!(out, "market-{id}"),
            EntityId::Football => write!(out, "football"),
        }
    }
}

impl FromStr for EntityId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        match text {
            "home" => return Ok(EntityId::Home),
            "football" => return Ok(EntityId::Football),
            _ => {}
        }
        if let Some(id) = text.strip_prefix("account-") {
            return id.parse().map(|id| EntityId::Account(AccountId(id))).map_err(|_| NotAnId);
        }
        text.strip_prefix("market-").ok_or(NotAnId)?.parse().map(EntityId::Market)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn market_ids_are_read_as_they_are_printed() {
        for (text, id) in [("1.000000007", Some(7)), ("1.200806927", Some(200_806_927))] {
            assert_eq!(text.parse().ok(), id.map(MarketId), "{text}");
            assert_eq!(MarketId(id.unwrap()).to_string(), text);
        }
        for text in [
            "",
            "1.",
            "1.7",
            "2.000000007",
            "1.-00000007",
            "1.0000000007",
            "1.99999999999999999999",
        ] {
            assert_eq!(text.parse::<MarketId>(), Err(NotAnId), "{text}");
        }
    }

    #[test]
    fn entity_ids_are_read_as_they_are_printed() {
        for id in [
            EntityId::Home,
            EntityId::Account(AccountId(3)),
            EntityId::Market(MarketId(9)),
            EntityId::Football,
        ] {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
    }

    #[test]
    fn bet_ids_have_twelve_digits_and_never_meet_across_partitions() {
        let first = BetId::new(BetId::FIRST_COUNT, PartitionId(0));
        assert_eq!(first.to_string().len(), 12);
        assert_ne!(first, BetId::new(BetId::FIRST_COUNT, PartitionId(1)));
        assert_eq!(first.count(), BetId::FIRST_COUNT);
    }
}
