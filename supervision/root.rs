//! The top of a tree: starts it, waits for its end, asks it to end.
//!
//! Above the root supervisor stands a warden, an actor that only notes how the root ended. When
//! the root gives up there is nobody left to heal it: the waiter gets an error and the process is
//! expected to exit non-zero.

use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use tokio::sync::watch;

use crate::admin::{SupervisorMsg, SupervisorRef};
use crate::event::{EventSink, What};
use crate::exit::{ExitReason, reason};
use crate::panics::install_panic_hook;
use crate::spawn;
use crate::spec::{ChildSpec, SupervisorSpec};
use crate::start::{self, Start, StartContext, StartError, Started};

/// A running tree. Dropping it kills the tree.
pub struct Root {
    supervisor: SupervisorRef,
    _started: Started,
    end: watch::Receiver<Option<ExitReason>>,
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RootError {
    #[error("the root supervisor gave up: too many restarts")]
    GaveUp,
    #[error("the root supervisor ended: {0}")]
    Ended(ExitReason),
}

impl Root {
    /// Returns when every child of the tree is up, or with the error of the one that is not.
    pub async fn start(spec: SupervisorSpec, sink: EventSink) -> Result<Self, StartError> {
        install_panic_hook();
        // In a task of its own, so that a panic in a start can be found by its task.
        let started = spawn::task(Self::start_here(spec.into_child(), sink));
        started.await.unwrap_or_else(|error| Err(StartError::failed(error.to_string())))
    }

    async fn start_here(spec: ChildSpec, sink: EventSink) -> Result<Self, StartError> {
        let (ended, end) = watch::channel(None);
        let seat = Seat { ended, sink: sink.clone(), spec: spec.clone() };
        let (warden, _) = spawn::unlinked(Warden, seat).await?;
        let context = StartContext {
            parent: warden.clone(),
            parent_path: "".into(),
            sink: sink.clone(),
            id: spec.id.clone(),
            incarnation: 1,
        };
        let report = |what| sink.send(&"".into(), &spec.id, spec.kind, what);
        match start::run(&spec.start, context, spec.start_timeout()).await {
            Ok(Start::Up(started)) => {
                report(spec.spawned(1, None));
                let supervisor = SupervisorRef::from(ActorRef::from(started.cell.clone()));
                Ok(Self { supervisor, _started: started, end })
            }
            Ok(Start::Ignore) => {
                warden.stop(None);
                Err(StartError::failed("the root was ignored"))
            }
            Err(error) => {
                warden.stop(None);
                report(What::StartFailed { error: error.clone() });
                Err(error)
            }
        }
    }

    pub fn supervisor(&self) -> &SupervisorRef {
        &self.supervisor
    }

    /// Waits for the end of the tree: `Ok` when it was asked to end or ended by auto shutdown.
    pub async fn wait(&self) -> Result<(), RootError> {
        let mut end = self.end.clone();
        let exit = match end.wait_for(Option::is_some).await {
            Ok(exit) => exit.clone().unwrap_or(ExitReason::Killed),
            Err(_) => ExitReason::Killed,
        };
        let gave_up = reason::GAVE_UP.strip_prefix(reason::SHUTDOWN_PREFIX);
        match exit {
            ExitReason::ShutdownFor(cause) if Some(&*cause) == gave_up => Err(RootError::GaveUp),
            exit if exit.is_orderly() => Ok(()),
            exit => Err(RootError::Ended(exit)),
        }
    }

    /// Stops the tree bottom to top and waits for its end. Past `patience` what is left is
    /// killed.
    pub async fn shutdown(&self, patience: Duration) -> Result<(), RootError> {
        let root = self.supervisor.cell();
        root.stop(Some(reason::SHUTDOWN.to_owned()));
        if let Ok(result) = tokio::time::timeout(patience, self.wait()).await {
            return result;
        }
        root.kill();
        self.wait().await
    }
}

struct Warden;

struct Seat {
    ended: watch::Sender<Option<ExitReason>>,
    sink: EventSink,
    spec: ChildSpec,
}

impl Actor for Warden {
    type Msg = SupervisorMsg;
    type State = Seat;
    type Arguments = Seat;

    async fn pre_start(
        &self,
        _me: ActorRef<SupervisorMsg>,
        seat: Seat,
    ) -> Result<Seat, ActorProcessingErr> {
        Ok(seat)
    }

    async fn handle_supervisor_evt(
        &self,
        me: ActorRef<SupervisorMsg>,
        event: SupervisionEvent,
        seat: &mut Seat,
    ) -> Result<(), ActorProcessingErr> {
        let exit = match event {
            SupervisionEvent::ActorTerminated(_, _, text) => ExitReason::from_stop(text),
            SupervisionEvent::ActorFailed(_, error) => ExitReason::from_error(error, None),
            _ => return Ok(()),
        };
        let what = What::Exited { exit: exit.clone(), last_words: None };
        seat.sink.send(&"".into(), &seat.spec.id, seat.spec.kind, what);
        let _ = seat.ended.send(Some(exit));
        me.stop(None);
        Ok(())
    }
}
