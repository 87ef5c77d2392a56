//! `laybook bench saturday`: a thousand matches at once, each in an actor of its own, from their provider's word to a
//! reader's socket.
//!
//! | figure | how it is taken |
//! |---|---|
//! | first books | a reader subscribes to all matches, none of whose actors runs, until it has every book |
//! | a second of it | all matches are played, and priced anew every second; the node's processor time |
//! | a goal | one after the other, from before it is told until its suspended book is read |
//! | all killed | at half time, when nothing moves: every match's actor is killed, and nothing may be told that differs; then the second half begins, and every match is told of |
//!
//! Fails where a price that must not move does, or one that must does not.

use super::client::{Connection, head};
use super::exchange::Operator;
use super::machine::{Machine, process_cpu, resident_bytes};
use super::node::{Directory, OwnNode, RunningNode};
use super::report::{Cell, Report, Table, thousands};
use super::stats::{Quantiles, Spread};
use super::web_socket::{Reader, frame, web_socket};
use super::{Settings, progress};
use anyhow::{Context, bail, ensure};
use domain::time::UtcMillis;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::cell::{Cell as Shared, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::timeout;

const MATCHES: usize = 1_000;
const GOALS: usize = 200;
const SOURCE: &str = "bench";
const TEAMS: [&str; 20] = [
    "Amber", "Birch", "Cedar", "Damson", "Elder", "Fig", "Gorse", "Hazel", "Ivy", "Juniper",
    "Kale", "Larch", "Maple", "Nettle", "Olive", "Poplar", "Quince", "Rowan", "Sorrel", "Thyme",
];
/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);
/// Nothing told for so long means that nothing is on its way.
const QUIET: Duration = Duration::from_secs(2);
const KILLERS: usize = 8;

pub(super) fn run_bench(settings: &Settings) -> anyhow::Result<Report> {
    ensure!(settings.node.is_none(), "a node that is to be measured must be our own");
    let mut machine = Machine::observe();
    let directory = Directory::new(settings.data.as_deref())?;
    let node = OwnNode::start(&settings.program()?, &directory.path().join("data"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let measured = runtime.block_on(LocalSet::new().run_until(play(&node, settings)))?;
    node.stop()?;
    machine.finish();
    let workload = vec![format!(
        "{} matches of one league of {} teams, each priced in an actor of its own, 317 prices a match; one reader over \
         a WebSocket; {} rounds of {} s of play, {GOALS} goals",
        thousands(MATCHES as u64),
        TEAMS.len(),
        settings.rounds,
        settings.round.as_secs_f64(),
    )];
    let (table, remarks) = measured.told();
    Ok(Report { name: "saturday", workload, machine, tables: vec![table], remarks })
}

struct Measured {
    first_books: Duration,
    core_percent: Vec<f64>,
    moved_a_second: Vec<f64>,
    goals: Quantiles,
    killed_in: Duration,
    second_half_in: Duration,
    resident_mib: u64,
}

impl Measured {
    fn told(&self) -> (Table, Vec<String>) {
        let row = |what: &str, value: f64, decimals, unit: &str, aim: &str| {
            let cells = [what, unit, aim].map(Cell::text_of);
            let [what, unit, aim] = cells;
            vec![what, Cell::Number(value, decimals), unit, aim]
        };
        let ms = |span: Duration| span.as_secs_f64() * 1e3;
        let core = Spread::of(self.core_percent.iter().copied());
        let moved = Spread::of(self.moved_a_second.iter().copied());
        let rows = vec![
            row("from no actor to every first book", ms(self.first_books), 0, "ms", "1,000"),
            row("all repriced each second", core.median, 1, "% of a core", "25"),
            row("  least of the rounds", core.min, 1, "% of a core", ""),
            row("  most of the rounds", core.max, 1, "% of a core", ""),
            row("  messages told", moved.median, 0, "a second", ""),
            row("goal to its prices read, p50", self.goals.p50 as f64 / 1e6, 2, "ms", ""),
            row("goal to its prices read, p99", self.goals.p99 as f64 / 1e6, 2, "ms", "10"),
            row("every actor killed", ms(self.killed_in), 0, "ms", ""),
            row("second half, until every match was told", ms(self.second_half_in), 0, "ms", ""),
            row("the node's memory", self.resident_mib as f64, 0, "MiB", ""),
        ];
        let columns: &[&str] = &["what", "figure", "unit", "aim at most"];
        let title = "a thousand matches at once".to_owned();
        let nothing = format!(
            "{} actors were killed at half time: nothing was told that differed, and every match was told of after",
            thousands(MATCHES as u64)
        );
        (Table { title, columns, rows }, vec![nothing])
    }
}

async fn play(node: &OwnNode, settings: &Settings) -> anyhow::Result<Measured> {
    let mut operator = Operator::connect(&node.address).await?;
    let mut provider = Provider::connect(&node.address, &mut operator).await?;
    let bar = progress::bar(7, "steps");
    provider.past().await?;
    let matches = provider.fixtures().await?;
    bar.inc(1);

    let seen = Rc::new(Seen::default());
    let mut reader = web_socket(node.address.http, "/v1/pricing/stream").await?;
    let mut readers = JoinSet::new();
    let began = Instant::now();
    let ids: Vec<u64> = matches.values().copied().collect();
    reader.send(&json!({ "op": "subscribe", "matches": ids }).to_string()).await?;
    readers.spawn_local(read(reader, seen.clone()));
    seen.until("every first book", |seen| seen.books.borrow().len() == MATCHES).await?;
    let first_books = began.elapsed();
    bar.inc(1);

    provider.all("kickOff", 1, 0).await?;
    seen.until_quiet_or(QUIET).await;
    bar.inc(1);
    let (mut core_percent, mut moved_a_second) = (Vec::new(), Vec::new());
    for _ in 0..settings.rounds {
        let cpu = process_cpu(node.process()).unwrap_or_default();
        let (told, began) = (seen.messages.get(), Instant::now());
        tokio::time::sleep(settings.round).await;
        let lasted = began.elapsed().as_secs_f64();
        let used = process_cpu(node.process()).unwrap_or_default().saturating_sub(cpu);
        core_percent.push(used.as_secs_f64() / lasted * 100.0);
        moved_a_second.push((seen.messages.get() - told) as f64 / lasted);
    }
    bar.inc(1);

    let mut took = Vec::with_capacity(GOALS);
    for (number, id) in matches.iter().take(GOALS) {
        let began = Instant::now();
        provider.tell("events", &[event(*number, 2, "goal", 1, Some("home"))]).await?;
        let is_told = |seen: &Seen| {
            let books = seen.books.borrow();
            books.get(id).is_some_and(|book| book.score == 1 && book.status == "SUSPENDED")
        };
        seen.until("a goal's prices", is_told).await?;
        took.push(u64::try_from(began.elapsed().as_nanos())?);
    }
    let goals = Quantiles::of(&mut took);
    bar.inc(1);

    let seq = |number: usize, of: u32| if number < GOALS { of + 1 } else { of };
    let at_half = (0..MATCHES).map(|number| event(number, seq(number, 2), "halfTime", 46, None));
    provider.tell("events", &at_half.collect::<Vec<_>>()).await?;
    seen.until_quiet_or(PATIENCE).await;
    let before = seen.books.borrow().clone();
    let told = seen.messages.get();
    let began = Instant::now();
    kill_all(&node.address, &ids).await?;
    let killed_in = began.elapsed();
    seen.until_quiet_or(PATIENCE).await;
    let differs = seen.messages.get() - told;
    ensure!(differs == 0, "{differs} messages told something else after a crash");
    bar.inc(1);

    let began = Instant::now();
    seen.told.borrow_mut().clear();
    let second = (0..MATCHES).map(|number| event(number, seq(number, 3), "secondHalf", 45, None));
    provider.tell("events", &second.collect::<Vec<_>>()).await?;
    seen.until("every match's second half", |seen| seen.told.borrow().len() == MATCHES).await?;
    let second_half_in = began.elapsed();
    for (id, book) in before {
        let now = seen.books.borrow().get(&id).map(|book| book.score);
        ensure!(now == Some(book.score), "match {id} has another score after the crash");
    }
    bar.finish_and_clear();
    let resident_mib = resident_bytes(node.process()).unwrap_or_default() >> 20;
    Ok(Measured {
        first_books,
        core_percent,
        moved_a_second,
        goals,
        killed_in,
        second_half_in,
        resident_mib,
    })
}

/// Kills the actor of every match, as an operator does.
async fn kill_all(node: &RunningNode, ids: &[u64]) -> anyhow::Result<()> {
    let mut killers = JoinSet::new();
    for some in ids.chunks(ids.len().div_ceil(KILLERS)) {
        let (some, mut operator) = (some.to_vec(), Operator::connect(node).await?);
        killers.spawn_local(async move {
            let body = json!({ "mode": "kill", "reason": "bench saturday" });
            for id in some {
                operator.post(&format!("/v1/operator/actors/fixture-{id}/kill"), &body).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = killers.join_next().await {
        ended??;
    }
    Ok(())
}

// ------------------------------------------------------------------------------------- the provider

struct Provider {
    connection: Connection,
    key: String,
}

fn event(number: usize, seq: u32, kind: &str, minute: u32, side: Option<&str>) -> Value {
    let id = number.to_string();
    json!({ "source": SOURCE, "id": id, "seq": seq, "type": kind, "minute": minute, "side": side })
}

impl Provider {
    async fn connect(node: &RunningNode, operator: &mut Operator) -> anyhow::Result<Provider> {
        let token = json!({ "name": "bench", "role": "provider" });
        let token = operator.post("/v1/operator/tokens", &token).await?;
        let key = token["token"].as_str().context("no token")?.to_owned();
        Ok(Provider { connection: Connection::open(node.http).await?, key })
    }

    async fn ask(&mut self, method: &str, path: &str, body: &str) -> anyhow::Result<Value> {
        let headers = format!("X-Api-Key: {}\r\nContent-Type: application/json\r\n", self.key);
        let mut request = head(method, path, &headers, body.len());
        request.extend(body.as_bytes());
        let answer = self.connection.exchange(&request).await?;
        let text = String::from_utf8_lossy(answer.body);
        ensure!(answer.status == 200, "{method} {path}: {} {text}", answer.status);
        Ok(serde_json::from_slice(answer.body)?)
    }

    async fn tell(&mut self, what: &str, list: &[Value]) -> anyhow::Result<()> {
        let path = format!("/v1/football/{what}");
        let told = self.ask("PUT", &path, &serde_json::to_string(list)?).await?;
        ensure!(told["refused"].as_array().is_some_and(Vec::is_empty), "refused: {told}");
        Ok(())
    }

    async fn all(&mut self, kind: &str, seq: u32, minute: u32) -> anyhow::Result<()> {
        let events = (0..MATCHES).map(|number| event(number, seq, kind, minute, None));
        self.tell("events", &events.collect::<Vec<_>>()).await
    }

    /// A season that has been played, from which the teams are rated.
    async fn past(&mut self) -> anyhow::Result<()> {
        let now = Timestamp::now().as_millisecond();
        let (mut fixtures, mut results) = (Vec::new(), Vec::new());
        for (home, host) in TEAMS.iter().enumerate() {
            for (away, guest) in TEAMS.iter().enumerate().filter(|(away, _)| *away != home) {
                let id = format!("past-{home}-{away}");
                let days = (home * 7 + away * 3) % 250 + 10;
                let at = UtcMillis(now).plus_ms(-86_400_000 * i64::try_from(days)?);
                fixtures.push(fixture(&id, host, guest, at)?);
                let (scored, conceded) = ((away * 3 + home) % 4, (home * 5 + away * 2) % 3);
                results.push(json!({
                    "source": SOURCE, "id": id, "homeGoals": scored, "awayGoals": conceded,
                }));
            }
        }
        self.tell("fixtures", &fixtures).await?;
        self.tell("results", &results).await
    }

    /// The matches of the day, by their numbers: our ids of them, once they are rated.
    async fn fixtures(&mut self) -> anyhow::Result<BTreeMap<usize, u64>> {
        let now = UtcMillis(Timestamp::now().as_millisecond());
        let mut fixtures = Vec::new();
        for number in 0..MATCHES {
            // The same two teams meet again days apart, which are different matches; all are played today.
            let (home, turn) = (number % TEAMS.len(), number / TEAMS.len());
            let (step, round) = (1 + turn % (TEAMS.len() - 1), turn / (TEAMS.len() - 1));
            let away = (home + step) % TEAMS.len();
            let days = i64::try_from(round * 10 + 1)?;
            let at = now.plus_ms(86_400_000 * days);
            fixtures.push(fixture(&number.to_string(), TEAMS[home], TEAMS[away], at)?);
        }
        self.tell("fixtures", &fixtures).await?;
        let until = Instant::now() + PATIENCE;
        loop {
            let told = self.ask("GET", "/v1/pricing/matches?limit=1000", "").await?;
            let list = told["matches"].as_array().context("no list")?;
            let rated = list.iter().filter(|one| one["parameters"]["model"] == "ratings").count();
            if list.len() == MATCHES && rated == MATCHES {
                let pair = |one: &Value| {
                    let number = one["sources"][0]["id"].as_str()?.parse().ok()?;
                    Some((number, one["id"].as_u64()?))
                };
                let pairs: Option<BTreeMap<usize, u64>> = list.iter().map(pair).collect();
                return pairs.context("a match without ids");
            }
            if Instant::now() > until {
                bail!("{} matches, {rated} of them rated", list.len());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn fixture(id: &str, home: &str, away: &str, at: UtcMillis) -> anyhow::Result<Value> {
    let kick_off = Timestamp::from_millisecond(at.0)?.to_string();
    Ok(json!({
        "source": SOURCE, "id": id, "competition": "Bench League", "season": "bench",
        "kickOff": kick_off, "home": home, "away": away,
    }))
}

// --------------------------------------------------------------------------------------- the reader

/// What is known of a book.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Book {
    status: String,
    /// The host's goals.
    score: u64,
}

#[derive(Default)]
struct Seen {
    messages: Shared<u64>,
    books: RefCell<BTreeMap<u64, Book>>,
    /// Told of since this was emptied.
    told: RefCell<BTreeSet<u64>>,
    news: Notify,
}

impl Seen {
    async fn until(&self, what: &str, is_there: impl Fn(&Seen) -> bool) -> anyhow::Result<()> {
        let wait = async {
            while !is_there(self) {
                self.news.notified().await;
            }
        };
        timeout(PATIENCE, wait).await.with_context(|| format!("{what} did not come"))
    }

    /// Until nothing comes for a while, but no longer than `most`.
    async fn until_quiet_or(&self, most: Duration) {
        let until = Instant::now() + most;
        while Instant::now() < until && timeout(QUIET, self.news.notified()).await.is_ok() {}
    }
}

async fn read(mut reader: Reader, seen: Rc<Seen>) {
    let mut came = reader.take();
    loop {
        let mut at = 0;
        while let Some((from, to)) = frame(&came[at..]) {
            let message: Option<Value> = serde_json::from_slice(&came[at + from..at + to]).ok();
            if let Some(message) = message
                && let Some(id) = message["match"]["id"].as_u64()
            {
                let about = &message["match"];
                let status = about["status"].as_str().unwrap_or_default().to_owned();
                let score = about["score"]["home"].as_u64().unwrap_or_default();
                seen.books.borrow_mut().insert(id, Book { status, score });
                seen.told.borrow_mut().insert(id);
                seen.messages.set(seen.messages.get() + 1);
            }
            at += to;
        }
        came.drain(..at);
        seen.news.notify_one();
        if reader.fill_into(&mut came).await.is_err() {
            return;
        }
    }
}
