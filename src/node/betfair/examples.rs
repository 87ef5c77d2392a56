//! Command lines that a newcomer may copy: log in, look, bet. In Betfair's words, so they are written here.

use domain::ids::{MarketId, SelectionId};

/// Who shows them, and where.
#[derive(Debug, Clone, Copy)]
pub struct Examples<'a> {
    /// Such as `http://127.0.0.1:8080`.
    pub http: &'a str,
    /// Also the password.
    pub username: &'a str,
    /// Of the user.
    pub app_key: &'a str,
    /// What is looked at.
    pub market: MarketId,
    /// What is backed.
    pub selection: SelectionId,
}

impl Examples<'_> {
    /// Leaves the session's token in `TOKEN`.
    pub fn log_in(&self) -> String {
        let Examples { http, username, app_key, .. } = self;
        format!(
            "TOKEN=$(curl -s {http}/api/login -H 'X-Application: {app_key}' \
             -d 'username={username}&password={username}' | \
             sed 's/.*\"token\":\"\\([^\"]*\\)\".*/\\1/')"
        )
    }

    /// The best prices of the market.
    pub fn look(&self) -> String {
        let params = format!(
            r#"{{"marketIds":["{}"],"priceProjection":{{"priceData":["EX_BEST_OFFERS"]}}}}"#,
            self.market
        );
        self.call("listMarketBook", &params)
    }

    /// Five pounds on the selection, at the best price there is.
    pub fn bet(&self) -> String {
        let order = r#""limitOrder":{"size":5,"price":1.01,"persistenceType":"LAPSE"}"#;
        let params = format!(
            r#"{{"marketId":"{}","instructions":[{{"selectionId":{},"side":"BACK","orderType":"LIMIT",{order}}}]}}"#,
            self.market, self.selection
        );
        self.call("placeOrders", &params)
    }

    fn call(&self, method: &str, params: &str) -> String {
        let Examples { http, app_key, .. } = self;
        format!(
            "curl -s {http}/exchange/betting/json-rpc/v1 -H 'X-Application: {app_key}' \
             -H \"X-Authentication: $TOKEN\" \
             -d '{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"SportsAPING/v1.0/{method}\",\
             \"params\":{params}}}'; echo"
        )
    }
}
