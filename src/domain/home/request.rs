//! What operators and customers may ask of home, and why home may refuse.
//!
//! A request carries everything that a pure fold cannot make itself: hashes, keys drawn at random, and the
//! partition that a placement policy chose. Home gives the ids.

use crate::act::{AccountChange, AccountProfile, Currency, LimitChange, MarketAct};
use crate::definition::{BetDelayModel, BettingType, LineDefinition};
use crate::home::event::{Role, SecretHash};
use crate::ids::{EventId, EventTypeId, MarketId, PartitionId, SelectionId};
use crate::money::Pence;
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HomeRequest {
    CreateUser(Box<NewUser>),
    Deposit {
        username: String,
        amount: Pence,
    },
    Withdraw {
        username: String,
        amount: Pence,
    },
    ChangeUser {
        username: String,
        change: AccountChange,
    },
    CreateEvent(Box<NewEvent>),
    CreateMarket(Box<NewMarket>),
    /// Anything but `Create`.
    MarketAct {
        market: MarketId,
        act: MarketAct,
    },
    /// A customer's own: a limit on themself.
    Limit {
        username: String,
        change: LimitChange,
    },
    /// A customer's own: no bets for so many days, or for good.
    Exclude {
        username: String,
        days: Option<u32>,
    },
    /// The link of a sign-up was followed.
    Confirm {
        token: SecretHash,
        app_key: String,
        partition: PartitionId,
    },
    CreateOperatorToken {
        token: SecretHash,
        name: String,
        role: Role,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    pub username: String,
    /// In PHC form.
    pub password_hash: String,
    pub email: Option<String>,
    pub app_key: String,
    pub currency: Currency,
    pub profile: AccountProfile,
    pub deposit: Option<Pence>,
    pub partition: PartitionId,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    pub event_type: EventTypeId,
    pub name: String,
    pub competition: Option<String>,
    pub country: Option<String>,
    pub venue: Option<String>,
    pub open_date: UtcMillis,
    pub timezone: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMarket {
    pub event: EventId,
    pub name: String,
    pub market_type: String,
    pub start_time: UtcMillis,
    pub runners: Vec<NewRunner>,
    pub number_of_winners: u16,
    pub betting_type: BettingType,
    /// Each-way, in hundredths.
    pub each_way_divisor: Option<u32>,
    pub line: Option<LineDefinition>,
    pub bsp_market: bool,
    pub turn_in_play: bool,
    pub persistence: bool,
    pub cross_matching: bool,
    pub complete: bool,
    pub discount_allowed: bool,
    /// In hundredths of a percent.
    pub base_rate: u32,
    pub bet_delay_s: u16,
    pub jurisdiction: Option<String>,
    pub race_type: Option<String>,
    pub bet_delay_models: BTreeSet<BetDelayModel>,
    pub partition: PartitionId,
    /// Straight to OPEN, else INACTIVE.
    pub open: bool,
}

impl NewMarket {
    /// A market with the operator API's defaults.
    pub fn of(event: EventId, name: &str, market_type: &str, start_time: UtcMillis) -> Self {
        NewMarket {
            event,
            name: name.to_owned(),
            market_type: market_type.to_owned(),
            start_time,
            runners: Vec::new(),
            number_of_winners: 1,
            betting_type: BettingType::Odds,
            each_way_divisor: None,
            line: None,
            bsp_market: false,
            turn_in_play: true,
            persistence: true,
            cross_matching: false,
            complete: true,
            discount_allowed: true,
            base_rate: 500,
            bet_delay_s: 0,
            jurisdiction: None,
            race_type: None,
            bet_delay_models: BTreeSet::new(),
            partition: PartitionId(0),
            open: true,
        }
    }

    pub fn with_runners(mut self, names: &[&str]) -> Self {
        self.runners = names.iter().map(|name| NewRunner::named(name)).collect();
        self
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRunner {
    pub name: String,
    /// `None`: the id that this name has among markets of the same event type.
    pub selection: Option<SelectionId>,
    /// In hundredths.
    pub handicap: i32,
    /// `None`: the place in the list, from 1.
    pub sort_priority: Option<u16>,
    /// In hundredths of a percent.
    pub adjustment_factor: Option<u32>,
}

impl NewRunner {
    pub fn named(name: &str) -> Self {
        NewRunner {
            name: name.to_owned(),
            selection: None,
            handicap: 0,
            sort_priority: None,
            adjustment_factor: None,
        }
    }
}

/// Why home refused: nothing was done, and a repeat is decided again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum HomeError {
    #[error("the username is taken")]
    UsernameTaken,
    #[error("an application of this name is registered")]
    AppNameTaken,
    #[error("no such user")]
    NoSuchUser,
    #[error("no such event")]
    NoSuchEvent,
    #[error("no such market")]
    NoSuchMarket,
    #[error("the session is closed or was never opened")]
    NoSuchSession,
    #[error("the link was used, or has expired, or never was one")]
    LinkSpent,
    #[error("no such API key")]
    NoSuchKey,
    #[error("the key was used for another request")]
    KeyReused,
    /// `field` is the path of the operator API's own field: `runners[2].name`.
    #[error("{field}: {reason}")]
    Invalid { field: String, reason: String },
    /// Each field is good by itself; the market cannot be of such a shape.
    #[error("{field}: {reason}")]
    Unfit { field: String, reason: String },
    #[error("the journal takes no more just now, try again")]
    Busy,
    #[error("no more than {limit} {what}")]
    Full { what: String, limit: u64 },
}

impl HomeError {
    pub(crate) fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        HomeError::Invalid { field: field.into(), reason: reason.into() }
    }

    pub(crate) fn unfit(field: impl Into<String>, reason: impl Into<String>) -> Self {
        HomeError::Unfit { field: field.into(), reason: reason.into() }
    }

    /// Refuses when `have` of the `limit` allowed are there already.
    pub(crate) fn full(what: &str, have: usize, limit: usize) -> Result<(), Self> {
        if have < limit {
            return Ok(());
        }
        Err(HomeError::Full { what: what.to_owned(), limit: limit as u64 })
    }
}
