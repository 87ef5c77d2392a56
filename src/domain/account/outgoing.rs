//! What an account wants sent. It is derived from events and never stored: a restart repeats what is open.

use crate::act::ActAnswer;
use crate::ids::{BetId, MarketId, SessionId};
use crate::money::Pence;
use crate::order::OrderCommand;
use crate::request::Outcome;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outgoing {
    /// Command `n`; `acknowledged` is the last of the market's notices that was applied.
    ToMarket {
        market: MarketId,
        n: u64,
        acknowledged: u64,
        command: OrderCommand,
    },
    /// Command `n` is given up: what the market knows of it goes, and if it never saw it, never will.
    Withdraw {
        market: MarketId,
        n: u64,
    },
    /// Notices up to `k` are applied; `paid` when `k` was a resolution: what clearing paid, negative when
    /// it received.
    Acknowledge {
        market: MarketId,
        k: u64,
        paid: Option<Pence>,
    },
    ToSession {
        session: SessionId,
        n: u64,
        outcome: Outcome,
    },
    ActAnswered {
        n: u64,
        answer: ActAnswer,
    },
    /// A bet of the order stream changed.
    BetChanged {
        market: MarketId,
        bet: BetId,
    },
}

/// Not part of the state: equal whatever it holds.
#[derive(Debug, Clone, Default)]
pub(super) struct Outbox(pub(super) Vec<Outgoing>);

impl PartialEq for Outbox {
    fn eq(&self, _: &Outbox) -> bool {
        true
    }
}

impl Eq for Outbox {}

impl Outbox {
    pub(super) fn push(&mut self, outgoing: Outgoing) {
        self.0.push(outgoing);
    }
}
