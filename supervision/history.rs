//! The tree as it was: what the supervision events of the past add up to, at any moment of it.
//!
//! Owns     the steps (events without what is only for people) in their order, and the tree at the beginning of
//!          every chunk of them, so that a moment is found by folding one chunk at most. The present tree is the
//!          fold of all: who watches the living one reads it here and asks no supervisor.
//! Never    decides what an event means in two places: [`Tree::apply`] is the one fold.
//!
//! What a fold can say is what was told: a child's place, kind, status and incarnation, what its budget has
//! used up. A supervisor tells of its children before it is told of itself, since its start is theirs.
//!
//! Bounds   [`CHUNKS_MAX`] chunks of [`CHUNK`] steps; the oldest chunk is dropped whole, and the history begins
//!          with the tree behind it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use serde::Serialize;

use crate::admin::ChildStatus;
use crate::event::{SupervisionEvent, What};
use crate::intensity::{Budget, Intensity};
use crate::spec::{Restart, Strategy};

/// Steps between two trees that are kept.
pub const CHUNK: usize = 65_536;
const CHUNKS_MAX: usize = 17;
/// Restarts that a budget's bar can show.
const MARKS_MAX: usize = 64;

/// One child as the events tell of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub kind: Arc<str>,
    pub strategy: Option<Strategy>,
    pub restart: Option<Restart>,
    pub status: ChildStatus,
    /// 0 until it is told that it is up.
    pub incarnation: u64,
    /// When it came to be as it is.
    pub since_ms: u64,
    /// When it last ended otherwise than by order.
    pub failed_ms: Option<u64>,
    /// Start order among its siblings.
    rank: u32,
    budget: Option<Intensity>,
    /// When its budget was used.
    marks: Option<VecDeque<u64>>,
}

impl Node {
    fn new(event: &Step) -> Self {
        Node {
            kind: event.kind.clone(),
            strategy: None,
            restart: None,
            status: ChildStatus::Running,
            incarnation: 0,
            since_ms: event.at_ms,
            failed_ms: None,
            rank: 0,
            budget: None,
            marks: None,
        }
    }

    /// How often it was started again.
    pub fn restarts(&self) -> u64 {
        self.incarnation.saturating_sub(1)
    }

    /// What of its budget is spent at a moment.
    pub fn budget(&self, at_ms: u64) -> Option<Budget> {
        let Intensity { restarts: of, period_ms: within_ms } = self.budget?;
        let marks = self.marks.iter().flat_map(|marks| marks.iter());
        let used = marks.filter(|mark| at_ms.saturating_sub(**mark) <= within_ms).count() as u32;
        Some(Budget { used, of, within_ms })
    }

    /// How long before a moment each restart was that still counts.
    pub fn ages(&self, at_ms: u64) -> Vec<u64> {
        let within_ms = self.budget.map_or(0, |budget| budget.period_ms);
        let marks = self.marks.iter().flat_map(|marks| marks.iter());
        marks.map(|mark| at_ms.saturating_sub(*mark)).filter(|age| *age <= within_ms).collect()
    }

    fn mark(&mut self, at_ms: u64, of: u32, period_ms: u64) {
        self.budget = Some(Intensity { restarts: of, period_ms });
        let marks = self.marks.get_or_insert_default();
        marks.push_back(at_ms);
        while marks.len() > MARKS_MAX.min(of as usize + 1)
            || marks.front().is_some_and(|mark| at_ms.saturating_sub(*mark) > period_ms)
        {
            marks.pop_front();
        }
    }

    fn becomes(&mut self, status: ChildStatus, at_ms: u64) {
        (self.status, self.since_ms) = (status, at_ms);
    }
}

/// Children by their supervisor's path.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tree {
    branches: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Node>>,
    ranks: u32,
    count: usize,
}

impl Tree {
    /// The children of a supervisor, in start order; by id below a dynamic one.
    pub fn children(&self, path: &str) -> Vec<(&Arc<str>, &Node)> {
        let mut children: Vec<_> = self.branches.get(path).into_iter().flatten().collect();
        let is_dynamic = self.node(path).is_some_and(|it| it.strategy == Some(Strategy::Dynamic));
        if !is_dynamic {
            children.sort_by_key(|(_, node)| node.rank);
        }
        children
    }

    pub fn child_count(&self, path: &str) -> usize {
        self.branches.get(path).map_or(0, BTreeMap::len)
    }

    /// The child at a path of ids from the root's down.
    pub fn node(&self, path: &str) -> Option<&Node> {
        let (supervisor, id) = path.rsplit_once('/').unwrap_or(("", path));
        self.branches.get(supervisor)?.get(id)
    }

    /// Everybody, by supervisor: path, id, node.
    pub fn all(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<str>, &Node)> {
        let flat = |(path, children)| {
            let children: &BTreeMap<_, _> = children;
            children.iter().map(move |(id, node)| (path, id, node))
        };
        self.branches.iter().flat_map(flat)
    }

    /// The path of the supervisor above a child that has this id, wherever it is.
    pub fn place_of(&self, id: &str) -> Option<&Arc<str>> {
        self.branches.iter().find(|(_, children)| children.contains_key(id)).map(|(path, _)| path)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The fold: what one step makes of the tree.
    pub fn apply(&mut self, step: &Step) {
        match &step.change {
            Change::Cleared => *self = Tree::default(),
            Change::Spawned { incarnation, restart, strategy, budget } => {
                let node = self.node_or_new(step);
                node.becomes(ChildStatus::Running, step.at_ms);
                node.incarnation = *incarnation;
                (node.restart, node.strategy) = (Some(*restart), *strategy);
                node.budget = budget.or(node.budget);
            }
            Change::Ignored if self.is_dynamic(&step.supervisor) => self.remove(step),
            Change::Ignored => {
                self.node_or_new(step).becomes(ChildStatus::Ignored, step.at_ms);
            }
            Change::StartFailed => {
                self.clear_below(step);
                if let Some(node) = self.known(step) {
                    node.becomes(ChildStatus::Stopped, step.at_ms);
                    node.failed_ms = Some(step.at_ms);
                }
            }
            Change::Exited { orderly } => self.exited(step, *orderly),
            Change::Restarting { of, within_ms, own } => {
                if let Some(node) = self.known(step) {
                    node.becomes(ChildStatus::Restarting, step.at_ms);
                    if *own {
                        node.mark(step.at_ms, *of, *within_ms);
                    }
                }
                if !own {
                    let path = step.supervisor.clone();
                    let (above, id) = path.rsplit_once('/').unwrap_or(("", &path));
                    let branch = self.branches.get_mut(above);
                    if let Some(node) = branch.and_then(|children| children.get_mut(id)) {
                        node.mark(step.at_ms, *of, *within_ms);
                    }
                }
            }
            Change::Quarantined => {
                if let Some(node) = self.known(step) {
                    node.becomes(ChildStatus::Quarantined, step.at_ms);
                }
            }
            Change::Stopped => {
                self.clear_below(step);
                let goes = self.is_dynamic(&step.supervisor)
                    || self.known(step).is_some_and(|it| it.restart == Some(Restart::Temporary));
                match self.known(step) {
                    _ if goes => self.remove(step),
                    Some(node) => node.becomes(ChildStatus::Stopped, step.at_ms),
                    None => {}
                }
            }
            Change::Forgotten => self.remove(step),
            Change::Told => {}
        }
    }

    fn exited(&mut self, step: &Step, orderly: bool) {
        self.clear_below(step);
        let is_dynamic = self.is_dynamic(&step.supervisor);
        let Some(node) = self.known(step) else { return };
        let returns = match node.restart {
            Some(Restart::Temporary) => false,
            Some(Restart::Transient) => !orderly,
            Some(Restart::Permanent) | None => true,
        };
        if !returns && (is_dynamic || node.restart == Some(Restart::Temporary)) {
            return self.remove(step);
        }
        node.becomes(ChildStatus::Stopped, step.at_ms);
        if !orderly {
            node.failed_ms = Some(step.at_ms);
        }
    }

    fn is_dynamic(&self, path: &str) -> bool {
        self.node(path).is_some_and(|node| node.strategy == Some(Strategy::Dynamic))
    }

    fn known(&mut self, step: &Step) -> Option<&mut Node> {
        self.branches.get_mut(&step.supervisor)?.get_mut(&step.child)
    }

    fn node_or_new(&mut self, step: &Step) -> &mut Node {
        let branch = self.branches.entry(step.supervisor.clone()).or_default();
        branch.entry(step.child.clone()).or_insert_with(|| {
            self.count += 1;
            self.ranks += 1;
            Node { rank: self.ranks, ..Node::new(step) }
        })
    }

    fn remove(&mut self, step: &Step) {
        self.clear_below(step);
        let Some(branch) = self.branches.get_mut(&step.supervisor) else { return };
        self.count -= usize::from(branch.remove(&step.child).is_some());
        if branch.is_empty() {
            self.branches.remove(&step.supervisor);
        }
    }

    /// What was below a supervisor that is gone is gone with it.
    fn clear_below(&mut self, step: &Step) {
        if self.known(step).is_some_and(|node| node.strategy.is_none()) {
            return;
        }
        let path: Arc<str> = match &*step.supervisor {
            "" => step.child.clone(),
            above => format!("{above}/{}", step.child).into(),
        };
        let below = format!("{path}/");
        let mut gone: Vec<Arc<str>> = Vec::new();
        gone.extend(self.branches.contains_key(&path).then(|| path.clone()));
        let from = self
            .branches
            .range::<str, _>((Bound::Included(&*below), Bound::Unbounded))
            .map(|(path, _)| path);
        gone.extend(from.take_while(|path| path.starts_with(&below)).cloned());
        for path in gone {
            self.count -= self.branches.remove(&path).map_or(0, |children| children.len());
        }
    }
}

/// An event without what is only for people.
#[derive(Clone, Debug)]
pub struct Step {
    pub seq: u64,
    /// Never before the step before it, whatever the wall clock did.
    pub at_ms: u64,
    pub supervisor: Arc<str>,
    pub child: Arc<str>,
    pub kind: Arc<str>,
    pub change: Change,
    /// What is counted in a bucket of time.
    class: Class,
}

/// What a step makes of the child.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A process began or ended: nobody is there.
    Cleared,
    Spawned {
        incarnation: u64,
        restart: Restart,
        strategy: Option<Strategy>,
        budget: Option<Intensity>,
    },
    Ignored,
    StartFailed,
    Exited {
        orderly: bool,
    },
    Restarting {
        of: u32,
        within_ms: u64,
        own: bool,
    },
    Quarantined,
    Stopped,
    Forgotten,
    /// Nothing.
    Told,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Spawned,
    Failed,
    Restarting,
    GaveUp,
    Stopped,
    Operator,
    Node,
    None,
}

impl Change {
    /// What an event means.
    pub fn of(what: &What) -> Change {
        match what {
            What::NodeStarted { .. } | What::NodeStopped { .. } => Change::Cleared,
            What::Spawned { incarnation, restart, strategy, budget } => Change::Spawned {
                incarnation: *incarnation,
                restart: *restart,
                strategy: *strategy,
                budget: *budget,
            },
            What::Ignored => Change::Ignored,
            What::StartFailed { .. } => Change::StartFailed,
            What::Exited { exit, .. } => Change::Exited { orderly: exit.is_orderly() },
            What::Restarting { of, within_ms, own, .. } => {
                Change::Restarting { of: *of, within_ms: *within_ms, own: *own }
            }
            What::Quarantined { .. } => Change::Quarantined,
            What::Stopped { .. } => Change::Stopped,
            What::Forgotten => Change::Forgotten,
            What::Ready { .. } | What::GaveUp | What::OperatorActed { .. } => Change::Told,
        }
    }
}

impl Class {
    fn of(what: &What) -> Class {
        match what {
            What::Spawned { .. } => Class::Spawned,
            What::Exited { exit, .. } if !exit.is_orderly() => Class::Failed,
            What::StartFailed { .. } => Class::Failed,
            What::Restarting { .. } => Class::Restarting,
            What::Quarantined { .. } | What::GaveUp => Class::GaveUp,
            What::Exited { .. } | What::Stopped { .. } => Class::Stopped,
            What::OperatorActed { .. } => Class::Operator,
            What::NodeStarted { .. } | What::NodeStopped { .. } => Class::Node,
            What::Ignored | What::Forgotten | What::Ready { .. } => Class::None,
        }
    }
}

/// How much of what happened in a stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bucket {
    pub at_ms: u64,
    pub spawned: u32,
    pub failed: u32,
    pub restarting: u32,
    pub gave_up: u32,
    pub stopped: u32,
    pub operator: u32,
    pub node: u32,
}

/// From when to when there is something to see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reach {
    pub first_seq: u64,
    pub last_seq: u64,
    pub first_at_ms: u64,
    pub last_at_ms: u64,
    /// Steps that were dropped at the bound.
    pub dropped: u64,
}

/// A moment of the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Behind the last step that was taken by then.
    AtMs(u64),
    /// Behind this step.
    Seq(u64),
}

#[derive(Debug)]
struct Chunk {
    /// Before the first step.
    before: Tree,
    steps: Vec<Step>,
}

#[derive(Debug)]
pub struct History {
    chunk: usize,
    /// The last is being filled.
    chunks: VecDeque<Chunk>,
    present: Tree,
    dropped: u64,
    /// Few: each kind and supervisor is kept once.
    words: BTreeSet<Arc<str>>,
}

impl Default for History {
    fn default() -> Self {
        Self::with_chunks_of(CHUNK)
    }
}

impl History {
    pub fn with_chunks_of(chunk: usize) -> Self {
        let chunks = VecDeque::from([Chunk { before: Tree::default(), steps: Vec::new() }]);
        let (present, words) = (Tree::default(), BTreeSet::new());
        History { chunk: chunk.max(1), chunks, present, dropped: 0, words }
    }

    /// The tree behind the last step.
    pub fn present(&self) -> &Tree {
        &self.present
    }

    pub fn push(&mut self, event: &SupervisionEvent) {
        let (last, last_ms) = self.last().map_or((0, 0), |step| (step.seq, step.at_ms));
        let step = Step {
            // A number that was lost with a killed process is given again.
            seq: event.seq.max(last),
            at_ms: event.at_ms.max(last_ms),
            supervisor: self.word(&event.supervisor),
            child: event.child.clone(),
            kind: self.word(&event.kind),
            change: Change::of(&event.what),
            class: Class::of(&event.what),
        };
        if self.chunks.back().is_none_or(|chunk| chunk.steps.len() >= self.chunk) {
            let before = self.present.clone();
            self.chunks.push_back(Chunk { before, steps: Vec::new() });
            if self.chunks.len() > CHUNKS_MAX
                && let Some(oldest) = self.chunks.pop_front()
            {
                self.dropped += oldest.steps.len() as u64;
            }
        }
        self.present.apply(&step);
        if let Some(chunk) = self.chunks.back_mut() {
            chunk.steps.push(step);
        }
    }

    /// Kinds and the paths of supervisors come again and again; paths of which there are many (one for each
    /// child that supervises) are few in any tree.
    fn word(&mut self, text: &str) -> Arc<str> {
        if let Some(word) = self.words.get(text) {
            return word.clone();
        }
        let word = Arc::<str>::from(text);
        if self.words.len() < 65_536 {
            self.words.insert(word.clone());
        }
        word
    }

    fn steps(&self) -> impl DoubleEndedIterator<Item = &Step> {
        self.chunks.iter().flat_map(|chunk| &chunk.steps)
    }

    fn last(&self) -> Option<&Step> {
        self.steps().next_back()
    }

    pub fn reach(&self) -> Reach {
        let (Some(first), Some(last)) = (self.steps().next(), self.last()) else {
            return Reach::default();
        };
        Reach {
            first_seq: first.seq,
            last_seq: last.seq,
            first_at_ms: first.at_ms,
            last_at_ms: last.at_ms,
            dropped: self.dropped,
        }
    }

    /// The tree at a moment, and the step that it is behind (0: before all that is kept).
    pub fn at(&self, moment: Moment) -> (Tree, u64, u64) {
        let is_past = |step: &Step| match moment {
            Moment::AtMs(ms) => step.at_ms <= ms,
            Moment::Seq(seq) => step.seq <= seq,
        };
        let begun = |chunk: &&Chunk| chunk.steps.first().is_some_and(is_past);
        let Some(chunk) = self.chunks.iter().rev().find(begun) else {
            let before = self.chunks.front().map(|chunk| chunk.before.clone());
            return (before.unwrap_or_default(), 0, 0);
        };
        let mut tree = chunk.before.clone();
        let end = chunk.steps.partition_point(is_past);
        for step in &chunk.steps[..end] {
            tree.apply(step);
        }
        let last = &chunk.steps[end - 1];
        (tree, last.seq, last.at_ms)
    }

    /// What happened between two moments, counted in so many equal stretches.
    pub fn ticks(&self, from_ms: u64, to_ms: u64, buckets: usize) -> Vec<Bucket> {
        let span = to_ms.saturating_sub(from_ms).max(1);
        let buckets = buckets.max(1);
        let begin = |n: usize| from_ms + (span as u128 * n as u128 / buckets as u128) as u64;
        let at = |n| Bucket { at_ms: begin(n), ..Bucket::default() };
        let mut counted: Vec<Bucket> = (0..buckets).map(at).collect();
        for chunk in &self.chunks {
            let first = chunk.steps.partition_point(|step| step.at_ms < from_ms);
            for step in chunk.steps[first..].iter().take_while(|step| step.at_ms <= to_ms) {
                let at = (step.at_ms - from_ms) as u128 * buckets as u128 / span as u128;
                let bucket = &mut counted[(at as usize).min(buckets - 1)];
                let count = match step.class {
                    Class::Spawned => &mut bucket.spawned,
                    Class::Failed => &mut bucket.failed,
                    Class::Restarting => &mut bucket.restarting,
                    Class::GaveUp => &mut bucket.gave_up,
                    Class::Stopped => &mut bucket.stopped,
                    Class::Operator => &mut bucket.operator,
                    Class::Node => &mut bucket.node,
                    Class::None => continue,
                };
                *count += 1;
            }
        }
        counted
    }

    /// The last step that told of a child of this id, newest first.
    pub fn last_of(&self, id: &str) -> Option<&Step> {
        self.steps().rev().find(|step| &*step.child == id)
    }
}

#[cfg(test)]
mod tests;
