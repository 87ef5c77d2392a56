//! The children of a dynamic supervisor: any number, each for itself.
//!
//! A child is in the list while it is up, on its way back, being stopped, or quarantined. Every
//! step looks up one child by id or by actor; only listing and the end of the supervisor see all.

use std::collections::{BTreeMap, HashMap};
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;
use std::time::Duration;

use actors::last_words;
use ractor::{ActorCell, ActorId, ActorRef, RpcReplyPort};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::admin::{AdminError, ChildCounts, ChildInfo, ChildStatus, PAGE_MAX, Page};
use crate::admin::{SupervisorInfo, SupervisorMsg};
use crate::event::What;
use crate::exit::{ExitReason, reason};
use crate::intensity::{Budget, Intensity, Window};
use crate::office::Office;
use crate::spawn;
use crate::spec::{AutoShutdown, ChildSpec, DynamicSpec, Restart, Role, Strategy, check_id};
use crate::start::{StartContext, StartError, Started};
use crate::stop::{self, SETTLE_TIMEOUT};
use crate::supervisor::{Flow, answer};

pub(crate) struct Brood {
    office: Office,
    spec: DynamicSpec,
    members: BTreeMap<Arc<str>, Member>,
    /// Exactly the members that are up.
    by_actor: HashMap<ActorId, Arc<str>>,
    /// Stops in progress, one for each member that is `Stopping`; they die with the supervisor
    /// and take their children along.
    leaving: JoinSet<()>,
}

struct Member {
    state: State,
    incarnation: u64,
    restarts: u64,
    /// Restarts since it was last well for as long as its backoff asks.
    attempt: u32,
    /// Made at its first restart: most children never need one.
    budget: Option<Box<Window>>,
    up_since: Instant,
}

enum State {
    Up(Started),
    /// Its restart comes as the message with this ticket.
    Restarting(u64),
    Stopping,
    Quarantined,
}

impl Brood {
    pub(crate) fn new(
        spec: DynamicSpec,
        me: ActorRef<SupervisorMsg>,
        context: &StartContext,
    ) -> Self {
        Self {
            office: Office::open(me, context, spec.intensity),
            spec,
            members: BTreeMap::new(),
            by_actor: HashMap::new(),
            leaving: JoinSet::new(),
        }
    }

    pub(crate) async fn stop_everything(&mut self) {
        let mut up = Vec::with_capacity(self.by_actor.len());
        for (id, member) in std::mem::take(&mut self.members) {
            if let State::Up(started) = member.state {
                up.push((id, started));
            }
        }
        self.by_actor.clear();
        let me = self.office.cell();
        for (id, exit) in stop::stop_all(up, &me, self.spec.template.shutdown).await {
            self.office.report(&id, self.spec.template.kind_of(&id), What::Stopped { exit });
        }
        while self.leaving.join_next().await.is_some() {}
    }
}

// Exits and restarts.
impl Brood {
    /// A child has ended by itself. Exits of anybody else are not ours to judge.
    pub(crate) async fn exited(
        &mut self,
        cell: &ActorCell,
        exit: impl FnOnce(tokio::task::Id) -> ExitReason,
    ) -> Flow {
        let Some(id) = self.by_actor.remove(&cell.get_id()) else {
            tracing::debug!(actor = %cell.get_id(), "exit of an actor that is no child");
            return Flow::Continue(());
        };
        let Some(member) = self.members.get_mut(&id) else { return Flow::Continue(()) };
        let State::Up(started) = std::mem::replace(&mut member.state, State::Stopping) else {
            return Flow::Continue(());
        };
        let template = &self.spec.template;
        if member.up_since.elapsed() >= Duration::from_millis(template.backoff.reset_after_ms) {
            member.attempt = 0;
        }
        let exit = exit(started.task.id());
        let last_words = last_words::take(cell.get_id().pid()).map(Box::new);
        let again = match template.restart {
            Restart::Permanent => true,
            Restart::Transient => !exit.is_orderly(),
            Restart::Temporary => false,
        };
        self.office.report(&id, template.kind_of(&id), What::Exited { exit, last_words });
        if !again {
            self.members.remove(&id);
            return self.after_final_exit();
        }
        match self.count_restart(&id)? {
            None => Flow::Continue(()),
            Some(delay) if delay.is_zero() && started.task.is_finished() => self.roll(&id).await,
            Some(delay) => {
                self.retry_after(&id, delay, Some(started));
                Flow::Continue(())
            }
        }
    }

    fn after_final_exit(&self) -> Flow {
        let alive = |member: &Member| matches!(member.state, State::Up(_) | State::Restarting(_));
        let ends = match self.spec.auto_shutdown {
            _ if !self.spec.template.significant => false,
            AutoShutdown::Never => false,
            AutoShutdown::AnySignificant => true,
            AutoShutdown::AllSignificant => {
                self.by_actor.is_empty() && !self.members.values().any(alive)
            }
        };
        if ends { Flow::Break(reason::AUTO_SHUTDOWN) } else { Flow::Continue(()) }
    }

    pub(crate) async fn retry(&mut self, id: &Arc<str>, ticket: u64) -> Flow {
        match self.members.get(id).map(|member| &member.state) {
            Some(State::Restarting(waiting)) if *waiting == ticket => self.roll(id).await,
            _ => Flow::Continue(()),
        }
    }

    /// Starts a child again. A start that fails is a restart that failed: it counts, and is tried
    /// again.
    async fn roll(&mut self, id: &Arc<str>) -> Flow {
        if self.start_member(id).await.is_ok() {
            if let Some(member) = self.members.get_mut(id) {
                member.restarts += 1;
            }
            return Flow::Continue(());
        }
        if let Some(delay) = self.count_restart(id)? {
            self.retry_after(id, delay, None);
        }
        Flow::Continue(())
    }

    /// Against the child's own budget first: a child in quarantine costs the others nothing.
    /// `None`: quarantined.
    fn count_restart(&mut self, id: &Arc<str>) -> ControlFlow<&'static str, Option<Duration>> {
        let kind = self.spec.template.kind_of(id);
        let Some(member) = self.members.get_mut(id) else { return ControlFlow::Continue(None) };
        let own = self.spec.budget.map(|budget| {
            let window = member.budget.get_or_insert_with(|| Box::new(Window::new(budget)));
            let now = Instant::now();
            (budget, window.admit(now), window.budget(now))
        });
        if let Some((Intensity { restarts, period_ms: within_ms }, false, _)) = own {
            member.state = State::Quarantined;
            self.office.report(id, kind, What::Quarantined { restarts, within_ms });
            return ControlFlow::Continue(None);
        }
        if !self.office.may_restart() {
            self.office.report(id, kind, What::GaveUp);
            return ControlFlow::Break(reason::GAVE_UP);
        }
        member.attempt = member.attempt.saturating_add(1);
        let delay = self.spec.template.backoff.delay(id, member.attempt);
        let is_own = own.is_some();
        let budget = own.map_or_else(|| self.office.budget(), |(_, _, budget)| budget);
        let what = budget.restarting(is_own, delay);
        self.office.report(id, kind, what);
        ControlFlow::Continue(Some(delay))
    }

    /// The restart comes back as a message, when the backoff has passed and the old incarnation's
    /// state is gone. Neither is waited for here.
    fn retry_after(&mut self, id: &Arc<str>, delay: Duration, old: Option<Started>) {
        let Some(member) = self.members.get_mut(id) else { return };
        let ticket = self.office.ticket();
        member.state = State::Restarting(ticket);
        let me = self.office.me.clone();
        let retry = SupervisorMsg::Retry { id: id.clone(), ticket };
        spawn::task(async move {
            if let Some(mut old) = old {
                let _ = timeout(SETTLE_TIMEOUT, old.ended()).await;
            }
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            let _ = me.send_message(retry);
        });
    }

    async fn start_member(&mut self, id: &Arc<str>) -> Result<Option<ActorCell>, StartError> {
        let Some(member) = self.members.get_mut(id) else { return Ok(None) };
        member.incarnation += 1;
        let (template, budget) = (&self.spec.template, self.spec.budget);
        let started = self.office.start(template, id, member.incarnation, budget).await?;
        let Some(started) = started else {
            self.members.remove(id);
            return Ok(None);
        };
        let cell = started.cell.clone();
        self.by_actor.insert(cell.get_id(), id.clone());
        member.up_since = Instant::now();
        member.state = State::Up(started);
        Ok(Some(cell))
    }
}

// What operators ask for.
impl Brood {
    pub(crate) async fn start_child(
        &mut self,
        id: Arc<str>,
    ) -> Result<Option<ActorCell>, AdminError> {
        check_id(&id)?;
        match self.members.get(&id).map(|member| &member.state) {
            None => {}
            Some(State::Up(up)) => {
                return Err(AdminError::AlreadyStarted { actor: up.cell.clone() });
            }
            Some(State::Stopping) => return Err(AdminError::Stopping),
            Some(State::Restarting(_) | State::Quarantined) => {
                return Err(AdminError::AlreadyPresent);
            }
        }
        let children_max = self.spec.children_max;
        if self.members.len() >= children_max {
            return Err(AdminError::Full { children_max });
        }
        let (template, budget) = (&self.spec.template, self.spec.budget);
        let Some(started) = self.office.start(template, &id, 1, budget).await? else {
            return Ok(None);
        };
        let cell = started.cell.clone();
        self.by_actor.insert(cell.get_id(), id.clone());
        let member = Member {
            state: State::Up(started),
            incarnation: 1,
            restarts: 0,
            attempt: 0,
            budget: None,
            up_since: Instant::now(),
        };
        self.members.insert(id, member);
        Ok(Some(cell))
    }

    /// Answers when the child is gone; meanwhile the supervisor goes on.
    pub(crate) fn terminate_child(
        &mut self,
        id: &Arc<str>,
        reply: RpcReplyPort<Result<(), AdminError>>,
    ) {
        let Some(member) = self.members.get_mut(id) else {
            return answer(reply, Err(AdminError::NotFound));
        };
        match std::mem::replace(&mut member.state, State::Stopping) {
            State::Stopping => answer(reply, Err(AdminError::Stopping)),
            State::Restarting(_) | State::Quarantined => {
                self.members.remove(id);
                self.office.report(id, self.spec.template.kind_of(id), What::Forgotten);
                answer(reply, Ok(()));
            }
            State::Up(started) => {
                self.by_actor.remove(&started.cell.get_id());
                let (id, me) = (id.clone(), self.office.me.clone());
                let how = self.spec.template.shutdown;
                spawn::into_set(&mut self.leaving, async move {
                    let exit = stop::stop(started, &me.get_cell(), how).await;
                    let _ = me.send_message(SupervisorMsg::Gone { id, exit, reply });
                });
            }
        }
    }

    pub(crate) fn gone(
        &mut self,
        id: &Arc<str>,
        exit: ExitReason,
        reply: RpcReplyPort<Result<(), AdminError>>,
    ) {
        while self.leaving.try_join_next().is_some() {}
        self.members.remove(id);
        self.office.report(id, self.spec.template.kind_of(id), What::Stopped { exit });
        answer(reply, Ok(()));
    }

    pub(crate) async fn restart_child(
        &mut self,
        id: &Arc<str>,
    ) -> Result<Option<ActorCell>, AdminError> {
        let member = self.quarantined(id)?;
        member.budget = None;
        member.attempt = 0;
        Ok(self.start_member(id).await?)
    }

    pub(crate) fn delete_child(&mut self, id: &Arc<str>) -> Result<(), AdminError> {
        self.quarantined(id)?;
        self.members.remove(id);
        self.office.report(id, self.spec.template.kind_of(id), What::Forgotten);
        Ok(())
    }

    /// A dynamic child that is down and kept is one in quarantine.
    fn quarantined(&mut self, id: &Arc<str>) -> Result<&mut Member, AdminError> {
        let member = self.members.get_mut(id).ok_or(AdminError::NotFound)?;
        match member.state {
            State::Up(_) => Err(AdminError::Running),
            State::Restarting(_) => Err(AdminError::Restarting),
            State::Stopping => Err(AdminError::Stopping),
            State::Quarantined => Ok(member),
        }
    }

    pub(crate) fn childspec(&self, id: &Arc<str>) -> Result<ChildSpec, AdminError> {
        let (id, _) = self.members.get_key_value(id).ok_or(AdminError::NotFound)?;
        Ok(ChildSpec { id: id.clone(), ..self.spec.template.clone() })
    }

    pub(crate) fn child(&mut self, id: &Arc<str>) -> Result<ChildInfo, AdminError> {
        let now = Instant::now();
        let member = self.members.get_mut(id).ok_or(AdminError::NotFound)?;
        Ok(member.info(id, &self.spec, now))
    }

    pub(crate) fn page(&mut self, page: Page) -> Vec<ChildInfo> {
        let now = Instant::now();
        let after = page.after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let members = self.members.range_mut::<Arc<str>, _>((after, Bound::Unbounded));
        let members = members.take(page.limit.min(PAGE_MAX));
        members.map(|(id, member)| member.info(id, &self.spec, now)).collect()
    }

    pub(crate) fn counts(&self) -> ChildCounts {
        let specs = self.members.len();
        let workers = if self.spec.template.role == Role::Worker { specs } else { 0 };
        let (active, supervisors) = (self.by_actor.len(), specs - workers);
        ChildCounts { specs, active, supervisors, workers }
    }

    pub(crate) fn describe(&mut self) -> SupervisorInfo {
        SupervisorInfo {
            path: self.office.path.clone(),
            strategy: Strategy::Dynamic,
            budget: self.office.budget(),
            children: self.counts(),
        }
    }
}

impl Member {
    fn info(&mut self, id: &Arc<str>, spec: &DynamicSpec, now: Instant) -> ChildInfo {
        let (status, cell) = match &self.state {
            State::Up(up) => (ChildStatus::Running, Some(up.cell.clone())),
            State::Restarting(_) => (ChildStatus::Restarting, None),
            State::Stopping => (ChildStatus::Stopping, None),
            State::Quarantined => (ChildStatus::Quarantined, None),
        };
        let budget = spec.budget.map(|of| match &mut self.budget {
            Some(window) => window.budget(now),
            None => Budget { used: 0, of: of.restarts, within_ms: of.period_ms },
        });
        ChildInfo {
            id: id.clone(),
            kind: spec.template.kind_of(id).to_owned(),
            role: spec.template.role,
            restart: spec.template.restart,
            significant: spec.template.significant,
            status,
            restarts: self.restarts,
            incarnation: self.incarnation,
            budget,
            actor: cell.as_ref().map(|cell| cell.get_id().to_string()),
            cell,
        }
    }
}
