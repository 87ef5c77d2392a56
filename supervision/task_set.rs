//! The tasks that an actor owns, a door's connections for example: bounded in number, gone with
//! their owner.
//!
//! A task is no actor: nobody restarts it, nobody sends it messages, its panic is logged and ends
//! nothing but itself. Dropping the set aborts them all at their next await.

use std::future::Future;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout, timeout_at};

use crate::panics;
use crate::spawn;

/// An aborted task that runs synchronous code is not waited for longer.
const ABORT_TIMEOUT: Duration = Duration::from_secs(1);

pub struct TaskSet {
    name: &'static str,
    tasks_max: usize,
    tasks: JoinSet<()>,
    panicked: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("full: {tasks_max} tasks are running")]
pub struct TaskSetFull {
    pub tasks_max: usize,
}

/// How a drain went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    pub finished: u64,
    pub aborted: u64,
    pub panicked: u64,
}

impl TaskSet {
    pub fn new(name: &'static str, tasks_max: usize) -> Self {
        Self { name, tasks_max, tasks: JoinSet::new(), panicked: 0 }
    }

    /// Runs a task beside its owner; refused, and the future dropped, when the set is full.
    pub fn spawn(
        &mut self,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), TaskSetFull> {
        if self.tasks.len() >= self.tasks_max {
            self.reap();
        }
        if self.tasks.len() >= self.tasks_max {
            return Err(TaskSetFull { tasks_max: self.tasks_max });
        }
        spawn::into_set(&mut self.tasks, task);
        // Two for one keeps ended tasks from piling up, without ever looking at all of them.
        for _ in 0..2 {
            self.reap_one();
        }
        Ok(())
    }

    /// Tasks that run.
    pub fn len(&mut self) -> usize {
        self.reap();
        self.tasks.len()
    }

    pub fn is_empty(&mut self) -> bool {
        self.len() == 0
    }

    /// Tasks that have panicked since the beginning.
    pub fn panicked(&mut self) -> u64 {
        self.reap();
        self.panicked
    }

    /// Waits for a task to end; false when there is none.
    pub async fn ended(&mut self) -> bool {
        match self.tasks.join_next_with_id().await {
            Some(end) => {
                self.note(end.map(|_| ()));
                true
            }
            None => false,
        }
    }

    /// Lets tasks end by themselves until `patience` is over, then aborts the others.
    pub async fn drain(&mut self, patience: Duration) -> Drained {
        let panicked_before = self.panicked;
        let deadline = Instant::now() + patience;
        let mut ended = 0;
        while let Ok(true) = timeout_at(deadline, self.ended()).await {
            ended += 1;
        }
        let panicked = self.panicked - panicked_before;
        let aborted = self.tasks.len() as u64;
        self.tasks.abort_all();
        let all = async { while self.ended().await {} };
        if timeout(ABORT_TIMEOUT, all).await.is_err() {
            let left = self.tasks.len();
            tracing::error!(set = self.name, left, "aborted tasks do not reach an await");
        }
        Drained { finished: ended - panicked, aborted, panicked }
    }

    fn reap(&mut self) {
        while self.reap_one() {}
    }

    fn reap_one(&mut self) -> bool {
        match self.tasks.try_join_next_with_id() {
            Some(end) => {
                self.note(end.map(|_| ()));
                true
            }
            None => false,
        }
    }

    fn note(&mut self, end: Result<(), JoinError>) {
        let Err(error) = end else { return };
        let task = error.id();
        let note = panics::take(task);
        if !error.is_panic() {
            return;
        }
        self.panicked += 1;
        let panic = note.map(|note| note.panic);
        let message = panic.as_ref().map_or("no message", |panic| &panic.message);
        let location = panic.as_ref().and_then(|panic| panic.location.as_deref());
        tracing::error!(set = self.name, %task, message, location, "task of a set panicked");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;

    /// A task that ends when the gate has a place for it.
    async fn waiting(gate: Arc<Semaphore>) {
        gate.acquire().await.expect("the gate is never closed").forget();
    }

    #[tokio::test]
    async fn a_full_set_refuses_and_has_room_again_when_a_task_ends() {
        let gate = Arc::new(Semaphore::new(0));
        let mut set = TaskSet::new("doors", 2);
        assert_eq!(set.spawn(waiting(gate.clone())), Ok(()));
        assert_eq!(set.spawn(waiting(gate.clone())), Ok(()));
        assert_eq!(set.spawn(waiting(gate.clone())), Err(TaskSetFull { tasks_max: 2 }));
        assert_eq!(set.len(), 2);
        gate.add_permits(1);
        assert!(set.ended().await);
        assert_eq!(set.spawn(waiting(gate.clone())), Ok(()));
    }

    #[tokio::test]
    async fn dropping_the_set_aborts_its_tasks() {
        let gate = Arc::new(Semaphore::new(0));
        let mut set = TaskSet::new("doors", 10);
        for _ in 0..10 {
            set.spawn(waiting(gate.clone())).unwrap();
        }
        drop(set);
        while Arc::strong_count(&gate) > 1 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_drain_waits_for_the_willing_and_aborts_the_rest() {
        let gate = Arc::new(Semaphore::new(2));
        let mut set = TaskSet::new("doors", 10);
        for _ in 0..5 {
            set.spawn(waiting(gate.clone())).unwrap();
        }
        set.spawn(async { panic!("a connection's panic") }).unwrap();
        let begun = Instant::now();
        let drained = set.drain(Duration::from_secs(3)).await;
        assert_eq!(drained, Drained { finished: 2, aborted: 3, panicked: 1 });
        assert_eq!(begun.elapsed(), Duration::from_secs(3));
        assert!(set.is_empty());
        assert_eq!(Arc::strong_count(&gate), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_drain_ends_as_soon_as_all_have() {
        let mut set = TaskSet::new("doors", 10);
        set.spawn(async {}).unwrap();
        let begun = Instant::now();
        let drained = set.drain(Duration::from_secs(3_600)).await;
        assert_eq!(drained, Drained { finished: 1, ..Drained::default() });
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[tokio::test]
    async fn a_panic_is_counted_and_ends_only_its_task() {
        let mut set = TaskSet::new("doors", 10);
        let gate = Arc::new(Semaphore::new(0));
        set.spawn(waiting(gate)).unwrap();
        set.spawn(async { panic!("a connection's panic") }).unwrap();
        assert!(set.ended().await);
        assert_eq!((set.panicked(), set.len()), (1, 1));
    }
}
