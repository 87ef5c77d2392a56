//! Providers that the node asks by itself: does what they have come on schedule, once, and does what they get wrong
//! cost nothing?

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::fixtures::{fixture, look};
use crate::harness::{Launch, Node, Operator, Scratch, eventually};

const FIVE_MINUTES_MS: u64 = 300_000;

/// A node with one pull, every five minutes.
fn launch(scratch: &Scratch, from: &str, what: &str) -> Node {
    let text = format!(
        "[[pulls]]\nname = \"provider\"\nschedule = \"*/5 * * * *\"\nfrom = {from:?}\n{what}\n"
    );
    let path = scratch.path().join("node.toml");
    std::fs::write(&path, text).unwrap();
    Launch::new(scratch).config(&path).manual_clock().start()
}

fn pull(operator: &mut Operator) -> Value {
    operator.observe("pull-0")["state"].clone()
}

fn until_matches(node: &Node, count: usize) {
    eventually(&format!("{count} matches are known"), || {
        let matches = look(node, "/v1/pricing/matches");
        let there = matches["matches"].as_array().map_or(0, Vec::len);
        if there == count { Ok(()) } else { Err(matches) }
    });
}

fn until_it_failed(operator: &mut Operator, why: &str) {
    eventually(&format!("the pull fails: {why}"), || {
        let pull = pull(operator);
        let failed = pull["failure"].as_str().is_some_and(|failure| failure.contains(why));
        if failed { Ok(()) } else { Err(pull) }
    });
}

fn until_it_is_well_again(operator: &mut Operator) -> Value {
    eventually("the pull is well again", || {
        let pull = pull(operator);
        let well = pull["failure"].is_null() && pull["fetching"] == false && pull["waiting"] == 0;
        if well { Ok(pull) } else { Err(pull) }
    })
}

fn next_turn(operator: &mut Operator) {
    until_it_is_well_again(operator);
    operator.advance(FIVE_MINUTES_MS);
}

#[test]
fn a_directory_is_read_on_schedule_and_a_bad_file_is_named_and_costs_nothing() {
    let scratch = Scratch::new("pulls-directory");
    let folder = scratch.path().join("football");
    std::fs::create_dir(&folder).unwrap();
    let write = |name: &str, rows: &str| {
        let text = format!("Date,HomeTeam,AwayTeam,FTHG,FTAG\n{rows}");
        std::fs::write(Path::new(&folder).join(name), text).unwrap();
    };
    write("premier-league.csv", "2026-08-16,Arsenal,Everton,2,1\n2036-12-01,Everton,Arsenal,,\n");
    let node = launch(&scratch, &folder.display().to_string(), "");
    let mut operator = Operator::of(&node);
    until_matches(&node, 1);
    write("serie-a.csv", "2036-12-02,Roma,Lazio,,\n");
    next_turn(&mut operator);
    until_matches(&node, 2);
    next_turn(&mut operator);
    let told = until_it_is_well_again(&mut operator);
    write("serie-a.csv", "soon,Roma,Lazio,,\n");
    operator.advance(FIVE_MINUTES_MS);
    until_it_failed(&mut operator, "serie-a.csv:2: Date");
    let lints = operator.get("/v1/operator/lints");
    let mut lints = lints["lints"].as_array().expect("a list").iter();
    let lint = lints.find(|lint| lint["lint"] == "pull-fails").expect("it needs a person");
    assert_eq!((&lint["id"], &lint["severity"]), (&json!("pull-0"), &json!("warn")));
    assert!(lint["text"].as_str().is_some_and(|text| text.contains("serie-a.csv:2")), "{lint}");
    until_matches(&node, 2);
    write("serie-a.csv", "2036-12-02,Roma,Lazio,,\n2036-12-03,Inter,Milan,,\n");
    operator.advance(10_000);
    until_matches(&node, 3);
    let after = until_it_is_well_again(&mut operator);
    assert_eq!((&after["refused"], &told["refused"]), (&json!(0), &json!(0)));
    assert_eq!(after["taken"].as_u64(), told["taken"].as_u64().map(|taken| taken + 1));
}

/// What a web server says, and how often it said that nothing is new.
#[derive(Default)]
struct Page {
    status: u16,
    tag: u32,
    body: String,
    spared: usize,
}

/// A web server with one page, for as long as the process lives.
fn serve(page: &Arc<Mutex<Page>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let page = page.clone();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && socket.read(&mut byte).is_ok_and(|n| n == 1) {
                head.push(byte[0]);
            }
            let head = String::from_utf8_lossy(&head).to_lowercase();
            let mut page = page.lock().unwrap();
            let is_known = head.contains(&format!("if-none-match: \"{}\"", page.tag));
            let (status, body) = match (page.status, is_known) {
                (200, true) => (304, ""),
                (status, _) => (status, page.body.as_str()),
            };
            let answer = format!(
                "HTTP/1.1 {status} X\r\netag: \"{}\"\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                page.tag,
                body.len()
            );
            // Whoever asked may have gone.
            let _ = socket.write_all(answer.as_bytes());
            page.spared += usize::from(status == 304);
        }
    });
    address
}

#[test]
fn a_url_is_asked_for_what_is_new_and_again_after_a_crash_and_nothing_comes_twice() {
    let scratch = Scratch::new("pulls-url");
    let mut list = vec![fixture("1", "Everton", "Arsenal")];
    list[0]["kickOff"] = json!("2036-11-28T15:00:00Z");
    let body = |list: &[Value]| Value::Array(list.to_vec()).to_string();
    let page = Arc::new(Mutex::new(Page { status: 200, tag: 1, body: body(&list), spared: 0 }));
    let url = format!("http://{}/fixtures", serve(&page));
    let node = launch(&scratch, &url, "what = \"fixtures\"");
    let mut operator = Operator::of(&node);
    until_matches(&node, 1);
    next_turn(&mut operator);
    eventually("the server is asked for what is new only", || {
        let spared = page.lock().unwrap().spared;
        if spared == 1 { Ok(()) } else { Err(spared) }
    });
    page.lock().unwrap().status = 500;
    operator.advance(FIVE_MINUTES_MS);
    until_it_failed(&mut operator, "500");
    page.lock().unwrap().status = 200;
    operator.advance(10_000);
    until_it_is_well_again(&mut operator);
    operator.kill_actor("pull-0", "panic");
    let new_life = eventually("its next life has fetched all of it", || {
        let pull = pull(&mut operator);
        let fetched = pull["fetches"] == 1 && !pull["lastGood"].is_null() && pull["waiting"] == 0;
        if fetched { Ok(pull) } else { Err(pull) }
    });
    assert_eq!((&new_life["taken"], &new_life["refused"]), (&json!(0), &json!(0)), "a repeat");
    until_matches(&node, 1);
    let mut second = fixture("2", "Leeds", "Wolves");
    second["kickOff"] = json!("2036-11-28T15:00:00Z");
    list.push(second);
    {
        let mut page = page.lock().unwrap();
        (page.tag, page.body) = (2, body(&list));
    }
    next_turn(&mut operator);
    until_matches(&node, 2);
    page.lock().unwrap().tag = 3;
    page.lock().unwrap().body = "[{\"source\":\"s\"}]".to_owned();
    next_turn(&mut operator);
    until_it_failed(&mut operator, "/fixtures: [0].id");
    until_matches(&node, 2);
}
