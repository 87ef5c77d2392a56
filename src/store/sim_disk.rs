//! A disk in memory that loses what was not synced.
//!
//! Owns the difference between what a program sees and what a power cut leaves. Unsynced sectors
//! (512 bytes) are kept apart: [`SimDisk::crash`] keeps, loses or mixes them by its seed; directory
//! operations that were not synced vanish from some point on. [`SimDisk::fail_sync`] makes a sync
//! fail as Linux does: the pages stay readable, are marked clean, and some of them never reach the
//! disk unless they are written again. [`SimDisk::set_capacity`] fills it up. After
//! [`SimDisk::power_off_after`] every operation fails until `crash` "reboots" it. Deterministic by
//! seed as far as its caller is. Never touches a real file.

use crate::disk::{DirectoryLock, Disk, DiskFile};
use crate::seeded::Seeded;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const SECTOR: usize = 512;

#[derive(Clone, Debug, Default)]
struct Inode {
    /// What a reader sees.
    cached: Vec<u8>,
    /// What a power cut leaves.
    durable: Vec<u8>,
    /// Sectors that a sync would write.
    dirty: BTreeSet<usize>,
}

#[derive(Clone, Debug)]
enum DirectoryOp {
    Create(String, u64),
    Rename(String, String),
    Remove(String),
}

#[derive(Debug, Default)]
struct State {
    inodes: BTreeMap<u64, Inode>,
    names: BTreeMap<String, u64>,
    durable_names: BTreeMap<String, u64>,
    unsynced: Vec<DirectoryOp>,
    next_inode: u64,
    /// Counts reboots; handles of an earlier life are dead.
    life: u64,
    locked: bool,
    powered_off: bool,
    operations_left: Option<u64>,
    syncs: u64,
    failing_syncs: BTreeMap<u64, u64>,
    capacity_bytes: Option<u64>,
}

/// See the head of this file. Clones share the one disk.
#[derive(Clone, Debug)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
    identity: u64,
    /// Set: this handle dies with the process that holds it.
    life: Option<u64>,
}

impl Default for SimDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl SimDisk {
    pub fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        SimDisk {
            state: Arc::default(),
            identity: COUNT.fetch_add(1, Ordering::Relaxed),
            life: None,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The disk as one process sees it: after the next `crash` or `kill_process` every operation
    /// through this handle fails. A test whose threads may outlive the crash must give them one, or
    /// they would go on as ghosts.
    pub fn process(&self) -> SimDisk {
        let life = Some(self.state().life);
        SimDisk { life, ..self.clone() }
    }

    /// Every operation on the directory passes here.
    fn enter(&self, changes: bool) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        if self.life.is_some_and(|life| life != state.life) {
            return Err(io::Error::other("the process is dead"));
        }
        state.step(changes)?;
        Ok(state)
    }

    /// Cuts the power (if it is not off already) and starts again: what was not synced survives
    /// only by luck, and the luck is the seed. Open handles and locks of the time before are dead.
    pub fn crash(&self, seed: u64) {
        let mut luck = Seeded::new(seed);
        let mut state = self.state();
        let kept = luck.below(state.unsynced.len() as u64 + 1) as usize;
        let unsynced = std::mem::take(&mut state.unsynced);
        let mut names = std::mem::take(&mut state.durable_names);
        for op in unsynced.into_iter().take(kept) {
            apply(&mut names, op);
        }
        let kept_percent = [0, 100, 50, 90][luck.below(4) as usize];
        for inode in state.inodes.values_mut() {
            settle(inode, &mut luck, kept_percent);
            inode.cached = inode.durable.clone();
        }
        state.names = names.clone();
        state.durable_names = names;
        let live: BTreeSet<u64> = state.names.values().copied().collect();
        state.inodes.retain(|number, _| live.contains(number));
        state.life += 1;
        state.locked = false;
        state.powered_off = false;
        state.operations_left = None;
        state.failing_syncs.clear();
    }

    /// The process dies but the machine lives: the page cache stays as it is. Handles and locks are
    /// dead.
    pub fn kill_process(&self) {
        let mut state = self.state();
        state.life += 1;
        state.locked = false;
        state.powered_off = false;
        state.operations_left = None;
    }

    /// After `operations` more writes, syncs, creates, renames and removes every operation fails.
    pub fn power_off_after(&self, operations: u64) {
        self.state().operations_left = Some(operations);
    }

    pub fn is_powered_off(&self) -> bool {
        self.state().powered_off
    }

    /// The `nth` sync of a file from now on (1 = the next) fails; its pages stay readable. `seed`
    /// says which of them reached the disk all the same.
    pub fn fail_sync(&self, nth: u64, seed: u64) {
        let mut state = self.state();
        let at = state.syncs + nth;
        state.failing_syncs.insert(at, seed);
    }

    /// How many bytes fit in all files together; `None` is no bound.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state().capacity_bytes = bytes;
    }

    /// Bytes in all files that have a name.
    pub fn used_bytes(&self) -> u64 {
        self.state().used()
    }

    /// What a reader sees of a file; for tests that damage it.
    pub fn contents(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.state();
        let inode = state.names.get(name)?;
        Some(state.inodes[inode].cached.clone())
    }

    /// Replaces a file, durably and behind everybody's back, as rot does.
    pub fn corrupt(&self, name: &str, bytes: Vec<u8>) {
        let mut state = self.state();
        let Some(number) = state.names.get(name).copied() else { return };
        let inode = Inode { cached: bytes.clone(), durable: bytes, dirty: BTreeSet::new() };
        state.inodes.insert(number, inode);
    }

    /// A disk of its own with what this one shows now, everything durable.
    pub fn fork(&self) -> SimDisk {
        let copy = SimDisk::new();
        let state = self.state();
        let mut forked = copy.state();
        forked.names = state.names.clone();
        forked.durable_names = state.names.clone();
        forked.next_inode = state.next_inode;
        for (&number, inode) in &state.inodes {
            let cached = inode.cached.clone();
            let inode = Inode { durable: cached.clone(), cached, dirty: BTreeSet::new() };
            forked.inodes.insert(number, inode);
        }
        drop(forked);
        copy
    }
}

/// Each dirty sector reaches the disk or does not; so does each piece of a file that grew.
fn settle(inode: &mut Inode, luck: &mut Seeded, kept_percent: u64) {
    for sector in std::mem::take(&mut inode.dirty) {
        if luck.chance(kept_percent) {
            flush(inode, sector);
        }
    }
}

fn flush(inode: &mut Inode, sector: usize) {
    let start = sector * SECTOR;
    let end = (start + SECTOR).min(inode.cached.len());
    if inode.durable.len() < end {
        inode.durable.resize(end, 0);
    }
    inode.durable[start..end].copy_from_slice(&inode.cached[start..end]);
}

fn apply(names: &mut BTreeMap<String, u64>, op: DirectoryOp) {
    match op {
        DirectoryOp::Create(name, inode) => {
            names.insert(name, inode);
        }
        DirectoryOp::Rename(from, to) => {
            if let Some(inode) = names.remove(&from) {
                names.insert(to, inode);
            }
        }
        DirectoryOp::Remove(name) => {
            names.remove(&name);
        }
    }
}

impl State {
    fn used(&self) -> u64 {
        self.names.values().map(|inode| self.inodes[inode].cached.len() as u64).sum()
    }

    fn room(&self) -> u64 {
        self.capacity_bytes.map_or(u64::MAX, |bytes| bytes.saturating_sub(self.used()))
    }

    /// Every operation passes here; those that change something use up the time until the power
    /// goes.
    fn step(&mut self, changes: bool) -> io::Result<()> {
        if changes && let Some(left) = &mut self.operations_left {
            if *left == 0 {
                self.powered_off = true;
            } else {
                *left -= 1;
            }
        }
        if self.powered_off { Err(io::Error::other("the power is off")) } else { Ok(()) }
    }

    fn find(&self, name: &str) -> io::Result<u64> {
        self.names.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn change_directory(&mut self, op: DirectoryOp) {
        apply(&mut self.names, op.clone());
        self.unsynced.push(op);
    }
}

impl Disk for SimDisk {
    fn create(&self, name: &str, bytes: u64) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.enter(true)?;
        if state.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let number = state.next_inode;
        state.next_inode += 1;
        let fits = bytes.min(state.room());
        let zeros = vec![0; fits as usize];
        state.inodes.insert(
            number,
            Inode { cached: zeros.clone(), durable: zeros, dirty: BTreeSet::new() },
        );
        state.change_directory(DirectoryOp::Create(name.to_owned(), number));
        if fits < bytes {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(Box::new(SimFile { disk: self.clone(), inode: number, life: state.life }))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let state = self.enter(false)?;
        let inode = state.find(name)?;
        Ok(Box::new(SimFile { disk: self.clone(), inode, life: state.life }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.enter(true)?;
        state.find(from)?;
        state.change_directory(DirectoryOp::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.enter(true)?;
        state.find(name)?;
        state.change_directory(DirectoryOp::Remove(name.to_owned()));
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let state = self.enter(false)?;
        Ok(state.names.keys().cloned().collect())
    }

    fn sync_directory(&self) -> io::Result<()> {
        let mut state = self.enter(true)?;
        state.unsynced.clear();
        state.durable_names = state.names.clone();
        Ok(())
    }

    fn lock(&self) -> io::Result<Option<DirectoryLock>> {
        let mut state = self.enter(false)?;
        if std::mem::replace(&mut state.locked, true) {
            return Ok(None);
        }
        Ok(Some(Box::new(SimLock { disk: self.clone(), life: state.life })))
    }

    fn identity(&self) -> String {
        format!("simulated disk {}", self.identity)
    }
}

struct SimLock {
    disk: SimDisk,
    life: u64,
}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        if state.life == self.life {
            state.locked = false;
        }
    }
}

struct SimFile {
    disk: SimDisk,
    inode: u64,
    life: u64,
}

impl SimFile {
    fn enter(&self, changes: bool) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.disk.state();
        if state.life != self.life {
            return Err(io::Error::other("the handle is from before the crash"));
        }
        state.step(changes)?;
        Ok(state)
    }
}

impl DiskFile for SimFile {
    fn write_at(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.enter(true)?;
        let room = state.room();
        let inode = state.inodes.get_mut(&self.inode).ok_or(io::ErrorKind::NotFound)?;
        let (start, end) = (position as usize, position as usize + bytes.len());
        let grows = end.saturating_sub(inode.cached.len()) as u64;
        if grows > room {
            return Err(io::ErrorKind::StorageFull.into());
        }
        if inode.cached.len() < end {
            inode.cached.resize(end, 0);
        }
        inode.cached[start..end].copy_from_slice(bytes);
        if !bytes.is_empty() {
            inode.dirty.extend(start / SECTOR..=(end - 1) / SECTOR);
        }
        Ok(())
    }

    fn read_at(&self, position: u64, bytes: &mut [u8]) -> io::Result<()> {
        let state = self.enter(false)?;
        let inode = state.inodes.get(&self.inode).ok_or(io::ErrorKind::NotFound)?;
        let start = position as usize;
        let found = inode.cached.get(start..start + bytes.len());
        bytes.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.enter(true)?;
        state.syncs += 1;
        let count = state.syncs;
        let failing = state.failing_syncs.remove(&count);
        let inode = state.inodes.get_mut(&self.inode).ok_or(io::ErrorKind::NotFound)?;
        if let Some(seed) = failing {
            settle(inode, &mut Seeded::new(seed), 50);
            return Err(io::Error::other("sync failed"));
        }
        for sector in std::mem::take(&mut inode.dirty) {
            flush(inode, sector);
        }
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        let state = self.enter(false)?;
        Ok(state.inodes.get(&self.inode).ok_or(io::ErrorKind::NotFound)?.cached.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(disk: &SimDisk, name: &str) -> Vec<u8> {
        disk.contents(name).unwrap()
    }

    #[test]
    fn what_was_synced_survives_and_what_was_not_is_torn_at_sectors() {
        let (mut lost, mut kept, mut torn) = (0, 0, 0);
        for seed in 0..200 {
            let disk = SimDisk::new();
            let file = disk.create("f", 2048).unwrap();
            disk.sync_directory().unwrap();
            file.write_at(0, &[1; 512]).unwrap();
            file.sync().unwrap();
            file.write_at(512, &[2; 1024]).unwrap();
            disk.crash(seed);
            let bytes = read(&disk, "f");
            assert_eq!(bytes[..512], [1; 512], "seed {seed}");
            match (bytes[512], bytes[1535]) {
                (0, 0) => lost += 1,
                (2, 2) => kept += 1,
                _ => torn += 1,
            }
            assert!(file.sync().is_err());
        }
        assert!(lost > 10 && kept > 10 && torn > 10, "{lost} {kept} {torn}");
    }

    #[test]
    fn a_failed_sync_leaves_readable_pages_that_a_second_sync_does_not_write() {
        let lost = (0..50).filter(|&seed| {
            let disk = SimDisk::new();
            let file = disk.create("f", 512).unwrap();
            disk.sync_directory().unwrap();
            file.write_at(0, &[7; 512]).unwrap();
            disk.fail_sync(1, seed);
            assert!(file.sync().is_err());
            file.sync().unwrap();
            assert_eq!(read(&disk, "f")[0], 7);
            disk.crash(seed);
            read(&disk, "f")[0] == 0
        });
        assert!(lost.count() > 10);
    }

    #[test]
    fn a_rename_that_was_not_synced_may_vanish() {
        let vanished = (0..50).filter(|&seed| {
            let disk = SimDisk::new();
            disk.create("a", 512).unwrap();
            disk.sync_directory().unwrap();
            disk.rename("a", "b").unwrap();
            disk.crash(seed);
            disk.list().unwrap() == ["a"]
        });
        assert!((10..40).contains(&vanished.count()));
    }

    #[test]
    fn a_full_disk_refuses_until_it_is_freed() {
        let disk = SimDisk::new();
        disk.set_capacity(Some(1000));
        assert!(disk.create("big", 2000).is_err());
        disk.remove("big").unwrap();
        disk.set_capacity(None);
        assert!(disk.create("big", 2000).is_ok());
    }
}
