//! One body's way through the Betfair door: read, ask the exchange, answer.
//!
//! Owns the order of checks and the bounds of an answer. The exchange behind it is a trait, so the door is
//! tested without an actor and wired to them in one place.

use bytes::Bytes;
use serde::Serialize;

use super::exception::{Api, Exception, ExceptionWord};
use super::extensions::Extensions;
use super::limits::Limits;
use super::login::{LoginError, LoginForm};
use super::operation::{Operation, Parameters};
use super::request::Request;
use super::response::account::{AccountDetails, AccountFunds};
use super::response::apps::{CurrencyRate, DeveloperApp, HeartbeatReport};
use super::response::book::MarketBook;
use super::response::catalogue::{
    CompetitionResult, CountryResult, EventResult, EventTypeResult, MarketCatalogue,
    MarketTypeResult, TimeRangeResult, VenueResult,
};
use super::response::orders::{ClearedOrders, CurrentOrders};
use super::response::profit::MarketProfitAndLoss;
use super::response::report::{
    CancelReport, ExecutionReport, PlaceReport, ReplaceReport, UpdateReport,
};
use super::response::statement::AccountStatement;
use super::rest::RestError;
use super::rpc::{Call, Credentials, Denied, Envelope, Replies, RpcError};
use super::tree::Tree;

/// Past it, the calls of a batch that are not answered yet are told that it is too much.
pub const MAX_REPLY_BYTES: usize = 16 << 20;

/// What is behind the door: sessions, and the exchange as one of their customers sees it.
pub trait Exchange: Send + Sync + 'static {
    /// A customer who may ask.
    type Session: Send + Sync;

    /// How much a customer may ask for.
    fn limits(&self) -> &Limits;

    /// The session of a token, and of an application key where one is needed.
    fn session(
        &self,
        app_key: Option<&str>,
        token: &str,
    ) -> impl Future<Output = Result<Self::Session, Denied>> + Send;

    /// What the application is sent beyond the documented keys without asking.
    fn extensions(&self, _app_key: &str) -> Extensions {
        Extensions::default()
    }

    /// The answer to a request that was read and is within its bounds.
    fn answer(
        &self,
        session: &Self::Session,
        extensions: Extensions,
        request: Request,
    ) -> impl Future<Output = Result<Answer, RpcError>> + Send;

    /// The navigation menu.
    fn menu(&self) -> impl Future<Output = Result<Menu, Exception>> + Send;

    /// Logs in; the token of a new session.
    fn login(
        &self,
        app_key: &str,
        form: LoginForm,
    ) -> impl Future<Output = Result<String, LoginError>> + Send;

    /// Whether the token is still a session's; ends it when `log_out`.
    fn keep_alive(
        &self,
        token: &str,
        log_out: bool,
    ) -> impl Future<Output = Result<(), LoginError>> + Send;
}

/// The navigation menu as JSON, and what tells it from the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Menu {
    /// The whole tree.
    pub body: Bytes,
    /// As the header has it, quotes included.
    pub etag: String,
}

/// The result of one call.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// listEventTypes
    EventTypes(Vec<EventTypeResult>),
    /// listCompetitions
    Competitions(Vec<CompetitionResult>),
    /// listTimeRanges
    TimeRanges(Vec<TimeRangeResult>),
    /// listEvents
    Events(Vec<EventResult>),
    /// listMarketTypes
    MarketTypes(Vec<MarketTypeResult>),
    /// listCountries
    Countries(Vec<CountryResult>),
    /// listVenues
    Venues(Vec<VenueResult>),
    /// listMarketCatalogue
    Catalogue(Vec<MarketCatalogue>),
    /// listMarketBook, listRunnerBook
    Books(Vec<MarketBook>),
    /// listMarketProfitAndLoss
    ProfitAndLoss(Vec<MarketProfitAndLoss>),
    /// placeOrders
    Placed(ExecutionReport<PlaceReport>),
    /// cancelOrders
    Cancelled(ExecutionReport<CancelReport>),
    /// replaceOrders
    Replaced(ExecutionReport<ReplaceReport>),
    /// updateOrders
    Updated(ExecutionReport<UpdateReport>),
    /// listCurrentOrders
    Current(CurrentOrders),
    /// listClearedOrders
    Cleared(ClearedOrders),
    /// getAccountFunds
    Funds(AccountFunds),
    /// getAccountDetails
    Details(AccountDetails),
    /// getAccountStatement
    Statement(AccountStatement),
    /// listCurrencyRates
    CurrencyRates(Vec<CurrencyRate>),
    /// createDeveloperAppKeys
    App(DeveloperApp),
    /// getDeveloperAppKeys
    Apps(Vec<DeveloperApp>),
    /// heartbeat
    Heartbeat(HeartbeatReport),
}

/// What comes with a body: who asks, how, and under which id it is answered.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The headers that every call needs.
    pub credentials: Credentials<'a>,
    /// `X-Laybook-Extensions`, as it came.
    pub extensions: Option<&'a str>,
    /// Stands in exceptions.
    pub request_id: &'a str,
}

/// Answers a JSON-RPC body: the HTTP status and the JSON. Calls of a batch are answered in their order, so
/// that a cancel does what its place before it made possible.
pub async fn answer_rpc<E: Exchange>(
    exchange: &E,
    api: Api,
    asked: Asked<'_>,
    body: &[u8],
) -> (u16, Vec<u8>) {
    let envelope = match Envelope::read(body) {
        Ok(envelope) => envelope,
        Err(error) => return error.whole_body(api, asked.request_id),
    };
    let mut door = Session { exchange, asked, admitted: None };
    let mut replies = Replies::new(api, envelope.batch, asked.request_id);
    for call in &envelope.calls {
        let outcome = if replies.len() > MAX_REPLY_BYTES {
            let details = "the answers to this batch are too long, send fewer calls";
            Err(Exception::new(ExceptionWord::TooMuchData, details).into())
        } else {
            door.answer_call(api, call).await
        };
        match outcome {
            Ok(answer) => replies.result(&call.id, &answer),
            Err(error) => replies.error(&call.id, &error),
        }
    }
    (200, replies.finish())
}

/// Answers a REST body, which holds the parameters of the operation that the path names.
pub async fn answer_rest<E: Exchange>(
    exchange: &E,
    api: Api,
    name: &str,
    asked: Asked<'_>,
    body: &[u8],
) -> (u16, Vec<u8>) {
    let Some(operation) = Operation::of_path(api, name) else {
        return RestError::UnknownOperation.answer(api, asked.request_id);
    };
    let refused = |error: RestError| error.answer(operation.api(), asked.request_id);
    // No body is no parameters, as it is with getAccountDetails.
    let body = match body.iter().all(u8::is_ascii_whitespace) {
        true => Some(Tree::Null),
        false => Tree::read(body),
    };
    let Some(parameters) = body.as_ref().and_then(|body| Parameters::new(operation, Some(body)))
    else {
        return refused(RestError::Unreadable);
    };
    let mut door = Session { exchange, asked, admitted: None };
    match door.answer(operation, parameters).await {
        Ok(answer) => match serde_json::to_vec(&answer) {
            Ok(body) => (200, body),
            Err(_) => refused(RpcError::Internal.into()),
        },
        Err(error) => refused(error.into()),
    }
}

/// The session of one body, looked up when the first call that can be read needs it.
struct Session<'a, E: Exchange> {
    exchange: &'a E,
    asked: Asked<'a>,
    admitted: Option<Result<(E::Session, Extensions), Exception>>,
}

impl<E: Exchange> Session<'_, E> {
    async fn answer_call(&mut self, api: Api, call: &Call<'_>) -> Result<Answer, RpcError> {
        let (operation, parameters) = call.operation(api)?;
        self.answer(operation, parameters).await
    }

    async fn answer(
        &mut self,
        operation: Operation,
        parameters: Parameters<'_>,
    ) -> Result<Answer, RpcError> {
        let request = Request::read(operation, parameters)?;
        let exchange = self.exchange;
        let admitted = if operation.needs_app_key() {
            match &mut self.admitted {
                Some(admitted) => admitted,
                unknown => unknown.insert(admit(exchange, self.asked).await),
            }
        } else {
            &admit_without_key(exchange, self.asked).await
        };
        let (session, extensions) = admitted.as_ref().map_err(Clone::clone)?;
        request.check(exchange.limits())?;
        exchange.answer(session, *extensions, request).await
    }
}

async fn admit<E: Exchange>(
    exchange: &E,
    asked: Asked<'_>,
) -> Result<(E::Session, Extensions), Exception> {
    let (app_key, token) = asked.credentials.both()?;
    let session = exchange.session(Some(app_key), token).await?;
    let extensions = Extensions::read(asked.extensions)?.with(exchange.extensions(app_key));
    Ok((session, extensions))
}

async fn admit_without_key<E: Exchange>(
    exchange: &E,
    asked: Asked<'_>,
) -> Result<(E::Session, Extensions), Exception> {
    let session = exchange.session(None, asked.credentials.token()?).await?;
    Ok((session, Extensions::read(asked.extensions)?))
}

/// The navigation menu for a customer: the HTTP status, and the menu or the fault.
pub async fn answer_menu<E: Exchange>(
    exchange: &E,
    asked: Asked<'_>,
) -> Result<Menu, (u16, Vec<u8>)> {
    let menu = async {
        admit(exchange, asked).await?;
        exchange.menu().await
    };
    let refused = |error| RestError::Call(RpcError::Service(error));
    menu.await.map_err(|error| refused(error).answer(Api::Sports, asked.request_id))
}
