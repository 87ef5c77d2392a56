//! Stories of the starting price: who waits for it, what it is, and who is met at it.

use super::*;
use crate::price::{ExactPrice, StartingPrice};

const ANN: u64 = 1;
const BOB: u64 = 2;
const CAT: u64 = 3;

const IN_PLAY: MarketAct = MarketAct::TurnInPlay { bet_delay_s: Some(0) };

fn made(table: &Table) -> Option<StartingPrice> {
    table.market.runner_view(HOME).expect("the runner is there").actual_price()
}

fn at(price: u32) -> Option<StartingPrice> {
    Some(StartingPrice::At(ExactPrice(price)))
}

fn converting(order: NewOrder) -> NewOrder {
    NewOrder { persistence: Persistence::MarketOnClose, ..order }
}

fn edit(table: &mut Table, account: u64, bet: u64, new_bet: u64, price: u32) -> ReplacedOrder {
    let (handle, bet) = (table.handle(bet), BetId(bet));
    let (new_bet, new_price) = (BetId(new_bet), Price(price));
    let orders = vec![ReplaceOrder { bet, handle, new_bet, new_price }];
    match table.ask(account, &OrderCommand::Replace { orders, conditions: ANY }) {
        Some(Answer::Replaced(mut lines)) => lines.remove(0),
        other => panic!("not replaced: {other:?}"),
    }
}

#[test]
fn orders_on_close_wait_outside_the_book_and_are_matched_at_one_price() {
    let mut table = Table::with_starting_price();
    table.place(ANN, at_any_price(1, Side::Back, 10_000));
    table.place(BOB, at_any_price(2, Side::Lay, 40_000));
    assert_eq!(table.ladders(), [vec![], vec![]]);
    let view = table.market.runner_view(HOME).expect("the runner is there");
    assert_eq!(view.back_stakes_taken(), [(ExactPrice(1_010_000), Pence(10_000))]);
    assert_eq!(view.lay_liabilities_taken(), [(ExactPrice(1_000_000_000), Pence(40_000))]);
    assert_eq!(Some(view.far_price()), at(5_000_000));
    assert_eq!(view.actual_price(), None);
    table.done(IN_PLAY);
    assert_eq!(made(&table), at(5_000_000));
    assert!(table.market.bsp_reconciled());
    assert_eq!(table.closed(), [(1, 10_000, 0), (2, 10_000, 0)]);
    let view = table.market.runner_view(HOME).expect("the runner is there");
    assert_eq!(view.back_stakes_taken(), [(ExactPrice(5_000_000), Pence(10_000))]);
    assert_eq!(view.lay_liabilities_taken(), [(ExactPrice(5_000_000), Pence(40_000))]);
    assert_eq!(table.market.total_matched(), Pence(20_000));
}

#[test]
fn what_waits_for_the_starting_price_cannot_be_cancelled_and_only_becomes_easier_to_meet() {
    let mut table = Table::with_starting_price();
    table.place(ANN, on_close(back(1, 500, 1_000)));
    table.place(ANN, at_any_price(2, Side::Lay, 1_000));
    assert_eq!(table.cancel(ANN, 1, None), Err(InstructionError::BetTakenOrLapsed));
    table.done(MarketAct::Suspend { lapse: true, reason: None });
    table.done(MarketAct::Open);
    assert_eq!(table.market.orders().filter(|order| order.closing).count(), 2);
    let fault = |line: ReplacedOrder| line.cancelled.expect_err("not edited").error;
    assert_eq!(fault(edit(&mut table, ANN, 1, 3, 510)), InstructionError::InvalidPriceEdit);
    assert_eq!(fault(edit(&mut table, ANN, 2, 4, 400)), InstructionError::InvalidPriceEdit);
    assert_eq!(fault(edit(&mut table, BOB, 1, 5, 400)), InstructionError::InvalidBetId);
    assert_eq!(fault(edit(&mut table, ANN, 1, 6, 201)), InstructionError::InvalidOdds);
    let line = edit(&mut table, ANN, 1, 7, 400);
    assert_eq!(line.cancelled, Ok(CancelledOrder { bet: BetId(1), size: Pence::ZERO }));
    let placed = line.placed.expect("edited").expect("placed");
    assert_eq!((placed.bet, rests(&placed)), (BetId(7), 1_000));
    let view = table.market.runner_view(HOME).expect("the runner is there");
    assert_eq!(view.back_stakes_taken(), [(ExactPrice(4_000_000), Pence(1_000))]);
}

#[test]
fn limits_at_the_price_are_met_first_come_first_and_better_ones_in_full() {
    let mut table = Table::with_starting_price();
    table.place(ANN, on_close(back(1, 500, 1_000)));
    table.place(BOB, on_close(back(2, 500, 1_000)));
    table.place(CAT, on_close(back(3, 400, 500)));
    // 80.00 of liability at 5.0 is 20.00 of stake: 5.00 for the better limit, 15.00 for the queue.
    table.place(CAT, at_any_price(4, Side::Lay, 8_000));
    table.done(MarketAct::ReconcileSp);
    assert_eq!(made(&table), at(5_000_000));
    assert_eq!(table.market.status(), MarketStatus::Suspended);
    let expected = [(1, 1_000, 0), (2, 500, 500), (3, 500, 0), (4, 2_000, 0)];
    assert_eq!(table.closed(), expected);
}

#[test]
fn the_book_lends_what_is_better_and_its_own_queue_at_the_price() {
    let mut table = Table::with_starting_price();
    table.place(ANN, persisting(lay(1, 500, 300)));
    table.place(BOB, persisting(lay(2, 400, 1_000)));
    table.place(BOB, persisting(lay(3, 400, 1_000)));
    table.place(CAT, persisting(lay(4, 390, 1_000)));
    table.place(CAT, at_any_price(5, Side::Back, 1_800));
    table.done(IN_PLAY);
    assert_eq!(made(&table), at(4_000_000));
    let expected = [(1, 300, 0), (2, 1_000, 0), (3, 500, 0), (5, 1_800, 0)];
    assert_eq!(table.closed(), expected);
    assert_eq!(table.ladders()[0], [(400, 500), (390, 1_000)]);
    assert_eq!(table.market.total_matched(), Pence(3_600));
}

#[test]
fn an_exclusion_takes_back_what_waits_for_the_starting_price_until_it_is_made() {
    let mut table = Table::with_starting_price();
    table.place(ANN, on_close(back(1, 500, 1_000)));
    table.place(ANN, at_any_price(2, Side::Lay, 2_000));
    table.place(ANN, back(3, 700, 300));
    table.place(BOB, at_any_price(4, Side::Back, 700));
    let take_back = |table: &mut Table, account, bets: &[u64]| {
        let cancel = |bet: &u64| CancelOrder {
            bet: BetId(*bet),
            handle: table.handle(*bet),
            reduction: None,
        };
        let orders = bets.iter().map(cancel).collect::<Vec<_>>().into();
        match table.ask(account, &OrderCommand::Cancel { orders, on_close: true }) {
            Some(Answer::Cancelled(lines)) => lines
                .iter()
                .map(|line| line.map(|order| order.size.0).map_err(|fault| fault.error))
                .collect::<Vec<_>>(),
            other => panic!("no answer to cancel: {other:?}"),
        }
    };
    let not_theirs = Err(InstructionError::InvalidBetId);
    assert_eq!(
        take_back(&mut table, ANN, &[1, 2, 3, 4]),
        [Ok(1_000), Ok(2_000), Ok(300), not_theirs]
    );
    let view = table.market.runner_view(HOME).expect("the runner is there");
    assert_eq!(view.back_stakes_taken(), [(ExactPrice(1_010_000), Pence(700))]);
    assert_eq!(view.lay_liabilities_taken(), []);
    table.place(CAT, at_any_price(5, Side::Lay, 700));
    table.done(IN_PLAY);
    assert_eq!(table.closed(), [(4, 700, 0), (5, 700, 0)]);
    // Matched is matched.
    assert_eq!(take_back(&mut table, BOB, &[4]), [Err(InstructionError::BetTakenOrLapsed)]);
}

#[test]
fn what_persists_on_close_converts_and_too_small_a_lay_lapses() {
    let mut table = Table::with_starting_price();
    table.place(ANN, converting(back(1, 500, 2_000)));
    table.place(BOB, converting(lay(2, 300, 1_000)));
    // 9.99 of liability is less than the smallest allowed.
    table.place(BOB, converting(lay(3, 200, 999)));
    table.place(CAT, back(4, 600, 100));
    table.done(IN_PLAY);
    assert_eq!(made(&table), at(2_000_000));
    assert_eq!(table.closed(), [(1, 2_000, 0), (2, 2_000, 0), (3, 0, 999)]);
    assert_eq!(table.lapses_of(CAT), [(4, 100, LapseReason::TurnedInPlay)]);
    assert_eq!(table.market.order_count(), 0);
}

#[test]
fn nobody_to_meet_is_no_price_and_everything_lapses() {
    let mut table = Table::with_starting_price();
    table.place(ANN, at_any_price(1, Side::Back, 500));
    let away = order(2, AWAY, Side::Lay, 100_000, 5_000);
    table.place(BOB, NewOrder { kind: OrderKind::MarketOnClose, ..away });
    table.done(IN_PLAY);
    assert_eq!(made(&table), Some(StartingPrice::NotANumber));
    let away = table.market.runner_view(AWAY).expect("the runner is there");
    assert_eq!(away.actual_price(), Some(StartingPrice::Infinity));
    assert_eq!(table.closed(), [(1, 0, 500), (2, 0, 5_000)]);
}

#[test]
fn an_empty_market_starts_between_its_best_offers() {
    let mut table = Table::with_starting_price();
    table.place(ANN, lay(1, 300, 500));
    table.place(BOB, back(2, 320, 500));
    let view = table.market.runner_view(HOME).expect("the runner is there");
    assert_eq!(Some(view.near_price()), at(3_100_000));
    assert_eq!(view.far_price(), StartingPrice::NotANumber);
}

#[test]
fn orders_on_close_are_refused_where_there_is_no_starting_price_or_it_is_made() {
    let refused =
        |table: &mut Table, order: NewOrder| table.refusal(ANN, &place(&[order])).instructions[0];
    let closed = InstructionError::MarketNotOpenForBspBetting;
    let mut table = Table::open();
    assert_eq!(refused(&mut table, at_any_price(1, Side::Back, 500)), closed);
    assert_eq!(table.act_refused(MarketAct::ReconcileSp), ActError::NoStartingPrice);
    let mut table = Table::with_starting_price();
    let off_ladder = on_close(back(1, 201, 500));
    assert_eq!(refused(&mut table, off_ladder), InstructionError::InvalidOdds);
    table.done(MarketAct::ReconcileSp);
    assert_eq!(table.act_refused(MarketAct::ReconcileSp), ActError::AlreadyReconciled);
    table.done(MarketAct::Open);
    assert_eq!(refused(&mut table, at_any_price(2, Side::Back, 500)), closed);
    let late = converting(back(3, 300, 500));
    assert_eq!(refused(&mut table, late), InstructionError::InvalidPersistenceType);
}

#[test]
fn a_back_and_a_lay_of_one_batch_may_not_meet_at_the_starting_price() {
    let mut table = Table::with_starting_price();
    let batch = [at_any_price(1, Side::Back, 500), on_close(lay(2, 300, 5_000))];
    let refusal = table.refusal(ANN, &place(&batch));
    assert_eq!(refusal.instructions[1], InstructionError::InvalidBackLayCombination);
}

#[test]
fn a_market_that_is_over_lets_everybody_go_who_waited_for_its_starting_price() {
    let mut table = Table::with_starting_price();
    table.place(ANN, at_any_price(1, Side::Back, 500));
    table.act(MarketAct::Void);
    assert_eq!(table.lapses_of(ANN), [(1, 500, LapseReason::MarketClosed)]);
    assert_eq!(table.market.order_count(), 0);
}
