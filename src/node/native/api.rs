//! The native API: what each route of the table does.
//!
//! Owns     the way of a request: found in the table, let through by its rates, its sender known, its body
//!          read, done, answered. HTTP comes in as plain values and goes out as a [`Reply`].
//! Never    decides anything about money or people: home and accounts do, and journal it.
//! Bounds   the rates of [`Rates`]; what is refused by one says when to come back.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actors::node::Node;
use domain::home::{By, IdempotencyKey};
use domain::ids::AccountId;
use domain::money::Pence;
use hyper::StatusCode;
use serde_json::{Value, json};

use super::rate::{Rate, neighbourhood};
use super::schema::Values;
use super::table::{Access, Found, Operation, Route, find};
use super::who::{Who, who};
use super::{account, football, markets, people, pricing};
use crate::betfair::exchange::NodeExchange;
use crate::operator::access::{Credentials, forbidden, is_own_page, unauthorized};
use crate::operator::json::check_content_type;
use crate::operator::problem::Problem;
use crate::operator::request::{fingerprint, idempotency_key};
use crate::operator::tokens::Tokens;
use crate::secret::LinkKey;

/// What the node says about customers.
#[derive(Debug, Clone)]
pub struct Customers {
    /// Strangers may sign up.
    pub sign_up: bool,
    /// The most play money that one deposit may be; `None`: customers pay in nothing by themselves.
    pub play_money: Option<Pence>,
    /// Browsers reach the node over TLS that somebody else ends.
    pub behind_tls: bool,
    /// How long a session lasts.
    pub session: Duration,
}

/// The native API of one node.
pub struct Native {
    pub(super) node: Arc<Node>,
    pub(super) exchange: Arc<NodeExchange>,
    pub(super) customers: Customers,
    /// What the tokens of mailed links are made with.
    pub(super) link_key: LinkKey,
    /// Whose word on football is taken.
    tokens: Arc<Tokens>,
    pub(super) rates: Rates,
}

/// How often somebody may ask.
pub(super) struct Rates {
    /// Anything, from one address.
    requests: Rate<IpAddr>,
    /// Anything, of one account.
    of_account: Rate<AccountId>,
    /// Wrong passwords and links, from one address.
    pub(super) wrong: Rate<IpAddr>,
    /// Wrong passwords of somebody who is logged in.
    pub(super) wrong_current: Rate<AccountId>,
    /// What sends mail, from one address.
    pub(super) mails: Rate<IpAddr>,
}

impl Default for Rates {
    fn default() -> Rates {
        Rates {
            requests: Rate::new(2_000, Duration::from_millis(2)),
            of_account: Rate::new(1_000, Duration::from_millis(4)),
            wrong: Rate::new(20, Duration::from_secs(3)),
            wrong_current: Rate::new(5, Duration::from_secs(20)),
            mails: Rate::new(20, Duration::from_secs(30)),
        }
    }
}

/// One request as it came.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// `GET`, `POST`, ...
    pub method: &'a str,
    /// Below the listener's root.
    pub path: &'a str,
    /// Behind the `?`.
    pub query: &'a str,
    /// Who sent it.
    pub brought: Credentials<'a>,
    /// Of `Content-Type`.
    pub content_type: Option<&'a str>,
    /// Of `Idempotency-Key`.
    pub key: Option<&'a [u8]>,
    /// Of `X-Api-Key`.
    pub api_key: Option<&'a str>,
    /// Whole.
    pub body: &'a [u8],
    /// Where it came from.
    pub address: IpAddr,
    /// Under which it is logged and answered.
    pub request_id: &'a str,
}

/// What goes out.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// `None`: nothing.
    pub body: Option<Body>,
    /// More headers, by small names.
    pub headers: Vec<(&'static str, String)>,
}

/// What an answer carries.
#[derive(Debug)]
pub enum Body {
    /// JSON.
    Json(Value),
    /// A table.
    Csv(String),
}

/// What a handler gives: the status is the table's.
pub(super) struct Done {
    pub(super) body: Option<Body>,
    pub(super) headers: Vec<(&'static str, String)>,
}

impl Done {
    pub(super) fn nothing() -> Done {
        Done { body: None, headers: Vec::new() }
    }

    pub(super) fn json(value: Value) -> Done {
        Done { body: Some(Body::Json(value)), headers: Vec::new() }
    }
}

/// Refused, and when to come back if that helps.
#[derive(Debug)]
pub(super) struct Refused {
    problem: Problem,
    after: Option<Duration>,
    /// The methods that the path knows, where it was another.
    allow: Option<String>,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Refused {
        let busy = problem.status == StatusCode::SERVICE_UNAVAILABLE;
        Refused { problem, after: busy.then_some(Duration::from_secs(1)), allow: None }
    }
}

impl Refused {
    /// 429.
    pub(super) fn too_often(after: Duration) -> Refused {
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests");
        let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
        let problem = problem.reason(format!("too many requests, come back in {seconds} s"));
        Refused { problem, after: Some(after), allow: None }
    }
}

/// One admitted request, for its handler.
pub(super) struct Call<'a> {
    pub(super) api: &'a Native,
    pub(super) asked: &'a Asked<'a>,
    pub(super) values: Values,
    /// What stands for the path's names.
    pub(super) names: Vec<String>,
    pub(super) key: Option<IdempotencyKey>,
    who: Option<Who>,
}

impl Call<'_> {
    /// The customer; the table let nobody else in.
    pub(super) fn who(&self) -> Result<&Who, Problem> {
        self.who.as_ref().ok_or_else(unauthorized)
    }

    pub(super) fn name(&self) -> &str {
        self.nth_name(0)
    }

    pub(super) fn nth_name(&self, at: usize) -> &str {
        self.names.get(at).map_or("", String::as_str)
    }

    /// The customer as home's operations name them.
    pub(super) fn by(&self) -> Result<By, Problem> {
        Ok(By::customer(&self.who()?.username, self.key.clone()))
    }

    /// One from this address, of what guesses cost.
    pub(super) fn guess(&self) -> Result<(), Refused> {
        let address = neighbourhood(self.asked.address);
        self.api.rates.wrong.look(&address, Instant::now()).map_err(Refused::too_often)
    }

    pub(super) fn guessed_wrong(&self) {
        // It is looked at before the next guess.
        let _ = self.api.rates.wrong.take(neighbourhood(self.asked.address), Instant::now());
    }

    pub(super) fn mails(&self) -> Result<(), Refused> {
        let address = neighbourhood(self.asked.address);
        self.api.rates.mails.take(address, Instant::now()).map_err(Refused::too_often)
    }
}

impl Native {
    /// An API over this node.
    pub fn new(
        node: Arc<Node>,
        exchange: Arc<NodeExchange>,
        customers: Customers,
        link_key: LinkKey,
        tokens: Arc<Tokens>,
    ) -> Native {
        Native { node, exchange, customers, link_key, tokens, rates: Rates::default() }
    }

    /// Answers one request below `/v1`.
    pub async fn answer(&self, asked: Asked<'_>) -> Reply {
        let (operation, answered) = self.admitted(&asked).await;
        let reply = match answered {
            Ok((status, done)) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
                Reply { status, body: done.body, headers: done.headers }
            }
            Err(refused) => refused_reply(&refused),
        };
        let status = reply.status.as_u16();
        let (request, method) = (asked.request_id, asked.method);
        match reply.status.is_server_error() {
            true => tracing::warn!(request, method, ?operation, status, "request failed"),
            false => tracing::debug!(request, method, ?operation, status, "request answered"),
        }
        reply
    }

    async fn admitted(
        &self,
        asked: &Asked<'_>,
    ) -> (Option<Operation>, Result<(u16, Done), Refused>) {
        match find(asked.method, asked.path) {
            Found::Route(route, names) => {
                let done = self.routed(asked, route, names).await;
                (Some(route.operation), done.map(|done| (route.status, done)))
            }
            Found::Methods(methods) => {
                let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed");
                let methods = methods.join(", ");
                let problem = problem.reason(format!("this path knows {methods}"));
                (None, Err(Refused { problem, after: None, allow: Some(methods) }))
            }
            Found::Nothing => {
                let problem = Problem::new(StatusCode::NOT_FOUND, "not_found");
                (None, Err(problem.reason("no such path").into()))
            }
        }
    }

    async fn routed(
        &self,
        asked: &Asked<'_>,
        route: &'static Route,
        names: Vec<String>,
    ) -> Result<Done, Refused> {
        let now = Instant::now();
        let address = neighbourhood(asked.address);
        self.rates.requests.take(address, now).map_err(Refused::too_often)?;
        if !self.node.is_ready() {
            return Err(crate::operator::ask::unavailable("the node is not ready").into());
        }
        let changes = asked.method != "GET";
        // A form of another site would carry no cookie, but could still log a browser in as somebody else.
        if changes && asked.brought.origin.is_some() && !is_own_page(&asked.brought) {
            return Err(forbidden().reason("pages of other sites may change nothing here").into());
        }
        let who = match route.access {
            Access::Anyone => None,
            Access::Provider => {
                football::admit(&self.node, &self.tokens, asked).await?;
                None
            }
            access => Some(who(&self.node, access, changes, &asked.brought).await?),
        };
        if let Some(who) = &who {
            self.rates.of_account.take(who.account, now).map_err(Refused::too_often)?;
        }
        let values = match changes {
            false if !asked.body.is_empty() => {
                return Err(Problem::field("bad_body", "body", "a GET carries none").into());
            }
            false => Values::of_query(route.query, asked.query)?,
            true => {
                if !asked.query.is_empty() {
                    let reason = "only a GET carries one";
                    return Err(Problem::field("bad_query", "query", reason).into());
                }
                check_content_type(asked.content_type, asked.body)?;
                match route.list {
                    Some(_) => Values::default(),
                    None => Values::of_body(route.body, asked.body)?,
                }
            }
        };
        let key = match route.keyed {
            true => idempotency_key(asked.key)?,
            false => None,
        };
        let key = key.map(|key| IdempotencyKey {
            key,
            request: fingerprint(asked.method, asked.path, asked.body),
        });
        let call = Call { api: self, asked, values, names, key, who };
        match route.operation {
            Operation::SignUp => people::sign_up(call).await,
            Operation::RenewSignUp => people::renew_sign_up(call).await,
            Operation::Confirm => people::confirm(call).await,
            Operation::LogIn => people::log_in(call).await,
            Operation::LogOut => people::log_out(call).await,
            Operation::ForgotPassword => people::forgot_password(call).await,
            Operation::ResetPassword => people::reset_password(call).await,
            Operation::ChangePassword => people::change_password(call).await,
            Operation::Sessions => people::sessions(call).await,
            Operation::EndSession => people::end_session(call).await,
            Operation::ApiKeys => people::api_keys(call).await,
            Operation::CreateApiKey => people::create_api_key(call).await,
            Operation::RevokeApiKey => people::revoke_api_key(call).await,
            Operation::Account => account::account(call).await,
            Operation::ChangeMail => account::change_mail(call).await,
            Operation::Deposit => account::deposit(call).await,
            Operation::Statement => account::statement(call).await,
            Operation::StatementCsv => account::statement_csv(call).await,
            Operation::Limits => account::limits(call).await,
            Operation::SetLimit => account::set_limit(call).await,
            Operation::Exclusion => account::exclusion(call).await,
            Operation::Exclude => account::exclude(call).await,
            Operation::Markets => markets::markets(call).await,
            Operation::Market => markets::market(call).await,
            Operation::Book => markets::book(call).await,
            Operation::Orders => markets::orders(call).await,
            Operation::PlaceOrder => markets::place(call).await,
            Operation::CancelOrders => markets::cancel(call).await,
            Operation::TellFixtures => football::put(call, "fixtures").await,
            Operation::TellResults => football::put(call, "results").await,
            Operation::TellEvents => football::put(call, "events").await,
            Operation::TellQuotes => football::put(call, "quotes").await,
            Operation::PricedMatches => pricing::matches(call).await,
            Operation::PricedMatch => pricing::book(call).await,
            Operation::PricedMarket => pricing::market(call).await,
            Operation::PricedFrom => pricing::parameters(call).await,
            Operation::ToldOfMatch => pricing::history(call).await,
            Operation::Competitions => pricing::competitions(call).await,
            Operation::Ratings => pricing::strengths(call).await,
            Operation::RatingsHistory => pricing::strengths_then(call).await,
            Operation::PricingPerformance => pricing::performance(call).await,
        }
    }
}

fn refused_reply(refused: &Refused) -> Reply {
    let mut headers = vec![("content-type", "application/problem+json".to_owned())];
    if let Some(after) = refused.after {
        let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
        headers.push(("retry-after", seconds.max(1).to_string()));
    }
    if let Some(methods) = &refused.allow {
        headers.push(("allow", methods.clone()));
    }
    if refused.problem.status == StatusCode::UNAUTHORIZED {
        headers.push(("www-authenticate", "Bearer".to_owned()));
    }
    Reply {
        status: refused.problem.status,
        body: Some(Body::Json(json!(refused.problem))),
        headers,
    }
}
