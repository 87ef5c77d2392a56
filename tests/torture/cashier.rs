//! An operator who works while the clients bet: takes deposits in, suspends markets and opens them again.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::client::Ends;
use crate::harness::{Market, Operator, Random};

pub(crate) struct Cashier {
    /// Unique in the whole test, first in every key.
    pub(crate) name: String,
    pub(crate) operator: Operator,
    pub(crate) accounts: Vec<String>,
    pub(crate) markets: Arc<Vec<Market>>,
    pub(crate) random: Random,
    pub(crate) ends: Arc<Ends>,
}

/// Deposits in pence: answered, and sent without an answer.
#[derive(Debug, Default)]
pub(crate) struct Takings {
    pub(crate) acknowledged: i64,
    pub(crate) open: i64,
    pub(crate) complaints: Vec<String>,
}

/// One pound, so that a lost or doubled one shows in any sum.
const DEPOSIT: i64 = 100;

impl Cashier {
    pub(crate) fn run(mut self) -> Takings {
        let mut takings = Takings::default();
        let mut n = 0;
        while !self.ends.enough.load(Ordering::SeqCst) {
            n += 1;
            let goes_on = match self.random.below(10) {
                0..2 => self.pause_market(&mut takings),
                _ => self.deposit(n, &mut takings),
            };
            if !goes_on {
                break;
            }
        }
        takings
    }

    fn deposit(&mut self, n: u64, takings: &mut Takings) -> bool {
        let account = self.random.pick(&self.accounts).clone();
        let path = format!("/v1/operator/users/{account}/deposit");
        let key = format!("{}n{n}", self.name);
        takings.open += DEPOSIT;
        let Some(status) = self.send(&path, Some(&key), &json!({"amount": "1.00"}), takings) else {
            return false;
        };
        match status {
            200..300 => {
                takings.open -= DEPOSIT;
                takings.acknowledged += DEPOSIT;
            }
            // Refused: it did not happen. 503 and 504 may mean that nobody knows.
            400..500 => takings.open -= DEPOSIT,
            _ => (),
        }
        true
    }

    fn pause_market(&mut self, takings: &mut Takings) -> bool {
        let market = self.random.pick(&self.markets).id.clone();
        let lapse = json!({"lapse": self.random.percent(10)});
        let suspend = format!("/v1/operator/markets/{market}/suspend");
        let open = format!("/v1/operator/markets/{market}/open");
        self.send(&suspend, None, &lapse, takings).is_some()
            && self.send(&open, None, &json!({}), takings).is_some()
    }

    /// The status; `None` when the connection failed.
    fn send(
        &mut self,
        path: &str,
        key: Option<&str>,
        body: &Value,
        takings: &mut Takings,
    ) -> Option<u16> {
        match self.operator.send("POST", path, key, Some(body)) {
            Ok(answer) => {
                if answer.status >= 500 && answer.status < 503 {
                    let what = format!("{path} {body}: HTTP {} {}", answer.status, answer.text());
                    takings.complaints.push(what);
                }
                Some(answer.status)
            }
            Err(error) => {
                if !self.ends.doomed.load(Ordering::SeqCst) {
                    takings.complaints.push(format!("{path}: the connection failed: {error}"));
                }
                None
            }
        }
    }
}
