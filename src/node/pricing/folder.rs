//! A folder of football: what `serve --football DIR` tells the node when it starts, and a pull on its schedule, as a
//! provider would.
//!
//! | file | what it holds |
//! |---|---|
//! | `*.csv` | results of one competition, named by the file (`premier-league.csv`); columns as [`super::results`] reads them, with `Season`, `HTHG`, `HTAG`, shots, corners, cards and odds where there are some |
//! | `fixtures*.json`, `results*.json`, `events*.json`, `quotes*.json` | lists, as `PUT /v1/football/…` takes them |
//!
//! Read in that order, by name. What is told again at the next start changes nothing. A file that cannot be read
//! names itself, with line and column or field, and nothing is told.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use actors::football::{WORDS_MAX, Word};
use actors::node::Node;
use anyhow::{Context, anyhow, bail};
use domain::football::almanac::{FinalScore, NewFixture, Odds, Source, Stats};
use domain::time::UtcMillis;

use super::day::Day;
use super::table::{Column, Row, Table, TableError};
use crate::native::football;

const SOURCE: &str = "file";
const DAY_MS: i64 = 86_400_000;
const NOON_MS: i64 = DAY_MS / 2;
/// Averages before one bookmaker's.
const CLOSING: [[&str; 3]; 4] = [
    ["AvgCH", "AvgCD", "AvgCA"],
    ["PSCH", "PSCD", "PSCA"],
    ["home_close", "draw_close", "away_close"],
    ["B365CH", "B365CD", "B365CA"],
];
const OPENING: [[&str; 3]; 4] = [
    ["AvgH", "AvgD", "AvgA"],
    ["PSH", "PSD", "PSA"],
    ["home_open", "draw_open", "away_open"],
    ["B365H", "B365D", "B365A"],
];
/// A journal that is busy for so long is in trouble.
const BUSY_MAX: Duration = Duration::from_secs(60);
const BUSY_PAUSE: Duration = Duration::from_millis(50);
/// Of one JSON file.
const BYTES_MAX: u64 = 256 << 20;

/// Reads the folder and tells the node of it; says how much was new.
pub async fn tell(node: &Node, folder: &Path) -> anyhow::Result<usize> {
    let words = read(folder)?;
    let mut taken = 0;
    for some in words.chunks(WORDS_MAX) {
        let until = Instant::now() + BUSY_MAX;
        let told = loop {
            match football::tell(node, some.to_vec()).await {
                Ok(told) => break told,
                // A long list is more than the journal takes at once.
                Err(problem) if problem.code == "busy" && Instant::now() < until => {
                    tokio::time::sleep(BUSY_PAUSE).await;
                }
                Err(problem) => {
                    let reason = problem.reason.unwrap_or(problem.code.into());
                    return Err(anyhow!("{}: {reason}", folder.display()));
                }
            }
        };
        for (at, fault) in &told.refused {
            tracing::warn!(word = ?some[*at], %fault, "football of the folder is refused");
        }
        taken += told.taken;
    }
    Ok(taken)
}

/// Why a file's words cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum WordsError {
    /// Of a table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Of a list.
    #[error("{file}: {reason}")]
    List {
        /// Which.
        file: String,
        /// The place in it, and what is wrong there.
        reason: String,
    },
}

/// Everything that the folder's files say.
pub fn read(folder: &Path) -> anyhow::Result<Vec<Word>> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in entries {
        files.push(entry.with_context(|| folder.display().to_string())?.path());
    }
    files.sort();
    let named = |file: &Path, begin: &str, end: &str| {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned());
        name.is_some_and(|name| name.starts_with(begin) && name.ends_with(end))
    };
    let mut words = Vec::new();
    for file in files.iter().filter(|file| named(file, "", ".csv")) {
        let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        words.extend(results(&Table::read(file)?, SOURCE, &titled(&stem.unwrap_or_default()))?);
    }
    for what in football::LISTS {
        for file in files.iter().filter(|file| named(file, what, ".json")) {
            let told = || file.display().to_string();
            let size = std::fs::metadata(file).with_context(told)?.len();
            if size > BYTES_MAX {
                bail!("{}: larger than {BYTES_MAX} bytes", told());
            }
            let body = std::fs::read(file).with_context(told)?;
            words.extend(list(&told(), what, &body)?);
        }
    }
    Ok(words)
}

/// What a list says, as `PUT /v1/football/{what}` takes it.
pub fn list(file: &str, what: &str, body: &[u8]) -> Result<Vec<Word>, WordsError> {
    football::words(what, body).map_err(|problem| {
        let (field, reason) = (problem.field.unwrap_or_default(), problem.reason);
        let reason = format!("{field} {}", reason.unwrap_or(problem.code.into()));
        WordsError::List { file: file.to_owned(), reason }
    })
}

/// The fixtures and results of a table, by day and teams.
pub fn results(table: &Table, source: &str, competition: &str) -> Result<Vec<Word>, TableError> {
    let mut words = Vec::new();
    let (date, home, away) = (
        table.need(&["Date", "date"])?,
        table.need(&["HomeTeam", "home_team", "home"])?,
        table.need(&["AwayTeam", "away_team", "away"])?,
    );
    let goals =
        (table.need(&["FTHG", "HG", "home_score"])?, table.need(&["FTAG", "AG", "away_score"])?);
    let both = |home: &str, away: &str| table.find(&[home]).zip(table.find(&[away]));
    let half_time = both("HTHG", "HTAG");
    let (shots, on_target) = (both("HS", "AS"), both("HST", "AST"));
    let (corners, yellows, reds) = (both("HC", "AC"), both("HY", "AY"), both("HR", "AR"));
    let odds = OddsColumns::find(table);
    let (season, neutral) = (table.find(&["Season"]), table.find(&["neutral"]));
    for row in table.rows() {
        let day: Day = row.need(date)?.parse().map_err(|error| row.fault(date, error))?;
        let names = (row.need(home)?.to_owned(), row.need(away)?.to_owned());
        let id = format!("{competition} {day} {} {}", names.0, names.1);
        let from = || Source { source: source.to_owned(), id: id.clone() };
        let neutral = neutral.and_then(|neutral| row.text(neutral));
        words.push(Word::Fixture(NewFixture {
            from: from(),
            competition: competition.to_owned(),
            season: season.and_then(|season| row.text(season)).unwrap_or_default().to_owned(),
            kick_off: UtcMillis(i64::from(day.number()) * DAY_MS + NOON_MS),
            home: names.0,
            away: names.1,
            neutral: neutral.is_some_and(|said| matches!(said, "True" | "true" | "TRUE" | "1")),
        }));
        let counted = |columns: Option<(Column, Column)>| count(row, columns);
        let score = count(row, Some(goals))?;
        if let Some((home, away)) = score {
            let stats = Stats {
                shots: counted(shots)?,
                on_target: counted(on_target)?,
                corners: counted(corners)?,
                yellows: counted(yellows)?,
                reds: counted(reds)?,
            };
            let half_time = counted(half_time)?.filter(|half| half.0 <= home && half.1 <= away);
            words.push(Word::Result(
                from(),
                FinalScore { home, away, half_time, stats, odds: odds.read(row)? },
            ));
        }
    }
    Ok(words)
}

/// Home's, draw's and away's prices early and at the end, where the file has them.
struct OddsColumns {
    open: Option<[Column; 3]>,
    close: Option<[Column; 3]>,
}

impl OddsColumns {
    fn find(table: &Table) -> OddsColumns {
        let three = |names: &[[&str; 3]]| {
            names.iter().find_map(|[home, draw, away]| {
                Some([table.find(&[home])?, table.find(&[draw])?, table.find(&[away])?])
            })
        };
        OddsColumns { open: three(&OPENING), close: three(&CLOSING) }
    }

    /// Of a row whose prices are missing, or are none, nothing is known.
    fn read(&self, row: Row<'_>) -> Result<Option<Odds>, TableError> {
        let three = |columns: Option<[Column; 3]>| -> Result<Option<[u32; 3]>, TableError> {
            let Some(columns) = columns else { return Ok(None) };
            let mut prices = [0; 3];
            for (price, column) in prices.iter_mut().zip(columns) {
                match row.value::<f64>(column)? {
                    Some(odds) if odds > 1.0 && odds < 10_000.0 => {
                        *price = (odds * 100.0).round() as u32;
                    }
                    _ => return Ok(None),
                }
            }
            Ok(Some(prices))
        };
        let open = three(self.open)?;
        Ok(three(self.close)?.map(|close| Odds { open, close }))
    }
}

fn count(row: Row<'_>, columns: Option<(Column, Column)>) -> Result<Option<(u8, u8)>, TableError> {
    match columns {
        Some((home, away)) => Ok(row.count(home)?.zip(row.count(away)?)),
        None => Ok(None),
    }
}

/// `premier-league` as it is called: Premier League.
pub fn titled(stem: &str) -> String {
    let words = stem.split(['-', '_', ' ']).filter(|word| !word.is_empty());
    let titled = words.map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|first| first.to_uppercase().to_string());
        first.unwrap_or_default() + letters.as_str()
    });
    titled.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_folder_is_read_in_order_and_what_is_wrong_names_its_place() {
        let folder = tempfile::tempdir().expect("a directory");
        let write = |name: &str, text: &str| {
            fs::write(folder.path().join(name), text).expect("written");
        };
        let csv = "Season,Date,HomeTeam,AwayTeam,FTHG,FTAG,HTHG,HTAG,HST,AST,AvgH,AvgD,AvgA,AvgCH,AvgCD,AvgCA\n";
        write(
            "premier-league.csv",
            &format!(
                "{csv}2526,2025-08-16,A,B,2,1,1,0,5,3,2.1,3.4,3.8,1.8,3.5,4.8\n,2026-12-01,B,A,,,,,,,,,,,,\n"
            ),
        );
        write("events-1.json", r#"[{"source":"s","id":1,"seq":1,"type":"kickOff","minute":0}]"#);
        write(
            "fixtures.json",
            r#"[{"source":"s","id":1,"competition":"Premier League","season":"1",
            "kickOff":"2026-12-01T12:00:00Z","home":"B","away":"A"}]"#,
        );
        write("notes.txt", "nothing");
        let words = read(folder.path()).expect("a good folder");
        assert_eq!(words.len(), 5);
        let Word::Fixture(first) = &words[0] else { panic!("{words:?}") };
        assert_eq!(first.competition, "Premier League");
        assert!(
            matches!(&words[1], Word::Result(_, score) if score.stats.on_target == Some((5, 3)))
        );
        let odds = Odds { open: Some([210, 340, 380]), close: [180, 350, 480] };
        assert!(matches!(&words[1], Word::Result(_, score) if score.odds == Some(odds)));
        assert!(matches!(words[4], Word::Event(..)));
        write("events-2.json", r#"[{"source":"s"}]"#);
        let error = read(folder.path()).expect_err("no id").to_string();
        assert!(error.contains("events-2.json: [0].id"), "{error}");
        write("serie-a.csv", &format!("{csv}2526,soon,A,B,2,1,1,0,5,3,,,,,,\n"));
        let error = read(folder.path()).expect_err("no day").to_string();
        assert!(error.contains("serie-a.csv:2: Date"), "{error}");
    }
}
