//! Every model on the same matches: scores, calibration, and whether the champion is better than its challengers.
//!
//! Owns     how matches are grouped. The prices that were really in force at kick-off stand apart, since they are
//!          of other matches: those that were rated before they began.

use std::collections::BTreeMap;

use domain::football::judge::{Difference, Forecast, closing_value, compare, measure_in};
use domain::football::trial::{Model, Tried};
use domain::time::UtcMillis;
use serde_json::{Value, json};

use super::{Chosen, Ring};
use crate::native::pricing::performance::{self, month};
use crate::pricing::models_command::named_measures;

/// The newest matches that are judged.
const MATCHES_MAX: usize = 20_000;
const MONTHS_MAX: usize = 60;
/// Of a rolling mean: so many matches, and so many points drawn.
const WINDOW: usize = 100;
const POINTS_MAX: usize = 160;
/// Of the bootstrap: the same matches give the same spans.
const SEED: u64 = 1;
const DAY_MS: i64 = 86_400_000;

/// A match, and what each model said of it.
struct Row<'a> {
    tried: &'a Tried,
    competition: &'a str,
    forecasts: [Forecast; 3],
}

pub(super) fn report(rings: &[Ring], served: &[performance::Ended], chosen: &Chosen) -> Value {
    let mut rows: Vec<Row<'_>> = Vec::new();
    for ring in rings {
        let tried = ring.trial.tried.iter().filter(|tried| chosen.takes(tried.day));
        rows.extend(tried.map(|tried| Row {
            tried,
            competition: &ring.trial.competition,
            forecasts: Model::ALL.map(|model| tried.forecast(model)),
        }));
    }
    rows.sort_by_key(|row| (row.tried.day, row.tried.fixture));
    let rows = rows.split_off(rows.len().saturating_sub(MATCHES_MAX));
    let models = Model::ALL.map(|model| of_model(model, &rows, chosen));
    let duels: Vec<Value> = Model::ALL.iter().skip(1).map(|it| duel(*it, &rows, chosen)).collect();
    json!({
        "market": chosen.market.word(),
        "matches": rows.len(),
        "window": window(rows.len()),
        "models": models,
        "duels": duels,
        "inForce": in_force(rings, served, chosen),
    })
}

fn of_model(model: Model, rows: &[Row<'_>], chosen: &Chosen) -> Value {
    let market = chosen.market;
    let of = |row: &Row<'_>| row.forecasts[model as usize];
    let all: Vec<Forecast> = rows.iter().map(of).collect();
    let mut told = named_measures(model.word(), &measure_in(market, &all));
    told["what"] = json!(model.what());
    let (mut months, mut leagues) = (BTreeMap::new(), BTreeMap::new());
    for (row, forecast) in rows.iter().zip(&all) {
        let at = UtcMillis(i64::from(row.tried.day) * DAY_MS);
        months.entry(month(at)).or_insert_with(Vec::new).push(*forecast);
        leagues.entry(row.competition.to_owned()).or_insert_with(Vec::new).push(*forecast);
    }
    let grouped = |groups: &BTreeMap<String, Vec<Forecast>>, most: usize| -> Vec<Value> {
        let newest = groups.iter().skip(groups.len().saturating_sub(most));
        let told = newest.map(|(name, group)| {
            let measures = measure_in(market, group);
            json!({
                "name": name,
                "matches": measures.matches,
                "logLoss": measures.log_loss,
                "rps": measures.rps,
                "brier": measures.brier,
                "calibrationSlope": measures.slope,
            })
        });
        told.collect()
    };
    told["byMonth"] = json!(grouped(&months, MONTHS_MAX));
    told["byCompetition"] = json!(grouped(&leagues, usize::MAX));
    told["rolling"] = rolling(rows, &all, chosen);
    // Odds are known of match odds only.
    let with_odds = rows
        .iter()
        .zip(&all)
        .filter_map(|(row, forecast)| Some((forecast, row.tried.odds.as_ref()?)));
    let value = closing_value(with_odds);
    told["closingValue"] =
        value.map_or(Value::Null, |value| json!({ "bets": value.bets, "mean": value.mean }));
    told
}

fn window(matches: usize) -> usize {
    WINDOW.min(matches / 4).max(1)
}

/// Mean log loss of the matches of a window that slides to the newest.
fn rolling(rows: &[Row<'_>], all: &[Forecast], chosen: &Chosen) -> Value {
    let window = window(all.len());
    let mut sums = vec![0.0];
    for forecast in all {
        sums.push(sums[sums.len() - 1] + forecast.log_loss_in(chosen.market));
    }
    let ends = all.len().saturating_sub(window);
    let step = ends.div_ceil(POINTS_MAX).max(1);
    let points = (0..=ends).rev().step_by(step).filter(|_| !all.is_empty()).map(|from| {
        let end = from + window;
        let mean = (sums[end] - sums[from]) / window as f64;
        json!({ "atMs": i64::from(rows[end - 1].tried.day) * DAY_MS, "logLoss": mean })
    });
    let mut points: Vec<Value> = points.collect();
    points.reverse();
    json!(points)
}

/// Champion less challenger; below zero the champion is better.
fn duel(challenger: Model, rows: &[Row<'_>], chosen: &Chosen) -> Value {
    let of = |model: Model| -> Vec<Forecast> {
        rows.iter().map(|row| row.forecasts[model as usize]).collect()
    };
    let (champion, other) = (of(Model::Champion), of(challenger));
    let market = chosen.market;
    let span = |difference: Option<Difference>| {
        difference.map(|it| json!({ "mean": it.mean, "low": it.low, "high": it.high }))
    };
    let log_loss = compare(&champion, &other, |one| one.log_loss_in(market), SEED);
    let rps = compare(&champion, &other, |one| one.rps_in(market), SEED);
    json!({ "challenger": challenger.word(), "logLoss": span(log_loss), "rps": span(rps) })
}

/// What the prices at kick-off came to, all together and by where they came from.
fn in_force(rings: &[Ring], served: &[performance::Ended], chosen: &Chosen) -> Value {
    let only = chosen.competition.and_then(|one| rings.iter().find(|ring| ring.number == one));
    let mut all = Vec::new();
    let mut bases: BTreeMap<&str, Vec<Forecast>> = BTreeMap::new();
    for ended in served {
        let elsewhere = only.is_some_and(|ring| ring.trial.competition != ended.competition);
        let day = domain::football::almanac::day_of(ended.kick_off);
        if elsewhere || !chosen.takes(day) {
            continue;
        }
        let forecast = ended.forecast();
        all.push(forecast);
        bases.entry(ended.parameters.basis.word()).or_default().push(forecast);
    }
    let mut told = named_measures("inForce", &measure_in(chosen.market, &all));
    let by_basis =
        bases.iter().map(|(word, group)| named_measures(word, &measure_in(chosen.market, group)));
    told["byBasis"] = by_basis.collect();
    told
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use actors::ratings::TrialView;
    use domain::football::almanac::{CompetitionNo, FixtureId, Odds};
    use domain::football::judge::Market;
    use domain::football::ratings::TeamIndex;
    use domain::football::score_grid::Expectancy;
    use domain::football::trial::Line;

    use super::*;

    fn ring(number: u16, matches: u32, odds: Option<Odds>) -> Ring {
        let line = |home: f64| Line { expectancy: Expectancy::new(home, 1.1), rho: -0.05 };
        let tried = (0..matches).map(|n| Tried {
            fixture: FixtureId(n + 1),
            day: n as i32 / 5,
            home: TeamIndex(0),
            away: TeamIndex(1),
            score: ((n % 4) as u8, (n % 3) as u8),
            odds,
            lines: [line(1.6), line(1.5), line(0.4)],
        });
        let trial = TrialView {
            competition: format!("League {number}"),
            tried: Arc::new(tried.collect()),
            ..TrialView::default()
        };
        Ring { number: CompetitionNo(number), trial }
    }

    fn chosen(market: Market) -> Chosen {
        Chosen { competition: None, market, from: i32::MIN, to: i32::MAX }
    }

    #[test]
    fn the_same_matches_are_told_of_every_model_and_a_bad_one_loses() {
        let odds = Odds { open: Some([300, 340, 250]), close: [260, 350, 290] };
        let rings = [ring(0, 300, Some(odds)), ring(1, 200, None)];
        for market in Market::ALL {
            let told = report(&rings, &[], &chosen(market));
            assert_eq!(told["matches"], 500);
            let models = told["models"].as_array().unwrap();
            assert!(models.iter().all(|model| model["matches"] == 500));
            let duel = &told["duels"][1]["logLoss"];
            let at = |name: &str| duel[name].as_f64().unwrap();
            assert!(at("low") <= at("mean") && at("mean") <= at("high"), "{duel}");
            assert!(at("mean") < 0.0, "{market:?}: {duel}");
            assert_eq!(models[0]["byCompetition"].as_array().unwrap().len(), 2);
            let rolling = models[0]["rolling"].as_array().unwrap();
            assert!((100..=POINTS_MAX + 1).contains(&rolling.len()), "{}", rolling.len());
            assert!(rolling[0]["atMs"].as_i64() <= rolling[rolling.len() - 1]["atMs"].as_i64());
            assert_eq!(models[0]["closingValue"]["bets"], 300);
            assert_eq!(told["inForce"]["matches"], 0);
        }
    }

    #[test]
    fn nothing_chosen_is_nothing_told() {
        let mut none = chosen(Market::MatchOdds);
        none.from = 1_000;
        let told = report(&[ring(0, 300, None)], &[], &none);
        assert_eq!((&told["matches"], &told["duels"][0]["logLoss"]), (&json!(0), &Value::Null));
        assert_eq!(told["models"][0]["rolling"], json!([]));
        let one = report(&[ring(0, 1, None)], &[], &chosen(Market::Over));
        assert_eq!(one["models"][2]["rolling"].as_array().unwrap().len(), 1);
    }
}
