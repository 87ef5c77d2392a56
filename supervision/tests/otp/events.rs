//! What the tree tells about itself: line 34, and that nobody who listens can hold it up.

use std::fmt::Write;
use std::sync::{Arc, Mutex};

use supervision::{EventSink, ExitReason, Restart, Root, Strategy, SupervisionEvent};
use supervision::{SupervisorSpec, What};
use tracing::field::{Field, Visit};
use tracing::span;

use crate::stage::{Act, Diary, PATIENCE, Plan, Stage};

#[tokio::test]
async fn line_34_every_step_is_reported_with_child_reason_and_phase() {
    let diary = Diary::default();
    let (sink, mut events) = EventSink::bounded(100);
    let below = SupervisorSpec::new(
        "below",
        Strategy::OneForOne,
        vec![diary.probe("a").restart(Restart::Transient)],
    );
    let spec = SupervisorSpec::new("top", Strategy::OneForOne, vec![below.into_child()]);
    let root = Root::start(spec.intensity(1, 60_000), sink).await.unwrap();
    diary.plan("a", &[Plan::Fail]);
    let a = crate::stage::find(root.supervisor(), "below/a").await;
    a.send_message(Act::Fail("on purpose")).unwrap();
    // Below gives up at the second restart, is restarted itself, and comes back with a new `a`.
    let mut told = Vec::new();
    while told.len() < 12 {
        let event = events.recv().await.unwrap();
        assert_eq!((event.seq, event.lost_before), (told.len() as u64 + 1, 0));
        let what = serde_json::to_value(&event.what).unwrap();
        let word = what["what"].as_str().unwrap().to_owned();
        told.push(format!("{}/{} {word}", event.supervisor, event.child));
        if told.len() == 10 {
            let shutdown = root.shutdown(PATIENCE).await;
            assert_eq!(shutdown, Ok(()));
        }
    }
    let expected = "top/below/a spawned
        top/below spawned
        /top spawned
        top/below/a exited
        top/below/a restarting
        top/below/a start_failed
        top/below/a gave_up
        top/below exited
        top/below restarting
        top/below/a spawned
        top/below spawned
        top/below/a stopped";
    let expected: Vec<_> = expected.lines().map(str::trim).collect();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn events_survive_a_journey_through_text() {
    let diary = Diary::default();
    let (sink, mut events) = EventSink::bounded(100);
    let spec = SupervisorSpec::new("top", Strategy::OneForOne, vec![diary.probe("a")]);
    let root = Root::start(spec, sink).await.unwrap();
    let a = crate::stage::find(root.supervisor(), "a").await;
    a.send_message(Act::Panic("on purpose")).unwrap();
    let mut panics = 0;
    while panics == 0 {
        let event = events.recv().await.unwrap();
        panics +=
            u32::from(matches!(&event.what, What::Exited { exit: ExitReason::Panicked(_), .. }));
        let text = serde_json::to_string(&event).unwrap();
        let back: SupervisionEvent = serde_json::from_str(&text).unwrap();
        assert_eq!(back, event);
    }
}

#[tokio::test]
async fn a_full_sink_drops_events_and_the_next_one_says_how_many() {
    let diary = Diary::default();
    let (sink, mut events) = EventSink::bounded(2);
    let children = ["a", "b", "c", "d"].map(|id| diary.probe(id)).to_vec();
    let spec = SupervisorSpec::new("top", Strategy::OneForOne, children);
    let root = Root::start(spec, sink.clone()).await.unwrap();
    assert_eq!(sink.lost(), 3, "c, d and the root itself");
    let first = [events.recv().await.unwrap(), events.recv().await.unwrap()];
    assert_eq!(first.map(|event| (event.seq, event.lost_before)), [(1, 0), (2, 0)]);
    root.supervisor().terminate_child("a").await.unwrap();
    let next = events.recv().await.unwrap();
    assert_eq!((next.seq, next.lost_before), (6, 3));
    root.supervisor().terminate_child("b").await.unwrap();
    let next = events.recv().await.unwrap();
    assert_eq!((next.seq, next.lost_before), (7, 0));

    drop(events);
    root.supervisor().restart_child("a").await.unwrap();
    assert_eq!(root.shutdown(PATIENCE).await, Ok(()), "nobody listening is no reason to stop");
}

/// Keeps what is logged about `logged`, one line an event.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, "{}={value:?} ", field.name()).unwrap();
    }
}

impl tracing::Subscriber for Lines {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target().starts_with("supervision")
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = Line(format!("{} ", event.metadata().level()));
        event.record(&mut line);
        if line.0.contains("logged") {
            self.0.lock().unwrap().push(line.0);
        }
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[tokio::test]
async fn line_34_and_in_the_log() {
    // For the whole process: a subscriber of one thread alone misses what others register first.
    let lines = Lines::default();
    tracing::subscriber::set_global_default(lines.clone()).unwrap();
    let diary = Diary::default();
    let logged = SupervisorSpec::new("logged", Strategy::OneForOne, vec![diary.probe("a")]);
    let mut stage = Stage::start(logged, &diary).await.unwrap();
    stage.tell("a", Act::Panic("to be logged")).await;
    stage.until_up("a", 2).await;
    // The child is up a moment before its supervisor has said so.
    let said = |what: &str| lines.0.lock().unwrap().iter().any(|line| line.contains(what));
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
    while !said("incarnation=2") && tokio::time::Instant::now() < deadline {
        tokio::task::yield_now().await;
    }
    let lines = lines.0.lock().unwrap().join("\n");
    for expected in [
        "ERROR message=task panicked",
        "WARN message=child terminated supervisor=\"logged\" child=a kind=\"probe\" reason=panicked: to be logged",
        "WARN message=restarting supervisor=\"logged\" child=a",
        "DEBUG message=child started supervisor=\"logged\" child=a kind=\"probe\" incarnation=2",
    ] {
        assert!(lines.contains(expected), "{expected}\nis not in\n{lines}");
    }
}
