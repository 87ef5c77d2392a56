//! `laybook verify`: checks a directory's chain, decodes every record, folds them, and says what it
//! found.
//!
//! Owns the typed side of the check. Changes nothing and refuses a directory that has an owner.
//! Damage is an error that names file and byte, as at a start.

use crate::checkpoint::decode_body;
use crate::disk::{Disk, OsDisk};
use crate::entry::{CodecError, Entry, Fold, Offset};
use crate::error::{Damage, OpenError};
use crate::journal::inspect::{Inspection, Progress, inspect};
use crate::journal::{ItemAt, Replay, Stored};
use crate::refold::Refold;
use std::path::Path;

/// What a good log holds.
#[derive(Clone, Debug)]
pub struct Report<F> {
    pub log: Inspection,
    /// Entities whose state is in the checkpoint.
    pub states: u64,
    /// Folded through `log.end`.
    pub fold: F,
}

struct Folding<R: Entry, F>(Refold<R, F>);

impl<R: Entry, F: Fold<R>> Replay for Folding<R, F> {
    fn checkpoint_item(
        &mut self,
        through: Offset,
        at: ItemAt,
        item: &[u8],
    ) -> Result<(), CodecError> {
        self.0.checkpoint_item(through, at, item)
    }

    fn frame(&mut self, stored: Stored<'_>) -> Result<(), CodecError> {
        self.0.frame(&stored, |_, _| {})
    }
}

/// Checks the log in `directory`.
pub fn verify<R: Entry, F: Fold<R>>(
    directory: &Path,
    progress: impl FnMut(Progress),
) -> Result<Report<F>, OpenError> {
    verify_on::<R, F>(&OsDisk::existing(directory)?, progress)
}

/// Checks the log on a disk.
pub fn verify_on<R: Entry, F: Fold<R>>(
    disk: &dyn Disk,
    mut progress: impl FnMut(Progress),
) -> Result<Report<F>, OpenError> {
    let mut folding = Folding::<R, F>(Refold::new());
    let mut covered = |stored: Stored<'_>| {
        decode_body::<R>(stored.first, stored.records, stored.body, |_, _| Ok(()))
    };
    let log = inspect(disk, &mut folding, &mut covered, &mut progress)?;
    let Folding(mut folded) = folding;
    folded.settle().map_err(|error| Damage::new("checkpoint", 0, error.to_string()))?;
    Ok(Report { log, states: folded.states.keys().count() as u64, fold: folded.fold })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Reader;
    use crate::torture::note::{Note, Numbers, Sum};
    use crate::torture::scene::{LONG, Scene, attach, hand_over};

    fn scene_with_records(records: u64) -> Scene {
        let scene = Scene::new();
        let (writer, handle) = scene.start();
        let token = attach(&handle, 1).token;
        for number in 1..=records {
            handle.hand_over(hand_over(1, token, number)).unwrap();
            assert!(handle.wait_released(Offset::new(number), LONG));
        }
        assert!(writer.stop(LONG));
        scene
    }

    fn check(scene: &Scene) -> Result<Report<Sum>, OpenError> {
        let before: Vec<_> = names(scene).iter().map(|it| scene.disk.contents(it)).collect();
        let mut last = None;
        let report = verify_on::<Note, Sum>(&scene.disk, |progress| last = Some(progress));
        let after: Vec<_> = names(scene).iter().map(|it| scene.disk.contents(it)).collect();
        assert_eq!(before, after, "verify changes nothing");
        if report.is_ok() {
            let last = last.expect("progress is told at the end");
            assert_eq!(last.bytes, last.bytes_total);
        }
        report
    }

    fn names(scene: &Scene) -> Vec<String> {
        scene.disk.list().unwrap()
    }

    #[test]
    fn a_good_log_is_counted_and_folded() {
        let scene = scene_with_records(100);
        let report = check(&scene).unwrap();
        assert_eq!((report.log.records, report.log.frames, report.log.segments), (100, 100, 4));
        assert_eq!((report.log.end, report.fold.count), (Offset::new(100), 100));
        assert!(!report.log.torn);
    }

    #[test]
    fn a_log_in_use_and_a_directory_without_a_log_are_refused() {
        let scene = Scene::new();
        assert!(matches!(check(&scene), Err(OpenError::Damage(_))));
        let (writer, handle) = scene.start();
        attach(&handle, 1);
        let refused = verify_on::<Note, Sum>(&scene.disk, |_| {});
        assert!(matches!(refused, Err(OpenError::Locked(_))));
        writer.abandon();
    }

    #[test]
    fn segments_that_a_checkpoint_covers_are_scrubbed_as_long_as_they_are_there() {
        let scene = scene_with_records(100);
        let reader = {
            let engine =
                crate::FileEngine::new(std::sync::Arc::new(scene.disk.clone()), scene.options);
            let mut seen = crate::journal::contract::Remembered::default();
            let journal = crate::Engine::acquire(&engine, &mut seen).unwrap();
            journal.reader()
        };
        let made = crate::checkpoint::make::<Note, Sum>(&*reader, &Numbers, &|| false).unwrap();
        assert!(made.is_some());
        let through = Reader::checkpoint(&*reader);
        let report = check(&scene).unwrap();
        assert_eq!((report.log.checkpoint, report.log.records, report.states), (through, 100, 1));
        assert_eq!(report.fold.count, 100);
        let old = names(&scene).into_iter().find(|name| name.starts_with("segment-")).unwrap();
        let mut bytes = scene.disk.contents(&old).unwrap();
        bytes[700] ^= 1;
        scene.disk.corrupt(&old, bytes);
        match check(&scene) {
            Err(OpenError::Damage(damage)) => assert_eq!((damage.file, damage.offset), (old, 512)),
            other => panic!("the flip was silent: {:?}", other.is_ok()),
        }
    }
}
