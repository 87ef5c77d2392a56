//! Ending children: ask, wait as long as the spec says, kill; and be sure that they are gone.
//!
//! A child is unlinked before it is asked, so its last state is dropped in its own task and not
//! in the supervisor's queue: when a stop returns, files and sockets of the child are closed.
//! Between unlink and end a guard kills it should the supervisor itself be killed.
//!
//! Deviation from OTP: an `Err` out of `post_stop` during a shutdown is not reported, since ractor
//! tells it only to a linked supervisor. A panic there is.

use std::sync::Arc;
use std::time::Duration;

use ractor::ActorCell;
use tokio::time::{Instant, timeout, timeout_at};

use crate::exit::{ExitReason, reason};
use crate::panics;
use crate::spec::Shutdown;
use crate::start::Started;

/// A killed actor that runs synchronous code cannot be interrupted; it is not waited for longer.
const KILL_TIMEOUT: Duration = Duration::from_secs(5);

/// After an exit the old state is still being dropped in its task; the next incarnation waits so
/// long for that.
pub(crate) const SETTLE_TIMEOUT: Duration = Duration::from_secs(1);

/// Kills what it still holds when it is dropped.
struct Reaper(Vec<ActorCell>);

impl Drop for Reaper {
    fn drop(&mut self) {
        for cell in &self.0 {
            cell.kill();
        }
    }
}

/// Stops one child and returns how it ended.
pub(crate) async fn stop(child: Started, supervisor: &ActorCell, how: Shutdown) -> ExitReason {
    let Started { cell, mut task } = child;
    let task_id = task.id();
    cell.unlink(supervisor.clone());
    let mut reaper = Reaper(vec![cell.clone()]);
    let patience = match how {
        Shutdown::Brutal => Some(Duration::ZERO),
        Shutdown::TimeoutMs(ms) => Some(Duration::from_millis(ms)),
        Shutdown::Infinity => None,
    };
    if patience != Some(Duration::ZERO) {
        cell.stop(Some(reason::SHUTDOWN.to_owned()));
    }
    let ended = match patience {
        None => {
            let _ = (&mut task).await;
            true
        }
        Some(Duration::ZERO) => task.is_finished(),
        Some(patience) => timeout(patience, &mut task).await.is_ok(),
    };
    if !ended {
        cell.kill();
        if timeout(KILL_TIMEOUT, &mut task).await.is_err() {
            tracing::error!(actor = %cell.get_id(), "killed actor does not reach an await");
        }
    }
    reaper.0.clear();
    match panics::take(task_id) {
        Some(note) => ExitReason::Panicked(note.panic),
        None if ended => ExitReason::Shutdown,
        None => ExitReason::Killed,
    }
}

/// Stops many children at once, all with the same patience.
pub(crate) async fn stop_all(
    children: Vec<(Arc<str>, Started)>,
    supervisor: &ActorCell,
    how: Shutdown,
) -> Vec<(Arc<str>, ExitReason)> {
    let mut reaper = Reaper(children.iter().map(|(_, child)| child.cell.clone()).collect());
    for cell in &reaper.0 {
        cell.unlink(supervisor.clone());
        match how {
            Shutdown::Brutal | Shutdown::TimeoutMs(0) => cell.kill(),
            _ => cell.stop(Some(reason::SHUTDOWN.to_owned())),
        }
    }
    let patience = match how {
        Shutdown::Brutal | Shutdown::TimeoutMs(0) => Some(Duration::ZERO),
        Shutdown::TimeoutMs(ms) => Some(Duration::from_millis(ms)),
        Shutdown::Infinity => None,
    };
    let deadline = patience.map(|patience| Instant::now() + patience);
    let mut outcome = Vec::with_capacity(children.len());
    let mut late = Vec::new();
    for (id, mut child) in children {
        let ended = match deadline {
            None => {
                let _ = (&mut child.task).await;
                true
            }
            Some(_) if child.task.is_finished() => how != Shutdown::Brutal,
            Some(deadline) => timeout_at(deadline, &mut child.task).await.is_ok(),
        };
        if ended {
            outcome.push((id, ExitReason::Shutdown));
        } else {
            late.push((id, child));
        }
    }
    for (_, child) in &late {
        child.cell.kill();
    }
    let deadline = Instant::now() + KILL_TIMEOUT;
    for (id, mut child) in late {
        if !child.task.is_finished() && timeout_at(deadline, &mut child.task).await.is_err() {
            tracing::error!(child = %id, "killed actor does not reach an await");
        }
        outcome.push((id, ExitReason::Killed));
    }
    reaper.0.clear();
    outcome
}
