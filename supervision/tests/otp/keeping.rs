//! The event log over restarts of the process: what was seen is read again, and nothing wrong in its directory keeps a
//! tree from starting.

use std::path::Path;

use supervision::{EventLog, EventSink, SupervisionEvent, What};
use tempfile::TempDir;

fn note(sink: &EventSink, children: std::ops::RangeInclusive<u64>) {
    for child in children {
        sink.note(&child.to_string(), "test", What::GaveUp);
    }
}

/// Everything in a log, once it is there: number and child.
async fn seen(log: &EventLog, newest: u64) -> Vec<(u64, String)> {
    assert!(log.changed_since(newest - 1).await);
    let pair = |event: SupervisionEvent| (event.seq, event.child.to_string());
    log.since(0, usize::MAX).into_iter().map(pair).collect()
}

fn pairs(numbers: std::ops::RangeInclusive<u64>) -> Vec<(u64, String)> {
    numbers.map(|number| (number, number.to_string())).collect()
}

fn only_file(directory: &Path) -> std::path::PathBuf {
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut segments: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|kind| kind == "log")).collect();
    assert_eq!(segments.len(), 1, "{segments:?}");
    segments.remove(0)
}

#[tokio::test]
async fn events_outlive_the_process_and_their_numbers_go_on() {
    let directory = TempDir::new().unwrap();
    let (sink, log) = EventLog::open(directory.path(), |_| {});
    assert!(!log.ended_in_crash(), "nothing was there");
    note(&sink, 1..=1_000);
    log.close(&sink).await;
    let (sink, log) = EventLog::open(directory.path(), |_| {});
    assert_eq!(log.newest(), 1_000);
    assert!(log.ended_in_crash(), "it did not say that it stopped");
    note(&sink, 1_001..=1_002);
    assert_eq!(seen(&log, 1_002).await, pairs(1..=1_002));
    let stopped = What::NodeStopped { version: "1".into(), cause: None };
    sink.note("1003", "test", stopped.clone());
    log.close(&sink).await;
    let (_sink, log) = EventLog::open(directory.path(), |_| {});
    assert_eq!(seen(&log, 1_003).await, pairs(1..=1_003));
    assert_eq!(log.since(1_002, 9)[0].what, stopped);
    assert!(!log.ended_in_crash());
}

#[tokio::test]
async fn what_a_killed_process_left_in_its_files_is_read_again() {
    let directory = TempDir::new().unwrap();
    let (sink, log) = EventLog::open(directory.path(), |_| {});
    note(&sink, 1..=10);
    log.close(&sink).await;
    let file = only_file(directory.path());
    // A frame that a power cut left unfinished behind the good ones: its second block is missing.
    let mut bytes = std::fs::read(&file).unwrap();
    let end =
        bytes.len() - 512 - bytes[..bytes.len() - 512].iter().rev().position(|b| *b != 0).unwrap();
    let end = end.div_ceil(512) * 512;
    bytes[end + 512..end + 600].fill(9);
    std::fs::write(&file, bytes).unwrap();
    let (sink, log) = EventLog::open(directory.path(), |_| {});
    note(&sink, 11..=11);
    log.close(&sink).await;
    let (_sink, log) = EventLog::open(directory.path(), |_| {});
    assert_eq!(seen(&log, 11).await, pairs(1..=11));
}

#[tokio::test]
async fn damage_or_a_directory_that_cannot_be_used_never_keeps_a_node_from_starting() {
    let directory = TempDir::new().unwrap();
    let (sink, log) = EventLog::open(directory.path(), |_| {});
    note(&sink, 1..=3);
    log.close(&sink).await;
    let file = only_file(directory.path());
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let (sink, log) = EventLog::open(directory.path(), |_| {});
    assert_eq!(log.newest(), 0, "the first frame was changed, so it begins anew");
    note(&sink, 1..=2);
    // While this one has it, another is without a file, and works.
    let (other_sink, other) = EventLog::open(directory.path(), |_| {});
    note(&other_sink, 1..=5);
    assert_eq!(seen(&other, 5).await, pairs(1..=5));
    other.close(&other_sink).await;
    log.close(&sink).await;
    let (sink, log) = EventLog::open(directory.path(), |_| {});
    assert_eq!(seen(&log, 2).await, pairs(1..=2));
    log.close(&sink).await;
    // A file stands where the directory should be.
    let (sink, log) = EventLog::open(&only_file(directory.path()), |_| {});
    note(&sink, 1..=1);
    assert_eq!(seen(&log, 1).await, pairs(1..=1));
    log.close(&sink).await;
}

#[tokio::test]
async fn the_directory_is_bounded() {
    let directory = TempDir::new().unwrap();
    let (sink, log) = EventLog::open(directory.path(), |_| {});
    let long = "x".repeat(4_000);
    for number in 1..=4_000u64 {
        let act = "test".into();
        let what = What::OperatorActed { operator: long.clone(), act, reason: String::new() };
        sink.note("a", "test", what);
        if number.is_multiple_of(1_000) {
            assert!(log.changed_since(number - 1).await);
        }
    }
    log.close(&sink).await;
    let bytes: u64 = std::fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    assert!(bytes <= 8 << 20, "{bytes} bytes");
    let (_sink, log) = EventLog::open(directory.path(), |_| {});
    let kept = log.since(0, usize::MAX);
    assert_eq!(kept.last().unwrap().seq, 4_000);
    assert!(kept.len() > 1_500 && kept.len() < 2_200, "{}", kept.len());
}
