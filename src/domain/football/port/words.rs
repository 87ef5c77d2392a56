//! The messages, field by field, as they stand in README's table. How they become bytes is `store::packet`'s.

use super::super::almanac::Dossier;
use super::super::live::Phase;
use super::super::ratings::Played;
use super::{Nonsense, PROTOCOL};
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};

pub const NAME_BYTES_MAX: usize = 64;
/// Of what a model says for people; more is cut.
const MESSAGE_BYTES_MAX: usize = 300;
const COMPETITIONS_MAX: usize = 1_000;
/// A grid knows no more goals of one team.
const GRID_MAX: usize = 16;
const MARKETS_MAX: usize = 200;
const SELECTIONS_MAX: usize = 64;

/// What is said to a model.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ToModel {
    /// First of all.
    Hello {
        protocol: u32,
        deadline_ms: u32,
        frame_bytes: u32,
    },
    /// All results of a competition that may be known, oldest first.
    Fit {
        id: u64,
        competition: String,
        results: Vec<ResultWord>,
    },
    Price {
        id: u64,
        deadline_ms: u32,
        r#match: MatchWord,
        state: StateWord,
    },
    /// Something happened in a match that the model prices; not to be answered.
    Event {
        r#match: u32,
        state: StateWord,
    },
    /// What was wrong with an answer; not to be answered.
    Error {
        id: Option<u64>,
        field: String,
        message: String,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ResultWord {
    /// Days since 1970-01-01, of UTC.
    pub day: i32,
    pub home: String,
    pub away: String,
    pub home_goals: u8,
    pub away_goals: u8,
    /// Shots on target, home and away, where they were counted.
    pub shots: Option<(u8, u8)>,
    pub neutral: bool,
}

impl ResultWord {
    pub fn of(played: &Played, teams: &[String]) -> ResultWord {
        let name = |at: u16| teams.get(usize::from(at)).cloned().unwrap_or_default();
        ResultWord {
            day: played.day,
            home: name(played.home.0),
            away: name(played.away.0),
            home_goals: played.home_goals,
            away_goals: played.away_goals,
            shots: played.shots,
            neutral: played.neutral,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MatchWord {
    pub id: u32,
    pub competition: String,
    pub season: String,
    /// Milliseconds since 1970, UTC.
    pub kick_off: i64,
    pub home: String,
    pub away: String,
    pub neutral: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StateWord {
    pub phase: &'static str,
    /// Of the match clock; the second half counts from 2,700.
    pub second: u32,
    /// Home, away: goals now, at half time (from then on), players sent off.
    pub score: (u8, u8),
    pub half_time: Option<(u8, u8)>,
    pub red_cards: (u8, u8),
    /// The number of the last event that is known.
    pub event: u32,
}

impl MatchWord {
    pub fn of(dossier: &Dossier) -> MatchWord {
        MatchWord {
            id: dossier.fixture.0,
            competition: dossier.competition.clone(),
            season: dossier.season.clone(),
            kick_off: dossier.kick_off.0,
            home: dossier.home.clone(),
            away: dossier.away.clone(),
            neutral: dossier.neutral,
        }
    }
}

impl StateWord {
    /// Of a match that nobody has told of yet.
    pub fn before() -> StateWord {
        StateWord {
            phase: "before",
            second: 0,
            score: (0, 0),
            half_time: None,
            red_cards: (0, 0),
            event: 0,
        }
    }

    pub fn of(dossier: &Dossier, now: UtcMillis) -> StateWord {
        let story = &dossier.story;
        let (phase, begins_s) = match story.phase {
            Phase::Before => ("before", 0),
            Phase::FirstHalf => ("first_half", 0),
            Phase::HalfTime => ("half_time", 0),
            Phase::SecondHalf => ("second_half", 45 * 60),
            Phase::FullTime => ("full_time", 0),
            Phase::Abandoned => ("abandoned", 0),
        };
        let second = match story.phase {
            Phase::Before => 0,
            Phase::HalfTime => 45 * 60,
            Phase::FullTime | Phase::Abandoned => 90 * 60,
            Phase::FirstHalf | Phase::SecondHalf => begins_s + story.played_s(now),
        };
        let score = story.score();
        StateWord {
            phase,
            second,
            score: (score.home, score.away),
            half_time: story.half_time().map(|score| (score.home, score.away)),
            red_cards: (story.home_reds, story.away_reds),
            event: story.seq,
        }
    }
}

/// What a model says, as it stands in a frame: every field that any message has.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Said {
    #[serde(rename = "type")]
    pub kind: String,
    pub id: Option<u64>,
    pub protocol: Option<u32>,
    pub name: Option<String>,
    pub competitions: Option<Vec<String>>,
    pub lambda: Option<f64>,
    pub mu: Option<f64>,
    pub rho: Option<f64>,
    pub grid: Option<Vec<Vec<f64>>>,
    pub prices: Option<Vec<SaidMarket>>,
    pub message: Option<String>,
    pub r#match: Option<u32>,
}

/// A frame that is not [`Said`]: whose answer it was meant to be, if that could be read, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Garbled {
    pub id: Option<u64>,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SaidMarket {
    pub code: String,
    pub line: Option<f64>,
    /// Fair decimal odds, in the order of the book's selections.
    pub odds: Vec<f64>,
}

/// What a model says, read.
#[derive(Debug, Clone, PartialEq)]
pub enum Word {
    /// `competitions`: those that it prices; `None` prices any.
    Hello {
        name: String,
        competitions: Option<Vec<String>>,
    },
    Fitted {
        id: u64,
    },
    Price {
        id: u64,
        answer: Answer,
    },
    /// It cannot do what it was asked, or something else is wrong.
    Error {
        id: Option<u64>,
        message: String,
    },
    /// It would say something else of this match now.
    Event {
        fixture: u32,
    },
}

/// One of three ways to price a match; nothing of it is checked yet but its shape.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Goals expected of the whole match, counted from its beginning, and the factor on low scores.
    Goals {
        lambda: f64,
        mu: f64,
        rho: f64,
    },
    /// `grid[h][a]`: the probability that the match ends h-a.
    Grid(Vec<Vec<f64>>),
    Prices(Vec<SaidMarket>),
}

fn nonsense<T>(field: &'static str, reason: &'static str) -> Result<T, Nonsense> {
    Err(Nonsense { field, reason })
}

impl Said {
    /// Reads a message; one that is none of those there are, or lacks what it must have, is nonsense.
    pub fn read(self) -> Result<Word, Nonsense> {
        let id = || match self.id {
            Some(id) => Ok(id),
            None => nonsense("id", "is missing"),
        };
        match self.kind.as_str() {
            "hello" => {
                if self.protocol != Some(PROTOCOL) {
                    return nonsense("protocol", "is not 1");
                }
                let name = self.name.unwrap_or_default();
                if name.is_empty() || name.len() > NAME_BYTES_MAX {
                    return nonsense("name", "is not of 1 to 64 bytes");
                }
                if self.competitions.as_ref().is_some_and(|all| all.len() > COMPETITIONS_MAX) {
                    return nonsense("competitions", "are more than 1,000");
                }
                Ok(Word::Hello { name, competitions: self.competitions })
            }
            "fitted" => Ok(Word::Fitted { id: id()? }),
            "price" => Ok(Word::Price { id: id()?, answer: self.answer()? }),
            "error" => {
                let message = self.message.unwrap_or_default();
                Ok(Word::Error { id: self.id, message: clipped(message) })
            }
            "event" => match self.r#match {
                Some(fixture) => Ok(Word::Event { fixture }),
                None => nonsense("match", "is missing"),
            },
            _ => nonsense("type", "is not one of hello, fitted, price, event, error"),
        }
    }

    fn answer(self) -> Result<Answer, Nonsense> {
        let goals = self.lambda.is_some() || self.mu.is_some();
        match (goals, self.grid, self.prices) {
            (true, None, None) => match (self.lambda, self.mu) {
                (Some(lambda), Some(mu)) => {
                    Ok(Answer::Goals { lambda, mu, rho: self.rho.unwrap_or(0.0) })
                }
                (None, _) => nonsense("lambda", "is missing"),
                (_, None) => nonsense("mu", "is missing"),
            },
            (false, Some(grid), None) => {
                let fits = |row: &Vec<f64>| (1..=GRID_MAX).contains(&row.len());
                match (1..=GRID_MAX).contains(&grid.len()) && grid.iter().all(fits) {
                    true => Ok(Answer::Grid(grid)),
                    false => nonsense("grid", "is not of 1 to 16 rows of 1 to 16 probabilities"),
                }
            }
            (false, None, Some(prices)) => {
                let fits = |market: &SaidMarket| market.odds.len() <= SELECTIONS_MAX;
                match (1..=MARKETS_MAX).contains(&prices.len()) && prices.iter().all(fits) {
                    true => Ok(Answer::Prices(prices)),
                    false => nonsense("prices", "are not of 1 to 200 markets"),
                }
            }
            (false, None, None) => nonsense("lambda", "neither it nor grid nor prices is there"),
            _ => nonsense("grid", "only one of lambda and mu, grid, prices may be there"),
        }
    }
}

fn clipped(mut message: String) -> String {
    let mut end = message.len().min(MESSAGE_BYTES_MAX);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    message.truncate(end);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(kind: &str) -> Said {
        Said { kind: kind.to_owned(), ..Said::default() }
    }

    #[test]
    fn a_message_says_which_field_is_wrong() {
        let goals = Said { id: Some(1), lambda: Some(1.0), mu: Some(1.0), ..said("price") };
        let grid = Some(vec![vec![1.0]]);
        for (bad, field) in [
            (said("shout"), "type"),
            (said("hello"), "protocol"),
            (Said { protocol: Some(1), ..said("hello") }, "name"),
            (Said { protocol: Some(1), name: Some("x".repeat(65)), ..said("hello") }, "name"),
            (said("fitted"), "id"),
            (said("event"), "match"),
            (Said { id: Some(1), ..said("price") }, "lambda"),
            (Said { mu: None, ..goals.clone() }, "mu"),
            (Said { lambda: None, ..goals.clone() }, "lambda"),
            (Said { grid: grid.clone(), ..goals.clone() }, "grid"),
            (Said { id: Some(1), grid: Some(vec![vec![]]), ..said("price") }, "grid"),
            (Said { id: Some(1), grid: Some(vec![vec![0.0]; 17]), ..said("price") }, "grid"),
            (Said { id: Some(1), prices: Some(vec![]), ..said("price") }, "prices"),
        ] {
            let shown = format!("{bad:?}");
            assert_eq!(bad.read().map_err(|nonsense| nonsense.field), Err(field), "{shown}");
        }
        let answer = Answer::Goals { lambda: 1.0, mu: 1.0, rho: 0.0 };
        assert_eq!(goals.read(), Ok(Word::Price { id: 1, answer }));
        let long = Said { message: Some("ü".repeat(1_000)), ..said("error") };
        let Ok(Word::Error { id: None, message }) = long.read() else { panic!("an error") };
        assert!(message.len() <= MESSAGE_BYTES_MAX && !message.is_empty());
    }
}
