//! `laybook bench pricing`: what a book, a fit and an inversion cost on one thread, and what a live match costs
//! from its provider's word to a book that is looked over.
//!
//! The results that are fitted are those of our own generator, so that nothing has to be fetched; its peer,
//! penaltyblog, is fitted to the same ones by `tests/e2e/bench_penaltyblog.py`, which runs this program in
//! between. Rounds are interleaved: each takes every figure once.

use super::machine::Machine;
use super::report::{Cell, Report, Table};
use super::stats::Spread;
use super::{Settings, progress};
use anyhow::Context;
use domain::football::Team;
use domain::football::almanac::{
    Almanac, Basis, FixtureId, FootballEvent, Item, NewFixture, Parameters, Source, Stirred,
};
use domain::football::book::{self, Situation, layout};
use domain::football::implied::from_match_odds;
use domain::football::inplay::MatchState;
use domain::football::live::{FeedEvent, FeedKind};
use domain::football::port::Counsel;
use domain::football::pricer::{Priced, price};
use domain::football::quote::Quote;
use domain::football::ratings::{self, Played, Settings as FitSettings, TeamIndex};
use domain::football::score_grid::{Expectancy, GoalLine, ScoreGrid};
use domain::football::weekend::{LEAGUES, past_season};
use domain::time::UtcMillis;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

const MATCH: FixtureId = FixtureId(1);
const KICK_OFF: UtcMillis = UtcMillis(1_800_000_000_000);
const SPREAD: f64 = 0.02;
const RHO: f64 = -0.06;
/// One figure of one round is taken for so long.
const FOR: Duration = Duration::from_millis(200);
const DAY: i32 = 20_000;

type Task = (&'static str, &'static str, Box<dyn FnMut()>);

pub(super) fn run_bench(settings: &Settings) -> anyhow::Result<Report> {
    let mut machine = Machine::observe();
    let mut tasks = tasks()?;
    let bar = progress::bar(settings.rounds, "rounds");
    let mut taken: Vec<Vec<f64>> = vec![Vec::new(); tasks.len()];
    for _ in 0..settings.rounds {
        for ((_, _, task), taken) in tasks.iter_mut().zip(&mut taken) {
            taken.push(micros(task));
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let rows = tasks.iter().zip(taken).map(|((name, aim, _), taken)| {
        let spread = Spread::of(taken);
        let micros = |value| Cell::Number(value, 2);
        vec![
            Cell::Text((*name).to_owned()),
            micros(spread.median),
            micros(spread.min),
            micros(spread.max),
            Cell::Text((*aim).to_owned()),
        ]
    });
    let rows = rows.collect();
    machine.finish();
    let workload = vec![
        format!(
            "one thread; each figure taken for {} ms in each of {} rounds, which are interleaved",
            FOR.as_millis(),
            settings.rounds
        ),
        format!(
            "a book is {} markets and {} selections; seasons are of our generator, 20 teams and 380 matches",
            layout().markets.len(),
            layout().names.len()
        ),
    ];
    let columns: &[&str] = &["what", "median us", "least", "most", "aim us"];
    let tables = vec![Table { title: "on one thread".to_owned(), columns, rows }];
    Ok(Report { name: "pricing", workload, machine, tables, remarks: Vec::new() })
}

/// Microseconds a call.
fn micros(task: &mut dyn FnMut()) -> f64 {
    let (began, mut calls) = (Instant::now(), 0_u32);
    while began.elapsed() < FOR {
        task();
        calls += 1;
    }
    began.elapsed().as_secs_f64() * 1e6 / f64::from(calls)
}

fn tasks() -> anyhow::Result<Vec<Task>> {
    let situation = Situation::before(MatchState::before(Expectancy::new(1.53, 1.21), RHO));
    let mut chances = Vec::new();
    let grid = ScoreGrid::new(Expectancy::new(1.53, 1.21), RHO);
    let (odds, over) = (grid.match_odds(), grid.over(GoalLine(10)).win);
    let (one, ten) = (seasons(1), seasons(10));
    let fit = |played: Vec<Played>, settings: FitSettings| {
        let fitted = ratings::fit(DAY, &played, &settings, None);
        fitted.map(|_| move || drop(black_box(ratings::fit(DAY, &played, &settings, None))))
    };
    let plain = FitSettings::PLAIN;
    let poisson = FitSettings { correlated: false, ..plain };
    let almanac = live()?;
    let dossier = almanac.dossier(MATCH).context("it was told")?;
    let mut book: Option<Priced> = None;
    let mut second = 0;
    Ok(vec![
        (
            "book",
            "10",
            Box::new(move || {
                book::chances(black_box(&situation), &mut chances);
                black_box(&chances);
            }),
        ),
        ("book, both sides quoted on the ladder", "10", {
            let mut chances = Vec::new();
            Box::new(move || {
                book::chances(black_box(&situation), &mut chances);
                for chances in &chances {
                    black_box(Quote::around(*chances, SPREAD));
                }
            })
        }),
        (
            "a live match priced again: told, priced, looked over, ticks",
            "10",
            Box::new(move || {
                second = (second + 1) % 60;
                let now = KICK_OFF.plus_ms(30 * 60_000 + second * 1_000);
                book = Some(price(black_box(&dossier), &Counsel::Nobody, now, book.take()));
            }),
        ),
        (
            "odds to goal expectancies",
            "10",
            Box::new(move || {
                let (home, away) = (black_box(odds.home.win), black_box(odds.away.win));
                let _ = black_box(from_match_odds(home, away, GoalLine(10), over, RHO));
            }),
        ),
        ("Poisson fit, 1 season", "", Box::new(fit(one.clone(), poisson)?)),
        ("Poisson fit, 10 seasons", "", Box::new(fit(ten.clone(), poisson)?)),
        ("Dixon-Coles fit, 1 season", "600", Box::new(fit(one, plain)?)),
        ("Dixon-Coles fit, 10 seasons", "5000", Box::new(fit(ten, plain)?)),
    ])
}

/// Seasons of the first league.
fn seasons(count: u64) -> Vec<Played> {
    let mut indices: BTreeMap<&str, TeamIndex> = BTreeMap::new();
    let mut played = Vec::new();
    for year in 0..count {
        for past in past_season(year).into_iter().filter(|past| *past.league == LEAGUES[0]) {
            let mut index = |team| {
                let next = TeamIndex(indices.len() as u16);
                *indices.entry(team).or_insert(next)
            };
            let (home, away) = (index(past.home), index(past.away));
            played.push(Played {
                day: DAY - 365 * (count - year) as i32 + past.round as i32 * 7,
                home,
                away,
                home_goals: past.score.home,
                away_goals: past.score.away,
                shots: None,
                neutral: false,
                worth: None,
            });
        }
    }
    played
}

/// The same results as a file, for the peer.
pub(super) fn results_csv(count: u64) -> String {
    let mut text = "day,home,away,home_goals,away_goals\n".to_owned();
    for one in seasons(count) {
        text += &format!(
            "{},{},{},{},{}\n",
            one.day, one.home.0, one.away.0, one.home_goals, one.away_goals
        );
    }
    text
}

/// A match in its thirtieth minute, with a goal and a red card behind it.
fn live() -> anyhow::Result<Almanac> {
    let mut almanac = Almanac::default();
    let new = NewFixture {
        from: Source { source: "bench".to_owned(), id: "1".to_owned() },
        competition: "League".to_owned(),
        season: "now".to_owned(),
        kick_off: KICK_OFF,
        home: "Arsenal".to_owned(),
        away: "Everton".to_owned(),
        neutral: false,
    };
    let mut items = almanac.decide_fixture(&new)?;
    let parameters = Parameters::new(1.53, 1.21, RHO, Basis::Ratings).context("sound")?;
    items.push(Item::Rated { fixture: MATCH, parameters });
    almanac.apply(KICK_OFF, &FootballEvent::Told(items), &mut Stirred::default());
    let told = [
        (FeedKind::KickOff, 0),
        (FeedKind::Goal(Team::Home), 12),
        (FeedKind::Clock, 13),
        (FeedKind::Red(Team::Away), 25),
        (FeedKind::Clock, 30),
    ];
    for (seq, (kind, minute)) in (1..).zip(told) {
        let event = FeedEvent::new(kind, minute, 0);
        let item = Item::Event { fixture: MATCH, provider: 0, seq, event };
        let at = KICK_OFF.plus_ms(i64::from(minute) * 60_000);
        almanac.apply(at, &FootballEvent::Told(vec![item]), &mut Stirred::default());
    }
    Ok(almanac)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_measured_is_what_is_meant() {
        let almanac = live().expect("told");
        let dossier = almanac.dossier(MATCH).expect("known");
        let now = KICK_OFF.plus_ms(30 * 60_000);
        let book = price(&dossier, &Counsel::Nobody, now, None);
        assert_eq!(book.ticks.len(), layout().names.len(), "{:?}", book.why);
        assert_eq!(seasons(2).len(), 760);
        assert_eq!(results_csv(1).lines().count(), 381);
        assert!(tasks().is_ok());
    }
}
