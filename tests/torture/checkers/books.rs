//! The book checker, for a moment when nothing is under way: markets and accounts tell the same story.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Found;
use crate::harness::pence;

/// Every order adds up, and what was backed was laid, at the same prices.
pub(crate) fn check_orders(found: &[Found]) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut runners: BTreeMap<(&str, i64), (i64, i64)> = BTreeMap::new();
    for it in found {
        let order = &it.order;
        let parts = order.matched + order.remaining + order.cancelled + order.lapsed + order.voided;
        if parts != order.size {
            complaints.push(format!("the parts are {parts}: {it:?}"));
        }
        let sign = if order.side == "BACK" { 1 } else { -1 };
        let (stake, payout) = runners.entry((&order.market, order.selection)).or_default();
        *stake += sign * order.matched;
        *payout += sign * order.matched_payout;
    }
    for ((market, selection), (stake, payout)) in runners {
        if (stake, payout) != (0, 0) {
            let what = format!("{market} {selection}: backed less laid is {stake}, {payout}");
            complaints.push(what);
        }
    }
    complaints
}

/// The market's ladders are the accounts' resting orders: no price more, no penny less, and never crossed.
pub(crate) fn check_ladders(found: &[Found], book: &Value) -> Vec<String> {
    let mut complaints = Vec::new();
    for runner in book["runners"].as_array().expect("runners") {
        let mut best = BTreeMap::new();
        for (ladder, side) in [("availableToLay", "BACK"), ("availableToBack", "LAY")] {
            let shown: BTreeMap<i64, i64> = runner["ex"][ladder]
                .as_array()
                .expect("a ladder")
                .iter()
                .map(|row| (pence(&row["price"]), pence(&row["size"])))
                .collect();
            let mut rests: BTreeMap<i64, i64> = BTreeMap::new();
            for Found { order, .. } in found {
                if book["marketId"] == order.market.as_str()
                    && runner["selectionId"] == order.selection
                    && order.side == side
                    && order.remaining > 0
                {
                    *rests.entry(order.price).or_default() += order.remaining;
                }
            }
            if shown != rests {
                let (market, selection) = (&book["marketId"], &runner["selectionId"]);
                let what = format!("{market} {selection} {ladder} {shown:?}, orders {rests:?}");
                complaints.push(what);
            }
            let edge = if side == "BACK" { shown.keys().next() } else { shown.keys().last() };
            best.insert(side, edge.copied());
        }
        if let (Some(Some(back)), Some(Some(lay))) = (best.get("BACK"), best.get("LAY"))
            && back <= lay
        {
            complaints.push(format!("crossed, a back at {back} and a lay at {lay}: {runner}"));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::planted::found;
    use super::*;

    fn good() -> Vec<Found> {
        vec![found("ann", 1, "BACK", 500, 200), found("ben", 2, "LAY", 200, 200)]
    }

    fn book(ladder: &Value) -> Value {
        let ex = json!({"availableToLay": ladder, "availableToBack": []});
        json!({"marketId": "1.1", "runners": [{"selectionId": 1, "ex": ex}]})
    }

    fn check(found: &[Found]) -> Vec<String> {
        let mut complaints = check_orders(found);
        complaints.extend(check_ladders(found, &book(&json!([{"price": 3.0, "size": 3.0}]))));
        complaints
    }

    #[test]
    fn it_is_content_when_markets_and_accounts_agree() {
        assert_eq!(check(&good()), Vec::<String>::new());
    }

    #[test]
    fn it_finds_every_planted_bug() {
        type Bug = fn(&mut Vec<Found>);
        let bugs: [(&str, Bug); 6] = [
            ("the parts are", |all| all[0].order.cancelled = 1),
            ("backed less laid is 200", |all| drop(all.remove(1))),
            ("backed less laid is 0", |all| all[1].order.matched_payout += 1),
            ("availableToLay", |all| all[0].order.price = 305),
            ("availableToLay", |all| all.push(found("ann", 3, "BACK", 100, 0))),
            ("availableToBack", |all| all.push(found("ben", 3, "LAY", 100, 0))),
        ];
        for (words, bug) in bugs {
            let mut all = good();
            bug(&mut all);
            let complaints = check(&all);
            assert!(complaints.iter().any(|it| it.contains(words)), "{words}: {complaints:?}");
        }
        let rows = json!([{"price": 3.0, "size": 3.0}]);
        let ex = json!({"availableToLay": rows, "availableToBack": rows});
        let crossed = json!({"marketId": "1.1", "runners": [{"selectionId": 1, "ex": ex}]});
        let complaints = check_ladders(&good(), &crossed);
        assert!(complaints.iter().any(|it| it.contains("crossed")), "{complaints:?}");
    }
}
