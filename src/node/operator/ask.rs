//! Questions to the exchange in an operator's name, with one deadline and one way of refusing.

use std::time::Duration;

use actors::account::{AccountMsg, AccountQuery, AccountView};
use actors::entity::EntityMsg;
use actors::home::{HomeMsg, OperateError};
use actors::node::Node;
use actors::partition::deliver;
use actors::registry::Address;
use domain::act::{ActAnswer, ActError};
use domain::home::{By, HomeError, HomeRequest, OperationAnswer};
use domain::ids::{AccountId, EntityId, PartitionId};
use hyper::StatusCode;
use tokio::sync::oneshot;

use super::problem::Problem;

/// One node alone runs one partition.
const PARTITION: PartitionId = PartitionId(0);
/// A settlement of many accounts takes its time.
const OPERATE_WITHIN: Duration = Duration::from_secs(30);
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// A question to home.
pub async fn home<T>(
    node: &Node,
    question: impl FnOnce(oneshot::Sender<T>) -> HomeMsg,
) -> Result<T, Problem> {
    let (reply, answer) = oneshot::channel();
    deliver(node, PARTITION, EntityId::Home, question(reply));
    match tokio::time::timeout(ANSWER_WITHIN, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) | Err(_) => Err(unavailable("home is being restarted, try again")),
    }
}

/// An operator's request. Its outcome is unknown when no answer comes in time: with its key it can be asked
/// for again.
pub async fn operate(
    node: &Node,
    by: By,
    request: HomeRequest,
) -> Result<OperationAnswer, Problem> {
    let (reply, answer) = oneshot::channel();
    deliver(node, PARTITION, EntityId::Home, HomeMsg::Operate { by, request, reply });
    match tokio::time::timeout(OPERATE_WITHIN, answer).await {
        Ok(Ok(Ok(OperationAnswer::Act(ActAnswer::Refused(error))))) => Err(refused_act(error)),
        Ok(Ok(Ok(answer))) => Ok(answer),
        Ok(Ok(Err(error))) => Err(refused(error)),
        Ok(Err(_)) | Err(_) => Err(Problem::new(StatusCode::GATEWAY_TIMEOUT, "outcome_unknown")
            .reason("no answer in time; ask again with the same Idempotency-Key")),
    }
}

/// An account's money as of now.
pub async fn funds(node: &Node, account: AccountId) -> Result<AccountView, Problem> {
    let (reply, answer) = oneshot::channel();
    let message = AccountMsg::Query { query: AccountQuery::Funds, reply };
    deliver(node, PARTITION, EntityId::Account(account), message);
    match tokio::time::timeout(ANSWER_WITHIN, answer).await {
        Ok(Ok(view)) => Ok(view),
        Ok(Err(_)) | Err(_) => Err(unavailable("the account is being restarted, try again")),
    }
}

/// The same, of an account whose actor runs; sleepers are left asleep.
pub fn funds_if_awake(node: &Node, account: AccountId) -> Option<oneshot::Receiver<AccountView>> {
    let address = Address::Entity(PARTITION, EntityId::Account(account));
    let way = node.registry.find::<EntityMsg<AccountMsg>>(address)?;
    let (reply, answer) = oneshot::channel();
    let message = AccountMsg::Query { query: AccountQuery::Funds, reply };
    way.send(EntityMsg::Own(message)).ok().map(|()| answer)
}

/// 503, with a hint.
pub fn unavailable(why: &'static str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable").reason(why)
}

fn refused(error: OperateError) -> Problem {
    let home = match error {
        OperateError::Busy(busy) => {
            return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy").reason(busy.to_string());
        }
        OperateError::Hindered(error) => {
            return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "hindered")
                .reason(format!("{error}; it will be carried out as soon as that is over"));
        }
        OperateError::Refused(home) => home,
    };
    refused_by_home(home)
}

/// Home refused: nothing was done.
pub fn refused_by_home(home: HomeError) -> Problem {
    let reason = home.to_string();
    match home {
        HomeError::Invalid { field, reason } => Problem::field("invalid", field, reason),
        HomeError::Unfit { field, reason } => Problem {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            ..Problem::field("unfit", field, reason)
        },
        HomeError::UsernameTaken => {
            Problem { status: StatusCode::CONFLICT, ..Problem::field("taken", "username", reason) }
        }
        HomeError::AppNameTaken => {
            Problem { status: StatusCode::CONFLICT, ..Problem::field("taken", "appName", reason) }
        }
        HomeError::NoSuchUser | HomeError::NoSuchEvent | HomeError::NoSuchMarket => {
            Problem::new(StatusCode::NOT_FOUND, "not_found").reason(reason)
        }
        HomeError::NoSuchSession | HomeError::NoSuchKey => {
            Problem::new(StatusCode::NOT_FOUND, "not_found").reason(reason)
        }
        HomeError::LinkSpent => Problem::new(StatusCode::GONE, "link_spent")
            .reason(format!("{reason}: log in, or ask for another")),
        HomeError::Busy => Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy").reason(reason),
        HomeError::KeyReused => Problem {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            ..Problem::field("key_reused", "Idempotency-Key", reason)
        },
        HomeError::Full { .. } => Problem::new(StatusCode::CONFLICT, "full").reason(reason),
    }
}

fn refused_act(error: ActError) -> Problem {
    let reason = error.to_string();
    let field = |code, name| Problem::field(code, name, reason.clone());
    match error {
        ActError::NoSuchMarket | ActError::NoSuchAccount => {
            Problem::new(StatusCode::NOT_FOUND, "not_found").reason(reason)
        }
        ActError::NotARunner | ActError::DuplicateWinner => field("bad_winners", "winners"),
        ActError::WrongNumberOfWinners { .. } => field("bad_winners", "winners"),
        ActError::NobodyIsPlaced => field("bad_winners", "placed"),
        ActError::NotTied => field("bad_winners", "tied"),
        ActError::WrongResult | ActError::ResultNotWhole => field("bad_result", "result"),
        ActError::BetDelayTooLong => field("bad_delay", "betDelay"),
        ActError::NotPositive | ActError::TooLarge => field("bad_amount", "amount"),
        ActError::InsufficientFunds => {
            Problem { status: StatusCode::CONFLICT, ..field("insufficient_funds", "amount") }
        }
        ActError::DepositLimit => {
            Problem { status: StatusCode::CONFLICT, ..field("deposit_limit", "amount") }
        }
        ActError::Excluded => Problem::new(StatusCode::CONFLICT, "excluded").reason(reason),
        ActError::ExcludedLonger => {
            Problem { status: StatusCode::CONFLICT, ..field("excluded_longer", "days") }
        }
        ActError::ExclusionOver => field("bad_number", "days"),
        ActError::ReadOnly | ActError::Quarantined => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable").reason(reason)
        }
        _ => Problem::new(StatusCode::CONFLICT, "wrong_state").reason(reason),
    }
}
