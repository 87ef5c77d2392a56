//! Event types, events and descriptions of markets.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::dates::Date;
use super::super::decimal::Hundredths;
use super::super::words::MarketBettingType;

/// One row of `listEventTypes`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventTypeResult {
    /// The event type.
    pub event_type: Named,
    /// Its markets that pass the filter.
    pub market_count: u32,
}

/// An id with its name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Named {
    /// A text, of digits.
    pub id: String,
    /// For people.
    pub name: String,
}

/// One row of `listCompetitions`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CompetitionResult {
    /// The competition.
    pub competition: Named,
    /// Its markets that pass the filter.
    pub market_count: u32,
    /// ISO 3166, three letters.
    pub competition_region: String,
}

/// One row of `listTimeRanges`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TimeRangeResult {
    /// A day, an hour or a minute.
    pub time_range: TimeRange,
    /// Markets that start in it and pass the filter.
    pub market_count: u32,
}

/// A span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TimeRange {
    /// Inclusive.
    pub from: Date,
    /// Exclusive.
    pub to: Date,
}

/// One row of `listMarketTypes`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MarketTypeResult {
    /// Such as `MATCH_ODDS`.
    pub market_type: String,
    /// Markets of this type that pass the filter.
    pub market_count: u32,
}

/// One row of `listCountries`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CountryResult {
    /// ISO 3166, two letters.
    pub country_code: String,
    /// Its markets that pass the filter.
    pub market_count: u32,
}

/// One row of `listVenues`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VenueResult {
    /// For people.
    pub venue: String,
    /// Its markets that pass the filter.
    pub market_count: u32,
}

/// One row of `listEvents`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventResult {
    /// The event.
    pub event: Event,
    /// Its markets that pass the filter.
    pub market_count: u32,
}

/// A match, a race, an election.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// A text, of digits.
    pub id: String,
    /// For people.
    pub name: String,
    /// ISO 3166, two letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country_code: Option<String>,
    /// As in the time zone database.
    pub timezone: String,
    /// Of a race.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub venue: Option<String>,
    /// Its start.
    pub open_date: Date,
}

/// One row of `listMarketCatalogue`; what the projection does not name is absent.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MarketCatalogue {
    /// `1.` and nine digits.
    pub market_id: String,
    /// For people.
    pub market_name: String,
    /// MARKET_START_TIME.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub market_start_time: Option<Date>,
    /// MARKET_DESCRIPTION.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<MarketDescription>,
    /// Both sides of every fill.
    pub total_matched: Hundredths,
    /// RUNNER_DESCRIPTION.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runners: Option<Vec<RunnerCatalogue>>,
    /// EVENT_TYPE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_type: Option<Named>,
    /// COMPETITION.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub competition: Option<Named>,
    /// EVENT.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<Event>,
}

/// The rules of a market.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MarketDescription {
    pub persistence_enabled: bool,
    pub bsp_market: bool,
    pub market_time: Date,
    pub suspend_time: Date,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settle_time: Option<Date>,
    pub betting_type: MarketBettingType,
    pub turn_in_play_enabled: bool,
    pub market_type: String,
    pub regulator: String,
    /// Percent.
    pub market_base_rate: Hundredths,
    pub discount_allowed: bool,
    pub wallet: &'static str,
    pub rules: String,
    pub rules_has_date: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub each_way_divisor: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_range_info: Option<LineRangeInfo>,
    /// Of a race.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub race_type: Option<String>,
    pub price_ladder_description: PriceLadderDescription,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bet_delay_models: Vec<&'static str>,
}

/// The lines of a LINE market.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LineRangeInfo {
    pub max_unit_value: f64,
    pub min_unit_value: f64,
    pub interval: f64,
    pub market_unit: String,
}

/// Which prices there are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PriceLadderDescription {
    /// `CLASSIC`, `FINEST` or `LINE_RANGE`.
    #[serde(rename = "type")]
    pub kind: &'static str,
}

/// A runner's name and place in the list.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunnerCatalogue {
    /// The runner, with its handicap.
    pub selection_id: i64,
    /// For people.
    pub runner_name: String,
    /// Zero where there is none.
    pub handicap: Hundredths,
    /// From 1.
    pub sort_priority: u32,
    /// RUNNER_METADATA; always with `runnerId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<BTreeMap<String, Option<String>>>,
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    fn event() -> Event {
        Event {
            id: "28000001".into(),
            name: "Arsenal v Chelsea".into(),
            country_code: Some("GB".into()),
            timezone: "Europe/London".into(),
            venue: None,
            open_date: Date::from_text("2026-11-21T15:00:00Z").unwrap(),
        }
    }

    const EVENT: &str = concat!(
        r#"{"id":"28000001","name":"Arsenal v Chelsea","countryCode":"GB","#,
        r#""timezone":"Europe/London","openDate":"2026-11-21T15:00:00.000Z"}"#
    );

    #[test]
    fn event_types_and_events_are_counted() {
        let soccer = Named { id: "1".into(), name: "Soccer".into() };
        check(
            &EventTypeResult { event_type: soccer, market_count: 2 },
            r#"{"eventType":{"id":"1","name":"Soccer"},"marketCount":2}"#,
        );
        let row = EventResult { event: event(), market_count: 2 };
        check(&row, &format!(r#"{{"event":{EVENT},"marketCount":2}}"#));
    }

    #[test]
    fn what_markets_have_in_common_is_counted() {
        let competition = CompetitionResult {
            competition: Named { id: "2".into(), name: "League".into() },
            market_count: 3,
            competition_region: "GBR".into(),
        };
        check(
            &competition,
            r#"{"competition":{"id":"2","name":"League"},"marketCount":3,"competitionRegion":"GBR"}"#,
        );
        let range = TimeRange { from: Date(0), to: Date(60_000) };
        check(
            &TimeRangeResult { time_range: range, market_count: 1 },
            r#"{"timeRange":{"from":"1970-01-01T00:00:00.000Z","to":"1970-01-01T00:01:00.000Z"},
            "marketCount":1}"#,
        );
        let kind = MarketTypeResult { market_type: "WIN".into(), market_count: 1 };
        check(&kind, r#"{"marketType":"WIN","marketCount":1}"#);
        let country = CountryResult { country_code: "GB".into(), market_count: 1 };
        check(&country, r#"{"countryCode":"GB","marketCount":1}"#);
        let venue = VenueResult { venue: "Ascot".into(), market_count: 1 };
        check(&venue, r#"{"venue":"Ascot","marketCount":1}"#);
    }

    #[test]
    fn a_catalogue_has_what_the_projection_names() {
        let bare = MarketCatalogue {
            market_id: "1.170000001".into(),
            market_name: "Match Odds".into(),
            market_start_time: None,
            description: None,
            total_matched: Hundredths(0),
            runners: None,
            event_type: None,
            competition: None,
            event: None,
        };
        check(&bare, r#"{"marketId":"1.170000001","marketName":"Match Odds","totalMatched":0.0}"#);
        let start = Date::from_text("2026-11-21T15:00:00Z").unwrap();
        let full = MarketCatalogue {
            market_start_time: Some(start),
            description: Some(MarketDescription {
                persistence_enabled: true,
                bsp_market: false,
                market_time: start,
                suspend_time: start,
                settle_time: None,
                betting_type: MarketBettingType::Odds,
                turn_in_play_enabled: true,
                market_type: "MATCH_ODDS".into(),
                regulator: "R".into(),
                market_base_rate: Hundredths(500),
                discount_allowed: true,
                wallet: "UK wallet",
                rules: String::new(),
                rules_has_date: true,
                each_way_divisor: None,
                line_range_info: None,
                race_type: None,
                price_ladder_description: PriceLadderDescription { kind: "CLASSIC" },
                bet_delay_models: Vec::new(),
            }),
            runners: Some(vec![RunnerCatalogue {
                selection_id: 7,
                runner_name: "Arsenal".into(),
                handicap: Hundredths(0),
                sort_priority: 1,
                metadata: Some(BTreeMap::from([("runnerId".to_owned(), Some("7".to_owned()))])),
            }]),
            event_type: Some(Named { id: "1".into(), name: "Soccer".into() }),
            competition: Some(Named { id: "2".into(), name: "League".into() }),
            event: Some(event()),
            ..bare
        };
        let expect = format!(
            r#"{{"marketId":"1.170000001","marketName":"Match Odds",
            "marketStartTime":"2026-11-21T15:00:00.000Z","description":{{"persistenceEnabled":true,
            "bspMarket":false,"marketTime":"2026-11-21T15:00:00.000Z",
            "suspendTime":"2026-11-21T15:00:00.000Z","bettingType":"ODDS","turnInPlayEnabled":true,
            "marketType":"MATCH_ODDS","regulator":"R","marketBaseRate":5.0,"discountAllowed":true,
            "wallet":"UK wallet","rules":"","rulesHasDate":true,
            "priceLadderDescription":{{"type":"CLASSIC"}}}},"totalMatched":0.0,"runners":[
            {{"selectionId":7,"runnerName":"Arsenal","handicap":0.0,"sortPriority":1,
            "metadata":{{"runnerId":"7"}}}}],"eventType":{{"id":"1","name":"Soccer"}},
            "competition":{{"id":"2","name":"League"}},"event":{EVENT}}}"#
        );
        check(&full, &expect);
    }
}
