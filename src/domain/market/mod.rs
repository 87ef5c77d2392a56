//! One market: its status, its book and every order on it, as a fold of its records.
//!
//! | file | noun |
//! |---|---|
//! | `orders` | place, cancel, replace, update: how a command is decided |
//! | `outcomes` | how its record changes the market, and the answer |
//! | `matching` | who an order meets, and at what price |
//! | `cross_match`, `crossing` | virtual bets: what all other runners offer on one; who meets whom by them, and what the exchange itself has of it |
//! | `delay` | orders that wait in play, and withdrawn commands |
//! | `status` | an operator's acts |
//! | `verdict` | what an operator's word on the end means for each runner |
//! | `starting_price`, `closing`, `balance` | how the starting price is made, who waits for it, where it lies |
//! | `removal` | a runner that does not run |
//! | `pieces` | acts that change more orders than one record holds |
//! | `settle` | how the end is told and paid, account by account |
//! | `book`, `levels`, `slab` | the queues, the prices that they stand at, and the slots that they run through |
//! | `notices` | numbered messages to and from accounts |
//! | `view` | what doors show |
//! | `public` | what the public sees, and what of it has changed |
//!
//! Every entry point is told the time, first does what is due by then, and appends the records of what it
//! did, *already applied*, to `records`. A command is decided and applied order by order, since the second
//! order of a batch meets what the first left; it yields one record, and [`Market::apply`] of that record
//! changes another market in the same state in the same way, by the same functions.
//!
//! ```text
//!   INACTIVE ──open──▶ OPEN ◀──open / turn in-play── SUSPENDED
//!       │               │ └────────suspend──────────▶  │  ▲
//!       └─────void──────┴──────settle / void───────────┘  │ reopen, after unsettle
//!                               ▼                         │
//!                            CLOSED ──────────────────────┘
//! ```
//! Nothing here reads a clock, sends or panics on what an account or operator may say.

mod balance;
mod book;
mod closing;
mod cross_match;
mod crossing;
mod delay;
mod levels;
mod matching;
mod notices;
mod orders;
mod outcomes;
mod pieces;
mod public;
mod removal;
mod settle;
mod slab;
mod starting_price;
mod status;
#[cfg(test)]
mod tests;
mod verdict;
mod view;

pub use cross_match::displayed;
pub use notices::Outgoing;
pub use public::{AtClose, PublicChange, PublicImage, RunnerChange, RunnerStanding, Standing};
pub use settle::{Acknowledgement, CREDIT};
pub use starting_price::any_price;
pub use status::MAX_BET_DELAY_S;
pub use view::{OrderView, RunnerView};

use crate::act::ActAnswer;
use crate::definition::{MarketDefinition, MarketStatus};
use crate::ids::{AccountId, Runner};
use crate::link::{Arrival, Served};
use crate::money::Pence;
use crate::order::OrderCommand;
use crate::record::{CommandRef, MarketEvent, Notice, Prepared, Resolution};
use crate::time::UtcMillis;
use book::Book;
use crossing::House;
use delay::Waiting;
use notices::Links;
use removal::Removed;
use serde::{Deserialize, Serialize};
use settle::Telling;
use slab::Place;
use std::collections::VecDeque;

/// Past it, placements are refused with `ServiceUnavailable`.
pub const MAX_ORDERS: usize = 1_000_000;

/// The sizes of all orders ever placed on a market add up to no more than this, so no total of the market
/// can overflow; an order past it is refused with `InvalidBetSize`.
pub const MAX_PLACED: Pence = Pence(i64::MAX / 4);

/// A command that is new and comes for the third time killed this market twice: it is refused unread.
pub const MAX_ATTEMPTS: u32 = 3;

/// The default is a market before its `Created`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Market {
    definition: Option<Box<MarketDefinition>>,
    status: MarketStatus,
    in_play: bool,
    bet_delay_s: u16,
    version: u64,
    /// The version of the last change that a customer may have made an order depend on.
    last_material: u64,
    /// Sorted; each runner's number is its place in the definition.
    runners: Vec<(Runner, u16)>,
    book: Book,
    /// The exchange's own bets, where it stands between runners.
    house: Option<Box<House>>,
    /// All sizes ever placed.
    placed: Pence,
    links: Links,
    /// By due time.
    waiting: VecDeque<Waiting>,
    acts: Served<ActAnswer>,
    /// Counts settlements, voids and reversals.
    generation: u32,
    /// How the market stands settled; nothing after a reversal.
    resolution: Option<Resolution>,
    /// How many accounts were told of the last settlement or void.
    resolved_for: u32,
    telling: Option<Telling>,
    /// The starting prices are made.
    reconciled: bool,
    /// The chance given to each runner, by its number, in hundredths of a percent.
    factors: Vec<Option<u32>>,
    /// In the order of their removal.
    removed: Vec<Removed>,
    /// What the rest of an act's records is about to change.
    prepared: Option<Box<Prepared>>,
    /// While it is suspended.
    #[serde(default)]
    suspend_reason: Option<String>,
    #[serde(default)]
    key_line: Vec<Runner>,
}

impl Market {
    /// Folds one record; what it tells others goes to [`Market::send_outgoing`].
    pub fn apply(&mut self, at: UtcMillis, event: &MarketEvent) {
        match event {
            MarketEvent::Created { n, definition, status } => {
                self.apply_created(at, *n, definition, *status)
            }
            MarketEvent::ActRefused { n, error } => {
                self.answer_act(*n, ActAnswer::Refused(*error));
            }
            MarketEvent::StatusChanged(change) => self.apply_status(change),
            MarketEvent::KeyLine { n, runners, version } => {
                self.apply_key_line(*n, runners, *version)
            }
            MarketEvent::Placed { command, orders } => self.apply_placed(at, command, orders),
            MarketEvent::Delayed { command, until, orders, waiting } => {
                self.apply_delayed(command, *until, orders, waiting)
            }
            MarketEvent::Cancelled { command, orders } => self.apply_cancelled(command, orders),
            MarketEvent::Replaced { command, orders } => self.apply_replaced(at, command, orders),
            MarketEvent::Updated { command, orders } => self.apply_updated(command, orders),
            MarketEvent::Refused { command, refusal } => self.apply_refused(command, refusal),
            MarketEvent::Withdrawn { command, lapsed } => self.apply_withdrawn(command, lapsed),
            MarketEvent::Acknowledged { accounts } => self.apply_acknowledged(accounts),
            MarketEvent::Resolved { n, generation, resolution, change } => {
                self.apply_resolved(*n, *generation, resolution, change)
            }
            MarketEvent::ResolutionSent { accounts } => self.apply_resolution_sent(accounts),
            MarketEvent::ResolutionPaid { payments } => self.apply_resolution_paid(payments),
            MarketEvent::ResolutionClosed { crossed, .. } => self.apply_resolution_closed(*crossed),
            MarketEvent::RunnerRemoved(removal) => self.apply_runner_removed(at, removal),
            MarketEvent::LapsedAhead { lapsed } => self.apply_lapsed(lapsed),
            MarketEvent::Prepared(prepared) => self.apply_prepared(prepared),
            MarketEvent::Reconciled(made) => self.apply_reconciled(at, made),
        }
    }

    /// Does what is due by `now`: orders whose delay is over, the next chunk of a resolution.
    #[inline]
    pub fn due(&mut self, now: UtcMillis, records: &mut Vec<MarketEvent>) {
        if !self.waiting.is_empty() || self.telling.is_some() {
            self.do_what_is_due(now, records);
        }
    }

    fn do_what_is_due(&mut self, now: UtcMillis, records: &mut Vec<MarketEvent>) {
        while self.waiting.front().is_some_and(|waiting| waiting.until <= now) {
            let record = self.release(now);
            records.push(record);
        }
        self.tell_on(now, records);
    }

    /// When [`Market::due`] next has something to do.
    pub fn wake(&self) -> Option<UtcMillis> {
        self.waiting.front().map(|waiting| waiting.until)
    }

    /// Command `n` of an account, come for the `attempt`-th time (the first is 1). `Next`: it is decided, and
    /// the last of `records` is its own. `Repeat`: it was taken before; resend the account's open notices.
    /// `Gap`: the account must begin again at `expected`.
    #[expect(clippy::too_many_arguments, reason = "the message's own fields, and who is told")]
    pub fn command(
        &mut self,
        now: UtcMillis,
        account: AccountId,
        n: u64,
        attempt: u32,
        acknowledged: u64,
        command: &OrderCommand,
        records: &mut Vec<MarketEvent>,
    ) -> Arrival {
        self.due(now, records);
        let known = self.links.number(account);
        let arrival = self.links.arrival(known, n);
        if arrival == Arrival::Next {
            let own = known.unwrap_or_else(|| self.links.number_or_new(account));
            let reference = CommandRef { account, n, acknowledged };
            self.decide(now, own, &reference, attempt, command, records);
        }
        arrival
    }

    /// Shows what the records since the last call tell accounts and home, and forgets that it is new. After
    /// a replay the actor shows it to nobody and resends what is open instead.
    pub fn send_outgoing(&mut self, send: impl FnMut(Outgoing<'_>)) {
        self.links.send_outgoing(send);
    }

    /// What `account` has not acknowledged, from notice `from` on.
    pub fn open_notices(
        &self,
        account: AccountId,
        from: u64,
    ) -> impl Iterator<Item = (u64, &Notice)> {
        self.links.open_notices(account, from)
    }

    /// Accounts that have not acknowledged everything.
    pub fn accounts_to_resume(&self) -> impl Iterator<Item = AccountId> {
        self.links.unsettled()
    }

    /// Panics when the state contradicts itself: for tests and audits.
    pub fn check_invariants(&self) {
        self.book.check_invariants();
        self.links.check_invariants();
        assert!(self.waiting.iter().is_sorted_by_key(|waiting| waiting.until));
        assert!(self.last_material <= self.version);
        let in_book = self.book.orders.iter().filter(|(_, slot)| slot.place != Place::Closing);
        let unmatched: Pence = in_book.map(|(_, slot)| slot.remaining).sum();
        // Of what was cross matched the other half is the exchange's.
        let crossed = self.house.as_ref().map_or(Pence::ZERO, |house| house.check_invariants());
        let matched = self.book.matched + self.book.matched - crossed;
        assert!(unmatched + matched <= self.placed, "more than was placed");
        if self.status == MarketStatus::Closed {
            assert_eq!(self.book.orders.len(), 0, "a closed market has unmatched orders");
        }
        for (_, slot) in self.book.orders.iter() {
            assert!((slot.account as usize) < self.links.len());
        }
    }

    #[inline]
    fn runner(&self, runner: Runner) -> Option<u16> {
        // Most markets have two or three runners: a glance at each is quicker than a search.
        let at = match self.runners.len() {
            0..=8 => self.runners.iter().position(|(other, _)| *other == runner)?,
            _ => self.runners.binary_search_by_key(&runner, |(runner, _)| *runner).ok()?,
        };
        Some(self.runners[at].1)
    }
}
