//! The supervision log of the real binary: what operators and accidents did is told, and is still told when
//! the process was stopped, killed, or finds its log damaged.

use std::process::Command;

use serde_json::Value;

use crate::harness::{Launch, Node, Operator, Scratch, eventually};

fn events(operator: &mut Operator) -> Vec<Value> {
    let page = operator.get("/v1/operator/supervision?since=0");
    page["events"].as_array().expect("a list").clone()
}

/// Waits until the log tells this of a child, and says under which number.
fn told(operator: &mut Operator, child: &str, what: &str) -> Value {
    eventually(&format!("{what} of {child} is told"), || {
        let events = events(operator);
        let found = events.iter().rev().find(|it| it["child"] == child && it["what"] == what);
        found.cloned().ok_or(events.len())
    })
}

fn starts(events: &[Value]) -> Vec<bool> {
    let starts = events.iter().filter(|event| event["what"] == "node_started");
    starts.map(|start| start["after_crash"].as_bool().expect("it says")).collect()
}

fn check_numbers(events: &[Value]) {
    let numbers: Vec<u64> = events.iter().map(|it| it["seq"].as_u64().expect("a number")).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{numbers:?}");
}

/// Panics the publisher as an operator, and waits until the log tells all of it.
fn hurt(node: &Node) -> Value {
    let mut operator = Operator::of(node);
    operator.kill_actor("publisher-0", "panic");
    let act = told(&mut operator, "publisher-0", "operator_acted");
    let exit = eventually("its end is told", || {
        let exit = told(&mut operator, "publisher-0", "exited");
        if exit["seq"].as_u64() > act["seq"].as_u64() { Ok(exit) } else { Err(exit) }
    });
    assert!(exit["exit"].to_string().contains("panick"), "{exit}");
    act
}

#[test]
fn what_happened_in_the_tree_is_still_told_after_a_stop_and_after_a_kill() {
    let scratch = Scratch::new("events");
    let launch = Launch::new(&scratch);
    let node = launch.start();
    let act = hurt(&node);
    assert_eq!(act["operator"], "operator");
    assert_eq!((&act["act"], &act["reason"]), (&"panic".into(), &"a test".into()));
    let before = events(&mut Operator::of(&node));
    assert!(node.stop().success());

    let node = launch.start();
    let mut operator = Operator::of(&node);
    let now = events(&mut operator);
    assert_eq!(now[..before.len()], before[..], "what was told is told again");
    check_numbers(&now);
    assert_eq!(starts(&now), [false, false]);
    assert!(now.iter().any(|event| event["what"] == "node_stopped"));
    // Waits out the moment in which an event is only in the process.
    let act = hurt(&node);
    let kept = scratch.data().join("supervision");
    eventually("it is in the files", || {
        let number = act["seq"].to_string();
        let files = std::fs::read_dir(&kept).expect("it is there").map(|file| file.unwrap().path());
        let found = files.filter_map(|file| std::fs::read(file).ok()).any(|bytes| {
            let wanted = format!("\"seq\":{number},");
            bytes.windows(wanted.len()).any(|window| window == wanted.as_bytes())
        });
        if found { Ok(()) } else { Err(number) }
    });
    node.kill();

    let node = launch.start();
    let now = events(&mut Operator::of(&node));
    assert_eq!(starts(&now), [false, false, true]);
    assert!(now.contains(&act));

    // The text twin tells the same.
    let output = Command::new(env!("CARGO_BIN_EXE_laybook"))
        .args(["events", "--admin", &node.admin.to_string(), "--token-file"])
        .arg(node.data.join("operator.token"))
        .output()
        .expect("it runs");
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "{text}");
    assert!(text.contains("publisher-0  operator acted  act panic"), "{text}");

    // Damage there is told, and the node starts all the same.
    drop(node);
    for file in std::fs::read_dir(&kept).expect("it is there") {
        let file = file.unwrap().path();
        let mut bytes = std::fs::read(&file).unwrap();
        if bytes.len() > 1_000 {
            bytes[600] ^= 1;
            std::fs::write(&file, bytes).unwrap();
        }
    }
    let node = launch.start();
    assert!(node.log().contains("supervision log damaged"), "{}", node.log());
    assert!(!events(&mut Operator::of(&node)).is_empty());
}
