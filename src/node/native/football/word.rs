//! What a provider may say, read from JSON strictly: nothing unknown, nothing guessed, every refusal by field.

use actors::football::{WORDS_MAX, Word};
use domain::football::Team;
use domain::football::almanac::{
    FinalScore, LINES_MAX, LineQuote, NewFixture, Odds, Quotes, SHARE_MAX, Source, Stats,
};
use domain::football::live::{FeedEvent, FeedKind, MINUTE_MAX};
use domain::time::UtcMillis;

use crate::operator::json::{self, Members};
use crate::operator::problem::Problem;

/// How one object of a list is read.
type Reader = fn(&mut Members<'_>) -> Result<Word, Problem>;

/// A list of words of one kind.
pub(super) fn list(body: &[u8], read: Reader) -> Result<Vec<Word>, Problem> {
    json::read_list(body, WORDS_MAX, read)
}

fn source(m: &mut Members<'_>) -> Result<Source, Problem> {
    let (source, id) = (m.name("source")?, m.key("id")?);
    Ok(Source { source: m.must("source", source)?, id: m.must("id", id)? })
}

/// `{source,id,competition,season,kickOff,home,away,neutral?}`
pub(super) fn fixture(m: &mut Members<'_>) -> Result<Word, Problem> {
    let from = source(m)?;
    let (competition, season) = (m.name("competition")?, m.key("season")?);
    let (kick_off, home, away) = (m.time("kickOff")?, m.name("home")?, m.name("away")?);
    Ok(Word::Fixture(NewFixture {
        from,
        competition: m.must("competition", competition)?,
        season: m.must("season", season)?,
        kick_off: UtcMillis(m.must("kickOff", kick_off)?),
        home: m.must("home", home)?,
        away: m.must("away", away)?,
        neutral: m.truth("neutral")?.unwrap_or(false),
    }))
}

/// `{source,id,homeGoals,awayGoals,halfTime?,stats?,odds?}`
pub(super) fn result(m: &mut Members<'_>) -> Result<Word, Problem> {
    let from = source(m)?;
    let (home, away) = (m.goals("homeGoals")?, m.goals("awayGoals")?);
    let score = FinalScore {
        home: m.must("homeGoals", home)?,
        away: m.must("awayGoals", away)?,
        half_time: m.score("halfTime")?,
        stats: m.object("stats", stats)?.unwrap_or_default(),
        odds: m.object("odds", odds)?,
    };
    Ok(Word::Result(from, score))
}

fn stats(m: &mut Members<'_>) -> Result<Stats, Problem> {
    let mut both = |home, away| {
        let (home, away) = (m.goals(home)?, m.goals(away)?);
        Ok::<_, Problem>(home.zip(away))
    };
    Ok(Stats {
        shots: both("homeShots", "awayShots")?,
        on_target: both("homeShotsOnTarget", "awayShotsOnTarget")?,
        corners: both("homeCorners", "awayCorners")?,
        yellows: both("homeYellows", "awayYellows")?,
        reds: both("homeReds", "awayReds")?,
    })
}

/// `{homeOpen?,drawOpen?,awayOpen?,homeClose,drawClose,awayClose}`
fn odds(m: &mut Members<'_>) -> Result<Odds, Problem> {
    let mut price = |name| {
        let hundredths = m.decimal("bad_number", name, *ODDS_RANGE.start(), *ODDS_RANGE.end())?;
        Ok::<_, Problem>(hundredths.and_then(|hundredths| u32::try_from(hundredths).ok()))
    };
    let open = [price("homeOpen")?, price("drawOpen")?, price("awayOpen")?];
    let [home, draw, away] = [price("homeClose")?, price("drawClose")?, price("awayClose")?];
    let open = match open {
        [Some(home), Some(draw), Some(away)] => Some([home, draw, away]),
        _ => None,
    };
    let close =
        [m.must("homeClose", home)?, m.must("drawClose", draw)?, m.must("awayClose", away)?];
    Ok(Odds { open, close })
}

/// A bookmaker's price, in hundredths.
pub(super) const ODDS_RANGE: std::ops::RangeInclusive<i64> = 101..=1_000_000;

/// `{source,id,matchOdds?,totals?,handicaps?,bothScore?,share?}`
pub(super) fn quotes(m: &mut Members<'_>) -> Result<Word, Problem> {
    let from = source(m)?;
    let match_odds = m.object("matchOdds", |m| prices(m, ["home", "draw", "away"]))?;
    let totals = m.objects("totals", LINES_MAX, |m| line(m, TOTALS, ["over", "under"]))?;
    let handicaps = m.objects("handicaps", LINES_MAX, |m| line(m, HANDICAPS, ["home", "away"]))?;
    let both_score = m.object("bothScore", |m| prices(m, ["yes", "no"]))?;
    let share = m.integer("share", 0, i64::from(SHARE_MAX))?;
    let quotes = Quotes {
        match_odds,
        totals: totals.unwrap_or_default(),
        handicaps: handicaps.unwrap_or_default(),
        both_score,
        share: share.and_then(|share| u8::try_from(share).ok()).unwrap_or(SHARE_MAX),
    };
    Ok(Word::Quotes(from, quotes))
}

fn prices<const N: usize>(
    m: &mut Members<'_>,
    names: [&'static str; N],
) -> Result<[u32; N], Problem> {
    let mut all = [0; N];
    for (price, name) in all.iter_mut().zip(names) {
        let hundredths = m.decimal("bad_number", name, *ODDS_RANGE.start(), *ODDS_RANGE.end())?;
        *price = u32::try_from(m.must(name, hundredths)?).unwrap_or_default();
    }
    Ok(all)
}

fn line(
    m: &mut Members<'_>,
    range: std::ops::RangeInclusive<i64>,
    names: [&'static str; 2],
) -> Result<LineQuote, Problem> {
    let hundredths = m.decimal("bad_number", "line", *range.start(), *range.end())?;
    let hundredths = m.must("line", hundredths)?;
    if hundredths % QUARTER != 0 {
        return Err(m.refused("bad_number", "line", "is not a number of quarter goals"));
    }
    let line = i32::try_from(hundredths / QUARTER).unwrap_or_default();
    Ok(LineQuote { line, odds: prices(m, names)? })
}

/// Of a goal, in hundredths.
const QUARTER: i64 = 25;
/// Lines that may be quoted, in hundredths.
pub(super) const TOTALS: std::ops::RangeInclusive<i64> = 25..=1_000;
pub(super) const HANDICAPS: std::ops::RangeInclusive<i64> = -600..=600;

#[derive(Clone, Copy)]
enum Kind {
    OfTeam(fn(Team) -> FeedKind),
    OfMatch(FeedKind),
}

const KINDS: [(&str, Kind); 13] = [
    ("kickOff", Kind::OfMatch(FeedKind::KickOff)),
    ("goal", Kind::OfTeam(FeedKind::Goal)),
    ("goalCancelled", Kind::OfTeam(FeedKind::GoalCancelled)),
    ("red", Kind::OfTeam(FeedKind::Red)),
    ("penalty", Kind::OfTeam(FeedKind::Penalty)),
    ("varStart", Kind::OfMatch(FeedKind::VarStart)),
    ("varEnd", Kind::OfMatch(FeedKind::VarEnd)),
    ("addedTime", Kind::OfMatch(FeedKind::AddedTime)),
    ("halfTime", Kind::OfMatch(FeedKind::HalfTime)),
    ("secondHalf", Kind::OfMatch(FeedKind::SecondHalf)),
    ("fullTime", Kind::OfMatch(FeedKind::FullTime)),
    ("clock", Kind::OfMatch(FeedKind::Clock)),
    ("abandoned", Kind::OfMatch(FeedKind::Abandoned)),
];
const SIDES: [(&str, Team); 4] =
    [("home", Team::Home), ("away", Team::Away), ("H", Team::Home), ("A", Team::Away)];

/// `{source,id,seq,type,side?,minute,second?,value?}`
pub(super) fn event(m: &mut Members<'_>) -> Result<Word, Problem> {
    let from = source(m)?;
    let seq = m.integer("seq", 0, i64::from(u32::MAX) - 1)?;
    let seq = m.must("seq", seq)? as u32;
    let kind = m.word("type", &KINDS)?;
    let kind = m.must("type", kind)?;
    let side = m.word("side", &SIDES)?;
    let kind = match kind {
        Kind::OfTeam(of) => of(m.must("side", side)?),
        Kind::OfMatch(kind) => kind,
    };
    let minute = m.integer("minute", 0, i64::from(MINUTE_MAX))?;
    let minute = m.must("minute", minute)? as u8;
    let second = m.integer("second", 0, 59)?.unwrap_or(0) as u8;
    let value = m.integer("value", 0, i64::from(i32::MAX))?;
    let value = match kind {
        FeedKind::AddedTime => {
            let minutes = m.integer("value", 0, 60)?;
            Some(m.must("value", minutes)?)
        }
        _ => value,
    };
    let value = value.and_then(|value| i32::try_from(value).ok());
    Ok(Word::Event(from, seq, FeedEvent { kind, minute, second, value }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(read: Reader, body: &str) -> String {
        let problem = list(body.as_bytes(), read).expect_err(body);
        format!("{} {}", problem.code, problem.field.unwrap_or_default())
    }

    #[test]
    fn words_are_read_as_they_are_documented() {
        let body = r#"[{"source":"s","id":7,"competition":"Premier League","season":"2026/27",
            "kickOff":"2026-11-28T15:00:00Z","home":"Arsenal","away":"Everton"}]"#;
        let words = list(body.as_bytes(), fixture).expect("a fixture");
        let Word::Fixture(new) = &words[0] else { panic!("{words:?}") };
        assert_eq!((new.from.id.as_str(), new.neutral), ("7", false));
        for half_time in [r#""1-0""#, r#"{"home":1,"away":0}"#] {
            let body = format!(
                r#"[{{"source":"s","id":"7","homeGoals":2,"awayGoals":0,"halfTime":{half_time},
                "stats":{{"homeShotsOnTarget":5,"awayShotsOnTarget":1}}}}]"#
            );
            let words = list(body.as_bytes(), result).expect("a result");
            let Word::Result(_, score) = &words[0] else { panic!("{words:?}") };
            assert_eq!((score.half_time, score.stats.on_target), (Some((1, 0)), Some((5, 1))));
        }
        let priced = |odds: &str| {
            format!(r#"[{{"source":"s","id":"7","homeGoals":2,"awayGoals":0,"odds":{{{odds}}}}}]"#)
        };
        let close = r#""homeClose":"1.80","drawClose":"3.50","awayClose":"4.80""#;
        let open = r#""homeOpen":"2.10","drawOpen":"3.40","awayOpen":"3.80","#;
        for (before, known) in [("", None), (open, Some([210, 340, 380]))] {
            let body = priced(&format!("{before}{close}"));
            let words = list(body.as_bytes(), result).expect("a result with odds");
            let Word::Result(_, score) = &words[0] else { panic!("{words:?}") };
            assert_eq!(score.odds, Some(Odds { open: known, close: [180, 350, 480] }));
        }
        assert_eq!(
            refused(result, &priced(open.trim_end_matches(','))),
            "missing_field [0].odds.homeClose"
        );
        let even = close.replace("1.80", "1.00");
        assert_eq!(refused(result, &priced(&even)), "bad_number [0].odds.homeClose");
        let body = r#"[{"source":"s","id":"7","seq":3,"type":"goal","side":"home","minute":23}]"#;
        let words = list(body.as_bytes(), event).expect("an event");
        let Word::Event(_, 3, goal) = &words[0] else { panic!("{words:?}") };
        assert_eq!(goal.kind, FeedKind::Goal(Team::Home));
    }

    #[test]
    fn what_is_wrong_is_named_by_its_place_and_field() {
        let goal = r#"{"source":"s","id":"7","seq":3,"type":"goal","side":"home","minute":23}"#;
        for (from, to, told) in [
            ("\"seq\":3,", "", "missing_field [1].seq"),
            ("goal", "own goal", "bad_word [1].type"),
            ("\"side\":\"home\",", "", "missing_field [1].side"),
            ("23", "151", "bad_number [1].minute"),
            ("\"side\"", "\"team\":1,\"side\"", "unknown_field [1].team"),
            ("\"s\"", "\"\"", "bad_name [1].source"),
        ] {
            let body = format!("[{goal},{}]", goal.replacen(from, to, 1));
            assert_eq!(refused(event, &body), told);
        }
        assert_eq!(refused(event, "{}"), "bad_json ");
        assert_eq!(refused(result, "[1]"), "bad_type [0]");
        let added = r#"[{"source":"s","id":"7","seq":3,"type":"addedTime","minute":45}]"#;
        assert_eq!(refused(event, added), "missing_field [0].value");
        let many = format!("[{}]", vec!["{}"; WORDS_MAX + 1].join(","));
        assert_eq!(refused(result, &many), "too_many ");
    }
}
