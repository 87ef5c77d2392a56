//! A quoter: shows a match's prices on the markets of one event, for its maker, and where the maker leads them also
//! takes the markets through the match.
//!
//! It goes through the same door as any customer, its maker's session. What it shows and when it suspends is the word of
//! the match's pricing actor ([`fixture`](crate::fixture)): what that withholds is taken away before any new price.
//!
//! Owns     nothing that lasts: what is listed, how it stands and which orders rest is read back at every look.
//! Started  by `strategies`, for a maker that has found the event to be a match; transient.
//! Asks     its maker for session and match; the match's actor for its book; the catalogue for the event's markets; its
//!          account for its orders; the session to cancel and place; home to act on markets, as an operator.
//! Crash    a new incarnation reads everything anew; orders of the one before are its own.
//! Bounds   one question at a time; at most `ACTS_MAX` acts a look; eight orders a runner; gone when no market of the
//!          event is left.
//!
//! ```text
//!   look: engaged? ─▶ book ─▶ markets ─▶ act on their status ─▶ own orders ─▶ cancel, place
//!           ▲─ a book that is not open any more: nothing planned is placed, look again
//! ```

mod lead;
mod orders;

use crate::account::{AccountQuery, AccountView};
use crate::fixture::View;
use crate::home::OperateError;
use crate::maker::{MakerMsg, Terms};
use crate::registry::Address;
use crate::session::{RequestError, SessionRequest};
use crate::shell::{Behaviour, Context, Fault, Named};
use domain::account::{CurrentOrder, OrderFilter, OrderProjection, OrderSort, Page};
use domain::act::MarketAct;
use domain::catalogue::{Catalogue, MarketCard, MarketFilter};
use domain::definition::MarketStatus;
use domain::football::almanac::FixtureId;
use domain::football::club::teams_of;
use domain::football::listed::{Ended, Question};
use domain::football::pricer::Status;
use domain::home::{By, HomeRequest, OperationAnswer};
use domain::ids::{AccountId, EventId, MarketId, SessionId};
use domain::order::Ticket;
use domain::request::{
    CancelScope, CustomerRequest, Execution, MAX_INSTRUCTIONS, Outcome, RequestBody,
};
use lead::Stage;
use orders::Wanted;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// With which session, and on which match.
#[derive(Debug, Clone, Copy)]
pub struct Engagement {
    pub session: SessionId,
    pub account: AccountId,
    pub fixture: FixtureId,
}

#[derive(Debug)]
pub enum QuoterMsg {
    Look,
    /// From its maker.
    Engaged(Engagement),
    /// The book of the match has changed.
    News(Arc<View>),
    /// To question number `n`.
    Answer {
        n: u64,
        answer: Answer,
    },
}

#[derive(Debug)]
pub enum Answer {
    Book(Option<(u64, Arc<View>)>),
    /// The event's name, and those of its markets that are not closed.
    Listed(Option<(String, Vec<MarketCard>)>),
    Operated(Option<Result<OperationAnswer, OperateError>>),
    Orders(Option<AccountView>),
    Done(Option<Result<Outcome, RequestError>>),
}

impl Named for QuoterMsg {
    fn name(&self) -> &'static str {
        match self {
            QuoterMsg::Look => "look",
            QuoterMsg::Engaged(_) => "engaged",
            QuoterMsg::News(_) => "news",
            QuoterMsg::Answer { answer, .. } => match answer {
                Answer::Book(_) => "book",
                Answer::Listed(_) => "listed",
                Answer::Operated(_) => "operated",
                Answer::Orders(_) => "orders",
                Answer::Done(_) => "done",
            },
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct QuoterArgs {
    pub maker: u32,
    pub event: EventId,
}

pub struct Quoter {
    maker: u32,
    event: EventId,
    terms: Arc<Terms>,
    engagement: Option<Engagement>,
    /// The last that was heard, and who told it.
    book: Option<Arc<View>>,
    watched: Option<u64>,
    /// What each market asks; `None` of those that nothing is known of.
    questions: BTreeMap<MarketId, Option<Question>>,
    /// Suspended by this incarnation, or left so by one before it.
    paused: BTreeSet<MarketId>,
    look: Look,
    /// The question that is open.
    asked: Option<(u64, Instant)>,
    asks: u64,
    begun_again: u64,
    /// Orders that were refused, and the last reason.
    refused: (u64, Option<String>),
}

/// What one look has found and still has to do.
#[derive(Debug, Default)]
struct Look {
    read: bool,
    cards: Option<Vec<MarketCard>>,
    /// Own orders so far, while there are more pages.
    resting: Vec<CurrentOrder>,
    planned: bool,
    todo: VecDeque<SessionRequest>,
    /// Acts of this look: one that does not help is not tried for ever.
    acts: u32,
}

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// An answer that takes longer does not come.
const PATIENCE: Duration = Duration::from_secs(10);
const ACTS_MAX: u32 = 32;

impl Behaviour for Quoter {
    type Args = QuoterArgs;
    type Message = QuoterMsg;
    const KIND: &'static str = "quoter";

    fn address(args: &QuoterArgs) -> Address {
        Address::Quoter(args.maker, args.event)
    }

    fn start(args: QuoterArgs, context: &Context<QuoterMsg>) -> Result<Self, Fault> {
        let terms = context.node.makers.find(args.maker);
        Ok(Quoter {
            maker: args.maker,
            event: args.event,
            terms: terms.ok_or_else(|| Fault::new("no maker of this number"))?,
            engagement: None,
            book: None,
            watched: None,
            questions: BTreeMap::new(),
            paused: BTreeSet::new(),
            look: Look::default(),
            asked: None,
            asks: 0,
            begun_again: 0,
            refused: (0, None),
        })
    }

    fn started(&mut self, context: &mut Context<QuoterMsg>) -> Result<(), Fault> {
        context.every(LOOK_EVERY, || QuoterMsg::Look);
        self.look(context);
        Ok(())
    }

    fn handle(
        &mut self,
        message: QuoterMsg,
        context: &mut Context<QuoterMsg>,
    ) -> Result<(), Fault> {
        match message {
            QuoterMsg::Look => self.look(context),
            QuoterMsg::Engaged(engagement) => {
                if self.engagement.is_none() {
                    self.engagement = Some(engagement);
                    self.look(context);
                }
            }
            QuoterMsg::News(view) => self.news(view, context),
            QuoterMsg::Answer { n, answer } => {
                if self.asked.take_if(|(open, _)| *open == n).is_some() {
                    self.answered(answer, context);
                }
            }
        }
        Ok(())
    }

    fn observe(&self) -> serde_json::Value {
        let book = self.book.as_ref();
        let quoted = self.questions.iter().filter(|(_, question)| question.is_some());
        json!({
            "maker": self.terms.name,
            "match": book.map(|book| book.dossier.name()),
            "fixture": self.engagement.map(|it| it.fixture.0),
            "score": book.map(|book| score(book)),
            "inPlay": book.is_some_and(|book| Stage::of(&book.priced).is_in_play()),
            "status": book.map(|book| book.priced.status.word()),
            "markets": quoted.map(|(market, _)| market.to_string()).collect::<Vec<_>>(),
            "notUnderstood": self.questions.values().filter(|it| it.is_none()).count(),
            "begunAgain": self.begun_again,
            "refused": self.refused.0,
            "lastRefusal": self.refused.1,
        })
    }
}

impl Quoter {
    fn look(&mut self, context: &mut Context<QuoterMsg>) {
        match self.asked {
            Some((_, since)) if since.elapsed() < PATIENCE => return,
            Some(_) => return self.begin_again("no answer"),
            None => {}
        }
        self.look = Look::default();
        self.go_on(context);
    }

    /// A change is quoted at once. A book that is not open any more stops everything that was planned by the one
    /// before.
    fn news(&mut self, view: Arc<View>, context: &mut Context<QuoterMsg>) {
        if self.engagement.is_none_or(|it| it.fixture != view.dossier.fixture) {
            return;
        }
        if self.book.as_ref().is_some_and(|it| it.priced.rests.score != view.priced.rests.score) {
            tracing::info!(game = view.dossier.name(), score = score(&view), "goal");
        }
        if view.priced.status != Status::Open {
            self.look.todo.retain(|request| !matches!(request, SessionRequest::Place { .. }));
        }
        self.book = Some(view);
        if self.asked.is_none() {
            self.look(context);
        }
    }

    fn answered(&mut self, answer: Answer, context: &mut Context<QuoterMsg>) {
        let taken = match answer {
            Answer::Book(Some((by, view))) => {
                self.watched = Some(by);
                self.look.read = true;
                self.book = Some(view);
                Ok(())
            }
            Answer::Listed(Some((name, cards))) => {
                if cards.is_empty() {
                    return context.stop();
                }
                self.take(&name, cards);
                Ok(())
            }
            // Done or refused: the next look at the markets tells.
            Answer::Operated(Some(Ok(_))) => {
                self.look.cards = None;
                Ok(())
            }
            Answer::Orders(Some(AccountView::CurrentOrders(orders))) => {
                self.look.resting.extend(orders.orders);
                if !orders.more {
                    self.plan();
                }
                Ok(())
            }
            Answer::Done(Some(Ok(outcome))) => {
                self.done(&outcome);
                Ok(())
            }
            Answer::Done(Some(Err(RequestError::SessionOver))) => {
                self.disengage(context);
                return;
            }
            other => Err(format!("{other:?}")),
        };
        match taken {
            Ok(()) => self.go_on(context),
            Err(why) => self.begin_again(&why),
        }
    }

    /// Asks the next thing, or rests until the next look.
    fn go_on(&mut self, context: &Context<QuoterMsg>) {
        let Some(engagement) = self.engagement else {
            let engage = MakerMsg::Engage { event: self.event, who: context.me.clone() };
            let maker = context.node.registry.find::<MakerMsg>(Address::Maker(self.maker));
            // One that is being restarted is asked again.
            return drop(maker.map(|maker| maker.send(engage)));
        };
        if !self.look.read {
            return self.read_book(engagement.fixture, context);
        }
        let Some(cards) = &self.look.cards else { return self.read_markets(context) };
        if self.terms.leads
            && let Some((market, act)) = self.next_act(cards)
        {
            return self.operate(market, act, context);
        }
        if !self.look.planned {
            return self.ask_orders(engagement.account, context);
        }
        if let Some(request) = self.look.todo.pop_front() {
            let n = self.ask();
            context.request(engagement.session, request, move |it| told(n, Answer::Done(it)));
        }
    }

    fn read_book(&mut self, fixture: FixtureId, context: &Context<QuoterMsg>) {
        let me = context.me.clone();
        let watch = Box::new(move |view: &Arc<View>, _: &[u16]| {
            me.send(QuoterMsg::News(view.clone())).is_ok()
        });
        let n = self.ask();
        context.book(fixture, self.watched, watch, move |book| told(n, Answer::Book(book)));
    }

    // --------------------------------------------------------------------------------- the markets

    fn read_markets(&mut self, context: &Context<QuoterMsg>) {
        let (event, n) = (self.event, self.ask());
        let read = move |catalogue: &Catalogue| {
            let filter = MarketFilter { events: [event].into(), ..MarketFilter::default() };
            let cards = catalogue.markets(&filter).cloned().collect();
            let name = catalogue.event(event).map(|event| event.name.clone());
            (name.unwrap_or_default(), cards)
        };
        context.catalogue(read, move |listed| told(n, Answer::Listed(listed)));
    }

    fn take(&mut self, name: &str, cards: Vec<MarketCard>) {
        let left = self.book.as_deref().is_some_and(lead::was_left_suspended);
        for card in &cards {
            let market = card.definition.id;
            if self.questions.contains_key(&market) {
                continue;
            }
            let question = teams_of(name).and_then(|teams| Question::of(&card.definition, teams));
            self.questions.insert(market, question);
            if left && card.status == MarketStatus::Suspended {
                self.paused.insert(market);
            }
        }
        let listed = |market: &MarketId| cards.iter().any(|card| card.definition.id == *market);
        self.questions.retain(|market, _| listed(market));
        self.paused.retain(listed);
        self.look.cards = Some(cards);
    }

    fn next_act(&self, cards: &[MarketCard]) -> Option<(MarketId, MarketAct)> {
        let book = self.book.as_ref().filter(|_| self.look.acts < ACTS_MAX)?;
        let stage = Stage::of(&book.priced);
        let ended = (stage == Stage::Over).then(|| Ended::of(&book.dossier)).flatten();
        cards.iter().find_map(|card| {
            let market = card.definition.id;
            let question = self.questions.get(&market)?.as_ref()?;
            let ours = self.paused.contains(&market);
            let act = lead::act(stage, book.priced.why, card, question, ended.as_ref(), ours)?;
            Some((market, act))
        })
    }

    fn operate(&mut self, market: MarketId, act: MarketAct, context: &Context<QuoterMsg>) {
        self.look.acts += 1;
        match act {
            MarketAct::Suspend { .. } => drop(self.paused.insert(market)),
            MarketAct::Open => drop(self.paused.remove(&market)),
            _ => {}
        }
        let by = By { operator: self.terms.name.clone(), reason: None, key: None };
        let n = self.ask();
        let request = HomeRequest::MarketAct { market, act };
        context.operate(by, request, move |answer| told(n, Answer::Operated(answer)));
    }

    // ---------------------------------------------------------------------------------- the orders

    fn ask_orders(&mut self, account: AccountId, context: &Context<QuoterMsg>) {
        let understood = self.questions.iter().filter(|(_, question)| question.is_some());
        let markets: BTreeSet<MarketId> = understood.map(|(market, _)| *market).collect();
        if markets.is_empty() {
            self.look.planned = true;
            return;
        }
        let filter = OrderFilter {
            markets: Some(markets),
            projection: OrderProjection::Executable,
            ..OrderFilter::default()
        };
        let from = u32::try_from(self.look.resting.len()).unwrap_or(u32::MAX);
        let (sort, page) = (OrderSort::default(), Page { from, count: 0 });
        let query = AccountQuery::CurrentOrders { filter, sort, page };
        let n = self.ask();
        context.query(account, query, move |view| told(n, Answer::Orders(view)));
    }

    /// What is to be cancelled everywhere comes first.
    fn plan(&mut self) {
        self.look.planned = true;
        let (mut cancel, mut place) = (Vec::new(), Vec::new());
        for card in self.look.cards.iter().flatten() {
            let market = card.definition.id;
            let Some(Some(question)) = self.questions.get(&market) else { continue };
            let changes = orders::changes(market, &self.wanted(card, question), &self.look.resting);
            cancel.extend(changes.cancel.chunks(MAX_INSTRUCTIONS).map(|bets| {
                let orders = bets.iter().map(|bet| (*bet, None)).collect();
                let body = RequestBody::Cancel(CancelScope::Bets { market, orders });
                SessionRequest::Plain(CustomerRequest { customer_ref: None, body })
            }));
            place.extend(changes.place.chunks(MAX_INSTRUCTIONS).map(|some| placed(market, some)));
        }
        self.look.todo = cancel.into_iter().chain(place).collect();
    }

    /// Nothing but where bets are taken, on a book that is open.
    fn wanted(&self, card: &MarketCard, question: &Question) -> Wanted {
        let book = self.book.as_ref().filter(|book| book.priced.status == Status::Open);
        match book.filter(|_| card.status == MarketStatus::Open) {
            Some(book) => {
                let chances = question.chances(&book.priced.chances);
                orders::wanted(&chances, self.terms.spread, self.terms.stake)
            }
            None => Wanted::new(),
        }
    }

    fn done(&mut self, outcome: &Outcome) {
        let Outcome::Placed(Execution { error: Some(error), .. }) = outcome else { return };
        let why = format!("{error:?}");
        if self.refused.1.as_ref() != Some(&why) {
            let maker = &self.terms.name;
            tracing::warn!(maker, event = %self.event, why, "the maker's orders are refused");
        }
        self.refused = (self.refused.0 + 1, Some(why));
    }

    /// An answer that does not come may still be on its way: everything is read anew, at the next look. Not before:
    /// whoever refused because he is busy is not asked again at once.
    fn begin_again(&mut self, why: &str) {
        self.begun_again += 1;
        tracing::info!(maker = self.terms.name, event = %self.event, why, "a quoter begins again");
        self.asked = None;
        self.look = Look::default();
        self.watched = None;
        // A session that was asked and did not answer may be gone with what was asked of it.
        self.engagement = None;
    }

    fn disengage(&mut self, context: &Context<QuoterMsg>) {
        if let Some(engagement) = self.engagement.take()
            && let Some(maker) = context.node.registry.find::<MakerMsg>(Address::Maker(self.maker))
        {
            let _ = maker.send(MakerMsg::Over(engagement.session));
        }
        self.look = Look::default();
    }

    fn ask(&mut self) -> u64 {
        self.asks += 1;
        self.asked = Some((self.asks, Instant::now()));
        self.asks
    }
}

/// `23' 1-0`
fn score(book: &View) -> String {
    let (score, clock) = (book.priced.rests.score, book.dossier.story.clock(book.at));
    format!("{clock} {}-{}", score.home, score.away)
}

fn placed(market: MarketId, tickets: &[Ticket]) -> SessionRequest {
    SessionRequest::Place {
        market,
        tickets: tickets.to_vec(),
        customer_ref: None,
        strategy_ref: None,
        market_version: None,
    }
}

fn told(n: u64, answer: Answer) -> QuoterMsg {
    QuoterMsg::Answer { n, answer }
}
