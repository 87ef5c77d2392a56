//! Goal: an entity comes back with all of its own records and none twice, wherever they stand: in
//! memory, in segments, in a snapshot, in a checkpoint, or in a log whose snapshots were lost.

use super::note::{CLOSED, Note, Numbers, decode_numbers, encode_numbers};
use super::scene::{LONG, NoteHandle, Scene, attach, hand_over, open};
use crate::disk::Disk;
use crate::entry::{Offset, Token};
use crate::error::OpenError;
use crate::keeper::Recovery;
use crate::snapshots::Snapshots;
use crate::writer::{Writer, WriterConfig};
use std::sync::{Arc, mpsc};

struct Place {
    scene: Scene,
    snapshots: Snapshots,
    _directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (snapshots, _) = Snapshots::open(directory.path(), 4 << 20).unwrap();
        Place { scene: Scene::new(), snapshots, _directory: directory }
    }

    fn config(&self, cache_bytes: usize) -> WriterConfig<Note> {
        let mut config = self.scene.config();
        config.snapshots = Some(self.snapshots.clone());
        config.compact = Some(Arc::new(Numbers));
        config.cache_bytes = cache_bytes;
        config
    }
}

/// Everything that the recovered entity knows.
fn numbers(recovery: &Recovery<Note>) -> Vec<u64> {
    let mut numbers = recovery.snapshot.as_ref().map_or(vec![], |(_, state)| decode_numbers(state));
    numbers.extend(recovery.records.iter().map(|(_, note)| note.number));
    numbers
}

fn note(handle: &NoteHandle, key: u32, token: Token, range: std::ops::Range<u64>) {
    for number in range {
        handle.hand_over(hand_over(key, token, number)).unwrap();
    }
}

/// Has the entity's snapshot written, and waits until the keeper has done it.
fn snapshot(place: &Place, handle: &NoteHandle, key: u32, token: Token, state: Vec<u64>) -> Offset {
    handle.snapshot(key, token, move || encode_numbers(&state)).unwrap();
    let (sender, asked) = mpsc::channel();
    handle.query(move |_, offset| sender.send(offset).unwrap()).unwrap();
    let offset = asked.recv_timeout(LONG).unwrap();
    // Recoveries go before snapshots, so an attach says nothing; the database does.
    let deadline = std::time::Instant::now() + LONG;
    while place.snapshots.read(&key).unwrap().is_none_or(|it| it.0 < offset) {
        assert!(std::time::Instant::now() < deadline, "the snapshot was not written");
        std::thread::yield_now();
    }
    offset
}

fn checkpoint(handle: &NoteHandle) -> Offset {
    let (sender, made) = mpsc::channel();
    handle.checkpoint(move |through| sender.send(through).unwrap()).unwrap();
    made.recv_timeout(LONG).unwrap().unwrap()
}

#[test]
fn a_snapshot_stands_for_the_records_before_it() {
    for cache_bytes in [0, 1 << 20] {
        let place = Place::new();
        let (writer, handle, _) = open(place.config(cache_bytes));
        let one = attach(&handle, 1).token;
        let two = attach(&handle, 2).token;
        note(&handle, 1, one, 0..30);
        note(&handle, 2, two, 0..5);
        let offset = snapshot(&place, &handle, 1, one, (0..30).collect());
        assert_eq!(offset, Offset::new(35));
        note(&handle, 1, one, 30..40);
        let recovery = attach(&handle, 1);
        assert_eq!(recovery.snapshot.as_ref().unwrap().0, offset);
        assert_eq!(recovery.records.len(), 10);
        assert_eq!(numbers(&recovery), (0..40).collect::<Vec<_>>());
        assert_eq!(numbers(&attach(&handle, 2)), (0..5).collect::<Vec<_>>());
        assert!(writer.stop(LONG));
        let (_writer, handle, ready) = open(place.config(cache_bytes));
        assert!(!ready.snapshots_wiped);
        let recovery = attach(&handle, 1);
        assert_eq!((recovery.records.len(), recovery.through), (10, ready.end));
        assert_eq!(numbers(&recovery), (0..40).collect::<Vec<_>>());
    }
}

#[test]
fn a_stale_entity_cannot_write_a_snapshot() {
    let place = Place::new();
    let (writer, handle, _) = open(place.config(0));
    let old = attach(&handle, 1).token;
    note(&handle, 1, old, 0..3);
    attach(&handle, 1);
    handle.snapshot(1, old, || panic!("never encoded")).unwrap();
    assert!(writer.stop(LONG));
    assert_eq!(place.snapshots.read(&1u32).unwrap(), None);
}

#[test]
fn a_snapshot_that_is_lost_while_running_costs_time_and_nothing_else() {
    for with_checkpoint in [false, true] {
        let place = Place::new();
        let (_writer, handle, _) = open(place.config(0));
        let token = attach(&handle, 1).token;
        for number in 0..300 {
            handle.hand_over(hand_over(1, token, number)).unwrap();
            assert!(handle.wait_released(Offset::new(number + 1), LONG));
        }
        if with_checkpoint {
            assert!(checkpoint(&handle) > Offset::ZERO);
        }
        snapshot(&place, &handle, 1, token, (0..300).collect());
        note(&handle, 1, token, 300..310);
        // The trim travels behind the snapshot through the queue.
        assert!(attach(&handle, 1).records.len() <= 10);
        place.snapshots.wipe("a test wants it").unwrap();
        assert_eq!(numbers(&attach(&handle, 1)), (0..310).collect::<Vec<_>>());
    }
}

#[test]
fn a_snapshot_ahead_of_the_journal_is_damage() {
    let place = Place::new();
    let (writer, handle, _) = open(place.config(0));
    let token = attach(&handle, 1).token;
    note(&handle, 1, token, 0..3);
    assert!(writer.stop(LONG));
    place.snapshots.write(&1u32, Offset::new(4), b"").unwrap();
    let (sender, opened) = mpsc::channel();
    let config = place.config(0);
    let _writer =
        Writer::<Note, super::note::Sum, super::scene::Boxed>::start(config, move |ready| {
            sender.send(ready.map(drop)).unwrap();
        });
    assert!(matches!(opened.recv_timeout(LONG).unwrap(), Err(OpenError::Damage(_))));
    assert!(place.snapshots.read(&1u32).unwrap().is_some(), "the witness is kept");
}

#[test]
fn a_checkpoint_lets_segments_go_and_entities_come_back_from_it() {
    let place = Place::new();
    let (writer, handle, _) = open(place.config(0));
    let tokens: Vec<_> = (0..4).map(|key| attach(&handle, key).token).collect();
    let mut known = vec![Vec::new(); 4];
    let mut seed = 0;
    for round in 1..=3u64 {
        for number in 0..200 {
            let key = (number % 4) as usize;
            known[key].push(round * 1000 + number);
            handle.hand_over(hand_over(key as u32, tokens[key], round * 1000 + number)).unwrap();
            // One frame each, so that segments fill.
            seed += 1;
            assert!(handle.wait_released(Offset::new(seed), LONG));
        }
        if round == 1 {
            // Older than the next checkpoint, so it must not be used any more.
            snapshot(&place, &handle, 2, tokens[2], known[2].clone());
        }
        let segments = |disk: &dyn Disk| {
            disk.list().unwrap().iter().filter(|name| name.ends_with(".log")).count()
        };
        let before = segments(&place.scene.disk);
        let through = checkpoint(&handle);
        assert!(through > Offset::new((round - 1) * 200), "{through}");
        assert!(segments(&place.scene.disk) < before);
        for key in 0..4 {
            handle.hand_over(hand_over(key as u32, tokens[key], 7)).unwrap();
            known[key].push(7);
            seed += 1;
            // Attaching would make the token stale: only look at an entity that is not used again.
        }
    }
    for (key, known) in known.iter().enumerate() {
        let recovery = attach(&handle, key as u32);
        assert_eq!(numbers(&recovery), *known, "entity {key}");
        assert!(recovery.records.len() < 60, "entity {key} read {}", recovery.records.len());
    }
    let (sender, shown) = mpsc::channel();
    handle.query(move |fold, _| sender.send(fold.clone()).unwrap()).unwrap();
    let fold = shown.recv_timeout(LONG).unwrap();
    assert!(writer.stop(LONG));
    place.scene.disk.crash(1);
    let (_writer, handle, ready) = open(place.config(0));
    assert_eq!(ready.fold, fold);
    assert_eq!(ready.end, Offset::new(seed));
    for (key, known) in known.iter().enumerate() {
        assert_eq!(numbers(&attach(&handle, key as u32)), *known, "entity {key}");
    }
}

#[test]
fn an_entity_that_needs_no_state_is_not_in_the_checkpoint() {
    let place = Place::new();
    let (_writer, handle, _) = open(place.config(0));
    let token = attach(&handle, 1).token;
    note(&handle, 1, token, 0..10);
    snapshot(&place, &handle, 1, token, (0..10).collect());
    note(&handle, 1, token, CLOSED..CLOSED);
    handle.hand_over(hand_over(1, token, CLOSED)).unwrap();
    let other = attach(&handle, 2).token;
    for number in 0..100 {
        handle.hand_over(hand_over(2, other, number)).unwrap();
        assert!(handle.wait_released(Offset::new(12 + number), LONG));
    }
    assert!(checkpoint(&handle) > Offset::new(11));
    let recovery = attach(&handle, 1);
    assert!(recovery.snapshot.is_none() && recovery.records.is_empty());
    assert_eq!(numbers(&attach(&handle, 2)).len(), 100);
}

#[test]
fn a_large_state_goes_through_a_checkpoint_in_parts() {
    let place = Place::new();
    let (writer, handle, _) = open(place.config(0));
    let token = attach(&handle, 1).token;
    let wanted: Vec<u64> = (0..60_000).collect();
    for part in wanted.chunks(50) {
        let records = part.iter().map(|&number| Note::new(1, number)).collect();
        let given = crate::writer::HandOver { key: 1, token, records, effects: vec![] };
        handle.hand_over(given).unwrap();
    }
    assert!(handle.wait_released(Offset::new(60_000), LONG));
    assert!(checkpoint(&handle) > Offset::new(50_000));
    assert_eq!(numbers(&attach(&handle, 1)), wanted);
    assert!(writer.stop(LONG));
    let (_writer, handle, _) = open(place.config(0));
    assert_eq!(numbers(&attach(&handle, 1)), wanted);
}
