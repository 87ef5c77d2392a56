//! Stories of the end: settle, void, reverse, and who is told and paid.

use super::*;
use crate::act::Verdict;
use crate::record::RunnerResult;

const ANN: u64 = 1;
const BOB: u64 = 2;

fn settle(winners: &[Runner]) -> MarketAct {
    MarketAct::Settle(Verdict::won_by(winners.to_vec()))
}

fn matched_market() -> Table {
    let mut table = Table::open();
    table.place(ANN, lay(1, 300, 100));
    table.place(BOB, back(2, 300, 150));
    table
}

fn heard(table: &Table, account: u64) -> u64 {
    table.heard[&account]
}

fn resolved(table: &Table, account: u64) -> Vec<u32> {
    let generations = table.told.iter().filter_map(|(to, notice)| match notice {
        Notice::Resolved { generation, .. } if *to == account => Some(*generation),
        _ => None,
    });
    generations.collect()
}

#[test]
fn a_settlement_lapses_the_rest_tells_everybody_and_is_answered_when_all_have_paid() {
    let mut table = matched_market();
    assert_eq!(table.act(settle(&[HOME])), None, "not through");
    assert_eq!(table.market.status(), MarketStatus::Closed);
    assert_eq!(table.lapses_of(BOB), [(2, 50, LapseReason::MarketClosed)]);
    assert!(table.market.settling());
    let refusal = table.refusal(ANN, &place(&[back(3, 300, 1)]));
    assert_eq!(refusal.error, ExecutionError::MarketNotOpenForBetting);
    let ann = heard(&table, ANN);
    table.acknowledge(ANN, ann, Some(-200));
    table.acknowledge(ANN, ann, Some(-200));
    assert!(table.market.settling(), "Bob has not paid");
    assert_eq!(table.act_refused(MarketAct::Unsettle), ActError::Settling);
    let bob = heard(&table, BOB);
    table.acknowledge(BOB, bob, None);
    assert!(table.market.settling(), "without the payment it is not through");
    assert!(table.market.open_notices(AccountId(BOB), bob).next().is_some(), "it is sent again");
    table.acknowledge(BOB, bob, Some(199));
    let closed =
        MarketEvent::ResolutionClosed { generation: 1, rounding: Pence(1), crossed: Pence::ZERO };
    assert_eq!(table.records.last(), Some(&closed));
    let version = table.market.version();
    let answer = ActAnswer::Market { status: MarketStatus::Closed, version };
    assert_eq!(table.acts.last(), Some(&(2, answer)));
}

#[test]
fn a_command_s_acknowledgement_does_not_stand_for_the_payment() {
    let mut table = matched_market();
    table.act(settle(&[HOME]));
    // Ann has heard of the settlement and says so with her next command; the payment comes later.
    table.refusal(ANN, &place(&[back(3, 300, 1)]));
    let open: Vec<Notice> =
        table.market.open_notices(AccountId(ANN), 0).map(|(_, n)| n.clone()).collect();
    assert!(matches!(open[..], [Notice::Resolved { .. }, Notice::Answered { .. }]), "{open:?}");
}

#[test]
fn a_market_nobody_spoke_to_settles_at_once() {
    let mut table = Table::open();
    table.done(settle(&[DRAW]));
    assert_eq!(table.act_refused(MarketAct::Reopen), ActError::StillSettled);
    assert_eq!(table.act_refused(MarketAct::Void), ActError::WrongStatus(MarketStatus::Closed));
}

#[test]
fn a_settlement_can_be_taken_back_and_another_made() {
    let mut table = matched_market();
    let all_pay = |table: &mut Table| {
        for account in [ANN, BOB] {
            let k = heard(table, account);
            table.acknowledge(account, k, Some(0));
        }
        assert!(!table.market.settling());
    };
    table.act(settle(&[HOME]));
    all_pay(&mut table);
    // Who comes to a closed market was told nothing that could be taken back.
    table.refusal(3, &place(&[back(9, 300, 1)]));
    table.act(MarketAct::Unsettle);
    all_pay(&mut table);
    assert_eq!(resolved(&table, 3), [] as [u32; 0]);
    assert_eq!(table.act_refused(MarketAct::Unsettle), ActError::NothingToReverse);
    table.done(MarketAct::Reopen);
    assert_eq!(table.market.status(), MarketStatus::Suspended);
    table.done(MarketAct::Open);
    table.place(ANN, back(5, 200, 100));
    table.act(settle(&[AWAY]));
    let third = heard(&table, 3);
    table.acknowledge(3, third, Some(0));
    all_pay(&mut table);
    assert_eq!(table.market.generation(), 3);
    assert_eq!(resolved(&table, ANN), [1, 2, 3]);
    table.act(MarketAct::Unsettle);
    let third = heard(&table, 3);
    table.acknowledge(3, third, Some(0));
    all_pay(&mut table);
    table.act(MarketAct::Void);
    assert_eq!(table.market.resolution(), Some(&Resolution::Voided));
}

#[test]
fn accounts_are_told_in_chunks() {
    let mut table = Table::open();
    let many = 3 * CREDIT as u64;
    for account in 1..=many {
        table.place(account, back(account, 300, 100));
    }
    table.act(MarketAct::Void);
    let mut paid = 0;
    while table.market.settling() {
        let told: Vec<u64> = (1..=many).filter(|id| !resolved(&table, *id).is_empty()).collect();
        assert!(told.len() - paid <= CREDIT, "{} told, {paid} paid", told.len());
        assert!(told.len() > paid, "nobody is told any more");
        table.acknowledge(told[paid], heard(&table, told[paid]), Some(0));
        paid += 1;
    }
    assert_eq!(paid as u64, many);
}

#[test]
fn results_say_who_won_and_how_much_of_it() {
    let check =
        |winners: &[Runner], dead_heat: bool, expected: Result<[(u16, u16); 3], ActError>| {
            let places = MarketDefinition { number_of_winners: 2, ..definition() };
            let mut table = Table::with(places);
            let verdict = Verdict { dead_heat, ..Verdict::won_by(winners.to_vec()) };
            let answer = table.act(MarketAct::Settle(verdict));
            let results = match (answer, table.market.resolution()) {
                (Some(ActAnswer::Refused(error)), _) => Err(error),
                (_, Some(Resolution::Settled(results))) => Ok(results
                    .iter()
                    .map(|(_, result)| match result {
                        RunnerResult::Winner { places, of } => (*places, *of),
                        _ => (0, 0),
                    })
                    .collect::<Vec<_>>()),
                other => panic!("{other:?}"),
            };
            assert_eq!(results, expected.map(|results| results.to_vec()), "{winners:?}");
        };
    let wrong = |named| Err(ActError::WrongNumberOfWinners { expected: 2, named });
    check(&[HOME, DRAW], false, Ok([(2, 2), (0, 0), (2, 2)]));
    check(&[HOME, DRAW, AWAY], true, Ok([(2, 3), (2, 3), (2, 3)]));
    check(&[HOME, DRAW, AWAY], false, wrong(3));
    check(&[HOME], true, wrong(1));
    check(&[], false, wrong(0));
    check(&[HOME, HOME], false, Err(ActError::DuplicateWinner));
    check(&[Runner::plain(SelectionId(9))], false, Err(ActError::NotARunner));
    let open_field = MarketDefinition { complete: false, ..definition() };
    Table::with(open_field).done(settle(&[]));
}
