//! Who is restarted after what, and when it is too often: lines 9 to 14, 16, 18 to 20.

use supervision::{Backoff, ExitReason, Restart, RootError, Strategy, SupervisorSpec, What};

use crate::stage::{Act, Diary, PATIENCE, Plan, Stage, find};

/// All the ways in which an actor can end.
const ENDS: [&str; 8] =
    ["normal", "none", "drained", "shutdown", "shutdown: idle", "other", "panic", "err"];

async fn end(stage: &Stage, child: &str, how: &'static str) {
    match how {
        "panic" => stage.tell(child, Act::Panic("on purpose")).await,
        "err" => stage.tell(child, Act::Fail("on purpose")).await,
        "kill" => stage.cell(child).await.kill(),
        "drained" => stage.cell(child).await.drain().unwrap(),
        "none" => stage.tell(child, Act::Stop(None)).await,
        reason => stage.tell(child, Act::Stop(Some(reason))).await,
    }
}

/// Ends a child in every way and compares after which it is restarted.
async fn check(restart: Restart, is_restarted: fn(&str) -> bool) {
    for how in ENDS.into_iter().chain(["kill"]) {
        let diary = Diary::default();
        let children = vec![diary.probe("a").restart(restart), diary.probe("b")];
        let mut stage = Stage::open(Strategy::OneForOne, &diary, children).await;
        end(&stage, "a", how).await;
        stage.until_exited("a").await;
        if is_restarted(how) {
            stage.until_up("a", 2).await;
        }
        let expected = match restart {
            _ if is_restarted(how) => "a:running b:running",
            Restart::Temporary => "b:running",
            _ => "a:stopped b:running",
        };
        assert_eq!(stage.statuses().await, expected, "{restart:?} after {how}");
    }
}

#[tokio::test]
async fn line_09_a_permanent_child_is_restarted_after_any_exit() {
    check(Restart::Permanent, |_| true).await;
}

#[tokio::test]
async fn line_10_a_transient_child_is_restarted_unless_it_ended_in_order() {
    check(Restart::Transient, |how| matches!(how, "other" | "panic" | "err" | "kill")).await;
}

#[tokio::test]
async fn line_11_a_temporary_child_is_never_restarted_and_its_spec_is_dropped() {
    check(Restart::Temporary, |_| false).await;
    for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
        let diary = Diary::default();
        let temporary = diary.probe("b").restart(Restart::Temporary);
        let mut stage =
            Stage::open(strategy, &diary, vec![diary.probe("a"), temporary, diary.probe("c")])
                .await;
        end(&stage, "a", "panic").await;
        stage.until_up("c", 2).await;
        assert_eq!(stage.statuses().await, "a:running c:running", "{strategy:?}");
        assert_eq!(diary.read(), "+a +b +c -c -b +a +c", "{strategy:?}");
    }
}

/// Ends `b` of four and compares what the diary says about everybody.
async fn check_strategy(strategy: Strategy, expected: &str) {
    let diary = Diary::default();
    let children = ["a", "b", "c", "d"].map(|id| diary.probe(id)).to_vec();
    let mut stage = Stage::open(strategy, &diary, children).await;
    assert_eq!(diary.read(), "+a +b +c +d");
    end(&stage, "b", "panic").await;
    let last = if strategy == Strategy::OneForOne { "b" } else { "d" };
    stage.until_up(last, 2).await;
    assert_eq!(diary.read(), expected);
    assert_eq!(stage.statuses().await, "a:running b:running c:running d:running");
}

#[tokio::test]
async fn line_12_one_for_one_restarts_only_the_child_that_died() {
    check_strategy(Strategy::OneForOne, "+b").await;
}

#[tokio::test]
async fn line_13_one_for_all_stops_the_others_in_reverse_and_starts_all_in_order() {
    check_strategy(Strategy::OneForAll, "-d -c -a +a +b +c +d").await;
}

#[tokio::test]
async fn line_14_rest_for_one_does_so_with_later_siblings_only() {
    check_strategy(Strategy::RestForOne, "-d -c +b +c +d").await;
}

#[tokio::test]
async fn line_16_too_many_restarts_end_all_children_and_then_the_supervisor() {
    let diary = Diary::default();
    let children = vec![diary.probe("a"), diary.probe("b"), diary.probe("c")];
    let spec = SupervisorSpec::new("top", Strategy::OneForOne, children).intensity(2, 60_000);
    let mut stage = Stage::start(spec, &diary).await.unwrap();
    for incarnation in [2, 3] {
        end(&stage, "b", "panic").await;
        stage.until_up("b", incarnation).await;
    }
    diary.read();
    end(&stage, "b", "panic").await;
    stage.until("b", |what| *what == What::GaveUp).await;
    assert_eq!(stage.root.wait().await, Err(RootError::GaveUp));
    assert_eq!(diary.read(), "-c -a");
}

#[tokio::test(start_paused = true)]
async fn line_16_restarts_outside_the_period_do_not_count() {
    let diary = Diary::default();
    let spec = SupervisorSpec::new("top", Strategy::OneForOne, vec![diary.probe("a")]);
    let mut stage = Stage::start(spec.intensity(1, 5_000), &diary).await.unwrap();
    for incarnation in 2..10 {
        end(&stage, "a", "panic").await;
        stage.until_up("a", incarnation).await;
        tokio::time::advance(std::time::Duration::from_millis(5_001)).await;
    }
}

#[tokio::test]
async fn line_18_the_restart_of_a_group_counts_as_one() {
    let diary = Diary::default();
    let children = ["a", "b", "c", "d"].map(|id| diary.probe(id)).to_vec();
    let spec = SupervisorSpec::new("top", Strategy::OneForAll, children).intensity(2, 60_000);
    let mut stage = Stage::start(spec, &diary).await.unwrap();
    for incarnation in [2, 3] {
        end(&stage, "a", "panic").await;
        stage.until_up("d", incarnation).await;
    }
    assert_eq!(stage.top().describe().await.unwrap().budget.used, 2);
}

#[tokio::test]
async fn line_19_a_restart_that_fails_is_tried_again_and_counted() {
    for strategy in [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne] {
        let diary = Diary::default();
        let children = ["a", "b", "c"].map(|id| diary.probe(id)).to_vec();
        let mut stage = Stage::open(strategy, &diary, children).await;
        diary.plan("b", &[Plan::Fail, Plan::Panic]);
        end(&stage, "b", "panic").await;
        stage.until_up("b", 4).await;
        assert_eq!(stage.top().describe().await.unwrap().budget.used, 3, "{strategy:?}");
        assert_eq!(stage.statuses().await, "a:running b:running c:running", "{strategy:?}");
    }

    let diary = Diary::default();
    let spec = SupervisorSpec::new("top", Strategy::OneForOne, vec![diary.probe("a")]);
    let stage = Stage::start(spec.intensity(3, 60_000), &diary).await.unwrap();
    diary.plan("a", &[Plan::Fail; 4]);
    end(&stage, "a", "panic").await;
    assert_eq!(stage.root.wait().await, Err(RootError::GaveUp));
    assert_eq!(diary.read(), "+a");
}

#[tokio::test(start_paused = true)]
async fn line_19_a_group_that_waits_for_its_next_try_is_down() {
    let hour = Backoff { first_ms: 3_600_000, max_ms: 3_600_000, reset_after_ms: 9 };
    for (strategy, meanwhile) in [
        (Strategy::OneForOne, "a:running b:restarting c:running"),
        (Strategy::OneForAll, "a:stopped b:restarting c:stopped"),
        (Strategy::RestForOne, "a:running b:restarting c:stopped"),
    ] {
        let diary = Diary::default();
        let children = vec![diary.probe("a"), diary.probe("b").backoff(hour), diary.probe("c")];
        let mut stage = Stage::open(strategy, &diary, children).await;
        diary.plan("b", &[Plan::Fail]);
        end(&stage, "b", "panic").await;
        stage.until("b", |what| matches!(what, What::StartFailed { .. })).await;
        assert_eq!(stage.statuses().await, meanwhile);

        // Whoever is told to stay down stays down: the try that was coming is void.
        stage.top().terminate_child("b").await.unwrap();
        tokio::time::advance(std::time::Duration::from_secs(7_200)).await;
        assert_eq!(stage.statuses().await, meanwhile.replace("restarting", "stopped"));
        assert_eq!(stage.statuses().await, meanwhile.replace("restarting", "stopped"));
    }
}

#[tokio::test]
async fn line_20_a_supervisor_that_gives_up_is_restarted_by_its_own() {
    let diary = Diary::default();
    let below = SupervisorSpec::new("below", Strategy::OneForOne, vec![diary.probe("b")]);
    let children = vec![diary.probe("a"), below.intensity(0, 60_000).into_child()];
    let mut stage = Stage::open(Strategy::OneForAll, &diary, children).await;
    let before = find(stage.top(), "below/b").await;
    end(&stage, "below/b", "panic").await;
    let cause = "reached maximum restart intensity".to_owned();
    assert_eq!(stage.until_exited("below").await, ExitReason::ShutdownFor(cause));
    stage.until_up("below", 2).await;
    // The strategy of the parent held for all its children.
    assert_eq!(diary.read(), "+a +b -a +a +b");
    assert_ne!(find(stage.top(), "below/b").await, before);
    assert_eq!(stage.root.shutdown(PATIENCE).await, Ok(()));
}
