//! One of the clients that bet while things break: places, cancels, replaces, and writes down what it was told.
//!
//! Sends one request at a time over one connection, and ends when the connection does. An answer that says
//! that the outcome is unknown leaves a trial open; any other answer closes it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::claim::{ClaimLog, Line};
use crate::harness::bettor::limit;
use crate::harness::{Bettor, Market, Random, pence};

/// What a client is given for one life of a node.
pub(crate) struct Client {
    /// Unique in the whole test, first in every reference.
    pub(crate) name: String,
    pub(crate) account: String,
    pub(crate) bettor: Bettor,
    pub(crate) markets: Arc<Vec<Market>>,
    pub(crate) random: Random,
    pub(crate) log: ClaimLog,
    pub(crate) ends: Arc<Ends>,
}

/// How a client is told to end.
#[derive(Debug, Default)]
pub(crate) struct Ends {
    /// The node is about to be killed: a connection that breaks is no complaint.
    pub(crate) doomed: AtomicBool,
    /// Enough: finish the request under way.
    pub(crate) enough: AtomicBool,
}

/// What a client did, for the reader of a failure and to see that the test tested.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally {
    pub(crate) placed: usize,
    pub(crate) refused: usize,
    /// Turned away before anything was looked at.
    pub(crate) busy: usize,
    pub(crate) cancelled: usize,
    pub(crate) replaced: usize,
    pub(crate) unknown: usize,
    pub(crate) complaints: Vec<String>,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Tally) {
        self.placed += other.placed;
        self.refused += other.refused;
        self.busy += other.busy;
        self.cancelled += other.cancelled;
        self.replaced += other.replaced;
        self.unknown += other.unknown;
        self.complaints.extend(other.complaints);
    }
}

/// A bet that may still rest.
struct Own {
    reference: String,
    bet: u64,
    market: usize,
}

/// How an answer leaves what was asked.
enum Outcome {
    /// The report.
    Told(Value),
    /// Nothing was done.
    Refused,
    Unknown,
}

const BATCH_MAX: u64 = 4;
/// Narrow, so that backs and lays meet.
const LOWEST: u64 = 240;
const TICKS: u64 = 10;
const TICK: u64 = 2;

impl Client {
    /// Bets until told to end, or until the node is gone.
    pub(crate) fn run(mut self) -> Tally {
        let mut tally = Tally::default();
        let mut own: Vec<Own> = Vec::new();
        let mut n = 0;
        while !self.ends.enough.load(Ordering::SeqCst) {
            n += 1;
            let done = match self.random.below(100) {
                0..70 => self.place(n, &mut own, &mut tally),
                70..85 => self.cancel(&mut own, &mut tally),
                _ => self.replace(&mut own, &mut tally),
            };
            if let Err(error) = done {
                // Looked at after the failure: a node is told off before it is killed.
                if !self.ends.doomed.load(Ordering::SeqCst) {
                    let what = format!("{}: the connection failed: {error}", self.name);
                    tally.complaints.push(what);
                }
                break;
            }
        }
        tally
    }

    fn place(&mut self, n: u64, own: &mut Vec<Own>, tally: &mut Tally) -> io::Result<()> {
        let at = self.random.below(u64::try_from(self.markets.len()).expect("fits"));
        let at = usize::try_from(at).expect("fits");
        let market = self.markets[at].clone();
        let count = if self.random.percent(25) { self.random.between(2, BATCH_MAX) } else { 1 };
        let references: Vec<String> =
            (0..count).map(|item| format!("{}n{n}i{item}", self.name)).collect();
        // All of a request on one side: bets of one request may not meet each other.
        let side = *self.random.pick(&["BACK", "LAY"]);
        let selection = *self.random.pick(&market.runners);
        let instructions: Vec<Value> = references
            .iter()
            .map(|reference| {
                let mut order = self.order(selection, side);
                order["customerOrderRef"] = json!(reference);
                order
            })
            .collect();
        let tried = |reference: &String| {
            let (reference, account) = (reference.clone(), self.account.clone());
            Line::Tried { reference, account }
        };
        let lines: Vec<Line> = references.iter().map(tried).collect();
        self.log.intend(&lines);
        let params = json!({"marketId": market.id, "instructions": instructions});
        let refused: Vec<Line> = references
            .iter()
            .map(|reference| Line::Refused { reference: reference.clone() })
            .collect();
        match self.ask("placeOrders", &params, tally)? {
            Outcome::Refused => {
                tally.busy += references.len();
                self.log.acknowledge(&refused);
            }
            Outcome::Unknown => tally.unknown += references.len(),
            Outcome::Told(report) => {
                let mut lines = Vec::new();
                let items = report["instructionReports"].as_array().expect("always there");
                for (at_item, reference) in references.into_iter().enumerate() {
                    let item = items.get(at_item).unwrap_or(&Value::Null);
                    match item["status"].as_str() {
                        Some("SUCCESS") => {
                            let bet = bet_id(&item["betId"]);
                            let matched = pence(&item["sizeMatched"]);
                            let size = pence(&item["instruction"]["limitOrder"]["size"]);
                            own.push(Own { reference: reference.clone(), bet, market: at });
                            lines.push(Line::Placed { reference, bet, size, matched });
                            tally.placed += 1;
                        }
                        Some("TIMEOUT") => tally.unknown += 1,
                        _ => {
                            lines.push(Line::Refused { reference });
                            tally.refused += 1;
                        }
                    }
                }
                self.log.acknowledge(&lines);
            }
        }
        Ok(())
    }

    /// Mostly a good one; sometimes one that must be refused for its price or for lack of funds.
    fn order(&mut self, selection: i64, side: &str) -> Value {
        let ticks = self.random.below(TICKS);
        let mut price = (LOWEST + TICK * ticks) * 10;
        let mut size = self.random.between(100, 2_000);
        match self.random.below(100) {
            0..2 => price += 1,
            2..4 => size = 10_000_000_000,
            _ => (),
        }
        let mut order = limit(selection, side, 0.0, 0.0);
        order["limitOrder"]["size"] = decimal(size, 2);
        order["limitOrder"]["price"] = decimal(price, 3);
        if self.random.percent(30) {
            order["limitOrder"]["persistenceType"] = json!("PERSIST");
        }
        order
    }

    fn cancel(&mut self, own: &mut Vec<Own>, tally: &mut Tally) -> io::Result<()> {
        let Some(it) = self.take_one(own) else { return Ok(()) };
        let mut instruction = json!({"betId": it.bet.to_string()});
        let in_part = self.random.percent(50);
        if in_part {
            instruction["sizeReduction"] = decimal(self.random.between(1, 500), 2);
        }
        let market = &self.markets[it.market].id;
        let params = json!({"marketId": market, "instructions": [instruction]});
        match self.ask("cancelOrders", &params, tally)? {
            Outcome::Refused => (),
            Outcome::Unknown => tally.unknown += 1,
            Outcome::Told(report) => {
                let item = &report["instructionReports"][0];
                if item["status"] == "SUCCESS" {
                    let size = pence(&item["sizeCancelled"]);
                    self.log.acknowledge(&[Line::Cancelled { bet: it.bet, size }]);
                    tally.cancelled += 1;
                    if in_part {
                        own.push(it);
                    }
                }
            }
        }
        Ok(())
    }

    fn replace(&mut self, own: &mut Vec<Own>, tally: &mut Tally) -> io::Result<()> {
        let Some(it) = self.take_one(own) else { return Ok(()) };
        let price = (LOWEST + TICK * self.random.below(TICKS)) * 10;
        let instruction = json!({"betId": it.bet.to_string(), "newPrice": decimal(price, 3)});
        let reference = it.reference.clone();
        self.log.intend(&[Line::TriedReplace { reference: reference.clone() }]);
        let market = &self.markets[it.market].id;
        let params = json!({"marketId": market, "instructions": [instruction]});
        match self.ask("replaceOrders", &params, tally)? {
            Outcome::Refused => self.log.acknowledge(&[Line::NotReplaced { reference }]),
            Outcome::Unknown => tally.unknown += 1,
            Outcome::Told(report) => {
                let item = &report["instructionReports"][0];
                let (gone, placed) =
                    (&item["cancelInstructionReport"], &item["placeInstructionReport"]);
                let mut lines = Vec::new();
                if gone["status"] == "SUCCESS" {
                    let size = pence(&gone["sizeCancelled"]);
                    lines.push(Line::Cancelled { bet: it.bet, size });
                }
                match placed["status"].as_str() {
                    Some("SUCCESS") => {
                        let bet = bet_id(&placed["betId"]);
                        let matched = pence(&placed["sizeMatched"]);
                        let size = pence(&gone["sizeCancelled"]);
                        own.push(Own { reference: reference.clone(), bet, market: it.market });
                        lines.push(Line::Replaced { reference, bet, size, matched });
                        tally.replaced += 1;
                    }
                    Some("TIMEOUT") => tally.unknown += 1,
                    _ => lines.push(Line::NotReplaced { reference }),
                }
                self.log.acknowledge(&lines);
            }
        }
        Ok(())
    }

    fn take_one(&mut self, own: &mut Vec<Own>) -> Option<Own> {
        let count = u64::try_from(own.len()).expect("fits");
        if count == 0 {
            return None;
        }
        Some(own.swap_remove(usize::try_from(self.random.below(count)).expect("fits")))
    }

    fn ask(&mut self, method: &str, params: &Value, tally: &mut Tally) -> io::Result<Outcome> {
        let mut answer = self.bettor.try_call(method, params)?;
        if let Some(report) = answer.get_mut("result").map(Value::take) {
            return Ok(match report["status"].as_str() {
                Some("FAILURE") if report["errorCode"] == "SERVICE_UNAVAILABLE" => Outcome::Refused,
                Some("TIMEOUT") => Outcome::Unknown,
                Some("SUCCESS" | "FAILURE" | "PROCESSED_WITH_ERRORS") => Outcome::Told(report),
                _ => {
                    tally.complaints.push(format!("{method} {params}: {report}"));
                    Outcome::Unknown
                }
            });
        }
        let exception = &answer["error"]["data"]["APINGException"]["errorCode"];
        Ok(match exception.as_str() {
            Some("SERVICE_BUSY" | "TOO_MANY_REQUESTS") => Outcome::Refused,
            Some("TIMEOUT_ERROR") => Outcome::Unknown,
            _ => {
                tally.complaints.push(format!("{method} {params}: {answer}"));
                Outcome::Unknown
            }
        })
    }
}

fn bet_id(value: &Value) -> u64 {
    let bet = value.as_str().and_then(|bet| bet.parse().ok());
    bet.unwrap_or_else(|| panic!("not a bet id: {value}"))
}

/// A whole number of the given decimals as a JSON number, without a float in between.
fn decimal(value: u64, decimals: u32) -> Value {
    let unit = 10_u64.pow(decimals);
    let width = usize::try_from(decimals).expect("fits");
    let text = format!("{}.{:0width$}", value / unit, value % unit);
    serde_json::from_str(&text).expect("digits with a point are a JSON number")
}
