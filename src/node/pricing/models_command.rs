//! `laybook models`: how the champion and its challengers do on the same matches, walked through day by day.
//!
//! Each day's matches are forecast by every model from earlier days only. Told are log loss, RPS, Brier, over 2.5,
//! calibration and reliability, by league and month, and champion against each challenger with a paired
//! bootstrap. Challengers are those that are built in and every model of a configuration (`[[models]]`), which is
//! run and asked as a node would. Decides nothing: what is good is said by `domain::football::judge`.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use anyhow::ensure;
use clap::Args;
use domain::football::judge::{Difference, Forecast, Measures, compare, measure};
use domain::football::trial::{Model, Walk};
use serde_json::{Value, json};

use super::day::Day;
use super::results::{Match, Results};
use super::{ported, progress};
use crate::cli::Exit;
use crate::config::Settings;
use crate::serve_command;

/// The arguments of `laybook models`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Example:
  laybook models --results premier-league.csv serie-a.csv --from 2023-07-01 --to 2025-06-30")]
pub struct ModelsArgs {
    /// Files of results (CSV); teams that play each other are one competition
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    pub results: Vec<PathBuf>,
    /// First day to judge
    #[arg(long, value_name = "DATE")]
    pub from: Day,
    /// Last day to judge
    #[arg(long, value_name = "DATE")]
    pub to: Day,
    /// Configuration file of a node (TOML): its models of somebody's own are judged too
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

/// Of the bootstrap: the same matches give the same spans.
const SEED: u64 = 1;

/// Every model's forecasts of the same matches, in order, and where each match belongs.
#[derive(Default)]
struct Judged {
    /// Those that are built in first, and of them the champion.
    names: Vec<String>,
    /// By model.
    forecasts: Vec<Vec<Forecast>>,
    leagues: Vec<usize>,
    months: Vec<String>,
}

/// Walks, measures, prints.
pub fn run(args: &ModelsArgs) -> anyhow::Result<Exit> {
    ensure!(args.from <= args.to, "--from {} is after --to {}", args.from, args.to);
    let results = Results::read(&args.results)?;
    let wanted: Vec<&Match> = results
        .matches
        .iter()
        .filter(|one| one.goals.is_some() && args.from <= one.day && one.day <= args.to)
        .collect();
    ensure!(!wanted.is_empty(), "no result from {} to {}", args.from, args.to);
    let models = match &args.config {
        Some(file) => Settings::read(Some(file), &[])?.models,
        None => Vec::new(),
    };
    let mut judged = walk(&results, &wanted);
    for model in &models {
        let forecasts = serve_command::runtime()?.block_on(ported::ask(model, &results, &wanted));
        judged.add(&model.terms.name, forecasts?);
    }
    let mut out = std::io::stdout().lock();
    match args.json {
        true => writeln!(out, "{}", report(&results, &judged))?,
        false => show(&results, &judged, &mut out)?,
    }
    Ok(Exit::Done)
}

fn walk(results: &Results, wanted: &[&Match]) -> Judged {
    let mut walks: BTreeMap<usize, Walk> = BTreeMap::new();
    let mut judged = Judged {
        names: Model::ALL.map(|model| model.word().to_owned()).to_vec(),
        forecasts: vec![Vec::new(); Model::ALL.len()],
        ..Judged::default()
    };
    let bar = progress("judging", wanted.len());
    for one in wanted {
        bar.inc(1);
        let Some(score) = one.goals else { continue };
        let walk = walks.entry(one.competition).or_default();
        walk.go_to(one.day.number(), &results.competitions[one.competition].played);
        let lines = walk.lines(one.home_index, one.away_index, one.neutral);
        for (forecasts, line) in judged.forecasts.iter_mut().zip(lines) {
            forecasts.push(Forecast::of(&line.grid(), score));
        }
        judged.leagues.push(one.competition);
        judged.months.push(one.day.to_string().chars().take(7).collect());
    }
    bar.finish_and_clear();
    judged
}

impl Judged {
    /// One more model, with what it forecast; where it said nothing, it is taken to agree with the champion.
    fn add(&mut self, name: &str, forecasts: Vec<Option<Forecast>>) {
        let champion = &self.forecasts[0];
        let said = forecasts.iter().zip(champion).map(|(said, champion)| said.unwrap_or(*champion));
        let forecasts = said.collect();
        self.names.push(name.to_owned());
        self.forecasts.push(forecasts);
    }

    /// A model's measures over the matches that `belongs` says.
    fn measures(&self, model: usize, belongs: impl Fn(usize) -> bool + Clone) -> Measures {
        let all = self.forecasts[model].iter().enumerate();
        let chosen: Vec<Forecast> =
            all.filter(|(at, _)| belongs(*at)).map(|(_, one)| *one).collect();
        measure(&chosen)
    }

    fn months(&self) -> Vec<&String> {
        let mut months: Vec<&String> = self.months.iter().collect();
        months.sort();
        months.dedup();
        months
    }

    fn leagues(&self) -> Vec<usize> {
        let mut leagues = self.leagues.clone();
        leagues.sort_unstable();
        leagues.dedup();
        leagues
    }

    fn difference(&self, challenger: usize, loss: fn(&Forecast) -> f64) -> Option<Difference> {
        compare(&self.forecasts[0], &self.forecasts[challenger], loss, SEED)
    }
}

/// A competition by its first team: files do not name it.
pub(super) fn league_name(results: &Results, league: usize) -> String {
    let teams = results.competitions.get(league).map_or(&[][..], |known| &known.teams);
    format!(
        "{} and {} others",
        teams.first().map_or("", String::as_str),
        teams.len().saturating_sub(1)
    )
}

fn show(results: &Results, judged: &Judged, out: &mut impl Write) -> std::io::Result<()> {
    let head = format!(
        "{:<34} {:>7} {:>9} {:>9} {:>9} {:>9} {:>7}",
        "", "matches", "log loss", "RPS", "Brier", "over 2.5", "slope"
    );
    let row = |name: &str, m: &Measures| {
        let slope = m.slope.map_or_else(|| "-".to_owned(), |slope| format!("{slope:.3}"));
        format!(
            "{name:<34} {:>7} {:>9.5} {:>9.5} {:>9.5} {:>9.5} {slope:>7}",
            m.matches, m.log_loss, m.rps, m.brier, m.over_log_loss
        )
    };
    writeln!(out, "{head}")?;
    for (model, name) in judged.names.iter().enumerate() {
        writeln!(out, "{}", row(name, &judged.measures(model, |_| true)))?;
    }
    writeln!(out, "\nchampion less challenger, with the span of 19 in 20 paired resamples")?;
    for (model, name) in judged.names.iter().enumerate().skip(1) {
        for (what, loss) in
            [("log loss", Forecast::log_loss as fn(&Forecast) -> f64), ("RPS", Forecast::rps)]
        {
            let Some(d) = judged.difference(model, loss) else { continue };
            writeln!(out, "{name:<10} {what:<9} {:+.5} [{:+.5}, {:+.5}]", d.mean, d.low, d.high)?;
        }
    }
    writeln!(out, "\nchampion by league\n{head}")?;
    for league in judged.leagues() {
        let measures = judged.measures(0, |at| judged.leagues[at] == league);
        writeln!(out, "{}", row(&league_name(results, league), &measures))?;
    }
    writeln!(out, "\nchampion by month\n{head}")?;
    for month in judged.months() {
        let measures = judged.measures(0, |at| judged.months[at] == *month);
        writeln!(out, "{}", row(month, &measures))?;
    }
    writeln!(out, "\nchampion's reliability: said, happened, forecasts")?;
    for bin in judged.measures(0, |_| true).reliability.iter().filter(|bin| bin.count > 0) {
        writeln!(out, "{:.3} {:.3} {:>6}", bin.said, bin.happened, bin.count)?;
    }
    Ok(())
}

fn report(results: &Results, judged: &Judged) -> Value {
    let models = judged.names.iter().enumerate().map(|(model, name)| {
        let by = |named: Vec<(String, Measures)>| -> Vec<Value> {
            named.iter().map(|(name, measures)| named_measures(name, measures)).collect()
        };
        let leagues = judged.leagues().into_iter().map(|league| {
            let name = league_name(results, league);
            (name, judged.measures(model, |at| judged.leagues[at] == league))
        });
        let months = judged
            .months()
            .into_iter()
            .map(|month| (month.clone(), judged.measures(model, |at| judged.months[at] == *month)));
        let mut told = named_measures(name, &judged.measures(model, |_| true));
        told["byLeague"] = by(leagues.collect()).into();
        told["byMonth"] = by(months.collect()).into();
        if model > 0 {
            let span = |loss| {
                judged.difference(model, loss).map(|d| {
                    json!({
                        "mean": d.mean, "low": d.low, "high": d.high,
                    })
                })
            };
            told["championLess"] =
                json!({ "logLoss": span(Forecast::log_loss), "rps": span(Forecast::rps) });
        }
        told
    });
    json!({ "models": models.collect::<Vec<_>>() })
}

/// Measures as they are told, also by the pricing API.
pub fn named_measures(name: &str, measures: &Measures) -> Value {
    let bins = measures.reliability.iter().filter(|bin| bin.count > 0);
    let bins = bins
        .map(|bin| json!({ "said": bin.said, "happened": bin.happened, "forecasts": bin.count }));
    json!({
        "name": name,
        "matches": measures.matches,
        "logLoss": measures.log_loss,
        "rps": measures.rps,
        "brier": measures.brier,
        "over25LogLoss": measures.over_log_loss,
        "calibrationSlope": measures.slope,
        "reliability": bins.collect::<Vec<_>>(),
    })
}
