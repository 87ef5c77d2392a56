//! Football: fixtures, results and what is told of matches.
//!
//! Owns     the `domain::football::almanac::Almanac` of partition 0, and who follows which match.
//! Started  by `partition-0`, last: nothing rests on it there.
//! Asks     its partition's log; the nursery for the ratings of a competition of which something was told.
//! Crash    state is a fold of the journal; followers hear of the new life through the registry, and follow
//!          again. A provider whose answer was lost tells it again: a repeat changes nothing.
//! Bounds   those of the almanac; `WORDS_MAX` words a message, `FOLLOWERS_MAX` followers a match.

mod telling;

pub use telling::{Telling, Told};

use crate::entity::{Desk, Entity};
use crate::fixture::FixtureMsg;
use crate::mailbox::Mailbox;
use crate::node::Child;
use crate::partition::Busy;
use crate::ratings::RatingsMsg;
use crate::registry::Address;
use crate::shell::{Fault, Named};
use domain::football::almanac::{
    self, Almanac, CompetitionNo, Dossier, FinalScore, FixtureId, FootballEvent, Item, NewFixture,
    Parameters, Quotes, Source, Stirred,
};
use domain::football::live::FeedEvent;
use domain::ids::EntityId;
use domain::record::Event;
use domain::time::UtcMillis;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use tokio::sync::oneshot;

/// Of one message; a door cuts what is more.
pub const WORDS_MAX: usize = 1_000;
/// What is decided together is one record.
const ITEMS_A_RECORD: usize = 256;
const FOLLOWERS_MAX: usize = 64;

/// One thing that a provider says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    Fixture(NewFixture),
    Result(Source, FinalScore),
    Event(Source, u32, FeedEvent),
    /// All that its market asks.
    Quotes(Source, Quotes),
}

/// What became of words, durably.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Taken {
    pub taken: usize,
    /// Said before.
    pub repeated: usize,
    /// By their place among the words.
    pub refused: Vec<(usize, almanac::Fault)>,
}

/// Reads the almanac; what it returns tells, once that is durable.
pub type Question = Box<dyn FnOnce(&Almanac) -> Box<dyn FnOnce() + Send> + Send>;

pub enum FootballMsg {
    Tell {
        words: Vec<Word>,
        reply: oneshot::Sender<Result<Taken, Busy>>,
    },
    /// A competition's ratings have rated these.
    Rated {
        fixtures: Vec<(FixtureId, Parameters)>,
    },
    /// Sends the match's dossier, now and whenever it changes.
    Follow {
        fixture: FixtureId,
        who: Mailbox<FixtureMsg>,
    },
    /// Sends a competition's results and what is to be rated.
    Results {
        competition: CompetitionNo,
        who: Mailbox<RatingsMsg>,
    },
    Ask(Question),
}

impl fmt::Debug for FootballMsg {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl Named for FootballMsg {
    fn name(&self) -> &'static str {
        match self {
            FootballMsg::Tell { .. } => "tell",
            FootballMsg::Rated { .. } => "rated",
            FootballMsg::Follow { .. } => "follow",
            FootballMsg::Results { .. } => "results",
            FootballMsg::Ask(_) => "ask",
        }
    }
}

/// A question with one answer.
pub fn question<T: Send + 'static>(
    read: impl FnOnce(&Almanac) -> T + Send + 'static,
    reply: oneshot::Sender<T>,
) -> FootballMsg {
    FootballMsg::Ask(Box::new(move |almanac| {
        let answer = read(almanac);
        // Whoever asked may have stopped waiting.
        Box::new(move || drop(reply.send(answer)))
    }))
}

pub struct Football {
    state: Almanac,
    followers: BTreeMap<FixtureId, Vec<Mailbox<FixtureMsg>>>,
}

impl Entity for Football {
    type State = Almanac;
    type Event = FootballEvent;
    type Message = FootballMsg;
    const KIND: &'static str = "football";

    fn new(_: EntityId, state: Almanac) -> Self {
        Football { state, followers: BTreeMap::new() }
    }

    fn event_of(event: &Event) -> Option<&FootballEvent> {
        match event {
            Event::Football(event) => Some(event),
            _ => None,
        }
    }

    fn into_event(event: FootballEvent) -> Event {
        Event::Football(event)
    }

    fn apply(state: &mut Almanac, at: UtcMillis, event: &FootballEvent) {
        state.apply(at, event, &mut Stirred::default());
    }

    fn wake(&self) -> Option<UtcMillis> {
        None
    }

    fn state(&self) -> &Almanac {
        &self.state
    }

    /// Matches that are still to come are rated anew: days have passed, or an answer was lost.
    fn resume(&mut self, desk: &mut Desk) -> Result<(), Fault> {
        let all = self.state.competitions().map(|(number, _)| number);
        let open: BTreeSet<_> = all.filter(|of| !self.state.upcoming(*of).is_empty()).collect();
        stir_ratings(open, desk);
        Ok(())
    }

    fn handle(&mut self, message: FootballMsg, desk: &mut Desk) -> Result<(), Fault> {
        match message {
            FootballMsg::Tell { words, reply } => {
                let answer = match desk.partition.admits(&desk.node.settings) {
                    Ok(()) => Ok(self.tell(words, desk)),
                    Err(busy) => Err(busy),
                };
                desk.tell(move || drop(reply.send(answer)))
            }
            FootballMsg::Rated { fixtures } => {
                let now = desk.now();
                let (mut stirred, mut items) = (Stirred::default(), Vec::new());
                for (fixture, parameters) in fixtures {
                    if let Some(item) = self.state.decide_rated(fixture, parameters) {
                        self.state.take(now, &item, &mut stirred);
                        items.push(item);
                    }
                }
                self.record(now, items, desk);
                self.stir(stirred, desk);
                Ok(())
            }
            FootballMsg::Follow { fixture, who } => {
                let followers = self.followers.entry(fixture).or_default();
                followers.retain(Mailbox::is_open);
                if followers.len() < FOLLOWERS_MAX {
                    followers.push(who.clone());
                }
                let dossier = self.state.dossier(fixture).map(Box::new);
                desk.tell(move || {
                    let _ = who.send(FixtureMsg::Dossier(dossier));
                })
            }
            FootballMsg::Results { competition, who } => {
                let known = self.state.competition(competition);
                let results = RatingsMsg::Results {
                    name: known.map(|known| known.name.clone()).unwrap_or_default(),
                    teams: known.map(|known| known.teams.clone()).unwrap_or_default(),
                    ended: self.state.ended(competition),
                    upcoming: self.state.upcoming(competition),
                };
                desk.tell(move || {
                    let _ = who.send(results);
                })
            }
            FootballMsg::Ask(question) => {
                let tell = question(&self.state);
                desk.tell(tell)
            }
        }
    }

    fn woken(&mut self, _: &mut Desk) -> Result<(), Fault> {
        Ok(())
    }

    fn repeat(&mut self, _: &mut Desk) -> Result<bool, Fault> {
        Ok(false)
    }

    fn send_again_to(&mut self, _: EntityId, _: &mut Desk) -> Result<(), Fault> {
        Ok(())
    }

    fn deliver(&mut self, desk: &mut Desk) -> Result<(), Fault> {
        desk.hand_over()
    }

    /// Somebody always asks it something.
    fn is_at_rest(&self) -> bool {
        false
    }

    fn observe(&self) -> serde_json::Value {
        json!({
            "competitions": self.state.competitions().count(),
            "fixtures": self.state.fixtures_len(),
            "followed": self.followers.len(),
        })
    }
}

impl Football {
    fn tell(&mut self, words: Vec<Word>, desk: &mut Desk) -> Taken {
        let now = desk.now();
        let (mut taken, mut stirred) = (Taken::default(), Stirred::default());
        let mut items = Vec::new();
        for (at, word) in words.into_iter().enumerate() {
            let decided = match word {
                Word::Fixture(new) => self.state.decide_fixture(&new),
                Word::Result(from, result) => {
                    self.state.decide_result(&from, result).map(|item| item.into_iter().collect())
                }
                Word::Event(from, seq, event) => {
                    let decided = self.state.decide_event(&from, seq, event);
                    decided.map(|item| item.into_iter().collect())
                }
                Word::Quotes(from, quotes) => {
                    let decided = self.state.decide_quoted(&from, quotes);
                    decided.map(|item| item.into_iter().collect())
                }
            };
            match decided {
                Ok(decided) if decided.is_empty() => taken.repeated += 1,
                Ok(decided) => {
                    taken.taken += 1;
                    for item in decided {
                        self.state.take(now, &item, &mut stirred);
                        items.push(item);
                    }
                }
                Err(fault) => taken.refused.push((at, fault)),
            }
        }
        self.record(now, items, desk);
        self.stir(stirred, desk);
        taken
    }

    fn record(&self, now: UtcMillis, items: Vec<Item>, desk: &mut Desk) {
        let mut items = items.into_iter().peekable();
        while items.peek().is_some() {
            let some = items.by_ref().take(ITEMS_A_RECORD).collect();
            desk.record(now, [FootballEvent::Told(some)], Self::into_event, None);
        }
    }

    /// Tells who follows, once it is durable.
    fn stir(&mut self, stirred: Stirred, desk: &mut Desk) {
        for fixture in stirred.fixtures {
            let Some(followers) = self.followers.get_mut(&fixture) else { continue };
            followers.retain(Mailbox::is_open);
            let followers = followers.clone();
            if followers.is_empty() {
                self.followers.remove(&fixture);
                continue;
            }
            let Some(dossier) = self.state.dossier(fixture) else { continue };
            desk.effect(move |_| tell(&followers, &dossier));
        }
        stir_ratings(stirred.competitions, desk);
    }
}

fn tell(followers: &[Mailbox<FixtureMsg>], dossier: &Dossier) {
    for follower in followers {
        // One that is gone follows again in its next life.
        let _ = follower.send(FixtureMsg::Dossier(Some(Box::new(dossier.clone()))));
    }
}

/// Ratings of a competition are started by the first word of it. That may be ahead of the disk: all they do is
/// ask, and what they are answered waits.
fn stir_ratings(competitions: BTreeSet<CompetitionNo>, desk: &Desk) {
    for competition in competitions {
        let there = desk.node.registry.find::<RatingsMsg>(Address::Ratings(competition));
        if there.is_none_or(|there| there.send(RatingsMsg::Stirred).is_err()) {
            desk.node.nursery().start(Child::Ratings(competition));
        }
    }
}
