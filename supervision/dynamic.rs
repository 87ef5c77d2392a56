//! The supervisor of any number of children made from one template.
//!
//! Owns     its children by id. An id is all a child is told, so it is also its argument.
//! Started  by its own supervisor, always empty: whoever knows what should live starts it.
//! Asks     nobody.
//! Crash    its children are killed with it and are not started again by anybody here.
//! Bounds   `children_max`; per-child `budget`, beyond which a child is quarantined; the
//!          supervisor's own `intensity`, beyond which it gives up. Nothing it does for one child
//!          depends on how many there are. It is busy while a child starts, never while one stops.

use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};

use crate::admin::{AdminError, SupervisorMsg};
use crate::brood::Brood;
use crate::exit::ExitReason;
use crate::spec::DynamicSpec;
use crate::start::{Start, StartContext, StartError};
use crate::supervisor::{answer, end};

/// Starts a dynamic supervisor as the child that `context` describes.
pub(crate) async fn start(spec: DynamicSpec, context: StartContext) -> Result<Start, StartError> {
    let args = (spec, context.clone());
    context.spawn(DynamicSupervisor, args).await
}

pub(crate) struct DynamicSupervisor;

impl Actor for DynamicSupervisor {
    type Msg = SupervisorMsg;
    type State = Brood;
    type Arguments = (DynamicSpec, StartContext);

    async fn pre_start(
        &self,
        me: ActorRef<SupervisorMsg>,
        (spec, context): Self::Arguments,
    ) -> Result<Brood, ActorProcessingErr> {
        spec.check().map_err(StartError::Invalid)?;
        Ok(Brood::new(spec, me, &context))
    }

    async fn handle(
        &self,
        me: ActorRef<SupervisorMsg>,
        message: SupervisorMsg,
        brood: &mut Brood,
    ) -> Result<(), ActorProcessingErr> {
        use SupervisorMsg as Msg;
        match message {
            Msg::StartChild(_, reply) => answer(reply, Err(AdminError::WrongKind)),
            Msg::StartDynamic(id, reply) => answer(reply, brood.start_child(id).await),
            Msg::TerminateChild(id, reply) => brood.terminate_child(&id, reply),
            Msg::RestartChild(id, reply) => answer(reply, brood.restart_child(&id).await),
            Msg::DeleteChild(id, reply) => answer(reply, brood.delete_child(&id)),
            Msg::GetChildSpec(id, reply) => answer(reply, brood.childspec(&id)),
            Msg::GetChild(id, reply) => answer(reply, brood.child(&id)),
            Msg::WhichChildren(page, reply) => answer(reply, brood.page(page)),
            Msg::CountChildren(reply) => answer(reply, brood.counts()),
            Msg::Describe(reply) => answer(reply, brood.describe()),
            Msg::Retry { id, ticket } => end(&me, brood.retry(&id, ticket).await),
            Msg::Gone { id, exit, reply } => brood.gone(&id, exit, reply),
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        me: ActorRef<SupervisorMsg>,
        event: SupervisionEvent,
        brood: &mut Brood,
    ) -> Result<(), ActorProcessingErr> {
        // Whatever else ractor reports, now or with more of its features, is not an exit.
        match event {
            SupervisionEvent::ActorTerminated(cell, state, text) => {
                // Before anything is restarted: the state may hold what its successor needs.
                drop(state);
                end(&me, brood.exited(&cell, |_| ExitReason::from_stop(text)).await);
            }
            SupervisionEvent::ActorFailed(cell, error) => {
                let exit = |task| ExitReason::from_error(error, Some(task));
                end(&me, brood.exited(&cell, exit).await);
            }
            _ => {}
        }
        Ok(())
    }

    async fn post_stop(
        &self,
        _me: ActorRef<SupervisorMsg>,
        brood: &mut Brood,
    ) -> Result<(), ActorProcessingErr> {
        brood.stop_everything().await;
        Ok(())
    }
}
