//! Orders of open markets and bets of settled ones.

use serde::Serialize;

use super::super::dates::Date;
use super::super::decimal::Hundredths;
use super::super::words::{OrderStatus, OrderType, PersistenceType, Side};
use super::book::PriceSize;

/// `listCurrentOrders`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CurrentOrders {
    /// A page of them.
    pub current_orders: Vec<CurrentOrder>,
    /// There are more after this page.
    pub more_available: bool,
}

/// One order of a market that is not settled.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CurrentOrder {
    pub bet_id: String,
    pub market_id: String,
    pub selection_id: i64,
    pub handicap: Hundredths,
    pub price_size: PriceSize,
    pub bsp_liability: Hundredths,
    pub side: Side,
    pub status: OrderStatus,
    pub persistence_type: PersistenceType,
    pub order_type: OrderType,
    pub placed_date: Date,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matched_date: Option<Date>,
    pub average_price_matched: f64,
    pub size_matched: Hundredths,
    pub size_remaining: Hundredths,
    pub size_lapsed: Hundredths,
    pub size_cancelled: Hundredths,
    pub size_voided: Hundredths,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regulator_auth_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regulator_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_order_ref: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_strategy_ref: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lapsed_date: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lapse_status_reason_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancelled_date: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_item_description: Option<CurrentItemDescription>,
    /// An extension: what is to be matched before it at its price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_ahead: Option<Hundredths>,
}

/// With `includeItemDescription`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CurrentItemDescription {
    /// At which the order was placed.
    pub market_version: MarketVersion,
}

/// A version of a market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MarketVersion {
    /// Increasing, not consecutive.
    pub version: i64,
}

/// `listClearedOrders`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClearedOrders {
    /// A page of them.
    pub cleared_orders: Vec<ClearedOrder>,
    /// There are more after this page.
    pub more_available: bool,
}

/// One bet of a settled market, or several added up; what a row is grouped over is absent.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClearedOrder {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_type_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub market_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selection_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handicap: Option<Hundredths>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bet_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placed_date: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persistence_type: Option<PersistenceType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_type: Option<OrderType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item_description: Option<ItemDescription>,
    /// WON, LOST or PLACE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bet_outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_requested: Option<Hundredths>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_date: Option<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_matched_date: Option<Date>,
    pub bet_count: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commission: Option<Hundredths>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_matched: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_reduced: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_settled: Option<Hundredths>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profit: Option<Hundredths>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_cancelled: Option<Hundredths>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_order_ref: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_strategy_ref: Option<String>,
}

/// With `includeItemDescription`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemDescription {
    pub event_type_desc: String,
    pub event_desc: String,
    pub market_desc: String,
    pub market_type: String,
    pub market_start_time: Date,
    pub runner_desc: String,
    pub number_of_winners: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub each_way_divisor: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    #[test]
    fn current_orders_have_every_key_that_clients_need() {
        let order = CurrentOrder {
            bet_id: "100000000000".into(),
            market_id: "1.2".into(),
            selection_id: 7,
            handicap: Hundredths(0),
            price_size: PriceSize { price: Hundredths(202), size: Hundredths(1000) },
            bsp_liability: Hundredths(0),
            side: Side::Back,
            status: OrderStatus::ExecutionComplete,
            persistence_type: PersistenceType::Lapse,
            order_type: OrderType::Limit,
            placed_date: Date(0),
            matched_date: None,
            average_price_matched: 0.0,
            size_matched: Hundredths(0),
            size_remaining: Hundredths(0),
            size_lapsed: Hundredths(1000),
            size_cancelled: Hundredths(0),
            size_voided: Hundredths(0),
            regulator_auth_code: None,
            regulator_code: None,
            customer_order_ref: Some("r".into()),
            customer_strategy_ref: None,
            lapsed_date: Some(Date(1)),
            lapse_status_reason_code: Some("MKT_SUSPENDED".into()),
            cancelled_date: None,
            current_item_description: Some(CurrentItemDescription {
                market_version: MarketVersion { version: 9 },
            }),
            size_ahead: None,
        };
        check(
            &CurrentOrders { current_orders: vec![order], more_available: false },
            r#"{"currentOrders":[{"betId":"100000000000","marketId":"1.2","selectionId":7,
            "handicap":0.0,"priceSize":{"price":2.02,"size":10.0},"bspLiability":0.0,"side":"BACK",
            "status":"EXECUTION_COMPLETE","persistenceType":"LAPSE","orderType":"LIMIT",
            "placedDate":"1970-01-01T00:00:00.000Z","averagePriceMatched":0.0,"sizeMatched":0.0,
            "sizeRemaining":0.0,"sizeLapsed":10.0,"sizeCancelled":0.0,"sizeVoided":0.0,
            "customerOrderRef":"r","lapsedDate":"1970-01-01T00:00:00.001Z",
            "lapseStatusReasonCode":"MKT_SUSPENDED",
            "currentItemDescription":{"marketVersion":{"version":9}}}],"moreAvailable":false}"#,
        );
    }

    #[test]
    fn cleared_orders_leave_out_what_they_are_grouped_over() {
        let market = ClearedOrder {
            event_type_id: Some("1".into()),
            event_id: Some("28000001".into()),
            market_id: Some("1.2".into()),
            settled_date: Some(Date(0)),
            bet_count: 3,
            commission: Some(Hundredths(12)),
            profit: Some(Hundredths(-250)),
            ..ClearedOrder::default()
        };
        check(
            &ClearedOrders { cleared_orders: vec![market], more_available: true },
            r#"{"clearedOrders":[{"eventTypeId":"1","eventId":"28000001","marketId":"1.2",
            "settledDate":"1970-01-01T00:00:00.000Z","betCount":3,"commission":0.12,
            "profit":-2.5}],"moreAvailable":true}"#,
        );
    }
}
