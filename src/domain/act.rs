//! What an operator may do to a market or an account, and customers to their own. Home numbers each act per target, keeps it until it
//! is answered, and journals who asked and why.

use crate::definition::{MarketDefinition, MarketStatus};
use crate::ids::Runner;
use crate::money::Pence;
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    Market(MarketAct),
    Account(AccountAct),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MarketAct {
    /// `open`: straight to OPEN, else INACTIVE.
    Create { definition: Box<MarketDefinition>, open: bool },
    /// From INACTIVE or SUSPENDED.
    Open,
    /// With `lapse`, unmatched LAPSE orders go, and the change is material even when nothing lapsed. `reason` is told
    /// to everybody until the market is suspended no longer.
    Suspend {
        lapse: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// To OPEN and in play; `None` keeps the definition's delay.
    TurnInPlay { bet_delay_s: Option<u16> },
    /// Of a DYNAMIC market in play: what is placed from now on waits so long.
    DelayBets { bet_delay_s: u16 },
    /// The line that a market of handicaps is now about, by its runners; nobody: none.
    KeyLine { runners: Vec<Runner> },
    /// Suspends and lapses first when needed.
    Settle(Verdict),
    /// Reverses the last settlement or void: bets and holds come back, by force.
    Unsettle,
    /// Every matched bet is void, every other lapses.
    Void,
    /// CLOSED to SUSPENDED, after `Unsettle`.
    Reopen,
    /// The runner does not run; `None` is the chance that the market gives it. The status is as before when
    /// everybody has been told.
    RemoveRunner { runner: Runner, factor: Option<u32> },
    /// Makes the starting prices; an open market is suspended.
    ReconcileSp,
}

/// How a market ended, as its operator says it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Verdict {
    pub winners: Vec<Runner>,
    /// Of an each-way market: who is placed without having won.
    pub placed: Vec<Runner>,
    /// Of the winners (each-way: of the placed) those who share the places that the others leave; nobody
    /// named: all of them.
    pub tied: Vec<Runner>,
    /// More runners than places share them.
    pub dead_heat: bool,
    /// What decides a market of handicaps or lines, in hundredths: what was counted; with two sides, by how
    /// much the first runner's side leads.
    pub result: Option<i32>,
}

impl Verdict {
    pub fn won_by(winners: Vec<Runner>) -> Verdict {
        Verdict { winners, ..Verdict::default() }
    }

    pub fn counted(result: i32) -> Verdict {
        Verdict { result: Some(result), ..Verdict::default() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccountAct {
    Open {
        currency: Currency,
        profile: AccountProfile,
    },
    Deposit {
        amount: Pence,
    },
    Withdraw {
        amount: Pence,
    },
    Change(AccountChange),
    /// The customer's own: what they may pay in or lose.
    Limit(LimitChange),
    /// The customer's own: no bets and no deposits until then, or for good.
    Exclude {
        until: Option<UtcMillis>,
    },
}

/// What a customer limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LimitKind {
    #[serde(rename = "d")]
    Deposit,
    #[serde(rename = "l")]
    Loss,
}

/// How far back a limit counts, from any moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Window {
    #[serde(rename = "d")]
    Day,
    #[serde(rename = "w")]
    Week,
    /// 30 days.
    #[serde(rename = "m")]
    Month,
}

impl Window {
    pub fn ms(self) -> i64 {
        let days = match self {
            Window::Day => 1,
            Window::Week => 7,
            Window::Month => 30,
        };
        days * 24 * 60 * 60 * 1_000
    }
}

/// One limit, said anew; no amount is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitChange {
    pub kind: LimitKind,
    pub window: Window,
    pub amount: Option<Pence>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Currency {
    Gbp,
    Eur,
    Usd,
    Hkd,
    Aud,
    Cad,
    Dkk,
    Nok,
    Sek,
    Sgd,
    Ron,
    Brl,
    Mxn,
    Pen,
    Huf,
    Isk,
    Nzd,
    Ars,
    Gel,
}

/// The smallest orders of a customer, in the customer's currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Minimums {
    /// Of a limit order, and of a back at the starting price.
    pub stake: Pence,
    /// A smaller stake will do when it returns so much.
    pub payout: Pence,
    /// Of a lay at the starting price.
    pub liability: Pence,
}

impl Currency {
    pub fn minimums(self) -> Minimums {
        let (stake, payout, liability) = match self {
            Currency::Gbp => (1, 10, 10),
            Currency::Eur => (1, 20, 10),
            Currency::Usd => (1, 20, 20),
            Currency::Hkd => (10, 125, 125),
            Currency::Aud => (5, 30, 30),
            Currency::Cad | Currency::Sgd => (2, 30, 30),
            Currency::Dkk | Currency::Sek => (15, 150, 150),
            Currency::Nok => (10, 150, 150),
            Currency::Ron | Currency::Brl | Currency::Pen => (5, 50, 50),
            Currency::Mxn => (30, 300, 300),
            Currency::Huf => (400, 4_000, 4_000),
            Currency::Isk => (350, 1_750, 1_750),
            Currency::Nzd => (2, 10, 10),
            Currency::Ars => (100, 500, 500),
            Currency::Gel => (10, 50, 50),
        };
        let whole = |units: i64| Pence(100 * units);
        Minimums { stake: whole(stake), payout: whole(payout), liability: whole(liability) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccountStatus {
    Active,
    /// May cancel and look, may not place.
    Suspended,
    Closed,
}

/// What an operator sets for an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountProfile {
    pub status: AccountStatus,
    /// Off the commission, in hundredths of a percent: 2000 is 20 %.
    pub discount_rate: u32,
    /// The most that all markets together may put at risk; `None` is no limit.
    pub exposure_limit: Option<Pence>,
    pub best_execution: bool,
    pub self_match: bool,
    /// Mirrors and the house's own books trade sizes below the customers' minimum.
    pub minimum_stakes: bool,
}

impl Default for AccountProfile {
    fn default() -> Self {
        AccountProfile {
            status: AccountStatus::Active,
            discount_rate: 0,
            exposure_limit: None,
            best_execution: true,
            self_match: true,
            minimum_stakes: true,
        }
    }
}

/// Only what is `Some` changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AccountChange {
    pub status: Option<AccountStatus>,
    pub discount_rate: Option<u32>,
    /// `Some(None)` removes the limit.
    pub exposure_limit: Option<Option<Pence>>,
    pub best_execution: Option<bool>,
    pub self_match: Option<bool>,
    pub minimum_stakes: Option<bool>,
}

/// How an act ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ActAnswer {
    Market { status: MarketStatus, version: u64 },
    Account(Funds),
    Refused(ActError),
}

/// An account's money at one moment. `exposure` is what is held, zero or positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Funds {
    pub balance: Pence,
    pub exposure: Pence,
    pub status: AccountStatus,
}

impl Funds {
    pub fn available(&self) -> Pence {
        self.balance - self.exposure
    }
}

/// Why an act was refused: nothing was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ActError {
    #[error("the market does not exist")]
    NoSuchMarket,
    #[error("the account does not exist")]
    NoSuchAccount,
    #[error("the account exists already")]
    AccountExists,
    #[error("the market exists already")]
    MarketExists,
    #[error("not possible while the market is {0:?}")]
    WrongStatus(MarketStatus),
    #[error("a settlement is still being paid")]
    Settling,
    #[error("there is no settlement or void to reverse")]
    NothingToReverse,
    #[error("unsettle the market first")]
    StillSettled,
    #[error("the market does not turn in-play")]
    NotTurnInPlay,
    #[error("the market is in play already")]
    AlreadyInPlay,
    #[error("a winner is not a runner of this market")]
    NotARunner,
    #[error("a winner is named twice")]
    DuplicateWinner,
    #[error("the market has {expected} winners, {named} were named")]
    WrongNumberOfWinners { expected: u16, named: u16 },
    #[error(
        "void the market: runners of handicaps, lines and cross matched markets are not removed"
    )]
    NotRemovable,
    #[error("only an each-way market has placed runners")]
    NobodyIsPlaced,
    #[error("a runner is tied that is not among those who share the last places")]
    NotTied,
    #[error("a market of handicaps or lines is settled by its result, and no other is")]
    WrongResult,
    #[error("goals are counted whole")]
    ResultNotWhole,
    #[error("not enough available to withdraw")]
    InsufficientFunds,
    #[error("the amount must be positive")]
    NotPositive,
    #[error("the balance would become larger than any amount allowed")]
    TooLarge,
    #[error("the runner has been removed")]
    RunnerRemoved,
    #[error("an adjustment factor is at most 100 percent")]
    FactorTooLarge,
    #[error("the market has no starting price")]
    NoStartingPrice,
    #[error("the starting prices are made already")]
    AlreadyReconciled,
    #[error("the bet delay is too long")]
    BetDelayTooLong,
    #[error("the bet delay changes only in play, and only in a market of the model DYNAMIC")]
    BetDelayIsFixed,
    #[error("only markets of Asian handicaps have a key line")]
    NoKeyLine,
    #[error("the key line names a runner that the market does not have, or one twice")]
    NotOnTheLine,
    #[error("the customer's deposit limit would be passed")]
    DepositLimit,
    #[error("the customer has excluded themself")]
    Excluded,
    #[error("an exclusion is never shortened")]
    ExcludedLonger,
    #[error("the exclusion would be over already")]
    ExclusionOver,
    #[error("the journal is read-only: nothing was done, try again later")]
    ReadOnly,
    #[error("the market is quarantined: an operator may retry its actor")]
    Quarantined,
}
