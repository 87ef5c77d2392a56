//! The dead man's switch: a customer who has set it and falls silent has their unmatched orders cancelled.
//!
//! ```text
//!   off ──heartbeat(10..300 s)──▶ set, due ──heartbeat──▶ set, due later
//!    ▲                             │   │ heartbeat(0)
//!    ├─────────────────────────────│───┘
//!    └──────due, nothing said──────┘ every order is cancelled, and the next heartbeat is told how that went
//! ```
//! The moment is journaled with each heartbeat, so it comes whether or not the node was up: one that passed
//! while it was down is taken care of before any door opens. It is decided nowhere else, and needs no
//! connection: a stream that breaks cancels nothing.

use super::Account;
use super::changes::Reach;
use crate::ids::MarketId;
use crate::order::InstructionError;
use crate::record::AccountEvent;
use crate::request::Outcome;
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A shorter or longer timeout becomes this one.
pub const HEARTBEAT_S_MIN: u32 = 10;
pub const HEARTBEAT_S_MAX: u32 = 300;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Switch {
    due: Option<UtcMillis>,
    /// What was done since the customer last spoke.
    fallen: Option<Fallen>,
}

/// The orders of a silent customer, being cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Fallen {
    /// Commands that were sent or given up for it and are not answered.
    open: BTreeSet<(MarketId, u64)>,
    /// An order that could still be matched was not cancelled.
    left: bool,
}

/// What was done since the last heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeartbeatAction {
    Nothing,
    /// Cancels are on their way, and a market has not answered.
    Cancelling,
    AllCancelled,
    SomeLeft,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeartbeatAnswer {
    pub action: HeartbeatAction,
    /// Seconds until the orders are cancelled; 0 when the switch is off.
    pub timeout_s: u32,
}

impl Account {
    /// Sets the switch anew, or turns it off with 0. What is due must have been run before
    /// ([`Account::due`]). The event, if anything changes, is folded already.
    pub fn heartbeat(
        &mut self,
        now: UtcMillis,
        wanted_s: u32,
    ) -> (Option<AccountEvent>, HeartbeatAnswer) {
        let timeout_s = match wanted_s {
            0 => 0,
            wanted => wanted.clamp(HEARTBEAT_S_MIN, HEARTBEAT_S_MAX),
        };
        let action = match &self.switch.fallen {
            None => HeartbeatAction::Nothing,
            Some(fallen) if !fallen.open.is_empty() => HeartbeatAction::Cancelling,
            Some(fallen) if fallen.left => HeartbeatAction::SomeLeft,
            Some(_) => HeartbeatAction::AllCancelled,
        };
        let due = (timeout_s > 0).then(|| now.plus_ms(i64::from(timeout_s) * 1_000));
        let changes = due != self.switch.due || self.switch.fallen.is_some();
        let event = changes.then_some(AccountEvent::Heartbeat { due });
        if let Some(event) = &event {
            self.apply(now, event);
        }
        (event, HeartbeatAnswer { action, timeout_s })
    }

    /// When the account next has something to do by itself.
    pub fn wake(&self) -> Option<UtcMillis> {
        self.switch.due
    }

    /// What has come due by `now`; the events are folded already. The cancels stand before the record that
    /// they were sent: a log torn between them cancels again, and never not at all.
    pub fn due(&mut self, now: UtcMillis) -> Vec<AccountEvent> {
        if self.switch.due.is_none_or(|due| now < due) {
            return Vec::new();
        }
        let mut events = self.cancel_everything(now, Reach::Customer);
        let mut commands = Vec::new();
        for event in &events {
            if let AccountEvent::Ordered(ordered) = event {
                commands.push((ordered.market, ordered.n));
                commands.extend(ordered.withdraws.iter().map(|n| (ordered.market, *n)));
            }
        }
        let fallen = AccountEvent::HeartbeatMissed { commands };
        self.apply(now, &fallen);
        events.push(fallen);
        events
    }

    pub(super) fn fold_heartbeat(&mut self, due: Option<UtcMillis>) {
        self.switch = Switch { due, fallen: None };
    }

    pub(super) fn fold_heartbeat_missed(&mut self, commands: &[(MarketId, u64)]) {
        let open = commands.iter().copied().collect();
        self.switch = Switch { due: None, fallen: Some(Fallen { open, left: false }) };
    }
}

impl Switch {
    /// A market has answered a command. A bet of which nothing could be matched any more needed no cancel.
    pub(super) fn answered(&mut self, market: MarketId, n: u64, outcome: &Outcome) {
        let Some(fallen) = &mut self.fallen else { return };
        if !fallen.open.remove(&(market, n)) {
            return;
        }
        if let Outcome::Cancelled(execution) = outcome {
            let stays = |error: &InstructionError| *error != InstructionError::BetTakenOrLapsed;
            let mut errors = execution.reports.iter().filter_map(|it| it.result.as_ref().err());
            fallen.left |= errors.any(stays);
        }
    }
}
