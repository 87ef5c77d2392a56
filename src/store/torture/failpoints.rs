//! Goal: a process that aborts at any named point loses nothing that was released. Method: this
//! test binary starts itself as a child with `LAYBOOK_FAILPOINTS`; the child works on a real
//! directory and writes every released number to a file of its own; the parent looks what is there.
//! Only in debug builds.

use super::note::{Note, Numbers, decode_numbers, encode_numbers};
use super::scene::{LONG, NoteHandle, NoteWriter, attach, effect, hand_over, open, options};
use crate::disk::OsDisk;
use crate::entry::Offset;
use crate::journal::files::FileEngine;
use crate::snapshots::Snapshots;
use crate::writer::WriterConfig;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, mpsc};

const DIRECTORY: &str = "LAYBOOK_FAILPOINT_DIRECTORY";

fn start(directory: &Path) -> (NoteWriter, NoteHandle) {
    let disk = OsDisk::new(directory.join("log")).unwrap();
    let engine = FileEngine::new(Arc::new(disk), options(16 << 10, true));
    let mut config = WriterConfig::new("journal-of-a-child", Arc::new(engine));
    let (snapshots, _) = Snapshots::open(directory.join("sled"), 1 << 20).unwrap();
    config.snapshots = Some(snapshots);
    config.compact = Some(Arc::new(Numbers));
    let (writer, handle, _) = open(config);
    (writer, handle)
}

/// Goes on where the last one died; ends by itself only when no point was hit.
#[test]
fn child() {
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    let directory = Path::new(&directory);
    let (_writer, handle) = start(directory);
    let recovery = attach(&handle, 1);
    let mut numbers = recovery.snapshot.as_ref().map_or(vec![], |it| decode_numbers(&it.1));
    numbers.extend(recovery.records.iter().map(|it| it.1.number));
    let path = directory.join("released");
    let mut released = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    let (sender, receiver) = mpsc::channel();
    for number in numbers.len() as u64..numbers.len() as u64 + 300 {
        numbers.push(number);
        let mut next = hand_over(1, recovery.token, number);
        next.effects = vec![effect(&sender, number)];
        handle.hand_over(next).unwrap();
        let (number, _) = receiver.recv_timeout(LONG).unwrap();
        writeln!(released, "{number}").unwrap();
        if number % 40 == 7 {
            let state = encode_numbers(&numbers);
            handle.snapshot(1, recovery.token, move || state).unwrap();
        }
        if number % 90 == 11 {
            handle.checkpoint(|_| {}).unwrap();
        }
    }
}

#[test]
fn a_process_that_aborts_at_a_named_point_loses_nothing_released() {
    let points = [
        "before_sync:20",
        "after_sync:33",
        "before_release:5",
        "rotation:3",
        "snapshot_write:2",
        "checkpoint_rename:1",
        "recovery:1",
        "after_sync:60",
    ];
    let directory = tempfile::tempdir().unwrap();
    for point in points {
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "torture::failpoints::child"])
            .env("LAYBOOK_FAILPOINTS", format!("{point}=abort"))
            .env(DIRECTORY, directory.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(!status.success(), "{point} was never hit");
        let (writer, handle) = start(directory.path());
        let recovery = attach(&handle, 1);
        let mut found = recovery.snapshot.as_ref().map_or(vec![], |it| decode_numbers(&it.1));
        found.extend(recovery.records.iter().map(|(_, note): &(Offset, Note)| note.number));
        let released =
            std::fs::read_to_string(directory.path().join("released")).unwrap_or_default();
        let last = released.lines().last().map_or(0, |it| it.parse::<u64>().unwrap() + 1);
        assert!(found.len() as u64 >= last, "{point}: {} of {last}", found.len());
        assert!(found.iter().copied().eq(0..found.len() as u64), "{point}: {found:?}");
        assert!(writer.stop(LONG));
    }
}
