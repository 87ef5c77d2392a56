//! A directory of one test: gone when the test passed, kept and named when it failed.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

#[derive(Debug)]
pub(crate) struct Scratch {
    directory: Option<TempDir>,
}

impl Scratch {
    pub(crate) fn new(test: &str) -> Scratch {
        let directory = tempfile::Builder::new().prefix(&format!("laybook-{test}-")).tempdir();
        Scratch { directory: Some(directory.expect("the temporary directory can be written")) }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.as_ref().expect("only dropping takes it").path()
    }

    /// A node's data directory; it does not exist yet.
    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("data")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(directory) = self.directory.take()
            && std::thread::panicking()
        {
            println!("kept for who reads this failure: {}", directory.keep().display());
        }
    }
}
