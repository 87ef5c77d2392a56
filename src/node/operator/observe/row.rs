//! One line of the tree as the console and its text twins are told of it, and how hot it is.
//!
//! Owns the shape of a row. What stands in it comes from the supervision events (place, status, restarts,
//! budget), from the actor's gauge and the collector (load), and from the exchange (label).

use serde::Serialize;
use supervision::history::Node;
use supervision::{ChildStatus, Restart, Strategy};

/// A mailbox that is looked at, one that is worried about, one that is an accident.
const DEPTHS: [usize; 3] = [100, 1_000, 10_000];
/// The same of the share of its time, in percent, that a handler works.
const BUSY: [f64; 2] = [60.0, 90.0];
/// The same of restarts that still count.
const USED: [u32; 2] = [1, 3];

/// An actor or a supervisor.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Unique in the tree.
    pub id: String,
    /// For people.
    pub name: String,
    /// What it is.
    pub kind: String,
    /// Its supervisor's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Of a supervisor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
    /// When it is started again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart: Option<Restart>,
    /// Up, down, or on its way.
    pub status: ChildStatus,
    /// How often it was started again.
    pub restarts: u64,
    /// Which life this is.
    pub incarnation: u64,
    /// Since when it is as it is.
    pub since_ms: u64,
    /// Of a supervisor.
    pub child_count: usize,
    /// Restarts it may use up, and has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// Its figures; not of the past, and not of supervisors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<LoadNow>,
    /// 0 cold to 3.
    pub heat: u8,
    /// A market's or a user's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// A restart budget as it decays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Budget {
    /// Restarts that still count.
    pub used: u32,
    /// How many are too many, less one.
    pub of: u32,
    /// How long each counts.
    pub within_ms: u64,
    /// How long ago each of them was.
    pub ages_ms: Vec<u64>,
}

/// An actor's figures of late.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadNow {
    /// Messages that wait.
    pub depth: usize,
    /// Messages a second, lately.
    pub per_s: f64,
    /// Time in the mailbox, lately: half waited no longer.
    pub wait_p50_us: u64,
    /// The same of all but one in a hundred.
    pub wait_p99_us: u64,
    /// Share of the time that its handler worked, lately.
    pub busy_pct: f64,
    /// The slowest message of this life.
    pub slowest_us: u64,
    /// Messages of this life.
    pub handled: u64,
}

impl Row {
    /// The row of a child, without its load and label.
    pub fn new(supervisor: &str, id: &str, node: &Node, child_count: usize, at_ms: u64) -> Row {
        let parent = supervisor.rsplit('/').next().filter(|parent| !parent.is_empty());
        let budget = node.budget(at_ms).map(|budget| Budget {
            used: budget.used,
            of: budget.of,
            within_ms: budget.within_ms,
            ages_ms: node.ages(at_ms),
        });
        let mut row = Row {
            id: id.to_owned(),
            name: id.to_owned(),
            kind: node.kind.to_string(),
            parent: parent.map(str::to_owned),
            strategy: node.strategy,
            restart: node.restart,
            status: node.status,
            restarts: node.restarts(),
            incarnation: node.incarnation,
            since_ms: node.since_ms,
            child_count,
            budget,
            load: None,
            heat: 0,
            label: None,
        };
        row.heat = row.warmth();
        row
    }

    /// With the actor's figures.
    pub fn with_load(mut self, load: Option<LoadNow>) -> Row {
        self.load = load;
        self.heat = self.warmth();
        self
    }

    fn warmth(&self) -> u8 {
        let used = self.budget.as_ref().map_or(0, |budget| budget.used);
        let load = self.load.as_ref().map_or((0, 0.0), |load| (load.depth, load.busy_pct));
        warmth(self.status, used, load)
    }
}

/// How hot somebody is: by what it is at, restarts that count, and its mailbox and share of busy time.
pub fn warmth(status: ChildStatus, used: u32, (depth, busy_pct): (usize, f64)) -> u8 {
    let status = match status {
        ChildStatus::Quarantined => 3,
        ChildStatus::Restarting | ChildStatus::Stopped => 2,
        ChildStatus::Running | ChildStatus::Ignored | ChildStatus::Stopping => 0,
    };
    let used = USED.iter().filter(|step| used >= **step).count();
    let depths = DEPTHS.iter().filter(|step| depth >= **step).count();
    let busy = BUSY.iter().filter(|step| busy_pct >= **step).count();
    status.max(used).max(depths).max(busy) as u8
}
