//! `laybook bench crowd`: how long a healthy client waits while others misbehave.
//!
//! One client places bets, one after the other, first alone and then beside sockets that send a request a byte
//! at a time, readers of the stream that never read, and bodies of ten megabytes. The crowd has a thread of its own, so
//! that the client waits for the node and not for the crowd's own work; the cores they share all the same.

use super::Settings;
use super::client::{Connection, head};
use super::exchange::{Login, OpenMarket, Operator, log_in};
use super::fanout::{order, subscribe};
use super::machine::{Machine, resident_bytes};
use super::node::{Directory, OwnNode};
use super::progress;
use super::report::{Cell, Report, Table};
use super::stats::Quantiles;
use super::web_socket::web_socket;
use anyhow::{Context, anyhow, ensure};
use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::{JoinSet, LocalSet};

const SLOW: usize = 2_000;
const DEAF: usize = 500;
const BODY_BYTES: usize = 10 << 20;
/// A slow socket sends a byte so often: it has not begun a request before it is cut, and comes again.
const BYTE_EVERY: Duration = Duration::from_millis(500);
/// Bets before anything is timed.
const WARM_UP: usize = 200;

/// Runs it once and says what it came to.
pub(super) fn run_bench(settings: &Settings) -> anyhow::Result<Report> {
    let mut machine = Machine::observe();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let rows = LocalSet::new().block_on(&runtime, measure(settings))?;
    machine.finish();
    let seconds = settings.round.as_secs();
    Ok(Report {
        name: "crowd",
        workload: vec![
            format!(
                "one connection places bets over HTTP JSON, one in flight, {seconds} s alone and {seconds} s in the crowd"
            ),
            format!(
                "crowd: {SLOW} sockets that send a byte every {} ms, {DEAF} stream readers that never read, one body of {} MiB after the other",
                BYTE_EVERY.as_millis(),
                BODY_BYTES >> 20
            ),
        ],
        machine,
        tables: vec![Table {
            title: "a healthy client's bets".into(),
            columns: &[
                "beside it",
                "bets",
                "p50 µs",
                "p99 µs",
                "p99.9 µs",
                "p99 to alone",
                "RSS MiB",
            ],
            rows,
        }],
        remarks: vec![],
    })
}

async fn measure(settings: &Settings) -> anyhow::Result<Vec<Vec<Cell>>> {
    let directory = Directory::new(settings.data.as_deref())?;
    let node = OwnNode::start(&settings.program()?, &directory.path().join("data"))?;
    let bar = progress::bar(1, "users");
    let login = log_in(&node.address, 1, &bar).await?.remove(0);
    bar.finish_and_clear();
    let market = Operator::connect(&node.address).await?.open_markets(1).await?.remove(0);
    let http = node.address.http;
    let mut client = Connection::open(http).await.context("http cannot be reached")?;
    bets(&mut client, &login, &market, Duration::ZERO, WARM_UP).await?;
    let alone = bets(&mut client, &login, &market, settings.round, 0).await?;
    let alone_bytes = resident_bytes(node.process()).unwrap_or_default();
    let crowd = Crowd::gather(http, login.clone(), market.clone()).await?;
    let beside = bets(&mut client, &login, &market, settings.round, 0).await?;
    let beside_bytes = resident_bytes(node.process()).unwrap_or_default();
    crowd.leave()?;
    node.stop()?;
    let base = Quantiles::of(&mut alone.clone());
    let row = |name: &str, mut waited: Vec<u64>, bytes: u64| {
        let of = Quantiles::of(&mut waited);
        vec![
            Cell::text_of(name),
            Cell::Count(waited.len() as u64),
            Cell::Count(of.p50),
            Cell::Count(of.p99),
            Cell::Count(of.p999),
            Cell::Number(of.p99 as f64 / base.p99.max(1) as f64, 2),
            Cell::Number(bytes as f64 / 1_048_576.0, 0),
        ]
    };
    Ok(vec![row("nobody", alone, alone_bytes), row("the crowd", beside, beside_bytes)])
}

/// How long each bet was waited for, in microseconds.
async fn bets(
    client: &mut Connection,
    login: &Login,
    market: &OpenMarket,
    span: Duration,
    least: usize,
) -> anyhow::Result<Vec<u64>> {
    let headers = format!(
        "X-Application: {}\r\nX-Authentication: {}\r\nContent-Type: application/json\r\n",
        login.app_key, login.token
    );
    let (began, mut waited) = (Instant::now(), Vec::new());
    while began.elapsed() < span || waited.len() < least {
        let body = order(market, u32::try_from(waited.len()).unwrap_or_default());
        let mut request = head("POST", "/exchange/betting/json-rpc/v1", &headers, body.len());
        request.extend(body.into_bytes());
        let sent = Instant::now();
        let answer = client.exchange(&request).await?;
        let text = String::from_utf8_lossy(answer.body);
        ensure!(text.contains("\"SUCCESS\""), "a bet was not taken: {text}");
        waited.push(u64::try_from(sent.elapsed().as_micros()).unwrap_or(u64::MAX));
    }
    Ok(waited)
}

/// Those who misbehave, until they are told to leave.
struct Crowd {
    leave: oneshot::Sender<()>,
    thread: JoinHandle<anyhow::Result<()>>,
}

impl Crowd {
    /// Returns when all of them are there.
    async fn gather(http: SocketAddr, login: Login, market: OpenMarket) -> anyhow::Result<Crowd> {
        let (leave, left) = oneshot::channel();
        let (there, gathered) = oneshot::channel();
        let thread = std::thread::Builder::new().name("crowd".into()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            LocalSet::new().block_on(&runtime, misbehave(http, &login, &market, there, left))
        })?;
        match gathered.await {
            Ok(()) => Ok(Crowd { leave, thread }),
            Err(_) => Err(Crowd { leave, thread }.leave().err().context("the crowd is gone")?),
        }
    }

    fn leave(self) -> anyhow::Result<()> {
        // One that has ended already says why.
        let _ = self.leave.send(());
        self.thread.join().map_err(|_| anyhow!("the crowd panicked"))?
    }
}

async fn misbehave(
    http: SocketAddr,
    login: &Login,
    market: &OpenMarket,
    there: oneshot::Sender<()>,
    left: oneshot::Receiver<()>,
) -> anyhow::Result<()> {
    let mut crowd = JoinSet::new();
    for _ in 0..SLOW {
        crowd.spawn_local(slow(http));
    }
    crowd.spawn_local(huge(http));
    let mut deaf = Vec::with_capacity(DEAF);
    for _ in 0..DEAF {
        let mut reader = web_socket(http, "/stream").await?;
        subscribe(&mut reader, login, market).await?;
        deaf.push(reader);
    }
    let _ = there.send(());
    let _ = left.await;
    Ok(())
}

/// A head that never ends, as often as it is cut.
async fn slow(address: SocketAddr) {
    loop {
        let Ok(mut stream) = TcpStream::connect(address).await else { return };
        let mut letters =
            b"GET /api/login HTTP/1.1\r\nX-Slow: ".iter().chain(std::iter::repeat(&b'a'));
        while let Some(letter) = letters.next()
            && stream.write_all(&[*letter]).await.is_ok()
        {
            tokio::time::sleep(BYTE_EVERY).await;
        }
    }
}

/// A body that is refused, one after the other.
async fn huge(address: SocketAddr) {
    let body = vec![b' '; BODY_BYTES];
    let request = head("POST", "/exchange/betting/json-rpc/v1", "", BODY_BYTES);
    loop {
        let Ok(mut stream) = TcpStream::connect(address).await else { return };
        // Refused before it is through: the rest of it may find nobody.
        let _ = stream.write_all(&request).await;
        let _ = stream.write_all(&body).await;
        let mut answer = [0; 1_024];
        let _ = stream.read(&mut answer).await;
    }
}
