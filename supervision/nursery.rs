//! How actors ask the tree for children that come and go, without knowing it.
//!
//! Owns the ways to the dynamic supervisors of Laybook's tree and the list of quarantined children. A
//! request is carried out in a short task of its own; what comes of it is seen in the registry (the child
//! registers) and in the supervision events, never waited for.

use crate::admin::{AdminError, SupervisorRef};
use crate::event::{EventSink, SupervisionEvent, What};
use crate::spawn;
use crate::tree::ROOT;
use actors::node::{Child, Nursery, Recovered, Wait};
use actors::registry::Address;
use domain::ids::EntityId;
use ractor::ActorStatus;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

#[derive(Clone, Default)]
pub struct TreeNursery(Arc<Ways>);

#[derive(Default)]
struct Ways {
    root: OnceLock<SupervisorRef>,
    sink: OnceLock<EventSink>,
    /// By path below the root; looked up again when one is gone.
    supervisors: Mutex<HashMap<String, SupervisorRef>>,
    quarantined: RwLock<BTreeSet<Arc<str>>>,
}

impl fmt::Debug for TreeNursery {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("TreeNursery")
    }
}

impl Nursery for TreeNursery {
    fn start(&self, child: Child) {
        let nursery = self.clone();
        spawn::task(async move {
            let (path, id) = place(child);
            match nursery.supervisor(&path).await {
                Ok(supervisor) => match supervisor.start_dynamic(&id).await {
                    Ok(_) | Err(AdminError::AlreadyStarted { .. }) => {}
                    Err(error) => tracing::debug!(%id, %error, "child not started"),
                },
                Err(error) => tracing::debug!(%id, %error, "no supervisor for the child"),
            }
        });
    }

    fn stop(&self, child: Child) {
        self.stop_then(child, Box::new(|_| {}));
    }

    fn stop_then(&self, child: Child, then: Box<dyn FnOnce(bool) + Send>) {
        let nursery = self.clone();
        spawn::task(async move {
            let (path, id) = place(child);
            let gone = match nursery.supervisor(&path).await {
                Ok(supervisor) => matches!(
                    supervisor.terminate_child(&id).await,
                    // One that is gone already is what was asked for.
                    Ok(()) | Err(AdminError::NotFound)
                ),
                Err(_) => false,
            };
            then(gone);
        });
    }

    fn tell_ready(&self, child: Child, recovered: Recovered) {
        let Some(sink) = self.0.sink.get() else { return };
        let (path, id) = place(child);
        let what = What::Ready {
            after_us: u64::try_from(recovered.after.as_micros()).unwrap_or(u64::MAX),
            snapshot: recovered.snapshot,
            replayed: recovered.replayed,
        };
        sink.note_at(&format!("{ROOT}/{path}"), &id, kind(child), what);
    }

    fn attend(&self, wait: Wait) {
        spawn::task(wait);
    }

    fn labour(&self, work: Box<dyn FnOnce() + Send>) {
        spawn::task(spawn::blocking(work));
    }

    fn is_quarantined(&self, child: Child) -> bool {
        let (_, id) = place(child);
        let quarantined = self.0.quarantined.read().unwrap_or_else(PoisonError::into_inner);
        quarantined.contains(id.as_str())
    }
}

impl TreeNursery {
    /// Called once, before the tree is started.
    pub fn set_sink(&self, sink: EventSink) {
        // A second sink would be a second log, which a node never has.
        let _ = self.0.sink.set(sink);
    }

    /// Called once, when the tree is up.
    pub fn set_root(&self, root: SupervisorRef) {
        // A second root would be a second tree, which a node never has.
        let _ = self.0.root.set(root);
    }

    pub fn root(&self) -> Result<SupervisorRef, AdminError> {
        self.0.root.get().cloned().ok_or(AdminError::NotFound)
    }

    /// Kept up with the supervision events.
    pub fn note(&self, event: &SupervisionEvent) {
        let change = match event.what {
            What::Quarantined { .. } => true,
            What::Spawned { .. } | What::Stopped { .. } => false,
            _ => return,
        };
        let mut quarantined = self.0.quarantined.write().unwrap_or_else(PoisonError::into_inner);
        if change {
            quarantined.insert(event.child.clone());
        } else {
            quarantined.remove(&event.child);
        }
    }

    /// The supervisor at a path of ids below the root.
    pub async fn supervisor(&self, path: &str) -> Result<SupervisorRef, AdminError> {
        let known = {
            let supervisors = self.0.supervisors.lock().unwrap_or_else(PoisonError::into_inner);
            supervisors.get(path).cloned()
        };
        if let Some(known) = known.filter(|known| known.cell().get_status() == ActorStatus::Running)
        {
            return Ok(known);
        }
        let mut supervisor = self.root()?;
        for id in path.split('/').filter(|id| !id.is_empty()) {
            supervisor = supervisor.child_supervisor(id).await?;
        }
        let mut supervisors = self.0.supervisors.lock().unwrap_or_else(PoisonError::into_inner);
        supervisors.insert(path.to_owned(), supervisor.clone());
        Ok(supervisor)
    }
}

/// Where a child stands in the tree: its supervisor's path, and its id.
fn place(child: Child) -> (String, String) {
    match child {
        Child::Entity(partition, entity) => {
            let crowd = match entity {
                EntityId::Home | EntityId::Football => String::new(),
                EntityId::Account(_) => format!("/accounts-{partition}"),
                EntityId::Market(_) => format!("/markets-{partition}"),
            };
            (format!("partitions/partition-{partition}{crowd}"), entity.to_string())
        }
        Child::Session(_) | Child::Stream(_) => ("sessions".into(), address(child).to_string()),
        Child::Replay(_) | Child::Stadium(_) | Child::Pull(_) => {
            ("feeds".into(), address(child).to_string())
        }
        Child::Ratings(_) | Child::Fixture(_) => ("fixtures".into(), address(child).to_string()),
        Child::Port(_) => ("ports".into(), address(child).to_string()),
        Child::Maker(_) | Child::Quoter(..) | Child::Trader(_) => {
            ("strategies".into(), address(child).to_string())
        }
    }
}

fn kind(child: Child) -> &'static str {
    address(child).kind()
}

fn address(child: Child) -> Address {
    match child {
        Child::Entity(partition, entity) => Address::Entity(partition, entity),
        Child::Session(session) => Address::Session(session),
        Child::Stream(n) => Address::Stream(n),
        Child::Replay(n) => Address::Replay(n),
        Child::Stadium(n) => Address::Stadium(n),
        Child::Ratings(competition) => Address::Ratings(competition),
        Child::Fixture(fixture) => Address::Fixture(fixture),
        Child::Port(n) => Address::Port(n),
        Child::Pull(n) => Address::Pull(n),
        Child::Maker(n) => Address::Maker(n),
        Child::Quoter(maker, event) => Address::Quoter(maker, event),
        Child::Trader(n) => Address::Trader(n),
    }
}
