//! `getAccountStatement`: one item for each movement of money, twice over, as the original has it: as
//! `legacyData`, and as a text of the same JSON.

use serde::Serialize;

use super::super::dates::Date;
use super::super::decimal::Hundredths;

/// A page of the statement.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountStatement {
    pub account_statement: Vec<StatementItem>,
    pub more_available: bool,
}

/// One movement.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatementItem {
    /// The bet's id, or the line's number.
    pub ref_id: String,
    pub item_date: Date,
    /// Signed: what the balance changed by.
    pub amount: Hundredths,
    pub balance: Hundredths,
    /// `UNKNOWN`, always.
    pub item_class: &'static str,
    pub item_class_data: ItemClassData,
    pub legacy_data: LegacyData,
}

/// The same as the legacy data, as a text.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemClassData {
    pub unknown_statement_item: String,
}

/// What it was about. Real clients need every key of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LegacyData {
    /// Unrounded; 0 for what is no bet.
    pub avg_price: f64,
    /// `E` for a bet on the exchange, else `NONE`.
    pub bet_category_type: &'static str,
    pub bet_size: Hundredths,
    /// `B` or `L`.
    pub bet_type: &'static str,
    pub event_id: i64,
    pub event_type_id: i64,
    pub full_market_name: String,
    /// With commission: what it was taken from.
    pub gross_bet_amount: Hundredths,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub market_name: Option<String>,
    /// `O` for odds, else `NOT_APPLICABLE`.
    pub market_type: &'static str,
    pub placed_date: Date,
    pub selection_id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selection_name: Option<String>,
    pub start_date: Date,
    pub transaction_id: i64,
    /// `ACCOUNT_CREDIT` or `ACCOUNT_DEBIT`.
    pub transaction_type: &'static str,
    /// `RESULT_WON` and its like.
    pub win_lose: &'static str,
}

impl StatementItem {
    /// An item whose text is written from its legacy data.
    pub fn new(
        ref_id: String,
        item_date: Date,
        amount: Hundredths,
        balance: Hundredths,
        legacy_data: LegacyData,
    ) -> StatementItem {
        let text = serde_json::to_string(&legacy_data).expect("texts and numbers are always JSON");
        StatementItem {
            ref_id,
            item_date,
            amount,
            balance,
            item_class: "UNKNOWN",
            item_class_data: ItemClassData { unknown_statement_item: text },
            legacy_data,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_has_every_key_and_its_text_is_the_same_json() {
        let legacy = LegacyData {
            avg_price: 3.0,
            bet_category_type: "E",
            bet_size: Hundredths(1_000),
            bet_type: "B",
            event_id: 10_000_001,
            event_type_id: 1,
            full_market_name: "Soccer / Leeds v York / Match Odds".into(),
            gross_bet_amount: Hundredths(0),
            market_name: Some("Match Odds".into()),
            market_type: "O",
            placed_date: Date(0),
            selection_id: 47,
            selection_name: None,
            start_date: Date(0),
            transaction_id: 7,
            transaction_type: "ACCOUNT_CREDIT",
            win_lose: "RESULT_WON",
        };
        let item = StatementItem::new(
            "100".into(),
            Date(0),
            Hundredths(2_000),
            Hundredths(12_000),
            legacy,
        );
        let json = serde_json::to_value(&item).unwrap();
        let text = json["itemClassData"]["unknownStatementItem"].as_str().unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(text).unwrap(), json["legacyData"]);
        assert_eq!(json["amount"], 20.0);
    }
}
