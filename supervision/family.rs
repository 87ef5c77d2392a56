//! The children of a supervisor with a list: who is up, who is restarted with whom, in which
//! order. The rules are OTP's, line for line; what is done about an exit is decided here and
//! nowhere else.

use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use std::time::Duration;

use actors::last_words;
use ractor::{ActorCell, ActorRef};
use tokio::time::{Instant, timeout};

use crate::admin::{AdminError, ChildCounts, ChildInfo, ChildStatus, PAGE_MAX, Page};
use crate::admin::{SupervisorInfo, SupervisorMsg};
use crate::event::What;
use crate::exit::{ExitReason, reason};
use crate::office::Office;
use crate::spawn;
use crate::spec::SupervisorSpec;
use crate::spec::{AutoShutdown, ChildSpec, Restart, Role, STATIC_CHILDREN_MAX, Strategy};
use crate::start::{StartContext, StartError, Started};
use crate::stop::{self, SETTLE_TIMEOUT};
use crate::supervisor::Flow;

pub(crate) struct Family {
    office: Office,
    strategy: Strategy,
    auto_shutdown: AutoShutdown,
    /// In start order.
    children: Vec<Child>,
}

struct Child {
    spec: ChildSpec,
    state: State,
    incarnation: u64,
    restarts: u64,
    /// Restarts since it was last well for as long as its backoff asks.
    attempt: u32,
    up_since: Instant,
}

enum State {
    Up(Started),
    /// Its restart comes as the message with this ticket.
    Restarting(u64),
    Stopped,
    Ignored,
}

// Exits and restarts.
impl Family {
    /// A child has ended by itself. Exits of anybody else are not ours to judge.
    pub(crate) async fn exited(
        &mut self,
        cell: &ActorCell,
        exit: impl FnOnce(tokio::task::Id) -> ExitReason,
    ) -> Flow {
        let running = |child: &Child| matches!(&child.state, State::Up(up) if up.cell == *cell);
        let Some(index) = self.children.iter().position(running) else {
            tracing::debug!(actor = %cell.get_id(), "exit of an actor that is no child");
            return Flow::Continue(());
        };
        let child = &mut self.children[index];
        let State::Up(mut started) = std::mem::replace(&mut child.state, State::Stopped) else {
            return Flow::Continue(());
        };
        if child.up_since.elapsed() >= Duration::from_millis(child.spec.backoff.reset_after_ms) {
            child.attempt = 0;
        }
        let exit = exit(started.task.id());
        let orderly = exit.is_orderly();
        let last_words = last_words::take(cell.get_id().pid()).map(Box::new);
        let (id, kind) = (child.spec.id.clone(), child.spec.kind);
        let (restart, significant) = (child.spec.restart, child.spec.significant);
        self.office.report(&id, kind, What::Exited { exit, last_words });
        let _ = timeout(SETTLE_TIMEOUT, started.ended()).await;

        let again = match restart {
            Restart::Permanent => true,
            Restart::Transient => !orderly,
            Restart::Temporary => false,
        };
        if again {
            return self.restart(&id).await;
        }
        if restart == Restart::Temporary {
            self.children.remove(index);
        }
        self.after_final_exit(significant)
    }

    fn after_final_exit(&self, significant: bool) -> Flow {
        let alive = |child: &Child| matches!(child.state, State::Up(_) | State::Restarting(_));
        let ends = match self.auto_shutdown {
            AutoShutdown::Never => false,
            AutoShutdown::AnySignificant => significant,
            AutoShutdown::AllSignificant => {
                let another = |child: &Child| child.spec.significant && alive(child);
                significant && !self.children.iter().any(another)
            }
        };
        if ends { Flow::Break(reason::AUTO_SHUTDOWN) } else { Flow::Continue(()) }
    }

    /// Restarts a child and whoever shares its fate: at once, or when its backoff has passed.
    async fn restart(&mut self, id: &Arc<str>) -> Flow {
        let delay = self.count_restart(id)?;
        if delay.is_zero() {
            return self.roll(id).await;
        }
        self.stop_group(id).await;
        self.retry_after(id, delay);
        Flow::Continue(())
    }

    pub(crate) async fn retry(&mut self, id: &Arc<str>, ticket: u64) -> Flow {
        let waiting = |child: &Child| matches!(child.state, State::Restarting(t) if t == ticket);
        match self.position(id) {
            Some(index) if waiting(&self.children[index]) => self.roll(id).await,
            _ => Flow::Continue(()),
        }
    }

    /// Stops the group that still runs, then starts it in order. A start that fails is a restart
    /// that failed: it counts, and is tried again.
    async fn roll(&mut self, id: &Arc<str>) -> Flow {
        self.stop_group(id).await;
        let Err(failed) = self.start_group(id).await else { return Flow::Continue(()) };
        let delay = self.count_restart(&failed)?;
        self.retry_after(&failed, delay);
        Flow::Continue(())
    }

    fn count_restart(&mut self, id: &Arc<str>) -> ControlFlow<&'static str, Duration> {
        let Some(index) = self.position(id) else { return ControlFlow::Continue(Duration::ZERO) };
        let child = &mut self.children[index];
        child.attempt = child.attempt.saturating_add(1);
        let delay = child.spec.backoff.delay(id, child.attempt);
        let kind = child.spec.kind;
        if !self.office.may_restart() {
            self.office.report(id, kind, What::GaveUp);
            return ControlFlow::Break(reason::GAVE_UP);
        }
        let what = self.office.budget().restarting(false, delay);
        self.office.report(id, kind, what);
        ControlFlow::Continue(delay)
    }

    /// Always by message, also without a delay, so that a child that cannot start does not keep
    /// the supervisor from hearing anything else.
    fn retry_after(&mut self, id: &Arc<str>, delay: Duration) {
        let Some(index) = self.position(id) else { return };
        let ticket = self.office.ticket();
        self.children[index].state = State::Restarting(ticket);
        let retry = SupervisorMsg::Retry { id: id.clone(), ticket };
        if delay.is_zero() {
            let _ = self.office.me.send_message(retry);
        } else {
            spawn::after(delay, &self.office.me, retry);
        }
    }
}

// Groups: who is stopped and started together.
impl Family {
    /// Checks the specification and starts its children in order. When one cannot start, those
    /// before it are stopped again and the whole start has failed.
    pub(crate) async fn start(
        spec: SupervisorSpec,
        me: ActorRef<SupervisorMsg>,
        context: &StartContext,
    ) -> Result<Self, StartError> {
        spec.check().map_err(StartError::Invalid)?;
        let mut family = Self {
            office: Office::open(me, context, spec.intensity),
            strategy: spec.strategy,
            auto_shutdown: spec.auto_shutdown,
            children: Vec::with_capacity(spec.children.len()),
        };
        for child in spec.children {
            let id = child.id.clone();
            if let Err(error) = family.add(child).await {
                family.stop_everything().await;
                return Err(StartError::Child { id, error: Box::new(error) });
            }
        }
        Ok(family)
    }

    /// A new child at the end of the list; it is in the list only if it started.
    async fn add(&mut self, spec: ChildSpec) -> Result<Option<ActorCell>, StartError> {
        let started = self.office.start(&spec, &spec.id, 1, None).await?;
        let cell = started.as_ref().map(|started| started.cell.clone());
        if started.is_none() && spec.restart == Restart::Temporary {
            return Ok(None);
        }
        let state = started.map_or(State::Ignored, State::Up);
        let up_since = Instant::now();
        self.children.push(Child {
            spec,
            state,
            incarnation: 1,
            restarts: 0,
            attempt: 0,
            up_since,
        });
        Ok(cell)
    }

    pub(crate) async fn stop_everything(&mut self) {
        for index in (0..self.children.len()).rev() {
            self.stop_at(index).await;
        }
    }

    fn position(&self, id: &str) -> Option<usize> {
        self.children.iter().position(|child| &*child.spec.id == id)
    }

    fn group(&self, index: usize) -> Range<usize> {
        match self.strategy {
            Strategy::OneForOne | Strategy::Dynamic => index..index + 1,
            Strategy::OneForAll => 0..self.children.len(),
            Strategy::RestForOne => index..self.children.len(),
        }
    }

    /// Takes down the group of a child in reverse order. Temporary members are gone for good.
    async fn stop_group(&mut self, id: &str) {
        let Some(index) = self.position(id) else { return };
        for index in self.group(index).rev() {
            self.stop_at(index).await;
            if self.children[index].spec.restart == Restart::Temporary {
                self.children.remove(index);
            }
        }
    }

    /// Starts the group of a child in order. The first that cannot start is named; one for all
    /// then takes those before it down again.
    async fn start_group(&mut self, id: &str) -> Result<(), Arc<str>> {
        let Some(index) = self.position(id) else { return Ok(()) };
        let group = self.group(index);
        for index in group.clone() {
            if self.start_at(index).await.is_err() {
                if self.strategy == Strategy::OneForAll {
                    for earlier in (group.start..index).rev() {
                        self.stop_at(earlier).await;
                    }
                }
                return Err(self.children[index].spec.id.clone());
            }
            self.children[index].restarts += 1;
        }
        Ok(())
    }

    async fn start_at(&mut self, index: usize) -> Result<Option<ActorCell>, StartError> {
        let child = &mut self.children[index];
        child.state = State::Stopped;
        child.incarnation += 1;
        let started =
            self.office.start(&child.spec, &child.spec.id, child.incarnation, None).await?;
        let cell = started.as_ref().map(|started| started.cell.clone());
        child.up_since = Instant::now();
        child.state = started.map_or(State::Ignored, State::Up);
        Ok(cell)
    }

    async fn stop_at(&mut self, index: usize) {
        let me = self.office.cell();
        let child = &mut self.children[index];
        let State::Up(started) = std::mem::replace(&mut child.state, State::Stopped) else {
            return;
        };
        let exit = stop::stop(started, &me, child.spec.shutdown).await;
        self.office.report(&child.spec.id, child.spec.kind, What::Stopped { exit });
    }
}

// What operators ask for.
impl Family {
    pub(crate) async fn start_child(
        &mut self,
        spec: ChildSpec,
    ) -> Result<Option<ActorCell>, AdminError> {
        spec.check(self.auto_shutdown)?;
        match self.position(&spec.id).map(|index| &self.children[index].state) {
            Some(State::Up(up)) => {
                return Err(AdminError::AlreadyStarted { actor: up.cell.clone() });
            }
            Some(_) => return Err(AdminError::AlreadyPresent),
            None => {}
        }
        if self.children.len() >= STATIC_CHILDREN_MAX {
            return Err(AdminError::Full { children_max: STATIC_CHILDREN_MAX });
        }
        Ok(self.add(spec).await?)
    }

    pub(crate) async fn terminate_child(&mut self, id: &str) -> Result<(), AdminError> {
        let index = self.position(id).ok_or(AdminError::NotFound)?;
        if matches!(self.children[index].state, State::Restarting(_)) {
            // Its ticket is void: the retry on its way finds nothing to do.
            self.children[index].state = State::Stopped;
            let (id, kind) = (self.children[index].spec.id.clone(), self.children[index].spec.kind);
            self.office.report(&id, kind, What::Stopped { exit: ExitReason::Shutdown });
        }
        self.stop_at(index).await;
        if self.children[index].spec.restart == Restart::Temporary {
            self.children.remove(index);
        }
        Ok(())
    }

    pub(crate) async fn restart_child(
        &mut self,
        id: &str,
    ) -> Result<Option<ActorCell>, AdminError> {
        let index = self.down(id)?;
        self.children[index].attempt = 0;
        Ok(self.start_at(index).await?)
    }

    pub(crate) fn delete_child(&mut self, id: &str) -> Result<(), AdminError> {
        let index = self.down(id)?;
        let child = self.children.remove(index);
        self.office.report(&child.spec.id, child.spec.kind, What::Forgotten);
        Ok(())
    }

    /// The place of a child that is neither up nor on its way.
    fn down(&self, id: &str) -> Result<usize, AdminError> {
        let index = self.position(id).ok_or(AdminError::NotFound)?;
        match self.children[index].state {
            State::Up(_) => Err(AdminError::Running),
            State::Restarting(_) => Err(AdminError::Restarting),
            State::Stopped | State::Ignored => Ok(index),
        }
    }

    pub(crate) fn childspec(&self, id: &str) -> Result<ChildSpec, AdminError> {
        let index = self.position(id).ok_or(AdminError::NotFound)?;
        Ok(self.children[index].spec.clone())
    }

    pub(crate) fn child(&self, id: &str) -> Result<ChildInfo, AdminError> {
        let index = self.position(id).ok_or(AdminError::NotFound)?;
        Ok(self.children[index].info())
    }

    pub(crate) fn page(&self, page: Page) -> Vec<ChildInfo> {
        let after = page.after.and_then(|id| self.position(&id)).map_or(0, |index| index + 1);
        let children = self.children[after..].iter();
        children.take(page.limit.min(PAGE_MAX)).map(Child::info).collect()
    }

    pub(crate) fn counts(&self) -> ChildCounts {
        let count = |test: fn(&Child) -> bool| self.children.iter().filter(|c| test(c)).count();
        let workers = count(|child| child.spec.role == Role::Worker);
        ChildCounts {
            specs: self.children.len(),
            active: count(|child| matches!(child.state, State::Up(_))),
            supervisors: self.children.len() - workers,
            workers,
        }
    }

    pub(crate) fn describe(&mut self) -> SupervisorInfo {
        SupervisorInfo {
            path: self.office.path.clone(),
            strategy: self.strategy,
            budget: self.office.budget(),
            children: self.counts(),
        }
    }
}

impl Child {
    fn info(&self) -> ChildInfo {
        let (status, cell) = match &self.state {
            State::Up(up) => (ChildStatus::Running, Some(up.cell.clone())),
            State::Restarting(_) => (ChildStatus::Restarting, None),
            State::Stopped => (ChildStatus::Stopped, None),
            State::Ignored => (ChildStatus::Ignored, None),
        };
        ChildInfo {
            id: self.spec.id.clone(),
            kind: self.spec.kind.to_owned(),
            role: self.spec.role,
            restart: self.spec.restart,
            significant: self.spec.significant,
            status,
            restarts: self.restarts,
            incarnation: self.incarnation,
            budget: None,
            actor: cell.as_ref().map(|cell| cell.get_id().to_string()),
            cell,
        }
    }
}
