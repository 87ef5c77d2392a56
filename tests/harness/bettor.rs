//! A customer at the Betfair-compatible API.

use std::io;
use std::net::SocketAddr;

use serde_json::{Value, json};

use super::http::{Answer, HttpClient};
use super::{Market, Node, eventually, keys, pence};

#[derive(Debug)]
pub(crate) struct Bettor {
    http: HttpClient,
    app_key: String,
    token: String,
}

/// An order of `listCurrentOrders`, amounts in pence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) bet: String,
    pub(crate) market: String,
    pub(crate) selection: i64,
    /// `BACK` or `LAY`.
    pub(crate) side: String,
    /// In hundredths.
    pub(crate) price: i64,
    pub(crate) size: i64,
    pub(crate) status: String,
    pub(crate) persistence: String,
    /// Sum of price times size over the fills: hundredths times pence, rounded.
    pub(crate) matched_payout: i64,
    pub(crate) matched: i64,
    pub(crate) remaining: i64,
    pub(crate) lapsed: i64,
    pub(crate) cancelled: i64,
    pub(crate) voided: i64,
    pub(crate) order_ref: String,
    pub(crate) strategy_ref: String,
}

impl Order {
    fn read(order: &Value) -> Order {
        let text = |name: &str| order[name].as_str().unwrap_or_default().to_owned();
        let average = order["averagePriceMatched"].as_f64().expect("a number");
        let matched = pence(&order["sizeMatched"]);
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small")]
        let matched_payout = (average * 100.0 * matched as f64).round() as i64;
        Order {
            bet: text("betId"),
            market: text("marketId"),
            selection: order["selectionId"].as_i64().expect("a number"),
            side: text("side"),
            price: pence(&order["priceSize"]["price"]),
            size: pence(&order["priceSize"]["size"]),
            status: text("status"),
            persistence: text("persistenceType"),
            matched_payout,
            matched,
            remaining: pence(&order["sizeRemaining"]),
            lapsed: pence(&order["sizeLapsed"]),
            cancelled: pence(&order["sizeCancelled"]),
            voided: pence(&order["sizeVoided"]),
            order_ref: text("customerOrderRef"),
            strategy_ref: text("customerStrategyRef"),
        }
    }
}

/// A LIMIT order as `placeOrders` takes it.
pub(crate) fn limit(selection: i64, side: &str, size: f64, price: f64) -> Value {
    json!({
        "selectionId": selection, "handicap": 0, "side": side, "orderType": "LIMIT",
        "limitOrder": {"size": size, "price": price, "persistenceType": "LAPSE"},
    })
}

/// Betfair's words, in a report or as an exception, for: not now, and nothing was done.
pub(crate) fn is_busy(answer: &Result<Value, Value>) -> bool {
    match answer {
        Ok(report) => report["errorCode"] == "SERVICE_UNAVAILABLE",
        Err(error) => error["data"]["APINGException"]["errorCode"] == "SERVICE_BUSY",
    }
}

impl Bettor {
    pub(crate) fn log_in(node: &Node, username: &str, password: &str, app_key: &str) -> Bettor {
        let mut http = HttpClient::new(node.http);
        let form = format!("username={username}&password={password}");
        let headers = [
            ("Accept", "application/json"),
            ("X-Application", app_key),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ];
        let answer = http.request("POST", "/api/login", &headers, form.as_bytes());
        let answer = answer.unwrap_or_else(|error| panic!("/api/login: {error}")).json();
        assert_eq!(answer["status"], "SUCCESS", "{username}: {answer}");
        let token = answer["token"].as_str().expect("a token").to_owned();
        Bettor { http, app_key: app_key.to_owned(), token }
    }

    /// Ends the session.
    pub(crate) fn log_out(&mut self) {
        let (app_key, token) = (self.app_key.clone(), self.token.clone());
        let headers = [("X-Application", &*app_key), ("X-Authentication", &*token)];
        let answer = self.http.request("POST", "/api/logout", &headers, b"");
        let answer = answer.unwrap_or_else(|error| panic!("/api/logout: {error}")).json();
        assert_eq!(answer["status"], "SUCCESS", "{answer}");
    }

    /// Application key and token, for other doors.
    pub(crate) fn credentials(&self) -> (&str, &str) {
        (&self.app_key, &self.token)
    }

    /// The headers that say who asks.
    pub(crate) fn who_asks(&self) -> [(&str, &str); 2] {
        [("X-Application", &self.app_key), ("X-Authentication", &self.token)]
    }

    /// The same session at another address: the node was started again, or from another connection.
    pub(crate) fn resume(&self, http: SocketAddr) -> Bettor {
        let (app_key, token) = (self.app_key.clone(), self.token.clone());
        Bettor { http: HttpClient::new(http), app_key, token }
    }

    /// One call; the whole JSON-RPC answer, or how the connection failed.
    pub(crate) fn try_call(&mut self, operation: &str, params: &Value) -> io::Result<Value> {
        let answer = self.call_with(operation, params, &[])?;
        keys::check_call(operation, &answer);
        Ok(answer)
    }

    /// One call with more headers, which may bring keys that are not documented.
    pub(crate) fn call_with(
        &mut self,
        operation: &str,
        params: &Value,
        more: &[(&str, &str)],
    ) -> io::Result<Value> {
        let answer = self.try_raw(operation, params, more)?;
        serde_json::from_slice(&answer.body).map_err(|_| {
            let text = format!("HTTP {}: {}", answer.status, answer.text());
            io::Error::new(io::ErrorKind::InvalidData, text)
        })
    }

    /// The answer with its headers and as its bytes came.
    pub(crate) fn raw(&mut self, operation: &str, params: &Value, more: &[(&str, &str)]) -> Answer {
        let answer = self.try_raw(operation, params, more);
        answer.unwrap_or_else(|error| panic!("{operation} {params}: {error}"))
    }

    fn try_raw(
        &mut self,
        method: &str,
        params: &Value,
        more: &[(&str, &str)],
    ) -> io::Result<Answer> {
        let (api, family) = match method {
            "heartbeat" => ("heartbeat", "HeartbeatAPING"),
            "getAccountFunds"
            | "getAccountDetails"
            | "getAccountStatement"
            | "listCurrencyRates"
            | "transferFunds"
            | "createDeveloperAppKeys"
            | "getDeveloperAppKeys"
            | "getVendorClientId" => ("account", "AccountAPING"),
            _ => ("betting", "SportsAPING"),
        };
        let path = format!("/exchange/{api}/json-rpc/v1");
        let method = format!("{family}/v1.0/{method}");
        let call = json!({"jsonrpc": "2.0", "method": method, "params": params, "id": 1});
        let mut headers = vec![
            ("X-Application", self.app_key.as_str()),
            ("X-Authentication", self.token.as_str()),
            ("Content-Type", "application/json"),
            ("Accept", "application/json"),
        ];
        headers.extend_from_slice(more);
        self.http.request("POST", &path, &headers, call.to_string().as_bytes())
    }

    /// A batch of calls on betting; the list of answers as it came.
    pub(crate) fn batch(&mut self, calls: &Value) -> Value {
        let headers = [
            ("X-Application", self.app_key.as_str()),
            ("X-Authentication", self.token.as_str()),
            ("Content-Type", "application/json"),
        ];
        let path = "/exchange/betting/json-rpc/v1";
        let answer = self.http.request("POST", path, &headers, calls.to_string().as_bytes());
        let answers = answer.unwrap_or_else(|error| panic!("{calls}: {error}")).json();
        keys::check("Rpc", &answers);
        answers
    }

    /// One operation at its REST path: the status and the body, which is a result or a fault.
    pub(crate) fn rest(&mut self, api: &str, operation: &str, params: &Value) -> (u16, Value) {
        let path = format!("/exchange/{api}/rest/v1.0/{operation}/");
        let headers = [
            ("X-Application", self.app_key.as_str()),
            ("X-Authentication", self.token.as_str()),
            ("Content-Type", "application/json"),
        ];
        let answer = self.http.request("POST", &path, &headers, params.to_string().as_bytes());
        let answer = answer.unwrap_or_else(|error| panic!("{path} {params}: {error}"));
        let body = answer.json();
        match answer.status {
            200 => keys::check_call(operation, &json!({"result": body})),
            _ => keys::check("Fault", &body),
        }
        (answer.status, body)
    }

    /// One call; its result, or the JSON-RPC error. Panics when the connection fails.
    pub(crate) fn call(&mut self, method: &str, params: &Value) -> Result<Value, Value> {
        let answer = self.try_call(method, params);
        let mut answer = answer.unwrap_or_else(|error| panic!("{method} {params}: {error}"));
        match answer.get_mut("result") {
            Some(result) => Ok(result.take()),
            None => Err(answer["error"].take()),
        }
    }

    /// One call that must have a result. Busy is none yet: nothing was done, and with journal files as small
    /// as here the next one may be late.
    pub(crate) fn ask(&mut self, method: &str, params: &Value) -> Value {
        let result = eventually(&format!("{method} is taken"), || {
            let result = self.call(method, params);
            if is_busy(&result) { Err(format!("{result:?}")) } else { Ok(result) }
        });
        result.unwrap_or_else(|error| panic!("{method} {params}: {error}"))
    }

    // --------------------------------------------------------------------------------------- orders

    /// `placeOrders` as it is answered.
    pub(crate) fn place(&mut self, market: &Market, instructions: &[Value]) -> Value {
        self.ask("placeOrders", &json!({"marketId": market.id, "instructions": instructions}))
    }

    /// One order that must be taken: its bet id, and how much of it was matched at once.
    pub(crate) fn bet(&mut self, market: &Market, instruction: Value) -> (String, i64) {
        let report = self.place(market, &[instruction]);
        assert_eq!(report["status"], "SUCCESS", "{report}");
        let report = &report["instructionReports"][0];
        let bet = report["betId"].as_str().unwrap_or_else(|| panic!("no bet id: {report}"));
        (bet.to_owned(), pence(&report["sizeMatched"]))
    }

    pub(crate) fn back(
        &mut self,
        market: &Market,
        runner: usize,
        size: f64,
        price: f64,
    ) -> (String, i64) {
        self.bet(market, limit(market.runners[runner], "BACK", size, price))
    }

    pub(crate) fn lay(
        &mut self,
        market: &Market,
        runner: usize,
        size: f64,
        price: f64,
    ) -> (String, i64) {
        self.bet(market, limit(market.runners[runner], "LAY", size, price))
    }

    /// `cancelOrders` of one bet, whole or by `reduction`, as it is answered.
    pub(crate) fn cancel(&mut self, market: &Market, bet: &str, reduction: Option<f64>) -> Value {
        let mut instruction = json!({"betId": bet});
        if let Some(reduction) = reduction {
            instruction["sizeReduction"] = json!(reduction);
        }
        self.ask("cancelOrders", &json!({"marketId": market.id, "instructions": [instruction]}))
    }

    /// `cancelOrders` of everything in every market.
    pub(crate) fn cancel_all(&mut self) -> Value {
        self.ask("cancelOrders", &json!({}))
    }

    /// All orders of markets that are not settled.
    pub(crate) fn orders(&mut self) -> Vec<Order> {
        let mut orders = Vec::new();
        loop {
            let page = json!({"orderProjection": "ALL", "fromRecord": orders.len()});
            let page = self.ask("listCurrentOrders", &page);
            let rows = page["currentOrders"].as_array().expect("a list");
            orders.extend(rows.iter().map(Order::read));
            if page["moreAvailable"] != true {
                return orders;
            }
            assert!(!rows.is_empty(), "an empty page says that there is more");
        }
    }

    /// The latest or the earliest that can still be matched.
    pub(crate) fn open_order(&mut self, latest: bool) -> Option<Order> {
        let direction = if latest { "LATEST_TO_EARLIEST" } else { "EARLIEST_TO_LATEST" };
        let one = json!({
            "orderProjection": "EXECUTABLE", "recordCount": 1, "sortDir": direction,
        });
        self.ask("listCurrentOrders", &one)["currentOrders"].get(0).map(Order::read)
    }

    pub(crate) fn order(&mut self, bet: &str) -> Order {
        let result = self.ask("listCurrentOrders", &json!({"betIds": [bet]}));
        let rows = result["currentOrders"].as_array().expect("a list");
        assert_eq!(rows.len(), 1, "orders with bet id {bet}: {result}");
        Order::read(&rows[0])
    }

    /// The order, once it is as `expected`: what others do to it arrives in its own time.
    pub(crate) fn await_order(&mut self, bet: &str, expected: impl Fn(&Order) -> bool) -> Order {
        eventually(&format!("order {bet} becomes as expected"), || {
            let order = self.order(bet);
            if expected(&order) { Ok(order) } else { Err(Box::new(order)) }
        })
    }

    /// Rows of `listClearedOrders` with one status, for one market.
    pub(crate) fn cleared(&mut self, market: &Market, status: &str) -> Vec<Value> {
        let mut cleared: Vec<Value> = Vec::new();
        loop {
            let page = json!({
                "betStatus": status, "marketIds": [market.id], "fromRecord": cleared.len(),
            });
            let page = self.ask("listClearedOrders", &page);
            let rows = page["clearedOrders"].as_array().expect("a list");
            cleared.extend(rows.iter().cloned());
            if page["moreAvailable"] != true {
                return cleared;
            }
            assert!(!rows.is_empty(), "an empty page says that there is more");
        }
    }

    // ------------------------------------------------------------------------------- money and books

    /// Available to bet and exposure (negative), in pence.
    pub(crate) fn funds(&mut self) -> (i64, i64) {
        let funds = self.ask("getAccountFunds", &json!({}));
        (pence(&funds["availableToBetBalance"]), pence(&funds["exposure"]))
    }

    /// Waits until available and exposure are these.
    pub(crate) fn await_funds(&mut self, available: i64, exposure: i64) {
        eventually(&format!("funds are {available} and {exposure}"), || {
            let funds = self.funds();
            if funds == (available, exposure) { Ok(()) } else { Err(funds) }
        });
    }

    /// The whole book with traded volumes.
    pub(crate) fn book(&mut self, market: &Market) -> Value {
        let projection = json!({"priceData": ["EX_ALL_OFFERS", "EX_TRADED"]});
        let params = json!({"marketIds": [market.id], "priceProjection": projection});
        let books = self.ask("listMarketBook", &params);
        assert_eq!(books.as_array().map(Vec::len), Some(1), "{books}");
        books[0].clone()
    }

    /// One ladder of the book: (price in hundredths, size in pence), best first.
    pub(crate) fn ladder(&mut self, market: &Market, runner: usize, side: &str) -> Vec<(i64, i64)> {
        let book = self.book(market);
        let runners = book["runners"].as_array().expect("runners");
        let selection = market.runners[runner];
        let runner = runners.iter().find(|it| it["selectionId"] == selection).expect("the runner");
        let ladder = runner["ex"][side].as_array().expect("a ladder");
        ladder.iter().map(|row| (pence(&row["price"]), pence(&row["size"]))).collect()
    }
}
