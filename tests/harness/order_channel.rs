//! A customer at the binary order channel: messages are JSON arrays here and MessagePack on the wire.
//!
//! Owns its own reading and writing of WebSocket frames, as `message_pack` does of MessagePack, so that it shares no
//! mistake with the node.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use super::message_pack::{pack, unpack};

/// Longer than any answer takes.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// What a WebSocket brings: a whole message, or the code that it was closed with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Heard {
    Message(Value),
    Closed(u16),
}

#[derive(Debug)]
pub(crate) struct OrderChannel {
    stream: TcpStream,
}

/// The status line of the answer to a handshake, and the connection.
pub(crate) fn shake_hands(address: SocketAddr, headers: &[(&str, &str)]) -> (String, TcpStream) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(ANSWER_TIMEOUT)).unwrap();
    let mut request = format!(
        "GET /v1/orders HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    );
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("a whole head");
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    (head.lines().next().unwrap_or_default().to_owned(), stream)
}

impl OrderChannel {
    pub(crate) fn open(address: SocketAddr, headers: &[(&str, &str)]) -> OrderChannel {
        let (status, stream) = shake_hands(address, headers);
        assert!(status.starts_with("HTTP/1.1 101"), "{status}");
        OrderChannel { stream }
    }

    pub(crate) fn send(&mut self, message: &Value) {
        self.send_all(std::slice::from_ref(message));
    }

    /// All of them in one write.
    pub(crate) fn send_all(&mut self, messages: &[Value]) {
        let mut bytes = Vec::new();
        for message in messages {
            let mut packed = Vec::new();
            pack(message, &mut packed);
            frame(0x82, &packed, &mut bytes);
        }
        self.stream.write_all(&bytes).unwrap();
    }

    /// A frame of any opcode and content.
    pub(crate) fn send_frame(&mut self, first: u8, payload: &[u8]) {
        let mut bytes = Vec::new();
        frame(first, payload, &mut bytes);
        self.stream.write_all(&bytes).unwrap();
    }

    pub(crate) fn hear(&mut self) -> Heard {
        loop {
            let mut head = [0; 2];
            self.stream.read_exact(&mut head).expect("a frame");
            let length = match head[1] {
                126 => {
                    let mut length = [0; 2];
                    self.stream.read_exact(&mut length).unwrap();
                    usize::from(u16::from_be_bytes(length))
                }
                127 => panic!("an answer of more than 64 KiB"),
                short => usize::from(short),
            };
            let mut payload = vec![0; length];
            self.stream.read_exact(&mut payload).unwrap();
            match head[0] {
                0x82 => {
                    let mut rest = &payload[..];
                    let message = unpack(&mut rest);
                    assert!(rest.is_empty(), "{message} and more: {rest:?}");
                    return Heard::Message(message);
                }
                0x88 => return Heard::Closed(u16::from_be_bytes([payload[0], payload[1]])),
                0x89 | 0x8a => {}
                other => panic!("a frame of kind {other:x}"),
            }
        }
    }

    pub(crate) fn message(&mut self) -> Value {
        match self.hear() {
            Heard::Message(message) => message,
            Heard::Closed(code) => panic!("closed with {code}"),
        }
    }

    /// The next message to the one sent.
    pub(crate) fn ask(&mut self, message: &Value) -> Value {
        self.send(message);
        self.message()
    }
}

fn frame(first: u8, payload: &[u8], out: &mut Vec<u8>) {
    const MASK: [u8; 4] = [7, 99, 201, 34];
    out.push(first);
    match payload.len() {
        short @ 0..=125 => out.push(0x80 | short as u8),
        long => {
            out.push(0x80 | 126);
            out.extend(u16::try_from(long).expect("no longer").to_be_bytes());
        }
    }
    out.extend(MASK);
    out.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
}
