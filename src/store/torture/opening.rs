//! Goal: each rule of opening and of a failing disk has a test that names it. Method: a log of
//! three frames of three blocks each, left by an owner that was killed (so the durable mark is
//! behind) or that let go (so the mark is at the end), then changed block by block.

use super::scene::options;
use crate::error::{AppendError, Damage, OpenError};
use crate::frame::{self, BLOCK, Kind};
use crate::journal::contract::{Remembered, append, body_of};
use crate::journal::files::FileEngine;
use crate::journal::{Batch, Engine, Journal};
use crate::sim_disk::SimDisk;
use std::sync::Arc;

const SEGMENT: &str = "segment-0000000001.log";
/// With its length it fills three blocks.
const RECORD: [u8; 1200] = [5; 1200];

fn engine(disk: &SimDisk) -> FileEngine {
    FileEngine::new(Arc::new(disk.process()), options(16 << 10, false))
}

fn acquire(disk: &SimDisk) -> Result<(Box<dyn Journal>, usize), OpenError> {
    let mut seen = Remembered::default();
    let journal = engine(disk).acquire(&mut seen)?;
    Ok((journal, seen.records.len()))
}

fn three_frames(let_go: bool) -> SimDisk {
    let disk = SimDisk::new();
    let (mut journal, _) = acquire(&disk).unwrap();
    for _ in 0..3 {
        append(&mut *journal, &[&RECORD]);
    }
    if let_go {
        journal.release().unwrap();
    } else {
        disk.kill_process();
    }
    disk
}

enum Want {
    /// Opens with so many frames.
    Frames(usize),
    /// Refuses and names this block.
    Damage(u64),
}

fn check(what: &str, let_go: bool, change: impl FnOnce(&mut Vec<u8>), want: Want) {
    let disk = three_frames(let_go);
    let mut bytes = disk.contents(SEGMENT).unwrap();
    change(&mut bytes);
    disk.corrupt(SEGMENT, bytes);
    match (acquire(&disk), want) {
        (Ok((mut journal, found)), Want::Frames(frames)) => {
            assert_eq!(found, frames, "{what}");
            // The cut is durable before anything is served, and what comes next stands in its
            // place.
            append(&mut *journal, &[b"next"]);
            drop(journal);
            disk.crash(1);
            assert_eq!(acquire(&disk).unwrap().1, frames + 1, "{what}");
        }
        (Err(OpenError::Damage(Damage { file, offset, .. })), Want::Damage(block)) => {
            assert_eq!((file.as_str(), offset), (SEGMENT, block * BLOCK as u64), "{what}");
        }
        (Ok((_, found)), Want::Damage(_)) => panic!("{what}: silent, {found} frames"),
        (Err(error), _) => panic!("{what}: {error}"),
    }
}

fn zero(block: usize) -> impl Fn(&mut Vec<u8>) {
    move |bytes| bytes[block * BLOCK..(block + 1) * BLOCK].fill(0)
}

fn flip(block: usize) -> impl Fn(&mut Vec<u8>) {
    move |bytes| bytes[block * BLOCK + 77] ^= 4
}

#[test]
fn a_torn_tail_is_told_from_damage() {
    check("nothing", false, |_| {}, Want::Frames(3));
    for block in 6..9 {
        check("a block of the last frame never arrived", false, zero(block), Want::Frames(2));
        check(
            "a block of the last frame was changed",
            false,
            flip(block),
            Want::Damage(block as u64),
        );
    }
    for block in 3..6 {
        check("a block is missing before a valid frame", false, zero(block), Want::Damage(6));
        check(
            "a block was changed before a valid frame",
            false,
            flip(block),
            Want::Damage(block as u64),
        );
    }
    let both = |bytes: &mut Vec<u8>| {
        zero(6)(bytes);
        flip(7)(bytes);
    };
    check("missing and changed", false, both, Want::Damage(7));
    let stray = |bytes: &mut Vec<u8>| bytes[20 * BLOCK] = 1;
    check("something behind the last frame", false, stray, Want::Damage(20));
    let moved = |bytes: &mut Vec<u8>| bytes.copy_within(0..3 * BLOCK, 9 * BLOCK);
    check("a frame of another place", false, moved, Want::Damage(9));
}

#[test]
fn a_frame_that_was_rewritten_with_good_checksums_breaks_the_chain() {
    let forge = |bytes: &mut Vec<u8>| {
        let header = frame::header(Kind::Segment, &bytes[3 * BLOCK..]).unwrap();
        let mut forged = Vec::new();
        frame::encode(&header, &body_of(&[&[6; 1200]]), &mut forged);
        bytes[3 * BLOCK..6 * BLOCK].copy_from_slice(&forged);
    };
    check("a forged frame", false, forge, Want::Damage(6));
}

#[test]
fn an_end_below_the_durable_mark_is_damage() {
    for block in 6..9 {
        check("durable and gone", true, zero(block), Want::Damage(6));
    }
    check("nothing", true, |_| {}, Want::Frames(3));
}

#[test]
fn a_short_file_is_damage() {
    let disk = three_frames(false);
    let bytes = disk.contents(SEGMENT).unwrap();
    for length in [0, 511, 512, 3 * BLOCK, 9 * BLOCK, bytes.len() - BLOCK, bytes.len() - 1] {
        let disk = disk.fork();
        disk.corrupt(SEGMENT, bytes[..length].to_vec());
        assert!(matches!(acquire(&disk), Err(OpenError::Damage(_))), "{length}");
    }
}

#[test]
fn a_failed_sync_is_not_tried_again_on_the_same_pages() {
    let disk = SimDisk::new();
    let (mut journal, _) = acquire(&disk).unwrap();
    assert_eq!(append(&mut *journal, &[&RECORD]).segment, 1);
    disk.fail_sync(1, 1);
    let moved = append(&mut *journal, &[&RECORD]);
    assert_eq!((moved.segment, moved.block), (2, 0));
    disk.crash(2);
    assert_eq!(acquire(&disk).unwrap().1, 2);
}

#[test]
fn when_the_new_segment_fails_too_the_outcome_is_unknown_and_nothing_more_is_taken() {
    let disk = SimDisk::new();
    let (mut journal, _) = acquire(&disk).unwrap();
    append(&mut *journal, &[&RECORD]);
    let body = body_of(&[&RECORD]);
    let batch = Batch { first: journal.end().next(), records: 1, body: &body };
    disk.fail_sync(1, 1);
    // The syncs between are the mark's and the next spare's; then comes the frame's second try.
    disk.fail_sync(4, 1);
    let failed = journal.append(batch);
    assert!(matches!(failed, Err(AppendError::Io(_))), "{failed:?}");
    assert!(matches!(journal.append(batch), Err(AppendError::Io(_))));
    assert!(!journal.writable());
    disk.kill_process();
    // It is in the page cache, so it is kept; nobody was told that it is not there.
    assert_eq!(acquire(&disk).unwrap().1, 2);
}

#[test]
fn a_full_disk_takes_what_was_admitted_and_comes_back_by_itself() {
    let disk = SimDisk::new();
    let (mut journal, _) = acquire(&disk).unwrap();
    disk.set_capacity(Some(disk.used_bytes()));
    let mut frames = 0;
    while journal.writable() {
        append(&mut *journal, &[&RECORD]);
        frames += 1;
    }
    // Not writable any more, and still there is room for a good part of a segment.
    for _ in 0..4 {
        append(&mut *journal, &[&RECORD]);
        frames += 1;
    }
    let body = body_of(&[&RECORD]);
    let full = loop {
        let batch = Batch { first: journal.end().next(), records: 1, body: &body };
        match journal.append(batch) {
            Ok(_) => frames += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, AppendError::Full));
    journal.idle();
    assert!(!journal.writable());
    disk.set_capacity(None);
    journal.idle();
    assert!(journal.writable());
    append(&mut *journal, &[&RECORD]);
    disk.crash(5);
    assert_eq!(acquire(&disk).unwrap().1, frames + 1);
}

#[test]
fn a_log_on_a_full_disk_opens_read_only() {
    let disk = three_frames(true);
    // The last owner's spare goes, and there is no room for another.
    disk.set_capacity(Some(disk.used_bytes() - 512));
    let (mut journal, frames) = acquire(&disk).unwrap();
    assert_eq!(frames, 3);
    assert!(!journal.writable());
    append(&mut *journal, &[b"still fits"]);
}
