//! Bytes of a client to messages: pure, whatever way the bytes are cut.
//!
//! Owns the frame in progress and the message in progress, both within their bounds: a message is refused
//! at the head that makes it too long, before a byte of that frame is kept. Payloads are unmasked where they
//! land, and all messages of one read share one buffer; with nothing in progress nothing is held.

use super::frame::{CONTROL_BYTES_MAX, CloseCode, Kind, Opcode};

/// Fragments of one message at most: empty ones cost no length, and could go on for ever.
const FRAGMENTS_MAX: u32 = 1_024;
/// Two bytes, a length of eight, a mask of four.
const HEAD_BYTES_MAX: usize = 14;

/// What a client did that no client may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Frames of a client are masked.
    #[error("the frame is not masked")]
    NotMasked,
    /// No extension was agreed on.
    #[error("reserved bits are set")]
    ReservedBits,
    /// Opcodes 3 to 7 and 11 to 15 mean nothing.
    #[error("unknown opcode {0}")]
    UnknownOpcode(u8),
    /// Control frames are whole and short.
    #[error("a control frame is fragmented or longer than 125 bytes")]
    BadControl,
    /// A length is written in the shortest form.
    #[error("the length is not written in its shortest form")]
    LongLength,
    /// A continuation of nothing.
    #[error("a continuation without a beginning")]
    NothingToContinue,
    /// A new message inside another.
    #[error("a message begins inside another")]
    Unfinished,
    /// Past `Rules::message_bytes_max`.
    #[error("the message is longer than {max} bytes")]
    TooBig {
        /// The bound.
        max: usize,
    },
    /// Past [`FRAGMENTS_MAX`].
    #[error("the message is in too many fragments")]
    TooManyFragments,
    /// Text must be UTF-8.
    #[error("the text is not UTF-8")]
    NotText,
    /// A close frame with one byte, a reserved code or a reason that is not text.
    #[error("a bad close frame")]
    BadClose,
    /// Past `Rules::control_frames_max`.
    #[error("too many control frames")]
    ControlFlood,
}

impl Violation {
    /// The code that the connection is closed with.
    pub fn close_code(self) -> CloseCode {
        match self {
            Violation::TooBig { .. } => CloseCode::TOO_BIG,
            Violation::NotText => CloseCode::NOT_TEXT,
            Violation::TooManyFragments | Violation::ControlFlood => CloseCode::POLICY,
            _ => CloseCode::PROTOCOL,
        }
    }
}

/// A client's message. Text is UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// Text or binary.
    pub kind: Kind,
    /// Its whole payload.
    pub bytes: &'a [u8],
}

/// Whole messages that came together, in order; they share one buffer.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Batch {
    bytes: Vec<u8>,
    /// What each is and where it ends.
    messages: Vec<(Kind, usize)>,
}

impl Batch {
    /// The messages, in the order they came.
    pub fn iter(&self) -> impl Iterator<Item = Message<'_>> {
        let mut start = 0;
        self.messages.iter().map(move |&(kind, end)| {
            let bytes = &self.bytes[start..end];
            start = end;
            Message { kind, bytes }
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }
}

/// A control frame's payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Short {
    bytes: [u8; CONTROL_BYTES_MAX],
    len: u8,
}

impl Short {
    const EMPTY: Short = Short { bytes: [0; CONTROL_BYTES_MAX], len: 0 };

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    fn push(&mut self, piece: &[u8]) {
        let start = usize::from(self.len);
        let end = start + piece.len();
        self.bytes[start..end].copy_from_slice(piece);
        // A control frame is at most 125 bytes long, which its head was refused for otherwise.
        self.len = end as u8;
    }
}

/// The state between two reads.
#[derive(Debug)]
pub(super) struct Decoder {
    message_bytes_max: usize,
    head: [u8; HEAD_BYTES_MAX],
    head_len: usize,
    /// The frame whose payload is coming.
    frame: Option<Coming>,
    /// The message whose fragments are coming: its kind, and how many came.
    message: Option<(Kind, u32)>,
    /// Where the message in progress begins in `batch.bytes`.
    start: usize,
    batch: Batch,
    control: Box<Short>,
    /// The last ping that was not answered yet.
    ping: Option<Box<Short>>,
    controls: u32,
    closed: Option<CloseCode>,
}

#[derive(Debug, Clone, Copy)]
struct Coming {
    opcode: Opcode,
    last: bool,
    mask: [u8; 4],
    /// Bytes of the payload that came.
    came: usize,
    left: usize,
}

impl Decoder {
    pub(super) fn new(message_bytes_max: usize) -> Decoder {
        Decoder {
            message_bytes_max,
            head: [0; HEAD_BYTES_MAX],
            head_len: 0,
            frame: None,
            message: None,
            start: 0,
            batch: Batch::default(),
            control: Box::new(Short::EMPTY),
            ping: None,
            controls: 0,
            closed: None,
        }
    }

    /// Takes bytes as they came. Behind a close frame nothing is looked at.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        let mut rest = bytes;
        while !rest.is_empty() && self.closed.is_none() {
            match self.frame.take() {
                None => rest = self.feed_head(rest)?,
                Some(frame) => rest = self.feed_payload(frame, rest)?,
            }
        }
        Ok(())
    }

    /// The whole messages so far; one in progress stays.
    pub(super) fn take(&mut self) -> Batch {
        let unfinished = self.batch.bytes.split_off(self.start);
        self.start = 0;
        let whole = std::mem::take(&mut self.batch);
        self.batch.bytes = unfinished;
        whole
    }

    pub(super) fn has_messages(&self) -> bool {
        !self.batch.is_empty()
    }

    /// The last ping, once.
    pub(super) fn take_ping(&mut self) -> Option<Box<Short>> {
        self.ping.take()
    }

    /// Control frames since they were forgotten last.
    pub(super) fn controls(&self) -> u32 {
        self.controls
    }

    pub(super) fn forget_controls(&mut self) {
        self.controls = 0;
    }

    /// The peer has closed; without a code it is 1000.
    pub(super) fn closed(&self) -> Option<CloseCode> {
        self.closed
    }

    fn feed_head<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], Violation> {
        // Two bytes say how long the head is; a head that is wrong by them is not waited for.
        let bytes = self.fill_head(bytes, 2);
        if self.head_len < 2 {
            return Ok(bytes);
        }
        self.look_at_head()?;
        let whole = self.head_bytes();
        let bytes = self.fill_head(bytes, whole);
        if self.head_len < whole {
            return Ok(bytes);
        }
        let frame = self.begin()?;
        self.head_len = 0;
        match frame.left {
            0 => self.finish(frame)?,
            _ => self.frame = Some(frame),
        }
        Ok(bytes)
    }

    /// Fills the head up to `want` bytes as far as `bytes` go; what is left of them.
    fn fill_head<'b>(&mut self, bytes: &'b [u8], want: usize) -> &'b [u8] {
        let (piece, rest) = bytes.split_at(want.saturating_sub(self.head_len).min(bytes.len()));
        self.head[self.head_len..self.head_len + piece.len()].copy_from_slice(piece);
        self.head_len += piece.len();
        rest
    }

    fn head_bytes(&self) -> usize {
        let length = match self.head[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        2 + length + 4
    }

    fn look_at_head(&self) -> Result<(), Violation> {
        let [first, second, ..] = self.head;
        if first & 0x70 != 0 {
            return Err(Violation::ReservedBits);
        }
        let bits = first & 0x0f;
        let opcode = Opcode::of(bits).ok_or(Violation::UnknownOpcode(bits))?;
        if second & 0x80 == 0 {
            return Err(Violation::NotMasked);
        }
        let last = first & 0x80 != 0;
        let long = usize::from(second & 0x7f) > CONTROL_BYTES_MAX;
        match opcode {
            control if control.is_control() && (!last || long) => Err(Violation::BadControl),
            Opcode::Continuation if self.message.is_none() => Err(Violation::NothingToContinue),
            Opcode::Text | Opcode::Binary if self.message.is_some() => Err(Violation::Unfinished),
            _ => Ok(()),
        }
    }

    /// A complete head, whose first two bytes were looked at.
    fn begin(&mut self) -> Result<Coming, Violation> {
        let opcode = Opcode::of(self.head[0] & 0x0f).expect("looked at with the first two bytes");
        let head = &self.head[..self.head_len];
        let (length, mask) = head[2..].split_at(self.head_len - 6);
        let mask = mask.try_into().expect("four bytes are left of the head");
        let length = match length {
            [] => u64::from(head[1] & 0x7f),
            &[a, b] => u64::from(u16::from_be_bytes([a, b])),
            long => u64::from_be_bytes(long.try_into().expect("a length of eight bytes")),
        };
        let shortest = match self.head_len {
            6 => true,
            8 => length > 125,
            _ => length > 0xffff,
        };
        if !shortest {
            return Err(Violation::LongLength);
        }
        if opcode.is_control() {
            self.controls = self.controls.saturating_add(1);
            *self.control = Short::EMPTY;
        } else {
            let so_far = self.batch.bytes.len() - self.start;
            let max = self.message_bytes_max;
            if length > (max - so_far) as u64 {
                return Err(Violation::TooBig { max });
            }
            let begun = match (opcode, self.message) {
                (Opcode::Continuation, Some((kind, fragments))) => (kind, fragments + 1),
                (Opcode::Text, _) => (Kind::Text, 1),
                _ => (Kind::Binary, 1),
            };
            if begun.1 > FRAGMENTS_MAX {
                return Err(Violation::TooManyFragments);
            }
            self.message = Some(begun);
        }
        let last = self.head[0] & 0x80 != 0;
        // Within `message_bytes_max`, so it fits.
        Ok(Coming { opcode, last, mask, came: 0, left: length as usize })
    }

    fn feed_payload<'b>(
        &mut self,
        mut frame: Coming,
        bytes: &'b [u8],
    ) -> Result<&'b [u8], Violation> {
        let (piece, rest) = bytes.split_at(frame.left.min(bytes.len()));
        if frame.opcode.is_control() {
            let mut unmasked = [0; CONTROL_BYTES_MAX];
            let unmasked = &mut unmasked[..piece.len()];
            unmasked.copy_from_slice(piece);
            unmask(unmasked, frame.mask, frame.came);
            self.control.push(unmasked);
        } else {
            let start = self.batch.bytes.len();
            self.batch.bytes.extend_from_slice(piece);
            unmask(&mut self.batch.bytes[start..], frame.mask, frame.came);
        }
        frame.came += piece.len();
        frame.left -= piece.len();
        match frame.left {
            0 => self.finish(frame)?,
            _ => self.frame = Some(frame),
        }
        Ok(rest)
    }

    /// A frame is complete.
    fn finish(&mut self, frame: Coming) -> Result<(), Violation> {
        match frame.opcode {
            Opcode::Ping => self.ping = Some(self.control.clone()),
            Opcode::Pong => {}
            Opcode::Close => self.closed = Some(close_code(self.control.bytes())?),
            Opcode::Continuation | Opcode::Text | Opcode::Binary if frame.last => {
                let (kind, _) = self.message.take().expect("begun with its first frame");
                let end = self.batch.bytes.len();
                let message = &self.batch.bytes[self.start..end];
                if kind == Kind::Text && std::str::from_utf8(message).is_err() {
                    return Err(Violation::NotText);
                }
                self.batch.messages.push((kind, end));
                self.start = end;
            }
            Opcode::Continuation | Opcode::Text | Opcode::Binary => {}
        }
        Ok(())
    }
}

fn close_code(payload: &[u8]) -> Result<CloseCode, Violation> {
    match payload {
        [] => Ok(CloseCode::NORMAL),
        [a, b, reason @ ..] => {
            let code = CloseCode(u16::from_be_bytes([*a, *b]));
            let text = std::str::from_utf8(reason).is_ok();
            if code.is_allowed() && text { Ok(code) } else { Err(Violation::BadClose) }
        }
        [_] => Err(Violation::BadClose),
    }
}

/// Takes the mask off a piece of a payload that begins `at` bytes into it.
fn unmask(bytes: &mut [u8], mask: [u8; 4], at: usize) {
    let mut turned = mask;
    turned.rotate_left(at % 4);
    let [a, b, c, d] = turned;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let mut words = bytes.chunks_exact_mut(8);
    for word in &mut words {
        let plain = u64::from_ne_bytes(word.try_into().expect("eight bytes")) ^ wide;
        word.copy_from_slice(&plain.to_ne_bytes());
    }
    for (byte, mask) in words.into_remainder().iter_mut().zip(turned.iter().cycle()) {
        *byte ^= mask;
    }
}
