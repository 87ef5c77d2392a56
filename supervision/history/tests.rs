//! The past is found as it was: the tree at any moment equals the fold of all events up to it.

use std::borrow::Cow;
use std::time::Instant;

use proptest::prelude::ProptestConfig;
use proptest::strategy::Strategy as Generated;
use proptest::{prop_assert_eq, proptest};

use super::*;
use crate::exit::ExitReason;

const IDS: [&str; 6] = ["a", "b", "crowd", "a.1", "a.2", "top"];
const PATHS: [&str; 4] = ["", "top", "top/crowd", "top/a"];

fn what(choice: u8, incarnation: u64) -> What {
    let budget = Some(Intensity { restarts: 3, period_ms: 50 });
    let spawned = |restart, strategy| What::Spawned { incarnation, restart, strategy, budget };
    match choice {
        0..=4 => spawned(Restart::Permanent, None),
        5 => spawned(Restart::Transient, None),
        6 => spawned(Restart::Temporary, None),
        7 => spawned(Restart::Permanent, Some(Strategy::Dynamic)),
        8 => spawned(Restart::Permanent, Some(Strategy::RestForOne)),
        9 => What::Ignored,
        10 => What::Exited { exit: ExitReason::Normal, last_words: None },
        11..=12 => What::Exited { exit: ExitReason::Killed, last_words: None },
        13 => What::Restarting { attempt: 1, of: 3, within_ms: 50, own: true, backoff_ms: 0 },
        14 => What::Restarting { attempt: 1, of: 3, within_ms: 50, own: false, backoff_ms: 0 },
        15 => What::Quarantined { restarts: 3, within_ms: 50 },
        16 => What::Stopped { exit: ExitReason::Shutdown },
        17 => What::Forgotten,
        18 => What::GaveUp,
        _ => What::NodeStarted { version: "0".into(), after_crash: false },
    }
}

fn event(seq: u64, at_ms: u64, path: &str, child: &str, what: What) -> SupervisionEvent {
    let (supervisor, child, kind) = (path.into(), child.into(), Cow::Borrowed("kind"));
    SupervisionEvent { seq, at_ms, supervisor, child, kind, what, lost_before: 0 }
}

fn events() -> impl Generated<Value = Vec<SupervisionEvent>> {
    let one = (0..20u8, 0..PATHS.len(), 0..IDS.len(), 1..4u64, 0..30u64);
    proptest::collection::vec(one, 0..200).prop_map(|steps| {
        let mut at_ms = 1_000;
        let numbered = steps.into_iter().enumerate();
        numbered
            .map(|(seq, (choice, path, id, incarnation, pause))| {
                at_ms += pause;
                event(seq as u64 + 1, at_ms, PATHS[path], IDS[id], what(choice, incarnation))
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_tree_at_a_moment_is_the_fold_of_the_log_up_to_it(
        events in events(), chunk in 1..40usize,
    ) {
        let mut history = History::with_chunks_of(chunk);
        let mut whole = History::with_chunks_of(usize::MAX);
        let mut folds = vec![Tree::default()];
        for event in &events {
            history.push(event);
            whole.push(event);
            folds.push(whole.present().clone());
        }
        prop_assert_eq!(history.present(), whole.present());
        let first = history.reach().first_seq;
        for (count, fold) in folds.iter().enumerate() {
            let seq = count as u64;
            if seq + 1 < first {
                continue;
            }
            let (tree, behind, at_ms) = history.at(Moment::Seq(seq));
            prop_assert_eq!(&tree, fold, "behind {}", seq);
            prop_assert_eq!(tree.len(), tree.all().count());
            if count > 0 && seq >= first {
                prop_assert_eq!(behind, seq);
                prop_assert_eq!(at_ms, events[count - 1].at_ms);
            }
            // By time: the last of those that came in the same millisecond.
            let at_ms = count.checked_sub(1).map_or(0, |last| events[last].at_ms);
            let last = events.iter().rposition(|event| event.at_ms <= at_ms).map_or(0, |at| at + 1);
            if at_ms > 0 {
                prop_assert_eq!(&history.at(Moment::AtMs(at_ms)).0, &folds[last]);
            }
        }
        let ticks = history.ticks(0, u64::MAX >> 1, 7);
        let counted = |bucket: &Bucket| {
            bucket.spawned + bucket.failed + bucket.restarting + bucket.gave_up + bucket.stopped
                + bucket.operator + bucket.node
        };
        let told = |event: &&SupervisionEvent| Class::of(&event.what) != Class::None;
        let kept = events.iter().filter(|event| event.seq >= first).filter(told).count();
        prop_assert_eq!(ticks.iter().map(counted).sum::<u32>() as usize, kept);
    }
}

#[test]
fn a_supervisor_that_falls_takes_what_is_below_it_and_budgets_decay() {
    let mut history = History::default();
    let permanent = |strategy| What::Spawned {
        incarnation: 1,
        restart: Restart::Permanent,
        strategy,
        budget: Some(Intensity { restarts: 5, period_ms: 100 }),
    };
    let told = [
        ("top/crowd", "m-1", permanent(None)),
        ("top", "crowd", permanent(Some(Strategy::Dynamic))),
        ("", "top", permanent(Some(Strategy::OneForOne))),
        ("top/crowd", "m-1", What::Exited { exit: ExitReason::Killed, last_words: None }),
        (
            "top/crowd",
            "m-1",
            What::Restarting { attempt: 1, of: 5, within_ms: 100, own: true, backoff_ms: 0 },
        ),
    ];
    for (at, (path, child, what)) in told.into_iter().enumerate() {
        let seq = at as u64 + 1;
        history.push(&event(seq, seq * 10, path, child, what));
    }
    let child = history.present().node("top/crowd/m-1").expect("it is known");
    assert_eq!(child.status, ChildStatus::Restarting);
    assert_eq!(child.budget(60), Some(Budget { used: 1, of: 5, within_ms: 100 }));
    assert_eq!(child.budget(200).map(|budget| budget.used), Some(0), "it decays");
    let fell = What::Exited { exit: ExitReason::Killed, last_words: None };
    history.push(&event(6, 70, "top", "crowd", fell));
    assert!(history.present().node("top/crowd/m-1").is_none(), "gone with it");
    assert!(history.at(Moment::Seq(5)).0.node("top/crowd/m-1").is_some(), "and there before");
    assert_eq!(&*history.last_of("m-1").expect("told").supervisor, "top/crowd");
}

#[test]
fn a_million_events_are_searched_in_the_chunk_that_they_are_in() {
    let mut history = History::default();
    let begun = Instant::now();
    let total = 1_000_000u64;
    for seq in 1..=total {
        let child = format!("market-{}", seq % 10_000);
        let what = match seq % 3 {
            0 => what(0, seq),
            1 => what(11, seq),
            _ => what(13, seq),
        };
        history.push(&event(seq, seq, "top/crowd", &child, what));
    }
    let filled = begun.elapsed();
    let begun = Instant::now();
    let (tree, seq, _) = history.at(Moment::AtMs(total / 2 - 1));
    println!("{total} events folded in {filled:?}, one moment found in {:?}", begun.elapsed());
    assert_eq!(seq, total / 2 - 1);
    assert!(!tree.is_empty());
    assert_eq!(history.reach().dropped, 0);
    let begun = Instant::now();
    assert_eq!(history.ticks(0, total, 400).len(), 400);
    println!("its ticks counted in {:?}", begun.elapsed());
}
