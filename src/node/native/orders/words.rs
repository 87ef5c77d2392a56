//! The exchange's refusals in this channel's words: a code for programs and the field that it is about.

use domain::order::{ExecutionError, InstructionError};

/// A code, and the field of the message that it is about.
pub(super) type Word = (&'static str, Option<&'static str>);

pub(super) fn of_execution(error: ExecutionError) -> Word {
    match error {
        ExecutionError::BetActionError => ("bet_action_error", None),
        ExecutionError::ProcessedWithErrors => ("processed_with_errors", None),
        ExecutionError::ErrorInMatcher => ("error_in_matcher", None),
        ExecutionError::InvalidAccountState => ("invalid_account_state", None),
        ExecutionError::InsufficientFunds => ("insufficient_funds", None),
        ExecutionError::LossLimitExceeded => ("loss_limit_exceeded", None),
        ExecutionError::MarketSuspended => ("market_suspended", None),
        ExecutionError::MarketNotOpenForBetting => ("market_not_open", None),
        ExecutionError::DuplicateTransaction => ("duplicate_transaction", Some("customer_ref")),
        ExecutionError::InvalidOrder => ("invalid_order", None),
        ExecutionError::InvalidMarketId => ("invalid_market", Some("market")),
        ExecutionError::PermissionDenied => ("permission_denied", None),
        ExecutionError::DuplicateBetIds => ("duplicate_bets", Some("bet")),
        ExecutionError::NoActionRequired => ("no_action_required", None),
        ExecutionError::ServiceUnavailable => BUSY,
        ExecutionError::TooManyInstructions => ("too_many_instructions", None),
        ExecutionError::InvalidMarketVersion => ("invalid_market_version", Some("market_version")),
        ExecutionError::InvalidProfitRatio => ("invalid_profit_ratio", Some("size")),
        ExecutionError::Timeout => ("withdrawn", None),
    }
}

pub(super) fn of_instruction(error: InstructionError) -> Word {
    match error {
        InstructionError::ErrorInOrder => ("error_in_order", None),
        InstructionError::InvalidBetSize => ("invalid_size", Some("size")),
        InstructionError::InvalidRunner => ("invalid_runner", Some("selection")),
        InstructionError::BetTakenOrLapsed => ("bet_taken_or_lapsed", Some("bet")),
        InstructionError::BetInProgress => ("bet_in_progress", Some("bet")),
        InstructionError::RunnerRemoved => ("runner_removed", Some("selection")),
        InstructionError::MarketNotOpenForBetting => ("market_not_open", None),
        InstructionError::LossLimitExceeded => ("loss_limit_exceeded", None),
        InstructionError::InvalidOdds => ("invalid_price", Some("price")),
        InstructionError::InsufficientFunds => ("insufficient_funds", None),
        InstructionError::InvalidPersistenceType => ("invalid_persistence", Some("persistence")),
        InstructionError::InvalidBackLayCombination => ("invalid_back_lay_combination", None),
        InstructionError::InvalidBetId => ("invalid_bet", Some("bet")),
        InstructionError::CancelledNotPlaced => ("cancelled_not_placed", None),
        InstructionError::RelatedActionFailed => ("related_action_failed", None),
        InstructionError::NoActionRequired => ("no_action_required", None),
        InstructionError::TimeInForceConflict => ("fill_conflict", Some("fill")),
        InstructionError::UnexpectedPersistenceType => {
            ("unexpected_persistence", Some("persistence"))
        }
        InstructionError::InvalidOrderType => ("invalid_order", None),
        InstructionError::UnexpectedMinFillSize => ("unexpected_fill", Some("fill")),
        InstructionError::InvalidCustomerOrderRef => ("invalid_order_ref", Some("order_ref")),
        InstructionError::InvalidCustomerStrategyRef => {
            ("invalid_strategy_ref", Some("strategy_ref"))
        }
        InstructionError::InvalidMinFillSize => ("invalid_fill", Some("fill")),
        InstructionError::MarketNotOpenForBspBetting => ("market_not_open_for_bsp", None),
        InstructionError::InvalidPriceEdit => ("invalid_price_edit", Some("price")),
        InstructionError::BetLapsedPriceImprovementTooLarge => {
            ("price_improvement_too_large", Some("price"))
        }
    }
}

/// Nothing was done; the same may be asked again later.
pub(super) const BUSY: Word = ("busy", None);
pub(super) const SESSION_OVER: Word = ("session_over", None);
/// It may have been done, or not.
pub(super) const UNKNOWN: Word = ("unknown", None);
