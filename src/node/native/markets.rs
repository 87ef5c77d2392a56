//! What there is to bet on, and the customer's orders, in the native API.
//!
//! Orders go through the customer's session like everybody's. One with an `Idempotency-Key` is known by it
//! for a minute: asked again it is answered with the first result, and another under its key is refused.

use std::time::Duration;

use actors::account::{AccountQuery, AccountView};
use actors::mailbox::{Mailbox, Undelivered};
use actors::market::{LadderDepth, MarketMsg, MarketView, RunnerLadders, ViewRequest};
use actors::node::Child;
use actors::partition::deliver;
use actors::registry::Address;
use actors::session::{RequestError, SessionMsg, SessionRequest, Wishes};
use domain::account::{CurrentOrder, OrderFilter, OrderProjection, OrderSort, Page, SortBy};
use domain::catalogue::{Catalogue, MarketCard, MarketFilter, MarketSort, TextQuery};
use domain::definition::MarketStatus;
use domain::ids::{BetId, EntityId, MarketId, PartitionId, Runner, SelectionId};
use domain::money::Pence;
use domain::order::{
    ExecutionError, InstructionError, OrderKind, Persistence, Side, Ticket, TimeInForce,
};
use domain::price::Price;
use domain::request::{
    CancelReport, CancelScope, CustomerRequest, Execution, Outcome, PlaceReport, PlacedEnd,
    RequestBody,
};
use hyper::StatusCode;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::account::{look, moment};
use super::api::{Call, Done, Refused};
use crate::catalogue;
use crate::operator::ask;
use crate::operator::json::in_full;
use crate::operator::problem::Problem;

type Handled = Result<Done, Refused>;

const MARKETS_SHOWN: usize = 50;
const ORDERS_SHOWN: u32 = 100;
const STARTED_WITHIN: Duration = Duration::from_secs(2);
const VIEWED_WITHIN: Duration = Duration::from_secs(5);
/// Beyond the bet delay, which the exchange itself ends in time.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// Messages that may wait for one session; past it a request is refused as busy.
const MAILBOX_MAX: usize = 8_192;
/// The longest customer's reference that an account takes.
const REFERENCE_DIGITS: usize = 32;

fn no_such_market() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found").reason("no such market")
}

fn market_of(call: &Call<'_>) -> Result<MarketId, Problem> {
    call.name().parse().map_err(|_| no_such_market())
}

fn status_word(status: MarketStatus) -> &'static str {
    match status {
        MarketStatus::Inactive => "inactive",
        MarketStatus::Open => "open",
        MarketStatus::Suspended => "suspended",
        MarketStatus::Closed => "closed",
    }
}

fn shown_card(catalogue: &Catalogue, card: &MarketCard) -> Value {
    let definition = &*card.definition;
    let runners: Vec<Value> = definition
        .runners
        .iter()
        .map(|named| shown_runner(named.runner, json!({ "name": named.name })))
        .collect();
    json!({
        "marketId": definition.id.to_string(),
        "name": definition.name,
        "type": definition.market_type,
        "event": catalogue.event_of(card).map(|event| event.name.clone()),
        "startTime": moment(definition.start_time),
        "status": status_word(card.status),
        "inPlay": card.in_play,
        "runners": runners,
    })
}

/// What names a runner, with more of it.
fn shown_runner(runner: Runner, mut more: Value) -> Value {
    more["selectionId"] = json!(runner.selection);
    if runner.handicap != 0 {
        more["handicap"] = json!(in_full(i64::from(runner.handicap)));
    }
    more
}

async fn catalogued<T: Send + 'static>(
    call: &Call<'_>,
    question: impl FnOnce(&Catalogue) -> T + Send + 'static,
) -> Result<T, Problem> {
    let answer = catalogue::ask(&call.api.node, question).await;
    answer.ok_or_else(|| ask::unavailable("the catalogue is being read"))
}

pub(super) async fn markets(call: Call<'_>) -> Handled {
    let text = match call.values.text("text") {
        Some(text) => TextQuery::new(text)
            .map_err(|error| Problem::field("bad_text", "text", error.to_string()))?,
        None => None,
    };
    let in_play = call.values.truth("inPlay");
    let count = call.values.number("count").and_then(|it| usize::try_from(it).ok());
    let filter = MarketFilter { text, in_play, ..MarketFilter::default() };
    let listed = catalogued(&call, move |catalogue| {
        let sort = MarketSort::FirstToStart;
        let cards = catalogue.list(&filter, sort, count.unwrap_or(MARKETS_SHOWN), |_| 0);
        cards.into_iter().map(|card| shown_card(catalogue, card)).collect::<Vec<_>>()
    });
    Ok(Done::json(json!({ "markets": listed.await? })))
}

pub(super) async fn market(call: Call<'_>) -> Handled {
    let market = market_of(&call)?;
    let shown = catalogued(&call, move |catalogue| {
        catalogue.card(market).map(|card| shown_card(catalogue, card))
    });
    Ok(Done::json(shown.await?.ok_or_else(no_such_market)?))
}

pub(super) async fn book(call: Call<'_>) -> Handled {
    let market = market_of(&call)?;
    // A market that is not listed has no actor, and none is made for it.
    let listed = catalogued(&call, move |catalogue| catalogue.card(market).is_some()).await?;
    if !listed {
        return Err(no_such_market().into());
    }
    let depth = call.values.number("depth").and_then(|it| usize::try_from(it).ok());
    let request = ViewRequest {
        offers: LadderDepth::Best(depth.unwrap_or(3)),
        traded: false,
        starting_price: false,
    };
    let (reply, answer) = oneshot::channel();
    let view = MarketMsg::View { request, reply };
    deliver(&call.api.node, PartitionId(0), EntityId::Market(market), view);
    match tokio::time::timeout(VIEWED_WITHIN, answer).await {
        Ok(Ok(view)) => Ok(Done::json(shown_view(market, &view))),
        Ok(Err(_)) | Err(_) => {
            Err(ask::unavailable("the market is being restarted, try again").into())
        }
    }
}

fn shown_view(market: MarketId, view: &MarketView) -> Value {
    let ladder = |offers: &[(Price, Pence)]| {
        let offer = |(price, size): &(Price, Pence)| json!({ "price": price.to_string(), "size": size.to_string() });
        offers.iter().map(offer).collect::<Vec<_>>()
    };
    let runner = |runner: &RunnerLadders| {
        let more = json!({
            "toBack": ladder(&runner.available_to_back),
            "toLay": ladder(&runner.available_to_lay),
            "lastPrice": runner.last_price_traded.map(|price| price.to_string()),
            "totalMatched": runner.total_matched.to_string(),
            "removed": runner.removed_at.is_some(),
        });
        shown_runner(runner.runner, more)
    };
    json!({
        "marketId": market.to_string(),
        "status": status_word(view.status),
        "inPlay": view.in_play,
        "betDelayS": view.bet_delay_s,
        "suspendReason": view.suspend_reason,
        "version": view.version,
        "totalMatched": view.total_matched.to_string(),
        "runners": view.runners.iter().map(runner).collect::<Vec<_>>(),
    })
}

pub(super) async fn orders(call: Call<'_>) -> Handled {
    let number = |name, other: u32| {
        call.values.number(name).and_then(|it| u32::try_from(it).ok()).unwrap_or(other)
    };
    let markets = match call.values.text("marketId") {
        None => None,
        Some(text) => {
            let market = text.parse::<MarketId>();
            let market = market
                .map_err(|_| Problem::field("bad_market", "marketId", "is no market's id"))?;
            Some([market].into())
        }
    };
    let projection = match call.values.truth("open") {
        Some(true) => OrderProjection::Executable,
        Some(false) => OrderProjection::ExecutionComplete,
        None => OrderProjection::All,
    };
    let query = AccountQuery::CurrentOrders {
        filter: OrderFilter { markets, projection, ..OrderFilter::default() },
        sort: OrderSort { by: SortBy::PlaceTime, latest_first: true },
        page: Page { from: number("skip", 0), count: number("count", ORDERS_SHOWN) },
    };
    let AccountView::CurrentOrders(orders) = look(&call, query).await? else {
        return Err(ask::unavailable("the account answered something else").into());
    };
    let shown: Vec<Value> = orders.orders.iter().map(shown_order).collect();
    Ok(Done::json(json!({ "orders": shown, "more": orders.more })))
}

fn shown_order(order: &CurrentOrder) -> Value {
    let more = json!({
        "betId": order.bet.to_string(),
        "marketId": order.market.to_string(),
        "side": side_word(order.side),
        "price": order.price.to_string(),
        "size": order.size.to_string(),
        "matched": order.matched.to_string(),
        "remaining": order.remaining.to_string(),
        "cancelled": order.cancelled.to_string(),
        "lapsed": order.lapsed.to_string(),
        "voided": order.voided.to_string(),
        "placedAt": moment(order.placed_at),
        "open": order.executable,
    });
    shown_runner(order.runner, more)
}

fn side_word(side: Side) -> &'static str {
    match side {
        Side::Back => "back",
        Side::Lay => "lay",
    }
}

pub(super) async fn place(call: Call<'_>) -> Handled {
    let market = market_of(&call)?;
    let number = |name| call.values.number(name).unwrap_or_default();
    let ticket = Ticket {
        runner: Runner {
            selection: SelectionId(u64::try_from(number("selectionId")).unwrap_or_default()),
            handicap: i32::try_from(number("handicap")).unwrap_or_default(),
        },
        side: match call.values.text("side") {
            Some("lay") => Side::Lay,
            _ => Side::Back,
        },
        kind: OrderKind::Limit,
        price: Price(u32::try_from(number("price")).unwrap_or_default()),
        size: Pence(number("size")),
        persistence: match call.values.text("persistence") {
            Some("persist") => Persistence::Persist,
            _ => Persistence::Lapse,
        },
        time_in_force: TimeInForce::Rest,
        reference: None,
    };
    let reference = call.key.as_ref().map(|key| {
        let hash = blake3::hash(key.key.as_bytes()).to_hex();
        hash.as_str()[..REFERENCE_DIGITS].into()
    });
    let wishes = Wishes { replay: reference.is_some(), taken: None };
    let request = SessionRequest::Place {
        market,
        tickets: vec![ticket],
        customer_ref: reference,
        strategy_ref: None,
        market_version: None,
    };
    match request_of(&call, request, wishes).await? {
        Outcome::Placed(placed) => Ok(Done::json(placed_one(&placed)?)),
        _ => Err(unexpected().into()),
    }
}

fn placed_one(placed: &Execution<PlaceReport>) -> Result<Value, Problem> {
    match (placed.error, placed.reports.first()) {
        (None, Some(Ok(bet))) => Ok(json!({
            "betId": bet.bet.to_string(),
            "placedAt": moment(bet.placed_at),
            "matched": bet.size_matched.to_string(),
            "open": bet.end == PlacedEnd::Executable,
        })),
        (Some(error), report) => {
            let instruction = report.and_then(|report| report.as_ref().err()).copied();
            Err(refused(error, instruction))
        }
        _ => Err(unexpected()),
    }
}

pub(super) async fn cancel(call: Call<'_>) -> Handled {
    let market = market_of(&call)?;
    let bet = call.values.number("betId").and_then(|bet| u64::try_from(bet).ok()).map(BetId);
    let scope = match bet {
        Some(bet) => CancelScope::Bets { market, orders: vec![(bet, None)] },
        None => CancelScope::Market(market),
    };
    let body = RequestBody::Cancel(scope);
    let request = SessionRequest::Plain(CustomerRequest { customer_ref: None, body });
    let Outcome::Cancelled(done) = request_of(&call, request, Wishes::default()).await? else {
        return Err(unexpected().into());
    };
    if let (Some(error), Some(_)) = (done.error, bet) {
        let instruction = done.reports.first().and_then(|report| report.result.err());
        return Err(refused(error, instruction).into());
    }
    let line = |report: &CancelReport| {
        let cancelled = report.result.as_ref().ok()?;
        Some(json!({
            "betId": report.bet.to_string(),
            "size": cancelled.size.to_string(),
            "at": moment(cancelled.at),
        }))
    };
    let lines: Vec<Value> = done.reports.iter().filter_map(line).collect();
    Ok(Done::json(json!({ "cancelled": lines })))
}

fn unexpected() -> Problem {
    ask::unavailable("the session answered something else")
}

/// The way for the customer's orders: a session whose actor is not there has one made.
async fn session_of(call: &Call<'_>) -> Result<Mailbox<SessionMsg>, Problem> {
    let session = call.who()?.session;
    let (address, registry) = (Address::Session(session), &call.api.node.registry);
    if let Some(way) = registry.find(address) {
        return Ok(way);
    }
    call.api.node.nursery().start(Child::Session(session));
    let arrived = registry.arrival(address, None, STARTED_WITHIN).await;
    arrived.ok_or_else(|| ask::unavailable("the session is being started, try again"))
}

async fn request_of(
    call: &Call<'_>,
    request: SessionRequest,
    wishes: Wishes,
) -> Result<Outcome, Problem> {
    let unknown = || {
        let problem = Problem::new(StatusCode::GATEWAY_TIMEOUT, "outcome_unknown");
        problem.reason("no answer in time; look at the orders, or ask again with the same key")
    };
    let session = session_of(call).await?;
    let (reply, answer) = oneshot::channel();
    let message = SessionMsg::RequestWith { request, reply: reply.into(), wishes };
    match session.try_send(message, MAILBOX_MAX) {
        Ok(()) => {}
        Err(Undelivered::Overloaded(_)) => {
            return Err(ask::unavailable("too many requests of this session are open"));
        }
        Err(Undelivered::Gone(_)) => return Err(unknown()),
    }
    match tokio::time::timeout(ANSWER_WITHIN, answer).await {
        Ok(Ok(Ok(outcome))) => Ok(outcome),
        Ok(Ok(Err(error))) => Err(match error {
            RequestError::NoSuchMarket => no_such_market(),
            RequestError::Busy(busy) => {
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy").reason(busy.to_string())
            }
            RequestError::TooManyRequests => ask::unavailable("too many requests are open"),
            RequestError::SessionOver => crate::operator::access::unauthorized(),
        }),
        Ok(Err(_)) | Err(_) => Err(unknown()),
    }
}

/// Why nothing was done.
fn refused(error: ExecutionError, instruction: Option<InstructionError>) -> Problem {
    let problem = |status, code, reason| Problem::new(status, code).reason(reason);
    let conflict = |code, reason| problem(StatusCode::CONFLICT, code, reason);
    match error {
        ExecutionError::InsufficientFunds => problem(
            StatusCode::PAYMENT_REQUIRED,
            "insufficient_funds",
            "more could be lost than is available",
        ),
        ExecutionError::LossLimitExceeded => {
            conflict("loss_limit", "a limit on what may be lost would be passed")
        }
        ExecutionError::InvalidAccountState => conflict(
            "account_state",
            "the account may not bet: it is suspended, closed or excluded",
        ),
        ExecutionError::MarketSuspended | ExecutionError::MarketNotOpenForBetting => {
            conflict("market_not_open", "the market is not open")
        }
        ExecutionError::InvalidMarketId => no_such_market(),
        ExecutionError::DuplicateTransaction => problem(
            StatusCode::UNPROCESSABLE_ENTITY,
            "key_reused",
            "the key was used for another order within the last minute",
        ),
        ExecutionError::ServiceUnavailable => ask::unavailable("nothing was done, try again"),
        ExecutionError::Timeout => {
            problem(StatusCode::GATEWAY_TIMEOUT, "timeout", "the market did not answer in time")
        }
        _ => refused_instruction(error, instruction),
    }
}

fn refused_instruction(error: ExecutionError, instruction: Option<InstructionError>) -> Problem {
    use InstructionError as Fault;
    let field = Problem::field;
    let conflict = |code, reason| Problem::new(StatusCode::CONFLICT, code).reason(reason);
    match instruction {
        Some(Fault::InvalidOdds) => field("bad_price", "price", "is not on the ladder of prices"),
        Some(Fault::InvalidBetSize | Fault::InvalidMinFillSize) => {
            field("bad_stake", "size", "is too small, or too large")
        }
        Some(Fault::InvalidRunner) => field("bad_runner", "selectionId", "does not run here"),
        Some(Fault::InvalidPersistenceType) => {
            field("bad_persistence", "persistence", "is not possible in this market")
        }
        Some(Fault::RunnerRemoved) => conflict("runner_removed", "the runner has been removed"),
        Some(Fault::InvalidBetId) => {
            Problem::new(StatusCode::NOT_FOUND, "not_found").reason("no such order")
        }
        Some(Fault::BetTakenOrLapsed) => {
            conflict("nothing_open", "nothing of the order can be matched any more")
        }
        Some(Fault::BetInProgress) => conflict("in_progress", "the order is being changed"),
        Some(fault) => conflict("refused", "").reason(format!("{error:?}: {fault:?}")),
        None => conflict("refused", "").reason(format!("{error:?}")),
    }
}
