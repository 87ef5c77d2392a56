//! The outbox in a file of its own, kept whole: what it says is what was, before or after a crash.
//!
//! Never    stops the node: what cannot be read is put aside for people to look at, and said.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use domain::mail::Outbox;

pub(super) struct OutboxFile(PathBuf);

impl OutboxFile {
    pub(super) fn new(path: PathBuf) -> OutboxFile {
        OutboxFile(path)
    }

    pub(super) fn load(&self) -> Option<Outbox> {
        let bytes = match std::fs::read(&self.0) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
            Err(error) => return self.put_aside(&error.to_string()),
        };
        match serde_json::from_slice(&bytes) {
            Ok(outbox) => Some(outbox),
            Err(error) => self.put_aside(&error.to_string()),
        }
    }

    fn put_aside(&self, why: &str) -> Option<Outbox> {
        let aside = self.0.with_extension("damaged");
        let path = self.0.display();
        tracing::error!(%path, why, "the outbox cannot be read and is put aside: letters may be lost");
        if let Err(error) = std::fs::rename(&self.0, aside) {
            tracing::error!(%path, %error, "the outbox cannot be put aside");
        }
        None
    }

    /// It holds addresses: nobody else may read it.
    pub(super) fn keep(&self, outbox: &Outbox) -> std::io::Result<()> {
        let part = self.0.with_extension("part");
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&part)?;
        file.write_all(&serde_json::to_vec(outbox)?)?;
        file.sync_all()?;
        std::fs::rename(part, &self.0)?;
        match self.0.parent() {
            Some(directory) => std::fs::File::open(Path::new(directory))?.sync_all(),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_read_back_and_damage_is_put_aside() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("outbox.json");
        let file = OutboxFile::new(path.clone());
        assert_eq!(file.load(), None);
        file.keep(&Outbox::from(7)).unwrap();
        assert_eq!(file.load(), Some(Outbox::from(7)));
        std::fs::write(&path, b"{\"read\":").unwrap();
        assert_eq!(file.load(), None);
        assert!(path.with_extension("damaged").exists());
    }
}
