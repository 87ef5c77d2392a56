//! Queries of a customer's own orders, current and cleared.

use super::super::coerce::{Fault, Field};
use super::super::filter::{TimeRange, some};
use super::super::operation::Parameters;
use super::super::words::{BetStatus, GroupBy, OrderBy, OrderProjection, Side, SortDir};

/// `listCurrentOrders`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListCurrentOrders {
    /// Only these bets.
    pub bet_ids: Option<Vec<String>>,
    /// Only these markets.
    pub market_ids: Option<Vec<String>>,
    /// Which states.
    pub projection: OrderProjection,
    /// Only these references of orders.
    pub order_refs: Option<Vec<String>>,
    /// Only these strategies.
    pub strategy_refs: Option<Vec<String>>,
    /// Only in this span of what `order_by` orders.
    pub date_range: Option<TimeRange>,
    /// The order, which may filter too.
    pub order_by: OrderBy,
    /// Its direction.
    pub latest_first: bool,
    /// Rows to skip.
    pub from_record: u32,
    /// Rows to give; 0 for as many as a page holds.
    pub record_count: u32,
    /// With the market's version in each row.
    pub with_description: bool,
}

/// `listClearedOrders`.
#[derive(Debug, Clone, PartialEq)]
pub struct ListClearedOrders {
    /// What became of the bets.
    pub status: BetStatus,
    /// Only these event types.
    pub event_type_ids: Option<Vec<String>>,
    /// Only these events.
    pub event_ids: Option<Vec<String>>,
    /// Only these markets.
    pub market_ids: Option<Vec<String>>,
    /// Only these runners.
    pub runner_ids: Option<Vec<RunnerId>>,
    /// Only these bets.
    pub bet_ids: Option<Vec<String>>,
    /// Only these references of orders.
    pub order_refs: Option<Vec<String>>,
    /// Only these strategies.
    pub strategy_refs: Option<Vec<String>>,
    /// Only this side.
    pub side: Option<Side>,
    /// Only settled in this span.
    pub settled: Option<TimeRange>,
    /// What rows are added up by.
    pub group_by: GroupBy,
    /// With names of market and runner.
    pub with_description: bool,
    /// Rows to skip.
    pub from_record: u32,
    /// Rows to give; 0 for as many as a page holds.
    pub record_count: u32,
}

/// A runner of a market.
#[derive(Debug, Clone, PartialEq)]
pub struct RunnerId {
    /// The market.
    pub market_id: String,
    /// The runner.
    pub selection_id: i64,
    /// Its handicap in hundredths.
    pub handicap: Option<i64>,
}

impl ListCurrentOrders {
    pub(super) fn read(parameters: &Parameters<'_>) -> Result<ListCurrentOrders, Fault> {
        let get = |name| parameters.get(name);
        let date_range = match TimeRange::read(&get("dateRange"))? {
            Some(range) => Some(range),
            None => TimeRange::read(&get("placedDateRange"))?,
        };
        let direction: Option<SortDir> = get("sortDir").word()?;
        Ok(ListCurrentOrders {
            bet_ids: some(get("betIds").texts()?),
            market_ids: some(get("marketIds").texts()?),
            projection: get("orderProjection").word()?.unwrap_or(OrderProjection::All),
            order_refs: some(get("customerOrderRefs").texts()?),
            strategy_refs: some(get("customerStrategyRefs").texts()?),
            date_range,
            order_by: get("orderBy").word()?.unwrap_or(OrderBy::Bet),
            latest_first: direction == Some(SortDir::LatestToEarliest),
            from_record: get("fromRecord").count()?.unwrap_or(0),
            record_count: get("recordCount").count()?.unwrap_or(0),
            with_description: get("includeItemDescription").truth()?.unwrap_or(false),
        })
    }
}

impl ListClearedOrders {
    pub(super) fn read(parameters: &Parameters<'_>) -> Result<ListClearedOrders, Fault> {
        let get = |name| parameters.get(name);
        let runner_ids = get("runnerIds").list(|runner| {
            runner.object(|runner| {
                Ok(RunnerId {
                    market_id: runner.get("marketId").must(Field::text)?,
                    selection_id: runner.get("selectionId").must(Field::integer)?,
                    handicap: runner.get("handicap").decimal()?.and_then(|decimal| decimal.pence()),
                })
            })
        })?;
        Ok(ListClearedOrders {
            status: get("betStatus").must(Field::word)?,
            event_type_ids: some(get("eventTypeIds").texts()?),
            event_ids: some(get("eventIds").texts()?),
            market_ids: some(get("marketIds").texts()?),
            runner_ids: some(runner_ids),
            bet_ids: some(get("betIds").texts()?),
            order_refs: some(get("customerOrderRefs").texts()?),
            strategy_refs: some(get("customerStrategyRefs").texts()?),
            side: get("side").word()?,
            settled: TimeRange::read(&get("settledDateRange"))?,
            group_by: get("groupBy").word()?.unwrap_or(GroupBy::Bet),
            with_description: get("includeItemDescription").truth()?.unwrap_or(false),
            from_record: get("fromRecord").count()?.unwrap_or(0),
            record_count: get("recordCount").count()?.unwrap_or(0),
        })
    }
}
