//! The words of the almanac's journal: what was decided of what a provider said.

use super::super::Team;
use super::super::live::FeedEvent;
use super::super::ratings::TeamIndex;
use super::super::score_grid::Expectancy;
use super::fixture::FinalScore;
use super::market::{Market, Quotes};
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A match, numbered from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FixtureId(pub u32);

/// A competition, numbered from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CompetitionNo(pub u16);

impl fmt::Display for FixtureId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl fmt::Display for CompetitionNo {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// A record of the football entity. The short names are the kinds of the journal: never reused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FootballEvent {
    /// What was told, or rated, together.
    #[serde(rename = "1")]
    Told(Vec<Item>),
}

/// The short names are the kinds of the journal: never reused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Item {
    #[serde(rename = "c")]
    Competition { name: String },
    #[serde(rename = "t")]
    Team { competition: CompetitionNo, name: String },
    #[serde(rename = "f")]
    Fixture {
        source: String,
        id: String,
        competition: CompetitionNo,
        season: String,
        kick_off: UtcMillis,
        home: TeamIndex,
        away: TeamIndex,
        neutral: bool,
    },
    /// Another provider tells of it too.
    #[serde(rename = "j")]
    Joined { fixture: FixtureId, source: String, id: String },
    #[serde(rename = "m")]
    Moved { fixture: FixtureId, season: String, kick_off: UtcMillis, neutral: bool },
    /// `provider` is the place in the fixture's own list.
    #[serde(rename = "r")]
    Result { fixture: FixtureId, provider: u8, result: FinalScore },
    #[serde(rename = "e")]
    Event { fixture: FixtureId, provider: u8, seq: u32, event: FeedEvent },
    /// All that one provider's market asks, and what it expects; nothing when it was withdrawn.
    #[serde(rename = "q")]
    Quoted { fixture: FixtureId, provider: u8, quotes: Quotes, market: Option<Market> },
    #[serde(rename = "p")]
    Rated { fixture: FixtureId, parameters: Parameters },
}

/// Where parameters come from: the further down, the less is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Basis {
    /// A model of somebody's own, behind a port.
    #[serde(rename = "x")]
    Port,
    /// What markets ask, with the ratings' part.
    #[serde(rename = "m")]
    Market,
    #[serde(rename = "r")]
    Ratings,
    /// A team without results in the window: what is usual of newcomers.
    #[serde(rename = "n")]
    Newcomer,
    /// The fit failed; the one before it.
    #[serde(rename = "g")]
    LastGood,
    /// No fit at all: the competition's average.
    #[serde(rename = "l")]
    LeagueMean,
    /// A competition without results: any match.
    #[serde(rename = "a")]
    AnyMatch,
}

impl Basis {
    /// As it is told.
    pub fn word(self) -> &'static str {
        match self {
            Basis::Port => "port",
            Basis::Market => "market",
            Basis::Ratings => "ratings",
            Basis::Newcomer => "newcomer",
            Basis::LastGood => "lastGood",
            Basis::LeagueMean => "leagueMean",
            Basis::AnyMatch => "anyMatch",
        }
    }

    /// Why it is not the ratings themselves, for people.
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Basis::Port | Basis::Market | Basis::Ratings => None,
            Basis::Newcomer => Some("a team without results: taken for a newcomer"),
            Basis::LastGood => Some("the last fit failed: the one before it is used"),
            Basis::LeagueMean => Some("no fit: the competition's average"),
            Basis::AnyMatch => Some("no results: the average of any match"),
        }
    }
}

/// What a match is priced from, in millionths: goals expected and the factor on low scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameters {
    home: i32,
    away: i32,
    rho: i32,
    pub basis: Basis,
    /// Counts the parameters of one match.
    pub version: u32,
}

/// Expectancies that may be priced.
const GOALS: std::ops::RangeInclusive<f64> = 0.05..=7.0;
const RHO: std::ops::RangeInclusive<f64> = -0.2..=0.1;
const MILLION: f64 = 1e6;

impl Parameters {
    /// `None` of what must never be priced: not finite, or beyond what is ever expected.
    pub fn new(home: f64, away: f64, rho: f64, basis: Basis) -> Option<Parameters> {
        let sound = GOALS.contains(&home) && GOALS.contains(&away) && RHO.contains(&rho);
        let millionths = |value: f64| (value * MILLION).round() as i32;
        sound.then(|| Parameters {
            home: millionths(home),
            away: millionths(away),
            rho: millionths(rho),
            basis,
            version: 0,
        })
    }

    pub fn expectancy(&self) -> Expectancy {
        Expectancy::new(f64::from(self.home) / MILLION, f64::from(self.away) / MILLION)
    }

    pub fn goals(&self, team: Team) -> f64 {
        self.expectancy().of(team)
    }

    pub fn rho(&self) -> f64 {
        f64::from(self.rho) / MILLION
    }

    /// As a model of somebody's own said, or implied, in its opinion of this number.
    pub fn of_opinion(self, number: u32) -> Parameters {
        Parameters { basis: Basis::Port, version: number, ..self }
    }

    pub(super) fn numbered(self, version: u32) -> Parameters {
        Parameters { version, ..self }
    }

    /// The same prices follow from both.
    pub fn prices_as(&self, other: &Parameters) -> bool {
        Parameters { version: 0, ..*self } == Parameters { version: 0, ..*other }
    }
}
