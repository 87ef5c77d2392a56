//! Acts on markets so full that one record cannot hold what they change.

use super::*;
use crate::market::pieces::PIECE_MAX;

const ANN: u64 = 1;
const BOB: u64 = 2;
const LAPSE: MarketAct = MarketAct::Suspend { lapse: true, reason: None };
const ORDERS: u64 = 3 * PIECE_MAX as u64 + 5;

/// The records of the table's next act, and the market behind them.
fn acted(table: &Table, act: &MarketAct) -> (Vec<MarketEvent>, Market) {
    let (mut market, mut records) = (table.market.clone(), Vec::new());
    market.act(START, table.next_act, act, &mut records);
    (records, market)
}

/// The same behind a crash that left only the first so many of the records, and the act repeated.
fn acted_after_a_crash(
    table: &Table,
    act: &MarketAct,
    left: &[MarketEvent],
) -> (Vec<MarketEvent>, Market) {
    let (mut market, mut records) = (table.market.clone(), Vec::new());
    left.iter().for_each(|record| market.apply(START, record));
    market.check_invariants();
    assert_eq!(market.status(), MarketStatus::Open, "nothing has happened yet");
    market.act(START, table.next_act, act, &mut records);
    (records, market)
}

/// More orders than one record may take, of two accounts: in order, each told once, and cut off behind any record
/// the act goes on where it was.
#[test]
fn a_very_full_market_lapses_record_by_record_and_goes_on_after_a_crash() {
    let mut table = Table::open();
    for bet in 1..=ORDERS {
        table.place([ANN, BOB][bet as usize % 2], back(bet, 300, 100));
    }
    let removal = MarketAct::RemoveRunner { runner: HOME, factor: Some(1_000) };
    for act in [LAPSE, MarketAct::Void, removal] {
        let (records, whole) = acted(&table, &act);
        let sizes: Vec<usize> = records
            .iter()
            .filter_map(|record| match record {
                MarketEvent::LapsedAhead { lapsed } => Some(lapsed.len()),
                MarketEvent::StatusChanged(change) | MarketEvent::Resolved { change, .. } => {
                    Some(change.lapsed.len())
                }
                MarketEvent::RunnerRemoved(removed) => Some(removed.lapsed.len()),
                _ => None,
            })
            .collect();
        assert_eq!(sizes, [PIECE_MAX, PIECE_MAX, PIECE_MAX, 5]);
        assert_eq!(whole.order_count(), 0);
        for reached in 0..3 {
            let (rest, cut) = acted_after_a_crash(&table, &act, &records[..=reached]);
            assert_eq!(rest[..], records[reached + 1..], "the act goes on where it was cut off");
            assert_eq!(cut, whole);
        }
    }
}

/// What rests on all orders together takes effect with the last record, wherever a crash cut it off before.
fn takes_effect_as_a_whole(table: &Table, act: &MarketAct, sizes: &[usize]) -> Market {
    let (records, whole) = acted(table, act);
    let found: Vec<usize> = records
        .iter()
        .filter_map(|record| match record {
            MarketEvent::Prepared(piece) => Some(piece.adjusted.len() + piece.orders.len()),
            MarketEvent::RunnerRemoved(removed) => Some(removed.adjusted.len()),
            MarketEvent::Reconciled(made) => Some(made.orders.len()),
            _ => None,
        })
        .collect();
    assert_eq!(found, sizes);
    whole.check_invariants();
    for reached in 0..sizes.len() - 1 {
        let (again, cut) = acted_after_a_crash(table, act, &records[..=reached]);
        assert_eq!(again, records, "the act begins again");
        assert_eq!(cut, whole);
    }
    let mut folded = table.market.clone();
    records.iter().for_each(|record| folded.apply(START, record));
    assert_eq!(folded, whole);
    whole
}

#[test]
fn a_removal_reprices_a_very_full_market_at_once() {
    let mut table = Table::open();
    for bet in 1..=ORDERS {
        let price = if bet % 3 == 0 { 300 } else { 400 };
        table.place([ANN, BOB][bet as usize % 2], persisting(lay(bet, price, 100)));
    }
    let removal = MarketAct::RemoveRunner { runner: DRAW, factor: Some(2_000) };
    let sizes = [PIECE_MAX, PIECE_MAX, PIECE_MAX, 5];
    let market = takes_effect_as_a_whole(&table, &removal, &sizes);
    let prices: std::collections::BTreeSet<Price> =
        market.orders().map(|order| order.price).collect();
    assert_eq!(prices, [Price(240), Price(320)].into(), "reduced once");
}

#[test]
fn the_starting_price_of_a_very_full_market_is_made_at_once() {
    let mut table = Table::with_starting_price();
    for bet in 1..=ORDERS {
        let (account, side) = [(ANN, Side::Back), (BOB, Side::Lay)][bet as usize % 2];
        table.place(account, at_any_price(bet, side, 10_000));
    }
    let sizes = [PIECE_MAX, PIECE_MAX, PIECE_MAX, 5];
    for act in [MarketAct::ReconcileSp, MarketAct::TurnInPlay { bet_delay_s: Some(0) }] {
        let market = takes_effect_as_a_whole(&table, &act, &sizes);
        assert!(market.bsp_reconciled());
        assert_eq!(market.order_count(), 0);
    }
}
