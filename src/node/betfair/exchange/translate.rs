//! The exchange's words and Betfair's, one for the other.

use domain::definition::{BetDelayModel, BettingType, MarketStatus};
use domain::ids::{BetId, MarketId, Runner, SelectionId};
use domain::ladder::Ladder;
use domain::money::Pence;
use domain::order::{ExecutionError, InstructionError, LapseReason, OrderType, Persistence, Side};
use domain::price::{ExactPrice, Price};
use domain::record::RunnerResult;
use domain::time::UtcMillis;
use std::collections::BTreeSet;

use crate::betfair::dates::Date;
use crate::betfair::decimal::Hundredths;
use crate::betfair::words;

pub(super) fn money(amount: Pence) -> Hundredths {
    Hundredths(amount.0)
}

pub(super) fn price(price: Price) -> Hundredths {
    Hundredths(i64::from(price.0))
}

/// A price of millionths, as a double.
pub(super) fn exact(price: ExactPrice) -> f64 {
    f64::from(price.0) / 1_000_000.0
}

pub(super) fn date(at: UtcMillis) -> Date {
    Date(at.0)
}

/// An average price, unrounded: `sum` is price times size in hundredths of a penny.
pub(crate) fn average(sum: i128, size: Pence) -> f64 {
    match size {
        Pence::ZERO => 0.0,
        size => sum as f64 / size.0 as f64 / 100.0,
    }
}

/// `None` when no market can have this id.
pub(super) fn market_id(text: &str) -> Option<MarketId> {
    text.parse().ok()
}

/// `None` when no bet can have this id.
pub(super) fn bet_id(text: &str) -> Option<BetId> {
    text.parse().ok().map(BetId)
}

/// A runner as the wire names it; an id that no runner can have leads to one that no market has.
pub(super) fn runner(selection: i64, handicap: i64) -> Runner {
    Runner {
        selection: SelectionId(u64::try_from(selection).unwrap_or(u64::MAX)),
        handicap: i32::try_from(handicap).unwrap_or(i32::MAX),
    }
}

pub(crate) fn selection(runner: Runner) -> i64 {
    i64::try_from(runner.selection.0).unwrap_or(i64::MAX)
}

pub(super) fn handicap(runner: Runner) -> Hundredths {
    Hundredths(i64::from(runner.handicap))
}

pub(super) fn side(side: words::Side) -> Side {
    match side {
        words::Side::Back => Side::Back,
        words::Side::Lay => Side::Lay,
    }
}

pub(super) fn side_word(side: Side) -> words::Side {
    match side {
        Side::Back => words::Side::Back,
        Side::Lay => words::Side::Lay,
    }
}

pub(super) fn persistence(persistence: words::PersistenceType) -> Persistence {
    match persistence {
        words::PersistenceType::Lapse => Persistence::Lapse,
        words::PersistenceType::Persist => Persistence::Persist,
        words::PersistenceType::MarketOnClose => Persistence::MarketOnClose,
    }
}

pub(super) fn persistence_word(persistence: Persistence) -> words::PersistenceType {
    match persistence {
        Persistence::Lapse => words::PersistenceType::Lapse,
        Persistence::Persist => words::PersistenceType::Persist,
        Persistence::MarketOnClose => words::PersistenceType::MarketOnClose,
    }
}

pub(super) fn order_type_word(order_type: OrderType) -> words::OrderType {
    match order_type {
        OrderType::Limit => words::OrderType::Limit,
        OrderType::LimitOnClose => words::OrderType::LimitOnClose,
        OrderType::MarketOnClose => words::OrderType::MarketOnClose,
    }
}

pub(crate) fn status_word(status: MarketStatus) -> words::MarketStatus {
    match status {
        MarketStatus::Inactive => words::MarketStatus::Inactive,
        MarketStatus::Open => words::MarketStatus::Open,
        MarketStatus::Suspended => words::MarketStatus::Suspended,
        MarketStatus::Closed => words::MarketStatus::Closed,
    }
}

pub(crate) fn bet_delay_word(model: BetDelayModel) -> &'static str {
    match model {
        BetDelayModel::Passive => "PASSIVE",
        BetDelayModel::Dynamic => "DYNAMIC",
    }
}

pub(crate) fn bet_delay_words(models: &BTreeSet<BetDelayModel>) -> Vec<&'static str> {
    models.iter().copied().map(bet_delay_word).collect()
}

pub(crate) fn betting_type_word(betting: BettingType) -> words::MarketBettingType {
    match betting {
        BettingType::Odds => words::MarketBettingType::Odds,
        BettingType::Line => words::MarketBettingType::Line,
        BettingType::AsianHandicapDoubleLine => words::MarketBettingType::AsianHandicapDoubleLine,
        BettingType::AsianHandicapSingleLine => words::MarketBettingType::AsianHandicapSingleLine,
    }
}

pub(crate) fn ladder_word(ladder: Ladder) -> &'static str {
    match ladder {
        Ladder::Classic => "CLASSIC",
        Ladder::Finest => "FINEST",
        Ladder::Lines(_) => "LINE_RANGE",
    }
}

/// A runner of an open market is active; one of a settled market has its result.
pub(crate) fn runner_word(result: Option<RunnerResult>) -> words::RunnerStatus {
    match result {
        None => words::RunnerStatus::Active,
        // A line has neither winners nor losers; the original shows its runner as the winner.
        Some(RunnerResult::Winner { .. } | RunnerResult::HalfWinner | RunnerResult::Counted(_)) => {
            words::RunnerStatus::Winner
        }
        Some(RunnerResult::Loser | RunnerResult::HalfLoser) => words::RunnerStatus::Loser,
        Some(RunnerResult::Placed { .. }) => words::RunnerStatus::Placed,
        // Stakes came back, as on a runner that did not run.
        Some(RunnerResult::Removed | RunnerResult::Push) => words::RunnerStatus::Removed,
    }
}

pub(crate) fn lapse_word(reason: LapseReason) -> &'static str {
    match reason {
        LapseReason::MarketSuspended | LapseReason::MarketClosed => "MKT_SUSPENDED",
        LapseReason::TurnedInPlay | LapseReason::StartingPrice => "SP_IN_PLAY",
        LapseReason::SmallStake => "SMALL_STAKE",
        LapseReason::MarketVersion => "MKT_VERSION",
        LapseReason::PriceImprovementTooLarge => "PRICE_IMP_TOO_LARGE",
        LapseReason::RunnerRemoved => "RNR_UNKNOWN",
        LapseReason::Killed | LapseReason::Withdrawn => "TIME_ELAPSED",
        LapseReason::SelfMatch => "MKT_INVALID",
    }
}

/// The word for the whole of a report.
pub(super) fn report_error(error: ExecutionError) -> words::ReportError {
    use words::ReportError as Word;
    match error {
        ExecutionError::BetActionError => Word::BetActionError,
        ExecutionError::ProcessedWithErrors => Word::ProcessedWithErrors,
        ExecutionError::ErrorInMatcher => Word::ErrorInMatcher,
        ExecutionError::InvalidAccountState => Word::InvalidAccountState,
        ExecutionError::InsufficientFunds => Word::InsufficientFunds,
        ExecutionError::LossLimitExceeded => Word::LossLimitExceeded,
        ExecutionError::MarketSuspended => Word::MarketSuspended,
        ExecutionError::MarketNotOpenForBetting => Word::MarketNotOpenForBetting,
        ExecutionError::DuplicateTransaction => Word::DuplicateTransaction,
        ExecutionError::InvalidOrder => Word::InvalidOrder,
        ExecutionError::InvalidMarketId => Word::InvalidMarketId,
        ExecutionError::PermissionDenied => Word::PermissionDenied,
        ExecutionError::DuplicateBetIds => Word::DuplicateBetids,
        ExecutionError::NoActionRequired => Word::NoActionRequired,
        ExecutionError::ServiceUnavailable | ExecutionError::Timeout => Word::ServiceUnavailable,
        ExecutionError::TooManyInstructions => Word::TooManyInstructions,
        ExecutionError::InvalidMarketVersion => Word::InvalidMarketVersion,
        ExecutionError::InvalidProfitRatio => Word::InvalidProfitRatio,
    }
}

/// The word for one instruction.
pub(super) fn instruction_error(error: InstructionError) -> words::InstructionError {
    use InstructionError as Error;
    use words::InstructionError as Word;
    match error {
        Error::ErrorInOrder => Word::ErrorInOrder,
        Error::InvalidBetSize => Word::InvalidBetSize,
        Error::InvalidRunner => Word::InvalidRunner,
        Error::BetTakenOrLapsed => Word::BetTakenOrLapsed,
        Error::BetInProgress => Word::BetInProgress,
        Error::RunnerRemoved => Word::RunnerRemoved,
        Error::MarketNotOpenForBetting => Word::MarketNotOpenForBetting,
        Error::MarketNotOpenForBspBetting => Word::MarketNotOpenForBspBetting,
        Error::InvalidPriceEdit => Word::InvalidPriceEdit,
        Error::LossLimitExceeded => Word::LossLimitExceeded,
        Error::InvalidOdds => Word::InvalidOdds,
        Error::InsufficientFunds => Word::InsufficientFunds,
        Error::InvalidPersistenceType => Word::InvalidPersistenceType,
        Error::InvalidBackLayCombination => Word::InvalidBackLayCombination,
        Error::InvalidBetId => Word::InvalidBetId,
        Error::CancelledNotPlaced => Word::CancelledNotPlaced,
        Error::RelatedActionFailed => Word::RelatedActionFailed,
        Error::NoActionRequired => Word::NoActionRequired,
        Error::TimeInForceConflict => Word::TimeInForceConflict,
        Error::UnexpectedPersistenceType => Word::UnexpectedPersistenceType,
        Error::InvalidOrderType => Word::InvalidOrderType,
        Error::UnexpectedMinFillSize => Word::UnexpectedMinFillSize,
        Error::InvalidCustomerOrderRef => Word::InvalidCustomerOrderRef,
        Error::InvalidCustomerStrategyRef => Word::InvalidCustomerStrategyRef,
        Error::InvalidMinFillSize => Word::InvalidMinFillSize,
        Error::BetLapsedPriceImprovementTooLarge => Word::BetLapsedPriceImprovementTooLarge,
    }
}
