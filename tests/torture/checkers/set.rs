//! The set checker: acknowledged bets exist exactly once and hold at least what was acknowledged of them;
//! what was never answered exists at most once; what was refused never; nothing else exists.

use std::collections::BTreeMap;

use super::Found;
use crate::torture::claim::Claims;

/// `settled`: is this bet of a market that was settled, and checked, before?
pub(crate) fn check(
    claims: &Claims,
    found: &[Found],
    settled: impl Fn(u64) -> bool,
) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut by_bet: BTreeMap<u64, Vec<&Found>> = BTreeMap::new();
    let mut by_reference: BTreeMap<&str, usize> = BTreeMap::new();
    for it in found {
        by_bet.entry(it.bet()).or_default().push(it);
        *by_reference.entry(&it.order.order_ref).or_default() += 1;
    }
    for bet in &claims.doubled {
        complaints.push(format!("bet id {bet} was given to two bets"));
    }
    for (bet, told) in &claims.bets {
        match by_bet.get(bet).map(Vec::as_slice) {
            None if settled(*bet) => (),
            None => complaints.push(format!("acknowledged bet {bet} is lost: {told:?}")),
            Some([it]) => {
                let order = &it.order;
                let keeps = order.order_ref == told.reference
                    && order.size == told.size
                    && order.matched >= told.matched
                    && order.cancelled >= told.cancelled;
                if !keeps {
                    complaints.push(format!("bet {bet} forgot what was told: {told:?}: {order:?}"));
                }
            }
            Some(many) => complaints.push(format!("bet {bet} exists {} times", many.len())),
        }
    }
    for (bet, many) in
        by_bet.iter().filter(|(bet, many)| many.len() > 1 && !claims.bets.contains_key(bet))
    {
        complaints.push(format!("bet {bet}, never acknowledged, exists {} times", many.len()));
    }
    for it in found {
        match claims.trials.get(&it.order.order_ref) {
            None => complaints.push(format!("nobody tried this bet: {it:?}")),
            Some(trial) if trial.account != it.account => {
                complaints.push(format!("tried by {}: {it:?}", trial.account));
            }
            Some(_) => (),
        }
    }
    for (reference, count) in by_reference {
        let max = claims.trials.get(reference).map_or(count, |trial| trial.bets_max);
        if count > max {
            complaints.push(format!("{reference} became {count} bets, not {max} at most"));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::super::planted::found;
    use super::*;
    use crate::torture::claim::Line;

    fn claims() -> Claims {
        let mut claims = Claims::default();
        let reference = |bet: u64| format!("ref-{bet}");
        for bet in 1..=4 {
            claims.fold(Line::Tried { reference: reference(bet), account: "ann".to_owned() });
        }
        for bet in 1..=2 {
            claims.fold(Line::Placed { reference: reference(bet), bet, size: 500, matched: 200 });
        }
        claims.fold(Line::Cancelled { bet: 2, size: 300 });
        claims.fold(Line::Refused { reference: reference(4) });
        claims
    }

    /// Bets 1 and 2 were acknowledged, 3 was not answered, 4 was refused.
    fn good() -> Vec<Found> {
        let mut all: Vec<Found> = (1..=3).map(|bet| found("ann", bet, "BACK", 500, 200)).collect();
        all[1].order.cancelled = 300;
        all[1].order.remaining = 0;
        all
    }

    fn complaints(found: &[Found]) -> Vec<String> {
        check(&claims(), found, |_| false)
    }

    #[test]
    fn it_is_content_when_all_is_there_and_when_the_unanswered_bet_is_not() {
        assert_eq!(complaints(&good()), Vec::<String>::new());
        assert_eq!(complaints(&good()[..2]), Vec::<String>::new());
        assert_eq!(check(&claims(), &good()[..1], |bet| bet == 2), Vec::<String>::new());
    }

    #[test]
    fn it_finds_every_planted_bug() {
        type Bug = fn(&mut Vec<Found>);
        let bugs: [(&str, Bug); 9] = [
            ("is lost", |all| drop(all.remove(0))),
            ("exists 2 times", |all| all.push(all[0].clone())),
            ("never acknowledged, exists 2 times", |all| all.push(all[2].clone())),
            ("forgot what was told", |all| all[0].order.matched = 199),
            ("forgot what was told", |all| all[1].order.cancelled = 299),
            ("forgot what was told", |all| all[0].order.size = 501),
            ("nobody tried", |all| all[2].order.order_ref = "invented".to_owned()),
            ("tried by ann", |all| all[2].account = "ben".to_owned()),
            ("became 1 bets, not 0", |all| all.push(found("ann", 4, "BACK", 500, 0))),
        ];
        for (words, bug) in bugs {
            let mut all = good();
            bug(&mut all);
            let complaints = complaints(&all);
            assert!(complaints.iter().any(|it| it.contains(words)), "{words}: {complaints:?}");
        }
    }

    #[test]
    fn a_re_sent_bet_that_became_two_is_found_by_its_reference() {
        let mut all = good();
        let mut twin = found("ann", 9, "BACK", 500, 0);
        twin.order.order_ref = "ref-1".to_owned();
        all.push(twin);
        let complaints = complaints(&all);
        assert!(complaints.iter().any(|it| it.contains("became 2 bets, not 1")), "{complaints:?}");
        // Unless somebody tried to replace it.
        let mut claims = claims();
        claims.fold(Line::TriedReplace { reference: "ref-1".to_owned() });
        assert_eq!(check(&claims, &all, |_| false), Vec::<String>::new());
    }
}
