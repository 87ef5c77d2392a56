//! An operator at the admin listener.

use std::fs;
use std::io;

use serde_json::{Value, json};

use super::http::{Answer, HttpClient};
use super::money::{pence, pounds};
use super::{Node, eventually};

#[derive(Debug)]
pub(crate) struct Operator {
    http: HttpClient,
    token: String,
}

/// A market that was made for a test.
#[derive(Debug, Clone)]
pub(crate) struct Market {
    pub(crate) id: String,
    /// Selection ids, in the order of the names given.
    pub(crate) runners: Vec<i64>,
}

/// What `/ledger` says, in pence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ledger {
    pub(crate) deposits: i64,
    pub(crate) withdrawals: i64,
    pub(crate) customer_balances: i64,
    pub(crate) holds: i64,
    pub(crate) clearing: i64,
    pub(crate) commission: i64,
    pub(crate) rounding: i64,
    pub(crate) cross_matching: i64,
    /// As the node computes it.
    pub(crate) difference: i64,
}

/// What an operator sees of a customer, in pence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wallet {
    pub(crate) balance: i64,
    pub(crate) available: i64,
    pub(crate) exposure: i64,
}

impl Wallet {
    fn read(answer: &Value) -> Wallet {
        Wallet {
            balance: pence(&answer["balance"]),
            available: pence(&answer["available"]),
            exposure: pence(&answer["exposure"]),
        }
    }
}

impl Operator {
    /// With the token that the first start left in the data directory.
    pub(crate) fn of(node: &Node) -> Operator {
        let path = node.data.join("operator.token");
        let token = fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{} cannot be read: {error}", path.display()));
        Operator { http: HttpClient::new(node.admin), token: token.trim().to_owned() }
    }

    /// The same operator with another token.
    pub(crate) fn with_token(self, token: &str) -> Operator {
        Operator { token: token.to_owned(), ..self }
    }

    /// One request; the answer whatever it is.
    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        idempotency_key: Option<&str>,
        body: Option<&Value>,
    ) -> io::Result<Answer> {
        let authorization = format!("Bearer {}", self.token);
        let mut headers = vec![("Authorization", authorization.as_str())];
        if body.is_some() {
            headers.push(("Content-Type", "application/json"));
        }
        if let Some(key) = idempotency_key {
            headers.push(("Idempotency-Key", key));
        }
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        self.http.request(method, path, &headers, &body)
    }

    /// One request; panics with both sides when it is refused. Busy is not refused: nothing was done, and
    /// with journal files as small as here the next one may be late.
    pub(crate) fn ask(&mut self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let answer = eventually(&format!("{method} {path} is taken"), || {
            let answer = self.send(method, path, None, body);
            let answer = answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
            let is_busy = answer.status == 503 && answer.json()["code"] == "busy";
            if is_busy { Err(answer.text()) } else { Ok(answer) }
        });
        let (status, text) = (answer.status, answer.text());
        assert!((200..300).contains(&status), "{method} {path} {body:?}: HTTP {status} {text}");
        if answer.body.is_empty() { Value::Null } else { answer.json() }
    }

    pub(crate) fn get(&mut self, path: &str) -> Value {
        self.ask("GET", path, None)
    }

    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Value {
        self.ask("POST", path, Some(body))
    }

    /// Asks again while the node says that what it takes to answer is being restarted.
    fn patiently(&mut self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        eventually(&format!("{method} {path} is answered"), || {
            match self.send(method, path, None, body) {
                Ok(answer) if (200..300).contains(&answer.status) => Ok(answer),
                Ok(answer) if answer.status == 503 => Err(answer.text()),
                Ok(answer) => panic!("{method} {path}: HTTP {} {}", answer.status, answer.text()),
                Err(error) => Err(error.to_string()),
            }
        })
    }

    fn get_patiently(&mut self, path: &str) -> Value {
        self.patiently("GET", path, None).json()
    }

    // ------------------------------------------------------------------------------------ customers

    /// A user with a first deposit; answers the application key.
    pub(crate) fn open_account(&mut self, username: &str, password: &str, deposit: i64) -> String {
        let user = json!({"username": username, "password": password, "deposit": pounds(deposit)});
        let user = self.post("/v1/operator/users", &user);
        user["appKey"].as_str().expect("an application key").to_owned()
    }

    pub(crate) fn deposit(&mut self, username: &str, amount: i64) -> Wallet {
        let path = format!("/v1/operator/users/{username}/deposit");
        Wallet::read(&self.post(&path, &json!({"amount": pounds(amount)})))
    }

    pub(crate) fn withdraw(&mut self, username: &str, amount: i64) -> Wallet {
        let path = format!("/v1/operator/users/{username}/withdraw");
        Wallet::read(&self.post(&path, &json!({"amount": pounds(amount)})))
    }

    pub(crate) fn wallet(&mut self, username: &str) -> Wallet {
        Wallet::read(&self.get(&format!("/v1/operator/users/{username}")))
    }

    // -------------------------------------------------------------------------------------- markets

    pub(crate) fn event(&mut self, name: &str) -> String {
        let event = json!({
            "eventTypeId": "1", "name": name, "countryCode": "GB", "openDate": KICK_OFF,
        });
        let event = self.post("/v1/operator/events", &event);
        event["eventId"].as_str().expect("an event id").to_owned()
    }

    /// A match odds market, open, in an event of its own.
    pub(crate) fn match_odds(&mut self, home: &str, away: &str) -> Market {
        self.market(&format!("{home} v {away}"), &[home, away, "The Draw"], &json!({}))
    }

    /// An open market of an event of its own; `terms` are laid over the usual ones.
    pub(crate) fn market(&mut self, event: &str, runners: &[&str], terms: &Value) -> Market {
        let event = self.event(event);
        let names: Vec<Value> = runners.iter().map(|name| json!({"name": name})).collect();
        let mut market = json!({
            "eventId": event, "name": "Match Odds", "marketType": "MATCH_ODDS",
            "startTime": KICK_OFF, "runners": names,
        });
        for (key, value) in terms.as_object().expect("terms are an object") {
            market[key] = value.clone();
        }
        let made = self.post("/v1/operator/markets", &market);
        let made_runners = made["runners"].as_array().expect("runners");
        let ids = made_runners.iter().map(|it| it["selectionId"].as_i64().expect("a number"));
        let id = made["marketId"].as_str().expect("a market id").to_owned();
        Market { id, runners: ids.collect() }
    }

    /// `open`, `suspend`, `turn-in-play`, `settle`, `unsettle`, `void`, `reopen`.
    pub(crate) fn act(&mut self, market: &Market, act: &str, body: &Value) -> Value {
        self.post(&format!("/v1/operator/markets/{}/{act}", market.id), body)
    }

    pub(crate) fn settle(&mut self, market: &Market, winners: &[i64]) -> Value {
        self.act(market, "settle", &json!({"winners": winners}))
    }

    /// Moves the clock of a node that was started with a manual one.
    pub(crate) fn advance(&mut self, milliseconds: u64) {
        self.post("/v1/operator/clock", &json!({"advanceMs": milliseconds}));
    }

    // ------------------------------------------------------------------------------------- the house

    pub(crate) fn ledger(&mut self) -> Ledger {
        let ledger = self.get("/v1/operator/ledger");
        let amount = |name: &str| pence(&ledger[name]);
        Ledger {
            deposits: amount("deposits"),
            withdrawals: amount("withdrawals"),
            customer_balances: amount("customerBalances"),
            holds: amount("holds"),
            clearing: amount("clearing"),
            commission: amount("commission"),
            rounding: amount("rounding"),
            cross_matching: amount("crossMatching"),
            difference: amount("difference"),
        }
    }

    /// Every actor and supervisor of the tree, parents first.
    pub(crate) fn tree(&mut self) -> Vec<Value> {
        let mut flat = Vec::new();
        let mut open = vec![self.get_patiently("/v1/operator/tree")];
        while let Some(mut node) = open.pop() {
            if let Some(Value::Array(children)) = node.get_mut("children").map(Value::take) {
                open.extend(children.into_iter().rev());
            }
            flat.push(node);
        }
        flat
    }

    /// The actors of one kind.
    pub(crate) fn actors(&mut self, kind: &str) -> Vec<Value> {
        let mut actors = self.tree();
        actors.retain(|actor| actor["kind"] == kind);
        actors
    }

    /// What an actor says of itself.
    pub(crate) fn observe(&mut self, actor: &str) -> Value {
        self.get_patiently(&format!("/v1/operator/actors/{actor}"))
    }

    pub(crate) fn kill_actor(&mut self, actor: &str, mode: &str) {
        let path = format!("/v1/operator/actors/{actor}/kill");
        let body = json!({"mode": mode, "reason": "a test"});
        self.patiently("POST", &path, Some(&body));
    }
}

/// Far enough away that nothing starts by itself.
const KICK_OFF: &str = "2031-05-03T14:00:00Z";
