//! One connection's task: lines to its session, chunks from it, at the pace of the other side.
//!
//! Owns     the transport. It dies with the door; its session hears of the end, and it of its session's.
//! Bounds   `CHUNKS_MAX` chunks wait to be written; the session stops telling when there is no room. `LINES_MAX`
//!          lines wait to be handled; then nothing more is read. A write that takes `WRITE_WITHIN` is the end.

use std::sync::Arc;
use std::time::Duration;

use actors::mailbox::Mailbox;
use actors::node::Child;
use actors::registry::Address;
use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

use super::Service;
use super::session::{Attached, StreamMsg};
use super::status::{self, ErrorCode, Failure};
use super::transport::{Came, Chunk, Transport};

const CHUNKS_MAX: usize = 16;
const LINES_MAX: usize = 8;
/// How long the session may take to be there.
const SESSION_WITHIN: Duration = Duration::from_secs(5);
/// A reader that takes nothing for so long is let go.
const WRITE_WITHIN: Duration = Duration::from_secs(20);
/// How long the last words may take.
const LAST_WITHIN: Duration = Duration::from_secs(2);

/// Talks until either side ends.
pub(super) async fn serve(service: Arc<Service>, mut transport: impl Transport) {
    let number = service.next_connection();
    let connection_id = format!("laybook-{:08x}-{number}", service.log as u32);
    let Some(session) = begin(&service, number).await else {
        let why = Failure::new(ErrorCode::ConnectionFailed, "the node is too busy for a session");
        last(&mut transport, status::failure(None, &connection_id, &why)).await;
        return;
    };
    let (out, mut chunks) = mpsc::channel(CHUNKS_MAX);
    let attached = Attached { out, connection_id: connection_id.clone().into() };
    if session.send(StreamMsg::Attach(attached)).is_ok() {
        talk(&service, &session, &mut transport, &mut chunks, &connection_id).await;
    }
    let _ = session.send(StreamMsg::Gone);
    let _ = timeout(LAST_WITHIN, transport.close()).await;
}

/// Starts the session and waits for it to be there.
async fn begin(service: &Service, number: u64) -> Option<Mailbox<StreamMsg>> {
    let address = Address::Stream(number);
    service.node.nursery().start(Child::Stream(number));
    service.node.registry.arrival(address, None, SESSION_WITHIN).await
}

async fn talk(
    service: &Service,
    session: &Mailbox<StreamMsg>,
    transport: &mut impl Transport,
    chunks: &mut mpsc::Receiver<Chunk>,
    connection_id: &str,
) {
    let lines = Arc::new(Semaphore::new(LINES_MAX));
    let mut reading = true;
    let mut stopping = std::pin::pin!(service.drain.clone().begun());
    loop {
        let next = async {
            // Never closed; without a permit nothing is read.
            let permit = lines.clone().acquire_owned().await.ok();
            (transport.next().await, permit)
        };
        tokio::select! {
            chunk = chunks.recv() => {
                let Some(chunk) = chunk else {
                    let why = "the session of this connection failed: come back with your clk";
                    let why = Failure::new(ErrorCode::UnexpectedError, why);
                    return last(transport, status::failure(None, connection_id, &why)).await;
                };
                match timeout(WRITE_WITHIN, transport.write(&chunk)).await {
                    Ok(Ok(())) if !chunk.last => {}
                    _ => return,
                }
            }
            () = &mut stopping => {
                let why = Failure::new(ErrorCode::ConnectionFailed, "the node is being stopped");
                return last(transport, status::failure(None, connection_id, &why)).await;
            }
            (came, permit) = next, if reading => {
                let told = match came {
                    Came::Line(line) => session.send(StreamMsg::Line { line, permit }),
                    Came::TooLong => {
                        reading = false;
                        session.send(StreamMsg::TooLong)
                    }
                    Came::End => return,
                };
                // A session that has gone is told of by the end of its chunks.
                reading &= told.is_ok();
            }
        }
    }
}

/// The last words, if they are taken.
async fn last(transport: &mut impl Transport, line: Vec<u8>) {
    let chunk = Chunk { pieces: vec![Bytes::from(line)], last: true };
    let _ = timeout(LAST_WITHIN, transport.write(&chunk)).await;
}
