//! `/v1/pricing/stream`: books over a WebSocket, whole at first and then what changes.
//!
//! The client sends `{"op":"subscribe","matches":[1,2]}` or `{"op":"unsubscribe","matches":[1]}`; ids are ours.
//! The server sends, one JSON text a message:
//!
//! | message | when |
//! |---|---|
//! | `{"op":"book","match":{head},"prices":[...]}` | first; prices in the order of the book's selections |
//! | `{"op":"change","match":{head},"changes":[[index,price],...]}` | a price on the ladder, or the head, is another |
//! | `{"op":"problem","code","field","detail"}` | a message that cannot be taken; the connection lives on |
//!
//! A head says status and reason, so a suspension is told with the prices that follow from its cause, and
//! before any that are open. A match's actor that dies is watched again when it is back, and from what the
//! client knows only the difference is told: usually nothing.
//!
//! Bounds   `MATCHES_MAX` matches a connection, and of each the newest book waits to be told: a client that is slow is
//!          told less often, each match in its turn. One that takes nothing is cut by the socket.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use actors::fixture::{FixtureMsg, View};
use actors::node::{Child, Node};
use actors::registry::Address;
use domain::football::almanac::FixtureId;
use domain::football::pricer::{Rests, Status, Voice, Why};
use domain::price::Price;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use warp::Filter;
use warp::filters::BoxedFilter;

use super::shape;
use crate::door::websocket::{CloseCode, Event, Handshake, Kind, Rules, WebSocket, handshake};
use crate::operator::json as read;
use crate::operator::problem::Problem;

const MATCHES_MAX: usize = 2_000;
/// Matches whose actors have gone are looked for so often.
const LOOK_EVERY: Duration = Duration::from_millis(500);

pub(super) fn routes(node: Arc<Node>) -> BoxedFilter<(warp::reply::Response,)> {
    warp::path!("v1" / "pricing" / "stream")
        .and(handshake())
        .map(move |handshake: Handshake| {
            let node = node.clone();
            handshake.accept(Rules::default(), move |socket| serve(socket, node))
        })
        .boxed()
}

/// What the client knows of a match.
#[derive(Default)]
struct Known {
    head: Option<(Status, Option<Why>, Rests, Voice)>,
    prices: Vec<Option<Price>>,
    /// Lives as long as the client wants the match: a watcher without it goes.
    wanted: Arc<()>,
    /// Lives as long as the match's actor has the watcher: without it the match is watched again.
    watcher: Weak<()>,
}

/// The newest book of each match that the client was not told of yet.
#[derive(Default)]
struct Waiting {
    books: Mutex<BTreeMap<FixtureId, Arc<View>>>,
    news: Notify,
}

impl Waiting {
    fn put(&self, fixture: FixtureId, view: Arc<View>) {
        self.books.lock().unwrap_or_else(PoisonError::into_inner).insert(fixture, view);
        self.news.notify_one();
    }

    /// The next match's in their order, behind this one; after the last comes the first.
    fn take_behind(&self, last: FixtureId) -> Option<(FixtureId, Arc<View>)> {
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        let behind = books.range((Bound::Excluded(last), Bound::Unbounded)).next();
        let next = behind.or_else(|| books.first_key_value()).map(|(fixture, _)| *fixture)?;
        books.remove_entry(&next)
    }
}

struct Subscriber {
    node: Arc<Node>,
    socket: WebSocket<TcpStream>,
    matches: BTreeMap<FixtureId, Known>,
    waiting: Arc<Waiting>,
    /// Whose book was told last.
    last: FixtureId,
}

async fn serve(socket: WebSocket<TcpStream>, node: Arc<Node>) {
    let waiting = Arc::new(Waiting::default());
    let mut subscriber = Subscriber {
        node,
        socket,
        matches: BTreeMap::new(),
        waiting: waiting.clone(),
        last: FixtureId(0),
    };
    let mut look = tokio::time::interval(LOOK_EVERY);
    let goodbye = loop {
        subscriber.tell_waiting();
        tokio::select! {
            event = subscriber.socket.next() => match event {
                Event::Received(batch) => {
                    for message in batch.iter() {
                        if let Err(problem) = subscriber.take(message.bytes) {
                            let text = json!({
                                "op": "problem", "code": problem.code, "field": problem.field,
                                "detail": problem.reason,
                            });
                            subscriber.say(&text);
                        }
                    }
                    subscriber.watch();
                }
                Event::Unblocked => {}
                Event::Draining => break Some((CloseCode::GOING_AWAY, "the node is being stopped")),
                Event::Ended(_) => break None,
            },
            () = waiting.news.notified() => {}
            _ = look.tick() => subscriber.watch(),
        }
    };
    if let Some((code, reason)) = goodbye {
        subscriber.socket.close(code, reason).await;
    }
}

impl Subscriber {
    fn take(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        let (subscribe, matches) = read::read(bytes, |m| {
            let op = m.word("op", &[("subscribe", true), ("unsubscribe", false)])?;
            let matches = m.ids("matches", MATCHES_MAX)?;
            Ok((m.must("op", op)?, m.must("matches", matches)?))
        })?;
        for id in matches {
            let Ok(id) = u32::try_from(id) else { continue };
            match subscribe {
                true if self.matches.len() >= MATCHES_MAX => {
                    let reason = format!("more than {MATCHES_MAX} matches are watched");
                    return Err(Problem::field("too_many", "matches", reason));
                }
                true => drop(self.matches.entry(FixtureId(id)).or_default()),
                false => drop(self.matches.remove(&FixtureId(id))),
            }
        }
        Ok(())
    }

    /// Watches every match that is not watched: it is new, its actor has died, or had no room for the watcher. Starts
    /// those that do not run.
    fn watch(&mut self) {
        for (fixture, known) in &mut self.matches {
            if known.watcher.strong_count() > 0 {
                continue;
            }
            let address = Address::Fixture(*fixture);
            let Some(actor) = self.node.registry.find::<FixtureMsg>(address) else {
                self.node.nursery().start(Child::Fixture(*fixture));
                continue;
            };
            let watcher = Arc::new(());
            known.watcher = Arc::downgrade(&watcher);
            let (waiting, fixture) = (self.waiting.clone(), *fixture);
            let wanted = Arc::downgrade(&known.wanted);
            let tell = move |view: &Arc<View>, _: &[u16]| {
                let _ = &watcher;
                let is_wanted = wanted.strong_count() > 0;
                if is_wanted {
                    waiting.put(fixture, view.clone());
                }
                is_wanted
            };
            // With an actor that has died goes the watcher.
            let _ = actor.send(FixtureMsg::Watch(Box::new(tell)));
        }
    }

    /// As much as the client takes.
    fn tell_waiting(&mut self) {
        while !self.socket.is_full()
            && let Some((fixture, view)) = self.waiting.take_behind(self.last)
        {
            self.last = fixture;
            self.tell(fixture, &view);
        }
    }

    /// What the client does not know yet.
    fn tell(&mut self, fixture: FixtureId, view: &View) {
        let Some(known) = self.matches.get_mut(&fixture) else { return };
        let priced = &view.priced;
        let head = (priced.status, priced.why, priced.rests, priced.voice);
        let as_before = known.head == Some(head);
        let price = |at: usize| shape::price(priced.ticks[at]);
        let text = match known.head {
            Some(_) if known.prices.len() == priced.ticks.len() => {
                let differs = |at: &usize| known.prices[*at] != priced.ticks[*at];
                let changed = (0..priced.ticks.len()).filter(differs);
                let changes: Vec<Value> = changed.map(|at| json!([at, price(at)])).collect();
                if as_before && changes.is_empty() {
                    return;
                }
                json!({ "op": "change", "match": shape::head(view), "changes": changes })
            }
            _ => {
                let prices: Vec<Value> = (0..priced.ticks.len()).map(price).collect();
                json!({ "op": "book", "match": shape::head(view), "prices": prices })
            }
        };
        known.head = Some(head);
        known.prices.clone_from(&priced.ticks);
        self.say(&text);
    }

    fn say(&mut self, text: &Value) {
        self.socket.send(Kind::Text, text.to_string().as_bytes());
    }
}
