//! A running supervisor is asked and changed: lines 21 to 25, and walking up to it from a child.

use supervision::{AdminError, ChildCounts, ChildSpec, Page, Restart, Role, Shutdown, SpecError};
use supervision::{StartError, Strategy, SupervisorRef, SupervisorSpec};

use crate::stage::{Act, Diary, Plan, Stage, gone};

async fn one_child(diary: &Diary) -> Stage {
    let stage = Stage::open(Strategy::OneForOne, diary, vec![diary.probe("a")]).await;
    diary.read();
    stage
}

#[tokio::test]
async fn line_21_a_duplicate_child_is_refused_without_side_effect() {
    let diary = Diary::default();
    let stage = one_child(&diary).await;
    let top = stage.top();
    let actor = stage.cell("a").await;
    let again = top.start_child(diary.probe("a")).await;
    assert_eq!(again, Err(AdminError::AlreadyStarted { actor }));
    top.terminate_child("a").await.unwrap();
    assert_eq!(top.start_child(diary.probe("a")).await, Err(AdminError::AlreadyPresent));
    assert_eq!(diary.read(), "-a");
    assert_eq!(stage.statuses().await, "a:stopped");
}

#[tokio::test]
async fn line_22_a_child_that_cannot_start_is_forgotten_and_the_caller_told() {
    let diary = Diary::default();
    let stage = one_child(&diary).await;
    for plan in [Plan::Fail, Plan::Panic, Plan::Hang] {
        diary.plan("b", &[plan]);
        let b = diary.probe("b").start_timeout_ms(Some(50));
        let refused = stage.top().start_child(b).await;
        assert!(matches!(refused, Err(AdminError::StartFailed(_))), "{refused:?}");
        assert_eq!(stage.statuses().await, "a:running");
    }
    let closure = ChildSpec::new("c", "careless", |_| async { panic!("in the closure itself") });
    let refused = stage.top().start_child(closure).await;
    assert!(matches!(refused, Err(AdminError::StartFailed(StartError::Failed(_)))));
    let invalid = stage.top().start_child(diary.probe("b c")).await;
    let bad = SpecError::BadId { id: "b c".into() };
    assert_eq!(invalid, Err(AdminError::Invalid(bad)));
    assert_eq!(stage.statuses().await, "a:running");
    assert_eq!(diary.read(), "");
}

#[tokio::test]
async fn line_23_terminate_waits_for_the_end_and_keeps_the_spec_unless_temporary() {
    let diary = Diary::default();
    let temporary = diary.probe("t").restart(Restart::Temporary);
    let children = vec![diary.probe("a"), temporary];
    let stage = Stage::open(Strategy::OneForOne, &diary, children).await;
    for id in ["a", "t"] {
        let cell = stage.cell(id).await;
        stage.top().terminate_child(id).await.unwrap();
        assert_eq!(cell.get_status(), ractor::ActorStatus::Stopped);
    }
    assert_eq!(stage.statuses().await, "a:stopped");
    assert_eq!(stage.top().terminate_child("a").await, Ok(()), "as in OTP, once more is fine");
    assert_eq!(stage.top().terminate_child("t").await, Err(AdminError::NotFound));
}

#[tokio::test]
async fn line_24_restart_and_delete_say_what_stands_in_their_way() {
    let diary = Diary::default();
    let slow = supervision::Backoff { first_ms: 3_600_000, max_ms: 3_600_000, reset_after_ms: 9 };
    let children = vec![diary.probe("a"), diary.probe("w").backoff(slow)];
    let mut stage = Stage::open(Strategy::OneForOne, &diary, children).await;
    // The first restart fails, so the second waits for an hour.
    diary.plan("w", &[Plan::Fail]);
    stage.tell("w", Act::Panic("on purpose")).await;
    stage.until("w", |what| matches!(what, supervision::What::StartFailed { .. })).await;

    let top = stage.top();
    assert_eq!(stage.statuses().await, "a:running w:restarting");
    for (id, error) in [
        ("a", AdminError::Running),
        ("w", AdminError::Restarting),
        ("nobody", AdminError::NotFound),
    ] {
        assert_eq!(top.restart_child(id).await, Err(error.clone()));
        assert_eq!(top.delete_child(id).await, Err(error));
    }
    assert_eq!(top.start_child(diary.probe("w")).await, Err(AdminError::AlreadyPresent));

    for id in ["a", "w"] {
        top.terminate_child(id).await.unwrap();
        assert!(top.restart_child(id).await.unwrap().is_some());
        top.terminate_child(id).await.unwrap();
        top.delete_child(id).await.unwrap();
    }
    assert_eq!(stage.statuses().await, "");
    assert!(top.start_child(diary.probe("a")).await.unwrap().is_some());
}

#[tokio::test]
async fn line_24_a_failed_restart_is_told_and_the_spec_stays() {
    let diary = Diary::default();
    let stage = one_child(&diary).await;
    stage.top().terminate_child("a").await.unwrap();
    diary.plan("a", &[Plan::Fail]);
    let failed = stage.top().restart_child("a").await;
    assert_eq!(failed, Err(AdminError::StartFailed(StartError::failed("a will not start"))));
    assert_eq!(stage.statuses().await, "a:stopped");
}

#[tokio::test]
async fn line_25_children_are_listed_counted_and_their_specs_shown() {
    let diary = Diary::default();
    let below = SupervisorSpec::new("below", Strategy::RestForOne, vec![]);
    let patient = diary.probe("b").shutdown(Shutdown::TimeoutMs(77)).restart(Restart::Transient);
    let children = vec![diary.probe("a"), below.into_child(), patient];
    let mut stage = Stage::open(Strategy::OneForOne, &diary, children).await;
    stage.tell("a", Act::Panic("on purpose")).await;
    stage.until_up("a", 2).await;
    stage.top().terminate_child("b").await.unwrap();

    let children = stage.top().which_children(Page::default()).await.unwrap();
    assert_eq!(children[0].restarts, 1);
    assert_eq!(children[0].actor, Some(stage.cell("a").await.get_id().to_string()));
    assert_eq!(children[1].role, Role::Supervisor(Strategy::RestForOne));
    assert_eq!(children[1].kind, "supervisor");
    assert_eq!(stage.statuses().await, "a:running below:running b:stopped");
    let page = Page { after: Some("a".into()), limit: 1 };
    let page = stage.top().which_children(page).await.unwrap();
    assert_eq!(page.iter().map(|child| &*child.id).collect::<Vec<_>>(), ["below"]);

    let counts = ChildCounts { specs: 3, active: 2, supervisors: 1, workers: 2 };
    assert_eq!(stage.top().count_children().await, Ok(counts));
    let spec = stage.top().get_childspec("b").await.unwrap();
    assert_eq!((spec.shutdown, spec.restart), (Shutdown::TimeoutMs(77), Restart::Transient));
    assert_eq!(stage.top().get_childspec("z").await.err(), Some(AdminError::NotFound));
}

#[tokio::test]
async fn a_supervisor_that_is_gone_says_so_and_others_are_no_supervisors() {
    let diary = Diary::default();
    let stage = one_child(&diary).await;
    let a = stage.cell("a").await;
    assert!(SupervisorRef::from_cell(&a).is_none());
    let top = SupervisorRef::from_cell(&stage.top().cell()).expect("a supervisor");
    top.cell().kill();
    gone(&a).await;
    gone(&top.cell()).await;
    assert_eq!(top.restart_child("a").await, Err(AdminError::SupervisorGone));
    assert_eq!(top.count_children().await, Err(AdminError::SupervisorGone));
}
