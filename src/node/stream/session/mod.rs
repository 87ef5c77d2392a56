//! One stream connection's talk.
//!
//! Owns     who the connection is, what it follows, and how far it was told; never a queue of bytes.
//! Started  by `sessions`, when a connection is accepted; transient.
//! Asks     the login who it is; the catalogue which markets; the board and the account for images and changes.
//! Crash    its connection is told and closed: the client comes back with its clocks. A new incarnation has
//!          no connection and ends.
//! Bounds   the connection's chunks: without room for more it is told nothing, then the merged change; without
//!          room for `BEHIND_MAX` it is told why and closed. Two subscriptions, the profile's markets.
//!
//! ```text
//!   attached ──authentication──▶ known ──subscription──▶ following ⇄ behind (no room for more)
//!      │ 15 s without a subscription or a word            │
//!      ▼                                                  ▼
//!   a status that says why, and the end ◀─────────────────┘
//! ```

mod markets;
mod orders;
mod tape;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actors::account::OrderNews;
use actors::board::{MarketFacts, News, SubscriberId};
use actors::registry::Address;
use actors::shell::{Behaviour, Context, Fault, Named};
use bytes::Bytes;
use domain::ids::{AccountId, MarketId, PartitionId};
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use self::markets::MarketFollowing;
use self::orders::OrderFollowing;
use self::tape::TapeFollowing;
use super::Service;
use super::request::{LINE_BYTES_MAX, MarketSubscription, Message, Request};
use super::seats::Seat;
use super::status::{self, ErrorCode, Failure};
use super::transport::Chunk;
use crate::betfair::handler::Exchange as _;
use crate::betfair::rpc::Denied;

/// One node alone runs one partition.
const PARTITION: PartitionId = PartitionId(0);
/// Without a subscription or a word for so long, a connection is let go.
const IDLE_MAX: Duration = Duration::from_secs(15);
/// A reader that has had no room for so long is let go.
const BEHIND_MAX: Duration = Duration::from_secs(15);
/// How often it is looked whether there is room again.
const BEHIND_LOOK: Duration = Duration::from_millis(50);
/// What could not be asked is asked again after this.
const ASK_AGAIN: Duration = Duration::from_millis(50);
/// Of a logout it hears at once; whether the login has expired is asked so often.
const LOGIN_LOOK: Duration = Duration::from_secs(30);

/// Which connection, and what all share.
#[derive(Clone)]
pub struct StreamArgs {
    /// Of this process.
    pub connection: u64,
    /// What all share.
    pub service: Arc<Service>,
}

/// The session's way out.
pub struct Attached {
    pub(in crate::stream) out: mpsc::Sender<Chunk>,
    pub(in crate::stream) connection_id: Arc<str>,
}

/// What the session is sent.
pub enum StreamMsg {
    /// From the connection: here it is.
    Attach(Attached),
    /// From the connection. The permit lets it read on.
    Line {
        /// Without its end.
        line: Bytes,
        /// Let go when the line is handled.
        permit: Option<OwnedSemaphorePermit>,
    },
    /// From the connection: a line without end.
    TooLong,
    /// From the connection: it has ended.
    Gone,
    /// Who the token belongs to.
    Known {
        /// Of the request.
        id: Option<i64>,
        /// Whose it is.
        known: Result<AccountId, Denied>,
    },
    /// From the catalogue: the markets of a subscription, or how many too many.
    Found(Found),
    /// To be asked again.
    Again(Found),
    /// From the catalogue: a new market that the subscription takes.
    New {
        /// Whose.
        subscriber: SubscriberId,
        /// Which.
        market: MarketId,
        /// What is known of it.
        facts: MarketFacts,
    },
    /// From the board.
    News {
        /// To whom: perhaps one that was replaced.
        subscriber: SubscriberId,
        /// What.
        news: News,
    },
    /// The board has let the subscription go, most likely because it died.
    Lost(SubscriberId),
    /// From the account, after the sync.
    Orders {
        /// To whom: perhaps one that was replaced.
        follower: u64,
        /// What.
        news: OrderNews,
    },
    /// The account has let the following go, most likely because it died.
    AccountLost(u64),
    /// An answer that something waits behind has been handed to its connection.
    Handed,
    /// Whether the login is still good.
    Still(Result<(), Denied>),
    /// Something may be due.
    Wake,
}

/// What came of a question to the catalogue.
pub struct Found {
    id: Option<i64>,
    subscription: Arc<MarketSubscription>,
    /// `None`: it was not answered.
    markets: Option<Result<Vec<(MarketId, MarketFacts)>, usize>>,
}

impl std::fmt::Debug for StreamMsg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Named for StreamMsg {
    fn name(&self) -> &'static str {
        match self {
            StreamMsg::Attach(_) => "attach",
            StreamMsg::Line { .. } => "line",
            StreamMsg::TooLong => "too long",
            StreamMsg::Gone => "gone",
            StreamMsg::Known { .. } => "known",
            StreamMsg::Found(_) => "found",
            StreamMsg::Again(_) => "again",
            StreamMsg::New { .. } => "new",
            StreamMsg::News { .. } => "news",
            StreamMsg::Lost(_) => "lost",
            StreamMsg::Orders { .. } => "orders",
            StreamMsg::AccountLost(_) => "account lost",
            StreamMsg::Handed => "handed",
            StreamMsg::Still(_) => "still",
            StreamMsg::Wake => "wake",
        }
    }
}

/// The talk.
pub struct StreamSession {
    connection: u64,
    service: Arc<Service>,
    /// `None` before the connection is attached, and when the last word is said.
    out: Option<mpsc::Sender<Chunk>>,
    connection_id: Arc<str>,
    account: Option<(AccountId, Seat)>,
    login: Option<Login>,
    /// Came while an earlier one is being worked on.
    lines: VecDeque<(Bytes, Option<OwnedSemaphorePermit>)>,
    busy: bool,
    /// When the client last said something.
    heard: Instant,
    markets: Option<MarketFollowing>,
    orders: Option<OrderFollowing>,
    tape: Option<TapeFollowing>,
    subscriptions: u64,
    armed: Option<Instant>,
}

/// Of whom the connection is as long as the session lasts.
struct Login {
    app_key: String,
    token: String,
    look: Instant,
}

/// What became of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Yes,
    /// There is no room.
    No,
}

impl Behaviour for StreamSession {
    type Args = StreamArgs;
    type Message = StreamMsg;
    const KIND: &'static str = "session";

    fn address(args: &StreamArgs) -> Address {
        Address::Stream(args.connection)
    }

    fn start(args: StreamArgs, _: &Context<StreamMsg>) -> Result<Self, Fault> {
        Ok(StreamSession {
            connection: args.connection,
            service: args.service,
            out: None,
            connection_id: "".into(),
            account: None,
            login: None,
            lines: VecDeque::new(),
            busy: false,
            heard: Instant::now(),
            markets: None,
            orders: None,
            tape: None,
            subscriptions: 0,
            armed: None,
        })
    }

    fn started(&mut self, context: &mut Context<StreamMsg>) -> Result<(), Fault> {
        self.arm(context);
        Ok(())
    }

    fn handle(
        &mut self,
        message: StreamMsg,
        context: &mut Context<StreamMsg>,
    ) -> Result<(), Fault> {
        match message {
            StreamMsg::Attach(attached) => self.attach(attached),
            StreamMsg::Line { line, permit } => {
                self.heard = Instant::now();
                self.lines.push_back((line, permit));
                self.work(context);
            }
            StreamMsg::TooLong => {
                let why = format!("a line is longer than {LINE_BYTES_MAX} bytes");
                self.fail(None, &Failure::new(ErrorCode::InvalidInput, why), context);
            }
            StreamMsg::Gone => self.end(context),
            StreamMsg::Known { id, known } => self.known(id, known, context),
            StreamMsg::Found(found) => self.found(found, context),
            StreamMsg::Again(Found { id, subscription, .. }) => {
                self.find(id, subscription, context);
            }
            StreamMsg::New { subscriber, market, facts } => {
                self.widen(subscriber, market, facts, context);
            }
            StreamMsg::News { subscriber, news } => self.news(subscriber, news, context),
            StreamMsg::Lost(subscriber) => self.lost(subscriber),
            StreamMsg::Orders { follower, news } => self.order_news(follower, news, context),
            StreamMsg::AccountLost(follower) => self.account_lost(follower),
            StreamMsg::Handed => self.tell_held(Instant::now(), context),
            StreamMsg::Still(login) => self.still(login, context),
            StreamMsg::Wake => {
                self.armed = None;
                self.wake(context);
            }
        }
        self.arm(context);
        Ok(())
    }

    fn observe(&self) -> serde_json::Value {
        json!({
            "connection": &*self.connection_id,
            "account": self.account.as_ref().map(|(account, _)| account.0),
            "markets": self.markets.as_ref().map(MarketFollowing::observe),
            "orders": self.orders.as_ref().map(OrderFollowing::observe),
            "tape": self.tape.as_ref().map(TapeFollowing::observe),
            "room": self.out.as_ref().map(mpsc::Sender::capacity),
        })
    }

    /// The board lets go of what a killed session followed when it next tells it something.
    fn stopped(&mut self) {
        self.out = None;
    }
}

impl StreamSession {
    fn attach(&mut self, attached: Attached) {
        self.heard = Instant::now();
        self.connection_id = attached.connection_id;
        self.out = Some(attached.out);
        self.tell(Bytes::from(status::connection(&self.connection_id)));
    }

    // ------------------------------------------------------------------------------------ requests

    fn work(&mut self, context: &mut Context<StreamMsg>) {
        while !self.busy && self.out.is_some() {
            let Some((line, _permit)) = self.lines.pop_front() else { return };
            if line.trim_ascii().is_empty() {
                continue;
            }
            let Message { id, request } = Message::read(&line);
            match request {
                Ok(request) => self.request(id, request, context),
                Err(failure) => self.fail(id, &failure, context),
            }
        }
    }

    fn request(&mut self, id: Option<i64>, request: Request, context: &mut Context<StreamMsg>) {
        match (request, &self.account) {
            (Request::Authentication { .. }, Some(_)) => {
                let why = Failure::new(ErrorCode::InvalidRequest, "authenticated already");
                self.fail(id, &why, context);
            }
            (Request::Authentication { app_key, session }, None) => {
                self.authenticate(id, app_key, session, context);
            }
            (_, None) => {
                let why = Failure::new(ErrorCode::NoSession, "authenticate first");
                self.fail(id, &why, context);
            }
            (Request::Heartbeat, Some(_)) => self.succeed(id, context),
            (Request::Markets(subscription), Some(_)) => {
                if let Some(file) = self.service.tape.get().cloned() {
                    return self.follow_tape(id, &subscription, &file, context);
                }
                self.busy = true;
                self.find(id, Arc::new(*subscription), context);
            }
            (Request::Orders(subscription), Some(_)) => {
                self.follow_orders(id, *subscription, context);
            }
        }
    }

    fn authenticate(
        &mut self,
        id: Option<i64>,
        app_key: Option<String>,
        session: Option<String>,
        context: &mut Context<StreamMsg>,
    ) {
        let Some(app_key) = app_key else {
            let why = Failure::new(ErrorCode::NoAppKey, "appKey is missing");
            return self.fail(id, &why, context);
        };
        let Some(session) = session else {
            let why = Failure::new(ErrorCode::NoSession, "session is missing");
            return self.fail(id, &why, context);
        };
        self.busy = true;
        let token = session.clone();
        self.ask_session(app_key.clone(), session, context, move |known| StreamMsg::Known {
            id,
            known,
        });
        self.login = Some(Login { app_key, token, look: Instant::now() + LOGIN_LOOK });
    }

    fn ask_session(
        &self,
        app_key: String,
        token: String,
        context: &Context<StreamMsg>,
        word: impl FnOnce(Result<AccountId, Denied>) -> StreamMsg + Send + 'static,
    ) {
        let (me, service) = (context.me.clone(), self.service.clone());
        context.node.nursery().attend(Box::pin(async move {
            let customer = service.exchange.session(Some(&app_key), &token).await;
            let _ = me.send(word(customer.map(|customer| customer.account())));
        }));
    }

    /// Looks whether the session has ended otherwise than by a logout.
    fn look_at_login(&mut self, now: Instant, context: &Context<StreamMsg>) {
        let known = self.account.is_some();
        let Some(login) = self.login.as_mut().filter(|login| known && now >= login.look) else {
            return;
        };
        login.look = now + LOGIN_LOOK;
        let (app_key, token) = (login.app_key.clone(), login.token.clone());
        let still = |known: Result<AccountId, Denied>| StreamMsg::Still(known.map(drop));
        self.ask_session(app_key, token, context, still);
    }

    /// A stream does not outlive its session.
    fn still(&mut self, login: Result<(), Denied>, context: &mut Context<StreamMsg>) {
        if matches!(login, Err(Denied::Session | Denied::AppKey)) && self.out.is_some() {
            let why = Failure::new(ErrorCode::InvalidSessionInformation, "the session is over");
            self.fail(None, &why, context);
        }
    }

    fn known(
        &mut self,
        id: Option<i64>,
        known: Result<AccountId, Denied>,
        context: &mut Context<StreamMsg>,
    ) {
        self.busy = false;
        let failure = match known {
            Ok(account) => match self.service.seats.take(account) {
                Some((seat, _)) => {
                    self.account = Some((account, seat));
                    self.hear_of_logout(context);
                    self.succeed(id, context);
                    return self.work(context);
                }
                None => {
                    let most = self.service.limits.connections;
                    let why = format!("the account has {most} connections already");
                    Failure::new(ErrorCode::MaxConnectionLimitExceeded, why)
                }
            },
            Err(Denied::AppKey) => {
                Failure::new(ErrorCode::InvalidAppKey, "appKey is not that of the session")
            }
            Err(Denied::Session) => {
                let why = "the session is unknown or over";
                Failure::new(ErrorCode::InvalidSessionInformation, why)
            }
            Err(Denied::Busy) => {
                Failure::new(ErrorCode::UnexpectedError, "the node is busy, try again")
            }
        };
        self.fail(id, &failure, context);
    }

    fn hear_of_logout(&self, context: &Context<StreamMsg>) {
        let Some(login) = &self.login else { return };
        let (me, there) = (context.me.clone(), context.me.clone());
        let tell = move || drop(me.send(StreamMsg::Still(Err(Denied::Session))));
        self.service.exchange.when_over(&login.token, tell, move || there.is_open());
    }

    // ---------------------------------------------------------------------------------------- told

    /// Puts whole lines out, if there is room.
    fn tell(&mut self, lines: Bytes) -> Told {
        self.tell_pieces(vec![lines])
    }

    fn tell_pieces(&mut self, pieces: Vec<Bytes>) -> Told {
        let Some(out) = &self.out else { return Told::No };
        match out.try_send(Chunk { pieces, last: false }) {
            Ok(()) => Told::Yes,
            Err(_) => Told::No,
        }
    }

    fn succeed(&mut self, id: Option<i64>, context: &mut Context<StreamMsg>) {
        let Some((account, _)) = &self.account else { return };
        let left = self.service.seats.left(*account);
        if self.tell(Bytes::from(status::success(id, &self.connection_id, left))) == Told::No {
            let why = "more was asked than was read of the answers";
            self.fail(id, &Failure::new(ErrorCode::TooManyRequests, why), context);
        }
    }

    /// Says why, and closes when the failure is one that closes.
    fn fail(&mut self, id: Option<i64>, failure: &Failure, context: &mut Context<StreamMsg>) {
        let line = Bytes::from(status::failure(id, &self.connection_id, failure));
        if !failure.code.closes() {
            self.tell(line);
            return;
        }
        tracing::debug!(connection = %self.connection_id, code = ?failure.code, "stream closed");
        if let Some(out) = self.out.take() {
            // A reader without room for it is closed without.
            let _ = out.try_send(Chunk { pieces: vec![line], last: true });
        }
        self.end(context);
    }

    fn end(&mut self, context: &mut Context<StreamMsg>) {
        self.leave_markets(context);
        self.leave_orders(context);
        self.out = None;
        context.stop();
    }

    // ---------------------------------------------------------------------------------------- time

    fn wake(&mut self, context: &mut Context<StreamMsg>) {
        let now = Instant::now();
        if self.is_idle() && now >= self.heard + IDLE_MAX {
            if self.out.is_none() {
                // Restarted without its connection, or never attached.
                return self.end(context);
            }
            let ms = IDLE_MAX.as_millis();
            let why = format!("Connection is not subscribed and is idle: {ms} ms");
            return self.fail(None, &Failure::new(ErrorCode::Timeout, why), context);
        }
        self.look_at_login(now, context);
        self.markets_due(now, context);
        self.orders_due(now, context);
        self.tape_due(now);
    }

    fn is_idle(&self) -> bool {
        let follows = self.markets.is_some() || self.orders.is_some() || self.tape.is_some();
        !follows && !self.busy
    }

    /// Everything that was put out is being written or is out.
    fn has_room(&self) -> bool {
        self.out.as_ref().is_some_and(|out| out.capacity() == out.max_capacity())
    }

    fn due(&self, now: Instant) -> Option<Instant> {
        let idle = self.is_idle().then(|| self.heard + IDLE_MAX);
        let markets = self.markets.as_ref().map(|markets| markets.due(now));
        let orders = self.orders.as_ref().map(|orders| orders.due(now));
        let tape = self.tape.as_ref().map(|tape| tape.due(now));
        let known = self.account.is_some();
        let login = self.login.as_ref().filter(|_| known).map(|login| login.look);
        [idle, markets, orders, tape, login].into_iter().flatten().min()
    }

    /// One timer, touched only when something is due earlier.
    fn arm(&mut self, context: &Context<StreamMsg>) {
        let now = Instant::now();
        let Some(due) = self.due(now) else { return };
        if self.armed.is_none_or(|armed| due < armed) {
            self.armed = Some(due);
            context.after(due.saturating_duration_since(now), || StreamMsg::Wake);
        }
    }

    fn next_subscriber(&mut self) -> SubscriberId {
        self.subscriptions += 1;
        SubscriberId(self.connection << 24 | self.subscriptions & 0xff_ffff)
    }
}
