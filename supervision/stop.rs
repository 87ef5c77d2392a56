//! Ending children: ask, wait as long as the spec says, kill; and be sure that they are gone.
//!
//! A child is unlinked before it is asked, so its last state is dropped in its own task and not
//! in the supervisor's queue: when a stop returns, files and sockets of the child are closed.
//! Should the supervisor itself be killed in between, dropping `Started` kills the child.

use std::time::Duration;

use ractor::ActorCell;
use tokio::time::{Instant, timeout_at};

use crate::exit::{ExitReason, reason};
use crate::panics;
use crate::spec::Shutdown;
use crate::start::Started;

/// A killed actor that runs synchronous code cannot be interrupted; it is not waited for longer.
const KILL_TIMEOUT: Duration = Duration::from_secs(5);

/// After an exit the old state is still being dropped in its task; the next incarnation waits so
/// long for that.
pub(crate) const SETTLE_TIMEOUT: Duration = Duration::from_secs(1);

/// Stops one child and returns how it ended.
pub(crate) async fn stop(child: Started, supervisor: &ActorCell, how: Shutdown) -> ExitReason {
    let ended = stop_all(vec![((), child)], supervisor, how).await;
    ended.into_iter().next().map_or(ExitReason::Killed, |((), exit)| exit)
}

/// Stops children at once, all with the same patience, and returns how each ended.
pub(crate) async fn stop_all<K>(
    mut children: Vec<(K, Started)>,
    supervisor: &ActorCell,
    how: Shutdown,
) -> Vec<(K, ExitReason)> {
    let deadline = match how {
        Shutdown::Brutal => Some(Instant::now()),
        Shutdown::TimeoutMs(ms) => Some(Instant::now() + Duration::from_millis(ms)),
        Shutdown::Infinity => None,
    };
    for (_, child) in &children {
        child.cell.unlink(supervisor.clone());
        match how {
            Shutdown::Brutal => child.cell.kill(),
            _ => child.cell.stop(Some(reason::SHUTDOWN.to_owned())),
        }
    }
    let mut late = vec![how == Shutdown::Brutal; children.len()];
    for ((_, child), late) in children.iter_mut().zip(&mut late) {
        match deadline {
            _ if *late => {}
            None => child.ended().await,
            Some(deadline) => *late = timeout_at(deadline, child.ended()).await.is_err(),
        }
        if *late {
            child.cell.kill();
        }
    }
    let deadline = Instant::now() + KILL_TIMEOUT;
    for ((_, child), late) in children.iter_mut().zip(&late) {
        if *late && timeout_at(deadline, child.ended()).await.is_err() {
            tracing::error!(actor = %child.cell.get_id(), "killed actor does not reach an await");
        }
    }
    let exit = |child: &Started, late: bool| match panics::take(child.task.id()) {
        Some(note) => ExitReason::Panicked(note.panic),
        None if late => ExitReason::Killed,
        None => ExitReason::Shutdown,
    };
    let ended = children.into_iter().zip(late);
    ended.map(|((key, child), late)| (key, exit(&child, late))).collect()
}
