//! One account: its money, its bets in every market, and what they may lose.
//!
//! ```text
//!   session ──request──▶ ┌─────────┐ ──command n──▶ market
//!           ◀──outcome── │ Account │ ◀──notice k──
//!   home ─────act n────▶ └─────────┘ ──acknowledged k──▶
//! ```
//! The state is a fold of [`AccountEvent`]s. `request`, `act` and `notice` decide (the only places that
//! read rules), fold what they decided at once through the same code as a replay, and hand the events
//! back to be journaled; what is to be sent when they are durable stands in [`Account::take_outgoing`].
//! It never matches, never reads a clock, and never speaks to anybody itself.
//!
//! | file | noun |
//! |---|---|
//! | `exposure`, `lines` | the arithmetic of what may be lost; the same over the lines of a LINE market |
//! | `bet`, `position` | one bet; one market with its bets, sums and link |
//! | `validate`, `requests`, `changes`, `ordered` | what a customer asks, decided and folded |
//! | `notices`, `answers`, `payment` | what a market says, decided and folded |
//! | `acts`, `statement` | what an operator does; the lines of the account |
//! | `heartbeat` | what is done when a customer falls silent |
//! | `limits` | what customers bind themselves to |
//! | `sessions`, `history` | what is remembered, and for how long |
//! | `queries`, `cleared`, `audit` | what can be asked; whether it adds up |

mod acts;
mod answers;
mod audit;
mod bet;
mod changes;
mod cleared;
mod customer_refs;
mod exposure;
mod fragments;
mod heartbeat;
mod history;
mod limits;
mod lines;
mod notices;
mod ordered;
mod outgoing;
mod payment;
mod position;
mod queries;
mod requests;
mod sessions;
mod statement;
#[cfg(test)]
mod tests;
mod validate;

pub use acts::Acted;
pub use audit::Difference;
pub use bet::References;
pub use cleared::{
    BetOutcome, ClearedFilter, ClearedGroup, ClearedOrder, ClearedOrders, ClearedStatus,
};
pub use customer_refs::{CUSTOMER_REF_WINDOW_MS, CUSTOMER_REFS_MAX, First};
pub use fragments::Match;
pub use heartbeat::{HEARTBEAT_S_MAX, HEARTBEAT_S_MIN, HeartbeatAction, HeartbeatAnswer};
pub use history::{CLEARED_MS_MAX, CLEARED_UNMATCHED_MAX};
pub use limits::{Exclusion, LimitView, RAISE_AFTER_MS};
pub use notices::NoticeTaken;
pub use outgoing::Outgoing;
pub use queries::{
    CurrentOrder, CurrentOrders, DateRange, OrderFilter, OrderProjection, OrderSort, Page,
    ProfitAndLoss, RunnerMatches, RunnerProfit, SortBy,
};
pub use requests::{COMMANDS_MAX, Requested, busy};
pub use statement::{
    STATEMENT_LINES_MAX, STATEMENT_PAGE_MAX, SettledBet, Statement, StatementFilter, StatementItem,
    StatementKind, StatementLine, StatementRow,
};
pub use validate::{REFERENCE_LEN_MAX, STRATEGY_REFERENCE_LEN_MAX, validate};

use crate::act::{AccountProfile, AccountStatus, ActAnswer, Currency, Funds};
use crate::ids::MarketId;
use crate::link::Served;
use crate::money::Pence;
use crate::order::OrderCommand;
use crate::record::AccountEvent;
use crate::time::UtcMillis;
use customer_refs::CustomerRefs;
use heartbeat::Switch;
use history::History;
use limits::Limits;
use outgoing::Outbox;
use position::Position;
use serde::{Deserialize, Serialize};
use sessions::Sessions;
use statement::StatementLog;
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Account {
    /// `None` until home has opened it.
    opened: Option<(Currency, AccountProfile)>,
    money: Money,
    /// The sum of what the positions hold.
    held: Pence,
    positions: BTreeMap<MarketId, Position>,
    history: History,
    statement: StatementLog,
    sessions: Sessions,
    customer_refs: CustomerRefs,
    acts: Served<ActAnswer>,
    switch: Switch,
    limits: Limits,
    #[serde(skip)]
    outgoing: Outbox,
}

/// The balance, and what it is made of since the account was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Money {
    balance: Pence,
    deposited: Pence,
    withdrew: Pence,
    /// Won less lost, before commission.
    won: Pence,
    commission: Pence,
}

impl Account {
    /// Folds one event. It cannot fail: what an event says has happened.
    pub fn apply(&mut self, at: UtcMillis, event: &AccountEvent) {
        match event {
            AccountEvent::Ordered(ordered) => self.apply_ordered(at, ordered),
            AccountEvent::Noticed(noticed) => {
                self.fold_notice(
                    at,
                    noticed.market,
                    noticed.k,
                    &noticed.notice,
                    noticed.payment.as_ref(),
                    &noticed.reduced,
                );
                self.hold(noticed.market, noticed.exposure);
            }
            AccountEvent::Heartbeat { due } => self.fold_heartbeat(*due),
            AccountEvent::HeartbeatMissed { commands } => self.fold_heartbeat_missed(commands),
            act => self.apply_act(at, act),
        }
    }

    /// Folds one event of the past: what it would have sent was sent, or will be repeated by
    /// [`Account::open_commands`], [`Account::withdrawals`] and [`Account::markets_to_resume`].
    pub fn replay(&mut self, at: UtcMillis, event: &AccountEvent) {
        self.apply(at, event);
        self.outgoing.0.clear();
    }

    /// What the events folded since the last call make necessary to send, once they are durable.
    pub fn take_outgoing(&mut self) -> Vec<Outgoing> {
        std::mem::take(&mut self.outgoing.0)
    }

    fn hold(&mut self, market: MarketId, exposure: Pence) {
        if let Some(position) = self.positions.get_mut(&market) {
            self.held += exposure - position.held;
            position.held = exposure;
        }
    }

    fn profile(&self) -> Option<&AccountProfile> {
        self.opened.as_ref().map(|(_, profile)| profile)
    }

    // ------------------------------------------------------------------------------------ resuming

    /// Commands that no market has answered: market, number, command and when it was first sent.
    pub fn open_commands(&self) -> impl Iterator<Item = (MarketId, u64, &OrderCommand, UtcMillis)> {
        self.positions.iter().flat_map(|(market, position)| {
            let open = position.commands.open_from(0);
            open.map(|(n, sent)| (*market, n, &sent.command, sent.at))
        })
    }

    /// One market's open commands from number `n` on: what it asks for after a gap.
    pub fn open_commands_of(
        &self,
        market: MarketId,
        from: u64,
    ) -> impl Iterator<Item = (u64, &OrderCommand, UtcMillis)> {
        let position = self.positions.get(&market).into_iter();
        position.flat_map(move |position| {
            position.commands.open_from(from).map(|(n, sent)| (n, &sent.command, sent.at))
        })
    }

    /// Markets that may have something to tell, with the last of their notices that was applied.
    pub fn markets_to_resume(&self) -> impl Iterator<Item = (MarketId, u64)> {
        let open = |position: &&Position| position.resolved.is_none() || !position.is_quiet();
        self.positions
            .iter()
            .filter(move |(_, position)| open(position))
            .map(|(market, position)| (*market, position.notices.last()))
    }

    /// The last of a market's notices that was applied.
    pub fn acknowledged(&self, market: MarketId) -> u64 {
        match self.positions.get(&market) {
            Some(position) => position.notices.last(),
            None => self.history.link(market).map_or(0, |link| link.notices.last()),
        }
    }

    /// Commands that were given up and are not answered, to be sent again as withdrawals.
    pub fn withdrawals(&self) -> impl Iterator<Item = (MarketId, u64)> {
        self.positions
            .iter()
            .flat_map(|(market, position)| position.withdrawn.iter().map(|n| (*market, *n)))
    }

    /// Placements and replaces whose market has been silent for `deadline_ms`: to be withdrawn. Those that
    /// are known to wait for the bet delay are not among them.
    pub fn overdue(&self, now: UtcMillis, deadline_ms: i64) -> Vec<(MarketId, u64)> {
        let mut overdue = Vec::new();
        for (market, position) in &self.positions {
            let late = position.commands.open_from(0).filter(|(n, sent)| {
                now.since_ms(sent.at) >= deadline_ms && position.can_be_withdrawn(*n, sent)
            });
            overdue.extend(late.map(|(n, _)| (*market, n)));
        }
        overdue
    }

    /// Nothing is on its way anywhere: the actor may retire.
    pub fn is_quiet(&self) -> bool {
        self.positions.values().all(Position::is_quiet) && self.sessions.is_quiet()
    }

    // --------------------------------------------------------------------------------------- money

    pub fn is_opened(&self) -> bool {
        self.opened.is_some()
    }

    pub fn funds(&self) -> Funds {
        let status = self.profile().map_or(AccountStatus::Closed, |profile| profile.status);
        Funds { balance: self.money.balance, exposure: self.held, status }
    }

    /// What the operator has set; `None` before the account is opened.
    pub fn settings(&self) -> Option<(Currency, AccountProfile)> {
        self.opened
    }

    /// What is held in each market.
    pub fn exposures(&self) -> impl Iterator<Item = (MarketId, Pence)> {
        let held = self.positions.iter().map(|(market, position)| (*market, position.held));
        held.filter(|(_, held)| !held.is_zero())
    }

    pub fn exposure_in(&self, market: MarketId) -> Pence {
        self.positions.get(&market).map_or(Pence::ZERO, |position| position.held)
    }
}
