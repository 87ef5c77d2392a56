//! Readers that do not read: they cost little, hurt nobody, and are let go.

use serde_json::json;

use super::{Evening, sessions};
use crate::harness::{Operator, Stream, Way, eventually};

const DEAF: usize = 3;
/// What their system keeps of what they do not read, a reader.
const RECEIVE_BUFFER: usize = 128 << 10;
const MEMORY_MAX_KIB: u64 = 48 << 10;

fn resident_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a size");
    line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
}

#[test]
fn readers_that_never_read_are_let_go_in_bounded_memory() {
    let mut evening = Evening::begin("deaf");
    let alice = evening.bettor("alice", 100_000);
    for _ in 0..200 {
        evening.match_odds();
    }
    let subscription = json!({"op": "marketSubscription", "id": 1, "marketFilter": {}});
    let mut healthy = Stream::of(&evening.node, Way::Plain, &alice);
    healthy.follow(&subscription);
    let before = resident_kib(evening.node.process());
    let mut deaf: Vec<Stream> =
        (0..DEAF).map(|_| Stream::of_little_room(&evening.node, &alice, RECEIVE_BUFFER)).collect();
    deaf.iter_mut().for_each(|stream| stream.send(&subscription));
    let market = evening.match_odds();
    loop {
        let change = healthy.change();
        if change["mc"][0]["id"] == market.id {
            break;
        }
    }
    let mut operator = Operator::of(&evening.node);
    eventually("those who do not read are gone", || {
        // An image is 200 kB, and a subscription that another one follows at once may get none: they ask on until
        // neither end of their connections takes more.
        deaf.iter_mut().for_each(|stream| stream.send(&subscription));
        let left = sessions(&mut operator).len();
        if left == 1 { Ok(()) } else { Err(left) }
    });
    let grown = resident_kib(evening.node.process()).saturating_sub(before);
    assert!(grown < MEMORY_MAX_KIB, "grown by {grown} KiB");
    drop(deaf);
}
