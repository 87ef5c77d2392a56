//! What operators may ask for, as plain values.
//!
//! Each request is read strictly (see [`super::json`]); amounts are pence, prices and rates hundredths,
//! times milliseconds since 1970. What needs the exchange's state to be judged is judged there.

use super::json::{self, Members};
use super::problem::Problem;

/// The most money one act may move: a hundred million pounds.
pub const MAX_AMOUNT_PENCE: i64 = 10_000_000_000;
/// Runners of one market.
pub const MAX_RUNNERS: usize = 1000;
/// Bytes of a password; a longer one is refused before it is hashed.
pub const MAX_PASSWORD: usize = 128;
/// Characters of a reason.
pub const MAX_REASON: usize = 500;
/// Characters of an `Idempotency-Key`.
pub const MAX_KEY: usize = 64;

/// `POST /v1/operator/users`
#[derive(Clone, PartialEq, Eq)]
pub struct CreateUser {
    /// Letters, digits and `._-@`, at most 64.
    pub username: String,
    /// As given; never shown.
    pub password: String,
    /// Where mail goes.
    pub email: Option<String>,
    /// `GBP`.
    pub currency: String,
    /// Money to begin with.
    pub deposit_pence: Option<i64>,
    /// Why, for the audit.
    pub reason: Option<String>,
}

/// `POST /v1/operator/users/{username}/deposit` and `/withdraw`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoveMoney {
    /// Above zero.
    pub amount_pence: i64,
    /// Why, for the audit.
    pub reason: Option<String>,
}

/// `PATCH /v1/operator/users/{username}`: what is absent stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeUser {
    /// Percent, in hundredths.
    pub discount_rate: Option<i64>,
    /// The most that may be at risk, above zero.
    pub exposure_limit_pence: Option<i64>,
    /// Whether orders take better prices than asked.
    pub best_execution: Option<bool>,
    /// Whether the user's own orders may match each other.
    pub self_match: Option<bool>,
    /// Whether the user may act.
    pub status: Option<UserStatus>,
    /// Why, for the audit.
    pub reason: Option<String>,
}

/// Whether a user may act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserStatus {
    /// May bet.
    Active,
    /// May look, and take bets back.
    Suspended,
    /// May nothing.
    Closed,
}

/// `POST /v1/operator/events`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateEvent {
    /// The sport, as the exchange numbers it.
    pub event_type_id: u64,
    /// For people.
    pub name: String,
    /// For people.
    pub competition: Option<String>,
    /// ISO 3166, two letters.
    pub country_code: Option<String>,
    /// Of a race.
    pub venue: Option<String>,
    /// Its start.
    pub open_date_ms: i64,
    /// As in the time zone database.
    pub timezone: String,
    /// Why, for the audit.
    pub reason: Option<String>,
}

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
    /// Of an EACH_WAY market, in hundredths.
    pub each_way_divisor: Option<i64>,
    /// Of a LINE market.
    pub line: Option<Line>,
    /// Whose law it is under.
    pub jurisdiction: Option<String>,
    /// Whether it opens at once.
    pub open: bool,
    /// Why, for the audit.
    pub reason: Option<String>,
}

/// How bets of a market work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BettingType {
    /// At prices.
    Odds,
    /// At lines.
    Line,
    /// Handicaps, two lines at once.
    AsianHandicapDoubleLine,
    /// Handicaps, one line at once.
    AsianHandicapSingleLine,
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

/// What an operator does to a market.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarketAct {
    /// The act.
    pub act: Act,
    /// Why, for the audit.
    pub reason: Option<String>,
}

/// `POST /v1/operator/markets/{id}/…`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// INACTIVE or SUSPENDED to OPEN.
    Open,
    /// OPEN to SUSPENDED; unmatched orders lapse when asked for.
    Suspend {
        /// Whether orders of LAPSE lapse.
        lapse: bool,
    },
    /// To OPEN, in play.
    TurnInPlay {
        /// Seconds, when it changes.
        bet_delay: Option<u32>,
    },
    /// Every bet is void.
    Void,
    /// CLOSED to SUSPENDED, after `Unsettle`.
    Reopen,
    /// The starting prices are made.
    ReconcileSp,
    /// A runner does not run.
    RemoveRunner {
        /// Which one.
        selection_id: u64,
        /// Its chance in percent, in hundredths.
        adjustment_factor: Option<i64>,
    },
    /// The result.
    Settle {
        /// Who won.
        winners: Vec<u64>,
        /// Who was placed, in EACH_WAY markets.
        placed: Vec<u64>,
        /// More winners than places share them.
        dead_heat: bool,
    },
    /// The result was wrong.
    Unsettle,
}

/// `POST /v1/operator/actors/{id}/kill`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KillActor {
    /// How.
    pub mode: KillMode,
    /// Why, for the audit.
    pub reason: String,
}

/// How an actor is made to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KillMode {
    /// At once, within a message.
    Kill,
    /// By a panic in its handler.
    Panic,
    /// After its present message.
    Stop,
    /// By its supervisor, and started again.
    Restart,
    /// After all of its messages.
    Drain,
    /// It stops answering.
    Hang,
}

/// `POST /v1/operator/tokens`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateToken {
    /// For people.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Why, for the audit.
    pub reason: Option<String>,
}

/// What an operator's token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Look.
    Viewer,
    /// Run markets and users.
    Operator,
    /// Everything.
    Admin,
}

/// `POST /v1/operator/clock`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdvanceClock {
    /// Never back.
    pub advance_ms: i64,
    /// Why, for the audit.
    pub reason: Option<String>,
}

impl CreateUser {
    /// Reads a body.
    pub fn read(body: &[u8]) -> Result<CreateUser, Problem> {
        json::read(body, |m| {
            let username = m.text("username")?;
            let username = m.must("username", username)?;
            check_username(&username)?;
            let password = m.text("password")?;
            let password = m.must("password", password)?;
            if password.is_empty() || password.len() > MAX_PASSWORD {
                let reason = format!("is empty or longer than {MAX_PASSWORD} bytes");
                return Err(Problem::field("bad_password", "password", reason));
            }
            let email = m.name("email")?;
            if email.as_deref().is_some_and(|email| !is_email(email)) {
                return Err(Problem::field("bad_email", "email", "is not a mail address"));
            }
            let currency = m.word("currency", &[("GBP", "GBP")])?.unwrap_or("GBP").to_owned();
            let deposit_pence = m.decimal("bad_amount", "deposit", 0, MAX_AMOUNT_PENCE)?;
            let reason = reason(m)?;
            Ok(CreateUser { username, password, email, currency, deposit_pence, reason })
        })
    }
}

impl std::fmt::Debug for CreateUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreateUser").field("username", &self.username).finish_non_exhaustive()
    }
}

impl MoveMoney {
    /// Reads a body.
    pub fn read(body: &[u8]) -> Result<MoveMoney, Problem> {
        json::read(body, |m| {
            let amount = m.decimal("bad_amount", "amount", 1, MAX_AMOUNT_PENCE)?;
            Ok(MoveMoney { amount_pence: m.must("amount", amount)?, reason: reason(m)? })
        })
    }
}

impl ChangeUser {
    /// Reads a body.
    pub fn read(body: &[u8]) -> Result<ChangeUser, Problem> {
        const STATUSES: [(&str, UserStatus); 3] = [
            ("ACTIVE", UserStatus::Active),
            ("SUSPENDED", UserStatus::Suspended),
            ("CLOSED", UserStatus::Closed),
        ];
        json::read(body, |m| {
            Ok(ChangeUser {
                discount_rate: m.decimal("bad_rate", "discountRate", 0, 10_000)?,
                exposure_limit_pence: m.decimal(
                    "bad_amount",
                    "exposureLimit",
                    1,
                    100 * MAX_AMOUNT_PENCE,
                )?,
                best_execution: m.truth("bestExecution")?,
                self_match: m.truth("selfMatch")?,
                status: m.word("status", &STATUSES)?,
                reason: reason(m)?,
            })
        })
    }
}

impl CreateEvent {
    /// Reads a body.
    pub fn read(body: &[u8]) -> Result<CreateEvent, Problem> {
        json::read(body, |m| {
            let event_type_id = id(m, "eventTypeId")?;
            let name = m.name("name")?;
            let open_date = m.time("openDate")?;
            let timezone = m.name("timezone")?.unwrap_or_else(|| "Europe/London".to_owned());
            if jiff::tz::TimeZone::get(&timezone).is_err() {
                let reason = "is not in the time zone database";
                return Err(Problem::field("bad_timezone", "timezone", reason));
            }
            let country_code = m.name("countryCode")?;
            let upper = |text: &str| text.bytes().all(|byte| byte.is_ascii_uppercase());
            if country_code.as_deref().is_some_and(|code| code.len() != 2 || !upper(code)) {
                let reason = "is not two capital letters";
                return Err(Problem::field("bad_country", "countryCode", reason));
            }
            Ok(CreateEvent {
                event_type_id,
                name: m.must("name", name)?,
                competition: m.name("competition")?,
                country_code,
                venue: m.name("venue")?,
                open_date_ms: m.must("openDate", open_date)?,
                timezone,
                reason: reason(m)?,
            })
        })
    }
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
            each_way_divisor: m.decimal("bad_number", "eachWayDivisor", 100, 100_000)?,
            line: m.object("line", Line::of)?,
            jurisdiction: m.name("jurisdiction")?,
            open: m.truth("open")?.unwrap_or(true),
            reason: reason(m)?,
        })
    }
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

impl MarketAct {
    /// Reads the body of an act named by its path, such as `turn-in-play`; `None` when there is no such act.
    pub fn read(act: &str, body: &[u8]) -> Option<Result<MarketAct, Problem>> {
        let read: fn(&mut Members<'_>) -> Result<Act, Problem> = match act {
            "open" => |_| Ok(Act::Open),
            "suspend" => |m| Ok(Act::Suspend { lapse: m.truth("lapse")?.unwrap_or(false) }),
            "turn-in-play" => |m| Ok(Act::TurnInPlay { bet_delay: count(m, "betDelay", 0, 600)? }),
            "void" => |_| Ok(Act::Void),
            "reopen" => |_| Ok(Act::Reopen),
            "reconcile-sp" => |_| Ok(Act::ReconcileSp),
            "remove-runner" => |m| {
                Ok(Act::RemoveRunner {
                    selection_id: id(m, "selectionId")?,
                    adjustment_factor: m.decimal("bad_rate", "adjustmentFactor", 0, 10_000)?,
                })
            },
            "settle" => |m| {
                let winners = m.ids("winners", MAX_RUNNERS)?;
                let winners = m.must("winners", winners)?;
                let placed = m.ids("placed", MAX_RUNNERS)?.unwrap_or_default();
                refuse_repeats("winners", &winners)?;
                refuse_repeats("placed", &placed)?;
                let dead_heat = m.truth("deadHeat")?.unwrap_or(false);
                Ok(Act::Settle { winners, placed, dead_heat })
            },
            "unsettle" => |_| Ok(Act::Unsettle),
            _ => return None,
        };
        Some(json::read(body, |m| Ok(MarketAct { act: read(m)?, reason: reason(m)? })))
    }
}

impl KillActor {
    /// Reads a body.
    pub fn read(body: &[u8]) -> Result<KillActor, Problem> {
        const MODES: [(&str, KillMode); 6] = [
            ("kill", KillMode::Kill),
            ("panic", KillMode::Panic),
            ("stop", KillMode::Stop),
            ("restart", KillMode::Restart),
            ("drain", KillMode::Drain),
            ("hang", KillMode::Hang),
        ];
        json::read(body, |m| {
            let mode = m.word("mode", &MODES)?;
            let mode = m.must("mode", mode)?;
            let why = reason(m)?;
            Ok(KillActor { mode, reason: m.must("reason", why)? })
        })
    }
}

impl CreateToken {
    /// Reads a body.
    pub fn read(body: &[u8]) -> Result<CreateToken, Problem> {
        const ROLES: [(&str, Role); 3] =
            [("viewer", Role::Viewer), ("operator", Role::Operator), ("admin", Role::Admin)];
        json::read(body, |m| {
            let (name, role) = (m.name("name")?, m.word("role", &ROLES)?);
            let (name, role) = (m.must("name", name)?, m.must("role", role)?);
            Ok(CreateToken { name, role, reason: reason(m)? })
        })
    }
}

impl AdvanceClock {
    /// Reads a body.
    pub fn read(body: &[u8]) -> Result<AdvanceClock, Problem> {
        const TEN_YEARS_MS: i64 = 10 * 366 * 24 * 3_600_000;
        json::read(body, |m| {
            let advance = m.integer("advanceMs", 0, TEN_YEARS_MS)?;
            Ok(AdvanceClock { advance_ms: m.must("advanceMs", advance)?, reason: reason(m)? })
        })
    }
}

/// A good `Idempotency-Key`: visible ASCII, at most [`MAX_KEY`]. Absent is no key.
pub fn idempotency_key(header: Option<&[u8]>) -> Result<Option<String>, Problem> {
    let Some(bytes) = header else { return Ok(None) };
    let visible = bytes.iter().all(u8::is_ascii_graphic);
    match std::str::from_utf8(bytes) {
        Ok(key) if visible && (1..=MAX_KEY).contains(&key.len()) => Ok(Some(key.to_owned())),
        _ => {
            let reason = format!("is not 1 to {MAX_KEY} visible ASCII characters");
            Err(Problem::field("bad_idempotency_key", "Idempotency-Key", reason))
        }
    }
}

/// Why, for the audit.
fn reason(m: &mut Members<'_>) -> Result<Option<String>, Problem> {
    let reason = m.text("reason")?;
    if reason.as_ref().is_some_and(|reason| reason.chars().count() > MAX_REASON) {
        let why = format!("is longer than {MAX_REASON} characters");
        return Err(Problem::field("bad_reason", "reason", why));
    }
    Ok(reason)
}

fn id(m: &mut Members<'_>, name: &'static str) -> Result<u64, Problem> {
    let id = m.id(name)?;
    m.must(name, id)
}

fn count(
    m: &mut Members<'_>,
    name: &'static str,
    least: i64,
    most: i64,
) -> Result<Option<u32>, Problem> {
    Ok(m.integer(name, least, most)?.and_then(|number| u32::try_from(number).ok()))
}

fn refuse_repeats(name: &'static str, ids: &[u64]) -> Result<(), Problem> {
    let repeated = |(at, id): (usize, &u64)| ids[..at].contains(id);
    match ids.iter().enumerate().any(repeated) {
        true => Err(Problem::field("repeated", name, "names a runner twice")),
        false => Ok(()),
    }
}

fn check_username(username: &str) -> Result<(), Problem> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@".contains(&byte);
    if (1..=64).contains(&username.len()) && username.bytes().all(plain) {
        return Ok(());
    }
    let reason = "is not 1 to 64 letters, digits or . _ - @";
    Err(Problem::field("bad_username", "username", reason))
}

fn is_email(text: &str) -> bool {
    let whole = |part: &str| !part.is_empty() && !part.contains(char::is_whitespace);
    text.split_once('@')
        .is_some_and(|(user, host)| whole(user) && whole(host) && !host.contains('@'))
}

#[cfg(test)]
mod tests;
