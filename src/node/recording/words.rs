//! A recorded line's words, read into values. Unknown keys are passed over: recordings carry many, and live
//! captures more (best offers, starting prices, virtual ladders).

use actors::replay::recorded::{
    DefinedRunner, HalfPence, RecordedDefinition, RecordedMessage, RecordedRunner, RunnerStatus,
};
use domain::definition::MarketStatus;
use domain::ids::{EventTypeId, Runner, SelectionId};
use domain::price::Price;
use domain::time::UtcMillis;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::borrow::Cow;

use crate::betfair::dates::Date;

/// Reads a line for what it says of `market`; `None` when that is nothing.
pub(super) fn message(
    bytes: &[u8],
    line: u64,
    market: &str,
) -> Result<Option<RecordedMessage>, String> {
    let mcm: Mcm<'_> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let Some(at) = mcm.at()? else { return Ok(None) };
    let mut message = None::<RecordedMessage>;
    for change in mcm.mc.unwrap_or_default() {
        if change.id != market {
            continue;
        }
        let message = message.get_or_insert_with(|| RecordedMessage {
            line,
            at,
            ..RecordedMessage::default()
        });
        message.image |= change.img;
        if let Some(definition) = change.market_definition {
            message.definition = Some(Box::new(definition.read()?));
        }
        for runner in change.rc.unwrap_or_default() {
            message.runners.push(runner.read()?);
        }
    }
    Ok(message)
}

/// What a line says of one market, as far as it is looked over.
pub(super) struct Glance {
    pub(super) market: String,
    pub(super) at: UtcMillis,
    pub(super) defines: bool,
    /// Prices of the whole ladder, not only of its best.
    pub(super) ladders: bool,
}

/// Looks over a line; `None` when it is not about markets.
pub(super) fn glance(bytes: &[u8]) -> Result<Option<Vec<Glance>>, String> {
    let mcm: Mcm<'_, GlancedChange<'_>> =
        serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let Some(at) = mcm.at()? else { return Ok(None) };
    let glance = |change: GlancedChange<'_>| Glance {
        market: change.id.into_owned(),
        at,
        defines: change.market_definition.is_some(),
        ladders: change.rc.iter().flatten().any(|rc| rc.atb.is_some() || rc.atl.is_some()),
    };
    Ok(Some(mcm.mc.unwrap_or_default().into_iter().map(glance).collect()))
}

/// A message of the stream. Live captures hold others too (of the connection, of orders), which are passed
/// over.
#[derive(Deserialize)]
struct Mcm<'a, C = MarketChange<'a>> {
    #[serde(borrow)]
    op: Cow<'a, str>,
    pt: Option<i64>,
    mc: Option<Vec<C>>,
}

impl<C> Mcm<'_, C> {
    /// When it was published; `None` when it is about no market.
    fn at(&self) -> Result<Option<UtcMillis>, String> {
        match (&*self.op, self.pt) {
            ("mcm", Some(at)) => Ok(Some(UtcMillis(at))),
            ("mcm", None) => Err("has no pt".to_owned()),
            _ => Ok(None),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GlancedChange<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    market_definition: Option<IgnoredAny>,
    rc: Option<Vec<GlancedRunner>>,
}

#[derive(Deserialize)]
struct GlancedRunner {
    atb: Option<IgnoredAny>,
    atl: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MarketChange<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(default)]
    img: bool,
    market_definition: Option<Definition>,
    rc: Option<Vec<RunnerChange>>,
}

#[derive(Deserialize)]
struct RunnerChange {
    id: u64,
    #[serde(default)]
    hc: f64,
    atb: Option<Vec<(f64, f64)>>,
    atl: Option<Vec<(f64, f64)>>,
    trd: Option<Vec<(f64, f64)>>,
    ltp: Option<f64>,
    tv: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Definition {
    event_id: Option<String>,
    event_type_id: String,
    event_name: Option<String>,
    name: Option<String>,
    market_type: Option<String>,
    market_time: String,
    open_date: Option<String>,
    timezone: Option<String>,
    country_code: Option<String>,
    venue: Option<String>,
    status: String,
    #[serde(default)]
    in_play: bool,
    #[serde(default)]
    turn_in_play_enabled: bool,
    #[serde(default)]
    persistence_enabled: bool,
    #[serde(default = "yes")]
    complete: bool,
    #[serde(default = "yes")]
    discount_allowed: bool,
    #[serde(default)]
    market_base_rate: f64,
    #[serde(default)]
    bet_delay: u16,
    number_of_winners: u16,
    betting_type: Option<String>,
    runners: Vec<RunnerDefinition>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RunnerDefinition {
    id: u64,
    #[serde(default)]
    hc: f64,
    name: Option<String>,
    sort_priority: u16,
    adjustment_factor: Option<f64>,
    status: String,
}

fn yes() -> bool {
    true
}

impl RunnerChange {
    fn read(self) -> Result<RecordedRunner, String> {
        let ladder = |name: &str, levels: Option<Vec<(f64, f64)>>| {
            let level = |(price_given, size_given)| {
                let told = |what, reason| format!("{name} of {}: {what} {reason}", self.id);
                let read = price(price_given).map_err(|reason| told("price", reason))?;
                let size = halves(size_given).map_err(|reason| told("size", reason))?;
                Ok((read, size))
            };
            levels.unwrap_or_default().into_iter().map(level).collect::<Result<_, String>>()
        };
        Ok(RecordedRunner {
            runner: runner(self.id, self.hc)?,
            available_to_back: ladder("atb", self.atb)?,
            available_to_lay: ladder("atl", self.atl)?,
            traded: ladder("trd", self.trd)?,
            last_price_traded: self.ltp.map(price).transpose()?,
            total_matched: self.tv.map(halves).transpose()?,
        })
    }
}

impl Definition {
    fn read(self) -> Result<RecordedDefinition, String> {
        if let Some(kind) = self.betting_type.filter(|kind| kind != "ODDS") {
            return Err(format!("bettingType {kind} is not one that is played"));
        }
        let start_time = date("marketTime", &self.market_time)?;
        let open_date = self.open_date.map(|text| date("openDate", &text)).transpose()?;
        let runners = self.runners.into_iter().map(RunnerDefinition::read);
        Ok(RecordedDefinition {
            event_type: EventTypeId(
                self.event_type_id.parse().map_err(|_| "eventTypeId is not a number")?,
            ),
            event: self.event_id,
            event_name: self.event_name,
            market_name: self.name,
            market_type: self.market_type.unwrap_or_else(|| "NONE".to_owned()),
            start_time,
            open_date: open_date.unwrap_or(start_time),
            timezone: self.timezone.unwrap_or_else(|| "Europe/London".to_owned()),
            country: self.country_code,
            venue: self.venue,
            status: match self.status.as_str() {
                "INACTIVE" => MarketStatus::Inactive,
                "OPEN" => MarketStatus::Open,
                "SUSPENDED" => MarketStatus::Suspended,
                "CLOSED" => MarketStatus::Closed,
                other => return Err(format!("status {other} of a market is unknown")),
            },
            in_play: self.in_play,
            turn_in_play: self.turn_in_play_enabled,
            persistence: self.persistence_enabled,
            complete: self.complete,
            discount_allowed: self.discount_allowed,
            base_rate: percent("marketBaseRate", self.market_base_rate)?,
            bet_delay_s: self.bet_delay,
            number_of_winners: self.number_of_winners,
            runners: runners.collect::<Result<_, _>>()?,
        })
    }
}

impl RunnerDefinition {
    fn read(self) -> Result<DefinedRunner, String> {
        let factor = self.adjustment_factor.filter(|factor| *factor >= 0.0);
        Ok(DefinedRunner {
            runner: runner(self.id, self.hc)?,
            name: self.name,
            sort_priority: self.sort_priority,
            adjustment_factor: factor
                .map(|factor| percent("adjustmentFactor", factor))
                .transpose()?,
            status: match self.status.as_str() {
                "ACTIVE" => RunnerStatus::Active,
                "WINNER" => RunnerStatus::Winner,
                "LOSER" => RunnerStatus::Loser,
                "PLACED" => RunnerStatus::Placed,
                "REMOVED" | "REMOVED_VACANT" | "HIDDEN" => RunnerStatus::Removed,
                other => return Err(format!("status {other} of runner {} is unknown", self.id)),
            },
        })
    }
}

fn runner(id: u64, handicap: f64) -> Result<Runner, String> {
    let hundredths = whole(handicap * 100.0).and_then(|hundredths| i32::try_from(hundredths).ok());
    let handicap = hundredths.ok_or_else(|| format!("handicap {handicap} of {id} is too fine"))?;
    Ok(Runner { selection: SelectionId(id), handicap })
}

fn price(given: f64) -> Result<Price, String> {
    let hundredths = whole(given * 100.0).and_then(|hundredths| u32::try_from(hundredths).ok());
    hundredths.map(Price).ok_or_else(|| format!("{given} is not in hundredths"))
}

/// Pounds into halves of a penny.
fn halves(given: f64) -> Result<HalfPence, String> {
    match whole(given * 200.0) {
        Some(halves) if (0..=SIZE_MAX).contains(&halves) => Ok(HalfPence(halves)),
        Some(_) => Err(format!("{given} is out of bounds")),
        None => Err(format!("{given} is finer than half a penny")),
    }
}

/// A hundred billion pounds, as nothing larger may be bet.
const SIZE_MAX: i64 = 200 * 100_000_000_000;

fn percent(what: &str, given: f64) -> Result<u32, String> {
    // Factors come with more decimals than any rule reads.
    let hundredths = (given * 100.0).round();
    let fits = (0.0..=10_000.0).contains(&hundredths);
    if fits { Ok(hundredths as u32) } else { Err(format!("{what} {given} is not a percentage")) }
}

/// The whole number that a decimal times a whole number is, but for the last bits of the double.
fn whole(value: f64) -> Option<i64> {
    let nearest = value.round();
    let exact = nearest.abs() < 9e15 && (value - nearest).abs() <= 1e-6;
    exact.then_some(nearest as i64)
}

fn date(what: &str, text: &str) -> Result<UtcMillis, String> {
    Date::from_text(text).map(|date| UtcMillis(date.0)).ok_or_else(|| format!("{what} {text}?"))
}
