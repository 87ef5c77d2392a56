//! A client of the stream: lines over plain TCP, TLS or WebSocket, and a cache that applies change messages.
//!
//! The certificate is not verified, as real clients do not.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned,
};

use super::{Bettor, DEADLINE, Node, keys, pence};

trait Wire: Read + Write + Send {}
impl<T: Read + Write + Send> Wire for T {}

/// Over what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Plain,
    Tls,
    WebSocket,
}

/// One connection.
pub(crate) struct Stream {
    wire: Box<dyn Wire>,
    came: Vec<u8>,
    pub(crate) connection: Value,
}

impl Stream {
    /// Connects and reads the connection line.
    pub(crate) fn connect(node: &Node, way: Way) -> Stream {
        let address = match way {
            Way::Plain => node.stream_plain,
            Way::Tls => node.stream,
            Way::WebSocket => Some(node.http),
        };
        Stream::at(address.expect("the node listens there"), way)
    }

    pub(crate) fn at(address: SocketAddr, way: Way) -> Stream {
        let socket = TcpStream::connect(address).expect("the stream listens");
        Stream::over(socket, way, address)
    }

    fn over(socket: TcpStream, way: Way, address: SocketAddr) -> Stream {
        socket.set_nodelay(true).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let wire: Box<dyn Wire> = match way {
            Way::Plain => Box::new(socket),
            Way::Tls => {
                let name = ServerName::try_from("localhost").unwrap();
                let connection = ClientConnection::new(Arc::new(trusting()), name).unwrap();
                Box::new(StreamOwned::new(connection, socket))
            }
            Way::WebSocket => Box::new(Frames::open(socket, address, "/stream")),
        };
        let mut stream = Stream { wire, came: Vec::new(), connection: Value::Null };
        stream.connection = stream.next().expect("a connection line");
        assert_eq!(stream.connection["op"], "connection", "{}", stream.connection);
        stream
    }

    /// Connected and authenticated.
    pub(crate) fn of(node: &Node, way: Way, bettor: &Bettor) -> Stream {
        Stream::connect(node, way).known(bettor)
    }

    fn known(mut self, bettor: &Bettor) -> Stream {
        let status = self.authenticate(bettor);
        assert_eq!(status["statusCode"], "SUCCESS", "{status}");
        self
    }

    /// As [`Stream::of`] over plain TCP, with a system that keeps `receive_buffer` bytes of what is not read and
    /// no more. Left to itself it takes up to `tcp_rmem`'s maximum, which is anything from one machine to another.
    pub(crate) fn of_little_room(node: &Node, bettor: &Bettor, receive_buffer: usize) -> Stream {
        let address = node.stream_plain.expect("the node listens there");
        let socket = TcpStream::connect(address).expect("the stream listens");
        rustix::net::sockopt::set_socket_recv_buffer_size(&socket, receive_buffer).unwrap();
        Stream::over(socket, Way::Plain, address).known(bettor)
    }

    pub(crate) fn authenticate(&mut self, bettor: &Bettor) -> Value {
        let (app_key, session) = bettor.credentials();
        self.ask(&json!({"op": "authentication", "id": 2, "appKey": app_key, "session": session}))
    }

    pub(crate) fn send(&mut self, message: &Value) {
        self.send_raw(format!("{message}\r\n").as_bytes());
    }

    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        // What a closed connection does not take is seen when it is read.
        let _ = self.wire.write_all(bytes).and_then(|()| self.wire.flush());
    }

    /// Sends, and reads on to the status of its id.
    pub(crate) fn ask(&mut self, message: &Value) -> Value {
        self.send(message);
        loop {
            let answer = self.next().unwrap_or_else(|| panic!("closed after {message}"));
            if answer["op"] == "status" && answer["id"] == message["id"] {
                return answer;
            }
        }
    }

    /// The next line; `None` when the connection is closed.
    pub(crate) fn next(&mut self) -> Option<Value> {
        self.next_within(DEADLINE).unwrap_or_else(|| panic!("nothing came in {DEADLINE:?}"))
    }

    /// The next line, `Some(None)` at the end, `None` when nothing comes in time.
    pub(crate) fn next_within(&mut self, patience: Duration) -> Option<Option<Value>> {
        let end = Instant::now() + patience;
        loop {
            if let Some(at) = self.came.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.came.drain(..=at).collect();
                assert!(line.ends_with(b"\r\n"), "a line without CRLF");
                let read = serde_json::from_slice(&line);
                let message = read
                    .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&line)));
                check_keys(&message);
                return Some(Some(message));
            }
            let mut buffer = [0; 16 << 10];
            match self.wire.read(&mut buffer) {
                Ok(0) => return Some(None),
                Ok(read) => self.came.extend_from_slice(&buffer[..read]),
                Err(error) if is_pause(&error) => {
                    if Instant::now() > end {
                        return None;
                    }
                }
                Err(_) => return Some(None),
            }
        }
    }

    /// Everything up to the end of the connection.
    pub(crate) fn until_the_end(&mut self) -> Vec<Value> {
        let (end, mut said) = (Instant::now() + DEADLINE, Vec::new());
        while let Some(line) = self.next() {
            said.push(line);
            assert!(Instant::now() < end, "not closed in {DEADLINE:?}; last: {:?}", said.last());
        }
        said
    }

    /// Subscribes and returns the image's message (with segments, all of them).
    pub(crate) fn follow_markets(
        &mut self,
        id: i64,
        filter: &Value,
        fields: &[&str],
    ) -> Vec<Value> {
        self.follow(&json!({
            "op": "marketSubscription", "id": id, "marketFilter": filter,
            "marketDataFilter": {"fields": fields, "ladderLevels": 3},
        }))
    }

    pub(crate) fn follow(&mut self, subscription: &Value) -> Vec<Value> {
        let status = self.ask(subscription);
        assert_eq!(status["statusCode"], "SUCCESS", "{subscription}: {status}");
        let mut messages = Vec::new();
        loop {
            let message = self.next().expect("an image");
            let segment = message["segmentType"].as_str().map(str::to_owned);
            messages.push(message);
            if segment.as_deref().is_none_or(|segment| segment == "SEG_END") {
                return messages;
            }
        }
    }

    /// The next message that is not a heartbeat.
    pub(crate) fn change(&mut self) -> Value {
        loop {
            let message = self.next().expect("a change");
            if message["ct"] != "HEARTBEAT" {
                return message;
            }
        }
    }
}

/// Whatever a test is told over a stream has documented keys only.
fn check_keys(message: &Value) {
    let shape = match message["op"].as_str() {
        Some("connection") => "Connection",
        Some("status") => "Status",
        Some("mcm" | "ocm") => "Change",
        _ => panic!("no such message is documented: {message}"),
    };
    keys::check(shape, message);
}

fn is_pause(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// Lines over a WebSocket: each line out is a masked text frame, each frame in is a line.
pub(crate) struct Frames {
    socket: TcpStream,
    out: Vec<u8>,
    came: Vec<u8>,
    lines: Vec<u8>,
}

impl Frames {
    pub(crate) fn open(mut socket: TcpStream, host: SocketAddr, path: &str) -> Frames {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).unwrap();
        let mut frames = Frames { socket, out: Vec::new(), came: Vec::new(), lines: Vec::new() };
        let end = Instant::now() + DEADLINE;
        let head = loop {
            if let Some(at) = frames.came.windows(4).position(|four| four == b"\r\n\r\n") {
                break frames.came.drain(..at + 4).collect::<Vec<u8>>();
            }
            assert!(Instant::now() < end, "no handshake");
            let _ = frames.fill();
        };
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        frames
    }

    fn fill(&mut self) -> io::Result<usize> {
        let mut buffer = [0; 16 << 10];
        let read = self.socket.read(&mut buffer)?;
        self.came.extend_from_slice(&buffer[..read]);
        Ok(read)
    }

    /// Moves whole frames to the lines; false at a close frame.
    fn take_frames(&mut self) -> bool {
        while let [first, second, ..] = self.came[..] {
            let (head, length) = match second & 0x7f {
                126 if self.came.len() >= 4 => {
                    (4, usize::from(u16::from_be_bytes([self.came[2], self.came[3]])))
                }
                127 if self.came.len() >= 10 => {
                    let bytes: [u8; 8] = self.came[2..10].try_into().unwrap();
                    (10, usize::try_from(u64::from_be_bytes(bytes)).unwrap())
                }
                126 | 127 => return true,
                short => (2, usize::from(short)),
            };
            if self.came.len() < head + length {
                return true;
            }
            let payload: Vec<u8> = self.came.drain(..head + length).skip(head).collect();
            match first & 0x0f {
                1 => {
                    assert!(!payload.ends_with(b"\n"), "a frame needs no line end");
                    self.lines.extend_from_slice(&payload);
                    self.lines.extend_from_slice(b"\r\n");
                }
                8 => {
                    assert_eq!(payload[..2], 4_000_u16.to_be_bytes(), "the close code");
                    return false;
                }
                _ => {}
            }
        }
        true
    }
}

impl Read for Frames {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let open = self.take_frames();
            if !self.lines.is_empty() {
                let count = self.lines.len().min(into.len());
                into[..count].copy_from_slice(&self.lines[..count]);
                self.lines.drain(..count);
                return Ok(count);
            }
            if !open || self.fill()? == 0 {
                return Ok(0);
            }
        }
    }
}

impl Write for Frames {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.extend_from_slice(bytes);
        while let Some(end) = self.out.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.out.drain(..=end).collect();
            let payload = line.trim_ascii_end();
            let mut frame = vec![0x81];
            match payload.len() {
                short @ 0..=125 => frame.push(0x80 | u8::try_from(short).unwrap()),
                middling @ 126..=0xffff => {
                    frame.push(0x80 | 126);
                    frame.extend_from_slice(&u16::try_from(middling).unwrap().to_be_bytes());
                }
                long => {
                    frame.push(0x80 | 127);
                    frame.extend_from_slice(&(long as u64).to_be_bytes());
                }
            }
            // A mask of zeroes is a mask.
            frame.extend_from_slice(&[0; 4]);
            frame.extend_from_slice(payload);
            self.socket.write_all(&frame)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

/// A client that trusts whoever answers.
fn trusting() -> ClientConfig {
    #[derive(Debug)]
    struct Anybody(Vec<SignatureScheme>);

    impl ServerCertVerifier for Anybody {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.0.clone()
        }
    }

    let provider = ring::default_provider();
    let schemes = provider.signature_verification_algorithms.supported_schemes();
    ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(schemes)))
        .with_no_client_auth()
}

/// Price to size, both in hundredths; level to both for ladders of best offers.
type Ladder = BTreeMap<i64, i64>;

/// One runner as a client knows it from the stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cached {
    pub(crate) ladders: BTreeMap<String, Ladder>,
    pub(crate) levels: BTreeMap<String, BTreeMap<i64, (i64, i64)>>,
    pub(crate) last_price: Option<i64>,
    pub(crate) volume: i64,
}

/// One market as a client knows it from the stream.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct CachedMarket {
    pub(crate) definition: Value,
    pub(crate) runners: BTreeMap<i64, Cached>,
    pub(crate) volume: i64,
}

/// All that a client knows from one market subscription.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cache {
    pub(crate) markets: BTreeMap<String, CachedMarket>,
    pub(crate) initial_clk: Option<String>,
    pub(crate) clk: Option<String>,
}

impl Cache {
    /// As real clients do it.
    pub(crate) fn apply(&mut self, message: &Value) {
        assert_eq!(message["op"], "mcm", "{message}");
        if let Some(initial) = message["initialClk"].as_str() {
            self.initial_clk = Some(initial.to_owned());
        }
        let whole = message["segmentType"].is_null() || message["segmentType"] == "SEG_END";
        if let Some(clk) = message["clk"].as_str().filter(|_| whole) {
            self.clk = Some(clk.to_owned());
        }
        for change in message["mc"].as_array().into_iter().flatten() {
            let id = change["id"].as_str().expect("a market id").to_owned();
            if change["img"] == true {
                self.markets.remove(&id);
            }
            let market = self.markets.entry(id).or_default();
            if !change["marketDefinition"].is_null() {
                market.definition = change["marketDefinition"].clone();
            }
            if !change["tv"].is_null() {
                market.volume = pence(&change["tv"]);
            }
            for row in change["rc"].as_array().into_iter().flatten() {
                let runner = row["id"].as_i64().expect("a selection");
                market.runners.entry(runner).or_default().apply(row);
            }
        }
    }
}

impl Cached {
    fn apply(&mut self, row: &Value) {
        for (key, value) in row.as_object().expect("an object") {
            match key.as_str() {
                "id" | "hc" => {}
                "ltp" => self.last_price = Some(pence(value)),
                "tv" => self.volume = pence(value),
                "atb" | "atl" | "trd" => {
                    let ladder = self.ladders.entry(key.clone()).or_default();
                    for level in value.as_array().expect("a ladder") {
                        let (price, size) = (pence(&level[0]), pence(&level[1]));
                        match size {
                            0 => drop(ladder.remove(&price)),
                            size => drop(ladder.insert(price, size)),
                        }
                    }
                    self.ladders.retain(|_, ladder| !ladder.is_empty());
                }
                "batb" | "batl" | "bdatb" | "bdatl" => {
                    let levels = self.levels.entry(key.clone()).or_default();
                    for level in value.as_array().expect("a ladder") {
                        let number = level[0].as_i64().expect("a level");
                        let (price, size) = (pence(&level[1]), pence(&level[2]));
                        match size {
                            0 => drop(levels.remove(&number)),
                            size => drop(levels.insert(number, (price, size))),
                        }
                    }
                    self.levels.retain(|_, levels| !levels.is_empty());
                }
                other => panic!("{other} is no key of a runner's change: {row}"),
            }
        }
    }

    /// (price, size), lowest first.
    pub(crate) fn ladder(&self, key: &str) -> Vec<(i64, i64)> {
        let ladder = self.ladders.get(key);
        ladder.into_iter().flatten().map(|(price, size)| (*price, *size)).collect()
    }
}
