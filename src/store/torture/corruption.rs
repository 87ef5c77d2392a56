//! Goal: damage to a closed log is never silent. Method: seeded flips, truncations, zeroed and
//! moved sectors in every kind of file; afterwards the log either refuses to open and names the
//! file, or holds exactly what it held.

use super::scene::options;
use crate::disk::Disk;
use crate::error::OpenError;
use crate::journal::contract::{Remembered, append};
use crate::journal::files::FileEngine;
use crate::journal::{Engine, Journal};
use crate::seeded::Seeded;
use crate::sim_disk::SimDisk;
use std::sync::Arc;

fn engine(disk: &SimDisk) -> FileEngine {
    FileEngine::new(Arc::new(disk.clone()), options(16 << 10, false))
}

/// A log of several segments, with a checkpoint behind the first of them when the seed says so.
fn closed_log(luck: &mut Seeded) -> (SimDisk, Remembered) {
    let disk = SimDisk::new();
    let mut journal = engine(&disk).acquire(&mut Remembered::default()).unwrap();
    for index in 0..60 + luck.below(60) {
        let record = vec![luck.below(256) as u8; luck.below(1500) as usize];
        append(&mut *journal, &[&record, &index.to_le_bytes()]);
        if index == 50 && luck.chance(50) {
            checkpoint(&mut *journal);
        }
    }
    journal.release().unwrap();
    let mut seen = Remembered::default();
    // A fork is verified, so the original stays as its owner left it.
    drop(engine(&disk.fork()).acquire(&mut seen).unwrap());
    (disk, seen)
}

fn checkpoint(journal: &mut dyn Journal) {
    let reader = journal.reader();
    let mut items = (0..30u8).map(|it| vec![it; 40]);
    reader.write_checkpoint(reader.sealed(), &mut items, &mut |_, _| Ok(())).unwrap();
    journal.retain().unwrap();
}

fn corrupt(bytes: &mut Vec<u8>, luck: &mut Seeded) -> &'static str {
    let at = luck.below(bytes.len() as u64) as usize;
    let sector = at / 512 * 512;
    let end = (sector + 512).min(bytes.len());
    match luck.below(5) {
        0 => {
            bytes[at] ^= 1 << luck.below(8);
            "flip"
        }
        1 => {
            bytes.truncate(at);
            "truncate"
        }
        2 => {
            bytes[sector..end].fill(0);
            "zero a sector"
        }
        3 => {
            let from = luck.below(bytes.len() as u64) as usize / 512 * 512;
            let moved = bytes[from..(from + 512).min(bytes.len())].to_vec();
            let length = moved.len().min(end - sector);
            bytes[sector..sector + length].copy_from_slice(&moved[..length]);
            "move a sector"
        }
        _ => {
            bytes[sector..].fill(0);
            "zero the rest"
        }
    }
}

#[test]
fn damage_to_a_closed_log_is_never_silent() {
    let (mut refused, mut harmless) = (0, 0);
    for seed in 0..40 {
        let mut luck = Seeded::new(seed);
        let (disk, wanted) = closed_log(&mut luck);
        let names = disk.list().unwrap();
        for _ in 0..8 {
            let damaged = disk.fork();
            let name = &names[luck.below(names.len() as u64) as usize];
            let mut bytes = damaged.contents(name).unwrap();
            let what = corrupt(&mut bytes, &mut luck);
            damaged.corrupt(name, bytes);
            let mut seen = Remembered::default();
            match engine(&damaged).acquire(&mut seen) {
                Ok(_) => {
                    assert_eq!(seen, wanted, "seed {seed}: {what} in {name} was silent");
                    harmless += 1;
                }
                Err(OpenError::Damage(_)) => refused += 1,
                Err(other) => panic!("seed {seed}: {what} in {name}: {other}"),
            }
        }
    }
    assert!(refused > 100, "{refused} refused, {harmless} harmless");
}

#[test]
fn a_missing_file_is_damage() {
    let mut luck = Seeded::new(7);
    let (disk, _) = closed_log(&mut luck);
    for name in disk.list().unwrap() {
        if name.ends_with(".tmp") {
            continue;
        }
        let damaged = disk.fork();
        damaged.remove(&name).unwrap();
        let opened = engine(&damaged).acquire(&mut Remembered::default());
        assert!(matches!(opened, Err(OpenError::Damage(_))), "{name}");
    }
}
