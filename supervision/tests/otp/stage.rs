//! A tree on trial: probes that do what they are told, a diary of what they did, and ways to wait
//! for what the supervisors report. Nothing here sleeps.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef};
use supervision::{
    ChildSpec, EventSink, Page, Root, Start, StartError, Strategy, SupervisionEvent, SupervisorRef,
    SupervisorSpec, What,
};
use tokio::sync::mpsc;

/// Nothing in these tests takes longer on any machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What a probe does when told.
pub(crate) enum Act {
    Panic(&'static str),
    Fail(&'static str),
    Stop(Option<&'static str>),
    /// Blocks its thread until it is told otherwise.
    Hog(std::sync::mpsc::Receiver<()>),
}

/// How a probe's next starts go; without a plan they go well.
#[derive(Clone, Copy)]
pub(crate) enum Plan {
    Up,
    Fail,
    Panic,
    Hang,
    Ignore,
}

/// What the probes did, in order, and what they shall do.
#[derive(Clone, Default)]
pub(crate) struct Diary {
    alive: Arc<AtomicUsize>,
    lines: Arc<Mutex<Vec<String>>>,
    plans: Arc<Mutex<HashMap<String, VecDeque<Plan>>>>,
}

impl Diary {
    pub(crate) fn note(&self, line: String) {
        self.lines.lock().unwrap().push(line);
    }

    /// The lines since the last call, in one string.
    pub(crate) fn read(&self) -> String {
        std::mem::take(&mut *self.lines.lock().unwrap()).join(" ")
    }

    /// Waits until the state of every probe has been dropped.
    pub(crate) async fn all_gone(&self) {
        let gone = async {
            while self.alive.load(Ordering::SeqCst) > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, gone).await.expect("all probes end");
    }

    pub(crate) fn plan(&self, id: &str, plans: &[Plan]) {
        self.plans.lock().unwrap().insert(id.to_owned(), plans.iter().copied().collect());
    }

    /// A worker that writes `+id` when it starts and `-id` when it is stopped politely.
    pub(crate) fn probe(&self, id: &str) -> ChildSpec {
        self.probe_with(id, Probe::default())
    }

    /// One that never finishes `post_stop`.
    pub(crate) fn clinging(&self, id: &str) -> ChildSpec {
        self.probe_with(id, Probe { clings: true, ..Probe::default() })
    }

    pub(crate) fn probe_with(&self, id: &str, probe: Probe) -> ChildSpec {
        let diary = self.clone();
        ChildSpec::new(id, "probe", move |context| {
            let (diary, probe) = (diary.clone(), probe.clone());
            async move {
                let id = context.id.to_string();
                let plan = diary.plans.lock().unwrap().get_mut(&id).and_then(VecDeque::pop_front);
                match plan.unwrap_or(Plan::Up) {
                    Plan::Ignore => Ok(Start::Ignore),
                    Plan::Hang => std::future::pending().await,
                    plan => context.spawn(probe, (diary, id, plan)).await,
                }
            }
        })
    }
}

#[derive(Clone, Default)]
pub(crate) struct Probe {
    pub(crate) clings: bool,
    pub(crate) panics_in_post_stop: bool,
}

/// Counts one probe for as long as its state is there.
pub(crate) struct Living(Arc<AtomicUsize>);

impl Living {
    fn new(diary: &Diary) -> Self {
        diary.alive.fetch_add(1, Ordering::SeqCst);
        Self(diary.alive.clone())
    }
}

impl Drop for Living {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Actor for Probe {
    type Msg = Act;
    type State = (Diary, String, Living);
    type Arguments = (Diary, String, Plan);

    async fn pre_start(
        &self,
        _me: ActorRef<Act>,
        (diary, id, plan): Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        match plan {
            Plan::Fail => Err(format!("{id} will not start").into()),
            Plan::Panic => panic!("{id} panics at its start"),
            _ => {
                diary.note(format!("+{id}"));
                let living = Living::new(&diary);
                Ok((diary, id, living))
            }
        }
    }

    async fn handle(
        &self,
        me: ActorRef<Act>,
        act: Act,
        (diary, ..): &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match act {
            Act::Panic(text) => panic!("{text}"),
            Act::Fail(text) => Err(text.into()),
            Act::Stop(reason) => {
                me.stop(reason.map(str::to_owned));
                Ok(())
            }
            Act::Hog(released) => {
                // Tokio runs a task that this one has just woken on this very thread, and nowhere
                // else: the supervisor must not be the one that waits for us there.
                for _ in 0..10 {
                    tokio::task::yield_now().await;
                }
                diary.note("hogging".to_owned());
                released.recv()?;
                Ok(())
            }
        }
    }

    async fn post_stop(
        &self,
        _me: ActorRef<Act>,
        (diary, id, _): &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        diary.note(format!("-{id}"));
        assert!(!self.panics_in_post_stop, "{id} panics at its end");
        if self.clings {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

/// A started tree.
pub(crate) struct Stage {
    pub(crate) root: Root,
    pub(crate) diary: Diary,
    events: mpsc::Receiver<SupervisionEvent>,
}

impl Stage {
    /// A tree called `top` that allows many restarts.
    pub(crate) async fn open(strategy: Strategy, diary: &Diary, children: Vec<ChildSpec>) -> Self {
        let spec = SupervisorSpec::new("top", strategy, children).intensity(1_000, 60_000);
        Self::start(spec, diary).await.expect("the tree starts")
    }

    pub(crate) async fn start(spec: SupervisorSpec, diary: &Diary) -> Result<Self, StartError> {
        let (sink, events) = EventSink::bounded(250_000);
        let root = Root::start(spec, sink).await?;
        Ok(Self { root, diary: diary.clone(), events })
    }

    pub(crate) fn top(&self) -> &SupervisorRef {
        self.root.supervisor()
    }

    /// The next event of this child that passes, however many others come before it.
    pub(crate) async fn until(
        &mut self,
        child: &str,
        passes: impl Fn(&What) -> bool,
    ) -> SupervisionEvent {
        let wanted = async {
            loop {
                let event = self.events.recv().await.expect("the tree still reports");
                if &*event.child == child && passes(&event.what) {
                    return event;
                }
            }
        };
        tokio::time::timeout(PATIENCE, wanted).await.expect("the event comes")
    }

    pub(crate) async fn until_exited(&mut self, child: &str) -> supervision::ExitReason {
        let event = self.until(child, |what| matches!(what, What::Exited { .. })).await;
        match event.what {
            What::Exited { exit, .. } => exit,
            other => panic!("{other:?}"),
        }
    }

    /// Waits until this child is up for at least the `incarnation`th time.
    pub(crate) async fn until_up(&mut self, child: &str, incarnation: u64) {
        let up = move |what: &What| matches!(what, What::Spawned { incarnation: n, .. } if *n >= incarnation);
        self.until(child, up).await;
    }

    pub(crate) async fn cell(&self, child: &str) -> ActorCell {
        find(self.top(), child).await
    }

    pub(crate) async fn tell(&self, child: &str, act: Act) {
        self.cell(child).await.send_message(act).expect("the probe is there");
    }

    /// The children in order with their status: `a:running b:stopped`.
    pub(crate) async fn statuses(&self) -> String {
        statuses(self.top()).await
    }
}

/// The running actor at a path below a supervisor.
pub(crate) async fn find(supervisor: &SupervisorRef, path: &str) -> ActorCell {
    supervisor.find(path).await.expect("a child").cell.expect("a running child")
}

pub(crate) async fn statuses(supervisor: &SupervisorRef) -> String {
    let children = supervisor.which_children(Page::default()).await.expect("an answer");
    let show = |child: supervision::ChildInfo| {
        let status = serde_json::to_value(child.status).expect("a status is plain data");
        format!("{}:{}", child.id, status.as_str().expect("a word"))
    };
    children.into_iter().map(show).collect::<Vec<_>>().join(" ")
}

/// Waits for an actor that may be gone already.
pub(crate) async fn gone(cell: &ActorCell) {
    cell.wait(Some(PATIENCE)).await.expect("the actor ends");
}
