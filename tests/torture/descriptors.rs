//! More connections than the process may have open files.

use std::fs;
use std::net::TcpStream;

use crate::harness::{Bettor, Launch, Operator, Scratch, eventually};

const DESCRIPTORS: u32 = 256;
const CONNECTIONS: usize = 400;

/// Processor time of a process so far, in clock ticks (a hundred a second).
fn processor_ticks(process: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // Fields after the name, which may hold anything, and ends with the last parenthesis.
    let fields = stat.rsplit_once(')').unwrap().1;
    let ticks = |at: usize| fields.split_whitespace().nth(at).unwrap().parse::<u64>().unwrap();
    ticks(11) + ticks(12)
}

#[test]
fn when_files_run_out_who_is_in_is_served_and_afterwards_everybody() {
    let scratch = Scratch::new("descriptors");
    let node = Launch::new(&scratch).descriptors(DESCRIPTORS).start();
    let mut operator = Operator::of(&node);
    let app_key = operator.open_account("ann", "a long password", 100_000);
    let market = operator.match_odds("Leeds", "York");
    let mut ann = Bettor::log_in(&node, "ann", "a long password", &app_key);
    ann.back(&market, 0, 2.0, 3.0);

    // The kernel completes these by itself: that they are open says nothing of the node.
    let crowd: Vec<TcpStream> =
        (0..CONNECTIONS).map_while(|_| TcpStream::connect(node.http).ok()).collect();
    assert_eq!(crowd.len(), CONNECTIONS);
    let descriptors = format!("/proc/{}/fd", node.id());
    eventually("all descriptors are used up", || {
        let open = fs::read_dir(&descriptors).unwrap().count();
        if open + 16 > usize::try_from(DESCRIPTORS).unwrap() { Ok(()) } else { Err(open) }
    });
    // A hundred bets of somebody who is in: the accept loop has every occasion to spin beside them.
    let begun = processor_ticks(node.id());
    let start = std::time::Instant::now();
    for _ in 0..100 {
        ann.back(&market, 0, 2.0, 3.0);
    }
    let spent = processor_ticks(node.id()) - begun;
    println!("100 bets in {:?}, {spent} ticks of the processor", start.elapsed());

    drop(crowd);
    let mut newcomer = ann.resume(node.http);
    eventually("a newcomer is served", || {
        newcomer.try_call("listEventTypes", &serde_json::json!({"filter": {}}))
    });
    assert_eq!(ann.orders().len(), 101);
    assert_eq!(operator.ledger().difference, 0);
}
