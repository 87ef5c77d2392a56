//! The only file of the workspace that spawns. Everything long-lived begins in one of these
//! functions, so a tidy test can hold "only supervision spawns" by looking for the calls here.
//!
//! It decides nothing: who may spawn what, and what happens when it dies, is said by the callers.

use std::future::Future;
use std::time::Duration;

use ractor::{Actor, ActorCell, ActorRef, Message, SpawnErr};
use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinHandle, JoinSet};

/// An actor linked to its supervisor from its first message on.
pub(crate) async fn linked<A: Actor>(
    name: Option<String>,
    handler: A,
    args: A::Arguments,
    supervisor: ActorCell,
) -> Result<(ActorRef<A::Msg>, JoinHandle<()>), SpawnErr> {
    Actor::spawn_linked(name, handler, args, supervisor).await
}

/// An actor that nobody supervises: only the warden above a root.
pub(crate) async fn unlinked<A: Actor>(
    handler: A,
    args: A::Arguments,
) -> Result<(ActorRef<A::Msg>, JoinHandle<()>), SpawnErr> {
    Actor::spawn(None, handler, args).await
}

/// A task that ends by itself: a start, a timer, the reader of a bounded queue.
pub(crate) fn task<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(future)
}

/// A task of another executor that dies with who waits for it.
pub(crate) fn elsewhere<T, F>(
    there: &Handle,
    work: F,
) -> impl Future<Output = Result<T, JoinError>> + Send + use<T, F>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut one = JoinSet::new();
    one.spawn_on(work, there);
    async move { one.join_next().await.expect("one task was spawned") }
}

/// A task that dies with its set.
pub(crate) fn into_set(set: &mut JoinSet<()>, future: impl Future<Output = ()> + Send + 'static) {
    set.spawn(future);
}

/// A message to oneself, later. It finds nobody when the actor has died in between.
pub(crate) fn after<M: Message>(delay: Duration, to: &ActorRef<M>, message: M) {
    let to = to.clone();
    task(async move {
        tokio::time::sleep(delay).await;
        let _ = to.send_message(message);
    });
}

/// A thread that ends with the far end of its queue.
pub(crate) fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
}

/// Work that would hold up a thread of the executor, on a thread of its own.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    tokio::task::spawn_blocking(work).await
}

/// A short piece of work, a while from now, that nobody waits for.
pub fn later(delay: Duration, work: impl Future<Output = ()> + Send + 'static) {
    task(async move {
        tokio::time::sleep(delay).await;
        work.await;
    });
}
