//! Goal: the rules of the journal's thread, one test a rule: order, tokens, attach, retirement,
//! death, read-only.

use super::note::{Note, Sum};
use super::scene::{LONG, Scene, attach, effect, hand_over};
use crate::entry::Offset;
use crate::error::{HandOverError, OpenError};
use crate::writer::{HandOver, StopReason, Writer, WriterConfig};
use std::sync::mpsc;
use std::time::Duration;

#[test]
fn effects_are_released_in_order_after_their_records_are_durable() {
    let scene = Scene::new();
    let (writer, handle) = scene.start();
    let token = attach(&handle, 1).token;
    let (sender, released) = mpsc::channel();
    for number in 0..500 {
        let records = if number % 3 == 0 { vec![] } else { vec![Note::new(1, number)] };
        let effects = vec![effect(&sender, number)];
        handle.hand_over(HandOver { key: 1, token, records, effects }).unwrap();
    }
    let mut durable = 0;
    for number in 0..500 {
        durable += u64::from(number % 3 != 0);
        let (effect, through) = released.recv_timeout(LONG).unwrap();
        assert_eq!((effect, through), (number, Offset::new(durable)));
        assert!(handle.released() >= through);
    }
    assert!(writer.stop(LONG));
    assert_eq!(handle.hand_over(hand_over(1, token, 1)), Err(HandOverError::Gone));
    assert_eq!(scene.records().len(), durable as usize);
}

#[test]
fn an_attaching_entity_sees_what_was_queued_before_it_and_its_old_token_is_refused() {
    let scene = Scene::new();
    let (writer, handle) = scene.start();
    let old = attach(&handle, 1).token;
    let other = attach(&handle, 2).token;
    for number in 0..50 {
        handle.hand_over(hand_over(1, old, number)).unwrap();
        handle.hand_over(hand_over(2, other, number)).unwrap();
    }
    // Not waited for: attach itself goes through the queue.
    let recovery = attach(&handle, 1);
    assert_eq!(recovery.records.len(), 50);
    assert!(recovery.records.iter().enumerate().all(|(i, (offset, note))| {
        offset.get() == i as u64 * 2 + 1 && note.who == 1 && note.number == i as u64
    }));
    let (sender, released) = mpsc::channel();
    let mut stale = hand_over(1, old, 99);
    stale.effects = vec![effect(&sender, 99)];
    handle.hand_over(stale).unwrap();
    let mut fresh = hand_over(1, recovery.token, 100);
    fresh.effects = vec![effect(&sender, 100)];
    handle.hand_over(fresh).unwrap();
    assert_eq!(released.recv_timeout(LONG).unwrap().0, 100);
    assert_eq!(handle.stats().refused, 1);
    assert!(writer.stop(LONG));
    assert!(scene.records().iter().all(|(_, note)| note.number != 99));
}

#[test]
fn a_retired_entity_is_durable_and_must_attach_again() {
    let scene = Scene::new();
    let (writer, handle) = scene.start();
    let token = attach(&handle, 1).token;
    handle.hand_over(hand_over(1, token, 1)).unwrap();
    let (sender, retired) = mpsc::channel();
    let again = sender.clone();
    handle.retire(1, token, move |was| sender.send(was).unwrap()).unwrap();
    assert!(retired.recv_timeout(LONG).unwrap());
    assert_eq!(handle.released(), Offset::new(1));
    handle.retire(1, token, move |was| again.send(was).unwrap()).unwrap();
    assert!(!retired.recv_timeout(LONG).unwrap());
    handle.hand_over(hand_over(1, token, 2)).unwrap();
    assert_eq!(attach(&handle, 1).records.len(), 1);
    assert!(writer.stop(LONG));
}

#[test]
fn a_hand_over_is_never_split_and_small_ones_share_frames() {
    let scene = Scene::new();
    let (sender, frames) = mpsc::channel();
    let mut config = scene.config();
    config.frame_body_bytes = 500;
    config.tail = Box::new(move |frame| sender.send(frame.len()).unwrap());
    let (writer, handle) = scene.start_with(config);
    let token = attach(&handle, 1).token;
    for _ in 0..20 {
        let records = (0..40).map(|number| Note::new(1, number)).collect();
        handle.hand_over(HandOver { key: 1, token, records, effects: vec![] }).unwrap();
    }
    assert!(handle.wait_released(Offset::new(800), LONG));
    assert!(writer.stop(LONG));
    let frames: Vec<usize> = frames.iter().collect();
    assert_eq!(frames.iter().sum::<usize>(), 800);
    assert!(frames.iter().all(|records| records % 40 == 0), "{frames:?}");
}

#[test]
fn what_nobody_waits_for_is_kept_back_until_somebody_does_and_no_longer_than_allowed() {
    let scene = Scene::new();
    let (sender, frames) = mpsc::channel();
    let mut config = scene.config();
    config.keep_back = LONG;
    config.tail = Box::new(move |frame| sender.send(frame.len()).unwrap());
    let (writer, handle) = scene.start_with(config);
    let token = attach(&handle, 1).token;
    (1..=3).for_each(|number| handle.hand_over(hand_over(1, token, number)).unwrap());
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(handle.released(), Offset::new(0), "nobody waits");
    let (sender, released) = mpsc::channel();
    let mut awaited = hand_over(1, token, 4);
    awaited.effects = vec![effect(&sender, 4)];
    handle.hand_over(awaited).unwrap();
    assert_eq!(released.recv_timeout(LONG).unwrap(), (4, Offset::new(4)));
    assert_eq!(frames.try_iter().collect::<Vec<_>>(), [4], "in one frame, so with one sync");
    handle.hand_over(hand_over(1, token, 5)).unwrap();
    assert!(writer.stop(LONG), "an orderly stop writes what is kept back");
    assert_eq!(scene.records().len(), 5);

    let mut config = scene.config();
    config.keep_back = Duration::from_millis(5);
    let (writer, handle) = scene.start_with(config);
    let token = attach(&handle, 1).token;
    handle.hand_over(hand_over(1, token, 6)).unwrap();
    assert!(handle.wait_released(Offset::new(6), LONG));
    assert!(writer.stop(LONG));
}

#[test]
fn the_fold_is_shown_at_a_released_offset_and_read_back() {
    let scene = Scene::new();
    let (writer, handle) = scene.start();
    let token = attach(&handle, 1).token;
    (1..=30).for_each(|number| handle.hand_over(hand_over(1, token, number)).unwrap());
    let (sender, shown) = mpsc::channel();
    let own = handle.clone();
    handle
        .query(move |fold: &Sum, offset| {
            sender.send((fold.clone(), offset, own.released())).unwrap()
        })
        .unwrap();
    let (fold, offset, released) = shown.recv_timeout(LONG).unwrap();
    assert_eq!((fold.last, offset), (released, released));
    assert_eq!(fold.count, 30);
    assert!(writer.stop(LONG));
    let (_writer, _, ready) = scene.reopen();
    assert_eq!((ready.fold, ready.end), (fold, offset));
}

#[test]
fn when_an_append_fails_nothing_more_is_released() {
    let scene = Scene::new();
    let (sender, stopped) = mpsc::channel();
    let mut config = scene.config();
    config.stopped = Box::new(move |reason| sender.send(reason).unwrap());
    let (_writer, handle) = scene.start_with(config);
    let token = attach(&handle, 1).token;
    let (sender, released) = mpsc::channel();
    scene.disk.power_off_after(20);
    let mut number = 0;
    let refused = loop {
        let mut next = hand_over(1, token, number);
        next.effects = vec![effect(&sender, number)];
        match handle.hand_over(next) {
            Ok(()) => number += 1,
            // The thread is late: what it is to write still waits.
            Err(HandOverError::Overrun) => {}
            Err(refused) => break refused,
        }
        std::thread::yield_now();
    };
    drop(sender);
    assert_eq!(refused, HandOverError::Gone);
    assert!(matches!(stopped.recv_timeout(LONG).unwrap(), StopReason::Append(_)));
    let seen: Vec<_> = released.iter().collect();
    scene.disk.crash(3);
    let records = scene.records();
    assert!(records.len() >= seen.len(), "{} of {}", records.len(), seen.len());
    assert!(seen.iter().zip(&records).all(|(seen, record)| seen.1 == record.0));
}

#[test]
fn a_failed_sync_moves_on_to_a_new_segment_and_loses_nothing() {
    let scene = Scene::new();
    let (writer, handle) = scene.start();
    let token = attach(&handle, 1).token;
    for number in 1..=40 {
        scene.disk.fail_sync(1 + number % 2, number);
        handle.hand_over(hand_over(1, token, number)).unwrap();
        if !handle.wait_released(Offset::new(number), LONG) {
            break;
        }
    }
    let released = handle.released().get();
    writer.abandon();
    scene.disk.crash(9);
    assert!(released > 1);
    assert!(scene.records().len() as u64 >= released);
}

#[test]
fn the_thread_stops_when_its_owner_is_gone_and_the_next_one_waits_for_it() {
    let scene = Scene::new();
    let (writer, handle) = scene.start();
    let token = attach(&handle, 1).token;
    let (sender, inside) = mpsc::channel();
    let (go_on, wait) = mpsc::channel::<()>();
    let mut slow = hand_over(1, token, 1);
    slow.effects = vec![Box::new(move |_| {
        sender.send(()).unwrap();
        wait.recv().unwrap();
    })];
    handle.hand_over(slow).unwrap();
    inside.recv_timeout(LONG).unwrap();
    let (late, released) = mpsc::channel();
    let mut next = hand_over(1, token, 2);
    next.effects = vec![effect(&late, 2)];
    handle.hand_over(next).unwrap();
    drop((writer, late));
    assert_eq!(handle.hand_over(hand_over(1, token, 3)), Err(HandOverError::Gone));
    // The old thread is still inside an effect: the next owner does not get the log yet.
    let mut config = scene.config();
    config.lock_patience = Duration::from_millis(20);
    let (sender, opened) = mpsc::channel();
    let second = Writer::<Note, Sum, super::scene::Boxed>::start(config, move |ready| {
        sender.send(ready.map(drop)).unwrap();
    });
    assert!(matches!(opened.recv_timeout(LONG).unwrap(), Err(OpenError::Busy(_))));
    drop(second);
    go_on.send(()).unwrap();
    let (_writer, _, ready) = scene.reopen();
    assert_eq!(ready.end, Offset::new(1));
    assert!(released.recv().is_err(), "an effect was released after its owner was gone");
}

#[test]
fn past_the_hard_bound_a_hand_over_is_an_overrun() {
    let scene = Scene::new();
    let mut config = scene.config();
    config.queued_max = 10;
    let (writer, handle) = scene.start_with(config);
    let token = attach(&handle, 1).token;
    let (go_on, wait) = mpsc::channel::<()>();
    handle.query(move |_, _| wait.recv().unwrap_or(())).unwrap();
    let outcome = (0..20).map(|number| handle.hand_over(hand_over(1, token, number)));
    assert!(outcome.into_iter().any(|it| it == Err(HandOverError::Overrun)));
    assert!(handle.backlog() <= 10);
    drop(go_on);
    assert!(writer.stop(LONG));
}

#[test]
fn a_full_disk_makes_it_read_only_until_there_is_room() {
    let scene = Scene::new();
    let (writer, handle) = scene.start();
    let token = attach(&handle, 1).token;
    assert!(handle.writable());
    scene.disk.set_capacity(Some(scene.disk.used_bytes()));
    let mut number = 0;
    while handle.writable() {
        number += 1;
        handle.hand_over(hand_over(1, token, number)).unwrap();
        assert!(handle.wait_released(Offset::new(number), LONG), "admitted work fits");
    }
    // What was admitted just now still fits; then it waits.
    while handle.wait_released(Offset::new(number), Duration::from_millis(50)) {
        number += 1;
        handle.hand_over(hand_over(1, token, number)).unwrap();
    }
    assert!(!handle.is_gone());
    scene.disk.set_capacity(None);
    assert!(handle.wait_released(Offset::new(number), LONG));
    assert!(writer.stop(LONG));
    assert_eq!(scene.records().len() as u64, number);
}

#[test]
fn a_panicking_effect_ends_the_journal_not_the_process() {
    let scene = Scene::new();
    let (sender, stopped) = mpsc::channel();
    let mut config: WriterConfig<Note> = scene.config();
    config.stopped = Box::new(move |reason| sender.send(reason).unwrap());
    let (_writer, handle) = scene.start_with(config);
    let token = attach(&handle, 1).token;
    let mut bad = hand_over(1, token, 1);
    bad.effects = vec![Box::new(|_| panic!("planted"))];
    handle.hand_over(bad).unwrap();
    assert!(matches!(stopped.recv_timeout(LONG).unwrap(), StopReason::Panicked));
    let (_writer, _, ready) = scene.reopen();
    assert_eq!(ready.end, Offset::new(1));
}

#[test]
fn what_was_taken_but_not_written_is_dropped_when_the_owner_goes_meanwhile() {
    let scene = Scene::new();
    let mut config = scene.config();
    config.frame_body_bytes = 1;
    let (writer, handle) = scene.start_with(config);
    let token = attach(&handle, 1).token;
    // Held in a query, the thread takes both hand-overs in one swap afterwards.
    let (let_take, taking) = mpsc::channel::<()>();
    handle.query(move |_, _| taking.recv().unwrap()).unwrap();
    let (sender, inside) = mpsc::channel();
    let (go_on, wait) = mpsc::channel::<()>();
    let mut first = hand_over(1, token, 1);
    first.effects = vec![Box::new(move |_| {
        sender.send(()).unwrap();
        wait.recv().unwrap();
    })];
    handle.hand_over(first).unwrap();
    handle.hand_over(hand_over(1, token, 2)).unwrap();
    let_take.send(()).unwrap();
    inside.recv_timeout(LONG).unwrap();
    drop(writer);
    go_on.send(()).unwrap();
    assert_eq!(scene.reopen().2.end, Offset::new(1));
}
