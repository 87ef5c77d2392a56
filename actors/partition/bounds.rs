//! How much may wait for one entity, and what becomes of what may not.
//!
//! ```text
//!   0 ──────────── REQUESTS_MAX ──────────────────────────── MAIL_MAX
//!   │ everybody's mail   │  only what entities owe each other   │ let go: the links repeat it
//!                        └ requests and questions are refused as busy
//! ```
//! What comes from outside is refused first and early, so that what was begun inside can be ended. A message
//! that is let go is never lost without a word: a question's reply end is dropped, a session is told that
//! its request was not taken, and everything numbered is kept by its sender until it is answered.
//!
//! Each sender has a credit besides: a session `IN_FLIGHT_MAX` requests, an account
//! `domain::account::COMMANDS_MAX` commands a market, a market `RESENT_MAX` notices an account when it tells
//! again, a settlement its own; home has no more acts open than operators wait for.

use super::route::EntityMessage;
use super::{Busy, Routed};
use crate::account::AccountMsg;
use crate::football::FootballMsg;
use crate::home::{HomeMsg, OperateError};
use crate::market::MarketMsg;
use crate::node::Node;
use crate::registry::Address;
use crate::session::SessionMsg;

/// Messages that may wait in an entity's mailbox, or be held for it while it recovers.
pub const MAIL_MAX: usize = 65_536;
/// Requests of customers and operators, and questions, are let in below this.
pub const REQUESTS_MAX: usize = 16_384;
/// Providers and doors are let in below this: one word may be a thousand fixtures.
const TELLERS_MAX: usize = 1_024;
/// Mail that may wait for the directory.
pub const DIRECTORY_MAX: usize = 65_536;

impl Routed for HomeMsg {
    fn into_message(self) -> EntityMessage {
        EntityMessage::Home(self)
    }

    fn bound(&self) -> usize {
        match self {
            HomeMsg::ActAnswered { .. } | HomeMsg::SendActsAgain { .. } => MAIL_MAX,
            _ => REQUESTS_MAX,
        }
    }

    fn let_go(self, _: &Node, _: u64) {
        if let HomeMsg::Operate { reply, .. } = self {
            // Nothing was done, and that is known.
            let _ = reply.send(Err(OperateError::Busy(Busy::Mailbox)));
        }
    }
}

impl Routed for AccountMsg {
    fn into_message(self) -> EntityMessage {
        EntityMessage::Account(self)
    }

    fn bound(&self) -> usize {
        match self {
            AccountMsg::Request { .. } | AccountMsg::Query { .. } => REQUESTS_MAX,
            _ => MAIL_MAX,
        }
    }

    fn let_go(self, node: &Node, by: u64) {
        if let AccountMsg::Request { key, .. } = self
            && let Some(session) = node.registry.find::<SessionMsg>(Address::Session(key.session))
        {
            // A session that has gone has nobody to tell.
            let _ = session.send(SessionMsg::NotTaken { n: key.n, from: by });
        }
    }
}

impl Routed for MarketMsg {
    fn into_message(self) -> EntityMessage {
        EntityMessage::Market(self)
    }

    fn bound(&self) -> usize {
        match self {
            MarketMsg::View { .. } => REQUESTS_MAX,
            _ => MAIL_MAX,
        }
    }

    fn let_go(self, _: &Node, _: u64) {}
}

impl Routed for FootballMsg {
    fn into_message(self) -> EntityMessage {
        EntityMessage::Football(self)
    }

    fn bound(&self) -> usize {
        match self {
            FootballMsg::Tell { .. } | FootballMsg::Ask(_) => TELLERS_MAX,
            _ => REQUESTS_MAX,
        }
    }

    fn let_go(self, _: &Node, _: u64) {
        if let FootballMsg::Tell { reply, .. } = self {
            // Nothing was taken, and that is known.
            let _ = reply.send(Err(Busy::Mailbox));
        }
    }
}

impl EntityMessage {
    pub(crate) fn let_go(self, node: &Node, by: u64) {
        match self {
            EntityMessage::Home(message) => message.let_go(node, by),
            EntityMessage::Account(message) => message.let_go(node, by),
            EntityMessage::Market(message) => message.let_go(node, by),
            EntityMessage::Football(message) => message.let_go(node, by),
        }
    }
}
