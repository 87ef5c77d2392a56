//! Rows of orders: every order whole, positions as new totals by price.

use std::collections::BTreeMap;

use actors::account::{MatchedAt, OrderChange, Position};
use bytes::Bytes;
use domain::account::CurrentOrder;
use domain::ids::{MarketId, Runner};
use domain::money::Pence;
use domain::order::{OrderType, Persistence, Side};
use domain::price::Price;
use domain::time::UtcMillis;

use super::filter::Orders;
use super::number::{push_hundredths, push_integer, push_money, push_price, push_text};
use crate::betfair::exchange::lapse_word;

/// The licence that Betfair names; clients read the key and never the value.
const REGULATOR: &str = "REG_LGA";

/// One market's part of a change.
#[derive(Default)]
struct MarketPart<'c> {
    runners: BTreeMap<Runner, RunnerPart<'c>>,
    closed: bool,
}

#[derive(Default)]
struct RunnerPart<'c> {
    orders: Vec<&'c CurrentOrder>,
    /// By strategy, `None` for the whole position; backs and lays.
    matched: BTreeMap<Option<&'c str>, [Vec<(Price, Pence)>; 2]>,
}

/// One row a market. `whole`: replaces what is known.
pub(super) fn rows(change: &OrderChange, filter: &Orders, whole: bool) -> Vec<Bytes> {
    let mut markets: BTreeMap<MarketId, MarketPart<'_>> = BTreeMap::new();
    let wanted = |order: &&CurrentOrder| match &filter.strategies {
        None => true,
        Some(strategies) => {
            order.strategy_ref.as_deref().is_some_and(|name| strategies.contains(name))
        }
    };
    for order in change.orders.iter().filter(wanted) {
        let market = markets.entry(order.market).or_default();
        market.runners.entry(order.runner).or_default().orders.push(order);
    }
    for (at, size) in &change.matched {
        let Some(of) = position(at, filter) else { continue };
        let market = markets.entry(at.market).or_default();
        let runner = market.runners.entry(at.runner).or_default();
        let sides = runner.matched.entry(of).or_default();
        sides[usize::from(at.is_lay)].push((at.price, *size));
    }
    for market in &change.closed {
        markets.entry(*market).or_default().closed = true;
    }
    markets.into_iter().map(|(id, part)| row(id, &part, whole)).collect()
}

/// Under which name the client wants it, if at all: `None` is the whole position.
fn position<'c>(at: &'c MatchedAt, filter: &Orders) -> Option<Option<&'c str>> {
    match &at.position {
        Position::Overall => filter.overall_position.then_some(None),
        Position::Of(strategy) => {
            let name = strategy.as_deref().unwrap_or_default();
            let wanted = filter.by_strategy
                && filter.strategies.as_ref().is_none_or(|all| all.contains(name));
            wanted.then_some(Some(name))
        }
    }
}

fn row(id: MarketId, part: &MarketPart<'_>, whole: bool) -> Bytes {
    let mut out = Vec::with_capacity(512);
    out.extend_from_slice(b"{\"id\":\"");
    out.extend_from_slice(id.to_string().as_bytes());
    out.push(b'"');
    if part.closed {
        out.extend_from_slice(b",\"closed\":true");
    }
    if whole {
        out.extend_from_slice(b",\"fullImage\":true");
    }
    if !part.runners.is_empty() {
        out.extend_from_slice(b",\"orc\":[");
        list(&mut out, part.runners.iter(), |out, (runner, part)| {
            push_runner(out, *runner, part, whole);
        });
    }
    out.push(b'}');
    Bytes::from(out)
}

fn push_runner(out: &mut Vec<u8>, runner: Runner, part: &RunnerPart<'_>, whole: bool) {
    out.extend_from_slice(b"{\"id\":");
    push_integer(out, runner.selection.0);
    if runner.handicap != 0 {
        out.extend_from_slice(b",\"hc\":");
        push_hundredths(out, i64::from(runner.handicap));
    }
    if whole {
        out.extend_from_slice(b",\"fullImage\":true");
    }
    if !part.orders.is_empty() {
        out.extend_from_slice(b",\"uo\":[");
        list(out, part.orders.iter(), |out, order| push_order(out, order));
    }
    if let Some([backs, lays]) = part.matched.get(&None) {
        push_matched(out, backs, lays);
    }
    let by_strategy = part.matched.iter().filter_map(|(name, sides)| Some(((*name)?, sides)));
    let mut by_strategy = by_strategy.peekable();
    if by_strategy.peek().is_some() {
        out.extend_from_slice(b",\"smc\":{");
        for (at, (name, [backs, lays])) in by_strategy.enumerate() {
            if at > 0 {
                out.push(b',');
            }
            push_text(out, name);
            out.extend_from_slice(b":{");
            let begun = out.len();
            push_matched(out, backs, lays);
            // The first member has no comma before it.
            out.remove(begun);
            out.push(b'}');
        }
        out.push(b'}');
    }
    out.push(b'}');
}

/// With a comma before each.
fn push_matched(out: &mut Vec<u8>, backs: &[(Price, Pence)], lays: &[(Price, Pence)]) {
    for (key, levels) in [("mb", backs), ("ml", lays)] {
        if levels.is_empty() {
            continue;
        }
        out.extend_from_slice(format!(",\"{key}\":[").as_bytes());
        list(out, levels.iter(), |out, (price, size)| {
            out.push(b'[');
            push_price(out, *price);
            out.push(b',');
            push_money(out, *size);
            out.push(b']');
        });
    }
}

fn push_order(out: &mut Vec<u8>, order: &CurrentOrder) {
    let money = |out: &mut Vec<u8>, key: &str, amount: Pence| {
        out.extend_from_slice(format!(",\"{key}\":").as_bytes());
        push_money(out, amount);
    };
    out.extend_from_slice(format!("{{\"id\":\"{}\",\"p\":", order.bet).as_bytes());
    push_price(out, crate::betfair::exchange::shown_price(order));
    // A stake that is made at the starting price is not known before.
    money(out, "s", if order.at_close { Pence::ZERO } else { order.size });
    if !order.liability.is_zero() {
        money(out, "bsp", order.liability);
    }
    let order_type = match order.order_type {
        OrderType::Limit => "L",
        OrderType::LimitOnClose => "LOC",
        OrderType::MarketOnClose => "MOC",
    };
    let side = if order.side == Side::Back { "B" } else { "L" };
    let status = if order.executable { "E" } else { "EC" };
    let persistence = match order.persistence {
        Persistence::Lapse => "L",
        Persistence::Persist => "P",
        Persistence::MarketOnClose => "MOC",
    };
    let placed = whole_seconds(order.placed_at);
    out.extend_from_slice(
        format!(
            ",\"side\":\"{side}\",\"status\":\"{status}\",\"pt\":\"{persistence}\",\"ot\":\"{order_type}\",\
             \"pd\":{placed}"
        )
        .as_bytes(),
    );
    let time = |out: &mut Vec<u8>, key: &str, at: i64| {
        out.extend_from_slice(format!(",\"{key}\":{at}").as_bytes());
    };
    if let Some(at) = order.matched_at {
        time(out, "md", whole_seconds(at));
    }
    if let Some(at) = order.ended_at {
        // An edited order for the starting price is cancelled without a size.
        if !order.cancelled.is_zero() || order.lapsed.is_zero() {
            time(out, "cd", at.0);
        }
        if !order.lapsed.is_zero() {
            time(out, "ld", at.0);
        }
    }
    if let Some(reason) = order.lapse_reason.filter(|_| !order.lapsed.is_zero()) {
        out.extend_from_slice(format!(",\"lsrc\":\"{}\"", lapse_word(reason)).as_bytes());
    }
    if let Some(average) = Average::of(order) {
        out.extend_from_slice(b",\"avp\":");
        average.push(out);
    }
    money(out, "sm", order.matched);
    money(out, "sr", order.remaining);
    money(out, "sl", order.lapsed);
    money(out, "sc", order.cancelled);
    money(out, "sv", order.voided);
    out.extend_from_slice(format!(",\"rac\":\"\",\"rc\":\"{REGULATOR}\",\"rfo\":").as_bytes());
    push_text(out, order.order_ref.as_deref().unwrap_or_default());
    out.extend_from_slice(b",\"rfs\":");
    push_text(out, order.strategy_ref.as_deref().unwrap_or_default());
    out.push(b'}');
}

/// As the other doors print it, unrounded.
struct Average(f64);

impl Average {
    fn of(order: &CurrentOrder) -> Option<Average> {
        let sum = i128::from(order.matched_times_price);
        let average = crate::betfair::exchange::average(sum, order.matched);
        (!order.matched.is_zero()).then_some(Average(average))
    }

    fn push(&self, out: &mut Vec<u8>) {
        // A finite double is always written.
        let _ = serde_json::to_writer(out, &self.0);
    }
}

/// Betfair tells these times in whole seconds.
fn whole_seconds(at: UtcMillis) -> i64 {
    at.0 - at.0.rem_euclid(1_000)
}

fn list<T>(out: &mut Vec<u8>, items: impl Iterator<Item = T>, push: impl Fn(&mut Vec<u8>, T)) {
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        push(out, item);
    }
    out.push(b']');
}
