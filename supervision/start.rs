//! How a child comes up: what its start is given, and what it may answer.
//!
//! A start runs inside the supervisor, so it is bounded in time and its panics are caught here.
//! `Started` can only be made by spawning through the context: a child is always linked.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use ractor::{Actor, ActorCell, ActorRef, SpawnErr};
use serde::{Deserialize, Serialize};
use tokio::task::{self, JoinHandle};

use crate::admin::{SupervisorMsg, SupervisorRef};
use crate::event::EventSink;
use crate::exit::{ExitReason, clip};
use crate::panics;
use crate::spawn;
use crate::spec::SpecError;

/// What a start is told. Identity only: state is read back by the child itself.
#[derive(Clone)]
pub struct StartContext {
    pub(crate) parent: ActorRef<SupervisorMsg>,
    pub(crate) parent_path: Arc<str>,
    pub(crate) sink: EventSink,
    /// The child's id below its supervisor.
    pub id: Arc<str>,
    /// 1 at the first start, one more at each later one.
    pub incarnation: u64,
}

impl StartContext {
    pub fn supervisor(&self) -> ActorCell {
        self.parent.get_cell()
    }

    /// For later: while a start runs its supervisor is busy with it and answers nobody.
    pub fn parent(&self) -> SupervisorRef {
        SupervisorRef::from(self.parent.clone())
    }

    /// The child's place in the tree, ids joined by `/`.
    pub fn path(&self) -> Arc<str> {
        if self.parent_path.is_empty() {
            return self.id.clone();
        }
        format!("{}/{}", self.parent_path, self.id).into()
    }

    /// Starts an actor as this child.
    pub async fn spawn<A: Actor>(
        &self,
        handler: A,
        args: A::Arguments,
    ) -> Result<Start, StartError> {
        self.spawn_as(None, handler, args).await
    }

    /// The same under a name of ractor's registry, which is one for the whole process.
    pub async fn spawn_named<A: Actor>(
        &self,
        name: String,
        handler: A,
        args: A::Arguments,
    ) -> Result<Start, StartError> {
        self.spawn_as(Some(name), handler, args).await
    }

    async fn spawn_as<A: Actor>(
        &self,
        name: Option<String>,
        handler: A,
        args: A::Arguments,
    ) -> Result<Start, StartError> {
        match spawn::linked(name, handler, args, self.supervisor()).await {
            Ok((actor, task)) => Ok(Start::Up(Started { cell: actor.get_cell(), task })),
            Err(error) => Err(error.into()),
        }
    }
}

/// What a start may answer.
pub enum Start {
    Up(Started),
    /// Nothing to run here and now; the spec is kept.
    Ignore,
}

/// A running child: its address, and its task, which ends only after the child's state is gone.
/// Whoever holds it answers for the child: dropping it kills the actor, if that still lives.
pub struct Started {
    pub(crate) cell: ActorCell,
    pub(crate) task: JoinHandle<()>,
}

impl Started {
    /// Waits until the actor has ended and its state is gone.
    pub(crate) async fn ended(&mut self) {
        if !self.task.is_finished() {
            let _ = (&mut self.task).await;
        }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        self.cell.kill();
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "error", content = "detail", rename_all = "snake_case")]
pub enum StartError {
    #[error("invalid specification: {0}")]
    Invalid(SpecError),
    /// `pre_start` returned an error, panicked or was killed.
    #[error("{0}")]
    Failed(ExitReason),
    #[error("no answer within {after_ms} ms")]
    TimedOut { after_ms: u64 },
    /// One of a supervisor's children could not start; those before it have been stopped again.
    #[error("child `{id}`: {error}")]
    Child { id: Arc<str>, error: Box<StartError> },
}

impl StartError {
    pub fn failed(message: impl AsRef<str>) -> Self {
        Self::Failed(ExitReason::Failed(clip(message.as_ref())))
    }
}

impl From<SpawnErr> for StartError {
    fn from(error: SpawnErr) -> Self {
        match error {
            SpawnErr::StartupFailed(error) => match error.downcast::<StartError>() {
                Ok(error) => *error,
                Err(error) => Self::Failed(ExitReason::from_error(error, task::try_id())),
            },
            other => Self::failed(other.to_string()),
        }
    }
}

pub(crate) type StartFuture = Pin<Box<dyn Future<Output = Result<Start, StartError>> + Send>>;
pub(crate) type StartFn = Arc<dyn Fn(StartContext) -> StartFuture + Send + Sync>;

/// Runs a start to its end, its panic or its timeout, whichever comes first. A start that is
/// given up is dropped, and ractor takes down what it had begun.
pub(crate) async fn run(
    start: &StartFn,
    context: StartContext,
    timeout: Option<Duration>,
) -> Result<Start, StartError> {
    let start = start.clone();
    let mut future: StartFuture = Box::pin(async move { start(context).await });
    let caught = std::future::poll_fn(move |cx| {
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(result)) => Poll::Ready(result),
            Err(payload) => Poll::Ready(Err(StartError::Failed(ExitReason::Panicked(
                panics::caught(payload.as_ref()),
            )))),
        }
    });
    match timeout {
        None => caught.await,
        Some(limit) => tokio::time::timeout(limit, caught)
            .await
            .unwrap_or_else(|_| Err(StartError::TimedOut { after_ms: limit.as_millis() as u64 })),
    }
}
