//! What operators may ask for, as plain values.
//!
//! Each request is read strictly (see [`super::json`]); amounts are pence, prices and rates hundredths,
//! times milliseconds since 1970. What needs the exchange's state to be judged is judged there.

mod act;
mod control;
mod market;

#[cfg(test)]
mod tests;

use super::json::{self, Members};
use super::problem::Problem;

pub use act::{Act, MarketAct};
pub use control::{AdvanceClock, CreateToken, KillActor, KillMode, Role};
pub use market::{CreateMarket, CreateRunner, Line};

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

/// Of method, path and body: the same key with another request is refused.
pub fn fingerprint(method: &str, path: &str, body: &[u8]) -> [u8; 32] {
    let mut hash = blake3::Hasher::new();
    for part in [method.as_bytes(), path.as_bytes()] {
        hash.update(part).update(b"\n");
    }
    *hash.update(body).finalize().as_bytes()
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
