//! How a market ends for a bettor, what is paid, listed and forgotten, one story a test.

use super::stories::refused;
use super::*;
use crate::act::AccountChange;
use crate::order::{CancelledOrder, LapseReason};
use crate::record::{Resolution, RunnerResult};

const WON: RunnerResult = RunnerResult::Winner { places: 1, of: 1 };

fn settled(winner: Runner) -> Notice {
    let result = |runner| (runner, if runner == winner { WON } else { RunnerResult::Loser });
    let resolution = Resolution::Settled([HOME, AWAY, DRAW].map(result).to_vec());
    Notice::Resolved { generation: 1, resolution }
}

#[test]
fn a_bet_is_held_matched_settled_and_paid() {
    let mut ann = Bettor::with(100);
    ann.matched(MATCH_ODDS, back(HOME, 300, 10));
    assert_eq!((ann.held(), ann.available()), (pounds(10), pounds(90)));
    ann.hear(MATCH_ODDS, settled(HOME));
    assert_eq!(ann.held(), Pence::ZERO);
    // Won 20 less 5 %.
    assert_eq!(ann.available(), pounds(119));
    let rows = ann.account.statement(StatementFilter::default(), Page::default()).rows;
    let amounts: Vec<_> = rows.iter().map(|row| row.line.amount).collect();
    assert_eq!(amounts, [-pounds(1), pounds(20), pounds(100)]);
    assert!(ann.sent.contains(&Outgoing::Acknowledge {
        market: MATCH_ODDS,
        k: 2,
        paid: Some(pounds(20))
    }));
}

#[test]
fn a_settlement_taken_back_may_leave_less_than_nothing_and_then_no_risk_is_taken() {
    let mut ann = Bettor::with(10);
    ann.matched(MATCH_ODDS, back(HOME, 300, 10));
    ann.hear(MATCH_ODDS, settled(HOME));
    assert_eq!(ann.available(), pounds(29));
    ann.act(AccountAct::Withdraw { amount: pounds(20) });
    let open = ann.rests(CORRECT_SCORE, back(HOME, 300, 9));
    ann.hear(MATCH_ODDS, Notice::Resolved { generation: 2, resolution: Resolution::Unsettled });
    assert_eq!((ann.account.funds().balance, ann.held()), (-pounds(10), pounds(19)));
    let refusal = ann.place(CORRECT_SCORE, vec![back(AWAY, 300, 1)]);
    assert_eq!(refused(refusal), ExecutionError::InsufficientFunds);
    // A bet that only covers what is at risk takes none.
    ann.rests(MATCH_ODDS, lay(HOME, 200, 10));
    ann.ask(None, cancel(CORRECT_SCORE, &[open]));
    let cancelled = Ok(CancelledOrder { bet: open, size: pounds(9) });
    ann.answer(CORRECT_SCORE, Answer::Cancelled([cancelled].into()));
    assert_eq!(ann.held(), pounds(10));
    // Settled the other way at last: the stored winnings went back, now the stake goes.
    let lost = [HOME, AWAY, DRAW]
        .map(|runner| (runner, if runner == AWAY { WON } else { RunnerResult::Loser }));
    let resolution = Resolution::Settled(lost.to_vec());
    ann.hear(MATCH_ODDS, Notice::Resolved { generation: 3, resolution });
    assert_eq!(ann.account.funds().balance, -pounds(20));
}

#[test]
fn a_void_market_gives_every_stake_back_and_takes_no_commission() {
    let mut ann = Bettor::with(100);
    let matched = ann.matched(MATCH_ODDS, back(HOME, 300, 10));
    ann.hear(MATCH_ODDS, Notice::Resolved { generation: 1, resolution: Resolution::Voided });
    assert_eq!((ann.available(), ann.held()), (pounds(100), Pence::ZERO));
    assert_eq!(ann.order(MATCH_ODDS, matched).voided, pounds(10));
    let voided = ClearedFilter { status: ClearedStatus::Voided, ..ClearedFilter::default() };
    let rows = ann.account.cleared_orders(&voided, ClearedGroup::Bet, Page::default()).orders;
    assert_eq!((rows[0].bet, rows[0].outcome), (Some(matched), Some(BetOutcome::Void)));
}

#[test]
fn cleared_bets_are_listed_by_bet_and_summed_by_market() {
    let mut ann = Bettor::with(1_000);
    let change = AccountChange { discount_rate: Some(4_000), ..AccountChange::default() };
    ann.act(AccountAct::Change(change));
    let won = ann.matched(MATCH_ODDS, back(HOME, 300, 250));
    let lost = ann.matched(MATCH_ODDS, back(AWAY, 300, 100));
    let lapsed = ann.rests(MATCH_ODDS, back(DRAW, 300, 5));
    ann.hear(MATCH_ODDS, Notice::Lapsed(vec![(lapsed, pounds(5), LapseReason::MarketClosed)]));
    ann.hear(MATCH_ODDS, settled(HOME));
    // Net 400: 5 % less 40 % of it is 12.
    assert_eq!(ann.available(), pounds(1_388));
    let list = |ann: &Bettor, status, group| {
        let filter = ClearedFilter { status, ..ClearedFilter::default() };
        ann.account.cleared_orders(&filter, group, Page::default()).orders
    };
    let bets = list(&ann, ClearedStatus::Settled, ClearedGroup::Bet);
    let profits: Vec<_> = bets.iter().map(|row| (row.bet, row.profit, row.commission)).collect();
    assert_eq!(profits, [(Some(lost), -pounds(100), None), (Some(won), pounds(500), None)]);
    let markets = list(&ann, ClearedStatus::Settled, ClearedGroup::Market);
    assert_eq!(markets.len(), 1);
    assert_eq!((markets[0].bets, markets[0].profit), (2, pounds(400)));
    assert_eq!(markets[0].commission, Some(pounds(12)));
    let by_strategy = list(&ann, ClearedStatus::Settled, ClearedGroup::Strategy);
    assert_eq!(by_strategy[0].strategy_ref.as_deref(), Some("plan"));
    for group in [ClearedGroup::Runner, ClearedGroup::Side] {
        assert_eq!(list(&ann, ClearedStatus::Settled, group).len(), 2);
    }
    let lapses = list(&ann, ClearedStatus::Lapsed, ClearedGroup::Bet);
    assert_eq!((lapses[0].bet, lapses[0].size_cancelled), (Some(lapsed), pounds(5)));
    assert!(list(&ann, ClearedStatus::Cancelled, ClearedGroup::Bet).is_empty());
}

#[test]
fn current_orders_are_filtered_sorted_and_paged() {
    let mut ann = Bettor::with(1_000);
    let first = ann.rests(CORRECT_SCORE, back(HOME, 300, 10));
    ann.now += 1;
    let mut named = back(HOME, 300, 10);
    named.reference = Some("b".into());
    let second = ann.matched(MATCH_ODDS, named);
    ann.now += 1;
    let third = ann.rests(MATCH_ODDS, lay(AWAY, 300, 10));
    let list = |filter: OrderFilter, by, latest_first, page| {
        let sort = OrderSort { by, latest_first };
        let found = ann.account.current_orders(&filter, sort, page);
        (found.orders.iter().map(|order| order.bet).collect::<Vec<_>>(), found.more)
    };
    let all = OrderFilter::default;
    let whole = Page::default();
    assert_eq!(list(all(), SortBy::PlaceTime, false, whole), (vec![first, second, third], false));
    assert_eq!(list(all(), SortBy::PlaceTime, true, whole), (vec![third, second, first], false));
    assert_eq!(list(all(), SortBy::Market, false, whole), (vec![second, third, first], false));
    assert_eq!(list(all(), SortBy::MatchTime, false, whole), (vec![second], false));
    let page = |from, count| Page { from, count };
    assert_eq!(list(all(), SortBy::PlaceTime, false, page(0, 2)), (vec![first, second], true));
    assert_eq!(list(all(), SortBy::PlaceTime, false, page(2, 2)), (vec![third], false));
    assert_eq!(list(all(), SortBy::PlaceTime, false, page(9, 2)), (vec![], false));
    let executable = OrderFilter { projection: OrderProjection::Executable, ..all() };
    assert_eq!(list(executable, SortBy::PlaceTime, false, whole).0, [first, third]);
    let complete = OrderFilter { projection: OrderProjection::ExecutionComplete, ..all() };
    assert_eq!(list(complete, SortBy::PlaceTime, false, whole).0, [second]);
    let by_ref = OrderFilter { order_refs: Some(["b".into()].into()), ..all() };
    assert_eq!(list(by_ref, SortBy::PlaceTime, false, whole).0, [second]);
    let by_market = OrderFilter { markets: Some([CORRECT_SCORE].into()), ..all() };
    assert_eq!(list(by_market, SortBy::PlaceTime, false, whole).0, [first]);
    let by_bet = OrderFilter { bets: Some([third].into()), ..all() };
    assert_eq!(list(by_bet, SortBy::PlaceTime, false, whole).0, [third]);
    let range = DateRange { from: Some(UtcMillis(ann.now)), to: None };
    let late = OrderFilter { range, ..all() };
    assert_eq!(list(late, SortBy::PlaceTime, false, whole).0, [third]);
    let matches = ann.account.matches(MATCH_ODDS, None);
    assert_eq!(matches.len(), 1);
    assert_eq!((matches[0].size, matches[0].matched_times_price), (pounds(10), 300_000));
    let one_by_one = ann.account.matched_bets(MATCH_ODDS);
    assert_eq!(one_by_one.iter().map(|it| it.size).sum::<Pence>(), pounds(10));
    let profits = ann.account.profit_and_loss(MATCH_ODDS, true).expect("a position");
    assert_eq!((profits.runners[0].if_win, profits.all_lose), (200_000, -100_000));
    let with = |projection| ann.account.markets_with_orders(projection);
    assert_eq!(with(OrderProjection::Executable), with(OrderProjection::All));
    assert_eq!(with(OrderProjection::All), [MATCH_ODDS, CORRECT_SCORE].into());
}

#[test]
fn a_notice_is_taken_once_and_in_order() {
    let mut ann = Bettor::with(100);
    let bet = ann.rests(MATCH_ODDS, back(HOME, 300, 10));
    let fill = Notice::Filled([(bet, Matched { price: Price(300), size: pounds(1) })].into());
    let before = ann.account.clone();
    let now = UtcMillis(ann.now);
    let repeat = ann.account.notice(now, MATCH_ODDS, 1, fill.clone());
    assert_eq!(repeat, NoticeTaken { arrival: Arrival::Repeat, event: None });
    let acknowledged = Outgoing::Acknowledge { market: MATCH_ODDS, k: 1, paid: None };
    assert_eq!(ann.account.take_outgoing(), [acknowledged]);
    let gap = ann.account.notice(now, MATCH_ODDS, 3, fill.clone());
    assert_eq!(gap.arrival, Arrival::Gap { expected: 2 });
    let stranger = ann.account.notice(now, CORRECT_SCORE, 1, fill);
    assert_eq!(stranger.arrival, Arrival::Gap { expected: 1 });
    assert_eq!(ann.account, before);
    ann.hear(MATCH_ODDS, settled(HOME));
    ann.sent.clear();
    ann.account.notice(now, MATCH_ODDS, 2, settled(HOME));
    let paid = Some(Pence::ZERO);
    let acknowledged = Outgoing::Acknowledge { market: MATCH_ODDS, k: 2, paid };
    assert_eq!(ann.account.take_outgoing(), [acknowledged]);
}

#[test]
fn a_market_forgotten_after_ninety_days_keeps_its_numbers() {
    let mut ann = Bettor::with(100);
    ann.matched(MATCH_ODDS, back(HOME, 300, 10));
    ann.hear(MATCH_ODDS, settled(HOME));
    ann.now += CLEARED_MS_MAX + 1;
    ann.matched(CORRECT_SCORE, back(HOME, 300, 10));
    ann.hear(CORRECT_SCORE, settled(HOME));
    let all = ClearedFilter::default();
    let rows = ann.account.cleared_orders(&all, ClearedGroup::Bet, Page::default()).orders;
    assert_eq!(rows.len(), 1);
    let repeat = ann.account.notice(UtcMillis(ann.now), MATCH_ODDS, 2, settled(HOME));
    assert_eq!(repeat.arrival, Arrival::Repeat);
    ann.account.take_outgoing();
    ann.rests(MATCH_ODDS, back(HOME, 300, 10));
    assert_eq!(ann.account.acknowledged(MATCH_ODDS), 3);
}

#[test]
fn a_bot_that_only_quotes_does_not_fill_the_memory() {
    let mut ann = Bettor::with(100);
    ann.replica = Account::default();
    for _ in 0..3 * position::UNMATCHED_KEPT {
        let ticket = back(HOME, 300, 1);
        let body = RequestBody::Place {
            market: MATCH_ODDS,
            terms: TERMS,
            tickets: vec![ticket],
            strategy_ref: None,
            market_version: None,
        };
        ann.request += 1;
        let key = RequestKey { session: SESSION, n: ann.request, answered_through: 0 };
        let request = CustomerRequest { customer_ref: None, body };
        ann.bets += 1;
        let bet = ann.last_bet();
        let now = UtcMillis(ann.now);
        ann.account.request(now, key, &request, &mut || bet);
        let n = ann.request;
        let gone = Remainder::Gone { size: pounds(1), reason: LapseReason::TurnedInPlay };
        let placed = PlacedOrder { bet, matched: vec![], remainder: gone };
        let answer = Answer::Placed([placed].into());
        ann.account.notice(now, MATCH_ODDS, n, Notice::Answered { n, answer });
        ann.account.take_outgoing();
    }
    ann.account.check_invariants();
    let kept = ann.account.positions[&MATCH_ODDS].bets.len();
    assert!(kept <= 2 * position::UNMATCHED_KEPT as usize, "{kept}");
}
