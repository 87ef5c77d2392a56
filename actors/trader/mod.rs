//! A demo trader: lists one match after another, and bets on it now and then as a customer who takes what is quoted.
//!
//! Who quotes and leads the markets is the demo's market maker ([`maker`](crate::maker)), the same as anybody's; of the
//! script a trader knows who plays when.
//!
//! Owns     nothing that lasts: what is listed and quoted is read back at every look.
//! Started  by `strategies`, one per slot of a demo; permanent.
//! Asks     home to list (as an operator) and for a login; markets how they stand; its session to bet.
//! Crash    everything follows from the slot, the seed and the time, and events and markets are listed under
//!          a key of their own: a new incarnation goes on with the same match.
//! Bounds   one question at a time; one bet a market and look.
//!
//! ```text
//!   look: log in ─▶ list ─▶ view both markets ─▶ all closed: the next match, else bet
//!           └────── an answer that does not come: begin again ◀──────┘
//! ```

pub mod playbill;
mod punt;

use crate::assignment::Customer;
use crate::home::OperateError;
use crate::market::{LadderDepth, MarketView, ViewRequest};
use crate::node::Child;
use crate::registry::Address;
use crate::session::{RequestError, SessionRequest};
use crate::shell::{Behaviour, Context, Fault, Named};
use domain::definition::MarketStatus;
use domain::football::SplitMix64;
use domain::home::{
    By, HomeError, HomeRequest, IdempotencyKey, Login, NewEvent, NewMarket, OperationAnswer,
    SecretHash,
};
use domain::ids::{EventId, EventTypeId, MarketId, PartitionId, SessionId};
use domain::request::Outcome;
use domain::time::UtcMillis;
use playbill::{Match, Season};
use serde_json::json;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a trader is to do: looked up by its number.
#[derive(Debug)]
pub struct Playbill {
    pub season: Season,
    pub punter: Customer,
    /// A session's number and the hash of its token: the node draws them.
    pub secrets: fn() -> (SessionId, SecretHash),
}

#[derive(Debug)]
pub enum TraderMsg {
    /// Look how things stand.
    Look,
    /// To question number `n`.
    Answer { n: u64, answer: Answer },
}

#[derive(Debug)]
pub enum Answer {
    LoggedIn(SessionId, Option<Result<Login, HomeError>>),
    Operated(Option<Result<OperationAnswer, OperateError>>),
    Viewed(Option<MarketView>),
    Done(Option<Result<Outcome, RequestError>>),
}

impl Named for TraderMsg {
    fn name(&self) -> &'static str {
        match self {
            TraderMsg::Look => "look",
            TraderMsg::Answer { answer, .. } => match answer {
                Answer::LoggedIn(..) => "logged in",
                Answer::Operated(_) => "operated",
                Answer::Viewed(_) => "viewed",
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
    punter: Option<SessionId>,
    event: Option<EventId>,
    markets: Vec<MarketId>,
    /// How this look found the first of them.
    seen: Vec<MarketStatus>,
    bets: VecDeque<SessionRequest>,
    /// The question that is open.
    asked: Option<(u64, Instant)>,
    questions: u64,
    begun_again: u64,
}

/// What is listed of a match: name and type; runners follow from the match.
const MARKETS: [(&str, &str); 2] =
    [("Match Odds", "MATCH_ODDS"), ("Over/Under 2.5 Goals", "OVER_UNDER_25")];
/// An answer that takes longer does not come.
const PATIENCE: Duration = Duration::from_secs(10);
const SOCCER: EventTypeId = EventTypeId(1);
const VIEW: ViewRequest =
    ViewRequest { offers: LadderDepth::Best(1), traded: false, starting_price: false };

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
            playbill,
            game,
            punter: None,
            event: None,
            markets: Vec::new(),
            seen: Vec::new(),
            bets: VecDeque::new(),
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
            TraderMsg::Answer { n, answer } => {
                if self.asked.take_if(|(open, _)| *open == n).is_some() {
                    self.answered(answer, context);
                }
            }
        }
        Ok(())
    }

    fn observe(&self) -> serde_json::Value {
        json!({
            "match": self.game.name(),
            "round": self.game.round,
            "kickOff": self.game.kick_off.0,
            "event": self.event.map(|event| event.to_string()),
            "markets": self.markets.iter().map(MarketId::to_string).collect::<Vec<_>>(),
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
        self.seen.clear();
        self.bets.clear();
        self.go_on(context);
    }

    fn answered(&mut self, answer: Answer, context: &Context<TraderMsg>) {
        let taken = match answer {
            Answer::LoggedIn(session, Some(Ok(_))) => {
                context.node.nursery().start(Child::Session(session));
                self.punter = Some(session);
                Ok(())
            }
            Answer::Operated(Some(Ok(answer))) => self.operated(answer),
            Answer::Viewed(Some(view)) => {
                self.viewed(&view);
                Ok(())
            }
            // What was refused is tried otherwise at the next look.
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
        let Some(punter) = self.punter else { return self.log_in(context) };
        let Some(event) = self.event else { return self.list_event(context) };
        if self.markets.len() < MARKETS.len() {
            return self.list_market(event, context);
        }
        if let Some(market) = self.markets.get(self.seen.len()) {
            let (market, n) = (*market, self.ask());
            return context.view(market, VIEW, move |view| told(n, Answer::Viewed(view)));
        }
        if self.seen.iter().all(|status| *status == MarketStatus::Closed) {
            return self.next_match(now);
        }
        if let Some(bet) = self.bets.pop_front() {
            let n = self.ask();
            context.request(punter, bet, move |answer| told(n, Answer::Done(answer)));
        }
    }

    fn log_in(&mut self, context: &Context<TraderMsg>) {
        let (session, token) = (self.playbill.secrets)();
        let login = self.playbill.punter.login(session, token);
        let n = self.ask();
        context.open_session(login, move |answer| told(n, Answer::LoggedIn(session, answer)));
    }

    fn list_event(&mut self, context: &Context<TraderMsg>) {
        let fixture = &self.game.fixture;
        let event = NewEvent {
            event_type: SOCCER,
            name: fixture.name(),
            competition: Some(fixture.league.name.to_owned()),
            country: Some(fixture.league.country.to_owned()),
            venue: None,
            open_date: self.game.kick_off,
            timezone: fixture.league.timezone.to_owned(),
        };
        self.operate("event", HomeRequest::CreateEvent(Box::new(event)), context);
    }

    fn list_market(&mut self, event: EventId, context: &Context<TraderMsg>) {
        let fixture = &self.game.fixture;
        let (name, market_type) = MARKETS[self.markets.len()];
        let runners = match self.markets.len() {
            0 => vec![fixture.home, fixture.away, "The Draw"],
            _ => vec!["Under 2.5 Goals", "Over 2.5 Goals"],
        };
        let market = NewMarket {
            open: true,
            // Nobody watches a demo to wait.
            bet_delay_s: 0,
            ..NewMarket::of(event, name, market_type, self.game.kick_off).with_runners(&runners)
        };
        let key = format!("market-{}", self.markets.len());
        self.operate(&key, HomeRequest::CreateMarket(Box::new(market)), context);
    }

    fn operate(&mut self, what: &str, request: HomeRequest, context: &Context<TraderMsg>) {
        let key = IdempotencyKey {
            key: format!("demo-{}-{}-{what}", self.number, self.game.round),
            request: [0; 32],
        };
        let by = By { operator: "demo".to_owned(), reason: None, key: Some(key) };
        let n = self.ask();
        context.operate(by, request, move |answer| told(n, Answer::Operated(answer)));
    }

    fn operated(&mut self, answer: OperationAnswer) -> Result<(), String> {
        match answer {
            OperationAnswer::Event(event) => self.event = Some(event),
            OperationAnswer::Market { market, .. } => self.markets.push(market),
            other => return Err(format!("{other:?}")),
        }
        Ok(())
    }

    fn viewed(&mut self, view: &MarketView) {
        self.seen.push(view.status);
        if let (Some(market), Some(ticket)) = (view.market, punt::punt(view, &mut self.random)) {
            self.bets.push_back(SessionRequest::Place {
                market,
                tickets: vec![ticket],
                customer_ref: None,
                strategy_ref: None,
                market_version: None,
            });
        }
    }

    fn next_match(&mut self, now: UtcMillis) {
        let season = self.playbill.season;
        let round = season.round_at(self.number, now).max(self.game.round + 1);
        self.game = season.play(self.number, round);
        self.event = None;
        self.markets.clear();
    }

    /// An answer that does not come may still be on its way: a new login, and everything read anew.
    fn begin_again(&mut self, why: &str, context: &Context<TraderMsg>) {
        self.begun_again += 1;
        tracing::warn!(trader = self.number, why, "the trader begins again");
        if let Some(session) = self.punter.take() {
            context.node.nursery().stop(Child::Session(session));
        }
        (self.event, self.asked) = (None, None);
        self.markets.clear();
        self.bets.clear();
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

fn now(context: &Context<TraderMsg>) -> Option<UtcMillis> {
    context.node.partition(PartitionId(0)).and_then(|partition| partition.now())
}
