//! A WebSocket as a client of a benchmark sees it: frames are found and not copied.

use super::client::find;
use anyhow::ensure;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection, and what came of it that was not looked at.
pub(super) struct Reader {
    stream: TcpStream,
    came: Vec<u8>,
}

pub(super) async fn web_socket(address: SocketAddr, path: &str) -> anyhow::Result<Reader> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut reader = Reader { stream, came: Vec::new() };
    let end = loop {
        if let Some(at) = find(&reader.came, b"\r\n\r\n") {
            break at + 4;
        }
        reader.fill().await?;
    };
    ensure!(reader.came.starts_with(b"HTTP/1.1 101"), "no WebSocket there");
    reader.came.drain(..end);
    Ok(reader)
}

impl Reader {
    async fn fill(&mut self) -> anyhow::Result<()> {
        ensure!(self.stream.read_buf(&mut self.came).await? > 0, "the server closed");
        Ok(())
    }

    /// What came and was not looked at.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.came)
    }

    /// Reads on, behind what is there.
    pub(super) async fn fill_into(&mut self, came: &mut Vec<u8>) -> anyhow::Result<()> {
        ensure!(self.stream.read_buf(came).await? > 0, "the server closed");
        Ok(())
    }

    pub(super) async fn send(&mut self, text: &str) -> anyhow::Result<()> {
        let mut frame = vec![0x81];
        match u8::try_from(text.len()) {
            Ok(short @ 0..=125) => frame.push(0x80 | short),
            _ => {
                frame.push(0x80 | 126);
                frame.extend_from_slice(&u16::try_from(text.len())?.to_be_bytes());
            }
        }
        // A mask of zeroes is a mask.
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(text.as_bytes());
        Ok(self.stream.write_all(&frame).await?)
    }

    /// Reads on until a frame holds the text.
    pub(super) async fn until(&mut self, text: &[u8]) -> anyhow::Result<()> {
        loop {
            while let Some((from, to)) = frame(&self.came) {
                let found = find(&self.came[from..to], text).is_some();
                self.came.drain(..to);
                if found {
                    return Ok(());
                }
            }
            self.fill().await?;
        }
    }
}

/// Where the first whole frame's payload begins and ends.
pub(super) fn frame(came: &[u8]) -> Option<(usize, usize)> {
    let (from, length) = match *came.get(1)? & 0x7f {
        126 => (4, usize::from(u16::from_be_bytes([*came.get(2)?, *came.get(3)?]))),
        127 => {
            let bytes: [u8; 8] = came.get(2..10)?.try_into().ok()?;
            (10, usize::try_from(u64::from_be_bytes(bytes)).ok()?)
        }
        short => (2, usize::from(short)),
    };
    (came.len() >= from + length).then_some((from, from + length))
}
