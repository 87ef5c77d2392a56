//! Lines of all kinds, and the three ways they are stored.

use super::*;
use actors::replay::recorded::{HalfPence, RunnerStatus};
use domain::definition::MarketStatus;
use domain::ids::{Runner, SelectionId};
use domain::price::Price;
use std::io::{Cursor, Write};

const DEFINITION: &str = r#"{"op":"mcm","clk":"A","pt":1657018212979,"mc":[{"id":"1.2","img":true,"marketDefinition":{"bspMarket":false,"turnInPlayEnabled":true,"persistenceEnabled":true,"marketBaseRate":5,"eventId":"3","eventTypeId":"4","numberOfWinners":1,"bettingType":"ODDS","marketType":"MATCH_ODDS","marketTime":"2022-07-11T11:00:00.000Z","complete":true,"inPlay":false,"betDelay":0,"status":"OPEN","runners":[{"status":"ACTIVE","sortPriority":1,"id":11},{"status":"REMOVED","sortPriority":2,"id":12,"adjustmentFactor":7.143,"name":"B"}],"openDate":"2022-07-11T11:00:00.000Z","version":1}}]}"#;
const LADDERS: &str = r#"{"op":"mcm","pt":1657018213373,"mc":[{"id":"1.9","rc":[]},{"id":"1.2","rc":[{"atb":[[1.01,20],[9.8,0.07]],"atl":[[1000,0]],"trd":[[2.02,13003.77]],"ltp":2.02,"tv":4.445,"id":11}]}]}"#;

fn text() -> String {
    format!("{DEFINITION}\n\n{{\"op\":\"mcm\",\"pt\":1,\"ct\":\"HEARTBEAT\"}}\r\n{LADDERS}")
}

fn read(bytes: impl Into<Vec<u8>>) -> Vec<Result<RecordedMessage, RecordingError>> {
    let bytes = bytes.into();
    let inventory = Inventory::from_reader(Cursor::new(bytes.clone())).unwrap();
    let recording = Recording::from_reader(Cursor::new(bytes), "1.2").unwrap();
    recording.until(inventory.damage.as_ref()).collect()
}

#[test]
fn a_recording_is_read_plain_gzipped_and_bzipped() {
    let text = text();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(text.as_bytes()).unwrap();
    let mut bz = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bz.write_all(text.as_bytes()).unwrap();
    for bytes in [text.clone().into_bytes(), gz.finish().unwrap(), bz.finish().unwrap()] {
        let messages: Vec<_> = read(bytes).into_iter().map(Result::unwrap).collect();
        let [first, second] = messages.as_slice() else { panic!("{messages:?}") };
        assert_eq!((first.line, first.at.0, first.image), (1, 1_657_018_212_979, true));
        let definition = first.definition.as_ref().unwrap();
        assert_eq!(definition.status, MarketStatus::Open);
        assert_eq!((definition.base_rate, definition.start_time.0), (500, 1_657_537_200_000));
        assert_eq!(definition.runners[1].status, RunnerStatus::Removed);
        assert_eq!(definition.runners[1].adjustment_factor, Some(714));
        assert_eq!((second.line, second.image), (4, false));
        let runner = &second.runners[0];
        assert_eq!(runner.runner, Runner::plain(SelectionId(11)));
        let back = [(Price(101), HalfPence(4_000)), (Price(980), HalfPence(14))];
        assert_eq!(runner.available_to_back, back);
        assert_eq!(runner.available_to_lay, [(Price(100_000), HalfPence(0))]);
        assert_eq!(runner.traded, [(Price(202), HalfPence(2_600_754))]);
        assert_eq!(runner.total_matched, Some(HalfPence(889)));
    }
}

#[test]
fn an_inventory_tells_markets_apart_and_says_what_cannot_be_played() {
    let asian = DEFINITION.replace("\"1.2\"", "\"1.3\"").replace("ODDS\"", "ASIAN_HANDICAP\"");
    let order = r#"{"op":"ocm","pt":1,"oc":[]}"#;
    let text = format!("{order}\n{}\n{LADDERS}\n{asian}", text());
    let inventory = Inventory::from_reader(Cursor::new(text)).unwrap();
    assert_eq!((inventory.began.0, inventory.passed_over), (1_657_018_212_979, 1));
    assert!(inventory.damage.is_none());
    let told: Vec<_> = inventory
        .markets
        .iter()
        .map(|market| (&*market.id, market.messages, market.unplayable.as_deref()))
        .collect();
    let expected = [
        ("1.2", 3, None),
        ("1.9", 2, Some("is never defined")),
        ("1.3", 1, Some("bettingType ASIAN_HANDICAP is not one that is played")),
    ];
    assert_eq!(told, expected);
}

#[test]
fn what_comes_before_the_first_definition_is_left_out_and_said() {
    let text = format!("{LADDERS}\n{LADDERS}\n{DEFINITION}\n{LADDERS}");
    let messages = read(text.clone());
    let lines: Vec<_> = messages.into_iter().map(|message| message.unwrap().line).collect();
    assert_eq!(lines, [3, 4]);
    let inventory = Inventory::from_reader(Cursor::new(text)).unwrap();
    let note = inventory.markets[1].note().unwrap();
    assert!(note.contains("2 messages before its first definition"), "{note}");
}

/// The file is damaged in a line about another market, or about none: what follows means nothing.
#[test]
fn damage_ends_every_market_of_the_file() {
    for damaged in ["{\"op\":", r#"{"op":"mcm","mc":[]}"#] {
        let read = read(format!("{DEFINITION}\n{damaged}\n{LADDERS}\n"));
        let [Ok(_), Err(error)] = read.as_slice() else { panic!("{read:?}") };
        assert!(error.to_string().starts_with("line 2: "), "{error}");
    }
}

#[test]
fn damage_names_its_line_and_ends_the_reading() {
    let damaged = [
        ("{\"op\":\"mcm\"", "EOF while parsing"),
        (
            r#"{"op":"mcm","pt":1,"mc":[{"id":"1.2","rc":[{"id":1,"atb":[[2.005,1]]}]}]}"#,
            "price 2.005",
        ),
        (
            r#"{"op":"mcm","pt":1,"mc":[{"id":"1.2","rc":[{"id":1,"atl":[[2,0.001]]}]}]}"#,
            "finer than",
        ),
        (
            r#"{"op":"mcm","pt":1,"mc":[{"id":"1.2","rc":[{"id":1,"trd":[[2,-1]]}]}]}"#,
            "out of bounds",
        ),
        (&DEFINITION.replace("\"OPEN\"", "\"AJAR\""), "status AJAR"),
        ("\u{0}\u{1}", "expected value"),
    ];
    for (line, reason) in damaged {
        let read = read(format!("{DEFINITION}\n{line}\n{LADDERS}\n"));
        let [Ok(_), Err(error)] = read.as_slice() else { panic!("{line}: {read:?}") };
        let told = error.to_string();
        assert!(told.starts_with("line 2: ") && told.contains(reason), "{told}");
    }
}

#[test]
fn an_archive_that_breaks_off_names_its_line() {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(text().as_bytes()).unwrap();
    let mut bytes = gz.finish().unwrap();
    bytes.truncate(bytes.len() - 12);
    let last = read(bytes).pop().unwrap();
    let told = last.unwrap_err().to_string();
    assert!(told.starts_with("line "), "{told}");
}

#[test]
fn a_line_without_end_is_refused_before_it_is_held() {
    let endless = std::io::repeat(b' ').take(LINE_BYTES_MAX * 4);
    let read: Vec<_> = Recording::from_reader(endless, "1.2").unwrap().collect();
    let [Err(RecordingError::Line { line: 1, .. })] = read.as_slice() else { panic!("{read:?}") };
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Recording::open(Path::new("/no/such/recording.gz"), "1.2").unwrap_err();
    assert!(error.to_string().starts_with("/no/such/recording.gz: "), "{error}");
}
