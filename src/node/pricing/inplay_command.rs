//! `laybook inplay`: the probabilities of matches in every minute, from what was expected of them and the
//! goals that fell.
//!
//! A goal in the 16th minute counts from minute 16 on. Minute 45 is half time and minute 90 the end, added
//! time included. With `--fit-to` the minutes' profile is fitted to the matches up to a day. What was said of
//! the others is measured, beside a clock by which every minute is like every other.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;
use domain::football::Team;
use domain::football::inplay::{Clock, MatchState};
use domain::football::judge::{Difference, Forecast, compare};
use domain::football::profile::{MINUTES, Profile};
use domain::football::score_grid::{GoalLine, Score};

use super::day::Day;
use super::goals::{self, Timed};
use super::{RHO, progress};
use crate::cli::Exit;

/// The arguments of `laybook inplay`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  laybook inplay --events goal_minutes.csv --lambdas implied_lambdas.csv --out minutes.csv
  laybook inplay --events goal_minutes.csv --lambdas implied_lambdas.csv --out minutes.csv --fit-to 2017-07-31")]
pub struct InplayArgs {
    /// Goals (CSV): date, home, away, minute, side (H or A), and type where there are red cards
    #[arg(long, value_name = "FILE")]
    pub events: PathBuf,
    /// Matches and their expected goals (CSV): Date, HomeTeam, AwayTeam, lh, la
    #[arg(long, value_name = "FILE")]
    pub lambdas: PathBuf,
    /// Where the probabilities go (CSV)
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Fits when goals fall to the matches up to this day, instead of the profile of English matches of
    /// 2012 to 2020, and measures on later ones, as far as the events go
    #[arg(long, value_name = "DATE")]
    pub fit_to: Option<Day>,
}

const HEADER: &str = "date,home,away,minute,home_goals,away_goals,p_home,p_draw,p_away,p_over25,\
                      p_next_home,p_next_away,p_no_more";
const TWO_AND_A_HALF: GoalLine = GoalLine(10);

/// Where forecasts are measured.
const MEASURED_AT: [u8; 7] = [0, 15, 30, 45, 60, 75, 85];
/// Of the resampled matches.
const SEED: u64 = 1;

/// Writes minutes 0 to 90 of every match.
pub fn run(args: &InplayArgs) -> anyhow::Result<Exit> {
    let matches = goals::read(&args.events, &args.lambdas)?;
    ensure!(!matches.is_empty(), "{}: no match", args.lambdas.display());
    let (known, measured): (Vec<&Timed>, Vec<&Timed>) =
        told(&matches).partition(|one| args.fit_to.is_some_and(|to| one.day <= to));
    let profile = match args.fit_to {
        None => Profile::ENGLISH,
        Some(to) => {
            let goals = goals_by_minute(&known);
            let fell: u32 = goals.iter().sum();
            Profile::fitted(&goals).with_context(|| {
                format!("--fit-to {to}: {fell} goals until then do not make a profile of minutes")
            })?
        }
    };
    let file = std::fs::File::create(&args.out)
        .with_context(|| format!("--out {}", args.out.display()))?;
    let mut out = std::io::BufWriter::new(file);
    writeln!(out, "{HEADER}")?;
    let bar = progress("pricing", matches.len());
    for one in &matches {
        write_minutes(one, &profile, &mut out)?;
        bar.inc(1);
    }
    out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    bar.finish_and_clear();
    let with_goals = matches.iter().filter(|one| !one.happenings.is_empty()).count();
    let mut out = std::io::stdout();
    writeln!(out, "{} matches, {with_goals} of them with events", matches.len())?;
    if args.fit_to.is_some() {
        writeln!(out, "when goals fall: fitted to {} of them", known.len())?;
    }
    show(&measured, &profile, &mut out)?;
    Ok(Exit::Done)
}

/// The matches of the days that the events speak of: of others nobody knows whether goals fell.
fn told(matches: &[Timed]) -> impl Iterator<Item = &Timed> {
    let days = || matches.iter().filter(|one| !one.happenings.is_empty()).map(|one| one.day);
    let (first, last) = (days().min(), days().max());
    matches.iter().filter(move |one| first <= Some(one.day) && Some(one.day) <= last)
}

fn goals_by_minute(matches: &[&Timed]) -> [u32; MINUTES] {
    let mut goals = [0; MINUTES];
    let happenings = matches.iter().flat_map(|one| &one.happenings);
    for goal in happenings.filter(|happening| !happening.is_red) {
        goals[usize::from(goal.minute).clamp(1, MINUTES) - 1] += 1;
    }
    goals
}

/// A match as it stood in minutes 0 to 90.
fn minutes(one: &Timed) -> impl Iterator<Item = (u8, MatchState)> + use<'_> {
    let mut state = MatchState::before(one.expectancy, one.rho.unwrap_or(RHO));
    let mut happenings = one.happenings.iter().peekable();
    (0..=90_u8).map(move |minute| {
        while let Some(next) = happenings.next_if(|next| next.minute <= minute) {
            match (next.is_red, next.team) {
                (false, team) => state.score = state.score.after_goal(team),
                (true, Team::Home) => state.home_reds += 1,
                (true, Team::Away) => state.away_reds += 1,
            }
        }
        let played_s = u32::from(minute) * 60;
        state.clock = match minute {
            0..45 => Clock::FirstHalf { played_s },
            45 => Clock::HalfTime,
            46..90 => Clock::SecondHalf { played_s: played_s - 45 * 60 },
            _ => Clock::FullTime,
        };
        (minute, state)
    })
}

fn write_minutes(one: &Timed, profile: &Profile, out: &mut impl Write) -> anyhow::Result<()> {
    let mut names = csv::WriterBuilder::new().from_writer(Vec::new());
    names.write_record([one.day.to_string().as_str(), &one.home, &one.away])?;
    let names = String::from_utf8(names.into_inner()?)?;
    for (minute, state) in minutes(one) {
        let grid = state.grid_by(profile);
        let odds = grid.match_odds();
        let [next_home, next_away, none] = grid.next_goal();
        writeln!(
            out,
            "{},{minute},{},{},{:.9},{:.9},{:.9},{:.9},{next_home:.9},{next_away:.9},{none:.9}",
            names.trim_end(),
            state.score.home,
            state.score.away,
            odds.home.win,
            odds.draw.win,
            odds.away.win,
            grid.over(TWO_AND_A_HALF).win,
        )?;
    }
    Ok(())
}

/// What was said of a match at one minute. `over` is that another goal falls.
fn forecast(state: &MatchState, profile: &Profile, end: Score) -> Forecast {
    let grid = state.grid_by(profile);
    let [_, _, none] = grid.next_goal();
    let said = Forecast::of(&grid, (end.home, end.away));
    Forecast { over: 1.0 - none, went_over: end != state.score, ..said }
}

/// Log losses at some minutes, with the gap to the even clock and the span of nineteen of twenty resamples.
fn show(matches: &[&Timed], profile: &Profile, out: &mut impl Write) -> std::io::Result<()> {
    if matches.is_empty() {
        return writeln!(out, "no match is left to be measured");
    }
    let said: Vec<Vec<(MatchState, Score)>> = matches
        .iter()
        .map(|one| {
            let states: Vec<MatchState> = minutes(one).map(|(_, state)| state).collect();
            let end = states[states.len() - 1].score;
            MEASURED_AT.map(|minute| (states[usize::from(minute)], end)).to_vec()
        })
        .collect();
    writeln!(out, "log loss over {} matches, beside a clock that runs evenly:", matches.len())?;
    writeln!(
        out,
        "minute   result     even      gap                      another    even      gap"
    )?;
    for (at, minute) in MEASURED_AT.iter().enumerate() {
        let by = |profile: &Profile| -> Vec<Forecast> {
            said.iter().map(|of| forecast(&of[at].0, profile, of[at].1)).collect()
        };
        let (ours, even) = (by(profile), by(&Profile::EVEN));
        let line = |loss: fn(&Forecast) -> f64| {
            let mean = |all: &[Forecast]| all.iter().map(loss).sum::<f64>() / all.len() as f64;
            let gap = compare(&ours, &even, loss, SEED);
            let gap = gap.map_or_else(String::new, |Difference { mean, low, high }| {
                format!("{mean:+.5} [{low:+.5}, {high:+.5}]")
            });
            format!("{:.5}  {:.5}  {gap}", mean(&ours), mean(&even))
        };
        let (result, another) = (line(Forecast::log_loss), line(Forecast::over_log_loss));
        writeln!(out, "{minute:>6}  {result:<44}  {another}")?;
    }
    Ok(())
}
