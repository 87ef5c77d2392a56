//! What a session asks of its customer's account, and what it is told in the end.

use crate::definition::MarketTerms;
use crate::ids::{BetId, MarketId};
use crate::money::Pence;
use crate::order::{ExecutionError, InstructionError, Persistence, Ticket};
use crate::price::Price;
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};

/// The most instructions that one request may name.
pub const MAX_INSTRUCTIONS: usize = 200;

/// A customer's request that may change something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerRequest {
    /// Refused as a duplicate within the window of the account, per kind of request.
    pub customer_ref: Option<Box<str>>,
    pub body: RequestBody,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RequestBody {
    /// All or none.
    Place {
        market: MarketId,
        terms: MarketTerms,
        tickets: Vec<Ticket>,
        strategy_ref: Option<Box<str>>,
        market_version: Option<u64>,
    },
    Cancel(CancelScope),
    Replace {
        market: MarketId,
        orders: Vec<(BetId, Price)>,
        market_version: Option<u64>,
    },
    Update {
        market: MarketId,
        orders: Vec<(BetId, Persistence)>,
    },
}

impl RequestBody {
    /// The one market that it is about.
    pub fn market(&self) -> Option<MarketId> {
        match self {
            RequestBody::Place { market, .. }
            | RequestBody::Replace { market, .. }
            | RequestBody::Update { market, .. }
            | RequestBody::Cancel(CancelScope::Market(market) | CancelScope::Bets { market, .. }) => {
                Some(*market)
            }
            RequestBody::Cancel(CancelScope::Everything) => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CancelScope {
    /// Every unmatched order in every market.
    Everything,
    Market(MarketId),
    /// Each bet wholly, or by the reduction.
    Bets {
        market: MarketId,
        orders: Vec<(BetId, Option<Pence>)>,
    },
}

/// How a request ended: one line for each instruction, and an error when the whole of it failed or was
/// only partly done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    Placed(Execution<PlaceReport>),
    Cancelled(Execution<CancelReport>),
    Replaced(Execution<ReplaceReport>),
    Updated(Execution<UpdateReport>),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution<T> {
    /// `None`: everything was done. `ProcessedWithErrors`: some instructions failed. Else nothing was done.
    pub error: Option<ExecutionError>,
    pub reports: Vec<T>,
}

pub type PlaceReport = Result<PlacedBet, InstructionError>;
pub type UpdateReport = Result<BetId, (BetId, InstructionError)>;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedBet {
    pub bet: BetId,
    pub placed_at: UtcMillis,
    pub size_matched: Pence,
    /// Sum of price times size over the matches, hundredths of a penny: the average is its quotient by
    /// `size_matched`.
    pub matched_times_price: i128,
    pub end: PlacedEnd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlacedEnd {
    /// Something rests.
    Executable,
    ExecutionComplete,
    /// Fill or kill, and it was killed.
    Expired,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelReport {
    pub market: MarketId,
    pub bet: BetId,
    pub result: Result<CancelledBet, InstructionError>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelledBet {
    pub size: Pence,
    pub at: UtcMillis,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplaceReport {
    pub cancel: CancelReport,
    /// `None` when nothing was cancelled.
    pub place: Option<ReplacedBet>,
    pub error: Option<InstructionError>,
}

/// The placing half of a replace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplacedBet {
    /// The new order as if the customer had written it: of the old one's remainder.
    pub ticket: Ticket,
    pub report: PlaceReport,
}
