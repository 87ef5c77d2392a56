//! What a customer may ask of a market, and how each part of it may be answered.
//!
//! Three layers say the same order with more and more known: the customer's [`Ticket`], the account's
//! [`NewOrder`] (a bet id has been taken) and the market's [`Taken`] (it has been matched and rests).

use crate::few::Few;
use crate::ids::{BetId, Handle, Runner};
use crate::money::Pence;
use crate::price::Price;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Side {
    #[serde(rename = "b")]
    Back,
    #[serde(rename = "l")]
    Lay,
}

impl Side {
    pub fn opposite(self) -> Side {
        match self {
            Side::Back => Side::Lay,
            Side::Lay => Side::Back,
        }
    }
}

/// What becomes of an unmatched order when the market turns in-play.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Persistence {
    #[default]
    #[serde(rename = "l")]
    Lapse,
    #[serde(rename = "p")]
    Persist,
    /// Becomes a starting-price order.
    #[serde(rename = "c")]
    MarketOnClose,
}

/// How much of an order must be matched at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum TimeInForce {
    /// What is not matched rests.
    #[default]
    #[serde(rename = "r")]
    Rest,
    /// At least `min_fill` (everything when absent) is matched at once, at a volume-weighted price no
    /// worse than the limit, or nothing is; what is left is cancelled.
    #[serde(rename = "k")]
    FillOrKill { min_fill: Option<Pence> },
}

/// When an order is matched, and so what its size means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum OrderKind {
    /// From now on, at its price or better: `size` is the backer's stake.
    #[default]
    #[serde(rename = "l")]
    Limit,
    /// A limit order whose backer is to get so much back in all, the stake included.
    #[serde(rename = "p")]
    Payout(Pence),
    /// A limit order whose backer is to win so much.
    #[serde(rename = "b")]
    BackersProfit(Pence),
    /// At the starting price, if that is no worse than `price`: `size` is what may be lost, the stake of a
    /// back or the liability of a lay.
    #[serde(rename = "o")]
    LimitOnClose,
    /// At the starting price, whatever it is: `size` as above, `price` the end of the ladder.
    #[serde(rename = "m")]
    MarketOnClose,
}

/// The three kinds that a bet can be of once its stake is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum OrderType {
    #[default]
    #[serde(rename = "l")]
    Limit,
    #[serde(rename = "o")]
    LimitOnClose,
    #[serde(rename = "m")]
    MarketOnClose,
}

impl OrderKind {
    pub fn order_type(self) -> OrderType {
        match self {
            OrderKind::Limit | OrderKind::Payout(_) | OrderKind::BackersProfit(_) => {
                OrderType::Limit
            }
            OrderKind::LimitOnClose => OrderType::LimitOnClose,
            OrderKind::MarketOnClose => OrderType::MarketOnClose,
        }
    }

    /// It waits for the starting price.
    pub fn is_on_close(self) -> bool {
        matches!(self, OrderKind::LimitOnClose | OrderKind::MarketOnClose)
    }

    /// What the backer is to get back or win, if that is what the order says.
    pub fn target(self) -> Option<Pence> {
        match self {
            OrderKind::Payout(target) | OrderKind::BackersProfit(target) => Some(target),
            _ => None,
        }
    }

    /// What each penny of stake at `price` adds to the target, in hundredths of a penny.
    pub fn yields(self, price: Price) -> i128 {
        match self {
            OrderKind::BackersProfit(_) => i128::from(price.0) - 100,
            _ => i128::from(price.0),
        }
    }

    /// The stake that reaches the target at `price`, rounded down; `None` without a target, or when no
    /// amount of money would.
    pub fn stake_at(self, price: Price) -> Option<Pence> {
        let target = 100 * i128::from(self.target()?.0);
        let stake = target.checked_div(self.yields(price))?;
        i64::try_from(stake).ok().map(Pence)
    }

    /// The stake at `price` that risks no less than any which reaches the target at better prices: what a lay
    /// of the stake, which was rounded down, leaves of its target may be lost there too.
    pub fn risked_stake(self, side: Side, price: Price, stake: Pence) -> Pence {
        let exact = self.target().is_none_or(|target| {
            (100 * i128::from(target.0)).checked_rem(self.yields(price)) == Some(0)
        });
        if side == Side::Back || exact { stake } else { stake + Pence(1) }
    }

    fn is_limit(&self) -> bool {
        *self == OrderKind::Limit
    }
}

/// An order as the customer writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    pub runner: Runner,
    pub side: Side,
    pub kind: OrderKind,
    /// The limit; nothing for a market-on-close order.
    pub price: Price,
    /// What the kind says; nothing when it names a target.
    pub size: Pence,
    pub persistence: Persistence,
    pub time_in_force: TimeInForce,
    /// The customer's own name for the order, kept over replace.
    pub reference: Option<Box<str>>,
}

/// An order as the account sends it on. With a target, `size` is the stake that reaches it at the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NewOrder {
    pub bet: BetId,
    pub runner: Runner,
    pub side: Side,
    pub price: Price,
    pub size: Pence,
    pub persistence: Persistence,
    pub time_in_force: TimeInForce,
    /// Most orders are plain limits, and write nothing.
    #[serde(default, skip_serializing_if = "OrderKind::is_limit")]
    pub kind: OrderKind,
}

impl NewOrder {
    /// The largest stake that may come of it: a lay with a target grows as it is met at better prices.
    pub fn largest_stake(&self) -> Pence {
        match (self.kind.target(), self.side) {
            (Some(_), Side::Lay) => self.kind.stake_at(Price::MIN).unwrap_or(Pence(i64::MAX / 4)),
            _ => self.size,
        }
    }
}

/// What an account asks of a market. Numbered per (account, market); a batch of `Place` is all or none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderCommand {
    #[serde(rename = "p")]
    Place { orders: Few<NewOrder>, conditions: Conditions },
    #[serde(rename = "c")]
    Cancel {
        orders: Few<CancelOrder>,
        /// What waits for the starting price too, which no customer can take back: it is the account itself
        /// that asks.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        on_close: bool,
    },
    /// Cancels each bet and places its remainder at the new price under the new id.
    #[serde(rename = "r")]
    Replace { orders: Vec<ReplaceOrder>, conditions: Conditions },
    /// Changes persistence.
    #[serde(rename = "u")]
    Update { orders: Vec<UpdateOrder> },
}

/// What the customer made a placement depend on, and what their account allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditions {
    /// Refuse if a material change has passed this version of the market.
    pub market_version: Option<u64>,
    /// Off: an order that a better price is waiting for lapses instead of being improved.
    pub best_execution: bool,
    /// Off: an order that would meet the account's own is refused.
    pub self_match: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelOrder {
    pub bet: BetId,
    pub handle: Handle,
    /// How much to take off; `None` or more than what remains takes all.
    pub reduction: Option<Pence>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplaceOrder {
    pub bet: BetId,
    pub handle: Handle,
    pub new_bet: BetId,
    pub new_price: Price,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateOrder {
    pub bet: BetId,
    pub handle: Handle,
    pub persistence: Persistence,
}

/// Stake matched at a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matched {
    pub price: Price,
    pub size: Pence,
}

/// Why an order's remainder went without the customer asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LapseReason {
    /// The market was suspended with lapse, or while the order waited for the bet delay.
    MarketSuspended,
    /// The market turned in-play and the order did not persist.
    TurnedInPlay,
    /// The market was settled or voided.
    MarketClosed,
    /// A material change passed the version that the order named.
    MarketVersion,
    /// A better price was waiting and the account has best execution switched off.
    PriceImprovementTooLarge,
    /// When its bet delay was over it would have met one of the account's own orders, and the account has
    /// that switched off.
    SelfMatch,
    RunnerRemoved,
    /// The starting price was worse than the limit, or nobody was left to meet at it.
    StartingPrice,
    /// What was left to convert to a starting-price lay was less than the smallest liability allowed.
    SmallStake,
    /// Fill or kill: what could not be matched at once.
    Killed,
    /// The account withdrew the command (deadline, self-exclusion).
    Withdrawn,
}

/// One order of a placement as the market took it: matched as far as it went, the rest resting or gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedOrder {
    pub bet: BetId,
    pub matched: Vec<Matched>,
    pub remainder: Remainder,
}

/// What became of the part that was not matched at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Remainder {
    /// Everything was matched.
    #[serde(rename = "n")]
    None,
    #[serde(rename = "r")]
    Rests { handle: Handle, size: Pence },
    #[serde(rename = "g")]
    Gone { size: Pence, reason: LapseReason },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelledOrder {
    pub bet: BetId,
    pub size: Pence,
}

/// One line of a replace: the cancel half, then (if it went through) the placing half.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplacedOrder {
    pub cancelled: Result<CancelledOrder, InstructionFault>,
    /// `None` when nothing was cancelled.
    pub placed: Option<Result<PlacedOrder, InstructionFault>>,
}

/// A bet whose instruction failed, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstructionFault {
    pub bet: BetId,
    pub error: InstructionError,
}

/// The market's journaled answer to one numbered command: only this frees a hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    #[serde(rename = "p")]
    Placed(Few<PlacedOrder>),
    #[serde(rename = "c")]
    Cancelled(Few<Result<CancelledOrder, InstructionFault>>),
    #[serde(rename = "r")]
    Replaced(Vec<ReplacedOrder>),
    #[serde(rename = "u")]
    Updated(Vec<Result<BetId, InstructionFault>>),
    /// Nothing of the command was done.
    #[serde(rename = "x")]
    Refused(Refusal),
}

/// Why nothing of a command was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    pub error: ExecutionError,
    /// For each instruction its own error: the culprit's, or `ErrorInOrder` for the innocent. Empty when
    /// the whole command is at fault.
    pub instructions: Vec<InstructionError>,
}

impl Refusal {
    /// The whole command is at fault; its instructions are innocent.
    pub fn whole(error: ExecutionError, instructions: usize) -> Self {
        Refusal { error, instructions: vec![InstructionError::ErrorInOrder; instructions] }
    }

    /// The instruction at `culprit` is at fault.
    pub fn of(culprit: usize, error: InstructionError, instructions: usize) -> Self {
        let mut refusal = Refusal::whole(ExecutionError::BetActionError, instructions);
        refusal.instructions[culprit] = error;
        refusal
    }
}

/// Why a whole command failed. The names are the exchange's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExecutionError {
    /// An instruction is at fault: see its own error.
    BetActionError,
    ProcessedWithErrors,
    ErrorInMatcher,
    InvalidAccountState,
    InsufficientFunds,
    LossLimitExceeded,
    MarketSuspended,
    MarketNotOpenForBetting,
    DuplicateTransaction,
    InvalidOrder,
    InvalidMarketId,
    PermissionDenied,
    DuplicateBetIds,
    NoActionRequired,
    /// The node is read-only, busy, or the market is quarantined: nothing was done, try later.
    ServiceUnavailable,
    TooManyInstructions,
    InvalidMarketVersion,
    InvalidProfitRatio,
    /// Withdrawn at the account's deadline before the market had seen it.
    Timeout,
}

/// Why one instruction failed. The names are the exchange's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum InstructionError {
    /// Innocent: another instruction, or the whole command, is at fault.
    ErrorInOrder,
    InvalidBetSize,
    InvalidRunner,
    BetTakenOrLapsed,
    BetInProgress,
    RunnerRemoved,
    MarketNotOpenForBetting,
    /// The market has no starting price, or has it already.
    MarketNotOpenForBspBetting,
    LossLimitExceeded,
    InvalidOdds,
    /// The limit of a starting-price order may only become easier to meet.
    InvalidPriceEdit,
    InsufficientFunds,
    InvalidPersistenceType,
    InvalidBackLayCombination,
    InvalidBetId,
    CancelledNotPlaced,
    RelatedActionFailed,
    NoActionRequired,
    TimeInForceConflict,
    UnexpectedPersistenceType,
    InvalidOrderType,
    UnexpectedMinFillSize,
    InvalidCustomerOrderRef,
    InvalidCustomerStrategyRef,
    InvalidMinFillSize,
    BetLapsedPriceImprovementTooLarge,
}
