//! `laybook fit`: how strong teams are, learned from files of results.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, bail, ensure};
use clap::{Args, ValueEnum};
use domain::football::ratings::{self, Ratings, Settings, TeamIndex};
use serde_json::json;

use super::day::Day;
use super::results::{Competition, Results};
use crate::cli::Exit;
use domain::football::club::{likeness, plain};

/// Which model is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Model {
    /// Dixon and Coles with a prior and shots on target
    #[default]
    Champion,
    /// The same prior on goals alone, without a factor on low scores
    Poisson,
    /// Dixon and Coles on all results alike, without a prior
    Plain,
    /// Poisson on all results alike, without a prior
    PlainPoisson,
}

impl Model {
    /// What it believes and how fast it forgets.
    pub fn settings(self) -> Settings {
        match self {
            Model::Champion => Settings::CHAMPION,
            Model::Poisson => Settings::POISSON,
            Model::Plain => Settings::PLAIN,
            Model::PlainPoisson => Settings { correlated: false, ..Settings::PLAIN },
        }
    }
}

/// The arguments of `laybook fit`
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = "\
Files have a header; columns are Date, HomeTeam, AwayTeam, FTHG, FTAG and, where counted, HST, AST and neutral.
Example:
  laybook fit --results premier-league.csv --on 2024-05-19")]
pub struct FitArgs {
    /// Files of results (CSV)
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    pub results: Vec<PathBuf>,
    /// Only results before this date; the day after the last one otherwise
    #[arg(long, value_name = "DATE")]
    pub on: Option<Day>,
    /// Which model
    #[arg(long, value_enum, default_value_t)]
    pub model: Model,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
}

/// One competition and what its results say.
#[derive(Debug, Clone)]
pub struct FittedCompetition {
    pub teams: Vec<String>,
    pub ratings: Ratings,
}

/// Every competition of some files.
#[derive(Debug, Clone)]
pub struct Fitted {
    pub competitions: Vec<FittedCompetition>,
}

impl Fitted {
    /// Reads the files and fits each competition.
    pub fn read(args: &FitArgs) -> anyhow::Result<Self> {
        let results = Results::read(&args.results)?;
        let mut competitions = Vec::new();
        for Competition { teams, played } in results.competitions {
            let day = args.on.map(Day::number);
            let after = played.iter().map(|played| played.day + 1).max().unwrap_or(0);
            let fitted = ratings::fit(day.unwrap_or(after), &played, &args.model.settings(), None);
            let first = teams.first().cloned().unwrap_or_default();
            let ratings = fitted.with_context(|| format!("the competition of {first}"))?;
            competitions.push(FittedCompetition { teams, ratings });
        }
        ensure!(!competitions.is_empty(), "no results in these files");
        Ok(Fitted { competitions })
    }

    /// A team by its name, or by one that can only mean it.
    pub fn find(&self, name: &str) -> anyhow::Result<(usize, TeamIndex)> {
        let wanted = plain(name);
        let all = self.competitions.iter().enumerate().flat_map(|(at, competition)| {
            competition.teams.iter().enumerate().map(move |(team, name)| (at, team, name))
        });
        let mut alike: Vec<(f64, usize, usize, &String)> = all
            .map(|(at, team, name)| (likeness(&plain(name), &wanted), at, team, name))
            .filter(|(likeness, ..)| *likeness > 0.9)
            .collect();
        alike.sort_by(|a, b| b.0.total_cmp(&a.0));
        match alike.as_slice() {
            [(best, at, team, _), rest @ ..]
                if rest.first().is_none_or(|(next, ..)| *next < *best) =>
            {
                Ok((*at, TeamIndex(u16::try_from(*team)?)))
            }
            [] => bail!("no team is called `{name}`"),
            several => {
                let names: Vec<&str> = several.iter().map(|(.., name)| name.as_str()).collect();
                bail!("`{name}` may be {}", names.join(" or "))
            }
        }
    }
}

/// Prints the ratings, strongest first.
pub fn run(args: &FitArgs) -> anyhow::Result<Exit> {
    let fitted = Fitted::read(args)?;
    let mut out = std::io::stdout().lock();
    for FittedCompetition { teams, ratings } in &fitted.competitions {
        let mut order: Vec<usize> = (0..ratings.attack.len()).collect();
        let strength = |team: usize| ratings.attack[team] + ratings.defence[team];
        order.sort_by(|a, b| strength(*b).total_cmp(&strength(*a)));
        if args.json {
            let team = |team: &usize| {
                json!({
                    "name": teams[*team],
                    "attack": ratings.attack[*team],
                    "defence": ratings.defence[*team],
                })
            };
            let shown = json!({
                "matches": ratings.matches,
                "iterations": ratings.iterations,
                "logLikelihood": ratings.log_likelihood,
                "base": ratings.base,
                "homeAdvantage": ratings.home_advantage,
                "rho": ratings.rho,
                "teams": order.iter().map(team).collect::<Vec<_>>(),
            });
            writeln!(out, "{shown}")?;
            continue;
        }
        writeln!(
            out,
            "{} matches, log likelihood {:.4}, base {:.4}, home advantage {:.4}, rho {:.4}, {} steps",
            ratings.matches,
            ratings.log_likelihood,
            ratings.base,
            ratings.home_advantage,
            ratings.rho,
            ratings.iterations
        )?;
        writeln!(out, "  {:<28} {:>8} {:>8} {:>8}", "team", "attack", "defence", "both")?;
        for team in order {
            let (attack, defence) = (ratings.attack[team], ratings.defence[team]);
            let both = attack + defence;
            writeln!(out, "  {:<28} {attack:>8.3} {defence:>8.3} {both:>8.3}", teams[team])?;
        }
    }
    Ok(Exit::Done)
}
