//! Threads of their own for work that must not hold up everybody else's.
//!
//! Owns     a few threads of tokio's. They end in the background when nobody holds the executor any more.
//! Decides  nothing: a child spec says that its children run here (`ChildSpec::on`), they are supervised from
//!          wherever their supervisor runs.

use std::future::Future;
use std::io;
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::Arc;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinError;

use crate::spawn;

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Executor {
    handle: Handle,
    _threads: Arc<Threads>,
}

#[derive(Debug)]
struct Threads(Option<Runtime>);

impl Drop for Threads {
    /// Whoever drops it last may be a task, which must not wait.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Executor {
    /// `threads` of them, at least one, by this name.
    pub fn new(name: &str, threads: usize) -> io::Result<Executor> {
        let mut builder = Builder::new_multi_thread();
        let runtime = builder.worker_threads(threads.max(1)).thread_name(name).enable_all();
        let runtime = runtime.build()?;
        Ok(Executor {
            handle: runtime.handle().clone(),
            _threads: Arc::new(Threads(Some(runtime))),
        })
    }

    /// Begins a piece of work here. It ends with what is returned, which is small and waits for it; its panic is
    /// the waiter's.
    pub fn run<T, F>(&self, work: F) -> impl Future<Output = T> + Send + use<T, F>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let done = spawn::elsewhere(&self.handle, work);
        async move {
            match done.await.map_err(JoinError::try_into_panic) {
                Ok(done) => done,
                Err(Ok(panic)) => resume_unwind(panic),
                // The threads are going, and with them the process.
                Err(Err(_)) => std::future::pending().await,
            }
        }
    }

    /// What the future spawns, it spawns here; the future itself goes on where it is.
    pub(crate) async fn spawning_here<F: Future>(self, future: F) -> F::Output {
        let mut future = pin!(future);
        std::future::poll_fn(|context| {
            let _here = self.handle.enter();
            future.as_mut().poll(context)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::sync::oneshot;

    fn thread() -> String {
        std::thread::current().name().unwrap_or_default().to_owned()
    }

    #[tokio::test]
    async fn what_a_future_spawns_is_spawned_there_and_it_goes_on_here() {
        let executor = Executor::new("aside", 1).unwrap();
        let here = thread();
        let (before, spawned) = executor
            .clone()
            .spawning_here(async {
                tokio::task::yield_now().await;
                (thread(), spawn::task(async { thread() }).await.unwrap())
            })
            .await;
        assert_eq!((before, spawned), (here, "aside".to_owned()));
        assert_eq!(executor.run(async { thread() }).await, "aside");
    }

    #[tokio::test]
    async fn work_ends_with_its_caller_and_a_panic_is_told() {
        let executor = Executor::new("aside", 1).unwrap();
        let (held, ended) = oneshot::channel::<()>();
        let work = executor.run(async move {
            std::future::pending::<()>().await;
            drop(held);
        });
        assert!(tokio::time::timeout(Duration::from_millis(20), work).await.is_err());
        assert!(ended.await.is_err(), "what it held is let go");
        let panics = spawn::task(async move {
            executor.run(async { panic!("a connection's panic") }).await;
        });
        assert!(panics.await.unwrap_err().is_panic());
    }

    #[tokio::test]
    async fn who_is_busy_there_holds_up_nobody_here() {
        let executor = Executor::new("aside", 1).unwrap();
        let (go, gone) = std::sync::mpsc::channel::<()>();
        let work =
            spawn::task(async move { executor.run(async move { gone.recv().is_ok() }).await });
        assert_eq!(spawn::task(async { 7 }).await.unwrap(), 7);
        go.send(()).unwrap();
        assert!(work.await.unwrap());
    }
}
