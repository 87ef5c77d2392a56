//! Frames as this side writes them, and the codes a connection ends with (RFC 6455, 5 and 7.4).
//!
//! A server's frames are not masked, so a frame that many subscribers get is encoded once and its bytes are
//! shared. Nothing here is fragmented: a message is made whole before it is sent.

use bytes::Bytes;

/// The longest head that this side writes: two bytes and a length of eight.
const HEAD_BYTES_MAX: usize = 10;
/// The longest payload of a control frame.
pub(super) const CONTROL_BYTES_MAX: usize = 125;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

impl Opcode {
    pub(super) fn of(bits: u8) -> Option<Opcode> {
        Some(match bits {
            0 => Opcode::Continuation,
            1 => Opcode::Text,
            2 => Opcode::Binary,
            8 => Opcode::Close,
            9 => Opcode::Ping,
            10 => Opcode::Pong,
            _ => return None,
        })
    }

    pub(super) fn is_control(self) -> bool {
        self as u8 >= 8
    }
}

/// A data message is one or the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8, checked.
    Text,
    /// Anything.
    Binary,
}

impl From<Kind> for Opcode {
    fn from(kind: Kind) -> Opcode {
        match kind {
            Kind::Text => Opcode::Text,
            Kind::Binary => Opcode::Binary,
        }
    }
}

/// A whole message as it goes over the wire. Clones share its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame(Bytes);

impl Frame {
    /// A text message.
    pub fn text(text: &str) -> Frame {
        Frame::of(Opcode::Text, text.as_bytes())
    }

    /// A binary message.
    pub fn binary(payload: &[u8]) -> Frame {
        Frame::of(Opcode::Binary, payload)
    }

    fn of(opcode: Opcode, payload: &[u8]) -> Frame {
        let mut bytes = Vec::with_capacity(HEAD_BYTES_MAX + payload.len());
        put(opcode, payload, &mut bytes);
        Frame(bytes.into())
    }

    /// Bytes on the wire, head included.
    pub fn wire(&self) -> &Bytes {
        &self.0
    }
}

/// Appends one whole frame.
pub(super) fn put(opcode: Opcode, payload: &[u8], out: &mut Vec<u8>) {
    out.push(0x80 | opcode as u8);
    match payload.len() {
        // Each arm's length fits what it is written as.
        short @ 0..=125 => out.push(short as u8),
        middle @ 126..=0xffff => {
            out.push(126);
            out.extend_from_slice(&(middle as u16).to_be_bytes());
        }
        long => {
            out.push(127);
            out.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
}

/// Appends a close frame; a reason that is too long is cut.
pub(super) fn put_close(code: CloseCode, reason: &str, out: &mut Vec<u8>) {
    let mut end = reason.len().min(CONTROL_BYTES_MAX - 2);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let payload = [&code.0.to_be_bytes()[..], &reason.as_bytes()[..end]].concat();
    put(Opcode::Close, &payload, out);
}

/// Why a connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CloseCode(pub u16);

impl CloseCode {
    /// Both sides are done.
    pub const NORMAL: CloseCode = CloseCode(1000);
    /// The door is being drained: come back a little later.
    pub const GOING_AWAY: CloseCode = CloseCode(1001);
    /// The frames make no sense.
    pub const PROTOCOL: CloseCode = CloseCode(1002);
    /// Text where only binary is spoken, or the other way round.
    pub const UNSUPPORTED: CloseCode = CloseCode(1003);
    /// Text that is not UTF-8.
    pub const NOT_TEXT: CloseCode = CloseCode(1007);
    /// Against the rules of the channel: not logged in, too many control frames.
    pub const POLICY: CloseCode = CloseCode(1008);
    /// A message longer than the channel takes.
    pub const TOO_BIG: CloseCode = CloseCode(1009);
    /// Something broke on this side.
    pub const INTERNAL: CloseCode = CloseCode(1011);
    /// Too much is asked of the node: come back later.
    pub const TRY_LATER: CloseCode = CloseCode(1013);

    /// Codes that a peer may put into a close frame.
    pub(super) fn is_allowed(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}
