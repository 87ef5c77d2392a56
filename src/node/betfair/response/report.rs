//! Reports on orders placed, cancelled, replaced and updated.
//!
//! `instructionReports` is always there, and both halves of a replace report are.

use serde::Serialize;

use super::super::dates::Date;
use super::super::decimal::Hundredths;
use super::super::instruction::{CancelInstruction, PlaceInstruction, UpdateInstruction};
use super::super::words::{
    InstructionError, InstructionStatus, OrderStatus, ReportError, ReportStatus,
};

/// A report of `T`, one for each instruction.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutionReport<T> {
    /// As it came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_ref: Option<String>,
    /// The whole.
    pub status: ReportStatus,
    /// Why it is not a success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<ReportError>,
    /// Absent when all markets were meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub market_id: Option<String>,
    /// In the order of the instructions.
    pub instruction_reports: Vec<T>,
}

/// One order placed, or not.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlaceReport {
    /// Whether it was.
    pub status: InstructionStatus,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<InstructionError>,
    /// The echo.
    pub instruction: PlaceInstruction,
    /// The bet it became.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bet_id: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placed_date: Option<Date>,
    /// Of what was matched at once, unrounded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average_price_matched: Option<f64>,
    /// What was matched at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_matched: Option<Hundredths>,
    /// Where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_status: Option<OrderStatus>,
}

/// One order cancelled, or not.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CancelReport {
    /// Whether it was.
    pub status: InstructionStatus,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<InstructionError>,
    /// The echo; one is made up when everything was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instruction: Option<CancelInstruction>,
    /// By how much.
    pub size_cancelled: Hundredths,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancelled_date: Option<Date>,
}

/// One order replaced, or not: its end and its successor.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplaceReport {
    /// Whether both halves were done.
    pub status: InstructionStatus,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<InstructionError>,
    /// Its end.
    pub cancel_instruction_report: CancelReport,
    /// Its successor.
    pub place_instruction_report: PlaceReport,
}

/// One order that persists differently, or not.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateReport {
    /// Whether it does.
    pub status: InstructionStatus,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<InstructionError>,
    /// The echo.
    pub instruction: UpdateInstruction,
}

#[cfg(test)]
mod tests {
    use super::super::super::decimal::Decimal;
    use super::super::super::instruction::LimitOrder;
    use super::super::super::words::{OrderType, PersistenceType, Side};
    use super::super::check;
    use super::*;

    fn instruction() -> PlaceInstruction {
        PlaceInstruction {
            selection_id: 7,
            handicap: Decimal::Fits(0),
            side: Side::Lay,
            order_type: OrderType::Limit,
            limit_order: Some(LimitOrder::plain(200, 305, PersistenceType::Persist)),
            limit_on_close_order: None,
            market_on_close_order: None,
            customer_order_ref: None,
        }
    }

    fn placed() -> PlaceReport {
        PlaceReport {
            status: InstructionStatus::Success,
            error_code: None,
            instruction: instruction(),
            bet_id: Some("100000000000".into()),
            placed_date: Date::from_text("2026-11-21T15:00:00Z"),
            average_price_matched: Some(3.0375),
            size_matched: Some(Hundredths(150)),
            order_status: Some(OrderStatus::Executable),
        }
    }

    const ECHO: &str = concat!(
        r#""instruction":{"selectionId":7,"handicap":0.0,"side":"LAY","orderType":"LIMIT","#,
        r#""limitOrder":{"size":2.0,"price":3.05,"persistenceType":"PERSIST"}}"#
    );

    #[test]
    fn a_place_report_says_what_became_of_each_order() {
        let report = ExecutionReport {
            customer_ref: Some("c".into()),
            status: ReportStatus::Success,
            error_code: None,
            market_id: Some("1.2".into()),
            instruction_reports: vec![placed()],
        };
        let expect = format!(
            r#"{{"customerRef":"c","status":"SUCCESS","marketId":"1.2","instructionReports":[
            {{"status":"SUCCESS",{ECHO},"betId":"100000000000",
            "placedDate":"2026-11-21T15:00:00.000Z","averagePriceMatched":3.0375,
            "sizeMatched":1.5,"orderStatus":"EXECUTABLE"}}]}}"#
        );
        check(&report, &expect);
        let refused = ExecutionReport::<PlaceReport> {
            customer_ref: None,
            status: ReportStatus::Failure,
            error_code: Some(ReportError::DuplicateTransaction),
            market_id: Some("1.2".into()),
            instruction_reports: vec![],
        };
        check(
            &refused,
            r#"{"status":"FAILURE","errorCode":"DUPLICATE_TRANSACTION","marketId":"1.2",
            "instructionReports":[]}"#,
        );
    }

    #[test]
    fn a_replace_report_has_both_halves_even_when_it_failed() {
        let bet_id = "1".to_owned();
        let report = ReplaceReport {
            status: InstructionStatus::Failure,
            error_code: Some(InstructionError::CancelledNotPlaced),
            cancel_instruction_report: CancelReport {
                status: InstructionStatus::Success,
                error_code: None,
                instruction: Some(CancelInstruction { bet_id, size_reduction: None }),
                size_cancelled: Hundredths(200),
                cancelled_date: Date::from_millis(0),
            },
            place_instruction_report: PlaceReport {
                status: InstructionStatus::Failure,
                error_code: Some(InstructionError::InvalidOdds),
                bet_id: None,
                placed_date: None,
                average_price_matched: None,
                size_matched: None,
                order_status: None,
                ..placed()
            },
        };
        let expect = format!(
            r#"{{"status":"FAILURE","errorCode":"CANCELLED_NOT_PLACED","cancelInstructionReport":
            {{"status":"SUCCESS","instruction":{{"betId":"1"}},"sizeCancelled":2.0,
            "cancelledDate":"1970-01-01T00:00:00.000Z"}},"placeInstructionReport":
            {{"status":"FAILURE","errorCode":"INVALID_ODDS",{ECHO}}}}}"#
        );
        check(&report, &expect);
    }

    #[test]
    fn an_update_report_echoes_its_instruction() {
        let report = UpdateReport {
            status: InstructionStatus::Failure,
            error_code: Some(InstructionError::NoActionRequired),
            instruction: UpdateInstruction {
                bet_id: "1".into(),
                new_persistence_type: PersistenceType::Lapse,
            },
        };
        check(
            &report,
            r#"{"status":"FAILURE","errorCode":"NO_ACTION_REQUIRED",
            "instruction":{"betId":"1","newPersistenceType":"LAPSE"}}"#,
        );
    }
}
