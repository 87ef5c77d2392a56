//! What a call asks for, as plain values.
//!
//! Reading an operation's parameters gives a [`Request`] or a fault that names the parameter. Bounds that
//! are answered by a service exception are looked at by [`Request::check`], after the session is known.

use super::coerce::{Fault, Field};
use super::dates::Date;
use super::exception::{Exception, ExceptionWord};
use super::filter::{MarketFilter, TimeRange, some};
use super::instruction::{CancelOrders, PlaceOrders, ReplaceOrders, UpdateOrders};
use super::operation::{Operation, Parameters};
use super::words::{
    BetStatus, GroupBy, MarketProjection, MarketSort, MatchProjection, OrderBy, OrderProjection,
    PriceData, RollupModel, Side, SortDir,
};

/// Entries of one catalogue answer.
pub const MAX_CATALOGUE: u32 = 1000;
/// Bet ids and market ids of one listCurrentOrders.
pub const MAX_IDS: usize = 250;
/// What one query may weigh, where the real limits are rehearsed.
pub const MAX_WEIGHT: u64 = 200;

/// One call's meaning.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Event types with markets that pass the filter.
    ListEventTypes(MarketFilter),
    /// Events with markets that pass the filter.
    ListEvents(MarketFilter),
    /// Descriptions of markets.
    ListMarketCatalogue(ListMarketCatalogue),
    /// Prices and status of markets.
    ListMarketBook(ListMarketBook),
    /// New orders.
    PlaceOrders(PlaceOrders),
    /// Orders to take back.
    CancelOrders(CancelOrders),
    /// Orders to take back and place anew at another price.
    ReplaceOrders(ReplaceOrders),
    /// Orders to persist differently.
    UpdateOrders(UpdateOrders),
    /// Orders of markets that are not settled.
    ListCurrentOrders(ListCurrentOrders),
    /// Bets of markets that are settled, and what became of the rest.
    ListClearedOrders(ListClearedOrders),
    /// The wallet.
    GetAccountFunds,
    /// The account's holder.
    GetAccountDetails,
}

/// `listMarketCatalogue`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListMarketCatalogue {
    /// Which markets.
    pub filter: MarketFilter,
    /// Which parts of each.
    pub projection: Vec<MarketProjection>,
    /// In which order; by rank without one.
    pub sort: Option<MarketSort>,
    /// How many at most, 1 to [`MAX_CATALOGUE`].
    pub max_results: i64,
}

/// `listMarketBook`.
#[derive(Debug, Clone, PartialEq)]
pub struct ListMarketBook {
    /// Which markets.
    pub market_ids: Vec<String>,
    /// Which prices.
    pub prices: PriceProjection,
    /// Which of the customer's orders, if any.
    pub orders: Option<OrderProjection>,
    /// Which of the customer's fills, if any.
    pub matches: Option<MatchProjection>,
    /// Fills of all strategies too.
    pub include_overall_position: bool,
    /// Fills by strategy.
    pub partition_by_strategy: bool,
    /// Only these strategies.
    pub strategy_refs: Option<Vec<String>>,
    /// Only orders with a fill since then.
    pub matched_since: Option<Date>,
    /// Only these bets.
    pub bet_ids: Option<Vec<String>>,
}

/// Which prices of a market, and how merged.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PriceProjection {
    /// The parts asked for.
    pub data: Vec<PriceData>,
    /// Prices on each side of EX_BEST_OFFERS; 3 without a word.
    pub best_prices_depth: Option<u32>,
    /// How small amounts are merged.
    pub rollup_model: Option<RollupModel>,
    /// Up to which amount, in the account's units.
    pub rollup_limit: Option<u32>,
    /// With virtual bets of cross matching.
    pub virtualise: bool,
}

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

impl Request {
    /// Reads the parameters of an operation.
    pub fn read(operation: Operation, parameters: Parameters<'_>) -> Result<Request, Fault> {
        let get = |name| parameters.get(name);
        Ok(match operation {
            Operation::ListEventTypes => Request::ListEventTypes(mandatory_filter(&parameters)?),
            Operation::ListEvents => Request::ListEvents(mandatory_filter(&parameters)?),
            Operation::ListMarketCatalogue => Request::ListMarketCatalogue(ListMarketCatalogue {
                filter: mandatory_filter(&parameters)?,
                projection: get("marketProjection").words()?.unwrap_or_default(),
                sort: market_sort(&get("sort"))?,
                max_results: get("maxResults").must(Field::integer)?,
            }),
            Operation::ListMarketBook => Request::ListMarketBook(market_book(&parameters)?),
            Operation::PlaceOrders => Request::PlaceOrders(PlaceOrders::read(&parameters)?),
            Operation::CancelOrders => Request::CancelOrders(CancelOrders::read(&parameters)?),
            Operation::ReplaceOrders => Request::ReplaceOrders(ReplaceOrders::read(&parameters)?),
            Operation::UpdateOrders => Request::UpdateOrders(UpdateOrders::read(&parameters)?),
            Operation::ListCurrentOrders => {
                Request::ListCurrentOrders(current_orders(&parameters)?)
            }
            Operation::ListClearedOrders => {
                Request::ListClearedOrders(cleared_orders(&parameters)?)
            }
            Operation::GetAccountFunds => Request::GetAccountFunds,
            Operation::GetAccountDetails => Request::GetAccountDetails,
        })
    }

    /// The bounds that a service exception answers, for a customer who may ask at all.
    pub fn check(&self) -> Result<(), Exception> {
        match self {
            Request::ListMarketCatalogue(request) if request.max_results < 1 => {
                Err(invalid("maxResults: must be at least 1"))
            }
            Request::ListMarketCatalogue(request)
                if request.max_results > i64::from(MAX_CATALOGUE) =>
            {
                let details = "maxResults: must be less than or equal to 1000";
                Err(Exception::new(ExceptionWord::TooMuchData, details))
            }
            Request::ListCurrentOrders(request) => {
                let length = |ids: &Option<Vec<String>>| ids.as_ref().map_or(0, Vec::len);
                let ids = length(&request.bet_ids) + length(&request.market_ids);
                if ids > MAX_IDS {
                    let details = "betIds, marketIds: more than 250 ids together";
                    return Err(Exception::new(ExceptionWord::RequestSizeExceedsLimit, details));
                }
                Ok(())
            }
            Request::PlaceOrders(request) => request.check(),
            Request::CancelOrders(request) => request.check(),
            Request::ReplaceOrders(request) => request.check(),
            Request::UpdateOrders(request) => request.check(),
            _ => Ok(()),
        }
    }
}

impl Request {
    /// The real limits on how much one query may ask for; the `open` profile does not have them.
    pub fn check_weight(&self) -> Result<(), Exception> {
        let (weight, markets) = match self {
            Request::ListMarketBook(request) => {
                (request.prices.weight(), request.market_ids.len() as u64)
            }
            Request::ListMarketCatalogue(request) => {
                let heavy = [MarketProjection::MarketDescription, MarketProjection::RunnerMetadata];
                let heavy = heavy.iter().filter(|part| request.projection.contains(part));
                (heavy.count() as u64, u64::try_from(request.max_results).unwrap_or(0))
            }
            _ => return Ok(()),
        };
        let sum = weight.saturating_mul(markets);
        if sum > MAX_WEIGHT {
            let details =
                format!("markets: {markets} of weight {weight} are more than {MAX_WEIGHT}");
            return Err(Exception::new(ExceptionWord::TooMuchData, details));
        }
        Ok(())
    }
}

impl PriceProjection {
    /// What one market's book weighs with these prices.
    fn weight(&self) -> u64 {
        let has = |part| self.data.contains(&part);
        let (best, all, traded) =
            (has(PriceData::ExBestOffers), has(PriceData::ExAllOffers), has(PriceData::ExTraded));
        let ladders = match (all, best, traded) {
            (true, _, true) => 32,
            (true, _, false) => 17,
            (false, true, true) => 20,
            (false, true, false) => 5,
            (false, false, true) => 17,
            (false, false, false) => 0,
        };
        // Only the best offers come in another depth, and then weigh by it; three is usual.
        let depth = u64::from(self.best_prices_depth.unwrap_or(3));
        let ladders = if best && !all { ladders * depth / 3 } else { ladders };
        let starting = 3 * u64::from(has(PriceData::SpAvailable));
        let reconciled = 7 * u64::from(has(PriceData::SpTraded));
        if self.data.is_empty() { 2 } else { ladders + starting + reconciled }
    }
}

/// `INVALID_INPUT_DATA` with the field and the reason.
pub(super) fn invalid(details: &'static str) -> Exception {
    Exception::new(ExceptionWord::InvalidInputData, details)
}

fn mandatory_filter(parameters: &Parameters<'_>) -> Result<MarketFilter, Fault> {
    parameters.get("filter").must(MarketFilter::read)
}

/// `RANK` is the default, and some clients name it.
fn market_sort(field: &Field<'_, '_>) -> Result<Option<MarketSort>, Fault> {
    match field.text() {
        Ok(Some(word)) if word == "RANK" => Ok(None),
        _ => field.word(),
    }
}

fn market_book(parameters: &Parameters<'_>) -> Result<ListMarketBook, Fault> {
    let get = |name| parameters.get(name);
    Ok(ListMarketBook {
        market_ids: get("marketIds").must(Field::texts)?,
        prices: get("priceProjection").object(price_projection)?.unwrap_or_default(),
        orders: get("orderProjection").word()?,
        matches: get("matchProjection").word()?,
        include_overall_position: get("includeOverallPosition").truth()?.unwrap_or(true),
        partition_by_strategy: get("partitionMatchedByStrategyRef").truth()?.unwrap_or(false),
        strategy_refs: some(get("customerStrategyRefs").texts()?),
        matched_since: get("matchedSince").date()?,
        bet_ids: some(get("betIds").texts()?),
    })
}

fn price_projection(field: &Field<'_, '_>) -> Result<PriceProjection, Fault> {
    let overrides = field.get("exBestOffersOverrides");
    overrides.object(|_| Ok(()))?;
    Ok(PriceProjection {
        data: field.get("priceData").words()?.unwrap_or_default(),
        best_prices_depth: overrides.get("bestPricesDepth").count()?,
        rollup_model: overrides.get("rollupModel").word()?,
        rollup_limit: overrides.get("rollupLimit").count()?,
        virtualise: field.get("virtualise").truth()?.unwrap_or(false),
    })
}

fn current_orders(parameters: &Parameters<'_>) -> Result<ListCurrentOrders, Fault> {
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

fn cleared_orders(parameters: &Parameters<'_>) -> Result<ListClearedOrders, Fault> {
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

#[cfg(test)]
mod tests;
