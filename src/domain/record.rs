//! What the journal keeps: one record per decision, carrying its results.
//!
//! `apply` folds records and nothing else: it never matches, rounds, reads the clock or configuration, so
//! a mended rule does not change history. The debits and credits of one record sum to zero
//! (`ledger::postings`).
//!
//! The short names of the variants are the kinds of the journal: never reused, never given to another
//! meaning. `store::codec` says what happens when a shape must change.

use crate::act::{AccountChange, AccountProfile, ActError, Currency, LimitChange};
use crate::definition::{MarketDefinition, MarketStatus, MarketTerms};
use crate::few::Few;
use crate::football::almanac::FootballEvent;
use crate::home::HomeEvent;
use crate::ids::{AccountId, BetId, EntityId, Handle, MarketId, Runner, SessionId};
use crate::money::Pence;
use crate::order::{
    Answer, CancelledOrder, InstructionFault, LapseReason, Matched, NewOrder, OrderCommand,
    Persistence, Refusal,
};
use crate::price::{Price, StartingPrice};
use crate::reduction::Reduction;
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub entity: EntityId,
    /// The entity's own count of records, from 1, without holes.
    pub seq: u64,
    pub at: UtcMillis,
    /// When the entity, this record applied, next has something to do by itself.
    pub wake: Option<UtcMillis>,
    pub event: Event,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    #[serde(rename = "h")]
    Home(HomeEvent),
    #[serde(rename = "a")]
    Account(AccountEvent),
    #[serde(rename = "m")]
    Market(MarketEvent),
    #[serde(rename = "f")]
    Football(FootballEvent),
}

// ---------------------------------------------------------------------------------------- account

/// Which request of which login: kept with its answer so that a repeat never doubles. A session that was
/// restarted counts on in a later incarnation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RequestKey {
    pub session: SessionId,
    pub n: u64,
    /// The session has the answers of all its requests up to this number.
    pub answered_through: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccountEvent {
    /// Home's act `n`: every act's record also answers it.
    #[serde(rename = "1")]
    Opened { n: u64, currency: Currency, profile: AccountProfile },
    #[serde(rename = "2")]
    Deposited { n: u64, amount: Pence },
    #[serde(rename = "3")]
    Withdrew { n: u64, amount: Pence },
    #[serde(rename = "4")]
    Changed { n: u64, change: AccountChange },
    /// Home's act was refused; journaled so that the number is taken.
    #[serde(rename = "5")]
    ActRefused { n: u64, error: ActError },
    /// A command went out to a market as its number `n`; what it may lose is held from here on.
    #[serde(rename = "6")]
    Ordered(Ordered),
    /// The market's notice `k` was applied.
    #[serde(rename = "7")]
    Noticed(Noticed),
    /// The customer spoke: at `due` every order is cancelled unless they speak again before.
    #[serde(rename = "8")]
    Heartbeat { due: Option<UtcMillis> },
    /// They did not: these commands were sent to cancel, or given up.
    #[serde(rename = "9")]
    HeartbeatMissed { commands: Vec<(MarketId, u64)> },
    /// The customer limits themself, from `from` on.
    #[serde(rename = "10")]
    LimitSet { n: u64, change: LimitChange, from: UtcMillis },
    /// The customer wants no bets until then, or for good; what cancels their orders stands before it.
    #[serde(rename = "11")]
    Excluded { n: u64, until: Option<UtcMillis> },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ordered {
    /// `None` when the account itself acts (withdrawal of risk, self-exclusion).
    pub request: Option<RequestKey>,
    pub market: MarketId,
    /// With the account's first command to this market.
    pub terms: Option<MarketTerms>,
    pub n: u64,
    pub command: OrderCommand,
    /// Instructions of the request that failed here and were not sent on, by their position in it.
    pub faults: Vec<(u32, InstructionFault)>,
    /// Commands sent before and not answered yet that the account gives up with this one (cancel all).
    pub withdraws: Vec<u64>,
    /// The tickets' references by position, when any has one.
    pub references: Vec<Option<Box<str>>>,
    pub customer_ref: Option<Box<str>>,
    pub strategy_ref: Option<Box<str>>,
    /// The request goes on with further markets (cancel everything): it is answered by the last.
    pub more: bool,
    /// Held in this market from now on.
    pub exposure: Pence,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noticed {
    pub market: MarketId,
    pub k: u64,
    pub notice: Notice,
    /// Held in this market from now on.
    pub exposure: Pence,
    /// With a settlement, void or reversal: what moved.
    pub payment: Option<Payment>,
    /// With a runner's removal: what matched bets are worth now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reduced: Vec<Reduced>,
}

/// What one resolution of a market moved between its clearing account and a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    pub generation: u32,
    /// Profit or loss of each matched bet, rounded once.
    pub profits: Vec<(BetId, Pence)>,
    /// The sum of `profits`: from clearing to the customer.
    pub net: Pence,
    /// From the customer to the house.
    pub commission: Pence,
}

// ----------------------------------------------------------------------------------------- market

/// Who a market exchanges numbered messages with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CommandRef {
    pub account: AccountId,
    pub n: u64,
    /// The account has applied the market's notices up to this number.
    pub acknowledged: u64,
}

/// One order met another: `price` is the resting order's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    pub price: Price,
    pub size: Pence,
    pub account: AccountId,
    pub bet: BetId,
    /// Of the resting order; it goes when nothing of it remains.
    pub handle: Handle,
}

/// A new order, matched as far as it went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    pub order: NewOrder,
    pub fills: Vec<Fill>,
    /// Where the rest stands; the slot may have been kept for it since the bet delay began.
    pub rests: Option<Handle>,
    /// Why the rest, if any, does not rest.
    pub gone: Option<LapseReason>,
    /// What it met of bets on all other runners; only cross matched markets write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crossed: Option<Box<Crossings>>,
}

/// Virtual bets that one order was given, the best first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Crossings(pub Vec<Crossed>);

/// One virtual bet: the taker's part, and the bets on other runners that it was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crossed {
    pub price: Price,
    pub size: Pence,
    pub fills: Vec<Fill>,
}

/// (Part of) a resting or waiting order left the market by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lapsed {
    pub account: AccountId,
    pub bet: BetId,
    pub handle: Handle,
    pub size: Pence,
    pub reason: LapseReason,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MarketEvent {
    /// Home's act `n`: every act's record also answers it, a resolution's when it is through.
    #[serde(rename = "1")]
    Created { n: u64, definition: Box<MarketDefinition>, status: MarketStatus },
    #[serde(rename = "2")]
    ActRefused { n: u64, error: ActError },
    #[serde(rename = "3")]
    StatusChanged(StatusChanged),
    #[serde(rename = "4")]
    Placed { command: CommandRef, orders: Few<Taken> },
    /// In play: the orders wait until `until` and are validated again then.
    #[serde(rename = "5")]
    Delayed {
        command: CommandRef,
        until: UtcMillis,
        orders: Vec<(NewOrder, Handle)>,
        waiting: Delayed,
    },
    #[serde(rename = "6")]
    Cancelled {
        command: CommandRef,
        orders: Few<Result<(CancelledOrder, Handle), InstructionFault>>,
    },
    #[serde(rename = "7")]
    Replaced { command: CommandRef, orders: Vec<Replaced> },
    #[serde(rename = "8")]
    Updated {
        command: CommandRef,
        orders: Vec<Result<(BetId, Handle, Persistence), InstructionFault>>,
    },
    /// Nothing of the command was done.
    #[serde(rename = "9")]
    Refused { command: CommandRef, refusal: Refusal },
    /// The account gave command `n` up: never seen, it is refused for good; seen, what waits or rests of
    /// it goes.
    #[serde(rename = "10")]
    Withdrawn { command: CommandRef, lapsed: Vec<Lapsed> },
    /// Notices that accounts have applied, told outside a command.
    #[serde(rename = "11")]
    Acknowledged { accounts: Vec<(AccountId, u64)> },
    /// A settlement, void or reversal begins: accounts are told in credited chunks.
    #[serde(rename = "12")]
    Resolved { n: u64, generation: u32, resolution: Resolution, change: StatusChanged },
    /// These accounts are told next.
    #[serde(rename = "13")]
    ResolutionSent { accounts: Vec<AccountId> },
    /// These accounts have applied it, with what clearing paid each (negative: received).
    #[serde(rename = "14")]
    ResolutionPaid { payments: Vec<(AccountId, u64, Pence)> },
    /// Through: of what was left in clearing `crossed` is the exchange's own from cross matching, the rest
    /// is `rounding`.
    #[serde(rename = "15")]
    ResolutionClosed { generation: u32, rounding: Pence, crossed: Pence },
    /// More goes than one record holds: these go ahead of the act's own record, which takes the last.
    #[serde(rename = "16")]
    LapsedAhead { lapsed: Vec<Lapsed> },
    /// More changes than one record holds: what these orders come to when the act's own record, which says how
    /// many there are, follows. Until then they are nothing.
    #[serde(rename = "17")]
    Prepared(Prepared),
    /// The starting prices are made: what waited for them is matched or gone, and so is what of the book met
    /// it. Home's act `n` when one asked for it; else the turn in-play did, whose own record follows.
    #[serde(rename = "20")]
    Reconciled(Reconciled),
    /// A runner does not run: what is unmatched goes or changes, and everybody is told in chunks.
    #[serde(rename = "21")]
    RunnerRemoved(RunnerRemoved),
    #[serde(rename = "22")]
    KeyLine { n: u64, runners: Vec<Runner>, version: u64 },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunnerRemoved {
    pub n: u64,
    pub reduction: Reduction,
    /// The status meanwhile, and the one before, which returns.
    pub status: MarketStatus,
    pub resumes: MarketStatus,
    pub version: u64,
    /// The chances of the others from now on, of those that have one.
    pub factors: Vec<(Runner, u32)>,
    pub lapsed: Vec<Lapsed>,
    pub adjusted: Vec<Adjusted>,
    /// So many more were prepared, and come before these.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub prepared: u32,
}

/// Changes that do not fit into the record that makes them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Prepared {
    /// How many of this act came before; what an act that was cut off left behind is dropped with 0.
    pub after: u32,
    pub adjusted: Vec<Adjusted>,
    pub orders: Vec<AtClose>,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// An order that stays when a runner is removed: at another price, or with less to lose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjusted {
    pub account: AccountId,
    pub bet: BetId,
    pub handle: Handle,
    pub price: Price,
    /// Stake, or the liability of a lay that waits for the starting price.
    pub left: Pence,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciled {
    pub n: Option<u64>,
    pub status: MarketStatus,
    pub version: u64,
    /// In the order of the definition; removed runners have none.
    pub prices: Vec<(Runner, StartingPrice)>,
    pub orders: Vec<AtClose>,
    /// So many more were prepared, and come before these.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub prepared: u32,
}

/// One order at the reconciliation of its runner's starting price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AtClose {
    pub account: AccountId,
    pub handle: Handle,
    pub closed: ClosedBet,
}

/// What a bet came to at the starting price, as its account is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedBet {
    pub bet: BetId,
    /// What it brought to the starting price: the stake of a back, the liability of a lay. Zero for an order
    /// of the book, which met it and stays what it is.
    pub liability: Pence,
    /// Backers' stake.
    pub matched: Pence,
    /// Price times `matched`, hundredths of a penny, rounded down.
    pub value: i64,
    /// What is gone of `liability`, or of the stake of an order too small to bring any.
    pub lapsed: Pence,
    pub reason: LapseReason,
}

/// What waits for the bet delay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Delayed {
    #[serde(rename = "p")]
    Place(crate::order::Conditions),
    /// The cancel half is done at once, by position of the command; the placing half waits.
    #[serde(rename = "r")]
    Replace(crate::order::Conditions, Vec<Result<(CancelledOrder, Handle), InstructionFault>>),
}

/// One line of a replace in the market's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    pub cancelled: Result<(CancelledOrder, Handle), InstructionFault>,
    pub placed: Option<Result<Taken, InstructionFault>>,
}

/// Home's act `n`, when one asked for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusChanged {
    pub n: Option<u64>,
    pub status: MarketStatus,
    pub in_play: bool,
    pub bet_delay_s: u16,
    pub version: u64,
    /// The new last material version, when the change is material.
    pub material: bool,
    pub lapsed: Vec<Lapsed>,
    /// Of a suspension, where one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend_reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Resolution {
    #[serde(rename = "s")]
    Settled(Vec<(Runner, RunnerResult)>),
    #[serde(rename = "v")]
    Voided,
    /// Reverses the generation before.
    #[serde(rename = "u")]
    Unsettled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunnerResult {
    /// `of` runners share `places`: stakes win in the ratio places / of. Equal numbers win in full.
    #[serde(rename = "w")]
    Winner { places: u16, of: u16 },
    #[serde(rename = "l")]
    Loser,
    #[serde(rename = "r")]
    Removed,
    /// Each-way: placed without having won; `of` runners share `places`.
    #[serde(rename = "p")]
    Placed { places: u16, of: u16 },
    /// A quarter line: half of the stake wins, half comes back.
    #[serde(rename = "hw")]
    HalfWinner,
    /// The handicap met the score: stakes come back.
    #[serde(rename = "b")]
    Push,
    /// A quarter line: half of the stake is lost, half comes back.
    #[serde(rename = "hl")]
    HalfLoser,
    /// What was counted in a LINE market, in hundredths.
    #[serde(rename = "n")]
    Counted(i32),
}

// ------------------------------------------------------------------------------- market to account

/// What a market tells an account, numbered per (market, account) and repeated until acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// The answer to the account's command `n`.
    #[serde(rename = "a")]
    Answered { n: u64, answer: Answer },
    /// Command `n` waits for the bet delay; each order can be cancelled by its handle.
    #[serde(rename = "w")]
    Waiting { n: u64, orders: Vec<(BetId, Handle)> },
    /// Resting orders were met.
    #[serde(rename = "f")]
    Filled(Few<(BetId, Matched)>),
    #[serde(rename = "l")]
    Lapsed(Vec<(BetId, Pence, LapseReason)>),
    /// How the market ended, or that the end was taken back.
    #[serde(rename = "r")]
    Resolved { generation: u32, resolution: Resolution },
    /// The starting prices are made.
    #[serde(rename = "c")]
    Closed(Vec<ClosedBet>),
    /// A runner is being removed: unmatched orders on others have another price, or less to lose.
    #[serde(rename = "j")]
    Adjusted(Vec<(BetId, Price, Pence)>),
    /// A runner is removed: bets on it are void, and those matched before on others are reduced.
    #[serde(rename = "v")]
    RunnerRemoved(Reduction),
}

/// A matched bet on another runner than the removed one: what its parts are worth now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reduced {
    pub bet: BetId,
    pub parts: Vec<Matched>,
}
