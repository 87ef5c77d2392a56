//! What the admin door sees and may touch of the running tree.
//!
//! Owns the ways in: the registry, the supervision events, the supervisors. Every figure is ahead of the disk, as
//! actors are.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use actors::gauge::Load;
use actors::mailbox::{Control, Observation};
use actors::node::Node;
use actors::registry::Ending;
use serde::Serialize;
use supervision::history::Tree;
use supervision::{
    AdminError, ChildStatus, EventLog, EventSink, Restart, Strategy, SupervisorRef, TreeNode,
    TreeNursery, WalkLimits, What, walk,
};
use tokio::sync::oneshot;

use super::console::Console;
use super::observe::flow::Flow;
use super::observe::overview::Glances;
use super::observe::pace::Pace;
use super::observe::recovery::Recoveries;
use super::observe::roster::path_of;
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
    /// How fast actors work.
    pub pace: Arc<Pace>,
    /// What came of operators' acts on actors.
    pub recoveries: Arc<Recoveries>,
    /// Message rates between kinds of actors.
    pub flow: Arc<Flow>,
    /// What the last glance saw.
    pub glances: Arc<Glances>,
}

/// How long an actor may take to show itself.
const OBSERVE_WITHIN: Duration = Duration::from_secs(1);
/// Markets that a blast radius names.
const SUSPENDS_NAMED: usize = 100;
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
    /// Markets that nobody serves meanwhile: the first of them, all are counted in `restarts`.
    suspends: Vec<String>,
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

    /// An actor's own summary; `None` when there is no such actor, or it does not answer in time.
    pub async fn observation(&self, id: &str) -> Option<Observation> {
        let address = self.node.registry.address_of(id)?;
        let (reply, seen) = oneshot::channel::<Observation>();
        if !self.node.registry.control(address, Control::Observe(reply)) {
            return None;
        }
        tokio::time::timeout(OBSERVE_WITHIN, seen).await.ok()?.ok()
    }

    /// What would fall with `id`; `None` when there is no such actor.
    pub fn blast_radius(&self, id: &str) -> Option<BlastRadius> {
        self.events.look(|history| {
            let tree = history.present();
            let path = path_of(tree, id)?;
            let (mut restarts, mut suspends) = (BTreeMap::new(), Vec::new());
            let above = path.rsplit_once('/').map_or("", |(above, _)| above);
            let strategy = tree.node(above).and_then(|node| node.strategy);
            let siblings = tree.children(above);
            let at = siblings.iter().position(|(sibling, _)| &***sibling == id)?;
            let falling = match strategy {
                Some(Strategy::OneForAll) => &siblings[..],
                Some(Strategy::RestForOne) => &siblings[at..],
                _ => &siblings[at..=at],
            };
            for (id, node) in falling {
                let path = if above.is_empty() { id.to_string() } else { format!("{above}/{id}") };
                count(tree, &path, &node.kind, &mut restarts, &mut suspends);
            }
            let total = restarts.values().sum();
            Some(BlastRadius { restarts, total, suspends })
        })
    }

    /// Tells the supervision log what an operator does to an actor, before it is done.
    pub fn tell(&self, id: &str, operator: &str, act: &'static str, reason: &str) -> u64 {
        let kind = self.node.registry.address_of(id).map_or("supervisor", |at| at.kind());
        self.tell_of(id, kind, operator, act.into(), reason)
    }

    /// The same of something that is no actor of the tree.
    pub fn tell_of(
        &self,
        target: &str,
        kind: &'static str,
        operator: &str,
        act: Cow<'static, str>,
        reason: &str,
    ) -> u64 {
        let (operator, reason) = (operator.to_owned(), reason.to_owned());
        self.sink.note(target, kind, What::OperatorActed { operator, act, reason })
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
        let Some(path) = self.path_below_root(id) else { return Ok(false) };
        let above = path.rsplit_once('/').map_or("", |(above, _)| above);
        let supervisor = self.nursery.supervisor(above).await?;
        supervisor.restart_child(id).await.map(|_| true)
    }

    async fn supervisor(&self, id: &str) -> Result<Option<SupervisorRef>, AdminError> {
        let Some(path) = self.path_below_root(id) else { return Ok(None) };
        self.nursery.supervisor(&path).await.map(Some)
    }

    /// Ids below the root, joined; empty for the root itself.
    fn path_below_root(&self, id: &str) -> Option<String> {
        let path = self.events.look(|history| path_of(history.present(), id))?;
        Some(path.split_once('/').map_or_else(String::new, |(_, below)| below.to_owned()))
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

/// Counts somebody and all below.
fn count(
    tree: &Tree,
    path: &str,
    kind: &str,
    counts: &mut BTreeMap<String, usize>,
    suspends: &mut Vec<String>,
) {
    *counts.entry(kind.to_owned()).or_default() += 1;
    if kind == "market" && suspends.len() < SUSPENDS_NAMED {
        suspends.extend(path.rsplit('/').next().map(str::to_owned));
    }
    for (id, node) in tree.children(path) {
        count(tree, &format!("{path}/{id}"), &node.kind, counts, suspends);
    }
}
