//! A running supervisor as others see it: what may be asked of it, and its answers as plain data.
//!
//! Both kinds of supervisor speak this one message type. It stays private: `SupervisorRef` is the
//! address, and every one of its calls ends after a named time. A call that timed out may still
//! be carried out.

use std::sync::Arc;
use std::time::Duration;

use ractor::rpc::CallResult;
use ractor::{ActorCell, ActorRef, RpcReplyPort};
use serde::{Deserialize, Serialize};

use crate::exit::ExitReason;
use crate::intensity::Budget;
use crate::spawn;
use crate::spec::{ChildSpec, Restart, Role, SpecError, Strategy};
use crate::start::StartError;

/// A question about children. A supervisor that is starting or stopping one answers afterwards.
pub const QUERY_TIMEOUT: Duration = Duration::from_secs(5);

/// A change: it may have to start a subtree or wait for a child's shutdown.
pub const CHANGE_TIMEOUT: Duration = Duration::from_secs(60);

/// Children in one answer of `which_children`.
pub const PAGE_MAX: usize = 10_000;

type Reply<T> = RpcReplyPort<T>;

/// With ractor's feature `cluster` on, this type needs one line: `impl ractor::Message for
/// SupervisorMsg {}`.
pub(crate) enum SupervisorMsg {
    StartChild(Box<ChildSpec>, Reply<Result<Option<ActorCell>, AdminError>>),
    StartDynamic(Arc<str>, Reply<Result<Option<ActorCell>, AdminError>>),
    TerminateChild(Arc<str>, Reply<Result<(), AdminError>>),
    RestartChild(Arc<str>, Reply<Result<Option<ActorCell>, AdminError>>),
    DeleteChild(Arc<str>, Reply<Result<(), AdminError>>),
    GetChildSpec(Arc<str>, Reply<Result<ChildSpec, AdminError>>),
    GetChild(Arc<str>, Reply<Result<ChildInfo, AdminError>>),
    WhichChildren(Page, Reply<Vec<ChildInfo>>),
    CountChildren(Reply<ChildCounts>),
    Describe(Reply<SupervisorInfo>),
    /// To itself: a backoff has passed. The ticket tells it from one that was overtaken.
    Retry {
        id: Arc<str>,
        ticket: u64,
    },
    /// To itself: a child that was being stopped is gone.
    Gone {
        id: Arc<str>,
        exit: ExitReason,
        reply: Reply<Result<(), AdminError>>,
    },
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AdminError {
    #[error("already started")]
    AlreadyStarted { actor: ActorCell },
    #[error("already present, not running")]
    AlreadyPresent,
    #[error("running")]
    Running,
    #[error("restarting")]
    Restarting,
    #[error("being stopped")]
    Stopping,
    #[error("not found")]
    NotFound,
    #[error("start failed: {0}")]
    StartFailed(#[from] StartError),
    #[error(transparent)]
    Invalid(#[from] SpecError),
    /// A dynamic supervisor takes ids, the others take specs.
    #[error("not for a supervisor of this kind")]
    WrongKind,
    #[error("full: {children_max} children")]
    Full { children_max: usize },
    #[error("the supervisor did not answer in time; the outcome is unknown")]
    TimedOut,
    #[error("the supervisor is gone; the outcome is unknown")]
    SupervisorGone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChildStatus {
    Running,
    /// Down, and its next start is on its way.
    Restarting,
    /// Down until somebody restarts it, or its group does.
    Stopped,
    /// Its start answered that there is nothing to run.
    Ignored,
    /// Asked to end and not gone yet.
    Stopping,
    /// Down because its own restart budget is spent.
    Quarantined,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChildInfo {
    pub id: Arc<str>,
    pub kind: String,
    pub role: Role,
    pub restart: Restart,
    pub significant: bool,
    pub status: ChildStatus,
    /// How often its supervisor restarted it.
    pub restarts: u64,
    pub incarnation: u64,
    /// Its own restart budget, where it has one.
    pub budget: Option<Budget>,
    /// ractor's id of the running actor.
    pub actor: Option<String>,
    #[serde(skip)]
    pub cell: Option<ActorCell>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildCounts {
    pub specs: usize,
    pub active: usize,
    pub supervisors: usize,
    pub workers: usize,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SupervisorInfo {
    pub path: Arc<str>,
    pub strategy: Strategy,
    /// Restarts of the current period against its intensity.
    pub budget: Budget,
    pub children: ChildCounts,
}

/// Which children to list: at most `limit`, after the child `after` in the supervisor's order
/// (start order; by id below a dynamic one).
#[derive(Clone, Debug)]
pub struct Page {
    pub after: Option<Arc<str>>,
    pub limit: usize,
}

impl Default for Page {
    fn default() -> Self {
        Self { after: None, limit: PAGE_MAX }
    }
}

/// The address of a supervisor.
#[derive(Clone)]
pub struct SupervisorRef(ActorRef<SupervisorMsg>);

impl From<ActorRef<SupervisorMsg>> for SupervisorRef {
    fn from(actor: ActorRef<SupervisorMsg>) -> Self {
        Self(actor)
    }
}

impl SupervisorRef {
    /// `None` when the actor is no supervisor of this crate.
    pub fn from_cell(cell: &ActorCell) -> Option<Self> {
        let is_supervisor = cell.is_message_type_of::<SupervisorMsg>() == Some(true);
        is_supervisor.then(|| Self(cell.clone().into()))
    }

    pub fn cell(&self) -> ActorCell {
        self.0.get_cell()
    }

    /// Adds a child at the end of the list. `None`: its start said that there is nothing to run.
    pub async fn start_child(&self, spec: ChildSpec) -> Result<Option<ActorCell>, AdminError> {
        self.change(|reply| SupervisorMsg::StartChild(Box::new(spec), reply)).await
    }

    /// Starts the child `id` from a dynamic supervisor's template.
    pub async fn start_dynamic(&self, id: &str) -> Result<Option<ActorCell>, AdminError> {
        self.change(|reply| SupervisorMsg::StartDynamic(id.into(), reply)).await
    }

    /// Stops a child as its spec says and returns when it is gone. Its spec stays, unless it is
    /// temporary or dynamic.
    pub async fn terminate_child(&self, id: &str) -> Result<(), AdminError> {
        self.change(|reply| SupervisorMsg::TerminateChild(id.into(), reply)).await
    }

    /// Starts a child that is stopped, ignored or quarantined; its budget begins anew.
    pub async fn restart_child(&self, id: &str) -> Result<Option<ActorCell>, AdminError> {
        self.change(|reply| SupervisorMsg::RestartChild(id.into(), reply)).await
    }

    /// Forgets a child that is down.
    pub async fn delete_child(&self, id: &str) -> Result<(), AdminError> {
        self.change(|reply| SupervisorMsg::DeleteChild(id.into(), reply)).await
    }

    pub async fn get_childspec(&self, id: &str) -> Result<ChildSpec, AdminError> {
        self.query(|reply| SupervisorMsg::GetChildSpec(id.into(), reply)).await?
    }

    pub async fn get_child(&self, id: &str) -> Result<ChildInfo, AdminError> {
        self.query(|reply| SupervisorMsg::GetChild(id.into(), reply)).await?
    }

    pub async fn which_children(&self, page: Page) -> Result<Vec<ChildInfo>, AdminError> {
        self.query(|reply| SupervisorMsg::WhichChildren(page, reply)).await
    }

    pub async fn count_children(&self) -> Result<ChildCounts, AdminError> {
        self.query(SupervisorMsg::CountChildren).await
    }

    pub async fn describe(&self) -> Result<SupervisorInfo, AdminError> {
        self.query(SupervisorMsg::Describe).await
    }

    /// The child at a path below this supervisor, ids joined by `/`.
    pub async fn find(&self, path: &str) -> Result<ChildInfo, AdminError> {
        let mut supervisor = self.clone();
        let mut path = path;
        while let Some((id, rest)) = path.split_once('/') {
            supervisor = supervisor.child_supervisor(id).await?;
            path = rest;
        }
        supervisor.get_child(path).await
    }

    /// For actors, which must not wait in a handler: starts the child and hands the answer to
    /// `tell`, which usually casts it to the actor that asked.
    pub fn start_dynamic_then(
        &self,
        id: &str,
        tell: impl FnOnce(Result<Option<ActorCell>, AdminError>) + Send + 'static,
    ) {
        let (supervisor, id) = (self.clone(), Arc::<str>::from(id));
        spawn::task(async move { tell(supervisor.start_dynamic(&id).await) });
    }

    /// The same for a child that is to end.
    pub fn terminate_child_then(
        &self,
        id: &str,
        tell: impl FnOnce(Result<(), AdminError>) + Send + 'static,
    ) {
        let (supervisor, id) = (self.clone(), Arc::<str>::from(id));
        spawn::task(async move { tell(supervisor.terminate_child(&id).await) });
    }

    /// The supervisor that runs as the child `id` now.
    pub async fn child_supervisor(&self, id: &str) -> Result<SupervisorRef, AdminError> {
        let child = self.get_child(id).await?;
        child.cell.as_ref().and_then(Self::from_cell).ok_or(AdminError::NotFound)
    }

    async fn change<T: Send + 'static>(
        &self,
        message: impl FnOnce(Reply<Result<T, AdminError>>) -> SupervisorMsg,
    ) -> Result<T, AdminError> {
        self.call(message, CHANGE_TIMEOUT).await?
    }

    async fn query<T: Send + 'static>(
        &self,
        message: impl FnOnce(Reply<T>) -> SupervisorMsg,
    ) -> Result<T, AdminError> {
        self.call(message, QUERY_TIMEOUT).await
    }

    pub(crate) async fn call<T: Send + 'static>(
        &self,
        message: impl FnOnce(Reply<T>) -> SupervisorMsg,
        timeout: Duration,
    ) -> Result<T, AdminError> {
        match self.0.call(message, Some(timeout)).await {
            Ok(CallResult::Success(answer)) => Ok(answer),
            Ok(CallResult::Timeout) => Err(AdminError::TimedOut),
            Ok(CallResult::SenderError) | Err(_) => Err(AdminError::SupervisorGone),
        }
    }
}
