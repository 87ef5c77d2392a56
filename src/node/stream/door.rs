//! The stream's listeners: TLS and plain TCP.
//!
//! Owns     the accept loop and its connections, as tasks that die with it. The listening socket is the
//!          process's, so a restart loses no one who waits in its backlog.
//! Started  by `doors`, from a spec that the node hands in.
//! Asks     nobody: each connection has a session of its own.
//! Crash    connections are cut; clients come back with their clocks.
//! Bounds   connections in all and by address, as at the other doors; a TLS handshake has `HANDSHAKE_WITHIN`.

use std::net::{SocketAddr, TcpListener as Socket};
use std::sync::Arc;
use std::time::Duration;

use actors::registry::Address;
use actors::shell::{Behaviour, Context, Fault};
use serde_json::json;
use supervision::TaskSet;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::transport::Lines;
use super::{Service, connection};
use crate::door::AddressCaps;
use crate::door::actor::Ended;

/// A stream listener as the node hands it in.
#[derive(Clone)]
pub struct StreamDoor {
    /// Its name in the tree.
    pub name: &'static str,
    /// Bound once, for all incarnations.
    pub socket: Arc<Socket>,
    /// `None`: plain TCP.
    pub tls: Option<TlsAcceptor>,
    /// What its connections share with those of the other doors.
    pub service: Arc<Service>,
    /// Connections in all, and of one address.
    pub connections: usize,
    /// Of one address.
    pub connections_per_address: usize,
}

const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// After an `accept` that failed: most likely no file descriptor is left.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);
/// How long connections may take to say goodbye when the node is stopped.
const DRAIN_WITHIN: Duration = Duration::from_secs(3);

/// The running listener.
pub struct StreamActor {
    door: StreamDoor,
    accepting: TaskSet,
    caps: Arc<AddressCaps>,
}

impl Behaviour for StreamActor {
    type Args = StreamDoor;
    type Message = Ended;
    const KIND: &'static str = "door";

    fn address(door: &StreamDoor) -> Address {
        Address::Door(door.name)
    }

    fn start(door: StreamDoor, _: &Context<Ended>) -> Result<Self, Fault> {
        let caps = AddressCaps::new(door.connections, door.connections_per_address);
        Ok(StreamActor { door, accepting: TaskSet::new("accept", 1), caps })
    }

    fn started(&mut self, context: &mut Context<Ended>) -> Result<(), Fault> {
        let fault = |error: std::io::Error| Fault(error.to_string());
        let listener = self.door.socket.try_clone().map_err(fault)?;
        let listener = TcpListener::from_std(listener).map_err(fault)?;
        let (me, door, caps) = (context.me.clone(), self.door.clone(), self.caps.clone());
        let accepting = async move {
            accept(listener, door, caps).await;
            let _ = me.send(Ended);
        };
        self.accepting.spawn(accepting).map_err(|full| Fault(full.to_string()))
    }

    fn handle(&mut self, Ended: Ended, _: &mut Context<Ended>) -> Result<(), Fault> {
        if self.door.service.drain.has_begun() {
            return Ok(());
        }
        Err(Fault::new("the accept loop ended"))
    }

    fn observe(&self) -> serde_json::Value {
        json!({ "tls": self.door.tls.is_some(), "connections": self.caps.taken() })
    }
}

/// Ends when draining begins and its connections have said goodbye.
async fn accept(listener: TcpListener, door: StreamDoor, caps: Arc<AddressCaps>) {
    let mut connections = TaskSet::new(door.name, door.connections);
    let mut draining = std::pin::pin!(door.service.drain.clone().begun());
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut draining => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, peer)) => {
                // Who finds no seat is let go at once: no task, no handshake.
                if let Some(seat) = caps.take(peer.ip()) {
                    let (tls, service) = (door.tls.clone(), door.service.clone());
                    let _ = connections.spawn(async move {
                        serve(socket, peer, tls, service).await;
                        drop(seat);
                    });
                }
            }
            Err(error) => {
                tracing::warn!(door = door.name, %error, "accept failed");
                tokio::time::sleep(ACCEPT_BACKOFF).await;
            }
        }
    }
    connections.drain(DRAIN_WITHIN).await;
}

async fn serve(
    socket: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    service: Arc<Service>,
) {
    // Lines are small and must not wait for each other.
    let _ = socket.set_nodelay(true);
    let Some(tls) = tls else {
        return connection::serve(service, Lines::new(socket)).await;
    };
    match tokio::time::timeout(HANDSHAKE_WITHIN, tls.accept(socket)).await {
        Ok(Ok(stream)) => connection::serve(service, Lines::new(stream)).await,
        Ok(Err(error)) => tracing::debug!(%peer, %error, "tls handshake failed"),
        Err(_) => tracing::debug!(%peer, "tls handshake took too long"),
    }
}
