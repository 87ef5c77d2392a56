//! Stories of orders that say what is to come of them instead of a stake.

use super::*;

const ANN: u64 = 1;
const BOB: u64 = 2;

/// An order whose stake at its limit is known, as the account sends it.
fn to_reach(order: NewOrder, kind: OrderKind) -> NewOrder {
    NewOrder { kind, size: kind.stake_at(order.price).expect("a target has a stake"), ..order }
}

#[test]
fn without_better_prices_the_stake_is_that_of_the_limit() {
    let mut table = Table::open();
    let placed = table.place(ANN, to_reach(back(1, 400, 0), OrderKind::Payout(Pence(10_000))));
    assert_eq!(rests(&placed), 2_500);
    let placed =
        table.place(ANN, to_reach(back(2, 500, 0), OrderKind::BackersProfit(Pence(10_000))));
    assert_eq!(rests(&placed), 2_500);
}

#[test]
fn better_prices_need_less_of_a_back() {
    let mut table = Table::open();
    table.place(BOB, lay(1, 500, 1_000));
    // 50.00 comes back of 10.00 at 5.0; the other 50.00 needs 12.50 at 4.0.
    let placed = table.place(ANN, to_reach(back(2, 400, 0), OrderKind::Payout(Pence(10_000))));
    assert_eq!(matched(&placed), [(500, 1_000)]);
    assert_eq!(rests(&placed), 1_250);
    assert_eq!(table.ladders(), [vec![], vec![(400, 1_250)]]);
}

#[test]
fn better_prices_allow_more_of_a_lay() {
    let mut table = Table::open();
    table.place(BOB, back(1, 200, 3_000));
    // Its backer wins 30.00 of 30.00 at 2.0; the other 70.00 needs 35.00 at 3.0.
    let target = OrderKind::BackersProfit(Pence(10_000));
    let placed = table.place(ANN, to_reach(lay(2, 300, 0), target));
    assert_eq!(matched(&placed), [(200, 3_000)]);
    assert_eq!(rests(&placed), 3_500);
}

#[test]
fn a_target_that_is_met_leaves_nothing_whatever_the_rounding() {
    let mut table = Table::open();
    table.place(BOB, lay(1, 305, 10_000));
    let placed = table.place(ANN, to_reach(back(2, 101, 0), OrderKind::Payout(Pence(10_000))));
    assert_eq!(matched(&placed), [(305, 3_278)]);
    assert_eq!(placed.remainder, Remainder::None);
}

#[test]
fn all_of_a_target_or_nothing_can_be_asked_for() {
    let mut table = Table::open();
    table.place(BOB, lay(1, 500, 1_000));
    let target = |bet, payout| to_reach(back(bet, 400, 0), OrderKind::Payout(Pence(payout)));
    let placed = table.place(ANN, kill(target(2, 10_000), None));
    assert_eq!(gone(&placed), Some((2_250, LapseReason::Killed)));
    let placed = table.place(ANN, kill(target(3, 5_000), None));
    assert_eq!(matched(&placed), [(500, 1_000)]);
    assert_eq!(placed.remainder, Remainder::None);
}

#[test]
fn a_target_that_waits_is_cut_with_its_stake() {
    let mut table = Table::open();
    table.done(MarketAct::TurnInPlay { bet_delay_s: None });
    let order = to_reach(back(1, 400, 0), OrderKind::Payout(Pence(10_000)));
    assert_eq!(table.ask(ANN, &place(&[order])), None);
    assert_eq!(table.cancel(ANN, 1, Some(1_250)), Ok(1_250));
    table.pass_ms(5_000);
    let Some(Answer::Placed(orders)) = table.answer(ANN, 1) else { panic!("not answered") };
    assert_eq!(rests(&orders[0]), 1_250);
}
