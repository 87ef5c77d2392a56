//! One body's way through the Betfair door: read, ask the exchange, answer.
//!
//! Owns the order of checks and the bounds of an answer. The exchange behind it is a trait, so the door is
//! tested without an actor and wired to them in one place.

use serde::Serialize;

use super::exception::{Api, Exception, ExceptionWord};
use super::login::{LoginError, LoginForm};
use super::request::Request;
use super::response::account::{AccountDetails, AccountFunds};
use super::response::book::MarketBook;
use super::response::catalogue::{EventResult, EventTypeResult, MarketCatalogue};
use super::response::orders::{ClearedOrders, CurrentOrders};
use super::response::report::{
    CancelReport, ExecutionReport, PlaceReport, ReplaceReport, UpdateReport,
};
use super::rpc::{Call, Credentials, Denied, Envelope, Replies, RpcError};

/// Past it, the calls of a batch that are not answered yet are told that it is too much.
pub const MAX_REPLY_BYTES: usize = 16 << 20;

/// What is behind the door: sessions, and the exchange as one of their customers sees it.
pub trait Exchange: Send + Sync + 'static {
    /// A customer who may ask.
    type Session: Send + Sync;

    /// The session of an application key and a token.
    fn session(
        &self,
        app_key: &str,
        token: &str,
    ) -> impl Future<Output = Result<Self::Session, Denied>> + Send;

    /// The answer to a request that was read and is within its bounds.
    fn answer(
        &self,
        session: &Self::Session,
        request: Request,
    ) -> impl Future<Output = Result<Answer, RpcError>> + Send;

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

/// The result of one call.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// listEventTypes
    EventTypes(Vec<EventTypeResult>),
    /// listEvents
    Events(Vec<EventResult>),
    /// listMarketCatalogue
    Catalogue(Vec<MarketCatalogue>),
    /// listMarketBook
    Books(Vec<MarketBook>),
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
}

/// Answers a JSON-RPC body: the HTTP status and the JSON. Calls of a batch are answered in their order, so
/// that a cancel does what its place before it made possible.
pub async fn answer_rpc<E: Exchange>(
    exchange: &E,
    api: Api,
    credentials: Credentials<'_>,
    body: &[u8],
    request_id: &str,
) -> (u16, Vec<u8>) {
    let envelope = match Envelope::read(body) {
        Ok(envelope) => envelope,
        Err(error) => return error.whole_body(api, request_id),
    };
    let mut door = Session { exchange, credentials, admitted: None };
    let mut replies = Replies::new(api, envelope.batch, request_id);
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

/// The session of one body, looked up when the first call that can be read needs it.
struct Session<'a, E: Exchange> {
    exchange: &'a E,
    credentials: Credentials<'a>,
    admitted: Option<Result<E::Session, Exception>>,
}

impl<E: Exchange> Session<'_, E> {
    async fn answer_call(&mut self, api: Api, call: &Call<'_>) -> Result<Answer, RpcError> {
        let (operation, parameters) = call.operation(api)?;
        let request = Request::read(operation, parameters)?;
        let exchange = self.exchange;
        let session = match &mut self.admitted {
            Some(admitted) => admitted,
            unknown => unknown.insert(admit(exchange, self.credentials).await),
        };
        let session = session.as_ref().map_err(Clone::clone)?;
        request.check()?;
        exchange.answer(session, request).await
    }
}

async fn admit<E: Exchange>(
    exchange: &E,
    credentials: Credentials<'_>,
) -> Result<E::Session, Exception> {
    let (app_key, token) = credentials.both()?;
    Ok(exchange.session(app_key, token).await?)
}
