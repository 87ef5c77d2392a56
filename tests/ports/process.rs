//! The model's process of these tests: this very test binary, run again by the node with a directory in its
//! environment, so that a machine needs nothing but Rust and a shell.
//!
//! The test harness talks on standard output, so the port is the process's third descriptor, which the shell makes of
//! the pipe. What it does next stands in the directory's file `mode`, read anew for each message.

use std::fs::{self, File};
use std::io::{Read, Write, stdin};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::message_pack::{pack, unpack};

const DIRECTORY: &str = "LAYBOOK_TEST_MODEL";

/// A model whose behaviour a test decides.
#[derive(Debug, Clone)]
pub(super) struct Model {
    directory: PathBuf,
}

impl Model {
    pub(super) fn new(directory: &Path) -> Model {
        let model = Model { directory: directory.to_owned() };
        model.be("answer");
        model
    }

    /// From its next message on.
    pub(super) fn be(&self, mode: &str) {
        let part = self.directory.join("mode.part");
        fs::write(&part, mode).unwrap();
        fs::rename(part, self.directory.join("mode")).unwrap();
    }

    /// As the configuration has it.
    pub(super) fn command(&self) -> [String; 3] {
        let binary = std::env::current_exe().unwrap();
        let test = "ports::process::a_process_that_a_test_runs_answers_as_it_is_told";
        let script = format!(
            "{DIRECTORY}='{}' exec '{}' --exact {test} --nocapture --test-threads 1 3>&1 >/dev/null",
            self.directory.display(),
            binary.display(),
        );
        ["sh".to_owned(), "-c".to_owned(), script]
    }

    /// What it wrote down: its helper's number, and the results that it was told.
    pub(super) fn noted(&self, what: &str) -> Option<String> {
        fs::read_to_string(self.directory.join(what)).ok()
    }
}

fn mode(directory: &Path) -> String {
    fs::read_to_string(directory.join("mode")).unwrap_or_default()
}

fn say(port: &mut File, message: &Value) {
    let mut body = Vec::new();
    pack(message, &mut body);
    // JSON has no such number: one that stands for it is replaced.
    let stand_in = 1234.5_f64.to_be_bytes();
    while let Some(at) = body.windows(8).position(|bytes| bytes == stand_in) {
        body[at..at + 8].copy_from_slice(&f64::NAN.to_be_bytes());
    }
    let mut frame = u32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
    frame.extend(body);
    port.write_all(&frame).unwrap();
}

fn hear() -> Option<Value> {
    let mut head = [0; 4];
    stdin().read_exact(&mut head).ok()?;
    let mut body = vec![0; u32::from_be_bytes(head) as usize];
    stdin().read_exact(&mut body).ok()?;
    Some(unpack(&mut &body[..]))
}

/// Not a test but the model itself, when a node has started it; otherwise nothing.
#[test]
fn a_process_that_a_test_runs_answers_as_it_is_told() {
    let Some(directory) = std::env::var_os(DIRECTORY).map(PathBuf::from) else { return };
    let mut port = File::options().write(true).open("/dev/fd/3").expect("the port");
    while let Some(message) = hear() {
        let id = &message["id"];
        match message["type"].as_str() {
            Some("hello") => {
                while mode(&directory) == "mute" {
                    std::thread::park_timeout(Duration::from_millis(5));
                }
                say(&mut port, &json!({"type": "hello", "protocol": 1, "name": "test"}));
            }
            Some("fit") => {
                let count = message["results"].as_array().map_or(0, Vec::len);
                fs::write(directory.join("results"), count.to_string()).unwrap();
                say(&mut port, &json!({"type": "fitted", "id": id}));
            }
            Some("price") => price(&mut port, id, &message, &directory),
            _ => {}
        }
    }
}

fn price(port: &mut File, id: &Value, message: &Value, directory: &Path) {
    let answer = |fields: Value| {
        let mut answer = json!({"type": "price", "id": id});
        let fields = fields.as_object().expect("fields").clone();
        answer.as_object_mut().expect("a message").extend(fields);
        answer
    };
    match mode(directory).as_str() {
        "hang" => {
            let mut helper = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
            fs::write(directory.join("helper"), helper.id().to_string()).unwrap();
            let _ = helper.wait();
        }
        "rubbish" => port.write_all(b"hello, world\n").unwrap(),
        "oversize" => port.write_all(&[0x7f, 0xff, 0xff, 0xff]).unwrap(),
        "hog" => {
            let mut all = Vec::new();
            loop {
                all.push(vec![1_u8; 16 << 20]);
            }
        }
        "exit" => std::process::exit(3),
        "chatter" => loop {
            say(port, &json!({"type": "event", "match": 1_000_000}));
        },
        "nan" => say(port, &answer(json!({"lambda": 1234.5, "mu": 1.0}))),
        "negative" => say(port, &answer(json!({"lambda": 1.0, "mu": -1.0}))),
        "sums" => say(port, &answer(json!({"grid": [[0.5, 0.1], [0.1, 0.1]]}))),
        "fields" => say(port, &answer(json!({"lambda": 1.0, "mu": 1.0, "colour": "red"}))),
        "declines" => say(port, &json!({"type": "error", "id": id, "message": "not today"})),
        "grid" => say(port, &answer(json!({"grid": [[0.0, 0.25], [0.75, 0.0]]}))),
        "prices" => {
            let odds = json!([{"code": "MATCH_ODDS", "odds": [1.5, 6.0, 6.0]}]);
            say(port, &answer(json!({"prices": odds})));
        }
        _ => {
            assert_eq!(message["match"]["competition"], "Premier League");
            say(port, &answer(json!({"lambda": 2.9, "mu": 0.4, "rho": -0.05})));
        }
    }
}
