//! `laybook backtest`: walks forward through seasons, predicts each day from the days before, and says how
//! well that went.
//!
//! Ratings are fitted anew for each day that has matches, from results of earlier days only. Where a file
//! of prices has the match, what the market expects drives its probabilities instead of the ratings, as it
//! does in play; prices are those of the day itself.

use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;
use domain::football::Team;
use domain::football::ratings::{self, FitError, Ratings};
use domain::football::score_grid::{Expectancy, GoalLine, ScoreGrid};

use super::day::Day;
use super::fit_command::Model;
use super::odds::Odds;
use super::results::{Match, Results};
use super::{RHO, progress};
use crate::cli::Exit;

/// The arguments of `laybook backtest`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Example:
  laybook backtest --results premier-league.csv --from 2022-07-01 --to 2024-06-30 --out predicted.csv")]
pub struct BacktestArgs {
    /// Files of results (CSV); teams that play each other are one competition
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    pub results: Vec<PathBuf>,
    /// Files of prices (CSV); a match that has some is predicted from them
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub odds: Vec<PathBuf>,
    /// First day to predict
    #[arg(long, value_name = "DATE")]
    pub from: Day,
    /// Last day to predict
    #[arg(long, value_name = "DATE")]
    pub to: Day,
    /// Where the predictions go (CSV)
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Which model
    #[arg(long, value_enum, default_value_t)]
    pub model: Model,
}

const HEADER: &str = "date,home,away,p_home,p_draw,p_away,p_over25,p_btts,lambda_home,lambda_away";
const TWO_AND_A_HALF: GoalLine = GoalLine(10);

/// Of a competition that has no results yet: the goals of an average match.
const UNKNOWN: (f64, f64) = (1.5, 1.2);

/// The probabilities of one match.
struct Prediction {
    expectancy: Expectancy,
    /// Home, draw, away.
    results: [f64; 3],
    over: f64,
    both: f64,
}

impl Prediction {
    fn of(expectancy: Expectancy, rho: f64) -> Self {
        let grid = ScoreGrid::new(expectancy, rho);
        let odds = grid.match_odds();
        Prediction {
            expectancy,
            results: [odds.home.win, odds.draw.win, odds.away.win],
            over: grid.over(TWO_AND_A_HALF).win,
            both: grid.both_score().win,
        }
    }
}

/// Sums over the matches that have ended.
#[derive(Debug, Default)]
struct Measured {
    matches: u32,
    log_loss: f64,
    rps: f64,
    brier: f64,
    over_log_loss: f64,
    by_market: u32,
}

impl Measured {
    fn add(&mut self, p: &Prediction, (home, away): (u8, u8)) {
        let outcome = match home.cmp(&away) {
            std::cmp::Ordering::Greater => 0,
            std::cmp::Ordering::Equal => 1,
            std::cmp::Ordering::Less => 2,
        };
        self.matches += 1;
        self.log_loss -= p.results[outcome].ln();
        let mut ahead = 0.0;
        for (at, p) in p.results.iter().enumerate() {
            let happened = if at == outcome { 1.0 } else { 0.0 };
            self.brier += (p - happened) * (p - happened);
            ahead += p - happened;
            self.rps += ahead * ahead / 2.0;
        }
        let over = if home + away > 2 { p.over } else { 1.0 - p.over };
        self.over_log_loss -= over.ln();
    }
}

/// Walks forward, writes the predictions, prints what they came to.
pub fn run(args: &BacktestArgs) -> anyhow::Result<Exit> {
    ensure!(args.from <= args.to, "--from {} is after --to {}", args.from, args.to);
    let results = Results::read(&args.results)?;
    let odds = Odds::read(&args.odds)?;
    let wanted: Vec<&Match> =
        results.matches.iter().filter(|one| args.from <= one.day && one.day <= args.to).collect();
    ensure!(!wanted.is_empty(), "no match from {} to {}", args.from, args.to);

    let file = std::fs::File::create(&args.out)
        .with_context(|| format!("--out {}", args.out.display()))?;
    let mut out = std::io::BufWriter::new(file);
    writeln!(out, "{HEADER}")?;
    let bar = progress("predicting", wanted.len());
    let mut fits: HashMap<usize, (Day, Ratings)> = HashMap::new();
    let mut measured = Measured::default();
    for one in wanted {
        bar.inc(1);
        let p = match odds.expected(one.day, &one.home, &one.away) {
            Some(expected) => {
                measured.by_market += 1;
                Prediction::of(expected, RHO)
            }
            None => by_ratings(&results, one, args.model, &mut fits)?,
        };
        let [home, draw, away] = p.results;
        let (goals, conceded) = (p.expectancy.of(Team::Home), p.expectancy.of(Team::Away));
        let mut row = csv::WriterBuilder::new().from_writer(Vec::new());
        row.write_record([one.day.to_string().as_str(), &one.home, &one.away])?;
        let names = String::from_utf8(row.into_inner()?)?;
        let names = names.trim_end();
        writeln!(
            out,
            "{names},{home:.9},{draw:.9},{away:.9},{:.9},{:.9},{goals:.9},{conceded:.9}",
            p.over, p.both
        )?;
        if let Some(goals) = one.goals {
            measured.add(&p, goals);
        }
    }
    out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    bar.finish_and_clear();
    show(&measured, odds.is_empty())?;
    Ok(Exit::Done)
}

/// From the ratings of the day. A fit that fails leaves the one before in force, and where there is none an
/// average match is expected.
fn by_ratings(
    results: &Results,
    one: &Match,
    model: Model,
    fits: &mut HashMap<usize, (Day, Ratings)>,
) -> anyhow::Result<Prediction> {
    if fits.get(&one.competition).is_none_or(|(day, _)| *day != one.day) {
        let played = &results.competitions[one.competition].played;
        let warm = fits.get(&one.competition).map(|(_, ratings)| ratings);
        match ratings::fit(one.day.number(), played, &model.settings(), warm) {
            Ok(ratings) => {
                fits.insert(one.competition, (one.day, ratings));
            }
            Err(FitError::NotConverged | FitError::NoGoals | FitError::NoMatches) => {}
        }
    }
    Ok(match fits.get(&one.competition) {
        Some((_, ratings)) => {
            let expected = ratings.expectancy(one.home_index, one.away_index, one.neutral);
            Prediction::of(expected, ratings.rho)
        }
        None => Prediction::of(Expectancy::new(UNKNOWN.0, UNKNOWN.1), RHO),
    })
}

fn show(measured: &Measured, without_odds: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    let n = f64::from(measured.matches.max(1));
    writeln!(out, "{} matches that have ended", measured.matches)?;
    if !without_odds {
        writeln!(out, "  predicted from prices {:>9}", measured.by_market)?;
    }
    for (name, sum) in [
        ("log loss", measured.log_loss),
        ("RPS", measured.rps),
        ("Brier", measured.brier),
        ("over 2.5 log loss", measured.over_log_loss),
    ] {
        writeln!(out, "  {name:<21} {:>9.5}", sum / n)?;
    }
    Ok(())
}
