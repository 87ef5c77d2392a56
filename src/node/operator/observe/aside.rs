//! Work that looks at everybody, kept away from the orders.
//!
//! A look at fifty thousand actors takes tens of milliseconds. On a worker of the executor it would hold up every order
//! that is queued there; so the worker hands its queue on first, and the operating system shares the cores between both.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Does the work; where there are other workers, they take over meanwhile.
pub fn aside<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_work_is_done_wherever_it_is_asked_for() {
        assert_eq!(aside(|| 1), 1);
        let alone = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(alone.block_on(async { aside(|| 2) }), 2);
        let many = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let beside = many.block_on(async {
            let (tell, told) = std::sync::mpsc::channel();
            // The only worker is held up until another task of its has run.
            let holds = tokio::spawn(async move { aside(|| told.recv()) });
            let frees = tokio::spawn(async move { tell.send(3) });
            frees.await.unwrap().unwrap();
            holds.await.unwrap().unwrap()
        });
        assert_eq!(beside, 3);
    }
}
