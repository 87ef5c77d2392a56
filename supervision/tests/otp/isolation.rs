//! What ractor gives and what is built on it: lines 28, 31 to 33, and typed reasons.

use std::sync::Arc;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use supervision::{ChildSpec, Executor, ExitReason, Shutdown, Start, StartContext, Strategy, What};
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::stage::{Act, Diary, Probe, Stage};

#[tokio::test]
async fn line_28_exits_of_actors_that_are_no_children_are_ignored() {
    let diary = Diary::default();
    // A stranger links itself to the supervisor by hand.
    struct Stranger;
    impl Actor for Stranger {
        type Msg = ();
        type State = ();
        type Arguments = ();
        async fn pre_start(&self, _: ActorRef<()>, (): ()) -> Result<(), ActorProcessingErr> {
            Ok(())
        }
        async fn handle(
            &self,
            _: ActorRef<()>,
            (): (),
            (): &mut (),
        ) -> Result<(), ActorProcessingErr> {
            panic!("a stranger's panic")
        }
    }
    let stage = Stage::open(Strategy::OneForAll, &diary, vec![diary.probe("a")]).await;
    for panics in [true, false] {
        let top = stage.top().cell();
        let (stranger, task) = Stranger::spawn_linked(None, Stranger, (), top).await.unwrap();
        if panics {
            stranger.cast(()).unwrap()
        } else {
            stranger.stop(None)
        }
        task.await.unwrap();
        assert_eq!(stage.statuses().await, "a:running");
    }
    assert_eq!(stage.top().describe().await.unwrap().budget.used, 0);
    assert_eq!(diary.read(), "+a");
}

#[tokio::test]
async fn line_31_a_crash_is_isolated_and_its_reason_arrives() {
    let diary = Diary::default();
    let children = vec![diary.probe("a"), diary.probe("b")];
    let mut stage = Stage::open(Strategy::OneForOne, &diary, children).await;
    let b = stage.cell("b").await;

    stage.tell("a", Act::Panic("the market fell over")).await;
    let ExitReason::Panicked(panic) = stage.until_exited("a").await else { panic!("a panic") };
    assert_eq!(panic.message, "the market fell over");
    let location = panic.location.expect("a place");
    assert!(location.contains("stage.rs:"), "{location}");
    let backtrace = panic.backtrace.expect("a backtrace").to_string();
    assert!(backtrace.contains("Probe"), "{backtrace}");

    stage.until_up("a", 2).await;
    stage.tell("a", Act::Fail("the market fell over")).await;
    let failed = ExitReason::Failed("the market fell over".to_owned());
    assert_eq!(stage.until_exited("a").await, failed, "an Err is told from a panic");

    stage.until_up("a", 3).await;
    stage.cell("a").await.kill();
    assert_eq!(stage.until_exited("a").await, ExitReason::Killed);
    assert_eq!(stage.cell("b").await, b, "the sibling never noticed");
    assert_eq!(diary.read(), "+a +b +a +a +a", "a crash leaves no time for a polite end");
}

#[tokio::test]
async fn line_31_a_panic_in_post_stop_is_reported_too() {
    let diary = Diary::default();
    let probe = Probe { panics_in_post_stop: true, ..Probe::default() };
    let mut stage =
        Stage::open(Strategy::OneForOne, &diary, vec![diary.probe_with("a", probe)]).await;
    stage.top().terminate_child("a").await.unwrap();
    let stopped = stage.until("a", |what| matches!(what, What::Stopped { .. })).await;
    let What::Stopped { exit: ExitReason::Panicked(panic) } = stopped.what else {
        panic!("{stopped:?}");
    };
    assert_eq!(panic.message, "a panics at its end");
}

#[tokio::test]
async fn line_32_a_normal_exit_does_not_touch_others() {
    let diary = Diary::default();
    let child = |id| diary.probe(id).restart(supervision::Restart::Transient);
    let mut stage = Stage::open(Strategy::OneForAll, &diary, vec![child("a"), child("b")]).await;
    stage.tell("a", Act::Stop(Some(supervision::reason::NORMAL))).await;
    assert_eq!(stage.until_exited("a").await, ExitReason::Normal);
    assert_eq!(stage.statuses().await, "a:stopped b:running");
}

/// Holds a thing that only one at a time may hold, as a port or a file is held.
struct Holder;

struct Thing(Arc<Notify>);

impl Drop for Thing {
    fn drop(&mut self) {
        // The longer the old state takes to go, the surer a new one would find it there.
        for _ in 0..100 {
            std::thread::yield_now();
        }
        self.0.notify_one();
    }
}

impl Actor for Holder {
    type Msg = Act;
    type State = Thing;
    type Arguments = Arc<Notify>;

    async fn pre_start(
        &self,
        _me: ActorRef<Act>,
        permit: Arc<Notify>,
    ) -> Result<Thing, ActorProcessingErr> {
        let free = tokio::time::timeout(std::time::Duration::ZERO, permit.notified()).await;
        free.map_err(|_| "the old incarnation still holds the thing")?;
        Ok(Thing(permit))
    }

    async fn handle(
        &self,
        me: ActorRef<Act>,
        act: Act,
        _state: &mut Thing,
    ) -> Result<(), ActorProcessingErr> {
        match act {
            Act::Panic(text) => panic!("{text}"),
            Act::Fail(text) => Err(text.into()),
            Act::Stop(reason) => {
                me.stop(reason.map(str::to_owned));
                Ok(())
            }
            Act::Hog(_) => Ok(()),
        }
    }
}

/// Says on which thread it works, and falls.
struct Placed;

impl Actor for Placed {
    type Msg = Act;
    type State = UnboundedSender<String>;
    type Arguments = UnboundedSender<String>;

    async fn pre_start(
        &self,
        _: ActorRef<Act>,
        said: UnboundedSender<String>,
    ) -> Result<UnboundedSender<String>, ActorProcessingErr> {
        Ok(said)
    }

    async fn handle(
        &self,
        _: ActorRef<Act>,
        _: Act,
        said: &mut UnboundedSender<String>,
    ) -> Result<(), ActorProcessingErr> {
        let thread = std::thread::current().name().unwrap_or_default().to_owned();
        said.send(thread)?;
        Err("on purpose".into())
    }
}

#[tokio::test]
async fn a_child_runs_on_the_executor_of_its_spec_again_after_each_restart() {
    let executor = Executor::new("aside", 1).unwrap();
    let (said, mut heard) = unbounded_channel();
    let start = move |context: StartContext| {
        let said = said.clone();
        async move { context.spawn(Placed, said).await }
    };
    let placed = ChildSpec::new("placed", "placed", start).on(&executor);
    let diary = Diary::default();
    let children = vec![diary.probe("a"), placed];
    let mut stage = Stage::open(Strategy::OneForOne, &diary, children).await;
    for incarnation in 2..4 {
        stage.tell("placed", Act::Stop(None)).await;
        assert_eq!(heard.recv().await.as_deref(), Some("aside"));
        stage.until_up("placed", incarnation).await;
    }
    assert_eq!(stage.statuses().await, "a:running placed:running");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn line_33_name_and_state_of_a_child_are_free_again_when_it_is_restarted() {
    let permit = Arc::new(Notify::new());
    permit.notify_one();
    let start = move |context: StartContext| {
        let permit = permit.clone();
        async move { context.spawn_named("otp-line-33".to_owned(), Holder, permit).await }
    };
    let holder = ChildSpec::new("holder", "holder", start).shutdown(Shutdown::TimeoutMs(60_000));
    let diary = Diary::default();
    let children = vec![diary.probe("a"), holder];
    let mut stage = Stage::open(Strategy::OneForAll, &diary, children).await;
    // A supervisor that is awake anyway hears of an exit while the old state is still going.
    let top = stage.top().clone();
    let busy = tokio::spawn(async move { while top.describe().await.is_ok() {} });
    // Incarnation n + 1 follows incarnation n without one failed start in between.
    for (incarnation, how) in (2..).zip(["panic", "err", "stop", "sibling"].repeat(25)) {
        match how {
            "panic" => stage.tell("holder", Act::Panic("on purpose")).await,
            "err" => stage.tell("holder", Act::Fail("on purpose")).await,
            "stop" => stage.tell("holder", Act::Stop(None)).await,
            _ => stage.tell("a", Act::Fail("on purpose")).await,
        }
        let next = stage
            .until("holder", |what| {
                matches!(what, What::Spawned { incarnation: n, .. } if *n == incarnation)
                    || matches!(what, What::StartFailed { .. })
            })
            .await;
        assert!(
            matches!(next.what, What::Spawned { incarnation: n, .. } if n == incarnation),
            "after {how}: {next:?}"
        );
        assert!(ractor::registry::where_is("otp-line-33").is_some());
    }
    drop(stage);
    busy.await.unwrap();
}

#[tokio::test]
async fn a_start_that_panics_in_its_closure_harms_nobody() {
    let diary = Diary::default();
    let children = vec![diary.probe("a")];
    let stage = Stage::open(Strategy::OneForOne, &diary, children).await;
    let careless = ChildSpec::new("c", "careless", |context| async move {
        let number: u32 = context.id.parse().expect("an id that is a number");
        assert_eq!(number, 0);
        Ok(Start::Ignore)
    });
    assert!(stage.top().start_child(careless).await.is_err());
    assert_eq!(stage.statuses().await, "a:running");
}
