//! What a client says: one line, read as forgivingly as Betfair reads it.
//!
//! Ids are any whole number, in any order, or missing; null is absent; unknown members are ignored.

use domain::ids::AccountId;

use super::clk::Origin;
use super::filter::{Markets, Orders, read_shape};
use super::market::MarketShape;
use super::status::{ErrorCode, Failure};
use crate::betfair::coerce::{Fault, Field};
use crate::betfair::tree::Tree;

/// Longer lines are refused, and the connection closed: a filter of ten thousand ids has half of it.
pub(super) const LINE_BYTES_MAX: usize = 256 << 10;

/// Bounds of the intervals.
const HEARTBEAT_MS: std::ops::RangeInclusive<i64> = 500..=5_000;
const CONFLATE_MS: std::ops::RangeInclusive<i64> = 0..=120_000;

/// A line that was read as far as its id.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) id: Option<i64>,
    pub(super) request: Result<Request, Failure>,
}

#[derive(Debug)]
pub(super) enum Request {
    Authentication { app_key: Option<String>, session: Option<String> },
    Markets(Box<MarketSubscription>),
    Orders(Box<OrderSubscription>),
    Heartbeat,
}

/// What both kinds of subscription have.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    pub(super) initial_clk: Option<String>,
    pub(super) clk: Option<String>,
    pub(super) conflate_ms: u64,
    pub(super) heartbeat_ms: u64,
    pub(super) segmented: bool,
}

#[derive(Debug)]
pub(super) struct MarketSubscription {
    pub(super) terms: Terms,
    pub(super) markets: Markets,
    pub(super) shape: MarketShape,
}

#[derive(Debug)]
pub(super) struct OrderSubscription {
    pub(super) terms: Terms,
    pub(super) orders: Orders,
}

impl MarketSubscription {
    /// A clock is of one log, and of one set of markets and figures.
    pub(super) fn origin(&self, log: u64) -> Origin {
        Origin { log, filter: hash(&(&self.markets, self.shape)) }
    }
}

impl OrderSubscription {
    /// A clock is of one log, one account and one set of orders.
    pub(super) fn origin(&self, log: u64, account: AccountId) -> Origin {
        Origin { log, filter: hash(&(account, &self.orders)) }
    }
}

fn hash(of: &impl std::fmt::Debug) -> u64 {
    let hash = blake3::hash(format!("{of:?}").as_bytes());
    u64::from_le_bytes(hash.as_bytes()[..8].try_into().expect("a hash has 32 bytes"))
}

impl Message {
    pub(super) fn read(line: &[u8]) -> Message {
        let unreadable = |why: &str| Message {
            id: None,
            request: Err(Failure::new(ErrorCode::InvalidInput, why)),
        };
        let Some(tree) = Tree::read(line) else {
            return unreadable("the line is not one JSON object");
        };
        if !matches!(tree, Tree::Object(_)) {
            return unreadable("the line is not a JSON object");
        }
        let field = |name| Field::parameter(name, tree.get(name));
        let id = field("id").integer().ok().flatten();
        let request = read(&field)
            .unwrap_or_else(|fault| Err(Failure::new(ErrorCode::InvalidInput, fault.to_string())));
        Message { id, request }
    }
}

type Read = Result<Result<Request, Failure>, Fault>;

fn read<'v>(field: &impl Fn(&'static str) -> Field<'v, 'v>) -> Read {
    Ok(Ok(match field("op").text()?.as_deref() {
        Some("authentication") => Request::Authentication {
            app_key: field("appKey").text()?,
            session: field("session").text()?,
        },
        Some("marketSubscription") => Request::Markets(Box::new(MarketSubscription {
            terms: terms(field)?,
            markets: Markets::read(&field("marketFilter"))?,
            shape: read_shape(&field("marketDataFilter"))?,
        })),
        Some("orderSubscription") => Request::Orders(Box::new(OrderSubscription {
            terms: terms(field)?,
            orders: Orders::read(&field("orderFilter"))?,
        })),
        Some("heartbeat") => Request::Heartbeat,
        Some(op @ ("raceSubscription" | "cricketSubscription")) => {
            let why = format!("{op}: there are no sports data here");
            return Ok(Err(Failure::new(ErrorCode::NotAuthorized, why)));
        }
        Some(op) => {
            return Ok(Err(Failure::new(
                ErrorCode::InvalidRequest,
                format!("op {op:?} is unknown"),
            )));
        }
        None => return Ok(Err(Failure::new(ErrorCode::InvalidInput, "op is missing"))),
    }))
}

fn terms<'v>(field: &impl Fn(&'static str) -> Field<'v, 'v>) -> Result<Terms, Fault> {
    let clamped = |name, bounds: std::ops::RangeInclusive<i64>, otherwise: i64| {
        let given = field(name).integer()?.unwrap_or(otherwise);
        Ok::<_, Fault>(given.clamp(*bounds.start(), *bounds.end()).unsigned_abs())
    };
    Ok(Terms {
        initial_clk: field("initialClk").text()?,
        clk: field("clk").text()?,
        conflate_ms: clamped("conflateMs", CONFLATE_MS, 0)?,
        heartbeat_ms: clamped("heartbeatMs", HEARTBEAT_MS, *HEARTBEAT_MS.end())?,
        segmented: field("segmentationEnabled").truth()?.unwrap_or(false),
    })
}

#[cfg(test)]
mod tests {
    use super::super::market::Fields;
    use super::*;

    fn failure(line: &str) -> ErrorCode {
        Message::read(line.as_bytes()).request.unwrap_err().code
    }

    #[test]
    fn a_subscription_of_a_real_client_is_read() {
        let line = r#"{"op":"marketSubscription","id":1,"marketFilter":{"marketIds":["1.000000007"],
            "eventTypeIds":[1],"bspMarket":null},"marketDataFilter":{"fields":["EX_ALL_OFFERS"],
            "ladderLevels":null},"initialClk":null,"clk":null,"conflateMs":null,"heartbeatMs":10,
            "segmentationEnabled":true,"unknown":[1]}"#;
        let message = Message::read(line.as_bytes());
        assert_eq!(message.id, Some(1));
        let Ok(Request::Markets(read)) = message.request else { panic!("{message:?}") };
        assert_eq!(read.shape.fields, Fields::ALL_OFFERS);
        assert_eq!((read.terms.heartbeat_ms, read.terms.conflate_ms), (500, 0));
        assert!(read.terms.segmented && read.markets.is_named());
    }

    #[test]
    fn bounds_are_kept_by_clamping() {
        let line = r#"{"op":"orderSubscription","id":"7","heartbeatMs":99999,"conflateMs":-1}"#;
        let message = Message::read(line.as_bytes());
        let Ok(Request::Orders(read)) = message.request else { panic!("{message:?}") };
        assert_eq!((read.terms.heartbeat_ms, read.terms.conflate_ms), (5_000, 0));
        assert!(read.orders.overall_position);
    }

    #[test]
    fn what_cannot_be_read_is_told_by_its_word() {
        let cases = [
            ("", ErrorCode::InvalidInput),
            ("[]", ErrorCode::InvalidInput),
            ("{\"op\":5}", ErrorCode::InvalidRequest),
            ("{\"id\":1}", ErrorCode::InvalidInput),
            ("{\"op\":\"jump\"}", ErrorCode::InvalidRequest),
            ("{\"op\":\"raceSubscription\"}", ErrorCode::NotAuthorized),
            (
                "{\"op\":\"marketSubscription\",\"marketDataFilter\":{\"fields\":[\"EX\"]}}",
                ErrorCode::InvalidInput,
            ),
            (
                "{\"op\":\"orderSubscription\",\"orderFilter\":{\"accountIds\":[1]}}",
                ErrorCode::InvalidInput,
            ),
        ];
        for (line, code) in cases {
            assert_eq!(failure(line), code, "{line}");
        }
    }

    #[test]
    fn a_filter_is_bound_by_what_it_says() {
        let read = |line: &str| match Message::read(line.as_bytes()).request {
            Ok(Request::Markets(read)) => read.origin(1),
            other => panic!("{other:?}"),
        };
        let all = read(r#"{"op":"marketSubscription","id":1}"#);
        let same = read(r#"{"op":"marketSubscription","id":2,"heartbeatMs":500,"clk":null}"#);
        let other = read(r#"{"op":"marketSubscription","marketFilter":{"marketTypes":["A"]}}"#);
        assert_eq!(all, same);
        assert_ne!(all, other);
    }
}
