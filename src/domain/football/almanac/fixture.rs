//! One match: who plays when, and what each provider has told of it.

use super::super::Team;
use super::super::live::{FeedKind, Log, Phase, Story};
use super::super::ratings::TeamIndex;
use super::super::ratings::points::{Goal, adjusted};
use super::item::{CompetitionNo, Parameters};
use super::market::{Market, Quotes};
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};

/// Parameters of one match that are remembered.
pub const RATED_MAX: usize = 64;

/// What was counted, home and away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Stats {
    pub shots: Option<(u8, u8)>,
    pub on_target: Option<(u8, u8)>,
    pub corners: Option<(u8, u8)>,
    pub yellows: Option<(u8, u8)>,
    pub reds: Option<(u8, u8)>,
}

/// What bookmakers asked for home, draw and away, in hundredths: to judge models by, never to price from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Odds {
    pub open: Option<[u32; 3]>,
    pub close: [u32; 3],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinalScore {
    pub home: u8,
    pub away: u8,
    pub half_time: Option<(u8, u8)>,
    pub stats: Stats,
    pub odds: Option<Odds>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    pub source: String,
    pub id: String,
    pub log: Log,
    pub result: Option<FinalScore>,
    /// What its market asks, and expects.
    #[serde(default)]
    pub quotes: Option<(Quotes, Market)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rated {
    pub at: UtcMillis,
    pub parameters: Parameters,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fixture {
    pub competition: CompetitionNo,
    pub season: String,
    pub kick_off: UtcMillis,
    pub home: TeamIndex,
    pub away: TeamIndex,
    pub neutral: bool,
    pub providers: Vec<Provider>,
    /// By its competition's ratings: the last is in force.
    pub rated: Vec<Rated>,
    /// How often its markets were told of.
    #[serde(default)]
    pub quoted: u32,
}

impl Fixture {
    pub(super) fn join(&mut self, source: &str, id: &str) {
        self.providers.push(Provider {
            source: source.to_owned(),
            id: id.to_owned(),
            log: Log::default(),
            result: None,
            quotes: None,
        });
    }

    /// Who is believed: the first who tells of it and does not contradict himself, else the first who tells.
    pub fn lead(&self) -> usize {
        let telling = |at: &usize| !self.providers[*at].log.is_empty();
        let sound = |at: &usize| self.providers[*at].log.story().doubt.is_none();
        let all = 0..self.providers.len();
        let first = all.clone().find(|at| telling(at) && sound(at));
        first.or_else(|| all.clone().find(telling)).unwrap_or(0)
    }

    pub fn story(&self) -> Story {
        match self.providers.get(self.lead()) {
            Some(provider) => provider.log.story(),
            None => Log::default().story(),
        }
    }

    /// How it ended: as results say unless they disagree, else as it was told to its end.
    pub fn outcome(&self) -> Option<FinalScore> {
        let mut results = self.providers.iter().filter_map(|provider| provider.result);
        match results.next() {
            Some(first) => {
                let agrees =
                    |other: FinalScore| (other.home, other.away) == (first.home, first.away);
                results.all(agrees).then_some(first)
            }
            None if self.providers.iter().all(|provider| provider.log.is_empty()) => None,
            None => {
                let story = self.story();
                let told = story.phase == Phase::FullTime && story.doubt.is_none();
                let score = story.score();
                told.then(|| FinalScore {
                    home: score.home,
                    away: score.away,
                    half_time: story.half_time().map(|score| (score.home, score.away)),
                    stats: Stats::default(),
                    odds: None,
                })
            }
        }
    }

    /// What its goals were worth, where they were told one by one and come to the result.
    pub fn worth(&self) -> Option<(f64, f64)> {
        let told = &self.providers.get(self.lead()).filter(|told| !told.log.is_empty())?.log;
        let (story, outcome) = (told.story(), self.outcome()?);
        let score = story.score();
        let whole = story.phase == Phase::FullTime && story.doubt.is_none();
        if !whole || (score.home, score.away) != (outcome.home, outcome.away) {
            return None;
        }
        let (mut reds, mut goals) = ((0_u8, 0_u8), Vec::new());
        for (seq, heard) in told.events() {
            match heard.event.kind {
                FeedKind::Red(team) => {
                    let of = if team == Team::Home { &mut reds.0 } else { &mut reds.1 };
                    *of = match heard.event.value {
                        Some(0) => of.saturating_sub(1),
                        _ => of.saturating_add(1),
                    };
                }
                FeedKind::Goal(team) if story.goals.iter().any(|goal| goal.seq == seq) => {
                    let minute = heard.event.minute.saturating_add(1);
                    goals.push(Goal { team, minute, home_reds: reds.0, away_reds: reds.1 });
                }
                _ => {}
            }
        }
        Some(adjusted(&goals))
    }

    pub fn is_disputed(&self) -> bool {
        self.outcome().is_none() && self.providers.iter().any(|provider| provider.result.is_some())
    }

    pub fn has_begun(&self) -> bool {
        self.providers.iter().any(|provider| provider.result.is_some())
            || self.story().phase > Phase::Before
    }

    /// Its parameters may still change. One that began before anybody rated it is rated once.
    pub(super) fn is_to_be_rated(&self) -> bool {
        let over = self.providers.iter().any(|provider| provider.result.is_some())
            || self.story().phase.is_over();
        !over && (self.rated.is_empty() || !self.has_begun())
    }

    /// What markets expect of it.
    pub fn market(&self) -> Option<Market> {
        let quoted = self.providers.iter().filter_map(|provider| provider.quotes.as_ref());
        Market::together(quoted.map(|(_, market)| *market))
    }

    /// What its competition's ratings say.
    pub(super) fn rating(&self) -> Option<Parameters> {
        self.rated.last().map(|rated| rated.parameters)
    }

    /// What it is priced from: its markets where there are any, with the ratings' part, else the ratings.
    pub fn parameters(&self) -> Option<Parameters> {
        let rating = self.rating();
        let version = rating.map_or(0, |rating| rating.version).saturating_add(self.quoted);
        let blended = self.market().and_then(|market| market.blended(rating));
        blended.or(rating).map(|parameters| parameters.numbered(version))
    }
}
