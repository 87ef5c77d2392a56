//! Stories of a runner that does not run.

use super::*;
use crate::act::Verdict;
use crate::definition::RunnerDefinition;
use crate::price::ExactPrice;
use crate::record::RunnerResult;

const ANN: u64 = 1;
const BOB: u64 = 2;

/// A race with a starting price; the chances are 50, 30 and 20 percent.
fn race(winners: u16) -> Table {
    let mut definition = MarketDefinition {
        bsp_market: true,
        number_of_winners: winners,
        market_type: if winners == 1 { "WIN" } else { "PLACE" }.to_owned(),
        ..definition()
    };
    for (runner, factor) in definition.runners.iter_mut().zip([5_000, 3_000, 2_000]) {
        *runner = RunnerDefinition { adjustment_factor: Some(factor), ..runner.clone() };
    }
    Table::with(definition)
}

const REMOVE_DRAW: MarketAct = MarketAct::RemoveRunner { runner: DRAW, factor: None };

/// Both accounts hear of it; what the act came to.
fn remove(table: &mut Table, act: MarketAct) -> ActAnswer {
    if let Some(answer) = table.act(act) {
        return answer;
    }
    for account in [ANN, BOB] {
        let heard = table.heard.get(&account).copied().unwrap_or_default();
        table.acknowledge(account, heard, Some(0));
    }
    table.acts.last().expect("answered when everybody has").1.clone()
}

fn factors(table: &Table) -> Vec<(Option<u32>, bool)> {
    let runners = table.market.runners();
    runners.map(|runner| (runner.adjustment_factor, runner.removed_at.is_some())).collect()
}

#[test]
fn a_removal_suspends_tells_everybody_and_returns_to_what_was() {
    let mut table = race(1);
    table.place(ANN, order(1, DRAW, Side::Back, 500, 100));
    table.place(ANN, back(2, 500, 100));
    table.place(BOB, lay(3, 400, 100));
    table.place(BOB, persisting(lay(4, 400, 200)));
    table.place(BOB, persisting(lay(5, 390, 300)));
    let version = table.market.last_material_version();
    assert_eq!(table.act(REMOVE_DRAW), None, "not before everybody has heard");
    assert_eq!(table.market.status(), MarketStatus::Suspended);
    assert!(table.market.last_material_version() > version);
    assert_eq!(table.act_refused(MarketAct::Open), ActError::Settling);
    for account in [ANN, BOB] {
        let heard = table.heard[&account];
        table.acknowledge(account, heard, Some(0));
    }
    assert_eq!(table.market.status(), MarketStatus::Open);
    assert_eq!(table.lapses_of(ANN), [(1, 100, LapseReason::RunnerRemoved)]);
    assert_eq!(table.lapses_of(BOB), [(3, 100, LapseReason::RunnerRemoved)]);
    // 4.0 and 3.9 less a fifth are 3.2 and 3.12, and 3.1 is the ladder's.
    assert_eq!(table.ladders(), [vec![(320, 200), (310, 300)], vec![(500, 100)]]);
    assert_eq!(factors(&table), [(Some(6_250), false), (Some(3_750), false), (Some(2_000), true)]);
    let told = table.told.iter().filter(|(_, notice)| matches!(notice, Notice::RunnerRemoved(_)));
    assert_eq!(told.count(), 2);
    let refused = table.refusal(ANN, &place(&[order(6, DRAW, Side::Back, 500, 100)]));
    assert_eq!(refused.instructions, [InstructionError::RunnerRemoved]);
    assert_eq!(table.act_refused(REMOVE_DRAW), ActError::RunnerRemoved);
}

#[test]
fn after_an_outage_a_market_in_play_does_not_return_to_open_behind_a_removal() {
    let mut table = race(1);
    table.place(ANN, back(1, 500, 100));
    table.done(MarketAct::TurnInPlay { bet_delay_s: Some(5) });
    assert_eq!(table.act(REMOVE_DRAW), None, "not before everybody has heard");
    table.now = table.now.plus_ms(60_000);
    table.suspend_after_outage();
    let heard = table.heard[&ANN];
    table.acknowledge(ANN, heard, Some(0));
    assert_eq!(table.market.status(), MarketStatus::Suspended);
    table.done(MarketAct::Open);
    assert_eq!(table.market.status(), MarketStatus::Open);
}

#[test]
fn small_chances_leave_lays_alone_and_smaller_ones_in_a_place_market_too() {
    for (winners, factor, stays) in
        [(1, 249, true), (1, 250, false), (2, 399, true), (2, 400, false)]
    {
        let mut table = race(winners);
        table.place(BOB, lay(1, 400, 100));
        remove(&mut table, MarketAct::RemoveRunner { runner: DRAW, factor: Some(factor) });
        assert_eq!(table.market.order_count(), usize::from(stays), "{winners} {factor}");
    }
}

#[test]
fn lays_at_the_starting_price_risk_less_and_what_is_on_the_runner_goes() {
    for (winners, left) in [(1, 6_000), (2, 8_000)] {
        let mut table = race(winners);
        table.place(ANN, at_any_price(1, Side::Back, 5_000));
        table.place(BOB, at_any_price(2, Side::Lay, 10_000));
        let on_it = order(3, DRAW, Side::Back, 101, 700);
        table.place(ANN, NewOrder { kind: OrderKind::MarketOnClose, ..on_it });
        remove(&mut table, REMOVE_DRAW);
        let view = table.market.runner_view(HOME).expect("the runner is there");
        let any = ExactPrice(1_000_000_000);
        assert_eq!(view.lay_liabilities_taken(), [(any, Pence(left))], "{winners} winners");
        assert_eq!(table.lapses_of(ANN), [(3, 700, LapseReason::RunnerRemoved)]);
        table.done(MarketAct::ReconcileSp);
        let prices = table.market.runners().map(|runner| runner.actual_price().is_some());
        assert_eq!(prices.collect::<Vec<_>>(), [true, true, false]);
    }
}

#[test]
fn a_removed_runner_neither_wins_nor_loses() {
    let mut table = race(1);
    table.place(ANN, back(1, 500, 100));
    remove(&mut table, REMOVE_DRAW);
    let draw = MarketAct::Settle(Verdict::won_by(vec![DRAW]));
    assert_eq!(table.act_refused(draw), ActError::RunnerRemoved);
    table.act(MarketAct::Settle(Verdict::won_by(vec![HOME])));
    let Some(Resolution::Settled(results)) = table.market.resolution() else { panic!("open") };
    assert_eq!(results[2], (DRAW, RunnerResult::Removed));
}

#[test]
fn an_inactive_market_stays_inactive_and_an_absurd_chance_is_refused() {
    let mut table = race(1);
    let absurd = MarketAct::RemoveRunner { runner: DRAW, factor: Some(10_001) };
    assert_eq!(table.act_refused(absurd), ActError::FactorTooLarge);
    let nobody = Runner { selection: SelectionId(9), handicap: 0 };
    let nobody = MarketAct::RemoveRunner { runner: nobody, factor: None };
    assert_eq!(table.act_refused(nobody), ActError::NotARunner);
    table.done(MarketAct::Suspend { lapse: false, reason: None });
    let answer = remove(&mut table, REMOVE_DRAW);
    let ActAnswer::Market { status, .. } = answer else { panic!("{answer:?}") };
    assert_eq!(status, MarketStatus::Suspended);
}
