//! The whole tree as plain data, from any supervisor down.
//!
//! Every supervisor is asked for its own children only; one that does not answer in time is shown
//! as such and its subtree left out, so a tree that hangs can still be looked at.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::admin::{ChildInfo, ChildStatus, Page, SupervisorRef};
use crate::intensity::Budget;
use crate::spec::{Restart, Role, Strategy};

/// How far a walk goes.
#[derive(Clone, Copy, Debug)]
pub struct WalkLimits {
    /// Levels below the start that are shown.
    pub depth_max: usize,
    /// Children of one supervisor that are shown; `hidden` counts the others.
    pub children_max: usize,
    /// For each supervisor that is asked.
    pub answer_timeout: Duration,
    /// For the whole walk; supervisors that it does not reach are shown as unanswered.
    pub walk_timeout: Duration,
}

impl Default for WalkLimits {
    fn default() -> Self {
        Self {
            depth_max: 16,
            children_max: 1_000,
            answer_timeout: Duration::from_secs(1),
            walk_timeout: Duration::from_secs(10),
        }
    }
}

/// A supervisor or a worker, with what is below it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TreeNode {
    pub id: Arc<str>,
    pub kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
    /// `None` for the root, which nobody restarts.
    pub restart: Option<Restart>,
    pub status: ChildStatus,
    pub restarts: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// ractor's id of the running actor.
    pub actor: Option<String>,
    pub children: Vec<TreeNode>,
    /// Children that the limits left out.
    pub hidden: usize,
    /// False for a supervisor that was not asked or did not answer in time.
    pub answered: bool,
}

/// The tree below `top`, which is shown under the last part of its path.
pub async fn walk(top: &SupervisorRef, limits: WalkLimits) -> TreeNode {
    let deadline = Instant::now() + limits.walk_timeout;
    let cell = top.cell();
    let root = TreeNode {
        id: "".into(),
        kind: "supervisor".to_owned(),
        strategy: None,
        restart: None,
        status: ChildStatus::Running,
        restarts: 0,
        budget: None,
        actor: Some(cell.get_id().to_string()),
        children: Vec::new(),
        hidden: 0,
        answered: true,
    };
    below(root, top.clone(), limits, limits.depth_max, deadline).await
}

/// Fills in what a supervisor says of itself and of its children. Boxed, because it is as deep as
/// the tree.
fn below(
    mut node: TreeNode,
    supervisor: SupervisorRef,
    limits: WalkLimits,
    depth: usize,
    deadline: Instant,
) -> Pin<Box<dyn Future<Output = TreeNode> + Send>> {
    Box::pin(async move {
        let until = deadline.min(Instant::now() + limits.answer_timeout);
        let page = Page { after: None, limit: if depth == 0 { 0 } else { limits.children_max } };
        let answers = async {
            let own = supervisor.describe().await.ok()?;
            let children = supervisor.which_children(page).await.ok()?;
            Some((own, children))
        };
        let Ok(Some((own, children))) = tokio::time::timeout_at(until, answers).await else {
            node.answered = false;
            return node;
        };
        if node.id.is_empty() {
            node.id = own.path.rsplit('/').next().unwrap_or_default().into();
        }
        node.strategy = Some(own.strategy);
        node.budget = Some(own.budget);
        node.hidden = own.children.specs.saturating_sub(children.len());
        for child in children {
            let supervisor = child.cell.as_ref().and_then(SupervisorRef::from_cell);
            let child = TreeNode::from(child);
            node.children.push(match supervisor {
                Some(supervisor) => below(child, supervisor, limits, depth - 1, deadline).await,
                None => child,
            });
        }
        node
    })
}

impl From<ChildInfo> for TreeNode {
    fn from(child: ChildInfo) -> Self {
        let strategy = match child.role {
            Role::Supervisor(strategy) => Some(strategy),
            Role::Worker => None,
        };
        Self {
            id: child.id,
            kind: child.kind,
            strategy,
            restart: Some(child.restart),
            status: child.status,
            restarts: child.restarts,
            budget: child.budget,
            actor: child.actor,
            children: Vec::new(),
            hidden: 0,
            answered: true,
        }
    }
}
