//! What sessions asked: each request's number with its outcome, so that a repeat never doubles.

use crate::ids::SessionId;
use crate::link::{Request, Served};
use crate::order::ExecutionError;
use crate::record::RequestKey;
use crate::request::{CancelReport, Execution, Outcome};
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A session keeps the outcomes of this many of its last requests at most, confirmed or not.
const REQUESTS_KEPT: u64 = 512;
/// A login does not live so long: what is older cannot be repeated.
const SESSION_MS_MAX: i64 = 48 * 3_600_000;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Sessions {
    by_id: BTreeMap<SessionId, Session>,
    /// Requests that were sent to several markets, by session and number.
    gathering: BTreeMap<(SessionId, u64), Gathering>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Session {
    served: Served<Outcome>,
    last_at: UtcMillis,
}

/// The parts of one outcome, as the markets answer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Gathering {
    open: u32,
    /// The last part was sent.
    whole: bool,
    error: Option<ExecutionError>,
    reports: Vec<CancelReport>,
}

impl Sessions {
    pub(super) fn request(&self, key: RequestKey) -> Request<'_, Outcome> {
        self.by_id.get(&key.session).map_or(Request::New, |session| session.served.request(key.n))
    }

    /// A command of the request went out; with `more`, others follow.
    pub(super) fn take(&mut self, at: UtcMillis, key: RequestKey, more: bool) {
        if !self.by_id.contains_key(&key.session) {
            self.by_id.retain(|_, session| at.since_ms(session.last_at) < SESSION_MS_MAX);
        }
        let session = self.by_id.entry(key.session).or_default();
        session.last_at = at;
        session.served.take(key.n);
        session
            .served
            .forget_through(key.answered_through.max(key.n.saturating_sub(REQUESTS_KEPT)));
        let name = (key.session, key.n);
        if more || self.gathering.contains_key(&name) {
            let gathering = self.gathering.entry(name).or_default();
            gathering.open += 1;
            gathering.whole = !more;
        }
    }

    /// One market's part of an outcome; the outcome when it is whole.
    pub(super) fn answer(&mut self, key: RequestKey, part: Outcome) -> Option<Outcome> {
        let outcome = self.gather(key, part)?;
        if let Some(session) = self.by_id.get_mut(&key.session) {
            session.served.answer(key.n, outcome.clone());
        }
        Some(outcome)
    }

    fn gather(&mut self, key: RequestKey, part: Outcome) -> Option<Outcome> {
        let name = (key.session, key.n);
        let Outcome::Cancelled(part) = part else { return Some(part) };
        let Some(gathering) = self.gathering.get_mut(&name) else {
            return Some(Outcome::Cancelled(part));
        };
        gathering.open -= 1;
        gathering.error = gathering.error.or(part.error);
        gathering.reports.extend(part.reports);
        if gathering.open > 0 || !gathering.whole {
            return None;
        }
        let Gathering { error, reports, .. } = self.gathering.remove(&name)?;
        let any = reports.iter().any(|report| report.result.is_ok());
        let error =
            error.map(|error| if any { ExecutionError::ProcessedWithErrors } else { error });
        Some(Outcome::Cancelled(Execution { error, reports }))
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.gathering.is_empty()
    }
}
