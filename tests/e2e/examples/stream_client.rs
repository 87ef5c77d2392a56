//! A market followed over the Exchange Stream API, with nothing but the standard library and a JSON parser.
//!
//! ```text
//! cargo run --example stream_client -- 127.0.0.1:8080 127.0.0.1:8444 alice alice alice-key
//! ```
//! The second address is the stream over plain TCP (`serve --stream-plain`), for clients on the same
//! machine; over TLS the lines are the same. It logs in, subscribes to every market, keeps the best price to
//! back of each runner by the deltas, prints what the image said, and ends when a heartbeat or a change came
//! after it.

#![allow(clippy::print_stdout, reason = "what it found is what it is for")]

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

/// Longer than a heartbeat takes to come.
const PATIENCE: Duration = Duration::from_secs(20);

/// Sizes to back by price, in hundredths, for each (market, runner).
type Ladders = BTreeMap<(String, i64), BTreeMap<i64, f64>>;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [http, stream, username, password, key] = arguments.as_slice() else {
        return Err("give: HTTP-ADDRESS STREAM-ADDRESS USERNAME PASSWORD APP-KEY".into());
    };
    let token = log_in(http, username, password, key)?;
    let mut lines = Lines::connect(stream)?;

    let hello = lines.next()?;
    assert_eq!(hello["op"], "connection", "the node speaks first");
    lines.send(&json!({"op": "authentication", "id": 1, "appKey": key, "session": token}))?;
    succeeded(&lines.next()?)?;
    lines.send(&json!({
        "op": "marketSubscription", "id": 2, "heartbeatMs": 500,
        "marketFilter": {}, "marketDataFilter": {"fields": ["EX_ALL_OFFERS", "EX_MARKET_DEF"]},
    }))?;
    succeeded(&lines.next()?)?;

    let mut ladders = Ladders::new();
    let image = lines.next()?;
    apply(&image, &mut ladders);
    println!("{} of {} markets", text(&image["ct"]), image["mc"].as_array().map_or(0, Vec::len));
    for ((market, runner), ladder) in &ladders {
        if let Some((price, size)) = ladder.last_key_value() {
            let (pounds, pence) = (price / 100, price % 100);
            println!("{market} {runner}: back {size} at {pounds}.{pence:02}");
        }
    }
    let next = lines.next()?;
    apply(&next, &mut ladders);
    println!("then {}", next["ct"].as_str().unwrap_or("a change"));
    Ok(())
}

/// The token of a new session.
fn log_in(http: &str, username: &str, password: &str, key: &str) -> Result<String, Box<dyn Error>> {
    let form = format!("username={username}&password={}", password.replace(' ', "+"));
    let mut socket = TcpStream::connect(http)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    write!(
        socket,
        "POST /api/login HTTP/1.1\r\nHost: {http}\r\nConnection: close\r\nX-Application: {key}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    )?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    let (_, body) = answer.split_once("\r\n\r\n").ok_or("not an HTTP answer")?;
    let answer: Value = serde_json::from_str(body)?;
    match (text(&answer["status"]), text(&answer["token"])) {
        ("SUCCESS", token) => Ok(token.to_owned()),
        _ => Err(format!("no login: {}", text(&answer["error"])).into()),
    }
}

/// One JSON object a line, both ways.
struct Lines(BufReader<TcpStream>);

impl Lines {
    fn connect(address: &str) -> io::Result<Lines> {
        let socket = TcpStream::connect(address)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(Lines(BufReader::new(socket)))
    }

    fn send(&mut self, message: &Value) -> io::Result<()> {
        self.0.get_mut().write_all(format!("{message}\r\n").as_bytes())
    }

    fn next(&mut self) -> Result<Value, Box<dyn Error>> {
        let mut line = String::new();
        match self.0.read_line(&mut line)? {
            0 => Err("the node has closed the connection".into()),
            _ => Ok(serde_json::from_str(&line)?),
        }
    }
}

/// A status that is none of success says why; so the caller is told too.
fn succeeded(status: &Value) -> Result<(), Box<dyn Error>> {
    match text(&status["statusCode"]) {
        "SUCCESS" => Ok(()),
        _ => {
            Err(format!("{}: {}", text(&status["errorCode"]), text(&status["errorMessage"])).into())
        }
    }
}

/// Folds a change message in. An image replaces what was known of its market; a size of zero removes.
fn apply(message: &Value, ladders: &mut Ladders) {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    for change in list(&message["mc"]) {
        let market = text(&change["id"]).to_owned();
        if change["img"] == true {
            ladders.retain(|(of, _), _| *of != market);
        }
        for runner in list(&change["rc"]) {
            let id = runner["id"].as_i64().unwrap_or_default();
            let ladder = ladders.entry((market.clone(), id)).or_default();
            for row in list(&runner["atb"]) {
                let (Some(price), Some(size)) = (row[0].as_f64(), row[1].as_f64()) else {
                    continue;
                };
                #[allow(clippy::cast_possible_truncation, reason = "prices end at 1000")]
                let price = (price * 100.0).round() as i64;
                match size {
                    0.0 => ladder.remove(&price),
                    size => ladder.insert(price, size),
                };
            }
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
