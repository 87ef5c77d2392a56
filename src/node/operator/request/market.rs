//! A market to be created, with its runners and lines.

use super::super::json::{self, Members};
use super::super::problem::Problem;
use super::{MAX_RUNNERS, count, id, reason};
use crate::betfair::exchange::bet_delay_word;
use domain::definition::{BetDelayModel, BettingType};
use std::collections::BTreeSet;

/// `POST /v1/operator/markets`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateMarket {
    /// The event.
    pub event_id: u64,
    /// For people.
    pub name: String,
    /// Such as `MATCH_ODDS`.
    pub market_type: String,
    /// The off.
    pub start_time_ms: i64,
    /// At least one.
    pub runners: Vec<CreateRunner>,
    /// How many of them win.
    pub number_of_winners: u32,
    /// How bets work.
    pub betting_type: BettingType,
    /// With a starting price.
    pub bsp_market: bool,
    /// Whether it is bet on in play.
    pub turn_in_play: bool,
    /// Whether orders may stay at the turn in play.
    pub persistence: bool,
    /// Whether virtual bets are matched.
    pub cross_matching: bool,
    /// Whether no runner will be added.
    pub complete: bool,
    /// Whether a user's discount counts.
    pub discount_allowed: bool,
    /// Commission in percent, in hundredths.
    pub base_rate: i64,
    /// Seconds, in play.
    pub bet_delay: u32,
    /// What the bet delay makes exceptions of.
    pub bet_delay_models: BTreeSet<BetDelayModel>,
    /// Of an EACH_WAY market, in hundredths.
    pub each_way_divisor: Option<i64>,
    /// Of a LINE market.
    pub line: Option<Line>,
    /// Whose law it is under.
    pub jurisdiction: Option<String>,
    /// What kind of race it is.
    pub race_type: Option<String>,
    /// Whether it opens at once.
    pub open: bool,
    /// Why, for the audit.
    pub reason: Option<String>,
}

/// A runner to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateRunner {
    /// For people.
    pub name: String,
    /// Given by the exchange when absent.
    pub selection_id: Option<u64>,
    /// In hundredths.
    pub handicap: Option<i64>,
    /// Its place in the list, from 1.
    pub sort_priority: Option<u32>,
    /// Its chance in percent, in hundredths; for removals.
    pub adjustment_factor: Option<i64>,
}

/// The lines of a LINE market, in hundredths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What is counted.
    pub unit: String,
    /// The lowest.
    pub min: i64,
    /// The highest.
    pub max: i64,
    /// From one to the next.
    pub interval: i64,
}

impl CreateMarket {
    /// Reads a body.
    pub fn read(body: &[u8]) -> Result<CreateMarket, Problem> {
        json::read(body, CreateMarket::of)
    }

    fn of(m: &mut Members<'_>) -> Result<CreateMarket, Problem> {
        const BETTING_TYPES: [(&str, BettingType); 4] = [
            ("ODDS", BettingType::Odds),
            ("LINE", BettingType::Line),
            ("ASIAN_HANDICAP_DOUBLE_LINE", BettingType::AsianHandicapDoubleLine),
            ("ASIAN_HANDICAP_SINGLE_LINE", BettingType::AsianHandicapSingleLine),
        ];
        let event_id = id(m, "eventId")?;
        let (name, market_type) = (m.name("name")?, m.name("marketType")?);
        let start_time = m.time("startTime")?;
        let runners = m.objects("runners", MAX_RUNNERS, CreateRunner::of)?;
        let runners = m.must("runners", runners)?;
        if runners.is_empty() {
            return Err(Problem::field("bad_runners", "runners", "is empty"));
        }
        let most_winners = i64::try_from(runners.len()).unwrap_or(i64::MAX);
        Ok(CreateMarket {
            event_id,
            name: m.must("name", name)?,
            market_type: m.must("marketType", market_type)?,
            start_time_ms: m.must("startTime", start_time)?,
            number_of_winners: count(m, "numberOfWinners", 0, most_winners)?.unwrap_or(1),
            runners,
            betting_type: m.word("bettingType", &BETTING_TYPES)?.unwrap_or(BettingType::Odds),
            bsp_market: m.truth("bspMarket")?.unwrap_or(false),
            turn_in_play: m.truth("turnInPlay")?.unwrap_or(true),
            persistence: m.truth("persistence")?.unwrap_or(true),
            cross_matching: m.truth("crossMatching")?.unwrap_or(false),
            complete: m.truth("complete")?.unwrap_or(true),
            discount_allowed: m.truth("discountAllowed")?.unwrap_or(true),
            base_rate: m.decimal("bad_rate", "baseRate", 0, 10_000)?.unwrap_or(500),
            bet_delay: count(m, "betDelay", 0, 600)?.unwrap_or(0),
            bet_delay_models: bet_delay_models(m)?,
            each_way_divisor: m.decimal("bad_number", "eachWayDivisor", 100, 100_000)?,
            line: m.object("line", Line::of)?,
            jurisdiction: m.name("jurisdiction")?,
            race_type: m.name("raceType")?,
            open: m.truth("open")?.unwrap_or(true),
            reason: reason(m)?,
        })
    }
}

fn bet_delay_models(m: &mut Members<'_>) -> Result<BTreeSet<BetDelayModel>, Problem> {
    let words = BetDelayModel::ALL.map(bet_delay_word);
    let asked = m.words("betDelayModels", &words)?.unwrap_or_default();
    Ok(BetDelayModel::ALL
        .into_iter()
        .filter(|model| asked.contains(&bet_delay_word(*model)))
        .collect())
}

impl CreateRunner {
    fn of(m: &mut Members<'_>) -> Result<CreateRunner, Problem> {
        let name = m.name("name")?;
        Ok(CreateRunner {
            name: m.must("name", name)?,
            selection_id: m.id("selectionId")?,
            handicap: m.decimal("bad_number", "handicap", -100_000, 100_000)?,
            sort_priority: count(m, "sortPriority", 1, 100_000)?,
            adjustment_factor: m.decimal("bad_rate", "adjustmentFactor", 0, 10_000)?,
        })
    }
}

impl Line {
    fn of(m: &mut Members<'_>) -> Result<Line, Problem> {
        let unit = m.name("unit")?;
        let mut number = |name, least| {
            let value = m.decimal("bad_number", name, least, 100_000_000)?;
            m.must(name, value)
        };
        let (min, max, interval) = (number("min", 0)?, number("max", 0)?, number("interval", 1)?);
        if min >= max || (max - min) % interval != 0 {
            let reason = "does not end a whole number of intervals above min";
            return Err(Problem::field("bad_number", "line.max", reason));
        }
        Ok(Line { unit: m.must("unit", unit)?, min, max, interval })
    }
}
