//! The exchange behind the Betfair door: its requests put to the actors, their answers put in its words.
//!
//! Owns nothing but the way to the node. A token leads to a session actor by its number, which the token's
//! hash gives; so a call costs one look-up, and home is only asked when no actor is there.

mod history;
mod listing;
mod login;
mod orders;
mod prices;
mod translate;

use std::sync::Arc;
use std::time::Duration;

use actors::account::{AccountMsg, AccountQuery, AccountView};
use actors::mailbox::Mailbox;
use actors::node::Node;
use actors::partition::deliver;
use actors::session::SessionMsg;
use domain::home::Login;
use domain::ids::{EntityId, PartitionId};
use tokio::sync::oneshot;

use super::exception::{Exception, ExceptionWord};
use super::handler::{Answer, Exchange};
use super::login::{LoginError, LoginForm};
use super::request::Request;
use super::rpc::{Denied, RpcError};
use crate::config::{Profile, Settings};
use login::Logins;

/// One node alone runs one partition.
const PARTITION: PartitionId = PartitionId(0);
/// How long a read may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// The door's way to the exchange.
pub struct NodeExchange {
    node: Arc<Node>,
    profile: Profile,
    logins: Logins,
}

/// A customer who may ask: who they are, and the actor that carries their requests.
#[derive(Clone)]
pub struct Customer {
    login: Arc<Login>,
    session: Mailbox<SessionMsg>,
}

impl Customer {
    /// The way for their orders.
    pub(crate) fn orders(&self) -> &Mailbox<SessionMsg> {
        &self.session
    }
}

impl NodeExchange {
    /// A door to this node.
    pub fn new(node: Arc<Node>, settings: &Settings) -> NodeExchange {
        let logins = Logins::new(node.clone());
        NodeExchange { node, profile: settings.profile, logins }
    }

    async fn account(
        &self,
        customer: &Customer,
        query: AccountQuery,
    ) -> Result<AccountView, Exception> {
        let (reply, answer) = oneshot::channel();
        let to = EntityId::Account(customer.login.account);
        deliver(&self.node, PARTITION, to, AccountMsg::Query { query, reply });
        match tokio::time::timeout(ANSWER_WITHIN, answer).await {
            Ok(Ok(view)) => Ok(view),
            Ok(Err(_)) | Err(_) => Err(busy("the account is being restarted, try again")),
        }
    }
}

fn busy(why: &'static str) -> Exception {
    Exception::new(ExceptionWord::ServiceBusy, why)
}

/// What only happens when an actor answers another question than it was asked.
fn unexpected() -> Exception {
    Exception::new(ExceptionWord::UnexpectedError, "an actor answered another question")
}

impl Exchange for NodeExchange {
    type Session = Customer;

    async fn session(&self, app_key: &str, token: &str) -> Result<Customer, Denied> {
        self.logins.customer(app_key, token).await
    }

    async fn answer(&self, customer: &Customer, request: Request) -> Result<Answer, RpcError> {
        if self.profile == Profile::Betfair {
            request.check_weight()?;
        }
        Ok(match request {
            Request::ListEventTypes(filter) => {
                Answer::EventTypes(listing::event_types(&self.node, filter).await?)
            }
            Request::ListEvents(filter) => {
                Answer::Events(listing::events(&self.node, filter).await?)
            }
            Request::ListMarketCatalogue(request) => {
                Answer::Catalogue(listing::catalogue(&self.node, request).await?)
            }
            Request::ListMarketBook(request) => {
                Answer::Books(prices::books(self, customer, request).await?)
            }
            Request::PlaceOrders(request) => {
                Answer::Placed(orders::place(self, customer, request).await?)
            }
            Request::CancelOrders(request) => {
                Answer::Cancelled(orders::cancel(self, customer, request).await?)
            }
            Request::ReplaceOrders(request) => {
                Answer::Replaced(orders::replace(self, customer, request).await?)
            }
            Request::UpdateOrders(request) => {
                Answer::Updated(orders::update(self, customer, request).await?)
            }
            Request::ListCurrentOrders(request) => {
                Answer::Current(history::current(self, customer, request).await?)
            }
            Request::ListClearedOrders(request) => {
                Answer::Cleared(history::cleared(self, customer, request).await?)
            }
            Request::GetAccountFunds => Answer::Funds(history::funds(self, customer).await?),
            Request::GetAccountDetails => Answer::Details(history::details(self, customer).await?),
        })
    }

    async fn login(&self, app_key: &str, form: LoginForm) -> Result<String, LoginError> {
        self.logins.log_in(app_key, form).await
    }

    async fn keep_alive(&self, token: &str, log_out: bool) -> Result<(), LoginError> {
        match log_out {
            true => self.logins.log_out(token).await,
            false => self.logins.extend(token).await,
        }
    }
}
