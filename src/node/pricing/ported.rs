//! A model of somebody's own on matches that have been played: taught day by day, asked before each match.
//!
//! Decides nothing: what its answers are worth is `domain::football::port`'s, and a model that ends is an error.

use std::collections::BTreeMap;

use domain::football::book::{self, Kind, Situation};
use domain::football::inplay::MatchState;
use domain::football::judge::Forecast;
use domain::football::live::Log;
use domain::football::port::{MatchWord, Opinion, ResultWord, StateWord};
use domain::football::rater::any_match;
use domain::football::score_grid::GoalLine;
use domain::time::UtcMillis;

use super::day::Day;
use super::models_command::league_name;
use super::progress;
use super::results::{Match, Results};
use crate::port::ModelSettings;
use crate::port::interview::Interview;

const DAY_MS: i64 = 86_400_000;

/// What it forecasts of each match, from earlier days only; `None` where it could not or would not.
pub(super) async fn ask(
    model: &ModelSettings,
    results: &Results,
    wanted: &[&Match],
) -> anyhow::Result<Vec<Option<Forecast>>> {
    let (interview, process) = Interview::begin(model);
    let questions = questions(interview, results, wanted, &model.terms.name);
    tokio::pin!(questions, process);
    tokio::select! {
        biased;
        forecasts = &mut questions => {
            // It ends when its line is cut.
            process.await;
            forecasts
        }
        // Its end has been told to who asks.
        () = &mut process => questions.await,
    }
}

async fn questions(
    mut model: Interview,
    results: &Results,
    wanted: &[&Match],
    name: &str,
) -> anyhow::Result<Vec<Option<Forecast>>> {
    model.hello().await?;
    let mut taught: BTreeMap<usize, Day> = BTreeMap::new();
    let mut forecasts = Vec::with_capacity(wanted.len());
    let (mut silent, mut last_reason) = (0, String::new());
    let bar = progress(name, wanted.len());
    for (at, one) in wanted.iter().enumerate() {
        bar.inc(1);
        let known = &results.competitions[one.competition];
        let competition = league_name(results, one.competition);
        if taught.insert(one.competition, one.day) != Some(one.day) {
            let before = known.played.iter().filter(|played| played.day < one.day.number());
            let before: Vec<ResultWord> =
                before.map(|played| ResultWord::of(played, &known.teams)).collect();
            if !before.is_empty() {
                model.fit(&competition, before).await?;
            }
        }
        let team = |at: u16| known.teams.get(usize::from(at)).cloned().unwrap_or_default();
        let told = MatchWord {
            id: u32::try_from(at).unwrap_or(u32::MAX),
            competition,
            season: String::new(),
            kick_off: i64::from(one.day.number()) * DAY_MS + DAY_MS / 2,
            home: team(one.home_index.0),
            away: team(one.away_index.0),
            neutral: one.neutral,
        };
        let state = StateWord::before();
        forecasts.push(match model.price(told, state).await? {
            Ok(opinion) => one.goals.map(|score| forecast(&opinion, score)),
            Err(reason) => {
                (silent, last_reason) = (silent + 1, reason);
                None
            }
        });
    }
    bar.finish_and_clear();
    if silent > 0 {
        tracing::warn!(
            model = name,
            matches = silent,
            last_reason,
            "a model said nothing of some matches"
        );
    }
    Ok(forecasts)
}

fn forecast(opinion: &Opinion, score: (u8, u8)) -> Forecast {
    let parameters = opinion.parameters(&Log::default().story(), UtcMillis(0), any_match());
    let state = MatchState::before(parameters.expectancy(), parameters.rho());
    let mut chances = Vec::new();
    opinion.chances(&Situation::before(state), &mut chances);
    let first = |kind, line| book::market(kind, line).map_or(0, |market| market.first);
    let odds = first(Kind::MatchOdds, None);
    let results = [chances[odds].win, chances[odds + 1].win, chances[odds + 2].win];
    let over = chances[first(Kind::OverUnder, Some(GoalLine(10)))].win;
    let both = chances[first(Kind::BothTeamsToScore, None)].win;
    Forecast::new(results, over, both, score)
}
