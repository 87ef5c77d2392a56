//! The statement's lines, and what is still known of their bets.

use super::*;
use crate::record::{Resolution, RunnerResult};

fn ended(winner: Runner) -> Resolution {
    let won = RunnerResult::Winner { places: 1, of: 1 };
    let result = |runner| (runner, if runner == winner { won } else { RunnerResult::Loser });
    Resolution::Settled([HOME, AWAY, DRAW].map(result).to_vec())
}

impl Bettor {
    fn resolved(&mut self, generation: u32, resolution: Resolution) {
        self.now += 1_000;
        self.hear(MATCH_ODDS, Notice::Resolved { generation, resolution });
    }

    fn lines(&self, kind: StatementKind) -> Vec<StatementRow> {
        let filter = StatementFilter { kind, ..StatementFilter::default() };
        self.account.statement(filter, Page::default()).rows
    }
}

#[test]
fn each_bet_has_its_line_and_commission_one_of_its_own() {
    let mut ann = Bettor::with(100);
    let won = ann.matched(MATCH_ODDS, back(HOME, 300, 10));
    let lost = ann.matched(MATCH_ODDS, back(AWAY, 400, 4));
    ann.rests(MATCH_ODDS, back(DRAW, 900, 1));
    ann.resolved(1, ended(HOME));
    let rows = ann.lines(StatementKind::Bets);
    let told: Vec<_> = rows.iter().map(|row| (row.line.item, row.line.amount)).collect();
    let (market, generation) = (MATCH_ODDS, 1);
    assert_eq!(
        told,
        [
            (StatementItem::Commission { market, generation }, Pence(-80)),
            (StatementItem::Bet { market, generation, bet: lost }, -pounds(4)),
            (StatementItem::Bet { market, generation, bet: won }, pounds(20)),
        ]
    );
    assert_eq!(rows[0].line.balance, Pence(11_520));
    let bet = rows[2].bet.unwrap();
    assert_eq!((bet.runner, bet.side, bet.matched), (HOME, Side::Back, pounds(10)));
    assert_eq!(bet.matched_times_price, 300 * 1_000);
    let payments = ann.lines(StatementKind::Payments);
    assert_eq!(payments.len(), 1);
    assert_eq!(payments[0].line.item, StatementItem::Deposit);
    assert_eq!(ann.lines(StatementKind::All).len(), 4);
}

#[test]
fn what_is_taken_back_is_marked_and_has_lines_of_its_own() {
    let mut ann = Bettor::with(100);
    ann.matched(MATCH_ODDS, back(HOME, 300, 10));
    ann.resolved(1, ended(HOME));
    ann.resolved(2, Resolution::Unsettled);
    ann.resolved(3, ended(AWAY));
    let rows = ann.lines(StatementKind::Bets);
    let told: Vec<_> = rows.iter().rev().map(|row| (row.line.amount, row.taken_back)).collect();
    let (won, commission) = (pounds(20), pounds(1));
    assert_eq!(
        told,
        [
            (won, true),
            (-commission, true),
            (-won, false),
            (commission, false),
            (-pounds(10), false)
        ]
    );
    assert!(matches!(rows[2].line.item, StatementItem::BetReversed { generation: 2, .. }));
    assert_eq!(ann.account.funds().balance, pounds(90));
}

#[test]
fn a_void_market_moves_nothing_and_says_nothing() {
    let mut ann = Bettor::with(100);
    ann.matched(MATCH_ODDS, back(HOME, 300, 10));
    ann.resolved(1, Resolution::Voided);
    assert_eq!(ann.lines(StatementKind::Bets), []);
}

#[test]
fn a_page_holds_a_hundred_lines_and_pages_do_not_overlap() {
    let mut ann = Bettor::with(1);
    for _ in 0..250 {
        ann.now += 1;
        ann.act(AccountAct::Deposit { amount: Pence(1) });
    }
    let mut numbers = Vec::new();
    loop {
        let page = Page { from: numbers.len() as u32, count: 1_000 };
        let statement = ann.account.statement(StatementFilter::default(), page);
        assert!(statement.rows.len() <= STATEMENT_PAGE_MAX as usize);
        numbers.extend(statement.rows.iter().map(|row| row.line.number));
        if !statement.more {
            break;
        }
    }
    assert_eq!(numbers, (1..=251).rev().collect::<Vec<_>>());
    let range = DateRange { from: Some(UtcMillis(ann.now - 2)), to: None };
    let filter = StatementFilter { range, kind: StatementKind::Payments };
    let statement = ann.account.statement(filter, Page { from: 1, count: 1 });
    assert_eq!(statement.rows.len(), 1);
    assert_eq!((statement.rows[0].line.number, statement.more), (250, true));
}
