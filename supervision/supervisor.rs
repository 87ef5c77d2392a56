//! The supervisor with a list of children: one for one, one for all, rest for one.
//!
//! Owns     its children, in start order. Nobody else starts, restarts or stops them.
//! Started  by its own supervisor, or by `Root`; its start returns when all children are up.
//! Asks     nobody.
//! Crash    its children are killed with it; its supervisor starts the list anew, without what
//!          was added at run time.
//! Bounds   `STATIC_CHILDREN_MAX` children; every start has a timeout and every stop a shutdown
//!          policy. It is busy while it starts or stops a child, as in OTP, but never sleeps out
//!          a backoff: that comes back to it as a message.

use std::ops::ControlFlow;

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent};

use crate::admin::{AdminError, SupervisorMsg};
use crate::exit::ExitReason;
use crate::family::Family;
use crate::spec::SupervisorSpec;
use crate::start::{Start, StartContext, StartError};

/// Go on, or end with this reason.
pub(crate) type Flow = ControlFlow<&'static str>;

/// Starts a supervisor and all its children as the child that `context` describes.
pub(crate) async fn start(
    spec: SupervisorSpec,
    context: StartContext,
) -> Result<Start, StartError> {
    let args = (spec, context.clone());
    context.spawn(Supervisor, args).await
}

pub(crate) struct Supervisor;

impl Actor for Supervisor {
    type Msg = SupervisorMsg;
    type State = Family;
    type Arguments = (SupervisorSpec, StartContext);

    async fn pre_start(
        &self,
        me: ActorRef<SupervisorMsg>,
        (spec, context): Self::Arguments,
    ) -> Result<Family, ActorProcessingErr> {
        spec.check().map_err(StartError::Invalid)?;
        Ok(Family::start(spec, me, &context).await?)
    }

    async fn handle(
        &self,
        me: ActorRef<SupervisorMsg>,
        message: SupervisorMsg,
        family: &mut Family,
    ) -> Result<(), ActorProcessingErr> {
        use SupervisorMsg as Msg;
        match message {
            Msg::StartChild(spec, reply) => answer(reply, family.start_child(*spec).await),
            Msg::StartDynamic(_, reply) => answer(reply, Err(AdminError::WrongKind)),
            Msg::TerminateChild(id, reply) => answer(reply, family.terminate_child(&id).await),
            Msg::RestartChild(id, reply) => answer(reply, family.restart_child(&id).await),
            Msg::DeleteChild(id, reply) => answer(reply, family.delete_child(&id)),
            Msg::GetChildSpec(id, reply) => answer(reply, family.childspec(&id)),
            Msg::GetChild(id, reply) => answer(reply, family.child(&id)),
            Msg::WhichChildren(page, reply) => answer(reply, family.page(page)),
            Msg::CountChildren(reply) => answer(reply, family.counts()),
            Msg::Describe(reply) => answer(reply, family.describe()),
            Msg::Retry { id, ticket } => end(&me, family.retry(&id, ticket).await),
            Msg::Gone { .. } => {}
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        me: ActorRef<SupervisorMsg>,
        event: SupervisionEvent,
        family: &mut Family,
    ) -> Result<(), ActorProcessingErr> {
        // Whatever else ractor reports, now or with more of its features, is not an exit.
        let flow = match event {
            SupervisionEvent::ActorTerminated(cell, state, text) => {
                // Before anything is restarted: the state may hold what its successor needs.
                drop(state);
                family.exited(&cell, |_| ExitReason::from_stop(text)).await
            }
            SupervisionEvent::ActorFailed(cell, error) => {
                family.exited(&cell, |task| ExitReason::from_error(error, Some(task))).await
            }
            _ => Flow::Continue(()),
        };
        end(&me, flow);
        Ok(())
    }

    async fn post_stop(
        &self,
        _me: ActorRef<SupervisorMsg>,
        family: &mut Family,
    ) -> Result<(), ActorProcessingErr> {
        family.stop_everything().await;
        Ok(())
    }
}

/// A caller that has stopped waiting is no concern of the supervisor.
pub(crate) fn answer<T: Send + 'static>(reply: RpcReplyPort<T>, value: T) {
    let _ = reply.send(value);
}

/// Ends the supervisor: `post_stop` then takes its children down in order.
pub(crate) fn end(me: &ActorRef<SupervisorMsg>, flow: Flow) {
    if let ControlFlow::Break(reason) = flow {
        me.stop(Some(reason.to_owned()));
    }
}
