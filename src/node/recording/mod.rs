//! Recorded Betfair stream files: one message a line, read as typed changes of one market after the other's.
//!
//! Owns     the file's words and numbers. Files may be plain, gzip or bzip2, told by their first bytes; what
//!          is damaged is an error that names the line.
//! Never    rounds: prices are hundredths, sizes halves of a penny, and what is finer is an error.
//! Bounds   [`LINE_BYTES_MAX`] a line.
//!
//! A file may hold many markets, begin and end anywhere, and carry lines that are about none. [`Inventory`]
//! says what is in it; a [`Recording`] reads one market of it, from its first definition on.

mod inventory;
mod words;

pub use inventory::{Inventory, RecordedMarket};

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
    /// The line was found damaged when the file was looked over.
    #[error("{reason}")]
    Damaged {
        /// From 1.
        line: u64,
        /// What was found, with its line.
        reason: String,
    },
}

impl RecordingError {
    /// The line that could not be read.
    pub fn line(&self) -> Option<u64> {
        match self {
            RecordingError::File { .. } => None,
            RecordingError::Bytes { line, .. }
            | RecordingError::Line { line, .. }
            | RecordingError::Damaged { line, .. } => Some(*line),
        }
    }
}

/// A recording that is being read, message after message.
pub struct Recording {
    lines: Lines,
    market: String,
    /// The id as it stands in a line.
    quoted: String,
    /// Where the file is known to be damaged.
    until: Option<(u64, String)>,
    /// The market's first definition was read.
    defined: bool,
    progress: Progress,
    failed: bool,
}

/// How far a recording is read; may be looked at from anywhere.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// Of the file as it is stored.
    pub bytes: u64,
    read: Arc<AtomicU64>,
}

impl Progress {
    /// Bytes of the file that were read.
    pub fn read(&self) -> u64 {
        self.read.load(Relaxed)
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

/// The lines of a file, unpacked.
struct Lines {
    bytes: Box<dyn BufRead + Send>,
    line: u64,
    buffer: Vec<u8>,
}

impl Lines {
    fn open(path: &Path) -> Result<(Lines, Progress), RecordingError> {
        let refused = |reason| RecordingError::File { path: path.to_owned(), reason };
        let file = File::open(path).map_err(refused)?;
        let bytes = file.metadata().map_err(refused)?.len();
        let progress = Progress { bytes, ..Progress::default() };
        let counted = Counted { inner: file, read: progress.read.clone() };
        Ok((Lines::of(counted).map_err(refused)?, progress))
    }

    fn of(bytes: impl Read + Send + 'static) -> std::io::Result<Lines> {
        let bytes = unpacked(bytes)?;
        Ok(Lines { bytes, line: 0, buffer: Vec::new() })
    }

    /// On to the next line that is not empty; false behind the last.
    fn advance(&mut self) -> Result<bool, RecordingError> {
        loop {
            self.buffer.clear();
            self.line += 1;
            let line = self.line;
            let mut bounded = (&mut self.bytes).take(LINE_BYTES_MAX + 1);
            let read = bounded
                .read_until(b'\n', &mut self.buffer)
                .map_err(|reason| RecordingError::Bytes { line, reason })?;
            if read == 0 {
                return Ok(false);
            }
            if self.buffer.len() as u64 > LINE_BYTES_MAX {
                let reason = format!("is longer than {LINE_BYTES_MAX} bytes");
                return Err(RecordingError::Line { line, reason });
            }
            if !self.buffer.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }

    /// The line that it stands at.
    fn bytes(&self) -> &[u8] {
        self.buffer.trim_ascii()
    }

    fn refused(&self, reason: String) -> RecordingError {
        RecordingError::Line { line: self.line, reason }
    }
}

impl Recording {
    /// Opens a file for one of its markets; nothing is read but its first bytes.
    pub fn open(path: &Path, market: &str) -> Result<Recording, RecordingError> {
        let (lines, progress) = Lines::open(path)?;
        Ok(Recording::of(lines, progress, market))
    }

    /// Reads from anything that bytes come from.
    pub fn from_reader(
        bytes: impl Read + Send + 'static,
        market: &str,
    ) -> std::io::Result<Recording> {
        Ok(Recording::of(Lines::of(bytes)?, Progress::default(), market))
    }

    fn of(lines: Lines, progress: Progress, market: &str) -> Recording {
        Recording {
            lines,
            market: market.to_owned(),
            quoted: format!("\"{market}\""),
            defined: false,
            until: None,
            progress,
            failed: false,
        }
    }

    /// Ends with an error at the line that an [`Inventory`] found damaged, whatever market it was about.
    pub fn until(mut self, damage: Option<&RecordingError>) -> Recording {
        self.until = damage.and_then(|damage| Some((damage.line()?, damage.to_string())));
        self
    }

    /// How far it is read.
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// The next message of the market; whatever holds none is passed over, and so is what comes before its
    /// first definition: changes of ladders that nobody knows.
    fn read(&mut self) -> Result<Option<RecordedMessage>, RecordingError> {
        loop {
            if !self.lines.advance()? {
                return Ok(None);
            }
            let line = self.lines.line;
            if self.until.as_ref().is_some_and(|(damaged, _)| *damaged <= line) {
                let (line, reason) = self.until.take().unwrap_or_default();
                return Err(RecordingError::Damaged { line, reason });
            }
            // Most lines of a large file are about others: these are not taken apart.
            let text = std::str::from_utf8(self.lines.bytes());
            if text.is_ok_and(|text| !text.contains(&self.quoted)) {
                continue;
            }
            let read = words::message(self.lines.bytes(), line, &self.market);
            let read = read.map_err(|reason| self.lines.refused(reason))?;
            self.defined |= read.as_ref().is_some_and(|message| message.definition.is_some());
            if let Some(message) = read.filter(|_| self.defined) {
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
        f.debug_struct("Recording").field("line", &self.lines.line).finish_non_exhaustive()
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
