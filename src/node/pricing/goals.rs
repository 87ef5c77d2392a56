//! The goals of matches, minute by minute, from a file; and the matches that they belong to.

use std::collections::BTreeMap;
use std::path::Path;

use domain::football::Team;
use domain::football::score_grid::Expectancy;

use super::day::Day;
use super::table::{Table, TableError};
use domain::football::club::{likeness, plain};

/// A goal or a red card. Minutes are those of the regular time; added time belongs to the 45th and 90th.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Happening {
    pub minute: u8,
    pub is_red: bool,
    pub team: Team,
}

/// A match whose pre-match expectancies are known, and what happened in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Timed {
    pub day: Day,
    pub home: String,
    pub away: String,
    pub expectancy: Expectancy,
    pub rho: Option<f64>,
    pub happenings: Vec<Happening>,
}

/// Names are the same match from here on, of home and away together (2 is the same names).
const ALIKE: f64 = 1.0;

/// Matches are those of `lambdas`; goals are given to them by day and by the likeness of names, since the
/// two files may name clubs differently. A match without goals has no rows in `events`.
pub fn read(events: &Path, lambdas: &Path) -> Result<Vec<Timed>, TableError> {
    let mut matches = expectancies(lambdas)?;
    let mut by_day: BTreeMap<Day, Vec<usize>> = BTreeMap::new();
    for (at, one) in matches.iter().enumerate() {
        by_day.entry(one.day).or_default().push(at);
    }
    let table = Table::read(events)?;
    let date = table.need(&["date", "match_date"])?;
    let home = table.need(&["home", "HomeTeam", "home_team"])?;
    let away = table.need(&["away", "AwayTeam", "away_team"])?;
    let (minute, side) = (table.need(&["minute", "minute_regulation"])?, table.need(&["side"])?);
    let kind = table.find(&["type"]);
    let mut known: BTreeMap<(Day, String, String), Option<usize>> = BTreeMap::new();
    for row in table.rows() {
        let day: Day = row.need(date)?.parse().map_err(|error| row.fault(date, error))?;
        let names = (plain(row.need(home)?), plain(row.need(away)?));
        let team = match row.need(side)? {
            "H" | "h" | "home" | "Home" => Team::Home,
            "A" | "a" | "away" | "Away" => Team::Away,
            other => return Err(row.fault(side, format!("`{other}` is neither H nor A"))),
        };
        let is_red = match kind.and_then(|kind| row.text(kind)) {
            None | Some("goal") => false,
            Some("red") => true,
            // Other things do not move the model.
            Some(_) => continue,
        };
        let minute = regular_minute(row.need(minute)?)
            .ok_or_else(|| row.fault(minute, "no minute such as 23 or 45+2"))?;
        let found = *known.entry((day, names.0.clone(), names.1.clone())).or_insert_with(|| {
            let of_day = by_day.get(&day).map_or(&[][..], Vec::as_slice);
            most_alike(&matches, of_day, &names.0, &names.1)
        });
        // Events of matches that the other file does not have are not asked for.
        if let Some(at) = found {
            matches[at].happenings.push(Happening { minute, is_red, team });
        }
    }
    for one in &mut matches {
        one.happenings.sort();
    }
    Ok(matches)
}

fn expectancies(lambdas: &Path) -> Result<Vec<Timed>, TableError> {
    let table = Table::read(lambdas)?;
    let date = table.need(&["Date", "match_date"])?;
    let (home, away) = (table.need(&["HomeTeam", "home"])?, table.need(&["AwayTeam", "away"])?);
    let home_goals = table.need(&["lh", "lambda_home"])?;
    let away_goals = table.need(&["la", "lambda_away"])?;
    let rho = table.find(&["rho"]);
    let mut matches = Vec::new();
    for row in table.rows() {
        let day = row.need(date)?.parse().map_err(|error| row.fault(date, error))?;
        let expected = |column| match row.value::<f64>(column)? {
            Some(goals) if goals > 0.0 && goals.is_finite() => Ok(goals),
            _ => Err(row.fault(column, "expected goals must be a number above 0")),
        };
        matches.push(Timed {
            day,
            home: row.need(home)?.to_owned(),
            away: row.need(away)?.to_owned(),
            expectancy: Expectancy::new(expected(home_goals)?, expected(away_goals)?),
            rho: match rho {
                Some(rho) => row.value(rho)?,
                None => None,
            },
            happenings: Vec::new(),
        });
    }
    Ok(matches)
}

fn most_alike(matches: &[Timed], of_day: &[usize], home: &str, away: &str) -> Option<usize> {
    let like = |at: usize| {
        let one = &matches[at];
        likeness(&plain(&one.home), home) + likeness(&plain(&one.away), away)
    };
    let best = of_day.iter().copied().max_by(|a, b| like(*a).total_cmp(&like(*b)))?;
    (like(best) >= ALIKE).then_some(best)
}

/// `45+2` is the 45th; what is later than the 90th is the 90th.
fn regular_minute(text: &str) -> Option<u8> {
    let minute: f64 = text.split('+').next()?.trim_end_matches('\'').parse().ok()?;
    (minute.fract() == 0.0 && (0.0..=130.0).contains(&minute)).then(|| minute.min(90.0) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_find_their_match_by_day_and_likeness() {
        let directory = tempfile::tempdir().expect("a directory");
        let (events, lambdas) = (directory.path().join("e.csv"), directory.path().join("l.csv"));
        let write = |path: &Path, text: &str| std::fs::write(path, text).expect("written");
        write(
            &lambdas,
            "Date,HomeTeam,AwayTeam,lh,la\n2017-08-12,Man United,West Ham,2,0.8\n\
             2017-08-12,Newcastle,Tottenham,1,1.7\n2017-08-13,Wigan,QPR,1,1\n",
        );
        write(
            &events,
            "date,home,away,minute,side\n2017-08-12,Manchester United,West Ham United,33,H\n\
             2017-08-12,Newcastle United,Tottenham Hotspur,90+4,A\n\
             2017-08-13,Wigan Athletic,Queens Park Rangers,45+1,A\n2017-08-14,Nobody,Else,1,H\n",
        );
        let matches = read(&events, &lambdas).expect("two files");
        let minutes: Vec<Vec<u8>> = matches
            .iter()
            .map(|one| one.happenings.iter().map(|happening| happening.minute).collect())
            .collect();
        assert_eq!(minutes, [vec![33], vec![90], vec![45]]);
        write(&events, "date,home,away,minute,side\n2017-08-12,Newcastle,Tottenham,x,A\n");
        let error = read(&events, &lambdas).expect_err("no minute").to_string();
        assert!(error.contains("e.csv:2: minute"), "{error}");
        write(&lambdas, "Date,HomeTeam,AwayTeam,lh,la\n2017-08-12,A,B,-1,0.8\n");
        assert!(read(&events, &lambdas).expect_err("no goals").to_string().contains("l.csv:2: lh"));
    }
}
