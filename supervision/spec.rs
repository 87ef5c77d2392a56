//! A tree as data: what a child is, how it dies and how often it may, and which combinations of
//! that make no sense. It starts nothing.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use ractor::Actor;
use serde::{Deserialize, Serialize};

use crate::backoff::Backoff;
use crate::dynamic;
use crate::event::What;
use crate::executor::Executor;
use crate::intensity::Intensity;
use crate::start::{Start, StartContext, StartError, StartFn};
use crate::supervisor;

/// Ids are part of URLs and of file names.
pub const ID_BYTES_MAX: usize = 128;

/// A worker that has not answered its start by then has failed it.
pub const START_TIMEOUT_MS: u64 = 30_000;

/// How long a worker may take to end when it is asked to: OTP's default.
pub const SHUTDOWN_TIMEOUT_MS: u64 = 5_000;

/// Children of a supervisor with a fixed list; more belong below a dynamic one.
pub const STATIC_CHILDREN_MAX: usize = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Restart {
    /// After any exit.
    Permanent,
    /// After a failure, not after an orderly end.
    Transient,
    /// Never; its spec goes with it.
    Temporary,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shutdown {
    /// Killed at once. Synchronous code cannot be interrupted: it ends at its next await.
    Brutal,
    /// Asked to stop (`post_stop` runs), killed after this many milliseconds.
    TimeoutMs(u64),
    /// Asked to stop and waited for.
    Infinity,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// Only the child that died is restarted.
    OneForOne,
    /// All are stopped in reverse order and started again in order.
    OneForAll,
    /// The same for it and those started after it.
    RestForOne,
    /// Any number of children of one kind, each for itself (`DynamicSpec` only).
    Dynamic,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Worker,
    Supervisor(Strategy),
}

/// Whether a supervisor ends by itself when significant children have ended by themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AutoShutdown {
    #[default]
    Never,
    AnySignificant,
    AllSignificant,
}

/// One child. Cheap to clone; the defaults are OTP's.
#[derive(Clone)]
pub struct ChildSpec {
    pub id: Arc<str>,
    /// What it is, for people and metrics: one word for all children alike, but those of [`or_if`](Self::or_if).
    pub kind: &'static str,
    pub role: Role,
    pub restart: Restart,
    pub shutdown: Shutdown,
    pub significant: bool,
    pub backoff: Backoff,
    /// `None` waits for ever, as for supervisors, whose start is their children's.
    pub start_timeout_ms: Option<u64>,
    /// Of a supervisor, what it allows its children, where that is known before it starts: told to who
    /// watches.
    pub intensity: Option<Intensity>,
    pub(crate) start: StartFn,
    /// Of a template of several kinds: whose children by their ids are of which other.
    pub(crate) others: Vec<(IsOther, &'static str)>,
}

type IsOther = Arc<dyn Fn(&str) -> bool + Send + Sync>;

impl ChildSpec {
    /// A child whose start is any async closure.
    pub fn new<F, Fut>(id: &str, kind: &'static str, start: F) -> Self
    where
        F: Fn(StartContext) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Start, StartError>> + Send + 'static,
    {
        Self {
            id: id.into(),
            kind,
            role: Role::Worker,
            restart: Restart::Permanent,
            shutdown: Shutdown::TimeoutMs(SHUTDOWN_TIMEOUT_MS),
            significant: false,
            backoff: Backoff::NONE,
            start_timeout_ms: Some(START_TIMEOUT_MS),
            intensity: None,
            start: Arc::new(move |context| Box::pin(start(context))),
            others: Vec::new(),
        }
    }

    /// A template of two kinds of children: those whose id `is_other` says so start as `other` does.
    pub fn or_if(
        mut self,
        is_other: impl Fn(&str) -> bool + Send + Sync + 'static,
        other: ChildSpec,
    ) -> Self {
        let is_other: IsOther = Arc::new(is_other);
        self.others.push((is_other.clone(), other.kind));
        let (one, other) = (self.start, other.start);
        self.start = Arc::new(move |context| match is_other(&context.id) {
            true => other(context),
            false => one(context),
        });
        self
    }

    /// Its children run on an executor of their own, and whom they start there too.
    pub fn on(self, executor: &Executor) -> Self {
        let (start, executor) = (self.start, executor.clone());
        let start: StartFn =
            Arc::new(move |context| Box::pin(executor.clone().spawning_here(start(context))));
        Self { start, ..self }
    }

    /// What the child of this id is.
    pub fn kind_of(&self, id: &str) -> &'static str {
        let other = self.others.iter().rev().find(|(is_other, _)| is_other(id));
        other.map_or(self.kind, |(_, kind)| kind)
    }

    /// The common case: an actor and its arguments, made from the child's identity.
    pub fn worker<A, F>(id: &str, kind: &'static str, make: F) -> Self
    where
        A: Actor,
        F: Fn(&StartContext) -> (A, A::Arguments) + Send + Sync + 'static,
    {
        let make = Arc::new(make);
        Self::new(id, kind, move |context| {
            let make = make.clone();
            async move {
                let (handler, args) = make(&context);
                context.spawn(handler, args).await
            }
        })
    }

    /// A supervisor whose spec depends on its identity: one partition's subtree, for example.
    pub fn subtree<F>(id: &str, strategy: Strategy, make: F) -> Self
    where
        F: Fn(&StartContext) -> SupervisorSpec + Send + Sync + 'static,
    {
        let make = Arc::new(make);
        let start = move |context: StartContext| {
            let make = make.clone();
            async move { supervisor::start(make(&context), context).await }
        };
        Self::new(id, "supervisor", start).supervising(strategy)
    }

    pub(crate) fn supervising(self, strategy: Strategy) -> Self {
        Self {
            role: Role::Supervisor(strategy),
            shutdown: Shutdown::Infinity,
            start_timeout_ms: None,
            ..self
        }
    }

    pub fn restart(self, restart: Restart) -> Self {
        Self { restart, ..self }
    }

    pub fn shutdown(self, shutdown: Shutdown) -> Self {
        Self { shutdown, ..self }
    }

    pub fn significant(self) -> Self {
        Self { significant: true, ..self }
    }

    pub fn backoff(self, backoff: Backoff) -> Self {
        Self { backoff, ..self }
    }

    /// Told of a supervisor whose own spec is only made when it starts.
    pub fn told_intensity(self, intensity: Intensity) -> Self {
        Self { intensity: Some(intensity), ..self }
    }

    pub fn start_timeout_ms(self, start_timeout_ms: Option<u64>) -> Self {
        Self { start_timeout_ms, ..self }
    }

    /// What is told of it once it is up.
    pub(crate) fn spawned(&self, incarnation: u64, budget: Option<Intensity>) -> What {
        let strategy = match self.role {
            Role::Supervisor(strategy) => Some(strategy),
            Role::Worker => None,
        };
        let budget = budget.or(self.intensity);
        What::Spawned { incarnation, restart: self.restart, strategy, budget }
    }

    pub(crate) fn start_timeout(&self) -> Option<Duration> {
        self.start_timeout_ms.map(Duration::from_millis)
    }

    pub(crate) fn check(&self, auto_shutdown: AutoShutdown) -> Result<(), SpecError> {
        check_id(&self.id)?;
        if self.significant && self.restart == Restart::Permanent {
            return Err(SpecError::SignificantPermanent { id: self.id.clone() });
        }
        if self.significant && auto_shutdown == AutoShutdown::Never {
            return Err(SpecError::SignificantUnheard { id: self.id.clone() });
        }
        Ok(())
    }
}

/// A supervisor with a list of children, started top to bottom, stopped bottom to top.
#[derive(Clone)]
pub struct SupervisorSpec {
    pub id: Arc<str>,
    pub strategy: Strategy,
    pub intensity: Intensity,
    pub auto_shutdown: AutoShutdown,
    pub children: Vec<ChildSpec>,
}

impl SupervisorSpec {
    pub fn new(id: &str, strategy: Strategy, children: Vec<ChildSpec>) -> Self {
        Self {
            id: id.into(),
            strategy,
            intensity: Intensity::OTP,
            auto_shutdown: AutoShutdown::Never,
            children,
        }
    }

    pub fn intensity(self, restarts: u32, period_ms: u64) -> Self {
        Self { intensity: Intensity { restarts, period_ms }, ..self }
    }

    pub fn auto_shutdown(self, auto_shutdown: AutoShutdown) -> Self {
        Self { auto_shutdown, ..self }
    }

    /// This supervisor as a child of another.
    pub fn into_child(self) -> ChildSpec {
        let (id, strategy) = (self.id.clone(), self.strategy);
        let intensity = self.intensity;
        ChildSpec::subtree(&id, strategy, move |_| self.clone()).told_intensity(intensity)
    }

    /// OTP's `check_childspecs`, with the supervisor's own flags.
    pub fn check(&self) -> Result<(), SpecError> {
        check_id(&self.id)?;
        if self.strategy == Strategy::Dynamic {
            return Err(SpecError::DynamicWithList { id: self.id.clone() });
        }
        if self.children.len() > STATIC_CHILDREN_MAX {
            return Err(SpecError::TooManyChildren { id: self.id.clone() });
        }
        let mut seen = HashSet::new();
        for child in &self.children {
            child.check(self.auto_shutdown)?;
            if !seen.insert(&child.id) {
                return Err(SpecError::DuplicateId { id: child.id.clone() });
            }
        }
        Ok(())
    }
}

/// A supervisor of any number of children made from one template. A child's id is all that tells
/// it from the others: the template's start finds it in its context. Stopped in parallel.
#[derive(Clone)]
pub struct DynamicSpec {
    pub id: Arc<str>,
    /// Its own id only has to be valid.
    pub template: ChildSpec,
    /// For all children together; beyond it the supervisor gives up.
    pub intensity: Intensity,
    /// For each child alone; beyond it the child is quarantined. `None` is OTP's behaviour.
    pub budget: Option<Intensity>,
    pub auto_shutdown: AutoShutdown,
    pub children_max: usize,
}

impl DynamicSpec {
    pub fn new(id: &str, template: ChildSpec) -> Self {
        Self {
            id: id.into(),
            template,
            intensity: Intensity::OTP,
            budget: None,
            auto_shutdown: AutoShutdown::Never,
            children_max: 1_000_000,
        }
    }

    pub fn intensity(self, restarts: u32, period_ms: u64) -> Self {
        Self { intensity: Intensity { restarts, period_ms }, ..self }
    }

    pub fn budget(self, restarts: u32, period_ms: u64) -> Self {
        Self { budget: Some(Intensity { restarts, period_ms }), ..self }
    }

    pub fn auto_shutdown(self, auto_shutdown: AutoShutdown) -> Self {
        Self { auto_shutdown, ..self }
    }

    pub fn children_max(self, children_max: usize) -> Self {
        Self { children_max, ..self }
    }

    pub fn into_child(self) -> ChildSpec {
        let (id, intensity) = (self.id.clone(), self.intensity);
        let start = move |context| dynamic::start(self.clone(), context);
        let child = ChildSpec::new(&id, "supervisor", start).supervising(Strategy::Dynamic);
        child.told_intensity(intensity)
    }

    pub fn check(&self) -> Result<(), SpecError> {
        check_id(&self.id)?;
        self.template.check(self.auto_shutdown)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "error", rename_all = "snake_case")]
pub enum SpecError {
    #[error("id `{id}`: 1 to {ID_BYTES_MAX} of A-Z a-z 0-9 . _ ~ - are allowed")]
    BadId { id: Arc<str> },
    #[error("two children have the id `{id}`")]
    DuplicateId { id: Arc<str> },
    #[error("child `{id}` is significant and permanent: it would never end for good")]
    SignificantPermanent { id: Arc<str> },
    #[error("child `{id}` is significant, but its supervisor's auto_shutdown is never")]
    SignificantUnheard { id: Arc<str> },
    #[error("supervisor `{id}` has a list of children: its strategy cannot be dynamic")]
    DynamicWithList { id: Arc<str> },
    #[error("supervisor `{id}` has more than {STATIC_CHILDREN_MAX} children in its list")]
    TooManyChildren { id: Arc<str> },
}

pub(crate) fn check_id(id: &Arc<str>) -> Result<(), SpecError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
    // A dot alone would be a place in a path, not a name.
    let is_name = !id.is_empty() && !matches!(&**id, "." | "..");
    if is_name && id.len() <= ID_BYTES_MAX && id.bytes().all(allowed) {
        return Ok(());
    }
    Err(SpecError::BadId { id: crate::exit::clip(id).into() })
}
