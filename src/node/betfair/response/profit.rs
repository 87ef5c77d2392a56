//! What matched bets would pay.

use serde::Serialize;

use super::super::decimal::Hundredths;

/// One row of `listMarketProfitAndLoss`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MarketProfitAndLoss {
    pub market_id: String,
    /// Percent, when commission is taken off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commission_applied: Option<f64>,
    pub profit_and_losses: Vec<RunnerProfitAndLoss>,
}

/// One runner of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunnerProfitAndLoss {
    pub selection_id: i64,
    pub if_win: Hundredths,
    /// With more winners than one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub if_lose: Option<Hundredths>,
    /// Each way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub if_place: Option<Hundredths>,
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    #[test]
    fn a_runner_has_what_its_market_can_do_to_it() {
        let runner = RunnerProfitAndLoss {
            selection_id: 7,
            if_win: Hundredths(1050),
            if_lose: None,
            if_place: None,
        };
        let market = MarketProfitAndLoss {
            market_id: "1.2".into(),
            commission_applied: Some(4.5),
            profit_and_losses: vec![
                runner.clone(),
                RunnerProfitAndLoss { if_lose: Some(Hundredths(-200)), ..runner },
            ],
        };
        check(
            &market,
            r#"{"marketId":"1.2","commissionApplied":4.5,"profitAndLosses":[
            {"selectionId":7,"ifWin":10.5},{"selectionId":7,"ifWin":10.5,"ifLose":-2.0}]}"#,
        );
    }
}
