//! Home's records.

use crate::act::{Act, ActAnswer};
use crate::definition::MarketDefinition;
use crate::ids::{AccountId, CompetitionId, EntityId, EventId, EventTypeId, SessionId};
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};

/// A hash of a secret; the secret itself is never kept.
pub type SecretHash = [u8; 32];

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum HomeEvent {
    UserCreated {
        operation: u64,
        user: User,
    },
    EventCreated {
        operation: u64,
        event: SportEvent,
    },
    MarketListed {
        operation: u64,
        definition: Box<MarketDefinition>,
    },
    /// An operator's request was admitted: who, why and under which key. What follows from it carries its
    /// number; it is answered when nothing of it is open.
    OperationBegun {
        operation: u64,
        by: By,
    },
    /// Refused before anything was done; kept with its key.
    OperationRefused {
        operation: u64,
        by: By,
        answer: OperationAnswer,
    },
    /// Act `n` of this target belongs to the operation.
    ActSent {
        operation: u64,
        target: EntityId,
        n: u64,
        act: Act,
    },
    ActAnswered {
        target: EntityId,
        n: u64,
        answer: ActAnswer,
    },
    OperatorTokenCreated {
        operation: u64,
        token: OperatorToken,
    },
    SessionOpened {
        session: SessionId,
        login: Login,
    },
    SessionExtended {
        session: SessionId,
        expires: UtcMillis,
    },
    SessionClosed {
        session: SessionId,
    },
}

/// How an operation ended, in home's own words; the door shapes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum OperationAnswer {
    User { account: AccountId, username: String, app_key: String },
    Event(EventId),
    Market(Box<MarketDefinition>),
    Act(ActAnswer),
    OperatorToken,
    Refused(HomeError),
}

/// Why home refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum HomeError {
    #[error("the username is taken")]
    UsernameTaken,
    #[error("no such user")]
    NoSuchUser,
    #[error("no such event")]
    NoSuchEvent,
    #[error("no such market")]
    NoSuchMarket,
    #[error("the key was used for another request")]
    KeyReused,
    #[error("a request under this key is still being carried out")]
    StillRunning,
    #[error("{field}: {reason}")]
    Invalid { field: String, reason: String },
    #[error("no more than {limit} {what}")]
    Full { what: String, limit: u64 },
}

/// Who asked for an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct By {
    /// The name of the operator's token.
    pub operator: String,
    pub reason: Option<String>,
    pub key: Option<IdempotencyKey>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdempotencyKey {
    pub key: String,
    /// Of method, path and body: the same key with another request is refused.
    pub request: SecretHash,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    pub account: AccountId,
    pub username: String,
    /// In PHC form; says its own algorithm and cost.
    pub password_hash: String,
    pub email: Option<String>,
    pub app_key: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SportEvent {
    pub id: EventId,
    pub event_type: EventTypeId,
    pub name: String,
    pub competition: Option<(CompetitionId, String)>,
    /// ISO 3166, two letters.
    pub country: Option<String>,
    pub venue: Option<String>,
    pub open_date: UtcMillis,
    pub timezone: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    pub account: AccountId,
    pub username: String,
    pub token: SecretHash,
    pub app_key: String,
    pub expires: UtcMillis,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorToken {
    pub token: SecretHash,
    pub name: String,
    pub role: Role,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Role {
    Viewer,
    Operator,
    Admin,
}
