//! The cheapest HTTP/1.1 client that can ask a node: one kept-alive connection, one request at a time.
//!
//! It shares the machine with the node that it measures, so it parses no more than it must: the status, the
//! length, and the body as bytes. Answers without a `Content-Length` are errors; a node sends none.

use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// More than any answer to a request of this program.
const MAX_ANSWER: usize = 64 << 20;

/// A connection and its room for answers.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

/// One answer; its body lies in the connection's room.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    pub(super) body: &'a [u8],
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, read: Vec::with_capacity(16 << 10) })
    }

    /// Sends a whole request, head and body, and waits for the whole answer.
    pub(super) async fn exchange(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.read.clear();
        let head = loop {
            self.fill().await?;
            if let Some(head) = find(&self.read, b"\r\n\r\n") {
                break head + 4;
            }
        };
        let status = status(&self.read).ok_or_else(|| broken("no status line"))?;
        let length = content_length(&self.read[..head]).ok_or_else(|| broken("no length"))?;
        if length > MAX_ANSWER {
            return Err(broken("an answer too long"));
        }
        self.read.reserve((head + length).saturating_sub(self.read.len()));
        while self.read.len() < head + length {
            self.fill().await?;
        }
        Ok(Answer { status, body: &self.read[head..head + length] })
    }

    async fn fill(&mut self) -> io::Result<()> {
        if self.read.len() == self.read.capacity() {
            self.read.reserve(16 << 10);
        }
        match self.stream.read_buf(&mut self.read).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// The request line and headers; `headers` are whole lines.
pub(super) fn head(method: &str, path: &str, headers: &str, length: usize) -> Vec<u8> {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: laybook\r\n{headers}Content-Length: {length}\r\n\r\n"
    )
    .into_bytes()
}

fn status(answer: &[u8]) -> Option<u16> {
    let digits = answer.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn content_length(head: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length:";
    for line in head.split(|byte| *byte == b'\n') {
        if line.len() > NAME.len() && line[..NAME.len()].eq_ignore_ascii_case(NAME) {
            return std::str::from_utf8(&line[NAME.len()..]).ok()?.trim().parse().ok();
        }
    }
    None
}

/// Where `needle` first stands.
pub(super) fn find(text: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    loop {
        from += text.get(from..)?.iter().position(|byte| *byte == first)?;
        if text[from..].starts_with(needle) {
            return Some(from);
        }
        from += 1;
    }
}

/// The text behind the first `"name":"`.
pub(super) fn text_field<'a>(json: &'a [u8], name: &str) -> Option<&'a str> {
    let mut from = 0;
    loop {
        from += find(json.get(from..)?, name.as_bytes())?;
        let rest = &json[from + name.len()..];
        let quoted = from > 0 && json[from - 1] == b'"';
        if let Some(value) = rest.strip_prefix(b"\":\"").filter(|_| quoted) {
            let end = value.iter().position(|byte| *byte == b'"')?;
            return std::str::from_utf8(&value[..end]).ok();
        }
        from += name.len();
    }
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_apart() {
        let answer =
            b"HTTP/1.1 200 OK\r\ncontent-type: a\r\nContent-Length: 12\r\n\r\n{\"a\":\"word\"}";
        assert_eq!(status(answer), Some(200));
        assert_eq!(content_length(answer), Some(12));
        assert_eq!(status(b"HTTP/2 200"), None);
        assert_eq!(content_length(b"HTTP/1.1 200 OK\r\n\r\n"), None);
    }

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let json = br#"{"laststatus":"OLD","statusOf":"x","status":"SUCCESS","status":"LATER"}"#;
        assert_eq!(text_field(json, "status"), Some("SUCCESS"));
        assert_eq!(text_field(json, "absent"), None);
        assert_eq!(text_field(br#"{"status":1}"#, "status"), None);
    }
}
