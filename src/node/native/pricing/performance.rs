//! How the prices that were in force at kick-off did: every match that was rated and has ended, judged.
//!
//! Owns     what is gathered and how it is grouped; what is good is said by `domain::football::judge`.

use std::collections::BTreeMap;

use domain::football::almanac::{Almanac, Parameters};
use domain::football::judge::{Forecast, measure};
use domain::football::score_grid::ScoreGrid;
use domain::time::UtcMillis;
use serde_json::{Value, json};

use crate::pricing::models_command::named_measures;

/// The newest matches that are judged.
const MATCHES_MAX: usize = 20_000;

/// One match: what it was priced from, and how it ended.
pub(crate) struct Ended {
    pub(crate) competition: String,
    pub(crate) kick_off: UtcMillis,
    pub(crate) parameters: Parameters,
    score: (u8, u8),
}

impl Ended {
    pub(crate) fn forecast(&self) -> Forecast {
        let grid = ScoreGrid::new(self.parameters.expectancy(), self.parameters.rho());
        Forecast::of(&grid, self.score)
    }
}

/// Gathered where the almanac is, and no more than that.
pub(crate) fn gather(almanac: &Almanac) -> Vec<Ended> {
    let mut ended: Vec<Ended> = almanac
        .fixtures()
        .filter_map(|(_, fixture)| {
            let (parameters, outcome) = (fixture.parameters()?, fixture.outcome()?);
            Some(Ended {
                competition: almanac.competition(fixture.competition)?.name.clone(),
                kick_off: fixture.kick_off,
                parameters,
                score: (outcome.home, outcome.away),
            })
        })
        .collect();
    ended.sort_by_key(|one| one.kick_off);
    ended.split_off(ended.len().saturating_sub(MATCHES_MAX))
}

pub(super) fn report(ended: &[Ended]) -> Value {
    let mut all = Vec::new();
    let (mut leagues, mut months) = (BTreeMap::new(), BTreeMap::new());
    let mut models = BTreeMap::new();
    for one in ended {
        let forecast = one.forecast();
        let month = month(one.kick_off);
        all.push(forecast);
        group(&mut leagues, one.competition.clone(), forecast);
        group(&mut months, month, forecast);
        group(&mut models, one.parameters.basis.word().to_owned(), forecast);
    }
    let by = |groups: &BTreeMap<String, Vec<Forecast>>| -> Vec<Value> {
        groups.iter().map(|(name, group)| named_measures(name, &measure(group))).collect()
    };
    json!({
        "all": named_measures("all", &measure(&all)),
        "byCompetition": by(&leagues),
        "byMonth": by(&months),
        "byModel": by(&models),
    })
}

/// `2026-11`.
pub(crate) fn month(at: UtcMillis) -> String {
    match jiff::Timestamp::from_millisecond(at.0) {
        Ok(time) => time.to_string().chars().take(7).collect(),
        Err(_) => String::new(),
    }
}

fn group(groups: &mut BTreeMap<String, Vec<Forecast>>, name: String, forecast: Forecast) {
    groups.entry(name).or_default().push(forecast);
}
