//! Cleared bets added up by event or by sport: the account adds up by market, and what markets belong to is
//! the catalogue's to say.
//!
//! Bounds   [`PAGES_MAX`] pages of the account's markets; an account with more names fewer at once.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use actors::account::{AccountQuery, AccountView};
use domain::account::{ClearedFilter, ClearedGroup, ClearedOrder as Cleared, Page};
use domain::ids::{EventId, EventTypeId, MarketId};
use domain::money::Pence;
use domain::time::UtcMillis;

use super::translate::{average, date, money};
use super::{Customer, NodeExchange, busy, unexpected};
use crate::betfair::exception::{Exception, ExceptionWord};
use crate::betfair::response::orders::{ClearedOrder, ClearedOrders};
use crate::catalogue;

const PAGES_MAX: u32 = 50;

/// The event type, and the event where it is told apart.
type Group = (EventTypeId, Option<EventId>);

#[derive(Default)]
struct Sum {
    settled_at: UtcMillis,
    bets: u32,
    size: Pence,
    matched_times_price: i128,
    commission: Pence,
    profit: Pence,
}

impl Sum {
    fn add(&mut self, market: &Cleared) {
        self.settled_at = self.settled_at.max(market.settled_at);
        self.bets = self.bets.saturating_add(market.bets);
        self.size += market.size_settled;
        self.matched_times_price += market.matched_times_price;
        self.commission += market.commission.unwrap_or_default();
        self.profit += market.profit;
    }
}

pub(super) async fn cleared(
    exchange: &NodeExchange,
    customer: &Customer,
    filter: ClearedFilter,
    by_event: bool,
    page: Page,
) -> Result<ClearedOrders, Exception> {
    let markets = by_market(exchange, customer, filter).await?;
    let known = groups_of(exchange, markets.iter().filter_map(|it| it.market).collect()).await?;
    let mut sums = BTreeMap::<Group, Sum>::new();
    for market in &markets {
        let group = market.market.and_then(|id| known.get(&id));
        if let Some((event_type, event)) = group {
            let group = (*event_type, Some(*event).filter(|_| by_event));
            sums.entry(group).or_default().add(market);
        }
    }
    let mut rows: Vec<(Group, Sum)> = sums.into_iter().collect();
    rows.sort_by_key(|(_, sum)| Reverse(sum.settled_at));
    let (rows, more_available) = page.cut(rows.into_iter());
    Ok(ClearedOrders { cleared_orders: rows.iter().map(row).collect(), more_available })
}

async fn by_market(
    exchange: &NodeExchange,
    customer: &Customer,
    filter: ClearedFilter,
) -> Result<Vec<Cleared>, Exception> {
    let mut markets = Vec::new();
    for _ in 0..PAGES_MAX {
        let page = Page { from: u32::try_from(markets.len()).unwrap_or(u32::MAX), count: 0 };
        let (filter, group) = (filter.clone(), ClearedGroup::Market);
        let query = AccountQuery::ClearedOrders { filter, group, page };
        let AccountView::ClearedOrders(found) = exchange.account(customer, query).await? else {
            return Err(unexpected());
        };
        markets.extend(found.orders);
        if !found.more {
            return Ok(markets);
        }
    }
    let details = "settledDateRange: has too many markets to add up, narrow it";
    Err(Exception::new(ExceptionWord::TooMuchData, details))
}

async fn groups_of(
    exchange: &NodeExchange,
    markets: Vec<MarketId>,
) -> Result<BTreeMap<MarketId, (EventTypeId, EventId)>, Exception> {
    let found = catalogue::ask(&exchange.node, move |catalogue| {
        let group = |market: MarketId| {
            let definition = &catalogue.card(market)?.definition;
            Some((market, (definition.event_type, definition.event)))
        };
        markets.into_iter().filter_map(group).collect()
    });
    found.await.ok_or_else(|| busy("the catalogue is being read, try again"))
}

fn row(((event_type, event), sum): &(Group, Sum)) -> ClearedOrder {
    ClearedOrder {
        event_type_id: Some(event_type.to_string()),
        event_id: event.map(|event| event.to_string()),
        settled_date: Some(date(sum.settled_at)),
        bet_count: sum.bets,
        commission: Some(money(sum.commission)),
        price_matched: (!sum.size.is_zero()).then(|| average(sum.matched_times_price, sum.size)),
        size_settled: Some(money(sum.size)),
        profit: Some(money(sum.profit)),
        ..ClearedOrder::default()
    }
}
