//! All that the price of one match rests on, in one piece.

use super::super::live::{Reason, Story, Trust};
use super::super::score_grid::Score;
use super::item::{FixtureId, Parameters};
use super::market::Market;
use super::{Almanac, FinalScore};
use crate::time::UtcMillis;

/// Another provider's word counts against the first one's for so long.
const HEEDED_MS: i64 = 120_000;

/// A provider who tells another score.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rival {
    pub source: String,
    pub score: Score,
    pub heard_at: UtcMillis,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dossier {
    pub fixture: FixtureId,
    pub competition: String,
    pub season: String,
    pub home: String,
    pub away: String,
    pub kick_off: UtcMillis,
    pub neutral: bool,
    pub story: Story,
    pub rivals: Vec<Rival>,
    pub parameters: Option<Parameters>,
    /// What markets expect.
    pub market: Option<Market>,
    pub outcome: Option<FinalScore>,
}

impl Dossier {
    pub fn trust(&self, now: UtcMillis) -> Trust {
        let trust = self.story.trust(self.kick_off, now);
        let heeded = |rival: &Rival| now.since_ms(rival.heard_at) <= HEEDED_MS;
        match trust {
            Trust::Open if self.outcome.is_some() => Trust::Over(Reason::FullTime),
            Trust::Open if self.rivals.iter().any(heeded) => Trust::Suspended(Reason::Contradicted),
            trust => trust,
        }
    }

    pub fn name(&self) -> String {
        format!("{} v {}", self.home, self.away)
    }
}

impl Almanac {
    pub fn dossier(&self, id: FixtureId) -> Option<Dossier> {
        let fixture = self.fixture(id)?;
        let competition = self.competition(fixture.competition)?;
        let team = |index: usize| competition.teams.get(index).cloned().unwrap_or_default();
        let lead = fixture.lead();
        let story = fixture.story();
        let rivals = fixture.providers.iter().enumerate().filter(|(at, _)| *at != lead);
        let rivals = rivals.filter_map(|(_, provider)| {
            let told = provider.log.story();
            let differs = told.doubt.is_none() && told.score() != story.score();
            let heard_at = told.heard_at.filter(|_| differs && told.phase.is_running())?;
            Some(Rival { source: provider.source.clone(), score: told.score(), heard_at })
        });
        Some(Dossier {
            fixture: id,
            competition: competition.name.clone(),
            season: fixture.season.clone(),
            home: team(usize::from(fixture.home.0)),
            away: team(usize::from(fixture.away.0)),
            kick_off: fixture.kick_off,
            neutral: fixture.neutral,
            rivals: rivals.collect(),
            story,
            parameters: fixture.parameters(),
            market: fixture.market(),
            outcome: fixture.outcome(),
        })
    }
}
