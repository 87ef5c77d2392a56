//! The door as a client sees it that speaks TCP and does not behave.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;
use warp::Filter;

use super::websocket::{CloseCode, Event, Handshake, Rules, WebSocket};
use super::*;

/// Longer than any deadline here; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(20);
/// The deadlines of heads and bodies here: short to wait for, long for a busy machine.
const HASTE: Duration = Duration::from_millis(500);

/// A task set of at most `most` tasks, and word of its drop.
struct Tasks {
    set: JoinSet<()>,
    most: usize,
}

impl Spawn for Tasks {
    fn spawn(&mut self, task: ConnectionTask) -> Result<(), NoRoom> {
        while self.set.try_join_next().is_some() {}
        if self.set.len() >= self.most {
            return Err(NoRoom);
        }
        self.set.spawn(task);
        Ok(())
    }
}

/// A door with a few routes on a port of its own.
struct Lab {
    address: std::net::SocketAddr,
    counts: Arc<Counts>,
    switch: DrainSwitch,
    left: oneshot::Receiver<usize>,
    /// Answers one waiting `/slow`.
    release: Arc<Notify>,
    /// `/slow` has been reached.
    reached: Arc<Notify>,
}

fn hasty() -> Limits {
    Limits {
        header_timeout: HASTE,
        body_timeout: HASTE,
        drain_timeout: Duration::from_secs(5),
        body_bytes: |_| 10_000,
        ..Limits::default()
    }
}

async fn lab(limits: Limits) -> Lab {
    lab_of(limits, usize::MAX).await
}

async fn lab_of(limits: Limits, most_tasks: usize) -> Lab {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (switch, drain) = drain();
    let counts = Arc::new(Counts::default());
    let (release, reached) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let slow = {
        let (release, reached) = (release.clone(), reached.clone());
        warp::path("slow").then(move || {
            let (release, reached) = (release.clone(), reached.clone());
            async move {
                reached.notify_one();
                release.notified().await;
                String::from("slow")
            }
        })
    };
    let length = warp::path("length")
        .and(warp::post())
        .and(warp::body::bytes())
        .map(|body: bytes::Bytes| body.len().to_string());
    let who = warp::path("who")
        .and(warp::ext::get::<Caller>())
        .map(|caller: Caller| format!("{} {}", caller.peer(), caller.request_id()));
    let panics = warp::path("panics").map(|| -> String { panic!("on purpose") });
    let big = warp::path("big").map(|| "x".repeat(64 << 20));
    let texts = slow.or(length).unify().or(who).unify().or(panics).unify().or(big).unify();
    let echo = warp::path("echo")
        .and(websocket::handshake())
        .map(|handshake: Handshake| handshake.accept(Rules::default(), echo));
    let routes = texts.map(warp::Reply::into_response).or(echo).unify();
    let service = TowerToHyperService::new(warp::service(routes.boxed()));
    let (tell_left, left) = oneshot::channel();
    let tasks = Tasks { set: JoinSet::new(), most: most_tasks };
    let serving = serve(listener, service, limits, counts.clone(), tasks, drain);
    tokio::spawn(async move {
        let _ = tell_left.send(serving.await);
    });
    Lab { address, counts, switch, left, release, reached }
}

/// Says again what it hears, until the door drains.
async fn echo(mut socket: WebSocket<TcpStream>) {
    loop {
        match socket.next().await {
            Event::Received(batch) => {
                batch.iter().for_each(|message| socket.send(message.kind, message.bytes))
            }
            Event::Unblocked => {}
            Event::Draining => return socket.close(CloseCode::GOING_AWAY, "draining").await,
            Event::Ended(_) => return,
        }
    }
}

const HANDSHAKE: &[u8] =
    b"GET /echo HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
    sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

impl Lab {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends `bytes` on a connection of its own and reads until the door closes it.
    async fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.unwrap();
        until_closed(&mut stream).await
    }
}

async fn until_closed(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("closed in time").unwrap();
    String::from_utf8(answer).unwrap()
}

/// Reads one answer whose body length is known from its head.
async fn one_answer(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    loop {
        let byte = timeout(PATIENCE, stream.read_u8()).await.expect("an answer in time").unwrap();
        answer.push(byte);
        let text = String::from_utf8_lossy(&answer);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() == length.unwrap().parse::<usize>().unwrap() {
                return text.into_owned();
            }
        }
    }
}

fn status_of(answer: &str) -> u16 {
    let status = answer.strip_prefix("HTTP/1.1 ").expect("an answer").get(..3).unwrap();
    status.parse().unwrap()
}

#[tokio::test]
async fn every_answer_carries_an_id_and_the_security_headers() {
    let lab = lab(hasty()).await;
    let mut stream = lab.connect().await;
    stream.write_all(b"GET /who HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let first = one_answer(&mut stream).await;
    assert_eq!(status_of(&first), 200);
    let mine = stream.local_addr().unwrap().to_string();
    let (head, body) = first.split_once("\r\n\r\n").unwrap();
    let (peer, id) = body.split_once(' ').unwrap();
    assert_eq!(peer, mine, "the peer is the socket's");
    assert!(head.contains(&format!("x-request-id: {id}")), "{head}");
    for header in ["x-content-type-options: nosniff", "cache-control: no-store", "x-frame-options"]
    {
        assert!(head.contains(header), "{header} in {head}");
    }
    let own = b"GET /who HTTP/1.1\r\nhost: x\r\nx-request-id: mine-7\r\n\r\n";
    stream.write_all(own).await.unwrap();
    assert!(one_answer(&mut stream).await.contains("x-request-id: mine-7"));
    let odd = b"GET /who HTTP/1.1\r\nhost: x\r\nx-request-id: <odd>\r\n\r\n";
    stream.write_all(odd).await.unwrap();
    assert!(!one_answer(&mut stream).await.contains("<odd>"));
}

#[tokio::test]
async fn half_a_header_is_cut_at_its_deadline() {
    let lab = lab(hasty()).await;
    let begun = Instant::now();
    let answer = lab.exchange(b"GET /who HTTP/1.1\r\nhost: x\r\nx-half").await;
    assert_eq!(answer, "");
    assert!(begun.elapsed() >= HASTE);
    assert!(begun.elapsed() < PATIENCE / 2);
    assert_eq!(lab.exchange(b"").await, "", "so is a connection that says nothing");
    assert_eq!(lab.counts.cut.load(Relaxed), 2);
}

#[tokio::test]
async fn half_a_header_after_an_idle_moment_is_cut_too() {
    let lab = lab(hasty()).await;
    let mut stream = lab.connect().await;
    stream.write_all(b"GET /who HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    one_answer(&mut stream).await;
    let begun = Instant::now();
    stream.write_all(b"GET /wh").await.unwrap();
    assert_eq!(until_closed(&mut stream).await, "");
    assert!(begun.elapsed() >= HASTE);
    assert!(begun.elapsed() < PATIENCE / 2, "not the idle timeout of minutes");
}

#[tokio::test]
async fn an_idle_connection_outlives_the_header_timeout_and_not_the_idle_timeout() {
    let lab = lab(Limits { idle_timeout: 2 * HASTE, ..hasty() }).await;
    let mut stream = lab.connect().await;
    let begun = Instant::now();
    stream.write_all(b"GET /who HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    one_answer(&mut stream).await;
    assert_eq!(until_closed(&mut stream).await, "");
    assert!(begun.elapsed() >= 2 * HASTE, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_slow_body_is_answered_408_and_a_slow_handler_is_waited_for() {
    let lab = lab(hasty()).await;
    let begun = Instant::now();
    let answer =
        lab.exchange(b"POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf").await;
    assert_eq!(status_of(&answer), 408, "{answer}");
    assert!(answer.contains("\"code\":\"body_timeout\""));
    assert!(begun.elapsed() >= HASTE);

    let mut stream = lab.connect().await;
    stream.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    lab.reached.notified().await;
    // As long as a head or a body may take, and then some: the client of /slow waits on.
    assert_eq!(lab.exchange(b"GET /").await, "");
    lab.release.notify_one();
    assert_eq!(status_of(&one_answer(&mut stream).await), 200);
}

#[tokio::test]
async fn bodies_are_counted_declared_or_chunked() {
    let lab = lab(hasty()).await;
    let whole = "x".repeat(10_000);
    let fits = format!("POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 10000\r\n\r\n{whole}");
    let mut stream = lab.connect().await;
    for part in fits.as_bytes().chunks(3000) {
        stream.write_all(part).await.unwrap();
    }
    assert!(one_answer(&mut stream).await.ends_with("\r\n\r\n10000"));

    let declared = b"POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 10000000\r\n\r\n";
    let answer = lab.exchange(declared).await;
    assert_eq!(status_of(&answer), 413);
    assert!(answer.contains("connection: close"), "{answer}");

    let chunked = b"POST /length HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n\
        5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
    let answer = lab.exchange(chunked).await;
    assert!(answer.ends_with("\r\n\r\n11"), "{answer}");
    assert!(answer.contains("connection: close"), "nothing may follow a chunked request");
}

#[tokio::test]
async fn an_endless_chunked_body_is_answered_413_at_the_limit() {
    let lab = lab(hasty()).await;
    let (mut from, mut to) = lab.connect().await.into_split();
    let head = b"POST /length HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    to.write_all(head).await.unwrap();
    let endless = async {
        let chunk = format!("400\r\n{}\r\n", "x".repeat(0x400));
        while to.write_all(chunk.as_bytes()).await.is_ok() {}
    };
    let answer = async {
        let mut answer = vec![0; 512];
        let read = from.read(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer[..read]).into_owned()
    };
    let answer = tokio::select! {
        answer = answer => answer,
        () = endless => panic!("the door closed without an answer"),
    };
    assert_eq!(status_of(&answer), 413, "{answer}");
}

#[tokio::test]
async fn requests_that_no_service_should_see_are_refused() {
    let lab = lab(hasty()).await;
    let long_url = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "u".repeat(20_000));
    let many: String = (0..200).map(|n| format!("x-{n}: 1\r\n")).collect();
    let many_headers = format!("GET /who HTTP/1.1\r\nhost: x\r\n{many}\r\n");
    let long_header =
        format!("GET /who HTTP/1.1\r\nhost: x\r\nx-long: {}\r\n\r\n", "v".repeat(100_000));
    let cases: [(&str, u16, &str); 12] = [
        ("TRACE / HTTP/1.1\r\nhost: x\r\n\r\n", 405, "method_not_allowed"),
        ("CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n", 405, "method_not_allowed"),
        (
            "POST /length HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n",
            417,
            "no_expectations",
        ),
        (
            "POST /length HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\
             content-length: 5\r\n\r\n0\r\n\r\n",
            400,
            "bad_framing",
        ),
        (
            "POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\
             transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            "bad_framing",
        ),
        (
            "POST /length HTTP/1.1\r\nhost: x\r\ncontent-encoding: gzip\r\ncontent-length: 1\r\n\r\nx",
            415,
            "encoded_body",
        ),
        ("POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\n", 400, ""),
        (
            "POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n",
            400,
            "",
        ),
        ("\u{0}\u{1}\u{2} nonsense\r\n\r\n", 400, ""),
        (&long_url, 414, "url_too_long"),
        (&many_headers, 431, ""),
        (&long_header, 431, ""),
    ];
    for (request, status, code) in cases {
        let answer = lab.exchange(request.as_bytes()).await;
        let shown = &request[..request.len().min(60)];
        assert_eq!(status_of(&answer), status, "{shown:?}: {answer}");
        assert!(answer.contains(code), "{shown:?}: {answer}");
    }
}

#[tokio::test]
async fn a_panicking_handler_costs_one_request() {
    let lab = lab(hasty()).await;
    let answer = lab.exchange(b"GET /panics HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(status_of(&answer), 500);
    assert!(!answer.contains("on purpose"), "the panic's words are not for clients");
    let answer = lab.exchange(b"GET /who HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert_eq!(status_of(&answer), 200);
}

#[tokio::test]
async fn past_a_cap_a_connection_is_answered_503_and_others_live() {
    let lab = lab(Limits { connections_per_address: 2, ..hasty() }).await;
    let get = b"GET /who HTTP/1.1\r\nhost: x\r\n\r\n";
    let (mut one, mut two) = (lab.connect().await, lab.connect().await);
    for stream in [&mut one, &mut two] {
        stream.write_all(get).await.unwrap();
        assert_eq!(status_of(&one_answer(stream).await), 200);
    }
    assert_eq!(status_of(&until_closed(&mut lab.connect().await).await), 503);
    assert_eq!(lab.counts.refused.load(Relaxed), 1);
    drop(two);
    // The place comes back when the door has seen the close; a refusal until then is right.
    let begun = Instant::now();
    loop {
        let mut three = lab.connect().await;
        let _ = three.write_all(get).await;
        let mut answer = [0; 12];
        if three.read_exact(&mut answer).await.is_ok() && answer.ends_with(b"200") {
            break;
        }
        assert!(begun.elapsed() < PATIENCE);
    }
    one.write_all(get).await.unwrap();
    assert_eq!(status_of(&one_answer(&mut one).await), 200);
}

#[tokio::test]
async fn a_full_task_set_refuses_the_connection() {
    let lab = lab_of(hasty(), 0).await;
    assert_eq!(until_closed(&mut lab.connect().await).await, "");
    assert_eq!(lab.counts.refused.load(Relaxed), 1);
}

#[tokio::test]
async fn draining_lets_requests_finish_and_closes_the_rest() {
    let lab = lab(hasty()).await;
    let mut idle = lab.connect().await;
    idle.write_all(b"GET /who HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    one_answer(&mut idle).await;
    let mut busy = lab.connect().await;
    busy.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    lab.reached.notified().await;
    lab.switch.drain();
    assert_eq!(until_closed(&mut idle).await, "", "an idle connection is closed");
    lab.release.notify_one();
    let answer = until_closed(&mut busy).await;
    assert_eq!(status_of(&answer), 200);
    assert!(answer.contains("connection: close"), "{answer}");
    // A client that keeps its side open is lingered for, and the seat comes back after that.
    drop((idle, busy));
    assert_eq!(lab.left.await.unwrap(), 0);
    assert!(TcpStream::connect(lab.address).await.is_err(), "the listener is closed");
}

#[tokio::test]
async fn draining_ends_at_its_deadline() {
    let limits = Limits { drain_timeout: Duration::from_millis(200), ..hasty() };
    let lab = lab(limits).await;
    let mut busy = lab.connect().await;
    busy.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    lab.reached.notified().await;
    lab.switch.drain();
    assert_eq!(lab.left.await.unwrap(), 1, "one request was still in flight");
    assert_eq!(until_closed(&mut busy).await, "", "and died with the task set");
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut() {
    let lab = lab(Limits { idle_timeout: Duration::from_millis(300), ..hasty() }).await;
    let mut stream = lab.connect().await;
    stream.write_all(b"GET /big HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let begun = Instant::now();
    while lab.counts.cut.load(Relaxed) == 0 {
        assert!(begun.elapsed() < PATIENCE);
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn requests_sent_together_are_answered_in_order() {
    let lab = lab(hasty()).await;
    let mut stream = lab.connect().await;
    let get = |id: u32| format!("GET /who HTTP/1.1\r\nhost: x\r\nx-request-id: n{id}\r\n\r\n");
    let together: String = (0..20).map(get).collect();
    stream.write_all(together.as_bytes()).await.unwrap();
    for id in 0..20 {
        let answer = one_answer(&mut stream).await;
        assert!(answer.contains(&format!("x-request-id: n{id}\r\n")), "{answer}");
    }
}

#[tokio::test]
async fn half_a_header_behind_a_served_request_is_cut_too() {
    let lab = lab(hasty()).await;
    let mut stream = lab.connect().await;
    stream.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    lab.reached.notified().await;
    stream.write_all(b"GET /who HT").await.unwrap();
    // The bytes are there when the door has served somebody who came after them.
    let get = b"GET /who HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert_eq!(status_of(&lab.exchange(get).await), 200);
    lab.release.notify_one();
    let begun = Instant::now();
    assert_eq!(status_of(&until_closed(&mut stream).await), 200);
    assert!(begun.elapsed() < PATIENCE / 2, "not the idle timeout of minutes");
}

#[tokio::test]
async fn a_crowd_of_slow_clients_does_not_keep_others_out() {
    let lab = lab(Limits { header_timeout: Duration::from_secs(1), ..hasty() }).await;
    let mut crowd = Vec::new();
    for _ in 0..300 {
        let mut stream = lab.connect().await;
        stream.write_all(b"GET /who HTTP/1.1\r\nx-slow: ").await.unwrap();
        crowd.push(stream);
    }
    let get = b"GET /who HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    for _ in 0..20 {
        assert_eq!(status_of(&lab.exchange(get).await), 200);
    }
    for stream in &mut crowd {
        assert_eq!(until_closed(stream).await, "");
    }
    assert_eq!(lab.counts.cut.load(Relaxed), 300);
}

/// Opens a WebSocket; `behind` goes out together with the handshake.
async fn websocket(lab: &Lab, behind: &[u8]) -> TcpStream {
    let mut stream = lab.connect().await;
    stream.write_all(&[HANDSHAKE, behind].concat()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(timeout(PATIENCE, stream.read_u8()).await.expect("an answer in time").unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(head.contains("sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
    stream
}

#[tokio::test]
async fn a_websocket_takes_what_was_sent_behind_its_handshake_and_outlives_the_http_deadlines() {
    let limits = Limits { connections: 1, idle_timeout: HASTE, ..hasty() };
    let lab = lab(limits).await;
    let mut stream = websocket(&lab, b"\x81\x82\0\0\0\0hi").await;
    let mut heard = [0; 4];
    stream.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"\x81\x02hi");
    assert_eq!(status_of(&until_closed(&mut lab.connect().await).await), 503, "it keeps its seat");
    tokio::time::sleep(2 * HASTE).await;
    stream.write_all(b"\x82\x81\0\0\0\0x").await.unwrap();
    stream.read_exact(&mut heard[..3]).await.unwrap();
    assert_eq!(&heard[..3], b"\x82\x01x");
    drop(stream);
    while status_of_or_cut(&mut lab.connect().await).await == 503 {}
}

/// Of a GET; 503 when the door has no seat for it.
async fn status_of_or_cut(stream: &mut TcpStream) -> u16 {
    let _ = stream.write_all(b"GET /who HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    let mut answer = [0; 12];
    match timeout(PATIENCE, stream.read_exact(&mut answer)).await.expect("an answer in time") {
        Ok(_) => status_of(&String::from_utf8_lossy(&answer)),
        Err(_) => 503,
    }
}

#[tokio::test]
async fn draining_waits_for_a_websocket_to_say_goodbye() {
    let lab = lab(hasty()).await;
    let mut stream = websocket(&lab, b"").await;
    lab.switch.drain();
    let mut goodbye = [0; 12];
    stream.read_exact(&mut goodbye).await.unwrap();
    assert_eq!(&goodbye, b"\x88\x0a\x03\xe9draining");
    // The close frame of a client that agrees.
    stream.write_all(b"\x88\x80\0\0\0\0").await.unwrap();
    assert_eq!(lab.left.await.unwrap(), 0);
}

#[tokio::test]
async fn what_is_no_handshake_is_refused_and_the_connection_serves_on() {
    let lab = lab(hasty()).await;
    let mut stream = lab.connect().await;
    stream.write_all(b"GET /echo HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let answer = one_answer(&mut stream).await;
    assert_eq!(status_of(&answer), 426, "{answer}");
    assert!(answer.contains("upgrade: websocket"), "{answer}");
    stream.write_all(b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    assert_eq!(status_of(&one_answer(&mut stream).await), 405);
}
