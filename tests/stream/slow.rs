//! Readers that do not read: they cost little, hurt nobody, and are let go.

use serde_json::json;

use super::{Evening, sessions};
use crate::harness::{Operator, Stream, Way, eventually};

const MARKETS: usize = 200;
const DEAF: usize = 10;
/// Each asks for an image of more than `IMAGE_KIB` so often: many more than may wait for one reader, and its
/// socket holds less than one.
const IMAGES: usize = 60;
const IMAGE_KIB: u64 = 150;
/// Sixteen chunks may wait for one reader, and each holds an image.
const MEMORY_MAX_KIB: u64 = DEAF as u64 * 16 * 2 * IMAGE_KIB;

fn resident_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a size");
    line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
}

#[test]
fn readers_that_never_read_are_let_go_in_bounded_memory() {
    let mut evening = Evening::begin("deaf");
    let alice = evening.bettor("alice", 100_000);
    for _ in 0..MARKETS {
        evening.match_odds();
    }
    let subscription = json!({"op": "marketSubscription", "id": 1, "marketFilter": {}});
    let mut healthy = Stream::of(&evening.node, Way::Plain, &alice);
    let image = healthy.follow(&subscription);
    let image = u64::try_from(image[0].to_string().len()).expect("a size") >> 10;
    assert!((IMAGE_KIB..2 * IMAGE_KIB).contains(&image), "an image has {image} KiB");
    let before = resident_kib(evening.node.process());
    let mut deaf: Vec<Stream> = (0..DEAF).map(|_| Stream::narrow(&evening.node, &alice)).collect();
    for stream in &mut deaf {
        (0..IMAGES).for_each(|_| stream.send(&subscription));
    }
    let market = evening.match_odds();
    loop {
        let change = healthy.change();
        if change["mc"][0]["id"] == market.id {
            break;
        }
    }
    let mut operator = Operator::of(&evening.node);
    let mut most = 0;
    eventually("those who do not read are gone", || {
        most = most.max(resident_kib(evening.node.process()));
        let left = sessions(&mut operator).len();
        if left == 1 { Ok(()) } else { Err(left) }
    });
    let grown = most.saturating_sub(before);
    assert!(grown < MEMORY_MAX_KIB, "grown by {grown} KiB, {MEMORY_MAX_KIB} would be bounded");
    drop(deaf);
}
