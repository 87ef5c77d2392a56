//! What every journal promises, as a suite that takes a factory: the files of this crate and the
//! PostgreSQL journal run the same cases.
//!
//! Owns the cases. Panics with the name of the broken promise; meant for tests only, public because
//! the other journal's tests live elsewhere. Faults that only one engine knows (torn tails, failed
//! syncs) are tested beside that engine.

use super::{Batch, Engine, ItemAt, Journal, Replay, Stored};
use crate::entry::{CodecError, Epoch, Offset};
use crate::error::OpenError;
use crate::frame;
use std::sync::Arc;

/// A replay that remembers everything.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Remembered {
    pub records: Vec<(Offset, Vec<u8>)>,
    pub items: Vec<Vec<u8>>,
    pub through: Offset,
    pub epochs: Vec<Epoch>,
}

impl Remembered {
    pub fn frame(&mut self, stored: Stored<'_>) -> Result<(), CodecError> {
        let mut walk = frame::records(stored.body);
        for (offset, record) in (stored.first.get()..).zip(walk.by_ref()) {
            self.records.push((Offset::new(offset), record.to_vec()));
        }
        self.epochs.push(stored.epoch);
        let fits = walk.is_whole() && self.records.last().map(|it| it.0) == Some(stored.last());
        if fits { Ok(()) } else { Err(CodecError("the body does not hold its records".into())) }
    }
}

impl Replay for Remembered {
    fn checkpoint_item(
        &mut self,
        through: Offset,
        _: ItemAt,
        item: &[u8],
    ) -> Result<(), CodecError> {
        self.through = through;
        self.items.push(item.to_vec());
        Ok(())
    }

    fn frame(&mut self, stored: Stored<'_>) -> Result<(), CodecError> {
        Remembered::frame(self, stored)
    }
}

/// The body of a frame with these records.
pub fn body_of(records: &[&[u8]]) -> Vec<u8> {
    let mut body = Vec::new();
    for record in records {
        frame::push_record(&mut body, |out| out.extend_from_slice(record));
    }
    body
}

/// Appends one frame behind the end of the log.
pub fn append(journal: &mut dyn Journal, records: &[&[u8]]) -> super::FrameAt {
    let body = body_of(records);
    let batch = Batch { first: journal.end().next(), records: records.len() as u32, body: &body };
    journal.append(batch).expect("an append with room is durable")
}

fn acquire(engine: &dyn Engine) -> (Box<dyn Journal>, Remembered) {
    let mut seen = Remembered::default();
    let journal = engine.acquire(&mut seen).expect("a log that was let go can be acquired");
    (journal, seen)
}

/// A new, empty log each time it is called.
pub type Factory<'a> = &'a dyn Fn() -> Arc<dyn Engine>;

/// Runs every case.
pub fn run(factory: Factory<'_>) {
    an_empty_log_starts_before_the_first_record(&*factory());
    what_was_appended_is_replayed_in_order_with_its_offsets(&*factory());
    every_owner_has_a_higher_epoch(&*factory());
    a_log_has_one_owner(&*factory());
    a_frame_is_read_back_by_its_place_and_by_its_offset(&*factory());
    a_batch_over_the_largest_is_refused_and_nothing_of_it_stays(&*factory());
    a_replay_that_fails_refuses_ownership(&*factory());
    retention_drops_only_what_a_checkpoint_covers(&*factory());
}

fn an_empty_log_starts_before_the_first_record(engine: &dyn Engine) {
    let (journal, seen) = acquire(engine);
    assert_eq!(journal.end(), Offset::ZERO);
    assert_eq!(seen, Remembered::default());
    assert!(journal.writable());
}

fn what_was_appended_is_replayed_in_order_with_its_offsets(engine: &dyn Engine) {
    let mut wanted = Vec::new();
    for round in 0..4u64 {
        let (mut journal, seen) = acquire(engine);
        assert_eq!(seen.records, wanted, "replay of round {round}");
        for frame in 0..60u64 {
            let size = (frame * 37 + round * 101) as usize % 900;
            let records: Vec<Vec<u8>> =
                (0..=frame % 3).map(|it| vec![it as u8 + 1; size]).collect();
            let parts: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
            append(&mut *journal, &parts);
            for record in records {
                wanted.push((Offset::new(wanted.len() as u64 + 1), record));
            }
            assert_eq!(journal.end().get(), wanted.len() as u64);
        }
        // Every other owner lets go without a word, as one that was killed.
        if round % 2 == 0 {
            journal.release().expect("a healthy journal lets go");
        }
    }
}

fn every_owner_has_a_higher_epoch(engine: &dyn Engine) {
    let mut last = Epoch::default();
    for _ in 0..3 {
        let (mut journal, seen) = acquire(engine);
        assert!(journal.epoch() > last, "epochs increase");
        assert!(seen.epochs.iter().all(|&epoch| epoch < journal.epoch()));
        last = journal.epoch();
        append(&mut *journal, &[b"one"]);
    }
}

fn a_log_has_one_owner(engine: &dyn Engine) {
    let (mut journal, _) = acquire(engine);
    let second = engine.acquire(&mut Remembered::default());
    assert!(matches!(second, Err(OpenError::Locked(_))), "a second owner is refused");
    append(&mut *journal, &[b"still the owner"]);
}

fn a_frame_is_read_back_by_its_place_and_by_its_offset(engine: &dyn Engine) {
    let (mut journal, _) = acquire(engine);
    let records: Vec<Vec<u8>> = (0..100u8).map(|it| vec![it; usize::from(it) * 7]).collect();
    let places: Vec<_> = records.iter().map(|it| append(&mut *journal, &[it, b"and"])).collect();
    let reader = journal.reader();
    let mut body = Vec::new();
    for (index, (place, record)) in places.iter().zip(&records).enumerate() {
        let (first, count) = reader.frame(*place, &mut body).expect("a durable frame can be read");
        assert_eq!((first.get(), count), (index as u64 * 2 + 1, 2));
        assert_eq!(frame::records(&body).next(), Some(record.as_slice()));
    }
    let mut seen = Remembered::default();
    let (after, through) = (Offset::new(50), Offset::new(150));
    reader
        .scan(after, through, &mut |stored| seen.frame(stored))
        .expect("a scan of what is durable");
    assert_eq!(seen.records.first().map(|it| it.0), Some(Offset::new(51)));
    assert_eq!(seen.records.last().map(|it| it.0), Some(through));
    assert_eq!(seen.records.len(), 100);
    assert_eq!(seen.records[0].1, records[25]);
}

fn a_batch_over_the_largest_is_refused_and_nothing_of_it_stays(engine: &dyn Engine) {
    let (mut journal, _) = acquire(engine);
    let record = vec![7; journal.body_bytes_max() - 4];
    append(&mut *journal, &[&record]);
    let body = body_of(&[&record, b""]);
    let batch = Batch { first: Offset::new(2), records: 2, body: &body };
    assert!(journal.append(batch).is_err(), "a frame over the largest is refused");
    append(&mut *journal, &[b"after"]);
    drop(journal);
    assert_eq!(acquire(engine).1.records.len(), 2);
}

fn a_replay_that_fails_refuses_ownership(engine: &dyn Engine) {
    struct Fails;
    impl Replay for Fails {
        fn checkpoint_item(&mut self, _: Offset, _: ItemAt, _: &[u8]) -> Result<(), CodecError> {
            Ok(())
        }
        fn frame(&mut self, _: Stored<'_>) -> Result<(), CodecError> {
            Err(CodecError("kind 99 is of a later version".into()))
        }
    }
    append(&mut *acquire(engine).0, &[b"one"]);
    match engine.acquire(&mut Fails) {
        Err(OpenError::Damage(damage)) => assert!(damage.why.contains("kind 99")),
        other => panic!("a record that cannot be decoded refuses ownership: {:?}", other.err()),
    }
}

fn retention_drops_only_what_a_checkpoint_covers(engine: &dyn Engine) {
    let (mut journal, _) = acquire(engine);
    assert_eq!(journal.retain().expect("nothing to drop"), Offset::ZERO);
    let reader = journal.reader();
    let record = vec![3; journal.body_bytes_max() / 3];
    let mut count = 0;
    let mut fill = |journal: &mut dyn Journal| {
        for _ in 0..20 {
            append(journal, &[&record]);
            count += 1;
        }
    };
    for round in 1..=3u8 {
        fill(&mut *journal);
        let through = reader.sealed();
        assert!(through > reader.checkpoint(), "some of so many frames are sealed");
        let items: Vec<Vec<u8>> = (0..40).map(|it| vec![it, round]).collect();
        let mut places = Vec::new();
        reader
            .write_checkpoint(through, &mut items.clone().into_iter(), &mut |at, item| {
                places.push((at, item.to_vec()));
                Ok(())
            })
            .expect("a checkpoint through what is sealed");
        for (at, item) in &places {
            let read = reader.checkpoint_item(through, *at).expect("an item is read by its place");
            assert_eq!(read, *item);
        }
        assert_eq!(places.into_iter().map(|it| it.1).collect::<Vec<_>>(), items);
        assert_eq!(reader.checkpoint(), through);
        assert_eq!(journal.retain().expect("what is covered may go"), through);
        let mut seen = Remembered::default();
        reader
            .scan(through, journal.end(), &mut |stored| seen.frame(stored))
            .expect("what is not covered stays");
        assert_eq!(seen.records.len() as u64, journal.end().get() - through.get());
        let dropped = reader.scan(Offset::ZERO, through, &mut |_| Ok(()));
        assert!(dropped.is_err(), "what is covered is gone and says so");
    }
    let (end, through) = (journal.end(), reader.checkpoint());
    drop(journal);
    let (journal, seen) = acquire(engine);
    assert_eq!((journal.end(), seen.through), (end, through));
    assert_eq!(seen.items.len(), 40);
    assert_eq!(seen.items[7], [7, 3]);
    assert_eq!(seen.records.len() as u64, end.get() - through.get());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::OsDisk;
    use crate::journal::files::FileEngine;
    use crate::sim_disk::SimDisk;
    use crate::torture::scene::options;

    #[test]
    fn files_on_a_simulated_disk_keep_the_contract() {
        let options = options(16 << 10, false);
        run(&|| Arc::new(FileEngine::new(Arc::new(SimDisk::new()), options)));
    }

    #[test]
    fn files_on_the_real_disk_keep_the_contract() {
        let directory = tempfile::tempdir().unwrap();
        let count = std::cell::Cell::new(0);
        run(&|| {
            count.set(count.get() + 1);
            let path = directory.path().join(count.get().to_string());
            let options = options(64 << 10, true);
            Arc::new(FileEngine::new(Arc::new(OsDisk::new(path).unwrap()), options))
        });
    }
}
