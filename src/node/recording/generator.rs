//! A recording of a market that never was: drawn from a seed, with everything that real ones hold.
//!
//! Ladders that move and are never crossed, volume that rises by odd pence and away from the best price,
//! sizes under a pound, suspensions, a turn in play, an image in the middle, and a result.

use domain::football::SplitMix64;
use domain::price::LadderIndex;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

type Ladder = BTreeMap<u16, i64>;

#[derive(Default)]
struct Runner {
    atb: Ladder,
    atl: Ladder,
    trd: Ladder,
}

/// The market of [`recording`].
pub(crate) const MARKET: &str = "1.5";

/// `messages` of ladders, and a few of the market's life around them.
pub(crate) fn recording(seed: u64, messages: u32) -> String {
    recording_of(MARKET, seed, messages)
}

fn recording_of(market: &str, seed: u64, messages: u32) -> String {
    let mut random = SplitMix64::new(seed);
    let mut runners = [Runner::default(), Runner::default(), Runner::default()];
    let mut text = String::new();
    let mut at = 1_700_000_000_000_i64;
    let mut line = |at: &mut i64, step: i64, body: &str| {
        *at += step;
        let id = format!("\"id\":\"{market}\"");
        writeln!(text, "{{\"op\":\"mcm\",\"pt\":{at},\"mc\":[{{{id},{body}}}]}}").unwrap();
    };
    line(&mut at, 0, &format!("\"img\":true,{}", definition("OPEN", false, None)));
    for message in 0..messages {
        let mut changes = Vec::new();
        for (number, runner) in runners.iter_mut().enumerate() {
            if random.next_below(3) < 2 {
                changes.push(step(runner, number, &mut random));
            }
        }
        let image = match random.next_below(200) {
            0 => {
                changes =
                    (0..).zip(&runners).map(|(number, runner)| whole(number, runner)).collect();
                "\"img\":true,"
            }
            _ => "",
        };
        let body = format!("{image}\"rc\":[{}]", changes.join(","));
        line(&mut at, 1 + random.next_below(900) as i64, &body);
        if message == messages / 2 {
            line(&mut at, 50, &definition("SUSPENDED", false, None));
            line(&mut at, 50, &definition("OPEN", true, None));
        } else if random.next_below(60) == 0 {
            let in_play = message > messages / 2;
            line(&mut at, 50, &definition("SUSPENDED", in_play, None));
            // What goes while nothing can be placed.
            let gone: Vec<String> = runners[0].atb.keys().map(|at| level(*at, 0)).collect();
            runners[0].atb.clear();
            line(&mut at, 50, &format!("\"rc\":[{{\"id\":1,\"atb\":[{}]}}]", gone.join(",")));
            line(&mut at, 50, &definition("OPEN", in_play, None));
        }
    }
    line(&mut at, 50, &definition("SUSPENDED", true, None));
    line(&mut at, 50, "\"rc\":[{\"id\":1,\"trd\":[[2.0,0]],\"tv\":0}]");
    line(&mut at, 50, &definition("CLOSED", true, Some(1)));
    text
}

/// What a client of the live stream writes down: several markets in one file, images of all of them in the
/// first message and of one in the middle, heartbeats, messages of the connection and of orders between, keys
/// that no purchased recording has, and one field a client may leave out.
pub(crate) fn live(seed: u64, messages: u32, markets: &[&str]) -> String {
    let mut random = SplitMix64::new(seed);
    let mut changes: Vec<(i64, Value)> = Vec::new();
    for (number, market) in (0..).zip(markets) {
        for line in recording_of(market, seed + number, messages).lines() {
            let message: Value = serde_json::from_str(line).unwrap();
            let mut change = message["mc"][0].clone();
            for runner in change["rc"].as_array_mut().into_iter().flatten() {
                runner["batb"] = json!([[0, 1.5, 3], [1, 1.49, 0]]);
                runner["bdatl"] = json!([[0, 1.6, 2.75]]);
                runner["spb"] = json!([[1.01, 2.0]]);
                runner["spn"] = json!("NaN");
                runner["spf"] = json!("Infinity");
                runner["hc"] = json!(0);
            }
            changes.push((message["pt"].as_i64().unwrap(), change));
        }
    }
    changes.sort_by_key(|(at, _)| *at);
    let images: Vec<Value> =
        changes.drain(..markets.len()).map(|(_, definition)| definition).collect();
    let began = 1_700_000_000_000_i64;
    let mut text = String::new();
    let mut line = |value: Value| writeln!(text, "{value}").unwrap();
    line(json!({"op": "connection", "connectionId": "002-230915140112-174"}));
    line(json!({"op": "status", "id": 1, "statusCode": "SUCCESS", "connectionClosed": false}));
    line(json!({
        "op": "mcm", "id": 2, "initialClk": "yxc", "clk": "AAA", "conflateMs": 0, "heartbeatMs": 5000,
        "pt": began, "ct": "SUB_IMAGE", "mc": images,
    }));
    let mut rest = changes.into_iter().peekable();
    while let Some((at, change)) = rest.next() {
        let mut together = vec![change];
        // What comes close together travels in one message.
        while rest.peek().is_some_and(|(next, _)| next - at < 3) {
            together.extend(rest.next().map(|(_, change)| change));
        }
        if random.next_below(4) == 0 {
            line(json!({"op": "mcm", "id": 2, "clk": "AAB", "pt": at, "ct": "HEARTBEAT"}));
        }
        if random.next_below(50) == 0 {
            line(json!({"op": "ocm", "id": 3, "clk": "AAC", "pt": at, "oc": [{"id": "1.5"}]}));
        }
        line(json!({"op": "mcm", "id": 2, "clk": "AAD", "con": true, "pt": at, "mc": together}));
    }
    text
}

/// A recording whose third runner is removed half-way: its ladders are emptied with it.
pub(crate) fn with_a_removal(seed: u64, messages: u32) -> String {
    let text = recording(seed, messages);
    let half = text.lines().count() / 2;
    let (mut lines, mut removed) = (Vec::new(), false);
    for (number, line) in text.lines().enumerate() {
        let mut message: Value = serde_json::from_str(line).unwrap();
        let change = &mut message["mc"][0];
        if removed && let Some(changed) = change["rc"].as_array_mut() {
            changed.retain(|runner| runner["id"] != 3);
        }
        if let Some(definition) = change.get_mut("marketDefinition") {
            if number >= half && !removed {
                removed = true;
                // A removal suspends, and what stood is gone.
                definition["status"] = json!("SUSPENDED");
                let gone: Vec<Value> = (0..350)
                    .map(|at| json!([f64::from(LadderIndex(at).price().0) / 100.0, 0]))
                    .collect();
                let emptied = json!([{"id": 3, "atb": gone, "atl": gone}]);
                let emptied = json!({"op": "mcm", "pt": message["pt"], "mc": [
                    {"id": MARKET, "rc": emptied}
                ]});
                lines.push(emptied.to_string());
            }
            let definition = &mut message["mc"][0]["marketDefinition"];
            if removed {
                definition["runners"][2]["status"] = json!("REMOVED");
                definition["runners"][2]["adjustmentFactor"] = json!(12.345);
            }
        }
        lines.push(message.to_string());
    }
    lines.join("\n")
}

fn definition(status: &str, in_play: bool, winner: Option<usize>) -> String {
    let status_of = |number| match winner {
        None => "ACTIVE",
        Some(winner) if winner == number => "WINNER",
        Some(_) => "LOSER",
    };
    let runner = |number: usize| {
        let (id, status) = (number + 1, status_of(number));
        format!("{{\"status\":\"{status}\",\"sortPriority\":{id},\"id\":{id}}}")
    };
    let runners: Vec<String> = (0..3).map(runner).collect();
    format!(
        "\"marketDefinition\":{{\"eventId\":\"77\",\"eventTypeId\":\"1\",\"turnInPlayEnabled\":true,\
         \"persistenceEnabled\":true,\"marketBaseRate\":5,\"numberOfWinners\":1,\
         \"bettingType\":\"ODDS\",\"marketType\":\"MATCH_ODDS\",\
         \"marketTime\":\"2023-11-14T23:00:00.000Z\",\"inPlay\":{in_play},\"betDelay\":0,\
         \"status\":\"{status}\",\"runners\":[{}]}}",
        runners.join(",")
    )
}

/// Moves the ladders and trades, and says what changed.
fn step(runner: &mut Runner, number: usize, random: &mut SplitMix64) -> String {
    let (mut atb, mut atl, mut trd) = (Vec::new(), Vec::new(), Vec::new());
    let centre = 90 + 40 * number as u16 + random.next_below(12) as u16;
    for _ in 0..random.next_below(3) {
        let at = centre.saturating_sub(6) + random.next_below(12) as u16;
        let rise = 1 + random.next_below(9_999) as i64;
        let volume = runner.trd.entry(at).or_default();
        *volume += rise;
        trd.push(level(at, *volume));
    }
    for _ in 0..=random.next_below(4) {
        // Whatever would be crossed goes first.
        let (at, size) = (random.next_below(30) as u16, random.next_below(4) as i64);
        let size = size * (1 + random.next_below(50_000) as i64);
        match random.next_below(2) {
            0 => set(&mut runner.atb, &mut atb, centre.saturating_sub(1 + at), size),
            _ => set(&mut runner.atl, &mut atl, centre + at, size),
        }
    }
    let low: Vec<u16> = runner.atl.range(..centre).map(|(at, _)| *at).collect();
    low.into_iter().for_each(|at| set(&mut runner.atl, &mut atl, at, 0));
    let high: Vec<u16> = runner.atb.range(centre..).map(|(at, _)| *at).collect();
    high.into_iter().for_each(|at| set(&mut runner.atb, &mut atb, at, 0));
    format!(
        "{{\"id\":{},\"atb\":[{}],\"atl\":[{}],\"trd\":[{}]}}",
        number + 1,
        atb.join(","),
        atl.join(","),
        trd.join(",")
    )
}

fn set(ladder: &mut Ladder, told: &mut Vec<String>, at: u16, size: i64) {
    match size {
        0 => drop(ladder.remove(&at)),
        _ => drop(ladder.insert(at, size)),
    }
    told.push(level(at, size));
}

fn whole(number: usize, runner: &Runner) -> String {
    let ladder = |ladder: &Ladder| {
        let levels: Vec<String> = ladder.iter().map(|(at, size)| level(*at, *size)).collect();
        levels.join(",")
    };
    format!(
        "{{\"id\":{},\"atb\":[{}],\"atl\":[{}],\"trd\":[{}]}}",
        number + 1,
        ladder(&runner.atb),
        ladder(&runner.atl),
        ladder(&runner.trd)
    )
}

fn level(at: u16, pence: i64) -> String {
    format!("[{},{}.{:02}]", LadderIndex(at).price(), pence / 100, pence % 100)
}
