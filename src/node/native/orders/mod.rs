//! `/v1/orders`: the binary order channel, the fast way in for market makers.
//!
//! A WebSocket on the public door. Every message is one binary frame that holds one MessagePack array; many
//! may be open at once, and they are answered in any order under the id that the client chose (any number up
//! to 2^64 - 1, best one that is not open). Orders go through the customer's session like every other
//! request; what arrives together travels together.
//!
//! | client sends | array |
//! |---|---|
//! | log in | `[0, id, app_key, token]`, unless `X-Application` and `X-Authentication` came with the handshake |
//! | place | `[1, id, market, selection, side, price, size, persistence?, fill?, handicap?, order_ref?, strategy_ref?, customer_ref?, market_version?, kind?]` |
//! | cancel | `[2, id, market?, bet?, reduction?, customer_ref?]`: a bet, a market, or everything |
//! | replace | `[3, id, market, bet, price, customer_ref?, market_version?]` |
//! | update | `[4, id, market, bet, persistence, customer_ref?]` |
//!
//! | server sends | array |
//! |---|---|
//! | error | `[0, id, code, field, reason]`; nothing was done, unless the code is `unknown` |
//! | placed | `[1, id, bet, end, matched, matched_times_price, at]`; end 0 rests, 1 complete, 2 expired |
//! | cancelled | `[2, id, [[market, bet, size, at] or [market, bet, code], ...]]` |
//! | replaced | `[3, id, size_cancelled, bet, end, matched, matched_times_price, at]`, or `[3, id, size_cancelled, code]` when only the cancel came through |
//! | updated | `[4, id, bet]` |
//! | welcome | `[5, id, credits]`, the answer to a login |
//!
//! What may be left out (`?`) may be nil, and is left out at the end. Market is the number behind the `1.` of
//! its id. Side is 0 to back, 1 to lay. Price is in hundredths (2.50 is 250), size, fill, reduction and
//! matched are pence, handicap is in hundredths, `at` is milliseconds since 1970. Persistence is 0 to lapse,
//! 1 to persist, 2 for market on close. Without fill an order rests; with it, at least so much is matched at
//! once (0: all of it) or nothing is. Kind says what price and size mean: 0 is a limit order; 1 is a limit on
//! close and 2 a market on close, at the starting price, whose size is what may be lost (the stake of a back,
//! the liability of a lay), and 2 has price 0; 3 and 4 are limit orders whose size is the target that the
//! backer is to get back in all, or to win. A `customer_ref` used again within a minute is refused, so that an
//! order whose answer was lost can be sent again. `matched_times_price` divided by `matched` is the average
//! price in hundredths.
//!
//! Never    drops a connection for a message it can answer: a bad one gets an error with its field.
//! Bounds   [`CREDITS`] open commands a connection, past which `busy` is answered; the session's and the
//!          journal's own bounds answer `busy` too. Nobody who has not logged in stays
//!          [`LOG_IN_WITHIN`]; nobody stays whose session is over, once what is open is answered. A client that does not read is not read from, then cut (`door::websocket`).

mod answer;
mod message;
mod pack;
mod words;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use actors::mailbox::Undelivered;
use actors::session::{
    Answer, Kept, Line, LineReply, Reply, RequestError, SessionMsg, SessionRequest,
};
use domain::request::{CancelScope, CustomerRequest, RequestBody};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep_until};
use warp::Filter;
use warp::filters::BoxedFilter;

use crate::betfair::exchange::{Customer, NodeExchange};
use crate::betfair::handler::Exchange;
use crate::betfair::rpc::Denied;
use crate::door::websocket::{
    Batch, CloseCode, Event, Handshake, Kind, Rules, WebSocket, handshake,
};
use crate::fuzz::Reached;
use message::{Command, Fault, Message};
use words::Word;

/// Commands of one connection that may be open at once.
pub const CREDITS: usize = 1_024;
/// How long a connection may take to say who it is.
const LOG_IN_WITHIN: Duration = Duration::from_secs(10);
/// A command that is not answered by then is told to be of unknown outcome.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// Of a logout a connection hears at once; whether its login has expired is asked so often.
const LOGIN_LOOK: Duration = Duration::from_secs(30);
/// Messages that may wait for one session; past it a command is refused before anything is asked.
const MAILBOX_MAX: usize = 8_192;
/// Answers taken from the line at once.
const ANSWERS_MAX: usize = 256;

const RULES: Rules = Rules {
    message_bytes_max: 2 << 10,
    queued_bytes_max: 1 << 20,
    ping_every: Duration::from_secs(15),
    silent_timeout: Duration::from_secs(45),
    stall_timeout: Duration::from_secs(20),
    close_timeout: Duration::from_secs(1),
    control_frames_max: 1_000,
};

/// The channel's path.
pub fn routes(exchange: Arc<NodeExchange>) -> BoxedFilter<(warp::reply::Response,)> {
    warp::path!("v1" / "orders")
        .and(handshake())
        .map(move |handshake: Handshake| {
            let header = |name| handshake.header(name).map(str::to_owned);
            let both = header("x-application").zip(header("x-authentication"));
            let exchange = exchange.clone();
            handshake.accept(RULES, move |socket| serve(socket, exchange, both))
        })
        .boxed()
}

/// Who speaks on a connection.
struct Speaker {
    app_key: String,
    token: String,
    customer: Customer,
    /// When to look whether the session has ended otherwise than by a logout.
    look: Instant,
}

/// One connection's commands.
struct Channel {
    exchange: Arc<NodeExchange>,
    socket: WebSocket<TcpStream>,
    speaker: Option<Speaker>,
    line: Line,
    open: OpenCommands,
    /// Where an answer is written before it is a frame.
    scratch: Vec<u8>,
    /// Told when a session that this connection spoke for is logged out.
    over: Arc<Notify>,
    /// It takes no more commands, and goes when the open ones are answered.
    leaving: Option<Leaving>,
}

/// Why nothing more is taken.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Leaving {
    Stopping,
    SessionOver,
}

impl Leaving {
    fn goodbye(self) -> Goodbye {
        match self {
            Leaving::Stopping => (CloseCode::GOING_AWAY, "the node is being stopped, come back"),
            Leaving::SessionOver => (CloseCode::POLICY, SESSION_OVER),
        }
    }

    fn refusal(self) -> (Word, &'static str) {
        match self {
            Leaving::Stopping => (words::BUSY, "the node is being stopped"),
            Leaving::SessionOver => (words::SESSION_OVER, SESSION_OVER),
        }
    }
}

const SESSION_OVER: &str = "the session is over";

/// Why a connection is let go.
type Goodbye = (CloseCode, &'static str);

async fn serve(
    socket: WebSocket<TcpStream>,
    exchange: Arc<NodeExchange>,
    credentials: Option<(String, String)>,
) {
    // Not more waits in it than commands are open: each sends one answer.
    let (line, mut answers) = mpsc::unbounded_channel();
    let open = OpenCommands::default();
    let mut channel = Channel {
        exchange,
        socket,
        speaker: None,
        line,
        open,
        scratch: Vec::new(),
        over: Arc::default(),
        leaving: None,
    };
    let goodbye = channel.converse(credentials, &mut answers).await;
    if let Some((code, reason)) = goodbye {
        channel.socket.close(code, reason).await;
    }
}

impl Channel {
    /// Until the client has gone (`None`) or must go.
    async fn converse(
        &mut self,
        credentials: Option<(String, String)>,
        answers: &mut mpsc::UnboundedReceiver<(u64, Option<Kept>)>,
    ) -> Option<Goodbye> {
        let mut told = Vec::new();
        // Looks after who does not log in, then after commands that nobody answers.
        let mut timer = std::pin::pin!(sleep_until(Instant::now() + LOG_IN_WITHIN));
        if let Some((app_key, token)) = credentials
            && let Err(goodbye) = self.log_in(None, app_key, token).await
        {
            return Some(goodbye);
        }
        loop {
            if let Some(leaving) = self.leaving
                && self.open.is_empty()
            {
                return Some(leaving.goodbye());
            }
            if self.socket.is_full() {
                return Some((CloseCode::POLICY, "answers are not read"));
            }
            tokio::select! {
                event = self.socket.next() => match event {
                    Event::Received(batch) => {
                        if let Err(goodbye) = self.take(&batch).await {
                            return Some(goodbye);
                        }
                    }
                    Event::Unblocked => {}
                    Event::Draining => self.leaving = Some(Leaving::Stopping),
                    Event::Ended(_) => return None,
                },
                _ = answers.recv_many(&mut told, ANSWERS_MAX) => {
                    let mut handed = Vec::new();
                    for (tag, kept) in told.drain(..) {
                        let (answer, follows) = kept.unzip();
                        handed.extend(follows.flatten());
                        if let Err(goodbye) = self.answered(tag, answer) {
                            return Some(goodbye);
                        }
                    }
                    if !handed.is_empty() {
                        // The stream tells of the orders behind it.
                        self.socket.flush().await;
                    }
                }
                () = self.over.notified() => self.look_at_login(Instant::now()).await,
                () = &mut timer => {
                    let now = Instant::now();
                    match &self.speaker {
                        None => return Some((CloseCode::POLICY, "not logged in")),
                        Some(speaker) if speaker.look <= now => self.look_at_login(now).await,
                        Some(_) => {}
                    }
                    while let Some(id) = self.open.overdue(now) {
                        self.refuse(Some(id), words::UNKNOWN, "no answer came in time");
                    }
                    timer.as_mut().reset(now + ANSWER_WITHIN / 3);
                }
            }
        }
    }

    /// All that came together.
    async fn take(&mut self, batch: &Batch) -> Result<(), Goodbye> {
        let now = Instant::now();
        for message in batch.iter() {
            if message.kind == Kind::Text {
                self.refuse(None, ("binary_only", None), "messages are binary frames");
                continue;
            }
            match message::read(message.bytes) {
                Err(fault) => self.fault(&fault),
                Ok(Message { id, command: Command::LogIn { app_key, token } }) => {
                    self.log_in(Some(id), app_key.to_owned(), token.to_owned()).await?;
                }
                Ok(Message { id, command }) => self.command(id, command, now).await?,
            }
        }
        Ok(())
    }

    async fn log_in(
        &mut self,
        id: Option<u64>,
        app_key: String,
        token: String,
    ) -> Result<(), Goodbye> {
        match self.exchange.session(Some(&app_key), &token).await {
            Ok(customer) => {
                self.hear_of_logout(&token);
                let look = Instant::now() + LOGIN_LOOK;
                self.speaker = Some(Speaker { app_key, token, customer, look });
                self.say(|out| answer::welcome(id, CREDITS, out));
                Ok(())
            }
            Err(denied) => {
                let (word, reason) = denied_as(denied);
                self.refuse(id, word, reason);
                Err((CloseCode::POLICY, reason))
            }
        }
    }

    fn hear_of_logout(&self, token: &str) {
        let (told, there) = (Arc::downgrade(&self.over), Arc::downgrade(&self.over));
        let tell = move || {
            if let Some(over) = told.upgrade() {
                over.notify_one();
            }
        };
        self.exchange.when_over(token, tell, move || there.strong_count() > 0);
    }

    /// Whose session has ended, by a logout or otherwise, is let go.
    async fn look_at_login(&mut self, now: Instant) {
        let Some(speaker) = &mut self.speaker else { return };
        speaker.look = now + LOGIN_LOOK;
        let session = self.exchange.session(Some(&speaker.app_key), &speaker.token).await;
        if matches!(session, Err(Denied::Session | Denied::AppKey)) {
            self.leaving = Some(Leaving::SessionOver);
        }
    }

    async fn command(
        &mut self,
        id: u64,
        command: Command<'_>,
        now: Instant,
    ) -> Result<(), Goodbye> {
        let Some(speaker) = &self.speaker else {
            self.refuse(Some(id), ("not_logged_in", None), "log in first");
            return Ok(());
        };
        if let Some(leaving) = self.leaving {
            let (word, reason) = leaving.refusal();
            self.refuse(Some(id), word, reason);
            return Ok(());
        }
        if self.open.len() >= CREDITS {
            self.refuse(Some(id), words::BUSY, "as many commands are open as may be");
            return Ok(());
        }
        let tag = self.open.push(id, now);
        let reply = Reply::Line(LineReply::new(tag, self.line.clone()));
        let asked = SessionMsg::Request { request: request_of(command), reply };
        let asked = match speaker.customer.orders().try_send(asked, MAILBOX_MAX) {
            Ok(()) => return Ok(()),
            Err(Undelivered::Overloaded(_)) => None,
            Err(Undelivered::Gone(asked)) => Some(asked),
        };
        if let Some(asked) = asked {
            // The session's actor has fallen, or the customer has logged out.
            self.find_session_again(id).await?;
            let found = self.speaker.as_ref().map(|speaker| speaker.customer.orders());
            if found.is_some_and(|way| way.try_send(asked, MAILBOX_MAX).is_ok()) {
                return Ok(());
            }
        }
        self.open.close(tag);
        self.refuse(Some(id), words::BUSY, "too much waits for this session");
        Ok(())
    }

    async fn find_session_again(&mut self, id: u64) -> Result<(), Goodbye> {
        let Some(speaker) = &mut self.speaker else { return Ok(()) };
        match self.exchange.session(Some(&speaker.app_key), &speaker.token).await {
            Ok(customer) => speaker.customer = customer,
            // It may be there for the next command.
            Err(Denied::Busy) => {}
            Err(denied) => {
                let (word, reason) = denied_as(denied);
                self.refuse(Some(id), word, reason);
                return Err((CloseCode::POLICY, reason));
            }
        }
        Ok(())
    }

    fn answered(&mut self, tag: u64, answer: Option<Answer>) -> Result<(), Goodbye> {
        // One that is not open any more was told already.
        let Some(id) = self.open.close(tag) else { return Ok(()) };
        match answer {
            Some(Ok(outcome)) => self.say(|out| answer::outcome(id, &outcome, out)),
            None => self.refuse(Some(id), words::UNKNOWN, "its actor died, it may have been done"),
            Some(Err(error)) => {
                let reason = error.to_string();
                match error {
                    RequestError::Busy(_) | RequestError::TooManyRequests => {
                        self.refuse(Some(id), words::BUSY, &reason);
                    }
                    RequestError::NoSuchMarket => {
                        self.refuse(Some(id), ("invalid_market", Some("market")), &reason);
                    }
                    RequestError::SessionOver => {
                        self.refuse(Some(id), words::SESSION_OVER, &reason);
                        return Err(Leaving::SessionOver.goodbye());
                    }
                }
            }
        }
        Ok(())
    }

    fn fault(&mut self, fault: &Fault) {
        self.say(|out| answer::fault(fault, out));
    }

    fn refuse(&mut self, id: Option<u64>, word: Word, reason: &str) {
        self.say(|out| answer::error(id, word, reason, out));
    }

    fn say(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.scratch.clear();
        write(&mut self.scratch);
        self.socket.send(Kind::Binary, &self.scratch);
    }
}

fn denied_as(denied: Denied) -> (Word, &'static str) {
    match denied {
        Denied::AppKey => {
            (("invalid_app_key", Some("app_key")), "the app key is not the session's")
        }
        Denied::Session => (("invalid_token", Some("token")), "there is no such session"),
        Denied::Busy => (words::BUSY, "the node cannot look the session up now"),
    }
}

/// A command as the session takes it.
fn request_of(command: Command<'_>) -> SessionRequest {
    let plain = |customer_ref: Option<&str>, body| {
        SessionRequest::Plain(CustomerRequest { customer_ref: customer_ref.map(Box::from), body })
    };
    match command {
        Command::LogIn { .. } => unreachable!("a login is no command"),
        Command::Place { market, ticket, strategy_ref, customer_ref, market_version } => {
            SessionRequest::Place {
                market,
                tickets: vec![ticket],
                customer_ref: customer_ref.map(Box::from),
                strategy_ref: strategy_ref.map(Box::from),
                market_version,
            }
        }
        Command::Cancel { market, bet, reduction, customer_ref } => {
            let scope = match (market, bet) {
                (Some(market), Some(bet)) => {
                    CancelScope::Bets { market, orders: vec![(bet, reduction)] }
                }
                (Some(market), None) => CancelScope::Market(market),
                (None, _) => CancelScope::Everything,
            };
            plain(customer_ref, RequestBody::Cancel(scope))
        }
        Command::Replace { market, bet, price, customer_ref, market_version } => {
            let orders = vec![(bet, price)];
            plain(customer_ref, RequestBody::Replace { market, orders, market_version })
        }
        Command::Update { market, bet, persistence, customer_ref } => {
            let orders = vec![(bet, persistence)];
            plain(customer_ref, RequestBody::Update { market, orders })
        }
    }
}

/// Commands that are not answered, by tag: numbered as they came, so that an answer finds its place without
/// a search, and the oldest is in front.
#[derive(Debug, Default)]
struct OpenCommands {
    /// The tag of the front.
    first: u64,
    /// The client's id and when the command came; `None` when it is answered.
    commands: VecDeque<Option<(u64, Instant)>>,
    open: usize,
}

impl OpenCommands {
    fn len(&self) -> usize {
        self.open
    }

    fn is_empty(&self) -> bool {
        self.open == 0
    }

    fn push(&mut self, id: u64, now: Instant) -> u64 {
        self.commands.push_back(Some((id, now)));
        self.open += 1;
        self.first + self.commands.len() as u64 - 1
    }

    /// The client's id, the first time.
    fn close(&mut self, tag: u64) -> Option<u64> {
        let at = usize::try_from(tag.checked_sub(self.first)?).ok()?;
        let (id, _) = self.commands.get_mut(at)?.take()?;
        self.open -= 1;
        while let Some(None) = self.commands.front() {
            self.commands.pop_front();
            self.first += 1;
        }
        Some(id)
    }

    /// Closes the oldest if it has been open for too long.
    fn overdue(&mut self, now: Instant) -> Option<u64> {
        let (_, since) = (*self.commands.front()?)?;
        if now.duration_since(since) < ANSWER_WITHIN {
            return None;
        }
        self.close(self.first)
    }
}

/// For fuzzers: reads a message as the channel does, and the refusal as a client does.
pub(crate) fn look_at_message(bytes: &[u8]) -> Reached {
    let Err(fault) = message::read(bytes) else { return Reached::Read };
    assert!(!fault.reason.is_empty(), "{fault:?}");
    let mut told = Vec::new();
    answer::fault(&fault, &mut told);
    let mut reader = pack::Reader::new(&told);
    assert!(matches!(reader.array(), Ok(5)), "{told:?}");
    assert!(matches!(reader.integer(), Ok(0)), "{told:?}");
    assert!(reader.nil() || reader.integer().is_ok(), "{told:?}");
    assert!(reader.text().is_ok_and(|code| code == fault.code), "{told:?}");
    assert!(reader.nil() || reader.text().is_ok(), "{told:?}");
    assert!(reader.text().is_ok() && reader.is_at_end(), "{told:?}");
    Reached::Refused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_any_order_and_once() {
        let mut open = OpenCommands::default();
        let now = Instant::now();
        let tags: Vec<u64> = [70, 80, 70].map(|id| open.push(id, now)).to_vec();
        assert_eq!(open.close(tags[1]), Some(80));
        assert_eq!(open.close(tags[1]), None);
        assert_eq!((open.len(), open.close(99)), (2, None));
        assert_eq!(open.close(tags[0]), Some(70));
        let next = open.push(90, now);
        assert_eq!(open.close(tags[2]), Some(70));
        assert_eq!(open.close(next), Some(90));
        assert!(open.is_empty() && open.commands.is_empty());
        assert_eq!(open.close(tags[0]), None);
    }

    #[test]
    fn what_is_not_answered_in_time_is_let_go_oldest_first() {
        let mut open = OpenCommands::default();
        let now = Instant::now();
        let tag = open.push(5, now);
        open.push(6, now + ANSWER_WITHIN / 2);
        assert_eq!(open.overdue(now), None);
        assert_eq!(open.overdue(now + ANSWER_WITHIN), Some(5));
        assert_eq!(open.overdue(now + ANSWER_WITHIN), None);
        assert_eq!((open.len(), open.close(tag)), (1, None));
    }
}
