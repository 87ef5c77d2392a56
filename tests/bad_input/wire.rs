//! Peers that do not speak HTTP well, or slowly, or too much.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::json;

use super::House;
use crate::harness::deadline::within;
use crate::harness::eventually;

/// Longer than the door lets anything take.
const PATIENCE: Duration = Duration::from_secs(45);

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the node takes connections");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket takes a timeout");
    stream.set_write_timeout(Some(PATIENCE)).expect("a socket takes a timeout");
    stream
}

/// Says all of `bytes` as far as they are taken, and hears until the node closes.
fn say(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = connect(address);
    // The node may refuse before it has heard everything.
    let _ = stream.write_all(bytes);
    hear(stream)
}

/// What is answered until the node closes; panics if it never does.
fn hear(mut stream: TcpStream) -> String {
    let mut heard = Vec::new();
    let mut piece = [0; 4096];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => heard.extend_from_slice(&piece[..length]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                panic!("the connection stays open after: {}", String::from_utf8_lossy(&heard))
            }
            // A reset closes too.
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&heard).into_owned()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

const BETTING: &str = "/exchange/betting/json-rpc/v1";

#[test]
fn requests_that_are_no_http_are_refused_and_closed() {
    let mut house = House::open("no-http");
    let market = house.market();
    house.note();
    let get = |headers: &str| format!("GET / HTTP/1.1\r\nHost: x\r\n{headers}\r\n").into_bytes();
    let post = |headers: &str, body: &str| {
        format!("POST {BETTING} HTTP/1.1\r\nHost: x\r\n{headers}\r\n{body}").into_bytes()
    };
    let many: String = (0..200).map(|n| format!("X-{n}: 1\r\n")).collect();
    let wide = format!("X-Wide: {}\r\n", "w".repeat(70_000));
    let long =
        format!("GET /{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "u".repeat(20_000));
    let lie = "Content-Length: 10\r\nContent-Length: 20\r\n";
    let smuggled = "0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    let rows: Vec<(&str, Vec<u8>, &[&str])> = vec![
        (
            "garbage",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03hello\r\n\r\n".to_vec(),
            &["400", ""],
        ),
        ("zeroes", vec![0; 1000], &["400", ""]),
        ("no version", b"GET /\r\n\r\n".to_vec(), &["400", ""]),
        ("a version to come", b"GET / HTTP/9.9\r\nHost: x\r\n\r\n".to_vec(), &["400", "505", ""]),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), &["400", "505", ""]),
        ("a header without a name", get(": 1\r\nConnection: close\r\n"), &["400"]),
        ("a header with NUL", get("X: a\0b\r\nConnection: close\r\n"), &["400"]),
        ("a space before the colon", get("X : 1\r\nConnection: close\r\n"), &["400"]),
        ("a length that is a word", post("Content-Length: ten\r\n", "0123456789"), &["400"]),
        ("a length below zero", post("Content-Length: -1\r\n", ""), &["400"]),
        (
            "a length beyond integers",
            post("Content-Length: 99999999999999999999\r\n", ""),
            &["400", "413"],
        ),
        ("two lengths", post(lie, "0123456789"), &["400"]),
        (
            "a length and chunks",
            post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", smuggled),
            &["400"],
        ),
        (
            "chunks and a length",
            post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", smuggled),
            &["400"],
        ),
        ("an encoding that is none", post("Transfer-Encoding: cow\r\n", smuggled), &["400", "501"]),
        ("a chunk of no size", post("Transfer-Encoding: chunked\r\n", "zz\r\nhello\r\n"), &["400"]),
        (
            "a chunk beyond integers",
            post("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\nhello\r\n"),
            &["400", "413"],
        ),
        ("200 headers", get(&many), &["431"]),
        ("a header of 70,000 bytes", get(&wide), &["431"]),
        ("a URL of 20,000 bytes", long.into_bytes(), &["414"]),
        ("TRACE", b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), &["405"]),
        ("CONNECT", b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), &["400", "405"]),
        ("an expectation", post("Expect: 100-continue\r\nContent-Length: 5\r\n", ""), &["417"]),
        (
            "a compressed body",
            post("Content-Encoding: gzip\r\nContent-Length: 5\r\n", "hello"),
            &["415"],
        ),
        ("ten megabytes declared", post("Content-Length: 10485760\r\n", "{"), &["413"]),
    ];
    for (row, bytes, expected) in rows {
        for address in [house.node.http, house.node.admin] {
            let answer = say(address, &bytes);
            assert!(expected.contains(&status(&answer)), "{row}: {answer:?}");
            assert!(!answer.contains("laybook_"), "{row}: something was smuggled in: {answer}");
        }
        house.unharmed(row);
    }
    house.operator.act(&market, "suspend", &json!({}));
}

#[test]
fn bodies_without_an_end_are_cut_at_the_limit() {
    let mut house = House::open("endless");
    house.note();
    let head = format!("POST {BETTING} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    let mut stream = connect(house.node.http);
    stream.write_all(head.as_bytes()).unwrap();
    let chunk = format!("2000\r\n{}\r\n", "x".repeat(0x2000));
    let mut said = 0;
    while stream.write_all(chunk.as_bytes()).is_ok() {
        said += chunk.len();
        assert!(said < 64 << 20, "64 MiB were taken");
    }
    let answer = hear(stream);
    assert!(matches!(status(&answer), "413" | ""), "{answer:?}");
    house.unharmed("endless chunks");

    let mut stream = connect(house.node.http);
    let head = format!("POST {BETTING} HTTP/1.1\r\nHost: x\r\nContent-Length: 10485760\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let megabyte = vec![b'x'; 1 << 20];
    for _ in 0..10 {
        if stream.write_all(&megabyte).is_err() {
            break;
        }
    }
    let _ = stream.shutdown(Shutdown::Write);
    let answer = hear(stream);
    assert!(matches!(status(&answer), "413" | ""), "{answer:?}");
    house.unharmed("ten megabytes");
}

#[test]
fn a_crowd_of_slow_clients_holds_up_nobody() {
    const SLOW: usize = 400;
    let mut house = House::open("slow");
    let market = house.market();
    let (mut bettor, _) = house.customer("ann", 100_000_000);
    let head = format!("POST {BETTING} HTTP/1.1\r\nHost: x\r\n");
    let body = format!("{head}Content-Length: 100\r\n\r\n{{\"me");
    let silent = |n: usize| {
        let mut stream = connect(house.node.http);
        // Some never begin, some stop in the head, some in the body.
        let said = ["", head.as_str(), body.as_str()][n % 3];
        stream.write_all(said.as_bytes()).expect("there is room");
        stream
    };
    let mut crowd: Vec<TcpStream> = (0..SLOW).map(silent).collect();
    let mut bets = 0;
    // A healthy client bets on while one after the other is sent away.
    let gone = within(PATIENCE, || {
        bettor.back(&market, 0, 1.0, 3.0);
        bets += 1;
        crowd.retain_mut(|stream| !is_closed(stream));
        crowd.is_empty().then_some(())
    });
    assert!(gone.is_some(), "{} slow clients are still there", crowd.len());
    assert_eq!(bettor.orders().len(), bets);
    house.note();
    house.unharmed("a slow crowd");
}

/// Whether the node has closed its side; what it said before is thrown away.
fn is_closed(stream: &mut TcpStream) -> bool {
    stream.set_nonblocking(true).expect("a socket can be made not to wait");
    let mut piece = [0; 1024];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() != std::io::ErrorKind::WouldBlock,
        }
    }
}

#[test]
fn a_client_that_breaks_off_leaves_nothing_half_done() {
    let mut house = House::open("breaks-off");
    let market = house.market();
    let (mut bettor, app_key) = house.customer("ann", 10_000);
    let token = house.token("ann", &app_key);
    let order = crate::harness::bettor::limit(market.runners[0], "BACK", 2.0, 2.0);
    let call = json!({"method": "SportsAPING/v1.0/placeOrders", "id": 1,
        "params": {"marketId": market.id, "instructions": [order]}});
    let call = call.to_string();
    house.note();
    let head = format!(
        "POST {BETTING} HTTP/1.1\r\nHost: x\r\nX-Application: {app_key}\r\nX-Authentication: {token}\r\n\
        Content-Length: {}\r\n\r\n",
        call.len()
    );
    let whole = format!("{head}{call}");
    for cut in [1, head.len() - 1, head.len(), head.len() + 1, whole.len() - 1] {
        let mut stream = connect(house.node.http);
        stream.write_all(&whole.as_bytes()[..cut]).unwrap();
        drop(stream);
        house.unharmed("cut off");
    }
    assert_eq!(bettor.orders(), vec![]);
    // Whole, and not waited for: it is taken or not, and both sides of the books say the same.
    for _ in 0..20 {
        let mut stream = connect(house.node.http);
        stream.write_all(whole.as_bytes()).unwrap();
        drop(stream);
    }
    eventually("funds follow orders", || {
        let (funds, orders) = (bettor.funds(), bettor.orders());
        let staked = 200 * i64::try_from(orders.len()).unwrap();
        if funds == (10_000 - staked, -staked) { Ok(()) } else { Err((funds, orders)) }
    });
    assert_eq!(house.operator.ledger().difference, 0);
}
