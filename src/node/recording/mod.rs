//! Recorded Betfair stream files: one `mcm` message a line, read as typed changes of one market.
//!
//! Owns     the file's words and numbers. Files may be plain, gzip or bzip2, told by their first bytes; what
//!          is damaged is an error that names the line.
//! Never    rounds: prices are hundredths, sizes halves of a penny, and what is finer is an error.
//! Bounds   [`LINE_BYTES_MAX`] a line.
//!
//! A file of several markets is read for its first; how many messages were of others is counted.

mod words;

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use actors::replay::recorded::{Messages, RecordedMessage};

/// The longest line of a real recording, an image of 200 markets, is under 2 MB.
pub const LINE_BYTES_MAX: u64 = 16 << 20;

/// Why a recording cannot be read, or not further.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file is not there or not readable.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// The bytes break off or are damaged.
    #[error("line {line}: {reason}")]
    Bytes {
        /// The line that could not be read.
        line: u64,
        /// What the decoder said.
        reason: std::io::Error,
    },
    /// The line is not a message of a market.
    #[error("line {line}: {reason}")]
    Line {
        /// From 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no market in the file.
    #[error("{path}: holds no market")]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// A recording that is being read, message after message.
pub struct Recording {
    lines: Box<dyn BufRead + Send>,
    line: u64,
    buffer: Vec<u8>,
    market: Option<String>,
    progress: Progress,
    failed: bool,
}

/// How far a recording is read; may be looked at from anywhere.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// Of the file as it is stored.
    pub bytes: u64,
    read: Arc<AtomicU64>,
    others: Arc<AtomicU64>,
}

impl Progress {
    /// Bytes of the file that were read.
    pub fn read(&self) -> u64 {
        self.read.load(Relaxed)
    }

    /// Changes of other markets, left out.
    pub fn others(&self) -> u64 {
        self.others.load(Relaxed)
    }
}

/// The lines of a file, unpacked and not looked at.
pub fn lines(path: &Path) -> std::io::Result<Box<dyn BufRead + Send>> {
    unpacked(File::open(path)?)
}

fn unpacked(bytes: impl Read + Send + 'static) -> std::io::Result<Box<dyn BufRead + Send>> {
    let mut bytes = BufReader::with_capacity(64 << 10, bytes);
    Ok(match bytes.fill_buf()? {
        [0x1f, 0x8b, ..] => Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(bytes))),
        [b'B', b'Z', b'h', ..] => {
            Box::new(BufReader::new(bzip2::bufread::MultiBzDecoder::new(bytes)))
        }
        _ => Box::new(bytes),
    })
}

impl Recording {
    /// Opens a file; nothing is read but its first bytes.
    pub fn open(path: &Path) -> Result<Recording, RecordingError> {
        let refused = |reason| RecordingError::File { path: path.to_owned(), reason };
        let file = File::open(path).map_err(refused)?;
        let bytes = file.metadata().map_err(refused)?.len();
        let progress = Progress { bytes, ..Progress::default() };
        let counted = Counted { inner: file, read: progress.read.clone() };
        Recording::of(counted, progress).map_err(refused)
    }

    /// Reads from anything that bytes come from.
    pub fn from_reader(bytes: impl Read + Send + 'static) -> std::io::Result<Recording> {
        Recording::of(bytes, Progress::default())
    }

    fn of(bytes: impl Read + Send + 'static, progress: Progress) -> std::io::Result<Recording> {
        let lines = unpacked(bytes)?;
        let (buffer, market) = (Vec::new(), None);
        Ok(Recording { lines, line: 0, buffer, market, progress, failed: false })
    }

    /// How far it is read.
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// The market's id as recorded, once a message of it was read.
    pub fn market(&self) -> Option<&str> {
        self.market.as_deref()
    }

    /// The next message of the market; lines that hold none (heartbeats, empty ones) are passed over.
    fn read(&mut self) -> Result<Option<RecordedMessage>, RecordingError> {
        loop {
            self.buffer.clear();
            self.line += 1;
            let line = self.line;
            let mut bounded = (&mut self.lines).take(LINE_BYTES_MAX + 1);
            let read = bounded
                .read_until(b'\n', &mut self.buffer)
                .map_err(|reason| RecordingError::Bytes { line, reason })?;
            if read == 0 {
                return Ok(None);
            }
            if self.buffer.len() as u64 > LINE_BYTES_MAX {
                let reason = format!("is longer than {LINE_BYTES_MAX} bytes");
                return Err(RecordingError::Line { line, reason });
            }
            if self.buffer.trim_ascii().is_empty() {
                continue;
            }
            let read = words::message(&self.buffer, line, &mut self.market)
                .map_err(|reason| RecordingError::Line { line, reason })?;
            self.progress.others.fetch_add(read.others, Relaxed);
            if let Some(message) = read.message {
                return Ok(Some(message));
            }
        }
    }
}

impl Iterator for Recording {
    type Item = Result<RecordedMessage, RecordingError>;

    /// Ends after the first error: what follows damage means nothing.
    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.read().transpose();
        self.failed = matches!(next, Some(Err(_)));
        next
    }
}

impl Messages for Recording {
    fn next(&mut self) -> Option<Result<RecordedMessage, String>> {
        Some(Iterator::next(self)?.map_err(|error| error.to_string()))
    }
}

impl std::fmt::Debug for Recording {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recording").field("line", &self.line).finish_non_exhaustive()
    }
}

struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(into)?;
        self.read.fetch_add(read as u64, Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
pub(crate) mod generator;
#[cfg(test)]
mod mirrored;
#[cfg(test)]
mod tests;
