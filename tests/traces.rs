//! Is an order's way handed on to who collects traces, whole, and is a collector that is not there no harm?

use crate::harness::{Bettor, Launch, Operator, Scratch, eventually};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};

/// Takes what is posted, until the test ends, and answers as it is told.
fn collector(status: &'static str) -> (SocketAddr, Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (told, posted) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let stream = stream.expect("a connection");
            let mut reader = BufReader::new(stream);
            let (mut path, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).expect("a line");
                let line = line.trim_end().to_ascii_lowercase();
                match line.strip_prefix("content-length: ") {
                    Some(said) => length = said.parse().expect("a length"),
                    None if line.is_empty() => break,
                    None if path.is_empty() => path = line,
                    None => {}
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).expect("a body");
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\n{{}}");
            reader.get_mut().write_all(answer.as_bytes()).expect("answered");
            let body = serde_json::from_slice(&body).expect("JSON");
            if told.send((path, body)).is_err() {
                return;
            }
        }
    });
    (address, posted)
}

fn metric(node: &crate::harness::Node, name: &str) -> f64 {
    let text = crate::harness::http::HttpClient::new(node.admin)
        .request("GET", "/metrics", &[], b"")
        .expect("figures")
        .text();
    let line = text.lines().find(|line| line.starts_with(&format!("{name} ")));
    let line = line.unwrap_or_else(|| panic!("no {name}: {text}"));
    line.rsplit(' ').next().and_then(|figure| figure.parse().ok()).expect("a figure")
}

#[test]
fn an_order_is_one_trace_from_its_door_to_the_journal() {
    let (address, posted) = collector("200 OK");
    let scratch = Scratch::new("traces");
    let node =
        Launch::new(&scratch).setting("TELEMETRY__OTLP", &format!("http://{address}")).start();
    let mut operator = Operator::of(&node);
    let app_key = operator.open_account("ann", "a long password", 1_000_000);
    let market = operator.match_odds("Leeds", "York");
    let mut ann = Bettor::log_in(&node, "ann", "a long password", &app_key);
    let (bet, _) = ann.back(&market, 0, 2.0, 3.0);
    let patience = std::time::Duration::from_secs(30);
    let (line, body) = posted.recv_timeout(patience).expect("a trace is handed on");
    assert_eq!(line, "post /v1/traces http/1.1");
    let resource = &body["resourceSpans"][0];
    assert_eq!(resource["resource"]["attributes"][0]["value"]["stringValue"], "laybook");
    let all = resource["scopeSpans"][0]["spans"].as_array().expect("spans");
    let text = |span: &Value, key: &str| {
        let attributes = span["attributes"].as_array().expect("attributes");
        let found = attributes.iter().find(|it| it["key"] == key)?;
        Some(found["value"]["stringValue"].as_str()?.to_owned())
    };
    let root = all.iter().find(|span| text(span, "laybook.bet").as_ref() == Some(&bet));
    let root = root.unwrap_or_else(|| panic!("no trace of {bet}: {body}"));
    assert_eq!(
        (&root["name"], &root["kind"], &root["parentSpanId"]),
        (&json!("door"), &json!(2), &Value::Null)
    );
    assert_eq!(text(root, "laybook.market").as_ref(), Some(&market.id));
    let of_trace: Vec<&Value> =
        all.iter().filter(|span| span["traceId"] == root["traceId"]).collect();
    let child = |of: &Value, name: &str| -> &Value {
        let is_it = |span: &&&Value| span["parentSpanId"] == of["spanId"] && span["name"] == name;
        of_trace.iter().find(is_it).unwrap_or_else(|| panic!("no {name} below {of}: {of_trace:?}"))
    };
    let session = child(root, "session");
    let account = child(session, "account");
    let hold = child(account, "journal");
    let taken = child(account, "market");
    let matched = child(taken, "journal");
    assert_ne!(hold["spanId"], matched["spanId"]);
    let time = |span: &Value, key: &str| -> u128 {
        span[key].as_str().expect("a time").parse().expect("nanoseconds")
    };
    for span in &of_trace {
        assert_eq!(span["traceId"].as_str().map(str::len), Some(32));
        assert_eq!(span["spanId"].as_str().map(str::len), Some(16));
        assert!(time(span, "startTimeUnixNano") <= time(span, "endTimeUnixNano"), "{span}");
    }
    assert!(time(session, "startTimeUnixNano") >= time(root, "startTimeUnixNano"));
    eventually("it is counted", || {
        let taken = metric(&node, "laybook_traces_total");
        if taken >= 1.0 { Ok(()) } else { Err(taken) }
    });
    assert!(metric(&node, "laybook_traces_dropped_total") < 1.0);
}

#[test]
fn a_collector_that_takes_nothing_costs_no_bet_and_is_counted() {
    let (address, posted) = collector("503 Busy");
    let scratch = Scratch::new("traces-refused");
    let node =
        Launch::new(&scratch).setting("TELEMETRY__OTLP", &format!("http://{address}")).start();
    let mut operator = Operator::of(&node);
    let app_key = operator.open_account("ann", "a long password", 1_000_000);
    let market = operator.match_odds("Leeds", "York");
    let mut ann = Bettor::log_in(&node, "ann", "a long password", &app_key);
    ann.back(&market, 0, 2.0, 3.0);
    posted.recv_timeout(std::time::Duration::from_secs(30)).expect("it was tried");
    eventually("what was not taken is counted", || {
        let dropped = metric(&node, "laybook_traces_dropped_total");
        if dropped >= 1.0 { Ok(()) } else { Err(dropped) }
    });
    ann.back(&market, 0, 2.0, 3.0);
    assert!(metric(&node, "laybook_traces_total") < 1.0);
}
