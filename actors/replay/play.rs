//! What a replay is told to do, and what it tells of itself.

use super::recorded::Messages;
use crate::assignment::Customer;
use domain::definition::MarketStatus;
use domain::home::SecretHash;
use domain::ids::{AccountId, MarketId, SessionId};
use domain::money::Pence;
use domain::time::UtcMillis;
use std::fmt;
use std::time::Instant;
use tokio::sync::watch;

/// What is to be played: looked up by its number.
pub struct Play {
    /// Reads the recording from its beginning.
    pub open: Box<dyn Fn() -> Result<Box<dyn Messages>, String> + Send + Sync>,
    /// How the recording is called where it does not name itself.
    pub file: String,
    /// Of the command that plays: markets of one event that are played together are listed under one.
    pub run: String,
    /// The recording's clock and ours when all markets of the file began; `None`: with the first message.
    pub began: Option<(UtcMillis, Instant)>,
    /// How many times faster than recorded; infinite is as fast as possible.
    pub speed: f64,
    /// The mirror account.
    pub customer: Customer,
    /// A session's number and the hash of its token: the node draws them.
    pub secrets: fn() -> (SessionId, SecretHash),
    /// How far it is; the play's memory of itself over a restart, too.
    pub report: watch::Sender<Report>,
}

impl fmt::Debug for Play {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Play({})", self.file)
    }
}

/// What has been played.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    pub market: Option<MarketId>,
    pub account: Option<AccountId>,
    /// Played to their end.
    pub messages: u64,
    /// By the recording's clock.
    pub at: UtcMillis,
    pub status: MarketStatus,
    /// Messages after which the market was open and its full ladders were compared.
    pub compared: u64,
    /// Prices where the mirror's orders were not the recorded ones.
    pub differences: u64,
    /// The first of them, for people.
    pub examples: Vec<String>,
    /// Comparisons in which others had orders.
    pub with_others: u64,
    /// Of both sides, at the last comparison: ours, and what the mirror's rule makes of the recording.
    pub volume: (Pence, Pence),
    /// Stake matched by the mirror's crossing orders.
    pub traded: Pence,
    /// What was played otherwise than recorded.
    pub notes: Vec<String>,
    pub end: Option<Result<(), String>>,
}
