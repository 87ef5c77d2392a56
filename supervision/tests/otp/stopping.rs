//! How children and trees end: lines 5 to 8, 26, 29 and 30.

use std::time::Duration;

use supervision::{AutoShutdown, ExitReason, Restart, RootError, Shutdown, Strategy, What};
use supervision::{ChildSpec, Start, SupervisorSpec};

use crate::stage::{Act, Diary, PATIENCE, Plan, Stage, find, gone};

async fn stopped(stage: &mut Stage, child: &str) -> ExitReason {
    match stage.until(child, |what| matches!(what, What::Stopped { .. })).await.what {
        What::Stopped { exit } => exit,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn line_05_supervisor_stop_stops_children_in_reverse_order() {
    for strategy in [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne] {
        let diary = Diary::default();
        let children = ["a", "b", "c"].map(|id| diary.probe(id)).to_vec();
        let stage = Stage::open(strategy, &diary, children).await;
        diary.read();
        assert_eq!(stage.root.shutdown(PATIENCE).await, Ok(()));
        assert_eq!(diary.read(), "-c -b -a");
    }
}

/// Terminates a child that clings to life and says how it ended.
async fn check(child: impl Fn(&Diary) -> ChildSpec, expected: ExitReason, diary_says: &str) {
    let diary = Diary::default();
    let mut stage = Stage::open(Strategy::OneForOne, &diary, vec![child(&diary)]).await;
    let cell = stage.cell("a").await;
    stage.top().terminate_child("a").await.unwrap();
    gone(&cell).await;
    assert_eq!(stopped(&mut stage, "a").await, expected);
    assert_eq!(diary.read(), diary_says);
}

#[tokio::test(start_paused = true)]
async fn line_06_a_child_is_asked_to_stop_and_killed_after_its_timeout() {
    let patient = Shutdown::TimeoutMs(1_000);
    check(|d| d.clinging("a").shutdown(patient), ExitReason::Killed, "+a -a").await;
    check(|d| d.probe("a").shutdown(patient), ExitReason::Shutdown, "+a -a").await;
}

#[tokio::test]
async fn line_07_a_brutal_shutdown_kills_at_once() {
    check(|d| d.probe("a").shutdown(Shutdown::Brutal), ExitReason::Killed, "+a").await;
}

#[tokio::test(start_paused = true)]
async fn line_08_infinity_waits_for_ever_and_is_the_default_of_supervisors() {
    let diary = Diary::default();
    let below = SupervisorSpec::new("below", Strategy::OneForOne, vec![]).into_child();
    assert_eq!(below.shutdown, Shutdown::Infinity);
    assert_eq!(diary.probe("a").shutdown, Shutdown::TimeoutMs(5_000));

    let child = diary.clinging("a").shutdown(Shutdown::Infinity);
    let stage = Stage::open(Strategy::OneForOne, &diary, vec![child]).await;
    let cell = stage.cell("a").await;
    let patience = Duration::from_secs(100 * 365 * 86_400);
    let shutdown = tokio::time::timeout(patience, stage.root.wait());
    stage.top().cell().stop(None);
    assert!(shutdown.await.is_err(), "still waiting after a hundred years");
    cell.kill();
    assert_eq!(stage.root.wait().await, Ok(()));
}

#[tokio::test]
async fn line_26_significant_children_end_their_supervisor() {
    use AutoShutdown::{AllSignificant, AnySignificant};
    // Which children end, and whether the supervisor then ends by itself.
    let cases: [(AutoShutdown, &[&str], bool); 6] = [
        (AnySignificant, &["a"], true),
        (AnySignificant, &["c"], false),
        (AllSignificant, &["a"], false),
        (AllSignificant, &["b"], false),
        (AllSignificant, &["a", "b"], true),
        (AllSignificant, &["a", "c"], false),
    ];
    for (auto_shutdown, ending, ends) in cases {
        let diary = Diary::default();
        let significant = |id| diary.probe(id).restart(Restart::Transient).significant();
        let children = vec![
            significant("a"),
            significant("b").restart(Restart::Temporary),
            diary.probe("c").restart(Restart::Transient),
        ];
        let spec = SupervisorSpec::new("top", Strategy::OneForOne, children);
        let spec = spec.auto_shutdown(auto_shutdown);
        let mut stage = Stage::start(spec, &diary).await.unwrap();
        for id in ending {
            stage.tell(id, Act::Stop(None)).await;
            stage.until_exited(id).await;
        }
        let case = format!("{auto_shutdown:?} after {ending:?}");
        if ends {
            assert_eq!(stage.root.wait().await, Ok(()), "{case}");
        } else {
            assert!(stage.top().describe().await.is_ok(), "{case}");
        }
    }
}

#[tokio::test]
async fn line_26_a_significant_child_that_is_stopped_on_purpose_ends_nothing() {
    let diary = Diary::default();
    let child = diary.probe("a").restart(Restart::Transient).significant();
    let spec = SupervisorSpec::new("top", Strategy::OneForOne, vec![child]);
    let spec = spec.auto_shutdown(AutoShutdown::AnySignificant);
    let stage = Stage::start(spec, &diary).await.unwrap();
    stage.top().terminate_child("a").await.unwrap();
    assert_eq!(stage.statuses().await, "a:stopped");
}

async fn three_levels(diary: &Diary) -> Stage {
    let low =
        SupervisorSpec::new("low", Strategy::OneForOne, vec![diary.probe("d"), diary.probe("e")]);
    let mid = SupervisorSpec::new(
        "mid",
        Strategy::OneForOne,
        vec![diary.probe("b"), low.into_child(), diary.probe("c")],
    );
    let children = vec![diary.probe("a"), mid.into_child(), diary.probe("z")];
    Stage::open(Strategy::OneForOne, diary, children).await
}

#[tokio::test]
async fn line_29_when_a_supervisor_is_killed_all_its_descendants_die() {
    let diary = Diary::default();
    let mut stage = three_levels(&diary).await;
    let mut below = Vec::new();
    for path in ["mid/b", "mid/c", "mid/low", "mid/low/d", "mid/low/e"] {
        below.push(find(stage.top(), path).await);
    }
    stage.cell("mid").await.kill();
    for cell in &below {
        gone(cell).await;
    }
    assert_eq!(stage.until_exited("mid").await, ExitReason::Killed);
    stage.until_up("mid", 2).await;
    // Nobody had time for a polite end, and all of them are back.
    assert_eq!(diary.read(), "+a +b +d +e +c +z +b +d +e +c");
}

#[tokio::test]
async fn line_29_also_while_it_is_stopping_one_of_them() {
    let diary = Diary::default();
    let child = diary.clinging("a").shutdown(Shutdown::Infinity);
    let stage = Stage::open(Strategy::OneForOne, &diary, vec![child]).await;
    let cell = stage.cell("a").await;
    let terminating = stage.top().terminate_child("a");
    let killing = async {
        while !diary.read().contains("-a") {
            tokio::task::yield_now().await;
        }
        stage.top().cell().kill();
    };
    let (terminated, ()) = tokio::join!(terminating, killing);
    assert!(terminated.is_err());
    gone(&cell).await;
    assert_eq!(stage.root.wait().await, Err(RootError::Ended(ExitReason::Killed)));
}

#[tokio::test]
async fn line_29_also_while_it_is_starting_one_of_them() {
    let diary = Diary::default();
    let stage = Stage::open(Strategy::OneForOne, &diary, vec![diary.probe("a")]).await;
    let a = stage.cell("a").await;
    diary.plan("c", &[Plan::Hang]);
    let (met, mut meets) = tokio::sync::mpsc::unbounded_channel();
    let spy = ChildSpec::new("spy", "spy", move |context| {
        // The half-started supervisor above this child.
        met.send(context.supervisor()).unwrap();
        async { Ok(Start::Ignore) }
    });
    let children = vec![diary.probe("b"), spy, diary.probe("c").start_timeout_ms(None)];
    let half = SupervisorSpec::new("half", Strategy::OneForOne, children).into_child();
    let killing = async {
        let half = meets.recv().await.unwrap();
        stage.top().cell().kill();
        gone(&a).await;
        gone(&half).await;
        half
    };
    let (started, half) = tokio::join!(stage.top().start_child(half), killing);
    assert!(started.is_err());
    assert!(half.get_children().is_empty());
    assert_eq!(diary.read(), "+a +b");
    // b had no supervisor that could still act for it.
    diary.all_gone().await;
}

#[tokio::test]
async fn line_29_also_one_that_is_about_to_end_by_itself() {
    let diary = Diary::default();
    // ractor does not kill what is already in `post_stop`.
    let stage = Stage::open(Strategy::OneForOne, &diary, vec![diary.clinging("a")]).await;
    stage.tell("a", Act::Stop(None)).await;
    while !diary.read().contains("-a") {
        tokio::task::yield_now().await;
    }
    stage.top().cell().kill();
    diary.all_gone().await;
}

/// The only wait of these tests that is real: it shows that a worker which hogs its thread cannot
/// hold up its supervisor for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn line_07_a_child_that_never_awaits_is_given_up_after_a_while() {
    let diary = Diary::default();
    let hog = diary.probe("a").shutdown(Shutdown::Brutal);
    let mut stage = Stage::open(Strategy::OneForOne, &diary, vec![hog, diary.probe("b")]).await;
    let (release, released) = std::sync::mpsc::channel();
    stage.tell("a", Act::Hog(released)).await;
    while !diary.read().contains("hogging") {
        tokio::task::yield_now().await;
    }
    stage.top().terminate_child("a").await.unwrap();
    assert_eq!(stopped(&mut stage, "a").await, ExitReason::Killed);
    assert_eq!(stage.statuses().await, "a:stopped b:running");
    release.send(()).unwrap();
}

#[tokio::test]
async fn line_30_a_supervisor_stopped_by_its_parent_takes_its_subtree_down_in_order() {
    let diary = Diary::default();
    let stage = three_levels(&diary).await;
    diary.read();
    stage.top().terminate_child("mid").await.unwrap();
    assert_eq!(diary.read(), "-c -e -d -b");
    assert_eq!(stage.statuses().await, "a:running mid:stopped z:running");
    stage.top().restart_child("mid").await.unwrap();
    assert_eq!(diary.read(), "+b +d +e +c");
    assert_eq!(stage.root.shutdown(PATIENCE).await, Ok(()));
    assert_eq!(diary.read(), "-z -c -e -d -b -a");
}
