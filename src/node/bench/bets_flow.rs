//! The bets that the load generator sends, written before the clock starts.
//!
//! Accounts and markets are drawn by splitmix64 from the connection's own seed. A bet backs at ladder index
//! 171 + d or lays at 170 - d, d drawn from 0..=5; one in ten is shifted 3 steps so that it crosses. The
//! stake is 2 pounds. A request's bets are on one side of one market, since bets of one request may not
//! meet each other.

use super::client::head;
use super::exchange::{Login, OpenMarket};
use super::match_flow::Splitmix;
use domain::price::{LadderIndex, Price};
use std::fmt::Write;

/// Different requests of many bets for each market and side.
const VARIANTS: usize = 4;
const SEED: u64 = 0x0B1E_55ED;

/// Which bets are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Crossing {
    OneInTen,
    /// All of them rest.
    Never,
}

/// Requests in two halves that fit together whoever sends them and whatever is bet: a head for each
/// account, and bodies padded to one length.
#[derive(Debug)]
pub(super) struct BetsFlow {
    pub(super) bets_a_request: usize,
    heads: Vec<Vec<u8>>,
    bodies: Vec<Vec<u8>>,
}

impl BetsFlow {
    pub(super) fn new(
        logins: &[Login],
        markets: &[OpenMarket],
        bets_a_request: usize,
        crossing: Crossing,
    ) -> Self {
        let mut random = Splitmix(SEED ^ bets_a_request as u64);
        // Every single bet there is, or a few draws of many.
        let singles = (0..24).map(|at| vec![(at % 2 == 0, at / 4, at / 2 % 2 == 0)]);
        let mut bodies: Vec<String> = Vec::new();
        for market in markets {
            if bets_a_request == 1 {
                let weighted = singles.clone().flat_map(|bet| {
                    let times = match (bet[0].2, crossing) {
                        (false, _) => 9,
                        (true, Crossing::OneInTen) => 1,
                        (true, Crossing::Never) => 0,
                    };
                    std::iter::repeat_n(bet, times)
                });
                bodies.extend(weighted.map(|bets| body(market, &bets)));
            } else {
                bodies.extend((0..2 * VARIANTS).map(|at| {
                    let draw = |_| {
                        let (d, tenth) = (random.below(6) as u16, random.below(10) == 0);
                        (at % 2 == 0, d, tenth && crossing == Crossing::OneInTen)
                    };
                    body(market, &(0..bets_a_request).map(draw).collect::<Vec<_>>())
                }));
            }
        }
        let longest = bodies.iter().map(String::len).max().unwrap_or_default();
        let pad = |body: String| format!("{body:<longest$}").into_bytes();
        BetsFlow {
            bets_a_request,
            heads: logins.iter().map(|login| request_head(login, longest)).collect(),
            bodies: bodies.into_iter().map(pad).collect(),
        }
    }

    /// Writes the next request of a connection into `request`.
    pub(super) fn draw(&self, random: &mut Splitmix, request: &mut Vec<u8>) {
        request.clear();
        request.extend(&self.heads[random.below(self.heads.len() as u64) as usize]);
        request.extend(&self.bodies[random.below(self.bodies.len() as u64) as usize]);
    }
}

fn request_head(login: &Login, length: usize) -> Vec<u8> {
    let headers = format!(
        "X-Application: {}\r\nX-Authentication: {}\r\nAccept: application/json\r\n\
         Content-Type: application/json\r\n",
        login.app_key, login.token
    );
    head("POST", "/exchange/betting/json-rpc/v1", &headers, length)
}

/// Bets as (backs, d, crosses).
fn body(market: &OpenMarket, bets: &[(bool, u16, bool)]) -> String {
    let mut text = format!(
        r#"{{"jsonrpc":"2.0","method":"SportsAPING/v1.0/placeOrders","params":{{"marketId":"{}","instructions":["#,
        market.id
    );
    for (at, bet) in bets.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        let side = if bet.0 { "BACK" } else { "LAY" };
        write!(
            text,
            r#"{comma}{{"orderType":"LIMIT","selectionId":{},"handicap":0,"side":"{side}","limitOrder":{{"size":2.0,"price":{},"persistenceType":"LAPSE"}}}}"#,
            market.selection,
            price(*bet)
        )
        .expect("a String takes any text");
    }
    text.push_str(r#"]},"id":1}"#);
    text
}

fn price((backs, d, crosses): (bool, u16, bool)) -> Price {
    let shift = if crosses { 3 } else { 0 };
    LadderIndex(if backs { 171 + d - shift } else { 170 - d + shift }).price()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn flow(bets_a_request: usize) -> BetsFlow {
        let login =
            |name: &str| Login { app_key: "key".to_owned(), token: format!("token of {name}") };
        let markets = [OpenMarket { id: "1.000000001".to_owned(), selection: 7 }];
        BetsFlow::new(&[login("a"), login("bb")], &markets, bets_a_request, Crossing::OneInTen)
    }

    #[test]
    fn every_request_is_whole_and_says_its_length() {
        for count in [1, 100] {
            let flow = flow(count);
            let mut random = Splitmix(1);
            let mut request = Vec::new();
            for _ in 0..50 {
                flow.draw(&mut random, &mut request);
                let text = std::str::from_utf8(&request).unwrap();
                let (head, body) = text.split_once("\r\n\r\n").unwrap();
                assert!(head.contains(&format!("Content-Length: {}", body.len())), "{head}");
                let body: Value = serde_json::from_str(body).unwrap();
                let bets = body["params"]["instructions"].as_array().unwrap();
                assert_eq!(bets.len(), count);
                assert!(bets.iter().all(|bet| bet["side"] == bets[0]["side"]));
            }
        }
    }

    #[test]
    fn a_bet_crosses_only_when_it_is_shifted() {
        let best_back = (0..6).map(|d| price((true, d, false))).min();
        let best_lay = (0..6).map(|d| price((false, d, false))).max();
        assert!(best_back > best_lay);
        assert!(best_back.is_some_and(|back| price((false, 0, true)) >= back));
        assert!(best_lay.is_some_and(|lay| price((true, 0, true)) <= lay));
    }
}
