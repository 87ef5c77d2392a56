//! Children from a template: line 15, and what is beyond OTP: budgets of their own, quarantine,
//! and any number of them.

use std::time::Instant;

use supervision::{
    AdminError, AutoShutdown, Backoff, Budget, ChildCounts, ChildSpec, ChildStatus, DynamicSpec,
    ExitReason, Page, Restart, Role, RootError, Shutdown, Strategy, SupervisorRef, SupervisorSpec,
    What,
};

use crate::stage::{Act, Diary, PATIENCE, Plan, Stage, find, gone, statuses};

/// A tree with one dynamic supervisor, `pool`, over probes.
async fn pool(
    diary: &Diary,
    tune: impl FnOnce(DynamicSpec) -> DynamicSpec,
) -> (Stage, SupervisorRef) {
    let spec = DynamicSpec::new("pool", diary.probe("template")).intensity(100_000, 60_000);
    let stage = Stage::open(Strategy::OneForOne, diary, vec![tune(spec).into_child()]).await;
    let pool = stage.top().child_supervisor("pool").await.unwrap();
    (stage, pool)
}

async fn start(pool: &SupervisorRef, ids: &[&str]) {
    for id in ids {
        assert!(pool.start_dynamic(id).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn line_15_children_are_started_by_id_from_a_template() {
    let diary = Diary::default();
    let (mut stage, pool) = pool(&diary, |spec| spec.children_max(3)).await;
    start(&pool, &["b", "c", "a"]).await;
    assert_eq!(diary.read(), "+b +c +a");
    assert_eq!(statuses(&pool).await, "a:running b:running c:running");

    let actor = find(stage.top(), "pool/a").await;
    assert_eq!(pool.start_dynamic("a").await, Err(AdminError::AlreadyStarted { actor }));
    assert_eq!(pool.start_dynamic("d").await, Err(AdminError::Full { children_max: 3 }));
    assert_eq!(pool.start_child(diary.probe("d")).await, Err(AdminError::WrongKind));
    assert_eq!(stage.top().start_dynamic("d").await, Err(AdminError::WrongKind));

    stage.tell("pool/b", Act::Panic("on purpose")).await;
    stage.until_up("b", 2).await;
    assert_eq!(diary.read(), "+b");
    pool.terminate_child("c").await.unwrap();
    assert_eq!(diary.read(), "-c");
    assert_eq!(statuses(&pool).await, "a:running b:running");
    assert_eq!(pool.terminate_child("c").await, Err(AdminError::NotFound));
    assert_eq!(pool.restart_child("a").await, Err(AdminError::Running));
    assert_eq!(pool.delete_child("a").await, Err(AdminError::Running));
    assert_eq!(&*pool.get_childspec("a").await.unwrap().id, "a");
    let counts = ChildCounts { specs: 2, active: 2, supervisors: 0, workers: 2 };
    assert_eq!(pool.count_children().await, Ok(counts));
}

#[tokio::test]
async fn children_of_a_template_of_two_kinds_are_told_by_their_own() {
    let diary = Diary::default();
    let mut other = diary.probe("other");
    other.kind = "other";
    let (_stage, pool) = pool(&diary, |mut spec| {
        spec.template = spec.template.or_if(|id| id.starts_with("other-"), other);
        spec
    })
    .await;
    start(&pool, &["other-1", "one"]).await;
    let spec = pool.get_childspec("one").await.unwrap();
    let kinds = ["one", "other-1"].map(|id| spec.kind_of(id));
    assert_eq!((kinds[0] == spec.kind, kinds[1]), (true, "other"));
}

#[tokio::test]
async fn line_15_a_start_that_fails_or_is_ignored_leaves_nothing() {
    let diary = Diary::default();
    let (_stage, pool) = pool(&diary, |spec| spec).await;
    diary.plan("a", &[Plan::Ignore, Plan::Fail, Plan::Panic]);
    assert_eq!(pool.start_dynamic("a").await, Ok(None));
    for _ in 0..2 {
        let failed = pool.start_dynamic("a").await;
        assert!(matches!(failed, Err(AdminError::StartFailed(_))), "{failed:?}");
    }
    assert!(matches!(pool.start_dynamic("a/b").await, Err(AdminError::Invalid(_))));
    assert_eq!(statuses(&pool).await, "");
}

#[tokio::test]
async fn line_15_orderly_exits_drop_a_transient_child_and_any_exit_a_temporary_one() {
    for (restart, act) in
        [(Restart::Transient, Act::Stop(None)), (Restart::Temporary, Act::Panic("on purpose"))]
    {
        let diary = Diary::default();
        let (mut stage, pool) = pool(&diary, |spec| {
            let template = spec.template.clone().restart(restart);
            DynamicSpec { template, ..spec }
        })
        .await;
        start(&pool, &["a", "b"]).await;
        stage.tell("pool/a", act).await;
        stage.until_exited("a").await;
        assert_eq!(statuses(&pool).await, "b:running");
        start(&pool, &["a"]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn line_15_children_are_stopped_in_parallel() {
    let diary = Diary::default();
    let template = diary.clinging("template").shutdown(Shutdown::TimeoutMs(1_000));
    let (stage, pool) = pool(&diary, |spec| DynamicSpec { template, ..spec }).await;
    let ids: Vec<String> = (0..100).map(|n| format!("child-{n}")).collect();
    for id in &ids {
        pool.start_dynamic(id).await.unwrap();
    }
    let before = tokio::time::Instant::now();
    stage.top().terminate_child("pool").await.unwrap();
    assert_eq!(before.elapsed().as_millis(), 1_000, "a hundred take as long as one");
}

#[tokio::test]
async fn a_child_that_is_slow_to_stop_keeps_nobody_waiting() {
    let diary = Diary::default();
    let template = diary.clinging("template").shutdown(Shutdown::Infinity);
    let (stage, pool) = pool(&diary, |spec| DynamicSpec { template, ..spec }).await;
    start(&pool, &["a"]).await;
    let cell = find(stage.top(), "pool/a").await;
    let meanwhile = async {
        while !statuses(&pool).await.contains("a:stopping") {
            tokio::task::yield_now().await;
        }
        assert_eq!(pool.start_dynamic("a").await, Err(AdminError::Stopping));
        assert_eq!(pool.terminate_child("a").await, Err(AdminError::Stopping));
        start(&pool, &["b"]).await;
        cell.kill();
    };
    let (terminated, ()) = tokio::join!(pool.terminate_child("a"), meanwhile);
    assert_eq!(terminated, Ok(()));
    assert_eq!(statuses(&pool).await, "b:running");
}

#[tokio::test]
async fn a_killed_pool_takes_along_also_those_that_are_being_stopped() {
    let diary = Diary::default();
    let template = diary.clinging("template").shutdown(Shutdown::Infinity);
    let (mut stage, pool) = pool(&diary, |spec| DynamicSpec { template, ..spec }).await;
    start(&pool, &["a", "b"]).await;
    let (a, b) = (find(stage.top(), "pool/a").await, find(stage.top(), "pool/b").await);
    let killing = async {
        while !diary.read().contains("-a") {
            tokio::task::yield_now().await;
        }
        pool.cell().kill();
    };
    let (terminated, ()) = tokio::join!(pool.terminate_child("a"), killing);
    assert_eq!(terminated, Err(AdminError::SupervisorGone));
    gone(&a).await;
    gone(&b).await;
    stage.until_up("pool", 2).await;
    let pool = stage.top().child_supervisor("pool").await.unwrap();
    assert_eq!(statuses(&pool).await, "", "it comes back empty");
}

#[tokio::test]
async fn a_child_whose_budget_is_spent_is_quarantined_and_harms_nobody() {
    let diary = Diary::default();
    let (mut stage, pool) = pool(&diary, |spec| spec.budget(2, 60_000)).await;
    start(&pool, &["good", "poison"]).await;
    for incarnation in [2, 3] {
        stage.tell("pool/poison", Act::Panic("on purpose")).await;
        stage.until_up("poison", incarnation).await;
    }
    let poison = pool.get_child("poison").await.unwrap();
    assert_eq!(poison.budget, Some(Budget { used: 2, of: 2, within_ms: 60_000 }));
    assert_eq!(poison.restarts, 2);
    stage.tell("pool/poison", Act::Panic("on purpose")).await;
    let event = stage.until("poison", |what| matches!(what, What::Quarantined { .. })).await;
    assert_eq!(event.what, What::Quarantined { restarts: 2, within_ms: 60_000 });
    assert_eq!(statuses(&pool).await, "good:running poison:quarantined");
    assert_eq!(pool.describe().await.unwrap().budget.used, 2, "the last one cost the pool nothing");
    assert_eq!(pool.start_dynamic("poison").await, Err(AdminError::AlreadyPresent));

    diary.plan("poison", &[Plan::Fail]);
    assert!(matches!(pool.restart_child("poison").await, Err(AdminError::StartFailed(_))));
    assert_eq!(statuses(&pool).await, "good:running poison:quarantined");
    assert!(pool.restart_child("poison").await.unwrap().is_some());
    let poison = pool.get_child("poison").await.unwrap();
    assert_eq!(
        (poison.status, poison.budget),
        (ChildStatus::Running, Some(Budget { used: 0, of: 2, within_ms: 60_000 }))
    );
}

#[tokio::test]
async fn a_child_that_cannot_come_back_is_quarantined_as_well() {
    let diary = Diary::default();
    let (mut stage, pool) = pool(&diary, |spec| spec.budget(2, 60_000)).await;
    start(&pool, &["good", "poison"]).await;
    diary.plan("poison", &[Plan::Fail; 9]);
    stage.tell("pool/poison", Act::Panic("on purpose")).await;
    stage.until("poison", |what| matches!(what, What::Quarantined { .. })).await;
    assert_eq!(statuses(&pool).await, "good:running poison:quarantined");
    pool.delete_child("poison").await.unwrap();
    assert_eq!(statuses(&pool).await, "good:running");
}

#[tokio::test]
async fn many_children_failing_at_once_still_end_the_pool() {
    let diary = Diary::default();
    let (mut stage, pool) = pool(&diary, |spec| spec.budget(5, 60_000).intensity(10, 60_000)).await;
    let ids: Vec<String> = (0..11).map(|n| format!("child-{n}")).collect();
    for id in &ids {
        pool.start_dynamic(id).await.unwrap();
        stage.tell(&format!("pool/{id}"), Act::Panic("on purpose")).await;
        stage.until_exited(id).await;
    }
    let cause = "reached maximum restart intensity".to_owned();
    assert_eq!(stage.until_exited("pool").await, ExitReason::ShutdownFor(cause));
    stage.until_up("pool", 2).await;
}

#[tokio::test(start_paused = true)]
async fn a_backoff_is_waited_out_by_the_child_alone() {
    let diary = Diary::default();
    let backoff = Backoff { first_ms: 10_000, max_ms: 10_000, reset_after_ms: 600_000 };
    let (mut stage, pool) = pool(&diary, |spec| {
        let template = spec.template.clone().backoff(backoff);
        DynamicSpec { template, ..spec }
    })
    .await;
    start(&pool, &["a"]).await;
    let begun = tokio::time::Instant::now();
    stage.tell("pool/a", Act::Panic("on purpose")).await;
    stage.until_up("a", 2).await;
    assert_eq!(begun.elapsed().as_millis(), 0, "the first restart is immediate");
    stage.tell("pool/a", Act::Panic("on purpose")).await;
    let restarting = |what: &What| matches!(what, What::Restarting { .. });
    stage.until("a", restarting).await;
    assert_eq!(statuses(&pool).await, "a:restarting");
    start(&pool, &["b"]).await;
    assert_eq!(begun.elapsed().as_millis(), 0, "the supervisor did not sleep");
    stage.until_up("a", 3).await;
    let waited = begun.elapsed().as_millis() as u64;
    assert!((5_000..=10_000).contains(&waited), "{waited}");

    stage.tell("pool/a", Act::Panic("on purpose")).await;
    stage.until("a", restarting).await;
    pool.terminate_child("a").await.unwrap();
    assert_eq!(statuses(&pool).await, "b:running");
    start(&pool, &["a"]).await;
    diary.read();
    tokio::time::advance(std::time::Duration::from_secs(60)).await;
    stage.tell("pool/b", Act::Panic("on purpose")).await;
    stage.until_up("b", 2).await;
    assert_eq!(diary.read(), "+b", "the retry that was overtaken starts nothing");
}

#[tokio::test]
async fn significant_children_may_end_a_pool() {
    let diary = Diary::default();
    let significant = |spec: DynamicSpec| {
        let template = spec.template.clone().restart(Restart::Transient).significant();
        DynamicSpec { template, ..spec }.auto_shutdown(AutoShutdown::AllSignificant)
    };
    let (mut stage, pool) = pool(&diary, significant).await;
    start(&pool, &["a", "b"]).await;
    for id in ["a", "b"] {
        assert!(pool.describe().await.is_ok());
        stage.tell(&format!("pool/{id}"), Act::Stop(None)).await;
        stage.until_exited(id).await;
    }
    let cause = "significant children have ended".to_owned();
    assert_eq!(stage.until_exited("pool").await, ExitReason::ShutdownFor(cause));
}

#[tokio::test]
async fn a_pool_of_subtrees_gives_each_its_identity() {
    let diary = Diary::default();
    let inner = diary.clone();
    let template = ChildSpec::subtree("partition", Strategy::RestForOne, move |context| {
        let own = inner.probe(&format!("journal-of-{}", context.id));
        SupervisorSpec::new(&context.id, Strategy::RestForOne, vec![own])
    });
    let (stage, pool) = pool(&diary, |spec| DynamicSpec { template, ..spec }).await;
    start(&pool, &["0", "1"]).await;
    assert_eq!(diary.read(), "+journal-of-0 +journal-of-1");
    let one = pool.child_supervisor("1").await.unwrap();
    assert_eq!(&*one.describe().await.unwrap().path, "top/pool/1");
    let children = pool.which_children(Page::default()).await.unwrap();
    assert_eq!(children[0].role, Role::Supervisor(Strategy::RestForOne));
    assert_eq!(stage.root.shutdown(PATIENCE).await, Ok(()));
    assert_ne!(stage.root.wait().await, Err(RootError::GaveUp));
}

#[tokio::test]
async fn an_actor_may_ask_without_waiting() {
    let diary = Diary::default();
    let (_stage, pool) = pool(&diary, |spec| spec).await;
    let (told, mut hears) = tokio::sync::mpsc::channel(2);
    let tell = told.clone();
    pool.start_dynamic_then("a", move |started| {
        tell.try_send(started.map(|cell| cell.is_some())).expect("room for two");
    });
    assert_eq!(hears.recv().await, Some(Ok(true)));
    pool.terminate_child_then("b", move |ended| {
        told.try_send(ended.map(|()| true)).expect("room for two");
    });
    assert_eq!(hears.recv().await, Some(Err(AdminError::NotFound)));
    assert_eq!(statuses(&pool).await, "a:running");
}

/// Not a benchmark: it only shows that nothing grows with the number of children. A quadratic
/// step would take hours here.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_children_start_restart_and_stop() {
    const CHILDREN: usize = 100_000;
    let diary = Diary::default();
    let (mut stage, pool) = pool(&diary, |spec| spec).await;
    let begun = Instant::now();
    for n in 0..CHILDREN {
        pool.start_dynamic(&format!("child-{n}")).await.unwrap();
    }
    let started = begun.elapsed();
    stage.until_up("child-0", 1).await;
    stage.until(&format!("child-{}", CHILDREN - 1), |_| true).await;

    let mut restarts = Vec::new();
    for n in (0..CHILDREN).step_by(1_000) {
        let id = format!("child-{n}");
        let cell = find(stage.top(), &format!("pool/{id}")).await;
        let begun = Instant::now();
        cell.send_message(Act::Fail("on purpose")).unwrap();
        stage.until_up(&id, 2).await;
        restarts.push(begun.elapsed());
    }
    restarts.sort();
    let begun = Instant::now();
    let page = Page { after: Some("child-5".into()), limit: 10 };
    assert_eq!(pool.which_children(page).await.unwrap().len(), 10);
    let listed = begun.elapsed();
    assert_eq!(pool.count_children().await.unwrap().active, CHILDREN);
    let begun = Instant::now();
    assert_eq!(stage.root.shutdown(PATIENCE).await, Ok(()));
    let (p50, max) = (restarts[restarts.len() / 2], restarts[restarts.len() - 1]);
    let stopped = begun.elapsed();
    println!(
        "start {started:?}, restart p50 {p50:?} max {max:?}, page {listed:?}, stop {stopped:?}"
    );
}
