//! A customer's own: current orders, cleared orders, funds, details.

use std::collections::{BTreeMap, BTreeSet};

use actors::account::{AccountQuery, AccountView};
use domain::account::{
    BetOutcome, ClearedFilter, ClearedGroup, ClearedOrder as Cleared, ClearedStatus,
    CurrentOrder as Current, DateRange, OrderFilter, OrderProjection, OrderSort, Page, SortBy,
};
use domain::catalogue::event_type_name;
use domain::ids::{EventId, EventTypeId, MarketId, Runner};
use domain::money::Pence;
use domain::order::{OrderType, Side};
use domain::price::Price;
use domain::time::UtcMillis;

use super::translate::{
    average, bet_id, date, handicap, lapse_word, market_id, money, order_type_word,
    persistence_word, price, runner, selection, side, side_word,
};
use super::{Customer, NodeExchange, busy, event_groups, queue, unexpected};
use crate::betfair::decimal::Hundredths;
use crate::betfair::exception::Exception;
use crate::betfair::extensions::Extensions;
use crate::betfair::filter::TimeRange;
use crate::betfair::request::{ListClearedOrders, ListCurrentOrders};
use crate::betfair::response::account::{AccountDetails, AccountFunds};
use crate::betfair::response::book::PriceSize;
use crate::betfair::response::orders::{
    ClearedOrder, ClearedOrders, CurrentItemDescription, CurrentOrder, CurrentOrders,
    ItemDescription, MarketVersion,
};
use crate::betfair::words::{self, BetStatus, GroupBy, OrderBy, OrderStatus};
use crate::catalogue;

/// What stands for "no limit".
const NO_LIMIT: Hundredths = Hundredths(-100_000_000_000);

pub(super) async fn current(
    exchange: &NodeExchange,
    customer: &Customer,
    extensions: Extensions,
    request: ListCurrentOrders,
) -> Result<CurrentOrders, Exception> {
    let filter = OrderFilter {
        bets: request.bet_ids.as_deref().map(|ids| known(ids, bet_id)),
        markets: request.market_ids.as_deref().map(|ids| known(ids, market_id)),
        order_refs: request.order_refs.map(|refs| refs.into_iter().collect()),
        strategy_refs: request.strategy_refs.map(|refs| refs.into_iter().collect()),
        projection: order_filter_words(request.projection),
        range: range(request.date_range),
    };
    let sort = OrderSort {
        by: match request.order_by {
            OrderBy::Bet | OrderBy::PlaceTime => SortBy::PlaceTime,
            OrderBy::Market => SortBy::Market,
            OrderBy::MatchTime => SortBy::MatchTime,
            OrderBy::VoidTime => SortBy::VoidTime,
            OrderBy::SettledTime => SortBy::SettledTime,
        },
        latest_first: request.latest_first,
    };
    let page = Page { from: request.from_record, count: request.record_count };
    let query = AccountQuery::CurrentOrders { filter, sort, page };
    let AccountView::CurrentOrders(orders) = exchange.account(customer, query).await? else {
        return Err(unexpected());
    };
    let markets = orders.orders.iter().map(|order| order.market).collect();
    let versions = match request.with_description {
        true => versions(exchange, markets).await?,
        false => BTreeMap::new(),
    };
    let ahead = match extensions.queue_position {
        true => queue::sizes_ahead(&exchange.node, &orders.orders).await,
        false => BTreeMap::new(),
    };
    let row = |order: &Current| CurrentOrder {
        size_ahead: ahead.get(&order.bet).copied().map(money),
        ..current_order(order, versions.get(&order.market).copied())
    };
    Ok(CurrentOrders {
        current_orders: orders.orders.iter().map(row).collect(),
        more_available: orders.more,
    })
}

async fn versions(
    exchange: &NodeExchange,
    markets: BTreeSet<MarketId>,
) -> Result<BTreeMap<MarketId, u64>, Exception> {
    let found = catalogue::ask(&exchange.node, move |catalogue| {
        let version = |market: MarketId| Some((market, catalogue.card(market)?.version));
        markets.into_iter().filter_map(version).collect()
    });
    found.await.ok_or_else(|| busy("the catalogue is being read, try again"))
}

fn current_order(order: &Current, version: Option<u64>) -> CurrentOrder {
    let ended = |size: Pence| order.ended_at.filter(|_| !size.is_zero()).map(date);
    CurrentOrder {
        bet_id: order.bet.to_string(),
        market_id: order.market.to_string(),
        selection_id: selection(order.runner),
        handicap: handicap(order.runner),
        price_size: PriceSize {
            price: price(shown_price(order)),
            size: money(if order.at_close { Pence::ZERO } else { order.size }),
        },
        bsp_liability: money(order.liability),
        side: side_word(order.side),
        status: order_status(order),
        persistence_type: persistence_word(order.persistence),
        order_type: order_type_word(order.order_type),
        placed_date: date(order.placed_at),
        matched_date: order.matched_at.map(date),
        average_price_matched: average(i128::from(order.matched_times_price), order.matched),
        size_matched: money(order.matched),
        size_remaining: money(order.remaining),
        size_lapsed: money(order.lapsed),
        size_cancelled: money(order.cancelled),
        size_voided: money(order.voided),
        regulator_auth_code: None,
        regulator_code: None,
        customer_order_ref: order.order_ref.as_deref().map(str::to_owned),
        customer_strategy_ref: order.strategy_ref.as_deref().map(str::to_owned),
        lapsed_date: ended(order.lapsed),
        lapse_status_reason_code: order
            .lapse_reason
            .filter(|_| !order.lapsed.is_zero())
            .map(|reason| lapse_word(reason).to_owned()),
        // A bet on close that was edited ends as a cancel of nothing.
        cancelled_date: order
            .ended_at
            .filter(|_| order.lapsed.is_zero() || !order.cancelled.is_zero())
            .map(date),
        size_ahead: None,
        current_item_description: version.map(|version| CurrentItemDescription {
            market_version: MarketVersion { version: i64::try_from(version).unwrap_or(i64::MAX) },
        }),
    }
}

/// A market-on-close order has no price of its own: it is shown at the far end of the ladder.
pub(crate) fn shown_price(order: &Current) -> Price {
    match (order.order_type, order.side) {
        (OrderType::MarketOnClose, Side::Back) => Price::MAX,
        (OrderType::MarketOnClose, Side::Lay) => Price::MIN,
        _ => order.price,
    }
}

pub(super) fn order_status(order: &Current) -> OrderStatus {
    match order.executable {
        true => OrderStatus::Executable,
        false => OrderStatus::ExecutionComplete,
    }
}

pub(super) fn order_filter_words(projection: words::OrderProjection) -> OrderProjection {
    match projection {
        words::OrderProjection::All => OrderProjection::All,
        words::OrderProjection::Executable => OrderProjection::Executable,
        words::OrderProjection::ExecutionComplete => OrderProjection::ExecutionComplete,
    }
}

pub(super) async fn cleared(
    exchange: &NodeExchange,
    customer: &Customer,
    request: ListClearedOrders,
) -> Result<ClearedOrders, Exception> {
    let group = match request.group_by {
        GroupBy::Bet => ClearedGroup::Bet,
        GroupBy::Side => ClearedGroup::Side,
        GroupBy::Runner => ClearedGroup::Runner,
        GroupBy::Market => ClearedGroup::Market,
        GroupBy::Strategy => ClearedGroup::Strategy,
        // The account knows markets: what belongs together is added up here.
        GroupBy::Event | GroupBy::EventType => ClearedGroup::Market,
    };
    let runners = request.runner_ids.as_ref().map(|ids| {
        let of = |id: &crate::betfair::request::RunnerId| {
            runner(id.selection_id, id.handicap.unwrap_or(0))
        };
        ids.iter().map(of).collect()
    });
    let filter = ClearedFilter {
        status: match request.status {
            BetStatus::Settled => ClearedStatus::Settled,
            BetStatus::Voided => ClearedStatus::Voided,
            BetStatus::Lapsed => ClearedStatus::Lapsed,
            BetStatus::Cancelled => ClearedStatus::Cancelled,
        },
        bets: request.bet_ids.as_deref().map(|ids| known(ids, bet_id)),
        markets: markets_of(exchange, &request).await?,
        runners,
        order_refs: request.order_refs.map(|refs| refs.into_iter().collect()),
        strategy_refs: request.strategy_refs.map(|refs| refs.into_iter().collect()),
        side: request.side.map(side),
        settled: range(request.settled),
    };
    let page = Page { from: request.from_record, count: request.record_count };
    let is_settled = request.status == BetStatus::Settled;
    if is_settled && matches!(request.group_by, GroupBy::Event | GroupBy::EventType) {
        let by_event = request.group_by == GroupBy::Event;
        return event_groups::cleared(exchange, customer, filter, by_event, page).await;
    }
    let query = AccountQuery::ClearedOrders { filter, group, page };
    let AccountView::ClearedOrders(orders) = exchange.account(customer, query).await? else {
        return Err(unexpected());
    };
    let markets = orders.orders.iter().filter_map(|order| order.market).collect();
    let described = describe(exchange, markets).await?;
    let row = |order: &Cleared| {
        let market = order.market.and_then(|market| described.get(&market));
        cleared_order(order, market, request.with_description)
    };
    Ok(ClearedOrders {
        cleared_orders: orders.orders.iter().map(row).collect(),
        more_available: orders.more,
    })
}

/// Markets that the request narrows the list to, by their ids, events or sports.
async fn markets_of(
    exchange: &NodeExchange,
    request: &ListClearedOrders,
) -> Result<Option<BTreeSet<MarketId>>, Exception> {
    let named = request.market_ids.as_deref().map(|ids| known(ids, market_id));
    if request.event_ids.is_none() && request.event_type_ids.is_none() {
        return Ok(named);
    }
    let events: Option<BTreeSet<EventId>> =
        request.event_ids.as_deref().map(|ids| known(ids, |id| id.parse().ok().map(EventId)));
    let types: Option<BTreeSet<EventTypeId>> = request
        .event_type_ids
        .as_deref()
        .map(|ids| known(ids, |id| id.parse().ok().map(EventTypeId)));
    let found = catalogue::ask(&exchange.node, move |catalogue| {
        let of = |card: &&domain::catalogue::MarketCard| {
            let definition = &card.definition;
            events.as_ref().is_none_or(|events| events.contains(&definition.event))
                && types.as_ref().is_none_or(|types| types.contains(&definition.event_type))
                && named.as_ref().is_none_or(|named| named.contains(&definition.id))
        };
        catalogue.cards().filter(of).map(|card| card.definition.id).collect()
    });
    found.await.map(Some).ok_or_else(|| busy("the catalogue is being read, try again"))
}

/// What a cleared bet shows of its market.
pub(super) struct Described {
    pub(super) event_type: EventTypeId,
    pub(super) event: EventId,
    pub(super) event_name: String,
    pub(super) market_name: String,
    pub(super) market_type: String,
    pub(super) start: UtcMillis,
    pub(super) winners: u16,
    /// In hundredths.
    pub(super) each_way_divisor: Option<u32>,
    pub(super) runners: BTreeMap<Runner, String>,
}

pub(super) async fn describe(
    exchange: &NodeExchange,
    markets: BTreeSet<MarketId>,
) -> Result<BTreeMap<MarketId, Described>, Exception> {
    let found = catalogue::ask(&exchange.node, move |catalogue| {
        let describe = |market: MarketId| {
            let card = catalogue.card(market)?;
            let definition = &*card.definition;
            let event = catalogue.event_of(card);
            Some((
                market,
                Described {
                    event_type: definition.event_type,
                    event: definition.event,
                    event_name: event.map(|event| event.name.clone()).unwrap_or_default(),
                    market_name: definition.name.clone(),
                    market_type: definition.market_type.clone(),
                    start: definition.start_time,
                    winners: definition.number_of_winners,
                    each_way_divisor: definition.each_way_divisor,
                    runners: definition
                        .runners
                        .iter()
                        .map(|runner| (runner.runner, runner.name.clone()))
                        .collect(),
                },
            ))
        };
        markets.into_iter().filter_map(describe).collect()
    });
    found.await.ok_or_else(|| busy("the catalogue is being read, try again"))
}

fn cleared_order(
    order: &Cleared,
    market: Option<&Described>,
    with_description: bool,
) -> ClearedOrder {
    let description = market.filter(|_| with_description).map(|market| ItemDescription {
        event_type_desc: event_type_name(market.event_type).unwrap_or("Other").to_owned(),
        event_desc: market.event_name.clone(),
        market_desc: market.market_name.clone(),
        market_type: market.market_type.clone(),
        market_start_time: date(market.start),
        runner_desc: order
            .runner
            .and_then(|runner| market.runners.get(&runner).cloned())
            .unwrap_or_default(),
        number_of_winners: u32::from(market.winners),
        each_way_divisor: market.each_way_divisor.map(|divisor| f64::from(divisor) / 100.0),
    });
    let settled = !order.size_settled.is_zero();
    ClearedOrder {
        event_type_id: market.map(|market| market.event_type.to_string()),
        event_id: market.map(|market| market.event.to_string()),
        market_id: order.market.map(|market| market.to_string()),
        selection_id: order.runner.map(selection),
        handicap: order.runner.map(handicap),
        bet_id: order.bet.map(|bet| bet.to_string()),
        placed_date: order.placed_at.map(date),
        persistence_type: order.persistence.map(persistence_word),
        order_type: order.order_type.map(order_type_word),
        side: order.side.map(side_word),
        item_description: description,
        bet_outcome: order.outcome.map(|outcome| match outcome {
            BetOutcome::Won => "WON",
            BetOutcome::Lost => "LOST",
            BetOutcome::Placed => "PLACE",
            BetOutcome::Void => "VOID",
        }),
        price_requested: order.price_requested.map(price),
        settled_date: Some(date(order.settled_at)),
        last_matched_date: order.matched_at.map(date),
        bet_count: order.bets,
        commission: order.commission.map(money),
        price_matched: settled.then(|| average(order.matched_times_price, order.size_settled)),
        price_reduced: order.bet.map(|_| order.reduced),
        size_settled: Some(money(order.size_settled)),
        profit: Some(money(order.profit)),
        size_cancelled: (!order.size_cancelled.is_zero()).then(|| money(order.size_cancelled)),
        customer_order_ref: order.order_ref.as_deref().map(str::to_owned),
        customer_strategy_ref: order.strategy_ref.as_deref().map(str::to_owned),
    }
}

pub(super) async fn funds(
    exchange: &NodeExchange,
    customer: &Customer,
) -> Result<AccountFunds, Exception> {
    let AccountView::Funds { funds, profile, .. } =
        exchange.account(customer, AccountQuery::Funds).await?
    else {
        return Err(unexpected());
    };
    let limit = profile.and_then(|profile| profile.exposure_limit);
    Ok(AccountFunds {
        available_to_bet_balance: money(funds.available()),
        exposure: money(-funds.exposure),
        retained_commission: Hundredths(0),
        exposure_limit: limit.map_or(NO_LIMIT, |limit| money(-limit)),
        discount_rate: discount(profile.map_or(0, |profile| profile.discount_rate)),
        points_balance: 0,
        wallet: "UK",
    })
}

pub(super) async fn details(
    exchange: &NodeExchange,
    customer: &Customer,
) -> Result<AccountDetails, Exception> {
    let AccountView::Funds { profile, .. } =
        exchange.account(customer, AccountQuery::Funds).await?
    else {
        return Err(unexpected());
    };
    Ok(AccountDetails {
        currency_code: "GBP".to_owned(),
        first_name: customer.login.username.clone(),
        last_name: String::new(),
        locale_code: "en".to_owned(),
        region: "GBR".to_owned(),
        timezone: "Europe/London".to_owned(),
        discount_rate: discount(profile.map_or(0, |profile| profile.discount_rate)),
        points_balance: 0,
        country_code: "GB".to_owned(),
    })
}

fn discount(rate: u32) -> Hundredths {
    Hundredths(i64::from(rate))
}

pub(super) fn range(range: Option<TimeRange>) -> DateRange {
    let range = range.unwrap_or_default();
    let at = |date: crate::betfair::dates::Date| UtcMillis(date.0);
    DateRange { from: range.from.map(at), to: range.to.map(at) }
}

/// Ids that nothing can have find nothing.
pub(super) fn known<T: Ord>(ids: &[String], id: impl Fn(&str) -> Option<T>) -> BTreeSet<T> {
    ids.iter().filter_map(|text| id(text)).collect()
}
