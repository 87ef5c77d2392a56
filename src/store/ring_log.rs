//! A bounded log that nothing rests on: what was seen, kept for people to read after a restart.
//!
//! Owns segments in the journal's frame format in a directory of their own, of which the oldest is dropped when one too
//! many would be made. Never keeps its owner from starting: what reads badly is told and stepped over, and the log goes
//! on behind it. Appends do not wait for the disk; what was not synced may be gone after a power cut, and only then.
//!
//! Many frames may be unsynced here, so a power cut can leave holes with good frames behind them: in the segment that
//! was being written, everything from the first hole or bad block on is cut. Holes in older segments are damage.

use crate::disk::{Disk, DiskFile};
use crate::entry::{Epoch, Offset};
use crate::error::Damage;
use crate::frame::{self, BLOCK, Block, Hash, Header, Kind};
use crate::journal::segment;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub struct RingOptions {
    /// A multiple of 512, at least 2048.
    pub segment_bytes: u64,
    pub segments_max: usize,
}

impl Default for RingOptions {
    fn default() -> Self {
        RingOptions { segment_bytes: 1 << 20, segments_max: 8 }
    }
}

pub struct RingLog {
    disk: Arc<dyn Disk>,
    options: RingOptions,
    /// Numbers of the segments that are there, oldest first.
    segments: VecDeque<u64>,
    newest: u64,
    /// What is being written; `None` before the first segment and after a failure.
    file: Option<Box<dyn DiskFile>>,
    /// Where the next frame starts, and how many blocks frames may take.
    block: u32,
    capacity_blocks: u32,
    previous: Hash,
    epoch: Epoch,
    unsynced: bool,
    buffer: Vec<u8>,
}

/// What was found besides what reads well.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// The end of the newest segment had holes, as a power cut leaves them, and was cut there.
    pub torn: Option<Damage>,
    pub damage: Vec<Damage>,
}

/// How the frames of one segment end.
enum End {
    Clean,
    /// Something is missing.
    Torn(Damage),
    /// Something was changed.
    Bad(Damage),
}

impl RingLog {
    /// Reads every record that is there, oldest first, and makes the log ready to go on.
    pub fn open(
        disk: Arc<dyn Disk>,
        options: RingOptions,
        mut read: impl FnMut(&[u8]),
    ) -> io::Result<(Self, Findings)> {
        let names = disk.list()?;
        for name in names.iter().filter(|name| name.ends_with(".tmp")) {
            disk.remove(name)?;
        }
        let mut numbers: Vec<u64> = names.iter().filter_map(|name| segment::number(name)).collect();
        numbers.sort_unstable();
        let mut log = RingLog {
            disk,
            options,
            newest: numbers.last().copied().unwrap_or(0),
            segments: numbers.iter().copied().collect(),
            file: None,
            block: 0,
            capacity_blocks: 0,
            previous: Hash::default(),
            epoch: Epoch::new(1),
            unsynced: false,
            buffer: Vec::new(),
        };
        let mut findings = Findings::default();
        for number in numbers {
            if let Err(error) = log.take_up(number, &mut read, &mut findings) {
                findings.damage.push(Damage::new(&segment::name(number), 0, error.to_string()));
            }
        }
        Ok((log, findings))
    }

    /// Reads a segment; the newest is made ready for more.
    fn take_up(
        &mut self,
        number: u64,
        read: &mut impl FnMut(&[u8]),
        findings: &mut Findings,
    ) -> io::Result<()> {
        let name = segment::name(number);
        let file = self.disk.open(&name)?;
        let bytes = match segment::load(&*file, number)? {
            Ok(bytes) => bytes,
            Err(damage) => {
                findings.damage.push(damage);
                return Ok(());
            }
        };
        let end = self.walk(number, &bytes, read);
        let newest = number == self.newest;
        let clean = match end {
            End::Clean => true,
            End::Torn(hole) if newest => {
                findings.torn = Some(hole);
                false
            }
            End::Torn(damage) | End::Bad(damage) => {
                findings.damage.push(damage);
                false
            }
        };
        if newest {
            let from = self.block as usize * BLOCK;
            if !clean {
                file.write_at(from as u64, &vec![0; bytes.len() - from])?;
                file.sync()?;
            }
            self.capacity_blocks = (bytes.len() / BLOCK) as u32;
            self.file = Some(file);
        }
        Ok(())
    }

    /// Reads frames up to the first that is not whole; `self.block` is where it would be.
    fn walk(&mut self, number: u64, bytes: &[u8], read: &mut impl FnMut(&[u8])) -> End {
        let blocks = (bytes.len() / BLOCK) as u32;
        let look = |at: u32, index: u32| {
            let start = at as usize * BLOCK;
            frame::classify(&bytes[start..start + BLOCK], number, at, index)
        };
        let found = |at: u32, why: &str| {
            Damage::new(&segment::name(number), u64::from(at) * BLOCK as u64, why)
        };
        let mut body = Vec::new();
        self.block = 0;
        while self.block < blocks {
            let at = self.block;
            let start = at as usize * BLOCK;
            match look(at, 0) {
                Block::Zero if bytes[start..].iter().all(|byte| *byte == 0) => return End::Clean,
                Block::Zero => return End::Torn(found(at, "a frame is missing before others")),
                Block::Bad => return End::Bad(found(at, "a block is not what was written")),
                Block::Good => {}
            }
            let header = match frame::header(Kind::Ring, &bytes[start..start + BLOCK]) {
                Ok(header) => header,
                Err(why) => return End::Bad(found(at, why)),
            };
            if header.blocks() > blocks - at {
                return End::Bad(found(at, "a frame is longer than its segment"));
            }
            for index in 1..header.blocks() {
                match look(at + index, index) {
                    Block::Zero => return End::Torn(found(at, "a frame is not whole")),
                    Block::Bad => return End::Bad(found(at + index, "a block was changed")),
                    Block::Good => {}
                }
            }
            // What the first frame of a segment followed may have been dropped.
            if at > 0 && header.previous != self.previous {
                return End::Bad(found(at, "a frame does not follow the one before"));
            }
            let whole = &bytes[start..start + header.blocks() as usize * BLOCK];
            frame::body(whole, &header, &mut body);
            frame::records(&body).for_each(&mut *read);
            self.previous = frame::hash(whole);
            self.epoch = Epoch::new(header.epoch.get() + 1);
            self.block = at + header.blocks();
        }
        End::Clean
    }

    /// The largest body that [`append`](Self::append) takes.
    pub fn body_bytes_max(&self) -> usize {
        frame::body_bytes_max(self.options.segment_bytes as usize - BLOCK)
    }

    /// Writes one frame of `records` records, the first of which has the number `first`; does not sync. After an
    /// error the frame is lost and the next goes to a new segment.
    pub fn append(&mut self, first: u64, records: u32, body: &[u8]) -> io::Result<()> {
        let blocks = frame::blocks(body.len());
        if body.len() > self.body_bytes_max() {
            let why = format!("{} bytes are too many for one frame", body.len());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        let file = match self.file.take() {
            Some(file) if self.block + blocks <= self.capacity_blocks => file,
            full => self.rotate(full)?,
        };
        let header = Header {
            kind: Kind::Ring,
            segment: self.newest,
            epoch: self.epoch,
            first: Offset::new(first),
            records,
            body_bytes: body.len() as u32,
            at: self.block,
            previous_end: self.block,
            previous_segment: if self.block == 0 { self.newest - 1 } else { self.newest },
            previous: self.previous,
        };
        let hash = frame::encode(&header, body, &mut self.buffer);
        file.write_at(u64::from(self.block) * BLOCK as u64, &self.buffer)?;
        self.file = Some(file);
        self.previous = hash;
        self.block += blocks;
        self.unsynced = true;
        Ok(())
    }

    /// A new segment, and room for it.
    fn rotate(&mut self, full: Option<Box<dyn DiskFile>>) -> io::Result<Box<dyn DiskFile>> {
        if let Some(full) = full {
            full.sync()?;
        }
        while self.segments.len() >= self.options.segments_max.max(1) {
            if let Some(oldest) = self.segments.front() {
                self.disk.remove(&segment::name(*oldest))?;
            }
            self.segments.pop_front();
        }
        let number = self.newest + 1;
        let file = segment::prepare(&*self.disk, number, self.options.segment_bytes)?;
        self.disk.rename(&segment::temporary_name(number), &segment::name(number))?;
        self.disk.sync_directory()?;
        self.newest = number;
        self.segments.push_back(number);
        self.block = 0;
        self.capacity_blocks = (self.options.segment_bytes / BLOCK as u64 - 1) as u32;
        Ok(file)
    }

    /// Something was appended since the last sync.
    pub fn is_unsynced(&self) -> bool {
        self.unsynced
    }

    /// After an error the next append goes to a new segment: nothing is known of the pages of this one.
    pub fn sync(&mut self) -> io::Result<()> {
        self.unsynced = false;
        match &self.file {
            Some(file) => file.sync().inspect_err(|_| self.file = None),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim_disk::SimDisk;

    const SMALL: RingOptions = RingOptions { segment_bytes: 8 * BLOCK as u64, segments_max: 3 };

    /// Opens and reads the numbers that were written.
    fn open(disk: &SimDisk) -> (RingLog, Findings, Vec<u64>) {
        let mut seen = Vec::new();
        let read = |bytes: &[u8]| {
            seen.push(u64::from_le_bytes(bytes[..8].try_into().unwrap()));
        };
        let (log, findings) = RingLog::open(Arc::new(disk.clone()), SMALL, read).unwrap();
        (log, findings, seen)
    }

    /// Frames of two blocks each: three fit into a segment.
    fn write(log: &mut RingLog, numbers: std::ops::RangeInclusive<u64>) {
        for number in numbers {
            let mut body = Vec::new();
            frame::push_record(&mut body, |out| {
                out.extend_from_slice(&number.to_le_bytes());
                out.resize(600, 7);
            });
            log.append(number, 1, &body).unwrap();
        }
    }

    fn flip(disk: &SimDisk, name: &str, at: usize) {
        let mut bytes = disk.contents(name).unwrap();
        bytes[at] ^= 1;
        disk.corrupt(name, bytes);
    }

    #[test]
    fn what_was_written_is_read_again_and_the_log_goes_on_in_the_same_segment() {
        let disk = SimDisk::new();
        let (mut log, findings, seen) = open(&disk);
        assert_eq!((findings, seen), (Findings::default(), vec![]));
        write(&mut log, 1..=2);
        log.sync().unwrap();
        drop(log);
        let (mut log, findings, seen) = open(&disk);
        assert_eq!((findings, seen), (Findings::default(), vec![1, 2]));
        write(&mut log, 3..=4);
        drop(log);
        let (_, findings, seen) = open(&disk);
        assert_eq!((findings, seen), (Findings::default(), vec![1, 2, 3, 4]));
        assert_eq!(disk.list().unwrap(), [segment::name(1), segment::name(2)]);
    }

    #[test]
    fn the_oldest_segments_make_room() {
        let disk = SimDisk::new();
        let (mut log, ..) = open(&disk);
        write(&mut log, 1..=100);
        assert_eq!(disk.list().unwrap().len(), 3);
        let (_, findings, seen) = open(&disk);
        assert_eq!((findings, seen), (Findings::default(), (94..=100).collect()));
    }

    #[test]
    fn a_torn_tail_is_cut_and_the_log_goes_on_there() {
        // Frame 2 of segment 1 with its first or its second block missing.
        for hole in [2, 3] {
            let disk = SimDisk::new();
            let (mut log, ..) = open(&disk);
            write(&mut log, 1..=3);
            let mut bytes = disk.contents(&segment::name(1)).unwrap();
            bytes[hole * BLOCK..(hole + 1) * BLOCK].fill(0);
            disk.corrupt(&segment::name(1), bytes);
            let (mut log, findings, seen) = open(&disk);
            assert_eq!(seen, [1]);
            assert_eq!(findings.torn.unwrap().offset, 2 * BLOCK as u64);
            assert_eq!(findings.damage, []);
            write(&mut log, 2..=2);
            drop(log);
            let (_, findings, seen) = open(&disk);
            assert_eq!((findings, seen), (Findings::default(), vec![1, 2]), "hole {hole}");
        }
    }

    #[test]
    fn damage_is_told_and_never_keeps_the_log_from_going_on() {
        let disk = SimDisk::new();
        let (mut log, ..) = open(&disk);
        write(&mut log, 1..=8);
        // In an old segment: the rest of that one is lost, the others are read.
        flip(&disk, &segment::name(1), 2 * BLOCK + 100);
        let (_, findings, seen) = open(&disk);
        assert_eq!(seen, [1, 4, 5, 6, 7, 8]);
        assert_eq!(findings.damage.len(), 1);
        assert_eq!(findings.damage[0].offset, 2 * BLOCK as u64);
        // In the newest: cut as a torn one, but told as damage.
        flip(&disk, &segment::name(3), 2 * BLOCK + 100);
        let (mut log, findings, seen) = open(&disk);
        assert_eq!(seen, [1, 4, 5, 6, 7]);
        assert_eq!((findings.torn, findings.damage.len()), (None, 2));
        write(&mut log, 9..=9);
        // Cut short: nothing of it is read, and it takes no more.
        let whole = disk.contents(&segment::name(3)).unwrap();
        disk.corrupt(&segment::name(3), whole[..1000].to_vec());
        let (mut log, findings, seen) = open(&disk);
        assert_eq!((seen, findings.damage.len()), (vec![1, 4, 5, 6], 2));
        write(&mut log, 10..=10);
        let (_, _, seen) = open(&disk);
        assert_eq!(seen, [4, 5, 6, 10], "the oldest made room");
    }

    #[test]
    fn a_full_disk_loses_what_does_not_fit_and_nothing_else() {
        let disk = SimDisk::new();
        let (mut log, ..) = open(&disk);
        write(&mut log, 1..=3);
        disk.set_capacity(Some(disk.used_bytes() + 10));
        assert!(log.append(4, 1, &[0; 600]).is_err());
        disk.set_capacity(None);
        write(&mut log, 5..=5);
        assert!(log.append(6, 1, &vec![0; 1 << 20]).is_err());
        assert!(log.is_unsynced());
        log.sync().unwrap();
        let (_, findings, seen) = open(&disk);
        assert_eq!((findings, seen), (Findings::default(), vec![1, 2, 3, 5]));
    }
}
