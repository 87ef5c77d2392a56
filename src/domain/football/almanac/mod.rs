//! What is known of football: competitions and their teams, fixtures, results and what is told of matches,
//! by any number of providers, under ids of ours.
//!
//! ```text
//!   a provider's word ── decide ──▶ Items (ids resolved, teams recognised) ── journal ── apply ──▶ Almanac
//!                        refused: Fault, by field                                           │
//!                             ratings ◀── played, upcoming ──┬── dossier ──▶ pricing of a match
//! ```
//! Providers name matches by ids of their own and clubs as they like. The first one to name a match leads;
//! another is recognised by competition, day and teams, and joins. Providers may contradict each other: a
//! result in dispute counts for nobody's strength, and a score in dispute is not bet on.
//!
//! What a match is priced from is journaled too ([`Parameters`]), and stands still from kick-off on. So a
//! pricing actor that starts again prices as the one before did.

mod decide;
mod dossier;
mod fixture;
mod item;
mod market;
#[cfg(test)]
mod tests;

pub use decide::{Fault, NewFixture, PROVIDERS_MAX, Source, TEAMS_MAX};
pub use dossier::{Dossier, Rival};
pub use fixture::{FinalScore, Fixture, Odds, Provider, RATED_MAX, Rated, Stats};
pub use item::{Basis, CompetitionNo, FixtureId, FootballEvent, Item, Parameters};
pub use market::{LINES_MAX, LineQuote, Market, Quotes, SHARE_MAX};

use super::club::plain;
use super::ratings::{Played, TeamIndex};
use super::trial::Ended;
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A hundred leagues of thirty seasons.
pub const FIXTURES_MAX: usize = 1_200_000;
pub const COMPETITIONS_MAX: usize = 2_000;
const DAY_MS: i64 = 86_400_000;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Competition {
    pub name: String,
    /// By `TeamIndex`.
    pub teams: Vec<String>,
    /// By their plain names.
    by_name: BTreeMap<String, TeamIndex>,
    fixtures: Vec<FixtureId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Almanac {
    competitions: Vec<Competition>,
    /// By their plain names.
    by_name: BTreeMap<String, CompetitionNo>,
    /// `FixtureId(n)` is at n - 1.
    fixtures: Vec<Fixture>,
    /// By provider and the provider's own id.
    ids: BTreeMap<(String, String), FixtureId>,
}

impl Competition {
    /// How many are known, played or not.
    pub fn matches(&self) -> usize {
        self.fixtures.len()
    }
}

/// What changed, for those who follow it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stirred {
    /// Whose dossier is another.
    pub fixtures: BTreeSet<FixtureId>,
    /// Whose results or fixtures are others.
    pub competitions: BTreeSet<CompetitionNo>,
}

/// A match that has not begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upcoming {
    pub fixture: FixtureId,
    pub kick_off: UtcMillis,
    pub home: TeamIndex,
    pub away: TeamIndex,
    pub neutral: bool,
}

impl Almanac {
    pub fn competitions(&self) -> impl Iterator<Item = (CompetitionNo, &Competition)> {
        (0..).map(CompetitionNo).zip(&self.competitions)
    }

    pub fn competition(&self, number: CompetitionNo) -> Option<&Competition> {
        self.competitions.get(usize::from(number.0))
    }

    /// By its name, however it is written.
    pub fn competition_named(&self, name: &str) -> Option<CompetitionNo> {
        self.by_name.get(&plain(name)).copied()
    }

    pub fn fixture(&self, id: FixtureId) -> Option<&Fixture> {
        self.fixtures.get(usize::try_from(id.0).ok()?.checked_sub(1)?)
    }

    pub fn fixture_of(&self, source: &str, id: &str) -> Option<FixtureId> {
        self.ids.get(&(source.to_owned(), id.to_owned())).copied()
    }

    pub fn fixtures(&self) -> impl DoubleEndedIterator<Item = (FixtureId, &Fixture)> {
        let all = self.fixtures.iter().enumerate();
        all.map(|(at, fixture)| (FixtureId(at as u32 + 1), fixture))
    }

    pub fn fixtures_len(&self) -> usize {
        self.fixtures.len()
    }

    /// Results of a competition that nobody disputes.
    pub fn ended(&self, competition: CompetitionNo) -> Vec<Ended> {
        let ended = self.fixtures_in(competition).filter_map(|(id, fixture)| {
            let result = fixture.outcome()?;
            let played = Played {
                day: day_of(fixture.kick_off),
                home: fixture.home,
                away: fixture.away,
                home_goals: result.home,
                away_goals: result.away,
                shots: result.stats.on_target,
                neutral: fixture.neutral,
                worth: fixture.worth(),
            };
            Some(Ended { fixture: id, played, odds: result.odds })
        });
        ended.collect()
    }

    /// Matches of a competition that are still to be priced from its ratings.
    pub fn upcoming(&self, competition: CompetitionNo) -> Vec<Upcoming> {
        let open = self.fixtures_in(competition).filter(|(_, fixture)| fixture.is_to_be_rated());
        let upcoming = open.map(|(fixture, known)| Upcoming {
            fixture,
            kick_off: known.kick_off,
            home: known.home,
            away: known.away,
            neutral: known.neutral,
        });
        upcoming.collect()
    }

    fn fixtures_in(
        &self,
        competition: CompetitionNo,
    ) -> impl Iterator<Item = (FixtureId, &Fixture)> {
        let ids = self.competition(competition).map_or(&[][..], |known| &known.fixtures);
        ids.iter().filter_map(|id| Some((*id, self.fixture(*id)?)))
    }

    /// Folds one record in.
    pub fn apply(&mut self, at: UtcMillis, event: &FootballEvent, stirred: &mut Stirred) {
        let FootballEvent::Told(items) = event;
        for item in items {
            self.take(at, item, stirred);
        }
    }

    /// Folds one word in; never fails, and says whom it concerns.
    pub fn take(&mut self, at: UtcMillis, item: &Item, stirred: &mut Stirred) {
        match item {
            Item::Competition { name } => {
                let number = CompetitionNo(self.competitions.len() as u16);
                self.by_name.insert(plain(name), number);
                let name = name.clone();
                self.competitions.push(Competition { name, ..Competition::default() });
            }
            Item::Team { competition, name } => {
                if let Some(known) = self.competitions.get_mut(usize::from(competition.0)) {
                    let index = TeamIndex(known.teams.len() as u16);
                    known.by_name.insert(plain(name), index);
                    known.teams.push(name.clone());
                }
            }
            Item::Fixture { source, id, competition, season, kick_off, home, away, neutral } => {
                let number = FixtureId(self.fixtures.len() as u32 + 1);
                let mut fixture = Fixture {
                    competition: *competition,
                    season: season.clone(),
                    kick_off: *kick_off,
                    home: *home,
                    away: *away,
                    neutral: *neutral,
                    providers: Vec::new(),
                    rated: Vec::new(),
                    quoted: 0,
                };
                fixture.join(source, id);
                self.fixtures.push(fixture);
                self.ids.insert((source.clone(), id.clone()), number);
                if let Some(known) = self.competitions.get_mut(usize::from(competition.0)) {
                    known.fixtures.push(number);
                }
                stirred.competitions.insert(*competition);
            }
            Item::Joined { fixture, source, id } => {
                if let Some(known) = self.fixture_mut(*fixture) {
                    known.join(source, id);
                    self.ids.insert((source.clone(), id.clone()), *fixture);
                }
            }
            Item::Moved { fixture, season, kick_off, neutral } => {
                let Some(known) = self.fixture_mut(*fixture) else { return };
                known.season.clone_from(season);
                (known.kick_off, known.neutral) = (*kick_off, *neutral);
                stirred.fixtures.insert(*fixture);
                stirred.competitions.insert(known.competition);
            }
            Item::Result { fixture, provider, result } => {
                let Some(known) = self.fixture_mut(*fixture) else { return };
                if let Some(teller) = known.providers.get_mut(usize::from(*provider)) {
                    teller.result = Some(*result);
                }
                stirred.fixtures.insert(*fixture);
                stirred.competitions.insert(known.competition);
            }
            Item::Event { fixture, provider, seq, event } => {
                let Some(known) = self.fixture_mut(*fixture) else { return };
                let before = known.outcome().is_some();
                if let Some(teller) = known.providers.get_mut(usize::from(*provider)) {
                    teller.log.hear(*seq, *event, at);
                }
                stirred.fixtures.insert(*fixture);
                if known.outcome().is_some() || before {
                    stirred.competitions.insert(known.competition);
                }
            }
            Item::Quoted { fixture, provider, quotes, market } => {
                let Some(known) = self.fixture_mut(*fixture) else { return };
                known.quoted += 1;
                if let Some(teller) = known.providers.get_mut(usize::from(*provider)) {
                    teller.quotes = market.map(|market| (quotes.clone(), market));
                }
                stirred.fixtures.insert(*fixture);
            }
            Item::Rated { fixture, parameters } => {
                let Some(known) = self.fixture_mut(*fixture) else { return };
                if known.rated.len() >= RATED_MAX {
                    // The first of all stays, for the history.
                    known.rated.remove(1);
                }
                known.rated.push(Rated { at, parameters: *parameters });
                stirred.fixtures.insert(*fixture);
            }
        }
    }

    fn fixture_mut(&mut self, id: FixtureId) -> Option<&mut Fixture> {
        self.fixtures.get_mut(usize::try_from(id.0).ok()?.checked_sub(1)?)
    }
}

/// Days since 1970, of UTC.
pub fn day_of(at: UtcMillis) -> i32 {
    i32::try_from(at.0.div_euclid(DAY_MS)).unwrap_or(i32::MAX)
}
