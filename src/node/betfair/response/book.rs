//! Prices and status of markets.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::dates::Date;
use super::super::decimal::Hundredths;
use super::super::words::{
    MarketStatus, OrderStatus, OrderType, PersistenceType, RunnerStatus, Side,
};

/// One row of `listMarketBook`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MarketBook {
    pub market_id: String,
    pub is_market_data_delayed: bool,
    pub status: MarketStatus,
    /// Seconds.
    pub bet_delay: u32,
    pub bsp_reconciled: bool,
    pub complete: bool,
    /// With a small p here, and nowhere else.
    pub inplay: bool,
    pub number_of_winners: u32,
    pub number_of_runners: u32,
    pub number_of_active_runners: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_match_time: Option<Date>,
    /// Both sides of every fill.
    pub total_matched: Hundredths,
    pub total_available: Hundredths,
    pub cross_matching: bool,
    pub runners_voidable: bool,
    pub version: i64,
    pub runners: Vec<RunnerBook>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_line_description: Option<KeyLineDescription>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bet_delay_models: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspend_reason: Option<String>,
}

/// The line that a market of handicaps is now about.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyLineDescription {
    pub key_line: Vec<KeyLineSelection>,
}

/// One side of the key line.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyLineSelection {
    pub selection_id: i64,
    pub handicap: Hundredths,
}

/// One runner of a market.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunnerBook {
    pub selection_id: i64,
    pub handicap: Hundredths,
    pub status: RunnerStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adjustment_factor: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_price_traded: Option<Hundredths>,
    pub total_matched: Hundredths,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removal_date: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sp: Option<StartingPrices>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ex: Option<ExchangePrices>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orders: Option<Vec<BookOrder>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matches: Option<Vec<BookMatch>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matches_by_strategy: Option<BTreeMap<String, StrategyMatches>>,
}

/// Fills of one strategy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StrategyMatches {
    /// As rolled up.
    pub matches: Vec<BookMatch>,
}

/// The ladders; all three lists are always there.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExchangePrices {
    /// What a backer can take: resting lays, the highest price first.
    pub available_to_back: Vec<PriceSize>,
    /// What a layer can take: resting backs, the lowest price first.
    pub available_to_lay: Vec<PriceSize>,
    /// Both sides of every fill, by price.
    pub traded_volume: Vec<PriceSize>,
}

/// Starting prices; both lists are always there.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StartingPrices {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub near_price: Option<SpPrice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub far_price: Option<SpPrice>,
    pub back_stake_taken: Vec<SpSize>,
    pub lay_liability_taken: Vec<SpSize>,
    #[serde(rename = "actualSP", skip_serializing_if = "Option::is_none")]
    pub actual_sp: Option<SpPrice>,
}

/// A starting price, or the word for none: `NaN`, `Infinity`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(untagged)]
pub enum SpPrice {
    At(f64),
    None(&'static str),
}

/// So much at a price that need not be on the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SpSize {
    pub price: f64,
    pub size: Hundredths,
}

/// So much at a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PriceSize {
    /// Hundredths.
    pub price: Hundredths,
    /// Pence.
    pub size: Hundredths,
}

/// One of the customer's orders in a book.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BookOrder {
    pub bet_id: String,
    pub order_type: OrderType,
    pub status: OrderStatus,
    pub persistence_type: PersistenceType,
    pub side: Side,
    pub price: Hundredths,
    pub size: Hundredths,
    pub bsp_liability: Hundredths,
    pub placed_date: Date,
    pub avg_price_matched: f64,
    pub size_matched: Hundredths,
    pub size_remaining: Hundredths,
    pub size_lapsed: Hundredths,
    pub size_cancelled: Hundredths,
    pub size_voided: Hundredths,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_order_ref: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_strategy_ref: Option<String>,
}

/// One of the customer's fills in a book, or several rolled up.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BookMatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bet_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub match_id: Option<String>,
    pub side: Side,
    pub price: f64,
    pub size: Hundredths,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub match_date: Option<Date>,
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    #[test]
    fn a_book_keeps_all_lists_of_its_ladders() {
        let at = |price, size| PriceSize { price: Hundredths(price), size: Hundredths(size) };
        let runner = RunnerBook {
            selection_id: 7,
            handicap: Hundredths(0),
            status: RunnerStatus::Active,
            adjustment_factor: None,
            last_price_traded: Some(Hundredths(202)),
            total_matched: Hundredths(2000),
            removal_date: None,
            sp: Some(StartingPrices::default()),
            ex: Some(ExchangePrices {
                available_to_back: vec![at(200, 1050), at(199, 2)],
                ..ExchangePrices::default()
            }),
            orders: None,
            matches: None,
            matches_by_strategy: None,
        };
        let book = MarketBook {
            market_id: "1.2".into(),
            is_market_data_delayed: false,
            status: MarketStatus::Open,
            bet_delay: 5,
            bsp_reconciled: false,
            complete: true,
            inplay: true,
            number_of_winners: 1,
            number_of_runners: 3,
            number_of_active_runners: 3,
            last_match_time: None,
            total_matched: Hundredths(2000),
            total_available: Hundredths(1052),
            cross_matching: false,
            runners_voidable: false,
            version: 4_000_000_001,
            key_line_description: None,
            bet_delay_models: Vec::new(),
            suspend_reason: None,
            runners: vec![runner],
        };
        check(
            &book,
            r#"{"marketId":"1.2","isMarketDataDelayed":false,"status":"OPEN","betDelay":5,
            "bspReconciled":false,"complete":true,"inplay":true,"numberOfWinners":1,
            "numberOfRunners":3,"numberOfActiveRunners":3,"totalMatched":20.0,"totalAvailable":10.52,
            "crossMatching":false,"runnersVoidable":false,"version":4000000001,"runners":[
            {"selectionId":7,"handicap":0.0,"status":"ACTIVE","lastPriceTraded":2.02,
            "totalMatched":20.0,"sp":{"backStakeTaken":[],"layLiabilityTaken":[]},
            "ex":{"availableToBack":[{"price":2.0,"size":10.5},{"price":1.99,"size":0.02}],
            "availableToLay":[],"tradedVolume":[]}}]}"#,
        );
    }

    #[test]
    fn starting_prices_may_be_none_and_then_have_a_word() {
        let prices = StartingPrices {
            near_price: Some(SpPrice::At(2.650_644)),
            far_price: Some(SpPrice::None("NaN")),
            back_stake_taken: vec![SpSize { price: 1.01, size: Hundredths(200) }],
            ..StartingPrices::default()
        };
        check(
            &prices,
            r#"{"nearPrice":2.650644,"farPrice":"NaN",
            "backStakeTaken":[{"price":1.01,"size":2.0}],"layLiabilityTaken":[]}"#,
        );
    }

    #[test]
    fn orders_and_matches_stand_in_a_book() {
        let order = BookOrder {
            bet_id: "1".into(),
            order_type: OrderType::Limit,
            status: OrderStatus::Executable,
            persistence_type: PersistenceType::Lapse,
            side: Side::Back,
            price: Hundredths(202),
            size: Hundredths(200),
            bsp_liability: Hundredths(0),
            placed_date: Date(0),
            avg_price_matched: 0.0,
            size_matched: Hundredths(0),
            size_remaining: Hundredths(200),
            size_lapsed: Hundredths(0),
            size_cancelled: Hundredths(0),
            size_voided: Hundredths(0),
            customer_order_ref: None,
            customer_strategy_ref: Some("s".into()),
        };
        check(
            &order,
            r#"{"betId":"1","orderType":"LIMIT","status":"EXECUTABLE","persistenceType":"LAPSE",
            "side":"BACK","price":2.02,"size":2.0,"bspLiability":0.0,
            "placedDate":"1970-01-01T00:00:00.000Z","avgPriceMatched":0.0,"sizeMatched":0.0,
            "sizeRemaining":2.0,"sizeLapsed":0.0,"sizeCancelled":0.0,"sizeVoided":0.0,
            "customerStrategyRef":"s"}"#,
        );
        let fill = BookMatch {
            bet_id: Some("1".into()),
            match_id: None,
            side: Side::Lay,
            price: 2.015,
            size: Hundredths(1),
            match_date: None,
        };
        check(&fill, r#"{"betId":"1","side":"LAY","price":2.015,"size":0.01}"#);
    }
}
