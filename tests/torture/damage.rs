//! Files that are not as the node left them: a flipped bit, a file cut short, zeros, a file that is gone.
//!
//! The directory was closed in good order, so everything in it was acknowledged: the node may start only if
//! nothing is missing, and else refuses and names the file and the place.

use std::fs;
use std::path::{Path, PathBuf};

use super::campaign::Campaign;
use super::kills;
use crate::harness::{Launch, Operator, Random, Scratch, eventually};

#[derive(Debug, Clone, Copy)]
enum Damage {
    FlipBit { byte: u64, bit: u64 },
    Truncate { length: u64 },
    Zero { from: u64, blocks: u64 },
    Remove,
}

const BLOCK: u64 = 512;
/// A damage costs a start of the node, and needs fewer tries than a kill does: its places are not drawn by time.
const DAMAGES_MAX: usize = 64;

fn damages() -> usize {
    kills::rounds().min(DAMAGES_MAX)
}

impl Damage {
    /// Inside of what is written of a file, not in the room set aside behind it.
    fn any(random: &mut Random, written: u64) -> Damage {
        let block = |random: &mut Random| random.below(written / BLOCK) * BLOCK;
        match random.below(10) {
            0..5 => Damage::FlipBit { byte: random.below(written), bit: random.below(8) },
            5..7 => Damage::Truncate { length: random.below(written) },
            7..9 => Damage::Zero { from: block(random), blocks: random.between(1, 4) },
            _ => Damage::Remove,
        }
    }

    fn apply(self, file: &Path) {
        let mut bytes = fs::read(file).unwrap();
        let at = |position: u64| usize::try_from(position).unwrap();
        match self {
            Damage::FlipBit { byte, bit } => bytes[at(byte)] ^= 1 << bit,
            Damage::Truncate { length } => bytes.truncate(at(length)),
            Damage::Zero { from, blocks } => {
                let to = at(from + blocks * BLOCK).min(bytes.len());
                bytes[at(from)..to].fill(0);
            }
            Damage::Remove => return fs::remove_file(file).unwrap(),
        }
        fs::write(file, bytes).unwrap();
    }
}

/// The journal's segments, oldest first.
pub(super) fn files(data: &Path) -> Vec<PathBuf> {
    named(data, "segment-")
}

/// Files of the journal whose names begin so.
fn named(data: &Path, begin: &str) -> Vec<PathBuf> {
    let mut open = vec![data.join("partition-0")];
    let mut files = Vec::new();
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                open.push(path);
            } else if name.starts_with(begin) && name.ends_with(".log") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Those that hold something, and how far they are written, of a node that does not run.
fn segments(data: &Path) -> Vec<(PathBuf, u64)> {
    let written = |path: PathBuf| written(&path).map(|written| (path, written));
    files(data).into_iter().filter_map(written).collect()
}

/// How far a file of frames is written; `None` when there are none.
fn written(path: &Path) -> Option<u64> {
    let bytes = fs::read(path).unwrap();
    // The last block is the file's own end mark, written when it was made.
    let frames = &bytes[..bytes.len().saturating_sub(usize::try_from(BLOCK).unwrap())];
    let last = frames.iter().rposition(|byte| *byte != 0)?;
    Some((u64::try_from(last).unwrap() / BLOCK + 1) * BLOCK)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

#[test]
fn a_damaged_journal_is_refused_by_name_or_nothing_of_it_is_missing() {
    let (mut campaign, node) = Campaign::begin("damage");
    let herd = campaign.unleash(&node);
    let data = campaign.launch.data().to_owned();
    eventually("there is a checkpoint, and more behind it", || {
        let (checkpoints, files) = (named(&data, "checkpoint-").len(), files(&data).len());
        if checkpoints > 0 && files > 1 { Ok(()) } else { Err((checkpoints, files)) }
    });
    herd.enough();
    campaign.gather(herd);
    campaign.check(&node);
    assert!(node.stop().success());
    let whole = campaign.launch.data().to_owned();
    let mut refused = 0;
    for round in 1..=damages() {
        let damaged = campaign.scratch.path().join(format!("damaged-{round}"));
        copy(&whole, &damaged);
        let mut files = segments(&damaged);
        for path in named(&damaged, "checkpoint-") {
            let length = fs::metadata(&path).unwrap().len();
            files.push((path, length));
        }
        let (file, written) = campaign.random.pick(&files).clone();
        let damage = Damage::any(&mut campaign.random, written);
        let what = format!("{damage:?} of {} ({written} written)", file.display());
        println!("{what}");
        damage.apply(&file);
        match Launch::at(&campaign.scratch, damaged.clone()).try_start() {
            Ok(node) => campaign.check(&node),
            Err(ended) => {
                refused += 1;
                let log = ended.log;
                assert!(ended.status.code().is_some(), "{what}: {}\n{log}", ended.status);
                assert!(!log.contains("panicked"), "{what}\n{log}");
                let name = file.file_name().unwrap().to_string_lossy().into_owned();
                // A file that is gone is missed by its neighbours.
                let named = match damage {
                    Damage::Remove => log.contains("segment-") || log.contains("checkpoint-"),
                    _ => log.contains(&name),
                };
                assert!(named, "{what}: the file is not named\n{log}");
                let place = ["offset", "byte", "missing"].iter().any(|word| log.contains(word));
                assert!(place, "{what}: no place is named\n{log}");
            }
        }
        fs::remove_dir_all(&damaged).unwrap();
    }
    assert!(refused > 0, "no damage at all was noticed");
}

/// What happened to actors is no money: that its log is damaged stops nobody.
#[test]
fn a_damaged_supervision_log_does_not_keep_the_node_from_serving() {
    let scratch = Scratch::new("supervision-log");
    let launch = Launch::new(&scratch);
    let mut random = Random::new(Random::seed("supervision-log"));
    let node = launch.start();
    let mut operator = Operator::of(&node);
    operator.open_account("ann", "a long password", 100);
    operator.kill_actor("publisher-0", "panic");
    eventually("the fall is noted", || {
        let noted = operator.get("/v1/operator/supervision").to_string();
        if noted.contains("publisher-0") { Ok(()) } else { Err(noted) }
    });
    assert!(node.stop().success());
    let log = launch.data().join("supervision");
    for _ in 0..damages() {
        let files = fs::read_dir(&log).unwrap().map(|entry| entry.unwrap().path());
        let (file, written) = files
            .filter_map(|path| written(&path).map(|written| (path, written)))
            .max()
            .expect("something was noted");
        let damage = Damage::any(&mut random, written);
        println!("{damage:?} of {} ({written} written)", file.display());
        damage.apply(&file);
        let node = launch.start();
        assert_eq!(Operator::of(&node).ledger().deposits, 100);
        assert!(node.stop().success());
    }
}

/// A frame that was written, never synced and never acknowledged, and of which the last block is missing.
#[cfg(debug_assertions)]
#[test]
fn a_torn_tail_that_nobody_was_told_of_is_cut() {
    let (mut campaign, node) = Campaign::begin("torn");
    node.kill();
    for _ in 0..damages() {
        let aim = format!("before_sync:{}=abort", campaign.random.between(10, 60));
        let armed = campaign.launch.clone().fail_points(&aim);
        let mut armed = armed.start();
        let herd = campaign.unleash_on_doomed(&armed);
        armed.wait();
        campaign.gather(herd);
        let (file, written) = segments(campaign.launch.data()).pop().unwrap();
        Damage::Zero { from: written - BLOCK, blocks: 1 }.apply(&file);
        let node = campaign.launch.start();
        campaign.check(&node);
        node.kill();
        campaign.verify();
    }
}
