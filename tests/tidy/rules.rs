//! Rules about single files: headers, the domain's purity, spawning, printing, what logs say.

use super::mask::closing;
use super::source::{Source, Workspace, words};
use super::{check, none};

// ---------------------------------------------------------------------------------------------- headers

fn header(source: &Source) -> Vec<String> {
    let first = source.text.lines().next().unwrap_or_default();
    match first.strip_prefix("//! ").map(str::trim) {
        Some(words) if words.len() > 10 => vec![],
        _ => vec![source.complain(0, "does not begin with a //! header that says what it owns")],
    }
}

#[test]
fn every_file_begins_with_what_it_owns() {
    let bad =
        [("a.rs", "use std::fs;\n"), ("a.rs", "// A note.\n"), ("a.rs", "//! \n"), ("a.rs", "")];
    check(header, &bad, &[("a.rs", "//! One market and its book.\n")]);
}

// ----------------------------------------------------------------------------------------------- domain

/// Clocks, chance, order by hash, and doing two things at once.
const IMPURE: [&str; 12] = [
    "SystemTime",
    "Instant",
    "HashMap",
    "HashSet",
    "rand",
    "getrandom",
    "async",
    "await",
    "thread",
    "Mutex",
    "std::fs",
    "std::net",
];

fn pure(source: &Source) -> Vec<String> {
    if !source.path.starts_with("src/domain/") {
        return vec![];
    }
    let found = IMPURE.iter().flat_map(|word| {
        let told = format!("`{word}` in the domain, which is told the time and the chance");
        words(&source.product, word).map(move |at| source.complain(at, &told)).collect::<Vec<_>>()
    });
    found.collect()
}

#[test]
fn the_domain_has_no_clock_no_chance_and_no_order_by_hash() {
    let path = "src/domain/a.rs";
    let bad = [
        (path, "use std::time::Instant;"),
        (path, "fn a(x: &HashMap<u8, u8>) {}"),
        (path, "let x = rand::random();"),
        (path, "async fn a() {}"),
    ];
    let good = [
        (path, "// No Instant here.\nconst A: &str = \"HashMap\";"),
        (path, "#[cfg(test)]\nmod tests { use std::collections::HashMap; }"),
        (path, "let brand = operand; MyInstant;"),
        ("src/store/a.rs", "use std::time::Instant;"),
    ];
    check(pure, &bad, &good);
}

fn exact(source: &Source) -> Vec<String> {
    let may = ["src/domain/football/", "src/domain/odds/"];
    let judged = source.path.starts_with("src/domain/");
    if !judged || may.iter().any(|folder| source.path.starts_with(folder)) {
        return vec![];
    }
    let found = ["f64", "f32"].iter().flat_map(|word| {
        let told = format!("`{word}` where money and prices are whole numbers");
        words(&source.product, word).map(move |at| source.complain(at, &told)).collect::<Vec<_>>()
    });
    found.collect()
}

#[test]
fn the_domain_has_floats_only_in_football_and_odds() {
    let bad = [("src/domain/money.rs", "fn a(x: f64) {}"), ("src/domain/a.rs", "x as f32")];
    let good = [
        ("src/domain/football/a.rs", "fn a(x: f64) {}"),
        ("src/domain/odds/a.rs", "fn a(x: f64) {}"),
        ("src/node/a.rs", "fn a(x: f64) {}"),
    ];
    check(exact, &bad, &good);
}

// ------------------------------------------------------------------------------------- who may begin work

/// Ways to begin work that outlives the function.
const SPAWNS: [&str; 13] = [
    "tokio::spawn",
    "task::spawn",
    "thread::spawn",
    "thread::Builder",
    "thread::scope",
    "Actor::spawn",
    "Actor::spawn_linked",
    "spawn_linked",
    "spawn_blocking",
    "spawn_local",
    "Handle::current",
    "runtime::Builder",
    "JoinSet",
];

/// Folders and files that may, and why.
const MAY_SPAWN: &[(&str, &str)] = &[
    ("supervision/spawn.rs", "the one place"),
    ("src/node/serve_command.rs", "the runtime itself, which everything else runs on"),
    ("src/node/bench/", "load generators are clients of a node, and end with their command"),
    ("src/store/checkpoint.rs", "half of a large body is decoded beside it, and joined at once"),
    ("src/store/journal/spare.rs", "the journal's own thread, joined when the journal is dropped"),
    ("src/store/writer/mod.rs", "the journal's own thread, joined when the writer is dropped"),
    ("src/store/writer/thread.rs", "the journal's own threads for snapshots and checkpoints"),
];

fn spawns(source: &Source) -> Vec<String> {
    if MAY_SPAWN.iter().any(|(path, _)| source.path.starts_with(path)) {
        return vec![];
    }
    begun(source)
        .into_iter()
        .map(|at| source.complain(at, "work begins outside supervision"))
        .collect()
}

fn begun(source: &Source) -> Vec<usize> {
    let found = SPAWNS.iter().flat_map(|call| words(&source.product, call));
    // The set of tasks that a supervisor owns has to be somewhere; only `spawn.rs` adds to it.
    let a_set = |at: &usize| source.product[*at..].starts_with("JoinSet");
    found.filter(|at| !(source.path.starts_with("supervision/") && a_set(at))).collect()
}

#[test]
fn only_supervision_spawns() {
    let bad = [
        ("actors/a.rs", "fn a() { tokio::spawn(async {}); }"),
        ("src/node/a.rs", "std::thread::Builder::new().spawn(|| ())"),
        ("supervision/brood.rs", "Actor::spawn(None, handler, args).await"),
        ("supervision/brood.rs", "Actor::spawn_linked(name, handler, args, me).await"),
        ("src/node/a.rs", "tokio::task::spawn_blocking(work)"),
        ("src/node/a.rs", "let mut set = JoinSet::new();"),
    ];
    let good = [
        ("actors/a.rs", "context.spawn(handler, args)"),
        ("actors/a.rs", "// Never tokio::spawn here."),
        ("actors/a.rs", "#[cfg(test)]\nmod tests { fn a() { tokio::spawn(b()); } }"),
        ("supervision/spawn.rs", "tokio::spawn(future)"),
    ];
    check(spawns, &bad, &good);
}

#[test]
fn every_exception_to_spawning_is_still_needed() {
    let needed = |path: &str| {
        let sources = Workspace::get().sources.iter().filter(|it| it.path.starts_with(path));
        sources.flat_map(begun).count() > 0
    };
    assert!(!needed("src/domain/money.rs"), "the domain begins nothing");
    let idle = MAY_SPAWN.iter().filter(|(path, _)| !needed(path));
    none(idle.map(|(path, why)| format!("{path} may spawn ({why}) and does not")).collect());
}

// ----------------------------------------------------------------------------------------------- printing

/// Rooms that others call: what they have to say is a value or a log line.
const LIBRARIES: [&str; 7] = [
    "src/domain/",
    "src/store/",
    "actors/",
    "supervision/",
    "src/node/door/",
    "src/node/betfair/",
    "src/node/operator/",
];

fn prints(source: &Source) -> Vec<String> {
    if !LIBRARIES.iter().any(|room| source.path.starts_with(room)) {
        return vec![];
    }
    let calls = ["println!", "eprintln!", "print!", "eprint!", "dbg!"];
    let found = calls.iter().flat_map(|call| {
        let name = call.trim_end_matches('!');
        let here =
            words(&source.product, name).filter(|at| source.product[*at..].starts_with(call));
        here.map(|at| source.complain(at, "prints; a library logs or answers")).collect::<Vec<_>>()
    });
    found.collect()
}

#[test]
fn libraries_do_not_print() {
    let bad = [
        ("src/store/a.rs", "println!(\"x\")"),
        ("supervision/a.rs", "eprintln!(\"x\")"),
        ("src/node/door/a.rs", "dbg!(x)"),
    ];
    let good = [
        ("src/store/a.rs", "#[cfg(test)]\nmod tests { fn a() { println!(\"x\") } }"),
        ("src/node/main.rs", "println!(\"x\")"),
        ("actors/a.rs", "fingerprint!(x); let print = 1;"),
    ];
    check(prints, &bad, &good);
}

// ---------------------------------------------------------------------------------------------- log lines

fn log_lines(source: &Source) -> Vec<String> {
    let mut complaints = Vec::new();
    for level in ["trace", "debug", "info", "warn", "error"] {
        for at in words(&source.product, level) {
            let open = at + level.len() + 1;
            if source.product[at..].starts_with(&format!("{level}!(")) {
                let end = closing(&source.product, open);
                if let Err(what) = message(source, open + 1, end) {
                    complaints.push(source.complain(at, &what));
                }
            }
        }
    }
    complaints
}

/// Looks at the arguments of one macro: the last is a constant lowercase text without a full stop.
fn message(source: &Source, from: usize, to: usize) -> Result<(), String> {
    let mut arguments = Vec::new();
    let (mut begin, mut at) = (from, from);
    while at < to {
        match source.product.as_bytes()[at] {
            b'(' | b'[' | b'{' => at = closing(&source.product, at),
            b'"' => at += 1 + source.product[at + 1..to].find('"').unwrap_or(0),
            b',' => {
                arguments.push(begin..at);
                begin = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    arguments.push(begin..to);
    let last =
        arguments.into_iter().rev().map(|it| source.text[it].trim()).find(|it| !it.is_empty());
    let text = last.and_then(|last| last.strip_prefix('"')?.strip_suffix('"'));
    let text = text.ok_or("a log line's last argument is its message, a constant text")?;
    if text.contains('{') {
        return Err(format!("data belongs into fields: {text:?}"));
    }
    if text.ends_with(['.', '!', '?']) || !text.starts_with(|c: char| c.is_lowercase()) {
        return Err(format!("a message is lowercase and without a full stop: {text:?}"));
    }
    Ok(())
}

#[test]
fn log_lines_are_lowercase_constants_with_their_data_in_fields() {
    let bad = [
        ("a.rs", "info!(\"Market suspended\");"),
        ("a.rs", "tracing::warn!(%market, \"market {market} suspended\");"),
        ("a.rs", "error!(%error, \"it failed.\");"),
        ("a.rs", "info!(market);"),
        ("a.rs", "info!(\"{} bets\", n);"),
    ];
    let good = [
        ("a.rs", "info!(%market, offset = f(a, b), \"market suspended\");"),
        ("a.rs", "tracing::debug!(\n    entity = %id, text = \"a, b\",\n    \"recovered\"\n);"),
        ("a.rs", "#[error(\"Not a log line.\")]\nstruct E;"),
        ("a.rs", "compile_error!(\"Not a log line.\");"),
    ];
    check(log_lines, &bad, &good);
}

// -------------------------------------------------------------------------------------- left for somebody

fn left_for_later(source: &Source) -> Vec<String> {
    // Put together here, or this file would complain of itself.
    let marks =
        [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X"), concat!("HA", "CK")];
    let found = marks.iter().flat_map(|mark| {
        let told = format!("`{mark}`: work that is left belongs into an issue");
        words(&source.text, mark).map(move |at| source.complain(at, &told)).collect::<Vec<_>>()
    });
    found.collect()
}

#[test]
fn nothing_is_left_for_later() {
    let sample = concat!("// TO", "DO: think\n");
    check(left_for_later, &[("a.rs", sample)], &[("a.rs", "// Mastodons")]);
}

// ------------------------------------------------------------------------------------------ file names

fn names_a_noun(source: &Source) -> Vec<String> {
    let vague =
        ["utils", "util", "helpers", "helper", "common", "models", "manager", "misc", "build"];
    let parts = source.path.trim_end_matches(".rs").split('/');
    let found = parts.filter(|part| vague.contains(part));
    found.map(|part| source.complain(0, &format!("`{part}` does not name what it owns"))).collect()
}

#[test]
fn a_file_is_named_for_the_noun_it_owns() {
    let bad =
        [("src/store/utils.rs", ""), ("actors/common/mod.rs", ""), ("src/domain/build.rs", "")];
    check(names_a_noun, &bad, &[("src/store/frame.rs", "")]);
}
