//! A market maker: shows the prices of football's models on the exchange's own markets, in a customer's name.
//!
//! It logs in like anybody who has one of the exchange's application keys, finds which events of the catalogue are
//! matches that are priced, and has a quoter for each, which trades with its session.
//!
//! Owns     its session, and which event is which match; both are found again.
//! Started  by `strategies`, one for each maker of the settings; permanent.
//! Asks     home for the login; the catalogue what is listed; football which match an event is; the nursery for
//!          quoters.
//! Crash    logs in and looks again. Its quoters go on with the session they have, and ask for another when that is
//!          refused.
//! Bounds   one question at a time; `EVENTS_MAX` events, of which `ASKED_MAX` are asked about at once.

use crate::assignment::Customer;
use crate::mailbox::Mailbox;
use crate::node::Child;
use crate::quoter::{Engagement, QuoterMsg};
use crate::registry::Address;
use crate::shell::{Behaviour, Context, Fault, Named};
use domain::catalogue::{Catalogue, ListingMark, MarketFilter};
use domain::football::almanac::{Almanac, FixtureId};
use domain::football::club::plain;
use domain::home::{HomeError, Login, SecretHash};
use domain::ids::{AccountId, EventId, EventTypeId, SessionId};
use domain::money::Pence;
use domain::time::UtcMillis;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a maker is to do: looked up by its number.
#[derive(Debug, Clone)]
pub struct Terms {
    /// For people: the name it has in the settings.
    pub name: String,
    /// In whose name it bets, with whose money.
    pub customer: Customer,
    /// Competitions whose matches it quotes; none named: all.
    pub competitions: Vec<String>,
    /// To each side of the fair odds to one, as a part of them.
    pub spread: f64,
    /// What stands at its best price at even money or less.
    pub stake: Pence,
    /// It also leads the markets: in play, suspended, open again, settled, as an operator of this name.
    pub leads: bool,
    /// A session's number and the hash of its token: the node draws them.
    pub secrets: fn() -> (SessionId, SecretHash),
}

impl Terms {
    fn takes(&self, competition: &str) -> bool {
        let wanted = plain(competition);
        self.competitions.is_empty() || self.competitions.iter().any(|one| plain(one) == wanted)
    }
}

#[derive(Debug)]
pub enum MakerMsg {
    Look,
    /// A quoter wants to know with which session, and on which match, it trades.
    Engage {
        event: EventId,
        who: Mailbox<QuoterMsg>,
    },
    /// A quoter was told that the session is over.
    Over(SessionId),
    /// To question number `n`.
    Answer {
        n: u64,
        answer: Answer,
    },
}

#[derive(Debug)]
pub enum Answer {
    LoggedIn(SessionId, Option<Result<Login, HomeError>>),
    /// `None` within: nothing is listed that was not before.
    Listed(Option<Option<(ListingMark, Vec<Listing>)>>),
    Found(Option<Vec<(EventId, FixtureId)>>),
}

/// An event of football with markets that are not closed.
#[derive(Debug, Clone)]
pub struct Listing {
    event: EventId,
    name: String,
    competition: String,
    open_date: UtcMillis,
}

impl Named for MakerMsg {
    fn name(&self) -> &'static str {
        match self {
            MakerMsg::Look => "look",
            MakerMsg::Engage { .. } => "engage",
            MakerMsg::Over(_) => "over",
            MakerMsg::Answer { answer, .. } => match answer {
                Answer::LoggedIn(..) => "logged in",
                Answer::Listed(_) => "listed",
                Answer::Found(_) => "found",
            },
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct MakerArgs {
    pub number: u32,
}

pub struct Maker {
    number: u32,
    terms: Arc<Terms>,
    session: Option<(SessionId, AccountId)>,
    mark: Option<ListingMark>,
    /// What is listed, and which match that is.
    events: BTreeMap<EventId, (Listing, Option<FixtureId>)>,
    /// Those after it are asked about next.
    asked_to: Option<EventId>,
    /// The question that is open.
    asked: Option<(u64, Instant)>,
    questions: u64,
    failure: Option<String>,
}

const SOCCER: EventTypeId = EventTypeId(1);
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// An answer that takes longer does not come.
const PATIENCE: Duration = Duration::from_secs(10);
const EVENTS_MAX: usize = 2_000;
const ASKED_MAX: usize = 64;

impl Behaviour for Maker {
    type Args = MakerArgs;
    type Message = MakerMsg;
    const KIND: &'static str = "maker";

    fn address(args: &MakerArgs) -> Address {
        Address::Maker(args.number)
    }

    fn start(args: MakerArgs, context: &Context<MakerMsg>) -> Result<Self, Fault> {
        let terms = context.node.makers.find(args.number);
        Ok(Maker {
            number: args.number,
            terms: terms.ok_or_else(|| Fault::new("no terms of this number"))?,
            session: None,
            mark: None,
            events: BTreeMap::new(),
            asked_to: None,
            asked: None,
            questions: 0,
            failure: None,
        })
    }

    fn started(&mut self, context: &mut Context<MakerMsg>) -> Result<(), Fault> {
        context.every(LOOK_EVERY, || MakerMsg::Look);
        self.look(context);
        Ok(())
    }

    fn handle(&mut self, message: MakerMsg, context: &mut Context<MakerMsg>) -> Result<(), Fault> {
        match message {
            MakerMsg::Look => self.look(context),
            MakerMsg::Engage { event, who } => {
                let fixture = self.events.get(&event).and_then(|(_, fixture)| *fixture);
                if let (Some((session, account)), Some(fixture)) = (self.session, fixture) {
                    let engagement = Engagement { session, account, fixture };
                    let _ = who.send(QuoterMsg::Engaged(engagement));
                }
            }
            MakerMsg::Over(session) => {
                if self.session.take_if(|(own, _)| *own == session).is_some() {
                    context.node.nursery().stop(Child::Session(session));
                    self.look(context);
                }
            }
            MakerMsg::Answer { n, answer } => {
                if self.asked.take_if(|(open, _)| *open == n).is_some() {
                    self.answered(answer, context);
                }
            }
        }
        Ok(())
    }

    fn observe(&self) -> serde_json::Value {
        let matched = self.events.values().filter(|(_, fixture)| fixture.is_some()).count();
        let unknown = self.events.values().filter(|(_, fixture)| fixture.is_none());
        let unknown: Vec<_> = unknown.map(|(listing, _)| listing.name.as_str()).take(8).collect();
        json!({
            "name": self.terms.name,
            "user": self.terms.customer.username,
            "leads": self.terms.leads,
            "loggedIn": self.session.is_some(),
            "events": self.events.len(),
            "matches": matched,
            "notPriced": unknown,
            "failure": self.failure,
        })
    }
}

impl Maker {
    fn look(&mut self, context: &Context<MakerMsg>) {
        match self.asked {
            Some((_, since)) if since.elapsed() < PATIENCE => return,
            Some(_) => self.asked = None,
            None => {}
        }
        if self.session.is_none() {
            return self.log_in(context);
        }
        let (n, mark) = (self.ask(), self.mark.clone());
        let read = move |catalogue: &Catalogue| listed(catalogue, mark);
        context.catalogue(read, move |listed| told(n, Answer::Listed(listed)));
    }

    fn answered(&mut self, answer: Answer, context: &Context<MakerMsg>) {
        match answer {
            Answer::LoggedIn(session, Some(Ok(login))) => {
                context.node.nursery().start(Child::Session(session));
                self.session = Some((session, login.account));
                self.failure = None;
                self.look(context);
            }
            Answer::LoggedIn(_, Some(Err(refused))) => {
                let failure = refused.to_string();
                if self.failure.as_ref() != Some(&failure) {
                    tracing::warn!(maker = self.terms.name, failure, "the maker cannot log in");
                }
                self.failure = Some(failure);
            }
            Answer::Listed(Some(listed)) => {
                if let Some((mark, listings)) = listed {
                    self.mark = Some(mark);
                    self.take(listings);
                }
                self.find(context);
            }
            Answer::Found(Some(found)) => {
                for (event, fixture) in found {
                    if let Some((_, known)) = self.events.get_mut(&event) {
                        *known = Some(fixture);
                    }
                }
                self.quote(context);
            }
            // Asked again at the next look.
            Answer::LoggedIn(_, None) | Answer::Listed(None) | Answer::Found(None) => {}
        }
    }

    fn take(&mut self, listings: Vec<Listing>) {
        let wanted = listings.into_iter().filter(|listing| self.terms.takes(&listing.competition));
        let mut before = std::mem::take(&mut self.events);
        for listing in wanted.take(EVENTS_MAX) {
            let known = before.remove(&listing.event).and_then(|(_, fixture)| fixture);
            self.events.insert(listing.event, (listing, known));
        }
    }

    /// Asks about some of the events that are no match yet: those whose turn it is.
    fn find(&mut self, context: &Context<MakerMsg>) {
        let unknown = |after: Option<EventId>| {
            let behind = move |event: &EventId| after.is_none_or(|after| *event > after);
            let all = self.events.iter().filter(move |(event, _)| behind(event));
            let open = all.filter(|(_, (_, fixture))| fixture.is_none());
            open.map(|(_, (listing, _))| listing.clone()).take(ASKED_MAX).collect::<Vec<_>>()
        };
        let mut some = unknown(self.asked_to);
        if some.is_empty() {
            some = unknown(None);
        }
        self.asked_to = some.last().map(|last| last.event);
        if some.is_empty() {
            return self.quote(context);
        }
        let n = self.ask();
        let read = move |almanac: &Almanac| {
            let found = some.into_iter().filter_map(|it| {
                let fixture = almanac.match_of(&it.competition, &it.name, it.open_date)?;
                Some((it.event, fixture))
            });
            found.collect::<Vec<_>>()
        };
        context.football(read, move |found| told(n, Answer::Found(found)));
    }

    /// Sees to it that every match has its quoter.
    fn quote(&self, context: &Context<MakerMsg>) {
        for (event, _) in self.events.iter().filter(|(_, (_, fixture))| fixture.is_some()) {
            let address = Address::Quoter(self.number, *event);
            if context.node.registry.find::<QuoterMsg>(address).is_none() {
                context.node.nursery().start(Child::Quoter(self.number, *event));
            }
        }
    }

    fn log_in(&mut self, context: &Context<MakerMsg>) {
        let (session, token) = (self.terms.secrets)();
        let login = self.terms.customer.login(session, token);
        let n = self.ask();
        context.open_session(login, move |answer| told(n, Answer::LoggedIn(session, answer)));
    }

    fn ask(&mut self) -> u64 {
        self.questions += 1;
        self.asked = Some((self.questions, Instant::now()));
        self.questions
    }
}

/// Events of football that have a competition; `None` when nothing has changed since `mark`.
fn listed(catalogue: &Catalogue, mark: Option<ListingMark>) -> Option<(ListingMark, Vec<Listing>)> {
    let now = catalogue.listing_mark();
    if mark.as_ref() == Some(&now) {
        return None;
    }
    let football = MarketFilter { event_types: [SOCCER].into(), ..MarketFilter::default() };
    let listing = |event: &domain::home::SportEvent| {
        Some(Listing {
            event: event.id,
            name: event.name.clone(),
            competition: event.competition.as_ref()?.1.clone(),
            open_date: event.open_date,
        })
    };
    let events = catalogue.count_events(&football).into_iter();
    Some((now, events.filter_map(|(event, _)| listing(event)).collect()))
}

fn told(n: u64, answer: Answer) -> MakerMsg {
    MakerMsg::Answer { n, answer }
}
