//! The exchange behind the Betfair door: its requests put to the actors, their answers put in its words.
//!
//! Owns nothing but the way to the node. A token leads to a session actor by its number, which the token's
//! hash gives; so a call costs one look-up, and home is only asked when no actor is there.

mod account;
mod ask;
mod event_groups;
mod good_logins;
mod history;
mod listing;
mod login;
mod menu;
mod orders;
mod own;
mod prices;
mod profit;
mod queue;
mod session_ends;
mod throttle;
mod translate;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actors::account::{AccountMsg, AccountQuery, AccountView};
use actors::mailbox::Mailbox;
use actors::node::Node;
use actors::partition::deliver;
use actors::session::SessionMsg;
use domain::home::Login;
use domain::ids::{AccountId, EntityId, PartitionId};
use tokio::sync::oneshot;

use super::exception::{Exception, ExceptionWord};
use super::handler::{Answer, Exchange, Menu};
use super::login::{LoginError, LoginForm};
use super::request::Request;
use super::rpc::{Denied, RpcError};
use crate::betfair::extensions::Extensions;
use crate::betfair::filter::MarketFilter;
use crate::betfair::limits::Limits;
use crate::config::Settings;
pub(crate) use history::shown_price;
use listing::Wanted;
use login::Logins;
use menu::Menus;
use throttle::Throttle;
pub(crate) use translate::{
    average, bet_delay_word, bet_delay_words, betting_type_word, ladder_word, lapse_word,
    runner_word, status_word,
};

/// Why a market is suspended whose actor waits for an operator.
pub(crate) const QUARANTINED: &str = "QUARANTINED";

/// One node alone runs one partition.
const PARTITION: PartitionId = PartitionId(0);
/// How long a read may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// The door's way to the exchange.
pub struct NodeExchange {
    node: Arc<Node>,
    limits: Limits,
    extensions: BTreeMap<String, Extensions>,
    logins: Logins,
    throttle: Throttle,
    menus: Menus,
}

/// A customer who may ask: who they are, and the actor that carries their requests.
#[derive(Clone)]
pub struct Customer {
    login: Arc<Login>,
    session: Mailbox<SessionMsg>,
}

impl Customer {
    /// Whose requests it carries.
    pub(crate) fn account(&self) -> AccountId {
        self.login.account
    }

    /// The way for their orders.
    pub(crate) fn orders(&self) -> &Mailbox<SessionMsg> {
        &self.session
    }
}

impl NodeExchange {
    /// A door to this node.
    pub fn new(node: Arc<Node>, settings: &Settings) -> NodeExchange {
        let limits = settings.limits.clone();
        let logins = Logins::new(node.clone(), &limits);
        let throttle = Throttle::new(&limits);
        let extensions = settings.extensions.clone();
        NodeExchange { node, limits, extensions, logins, throttle, menus: Menus::default() }
    }

    /// Hears of the logout of a token's session, while `is_there` says so.
    pub(crate) fn when_over(
        &self,
        token: &str,
        tell: impl Fn() + Send + 'static,
        is_there: impl Fn() -> bool + Send + 'static,
    ) {
        self.logins.when_over(token, tell, is_there);
    }

    /// The filter as the catalogue takes it; what it asks of the customer's orders is the account's to say.
    async fn wanted(&self, customer: &Customer, filter: MarketFilter) -> Result<Wanted, Exception> {
        let among = match listing::with_orders(&filter) {
            None => None,
            Some(projection) => {
                let query = AccountQuery::MarketsWithOrders(projection);
                match self.account(customer, query).await? {
                    AccountView::MarketsWithOrders(markets) => Some(markets),
                    _ => return Err(unexpected()),
                }
            }
        };
        listing::wanted(filter, among)
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

    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn extensions(&self, app_key: &str) -> Extensions {
        self.extensions.get(app_key).copied().unwrap_or_default()
    }

    async fn session(&self, app_key: Option<&str>, token: &str) -> Result<Customer, Denied> {
        self.logins.customer(app_key, token).await
    }

    async fn answer(
        &self,
        customer: &Customer,
        extensions: Extensions,
        request: Request,
    ) -> Result<Answer, RpcError> {
        let _admitted = self.throttle.admit(customer.login.account, &request)?;
        let node = &self.node;
        Ok(match request {
            Request::ListEventTypes(filter) => {
                let wanted = self.wanted(customer, filter).await?;
                Answer::EventTypes(listing::event_types(node, wanted).await?)
            }
            Request::ListCompetitions(filter) => {
                let wanted = self.wanted(customer, filter).await?;
                Answer::Competitions(listing::competitions(node, wanted).await?)
            }
            Request::ListTimeRanges(filter, granularity) => {
                let wanted = self.wanted(customer, filter).await?;
                Answer::TimeRanges(listing::time_ranges(node, wanted, granularity).await?)
            }
            Request::ListEvents(filter) => {
                let wanted = self.wanted(customer, filter).await?;
                Answer::Events(listing::events(node, wanted).await?)
            }
            Request::ListMarketTypes(filter) => {
                let wanted = self.wanted(customer, filter).await?;
                Answer::MarketTypes(listing::market_types(node, wanted).await?)
            }
            Request::ListCountries(filter) => {
                let wanted = self.wanted(customer, filter).await?;
                Answer::Countries(listing::countries(node, wanted).await?)
            }
            Request::ListVenues(filter) => {
                let wanted = self.wanted(customer, filter).await?;
                Answer::Venues(listing::venues(node, wanted).await?)
            }
            Request::ListMarketCatalogue(mut request) => {
                let filter = std::mem::take(&mut request.filter);
                let wanted = self.wanted(customer, filter).await?;
                Answer::Catalogue(listing::catalogue(node, wanted, request).await?)
            }
            Request::ListMarketProfitAndLoss(request) => {
                Answer::ProfitAndLoss(profit::of_markets(self, customer, request).await?)
            }
            Request::MarketGroups(operation) => {
                let details =
                    format!("{}: exposure by groups of markets is not kept", operation.name());
                return Err(Exception::new(ExceptionWord::AccessDenied, details).into());
            }
            Request::ListMarketBook(request) => {
                Answer::Books(prices::books(self, customer, request).await?)
            }
            Request::PlaceOrders(request) => {
                Answer::Placed(orders::place(customer, extensions, request).await?)
            }
            Request::CancelOrders(request) => {
                Answer::Cancelled(orders::cancel(self, customer, extensions, request).await?)
            }
            Request::ReplaceOrders(request) => {
                Answer::Replaced(orders::replace(customer, extensions, request).await?)
            }
            Request::UpdateOrders(request) => {
                Answer::Updated(orders::update(customer, extensions, request).await?)
            }
            Request::ListCurrentOrders(request) => {
                Answer::Current(history::current(self, customer, extensions, request).await?)
            }
            Request::ListClearedOrders(request) => {
                Answer::Cleared(history::cleared(self, customer, request).await?)
            }
            Request::GetAccountFunds => Answer::Funds(history::funds(self, customer).await?),
            Request::GetAccountDetails => Answer::Details(history::details(self, customer).await?),
            Request::GetAccountStatement(request) => {
                Answer::Statement(account::statement(self, customer, request).await?)
            }
            Request::ListCurrencyRates(from) => {
                Answer::CurrencyRates(account::currency_rates(from.as_deref())?)
            }
            Request::TransferFunds => return Err(account::no_transfer().into()),
            Request::CreateDeveloperAppKeys(name) => {
                Answer::App(account::create_app(self, customer, name).await?)
            }
            Request::GetDeveloperAppKeys => Answer::Apps(account::apps(self, customer).await?),
            Request::Vendor(operation) => {
                let details = format!("{}: this exchange has no vendors", operation.name());
                return Err(Exception::new(ExceptionWord::AccessDenied, details).into());
            }
            Request::Heartbeat(seconds) => {
                Answer::Heartbeat(account::heartbeat(self, customer, seconds).await?)
            }
        })
    }

    async fn menu(&self) -> Result<Menu, Exception> {
        self.menus.menu(&self.node).await
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
