//! Snapshots in sled, and the database that read models share with them: what saves time at a start, and
//! nothing more.
//!
//! Owns one sled database. Everything in it can be rebuilt from the journal and its checkpoints,
//! and it is treated so: sled 0.34 does not fsync on `flush` here, a kill while it opens can leave
//! a file that no later open gets past, and damage at its end was opened silently. So every
//! snapshot carries a CRC and its offset, half-written sled snapshots (`snap.*.generating`) are
//! deleted before opening, values stay under 128 KiB, the cache is bounded, and a database that
//! cannot be opened or reads badly is wiped and says so. Never used by the writer's thread: sled
//! may block as it likes. Whether a snapshot is ahead of the journal is for the caller to judge;
//! that is damage, not a reason to wipe.

use crate::entry::Offset;
use crate::failpoint::fail_at;
use crate::read_model::ReadModel;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{self, File, TryLockError};
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

/// Sled handles values up to this size well.
pub const VALUE_BYTES_MAX: usize = 120 << 10;
/// How long a handle that was dropped may take to let go of the file.
const PATIENCE: Duration = Duration::from_secs(1);
const TREE: &str = "snapshots";
const MANIFEST: u8 = b'm';
const CHUNK: u8 = b'c';

#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Another handle of this or another process has the database open: not a reason to wipe.
    #[error("the snapshots in {0} are in use elsewhere")]
    InUse(String),
    #[error("snapshots cannot be used: {0}")]
    Sled(#[from] sled::Error),
    #[error("snapshots cannot be used: {0}")]
    Io(#[from] io::Error),
    /// What was read is not what was written. It has been removed.
    #[error("a snapshot was bad: {0}")]
    Bad(String),
    #[error("a value of {0} bytes is over the limit")]
    TooLarge(usize),
}

struct Inner {
    path: PathBuf,
    cache_bytes: u64,
    /// `None` only after a wipe or a reopening that failed.
    database: RwLock<Option<sled::Db>>,
    bad_reads: AtomicU64,
}

/// A handle; clones share the database.
#[derive(Clone)]
pub struct Snapshots(Arc<Inner>);

/// What a manifest says, in its 36 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Manifest {
    offset: u64,
    generation: u64,
    length: u64,
    chunks: u32,
    crc: u32,
}

impl Manifest {
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(36);
        for number in [self.offset, self.generation, self.length] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&self.chunks.to_le_bytes());
        out.extend_from_slice(&self.crc.to_le_bytes());
        let own = crc32fast::hash(&out);
        out.extend_from_slice(&own.to_le_bytes());
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (content, own) = bytes.split_last_chunk::<4>()?;
        if content.len() != 32 || crc32fast::hash(content) != u32::from_le_bytes(*own) {
            return None;
        }
        let long = |at: usize| Some(u64::from_le_bytes(content[at..at + 8].try_into().ok()?));
        let short = |at: usize| Some(u32::from_le_bytes(content[at..at + 4].try_into().ok()?));
        Some(Manifest {
            offset: long(0)?,
            generation: long(8)?,
            length: long(16)?,
            chunks: short(24)?,
            crc: short(28)?,
        })
    }
}

fn key_bytes<K: Serialize>(prefix: u8, key: &K) -> Result<Vec<u8>, SnapshotError> {
    let mut bytes = vec![prefix];
    rmp_serde::encode::write(&mut bytes, key)
        .map_err(|error| SnapshotError::Bad(format!("the key cannot be written: {error}")))?;
    Ok(bytes)
}

fn chunk_key(key: &[u8], generation: u64, chunk: u32) -> Vec<u8> {
    let mut bytes = key.to_vec();
    bytes[0] = CHUNK;
    bytes.extend_from_slice(&generation.to_be_bytes());
    bytes.extend_from_slice(&chunk.to_be_bytes());
    bytes
}

impl Snapshots {
    /// Opens the database, or wipes it and says why.
    pub fn open(
        path: impl AsRef<Path>,
        cache_bytes: u64,
    ) -> Result<(Self, Option<String>), SnapshotError> {
        let path = path.as_ref().to_path_buf();
        fs::create_dir_all(&path)?;
        wait_free(&path)?;
        let (database, wiped) = match open_database(&path, cache_bytes) {
            Ok(database) => (database, None),
            Err(error @ SnapshotError::InUse(_)) => return Err(error),
            Err(error) => {
                let why = error.to_string();
                tracing::warn!(why, "snapshots are wiped and will be rebuilt");
                wait_free(&path)?;
                fs::remove_dir_all(&path)?;
                fs::create_dir_all(&path)?;
                (open_database(&path, cache_bytes)?, Some(why))
            }
        };
        let inner = Inner {
            path,
            cache_bytes,
            database: RwLock::new(Some(database)),
            bad_reads: AtomicU64::new(0),
        };
        Ok((Snapshots(Arc::new(inner)), wiped))
    }

    pub(crate) fn database(&self) -> RwLockReadGuard<'_, Option<sled::Db>> {
        self.0.database.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` on a tree. Sled may panic on bad files; that is an error here.
    pub(crate) fn with<T>(
        &self,
        tree: &str,
        work: impl FnOnce(&sled::Tree) -> Result<T, SnapshotError>,
    ) -> Result<T, SnapshotError> {
        let database = self.database();
        let Some(database) = database.as_ref() else {
            return Err(io::Error::other("the database is closed").into());
        };
        let work = AssertUnwindSafe(|| work(&database.open_tree(tree)?));
        panic::catch_unwind(work)
            .unwrap_or_else(|_| Err(SnapshotError::Bad("the database panicked".into())))
    }

    /// Throws everything away and starts empty; for when reads are bad.
    pub fn wipe(&self, why: &str) -> Result<(), SnapshotError> {
        self.restart(Some(why))
    }

    /// Closes and opens the database: it latches I/O errors, e.g. those of a disk that was full.
    pub fn reopen(&self) -> Result<(), SnapshotError> {
        self.restart(None)
    }

    fn restart(&self, wipe: Option<&str>) -> Result<(), SnapshotError> {
        let mut database = self.0.database.write().unwrap_or_else(PoisonError::into_inner);
        *database = None;
        wait_free(&self.0.path)?;
        if let Some(why) = wipe {
            tracing::warn!(why, "snapshots are wiped and will be rebuilt");
            fs::remove_dir_all(&self.0.path)?;
            fs::create_dir_all(&self.0.path)?;
        }
        *database = Some(open_database(&self.0.path, self.0.cache_bytes)?);
        Ok(())
    }

    /// How many snapshots were found to be bad since the start.
    pub fn bad_reads(&self) -> u64 {
        self.0.bad_reads.load(Ordering::Relaxed)
    }

    /// Every key that has a snapshot, with the offset that it goes through.
    pub fn list<K: DeserializeOwned>(&self) -> Result<Vec<(K, Offset)>, SnapshotError> {
        self.with(TREE, |tree| {
            let mut found = Vec::new();
            for entry in tree.scan_prefix([MANIFEST]) {
                let (key, value) = entry?;
                let bad = || SnapshotError::Bad("a manifest cannot be read".into());
                let key = rmp_serde::from_slice(&key[1..]).map_err(|_| bad())?;
                found.push((key, Offset::new(Manifest::decode(&value).ok_or_else(bad)?.offset)));
            }
            Ok(found)
        })
    }

    /// The key's snapshot. A bad one is removed, counted and reported as `Bad`: the journal has the
    /// same state.
    pub fn read<K: Serialize>(&self, key: &K) -> Result<Option<(Offset, Vec<u8>)>, SnapshotError> {
        let name = key_bytes(MANIFEST, key)?;
        let read = self.with(TREE, |tree| read_snapshot(tree, &name));
        if let Err(SnapshotError::Bad(_)) = &read {
            self.0.bad_reads.fetch_add(1, Ordering::Relaxed);
            self.with(TREE, |tree| Ok(tree.remove(&name)?))?;
        }
        read
    }

    /// Replaces the key's snapshot. `offset` must be durable in the journal already.
    pub fn write<K: Serialize>(
        &self,
        key: &K,
        offset: Offset,
        bytes: &[u8],
    ) -> Result<(), SnapshotError> {
        let name = key_bytes(MANIFEST, key)?;
        self.with(TREE, |tree| {
            let old = tree.get(&name)?.and_then(|value| Manifest::decode(&value));
            let manifest = Manifest {
                offset: offset.get(),
                generation: old.map_or(0, |old| old.generation + 1),
                length: bytes.len() as u64,
                chunks: bytes.len().div_ceil(VALUE_BYTES_MAX) as u32,
                crc: crc32fast::hash(bytes),
            };
            let mut batch = sled::Batch::default();
            for (number, chunk) in (0..).zip(bytes.chunks(VALUE_BYTES_MAX)) {
                batch.insert(chunk_key(&name, manifest.generation, number), chunk);
            }
            fail_at("snapshot_write");
            batch.insert(name.as_slice(), manifest.encode());
            for number in 0..old.map_or(0, |old| old.chunks) {
                batch.remove(chunk_key(&name, manifest.generation - 1, number));
            }
            Ok(tree.apply_batch(batch)?)
        })
    }

    /// Forgets the key.
    pub fn remove<K: Serialize>(&self, key: &K) -> Result<(), SnapshotError> {
        let name = key_bytes(MANIFEST, key)?;
        self.with(TREE, |tree| {
            let mut batch = sled::Batch::default();
            if let Some(old) = tree.get(&name)?.and_then(|value| Manifest::decode(&value)) {
                (0..old.chunks).for_each(|it| batch.remove(chunk_key(&name, old.generation, it)));
            }
            batch.remove(name.as_slice());
            Ok(tree.apply_batch(batch)?)
        })
    }

    /// A read model by its name; it is there from its first write on.
    pub fn read_model(&self, name: &str) -> ReadModel {
        ReadModel::new(self.clone(), name)
    }

    /// Hands everything to the operating system.
    pub fn flush(&self) -> Result<(), SnapshotError> {
        self.with(TREE, |tree| Ok(tree.flush().map(drop)?))
    }
}

fn read_snapshot(
    tree: &sled::Tree,
    name: &[u8],
) -> Result<Option<(Offset, Vec<u8>)>, SnapshotError> {
    let Some(value) = tree.get(name)? else { return Ok(None) };
    let bad = |why: &str| SnapshotError::Bad(why.into());
    let manifest = Manifest::decode(&value).ok_or_else(|| bad("the manifest was changed"))?;
    let mut bytes = Vec::new();
    for number in 0..manifest.chunks {
        let chunk = tree.get(chunk_key(name, manifest.generation, number))?;
        bytes.extend_from_slice(&chunk.ok_or_else(|| bad("a chunk is missing"))?);
    }
    if bytes.len() as u64 != manifest.length || crc32fast::hash(&bytes) != manifest.crc {
        return Err(bad("its bytes were changed"));
    }
    Ok(Some((Offset::new(manifest.offset), bytes)))
}

/// Sled lets go of its file some time after it was dropped, on a thread of its own.
fn wait_free(path: &Path) -> Result<(), SnapshotError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match File::open(path.join("db")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error.into()),
            Ok(file) => match file.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::Error(error)) => return Err(error.into()),
                Err(TryLockError::WouldBlock) if Instant::now() >= deadline => {
                    return Err(SnapshotError::InUse(path.to_string_lossy().into_owned()));
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(2)),
            },
        }
    }
}

fn open_database(path: &Path, cache_bytes: u64) -> Result<sled::Db, SnapshotError> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(entry.path())?;
        }
    }
    let config =
        sled::Config::new().path(path).cache_capacity(cache_bytes).flush_every_ms(Some(500));
    match panic::catch_unwind(AssertUnwindSafe(|| config.open())) {
        Ok(Ok(database)) => Ok(database),
        Ok(Err(sled::Error::Io(error))) if error.to_string().contains("could not acquire lock") => {
            Err(SnapshotError::InUse(path.to_string_lossy().into_owned()))
        }
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(SnapshotError::Bad("the database panicked while it was opened".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CACHE: u64 = 4 << 20;

    fn open(path: &Path) -> (Snapshots, Option<String>) {
        Snapshots::open(path, CACHE).unwrap()
    }

    #[test]
    fn a_snapshot_of_any_size_reads_back_after_reopening() {
        let directory = tempfile::tempdir().unwrap();
        let (snapshots, wiped) = open(directory.path());
        assert_eq!(wiped, None);
        for (key, bytes) in [(1u32, 0usize), (2, 10), (3, VALUE_BYTES_MAX), (4, 1 << 20)] {
            snapshots.write(&key, Offset::new(5), &vec![1; bytes + 3]).unwrap();
            snapshots.write(&key, Offset::new(9), &vec![key as u8; bytes]).unwrap();
        }
        snapshots.remove(&2u32).unwrap();
        snapshots.reopen().unwrap();
        let mut keys = snapshots.list::<u32>().unwrap();
        keys.sort();
        assert_eq!(keys, [1, 3, 4].map(|key| (key, Offset::new(9))));
        assert_eq!(snapshots.read(&4u32).unwrap(), Some((Offset::new(9), vec![4; 1 << 20])));
        assert_eq!(snapshots.read(&2u32).unwrap(), None);
        let left = snapshots.with(TREE, |tree| Ok(tree.len())).unwrap();
        assert_eq!(left, 3 + 1 + 9, "old chunks are gone");
    }

    #[test]
    fn a_changed_snapshot_is_noticed_removed_and_counted() {
        let directory = tempfile::tempdir().unwrap();
        let (snapshots, _) = open(directory.path());
        snapshots.write(&7u32, Offset::new(1), b"state").unwrap();
        let name = key_bytes(MANIFEST, &7u32).unwrap();
        let change =
            |tree: &sled::Tree| Ok(tree.insert(chunk_key(&name, 0, 0), b"stale").map(drop)?);
        snapshots.with(TREE, change).unwrap();
        assert!(matches!(snapshots.read(&7u32), Err(SnapshotError::Bad(_))));
        assert_eq!(snapshots.bad_reads(), 1);
        assert_eq!(snapshots.read(&7u32).unwrap(), None);
    }

    #[test]
    fn a_database_that_cannot_be_opened_is_wiped_and_says_so() {
        let directory = tempfile::tempdir().unwrap();
        let (snapshots, _) = open(directory.path());
        snapshots.write(&7u32, Offset::new(1), b"state").unwrap();
        drop(snapshots);
        fs::write(directory.path().join("conf"), b"not a configuration of sled").unwrap();
        fs::write(directory.path().join("snap.0000.generating"), b"half").unwrap();
        let (snapshots, wiped) = open(directory.path());
        assert!(wiped.is_some());
        assert_eq!(snapshots.read(&7u32).unwrap(), None);
        snapshots.write(&7u32, Offset::new(1), b"state").unwrap();
        assert!(snapshots.read(&7u32).unwrap().is_some());
    }

    #[test]
    fn a_database_that_is_in_use_is_not_wiped() {
        let directory = tempfile::tempdir().unwrap();
        let (snapshots, _) = open(directory.path());
        snapshots.write(&7u32, Offset::new(1), b"state").unwrap();
        let second = Snapshots::open(directory.path(), CACHE);
        assert!(matches!(second, Err(SnapshotError::InUse(_))));
        assert!(snapshots.read(&7u32).unwrap().is_some());
    }
}
