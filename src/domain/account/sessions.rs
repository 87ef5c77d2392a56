//! What sessions asked: each request's number with its outcome, so that a repeat never doubles, and the
//! customer's own references of the last minute.

use crate::ids::SessionId;
use crate::link::{Request, Served};
use crate::order::{ExecutionError, OrderCommand};
use crate::record::RequestKey;
use crate::request::{CancelReport, Execution, Outcome, RequestBody};
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

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

/// Within this time a customer's reference may not be used again for the same kind of request.
pub const CUSTOMER_REF_WINDOW_MS: i64 = 60_000;
/// So many references of one minute are remembered; requests that bring more are refused as busy.
pub const CUSTOMER_REFS_MAX: usize = 200_000;

/// The kinds of request that have a window of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Kind {
    Place,
    Cancel,
    Replace,
    Update,
}

impl Kind {
    pub(super) fn of_request(body: &RequestBody) -> Kind {
        match body {
            RequestBody::Place { .. } => Kind::Place,
            RequestBody::Cancel(_) => Kind::Cancel,
            RequestBody::Replace { .. } => Kind::Replace,
            RequestBody::Update { .. } => Kind::Update,
        }
    }

    pub(super) fn of_command(command: &OrderCommand) -> Kind {
        match command {
            OrderCommand::Place { .. } => Kind::Place,
            OrderCommand::Cancel { .. } => Kind::Cancel,
            OrderCommand::Replace { .. } => Kind::Replace,
            OrderCommand::Update { .. } => Kind::Update,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct CustomerRefs {
    used: BTreeMap<Kind, BTreeMap<Box<str>, UtcMillis>>,
    oldest_first: VecDeque<(UtcMillis, Kind, Box<str>)>,
}

impl CustomerRefs {
    pub(super) fn is_used(&self, now: UtcMillis, kind: Kind, reference: &str) -> bool {
        let used = self.used.get(&kind).and_then(|used| used.get(reference));
        used.is_some_and(|at| now.since_ms(*at) < CUSTOMER_REF_WINDOW_MS)
    }

    /// No room within the window that ends now.
    pub(super) fn is_full(&self, now: UtcMillis) -> bool {
        self.oldest_first.len() >= CUSTOMER_REFS_MAX
            && self.oldest_first.front().is_some_and(|(at, ..)| !is_over(now, *at))
    }

    pub(super) fn take(&mut self, at: UtcMillis, kind: Kind, reference: Box<str>) {
        while self.oldest_first.front().is_some_and(|(used, ..)| is_over(at, *used)) {
            let Some((used, kind, reference)) = self.oldest_first.pop_front() else { break };
            let Some(refs) = self.used.get_mut(&kind) else { continue };
            if refs.get(&reference) == Some(&used) {
                refs.remove(&reference);
            }
        }
        self.used.entry(kind).or_default().insert(reference.clone(), at);
        self.oldest_first.push_back((at, kind, reference));
    }
}

fn is_over(now: UtcMillis, used: UtcMillis) -> bool {
    now.since_ms(used) >= CUSTOMER_REF_WINDOW_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_free_again_after_a_minute() {
        let mut refs = CustomerRefs::default();
        refs.take(UtcMillis(1_000), Kind::Place, "a".into());
        for (now, kind, reference, used) in [
            (1_000, Kind::Place, "a", true),
            (60_999, Kind::Place, "a", true),
            (61_000, Kind::Place, "a", false),
            (1_000, Kind::Cancel, "a", false),
            (1_000, Kind::Place, "b", false),
        ] {
            assert_eq!(refs.is_used(UtcMillis(now), kind, reference), used, "{now} {reference}");
        }
        refs.take(UtcMillis(61_000), Kind::Place, "a".into());
        assert!(refs.is_used(UtcMillis(61_001), Kind::Place, "a"));
        assert_eq!(refs.oldest_first.len(), 1);
    }
}
