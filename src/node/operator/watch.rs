//! What the admin door sees and may touch of the running tree.
//!
//! Owns no state: it reads the registry, walks the supervisors and asks actors to show themselves. Every
//! figure is ahead of the disk, as actors are.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use actors::mailbox::{Control, Load, Observation};
use actors::node::Node;
use actors::registry::{Address, Ending};
use serde::Serialize;
use serde_json::{Value, json};
use supervision::{
    AdminError, ChildStatus, EventLog, EventSink, Restart, Strategy, SupervisorRef, TreeNode,
    TreeNursery, WalkLimits, What, walk,
};
use tokio::sync::oneshot;

use super::console::Console;
use super::request::KillMode;
use super::tokens::Tokens;

/// The admin door's reach. Cheap to clone.
#[derive(Clone)]
pub struct Watch {
    /// What its actors share.
    pub node: Arc<Node>,
    /// The ways to supervisors.
    pub nursery: TreeNursery,
    /// What has happened to children.
    pub events: EventLog,
    /// Where operators' acts on actors are told.
    pub sink: EventSink,
    /// Who may look while home is down.
    pub tokens: Arc<Tokens>,
    /// Links, sessions and pages.
    pub console: Arc<Console>,
}

/// How long an actor may take to show itself.
const OBSERVE_WITHIN: Duration = Duration::from_secs(1);
/// Chaos: how long a hang is held.
const HANG: Duration = Duration::from_secs(5);

/// A line of the tree.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    id: String,
    name: String,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    strategy: Option<Strategy>,
    restart: Option<Restart>,
    status: ChildStatus,
    restarts: u64,
    mailbox: usize,
    /// Children that are too many to be shown.
    #[serde(skip_serializing_if = "is_zero")]
    hidden: usize,
    children: Vec<Line>,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// What ending an actor would take with it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BlastRadius {
    /// Actors that would be started anew, by kind.
    restarts: BTreeMap<String, usize>,
    /// How many those are.
    total: usize,
}

impl Watch {
    /// The whole tree, as far as the limits of a walk go.
    pub async fn tree(&self) -> Result<Line, AdminError> {
        let root = self.nursery.root()?;
        let node = walk(&root, WalkLimits::default()).await;
        let loads: HashMap<String, Load> = self
            .node
            .registry
            .loads()
            .into_iter()
            .map(|(address, load)| (address.to_string(), load))
            .collect();
        Ok(line(&node, &loads))
    }

    /// One actor's own summary; a supervisor's line of the tree.
    pub async fn observe(&self, id: &str) -> Result<Option<Value>, AdminError> {
        if let Some(address) = self.node.registry.address_of(id) {
            let (reply, seen) = oneshot::channel::<Observation>();
            if self.node.registry.control(address, Control::Observe(reply)) {
                let seen = tokio::time::timeout(OBSERVE_WITHIN, seen).await;
                let load = self.load(address);
                return Ok(Some(match seen {
                    Ok(Ok(observation)) => json!(observation),
                    _ => json!({ "id": id, "kind": address.kind(), "mailbox": load, "state": null,
                        "note": "it did not answer in time" }),
                }));
            }
        }
        Ok(find(&self.tree().await?, id).map(|line| json!(line)))
    }

    fn load(&self, address: Address) -> Option<Load> {
        let loads = self.node.registry.loads();
        loads.into_iter().find(|(other, _)| *other == address).map(|(_, load)| load)
    }

    /// What would fall with `id`; `None` when there is no such actor.
    pub async fn blast_radius(&self, id: &str) -> Result<Option<BlastRadius>, AdminError> {
        let tree = self.tree().await?;
        let mut restarts = BTreeMap::new();
        if !falls_with(&tree, id, &mut restarts) {
            return Ok(None);
        }
        let total = restarts.values().sum();
        Ok(Some(BlastRadius { restarts, total }))
    }

    /// Tells the supervision log what an operator does to an actor, before it is done.
    pub fn tell(&self, id: &str, operator: &str, act: &'static str, reason: &str) {
        let kind = self.node.registry.address_of(id).map_or("supervisor", |at| at.kind());
        let (operator, reason) = (operator.to_owned(), reason.to_owned());
        self.sink.note(id, kind, What::OperatorActed { operator, act: act.into(), reason });
    }

    /// Ends or hurts an actor; false when there is none of that id.
    pub async fn hurt(&self, id: &str, mode: KillMode, reason: &str) -> Result<bool, AdminError> {
        let registry = &self.node.registry;
        if let Some(address) = registry.address_of(id) {
            return Ok(match mode {
                KillMode::Kill => registry.end(address, Ending::Kill, reason),
                KillMode::Panic => registry.control(address, Control::Panic),
                KillMode::Hang => registry.control(address, Control::Hang(HANG)),
                KillMode::Stop => registry.end(address, Ending::Stop, "normal"),
                KillMode::Restart => registry.end(address, Ending::Stop, reason),
                KillMode::Drain => registry.end(address, Ending::Drain, reason),
            });
        }
        let Some(supervisor) = self.supervisor(id).await? else { return Ok(false) };
        match mode {
            KillMode::Stop | KillMode::Restart | KillMode::Drain => {
                supervisor.cell().stop(Some(reason.to_owned()));
            }
            KillMode::Kill | KillMode::Panic | KillMode::Hang => supervisor.cell().kill(),
        }
        Ok(true)
    }

    /// A quarantined, stopped or ignored child is started again with a fresh budget.
    pub async fn retry(&self, id: &str) -> Result<bool, AdminError> {
        let tree = self.tree().await?;
        let Some(path) = path_to(&tree, id) else { return Ok(false) };
        let parents = &path[..path.len().saturating_sub(1)];
        let supervisor = self.nursery.supervisor(&parents.join("/")).await?;
        supervisor.restart_child(id).await.map(|_| true)
    }

    async fn supervisor(&self, id: &str) -> Result<Option<SupervisorRef>, AdminError> {
        let tree = self.tree().await?;
        let Some(path) = path_to(&tree, id) else { return Ok(None) };
        self.nursery.supervisor(&path.join("/")).await.map(Some)
    }
}

fn line(node: &TreeNode, loads: &HashMap<String, Load>) -> Line {
    let id = node.id.to_string();
    Line {
        mailbox: loads.get(&id).map_or(0, |load| load.depth),
        name: id.clone(),
        id,
        kind: node.kind.clone(),
        strategy: node.strategy,
        restart: node.restart,
        status: node.status,
        restarts: node.restarts,
        hidden: node.hidden,
        children: node.children.iter().map(|child| line(child, loads)).collect(),
    }
}

fn find<'a>(line: &'a Line, id: &str) -> Option<&'a Line> {
    if line.id == id {
        return Some(line);
    }
    line.children.iter().find_map(|child| find(child, id))
}

/// Ids below the root, down to `id`.
fn path_to(line: &Line, id: &str) -> Option<Vec<String>> {
    for child in &line.children {
        if child.id == id {
            return Some(vec![child.id.clone()]);
        }
        if let Some(mut path) = path_to(child, id) {
            path.insert(0, child.id.clone());
            return Some(path);
        }
    }
    None
}

/// Counts what falls with `id` below `line`; false when it is not there.
fn falls_with(line: &Line, id: &str, counts: &mut BTreeMap<String, usize>) -> bool {
    if line.id == id {
        count(line, counts);
        return true;
    }
    let Some(at) = line.children.iter().position(|child| child.id == id) else {
        return line.children.iter().any(|child| falls_with(child, id, counts));
    };
    let falling = match line.strategy {
        Some(Strategy::OneForAll) => &line.children[..],
        Some(Strategy::RestForOne) => &line.children[at..],
        _ => &line.children[at..=at],
    };
    for child in falling {
        count(child, counts);
    }
    true
}

fn count(line: &Line, counts: &mut BTreeMap<String, usize>) {
    *counts.entry(line.kind.clone()).or_default() += 1 + line.hidden;
    for child in &line.children {
        count(child, counts);
    }
}
