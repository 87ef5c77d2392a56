//! More connections than the process may have open files.

use std::io::Read;
use std::net::TcpStream;

use serde_json::json;

use super::damage::files;
use crate::harness::{Bettor, DEADLINE, Launch, Operator, Scratch, eventually};

const DESCRIPTORS: u32 = 256;
const CONNECTIONS: usize = 300;

#[test]
fn a_crowd_is_turned_away_before_it_takes_the_files_of_the_journal() {
    let scratch = Scratch::new("descriptors");
    let node = Launch::new(&scratch).descriptors(DESCRIPTORS).start();
    let mut operator = Operator::of(&node);
    let app_key = operator.open_account("ann", "a long password", 1_000_000);
    let market = operator.match_odds("Leeds", "York");
    let mut ann = Bettor::log_in(&node, "ann", "a long password", &app_key);
    ann.back(&market, 0, 2.0, 3.0);

    // The kernel completes these by itself: that they are open says nothing of the node.
    let mut crowd: Vec<TcpStream> =
        (0..CONNECTIONS).map_while(|_| TcpStream::connect(node.http).ok()).collect();
    assert_eq!(crowd.len(), CONNECTIONS);
    let last = crowd.last_mut().unwrap();
    last.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut told = Vec::new();
    // A reset is as good as a word: the word is written without waiting for room.
    let _ = last.read_to_end(&mut told);
    let told = String::from_utf8_lossy(&told);
    assert!(told.is_empty() || told.starts_with("HTTP/1.1 503"), "{told}");

    // Who is in bets on, until the journal has needed two more files.
    let newest = || files(&node.data).pop().expect("the journal has a file");
    let mut bets = 1;
    for _ in 0..2 {
        let before = newest();
        while newest() == before {
            ann.back(&market, 0, 2.0, 3.0);
            bets += 1;
        }
    }
    let fell: u64 = operator.tree().iter().filter_map(|it| it["restarts"].as_u64()).sum();
    assert_eq!(fell, 0, "{}", node.log());

    drop(crowd);
    let mut newcomer = ann.resume(node.http);
    eventually("a newcomer is served", || {
        let answer = newcomer.try_call("listEventTypes", &json!({"filter": {}}));
        answer.map_err(|error| error.to_string())
    });
    assert_eq!(ann.orders().len(), bets);
    assert_eq!(operator.ledger().difference, 0);
}

#[test]
fn a_node_with_a_low_soft_limit_raises_it_and_serves_a_crowd() {
    let scratch = Scratch::new("soft-descriptors");
    let node = Launch::new(&scratch).soft_descriptors(DESCRIPTORS).start();
    let mut operator = Operator::of(&node);
    let app_key = operator.open_account("ann", "a long password", 1_000_000);
    let crowd: Vec<TcpStream> =
        (0..CONNECTIONS).map_while(|_| TcpStream::connect(node.http).ok()).collect();
    assert_eq!(crowd.len(), CONNECTIONS);
    // Behind all of them, and without waiting for any of them to go.
    let mut ann = Bettor::log_in(&node, "ann", "a long password", &app_key);
    assert_eq!(ann.orders().len(), 0);
    drop(crowd);
}
