//! Limits and self-exclusion, one story a test.

use super::stories::refused;
use super::*;
use crate::act::{ActError, LimitChange, LimitKind, Window};
use crate::record::{Resolution, RunnerResult};

const DAY: i64 = 24 * 60 * 60 * 1_000;
/// Counting by the minute may hold on to an amount for so much longer.
const MINUTE: i64 = 60_000;

impl Bettor {
    fn limits_to(&mut self, kind: LimitKind, window: Window, amount: Option<i64>) -> ActAnswer {
        self.act(AccountAct::Limit(LimitChange { kind, window, amount: amount.map(pounds) }))
    }

    fn pays_in(&mut self, amount: i64) -> Result<(), ActError> {
        match self.act(AccountAct::Deposit { amount: pounds(amount) }) {
            ActAnswer::Refused(error) => Err(error),
            _ => Ok(()),
        }
    }

    fn loses(&mut self, generation: u32, market: MarketId) {
        let result = |runner| (runner, RunnerResult::Loser);
        let resolution = Resolution::Settled([HOME, AWAY, DRAW].map(result).to_vec());
        self.hear(market, Notice::Resolved { generation, resolution });
    }
}

#[test]
fn deposits_stop_at_the_limit_and_go_on_when_the_window_has_rolled() {
    let mut ann = Bettor::with(10);
    ann.limits_to(LimitKind::Deposit, Window::Day, Some(50));
    assert_eq!(ann.pays_in(41), Err(ActError::DepositLimit), "what was paid in before counts");
    assert_eq!(ann.pays_in(40), Ok(()));
    // Gross: what is taken out is not set off.
    ann.act(AccountAct::Withdraw { amount: pounds(50) });
    assert_eq!(ann.pays_in(1), Err(ActError::DepositLimit));
    ann.now += DAY + MINUTE;
    assert_eq!(ann.pays_in(50), Ok(()));
    assert_eq!(ann.pays_in(1), Err(ActError::DepositLimit));
}

#[test]
fn the_tightest_window_counts() {
    let mut ann = Bettor::with(0);
    ann.limits_to(LimitKind::Deposit, Window::Day, Some(30));
    ann.limits_to(LimitKind::Deposit, Window::Week, Some(40));
    assert_eq!(ann.pays_in(30), Ok(()));
    ann.now += DAY + MINUTE;
    assert_eq!(ann.pays_in(11), Err(ActError::DepositLimit));
    assert_eq!(ann.pays_in(10), Ok(()));
}

#[test]
fn a_limit_is_lowered_at_once_and_raised_after_a_day() {
    let mut ann = Bettor::with(0);
    let day = |ann: &mut Bettor, amount| ann.limits_to(LimitKind::Deposit, Window::Day, amount);
    day(&mut ann, Some(10));
    day(&mut ann, Some(100));
    ann.now += DAY - 1;
    assert_eq!(ann.pays_in(11), Err(ActError::DepositLimit));
    ann.now += 1;
    assert_eq!(ann.pays_in(100), Ok(()));
    // Something lower said meanwhile takes the raise back.
    day(&mut ann, None);
    day(&mut ann, Some(5));
    ann.now += 2 * DAY;
    assert_eq!(ann.pays_in(6), Err(ActError::DepositLimit));
    let limits = ann.account.limits(UtcMillis(ann.now));
    assert_eq!((limits.len(), limits[0].amount, limits[0].next), (1, Some(pounds(5)), None));
}

#[test]
fn lost_and_held_together_stay_within_the_loss_limit() {
    let mut ann = Bettor::with(100);
    ann.limits_to(LimitKind::Loss, Window::Day, Some(15));
    let refusal = ann.place(MATCH_ODDS, vec![back(HOME, 300, 16)]);
    assert_eq!(refused(refusal), ExecutionError::LossLimitExceeded);
    ann.matched(MATCH_ODDS, back(HOME, 300, 10));
    let refusal = ann.place(CORRECT_SCORE, vec![back(AWAY, 300, 6)]);
    assert_eq!(refused(refusal), ExecutionError::LossLimitExceeded);
    ann.loses(1, MATCH_ODDS);
    let refusal = ann.place(CORRECT_SCORE, vec![back(AWAY, 300, 6)]);
    assert_eq!(refused(refusal), ExecutionError::LossLimitExceeded);
    ann.rests(CORRECT_SCORE, back(AWAY, 300, 5));
    // The settlement was wrong: what was lost was not.
    ann.hear(MATCH_ODDS, Notice::Resolved { generation: 2, resolution: Resolution::Unsettled });
    ann.hear(MATCH_ODDS, Notice::Resolved { generation: 3, resolution: Resolution::Voided });
    ann.rests(CORRECT_SCORE, back(AWAY, 300, 10));
    let limits = ann.account.limits(UtcMillis(ann.now));
    assert_eq!(limits[0].used, Pence::ZERO);
}

#[test]
fn who_excludes_themself_has_open_orders_cancelled_and_matched_bets_stand() {
    let mut ann = Bettor::with(100);
    ann.matched(MATCH_ODDS, back(HOME, 300, 10));
    let open = ann.rests(CORRECT_SCORE, back(AWAY, 300, 5));
    let until = UtcMillis(ann.now + 7 * DAY);
    ann.act(AccountAct::Exclude { until: Some(until) });
    let (_, command) = ann
        .account
        .open_commands_of(CORRECT_SCORE, 0)
        .map(|(n, command, _)| (n, command.clone()))
        .next()
        .expect("the cancel is on its way");
    let OrderCommand::Cancel { orders, on_close: true } = command else { panic!("{command:?}") };
    assert_eq!(orders.iter().map(|order| order.bet).collect::<Vec<_>>(), [open]);
    let cancelled = crate::order::CancelledOrder { bet: open, size: pounds(5) };
    ann.answer(CORRECT_SCORE, Answer::Cancelled([Ok(cancelled)].into()));
    assert_eq!(ann.held(), pounds(10), "the matched bet stands");
    let refusal = ann.place(CORRECT_SCORE, vec![back(AWAY, 300, 5)]);
    assert_eq!(refused(refusal), ExecutionError::InvalidAccountState);
    assert_eq!(ann.pays_in(1), Err(ActError::Excluded));
    // What is theirs stays theirs.
    assert!(matches!(ann.act(AccountAct::Withdraw { amount: pounds(20) }), ActAnswer::Account(_)));
    ann.now += 7 * DAY;
    assert_eq!(ann.account.exclusion(UtcMillis(ann.now)), None);
    ann.rests(CORRECT_SCORE, back(AWAY, 300, 5));
    assert_eq!(ann.pays_in(1), Ok(()));
}

#[test]
fn an_exclusion_takes_back_what_waits_for_the_starting_price_and_frees_what_was_held_for_it() {
    let mut ann = Bettor::with(100);
    let on_close = Ticket { kind: OrderKind::MarketOnClose, ..lay(HOME, 300, 20) };
    let waits = ann.rests(MATCH_ODDS, on_close);
    assert_eq!(ann.held(), pounds(20));
    // A customer's own cancel does not reach it, nor does a heartbeat that they lose.
    ann.ask(None, RequestBody::Cancel(CancelScope::Everything));
    assert_eq!(ann.account.open_commands_of(MATCH_ODDS, 0).count(), 0);
    ann.act(AccountAct::Exclude { until: None });
    let cancelled = crate::order::CancelledOrder { bet: waits, size: pounds(20) };
    ann.answer(MATCH_ODDS, Answer::Cancelled([Ok(cancelled)].into()));
    assert_eq!((ann.held(), ann.available()), (Pence::ZERO, pounds(100)));
    let order = ann.order(MATCH_ODDS, waits);
    assert_eq!((order.cancelled, order.remaining), (pounds(20), Pence::ZERO));
    assert!(!order.executable && order.ended_at.is_some());
}

#[test]
fn an_exclusion_is_made_longer_and_never_shorter() {
    let mut ann = Bettor::with(1);
    let exclude = |ann: &mut Bettor, days: Option<i64>| {
        let until = days.map(|days| UtcMillis(ann.now + days * DAY));
        match ann.act(AccountAct::Exclude { until }) {
            ActAnswer::Refused(error) => Err(error),
            _ => Ok(()),
        }
    };
    assert_eq!(exclude(&mut ann, Some(0)), Err(ActError::ExclusionOver));
    assert_eq!(exclude(&mut ann, Some(7)), Ok(()));
    assert_eq!(exclude(&mut ann, Some(6)), Err(ActError::ExcludedLonger));
    assert_eq!(exclude(&mut ann, Some(30)), Ok(()));
    assert_eq!(exclude(&mut ann, None), Ok(()));
    assert_eq!(exclude(&mut ann, Some(3_000)), Err(ActError::ExcludedLonger));
    ann.now += 10_000 * DAY;
    assert_eq!(ann.pays_in(1), Err(ActError::Excluded));
}

#[test]
fn a_placement_on_its_way_is_given_up_by_an_exclusion() {
    let mut ann = Bettor::with(100);
    ann.place(MATCH_ODDS, vec![back(HOME, 300, 10)]);
    ann.act(AccountAct::Exclude { until: None });
    let withdrawn: Vec<_> = ann.account.withdrawals().collect();
    assert_eq!(withdrawn, [(MATCH_ODDS, 1)]);
}
