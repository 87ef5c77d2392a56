//! Results from files, sorted into competitions.
//!
//! Files do not say which rows belong together, and need not: teams that have played each other, directly
//! or through others, are one competition. So seasons may come as many files, leagues in one.

use std::collections::HashMap;
use std::path::PathBuf;

use domain::football::ratings::{Played, TeamIndex};

use super::day::Day;
use super::table::{Table, TableError};

const DATE: [&str; 3] = ["Date", "date", "match_date"];
const HOME: [&str; 5] = ["HomeTeam", "home_team", "home", "home_team_name", "Home"];
const AWAY: [&str; 5] = ["AwayTeam", "away_team", "away", "away_team_name", "Away"];
const HOME_GOALS: [&str; 4] = ["FTHG", "HG", "home_score", "home_team_score"];
const AWAY_GOALS: [&str; 4] = ["FTAG", "AG", "away_score", "away_team_score"];

/// One row: a match, played or still to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    pub day: Day,
    pub home: String,
    pub away: String,
    /// Of the team within its competition.
    pub home_index: TeamIndex,
    pub away_index: TeamIndex,
    pub goals: Option<(u8, u8)>,
    pub shots: Option<(u8, u8)>,
    pub neutral: bool,
    /// Which competition, by its place in [`Results::competitions`].
    pub competition: usize,
}

/// Teams that are connected by their matches.
#[derive(Debug, Clone, Default)]
pub struct Competition {
    /// By `TeamIndex`.
    pub teams: Vec<String>,
    pub played: Vec<Played>,
}

/// Everything that the files say.
#[derive(Debug, Clone, Default)]
pub struct Results {
    /// By date, then in the order of the files.
    pub matches: Vec<Match>,
    pub competitions: Vec<Competition>,
}

impl Results {
    /// Reads files of results. A match that two files have is one; when they disagree about it, that is an
    /// error.
    pub fn read(files: &[PathBuf]) -> Result<Self, TableError> {
        let mut matches: Vec<Match> = Vec::new();
        let mut known: HashMap<(Day, String, String), usize> = HashMap::new();
        for file in files {
            let table = Table::read(file)?;
            let (date, home, away) = (table.need(&DATE)?, table.need(&HOME)?, table.need(&AWAY)?);
            let goals = (table.need(&HOME_GOALS)?, table.need(&AWAY_GOALS)?);
            let shots = table.find(&["HST"]).zip(table.find(&["AST"]));
            let neutral = table.find(&["neutral"]);
            for row in table.rows() {
                let day: Day = row.need(date)?.parse().map_err(|error| row.fault(date, error))?;
                let names = (row.need(home)?.to_owned(), row.need(away)?.to_owned());
                if names.0 == names.1 {
                    return Err(row.fault(away, "a team cannot play itself"));
                }
                let goals = row.count(goals.0)?.zip(row.count(goals.1)?);
                let shots = match shots {
                    Some((home, away)) => row.count(home)?.zip(row.count(away)?),
                    None => None,
                };
                let neutral = neutral.and_then(|neutral| row.text(neutral));
                let one = Match {
                    day,
                    home: names.0.clone(),
                    away: names.1.clone(),
                    home_index: TeamIndex(0),
                    away_index: TeamIndex(0),
                    goals,
                    shots,
                    neutral: neutral
                        .is_some_and(|said| matches!(said, "True" | "true" | "TRUE" | "1")),
                    competition: 0,
                };
                match known.entry((day, names.0, names.1)) {
                    std::collections::hash_map::Entry::Vacant(new) => {
                        new.insert(matches.len());
                        matches.push(one);
                    }
                    std::collections::hash_map::Entry::Occupied(old) => {
                        let old = &mut matches[*old.get()];
                        if old.goals.is_some() && one.goals.is_some() && old.goals != one.goals {
                            return Err(row.fault_of_row(format!(
                                "{} v {} on {day} ended otherwise in an earlier row",
                                one.home, one.away
                            )));
                        }
                        old.goals = old.goals.or(one.goals);
                        old.shots = old.shots.or(one.shots);
                    }
                }
            }
        }
        matches.sort_by_key(|one| one.day);
        let mut results = Results { matches, competitions: Vec::new() };
        results.sort_into_competitions()?;
        Ok(results)
    }

    fn sort_into_competitions(&mut self) -> Result<(), TableError> {
        let mut numbers: HashMap<String, usize> = HashMap::new();
        let mut leaders: Vec<usize> = Vec::new();
        let mut number = |name: &str, leaders: &mut Vec<usize>| match numbers.get(name) {
            Some(number) => *number,
            None => {
                let number = leaders.len();
                leaders.push(number);
                numbers.insert(name.to_owned(), number);
                number
            }
        };
        let pairs: Vec<(usize, usize)> = self
            .matches
            .iter()
            .map(|one| (number(&one.home, &mut leaders), number(&one.away, &mut leaders)))
            .collect();
        for (home, away) in &pairs {
            let (home, away) = (leader(&mut leaders, *home), leader(&mut leaders, *away));
            leaders[home.max(away)] = home.min(away);
        }
        let mut places: HashMap<usize, usize> = HashMap::new();
        let mut indices: HashMap<usize, TeamIndex> = HashMap::new();
        for (one, (home, away)) in self.matches.iter_mut().zip(pairs) {
            let group = leader(&mut leaders, home);
            let competitions = &mut self.competitions;
            let place = *places.entry(group).or_insert_with(|| {
                competitions.push(Competition::default());
                competitions.len() - 1
            });
            let competition = &mut competitions[place];
            let mut index = |team: usize, name: &str| {
                *indices.entry(team).or_insert_with(|| {
                    competition.teams.push(name.to_owned());
                    // As many teams as a file has names; the last index is shared when there are more.
                    TeamIndex(u16::try_from(competition.teams.len() - 1).unwrap_or(u16::MAX))
                })
            };
            one.home_index = index(home, &one.home);
            one.away_index = index(away, &one.away);
            one.competition = place;
            if competition.teams.len() > TEAMS_MAX {
                let reason = format!("more than {TEAMS_MAX} teams play each other");
                return Err(TableError::File { file: "results".to_owned(), reason });
            }
            if let Some((home_goals, away_goals)) = one.goals {
                competition.played.push(Played {
                    day: one.day.number(),
                    home: one.home_index,
                    away: one.away_index,
                    home_goals,
                    away_goals,
                    shots: one.shots,
                    neutral: one.neutral,
                    worth: None,
                });
            }
        }
        Ok(())
    }
}

/// A fit of so many still takes no more than a second; no competition has as many.
const TEAMS_MAX: usize = 400;

fn leader(leaders: &mut [usize], of: usize) -> usize {
    let mut top = of;
    while leaders[top] != top {
        leaders[top] = leaders[leaders[top]];
        top = leaders[top];
    }
    top
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn read(files: &[&str]) -> Result<Results, TableError> {
        let directory = tempfile::tempdir().expect("a directory");
        let mut paths = Vec::new();
        for (at, text) in files.iter().enumerate() {
            let path = directory.path().join(format!("{at}.csv"));
            fs::write(&path, text).expect("written");
            paths.push(path);
        }
        Results::read(&paths)
    }

    const HEAD: &str = "Date,HomeTeam,AwayTeam,FTHG,FTAG,HST,AST\n";

    #[test]
    fn teams_that_meet_are_one_competition_whatever_the_files() {
        let one = format!("{HEAD}2024-01-06,A,B,1,0,3,2\n2024-01-06,X,Y,2,2,,\n");
        let two = format!("{HEAD}13/01/2024,B,C,0,0,1,1\n13/01/24,Y,X,,,,\n06/01/24,A,B,1,0,,\n");
        let results = read(&[&one, &two]).expect("two files");
        assert_eq!(results.matches.len(), 4, "a match that both have is one");
        assert_eq!(results.competitions.len(), 2);
        assert_eq!(results.competitions[0].teams, ["A", "B", "C"]);
        assert_eq!(results.competitions[1].played.len(), 1, "one is still to be played");
        assert_eq!(results.matches[0].shots, Some((3, 2)));
    }

    #[test]
    fn what_cannot_be_names_file_and_line() {
        let fails = |text: &str| read(&[text]).expect_err(text).to_string();
        assert!(fails("Date,HomeTeam,FTHG,FTAG\n").contains("no column AwayTeam"));
        assert!(fails(&format!("{HEAD}2024-01-06,A,A,1,0,,\n")).contains(".csv:2: AwayTeam"));
        assert!(
            fails(&format!("{HEAD}yesterday,A,B,1,0,,\n")).contains(".csv:2: Date: `yesterday`")
        );
        assert!(fails(&format!("{HEAD}2024-01-06,A,B,-1,0,,\n")).contains("FTHG"));
        let twice = format!("{HEAD}2024-01-06,A,B,1,0,,\n2024-01-06,A,B,1,1,,\n");
        assert!(fails(&twice).contains(".csv:3: A v B on 2024-01-06 ended otherwise"));
    }
}
