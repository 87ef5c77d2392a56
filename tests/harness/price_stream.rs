//! A reader of `/v1/pricing/stream`: keeps the prices of each match as it is told of them.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::stream::Frames;
use super::{DEADLINE, Node};

pub(crate) struct PriceStream {
    wire: Frames,
    came: Vec<u8>,
    /// Of each match, by its id: the prices of its selections.
    pub(crate) prices: BTreeMap<u64, Vec<Value>>,
}

impl PriceStream {
    pub(crate) fn open(node: &Node) -> PriceStream {
        let socket = TcpStream::connect(node.http).expect("the node listens");
        socket.set_nodelay(true).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let wire = Frames::open(socket, node.http, "/v1/pricing/stream");
        PriceStream { wire, came: Vec::new(), prices: BTreeMap::new() }
    }

    pub(crate) fn subscribe(&mut self, matches: &[u64]) {
        self.send(&json!({"op": "subscribe", "matches": matches}));
    }

    pub(crate) fn send(&mut self, message: &Value) {
        self.wire.write_all(format!("{message}\n").as_bytes()).unwrap();
    }

    /// The next message, with what it says of prices kept.
    pub(crate) fn next(&mut self) -> Value {
        let end = Instant::now() + DEADLINE;
        let line = loop {
            if let Some(at) = self.came.iter().position(|byte| *byte == b'\n') {
                break self.came.drain(..=at).collect::<Vec<u8>>();
            }
            assert!(Instant::now() < end, "nothing came in {DEADLINE:?}");
            let mut buffer = [0; 16 << 10];
            match self.wire.read(&mut buffer) {
                Ok(0) => panic!("closed"),
                Ok(read) => self.came.extend_from_slice(&buffer[..read]),
                Err(error) => assert!(
                    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
                    "{error}"
                ),
            }
        };
        let message: Value = serde_json::from_slice(&line).expect("JSON");
        let id = message["match"]["id"].as_u64();
        match message["op"].as_str() {
            Some("book") => {
                let prices = message["prices"].as_array().expect("prices").clone();
                self.prices.insert(id.expect("whose"), prices);
            }
            Some("change") => {
                let prices = self.prices.get_mut(&id.expect("whose")).expect("a book came before");
                for change in message["changes"].as_array().expect("changes") {
                    let at = change[0].as_u64().and_then(|at| usize::try_from(at).ok());
                    prices[at.expect("a place")] = change[1].clone();
                }
            }
            _ => {}
        }
        message
    }
}
