//! Goal: whatever happens to the disk, the process or the owner, every released record is there
//! after reopening with the same offset, what survives is a prefix of what was accepted, no effect
//! was released for what is lost, effects come in order, and an attaching entity sees everything it
//! ever handed over. Method: seeded lives of a real writer thread over the simulated disk against a
//! model of what was accepted.

use super::note::{Note, Numbers, decode_numbers, encode_numbers};
use super::scene::{LONG, NoteHandle, NoteWriter, Scene, effect, options};
use crate::entry::{Offset, Token};
use crate::error::OpenError;
use crate::keeper::{Recovery, RecoveryError};
use crate::seeded::Seeded;
use crate::snapshots::Snapshots;
use crate::writer::{HandOver, Ready, Writer};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

const KEYS: u32 = 4;

struct Model {
    seed: u64,
    luck: Seeded,
    scene: Scene,
    snapshots: Option<(Snapshots, tempfile::TempDir)>,
    /// By offset, from 1; handed over with a good token.
    accepted: Vec<Note>,
    released_max: u64,
    next_number: u64,
    crashes: u64,
}

type Answer = Result<Recovery<Note>, RecoveryError>;

impl Model {
    fn new(seed: u64) -> Self {
        let mut luck = Seeded::new(seed ^ 0xB0B);
        let segment_bytes = [8 << 10, 16 << 10, 64 << 10][luck.below(3) as usize];
        let options = options(segment_bytes, luck.chance(50));
        let scene = Scene { options, ..Scene::new() };
        // Sled is a real disk and slow beside the simulated one.
        let snapshots = seed.is_multiple_of(8).then(|| {
            let directory = tempfile::tempdir().unwrap();
            (Snapshots::open(directory.path(), 1 << 20).unwrap().0, directory)
        });
        Model {
            seed,
            luck,
            scene,
            snapshots,
            accepted: Vec::new(),
            released_max: 0,
            next_number: 0,
            crashes: 0,
        }
    }

    fn open(&mut self) -> (NoteWriter, NoteHandle) {
        loop {
            let mut config = self.scene.config();
            config.compact = Some(Arc::new(Numbers));
            config.cache_bytes = if self.luck.chance(50) { 0 } else { 4096 };
            config.frame_body_bytes = if self.luck.chance(50) { 256 } else { 1 << 20 };
            config.snapshots = self.snapshots.as_ref().map(|it| it.0.clone());
            let (sender, ready) = mpsc::channel();
            let (writer, handle) =
                Writer::start(config, move |it| sender.send(it).unwrap()).unwrap();
            match ready.recv_timeout(LONG).unwrap() {
                Ok(ready) => {
                    self.check_opened(&ready);
                    return (writer, handle);
                }
                Err(OpenError::Io(_)) => {
                    writer.abandon();
                    self.fall();
                }
                Err(error) => panic!("seed {}: {error}", self.seed),
            }
        }
    }

    fn check_opened(&mut self, ready: &Ready<super::note::Sum>) {
        let (seed, end) = (self.seed, ready.end.get());
        assert!(end >= self.released_max, "seed {seed}: {end} of {} released", self.released_max);
        assert!(end <= self.accepted.len() as u64, "seed {seed}: more than was ever accepted");
        self.accepted.truncate(end as usize);
        let total = self
            .accepted
            .iter()
            .fold(0u64, |total, note| total.wrapping_mul(31).wrapping_add(note.number));
        assert_eq!((ready.fold.count, ready.fold.total), (end, total), "seed {seed}: the fold");
    }

    fn numbers_of(&self, key: u32) -> Vec<u64> {
        self.accepted.iter().filter(|it| it.who == key).map(|it| it.number).collect()
    }

    /// `None` when the journal died first.
    fn attach(&self, handle: &NoteHandle, key: u32) -> Option<Token> {
        let (sender, recovered) = mpsc::channel::<Answer>();
        // An answer that comes too late finds nobody.
        handle.attach(key, move |it| drop(sender.send(it))).ok()?;
        let started = Instant::now();
        let recovery = loop {
            match recovered.recv_timeout(Duration::from_millis(5)) {
                Err(mpsc::RecvTimeoutError::Timeout) if started.elapsed() < LONG => {
                    // A journal without a spare holds what it has, and waits.
                    if !handle.writable() && self.scene.disk.is_powered_off() {
                        return None;
                    }
                }
                answer => break answer,
            }
        };
        let recovery = match recovery {
            Ok(Ok(recovery)) => recovery,
            // The disk died under the keeper.
            Ok(Err(RecoveryError::Read(crate::error::ReadError::Io(_)))) => return None,
            Ok(Err(error)) => panic!("seed {}: {error}", self.seed),
            Err(mpsc::RecvTimeoutError::Disconnected) => return None,
            Err(error) => panic!("seed {}: {error}", self.seed),
        };
        let mut numbers = recovery.snapshot.as_ref().map_or(vec![], |it| decode_numbers(&it.1));
        numbers.extend(recovery.records.iter().map(|it| it.1.number));
        assert_eq!(numbers, self.numbers_of(key), "seed {}: entity {key} attached", self.seed);
        for (offset, note) in &recovery.records {
            assert_eq!(self.accepted[offset.get() as usize - 1], *note, "seed {}", self.seed);
        }
        Some(recovery.token)
    }

    fn fall(&mut self) {
        self.crashes += 1;
        if self.luck.chance(40) {
            self.scene.disk.kill_process();
        } else {
            self.scene.disk.crash(self.luck.next_u64());
        }
    }

    fn notes(&mut self, key: u32) -> Vec<Note> {
        (0..self.luck.below(4))
            .map(|_| {
                self.next_number += 1;
                Note::padded(key, self.next_number, self.luck.below(200) as u32)
            })
            .collect()
    }

    fn life(&mut self) {
        let (writer, handle) = self.open();
        let (sender, released) = mpsc::channel();
        let mut promised: Vec<(u64, Offset)> = Vec::new();
        let mut tokens = vec![None; KEYS as usize];
        let mut stale = Vec::new();
        let disk = self.scene.disk.clone();
        for _ in 0..10 + self.luck.below(120) {
            let key = self.luck.below(KEYS.into()) as u32;
            let Some(token) = tokens[key as usize] else {
                tokens[key as usize] = self.attach(&handle, key);
                continue;
            };
            match self.luck.below(80) {
                0 => disk.fail_sync(1 + self.luck.below(3), self.luck.next_u64()),
                1 if self.luck.chance(50) => disk.power_off_after(self.luck.below(30)),
                2..=5 => {
                    stale.push((key, token));
                    tokens[key as usize] = self.attach(&handle, key);
                }
                6 => _ = handle.checkpoint(|_| {}),
                7..=9 => {
                    let state = self.numbers_of(key);
                    _ = handle.snapshot(key, token, move || encode_numbers(&state));
                }
                10 => {
                    _ = handle.retire(key, token, |_| {});
                    stale.push((key, token));
                    tokens[key as usize] = None;
                }
                11..=13 => {
                    if let Some(&(key, token)) = stale.last() {
                        let records = vec![Note::new(key, u64::MAX - 1)];
                        let effects = vec![effect(&sender, u64::MAX)];
                        _ = handle.hand_over(HandOver { key, token, records, effects });
                    }
                }
                14 => {
                    // Bounded: the disk may be full or off.
                    let all = Offset::new(self.accepted.len() as u64);
                    handle.wait_released(all, Duration::from_millis(2));
                }
                _ => {
                    let records = self.notes(key);
                    let id = promised.len() as u64;
                    let effects = vec![effect(&sender, id)];
                    let given = HandOver { key, token, records: records.clone(), effects };
                    if handle.hand_over(given).is_ok() {
                        self.accepted.extend(records);
                        promised.push((id, Offset::new(self.accepted.len() as u64)));
                    }
                }
            }
        }
        drop(sender);
        self.end(writer, handle);
        let seen: Vec<_> = released.iter().collect();
        assert_eq!(seen, promised[..seen.len()], "seed {}: effects", self.seed);
        let through = seen.last().map_or(0, |it| it.1.get());
        self.released_max = self.released_max.max(through);
    }

    fn end(&mut self, writer: NoteWriter, handle: NoteHandle) {
        let disk = &self.scene.disk;
        disk.set_capacity(None);
        match self.luck.below(4) {
            0 => {
                // Not for long: the power may go while it stops.
                let patience = Duration::from_millis(30);
                writer.stop(patience);
            }
            1 => {
                self.fall();
                writer.abandon();
            }
            _ => {
                writer.abandon();
                self.fall();
            }
        }
        self.released_max = self.released_max.max(handle.released().get());
    }
}

#[test]
fn nothing_released_is_lost_and_nothing_lost_was_released() {
    let (mut crashes, mut records) = (0, 0);
    for seed in 0..320 {
        let mut model = Model::new(seed);
        for _ in 0..2 + model.luck.below(3) {
            model.life();
        }
        model.scene.disk.crash(seed);
        let (writer, handle) = model.open();
        for key in 0..KEYS {
            assert!(model.attach(&handle, key).is_some(), "seed {seed}");
        }
        assert!(writer.stop(LONG));
        crashes += model.crashes;
        records += model.accepted.len();
    }
    assert!(crashes > 300 && records > 10_000, "{crashes} crashes, {records} records");
}
