//! Which markets a query is about, and spans of time.

use super::coerce::{Fault, Field, Read};
use super::dates::Date;
use super::words::{MarketBettingType, OrderStatus};

/// Conditions on markets: all that are there must hold, one of a list is enough.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MarketFilter {
    pub text_query: Option<String>,
    pub event_type_ids: Option<Vec<String>>,
    pub event_ids: Option<Vec<String>>,
    pub competition_ids: Option<Vec<String>>,
    pub market_ids: Option<Vec<String>>,
    pub venues: Option<Vec<String>>,
    pub bsp_only: Option<bool>,
    pub turn_in_play_enabled: Option<bool>,
    pub in_play_only: Option<bool>,
    pub market_betting_types: Option<Vec<MarketBettingType>>,
    pub market_countries: Option<Vec<String>>,
    pub market_type_codes: Option<Vec<String>>,
    pub market_start_time: Option<TimeRange>,
    pub with_orders: Option<Vec<OrderStatus>>,
    pub race_types: Option<Vec<String>>,
    pub bet_delay_models: Option<Vec<String>>,
}

impl MarketFilter {
    /// Reads a filter object.
    pub fn read(field: &Field<'_, '_>) -> Read<MarketFilter> {
        field.object(|filter| {
            Ok(MarketFilter {
                text_query: filter.get("textQuery").text()?,
                event_type_ids: some(filter.get("eventTypeIds").texts()?),
                event_ids: some(filter.get("eventIds").texts()?),
                competition_ids: some(filter.get("competitionIds").texts()?),
                market_ids: some(filter.get("marketIds").texts()?),
                venues: some(filter.get("venues").texts()?),
                bsp_only: filter.get("bspOnly").truth()?,
                turn_in_play_enabled: filter.get("turnInPlayEnabled").truth()?,
                in_play_only: filter.get("inPlayOnly").truth()?,
                market_betting_types: some(filter.get("marketBettingTypes").words()?),
                market_countries: some(filter.get("marketCountries").texts()?),
                market_type_codes: some(filter.get("marketTypeCodes").texts()?),
                market_start_time: TimeRange::read(&filter.get("marketStartTime"))?,
                with_orders: some(filter.get("withOrders").words()?),
                race_types: some(filter.get("raceTypes").texts()?),
                bet_delay_models: some(filter.get("betDelayModels").texts()?),
            })
        })
    }
}

/// An empty list is no condition.
pub(super) fn some<T>(list: Option<Vec<T>>) -> Option<Vec<T>> {
    list.filter(|list| !list.is_empty())
}

/// A span of time, open where an end is missing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// The first moment in it.
    pub from: Option<Date>,
    /// The last moment in it.
    pub to: Option<Date>,
}

impl TimeRange {
    /// Reads a span; one without ends is none.
    pub fn read(field: &Field<'_, '_>) -> Read<TimeRange> {
        let range = field.object(|range| -> Result<TimeRange, Fault> {
            Ok(TimeRange { from: range.get("from").date()?, to: range.get("to").date()? })
        })?;
        Ok(range.filter(|range| *range != TimeRange::default()))
    }
}
