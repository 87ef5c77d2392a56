//! SIGKILL while markets are settled, unsettled and settled again: everybody is paid exactly once.
//!
//! An operator whose connection broke asks again with the same key, as the API says; whether the first try
//! was carried out is the node's to know.

use std::io;
use std::time::Duration;

use serde_json::{Value, json};

use super::campaign::Campaign;
use super::kills::rounds;
use crate::harness::http::Answer;
use crate::harness::{Market, Node, Operator, eventually};

/// Within this many milliseconds after the request left, the process dies.
const MOMENT_MAX_MS: u64 = 40;

struct Act {
    path: String,
    key: String,
    body: Value,
}

impl Act {
    fn new(market: &Market, act: &str, body: Value, n: usize) -> Act {
        let path = format!("/v1/operator/markets/{}/{act}", market.id);
        Act { path, key: format!("{}-{act}-{n}", market.id), body }
    }

    fn send(&self, operator: &mut Operator) -> io::Result<Answer> {
        operator.send("POST", &self.path, Some(&self.key), Some(&self.body))
    }

    /// Asked, killed in the middle of it, started again, asked again until it is done.
    fn through_a_kill(&self, campaign: &mut Campaign, node: Node) -> Node {
        let moment = Duration::from_millis(campaign.random.below(MOMENT_MAX_MS));
        let mut operator = Operator::of(&node);
        std::thread::scope(|scope| {
            scope.spawn(|| self.send(&mut operator));
            // The fault itself: the moment is random, nothing waits for it.
            std::thread::park_timeout(moment);
            node.kill();
        });
        let node = campaign.launch.start();
        let mut operator = Operator::of(&node);
        let answer =
            eventually(&format!("{} is done", self.path), || match self.send(&mut operator) {
                Ok(answer) if answer.status == 503 => Err(answer.text()),
                Ok(answer) => Ok(answer),
                Err(error) => Err(error.to_string()),
            });
        assert_eq!(answer.status, 200, "{} after {moment:?}: {}", self.path, answer.text());
        node
    }
}

#[test]
fn everybody_is_paid_exactly_once_when_the_process_dies_while_paying() {
    let (mut campaign, mut node) = Campaign::begin("settling");
    let herd = campaign.unleash(&node);
    eventually("there is something to pay", || {
        let orders = campaign.orders(&node).len();
        if orders >= 200 { Ok(()) } else { Err(orders) }
    });
    herd.enough();
    campaign.gather(herd);
    campaign.check(&node);
    let before = campaign.orders(&node);
    let markets = campaign.markets().to_vec();
    for n in 0..rounds().div_ceil(8) {
        for market in &markets {
            let [first, second] = [market.runners[0], market.runners[1]];
            let settle = |winner: i64| json!({"winners": [winner]});
            let acts =
                [("settle", settle(first)), ("unsettle", json!({})), ("settle", settle(second))];
            for (turn, (act, body)) in acts.into_iter().enumerate() {
                let act = Act::new(market, act, body, 4 * n + turn);
                node = act.through_a_kill(&mut campaign, node);
                campaign.check_money(&node);
            }
            campaign.check_paid(&node, market, &before, "SETTLED");
            if n + 1 < rounds().div_ceil(8) {
                let unsettle = Act::new(market, "unsettle", json!({}), 4 * n + 3);
                node = unsettle.through_a_kill(&mut campaign, node);
            }
        }
    }
    campaign.close_the_books(&node, &before);
    node.kill();
    campaign.verify();
}
