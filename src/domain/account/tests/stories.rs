//! What happens to a bettor who asks, one story a test.

use super::*;
use crate::act::{AccountChange, ActError};
use crate::order::{CancelledOrder, InstructionFault, LapseReason, ReplacedOrder};
use crate::request::PlacedEnd;

fn error_of(outcome: &Outcome) -> Option<ExecutionError> {
    match outcome {
        Outcome::Placed(execution) => execution.error,
        Outcome::Cancelled(execution) => execution.error,
        Outcome::Replaced(execution) => execution.error,
        Outcome::Updated(execution) => execution.error,
    }
}

pub(super) fn refused(requested: Requested) -> ExecutionError {
    match requested {
        Requested::Answered(outcome) => error_of(&outcome).expect("refused"),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn the_whole_batch_must_be_affordable() {
    let mut ann = Bettor::with(20);
    let batch = |second| vec![back(HOME, 300, 10), back(AWAY, 300, second)];
    let mut dearer = batch(10);
    dearer[1].size = Pence(1_001);
    assert_eq!(refused(ann.place(MATCH_ODDS, dearer)), ExecutionError::InsufficientFunds);
    assert_eq!(ann.held(), Pence::ZERO);
    assert!(matches!(ann.place(MATCH_ODDS, batch(10)), Requested::Taken(_)));
    assert_eq!(ann.available(), Pence::ZERO);
    assert_eq!(refused(ann.place(MATCH_ODDS, batch(1))), ExecutionError::InsufficientFunds);
}

#[test]
fn a_sum_beyond_all_money_is_refused_and_nothing_wraps() {
    let mut ann = Bettor::with(20);
    let mut huge = lay(HOME, 100_000, 1);
    huge.size = Pence::MAX_ENTERED;
    let refusal = ann.place(MATCH_ODDS, vec![huge; 200]);
    assert_eq!(refused(refusal), ExecutionError::InsufficientFunds);
}

/// A penny at 1000 loses 9.99 of the 19.97, but at 2.0 all of it may be lost.
#[test]
fn a_lay_with_a_target_holds_what_better_prices_may_cost() {
    let target =
        || Ticket { kind: OrderKind::BackersProfit(Pence(1_997)), ..lay(HOME, 100_000, 0) };
    let mut poor = Bettor::with(10);
    let refusal = poor.place(MATCH_ODDS, vec![target()]);
    assert_eq!(refused(refusal), ExecutionError::InsufficientFunds);
    let mut ann = Bettor::with(20);
    ann.place(MATCH_ODDS, vec![target()]);
    assert_eq!(ann.held(), Pence(1_998));
    let matched = vec![Matched { price: Price(200), size: Pence(1_997) }];
    let placed = PlacedOrder { bet: ann.last_bet(), matched, remainder: Remainder::None };
    ann.answer(MATCH_ODDS, Answer::Placed([placed].into()));
    assert_eq!(ann.held(), Pence(1_997));
}

#[test]
fn matched_bets_free_what_they_cover() {
    let mut ann = Bettor::with(100);
    ann.matched(MATCH_ODDS, back(HOME, 300, 10));
    let lay = ann.rests(MATCH_ODDS, lay(HOME, 200, 10));
    assert_eq!(ann.held(), pounds(10), "the open lay is covered by what the back would win");
    let matched = Matched { price: Price(200), size: pounds(10) };
    ann.hear(MATCH_ODDS, Notice::Filled([(lay, matched)].into()));
    assert_eq!(ann.held(), Pence::ZERO, "it cannot lose any more");
}

#[test]
fn a_market_that_refuses_frees_the_hold_and_tells_why() {
    let mut ann = Bettor::with(100);
    ann.place(MATCH_ODDS, vec![back(HOME, 300, 10), back(AWAY, 300, 10)]);
    assert_eq!(ann.held(), pounds(20));
    let refusal = Refusal::of(1, InstructionError::InvalidRunner, 2);
    ann.answer(MATCH_ODDS, Answer::Refused(refusal));
    assert_eq!(ann.held(), Pence::ZERO);
    let expected = Outcome::Placed(Execution {
        error: Some(ExecutionError::BetActionError),
        reports: vec![Err(InstructionError::ErrorInOrder), Err(InstructionError::InvalidRunner)],
    });
    assert_eq!(ann.outcome(), Some(&expected));
    let all =
        ann.account.current_orders(&OrderFilter::default(), OrderSort::default(), Page::default());
    assert!(all.orders.is_empty());
}

#[test]
fn a_runner_that_does_not_exist_takes_no_part_in_what_may_be_lost() {
    let mut ann = Bettor::with(100);
    let nobody = Runner::plain(SelectionId(99));
    ann.rests(MATCH_ODDS, back(HOME, 300, 10));
    ann.place(MATCH_ODDS, vec![back(nobody, 300, 10)]);
    ann.place(MATCH_ODDS, vec![back(AWAY, 300, 10)]);
    let away = ann.last_bet();
    let refusal = Refusal::of(0, InstructionError::InvalidRunner, 1);
    ann.answer(MATCH_ODDS, Answer::Refused(refusal));
    ann.answer(MATCH_ODDS, Answer::Placed([resting(away, pounds(10))].into()));
    ann.rests(MATCH_ODDS, back(DRAW, 300, 10));
    // One of the three must win, and its stake comes back.
    assert_eq!(ann.held(), pounds(20));
}

#[test]
fn a_request_asked_again_is_never_done_again() {
    let mut ann = Bettor::with(100);
    let body = RequestBody::Place {
        market: MATCH_ODDS,
        terms: TERMS,
        tickets: vec![back(HOME, 300, 10)],
        strategy_ref: None,
        market_version: None,
    };
    let key = |n, answered_through| RequestKey { session: SESSION, n, answered_through };
    assert!(matches!(ann.ask_as(key(1, 0), None, body.clone()), Requested::Taken(_)));
    assert_eq!(ann.ask_as(key(1, 0), None, body.clone()), Requested::Pending);
    ann.request = 1;
    ann.answer(MATCH_ODDS, Answer::Placed([resting(ann.last_bet(), pounds(10))].into()));
    let outcome = ann.outcome().cloned().expect("answered");
    assert_eq!(ann.ask_as(key(1, 0), None, body.clone()), Requested::Answered(outcome));
    assert_eq!(ann.held(), pounds(10));
    assert!(matches!(ann.ask_as(key(2, 1), None, body.clone()), Requested::Taken(_)));
    assert_eq!(ann.ask_as(key(1, 1), None, body), Requested::Forgotten);
}

#[test]
fn a_customer_reference_works_once_a_minute_for_each_kind_of_request() {
    let mut ann = Bettor::with(100);
    let place = |ann: &mut Bettor, reference: &str| {
        let body = RequestBody::Place {
            market: MATCH_ODDS,
            terms: TERMS,
            tickets: vec![back(HOME, 300, 1)],
            strategy_ref: None,
            market_version: None,
        };
        ann.ask(Some(reference), body)
    };
    assert!(matches!(place(&mut ann, "one"), Requested::Taken(_)));
    assert_eq!(refused(place(&mut ann, "one")), ExecutionError::DuplicateTransaction);
    assert!(matches!(place(&mut ann, ""), Requested::Taken(_)), "empty is none");
    assert!(matches!(place(&mut ann, ""), Requested::Taken(_)));
    let bet = ann.rests(CORRECT_SCORE, back(HOME, 300, 1));
    assert!(matches!(ann.ask(Some("one"), cancel(CORRECT_SCORE, &[bet])), Requested::Taken(_)));
    ann.now += 59_999;
    assert_eq!(refused(place(&mut ann, "one")), ExecutionError::DuplicateTransaction);
    ann.now += 1;
    assert!(matches!(place(&mut ann, "one"), Requested::Taken(_)));
    assert_eq!(refused(place(&mut ann, "no spaces")), ExecutionError::InvalidOrder);
}

#[test]
fn cancels_that_are_possible_go_out_and_the_others_are_reported() {
    let mut ann = Bettor::with(100);
    let gone = ann.matched(MATCH_ODDS, back(HOME, 300, 10));
    let open = ann.rests(MATCH_ODDS, back(HOME, 300, 10));
    ann.place(MATCH_ODDS, vec![back(HOME, 300, 10)]);
    let on_its_way = ann.last_bet();
    let unknown = BetId(1);
    ann.ask(None, cancel(MATCH_ODDS, &[gone, unknown, open, on_its_way]));
    ann.answer(MATCH_ODDS, Answer::Placed([resting(on_its_way, pounds(10))].into()));
    let cancelled = CancelledOrder { bet: open, size: pounds(10) };
    ann.answer(MATCH_ODDS, Answer::Cancelled([Ok(cancelled)].into()));
    let Some(Outcome::Cancelled(execution)) = ann.outcome() else { panic!("no outcome") };
    assert_eq!(execution.error, Some(ExecutionError::ProcessedWithErrors));
    let results: Vec<_> = execution
        .reports
        .iter()
        .map(|report| (report.bet, report.result.map(|done| done.size)))
        .collect();
    let expected = [
        (gone, Err(InstructionError::BetTakenOrLapsed)),
        (unknown, Err(InstructionError::InvalidBetId)),
        (open, Ok(pounds(10))),
        (on_its_way, Err(InstructionError::BetInProgress)),
    ];
    assert_eq!(results, expected);
    assert_eq!(ann.held(), pounds(20));
}

#[test]
fn a_cancel_of_nothing_possible_leaves_no_trace() {
    let mut ann = Bettor::with(100);
    let open = ann.rests(MATCH_ODDS, back(HOME, 300, 10));
    let before = ann.seq;
    for (bets, error) in [
        (vec![BetId(1)], ExecutionError::BetActionError),
        (vec![open, open], ExecutionError::DuplicateBetIds),
        (vec![], ExecutionError::NoActionRequired),
        (vec![open; 201], ExecutionError::TooManyInstructions),
    ] {
        assert_eq!(refused(ann.ask(None, cancel(MATCH_ODDS, &bets))), error);
    }
    assert_eq!(
        refused(ann.ask(None, cancel(CORRECT_SCORE, &[open]))),
        ExecutionError::BetActionError
    );
    assert_eq!(ann.seq, before);
}

#[test]
fn cancelling_everything_reaches_every_market_and_what_is_on_its_way() {
    let mut ann = Bettor::with(100);
    let one = ann.rests(MATCH_ODDS, back(HOME, 300, 10));
    let other = ann.rests(CORRECT_SCORE, back(HOME, 300, 10));
    ann.place(CORRECT_SCORE, vec![back(AWAY, 300, 10)]);
    let on_its_way = ann.account.open_commands_of(CORRECT_SCORE, 0).next().map(|(n, ..)| n);
    let on_its_way = on_its_way.expect("a placement is open");
    ann.ask(None, RequestBody::Cancel(CancelScope::Everything));
    let withdraw = Outgoing::Withdraw { market: CORRECT_SCORE, n: on_its_way };
    assert!(ann.sent.contains(&withdraw));
    assert_eq!(ann.account.withdrawals().collect::<Vec<_>>(), [(CORRECT_SCORE, on_its_way)]);
    ann.answer(
        MATCH_ODDS,
        Answer::Cancelled([Ok(CancelledOrder { bet: one, size: pounds(10) })].into()),
    );
    assert_eq!(ann.outcome(), None, "the other market has not answered");
    ann.answer(CORRECT_SCORE, Answer::Refused(Refusal::whole(ExecutionError::Timeout, 1)));
    assert_eq!(ann.account.withdrawals().count(), 0);
    ann.answer(
        CORRECT_SCORE,
        Answer::Cancelled([Ok(CancelledOrder { bet: other, size: pounds(10) })].into()),
    );
    let Some(Outcome::Cancelled(execution)) = ann.outcome() else { panic!("no outcome") };
    assert_eq!(execution.error, None);
    let bets: Vec<_> = execution.reports.iter().map(|report| (report.market, report.bet)).collect();
    assert_eq!(bets, [(MATCH_ODDS, one), (CORRECT_SCORE, other)]);
    assert_eq!(ann.held(), Pence::ZERO);
}

#[test]
fn a_replace_holds_the_worse_of_old_and_new_until_it_is_answered() {
    let mut ann = Bettor::with(35);
    let mut ticket = lay(HOME, 200, 10);
    ticket.reference = Some("mine".into());
    let old = ann.rests(MATCH_ODDS, ticket);
    assert_eq!(ann.held(), pounds(10));
    let replace = |price| RequestBody::Replace {
        market: MATCH_ODDS,
        orders: vec![(old, Price(price))],
        market_version: None,
    };
    assert_eq!(refused(ann.ask(None, replace(500))), ExecutionError::InsufficientFunds);
    ann.ask(None, replace(300));
    let new = ann.last_bet();
    assert_eq!(ann.held(), pounds(20));
    assert_eq!(refused(ann.ask(None, replace(310))), ExecutionError::BetActionError);
    ann.request -= 1;
    // A fifth is matched at the old price before the replace arrives.
    let matched = Matched { price: Price(200), size: pounds(2) };
    ann.hear(MATCH_ODDS, Notice::Filled([(old, matched)].into()));
    assert_eq!(ann.held(), pounds(18));
    let cancelled = Ok(CancelledOrder { bet: old, size: pounds(8) });
    let placed = Some(Ok(resting(new, pounds(8))));
    ann.answer(MATCH_ODDS, Answer::Replaced(vec![ReplacedOrder { cancelled, placed }]));
    assert_eq!(ann.held(), pounds(18));
    let order = ann.order(MATCH_ODDS, new);
    assert_eq!(order.order_ref.as_deref(), Some("mine"));
    assert_eq!(order.strategy_ref.as_deref(), Some("plan"));
    assert_eq!((order.price, order.size, order.remaining), (Price(300), pounds(8), pounds(8)));
    let old = ann.order(MATCH_ODDS, old);
    assert_eq!((old.matched, old.cancelled, old.executable), (pounds(2), pounds(8), false));
    let Some(Outcome::Replaced(execution)) = ann.outcome() else { panic!("no outcome") };
    let placed = execution.reports[0].place.as_ref().expect("placed");
    assert_eq!((placed.ticket.price, placed.ticket.size), (Price(300), pounds(8)));
}

#[test]
fn a_replace_that_is_refused_frees_what_it_held() {
    let mut ann = Bettor::with(35);
    let old = ann.rests(MATCH_ODDS, lay(HOME, 200, 10));
    let replace = RequestBody::Replace {
        market: MATCH_ODDS,
        orders: vec![(old, Price(300))],
        market_version: None,
    };
    ann.ask(None, replace.clone());
    ann.answer(MATCH_ODDS, Answer::Refused(Refusal::whole(ExecutionError::MarketSuspended, 1)));
    assert_eq!(ann.held(), pounds(10));
    ann.ask(None, replace);
    let cancelled = Ok(CancelledOrder { bet: old, size: pounds(10) });
    let fault = InstructionFault { bet: old, error: InstructionError::InvalidOdds };
    let answer = ReplacedOrder { cancelled, placed: Some(Err(fault)) };
    ann.answer(MATCH_ODDS, Answer::Replaced(vec![answer]));
    assert_eq!(ann.held(), Pence::ZERO, "cancelled and not placed");
    let Some(Outcome::Replaced(execution)) = ann.outcome() else { panic!("no outcome") };
    assert_eq!(execution.error, Some(ExecutionError::BetActionError));
    assert_eq!(execution.reports[0].error, Some(InstructionError::CancelledNotPlaced));
}

#[test]
fn in_play_a_replace_gives_up_the_old_bet_and_lets_the_new_one_wait() {
    let mut ann = Bettor::with(100);
    let old = ann.rests(MATCH_ODDS, back(HOME, 200, 10));
    let orders = vec![(old, Price(300))];
    ann.ask(None, RequestBody::Replace { market: MATCH_ODDS, orders, market_version: None });
    let new = ann.last_bet();
    ann.hear(MATCH_ODDS, Notice::Waiting { n: 2, orders: vec![(new, handle(new))] });
    assert_eq!(ann.held(), pounds(10));
    assert!(!ann.order(MATCH_ODDS, old).executable);
    assert_eq!(ann.account.current_order(MATCH_ODDS, new), None, "it may still be refused");
    assert_eq!(ann.account.overdue(UtcMillis(ann.now + 60_000), 5_000), []);
    let cancelled = Ok(CancelledOrder { bet: old, size: pounds(10) });
    let matched = vec![Matched { price: Price(310), size: pounds(4) }];
    let remainder = Remainder::Rests { handle: handle(new), size: pounds(6) };
    let placed = Some(Ok(PlacedOrder { bet: new, matched, remainder }));
    ann.answer(MATCH_ODDS, Answer::Replaced(vec![ReplacedOrder { cancelled, placed }]));
    let order = ann.order(MATCH_ODDS, new);
    assert_eq!((order.matched, order.remaining), (pounds(4), pounds(6)));
    assert_eq!(ann.order(MATCH_ODDS, new).matched_times_price, 310 * 400);
}

#[test]
fn an_order_that_waits_can_be_cancelled() {
    let mut ann = Bettor::with(100);
    ann.place(MATCH_ODDS, vec![back(HOME, 200, 10)]);
    let bet = ann.last_bet();
    ann.hear(MATCH_ODDS, Notice::Waiting { n: 1, orders: vec![(bet, handle(bet))] });
    ann.ask(None, RequestBody::Cancel(CancelScope::Market(MATCH_ODDS)));
    let cancelled = Ok(CancelledOrder { bet, size: pounds(10) });
    ann.hear(MATCH_ODDS, Notice::Answered { n: 2, answer: Answer::Cancelled([cancelled].into()) });
    assert_eq!(ann.held(), Pence::ZERO);
    let gone = Remainder::Gone { size: Pence::ZERO, reason: LapseReason::Withdrawn };
    let placed = PlacedOrder { bet, matched: vec![], remainder: gone };
    ann.hear(MATCH_ODDS, Notice::Answered { n: 1, answer: Answer::Placed([placed].into()) });
    let order = ann.order(MATCH_ODDS, bet);
    assert_eq!((order.cancelled, order.lapsed, order.executable), (pounds(10), Pence::ZERO, false));
}

#[test]
fn a_killed_order_expires_and_a_partly_filled_one_completes() {
    let mut ann = Bettor::with(100);
    let mut kill = back(HOME, 300, 10);
    kill.time_in_force = TimeInForce::FillOrKill { min_fill: Some(pounds(1)) };
    ann.place(MATCH_ODDS, vec![kill.clone(), kill]);
    let second = ann.last_bet();
    let first = BetId::new(ann.bets - 1, PartitionId(0));
    let killed = |bet, matched: Vec<Matched>, size| PlacedOrder {
        bet,
        matched,
        remainder: Remainder::Gone { size, reason: LapseReason::Killed },
    };
    let some = vec![Matched { price: Price(310), size: pounds(4) }];
    let answer = vec![killed(first, vec![], pounds(10)), killed(second, some, pounds(6))];
    ann.answer(MATCH_ODDS, Answer::Placed(answer.into()));
    let Some(Outcome::Placed(execution)) = ann.outcome() else { panic!("no outcome") };
    let ends: Vec<_> = execution.reports.iter().flatten().map(|placed| placed.end).collect();
    assert_eq!(ends, [PlacedEnd::Expired, PlacedEnd::ExecutionComplete]);
    assert_eq!(ann.held(), pounds(4));
    assert_eq!(ann.order(MATCH_ODDS, second).cancelled, pounds(6));
}

#[test]
fn a_limit_on_exposure_holds_over_all_markets() {
    let mut ann = Bettor::with(100);
    let change =
        AccountChange { exposure_limit: Some(Some(pounds(15))), ..AccountChange::default() };
    ann.act(AccountAct::Change(change));
    ann.matched(MATCH_ODDS, back(HOME, 300, 10));
    let refusal = ann.place(CORRECT_SCORE, vec![back(HOME, 300, 6)]);
    assert_eq!(refused(refusal), ExecutionError::LossLimitExceeded);
    ann.matched(CORRECT_SCORE, back(HOME, 300, 5));
}

#[test]
fn a_suspended_customer_may_cancel_and_not_place() {
    let mut ann = Bettor::with(100);
    let bet = ann.rests(MATCH_ODDS, back(HOME, 300, 10));
    let status = Some(AccountStatus::Suspended);
    ann.act(AccountAct::Change(AccountChange { status, ..AccountChange::default() }));
    let refusal = ann.place(MATCH_ODDS, vec![back(HOME, 300, 10)]);
    assert_eq!(refused(refusal), ExecutionError::InvalidAccountState);
    assert!(matches!(ann.ask(None, cancel(MATCH_ODDS, &[bet])), Requested::Taken(_)));
}

#[test]
fn only_what_is_available_can_be_withdrawn() {
    let mut ann = Bettor::with(100);
    ann.matched(MATCH_ODDS, back(HOME, 300, 10));
    let withdraw = |amount| AccountAct::Withdraw { amount };
    let too_much = ann.act(withdraw(Pence(9_001)));
    assert_eq!(too_much, ActAnswer::Refused(ActError::InsufficientFunds));
    assert_eq!(ann.act(withdraw(Pence(0))), ActAnswer::Refused(ActError::NotPositive));
    let ActAnswer::Account(funds) = ann.act(withdraw(pounds(90))) else { panic!("refused") };
    assert_eq!(funds.available(), Pence::ZERO);
    let deposit = AccountAct::Deposit { amount: Pence::MAX_ENTERED };
    assert_eq!(ann.act(deposit), ActAnswer::Refused(ActError::TooLarge));
}

#[test]
fn an_act_before_the_account_is_open_is_refused() {
    let mut account = Account::default();
    let acted = account.act(UtcMillis(1), 1, &AccountAct::Deposit { amount: pounds(1) });
    let refused = AccountEvent::ActRefused { n: 1, error: ActError::NoSuchAccount };
    assert_eq!(acted, Acted::Taken(vec![refused]));
}

#[test]
fn notices_are_acknowledged_by_the_next_command_or_after_many() {
    let mut ann = Bettor::with(100);
    let bet = ann.rests(MATCH_ODDS, back(HOME, 300, 90));
    ann.sent.clear();
    let fill = || Notice::Filled([(bet, Matched { price: Price(300), size: pounds(1) })].into());
    for _ in 0..30 {
        ann.hear(MATCH_ODDS, fill());
    }
    let acknowledged = |ann: &Bettor| {
        ann.sent.iter().filter(|sent| matches!(sent, Outgoing::Acknowledge { .. })).count()
    };
    assert_eq!(acknowledged(&ann), 0);
    ann.hear(MATCH_ODDS, fill());
    assert_eq!(acknowledged(&ann), 1);
    ann.hear(MATCH_ODDS, fill());
    ann.place(MATCH_ODDS, vec![back(HOME, 300, 1)]);
    let carried = ann
        .sent
        .iter()
        .any(|sent| matches!(sent, Outgoing::ToMarket { n: 2, acknowledged: 33, .. }));
    assert!(carried);
    assert_eq!(ann.account.acknowledged(MATCH_ODDS), 33);
}

#[test]
fn after_a_restart_everything_open_is_known() {
    let mut ann = Bettor::with(100);
    ann.rests(MATCH_ODDS, back(HOME, 300, 10));
    ann.place(MATCH_ODDS, vec![back(AWAY, 300, 10)]);
    let open: Vec<_> = ann.replica.open_commands().collect();
    assert_eq!(open.len(), 1);
    let (market, n, command, at) = open[0];
    assert_eq!((market, n, at), (MATCH_ODDS, 2, UtcMillis(ann.now)));
    assert!(matches!(command, OrderCommand::Place { .. }));
    assert_eq!(ann.replica.markets_to_resume().collect::<Vec<_>>(), [(MATCH_ODDS, 1)]);
    assert_eq!(ann.replica.overdue(UtcMillis(ann.now + 4_999), 5_000), []);
    assert_eq!(ann.replica.overdue(UtcMillis(ann.now + 5_000), 5_000), [(MATCH_ODDS, 2)]);
    assert!(ann.replica.take_outgoing().is_empty());
    assert!(!ann.replica.is_quiet());
}

/// The market is dead, or set aside: what it owes is bounded, and other markets are not hurt.
#[test]
fn a_market_that_owes_too_many_answers_is_asked_nothing_more() {
    let mut ann = Bettor::with(1_000_000);
    let resting = ann.rests(MATCH_ODDS, back(HOME, 300, 1));
    let other = ann.rests(CORRECT_SCORE, back(HOME, 300, 1));
    let one = || vec![back(HOME, 300, 1)];
    for _ in 0..COMMANDS_MAX {
        assert!(matches!(ann.place(MATCH_ODDS, one()), Requested::Taken(_)));
    }
    let busy = ExecutionError::ServiceUnavailable;
    assert_eq!(refused(ann.place(MATCH_ODDS, one())), busy);
    assert_eq!(refused(ann.ask(None, cancel(MATCH_ODDS, &[resting]))), busy);
    let everything_here = RequestBody::Cancel(CancelScope::Market(MATCH_ODDS));
    assert_eq!(refused(ann.ask(None, everything_here)), busy);

    let Requested::Taken(events) = ann.ask(None, RequestBody::Cancel(CancelScope::Everything))
    else {
        panic!("what can be cancelled is");
    };
    let [AccountEvent::Ordered(ordered)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(ordered.market, CORRECT_SCORE);
    assert!(
        matches!(&ordered.command, OrderCommand::Cancel { orders, .. } if orders[0].bet == other)
    );

    let refusal = Refusal::whole(ExecutionError::MarketSuspended, 1);
    ann.answer(MATCH_ODDS, Answer::Refused(refusal));
    assert!(matches!(ann.place(MATCH_ODDS, one()), Requested::Taken(_)));
}
