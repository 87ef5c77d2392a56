//! Lists of matches: those that are played or come soon, and those that every model was tried on.

use domain::football::almanac::{Almanac, CompetitionNo, Fixture, FixtureId};
use domain::football::live::Phase;
use domain::football::trial::{Model, Tried};
use domain::time::UtcMillis;
use serde_json::{Value, json};

use super::course::{Chances, say};
use super::{Chosen, Ring};
use crate::native::pricing::shape;

/// The newest matches that are looked through for those that are not over.
const LOOKED_MAX: usize = 20_000;
const DAY_MS: i64 = 86_400_000;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Newest,
    /// Where the champion was surprised most.
    Worst,
}

/// Those that are played first, then by kick-off.
pub(super) fn live(
    almanac: &Almanac,
    only: Option<CompetitionNo>,
    limit: usize,
    now: UtcMillis,
) -> Value {
    let newest = almanac.fixtures().rev().take(LOOKED_MAX);
    let open = newest.filter(|(_, fixture)| {
        only.is_none_or(|only| only == fixture.competition) && fixture.outcome().is_none()
    });
    let open = open.filter_map(|(id, fixture)| {
        let phase = fixture.story().phase;
        (!phase.is_over()).then_some((phase == Phase::Before, fixture.kick_off, id, fixture))
    });
    let mut open: Vec<(bool, UtcMillis, FixtureId, &Fixture)> = open.collect();
    open.sort_by_key(|(before, kick_off, id, _)| (*before, *kick_off, *id));
    let all = open.len();
    let told = open.into_iter().take(limit).map(|(.., id, fixture)| {
        let competition = almanac.competition(fixture.competition);
        let team = |index: usize| competition.and_then(|known| known.teams.get(index));
        let story = fixture.story();
        let line = fixture.parameters();
        let chances = line.map(|line| say(&story, line.expectancy(), line.rho(), now));
        json!({
            "id": id.0,
            "competition": competition.map(|known| &known.name),
            "kickOffMs": fixture.kick_off.0,
            "home": team(usize::from(fixture.home.0)),
            "away": team(usize::from(fixture.away.0)),
            "phase": shape::phase(story.phase),
            "clock": shape::clock(&story, now),
            "score": shape::score(story.score()),
            "redCards": { "home": story.home_reds, "away": story.away_reds },
            "matchOdds": chances.as_ref().map(Chances::match_odds),
        })
    });
    json!({ "matches": told.collect::<Vec<_>>(), "total": all })
}

/// A page of those that were tried.
pub(super) fn ended(
    rings: &[Ring],
    chosen: &Chosen,
    sort: Sort,
    offset: usize,
    limit: usize,
) -> Value {
    let mut all: Vec<(&Ring, &Tried)> = Vec::new();
    for ring in rings {
        let tried = ring.trial.tried.iter().filter(|tried| chosen.takes(tried.day));
        all.extend(tried.map(|tried| (ring, tried)));
    }
    let loss = |tried: &Tried, model| tried.forecast(model).log_loss_in(chosen.market);
    match sort {
        Sort::Newest => all.sort_by_key(|(_, tried)| std::cmp::Reverse((tried.day, tried.fixture))),
        Sort::Worst => {
            let losses = |(_, tried): &(&Ring, &Tried)| -loss(tried, Model::Champion);
            let mut keyed: Vec<_> = all.into_iter().map(|one| (losses(&one), one)).collect();
            keyed.sort_by(|one, other| one.0.total_cmp(&other.0));
            all = keyed.into_iter().map(|(_, one)| one).collect();
        }
    }
    let total = all.len();
    let told = all.into_iter().skip(offset).take(limit).map(|(ring, tried)| {
        let team = |index: u16| ring.trial.teams.get(usize::from(index));
        let models = Model::ALL.map(|model| {
            let forecast = tried.forecast(model);
            json!({
                "name": model.word(),
                "matchOdds": forecast.results,
                "over25": forecast.over,
                "both": forecast.both,
                "logLoss": forecast.log_loss_in(chosen.market),
            })
        });
        json!({
            "id": tried.fixture.0,
            "competition": ring.trial.competition,
            "dayMs": i64::from(tried.day) * DAY_MS,
            "home": team(tried.home.0),
            "away": team(tried.away.0),
            "score": { "home": tried.score.0, "away": tried.score.1 },
            "models": models,
        })
    });
    json!({ "matches": told.collect::<Vec<_>>(), "total": total, "offset": offset })
}
