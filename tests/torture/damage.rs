//! Files that are not as the node left them: a flipped bit, a file cut short, zeros, a file that is gone.
//!
//! The directory was closed in good order, so everything in it was acknowledged: the node may start only if
//! nothing is missing, and else refuses and names the file and the place.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::campaign::Campaign;
use super::kills::rounds;
use crate::harness::{Launch, Random};

#[derive(Debug, Clone, Copy)]
enum Damage {
    FlipBit { byte: u64, bit: u64 },
    Truncate { length: u64 },
    Zero { from: u64, blocks: u64 },
    Remove,
}

const BLOCK: u64 = 512;

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

/// The journal's files, oldest first.
pub(super) fn files(data: &Path) -> Vec<PathBuf> {
    let mut open = vec![data.to_owned()];
    let mut files = Vec::new();
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                open.push(path);
            } else if name.starts_with("segment-") && name.ends_with(".log") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Those that hold something, and how far they are written, of a node that does not run.
fn segments(data: &Path) -> Vec<(PathBuf, u64)> {
    let written = |path: PathBuf| {
        let bytes = fs::read(&path).unwrap();
        // The last block is the file's own end mark, written when it was made.
        let frames = &bytes[..bytes.len() - usize::try_from(BLOCK).unwrap()];
        let last = frames.iter().rposition(|byte| *byte != 0)?;
        Some((path, (u64::try_from(last).unwrap() / BLOCK + 1) * BLOCK))
    };
    files(data).into_iter().filter_map(written).collect()
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
    // How much there is to damage is random; nothing waits for it.
    std::thread::park_timeout(Duration::from_millis(campaign.random.between(300, 800)));
    herd.enough();
    campaign.gather(herd);
    campaign.check(&node);
    assert!(node.stop().success());
    let whole = campaign.launch.data().to_owned();
    let mut refused = 0;
    for round in 1..=rounds() {
        let damaged = campaign.scratch.path().join(format!("damaged-{round}"));
        copy(&whole, &damaged);
        let (file, written) = campaign.random.pick(&segments(&damaged)).clone();
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
                assert!(log.contains("segment-"), "{what}: no file is named\n{log}");
                let place = ["offset", "byte", "missing"].iter().any(|word| log.contains(word));
                assert!(place, "{what}: no place is named\n{log}");
            }
        }
        fs::remove_dir_all(&damaged).unwrap();
    }
    assert!(refused > 0, "no damage at all was noticed");
}

/// A frame that was written, never synced and never acknowledged, and of which the last block is missing.
#[cfg(feature = "failpoints")]
#[test]
fn a_torn_tail_that_nobody_was_told_of_is_cut() {
    let (mut campaign, node) = Campaign::begin("torn");
    node.kill();
    for _ in 0..rounds() {
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
