//! The actor around an accept loop: what the tree supervises of a door.
//!
//! Owns     the loop and its connections, as tasks that die with it. The listening socket is the process's,
//!          so a restart loses no one who waits in its backlog, and a port chosen by the system stays.
//! Started  by `doors`, last of the tree, from a spec that the node hands in.
//! Asks     nobody: routes speak to the exchange.
//! Crash    connections are cut; clients connect again and ask what became of their requests.
//! Bounds   those of [`Limits`].

use std::io;
use std::net::{SocketAddr, TcpListener as Socket};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use actors::registry::Address;
use actors::shell::{Behaviour, Context, Fault, Named};
use hyper_util::service::TowerToHyperService;
use serde_json::json;
use supervision::TaskSet;
use tokio::net::TcpListener;
use warp::filters::BoxedFilter;

use crate::rejection;

use super::{ConnectionTask, Counts, Drain, Limits, NoRoom, Spawn, serve};

/// A door as the node hands it in.
#[derive(Clone)]
pub struct HttpDoor {
    /// Its name in the tree.
    pub name: &'static str,
    /// Bound once, for all incarnations.
    pub socket: Arc<Socket>,
    /// What is served.
    pub routes: BoxedFilter<(warp::reply::Response,)>,
    /// What every connection may do.
    pub limits: Limits,
    /// Counts on over restarts.
    pub counts: Arc<Counts>,
    /// Tells it to let go in order.
    pub drain: Drain,
}

/// What the system keeps of what a peer does not read, a connection. Left to itself it keeps up to 4 MiB, and
/// a thousand readers that never read would hold gigabytes that no bound of ours sees.
const SEND_BUFFER: usize = 256 << 10;

/// Binds a listener; port 0 lets the system choose.
pub fn bind(address: SocketAddr) -> io::Result<Arc<Socket>> {
    let socket = Socket::bind(address)?;
    socket.set_nonblocking(true)?;
    // Who is accepted has it from the listener.
    rustix::net::sockopt::set_socket_send_buffer_size(&socket, SEND_BUFFER)?;
    Ok(Arc::new(socket))
}

/// The accept loop has come to an end.
#[derive(Debug)]
pub struct Ended;

impl Named for Ended {
    fn name(&self) -> &'static str {
        "ended"
    }
}

/// The running door.
pub struct DoorActor {
    door: HttpDoor,
    accepting: TaskSet,
}

impl Behaviour for DoorActor {
    type Args = HttpDoor;
    type Message = Ended;
    const KIND: &'static str = "door";

    fn address(door: &HttpDoor) -> Address {
        Address::Door(door.name)
    }

    fn start(door: HttpDoor, _: &Context<Ended>) -> Result<Self, Fault> {
        Ok(DoorActor { door, accepting: TaskSet::new("accept", 1) })
    }

    fn started(&mut self, context: &mut Context<Ended>) -> Result<(), Fault> {
        let fault = |error: io::Error| Fault(error.to_string());
        let listener = self.door.socket.try_clone().map_err(fault)?;
        let listener = TcpListener::from_std(listener).map_err(fault)?;
        let routes = rejection::complete(self.door.routes.clone());
        let service = TowerToHyperService::new(warp::service(routes));
        let connections = Connections(TaskSet::new(self.door.name, self.door.limits.connections));
        let (limits, counts) = (self.door.limits.clone(), self.door.counts.clone());
        let (drain, me) = (self.door.drain.clone(), context.me.clone());
        let accepting = async move {
            serve(listener, service, limits, counts, connections, drain).await;
            // A door that has gone meanwhile needs no word.
            let _ = me.send(Ended);
        };
        self.accepting.spawn(accepting).map_err(|full| Fault(full.to_string()))
    }

    fn handle(&mut self, Ended: Ended, _: &mut Context<Ended>) -> Result<(), Fault> {
        if self.door.drain.has_begun() {
            // Empty and closed: it waits to be stopped with its tree.
            return Ok(());
        }
        Err(Fault::new("the accept loop ended"))
    }

    fn observe(&self) -> serde_json::Value {
        let counts = &self.door.counts;
        json!({
            "accepted": counts.accepted.load(Relaxed),
            "refused": counts.refused.load(Relaxed),
            "requests": counts.requests.load(Relaxed),
            "cut": counts.cut.load(Relaxed),
        })
    }
}

struct Connections(TaskSet);

impl Spawn for Connections {
    fn spawn(&mut self, task: ConnectionTask) -> Result<(), NoRoom> {
        self.0.spawn(task).map_err(|_| NoRoom)
    }
}
