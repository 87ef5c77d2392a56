//! The enumerations of the wire. What one means to the exchange is said where it is translated.

use serde::{Serialize, Serializer};

use super::coerce::Word;

/// Defines an enumeration by its words; it is read and written by exactly these.
macro_rules! words {
    ($($(#[$about:meta])* $name:ident { $($variant:ident = $word:literal,)* })*) => {$(
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $(
            #[doc = concat!("`", $word, "`")]
            $variant,
        )* }

        impl $name {
            /// The word on the wire.
            pub fn word(self) -> &'static str {
                match self { $($name::$variant => $word,)* }
            }
        }

        impl Word for $name {
            const WORDS: &'static [&'static str] = &[$($word),*];

            fn from_word(word: &str) -> Option<$name> {
                match word { $($word => Some($name::$variant),)* _ => None }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.word())
            }
        }
    )*};
}

words! {
    /// Which items of a statement.
    IncludeItem {
        All = "ALL",
        DepositsWithdrawals = "DEPOSITS_WITHDRAWALS",
        Exchange = "EXCHANGE",
        PokerRoom = "POKER_ROOM",
    }
    /// For or against a runner.
    Side { Back = "BACK", Lay = "LAY", }
    /// How an order wants to be matched.
    OrderType {
        Limit = "LIMIT",
        LimitOnClose = "LIMIT_ON_CLOSE",
        MarketOnClose = "MARKET_ON_CLOSE",
    }
    /// What becomes of the rest when the market turns in play.
    PersistenceType { Lapse = "LAPSE", Persist = "PERSIST", MarketOnClose = "MARKET_ON_CLOSE", }
    /// Now or not at all.
    TimeInForce { FillOrKill = "FILL_OR_KILL", }
    /// What a target order aims at instead of a stake.
    BetTargetType { BackersProfit = "BACKERS_PROFIT", Payout = "PAYOUT", }
    /// Where an order stands.
    OrderStatus {
        Pending = "PENDING",
        ExecutionComplete = "EXECUTION_COMPLETE",
        Executable = "EXECUTABLE",
        Expired = "EXPIRED",
    }
    /// Which orders are asked for.
    OrderProjection {
        All = "ALL",
        Executable = "EXECUTABLE",
        ExecutionComplete = "EXECUTION_COMPLETE",
    }
    /// How fills are gathered in a market book.
    MatchProjection {
        NoRollup = "NO_ROLLUP",
        RolledUpByPrice = "ROLLED_UP_BY_PRICE",
        RolledUpByAvgPrice = "ROLLED_UP_BY_AVG_PRICE",
    }
    /// How bets of a market work.
    MarketBettingType {
        Odds = "ODDS",
        Line = "LINE",
        Range = "RANGE",
        AsianHandicapDoubleLine = "ASIAN_HANDICAP_DOUBLE_LINE",
        AsianHandicapSingleLine = "ASIAN_HANDICAP_SINGLE_LINE",
        FixedOdds = "FIXED_ODDS",
    }
    /// Parts of a catalogue entry.
    MarketProjection {
        Competition = "COMPETITION",
        Event = "EVENT",
        EventType = "EVENT_TYPE",
        MarketStartTime = "MARKET_START_TIME",
        MarketDescription = "MARKET_DESCRIPTION",
        RunnerDescription = "RUNNER_DESCRIPTION",
        RunnerMetadata = "RUNNER_METADATA",
    }
    /// Order of a catalogue.
    MarketSort {
        MinimumTraded = "MINIMUM_TRADED",
        MaximumTraded = "MAXIMUM_TRADED",
        MinimumAvailable = "MINIMUM_AVAILABLE",
        MaximumAvailable = "MAXIMUM_AVAILABLE",
        FirstToStart = "FIRST_TO_START",
        LastToStart = "LAST_TO_START",
    }
    /// Length of the spans that starts are counted by.
    TimeGranularity { Days = "DAYS", Hours = "HOURS", Minutes = "MINUTES", }
    /// Parts of a market book.
    PriceData {
        SpAvailable = "SP_AVAILABLE",
        SpTraded = "SP_TRADED",
        ExBestOffers = "EX_BEST_OFFERS",
        ExAllOffers = "EX_ALL_OFFERS",
        ExTraded = "EX_TRADED",
    }
    /// How small amounts are merged into the next price.
    RollupModel {
        Stake = "STAKE",
        Payout = "PAYOUT",
        ManagedLiability = "MANAGED_LIABILITY",
        None = "NONE",
    }
    /// Status of a market.
    MarketStatus {
        Inactive = "INACTIVE",
        Open = "OPEN",
        Suspended = "SUSPENDED",
        Closed = "CLOSED",
    }
    /// Status of a runner.
    RunnerStatus {
        Active = "ACTIVE",
        Winner = "WINNER",
        Loser = "LOSER",
        Placed = "PLACED",
        RemovedVacant = "REMOVED_VACANT",
        Removed = "REMOVED",
        Hidden = "HIDDEN",
    }
    /// How a bet ended, as asked for.
    BetStatus {
        Settled = "SETTLED",
        Voided = "VOIDED",
        Lapsed = "LAPSED",
        Cancelled = "CANCELLED",
    }
    /// What cleared bets are added up by.
    GroupBy {
        EventType = "EVENT_TYPE",
        Event = "EVENT",
        Market = "MARKET",
        Side = "SIDE",
        Bet = "BET",
        Runner = "RUNNER",
        Strategy = "STRATEGY",
    }
    /// Order of current orders; some also filter.
    OrderBy {
        Bet = "BY_BET",
        Market = "BY_MARKET",
        MatchTime = "BY_MATCH_TIME",
        PlaceTime = "BY_PLACE_TIME",
        SettledTime = "BY_SETTLED_TIME",
        VoidTime = "BY_VOID_TIME",
    }
    /// Direction of that order.
    SortDir { EarliestToLatest = "EARLIEST_TO_LATEST", LatestToEarliest = "LATEST_TO_EARLIEST", }
    /// Whose wallet; there is one.
    Wallet { Uk = "UK", Australian = "AUSTRALIAN", }
    /// The whole of a report.
    ReportStatus {
        Success = "SUCCESS",
        Failure = "FAILURE",
        ProcessedWithErrors = "PROCESSED_WITH_ERRORS",
        Timeout = "TIMEOUT",
    }
    /// One instruction of it.
    InstructionStatus { Success = "SUCCESS", Failure = "FAILURE", Timeout = "TIMEOUT", }
    /// Why a report is not a success.
    ReportError {
        ErrorInMatcher = "ERROR_IN_MATCHER",
        ProcessedWithErrors = "PROCESSED_WITH_ERRORS",
        BetActionError = "BET_ACTION_ERROR",
        InvalidAccountState = "INVALID_ACCOUNT_STATE",
        InvalidWalletStatus = "INVALID_WALLET_STATUS",
        InsufficientFunds = "INSUFFICIENT_FUNDS",
        LossLimitExceeded = "LOSS_LIMIT_EXCEEDED",
        MarketSuspended = "MARKET_SUSPENDED",
        MarketNotOpenForBetting = "MARKET_NOT_OPEN_FOR_BETTING",
        DuplicateTransaction = "DUPLICATE_TRANSACTION",
        InvalidOrder = "INVALID_ORDER",
        InvalidMarketId = "INVALID_MARKET_ID",
        PermissionDenied = "PERMISSION_DENIED",
        DuplicateBetids = "DUPLICATE_BETIDS",
        NoActionRequired = "NO_ACTION_REQUIRED",
        ServiceUnavailable = "SERVICE_UNAVAILABLE",
        RejectedByRegulator = "REJECTED_BY_REGULATOR",
        NoChasing = "NO_CHASING",
        RegulatorIsNotAvailable = "REGULATOR_IS_NOT_AVAILABLE",
        TooManyInstructions = "TOO_MANY_INSTRUCTIONS",
        InvalidMarketVersion = "INVALID_MARKET_VERSION",
        InvalidProfitRatio = "INVALID_PROFIT_RATIO",
        NoChange = "NO_CHANGE",
        EventExposureLimitExceeded = "EVENT_EXPOSURE_LIMIT_EXCEEDED",
        EventMatchedExposureLimitExceeded = "EVENT_MATCHED_EXPOSURE_LIMIT_EXCEEDED",
        EventBlocked = "EVENT_BLOCKED",
    }
    /// Why an instruction was not done.
    InstructionError {
        InvalidBetSize = "INVALID_BET_SIZE",
        InvalidRunner = "INVALID_RUNNER",
        BetTakenOrLapsed = "BET_TAKEN_OR_LAPSED",
        BetInProgress = "BET_IN_PROGRESS",
        RunnerRemoved = "RUNNER_REMOVED",
        MarketNotOpenForBetting = "MARKET_NOT_OPEN_FOR_BETTING",
        LossLimitExceeded = "LOSS_LIMIT_EXCEEDED",
        MarketNotOpenForBspBetting = "MARKET_NOT_OPEN_FOR_BSP_BETTING",
        InvalidPriceEdit = "INVALID_PRICE_EDIT",
        InvalidOdds = "INVALID_ODDS",
        InsufficientFunds = "INSUFFICIENT_FUNDS",
        InvalidPersistenceType = "INVALID_PERSISTENCE_TYPE",
        ErrorInMatcher = "ERROR_IN_MATCHER",
        InvalidBackLayCombination = "INVALID_BACK_LAY_COMBINATION",
        ErrorInOrder = "ERROR_IN_ORDER",
        InvalidBidType = "INVALID_BID_TYPE",
        InvalidBetId = "INVALID_BET_ID",
        CancelledNotPlaced = "CANCELLED_NOT_PLACED",
        RelatedActionFailed = "RELATED_ACTION_FAILED",
        NoActionRequired = "NO_ACTION_REQUIRED",
        TimeInForceConflict = "TIME_IN_FORCE_CONFLICT",
        UnexpectedPersistenceType = "UNEXPECTED_PERSISTENCE_TYPE",
        InvalidOrderType = "INVALID_ORDER_TYPE",
        UnexpectedMinFillSize = "UNEXPECTED_MIN_FILL_SIZE",
        InvalidCustomerOrderRef = "INVALID_CUSTOMER_ORDER_REF",
        InvalidCustomerStrategyRef = "INVALID_CUSTOMER_STRATEGY_REF",
        InvalidMinFillSize = "INVALID_MIN_FILL_SIZE",
        BetLapsedPriceImprovementTooLarge = "BET_LAPSED_PRICE_IMPROVEMENT_TOO_LARGE",
    }
}
