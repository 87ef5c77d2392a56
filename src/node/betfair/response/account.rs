//! The wallet and its holder.

use serde::Serialize;

use super::super::decimal::Hundredths;

/// `getAccountFunds`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountFunds {
    /// Balance and exposure together.
    pub available_to_bet_balance: Hundredths,
    /// At most zero.
    pub exposure: Hundredths,
    /// Commission held back.
    pub retained_commission: Hundredths,
    /// Below zero; -1000000000.0 stands for none.
    pub exposure_limit: Hundredths,
    /// Percent.
    pub discount_rate: Hundredths,
    /// A number that Betfair no longer uses.
    pub points_balance: i64,
    /// `UK`.
    pub wallet: &'static str,
}

/// `getAccountDetails`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountDetails {
    pub currency_code: String,
    pub first_name: String,
    pub last_name: String,
    pub locale_code: String,
    /// ISO 3166, three letters.
    pub region: String,
    pub timezone: String,
    /// Percent.
    pub discount_rate: Hundredths,
    pub points_balance: i64,
    /// ISO 3166, two letters.
    pub country_code: String,
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    #[test]
    fn funds_and_details_have_their_keys() {
        let funds = AccountFunds {
            available_to_bet_balance: Hundredths(99_999),
            exposure: Hundredths(-10_000),
            retained_commission: Hundredths(0),
            exposure_limit: Hundredths(-100_000_000_000),
            discount_rate: Hundredths(0),
            points_balance: 0,
            wallet: "UK",
        };
        check(
            &funds,
            r#"{"availableToBetBalance":999.99,"exposure":-100.0,"retainedCommission":0.0,
            "exposureLimit":-1000000000.0,"discountRate":0.0,"pointsBalance":0,"wallet":"UK"}"#,
        );
        let details = AccountDetails {
            currency_code: "GBP".into(),
            first_name: "A".into(),
            last_name: "B".into(),
            locale_code: "en".into(),
            region: "GBR".into(),
            timezone: "Europe/London".into(),
            discount_rate: Hundredths(250),
            points_balance: 0,
            country_code: "GB".into(),
        };
        check(
            &details,
            r#"{"currencyCode":"GBP","firstName":"A","lastName":"B","localeCode":"en","region":"GBR",
            "timezone":"Europe/London","discountRate":2.5,"pointsBalance":0,"countryCode":"GB"}"#,
        );
    }
}
