//! Short runs of fuzzers against each parser of bytes from outside: valid messages, changed a little at a time.
//!
//! The parsers and what must hold of them are `laybook::fuzz`, so that any other fuzzer may run them for
//! longer (`cargo fuzz` has a target in three lines). Here they run on stable, bounded by `ROUNDS`, from a seed
//! that is printed. Every run is first seen to find a bug that is planted behind its parser.

mod mutate;
mod seeds;

use std::panic::{AssertUnwindSafe, catch_unwind};

use laybook::fuzz::{self, Reached};

use self::mutate::Mutator;
use crate::harness::Random;

/// Inputs of one run.
const ROUNDS: u32 = 20_000;
/// Inputs within which a planted bug is found.
const ROUNDS_TO_FIND: u32 = 60_000;

/// One parser, its valid messages and the words they are made of.
struct Target {
    name: &'static str,
    look: fn(&[u8]) -> Reached,
    seeds: Vec<Vec<u8>>,
    words: &'static [&'static [u8]],
    /// What a message has that a planted bug stumbles over.
    planted: fn(&[u8]) -> bool,
}

/// The first input that broke it, or how many were refused and read.
fn run(
    target: &Target,
    seed: u64,
    rounds: u32,
    look: impl Fn(&[u8]) -> Reached,
) -> Result<[u32; 2], Vec<u8>> {
    let mut mutator = Mutator::new(Random::new(seed), &target.seeds, target.words);
    let mut reached = [0; 2];
    for _ in 0..rounds {
        let input = mutator.next();
        match catch_unwind(AssertUnwindSafe(|| look(&input))) {
            Ok(how) => {
                reached[usize::from(how == Reached::Read)] += 1;
                mutator.learn(&input, how == Reached::Read);
            }
            Err(_) => return Err(input),
        }
    }
    Ok(reached)
}

fn check(target: &Target) {
    for valid in &target.seeds {
        let text = String::from_utf8_lossy(valid);
        assert_eq!((target.look)(valid), Reached::Read, "{}: {text} is valid", target.name);
    }
    let seed = Random::seed(target.name);
    match run(target, seed, ROUNDS, target.look) {
        Ok([refused, read]) => {
            println!("{}: {refused} refused, {read} read", target.name);
            assert!(refused > ROUNDS / 100, "hardly anything was wrong: {refused}");
            assert!(read > ROUNDS / 100, "hardly anything was read: {read}");
        }
        Err(input) => panic!(
            "{} broke over {:?}, in hex {}",
            target.name,
            String::from_utf8_lossy(&input),
            input.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
        ),
    }
}

/// The same run finds a bug behind the parser: only what it has understood comes so far.
fn check_that_it_finds(target: &Target) {
    let seed = Random::seed(target.name);
    for valid in &target.seeds {
        assert!(!(target.planted)(valid), "{}: a valid message stumbles", target.name);
    }
    let buggy = |input: &[u8]| {
        let reached = (target.look)(input);
        assert!(reached == Reached::Refused || !(target.planted)(input), "the planted bug");
        reached
    };
    let found = run(target, seed, ROUNDS_TO_FIND, buggy);
    assert!(found.is_err(), "{}: the planted bug was not found: {found:?}", target.name);
}

fn has(input: &[u8], what: &[u8]) -> bool {
    input.windows(what.len()).any(|window| window == what)
}

fn json_rpc() -> Target {
    Target {
        name: "fuzz json-rpc",
        look: fuzz::json_rpc,
        seeds: seeds::json_rpc(),
        words: seeds::JSON_WORDS,
        planted: |body| has(body, b"-1") && has(body, b"instructions"),
    }
}

fn stream_line() -> Target {
    Target {
        name: "fuzz stream line",
        look: fuzz::stream_line,
        seeds: seeds::stream_lines(),
        words: seeds::JSON_WORDS,
        planted: |line| has(line, b"null") && has(line, b"[]"),
    }
}

fn websocket() -> Target {
    Target {
        name: "fuzz websocket",
        look: fuzz::websocket,
        seeds: seeds::frames(),
        words: seeds::FRAME_WORDS,
        // Three whole messages or more.
        planted: |bytes| bytes.iter().filter(|byte| **byte == 0x82).count() >= 4,
    }
}

fn order() -> Target {
    Target {
        name: "fuzz order",
        look: fuzz::order,
        seeds: seeds::orders(),
        words: seeds::PACK_WORDS,
        // A number of eight bytes.
        planted: |bytes| has(bytes, &[0xcf]),
    }
}

#[test]
fn no_json_rpc_body_breaks_the_door() {
    check(&json_rpc());
}

#[test]
fn no_line_breaks_the_stream() {
    check(&stream_line());
}

#[test]
fn no_bytes_break_the_websocket() {
    check(&websocket());
}

#[test]
fn no_message_breaks_the_order_channel() {
    check(&order());
}

#[test]
fn a_bug_behind_each_parser_is_found() {
    for target in [json_rpc(), stream_line(), websocket(), order()] {
        check_that_it_finds(&target);
    }
}

#[test]
fn a_parser_that_breaks_is_told_with_what_broke_it() {
    let target = Target { look: |bytes| [Reached::Read][bytes.len() / 80], ..order() };
    let broke = run(&target, 7, ROUNDS_TO_FIND, target.look);
    assert!(broke.expect_err("long inputs break it").len() >= 80);
}
