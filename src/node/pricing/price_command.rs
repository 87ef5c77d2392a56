//! `laybook price`: the whole book of one match, from goal expectancies or from the ratings of two teams.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use clap::Args;
use domain::football::Team;
use domain::football::book::{self, Kind, MarketLayout, Situation};
use domain::football::inplay::MatchState;
use domain::football::quote::ladder_down;
use domain::football::score_grid::{Chances, Expectancy, GoalLine};
use serde_json::{Value, json};

use super::fit_command::{FitArgs, Fitted};
use crate::cli::Exit;

/// The arguments of `laybook price`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  laybook price --lambda 1.53 --mu 1.21 --rho -0.06
  laybook price --home Arsenal --away Everton --results premier-league.csv --json")]
pub struct PriceArgs {
    /// Goals that home is expected to score
    #[arg(long, value_name = "GOALS", requires = "mu", conflicts_with_all = ["home", "away"])]
    pub lambda: Option<f64>,
    /// Goals that away is expected to score
    #[arg(long, value_name = "GOALS", requires = "lambda")]
    pub mu: Option<f64>,
    /// Factor on low scores, -0.2 to 0.1
    #[arg(long, default_value_t = super::RHO, allow_negative_numbers = true)]
    pub rho: f64,
    /// The home team, rated by its results
    #[arg(long, requires = "away", requires = "results")]
    pub home: Option<String>,
    /// The away team
    #[arg(long, requires = "home")]
    pub away: Option<String>,
    /// Files of results (CSV), for the ratings of two teams
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub results: Vec<PathBuf>,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

/// Prints the book.
pub fn run(args: &PriceArgs) -> anyhow::Result<Exit> {
    let (expectancy, rho) = expected(args)?;
    let situation = Situation::before(MatchState::before(expectancy, rho));
    let mut chances = Vec::new();
    book::chances(&situation, &mut chances);
    let layout = book::layout();
    let mut out = std::io::stdout().lock();
    if args.json {
        let markets: Vec<Value> =
            layout.markets.iter().map(|market| market_json(market, &chances)).collect();
        writeln!(out, "{}", json!({ "markets": markets }))?;
        return Ok(Exit::Done);
    }
    let (home, away) = (expectancy.of(Team::Home), expectancy.of(Team::Away));
    writeln!(out, "expected goals {home:.3} and {away:.3}, rho {rho:.3}\n")?;
    for market in &layout.markets {
        let line = market.line.map(|line| format!(" {:+}", goals(line))).unwrap_or_default();
        writeln!(out, "{}{line}", market.kind.code())?;
        let selections = layout.names.iter().zip(&chances);
        for (name, one) in selections.skip(market.first).take(market.selections) {
            let name = name.to_string();
            let price = ladder_down(one.fair_price())
                .map_or_else(|| "-".to_owned(), |price| price.to_string());
            writeln!(out, "  {name:<20} {:>8.4} {:>10.3} {price:>7}", one.win, one.fair_price())?;
        }
    }
    Ok(Exit::Done)
}

fn expected(args: &PriceArgs) -> anyhow::Result<(Expectancy, f64)> {
    ensure!((-0.2..=0.1).contains(&args.rho), "--rho: must lie between -0.2 and 0.1");
    match (args.lambda, args.mu, &args.home, &args.away) {
        (Some(home), Some(away), _, _) => {
            for (name, goals) in [("--lambda", home), ("--mu", away)] {
                ensure!(
                    (0.05..=7.0).contains(&goals),
                    "{name}: {goals} goals are not expected of anybody; 0.05 to 7 are"
                );
            }
            Ok((Expectancy::new(home, away), args.rho))
        }
        (_, _, Some(home), Some(away)) => {
            let fit = FitArgs { results: args.results.clone(), ..FitArgs::default() };
            let fitted = Fitted::read(&fit)?;
            let (home, at_home) = fitted.find(home).context("--home")?;
            let (away, at_away) = fitted.find(away).context("--away")?;
            ensure!(home == away, "the two teams never met anybody in common");
            let ratings = &fitted.competitions[home].ratings;
            Ok((ratings.expectancy(at_home, at_away, false), ratings.rho))
        }
        _ => bail!(
            "tell the expected goals (--lambda, --mu) or the teams (--home, --away, --results)"
        ),
    }
}

fn market_json(market: &MarketLayout, chances: &[Chances]) -> Value {
    let names = &book::layout().names;
    let selections: Vec<Value> = (market.first..market.first + market.selections)
        .map(|at| selection_json(&names[at].to_string(), chances[at]))
        .collect();
    match (market.line, market.kind) {
        (Some(line), _) => {
            json!({ "code": market.kind.code(), "line": goals(line), "selections": selections })
        }
        (None, kind) => json!({ "code": Kind::code(kind), "selections": selections }),
    }
}

/// `fair` is 1 + lost / won, so what is given back is left out of it; `price` stands on the ladder. Both are
/// null where nothing can be won, `price` also where the ladder does not reach.
fn selection_json(name: &str, chances: Chances) -> Value {
    let fair = chances.fair_price();
    let price = ladder_down(fair).map(|price| f64::from(price.0) / 100.0);
    json!({
        "name": name,
        "probability": chances.win,
        "fair": fair.is_finite().then_some(fair),
        "price": price,
    })
}

fn goals(line: GoalLine) -> f64 {
    f64::from(line.0) / 4.0
}
