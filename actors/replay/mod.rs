//! A recorded market being played: its life through home, its orders through a mirror account's session.
//!
//! Owns     the recording that is being read, and the mirror of its ladders.
//! Started  by `feeds`, one per recording; transient: it ends with the recording.
//! Asks     home for the market's life (as an operator) and for a login; the session, like any customer's, for
//!          orders; the market and its account how they stand.
//! Crash    a new incarnation reads the recording again up to the last message that was played, reads its
//!          resting orders back, and goes on; of the message in hand it may lose the trades.
//! Bounds   one question at a time.
//!
//! ```text
//!   log in ─▶ list ─▶ ┌ message is due ─▶ open ─▶ orders ─▶ shut ─▶ compare ┐ ─▶ settled, stop
//!                     └──────────────────────────◀──────────────────────────┘
//! ```
//! Others may trade against it: what differs from the recording because of their orders is theirs.

mod ladders;
pub mod life;
pub mod mirror;
mod play;
mod questions;
pub mod recorded;

pub use play::{Play, Report};

use crate::account::AccountView;
use crate::home::OperateError;
use crate::market::{LadderDepth, MarketView, ViewRequest};
use crate::node::Child;
use crate::registry::Address;
use crate::session::RequestError;
use crate::shell::{Behaviour, Context, Fault, Named};
use domain::act::MarketAct;
use domain::definition::MarketStatus;
use domain::home::{HomeError, HomeRequest, Login, OperationAnswer};
use domain::ids::{AccountId, EventId, MarketId, SessionId};
use domain::order::{Persistence, Side};
use domain::request::Outcome;
use domain::time::UtcMillis;
use life::Life;
use mirror::{Mirror, Reports, Resting};
use questions::{resting, told};
use recorded::{Messages, RecordedDefinition, RecordedMessage};
use serde_json::json;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[derive(Debug)]
pub enum ReplayMsg {
    /// The message in hand is due.
    Due,
    /// Looks whether an answer has not come.
    Again,
    /// To question number `n`.
    Answer { n: u64, answer: Answer },
}

#[derive(Debug)]
pub enum Answer {
    LoggedIn(SessionId, Option<Result<Login, HomeError>>),
    Operated(Option<Result<OperationAnswer, OperateError>>),
    Viewed(Option<MarketView>),
    Orders(Option<AccountView>),
    Done(Option<Result<Outcome, RequestError>>),
}

impl Named for ReplayMsg {
    fn name(&self) -> &'static str {
        match self {
            ReplayMsg::Due => "due",
            ReplayMsg::Again => "again",
            ReplayMsg::Answer { answer, .. } => match answer {
                Answer::LoggedIn(..) => "logged in",
                Answer::Operated(_) => "operated",
                Answer::Viewed(_) => "viewed",
                Answer::Orders(_) => "orders",
                Answer::Done(_) => "done",
            },
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct ReplayArgs {
    pub number: u32,
}

pub struct Replay {
    number: u32,
    play: Arc<Play>,
    messages: Box<dyn Messages>,
    first: Box<RecordedDefinition>,
    life: Life,
    mirror: Mirror,
    login: Option<(SessionId, AccountId)>,
    event: Option<EventId>,
    market: Option<MarketId>,
    /// Read, and not played to its end.
    hand: Option<Hand>,
    /// The recording's clock and ours at the message that pace is kept from.
    pace_from: Option<(UtcMillis, Instant)>,
    asked: Option<(u64, Instant)>,
    questions: u64,
    /// The resting orders must be read back before anything is placed.
    unsure: bool,
    read_back: Vec<Resting>,
    report: Report,
}

/// A message that is being played.
struct Hand {
    message: RecordedMessage,
    due: bool,
    taken: bool,
    before: VecDeque<MarketAct>,
    after: VecDeque<MarketAct>,
    turns_in_play: bool,
    removes: bool,
    /// How often the ladders were set right for others' trades.
    corrected: u32,
    compared: bool,
}

const PATIENCE: Duration = Duration::from_secs(30);
const WATCH_EVERY: Duration = Duration::from_secs(5);
const CORRECTIONS_MAX: u32 = 3;
const EXAMPLES_MAX: usize = 10;
const VIEW: ViewRequest =
    ViewRequest { offers: LadderDepth::All, traded: true, starting_price: false };

impl Behaviour for Replay {
    type Args = ReplayArgs;
    type Message = ReplayMsg;
    const KIND: &'static str = "replay";

    fn address(args: &ReplayArgs) -> Address {
        Address::Replay(args.number)
    }

    fn start(args: ReplayArgs, context: &Context<ReplayMsg>) -> Result<Self, Fault> {
        let play = context
            .node
            .plays
            .find(args.number)
            .ok_or_else(|| Fault::new("nothing to play under this number"))?;
        let mut messages = (play.open)().map_err(Fault)?;
        let first = messages.next().ok_or_else(|| Fault::new("the recording is empty"))?;
        let mut first = first.map_err(Fault)?;
        let definition = first
            .definition
            .clone()
            .ok_or_else(|| Fault::new("the recording does not begin with a definition"))?;
        let life = Life::new(&definition);
        let persistence = match definition.persistence {
            true => Persistence::Persist,
            false => Persistence::Lapse,
        };
        let mirror = Mirror::new(life.runners().iter().copied(), persistence);
        let report = play.report.borrow().clone();
        let pace_from = play.began;
        let mut replay = Replay {
            number: args.number,
            play,
            messages,
            first: definition,
            life,
            mirror,
            login: None,
            event: None,
            market: None,
            hand: None,
            pace_from,
            asked: None,
            questions: 0,
            unsure: report.messages > 0,
            read_back: Vec::new(),
            report,
        };
        for _ in 0..replay.report.messages {
            replay.pass_over(&first);
            let next = replay.messages.next().unwrap_or(Err("the recording has shrunk".into()));
            first = next.map_err(Fault)?;
        }
        replay.hand = Some(Hand::new(first));
        Ok(replay)
    }

    fn started(&mut self, context: &mut Context<ReplayMsg>) -> Result<(), Fault> {
        context.every(WATCH_EVERY, || ReplayMsg::Again);
        self.go_on(context)
    }

    fn handle(
        &mut self,
        message: ReplayMsg,
        context: &mut Context<ReplayMsg>,
    ) -> Result<(), Fault> {
        match message {
            ReplayMsg::Due => {
                if let Some(hand) = &mut self.hand {
                    hand.due = true;
                }
                self.go_on(context)
            }
            ReplayMsg::Again => self.again(context),
            ReplayMsg::Answer { n, answer } => self.answered(n, answer, context),
        }
    }

    fn observe(&self) -> serde_json::Value {
        json!({
            "file": self.play.file,
            "market": self.market.map(|market| market.to_string()),
            "messages": self.report.messages,
            "at": self.report.at.0,
            "compared": self.report.compared,
            "differences": self.report.differences,
            "resting": self.mirror.resting(),
        })
    }
}

impl Hand {
    fn new(message: RecordedMessage) -> Hand {
        Hand {
            message,
            due: false,
            taken: false,
            before: VecDeque::new(),
            after: VecDeque::new(),
            turns_in_play: false,
            removes: false,
            corrected: 0,
            compared: false,
        }
    }
}

impl Replay {
    /// A message that an earlier incarnation has played.
    fn pass_over(&mut self, message: &RecordedMessage) {
        if let Some(definition) = &message.definition {
            self.life.take(definition);
        }
        self.mirror.take(message);
        self.mirror.forgo_trades();
    }

    fn again(&mut self, context: &mut Context<ReplayMsg>) -> Result<(), Fault> {
        match self.asked {
            // Its outcome is unknown: what is true is read back by a new incarnation.
            Some((_, since)) if since.elapsed() > PATIENCE => Err(Fault::new("no answer")),
            Some(_) => Ok(()),
            None if self.hand.as_ref().is_some_and(|hand| hand.due) => self.go_on(context),
            None => Ok(()),
        }
    }

    fn answered(
        &mut self,
        n: u64,
        answer: Answer,
        context: &mut Context<ReplayMsg>,
    ) -> Result<(), Fault> {
        if self.asked.is_none_or(|(open, _)| open != n) {
            return Ok(());
        }
        self.asked = None;
        match answer {
            Answer::LoggedIn(session, Some(Ok(login))) => {
                context.node.nursery().start(Child::Session(session));
                self.login = Some((session, login.account));
                self.report.account = Some(login.account);
            }
            Answer::Operated(Some(Ok(answer))) => self.operated(answer)?,
            Answer::Viewed(Some(view)) => self.compare(&view),
            Answer::Orders(Some(AccountView::CurrentOrders(orders))) => {
                self.read_back.extend(orders.orders.iter().map(resting));
                if !orders.more {
                    self.mirror.know(&std::mem::take(&mut self.read_back));
                    self.unsure = false;
                }
            }
            Answer::Done(Some(Ok(outcome))) => match &outcome {
                Outcome::Placed(placed) => self.mirror.answered(match placed.error {
                    None => Reports::Placed(&placed.reports),
                    Some(_) => Reports::Refused,
                }),
                Outcome::Cancelled(cancelled) => {
                    self.mirror.answered(Reports::Cancelled(&cancelled.reports));
                }
                Outcome::Replaced(_) | Outcome::Updated(_) => {}
            },
            other => return Err(Fault(format!("{other:?}"))),
        }
        self.go_on(context)
    }

    /// Asks the next thing, or waits until the next message is due.
    fn go_on(&mut self, context: &mut Context<ReplayMsg>) -> Result<(), Fault> {
        if self.asked.is_some() {
            return Ok(());
        }
        let Some((session, account)) = self.login else { return self.log_in(context) };
        let Some(event) = self.event else {
            let event = life::event(&self.first, &self.play.file);
            let key = match &self.first.event {
                Some(recorded) => format!("event-{recorded}"),
                None => format!("{}-event", self.number),
            };
            return self.operate(&key, HomeRequest::CreateEvent(Box::new(event)), context);
        };
        let Some(market) = self.market else {
            let market = life::market(&self.first, event);
            let key = format!("{}-market", self.number);
            return self.operate(&key, HomeRequest::CreateMarket(Box::new(market)), context);
        };
        if self.unsure {
            return self.read_back(account, market, context);
        }
        let Some(hand) = &mut self.hand else { return Ok(()) };
        if !hand.due {
            return self.wait(context);
        }
        if !hand.taken {
            hand.taken = true;
            self.mirror.take(&hand.message);
            if let Some(definition) = &hand.message.definition {
                let turn = self.life.take(definition);
                (hand.before, hand.after) = (turn.before.into(), turn.after.into());
                hand.turns_in_play = turn.turns_in_play;
                hand.removes = turn.removes;
            }
        }
        if let Some(act) = hand.before.pop_front() {
            return self.operate_market(market, act, context);
        }
        if std::mem::take(&mut hand.turns_in_play) {
            self.mirror.lapsed(false);
        }
        if std::mem::take(&mut hand.removes) {
            self.unsure = true;
            return self.read_back(account, market, context);
        }
        // What shuts the market is still to come: until then it is as open as it was.
        let shuts = !hand.after.is_empty();
        let open = self.life.status() == MarketStatus::Open || shuts && self.report_open();
        if let Some(request) = self.mirror.next(open) {
            return self.request(session, market, request, context);
        }
        let Some(hand) = &mut self.hand else { return Ok(()) };
        if let Some(act) = hand.after.pop_front() {
            return self.operate_market(market, act, context);
        }
        if self.life.status() == MarketStatus::Open && !hand.compared {
            let n = self.ask();
            context.view(market, VIEW, move |view| told(n, Answer::Viewed(view)));
            return Ok(());
        }
        self.next_message(context)
    }

    /// As the last message left it.
    fn report_open(&self) -> bool {
        self.report.status == MarketStatus::Open
    }

    fn wait(&mut self, context: &mut Context<ReplayMsg>) -> Result<(), Fault> {
        let Some(hand) = &mut self.hand else { return Ok(()) };
        let (from, since) = *self.pace_from.get_or_insert((hand.message.at, Instant::now()));
        let recorded_ms = hand.message.at.since_ms(from).max(0) as f64;
        let due = Duration::from_secs_f64((recorded_ms / 1_000.0 / self.play.speed).min(1e9));
        match due.checked_sub(since.elapsed()) {
            Some(left) if left > Duration::from_millis(1) => {
                context.after(left, || ReplayMsg::Due);
                Ok(())
            }
            _ => {
                hand.due = true;
                self.go_on(context)
            }
        }
    }

    fn next_message(&mut self, context: &mut Context<ReplayMsg>) -> Result<(), Fault> {
        let Some(hand) = self.hand.take() else { return Ok(()) };
        self.report.messages += 1;
        self.report.at = hand.message.at;
        self.report.status = self.life.status();
        self.report.traded = self.mirror.traded();
        self.report.notes = self.life.notes().to_vec();
        let next = self.messages.next();
        let end = match next {
            Some(Ok(message)) => {
                self.hand = Some(Hand::new(message));
                None
            }
            // A line that cannot be read is the end, and said so: a restart would read it again.
            Some(Err(why)) => Some(Err(why)),
            None => Some(Ok(())),
        };
        let ended = end.is_some();
        if end == Some(Ok(())) && self.life.status() != MarketStatus::Closed {
            self.report.notes.push("the recording ends before its market is settled".to_owned());
        }
        self.report.end = end;
        self.play.report.send_replace(self.report.clone());
        if ended {
            context.stop();
            return Ok(());
        }
        // Through the mailbox, so that whoever observes or stops the actor has a turn.
        match self.play.speed.is_infinite() {
            true => drop(context.me.send(ReplayMsg::Due)),
            false => self.wait(context)?,
        }
        Ok(())
    }

    fn compare(&mut self, view: &MarketView) {
        let Some(hand) = &mut self.hand else { return };
        let mut alike = true;
        for ladders in &view.runners {
            let sides =
                [(Side::Lay, &ladders.available_to_back), (Side::Back, &ladders.available_to_lay)];
            for (side, ladder) in sides {
                let differences = self.mirror.compare(ladders.runner, side, ladder.iter().copied());
                alike &= differences.is_empty();
            }
        }
        if !alike && hand.corrected < CORRECTIONS_MAX {
            // Others have traded or have orders: what is the mirror's own is read back.
            hand.corrected += 1;
            self.unsure = true;
            if !self.mirror.differences().is_empty() || hand.corrected == 1 {
                return;
            }
        }
        hand.compared = true;
        self.unsure = false;
        self.report.compared += 1;
        let ours = view.runners.iter().flat_map(|ladders| &ladders.traded);
        let ruled = self.mirror.runners().flat_map(|runner| self.mirror.volume(runner));
        self.report.volume = (ours.map(|(_, size)| *size).sum(), ruled.map(|(_, size)| size).sum());
        self.report.with_others += u64::from(!alike);
        let differences = self.mirror.differences();
        self.report.differences += differences.len() as u64;
        let room = EXAMPLES_MAX.saturating_sub(self.report.examples.len());
        let line = hand.message.line;
        let examples = differences.iter().take(room).map(|difference| {
            let mirror::Difference { runner, side, price, recorded, ours } = difference;
            let runner = runner.selection;
            format!(
                "line {line}: runner {runner} {side:?} {price}: {recorded} recorded, ours {ours}"
            )
        });
        self.report.examples.extend(examples);
    }
}
