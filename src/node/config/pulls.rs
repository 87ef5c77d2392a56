//! `[[pulls]]`: providers of football that are asked on a schedule, one table each.
//!
//! | key | what it is |
//! |---|---|
//! | `name` | a word of 1 to 32 small letters, digits, `-`, `_`; no other pull has it |
//! | `schedule` | minute, hour, day, month and weekday in UTC, as cron reads them: `*/15 12-23 * * SAT,SUN` |
//! | `from` | a directory, as `serve --football` reads one, or the URL of one file |
//! | `what` | of a URL: `csv` (results), or a list as `PUT /v1/football/…` takes it: `fixtures`, `results`, `events`, `quotes`; without it, `csv` where the URL ends so |
//! | `competition` | of a CSV's results; without it, the name as a title |

use super::list::Reader;
use crate::native::football::LISTS;
use crate::pull::{PullSettings, Schedule, What, Where};

const KEYS: [&str; 5] = ["name", "schedule", "from", "what", "competition"];

pub(super) fn read(table: &mut Reader<'_>) -> Option<PullSettings> {
    table.only(&KEYS);
    let name = table.name();
    let schedule = table.text("schedule").and_then(|schedule| {
        let schedule = schedule.ok_or_else(|| "is missing: five fields, as cron reads them".into());
        table.keep("schedule", schedule.and_then(|text| text.parse::<Schedule>()))
    });
    let from = table.text("from").and_then(|from| {
        let from = from.filter(|from| !from.is_empty());
        table.keep("from", from.ok_or_else(|| "is missing: a directory or a URL".to_owned()))
    });
    let what = table.text("what");
    let competition = table.text("competition");
    let (name, schedule, from, what, competition) = (name?, schedule?, from?, what?, competition?);
    if !from.starts_with("http://") && !from.starts_with("https://") {
        if from.contains("://") {
            table.refuse("from", "is neither a directory nor a URL of http or https".to_owned());
            return None;
        }
        for (key, is_there) in [("what", what.is_some()), ("competition", competition.is_some())] {
            if is_there {
                let reason = "is for URLs: the files of a directory say it by their names";
                table.refuse(key, reason.to_owned());
                return None;
            }
        }
        return Some(PullSettings { name, schedule, from: Where::Folder(from.into()) });
    }
    let url = table.keep("from", crate::url::read(&from).map(|_| from))?;
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let what = match what.as_deref() {
        Some("csv") => Ok("csv"),
        None if path.ends_with(".csv") => Ok("csv"),
        Some(what) => match LISTS.into_iter().find(|list| *list == what) {
            Some(list) => Ok(list),
            None => Err(format!("is not one of csv, {}", LISTS.join(", "))),
        },
        None => Err(format!("is missing: one of csv, {}", LISTS.join(", "))),
    };
    let what = match table.keep("what", what)? {
        "csv" => {
            let competition = competition.unwrap_or_else(|| crate::pricing::folder::titled(&name));
            What::Csv { competition }
        }
        list => {
            if competition.is_some() {
                table.refuse("competition", "is for CSV: a list names its own".to_owned());
                return None;
            }
            What::List(list)
        }
    };
    Some(PullSettings { name, schedule, from: Where::Url { url, what } })
}

/// As the file would say it.
pub(super) fn to_toml(pull: &PullSettings, origin: &str) -> String {
    let mut toml = format!("\n[[pulls]]  # {origin}\nname = {:?}\n", pull.name);
    toml += &format!("schedule = {:?}\n", pull.schedule.as_str());
    match &pull.from {
        Where::Folder(folder) => toml += &format!("from = {:?}\n", folder.display().to_string()),
        Where::Url { url, what } => {
            toml += &format!("from = {url:?}\nwhat = {:?}\n", what.word());
            if let What::Csv { competition } = what {
                toml += &format!("competition = {competition:?}\n");
            }
        }
    }
    toml
}

/// As `config show --json` has it.
pub(super) fn to_json(pull: &PullSettings, origin: &str) -> serde_json::Value {
    let (from, what) = match &pull.from {
        Where::Folder(folder) => (folder.display().to_string(), None),
        Where::Url { url, what } => (url.clone(), Some(what)),
    };
    let competition = what.and_then(|what| match what {
        What::Csv { competition } => Some(competition),
        What::List(_) => None,
    });
    serde_json::json!({
        "name": pull.name,
        "schedule": pull.schedule.as_str(),
        "from": from,
        "what": what.map(What::word),
        "competition": competition,
        "origin": origin,
    })
}
