//! What an operator's word on the end of a market means for each of its runners.
//!
//! | market | the operator names | runners end as |
//! |---|---|---|
//! | win, place | winners | winners, who may share the places; losers |
//! | each-way | winners and placed | the same, and placed runners, who may share what the winners left |
//! | Asian handicap | the margin (two sides) or the total (single line) | by score plus handicap: winner, half winner, push, half loser, loser |
//! | LINE | what was counted | counted |
//!
//! Pure and stateless: never looks at bets.

use crate::act::{ActError, Verdict};
use crate::definition::{BettingType, MarketDefinition, MarketKind};
use crate::ids::Runner;
use crate::record::RunnerResult;

type Results = Vec<(Runner, RunnerResult)>;

const WON: RunnerResult = RunnerResult::Winner { places: 1, of: 1 };

pub(super) fn results(
    definition: &MarketDefinition,
    verdict: &Verdict,
    is_removed: impl Fn(Runner) -> bool,
) -> Result<Results, ActError> {
    let counted = matches!(definition.kind(), MarketKind::Asian | MarketKind::Line(_));
    if counted != verdict.result.is_some() {
        return Err(ActError::WrongResult);
    }
    let named = [&verdict.winners, &verdict.placed, &verdict.tied];
    if let Some(counted) = verdict.result {
        return match named.iter().all(|runners| runners.is_empty()) {
            true => by_score(definition, counted),
            false => Err(ActError::WrongResult),
        };
    }
    let is_known = |runner: &Runner| definition.runners.iter().any(|known| known.runner == *runner);
    if !named.into_iter().flatten().all(is_known) {
        return Err(ActError::NotARunner);
    }
    let mut distinct: Vec<Runner> =
        verdict.winners.iter().chain(&verdict.placed).copied().collect();
    distinct.sort_unstable();
    if distinct.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(ActError::DuplicateWinner);
    }
    if distinct.iter().any(|runner| is_removed(*runner)) {
        return Err(ActError::RunnerRemoved);
    }
    let running = definition.runners.iter().filter(|known| !is_removed(known.runner)).count();
    // Where fewer run than there are places, the places that nobody can have are nobody's.
    let places = definition.number_of_winners.min(u16::try_from(running).unwrap_or(u16::MAX));
    let mut results = match definition.kind() {
        MarketKind::EachWay { .. } => each_way(definition, places, verdict)?,
        _ if !verdict.placed.is_empty() => return Err(ActError::NobodyIsPlaced),
        _ => by_place(definition, places, verdict)?,
    };
    for (_, result) in results.iter_mut().filter(|(runner, _)| is_removed(*runner)) {
        *result = RunnerResult::Removed;
    }
    Ok(results)
}

fn count(runners: &[Runner]) -> u16 {
    u16::try_from(runners.len()).unwrap_or(u16::MAX)
}

/// So many runners for so many places: fewer only where others may have them, more only in a dead heat.
fn check_count(
    definition: &MarketDefinition,
    expected: u16,
    verdict: &Verdict,
    named: u16,
) -> Result<(), ActError> {
    let right = match named.cmp(&expected) {
        std::cmp::Ordering::Equal => true,
        // The field may contain "none of these".
        std::cmp::Ordering::Less => !definition.complete,
        std::cmp::Ordering::Greater => verdict.dead_heat,
    };
    if right { Ok(()) } else { Err(ActError::WrongNumberOfWinners { expected, named }) }
}

/// How many places the tied share: those that the others among `sharing` leave of `places`.
fn left_for_tied(sharing: &[Runner], tied: &[Runner], places: u16) -> Result<u16, ActError> {
    let ahead = count(sharing) - count(tied).min(count(sharing));
    let all_share = tied.iter().all(|runner| sharing.contains(runner));
    let mut distinct = tied.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    // Ties decide something only when the places end among them.
    let decides = ahead < places && places <= ahead + count(tied);
    match all_share && distinct.len() == tied.len() && decides {
        true => Ok(places - ahead),
        false => Err(ActError::NotTied),
    }
}

fn by_place(
    definition: &MarketDefinition,
    places: u16,
    verdict: &Verdict,
) -> Result<Results, ActError> {
    let (winners, tied) = (&verdict.winners, &verdict.tied);
    check_count(definition, places, verdict, count(winners))?;
    let places = count(winners).min(places);
    let (won, shares) = match tied.is_empty() {
        true => (RunnerResult::Winner { places, of: count(winners) }, WON),
        false => {
            let places = left_for_tied(winners, tied, places)?;
            (WON, RunnerResult::Winner { places, of: count(tied) })
        }
    };
    Ok(each(definition, |runner| match (winners.contains(&runner), tied.contains(&runner)) {
        (true, false) => won,
        (true, true) => shares,
        (false, _) => RunnerResult::Loser,
    }))
}

fn each_way(
    definition: &MarketDefinition,
    places: u16,
    verdict: &Verdict,
) -> Result<Results, ActError> {
    let Verdict { winners, placed, tied, dead_heat, .. } = verdict;
    let won = count(winners);
    // Who wins is placed as well; only the win is one place.
    let wrong = (won == 0 && definition.complete) || (won > 1 && !dead_heat);
    if wrong {
        return Err(ActError::WrongNumberOfWinners { expected: 1, named: won });
    }
    let named = won.saturating_add(count(placed));
    check_count(definition, places, verdict, named)?;
    let left = places.saturating_sub(won);
    if left == 0 && !placed.is_empty() {
        return Err(ActError::WrongNumberOfWinners { expected: places, named });
    }
    let sharing = if tied.is_empty() { placed } else { tied };
    let full = RunnerResult::Placed { places: 1, of: 1 };
    let shares = match count(placed) > left || !tied.is_empty() {
        true => {
            let places = left_for_tied(placed, sharing, left.min(count(placed)))?;
            RunnerResult::Placed { places, of: count(sharing) }
        }
        false => full,
    };
    Ok(each(definition, |runner| {
        if winners.contains(&runner) {
            RunnerResult::Winner { places: 1, of: won }
        } else if !placed.contains(&runner) {
            RunnerResult::Loser
        } else if sharing.contains(&runner) {
            shares
        } else {
            full
        }
    }))
}

/// Handicaps and lines, by what was counted, in hundredths.
fn by_score(definition: &MarketDefinition, counted: i32) -> Result<Results, ActError> {
    if definition.betting_type == BettingType::Line {
        return Ok(each(definition, |_| RunnerResult::Counted(counted)));
    }
    if counted % 100 != 0 {
        return Err(ActError::ResultNotWhole);
    }
    let first = definition.runners.first().map(|runner| runner.runner.selection);
    let two_sides = definition.betting_type == BettingType::AsianHandicapDoubleLine;
    Ok(each(definition, |runner| {
        let behind = two_sides && Some(runner.selection) != first;
        let score = i64::from(if behind { -counted } else { counted });
        match score + i64::from(runner.handicap) {
            50.. => WON,
            1..50 => RunnerResult::HalfWinner,
            0 => RunnerResult::Push,
            -49..0 => RunnerResult::HalfLoser,
            _ => RunnerResult::Loser,
        }
    }))
}

fn each(definition: &MarketDefinition, result: impl Fn(Runner) -> RunnerResult) -> Results {
    definition.runners.iter().map(|runner| (runner.runner, result(runner.runner))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{AWAY, DRAW, HOME, definition};
    use super::*;
    use crate::definition::{LineDefinition, RunnerDefinition};
    use crate::ids::{MarketId, SelectionId};
    use crate::ladder::LineRange;
    use RunnerResult::{Counted, HalfLoser, HalfWinner, Loser, Placed, Push, Winner};

    fn nobody(_: Runner) -> bool {
        false
    }

    fn of(results: Result<Results, ActError>) -> Result<Vec<RunnerResult>, ActError> {
        results.map(|results| results.into_iter().map(|(_, result)| result).collect())
    }

    #[test]
    fn only_the_tied_share_the_places_that_are_left() {
        let places = MarketDefinition { number_of_winners: 2, ..definition() };
        let check =
            |winners: &[Runner], tied: &[Runner], expected: Result<[RunnerResult; 3], _>| {
                let (winners, tied) = (winners.to_vec(), tied.to_vec());
                let verdict = Verdict { winners, tied, dead_heat: true, ..Verdict::default() };
                let expected = expected.map(|results| results.to_vec());
                assert_eq!(of(results(&places, &verdict, nobody)), expected, "{verdict:?}");
            };
        let half = Winner { places: 1, of: 2 };
        check(&[HOME, AWAY, DRAW], &[AWAY, DRAW], Ok([WON, half, half]));
        check(&[HOME, AWAY, DRAW], &[HOME, AWAY, DRAW], Ok([Winner { places: 2, of: 3 }; 3]));
        check(
            &[HOME, AWAY],
            &[HOME, AWAY],
            Ok([Winner { places: 2, of: 2 }, Winner { places: 2, of: 2 }, Loser]),
        );
        check(&[HOME, AWAY, DRAW], &[DRAW], Err(ActError::NotTied));
        check(&[HOME, AWAY], &[DRAW], Err(ActError::NotTied));
        check(&[HOME, AWAY, DRAW], &[DRAW, DRAW], Err(ActError::NotTied));
    }

    fn field(places: u16) -> MarketDefinition {
        let runners = (1..=5).map(|number| Runner::plain(SelectionId(number)));
        MarketDefinition {
            number_of_winners: places,
            each_way_divisor: Some(400),
            ..MarketDefinition::plain(MarketId(1), runners)
        }
    }

    fn each_way_of(
        winners: &[u64],
        placed: &[u64],
        tied: &[u64],
        dead_heat: bool,
    ) -> Result<Vec<RunnerResult>, ActError> {
        let ids = |ids: &[u64]| ids.iter().map(|id| Runner::plain(SelectionId(*id))).collect();
        let (winners, placed, tied) = (ids(winners), ids(placed), ids(tied));
        of(results(&field(3), &Verdict { winners, placed, tied, dead_heat, result: None }, nobody))
    }

    #[test]
    fn each_way_places_are_those_that_the_winners_leave() {
        let (full, half) = (Placed { places: 1, of: 1 }, Placed { places: 1, of: 2 });
        let wrong = |expected, named| Err(ActError::WrongNumberOfWinners { expected, named });
        assert_eq!(each_way_of(&[1], &[2, 3], &[], false), Ok(vec![WON, full, full, Loser, Loser]));
        assert_eq!(each_way_of(&[1], &[2], &[], false), wrong(3, 2));
        assert_eq!(each_way_of(&[1], &[2, 3, 4], &[], false), wrong(3, 4));
        assert_eq!(
            each_way_of(&[1], &[2, 3, 4], &[3, 4], true),
            Ok(vec![WON, full, half, half, Loser])
        );
        assert_eq!(
            each_way_of(&[1, 2], &[3], &[], true),
            Ok(vec![Winner { places: 1, of: 2 }, Winner { places: 1, of: 2 }, full, Loser, Loser])
        );
        assert_eq!(
            each_way_of(&[1, 2], &[3, 4], &[], true),
            Ok(vec![Winner { places: 1, of: 2 }, Winner { places: 1, of: 2 }, half, half, Loser])
        );
        assert_eq!(each_way_of(&[1, 2], &[3], &[], false), wrong(1, 2));
        assert_eq!(each_way_of(&[1, 2, 3], &[4], &[], true), wrong(3, 4));
        assert_eq!(each_way_of(&[1], &[1, 2], &[], true), Err(ActError::DuplicateWinner));
        assert_eq!(each_way_of(&[], &[1, 2, 3], &[], true), wrong(1, 0));
    }

    #[test]
    fn places_that_nobody_is_left_to_have_are_nobodys() {
        let ids = |ids: &[u64]| ids.iter().map(|id| Runner::plain(SelectionId(*id))).collect();
        let only_two_run = |runner: Runner| runner.selection.0 > 2;
        let settled = |market: &MarketDefinition, winners: &[u64], placed: &[u64]| {
            let (winners, placed) = (ids(winners), ids(placed));
            let verdict = Verdict { winners, placed, ..Verdict::default() };
            of(results(market, &verdict, only_two_run))
        };
        let removed = RunnerResult::Removed;
        let full = Placed { places: 1, of: 1 };
        let wrong = Err(ActError::WrongNumberOfWinners { expected: 2, named: 1 });
        let each_way = field(3);
        assert_eq!(settled(&each_way, &[1], &[2]), Ok(vec![WON, full, removed, removed, removed]));
        assert_eq!(settled(&each_way, &[1], &[]), wrong);
        let place = MarketDefinition { each_way_divisor: None, ..field(3) };
        let both = Winner { places: 2, of: 2 };
        assert_eq!(settled(&place, &[1, 2], &[]), Ok(vec![both, both, removed, removed, removed]));
        assert_eq!(settled(&place, &[1], &[]), wrong);
    }

    #[test]
    fn handicaps_are_settled_by_score_and_quarters_by_halves() {
        let runner = |id, handicap| RunnerDefinition {
            runner: Runner { selection: SelectionId(id), handicap },
            name: "side".to_owned(),
            sort_priority: 1,
            adjustment_factor: None,
        };
        let handicaps = |id: u64, sign: i32| {
            [-100, -75, -50, -25, 0].into_iter().map(move |h| runner(id, sign * h))
        };
        let mut market = MarketDefinition {
            betting_type: BettingType::AsianHandicapDoubleLine,
            runners: handicaps(1, 1).chain(handicaps(2, -1)).collect(),
            number_of_winners: 0,
            ..definition()
        };
        let settled = |market: &MarketDefinition, result| {
            of(results(market, &Verdict::counted(result), nobody))
        };
        assert_eq!(
            settled(&market, 100),
            Ok(vec![Push, HalfWinner, WON, WON, WON, Push, HalfLoser, Loser, Loser, Loser])
        );
        assert_eq!(
            settled(&market, 0),
            Ok(vec![Loser, Loser, Loser, HalfLoser, Push, WON, WON, WON, HalfWinner, Push])
        );
        assert_eq!(settled(&market, -100).unwrap()[0], Loser);
        assert_eq!(settled(&market, 50), Err(ActError::ResultNotWhole));
        let named = Verdict { winners: vec![market.runners[0].runner], ..Verdict::counted(100) };
        assert_eq!(results(&market, &named, nobody), Err(ActError::WrongResult));
        assert_eq!(results(&market, &Verdict::default(), nobody), Err(ActError::WrongResult));
        market.betting_type = BettingType::AsianHandicapSingleLine;
        market.runners = vec![runner(1, -50), runner(2, -150), runner(3, -250), runner(4, -275)];
        assert_eq!(settled(&market, 200), Ok(vec![WON, WON, Loser, Loser]));
        assert_eq!(settled(&market, 300).unwrap()[3], HalfWinner);
    }

    #[test]
    fn a_line_is_settled_by_what_was_counted() {
        let range = LineRange::new(0, 40_000, 100).unwrap();
        let market = MarketDefinition {
            betting_type: BettingType::Line,
            line: Some(LineDefinition { unit: "runs".to_owned(), range }),
            ..definition()
        };
        let settled = of(results(&market, &Verdict::counted(24_700), nobody));
        assert_eq!(settled, Ok(vec![Counted(24_700); 3]));
    }
}
