//! What both kinds of supervisor have: an address, a place in the tree, an intensity to keep and
//! somewhere to report to. Every event of the tree is made here, as a value and as a log line.

use std::sync::Arc;

use ractor::{ActorCell, ActorRef};
use tokio::time::Instant;

use crate::admin::SupervisorMsg;
use crate::event::{EventSink, What};
use crate::intensity::{Budget, Intensity, Window};
use crate::spec::ChildSpec;
use crate::start::{self, Start, StartContext, StartError, Started};

pub(crate) struct Office {
    pub(crate) me: ActorRef<SupervisorMsg>,
    pub(crate) path: Arc<str>,
    pub(crate) sink: EventSink,
    window: Window,
    tickets: u64,
}

impl Office {
    pub(crate) fn open(
        me: ActorRef<SupervisorMsg>,
        context: &StartContext,
        intensity: Intensity,
    ) -> Self {
        let (path, sink) = (context.path(), context.sink.clone());
        Self { me, path, sink, window: Window::new(intensity), tickets: 0 }
    }

    pub(crate) fn cell(&self) -> ActorCell {
        self.me.get_cell()
    }

    /// Starts a child and reports how that went. `None`: ignored.
    pub(crate) async fn start(
        &self,
        spec: &ChildSpec,
        id: &Arc<str>,
        incarnation: u64,
        budget: Option<Intensity>,
    ) -> Result<Option<Started>, StartError> {
        let context = StartContext {
            parent: self.me.clone(),
            parent_path: self.path.clone(),
            sink: self.sink.clone(),
            id: id.clone(),
            incarnation,
        };
        let kind = spec.kind_of(id);
        match start::run(&spec.start, context, spec.start_timeout()).await {
            Ok(Start::Up(started)) => {
                self.report(id, kind, spec.spawned(incarnation, budget));
                Ok(Some(started))
            }
            Ok(Start::Ignore) => {
                self.report(id, kind, What::Ignored);
                Ok(None)
            }
            Err(error) => {
                self.report(id, kind, What::StartFailed { error: error.clone() });
                Err(error)
            }
        }
    }

    /// Counts a restart against the intensity; false when it is one too many.
    pub(crate) fn may_restart(&mut self) -> bool {
        self.window.admit(Instant::now())
    }

    pub(crate) fn budget(&mut self) -> Budget {
        self.window.budget(Instant::now())
    }

    /// A number that no other retry of this supervisor has.
    pub(crate) fn ticket(&mut self) -> u64 {
        self.tickets += 1;
        self.tickets
    }

    pub(crate) fn report(&self, child: &Arc<str>, kind: &'static str, what: What) {
        let supervisor = &*self.path;
        match &what {
            What::Spawned { incarnation, .. } => {
                tracing::debug!(supervisor, %child, kind, incarnation, "child started");
            }
            What::Ignored => tracing::debug!(supervisor, %child, kind, "child ignored"),
            What::StartFailed { error } => {
                tracing::warn!(supervisor, %child, kind, %error, "child could not start");
            }
            What::Exited { exit, .. } if exit.is_orderly() => {
                tracing::debug!(supervisor, %child, kind, reason = %exit, "child ended");
            }
            What::Exited { exit, .. } => {
                tracing::warn!(supervisor, %child, kind, reason = %exit, "child terminated");
            }
            What::Restarting { attempt, of, backoff_ms, .. } => {
                tracing::warn!(supervisor, %child, kind, attempt, of, backoff_ms, "restarting");
            }
            What::Quarantined { restarts, within_ms } => {
                tracing::error!(supervisor, %child, kind, restarts, within_ms, "quarantined");
            }
            What::Stopped { exit } => {
                tracing::debug!(supervisor, %child, kind, reason = %exit, "child stopped");
            }
            What::Forgotten => tracing::debug!(supervisor, %child, kind, "child forgotten"),
            What::GaveUp => tracing::error!(supervisor, %child, kind, "supervisor gives up"),
            // Noted by others than supervisors, who tell of it themselves.
            What::NodeStarted { .. }
            | What::NodeStopped { .. }
            | What::OperatorActed { .. }
            | What::Ready { .. } => {}
        }
        self.sink.send(&self.path, child, kind, what);
    }
}
