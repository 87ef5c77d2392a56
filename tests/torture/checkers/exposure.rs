//! The exposure checker, for a moment when nothing is under way: what is held is what the open bets of a
//! market with one winner may lose, worked out here from nothing but the orders.
//!
//! Each bet may be rounded by the exchange to a whole penny: the two may differ by one penny a bet.

use std::collections::{BTreeMap, BTreeSet};

use super::Found;
use crate::harness::operator::Wallet;

pub(crate) fn check(wallets: &[(String, Wallet)], found: &[Found]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (name, wallet) in wallets {
        let own: Vec<&Found> = found.iter().filter(|it| it.account == *name).collect();
        let markets: BTreeSet<&str> = own.iter().map(|it| it.order.market.as_str()).collect();
        let worst: i64 = markets.iter().map(|market| worst_loss(&own, market)).sum();
        let bets = i64::try_from(own.len()).expect("fits");
        if (wallet.exposure.abs() * 100 - worst).abs() > bets * 100 {
            let held = wallet.exposure;
            let what = format!("{name} is held {held}, may lose {worst} hundredths of a penny");
            complaints.push(what);
        }
    }
    complaints
}

/// The most that one account's orders may lose in one market, in hundredths of a penny, zero or more.
fn worst_loss(own: &[&Found], market: &str) -> i64 {
    // By runner: if it wins, if it loses; what rests counts only where it hurts.
    let mut runners: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    for Found { order, .. } in own.iter().filter(|it| it.order.market == market) {
        let (wins, loses) = runners.entry(order.selection).or_default();
        let profit = order.matched_payout - 100 * order.matched;
        if order.side == "BACK" {
            *wins += profit;
            *loses -= 100 * (order.matched + order.remaining);
        } else {
            *wins -= profit + order.remaining * (order.price - 100);
            *loses += 100 * order.matched;
        }
    }
    let all_lose: i64 = runners.values().map(|(_, loses)| loses).sum();
    // Zero stands for a runner without bets: the markets here have three, of which any may have none.
    let unbacked = if runners.len() < 3 { Some(0) } else { None };
    let winner = runners.values().map(|(wins, loses)| wins - loses).chain(unbacked).min();
    -(all_lose + winner.unwrap_or(0)).min(0)
}

#[cfg(test)]
mod tests {
    use super::super::planted::found;
    use super::*;

    fn complaints(held: i64, found: &[Found]) -> Vec<String> {
        let wallet = Wallet { balance: 10_000, exposure: held, available: 10_000 - held };
        check(&[("ann".to_owned(), wallet)], found)
    }

    #[test]
    fn it_knows_what_bets_may_lose() {
        let back = found("ann", 1, "BACK", 500, 200);
        let lay = found("ann", 2, "LAY", 400, 400);
        for (orders, expected) in [
            (vec![back.clone()], 500),
            (vec![lay.clone()], 800),
            // Wins: 200 * 2 - 400 * 2; loses: 400 - 500, where the unmatched part of the back hurts.
            (vec![back, lay], 400),
            (vec![found("ben", 3, "BACK", 500, 0)], 0),
        ] {
            assert_eq!(complaints(expected, &orders), Vec::<String>::new());
            assert!(!complaints(expected + 10, &orders).is_empty(), "a hold that stuck");
            assert!(expected == 0 || !complaints(expected - 10, &orders).is_empty(), "let go");
        }
    }
}
