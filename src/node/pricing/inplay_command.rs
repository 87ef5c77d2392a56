//! `laybook inplay`: the probabilities of matches in every minute, from what was expected of them and the
//! goals that fell.
//!
//! A goal in the 16th minute counts from minute 16 on. Minute 45 is half time and minute 90 the end, added
//! time included.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;
use domain::football::Team;
use domain::football::inplay::{Clock, MatchState};
use domain::football::score_grid::GoalLine;

use super::goals::{self, Timed};
use super::{RHO, progress};
use crate::cli::Exit;

/// The arguments of `laybook inplay`
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Example:
  laybook inplay --events goal_minutes.csv --lambdas implied_lambdas.csv --out minutes.csv")]
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
}

const HEADER: &str = "date,home,away,minute,home_goals,away_goals,p_home,p_draw,p_away,p_over25,\
                      p_next_home,p_next_away,p_no_more";
const TWO_AND_A_HALF: GoalLine = GoalLine(10);

/// Writes minutes 0 to 90 of every match.
pub fn run(args: &InplayArgs) -> anyhow::Result<Exit> {
    let matches = goals::read(&args.events, &args.lambdas)?;
    ensure!(!matches.is_empty(), "{}: no match", args.lambdas.display());
    let file = std::fs::File::create(&args.out)
        .with_context(|| format!("--out {}", args.out.display()))?;
    let mut out = std::io::BufWriter::new(file);
    writeln!(out, "{HEADER}")?;
    let bar = progress("pricing", matches.len());
    for one in &matches {
        minutes(one, &mut out)?;
        bar.inc(1);
    }
    out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    bar.finish_and_clear();
    let with_goals = matches.iter().filter(|one| !one.happenings.is_empty()).count();
    writeln!(std::io::stdout(), "{} matches, {with_goals} of them with events", matches.len())?;
    Ok(Exit::Done)
}

fn minutes(one: &Timed, out: &mut impl Write) -> anyhow::Result<()> {
    let mut state = MatchState::before(one.expectancy, one.rho.unwrap_or(RHO));
    let mut happenings = one.happenings.iter().peekable();
    let mut names = csv::WriterBuilder::new().from_writer(Vec::new());
    names.write_record([one.day.to_string().as_str(), &one.home, &one.away])?;
    let names = String::from_utf8(names.into_inner()?)?;
    for minute in 0..=90_u8 {
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
        let grid = state.grid();
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
