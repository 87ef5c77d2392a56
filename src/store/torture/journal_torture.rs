//! Goal: no fault of the disk makes a journal lose, double, reorder or invent a record that was
//! reported durable. Method: seeded runs of appends, rotations, checkpoints, failed syncs, power
//! cuts, kills and full disks on the simulated disk, against a model that knows what was reported
//! durable and which one batch is in doubt.

use super::scene::options;
use crate::entry::Offset;
use crate::error::{AppendError, OpenError};
use crate::journal::contract::{Remembered, body_of};
use crate::journal::files::FileEngine;
use crate::journal::{Batch, Engine, Journal};
use crate::seeded::Seeded;
use crate::sim_disk::SimDisk;
use std::sync::Arc;

struct Model {
    seed: u64,
    luck: Seeded,
    disk: SimDisk,
    engine: FileEngine,
    /// Record by record, from offset 1.
    durable: Vec<Vec<u8>>,
    /// Offered, outcome unknown: the next owner finds all of it or nothing.
    doubtful: Vec<Vec<u8>>,
    faults: u64,
}

impl Model {
    fn new(seed: u64) -> Self {
        let mut luck = Seeded::new(seed);
        let disk = SimDisk::new();
        let segment_bytes = [4 << 10, 8 << 10, 32 << 10][luck.below(3) as usize];
        let options = options(segment_bytes, false);
        let engine = FileEngine::new(Arc::new(disk.clone()), options);
        Model { seed, luck, disk, engine, durable: Vec::new(), doubtful: Vec::new(), faults: 0 }
    }

    /// Opens the log, with the power going or syncs failing in between, and checks what it holds.
    fn open(&mut self) -> Box<dyn Journal> {
        for attempt in 0.. {
            match self.luck.below(if attempt < 4 { 6 } else { 1 }) {
                1 => self.disk.power_off_after(self.luck.below(12)),
                2 => self.disk.fail_sync(1 + self.luck.below(4), self.luck.next_u64()),
                _ => {}
            }
            let mut seen = Remembered::default();
            match self.engine.acquire(&mut seen) {
                Ok(journal) => {
                    self.check(&seen, journal.end());
                    return journal;
                }
                Err(OpenError::Io(_)) => {
                    self.faults += 1;
                    self.fall();
                }
                Err(other) => panic!("seed {}: {other}", self.seed),
            }
        }
        unreachable!("the last attempts have no faults")
    }

    fn check(&mut self, seen: &Remembered, end: Offset) {
        let seed = self.seed;
        let through = seen.through.get() as usize;
        let mut wanted = self.durable.clone();
        if end.get() as usize != wanted.len() {
            wanted.append(&mut self.doubtful);
        }
        assert_eq!(end.get() as usize, wanted.len(), "seed {seed}: the end of the log");
        let records: Vec<_> = seen.records.iter().map(|it| it.1.clone()).collect();
        assert_eq!(records, wanted[through..], "seed {seed}: records after {through}");
        let offsets = seen.records.iter().map(|it| it.0.get() as usize);
        assert!(offsets.eq(through + 1..=wanted.len()), "seed {seed}: offsets");
        if through > 0 {
            assert_eq!(seen.items, [through.to_le_bytes().to_vec()], "seed {seed}: checkpoint");
        }
        self.durable = wanted;
        self.doubtful.clear();
    }

    fn append(&mut self, journal: &mut dyn Journal) -> Result<(), AppendError> {
        if self.doubtful.is_empty() {
            for _ in 0..1 + self.luck.below(4) {
                let size = if self.luck.chance(20) { 1200 } else { 60 };
                let byte = self.luck.next_u64() as u8;
                // Zeros are what an unwritten disk looks like too.
                let byte = if self.luck.chance(30) { 0 } else { byte };
                self.doubtful.push(vec![byte; self.luck.below(size) as usize]);
            }
        }
        let parts: Vec<&[u8]> = self.doubtful.iter().map(Vec::as_slice).collect();
        let body = body_of(&parts);
        if body.len() > journal.body_bytes_max() {
            self.doubtful.clear();
            return Ok(());
        }
        let (first, records) = (journal.end().next(), parts.len() as u32);
        journal.append(Batch { first, records, body: &body })?;
        self.durable.append(&mut self.doubtful);
        Ok(())
    }

    fn checkpoint(&mut self, journal: &mut dyn Journal) {
        let reader = journal.reader();
        let through = reader.sealed();
        if through > reader.checkpoint() {
            let item = (through.get() as usize).to_le_bytes().to_vec();
            let mut items = std::iter::once(item);
            let written = reader.write_checkpoint(through, &mut items, &mut |_, _| Ok(()));
            if written.is_ok() && self.luck.chance(70) {
                // What fails here fails again, or is found at the next start.
                let _ = journal.retain();
            }
        }
    }

    /// The process or the machine goes down.
    fn fall(&mut self) {
        if self.luck.chance(40) {
            self.disk.kill_process()
        } else {
            self.disk.crash(self.luck.next_u64())
        }
    }

    fn life(&mut self) {
        let mut journal = self.open();
        for _ in 0..5 + self.luck.below(60) {
            match self.luck.below(60) {
                0 => self.disk.fail_sync(1 + self.luck.below(3), self.luck.next_u64()),
                1 => self.disk.power_off_after(self.luck.below(10)),
                2 => self.disk.set_capacity(Some(self.disk.used_bytes() + self.luck.below(4096))),
                3 | 4 => {
                    self.disk.set_capacity(None);
                    journal.idle();
                }
                5..=8 => self.checkpoint(&mut *journal),
                9 => journal.idle(),
                _ => match self.append(&mut *journal) {
                    Ok(()) => {}
                    Err(AppendError::Full) => {
                        self.faults += 1;
                        assert!(!journal.writable(), "seed {}", self.seed);
                    }
                    Err(AppendError::Io(_)) => {
                        self.faults += 1;
                        break;
                    }
                    Err(other) => panic!("seed {}: {other}", self.seed),
                },
            }
        }
        self.disk.set_capacity(None);
        if self.luck.chance(20) {
            let _ = journal.release();
        } else {
            self.fall();
            drop(journal);
        }
    }
}

#[test]
fn nothing_reported_durable_is_lost_whatever_the_disk_does() {
    let mut faults = 0;
    let mut records = 0;
    for seed in 0..400 {
        let mut model = Model::new(seed);
        for _ in 0..2 + model.luck.below(6) {
            model.life();
        }
        model.open();
        faults += model.faults;
        records += model.durable.len();
    }
    assert!(faults > 500, "the runs saw {faults} faults in {records} records");
}
