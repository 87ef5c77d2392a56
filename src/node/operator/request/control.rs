//! What an operator does to the node: actors, tokens, the clock.

use super::super::json;
use super::super::problem::Problem;
use super::reason;

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

impl KillMode {
    /// As it is asked for and told.
    pub fn word(self) -> &'static str {
        match self {
            KillMode::Kill => "kill",
            KillMode::Panic => "panic",
            KillMode::Stop => "stop",
            KillMode::Restart => "restart",
            KillMode::Drain => "drain",
            KillMode::Hang => "hang",
        }
    }
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
    /// Tell of football: a provider's API key.
    Provider,
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
        const ROLES: [(&str, Role); 4] = [
            ("provider", Role::Provider),
            ("viewer", Role::Viewer),
            ("operator", Role::Operator),
            ("admin", Role::Admin),
        ];
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
