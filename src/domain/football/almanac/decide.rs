//! From a provider's word to what is journaled: ids resolved, clubs recognised, repeats left out.
//!
//! Each word is decided against what is known so far, and applied before the next one.

use super::super::club::{likeness, plain, teams_of};
use super::super::live::{FeedEvent, Told};
use super::super::ratings::TeamIndex;
use super::fixture::{FinalScore, Fixture};
use super::item::{CompetitionNo, FixtureId, Item, Parameters};
use super::market::Quotes;
use super::{Almanac, COMPETITIONS_MAX, DAY_MS, FIXTURES_MAX};
use crate::time::UtcMillis;

pub const TEAMS_MAX: usize = 400;
/// Of one match.
pub const PROVIDERS_MAX: usize = 4;
/// Names of both teams are as alike as this, together, when they mean the same match.
const ALIKE: f64 = 0.7;

/// Who says something, of which match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub source: String,
    pub id: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFixture {
    pub from: Source,
    pub competition: String,
    pub season: String,
    pub kick_off: UtcMillis,
    pub home: String,
    pub away: String,
    pub neutral: bool,
}

/// Why a word is not taken, by the field that is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct Fault {
    pub field: &'static str,
    pub reason: &'static str,
}

fn fault<T>(field: &'static str, reason: &'static str) -> Result<T, Fault> {
    Err(Fault { field, reason })
}

impl Almanac {
    /// What a fixture comes to; nothing when it is known already.
    pub fn decide_fixture(&self, new: &NewFixture) -> Result<Vec<Item>, Fault> {
        let NewFixture { from, competition, season, kick_off, home, away, neutral } = new;
        if plain(home) == plain(away) {
            return fault("away", "a team cannot play itself");
        }
        if let Some(id) = self.fixture_of(&from.source, &from.id) {
            return self.decide_moved(id, new);
        }
        let mut items = Vec::new();
        let number = self.competition_named(competition);
        if let Some(number) = number
            && let Some(id) = self.alike(number, [home, away], *kick_off, |known| {
                known.providers.iter().all(|told| told.source != from.source)
            })
        {
            let known = self.fixture(id).map_or(0, |fixture| fixture.providers.len());
            if known >= PROVIDERS_MAX {
                return fault("source", "as many providers tell of this match as may");
            }
            let (source, id_there) = (from.source.clone(), from.id.clone());
            return Ok(vec![Item::Joined { fixture: id, source, id: id_there }]);
        }
        if self.fixtures.len() >= FIXTURES_MAX {
            return fault("id", "as many fixtures are known as may be");
        }
        let number = match number {
            Some(number) => number,
            None if self.competitions.len() >= COMPETITIONS_MAX => {
                return fault("competition", "as many competitions are known as may be");
            }
            None => {
                items.push(Item::Competition { name: competition.clone() });
                CompetitionNo(self.competitions.len() as u16)
            }
        };
        let mut teams = self.competition(number).map_or(0, |known| known.teams.len());
        let mut team = |name: &String, field| {
            if let Some(index) = self.team(number, name) {
                return Ok(index);
            }
            if teams >= TEAMS_MAX {
                return fault(field, "the competition has as many teams as may be");
            }
            items.push(Item::Team { competition: number, name: name.clone() });
            teams += 1;
            Ok(TeamIndex(teams as u16 - 1))
        };
        let (home, away) = (team(home, "home")?, team(away, "away")?);
        items.push(Item::Fixture {
            source: from.source.clone(),
            id: from.id.clone(),
            competition: number,
            season: season.clone(),
            kick_off: *kick_off,
            home,
            away,
            neutral: *neutral,
        });
        Ok(items)
    }

    /// A result, again or otherwise than before.
    pub fn decide_result(&self, from: &Source, result: FinalScore) -> Result<Option<Item>, Fault> {
        let (fixture, provider) = self.told_by(from)?;
        if let Some((home, away)) = result.half_time
            && (home > result.home || away > result.away)
        {
            return fault("halfTime", "has more goals than the result");
        }
        let known = self.fixture(fixture);
        let known = known.and_then(|fixture| fixture.providers[usize::from(provider)].result);
        let item = Item::Result { fixture, provider, result };
        Ok((known != Some(result)).then_some(item))
    }

    /// An event, again or otherwise than before.
    pub fn decide_event(
        &self,
        from: &Source,
        seq: u32,
        event: FeedEvent,
    ) -> Result<Option<Item>, Fault> {
        let (fixture, provider) = self.told_by(from)?;
        let known = self.fixture(fixture).map(|known| &known.providers[usize::from(provider)].log);
        match known.map(|log| log.judge(seq, &event)) {
            Some(Told::Repeat) => Ok(None),
            Some(Told::Full) => fault("seq", "the match has as many events as may be"),
            _ => Ok(Some(Item::Event { fixture, provider, seq, event })),
        }
    }

    /// What a provider's market asks now, all of it: from kick-off on the last word stands.
    pub fn decide_quoted(&self, from: &Source, quotes: Quotes) -> Result<Option<Item>, Fault> {
        let (fixture, provider) = self.told_by(from)?;
        let Some(known) = self.fixture(fixture) else { return Ok(None) };
        let before = &known.providers[usize::from(provider)].quotes;
        let before = before.as_ref().map(|(quotes, _)| quotes);
        if before == (!quotes.is_empty()).then_some(&quotes) {
            return Ok(None);
        }
        if known.has_begun() {
            return fault("id", "names a match that has begun: what was quoted before stands");
        }
        let market = quotes.market()?;
        Ok(Some(Item::Quoted { fixture, provider, quotes, market }))
    }

    /// What a match is to be priced from; nothing when it is priced so, or plays already.
    pub fn decide_rated(&self, fixture: FixtureId, parameters: Parameters) -> Option<Item> {
        let known = self.fixture(fixture)?;
        let before = known.rating();
        let same = before.is_some_and(|before| before.prices_as(&parameters));
        if same || !known.is_to_be_rated() {
            return None;
        }
        let version = before.map_or(1, |before| before.version + 1);
        Some(Item::Rated { fixture, parameters: parameters.numbered(version) })
    }

    /// A team of the competition, however its name is written.
    pub fn team(&self, competition: CompetitionNo, name: &str) -> Option<TeamIndex> {
        self.competition(competition)?.by_name.get(&plain(name)).copied()
    }

    fn told_by(&self, from: &Source) -> Result<(FixtureId, u8), Fault> {
        let unknown = Fault { field: "id", reason: "names no fixture of this source" };
        let id = self.fixture_of(&from.source, &from.id).ok_or(unknown)?;
        let fixture = self.fixture(id).ok_or(unknown)?;
        let is_it = |provider: &super::Provider| {
            (&provider.source, &provider.id) == (&from.source, &from.id)
        };
        let at = fixture.providers.iter().position(is_it).ok_or(unknown)?;
        Ok((id, at as u8))
    }

    fn decide_moved(&self, id: FixtureId, new: &NewFixture) -> Result<Vec<Item>, Fault> {
        let Some(known) = self.fixture(id) else { return Ok(Vec::new()) };
        let competition = self.competition(known.competition);
        let teams = competition.map_or(&[][..], |known| &known.teams);
        let is_it = |index: TeamIndex, name: &str| {
            let known = teams.get(usize::from(index.0)).map(|known| plain(known));
            known.is_some_and(|known| likeness(&known, &plain(name)) >= ALIKE)
        };
        if competition.is_none_or(|known| plain(&known.name) != plain(&new.competition)) {
            return fault("competition", "another one was told of this id before");
        }
        if !is_it(known.home, &new.home) {
            return fault("home", "another team was told of this id before");
        }
        if !is_it(known.away, &new.away) {
            return fault("away", "another team was told of this id before");
        }
        let as_known = (&known.season, known.kick_off, known.neutral)
            == (&new.season, new.kick_off, new.neutral);
        let season = new.season.clone();
        let (kick_off, neutral) = (new.kick_off, new.neutral);
        let moved = Item::Moved { fixture: id, season, kick_off, neutral };
        Ok(if as_known { Vec::new() } else { vec![moved] })
    }

    /// The match that an event of the exchange is: of its competition, of about its day, with its teams.
    pub fn match_of(&self, competition: &str, event: &str, open: UtcMillis) -> Option<FixtureId> {
        let number = self.competition_named(competition)?;
        self.alike(number, teams_of(event)?, open, |_| true)
    }

    /// A match of about that day with teams whose names are alike, among those that may be it.
    fn alike(
        &self,
        competition: CompetitionNo,
        teams: [&str; 2],
        kick_off: UtcMillis,
        may_be: impl Fn(&Fixture) -> bool,
    ) -> Option<FixtureId> {
        let names = teams.map(plain);
        let teams = &self.competition(competition)?.teams;
        let of = |index: TeamIndex, name: &str| {
            let known = teams.get(usize::from(index.0)).map(|known| plain(known));
            known.map_or(0.0, |known| likeness(&known, name))
        };
        let near = self.fixtures_in(competition).filter(|(_, known)| {
            known.kick_off.since_ms(kick_off).abs() <= DAY_MS && may_be(known)
        });
        let judged =
            near.map(|(id, known)| (of(known.home, &names[0]) * of(known.away, &names[1]), id));
        let best = judged.filter(|(alike, _)| *alike >= ALIKE);
        best.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, id)| id)
    }
}
