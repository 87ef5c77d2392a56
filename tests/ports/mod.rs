//! A model of somebody's own prices matches: do its prices stand in the book, and does it never cost one, whatever it
//! does? The model is a process that these tests tell how to behave ([`process`]).

mod process;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::fixtures::{Provider, fixture, look, ours, past};
use crate::harness::{Launch, Node, Operator, Scratch, eventually};
use crate::pricing::{results, succeeds};
use process::Model;

/// A configuration with one model in it.
fn configuration(scratch: &Scratch, model: &Model) -> PathBuf {
    let command: Vec<String> = model.command().iter().map(|word| format!("{word:?}")).collect();
    let text = format!(
        "[[models]]\nname = \"mine\"\ncommand = [{}]\nmemory_mb = 700\ndeadline_ms = 400\n",
        command.join(", ")
    );
    let path = scratch.path().join("node.toml");
    std::fs::write(&path, text).unwrap();
    path
}

/// A match that a model prices, and who tells of it.
struct Pitch {
    model: Model,
    node: Node,
    operator: Operator,
    provider: Provider,
    id: u64,
    seq: u32,
}

impl Pitch {
    fn new(scratch: &Scratch) -> Pitch {
        let model = Model::new(scratch.path());
        let file = configuration(scratch, &model);
        let node = Launch::new(scratch).config(&file).manual_clock().start();
        let mut operator = Operator::of(&node);
        let mut provider = Provider::of(&node, &mut operator);
        past(&mut provider);
        let mut next = fixture("1", "Everton", "Arsenal");
        next["kickOff"] = json!("2036-11-28T15:00:00Z");
        provider.tell("fixtures", &json!([next]));
        let id = ours(&node, "1");
        // From here on the built-in model has something to say, too.
        let path = format!("/v1/pricing/matches/{id}/parameters");
        eventually("the match is rated", || {
            let parameters = look(&node, &path);
            let by_ratings = parameters["now"]["model"] == "ratings";
            if by_ratings { Ok(()) } else { Err(parameters) }
        });
        Pitch { model, node, operator, provider, id, seq: 0 }
    }

    /// The book as it is; never without prices.
    fn book(&self) -> Value {
        let book = look(&self.node, &format!("/v1/pricing/matches/{}", self.id));
        assert_eq!(book["status"], "OPEN", "{}", book["reason"]);
        assert_eq!(book["markets"].as_array().map(Vec::len), Some(109), "prices stopped: {book}");
        book
    }

    /// The clock goes on, so the model is asked again.
    fn go_on(&mut self) {
        self.seq += 1;
        let kind = if self.seq == 1 { "kickOff" } else { "clock" };
        self.provider.event("1", self.seq, kind, None, self.seq - 1);
    }

    fn until_the_model_prices(&self) -> Value {
        eventually("the model prices the match", || {
            let book = self.book();
            if book["model"]["prices"] == true { Ok(book) } else { Err(book["model"].clone()) }
        })
    }

    fn until_it_does_not(&self, reason: &str) -> Value {
        eventually(&format!("the built-in model prices because: {reason}"), || {
            let book = self.book();
            let told = book["model"]["reason"].as_str().unwrap_or_default().to_owned();
            let is_it = book["model"]["prices"] == false && told.contains(reason);
            if is_it { Ok(book) } else { Err(book["model"].clone()) }
        })
    }

    fn port(&mut self) -> Value {
        let ports = self.operator.actors("port");
        assert_eq!(ports.len(), 1, "{ports:?}");
        ports[0].clone()
    }

    fn restarts(&mut self) -> u64 {
        self.port()["restarts"].as_u64().expect("a number")
    }

    fn until_it_was_restarted(&mut self, before: u64) {
        eventually("the tree shows the restart", || {
            let restarts = self.restarts();
            if restarts > before { Ok(()) } else { Err(restarts) }
        });
    }

    /// The number of its process.
    fn process(&mut self) -> u32 {
        eventually("the process has a number", || {
            let port = self.operator.get("/v1/operator/actors/port-0");
            let process = port["state"]["process"].as_u64();
            process.and_then(|process| u32::try_from(process).ok()).ok_or(port)
        })
    }
}

fn first(book: &Value, code: &str) -> f64 {
    let markets = book["markets"].as_array().expect("markets");
    let market = markets.iter().find(|market| market["code"] == code);
    market.expect("there")["selections"][0]["probability"].as_f64().expect("a probability")
}

/// Gone, or dead and not yet buried by whoever adopted it.
fn is_gone(process: u32) -> bool {
    match std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("stat")) {
        Ok(stat) => stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z')),
        Err(_) => true,
    }
}

fn until_gone(process: u32) {
    eventually(&format!("process {process} is gone"), || {
        if is_gone(process) { Ok(()) } else { Err("it runs") }
    });
}

#[test]
fn what_a_model_says_stands_in_the_book() {
    let scratch = Scratch::new("ports-says");
    let mut pitch = Pitch::new(&scratch);
    let book = pitch.until_the_model_prices();
    assert_eq!(book["parameters"]["model"], "port", "{}", book["parameters"]);
    assert_eq!(
        (&book["parameters"]["lambda"], &book["parameters"]["mu"]),
        (&json!(2.9), &json!(0.4))
    );
    assert_eq!(book["model"], json!({"name": "mine", "prices": true, "reason": null}));
    assert!(first(&book, "MATCH_ODDS") > 0.85, "Everton would never be so strong");
    eventually("it was told the results", || match pitch.model.noted("results") {
        Some(results) if results == "30" => Ok(()),
        other => Err(other),
    });
    let seen = pitch.operator.get("/v1/operator/actors/port-0");
    assert_eq!((&seen["state"]["model"], &seen["state"]["says"]), (&json!("mine"), &json!("test")));

    let again = |pitch: &mut Pitch, mode: &str, wanted: f64| {
        pitch.model.be(mode);
        pitch.go_on();
        eventually(&format!("the {mode} stands in the book"), || {
            let book = pitch.book();
            let home = first(&book, "MATCH_ODDS");
            let is_it = book["model"]["prices"] == true && (home - wanted).abs() < 1e-9;
            if is_it { Ok(book) } else { Err((home, book["model"].clone())) }
        })
    };
    let grid = again(&mut pitch, "grid", 0.75);
    assert!((first(&grid, "OVER_UNDER") - 1.0).abs() < 1e-9, "a goal falls");
    again(&mut pitch, "prices", 2.0 / 3.0);
    // A goal is a suspension as ever, and the match goes on from what the model says.
    pitch.model.be("answer");
    pitch.go_on();
    pitch.until_the_model_prices();
}

#[test]
fn whatever_a_model_does_it_never_costs_a_price() {
    let scratch = Scratch::new("ports-trouble");
    let mut pitch = Pitch::new(&scratch);
    pitch.until_the_model_prices();
    pitch.go_on();
    for (mode, reason) in [
        ("nan", "answered nonsense: lambda: is not a number"),
        ("negative", "answered nonsense: mu: is not from 0.05 to 7"),
        ("sums", "answered nonsense: grid: does not add up to 1"),
        ("fields", "answered nonsense: message: has fields"),
        ("declines", "cannot price this match"),
    ] {
        pitch.until_the_model_prices();
        let before = pitch.restarts();
        pitch.model.be(mode);
        pitch.go_on();
        let book = pitch.until_it_does_not(reason);
        assert_eq!(book["parameters"]["model"], "ratings", "{mode}");
        assert_eq!(pitch.restarts(), before, "{mode}: who answers lives on");
        pitch.model.be("answer");
        pitch.go_on();
    }
    pitch.until_the_model_prices();

    // Killed, and its next life says nothing for a while.
    let (process, before) = (pitch.process(), pitch.restarts());
    pitch.model.be("mute");
    let killed = Command::new("kill").args(["-9", &process.to_string()]).status().unwrap();
    assert!(killed.success());
    pitch.until_it_does_not("the model ");
    pitch.until_it_was_restarted(before);
    until_gone(process);
    pitch.model.be("answer");
    pitch.until_the_model_prices();

    for mode in ["rubbish", "hog", "hang", "oversize", "exit"] {
        let (process, before) = (pitch.process(), pitch.restarts());
        pitch.model.be(mode);
        pitch.go_on();
        pitch.until_it_does_not("the model ");
        pitch.until_it_was_restarted(before);
        pitch.model.be("answer");
        until_gone(process);
        if mode == "hang" {
            let helper = pitch.model.noted("helper").expect("it started one");
            until_gone(helper.parse().expect("a number"));
        }
        pitch.until_the_model_prices();
    }
    let log = pitch.node.log();
    assert!(log.contains("a model of somebody's own is there"), "{log}");
    // What a node leaves behind ends with it, though it is killed.
    let process = pitch.process();
    pitch.node.kill();
    until_gone(process);
}

#[test]
fn a_model_is_judged_beside_the_others_on_the_same_matches() {
    let scratch = Scratch::new("ports-judged");
    let model = Model::new(scratch.path());
    model.be("prices");
    let file = configuration(&scratch, &model);
    let matches = results(&scratch);
    let (file, matches) = (file.to_str().unwrap(), matches.to_str().unwrap());
    let arguments = ["models", "--results", matches, "--from", "2024-08-01", "--to", "2024-12-31"];
    let shown = succeeds(&[&arguments[..], &["--config", file, "--json"]].concat());
    let report: Value = serde_json::from_str(&shown).unwrap();
    let judged = report["models"].as_array().unwrap();
    let names: Vec<&str> = judged.iter().filter_map(|model| model["name"].as_str()).collect();
    assert_eq!(names, ["champion", "poisson", "points", "mine"]);
    assert_eq!(judged[3]["matches"], judged[0]["matches"]);
    // Always 2/3, 1/6, 1/6: the loss is one of two numbers, match by match.
    let loss = judged[3]["logLoss"].as_f64().unwrap();
    assert!((1.5_f64.ln()..=6.0_f64.ln()).contains(&loss), "{loss}");
    assert!(judged[3]["championLess"]["logLoss"]["mean"].is_f64(), "{}", judged[3]);
    let table = succeeds(&[&arguments[..], &["--config", file]].concat());
    assert!(table.contains("\nmine "), "{table}");
}
