//! How trees come up: lines 1 to 4, 17 and 27.

use supervision::{AutoShutdown, ChildSpec, ExitReason, Intensity, Restart, SpecError, StartError};
use supervision::{Strategy, SupervisorSpec};

use crate::stage::{Diary, Plan, Stage};

#[tokio::test]
async fn line_01_children_are_started_in_spec_order_one_after_the_other() {
    let diary = Diary::default();
    let children = ["a", "b", "c"].map(|id| {
        let inner = diary.clone();
        ChildSpec::new(id, "slow", move |context| {
            let probe = inner.probe(&context.id);
            let inner = inner.clone();
            async move {
                // A start that gives way does not let the next one overtake it.
                inner.note(format!("({}", context.id));
                for _ in 0..10 {
                    tokio::task::yield_now().await;
                }
                inner.note(format!("{})", context.id));
                drop(probe);
                Ok(supervision::Start::Ignore)
            }
        })
    });
    let stage = Stage::open(Strategy::OneForOne, &diary, children.to_vec()).await;
    assert_eq!(stage.diary.read(), "(a a) (b b) (c c)");
}

#[tokio::test]
async fn line_02_a_start_returns_only_when_all_children_are_up() {
    let diary = Diary::default();
    let below = SupervisorSpec::new("below", Strategy::OneForOne, vec![diary.probe("b")]);
    let children = vec![diary.probe("a"), below.into_child(), diary.probe("c")];
    let stage = Stage::open(Strategy::OneForOne, &diary, children).await;
    assert_eq!(stage.diary.read(), "+a +b +c");
    assert_eq!(stage.statuses().await, "a:running below:running c:running");
}

#[tokio::test]
async fn line_03_a_child_that_cannot_start_takes_the_others_down_and_fails_the_start() {
    type Expected = fn(&StartError) -> bool;
    let failures: [(Plan, Expected); 3] = [
        (Plan::Fail, |e| *e == StartError::failed("c will not start")),
        (Plan::Panic, |e| {
            matches!(e, StartError::Failed(ExitReason::Panicked(panic))
                if panic.message == "c panics at its start" && panic.backtrace.is_some())
        }),
        (Plan::Hang, |e| *e == StartError::TimedOut { after_ms: 50 }),
    ];
    for (plan, expected) in failures {
        let diary = Diary::default();
        diary.plan("c", &[plan]);
        let c = diary.probe("c").start_timeout_ms(Some(50));
        let children = vec![diary.probe("a"), diary.probe("b"), c, diary.probe("d")];
        let spec = SupervisorSpec::new("top", Strategy::OneForOne, children);
        let Err(StartError::Child { id, error }) = Stage::start(spec, &diary).await else {
            panic!("the start fails, and names the child");
        };
        assert_eq!(&*id, "c");
        assert!(expected(&error), "{error:?}");
        assert_eq!(diary.read(), "+a +b -b -a");
    }
}

#[tokio::test]
async fn line_04_a_start_may_be_ignored_and_the_spec_is_kept() {
    let diary = Diary::default();
    diary.plan("b", &[Plan::Ignore]);
    diary.plan("c", &[Plan::Ignore]);
    let c = diary.probe("c").restart(Restart::Temporary);
    let stage = Stage::open(
        Strategy::OneForOne,
        &diary,
        vec![diary.probe("a"), diary.probe("b"), c, diary.probe("d")],
    )
    .await;
    assert_eq!(diary.read(), "+a +d");
    // As in OTP, a temporary child that is ignored leaves no spec behind.
    assert_eq!(stage.statuses().await, "a:running b:ignored d:running");
    assert!(stage.top().restart_child("b").await.unwrap().is_some());
    assert_eq!(stage.statuses().await, "a:running b:running d:running");
}

#[test]
fn line_17_the_default_intensity_is_one_restart_in_five_seconds() {
    let spec = SupervisorSpec::new("top", Strategy::OneForOne, vec![]);
    assert_eq!(spec.intensity, Intensity { restarts: 1, period_ms: 5_000 });
}

#[tokio::test]
async fn line_27_specs_that_make_no_sense_are_refused_at_start() {
    let diary = Diary::default();
    let probe = |id| diary.probe(id);
    let top = |children| SupervisorSpec::new("top", Strategy::OneForOne, children);
    let id = |id: &str| id.into();
    let significant = |restart| probe("a").restart(restart).significant();
    let any = AutoShutdown::AnySignificant;
    let cases = [
        (top(vec![probe("a"), probe("b"), probe("a")]), SpecError::DuplicateId { id: id("a") }),
        (top(vec![probe("a/b")]), SpecError::BadId { id: id("a/b") }),
        (top(vec![probe("")]), SpecError::BadId { id: id("") }),
        (top(vec![probe("..")]), SpecError::BadId { id: id("..") }),
        (
            top(vec![significant(Restart::Permanent)]).auto_shutdown(any),
            SpecError::SignificantPermanent { id: id("a") },
        ),
        (top(vec![significant(Restart::Transient)]), SpecError::SignificantUnheard { id: id("a") }),
        (
            SupervisorSpec::new("top", Strategy::Dynamic, vec![]),
            SpecError::DynamicWithList { id: id("top") },
        ),
    ];
    for (spec, error) in cases {
        assert_eq!(spec.check(), Err(error.clone()));
        assert_eq!(Stage::start(spec, &diary).await.err(), Some(StartError::Invalid(error)));
    }
    assert_eq!(diary.read(), "", "nothing was started");
}
