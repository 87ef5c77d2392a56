//! Markets with more than one winner.

use serde_json::json;

use super::Evening;

#[test]
fn with_two_places_of_three_two_backed_runners_cannot_both_lose() {
    let mut evening = Evening::begin("places");
    let terms = json!({"name": "To Be Placed", "marketType": "PLACE", "numberOfWinners": 2});
    let market = evening.operator.market("3:15 Ascot", &["Ada", "Bea", "Cid"], &terms);
    let mut alice = evening.bettor("alice", 100_000);
    let mut bob = evening.bettor("bob", 1_000);
    for runner in [0, 1] {
        bob.back(&market, runner, 10.0, 3.0);
    }
    assert_eq!(bob.funds(), (0, -1_000), "at most one of them loses, the other may stay unmatched");
    for runner in [0, 1] {
        assert_eq!(alice.lay(&market, runner, 10.0, 3.0).1, 1_000);
    }
    // One of the two is placed for sure: -10 + 20 at worst.
    bob.await_funds(1_000, 0);
    evening.square();

    evening.operator.settle(&market, &[market.runners[1], market.runners[2]]);
    let wallet = evening.operator.wallet("bob");
    assert_eq!(wallet.balance, 1_000 + 1_000 - 50, "{wallet:?}");
    evening.square();
}
