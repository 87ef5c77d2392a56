//! Home's records: one for each decision, with its results.
//!
//! An operator's request is one record, however many acts follow from it: a torn log never holds a user
//! without the act that opens the account. What is refused changes nothing and leaves no record.

use crate::act::{Act, ActAnswer, MarketAct};
use crate::definition::MarketDefinition;
use crate::home::api_keys::ApiKey;
use crate::home::apps::DeveloperApp;
use crate::home::links::Link;
use crate::ids::{
    AccountId, CompetitionId, EntityId, EventId, EventTypeId, MarketId, PartitionId, Runner,
    SessionId,
};
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};

/// A hash of a secret; the secret itself is never kept.
pub type SecretHash = [u8; 32];

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum HomeEvent {
    /// An operator's request was admitted: who, why and under which key, what home changed at once, and
    /// the acts that it sent. It is answered when all of them are.
    Operated {
        operation: u64,
        by: By,
        change: Change,
        acts: Vec<SentAct>,
    },
    /// The target's journaled answer to act `n`.
    ActAnswered {
        target: EntityId,
        n: u64,
        answer: ActAnswer,
    },
    /// `displaced` is the user's oldest session, closed because they had as many as anyone may.
    SessionOpened {
        session: SessionId,
        login: Login,
        displaced: Option<SessionId>,
    },
    SessionExtended {
        session: SessionId,
        expires: UtcMillis,
    },
    SessionClosed {
        session: SessionId,
    },
    /// A customer registered an application.
    AppCreated {
        account: AccountId,
        app: DeveloperApp,
    },
    /// A link is to be sent by mail.
    LinkMade(Box<Link>),
    /// Nobody followed them in time.
    LinksExpired,
    /// Links to a new password are spent, and every session but `kept` ends.
    PasswordChanged {
        account: AccountId,
        password_hash: String,
        kept: Option<SessionId>,
    },
    ApiKeyCreated {
        account: AccountId,
        key: Box<ApiKey>,
    },
    /// Once in a while.
    ApiKeyUsed {
        account: AccountId,
        id: u64,
    },
    ApiKeyRevoked {
        account: AccountId,
        id: u64,
    },
    /// Where the customer is mailed at every change of a bet; `None`: no longer.
    MailWished {
        account: AccountId,
        email: Option<String>,
    },
}

impl HomeEvent {
    /// The definition of the market that this record lists: it stands in the act that creates it.
    pub fn listed(&self) -> Option<&MarketDefinition> {
        let HomeEvent::Operated { change: Change::MarketListed(_), acts, .. } = self else {
            return None;
        };
        acts.iter().find_map(|sent| match &sent.act {
            Act::Market(MarketAct::Create { definition, .. }) => Some(&**definition),
            _ => None,
        })
    }
}

/// What an operation changed in home itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// Everything is in the acts.
    Nothing,
    UserCreated(Box<User>),
    EventCreated(Box<SportEvent>),
    /// The definition stands in the act.
    MarketListed(MarketId),
    OperatorTokenCreated(OperatorToken),
}

/// Act `n` of this target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentAct {
    pub target: EntityId,
    pub n: u64,
    pub act: Act,
}

/// How an operation ended, in home's own words; the door shapes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum OperationAnswer {
    User {
        account: AccountId,
        username: String,
        app_key: String,
    },
    Event(EventId),
    /// With its runners in order and the ids that they were given.
    Market {
        market: MarketId,
        runners: Vec<(Runner, String)>,
    },
    /// Of one act; or the refusal of the first act that was refused, whatever was asked for.
    Act(ActAnswer),
    OperatorToken,
}

/// Who asked for an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct By {
    /// The name of the operator's token; [`By::customer`] for a customer's own.
    pub operator: String,
    pub reason: Option<String>,
    pub key: Option<IdempotencyKey>,
}

/// No operator's token has such a name.
pub(crate) const CUSTOMER: &str = "customer:";

impl By {
    /// A customer, about their own account.
    pub fn customer(username: &str, key: Option<IdempotencyKey>) -> By {
        let operator = format!("{CUSTOMER}{}", username.to_ascii_lowercase());
        By { operator, reason: None, key }
    }
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
    /// Where the account lives; written once, never changed.
    pub partition: PartitionId,
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
    /// Tells of football, and nothing else.
    Provider,
    Viewer,
    Operator,
    Admin,
}
