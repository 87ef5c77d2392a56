//! How much a customer may ask for. The values are the node's configuration: next to none in the `open`
//! profile, Betfair's own in `betfair`. An exception that answers a limit names the field and the value.

use std::time::Duration;

/// What each limit is set to; `None` is no limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Weight of the markets of one listMarketCatalogue, listMarketBook or listMarketProfitAndLoss.
    pub data_weight: Option<u64>,
    /// Entries of one listMarketCatalogue.
    pub catalogue_results: u32,
    /// Bet ids and market ids of one listCurrentOrders, together.
    pub ids: usize,
    /// Orders of one placeOrders.
    pub place_instructions: usize,
    /// Orders of one cancelOrders, replaceOrders or updateOrders.
    pub change_instructions: usize,
    /// Queries of one account's orders that may be in flight.
    pub concurrent_queries: Option<u32>,
    /// Instructions of one account in one second.
    pub instructions_per_second: Option<u32>,
    /// Good logins of one user in one minute.
    pub logins_per_minute: Option<u32>,
    /// How long a user who logs in more often is kept out.
    pub login_ban: Duration,
}

impl Limits {
    /// Without the limits that are none by default.
    pub(crate) fn open() -> Limits {
        Limits {
            data_weight: None,
            catalogue_results: 1_000,
            ids: 250,
            place_instructions: 200,
            change_instructions: 60,
            concurrent_queries: None,
            instructions_per_second: None,
            logins_per_minute: None,
            login_ban: Duration::from_secs(1_200),
        }
    }

    /// With the real ones.
    #[cfg(test)]
    pub(crate) fn betfair() -> Limits {
        Limits {
            data_weight: Some(200),
            concurrent_queries: Some(3),
            instructions_per_second: Some(1_000),
            logins_per_minute: Some(100),
            ..Limits::open()
        }
    }
}
