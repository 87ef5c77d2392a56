//! Providers of football that the node asks by itself, on a schedule: a directory, or a file behind a URL.
//!
//! Owns     the settings of a pull, its schedule, and how what is there is told from what was seen.
//! Never    decides when it is asked (`actors::pull` does) or what is believed (`actors::football` does).
//! Bounds   `BYTES_MAX` of a file, `REDIRECTS_MAX` on the way to it, `actors::pull::PATIENCE` for all of it. A server
//!          is asked with what it said of the last file, and need not send the same one again.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use actors::football::Word;
use actors::pull::{Fetched, PATIENCE, Provider};
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use domain::time::UtcMillis;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ureq::Agent;

use crate::pricing::folder::{self, WordsError};
use crate::pricing::table::Table;

const BYTES_MAX: u64 = 64 << 20;
const REDIRECTS_MAX: u32 = 4;

/// A pull, as the configuration has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullSettings {
    /// What it is called; a CSV's matches have it as their source.
    pub name: String,
    /// When.
    pub schedule: Schedule,
    /// Whom to ask.
    pub from: Where,
}

/// Where football is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Where {
    /// In the files of a directory.
    Folder(PathBuf),
    /// In one file.
    Url {
        /// Over HTTP or HTTPS.
        url: String,
        /// How it is read.
        what: What,
    },
}

/// How a file is read whose name does not say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A table of results.
    Csv {
        /// Whose results.
        competition: String,
    },
    /// `fixtures`, `results` or `events`, as `PUT /v1/football/…` takes them.
    List(&'static str),
}

impl What {
    /// As the configuration says it.
    pub fn word(&self) -> &'static str {
        match self {
            What::Csv { .. } => "csv",
            What::List(list) => list,
        }
    }
}

/// Moments of UTC, by an expression of five fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule(Cron);

impl Schedule {
    /// The expression.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The first such moment after this one.
    pub fn after(&self, moment: UtcMillis) -> Option<UtcMillis> {
        let moment = Timestamp::from_millisecond(moment.0).ok()?.to_zoned(TimeZone::UTC);
        let next = self.0.find_next_occurrence(&moment, false).ok()?;
        Some(UtcMillis(next.timestamp().as_millisecond()))
    }
}

impl FromStr for Schedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Schedule, String> {
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed);
        let cron =
            parser.build().parse(text).map_err(|error| format!("is no schedule: {error}"))?;
        Ok(Schedule(cron))
    }
}

/// What the actor of a pull asks.
#[derive(Debug)]
pub struct NodeProvider {
    settings: PullSettings,
    agent: Agent,
}

impl NodeProvider {
    /// Of these settings.
    pub fn of(settings: &PullSettings) -> Arc<dyn Provider> {
        let agent = Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .max_redirects(REDIRECTS_MAX)
            .user_agent(concat!("laybook/", env!("CARGO_PKG_VERSION")))
            .build();
        Arc::new(NodeProvider { settings: settings.clone(), agent: agent.into() })
    }

    fn fetch_url(
        &self,
        url: &str,
        what: &What,
        seen: Option<&str>,
    ) -> Result<Option<Fetched>, String> {
        let mut request = self.agent.get(url);
        // What stands for a file is the server's own word for it, with the name of the header that says it back.
        if let Some((header, value)) = seen.and_then(|seen| seen.split_once(' ')) {
            request = request.header(header, value);
        }
        let mut response = request.call().map_err(|error| format!("{url}: {error}"))?;
        if response.status() == 304 {
            return Ok(None);
        }
        let said = |name: &str| response.headers().get(name)?.to_str().ok().map(str::to_owned);
        let seen = said("etag").map(|tag| format!("if-none-match {tag}"));
        let seen = seen.or_else(|| Some(format!("if-modified-since {}", said("last-modified")?)));
        let body = response.body_mut().with_config().limit(BYTES_MAX).read_to_vec();
        let body = body.map_err(|error| format!("{url}: {error}"))?;
        let words = self.read(url, what, &body).map_err(|error| error.to_string())?;
        Ok(Some(Fetched { words, seen }))
    }

    fn read(&self, url: &str, what: &What, body: &[u8]) -> Result<Vec<Word>, WordsError> {
        match what {
            What::Csv { competition } => {
                let table = Table::of(url.to_owned(), body)?;
                Ok(folder::results(&table, &self.settings.name, competition)?)
            }
            What::List(list) => folder::list(url, list, body),
        }
    }
}

impl Provider for NodeProvider {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn due_after(&self, moment: UtcMillis) -> Option<UtcMillis> {
        self.settings.schedule.after(moment)
    }

    fn fetch(&self, seen: Option<&str>) -> Result<Option<Fetched>, String> {
        match &self.settings.from {
            Where::Folder(path) => {
                let now = look_of(path).map_err(|error| format!("{}: {error}", path.display()))?;
                if seen == Some(&now) {
                    return Ok(None);
                }
                let words = folder::read(path).map_err(|error| format!("{error:#}"))?;
                Ok(Some(Fetched { words, seen: Some(now) }))
            }
            Where::Url { url, what } => self.fetch_url(url, what, seen),
        }
    }
}

/// Stands for what a directory holds: names, sizes and times of its files.
fn look_of(folder: &Path) -> std::io::Result<String> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let about = entry.metadata()?;
        files.push(format!("{:?} {} {:?}", entry.file_name(), about.len(), about.modified()?));
    }
    files.sort();
    Ok(blake3::hash(files.join("\n").as_bytes()).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> UtcMillis {
        UtcMillis(text.parse::<Timestamp>().expect("a time").as_millisecond())
    }

    #[test]
    fn a_schedule_is_what_cron_makes_of_it_in_utc() {
        let check = |schedule: &str, after: &str, expected: &str| {
            let schedule: Schedule = schedule.parse().expect("a schedule");
            assert_eq!(schedule.after(moment(after)), Some(moment(expected)), "{schedule:?}");
        };
        check("*/15 * * * *", "2026-11-30T10:00:00Z", "2026-11-30T10:15:00Z");
        check("0 3 * * *", "2026-11-30T03:00:00.001Z", "2026-12-01T03:00:00Z");
        check("30 12-14 * * SAT", "2026-11-30T00:00:00Z", "2026-12-05T12:30:00Z");
        check("0 0 29 2 *", "2026-11-30T00:00:00Z", "2028-02-29T00:00:00Z");
    }

    #[test]
    fn what_is_no_schedule_says_so() {
        for wrong in ["", "often", "* * * *", "61 * * * *", "* * * * * *", "0 0 0 * *"] {
            let error = wrong.parse::<Schedule>().expect_err(wrong);
            assert!(error.starts_with("is no schedule: "), "{wrong}: {error}");
        }
        let never: Result<Schedule, _> = "0 0 30 2 *".parse();
        assert!(never.is_err() || never.is_ok_and(|it| it.after(UtcMillis(0)).is_none()));
    }

    #[test]
    fn a_directory_that_did_not_change_is_not_read_again() {
        let folder = tempfile::tempdir().expect("a directory");
        let settings = PullSettings {
            name: "mine".to_owned(),
            schedule: "* * * * *".parse().expect("a schedule"),
            from: Where::Folder(folder.path().to_owned()),
        };
        let provider = NodeProvider::of(&settings);
        let file = folder.path().join("premier-league.csv");
        std::fs::write(&file, "Date,HomeTeam,AwayTeam,FTHG,FTAG\n2025-08-16,A,B,2,1\n").unwrap();
        let first = provider.fetch(None).expect("readable").expect("new");
        assert_eq!(first.words.len(), 2);
        let seen = first.seen.as_deref();
        assert!(provider.fetch(seen).expect("readable").is_none());
        std::fs::write(&file, "Date,HomeTeam,AwayTeam,FTHG,FTAG\n2025-08-16,A,B,2,10\n").unwrap();
        assert!(provider.fetch(seen).expect("readable").is_some());
        std::fs::write(&file, "Date,HomeTeam\n").unwrap();
        let error = provider.fetch(seen).expect_err("no away team");
        assert!(error.contains("premier-league.csv: no column"), "{error}");
    }
}
