//! The Exchange Stream API's listeners: not built yet, and they say so.
//!
//! Whoever connects is told in the stream's own words that the service is not there, and is let go. The
//! listener is a door like the others, so that ports, flags and the tree are what they will be.

use std::net::TcpListener as Socket;
use std::sync::Arc;
use std::time::Duration;

use actors::registry::Address;
use actors::shell::{Behaviour, Context, Fault};
use serde_json::json;
use supervision::TaskSet;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::door::actor::Ended;

/// A stream listener as the node hands it in.
#[derive(Clone)]
pub struct StreamDoor {
    /// Its name in the tree.
    pub name: &'static str,
    /// Bound once, for all incarnations.
    pub socket: Arc<Socket>,
}

/// What every connection is told.
const NOT_BUILT: &str = concat!(
    r#"{"op":"status","statusCode":"FAILURE","errorCode":"CONNECTION_FAILED","#,
    r#""errorMessage":"the stream is not built yet","connectionClosed":true}"#,
    "\r\n"
);
/// How long a connection may take to be told.
const TOLD_WITHIN: Duration = Duration::from_secs(1);

/// The running listener.
pub struct StreamActor {
    door: StreamDoor,
    accepting: TaskSet,
}

impl Behaviour for StreamActor {
    type Args = StreamDoor;
    type Message = Ended;
    const KIND: &'static str = "door";

    fn address(door: &StreamDoor) -> Address {
        Address::Door(door.name)
    }

    fn start(door: StreamDoor, _: &Context<Ended>) -> Result<Self, Fault> {
        Ok(StreamActor { door, accepting: TaskSet::new("accept", 1) })
    }

    fn started(&mut self, context: &mut Context<Ended>) -> Result<(), Fault> {
        let fault = |error: std::io::Error| Fault(error.to_string());
        let listener = self.door.socket.try_clone().map_err(fault)?;
        let listener = TcpListener::from_std(listener).map_err(fault)?;
        let me = context.me.clone();
        let accepting = async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let tell = stream.write_all(NOT_BUILT.as_bytes());
                // One after the other: nobody is held longer than the others can wait.
                let _ = tokio::time::timeout(TOLD_WITHIN, tell).await;
            }
            let _ = me.send(Ended);
        };
        self.accepting.spawn(accepting).map_err(|full| Fault(full.to_string()))
    }

    fn handle(&mut self, Ended: Ended, _: &mut Context<Ended>) -> Result<(), Fault> {
        Err(Fault::new("the accept loop ended"))
    }

    fn observe(&self) -> serde_json::Value {
        json!({ "built": false })
    }
}
