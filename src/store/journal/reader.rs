//! Reading a log's files beside its writer.
//!
//! Owns the list of live segments and the checkpoint in force, shared by the journal and everybody
//! who reads it. Reads only what is durable; never the frame that is being written, because callers
//! say how far to go.

use super::checkpoint_file;
use super::opening::{Chain, Found, SegmentInfo, link, look};
use super::{FrameAt, ItemAt, Reader, Stored, VisitFrame, VisitItem, segment};
use crate::disk::{Disk, DiskFile};
use crate::entry::Offset;
use crate::error::{Damage, ReadError};
use crate::frame::{self, BLOCK, Block, Kind};
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Open segment files kept for single reads.
const HANDLES_MAX: usize = 32;

struct State {
    segments: BTreeMap<u64, SegmentInfo>,
    checkpoint: Option<Chain>,
    handles: HashMap<u64, Arc<dyn DiskFile>>,
}

pub(super) struct FileReader {
    disk: Arc<dyn Disk>,
    state: Mutex<State>,
}

impl FileReader {
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        segments: BTreeMap<u64, SegmentInfo>,
        checkpoint: Option<Chain>,
    ) -> Self {
        let state = State { segments, checkpoint, handles: HashMap::new() };
        FileReader { disk, state: Mutex::new(state) }
    }

    pub(super) fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The journal goes on in segment `number`; it left the one before at `end_block`.
    pub(super) fn rotated(&self, end_block: u32, chain: Chain, number: u64) {
        let mut state = self.state();
        if let Some(info) = state.segments.get_mut(&(number - 1)) {
            info.sealed = Some((end_block, chain));
        }
        state.segments.insert(number, SegmentInfo::started(chain.end.next()));
    }

    /// Removes segments and checkpoints that the checkpoint in force covers.
    pub(super) fn retain(&self) -> io::Result<Offset> {
        let Some(base) = self.state().checkpoint else { return Ok(Offset::ZERO) };
        let mut state = self.state();
        state.segments.retain(|&number, _| number > base.segment);
        state.handles.retain(|&number, _| number > base.segment);
        drop(state);
        let names = self.disk.list()?;
        for name in &names {
            let old_segment = segment::number(name).is_some_and(|number| number <= base.segment);
            let old_checkpoint =
                checkpoint_file::number(name).is_some_and(|through| through < base.end.get());
            if old_segment || old_checkpoint {
                self.disk.remove(name)?;
            }
        }
        self.disk.sync_directory()?;
        Ok(base.end)
    }

    fn handle(&self, number: u64) -> Result<Arc<dyn DiskFile>, ReadError> {
        if let Some(file) = self.state().handles.get(&number) {
            return Ok(file.clone());
        }
        let file: Arc<dyn DiskFile> = self.disk.open(&segment::name(number))?.into();
        let mut state = self.state();
        if state.handles.len() >= HANDLES_MAX {
            state.handles.clear();
        }
        state.handles.insert(number, file.clone());
        Ok(file)
    }
}

fn damage(at: FrameAt, why: &str) -> ReadError {
    Damage::new(&segment::name(at.segment), u64::from(at.block) * BLOCK as u64, why).into()
}

impl Reader for FileReader {
    fn frame(&self, at: FrameAt, body: &mut Vec<u8>) -> Result<(Offset, u32), ReadError> {
        let file = self.handle(at.segment)?;
        let position = u64::from(at.block) * BLOCK as u64;
        let mut blocks = vec![0; BLOCK];
        file.read_at(position, &mut blocks)?;
        if frame::classify(&blocks, at.segment, at.block, 0) != Block::Good {
            return Err(damage(at, "a block was changed"));
        }
        let header = frame::header(Kind::Segment, &blocks).map_err(|why| damage(at, why))?;
        blocks.resize(header.blocks() as usize * BLOCK, 0);
        file.read_at(position + BLOCK as u64, &mut blocks[BLOCK..])?;
        for (index, block) in (0..).zip(blocks.chunks_exact(BLOCK)) {
            if frame::classify(block, at.segment, at.block + index, index) != Block::Good {
                return Err(damage(at, "a block was changed"));
            }
        }
        frame::body(&blocks, &header, body);
        Ok((header.first, header.records))
    }

    fn scan(
        &self,
        after: Offset,
        through: Offset,
        visit: &mut VisitFrame<'_>,
    ) -> Result<(), ReadError> {
        if through <= after {
            return Ok(());
        }
        let segments = self.state().segments.clone();
        match segments.values().next() {
            Some(info) if info.first <= after.next() => {}
            _ => return Err(ReadError::Dropped(after.next())),
        }
        let mut body = Vec::new();
        for (&number, info) in &segments {
            if info.first > through {
                break;
            }
            if info.sealed.is_some_and(|(_, chain)| chain.end <= after) {
                continue;
            }
            let bytes = segment::load(&*self.disk.open(&segment::name(number))?, number)??;
            let (mut at, mut chain) = (0, None::<Chain>);
            while info.sealed.is_none_or(|(end_block, _)| at < end_block) {
                let place = FrameAt { segment: number, block: at };
                let Found::Whole(header) = look(&bytes, number, at)? else {
                    return Err(damage(place, "a durable frame is missing"));
                };
                if let Some(chain) = &chain {
                    link(chain, &header)?;
                }
                let blocks = &bytes[at as usize * BLOCK..][..header.blocks() as usize * BLOCK];
                at += header.blocks();
                let end = Offset::new(header.first.get() + u64::from(header.records) - 1);
                let hash = frame::hash(blocks);
                let epoch = header.epoch;
                chain = Some(Chain { segment: number, end_block: at, end, epoch, hash });
                if end > after {
                    frame::body(blocks, &header, &mut body);
                    let (first, records) = (header.first, header.records);
                    let stored = Stored { at: place, epoch, first, records, body: &body };
                    visit(stored).map_err(|error| damage(place, &error.to_string()))?;
                }
                if end >= through {
                    return Ok(());
                }
            }
        }
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the log ends before what was asked for")
            .into())
    }

    fn sealed(&self) -> Offset {
        let state = self.state();
        let sealed = state.segments.values().filter_map(|info| info.sealed).next_back();
        sealed.map(|it| it.1).or(state.checkpoint).map_or(Offset::ZERO, |chain| chain.end)
    }

    fn checkpoint(&self) -> Offset {
        self.state().checkpoint.map_or(Offset::ZERO, |chain| chain.end)
    }

    fn write_checkpoint(
        &self,
        through: Offset,
        items: &mut dyn Iterator<Item = Vec<u8>>,
        placed: &mut VisitItem<'_>,
    ) -> Result<(), ReadError> {
        let sealed = |it: &SegmentInfo| it.sealed.map(|it| it.1).filter(|it| it.end == through);
        let chain = self.state().segments.values().find_map(sealed);
        let Some(chain) = chain else {
            let why = format!("no segment ends with record {through}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why).into());
        };
        checkpoint_file::write(&*self.disk, &chain, items, placed)?;
        self.state().checkpoint = Some(chain);
        Ok(())
    }

    fn checkpoint_item(&self, through: Offset, at: ItemAt) -> Result<Vec<u8>, ReadError> {
        checkpoint_file::item(&*self.disk, through, at)
    }

    fn checkpoint_items(
        &self,
        through: Offset,
        visit: &mut VisitItem<'_>,
    ) -> Result<(), ReadError> {
        checkpoint_file::walk(&*self.disk, &checkpoint_file::name(through), through, visit)?;
        Ok(())
    }
}
