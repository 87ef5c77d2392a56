//! One directory of files, as small as the journal needs it.
//!
//! Owns the border to the operating system: the real directory is [`OsDisk`], the one that crashes
//! on demand is [`crate::sim_disk::SimDisk`]. Never retries, never hides an error, never creates a
//! file that grows by appends on the hot path: a growing file has write tails up to 100 ms, a
//! preallocated one syncs in 25-45 µs.

use std::any::Any;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Held as long as the directory is ours; released by dropping it.
pub type DirectoryLock = Box<dyn Any + Send>;

/// A directory without subdirectories. Names are plain file names.
pub trait Disk: Send + Sync + 'static {
    /// A new file of `bytes` written zeros, synced, under a name that is not taken. Its directory
    /// entry is not synced.
    fn create(&self, name: &str, bytes: u64) -> io::Result<Box<dyn DiskFile>>;
    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;
    /// Replaces `to` if it is there. Durable after `sync_directory`.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    fn remove(&self, name: &str) -> io::Result<()>;
    fn list(&self) -> io::Result<Vec<String>>;
    fn sync_directory(&self) -> io::Result<()>;
    /// `None` when another process (or another lock of this one) holds it.
    fn lock(&self) -> io::Result<Option<DirectoryLock>>;
    /// Names the directory within this process, whichever path led to it.
    fn identity(&self) -> String;
}

/// An open file. Reads and writes are positional, so one handle serves any thread.
pub trait DiskFile: Send + Sync {
    fn write_at(&self, position: u64, bytes: &[u8]) -> io::Result<()>;
    /// Fills `bytes` or fails with `UnexpectedEof`.
    fn read_at(&self, position: u64, bytes: &mut [u8]) -> io::Result<()>;
    /// After `Ok` what was written before survives a power cut. After `Err` nothing is known of the
    /// pages, and a second sync proves nothing.
    fn sync(&self) -> io::Result<()>;
    fn len(&self) -> io::Result<u64>;
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
}

/// A directory of the operating system.
#[derive(Debug)]
pub struct OsDisk {
    directory: PathBuf,
}

/// The file that carries the lock; its content means nothing.
const LOCK_FILE: &str = "lock";
const ZERO_CHUNK_BYTES: usize = 1 << 20;

impl OsDisk {
    /// Creates the directory if it is not there.
    pub fn new(directory: impl AsRef<Path>) -> io::Result<Self> {
        fs::create_dir_all(&directory)?;
        Ok(OsDisk { directory: directory.as_ref().canonicalize()? })
    }

    /// A directory that must be there already.
    pub fn existing(directory: impl AsRef<Path>) -> io::Result<Self> {
        Ok(OsDisk { directory: directory.as_ref().canonicalize()? })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

impl Disk for OsDisk {
    fn create(&self, name: &str, bytes: u64) -> io::Result<Box<dyn DiskFile>> {
        let file =
            OpenOptions::new().read(true).write(true).create_new(true).open(self.path(name))?;
        let zeros = vec![0; ZERO_CHUNK_BYTES.min(bytes as usize)];
        let mut position = 0;
        while position < bytes {
            let step = (bytes - position).min(ZERO_CHUNK_BYTES as u64);
            file.write_all_at(&zeros[..step as usize], position)?;
            position += step;
        }
        file.sync_all()?;
        Ok(Box::new(OsFile(file)))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        // Read-only media can still be verified; writing to such a handle fails as it should.
        let both = OpenOptions::new().read(true).write(true).open(self.path(name));
        let file = match both {
            Err(error) if is_read_only(&error) => File::open(self.path(name))?,
            other => other?,
        };
        Ok(Box::new(OsFile(file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    fn sync_directory(&self) -> io::Result<()> {
        File::open(&self.directory)?.sync_all()
    }

    fn lock(&self) -> io::Result<Option<DirectoryLock>> {
        let path = self.path(LOCK_FILE);
        let both = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = match both {
            Err(error) if is_read_only(&error) => File::open(&path)?,
            other => other?,
        };
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn identity(&self) -> String {
        self.directory.to_string_lossy().into_owned()
    }
}

fn is_read_only(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

struct OsFile(File);

impl DiskFile for OsFile {
    fn write_at(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, position)
    }

    fn read_at(&self, position: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(bytes, position)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_created_file_is_zeros_and_a_rename_replaces() {
        let directory = tempfile::tempdir().unwrap();
        let disk = OsDisk::new(directory.path()).unwrap();
        let file = disk.create("a.tmp", 3_000_000).unwrap();
        file.write_at(5, b"laybook").unwrap();
        file.sync().unwrap();
        disk.rename("a.tmp", "a").unwrap();
        disk.sync_directory().unwrap();
        assert_eq!(disk.list().unwrap(), ["a"]);
        let again = disk.open("a").unwrap();
        let mut bytes = [1; 13];
        again.read_at(0, &mut bytes).unwrap();
        assert_eq!(&bytes, b"\0\0\0\0\0laybook\0");
        assert_eq!(again.len().unwrap(), 3_000_000);
        assert!(again.read_at(2_999_999, &mut bytes).is_err());
    }

    #[test]
    fn a_directory_has_one_owner_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let disk = OsDisk::new(directory.path()).unwrap();
        let lock = disk.lock().unwrap().expect("nobody else holds it");
        assert!(OsDisk::new(directory.path()).unwrap().lock().unwrap().is_none());
        drop(lock);
        assert!(disk.lock().unwrap().is_some());
    }
}
