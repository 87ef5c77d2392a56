//! Stories of orders: who meets whom, at what price, and what is refused.

use super::*;
use crate::few::Few;

const ANN: u64 = 1;
const BOB: u64 = 2;
const CAT: u64 = 3;

#[test]
fn an_order_that_nobody_meets_rests() {
    let mut table = Table::open();
    let placed = table.place(ANN, back(1, 300, 1_000));
    assert_eq!((matched(&placed), rests(&placed)), (vec![], 1_000));
    table.place(BOB, lay(2, 280, 500));
    assert_eq!(table.ladders(), [vec![(280, 500)], vec![(300, 1_000)]]);
}

#[test]
fn a_taker_is_matched_at_the_better_resting_prices_first() {
    let mut table = Table::open();
    table.place(ANN, lay(1, 290, 100));
    table.place(ANN, lay(2, 300, 200));
    table.place(ANN, lay(3, 310, 300));
    let placed = table.place(BOB, back(4, 300, 600));
    assert_eq!(matched(&placed), [(310, 300), (300, 200)], "not at his own price, not below");
    assert_eq!(rests(&placed), 100);
    assert_eq!(table.fills_of(ANN), [(3, 310, 300), (2, 300, 200)]);
    assert_eq!(table.ladders(), [vec![(290, 100)], vec![(300, 100)]]);
    let view = table.market.runner_view(HOME).unwrap();
    assert_eq!(view.last_price_traded(), Some(Price(300)));
    let traded: Vec<_> = view.traded().collect();
    assert_eq!(traded, [(Price(300), Pence(400)), (Price(310), Pence(600))], "both sides count");
    assert_eq!(table.market.total_matched(), Pence(1_000));
    assert_eq!(table.market.last_match(), Some(START));
}

#[test]
fn a_layer_takes_the_lowest_price_first() {
    let mut table = Table::open();
    table.place(ANN, back(1, 101, 100));
    table.place(ANN, back(2, 400, 100));
    let placed = table.place(BOB, lay(3, 100_000, 300));
    assert_eq!(matched(&placed), [(101, 100), (400, 100)]);
    assert_eq!(table.ladders(), [vec![(100_000, 100)], vec![]]);
}

#[test]
fn who_came_first_at_a_price_is_met_first() {
    let mut table = Table::open();
    for (bet, account) in [(1, ANN), (2, CAT), (3, ANN)] {
        table.place(account, back(bet, 250, 100));
    }
    table.place(BOB, lay(4, 250, 250));
    assert_eq!(table.fills_of(ANN), [(1, 250, 100), (3, 250, 50)]);
    assert_eq!(table.fills_of(CAT), [(2, 250, 100)]);
}

#[test]
fn an_order_knows_what_is_ahead_of_it() {
    let mut table = Table::open();
    for (bet, account) in [(1, ANN), (2, CAT), (3, ANN)] {
        table.place(account, back(bet, 250, 100));
    }
    table.place(BOB, lay(4, 250, 30));
    let ahead = |table: &Table, steps: u32| {
        let mut steps = steps;
        let mut orders: Vec<_> = table.market.orders().collect();
        orders.sort_by_key(|order| order.bet);
        let ahead = orders.iter().map(|order| table.market.size_ahead(order.handle, &mut steps));
        ahead.collect::<Vec<_>>()
    };
    assert_eq!(ahead(&table, 9), [Some(Pence(0)), Some(Pence(70)), Some(Pence(170))]);
    assert_eq!(ahead(&table, 2), [Some(Pence(0)), Some(Pence(70)), None], "the steps are bounded");
}

#[test]
fn one_notice_tells_an_account_of_all_its_fills_by_one_command() {
    let mut table = Table::open();
    table.place(ANN, back(1, 250, 100));
    table.place(ANN, back(2, 260, 100));
    table.ask(BOB, &place(&[lay(3, 250, 100), lay(4, 260, 100)]));
    let notices = table.told.iter().filter(|(to, _)| *to == ANN).count();
    assert_eq!(notices, 3, "two answers and one Filled");
}

#[test]
fn a_cancel_in_part_keeps_the_place_in_the_queue() {
    let mut table = Table::open();
    table.place(ANN, back(1, 250, 100));
    table.place(CAT, back(2, 250, 100));
    assert_eq!(table.cancel(ANN, 1, Some(40)), Ok(40));
    assert_eq!(table.ladders(), [vec![], vec![(250, 160)]]);
    table.place(BOB, lay(3, 250, 70));
    assert_eq!(table.fills_of(ANN), [(1, 250, 60)]);
    assert_eq!(table.fills_of(CAT), [(2, 250, 10)]);
}

#[test]
fn cancels_fail_one_by_one() {
    let mut table = Table::open();
    table.place(ANN, back(1, 250, 100));
    table.place(BOB, back(2, 260, 100));
    assert_eq!(table.cancel(BOB, 1, None), Err(InstructionError::InvalidBetId), "it is Ann's");
    assert_eq!(table.cancel(ANN, 1, Some(0)), Err(InstructionError::InvalidBetSize));
    assert_eq!(table.cancel(ANN, 1, Some(5_000)), Ok(100), "more than remains takes all");
    assert_eq!(table.cancel(ANN, 1, None), Err(InstructionError::BetTakenOrLapsed));
    table.place(ANN, back(3, 250, 100));
    assert_eq!(table.handle(3).slot, table.handle(1).slot, "another order has the slot");
    assert_eq!(table.cancel(ANN, 1, None), Err(InstructionError::BetTakenOrLapsed));
    let twice = CancelOrder { bet: BetId(3), handle: table.handle(3), reduction: None };
    let refusal =
        table.refusal(ANN, &OrderCommand::Cancel { orders: [twice; 2].into(), on_close: false });
    assert_eq!(refusal.error, ExecutionError::DuplicateBetIds);
    assert_eq!(table.market.order_count(), 2);
}

#[test]
fn fill_or_kill_is_held_to_the_average_of_the_whole_fill() {
    let lays = [(550, 200), (540, 600), (530, 200)];
    let check = |order: NewOrder, expected: &[(u32, i64)], killed: i64| {
        let mut table = Table::open();
        for (bet, (price, size)) in (1..).zip(lays) {
            table.place(ANN, lay(bet, price, size));
        }
        let placed = table.place(BOB, order);
        assert_eq!(matched(&placed), expected, "{order:?}");
        assert_eq!(rests(&placed), 0);
        let gone = gone(&placed).unwrap_or((0, LapseReason::Killed));
        assert_eq!(gone, (killed, LapseReason::Killed), "{order:?}");
    };
    let all = [(550, 200), (540, 600), (530, 200)];
    check(kill(back(9, 540, 1_000), None), &all, 0);
    check(kill(back(9, 550, 1_000), None), &[], 1_000);
    check(kill(back(9, 550, 1_000), Some(200)), &[(550, 200)], 800);
    check(kill(back(9, 550, 1_000), Some(201)), &[], 1_000);
    check(kill(back(9, 540, 1_001), None), &[], 1_001);
    check(kill(back(9, 540, 1_001), Some(1)), &all, 1);
    // 2.1 saves two pence in the pound of each of 100, which pays for 50 that are four pence worse.
    let mut table = Table::open();
    table.place(ANN, lay(1, 210, 100));
    table.place(ANN, lay(2, 204, 300));
    let placed = table.place(BOB, kill(back(3, 208, 400), Some(150)));
    assert_eq!(matched(&placed), [(210, 100), (204, 50)]);
    assert_eq!(gone(&placed), Some((250, LapseReason::Killed)));
    // A plain order never takes a worse price than its own.
    let mut table = Table::open();
    table.place(ANN, lay(1, 550, 200));
    table.place(ANN, lay(2, 530, 200));
    assert_eq!(matched(&table.place(BOB, back(3, 540, 400))), [(550, 200)]);
}

#[test]
fn a_layer_s_fill_or_kill_is_held_to_its_average_too() {
    let mut table = Table::open();
    table.place(ANN, back(1, 200, 100));
    table.place(ANN, back(2, 204, 300));
    let placed = table.place(BOB, kill(lay(3, 202, 400), Some(150)));
    assert_eq!(matched(&placed), [(200, 100), (204, 100)]);
    assert_eq!(gone(&placed), Some((200, LapseReason::Killed)));
}

#[test]
fn without_best_execution_a_better_price_is_not_taken() {
    let mut table = Table::open();
    table.place(ANN, lay(1, 310, 100));
    let conditions = Conditions { best_execution: false, ..ANY };
    let mut try_at = |bet, price| {
        let what = OrderCommand::Place { orders: [back(bet, price, 50)].into(), conditions };
        match table.ask(BOB, &what) {
            Some(Answer::Placed(orders)) => (matched(&orders[0]), gone(&orders[0])),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        try_at(2, 300),
        (vec![], Some((50, LapseReason::PriceImprovementTooLarge))),
        "3.1 waits"
    );
    assert_eq!(try_at(3, 310), (vec![(310, 50)], None), "exactly at the price is no improvement");
}

#[test]
fn an_account_meets_itself_unless_it_does_not_want_to() {
    let mut table = Table::open();
    table.place(BOB, lay(1, 300, 100));
    table.place(ANN, lay(2, 300, 100));
    let conditions = Conditions { self_match: false, ..ANY };
    let strict = |orders: &[NewOrder]| {
        let orders = Few::each(orders, |order| *order);
        OrderCommand::Place { orders, conditions }
    };
    let refusal = table.refusal(ANN, &strict(&[back(3, 300, 60), back(4, 300, 60)]));
    assert_eq!(
        refusal,
        Refusal::of(1, InstructionError::InvalidBackLayCombination, 2),
        "the first would meet Bob only, the second Ann herself"
    );
    assert!(matches!(table.ask(ANN, &strict(&[back(5, 300, 60)])), Some(Answer::Placed(_))));
    let placed = table.place(ANN, back(6, 300, 60));
    assert_eq!(matched(&placed), [(300, 60)]);
    assert_eq!(table.fills_of(ANN), [(2, 300, 20)]);
    assert_eq!(table.fills_of(BOB), [(1, 300, 60), (1, 300, 40)]);
}

#[test]
fn the_second_order_of_a_batch_meets_what_the_first_left() {
    let mut table = Table::open();
    table.place(ANN, lay(1, 300, 100));
    let answer = table.ask(BOB, &place(&[back(2, 300, 80), back(3, 300, 80)]));
    let Some(Answer::Placed(orders)) = answer else { panic!("{answer:?}") };
    assert_eq!((matched(&orders[0]), matched(&orders[1])), (vec![(300, 80)], vec![(300, 20)]));
    assert_eq!(rests(&orders[1]), 60);
}

#[test]
fn a_placement_is_all_or_none_and_names_the_culprit() {
    let persist = definition();
    let no_persistence = MarketDefinition { persistence: false, ..definition() };
    let stranger = Runner::plain(SelectionId(99));
    let closing = NewOrder { persistence: Persistence::MarketOnClose, ..back(2, 300, 100) };
    let huge = Pence::MAX_ENTERED.0;
    use InstructionError::*;
    let check = |definition: &MarketDefinition, bad: NewOrder, error: InstructionError| {
        let mut table = Table::with(definition.clone());
        let refusal = table.refusal(ANN, &place(&[back(1, 300, 100), bad]));
        assert_eq!(refusal, Refusal::of(1, error, 2), "{bad:?}");
        assert_eq!(table.market.order_count(), 0, "nothing was done");
        let alone = table.refusal(ANN, &place(&[bad]));
        if error != InvalidBackLayCombination {
            assert_eq!(alone, Refusal::of(0, error, 1), "{bad:?}");
        }
    };
    check(&persist, order(2, stranger, Side::Back, 300, 100), InvalidRunner);
    check(&persist, back(2, 301, 100), InvalidOdds);
    check(&persist, back(2, 100, 100), InvalidOdds);
    check(&persist, back(2, 300, 0), InvalidBetSize);
    check(&persist, back(2, 300, -5), InvalidBetSize);
    check(&persist, back(2, 300, huge + 1), InvalidBetSize);
    check(&persist, back(2, 300, i64::MAX), InvalidBetSize);
    check(&persist, closing, InvalidPersistenceType);
    check(&no_persistence, persisting(back(2, 300, 100)), InvalidPersistenceType);
    check(&persist, kill(back(2, 300, 100), Some(0)), InvalidMinFillSize);
    check(&persist, kill(back(2, 300, 100), Some(101)), InvalidMinFillSize);
}

#[test]
fn a_back_and_a_lay_of_one_batch_may_not_meet() {
    let crossing = |orders: &[NewOrder]| {
        let mut table = Table::open();
        match table.ask(ANN, &place(orders)) {
            Some(Answer::Refused(refusal)) => {
                refusal.instructions.contains(&InstructionError::InvalidBackLayCombination)
            }
            _ => false,
        }
    };
    assert!(crossing(&[back(1, 300, 100), lay(2, 300, 100)]));
    assert!(crossing(&[lay(1, 310, 100), back(2, 400, 9), back(3, 300, 100)]));
    assert!(!crossing(&[back(1, 300, 100), lay(2, 290, 100)]));
    assert!(!crossing(&[back(1, 300, 100), order(2, AWAY, Side::Lay, 300, 100)]));
}

#[test]
fn totals_cannot_overflow() {
    let mut table = Table::open();
    table.market.placed = Pence(MAX_PLACED.0 - 150);
    table.replica.placed = table.market.placed;
    let refusal = table.refusal(ANN, &place(&[back(1, 300, 100), back(2, 300, 51)]));
    assert_eq!(refusal, Refusal::of(1, InstructionError::InvalidBetSize, 2));
    assert!(matches!(table.ask(ANN, &place(&[back(3, 300, 150)])), Some(Answer::Placed(_))));
}

#[test]
fn a_full_market_takes_no_more() {
    let mut table = Table::open();
    let mut records = vec![];
    let batch = 1_000;
    let commands = (MAX_ORDERS / batch) as u64;
    let orders: Vec<NewOrder> = (0..batch as u64).map(|bet| back(bet, 300, 1)).collect();
    for n in 1..=commands + 1 {
        let market = &mut table.market;
        // Each command has been answered by one notice.
        market.command(START, AccountId(ANN), n, 1, n - 1, &place(&orders), &mut records);
        let placed = matches!(records.pop(), Some(MarketEvent::Placed { .. }));
        assert_eq!(placed, n <= commands);
    }
    assert_eq!(table.market.order_count(), MAX_ORDERS);
    table.market.check_invariants();
}

#[test]
fn a_replacement_moves_to_the_end_of_the_new_price() {
    let mut table = Table::open();
    table.place(ANN, persisting(back(1, 300, 100)));
    table.place(CAT, back(2, 310, 100));
    table.place(BOB, lay(9, 300, 30));
    let what = replace(&table, &[(1, 11, 310)]);
    let answer = table.ask(ANN, &what);
    let Some(Answer::Replaced(lines)) = answer else { panic!("{answer:?}") };
    assert_eq!(lines[0].cancelled.map(|order| order.size), Ok(Pence(70)));
    let placed = lines[0].placed.clone().unwrap().unwrap();
    assert_eq!((placed.bet, rests(&placed)), (BetId(11), 70));
    let stands = table.market.order(table.handle(11)).unwrap();
    assert_eq!((stands.side, stands.persistence), (Side::Back, Persistence::Persist));
    table.place(BOB, lay(3, 310, 110));
    assert_eq!(table.fills_of(CAT), [(2, 310, 100)]);
    assert_eq!(table.fills_of(ANN), [(1, 300, 30), (11, 310, 10)]);
}

#[test]
fn a_replacement_whose_price_is_wrong_is_cancelled_and_not_placed() {
    let mut table = Table::open();
    table.place(ANN, back(1, 300, 100));
    table.place(ANN, back(2, 310, 100));
    let what = replace(&table, &[(1, 11, 301), (2, 12, 320)]);
    let answer = table.ask(ANN, &what);
    let Some(Answer::Replaced(lines)) = answer else { panic!("{answer:?}") };
    let errors: Vec<_> =
        lines.iter().map(|line| line.placed.clone().unwrap().unwrap_err().error).collect();
    assert_eq!(errors, [InstructionError::InvalidOdds, InstructionError::RelatedActionFailed]);
    assert!(lines.iter().all(|line| line.cancelled.is_ok()));
    assert_eq!(table.market.order_count(), 0, "the cancels stand");
}

#[test]
fn a_replacement_of_what_has_gone_is_not_placed() {
    let mut table = Table::open();
    table.place(ANN, back(1, 300, 100));
    table.place(ANN, back(2, 310, 100));
    let what = replace(&table, &[(1, 11, 290), (2, 12, 320)]);
    table.place(BOB, lay(3, 300, 100));
    let answer = table.ask(ANN, &what);
    let Some(Answer::Replaced(lines)) = answer else { panic!("{answer:?}") };
    assert_eq!(lines[0].cancelled.unwrap_err().error, InstructionError::BetTakenOrLapsed);
    assert_eq!(lines[0].placed, None);
    assert!(lines[1].placed.as_ref().unwrap().is_ok());
}

fn replace(table: &Table, orders: &[(u64, u64, u32)]) -> OrderCommand {
    let orders = orders.iter().map(|(bet, new_bet, price)| ReplaceOrder {
        bet: BetId(*bet),
        handle: table.handle(*bet),
        new_bet: BetId(*new_bet),
        new_price: Price(*price),
    });
    OrderCommand::Replace { orders: orders.collect(), conditions: ANY }
}

#[test]
fn only_persistence_can_be_updated() {
    let mut table = Table::open();
    table.place(ANN, back(1, 300, 100));
    let mut update = |account, persistence| {
        let bet = BetId(1);
        let orders = vec![UpdateOrder { bet, handle: table.handle(1), persistence }];
        match table.ask(account, &OrderCommand::Update { orders }) {
            Some(Answer::Updated(lines)) => lines[0].map_err(|fault| fault.error),
            other => panic!("{other:?}"),
        }
    };
    use Persistence::*;
    assert_eq!(update(ANN, Lapse), Err(InstructionError::NoActionRequired));
    assert_eq!(update(BOB, Persist), Err(InstructionError::InvalidBetId));
    assert_eq!(update(ANN, MarketOnClose), Err(InstructionError::InvalidPersistenceType));
    assert_eq!(update(ANN, Persist), Ok(BetId(1)));
    let stands = table.market.order(table.handle(1)).unwrap();
    assert_eq!(stands.persistence, Persist);
}

#[test]
fn commands_are_taken_once_and_in_order() {
    let mut table = Table::open();
    let first = place(&[back(1, 300, 100)]);
    assert_eq!(table.send(ANN, 2, 1, &first), Arrival::Gap { expected: 1 });
    assert_eq!(table.send(ANN, 1, 1, &first), Arrival::Next);
    assert_eq!(table.send(ANN, 1, 2, &first), Arrival::Repeat);
    assert_eq!(table.market.order_count(), 1, "once");
    let open: Vec<u64> = table.market.open_notices(AccountId(ANN), 0).map(|(k, _)| k).collect();
    assert_eq!(open, [1], "the answer is there to be sent again");
    assert_eq!(table.market.accounts_to_resume().collect::<Vec<_>>(), [AccountId(ANN)]);
    table.acknowledge(ANN, 1, None);
    assert_eq!(table.market.accounts_to_resume().count(), 0);
    let records = table.records.len();
    table.acknowledge(ANN, 1, None);
    assert_eq!(table.records.len(), records, "known already");
}

#[test]
fn a_poisonous_command_is_refused_unread_the_third_time() {
    let mut table = Table::open();
    assert_eq!(table.send(ANN, 1, 3, &place(&[back(1, 300, 100)])), Arrival::Next);
    let refused = Refusal::whole(ExecutionError::ServiceUnavailable, 1);
    assert_eq!(table.answer(ANN, 1), Some(Answer::Refused(refused)));
    assert_eq!(table.market.order_count(), 0);
}

#[test]
fn a_market_that_was_not_created_refuses() {
    let mut market = Market::default();
    let mut records = vec![];
    let what = place(&[back(1, 300, 100)]);
    let account = AccountId(ANN);
    assert_eq!(market.command(START, account, 1, 1, 0, &what, &mut records), Arrival::Next);
    let MarketEvent::Refused { refusal, .. } = &records[0] else { panic!("{records:?}") };
    assert_eq!(refusal.error, ExecutionError::InvalidMarketId);
    let mut replica = Market::default();
    replica.apply(START, &records[0]);
    assert_eq!(replica, market);
}
