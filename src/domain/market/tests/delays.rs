//! Stories of the bet delay, and of commands that are given up.

use super::*;
use crate::definition::BetDelayModel;
use crate::few::Few;

const ANN: u64 = 1;
const BOB: u64 = 2;

fn in_play() -> Table {
    let mut table = Table::open();
    table.done(MarketAct::TurnInPlay { bet_delay_s: None });
    table
}

/// The answer to the account's last command.
fn last(table: &Table, account: u64) -> Option<Few<PlacedOrder>> {
    match table.answer(account, table.numbers[&account])? {
        Answer::Placed(orders) => Some(orders),
        other => panic!("{other:?}"),
    }
}

#[test]
fn in_play_an_order_waits_and_is_matched_then() {
    let mut table = in_play();
    assert_eq!(table.ask(ANN, &place(&[back(1, 300, 100)])), None);
    assert!(matches!(table.told.last(), Some((ANN, Notice::Waiting { n: 1, .. }))));
    assert_eq!(table.ladders(), [vec![], vec![]]);
    assert_eq!(table.market.wake(), Some(table.now.plus_ms(5_000)));
    table.pass_ms(4_999);
    assert_eq!(last(&table, ANN), None);
    table.ask(BOB, &place(&[lay(2, 300, 60)]));
    table.pass_ms(1);
    assert_eq!(rests(&last(&table, ANN).unwrap()[0]), 100);
    assert_eq!(table.market.order(table.handle(1)).map(|order| order.waiting), Some(false));
    table.pass_ms(5_000);
    assert_eq!(matched(&last(&table, BOB).unwrap()[0]), [(300, 60)]);
    assert_eq!(table.fills_of(ANN), [(1, 300, 60)]);
    assert_eq!(table.market.wake(), None);
}

#[test]
fn what_is_due_comes_before_what_is_asked() {
    let mut table = in_play();
    table.ask(ANN, &place(&[back(1, 300, 100)]));
    table.now = table.now.plus_ms(10_000);
    assert_eq!(table.cancel(ANN, 1, None), Ok(100));
    let kinds = table.records.len();
    assert!(matches!(table.records[kinds - 2], MarketEvent::Placed { .. }));
    assert!(matches!(table.records[kinds - 1], MarketEvent::Cancelled { .. }));
}

#[test]
fn an_order_that_waits_can_be_cancelled_in_part_or_whole() {
    let mut table = in_play();
    table.ask(ANN, &place(&[back(1, 300, 100), back(2, 310, 100)]));
    let command = table.numbers[&ANN];
    assert_eq!(table.cancel(ANN, 1, Some(30)), Ok(30));
    assert_eq!(table.cancel(ANN, 2, None), Ok(100));
    assert_eq!(table.market.order_count(), 1);
    table.pass_ms(5_000);
    let Some(Answer::Placed(orders)) = table.answer(ANN, command) else { panic!("no answer") };
    assert_eq!(rests(&orders[0]), 70);
    assert_eq!((matched(&orders[1]), orders[1].remainder), (vec![], Remainder::None));
    assert_eq!(table.ladders(), [vec![], vec![(300, 70)]]);
}

#[test]
fn a_slot_given_on_while_an_order_waited_is_not_its_own_any_more() {
    let mut table = in_play();
    table.ask(ANN, &place(&[back(1, 300, 100)]));
    table.cancel(ANN, 1, None).unwrap();
    table.ask(BOB, &place(&[back(2, 300, 100)]));
    assert_eq!(table.handle(1).slot, table.handle(2).slot);
    table.pass_ms(5_000);
    assert_eq!(rests(&last(&table, BOB).unwrap()[0]), 100);
    assert_eq!(table.market.order_count(), 1);
}

#[test]
fn what_waits_is_held_to_the_market_again() {
    type Happening = fn(&mut Table);
    let suspend: Happening = |table| table.done(MarketAct::Suspend { lapse: false, reason: None });
    let suspend_and_open: Happening = |table| {
        table.done(MarketAct::Suspend { lapse: false, reason: None });
        table.done(MarketAct::Open);
    };
    let goal: Happening = |table| {
        table.done(MarketAct::Suspend { lapse: true, reason: None });
        table.done(MarketAct::Open);
    };
    let check = |happening: Happening, conditions: Conditions, expected: Option<LapseReason>| {
        let mut table = in_play();
        let conditions = Conditions { market_version: Some(table.market.version()), ..conditions };
        let orders = [persisting(back(1, 300, 100))].into();
        assert_eq!(table.ask(ANN, &OrderCommand::Place { orders, conditions }), None);
        happening(&mut table);
        table.pass_ms(5_000);
        let placed = last(&table, ANN).unwrap()[0].clone();
        assert_eq!(gone(&placed).map(|(_, reason)| reason), expected);
        assert_eq!(table.market.order_count(), usize::from(expected.is_none()));
    };
    check(suspend, ANY, Some(LapseReason::MarketSuspended));
    check(suspend_and_open, ANY, None);
    check(goal, ANY, Some(LapseReason::MarketVersion));
    let picky = Conditions { best_execution: false, ..ANY };
    check(|_| {}, picky, None);
}

#[test]
fn after_an_outage_what_waited_is_not_matched_at_prices_of_long_ago() {
    let mut table = in_play();
    table.ask(ANN, &place(&[back(1, 300, 100)]));
    table.now = table.now.plus_ms(60_000);
    table.suspend_after_outage();
    assert_eq!(table.market.status(), MarketStatus::Suspended);
    let suspended = Some((100, LapseReason::MarketSuspended));
    assert_eq!(gone(&last(&table, ANN).unwrap()[0]), suspended);
    let mut calm = Table::open();
    calm.suspend_after_outage();
    assert_eq!(calm.market.status(), MarketStatus::Open, "not in play");
}

#[test]
fn what_waits_lapses_with_the_rest_and_is_still_answered() {
    let mut table = in_play();
    table.ask(ANN, &place(&[back(1, 300, 100)]));
    table.done(MarketAct::Suspend { lapse: true, reason: None });
    assert_eq!(table.lapses_of(ANN), [(1, 100, LapseReason::MarketSuspended)]);
    table.pass_ms(5_000);
    assert_eq!(last(&table, ANN).unwrap()[0].remainder, Remainder::None, "told before");
}

#[test]
fn who_would_meet_himself_after_the_delay_lapses_if_he_does_not_want_to() {
    let mut table = Table::open();
    table.place(ANN, persisting(lay(1, 300, 100)));
    table.done(MarketAct::TurnInPlay { bet_delay_s: Some(1) });
    let conditions = Conditions { self_match: false, ..ANY };
    table.ask(ANN, &OrderCommand::Place { orders: [back(2, 300, 50)].into(), conditions });
    table.pass_ms(1_000);
    assert_eq!(gone(&last(&table, ANN).unwrap()[0]), Some((50, LapseReason::SelfMatch)));
}

#[test]
fn the_placing_half_of_a_replacement_waits() {
    let mut table = Table::open();
    table.place(ANN, persisting(back(1, 300, 100)));
    table.done(MarketAct::TurnInPlay { bet_delay_s: None });
    let (handle, new_price) = (table.handle(1), Price(310));
    let one = ReplaceOrder { bet: BetId(1), handle, new_bet: BetId(2), new_price };
    let gone = ReplaceOrder { bet: BetId(7), handle, new_bet: BetId(8), new_price };
    let orders = vec![gone, one];
    assert_eq!(table.ask(ANN, &OrderCommand::Replace { orders, conditions: ANY }), None);
    assert_eq!(table.ladders(), [vec![], vec![]], "the cancel is not delayed");
    assert_eq!(table.cancel(ANN, 2, Some(40)), Ok(40));
    table.pass_ms(5_000);
    let answer = table.answer(ANN, 2);
    let Some(Answer::Replaced(lines)) = answer else { panic!("{answer:?}") };
    assert_eq!(lines[0].cancelled.unwrap_err().error, InstructionError::BetTakenOrLapsed);
    assert_eq!(rests(lines[1].placed.as_ref().unwrap().as_ref().unwrap()), 60);
    assert_eq!(table.ladders(), [vec![], vec![(310, 60)]]);
}

fn in_play_with(models: &[BetDelayModel]) -> Table {
    let bet_delay_models = models.iter().copied().collect();
    let mut table = Table::with(MarketDefinition { bet_delay_models, ..definition() });
    table.done(MarketAct::TurnInPlay { bet_delay_s: None });
    table
}

#[test]
fn in_a_passive_market_only_what_would_be_matched_waits() {
    let mut table = in_play_with(&[BetDelayModel::Passive]);
    assert_eq!(rests(&table.place(ANN, back(1, 300, 100))), 100);
    assert_eq!(rests(&table.place(BOB, lay(2, 290, 50))), 50);
    // What meets somebody, what must not rest, and whatever comes with it.
    assert_eq!(table.ask(BOB, &place(&[lay(3, 300, 10)])), None);
    assert_eq!(table.ask(BOB, &place(&[kill(lay(4, 280, 10), None)])), None);
    assert_eq!(table.ask(BOB, &place(&[lay(5, 280, 10), lay(6, 300, 10)])), None);
    let payout = NewOrder { kind: OrderKind::Payout(Pence(600)), ..back(7, 320, 100) };
    assert_eq!(table.ask(BOB, &place(&[payout])), None);
    let persists = table.refusal(BOB, &place(&[persisting(lay(8, 280, 10))]));
    assert_eq!(persists, Refusal::of(0, InstructionError::InvalidPersistenceType, 1));
    table.pass_ms(5_000);
    assert_eq!(table.fills_of(ANN), [(1, 300, 10), (1, 300, 10)]);
    // The same for what takes an order's place.
    let to = |bet, new_bet, handle, price| OrderCommand::Replace {
        orders: vec![ReplaceOrder {
            bet: BetId(bet),
            handle,
            new_bet: BetId(new_bet),
            new_price: Price(price),
        }],
        conditions: ANY,
    };
    let handle = table.handle(2);
    assert!(matches!(table.ask(BOB, &to(2, 9, handle, 292)), Some(Answer::Replaced(_))));
    let handle = table.handle(9);
    assert_eq!(table.ask(BOB, &to(9, 10, handle, 300)), None);
}

#[test]
fn a_dynamic_delay_changes_for_what_is_placed_from_then_on() {
    let mut table = in_play_with(&[BetDelayModel::Dynamic]);
    table.ask(ANN, &place(&[back(1, 300, 100)]));
    table.done(MarketAct::DelayBets { bet_delay_s: 1 });
    table.ask(BOB, &place(&[back(2, 300, 100)]));
    table.pass_ms(1_000);
    assert_eq!(rests(&last(&table, BOB).unwrap()[0]), 100);
    assert_eq!(last(&table, ANN), None);
    table.pass_ms(4_000);
    assert_eq!(rests(&last(&table, ANN).unwrap()[0]), 100);
    let long = MarketAct::DelayBets { bet_delay_s: MAX_BET_DELAY_S + 1 };
    assert_eq!(table.act_refused(long), ActError::BetDelayTooLong);
    let change = || MarketAct::DelayBets { bet_delay_s: 1 };
    assert_eq!(in_play().act_refused(change()), ActError::BetDelayIsFixed);
    let bet_delay_models = [BetDelayModel::Dynamic].into();
    let mut before = Table::with(MarketDefinition { bet_delay_models, ..definition() });
    assert_eq!(before.act_refused(change()), ActError::BetDelayIsFixed);
}

#[test]
fn fill_or_kill_waits_too() {
    let mut table = Table::open();
    table.place(ANN, persisting(lay(1, 300, 100)));
    table.done(MarketAct::TurnInPlay { bet_delay_s: None });
    table.ask(BOB, &place(&[kill(back(2, 300, 150), Some(100))]));
    table.pass_ms(5_000);
    let placed = last(&table, BOB).unwrap()[0].clone();
    assert_eq!(
        (matched(&placed), gone(&placed)),
        (vec![(300, 100)], Some((50, LapseReason::Killed)))
    );
    assert_eq!(table.market.order_count(), 0, "the slot is free again");
}

#[test]
fn a_command_given_up_before_it_was_seen_is_refused_for_good() {
    let mut table = Table::open();
    assert_eq!(table.withdraw(ANN, 2), Arrival::Gap { expected: 1 });
    assert_eq!(table.withdraw(ANN, 1), Arrival::Next);
    let refusal = Refusal { error: ExecutionError::Timeout, instructions: vec![] };
    assert_eq!(table.answer(ANN, 1), Some(Answer::Refused(refusal)));
    assert_eq!(table.send(ANN, 1, 2, &place(&[back(1, 300, 100)])), Arrival::Repeat);
    assert_eq!(table.market.order_count(), 0);
}

#[test]
fn a_command_given_up_after_it_was_seen_leaves_nothing() {
    let mut table = Table::open();
    table.ask(ANN, &place(&[back(1, 300, 100), back(2, 310, 100)]));
    table.place(ANN, back(3, 300, 100));
    table.place(BOB, lay(4, 300, 40));
    assert_eq!(table.withdraw(ANN, 1), Arrival::Repeat);
    let withdrawn = LapseReason::Withdrawn;
    assert_eq!(table.lapses_of(ANN), [(1, 60, withdrawn), (2, 100, withdrawn)]);
    assert_eq!(table.ladders(), [vec![], vec![(300, 100)]]);
    let records = table.records.len();
    table.withdraw(ANN, 1);
    assert_eq!(table.records.len(), records, "nothing is left to withdraw");
}
