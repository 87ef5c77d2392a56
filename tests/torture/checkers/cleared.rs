//! The cleared checker: when a market is settled or void, what was matched of each bet is paid exactly once.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Found;
use crate::harness::pence;

/// `found`: one account's orders of the market as they stood before; `rows`: its cleared bets now.
pub(crate) fn check(found: &[Found], rows: &[Value]) -> Vec<String> {
    let mut expected: BTreeMap<&str, i64> = BTreeMap::new();
    for it in found.iter().filter(|it| it.order.matched > 0) {
        expected.insert(&it.order.bet, it.order.matched);
    }
    let mut complaints = Vec::new();
    let mut paid: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        let bet = row["betId"].as_str().expect("a bet id");
        *paid.entry(bet).or_default() += 1;
        match expected.get(bet) {
            None => complaints.push(format!("paid, but was not matched: {row}")),
            Some(matched) if pence(&row["sizeSettled"]) != *matched => {
                complaints.push(format!("{matched} was matched, not what is paid: {row}"));
            }
            Some(_) => (),
        }
    }
    for (bet, matched) in expected {
        match paid.get(bet) {
            Some(1) => (),
            None => complaints.push(format!("bet {bet}, matched {matched}, is not paid")),
            Some(times) => complaints.push(format!("bet {bet} is paid {times} times")),
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::planted::found;
    use super::*;

    #[test]
    fn it_finds_every_planted_bug() {
        let all = [found("ann", 1, "BACK", 500, 200), found("ann", 2, "BACK", 500, 0)];
        let row = |bet: &str, size: f64| json!({"betId": bet, "sizeSettled": size});
        assert_eq!(check(&all, &[row("1", 2.0)]), Vec::<String>::new());
        for (words, rows) in [
            ("is not paid", vec![]),
            ("is paid 2 times", vec![row("1", 2.0), row("1", 2.0)]),
            ("not what is paid", vec![row("1", 2.01)]),
            ("was not matched", vec![row("1", 2.0), row("2", 5.0)]),
        ] {
            let complaints = check(&all, &rows);
            assert!(complaints.iter().any(|it| it.contains(words)), "{words}: {complaints:?}");
        }
    }
}
