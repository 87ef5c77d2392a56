//! An exchange made ready for a load: users who are logged in, and open markets.
//!
//! Asks the operator API and the login like anybody else; never looks into the node.

use super::client::{Connection, head};
use super::node::RunningNode;
use anyhow::{Context, bail, ensure};
use indicatif::ProgressBar;
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use tokio::task::JoinSet;

/// A customer who is logged in.
#[derive(Debug, Clone)]
pub(super) struct Login {
    pub(super) app_key: String,
    pub(super) token: String,
}

#[derive(Debug, Clone)]
pub(super) struct OpenMarket {
    pub(super) id: String,
    pub(super) selection: u64,
}

/// How many requests are under way at once while users are made: passwords cost both cores.
const AT_ONCE: usize = 4;
const PASSWORD: &str = "correct horse battery staple";
const DEPOSIT: &str = "50000000.00";
const START: &str = "2031-05-03T14:00:00Z";

/// The operator's end of a node.
#[derive(Debug)]
pub(super) struct Operator {
    connection: Connection,
    token: String,
}

impl Operator {
    pub(super) async fn connect(node: &RunningNode) -> anyhow::Result<Self> {
        let connection = Connection::open(node.admin).await.context("admin cannot be reached")?;
        Ok(Operator { connection, token: node.token.clone() })
    }

    pub(super) async fn get(&mut self, path: &str) -> anyhow::Result<Value> {
        self.ask("GET", path, Vec::new()).await
    }

    pub(super) async fn post(&mut self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.ask("POST", path, serde_json::to_vec(body)?).await
    }

    /// What is no JSON.
    pub(super) async fn text(&mut self, path: &str) -> anyhow::Result<String> {
        let answer = self.connection.exchange(&head("GET", path, "", 0)).await?;
        ensure!(answer.status == 200, "GET {path}: {}", answer.status);
        Ok(String::from_utf8_lossy(answer.body).into_owned())
    }

    async fn ask(&mut self, method: &str, path: &str, body: Vec<u8>) -> anyhow::Result<Value> {
        let headers =
            format!("Authorization: Bearer {}\r\nContent-Type: application/json\r\n", self.token);
        let mut request = head(method, path, &headers, body.len());
        request.extend(body);
        let answer = self.connection.exchange(&request).await?;
        let text = String::from_utf8_lossy(answer.body);
        ensure!((200..300).contains(&answer.status), "{method} {path}: {} {text}", answer.status);
        if answer.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(answer.body).with_context(|| format!("{method} {path}: {text}"))
    }

    /// `count` open markets of three runners in one event; the first runner is the one to bet on.
    pub(super) async fn open_markets(&mut self, count: usize) -> anyhow::Result<Vec<OpenMarket>> {
        let event = json!({
            "eventTypeId": "1", "name": "Bench v Load", "countryCode": "GB", "openDate": START,
        });
        let event = self.post("/v1/operator/events", &event).await?;
        let mut markets = Vec::with_capacity(count);
        for number in 1..=count {
            let market = json!({
                "eventId": event["eventId"], "name": format!("Market {number}"),
                "marketType": "MATCH_ODDS", "startTime": START,
                "runners": [{"name": "Bench"}, {"name": "Load"}, {"name": "The Draw"}],
            });
            let made = self.post("/v1/operator/markets", &market).await?;
            let id = made["marketId"].as_str().context("no market id")?.to_owned();
            let selection = &made["runners"][0]["selectionId"];
            let selection = selection.as_u64().context("no selection id")?;
            markets.push(OpenMarket { id, selection });
        }
        Ok(markets)
    }
}

/// Makes `count` users with money and logs them in. Runs inside a `LocalSet`.
pub(super) async fn log_in(
    node: &RunningNode,
    count: usize,
    bar: &ProgressBar,
) -> anyhow::Result<Vec<Login>> {
    let next = Rc::new(Cell::new(0));
    let logins = Rc::new(RefCell::new(Vec::with_capacity(count)));
    let mut workers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (next, logins, bar) = (next.clone(), logins.clone(), bar.clone());
        let mut operator = Operator::connect(node).await?;
        let mut door = Connection::open(node.http).await.context("http cannot be reached")?;
        workers.spawn_local(async move {
            loop {
                let number = next.replace(next.get() + 1);
                if number >= count {
                    return anyhow::Ok(());
                }
                let username = format!("bench-{}-{number}", std::process::id());
                let login = make_and_log_in(&mut operator, &mut door, username).await?;
                logins.borrow_mut().push(login);
                bar.inc(1);
            }
        });
    }
    while let Some(ended) = workers.join_next().await {
        ended??;
    }
    Ok(logins.take())
}

async fn make_and_log_in(
    operator: &mut Operator,
    door: &mut Connection,
    username: String,
) -> anyhow::Result<Login> {
    let user = json!({"username": username, "password": PASSWORD});
    let user = operator.post("/v1/operator/users", &user).await?;
    let deposit = format!("/v1/operator/users/{username}/deposit");
    operator.post(&deposit, &json!({"amount": DEPOSIT})).await?;
    let app_key = user["appKey"].as_str().context("no application key")?.to_owned();
    let form = format!("username={username}&password={}", PASSWORD.replace(' ', "+"));
    let headers = format!(
        "X-Application: {app_key}\r\nAccept: application/json\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n"
    );
    let mut request = head("POST", "/api/login", &headers, form.len());
    request.extend(form.into_bytes());
    let answer = door.exchange(&request).await?;
    let answer: Value = serde_json::from_slice(answer.body)?;
    match (answer["status"].as_str(), answer["token"].as_str()) {
        (Some("SUCCESS"), Some(token)) => Ok(Login { app_key, token: token.to_owned() }),
        _ => bail!("{username} cannot log in: {answer}"),
    }
}

/// As many connections to the public door as asked for.
pub(super) async fn connect(address: SocketAddr, count: usize) -> anyhow::Result<Vec<Connection>> {
    let mut connections = Vec::with_capacity(count);
    for _ in 0..count {
        connections.push(Connection::open(address).await.context("http cannot be reached")?);
    }
    Ok(connections)
}
