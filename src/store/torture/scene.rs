//! A writer over a simulated disk, and the few things that tests do with it.

use super::note::{Note, Sum};
use crate::entry::{Effect, Offset, Token};
use crate::journal::files::{FileEngine, FileOptions};
use crate::keeper::Recovery;
use crate::sim_disk::SimDisk;
use crate::writer::{HandOver, Ready, Writer, WriterConfig, WriterHandle};
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// Only reached when a test fails.
pub(crate) const LONG: Duration = Duration::from_secs(30);

pub(crate) type Boxed = Box<dyn Released>;
pub(crate) type NoteWriter = Writer<Note, Sum, Boxed>;
pub(crate) type NoteHandle = WriterHandle<Note, Sum, Boxed>;

/// An effect of any kind.
pub(crate) trait Released: Send + 'static {
    fn released(self: Box<Self>, through: Offset);
}

impl<F: FnOnce(Offset) + Send + 'static> Released for F {
    fn released(self: Box<Self>, through: Offset) {
        self(through)
    }
}

impl Effect for Boxed {
    fn release(self, through: Offset) {
        self.released(through)
    }
}

/// Reports its number and the offset it was released at.
pub(crate) fn effect(sender: &mpsc::Sender<(u64, Offset)>, number: u64) -> Boxed {
    let sender = sender.clone();
    Box::new(move |through| {
        let _ = sender.send((number, through));
    })
}

pub(crate) fn hand_over(key: u32, token: Token, number: u64) -> HandOver<Note, Boxed> {
    HandOver { key, token, records: vec![Note::new(key, number)], effects: vec![] }
}

pub(crate) fn attach(handle: &NoteHandle, key: u32) -> Recovery<Note> {
    let (sender, recovered) = mpsc::channel();
    handle
        .attach(key, move |recovery| {
            let _ = sender.send(recovery);
        })
        .unwrap();
    recovered.recv_timeout(LONG).unwrap().unwrap()
}

/// Small segments and short waits.
pub(crate) fn options(segment_bytes: u64, background: bool) -> FileOptions {
    FileOptions { segment_bytes, background, spare_retry: Duration::from_millis(2) }
}

pub(crate) struct Scene {
    pub(crate) disk: SimDisk,
    pub(crate) options: FileOptions,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let options = options(16 << 10, true);
        Scene { disk: SimDisk::new(), options }
    }

    pub(crate) fn config(&self) -> WriterConfig<Note> {
        let engine = FileEngine::new(Arc::new(self.disk.process()), self.options);
        let mut config = WriterConfig::new("journal-of-a-test", Arc::new(engine));
        config.idle = Duration::from_millis(2);
        config
    }

    pub(crate) fn start_with(&self, config: WriterConfig<Note>) -> (NoteWriter, NoteHandle) {
        let (writer, handle, _) = open(config);
        (writer, handle)
    }

    pub(crate) fn start(&self) -> (NoteWriter, NoteHandle) {
        self.start_with(self.config())
    }

    pub(crate) fn reopen(&self) -> (NoteWriter, NoteHandle, Ready<Sum>) {
        open(self.config())
    }

    /// What a new owner finds in the log.
    pub(crate) fn records(&self) -> Vec<(Offset, Note)> {
        let (writer, handle, ready) = self.reopen();
        let (sender, scanned) = mpsc::channel();
        let mut found = Vec::new();
        for key in 0..16 {
            let sender = sender.clone();
            handle.attach(key, move |recovery| sender.send(recovery).unwrap()).unwrap();
            found.extend(scanned.recv_timeout(LONG).unwrap().unwrap().records);
        }
        found.sort_by_key(|it| it.0);
        assert_eq!(found.len() as u64, ready.end.get());
        assert!(writer.stop(LONG));
        found
    }
}

pub(crate) fn open(config: WriterConfig<Note>) -> (NoteWriter, NoteHandle, Ready<Sum>) {
    let (sender, ready) = mpsc::channel();
    let (writer, handle) = Writer::start(config, move |it| sender.send(it).unwrap()).unwrap();
    let ready = ready.recv_timeout(LONG).unwrap().unwrap();
    (writer, handle, ready)
}
