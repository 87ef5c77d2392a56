//! Market books: prices and status out of the market's own actor, the customer's orders out of their
//! account.

use std::collections::BTreeMap;

use actors::market::{AtClose, LadderDepth, MarketMsg, MarketView, RunnerLadders, ViewRequest};
use actors::node::{Child, Node};
use actors::partition::deliver;
use domain::account::CurrentOrder;
use domain::definition::MarketStatus;
use domain::ids::{EntityId, MarketId, Runner};
use domain::money::Pence;
use domain::price::{ExactPrice, Price, StartingPrice};
use tokio::sync::oneshot;

use super::history::{order_status, shown_price};
use super::own::Own;
use super::translate::{
    average, bet_delay_words, date, exact, handicap, market_id, money, order_type_word,
    persistence_word, price, runner, runner_word, selection, side_word, status_word,
};
use super::{ANSWER_WITHIN, Customer, NodeExchange, PARTITION, QUARANTINED, busy};
use crate::betfair::exception::Exception;
use crate::betfair::request::{ListMarketBook, PriceProjection};
use crate::betfair::response::book::{
    BookOrder, ExchangePrices, KeyLineDescription, KeyLineSelection, MarketBook, PriceSize,
    RunnerBook, SpPrice, SpSize, StartingPrices,
};
use crate::betfair::words::{self, PriceData, RollupModel};

/// The least stake of the currency, below which public offers are rolled into the next price.
const ROLLUP_PENCE: i64 = 100;

/// What is traded and what is on offer in a market, all runners together.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    pub(super) matched: Pence,
    pub(super) available: Pence,
}

/// Of every market that answers.
pub(super) async fn totals(
    node: &Node,
    markets: impl Iterator<Item = MarketId>,
) -> BTreeMap<MarketId, Totals> {
    let request = ViewRequest { offers: LadderDepth::None, traded: false, starting_price: false };
    let asked: Vec<_> = markets.map(|market| (market, ask(node, market, request))).collect();
    let mut totals = BTreeMap::new();
    for (market, answer) in asked {
        if let Ok(Ok(view)) = tokio::time::timeout(ANSWER_WITHIN, answer).await {
            let of = Totals { matched: view.total_matched, available: view.total_available };
            totals.insert(market, of);
        }
    }
    totals
}

pub(super) async fn books(
    exchange: &NodeExchange,
    customer: &Customer,
    request: ListMarketBook,
) -> Result<Vec<MarketBook>, Exception> {
    let node = &exchange.node;
    let markets: Vec<MarketId> =
        request.market_ids.iter().filter_map(|text| market_id(text)).collect();
    let view = view_request(&request.prices);
    // One whose actor waits for an operator would never answer.
    let quarantined = |market: &MarketId| {
        node.nursery().is_quarantined(Child::Entity(PARTITION, EntityId::Market(*market)))
    };
    let asked: Vec<_> = markets
        .iter()
        .map(|market| (!quarantined(market)).then(|| ask(node, *market, view)))
        .collect();
    let own = Own::read(exchange, customer, &request, &markets).await?;
    let mut books = Vec::with_capacity(asked.len());
    for (market, answer) in markets.iter().zip(asked) {
        let view = match answer {
            Some(answer) => tokio::time::timeout(ANSWER_WITHIN, answer).await,
            None => {
                books.extend(suspended(node, *market).await);
                continue;
            }
        };
        let view = match view {
            Ok(Ok(view)) => view,
            Ok(Err(_)) | Err(_) => return Err(busy("the market is being restarted, try again")),
        };
        if view.market.is_some() {
            books.push(book(*market, &view, &request, &own));
        }
    }
    Ok(books)
}

fn ask(node: &Node, market: MarketId, request: ViewRequest) -> oneshot::Receiver<MarketView> {
    let (reply, answer) = oneshot::channel();
    deliver(node, PARTITION, EntityId::Market(market), MarketMsg::View { request, reply });
    answer
}

fn view_request(prices: &PriceProjection) -> ViewRequest {
    let asked = |part: PriceData| prices.has(part);
    let offers = if asked(PriceData::ExAllOffers) {
        LadderDepth::All
    } else if asked(PriceData::ExBestOffers) {
        // Rolled up from the whole ladder: small offers count towards the next price.
        if prices.virtualise { LadderDepth::Virtual } else { LadderDepth::All }
    } else {
        LadderDepth::None
    };
    let starting_price = asked(PriceData::SpAvailable) || asked(PriceData::SpTraded);
    ViewRequest { offers, traded: asked(PriceData::ExTraded), starting_price }
}

impl ListMarketBook {
    /// Of a market's runners only one is wanted when it was named.
    fn is_about(&self, of: Runner) -> bool {
        self.runner.is_none_or(|(selection, handicap)| runner(selection, handicap) == of)
    }
}

fn book(market: MarketId, view: &MarketView, request: &ListMarketBook, own: &Own) -> MarketBook {
    let runs = |runner: &&RunnerLadders| runner.result.is_none() && runner.removed_at.is_none();
    let active = view.runners.iter().filter(runs).count();
    let count = |of: usize| u32::try_from(of).unwrap_or(u32::MAX);
    MarketBook {
        market_id: market.to_string(),
        is_market_data_delayed: false,
        status: status_word(view.status),
        bet_delay: u32::from(view.bet_delay_s),
        bsp_reconciled: view.bsp_reconciled,
        complete: view.complete,
        inplay: view.in_play,
        number_of_winners: u32::from(view.number_of_winners),
        number_of_runners: count(view.runners.len()),
        number_of_active_runners: count(if view.status == MarketStatus::Closed {
            0
        } else {
            active
        }),
        last_match_time: view.last_match.map(date),
        total_matched: money(view.total_matched),
        total_available: money(view.total_available),
        cross_matching: view.cross_matching,
        runners_voidable: false,
        version: i64::try_from(view.version).unwrap_or(i64::MAX),
        runners: view
            .runners
            .iter()
            .filter(|it| request.is_about(it.runner))
            .map(|it| runner_book(market, it, request, own))
            .collect(),
        key_line_description: key_line(&view.key_line),
        bet_delay_models: bet_delay_words(&view.bet_delay_models),
        suspend_reason: view.suspend_reason.clone(),
    }
}

fn key_line(runners: &[Runner]) -> Option<KeyLineDescription> {
    let side = |runner: &Runner| KeyLineSelection {
        selection_id: selection(*runner),
        handicap: handicap(*runner),
    };
    let key_line: Vec<_> = runners.iter().map(side).collect();
    (!key_line.is_empty()).then_some(KeyLineDescription { key_line })
}

fn runner_book(
    market: MarketId,
    ladders: &RunnerLadders,
    request: &ListMarketBook,
    own: &Own,
) -> RunnerBook {
    let asked = |part: PriceData| request.prices.has(part);
    let offers = asked(PriceData::ExAllOffers) || asked(PriceData::ExBestOffers);
    let ex = (offers || asked(PriceData::ExTraded)).then(|| ExchangePrices {
        available_to_back: ladder(&ladders.available_to_back, &request.prices),
        available_to_lay: ladder(&ladders.available_to_lay, &request.prices),
        traded_volume: ladders.traded.iter().map(|level| price_size(*level)).collect(),
    });
    RunnerBook {
        selection_id: selection(ladders.runner),
        handicap: handicap(ladders.runner),
        status: match ladders.removed_at {
            Some(_) => words::RunnerStatus::Removed,
            None => runner_word(ladders.result),
        },
        adjustment_factor: ladders.adjustment_factor.map(|factor| f64::from(factor) / 100.0),
        last_price_traded: ladders.last_price_traded.map(price),
        total_matched: money(ladders.total_matched),
        removal_date: ladders.removed_at.map(date),
        sp: ladders
            .at_close
            .as_ref()
            .map(|at_close| starting_prices(at_close, ladders.starting_price, &request.prices)),
        ex,
        orders: own.orders(market, ladders.runner).map(|orders| orders.map(book_order).collect()),
        matches: own.matches(market, ladders.runner, request),
        matches_by_strategy: own.matches_by_strategy(market, ladders.runner, request),
    }
}

/// Best offers are rolled up and cut, all offers are as they stand.
fn ladder(levels: &[(Price, Pence)], asked: &PriceProjection) -> Vec<PriceSize> {
    if asked.has(PriceData::ExAllOffers) {
        return levels.iter().map(|level| price_size(*level)).collect();
    }
    if !asked.has(PriceData::ExBestOffers) {
        return vec![];
    }
    let depth = usize::try_from(asked.depth()).unwrap_or(0);
    let mut shown = Vec::with_capacity(depth);
    let mut carried = Pence::ZERO;
    for (at, size) in levels {
        if shown.len() == depth {
            break;
        }
        carried += *size;
        if is_worth_showing(*at, carried, asked) {
            shown.push(price_size((*at, carried)));
            carried = Pence::ZERO;
        }
    }
    shown
}

/// Whether what has gathered up to a price is enough to stand there; if not, it counts towards the next.
fn is_worth_showing(at: Price, carried: Pence, asked: &PriceProjection) -> bool {
    let units = |units: Option<u32>| units.map_or(ROLLUP_PENCE, |units| i64::from(units) * 100);
    let limit = units(asked.rollup_limit);
    let payout = i64::try_from(at.times(carried) / 100).unwrap_or(i64::MAX);
    match asked.rollup_model.unwrap_or(RollupModel::Stake) {
        RollupModel::None => true,
        RollupModel::Stake => carried.0 >= limit,
        RollupModel::Payout => payout >= limit,
        RollupModel::ManagedLiability => {
            let threshold = asked.liability_threshold.and_then(|price| price.price());
            match threshold {
                Some(threshold) if at.0 > threshold => {
                    payout - carried.0 >= units(asked.liability_factor)
                }
                _ => carried.0 >= limit,
            }
        }
    }
}

/// What waits for the starting price is available until the price is made, and traded from then on.
fn starting_prices(
    at_close: &AtClose,
    made: Option<StartingPrice>,
    asked: &PriceProjection,
) -> StartingPrices {
    let projected = made.is_none() && asked.has(PriceData::SpAvailable);
    let shown = if made.is_some() { asked.has(PriceData::SpTraded) } else { projected };
    let rows = |taken: &[(ExactPrice, Pence)]| match shown {
        true => taken.iter().map(|(at, size)| sp_size(*at, *size)).collect(),
        false => vec![],
    };
    StartingPrices {
        near_price: projected.then(|| sp_price(at_close.near_price)),
        far_price: projected.then(|| sp_price(at_close.far_price)),
        back_stake_taken: rows(&at_close.back_stakes),
        lay_liability_taken: rows(&at_close.lay_liabilities),
        actual_sp: made.map(sp_price),
    }
}

fn sp_size(at: ExactPrice, size: Pence) -> SpSize {
    SpSize { price: exact(at), size: money(size) }
}

fn sp_price(price: StartingPrice) -> SpPrice {
    match price {
        StartingPrice::At(price) => SpPrice::At(exact(price)),
        StartingPrice::NotANumber => SpPrice::None("NaN"),
        StartingPrice::Infinity => SpPrice::None("Infinity"),
    }
}

fn price_size((at, size): (Price, Pence)) -> PriceSize {
    PriceSize { price: price(at), size: money(size) }
}

fn book_order(order: &CurrentOrder) -> BookOrder {
    BookOrder {
        bet_id: order.bet.to_string(),
        order_type: order_type_word(order.order_type),
        status: order_status(order),
        persistence_type: persistence_word(order.persistence),
        side: side_word(order.side),
        price: price(shown_price(order)),
        size: money(if order.at_close { Pence::ZERO } else { order.size }),
        bsp_liability: money(order.liability),
        placed_date: date(order.placed_at),
        avg_price_matched: average(i128::from(order.matched_times_price), order.matched),
        size_matched: money(order.matched),
        size_remaining: money(order.remaining),
        size_lapsed: money(order.lapsed),
        size_cancelled: money(order.cancelled),
        size_voided: money(order.voided),
        customer_order_ref: order.order_ref.as_deref().map(str::to_owned),
        customer_strategy_ref: order.strategy_ref.as_deref().map(str::to_owned),
    }
}

/// A market whose actor waits for an operator is shown suspended, without prices.
async fn suspended(node: &Node, market: MarketId) -> Option<MarketBook> {
    let card = crate::catalogue::ask(node, move |catalogue| catalogue.card(market).cloned());
    let card = card.await??;
    let definition = &*card.definition;
    let runners = u32::try_from(definition.runners.len()).unwrap_or(u32::MAX);
    Some(MarketBook {
        market_id: market.to_string(),
        is_market_data_delayed: true,
        status: words::MarketStatus::Suspended,
        bet_delay: u32::from(card.bet_delay_s),
        bsp_reconciled: false,
        complete: definition.complete,
        inplay: card.in_play,
        number_of_winners: u32::from(definition.number_of_winners),
        number_of_runners: runners,
        number_of_active_runners: runners,
        last_match_time: None,
        total_matched: Default::default(),
        total_available: Default::default(),
        cross_matching: definition.cross_matching,
        runners_voidable: false,
        version: i64::try_from(card.version).unwrap_or(i64::MAX),
        runners: vec![],
        key_line_description: None,
        bet_delay_models: bet_delay_words(&definition.bet_delay_models),
        suspend_reason: Some(QUARANTINED.to_owned()),
    })
}
