//! Market books: prices and status out of the market's own actor, the customer's orders out of their
//! account.

use std::collections::BTreeMap;

use actors::account::{AccountQuery, AccountView};
use actors::market::{LadderDepth, MarketMsg, MarketView, RunnerLadders, ViewRequest};
use actors::node::{Child, Node};
use actors::partition::deliver;
use domain::account::{CurrentOrder, OrderFilter, OrderProjection, OrderSort, Page, RunnerMatches};
use domain::definition::MarketStatus;
use domain::ids::{EntityId, MarketId, Runner};
use domain::money::Pence;
use domain::price::Price;
use tokio::sync::oneshot;

use super::history::{order_filter_words, order_status, shown_price};
use super::translate::{
    average, date, handicap, market_id, money, order_type_word, persistence_word, price, runner,
    runner_word, selection, side_word, status_word,
};
use super::{ANSWER_WITHIN, Customer, NodeExchange, PARTITION, busy, unexpected};
use crate::betfair::exception::Exception;
use crate::betfair::request::{ListMarketBook, PriceProjection};
use crate::betfair::response::book::{
    BookMatch, BookOrder, ExchangePrices, MarketBook, PriceSize, RunnerBook, StartingPrices,
};
use crate::betfair::words::{self, MatchProjection, PriceData, RollupModel};

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
    let own = own_part(exchange, customer, &request, &markets).await?;
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
        LadderDepth::All
    } else {
        LadderDepth::None
    };
    let starting_price = asked(PriceData::SpAvailable) || asked(PriceData::SpTraded);
    ViewRequest { offers, traded: asked(PriceData::ExTraded), starting_price }
}

/// The customer's own orders and fills in the markets, as far as they were asked for.
struct Own {
    orders: Option<Vec<CurrentOrder>>,
    matches: Option<BTreeMap<MarketId, Vec<RunnerMatches>>>,
}

async fn own_part(
    exchange: &NodeExchange,
    customer: &Customer,
    request: &ListMarketBook,
    markets: &[MarketId],
) -> Result<Own, Exception> {
    let mut own = Own { orders: None, matches: None };
    let needs_orders = request.orders.is_some() || by_bet(request.matches);
    if needs_orders {
        let filter = OrderFilter {
            markets: Some(markets.iter().copied().collect()),
            projection: request.orders.map_or(OrderProjection::All, order_filter_words),
            strategy_refs: request.strategy_refs.clone().map(|refs| refs.into_iter().collect()),
            ..OrderFilter::default()
        };
        let mut all = Vec::new();
        loop {
            let from = u32::try_from(all.len()).unwrap_or(u32::MAX);
            let page = Page { from, count: 0 };
            let sort = OrderSort::default();
            let query = AccountQuery::CurrentOrders { filter: filter.clone(), sort, page };
            let AccountView::CurrentOrders(orders) = exchange.account(customer, query).await?
            else {
                return Err(unexpected());
            };
            all.extend(orders.orders);
            if !orders.more {
                break;
            }
        }
        own.orders = Some(all);
    }
    if request.matches.is_some() {
        let query = AccountQuery::Matches(markets.to_vec());
        let AccountView::Matches(matches) = exchange.account(customer, query).await? else {
            return Err(unexpected());
        };
        own.matches = Some(matches.into_iter().collect());
    }
    Ok(own)
}

impl ListMarketBook {
    /// Of a market's runners only one is wanted when it was named.
    fn is_about(&self, of: Runner) -> bool {
        self.runner.is_none_or(|(selection, handicap)| runner(selection, handicap) == of)
    }
}

fn by_bet(matches: Option<MatchProjection>) -> bool {
    matches!(matches, Some(MatchProjection::NoRollup | MatchProjection::RolledUpByPrice))
}

fn book(market: MarketId, view: &MarketView, request: &ListMarketBook, own: &Own) -> MarketBook {
    let active = view.runners.iter().filter(|runner| runner.result.is_none()).count();
    let count = |of: usize| u32::try_from(of).unwrap_or(u32::MAX);
    MarketBook {
        market_id: market.to_string(),
        is_market_data_delayed: false,
        status: status_word(view.status),
        bet_delay: u32::from(view.bet_delay_s),
        bsp_reconciled: false,
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
    }
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
    let sp = asked(PriceData::SpAvailable) || asked(PriceData::SpTraded);
    let here = |order: &&CurrentOrder| order.market == market && order.runner == ladders.runner;
    let orders = own.orders.as_ref();
    RunnerBook {
        selection_id: selection(ladders.runner),
        handicap: handicap(ladders.runner),
        status: runner_word(ladders.result),
        adjustment_factor: None,
        last_price_traded: ladders.last_price_traded.map(price),
        total_matched: money(ladders.total_matched),
        removal_date: None,
        sp: sp.then(StartingPrices::default),
        ex,
        orders: request
            .orders
            .and(orders)
            .map(|orders| orders.iter().filter(here).map(book_order).collect()),
        matches: request.matches.map(|projection| match projection {
            MatchProjection::RolledUpByAvgPrice => {
                let all = own.matches.as_ref().and_then(|matches| matches.get(&market));
                averages(all.map_or(&[], Vec::as_slice), ladders.runner)
            }
            MatchProjection::NoRollup | MatchProjection::RolledUpByPrice => orders
                .into_iter()
                .flatten()
                .filter(here)
                .filter(|order| !order.matched.is_zero())
                .map(own_match)
                .collect(),
        }),
        matches_by_strategy: None,
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
        carried += *size;
        if is_worth_showing(*at, carried, asked) {
            shown.push(price_size((*at, carried)));
            carried = Pence::ZERO;
        }
        if shown.len() == depth {
            break;
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

fn price_size((at, size): (Price, Pence)) -> PriceSize {
    PriceSize { price: price(at), size: money(size) }
}

fn averages(matches: &[RunnerMatches], runner: Runner) -> Vec<BookMatch> {
    let of = matches.iter().filter(|matched| matched.runner == runner);
    of.map(|matched| BookMatch {
        bet_id: None,
        match_id: None,
        side: side_word(matched.side),
        price: average(matched.matched_times_price, matched.size),
        size: money(matched.size),
        match_date: None,
    })
    .collect()
}

fn own_match(order: &CurrentOrder) -> BookMatch {
    BookMatch {
        bet_id: Some(order.bet.to_string()),
        match_id: None,
        side: side_word(order.side),
        price: average(i128::from(order.matched_times_price), order.matched),
        size: money(order.matched),
        match_date: order.matched_at.map(date),
    }
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
    })
}
