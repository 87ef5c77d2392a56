//! Orders: placed, cancelled, replaced, updated, through the customer's session.
//!
//! Everything that the wire alone shows to be wrong is refused here with the exchange's own code; the rest
//! is the account's and the market's to say. An answer that does not come in time, or whose actor died, is
//! `TIMEOUT`: the outcome is unknown, never a failure.

use actors::account::TakenOrders;
use actors::session::SessionRequest;
use domain::ids::BetId;
use domain::money::Pence;
use domain::order::{ExecutionError, InstructionError, OrderKind, Ticket, TimeInForce};
use domain::price::Price;
use domain::request::{CancelScope, CustomerRequest, Outcome, PlacedBet, PlacedEnd, RequestBody};

use super::ask::{Ended, ask, ask_until_taken};
use super::translate::{
    average, bet_id, date, instruction_error, market_id, money, persistence, report_error, runner,
    side,
};
use super::{Customer, NodeExchange, unexpected};
use crate::betfair::decimal::{Decimal, Hundredths};
use crate::betfair::exception::Exception;
use crate::betfair::extensions::Extensions;
use crate::betfair::instruction::{
    CancelInstruction, CancelOrders, LimitOnCloseOrder, LimitOrder, MarketOnCloseOrder,
    PlaceInstruction, PlaceOrders, ReplaceInstruction, ReplaceOrders, UpdateOrders,
};
use crate::betfair::response::report::{
    CancelReport, ExecutionReport, PlaceReport, ReplaceReport, UpdateReport,
};
use crate::betfair::words::{
    self, BetTargetType, InstructionStatus, OrderStatus, OrderType, PersistenceType, ReportError,
    ReportStatus,
};
use crate::catalogue;

pub(super) async fn place(
    customer: &Customer,
    extensions: Extensions,
    request: PlaceOrders,
) -> Result<ExecutionReport<PlaceReport>, Exception> {
    let report =
        Report { customer_ref: request.customer_ref.clone(), market: Some(&request.market_id) };
    let echoes = &request.instructions;
    let lines = |error: Option<words::InstructionError>| -> Vec<PlaceReport> {
        echoes.iter().map(|echo| not_placed(echo, error)).collect()
    };
    if let Some(error) = request.fault() {
        return Ok(report.failure(ReportError::BetActionError, lines(Some(error))));
    }
    if let Some((at, error)) = first_fault(echoes) {
        let line = |(n, echo)| {
            let own = if n == at { error } else { words::InstructionError::ErrorInOrder };
            not_placed(echo, Some(own))
        };
        let lines = echoes.iter().enumerate().map(line).collect();
        return Ok(report.failure(ReportError::BetActionError, lines));
    }
    let Some(market) = market_id(&request.market_id) else {
        return Ok(report.failure(ReportError::InvalidMarketId, lines(None)));
    };
    let tickets = echoes.iter().map(ticket).collect();
    let asked = SessionRequest::Place {
        market,
        tickets,
        customer_ref: text(&request.customer_ref),
        strategy_ref: text(&request.strategy_ref),
        market_version: version(request.market_version),
    };
    let ended = match request.is_async {
        false => ask(customer, extensions, asked).await?,
        true => match ask_until_taken(customer, extensions, asked).await? {
            Ok(TakenOrders::Placed(bets)) => {
                let bets = if extensions.bet_id { bets } else { vec![] };
                return Ok(report.of(None, pending(echoes, &bets)));
            }
            Ok(TakenOrders::Replaced(_)) => return Err(unexpected()),
            Err(ended) => ended,
        },
    };
    match ended {
        Ended::Outcome(Outcome::Placed(done)) => {
            let placed = |(echo, result): (&PlaceInstruction, _)| match result {
                Ok(bet) => placed(echo.clone(), &bet),
                Err(error) => not_placed(echo, Some(instruction_error(error))),
            };
            let refused_whole = done.error.is_some() && done.reports.is_empty();
            let lines = match refused_whole {
                true => lines(Some(words::InstructionError::ErrorInOrder)),
                false => echoes.iter().zip(done.reports).map(placed).collect(),
            };
            Ok(report.of(done.error, lines))
        }
        Ended::Outcome(_) => Err(unexpected()),
        Ended::Refused(error) => {
            let lines = lines(Some(words::InstructionError::ErrorInOrder));
            Ok(report.failure(report_error(error), lines))
        }
        Ended::Unknown => Ok(report.timeout(
            echoes
                .iter()
                .map(|echo| PlaceReport {
                    status: InstructionStatus::Timeout,
                    ..not_placed(echo, None)
                })
                .collect(),
        )),
    }
}

pub(super) async fn cancel(
    exchange: &NodeExchange,
    customer: &Customer,
    extensions: Extensions,
    request: CancelOrders,
) -> Result<ExecutionReport<CancelReport>, Exception> {
    let report =
        Report { customer_ref: request.customer_ref.clone(), market: request.market_id.as_deref() };
    let echoes = &request.instructions;
    let market = match request.market_id.as_deref().map(market_id) {
        Some(None) => return Ok(report.failure(ReportError::InvalidMarketId, vec![])),
        Some(market) => market,
        None => None,
    };
    // The account would find nothing to cancel there and call that a success.
    if let (Some(market), true) = (market, echoes.is_empty()) {
        let known = catalogue::ask(&exchange.node, move |known| known.card(market).is_some());
        if known.await == Some(false) {
            return Ok(report.failure(ReportError::InvalidMarketId, vec![]));
        }
    }
    let mut orders = Vec::with_capacity(echoes.len());
    for (at, echo) in echoes.iter().enumerate() {
        let reduction = match echo.size_reduction {
            None => None,
            Some(size) => match size.pence().filter(|pence| *pence > 0) {
                Some(pence) => Some(Pence(pence)),
                None => {
                    let lines = cancel_fault(echoes, at, words::InstructionError::InvalidBetSize);
                    return Ok(report.failure(ReportError::BetActionError, lines));
                }
            },
        };
        orders.push((known_or_nobodys(&echo.bet_id), reduction));
    }
    let scope = match (market, orders.is_empty()) {
        (None, _) => CancelScope::Everything,
        (Some(market), true) => CancelScope::Market(market),
        (Some(market), false) => CancelScope::Bets { market, orders },
    };
    let asked = plain(&request.customer_ref, RequestBody::Cancel(scope));
    match ask(customer, extensions, asked).await? {
        Ended::Outcome(Outcome::Cancelled(done)) => {
            let lines = done.reports.into_iter().enumerate().map(|(at, line)| {
                let echo = echoes.get(at).cloned().unwrap_or_else(|| CancelInstruction {
                    bet_id: line.bet.to_string(),
                    size_reduction: None,
                });
                cancelled(echo, line.result.map(|bet| (bet.size, bet.at)))
            });
            let lines = lines.collect();
            Ok(report.of(done.error, lines))
        }
        Ended::Outcome(_) => Err(unexpected()),
        Ended::Refused(error) => Ok(report.failure(report_error(error), vec![])),
        Ended::Unknown => Ok(report.timeout(vec![])),
    }
}

pub(super) async fn replace(
    customer: &Customer,
    extensions: Extensions,
    request: ReplaceOrders,
) -> Result<ExecutionReport<ReplaceReport>, Exception> {
    let report =
        Report { customer_ref: request.customer_ref.clone(), market: Some(&request.market_id) };
    let Some(market) = market_id(&request.market_id) else {
        return Ok(report.failure(ReportError::InvalidMarketId, vec![]));
    };
    // A price that is none at all leads to one off the ladder: the cancel stands, as the exchange has it.
    let price = |price: Decimal| Price(price.price().unwrap_or(0));
    let orders = request
        .instructions
        .iter()
        .map(|echo| (known_or_nobodys(&echo.bet_id), price(echo.new_price)))
        .collect();
    let market_version = version(request.market_version);
    let body = RequestBody::Replace { market, orders, market_version };
    let asked = plain(&request.customer_ref, body);
    let echoes = request.instructions.iter();
    let ended = match request.is_async {
        false => ask(customer, extensions, asked).await?,
        true => match ask_until_taken(customer, extensions, asked).await? {
            Ok(TakenOrders::Replaced(lines)) => {
                // The cancel goes through with the order; what becomes of the new bet is told by the stream.
                let line = |(echo, line)| {
                    let mut report = replaced(echo, line);
                    let place = &mut report.place_instruction_report;
                    place.order_status = Some(OrderStatus::Pending);
                    (place.placed_date, place.size_matched) = (None, None);
                    place.average_price_matched = None;
                    place.bet_id = place.bet_id.take().filter(|_| extensions.bet_id);
                    report
                };
                return Ok(report.of(None, echoes.zip(lines).map(line).collect()));
            }
            Ok(TakenOrders::Placed(_)) => return Err(unexpected()),
            Err(ended) => ended,
        },
    };
    match ended {
        Ended::Outcome(Outcome::Replaced(done)) => {
            let lines = echoes.zip(done.reports).map(|(echo, line)| replaced(echo, line));
            Ok(report.of(done.error, lines.collect()))
        }
        Ended::Outcome(_) => Err(unexpected()),
        Ended::Refused(error) => Ok(report.failure(report_error(error), vec![])),
        Ended::Unknown => Ok(report.timeout(vec![])),
    }
}

pub(super) async fn update(
    customer: &Customer,
    extensions: Extensions,
    request: UpdateOrders,
) -> Result<ExecutionReport<UpdateReport>, Exception> {
    let report =
        Report { customer_ref: request.customer_ref.clone(), market: Some(&request.market_id) };
    let Some(market) = market_id(&request.market_id) else {
        return Ok(report.failure(ReportError::InvalidMarketId, vec![]));
    };
    let orders = request
        .instructions
        .iter()
        .map(|echo| (known_or_nobodys(&echo.bet_id), persistence(echo.new_persistence_type)))
        .collect();
    let body = RequestBody::Update { market, orders };
    match ask(customer, extensions, plain(&request.customer_ref, body)).await? {
        Ended::Outcome(Outcome::Updated(done)) => {
            let lines = request.instructions.into_iter().zip(done.reports).map(|(echo, result)| {
                let failed = result.err().map(|(_, error)| instruction_error(error));
                UpdateReport { status: status_of(failed), error_code: failed, instruction: echo }
            });
            let lines = lines.collect();
            Ok(report.of(done.error, lines))
        }
        Ended::Outcome(_) => Err(unexpected()),
        Ended::Refused(error) => Ok(report.failure(report_error(error), vec![])),
        Ended::Unknown => Ok(report.timeout(vec![])),
    }
}

/// What all reports of one request have in common.
struct Report<'a> {
    customer_ref: Option<String>,
    market: Option<&'a str>,
}

impl Report<'_> {
    fn whole<T>(
        self,
        status: ReportStatus,
        error_code: Option<ReportError>,
        instruction_reports: Vec<T>,
    ) -> ExecutionReport<T> {
        ExecutionReport {
            customer_ref: self.customer_ref,
            status,
            error_code,
            market_id: self.market.map(str::to_owned),
            instruction_reports,
        }
    }

    fn of<T>(self, error: Option<ExecutionError>, lines: Vec<T>) -> ExecutionReport<T> {
        let status = match error {
            None => ReportStatus::Success,
            Some(ExecutionError::ProcessedWithErrors) => ReportStatus::ProcessedWithErrors,
            Some(_) => ReportStatus::Failure,
        };
        self.whole(status, error.map(report_error), lines)
    }

    fn failure<T>(self, error: ReportError, lines: Vec<T>) -> ExecutionReport<T> {
        self.whole(ReportStatus::Failure, Some(error), lines)
    }

    fn timeout<T>(self, lines: Vec<T>) -> ExecutionReport<T> {
        self.whole(ReportStatus::Timeout, None, lines)
    }
}

fn first_fault(echoes: &[PlaceInstruction]) -> Option<(usize, words::InstructionError)> {
    echoes.iter().enumerate().find_map(|(at, echo)| {
        let (error, _) = echo.fault()?;
        Some((at, error))
    })
}

/// An instruction without fault as the exchange takes it.
fn ticket(echo: &PlaceInstruction) -> Ticket {
    let limit = echo.limit_order.as_ref();
    let time_in_force = match limit.and_then(|limit| limit.time_in_force) {
        None => TimeInForce::Rest,
        Some(words::TimeInForce::FillOrKill) => TimeInForce::FillOrKill {
            min_fill: limit.and_then(|limit| limit.min_fill_size).map(pence),
        },
    };
    let (kind, price, size) = order_terms(echo);
    Ticket {
        runner: runner(echo.selection_id, echo.handicap.pence().unwrap_or(0)),
        side: side(echo.side),
        kind,
        price,
        size,
        persistence: match (time_in_force, limit.and_then(|limit| limit.persistence_type)) {
            // What is now or never does not persist, whatever it says.
            (TimeInForce::FillOrKill { .. }, _) | (_, None) => Default::default(),
            (TimeInForce::Rest, Some(word)) => persistence(word),
        },
        time_in_force,
        reference: text(&echo.customer_order_ref),
    }
}

/// The payload that counts: kind, limit and amount. Of an order with a target the kind says the amount.
fn order_terms(echo: &PlaceInstruction) -> (OrderKind, Price, Pence) {
    let nothing = (OrderKind::Limit, Price(0), Pence::ZERO);
    let limit = |price: Decimal| Price(price.price().unwrap_or(0));
    match echo.order_type {
        OrderType::Limit => echo.limit_order.as_ref().map_or(nothing, |order| {
            let target = order.bet_target_size.map_or(Pence::ZERO, pence);
            let kind = match order.bet_target_type {
                None => OrderKind::Limit,
                Some(BetTargetType::Payout) => OrderKind::Payout(target),
                Some(BetTargetType::BackersProfit) => OrderKind::BackersProfit(target),
            };
            (kind, limit(order.price), order.size.map_or(Pence::ZERO, pence))
        }),
        OrderType::LimitOnClose => echo.limit_on_close_order.as_ref().map_or(nothing, |order| {
            (OrderKind::LimitOnClose, limit(order.price), pence(order.liability))
        }),
        OrderType::MarketOnClose => echo
            .market_on_close_order
            .as_ref()
            .map_or(nothing, |order| (OrderKind::MarketOnClose, Price(0), pence(order.liability))),
    }
}

fn pence(amount: Decimal) -> Pence {
    Pence(amount.pence().unwrap_or(0))
}

/// A ticket as a client would have written it.
fn written(ticket: &Ticket) -> PlaceInstruction {
    let persistence = super::translate::persistence_word(ticket.persistence);
    let decimal = |hundredths: i64| Decimal::Fits(hundredths);
    let (liability, price) = (decimal(ticket.size.0), decimal(i64::from(ticket.price.0)));
    let order_type = ticket.kind.order_type();
    let of = |wanted: domain::order::OrderType| order_type == wanted;
    PlaceInstruction {
        selection_id: super::translate::selection(ticket.runner),
        handicap: Decimal::Fits(i64::from(ticket.runner.handicap)),
        side: super::translate::side_word(ticket.side),
        order_type: super::translate::order_type_word(order_type),
        limit_order: of(domain::order::OrderType::Limit)
            .then(|| LimitOrder::plain(ticket.size.0, ticket.price.0, persistence)),
        limit_on_close_order: of(domain::order::OrderType::LimitOnClose)
            .then_some(LimitOnCloseOrder { liability, price }),
        market_on_close_order: of(domain::order::OrderType::MarketOnClose)
            .then_some(MarketOnCloseOrder { liability }),
        customer_order_ref: ticket.reference.as_deref().map(str::to_owned),
    }
}

/// The echo of a placing half that never came to be.
fn nothing() -> PlaceInstruction {
    PlaceInstruction {
        selection_id: 0,
        handicap: Decimal::Fits(0),
        side: words::Side::Back,
        order_type: OrderType::Limit,
        limit_order: Some(LimitOrder::plain(0, 0, PersistenceType::Lapse)),
        limit_on_close_order: None,
        market_on_close_order: None,
        customer_order_ref: None,
    }
}

fn replaced(echo: &ReplaceInstruction, line: domain::request::ReplaceReport) -> ReplaceReport {
    let echo = CancelInstruction { bet_id: echo.bet_id.clone(), size_reduction: None };
    let cancel = line.cancel.result.map(|bet| (bet.size, bet.at));
    let failed = line.error.map(instruction_error);
    let place = match line.place {
        Some(place) => {
            let echo = written(&place.ticket);
            match place.report {
                Ok(bet) => placed(echo, &bet),
                Err(error) => not_placed(&echo, Some(instruction_error(error))),
            }
        }
        None => PlaceReport {
            error_code: failed.or(Some(words::InstructionError::RelatedActionFailed)),
            ..not_placed(&nothing(), None)
        },
    };
    ReplaceReport {
        status: status_of(failed),
        error_code: failed,
        cancel_instruction_report: cancelled(echo, cancel),
        place_instruction_report: place,
    }
}

fn placed(echo: PlaceInstruction, bet: &PlacedBet) -> PlaceReport {
    PlaceReport {
        status: InstructionStatus::Success,
        error_code: None,
        instruction: echo,
        bet_id: Some(bet.bet.to_string()),
        placed_date: Some(date(bet.placed_at)),
        average_price_matched: Some(average(bet.matched_times_price, bet.size_matched)),
        size_matched: Some(money(bet.size_matched)),
        order_status: Some(match bet.end {
            PlacedEnd::Executable => OrderStatus::Executable,
            PlacedEnd::ExecutionComplete => OrderStatus::ExecutionComplete,
            PlacedEnd::Expired => OrderStatus::Expired,
        }),
    }
}

/// Orders that the account has taken and whose market will be heard of by the order stream.
fn pending(echoes: &[PlaceInstruction], bets: &[BetId]) -> Vec<PlaceReport> {
    let line = |(at, echo): (usize, &PlaceInstruction)| PlaceReport {
        status: InstructionStatus::Success,
        order_status: Some(OrderStatus::Pending),
        bet_id: bets.get(at).map(BetId::to_string),
        ..not_placed(echo, None)
    };
    echoes.iter().enumerate().map(line).collect()
}

fn not_placed(echo: &PlaceInstruction, error: Option<words::InstructionError>) -> PlaceReport {
    PlaceReport {
        status: InstructionStatus::Failure,
        error_code: error,
        instruction: echo.clone(),
        bet_id: None,
        placed_date: None,
        average_price_matched: None,
        size_matched: None,
        order_status: None,
    }
}

fn cancelled(
    echo: CancelInstruction,
    result: Result<(Pence, domain::time::UtcMillis), InstructionError>,
) -> CancelReport {
    let failed = result.err().map(instruction_error);
    CancelReport {
        status: status_of(failed),
        error_code: failed,
        instruction: Some(echo),
        size_cancelled: result.map_or(Hundredths(0), |(size, _)| money(size)),
        cancelled_date: result.ok().map(|(_, at)| date(at)),
    }
}

fn cancel_fault(
    echoes: &[CancelInstruction],
    culprit: usize,
    error: words::InstructionError,
) -> Vec<CancelReport> {
    let line = |(at, echo): (usize, &CancelInstruction)| CancelReport {
        status: InstructionStatus::Failure,
        error_code: Some(if at == culprit { error } else { words::InstructionError::ErrorInOrder }),
        instruction: Some(echo.clone()),
        size_cancelled: Hundredths(0),
        cancelled_date: None,
    };
    echoes.iter().enumerate().map(line).collect()
}

fn status_of(failed: Option<words::InstructionError>) -> InstructionStatus {
    match failed {
        Some(_) => InstructionStatus::Failure,
        None => InstructionStatus::Success,
    }
}

/// An id that no bet can have leads to one that nobody has, and is refused as unknown.
fn known_or_nobodys(text: &str) -> BetId {
    bet_id(text).unwrap_or(BetId(0))
}

fn plain(customer_ref: &Option<String>, body: RequestBody) -> SessionRequest {
    SessionRequest::Plain(CustomerRequest { customer_ref: text(customer_ref), body })
}

/// An empty text is none.
fn text(text: &Option<String>) -> Option<Box<str>> {
    text.as_deref().filter(|text| !text.is_empty()).map(Box::from)
}

/// A negative version was never a market's: nothing can have passed it that did not pass zero.
fn version(version: Option<i64>) -> Option<u64> {
    version.map(|version| u64::try_from(version).unwrap_or(0))
}
