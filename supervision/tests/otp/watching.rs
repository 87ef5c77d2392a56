//! Looking at the tree from outside: the walk, the event log, and the root's end.

use std::time::Duration;

use supervision::{
    ChildSpec, ChildStatus, Shutdown, SupervisorSpec, TreeNode, WalkLimits, What, walk,
};
use supervision::{DynamicSpec, EventLog, EventSink, ExitReason, Root, RootError, Start, Strategy};

use crate::stage::{Act, Diary, PATIENCE, Stage, find};

async fn tree(diary: &Diary) -> Stage {
    let low = SupervisorSpec::new("low", Strategy::OneForAll, vec![diary.probe("b")]);
    let pool = DynamicSpec::new("pool", diary.probe("template")).budget(5, 10_000);
    let children = vec![diary.probe("a"), low.into_child(), pool.into_child()];
    let stage = Stage::open(Strategy::RestForOne, diary, children).await;
    let pool = stage.top().child_supervisor("pool").await.unwrap();
    for n in 1..=5 {
        pool.start_dynamic(&format!("m{n}")).await.unwrap();
    }
    stage
}

/// One line a node: id, strategy, status, and what is below it.
fn show(node: &TreeNode) -> String {
    let strategy = node.strategy.map(|strategy| format!("{strategy:?}")).unwrap_or_default();
    let below: Vec<_> = node.children.iter().map(show).collect();
    let hidden = if node.hidden > 0 { format!("+{}", node.hidden) } else { String::new() };
    let mute = if node.answered { "" } else { "?" };
    format!("{}{mute}:{strategy}[{}{hidden}]", node.id, below.join(" "))
}

#[tokio::test]
async fn the_whole_tree_is_walked_as_plain_data() {
    let diary = Diary::default();
    let mut stage = tree(&diary).await;
    stage.tell("low/b", Act::Panic("on purpose")).await;
    stage.until_up("b", 2).await;
    let seen = walk(stage.top(), WalkLimits::default()).await;
    assert_eq!(
        show(&seen),
        "top:RestForOne[a:[] low:OneForAll[b:[]] \
         pool:Dynamic[m1:[] m2:[] m3:[] m4:[] m5:[]]]"
    );
    let value = serde_json::to_value(&seen).unwrap();
    assert_eq!(value["children"][1]["kind"], "supervisor");
    assert_eq!(value["children"][1]["strategy"], "one_for_all");
    assert_eq!(value["children"][1]["children"][0]["restarts"], 1);
    assert_eq!(value["children"][2]["children"][0]["budget"]["of"], 5);
    let back: TreeNode = serde_json::from_value(value).unwrap();
    assert_eq!(show(&back), show(&seen));
}

#[tokio::test]
async fn a_walk_goes_no_further_than_its_limits() {
    let diary = Diary::default();
    let stage = tree(&diary).await;
    let flat = WalkLimits { depth_max: 1, ..WalkLimits::default() };
    let seen = walk(stage.top(), flat).await;
    assert_eq!(show(&seen), "top:RestForOne[a:[] low:OneForAll[+1] pool:Dynamic[+5]]");
    let narrow = WalkLimits { children_max: 2, ..WalkLimits::default() };
    let seen = walk(stage.top(), narrow).await;
    assert_eq!(show(&seen), "top:RestForOne[a:[] low:OneForAll[b:[]]+1]");
}

#[tokio::test]
async fn a_supervisor_that_does_not_answer_is_shown_and_passed_over() {
    let diary = Diary::default();
    let stuck = SupervisorSpec::new("stuck", Strategy::OneForOne, vec![diary.probe("b")]);
    let children = vec![stuck.into_child(), diary.probe("z")];
    let stage = Stage::open(Strategy::OneForOne, &diary, children).await;
    let stuck = stage.top().child_supervisor("stuck").await.unwrap();
    let never = ChildSpec::new("c", "never", |_| std::future::pending::<Result<Start, _>>());
    let limits = WalkLimits { answer_timeout: Duration::from_millis(20), ..WalkLimits::default() };
    let looking = async {
        loop {
            let seen = walk(stage.top(), limits).await;
            if !seen.children[0].answered {
                return seen;
            }
        }
    };
    let seen = tokio::select! {
        seen = looking => seen,
        started = stuck.start_child(never) => panic!("{started:?}"),
    };
    assert_eq!(show(&seen), "top:OneForOne[stuck?:OneForOne[] z:[]]");
    assert_eq!(seen.children[0].status, ChildStatus::Running);
}

#[tokio::test]
async fn the_log_keeps_the_newest_events_and_finds_them_by_number() {
    let diary = Diary::default();
    let (sink, log) = EventLog::with_bounds(1_000, 5, |_| {});
    let children = ["a", "b", "c", "d"].map(|id| diary.probe(id)).to_vec();
    let spec = SupervisorSpec::new("top", Strategy::OneForOne, children);
    let root = Root::start(spec, sink).await.unwrap();
    assert!(log.changed_since(4).await);
    let seen = log.since(0, 100);
    assert_eq!(seen.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(root.shutdown(PATIENCE).await, Ok(()));
    drop(root);
    // The four stops and the root's exit have pushed out the beginning; nothing more will come.
    assert!(log.changed_since(9).await);
    assert!(!log.changed_since(10).await);
    assert_eq!(log.newest(), 10);
    let seen = log.since(0, 2);
    assert_eq!(seen.iter().map(|event| event.seq).collect::<Vec<_>>(), [6, 7]);
    assert!(matches!(seen[0].what, What::Stopped { .. }));
    assert_eq!(log.since(8, 100).len(), 2);
    assert_eq!(log.since(10, 100).len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_root_that_does_not_end_in_time_is_killed() {
    let diary = Diary::default();
    let child = diary.clinging("a").shutdown(Shutdown::Infinity);
    let stage = Stage::open(Strategy::OneForOne, &diary, vec![child]).await;
    let cell = find(stage.top(), "a").await;
    let ended = stage.root.shutdown(Duration::from_secs(3)).await;
    assert_eq!(ended, Err(RootError::Ended(ExitReason::Killed)));
    crate::stage::gone(&cell).await;
    assert_eq!(stage.root.wait().await, ended, "and whoever asks later hears the same");
}

#[tokio::test]
async fn a_root_that_is_dropped_takes_the_tree_along() {
    let diary = Diary::default();
    let stage = tree(&diary).await;
    drop(stage);
    diary.all_gone().await;
}

#[tokio::test]
async fn a_root_that_nobody_watches_needs_no_sink() {
    let diary = Diary::default();
    let spec = SupervisorSpec::new("top", Strategy::OneForOne, vec![diary.probe("a")]);
    let root = Root::start(spec, EventSink::nowhere()).await.unwrap();
    assert_eq!(root.shutdown(PATIENCE).await, Ok(()));
    assert_eq!(diary.read(), "+a -a");
}
