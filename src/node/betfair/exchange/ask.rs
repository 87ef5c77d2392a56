//! A request's way through the customer's session, and how it ends as far as a door can tell.

use std::sync::Arc;
use std::time::Duration;

use actors::account::TakenOrders;
use actors::mailbox::Undelivered;
use actors::session::{Handed, Kept, Reply, RequestError, SessionMsg, SessionRequest, Wishes};
use domain::order::ExecutionError;
use domain::request::Outcome;
use tokio::sync::oneshot;

use super::Customer;
use crate::betfair::exception::{Exception, ExceptionWord};
use crate::betfair::extensions::Extensions;
use crate::door::keep_until_written;

/// How long a client is kept waiting beyond the bet delay, which the exchange itself ends in time.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// Messages that may wait for one session; past it the door refuses before anything is asked.
const MAILBOX_MAX: usize = 8_192;

/// How a request to the session ended, as far as the door can tell.
pub(super) enum Ended {
    Outcome(Outcome),
    Refused(ExecutionError),
    Unknown,
}

type Answer = oneshot::Receiver<Kept>;

pub(super) async fn ask(
    customer: &Customer,
    extensions: Extensions,
    request: SessionRequest,
) -> Result<Ended, Exception> {
    let wishes = Wishes { replay: extensions.replay, taken: None };
    match send(customer, request, wishes) {
        Ok(answer) => outcome(answer).await,
        Err(ended) => Ok(ended),
    }
}

/// Waits only until the account has taken the request and it is durable: what it placed or replaced. A refusal before that, or an outcome where nobody says that it
/// was taken, is how it ended.
pub(super) async fn ask_until_taken(
    customer: &Customer,
    extensions: Extensions,
    request: SessionRequest,
) -> Result<Result<TakenOrders, Ended>, Exception> {
    let (taken, heard) = oneshot::channel();
    let wishes = Wishes { replay: extensions.replay, taken: Some(taken) };
    let answer = match send(customer, request, wishes) {
        Ok(answer) => answer,
        Err(ended) => return Ok(Err(ended)),
    };
    match tokio::time::timeout(ANSWER_WITHIN, heard).await {
        Ok(Ok((orders, handed))) => {
            keep(handed);
            Ok(Ok(orders))
        }
        // Refused, or sent again to another life of the account, or a repeat: the outcome tells.
        Ok(Err(_)) => match outcome(answer).await? {
            Ended::Outcome(Outcome::Placed(done)) if done.error.is_none() => {
                let bets = done.reports.iter().flatten().map(|placed| placed.bet);
                Ok(Ok(TakenOrders::Placed(bets.collect())))
            }
            ended => Ok(Err(ended)),
        },
        Err(_) => Ok(Err(Ended::Unknown)),
    }
}

fn send(customer: &Customer, request: SessionRequest, wishes: Wishes) -> Result<Answer, Ended> {
    let (reply, answer) = oneshot::channel();
    let plain = !wishes.replay && wishes.taken.is_none();
    let reply = Reply::Keeping(reply);
    let message = match plain {
        true => SessionMsg::Request { request, reply },
        false => SessionMsg::RequestWith { request, reply, wishes },
    };
    match customer.session.try_send(message, MAILBOX_MAX) {
        Ok(()) => Ok(answer),
        Err(Undelivered::Overloaded(_)) => Err(Ended::Refused(ExecutionError::ServiceUnavailable)),
        Err(Undelivered::Gone(_)) => Err(Ended::Unknown),
    }
}

/// The stream tells of the orders when this connection has the answer.
fn keep(handed: Option<Arc<Handed>>) {
    if let Some(handed) = handed {
        keep_until_written(handed);
    }
}

async fn outcome(answer: Answer) -> Result<Ended, Exception> {
    let answer = match tokio::time::timeout(ANSWER_WITHIN, answer).await {
        Ok(Ok((answer, handed))) => {
            keep(handed);
            answer
        }
        Ok(Err(_)) | Err(_) => return Ok(Ended::Unknown),
    };
    match answer {
        Ok(outcome) => Ok(Ended::Outcome(outcome)),
        Err(error) => match error {
            RequestError::NoSuchMarket => Ok(Ended::Refused(ExecutionError::InvalidMarketId)),
            RequestError::Busy(_) => Ok(Ended::Refused(ExecutionError::ServiceUnavailable)),
            RequestError::TooManyRequests => {
                Err(Exception::new(ExceptionWord::TooManyRequests, error.to_string()))
            }
            RequestError::SessionOver => Err(ExceptionWord::InvalidSessionInformation.into()),
        },
    }
}
