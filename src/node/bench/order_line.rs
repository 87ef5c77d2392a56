//! One connection that orders go over: the node's `/v1/orders`, or the peer's TCP with packets.
//!
//! The cheapest client of both: orders are written before the clock starts but for their id, what is sent
//! together goes out in one write, and of an answer no more is read than its id and whether the bet was
//! taken. Masks of the WebSocket are zero, which the protocol allows and spares the work.

use super::exchange::Login;
use anyhow::{Context, ensure};
use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A back or a lay on the first runner of a market.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order {
    /// The market's place in the list.
    pub(super) place: u16,
    pub(super) market: u64,
    pub(super) selection: u64,
    pub(super) backs: bool,
    /// Hundredths.
    pub(super) price: u16,
    pub(super) pence: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// WebSocket frames of MessagePack.
    Orders,
    /// Four bytes of length, then fields of fixed width.
    Packets,
}

/// What was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) id: u64,
    pub(super) taken: bool,
}

#[derive(Debug)]
pub(super) struct OrderLine {
    stream: TcpStream,
    protocol: Protocol,
    out: Vec<u8>,
    read: Vec<u8>,
    /// Of `read`, this much is dealt with.
    dealt: usize,
}

impl OrderLine {
    /// A connection to the node, logged in.
    pub(super) async fn to_node(address: SocketAddr, login: &Login) -> anyhow::Result<OrderLine> {
        let mut line = OrderLine::open(address, Protocol::Orders).await?;
        let request = format!(
            "GET /v1/orders HTTP/1.1\r\nHost: laybook\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             X-Application: {}\r\nX-Authentication: {}\r\n\r\n",
            login.app_key, login.token
        );
        line.stream.write_all(request.as_bytes()).await?;
        let head = loop {
            line.fill().await?;
            if let Some(end) = super::client::find(&line.read, b"\r\n\r\n") {
                break end + 4;
            }
        };
        ensure!(line.read.starts_with(b"HTTP/1.1 101 "), "the node opened no order channel");
        line.dealt = head;
        // `[5, nil, credits]`
        let welcome = loop {
            if let Some((start, end)) = line.payload()? {
                break line.read[start..end].to_vec();
            }
            line.fill().await?;
        };
        ensure!(welcome.starts_with(&[0x93, 5]), "the node did not take the login: {welcome:?}");
        Ok(line)
    }

    /// A connection to the peer.
    pub(super) async fn to_peer(address: SocketAddr) -> anyhow::Result<OrderLine> {
        OrderLine::open(address, Protocol::Packets).await
    }

    async fn open(address: SocketAddr, protocol: Protocol) -> anyhow::Result<OrderLine> {
        let stream = TcpStream::connect(address).await.context("cannot be reached")?;
        stream.set_nodelay(true)?;
        Ok(OrderLine { stream, protocol, out: Vec::new(), read: Vec::new(), dealt: 0 })
    }

    /// Written with the next [`flush`](Self::flush).
    pub(super) fn put(&mut self, id: u64, order: &Order) {
        let out = &mut self.out;
        match self.protocol {
            Protocol::Orders => {
                out.extend([0x82, 0, 0, 0, 0, 0]);
                let start = out.len();
                out.extend([0x97, 1]);
                integer(id, out);
                integer(order.market, out);
                integer(order.selection, out);
                integer(u64::from(!order.backs), out);
                integer(order.price.into(), out);
                integer(order.pence.into(), out);
                // Seven integers are at most 57 bytes long.
                let length = (out.len() - start) as u8;
                out[start - 5] = 0x80 | length;
            }
            Protocol::Packets => {
                out.extend(17u32.to_be_bytes());
                out.extend(id.to_be_bytes());
                out.extend(order.place.to_be_bytes());
                out.push(u8::from(!order.backs));
                out.extend(order.price.to_be_bytes());
                out.extend(order.pence.to_be_bytes());
            }
        }
    }

    pub(super) async fn flush(&mut self) -> io::Result<()> {
        self.stream.write_all(&self.out).await?;
        self.out.clear();
        Ok(())
    }

    /// Whatever has been answered, at least one. May be dropped while it waits.
    pub(super) async fn answers(&mut self, into: &mut Vec<Answer>) -> io::Result<()> {
        loop {
            while let Some((start, end)) = self.payload()? {
                into.push(self.answer(&self.read[start..end])?);
            }
            if !into.is_empty() {
                return Ok(());
            }
            self.fill().await?;
        }
    }

    fn answer(&self, payload: &[u8]) -> io::Result<Answer> {
        let answer = match (self.protocol, payload) {
            (Protocol::Packets, [id @ .., taken, _, _, _, _, _, _, _, _, _, _, _, _]) => id
                .try_into()
                .ok()
                .map(|id| Answer { id: u64::from_be_bytes(id), taken: *taken == 1 }),
            (Protocol::Orders, [_, kind, rest @ ..]) => {
                read_integer(rest).map(|id| Answer { id, taken: *kind == 1 })
            }
            _ => None,
        };
        answer.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "an answer of no kind"))
    }

    /// Where the next whole payload lies, pings and pongs left out.
    fn payload(&mut self) -> io::Result<Option<(usize, usize)>> {
        loop {
            let held = &self.read[self.dealt..];
            let (skip, length, counts) = match self.protocol {
                Protocol::Packets => match held.first_chunk::<4>() {
                    Some(length) => (4, u32::from_be_bytes(*length) as usize, true),
                    None => return Ok(None),
                },
                Protocol::Orders => match held {
                    [0x82, 126, a, b, ..] => (4, usize::from(u16::from_be_bytes([*a, *b])), true),
                    [0x82, length @ 0..=125, ..] => (2, usize::from(*length), true),
                    [0x89 | 0x8a, length @ 0..=125, ..] => (2, usize::from(*length), false),
                    [0x88, ..] => return Err(io::ErrorKind::ConnectionAborted.into()),
                    [] | [_] | [0x82, 126, ..] => return Ok(None),
                    _ => return Err(io::ErrorKind::InvalidData.into()),
                },
            };
            if held.len() < skip + length {
                return Ok(None);
            }
            let start = self.dealt + skip;
            self.dealt = start + length;
            if counts {
                return Ok(Some((start, start + length)));
            }
        }
    }

    async fn fill(&mut self) -> io::Result<()> {
        if self.dealt > 0 {
            self.read.drain(..self.dealt);
            self.dealt = 0;
        }
        if self.read.capacity() - self.read.len() < 4 << 10 {
            self.read.reserve(16 << 10);
        }
        match self.stream.read_buf(&mut self.read).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

fn integer(value: u64, out: &mut Vec<u8>) {
    match value {
        0..=0x7f => out.push(value as u8),
        0x80..=0xffff => {
            out.push(0xcd);
            out.extend((value as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            out.push(0xce);
            out.extend((value as u32).to_be_bytes());
        }
        _ => {
            out.push(0xcf);
            out.extend(value.to_be_bytes());
        }
    }
}

fn read_integer(bytes: &[u8]) -> Option<u64> {
    let (kind, rest) = bytes.split_first()?;
    Some(match kind {
        small @ 0..=0x7f => u64::from(*small),
        0xcc => u64::from(*rest.first()?),
        0xcd => u64::from(u16::from_be_bytes(*rest.first_chunk()?)),
        0xce => u64::from(u32::from_be_bytes(*rest.first_chunk()?)),
        0xcf => u64::from_be_bytes(*rest.first_chunk()?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// What comes out of a line whose other end writes these pieces.
    async fn answers(protocol: Protocol, pieces: Vec<Vec<u8>>) -> Vec<Answer> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let writing = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            for piece in pieces {
                stream.write_all(&piece).await.unwrap();
            }
        };
        let reading = async {
            let mut line = OrderLine::open(address, protocol).await.unwrap();
            let (mut all, mut some) = (Vec::new(), Vec::new());
            while line.answers(&mut some).await.is_ok() {
                all.append(&mut some);
            }
            all
        };
        tokio::join!(writing, reading).1
    }

    #[tokio::test]
    async fn answers_of_both_protocols_are_read_however_they_are_cut() {
        let two = [Answer { id: 5, taken: true }, Answer { id: 70_000, taken: false }];
        let frames =
            [&[0x82, 3, 0x97, 1, 5][..], &[0x89, 0], &[0x82, 7, 0x95, 0, 0xce, 0, 1, 0x11, 0x70]]
                .concat();
        let packet = |id: u64, taken| {
            [&21u32.to_be_bytes()[..], &id.to_be_bytes(), &[taken], &[0; 12]].concat()
        };
        let packets = [packet(5, 1), packet(70_000, 0)].concat();
        for (protocol, bytes) in [(Protocol::Orders, frames), (Protocol::Packets, packets)] {
            assert_eq!(answers(protocol, vec![bytes.clone()]).await, two);
            let single = bytes.iter().map(|byte| vec![*byte]).collect();
            assert_eq!(answers(protocol, single).await, two);
        }
    }
}
