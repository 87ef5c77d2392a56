//! A demo trader: lists one match after another, leads its markets as its prices say, and quotes them.
//!
//! What it quotes and when it suspends is the word of the match's pricing actor (`fixture`), which hears of the
//! match as of any other; of the script it knows who plays when.
//!
//! Owns     nothing that lasts: what is listed, matched and held is read back at every look.
//! Started  by `strategies`, one per slot of a demo; permanent.
//! Asks     football which match is its own, and the match's actor for its book; home for the markets' life (as
//!          an operator) and for two logins; its two sessions, like any customer's, for orders; markets and
//!          its account how they stand.
//! Crash    everything follows from the slot, the seed and the time, and events and markets are listed under
//!          a key of their own: a new incarnation goes on with the same match.
//! Bounds   one question at a time; at most `maker::wanted` orders a market.
//!
//! ```text
//!   look: log in ─▶ list ─▶ book ─▶ view both markets ─▶ act on their status ─▶ own orders ─▶ cancel, place, punt
//!           │                ▲─ a book that is not open any more: nothing planned is sent, look again
//!           └─────── an answer that does not come: cancel everything and begin again ◀──────┘
//! ```

mod listing;
pub mod maker;
pub mod playbill;

use crate::account::{AccountQuery, AccountView};
use crate::fixture::View;
use crate::home::{NewLogin, OperateError};
use crate::market::{LadderDepth, MarketView, ViewRequest};
use crate::node::Child;
use crate::registry::Address;
use crate::session::{RequestError, SessionRequest};
use crate::shell::{Behaviour, Context, Fault, Named};
use crate::stadium;
use domain::account::{CurrentOrder, OrderFilter, OrderProjection, OrderSort, Page};
use domain::definition::MarketStatus;
use domain::football::SplitMix64;
use domain::football::almanac::{Almanac, FixtureId};
use domain::football::live::Phase;
use domain::football::pricer::Status;
use domain::football::score_grid::{Chances, Score};
use domain::home::{By, HomeError, IdempotencyKey, Login, OperationAnswer, SecretHash};
use domain::ids::{AccountId, EventId, EventTypeId, MarketId, PartitionId, Runner, SessionId};
use domain::request::{CancelScope, CustomerRequest, Outcome, RequestBody};
use domain::time::UtcMillis;
use maker::Question;
use playbill::{Match, Season, Stage, minute};
use serde_json::json;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a trader is to do: looked up by its number.
#[derive(Debug)]
pub struct Playbill {
    pub season: Season,
    pub maker: Customer,
    pub punter: Customer,
    /// A session's number and the hash of its token: the node draws them.
    pub secrets: fn() -> (SessionId, SecretHash),
}

#[derive(Debug, Clone)]
pub struct Customer {
    pub username: String,
    pub app_key: String,
}

#[derive(Debug)]
pub enum TraderMsg {
    /// Look how things stand.
    Look,
    /// The book of a match has changed.
    News(Arc<View>),
    /// To question number `n`.
    Answer { n: u64, answer: Answer },
}

#[derive(Debug)]
pub enum Answer {
    LoggedIn(SessionId, Option<Result<Login, HomeError>>),
    Operated(Option<Result<OperationAnswer, OperateError>>),
    Found(Option<Option<FixtureId>>),
    Book(Option<(u64, Arc<View>)>),
    Viewed(Option<MarketView>),
    Orders(Option<AccountView>),
    Done(Option<Result<Outcome, RequestError>>),
}

impl Named for TraderMsg {
    fn name(&self) -> &'static str {
        match self {
            TraderMsg::Look => "look",
            TraderMsg::News(_) => "news",
            TraderMsg::Answer { answer, .. } => match answer {
                Answer::LoggedIn(..) => "logged in",
                Answer::Operated(_) => "operated",
                Answer::Found(_) => "found",
                Answer::Book(_) => "book",
                Answer::Viewed(_) => "viewed",
                Answer::Orders(_) => "orders",
                Answer::Done(_) => "done",
            },
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct TraderArgs {
    pub number: u32,
}

pub struct Trader {
    number: u32,
    playbill: Arc<Playbill>,
    game: Match,
    random: SplitMix64,
    maker: Option<(SessionId, AccountId)>,
    punter: Option<SessionId>,
    event: Option<EventId>,
    listed: Vec<Listed>,
    fixture: Option<FixtureId>,
    /// The last that was heard, and who told it.
    book: Option<Arc<View>>,
    watched: Option<u64>,
    /// Suspended by this incarnation.
    paused: bool,
    goals_told: Option<Score>,
    /// As of the last look.
    score: String,
    stage: Stage,
    look: Look,
    /// The question that is open.
    asked: Option<(u64, Instant)>,
    questions: u64,
    begun_again: u64,
}

/// One of the match's markets.
#[derive(Debug)]
struct Listed {
    question: Question,
    market: MarketId,
    runners: Vec<Runner>,
    /// As this look found it.
    seen: Option<(MarketStatus, bool)>,
}

/// What one look has found and still has to do.
#[derive(Debug, Default)]
struct Look {
    planned: bool,
    /// The book is that of this look.
    read: bool,
    todo: VecDeque<(Who, SessionRequest)>,
    /// Acts of this look: one that does not help is not tried for ever.
    acts: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Maker,
    Punter,
}

/// An answer that takes longer does not come.
const PATIENCE: Duration = Duration::from_secs(10);
const ACTS_MAX: u32 = 6;
const SOCCER: EventTypeId = EventTypeId(1);
const VIEW: ViewRequest =
    ViewRequest { offers: LadderDepth::None, traded: false, starting_price: false };

impl Behaviour for Trader {
    type Args = TraderArgs;
    type Message = TraderMsg;
    const KIND: &'static str = "trader";

    fn address(args: &TraderArgs) -> Address {
        Address::Trader(args.number)
    }

    fn start(args: TraderArgs, context: &Context<TraderMsg>) -> Result<Self, Fault> {
        let playbill = context
            .node
            .playbills
            .find(args.number)
            .ok_or_else(|| Fault::new("no playbill of this number"))?;
        let season = playbill.season;
        let now = now(context).unwrap_or(season.began);
        let game = season.play(args.number, season.round_at(args.number, now));
        Ok(Trader {
            number: args.number,
            random: SplitMix64::new(game.fixture.seed ^ now.0 as u64),
            goals_told: None,
            score: String::new(),
            stage: Stage::BeforeKickOff,
            playbill,
            game,
            maker: None,
            punter: None,
            event: None,
            listed: Vec::new(),
            fixture: None,
            book: None,
            watched: None,
            paused: false,
            look: Look::default(),
            asked: None,
            questions: 0,
            begun_again: 0,
        })
    }

    fn started(&mut self, context: &mut Context<TraderMsg>) -> Result<(), Fault> {
        let tick = Duration::from_millis(self.playbill.season.tick_ms());
        context.every(tick, || TraderMsg::Look);
        Ok(())
    }

    fn handle(
        &mut self,
        message: TraderMsg,
        context: &mut Context<TraderMsg>,
    ) -> Result<(), Fault> {
        match message {
            TraderMsg::Look => self.look(context),
            TraderMsg::News(view) => self.news(view, context),
            TraderMsg::Answer { n, answer } => self.answered(n, answer, context),
        }
        Ok(())
    }

    fn observe(&self) -> serde_json::Value {
        json!({
            "match": self.game.name(),
            "round": self.game.round,
            "kickOff": self.game.kick_off.0,
            "markets": self.listed.iter().map(|listed| listed.market.to_string()).collect::<Vec<_>>(),
            "score": self.score,
            "inPlay": matches!(self.stage, Stage::InPlay | Stage::Pause),
            "questions": self.questions,
            "begunAgain": self.begun_again,
        })
    }
}

impl Trader {
    fn look(&mut self, context: &Context<TraderMsg>) {
        match self.asked {
            Some((_, since)) if since.elapsed() < PATIENCE => return,
            Some(_) => return self.begin_again("no answer", context),
            None => {}
        }
        self.look.acts = 0;
        // What follows a login is done first.
        self.look.planned = !self.look.todo.is_empty();
        self.look.read = false;
        for listed in &mut self.listed {
            listed.seen = None;
        }
        self.go_on(context);
    }

    /// A book that is not open any more stops everything that was planned by the one before.
    fn news(&mut self, view: Arc<View>, context: &Context<TraderMsg>) {
        if self.fixture != Some(view.dossier.fixture) {
            return;
        }
        let closed = view.priced.status != Status::Open;
        let stage = self.stage;
        self.heard(view);
        if closed && stage != self.stage {
            self.look.todo.retain(|(_, request)| !matches!(request, SessionRequest::Place { .. }));
            if self.asked.is_none() {
                self.look(context);
            }
        }
    }

    fn answered(&mut self, n: u64, answer: Answer, context: &Context<TraderMsg>) {
        if self.asked.is_none_or(|(open, _)| open != n) {
            return;
        }
        self.asked = None;
        let taken = match answer {
            Answer::LoggedIn(session, Some(Ok(login))) => self.logged_in(session, &login, context),
            Answer::Operated(Some(Ok(answer))) => self.operated(answer),
            Answer::Found(Some(found)) => {
                // Its provider has not told of it yet: the next look finds it.
                self.fixture = found;
                self.look.read = found.is_none();
                Ok(())
            }
            Answer::Book(Some((by, view))) => {
                self.watched = Some(by);
                self.look.read = true;
                self.heard(view);
                Ok(())
            }
            Answer::Viewed(Some(view)) => self.viewed(&view),
            Answer::Orders(Some(AccountView::CurrentOrders(orders))) => self.plan(&orders.orders),
            // What was refused is seen at the next look.
            Answer::Done(Some(Ok(_))) => Ok(()),
            other => Err(format!("{other:?}")),
        };
        match taken {
            Ok(()) => self.go_on(context),
            Err(why) => self.begin_again(&why, context),
        }
    }

    /// Asks the next thing, or rests until the next look.
    fn go_on(&mut self, context: &Context<TraderMsg>) {
        let Some(now) = now(context) else { return };
        if self.maker.is_none() || self.punter.is_none() {
            return self.log_in(context);
        }
        let Some(event) = self.event else { return self.list_event(context) };
        if self.listed.len() < 2 {
            return self.list_market(event, context);
        }
        if !self.look.read {
            return self.read_book(context);
        }
        if self.book.is_none() {
            return;
        }
        if let Some(listed) = self.listed.iter().find(|listed| listed.seen.is_none()) {
            let market = listed.market;
            let n = self.ask();
            return context.view(market, VIEW, move |view| told(n, Answer::Viewed(view)));
        }
        let stage = self.stage;
        if let Some((market, act)) = self.act(stage, now) {
            return self.operate_market(market, act, context);
        }
        if stage == Stage::Over {
            return self.next_match(now);
        }
        if !self.look.planned {
            return self.ask_orders(context);
        }
        self.send_next(context);
    }

    fn log_in(&mut self, context: &Context<TraderMsg>) {
        let who = if self.maker.is_none() { &self.playbill.maker } else { &self.playbill.punter };
        let (session, token) = (self.playbill.secrets)();
        let login = NewLogin {
            session,
            username: who.username.clone(),
            token,
            app_key: who.app_key.clone(),
        };
        let n = self.ask();
        context.open_session(login, move |answer| told(n, Answer::LoggedIn(session, answer)));
    }

    fn logged_in(
        &mut self,
        session: SessionId,
        login: &Login,
        context: &Context<TraderMsg>,
    ) -> Result<(), String> {
        context.node.nursery().start(Child::Session(session));
        match self.maker {
            None => {
                self.maker = Some((session, login.account));
                // What an earlier incarnation left behind.
                let all = SessionRequest::Plain(CustomerRequest {
                    customer_ref: None,
                    body: RequestBody::Cancel(CancelScope::Everything),
                });
                self.look.todo.push_front((Who::Maker, all));
            }
            Some(_) => self.punter = Some(session),
        }
        Ok(())
    }

    // ------------------------------------------------------------------------------------ orders

    fn ask_orders(&mut self, context: &Context<TraderMsg>) {
        let Some((_, account)) = self.maker else { return };
        let markets: BTreeSet<_> = self.listed.iter().map(|listed| listed.market).collect();
        let filter = OrderFilter {
            markets: Some(markets),
            projection: OrderProjection::Executable,
            ..OrderFilter::default()
        };
        let (sort, page) = (OrderSort::default(), Page::default());
        let query = AccountQuery::CurrentOrders { filter, sort, page };
        let n = self.ask();
        context.query(account, query, move |view| told(n, Answer::Orders(view)));
    }

    fn plan(&mut self, resting: &[CurrentOrder]) -> Result<(), String> {
        self.look.planned = true;
        let Some(book) = self.book.clone() else { return Ok(()) };
        if book.priced.status != Status::Open {
            return Ok(());
        }
        for listed in &self.listed {
            let open = listed.seen.is_some_and(|(status, _)| status == MarketStatus::Open);
            if !open {
                continue;
            }
            let chances = maker::chances(listed.question, &book.priced.chances);
            let runners: Vec<(Runner, Chances)> =
                listed.runners.iter().copied().zip(chances).collect();
            let changes = maker::changes(listed.market, &maker::wanted(&runners), resting);
            if !changes.cancel.is_empty() {
                let orders = changes.cancel.iter().map(|bet| (*bet, None)).collect();
                let scope = CancelScope::Bets { market: listed.market, orders };
                let body = RequestBody::Cancel(scope);
                let cancel = SessionRequest::Plain(CustomerRequest { customer_ref: None, body });
                self.look.todo.push_back((Who::Maker, cancel));
            }
            if !changes.place.is_empty() {
                self.look.todo.push_back((Who::Maker, place(listed.market, changes.place)));
            }
            if let Some(ticket) = maker::punt(&runners, &mut self.random) {
                self.look.todo.push_back((Who::Punter, place(listed.market, vec![ticket])));
            }
        }
        Ok(())
    }

    fn send_next(&mut self, context: &Context<TraderMsg>) {
        let Some((who, request)) = self.look.todo.pop_front() else { return };
        let session = match who {
            Who::Maker => self.maker.map(|(session, _)| session),
            Who::Punter => self.punter,
        };
        let n = self.ask();
        let tell = move |answer| told(n, Answer::Done(answer));
        match session {
            Some(session) => context.request(session, request, tell),
            None => self.begin_again("no session", context),
        }
    }

    // ---------------------------------------------------------------------------------- the match

    fn read_book(&mut self, context: &Context<TraderMsg>) {
        let n = self.ask();
        let Some(fixture) = self.fixture else {
            let id = stadium::id_of(self.number, self.game.round);
            let find = move |almanac: &Almanac| almanac.fixture_of(stadium::SOURCE, &id);
            return context.football(find, move |found| told(n, Answer::Found(found)));
        };
        let me = context.me.clone();
        let watch = Box::new(move |view: &Arc<View>, _: &[u16]| {
            me.send(TraderMsg::News(view.clone())).is_ok()
        });
        context.book(fixture, self.watched, watch, move |book| told(n, Answer::Book(book)));
    }

    fn heard(&mut self, view: Arc<View>) {
        let rests = view.priced.rests;
        self.stage = match (view.priced.status, rests.phase) {
            (Status::Over, _) => Stage::Over,
            (_, Phase::Before) => Stage::BeforeKickOff,
            (Status::Open, _) => Stage::InPlay,
            (Status::Suspended | Status::Withheld, _) => Stage::Pause,
        };
        let (score, clock) = (rests.score, view.dossier.story.clock(view.at));
        self.score = format!("{} {}-{}", minute(clock), score.home, score.away);
        if self.goals_told.is_some_and(|before| before != score) {
            tracing::info!(game = self.game.name(), score = self.score, "goal");
        }
        self.goals_told = Some(score);
        self.book = Some(view);
    }

    fn next_match(&mut self, now: UtcMillis) {
        // What was planned for the match that is over goes nowhere.
        self.look.todo.clear();
        if self
            .listed
            .iter()
            .any(|l| l.seen.is_none_or(|(status, _)| status != MarketStatus::Closed))
        {
            return;
        }
        tracing::info!(game = self.game.name(), score = self.score, "full time");
        let season = self.playbill.season;
        let round = season.round_at(self.number, now).max(self.game.round + 1);
        self.game = season.play(self.number, round);
        (self.goals_told, self.event, self.paused) = (None, None, false);
        (self.fixture, self.book, self.watched) = (None, None, None);
        self.stage = Stage::BeforeKickOff;
        self.listed.clear();
    }

    /// An answer that does not come may still be on its way: new logins, no orders, everything read anew.
    fn begin_again(&mut self, why: &str, context: &Context<TraderMsg>) {
        self.begun_again += 1;
        tracing::warn!(trader = self.number, why, "the trader begins again");
        let sessions = [self.maker.take().map(|(session, _)| session), self.punter.take()];
        for session in sessions.into_iter().flatten() {
            context.node.nursery().stop(Child::Session(session));
        }
        (self.event, self.asked) = (None, None);
        self.listed.clear();
        self.look = Look::default();
    }

    fn ask(&mut self) -> u64 {
        self.questions += 1;
        self.asked = Some((self.questions, Instant::now()));
        self.questions
    }
}

fn told(n: u64, answer: Answer) -> TraderMsg {
    TraderMsg::Answer { n, answer }
}

fn by(key: Option<IdempotencyKey>) -> By {
    By { operator: "demo".to_owned(), reason: None, key }
}

fn place(market: MarketId, tickets: Vec<domain::order::Ticket>) -> SessionRequest {
    SessionRequest::Place {
        market,
        tickets,
        customer_ref: None,
        strategy_ref: None,
        market_version: None,
    }
}

fn now(context: &Context<TraderMsg>) -> Option<UtcMillis> {
    context.node.partition(PartitionId(0)).and_then(|partition| partition.now())
}
