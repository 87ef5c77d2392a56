//! A recording as a stream of its own: every message as it was recorded, at its own time.
//!
//! Owns     the place in the file of one who follows it, from its beginning at the speed that was asked for.
//! Never    matches, rounds or leaves anything out: what a client makes of it is what it makes of the file.

use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use domain::time::UtcMillis;
use serde_json::Value;

use crate::recording::{LINE_BYTES_MAX, lines};

/// Which recording, and how many times faster than it was recorded.
#[derive(Debug, Clone)]
pub struct TapeFile {
    /// Plain, gzip or bzip2.
    pub path: PathBuf,
    /// Infinite: as fast as it is read.
    pub speed: f64,
}

/// One message of a recording.
pub(super) struct Message {
    pub(super) at: UtcMillis,
    /// The rows of its markets.
    pub(super) rows: Vec<Bytes>,
}

/// A recording that is being followed.
pub(super) struct Tape {
    lines: Box<dyn BufRead + Send>,
    speed: f64,
    /// The first message's time, and when it was given.
    began: Option<(UtcMillis, Instant)>,
    next: Option<Message>,
    pub(super) number: u64,
}

impl Tape {
    pub(super) fn open(file: &TapeFile) -> std::io::Result<Tape> {
        let lines = lines(Path::new(&file.path))?;
        Ok(Tape { lines, speed: file.speed, began: None, next: None, number: 0 })
    }

    /// When the next message is to be told; `None` at the end of the file.
    pub(super) fn due(&mut self, now: Instant) -> Option<Instant> {
        if self.next.is_none() {
            self.next = self.read();
        }
        let next = self.next.as_ref()?;
        let Some((first, began)) = self.began else { return Some(now) };
        let ms = next.at.since_ms(first).max(0) as f64 / self.speed;
        Some(began + Duration::from_secs_f64((ms / 1_000.0).min(1e9)))
    }

    /// The message that is due.
    pub(super) fn take(&mut self, now: Instant) -> Option<Message> {
        let message = self.next.take()?;
        self.began.get_or_insert((message.at, now));
        self.number += 1;
        Some(message)
    }

    /// The next line that holds a change of a market; damage is the end.
    fn read(&mut self) -> Option<Message> {
        let mut line = Vec::new();
        loop {
            line.clear();
            let mut bounded = std::io::Read::take(&mut self.lines, LINE_BYTES_MAX);
            match bounded.read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "the recording breaks off");
                    return None;
                }
            }
            let Ok(read) = serde_json::from_slice::<Value>(&line) else { continue };
            let (Some(at), Some(rows)) = (read["pt"].as_i64(), read["mc"].as_array()) else {
                continue;
            };
            let rows = rows.iter().map(|row| Bytes::from(row.to_string())).collect();
            return Some(Message { at: UtcMillis(at), rows });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_at_their_own_times() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tape");
        let text = "{\"op\":\"mcm\",\"pt\":1000,\"mc\":[{\"id\":\"1.2\"}]}\n\nnoise\n\
                    {\"op\":\"mcm\",\"pt\":3000,\"mc\":[{\"id\":\"1.2\"},{\"id\":\"1.3\"}]}\n";
        std::fs::write(&path, text).unwrap();
        let mut tape = Tape::open(&TapeFile { path, speed: 2.0 }).unwrap();
        let now = Instant::now();
        assert_eq!(tape.due(now), Some(now));
        assert_eq!(tape.take(now).unwrap().at, UtcMillis(1_000));
        assert_eq!(tape.due(now), Some(now + Duration::from_secs(1)));
        assert_eq!(tape.take(now).unwrap().rows.len(), 2);
        assert_eq!(tape.due(now), None);
    }
}
