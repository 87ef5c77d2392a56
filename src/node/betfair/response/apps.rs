//! Applications and their keys, rates of currencies, and the dead man's switch.

use serde::Serialize;

use super::super::decimal::Hundredths;

/// An application of `getDeveloperAppKeys` and `createDeveloperAppKeys`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeveloperApp {
    pub app_name: String,
    pub app_id: i64,
    pub app_versions: Vec<DeveloperAppVersion>,
}

/// One of its keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeveloperAppVersion {
    pub owner: String,
    pub version_id: i64,
    /// `1.0` or `1.0-DELAY`.
    pub version: &'static str,
    pub application_key: String,
    pub delay_data: bool,
    pub subscription_required: bool,
    pub owner_managed: bool,
    pub active: bool,
}

/// A row of `listCurrencyRates`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CurrencyRate {
    pub currency_code: &'static str,
    pub rate: Hundredths,
}

/// `heartbeat`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HeartbeatReport {
    /// `NONE` and its like.
    pub action_performed: &'static str,
    pub actual_timeout_seconds: u32,
}
