//! Which shapes of market there are: what its betting type asks for, and what it does not allow.
//!
//! Looks at one request alone; names and ids are [`super::Home`]'s to give.

use super::{HomeError, NewMarket, check};
use crate::definition::BettingType;
use crate::definition::RunnerDefinition;

/// From evens of the odds to a thousandth of them, in hundredths.
const DIVISOR: std::ops::RangeInclusive<u32> = 100..=100_000;
/// A quarter of a goal.
const QUARTER: i32 = 25;

type Checked = Result<(), HomeError>;

pub(super) fn check_shape(new: &NewMarket) -> Checked {
    check_handicaps(new)?;
    check_line(new)?;
    check_each_way(new)?;
    check_cross_matching(new)?;
    check_starting_price(new)?;
    let winners = usize::from(new.number_of_winners);
    if new.betting_type != BettingType::Odds {
        // Nobody wins the field: one is what a creator who says nothing has said.
        return match winners {
            0 | 1 => Ok(()),
            _ => Err(HomeError::unfit("numberOfWinners", "is for markets of ODDS")),
        };
    }
    // In a complete market somebody must lose; another runner may still join one that is not complete.
    let most = new.runners.len() - usize::from(new.complete);
    if winners == 0 || winners > most {
        let reason = match most {
            0 => "a complete market needs two runners".to_owned(),
            most => format!("must be 1 to {most} for {} runners", new.runners.len()),
        };
        return Err(HomeError::unfit("numberOfWinners", reason));
    }
    Ok(())
}

/// As many winners as a market of this shape has, whatever was asked.
pub(super) fn winners(new: &NewMarket) -> u16 {
    match new.betting_type {
        BettingType::Odds => new.number_of_winners,
        _ => 0,
    }
}

fn is_asian(new: &NewMarket) -> bool {
    matches!(
        new.betting_type,
        BettingType::AsianHandicapDoubleLine | BettingType::AsianHandicapSingleLine
    )
}

fn check_handicaps(new: &NewMarket) -> Checked {
    for (index, runner) in new.runners.iter().enumerate() {
        let reason = match is_asian(new) {
            true if runner.handicap % QUARTER == 0 => continue,
            true => "must be a multiple of 0.25",
            false if runner.handicap == 0 => continue,
            false => "must be 0 but in Asian handicap markets",
        };
        return Err(HomeError::unfit(format!("runners[{index}].handicap"), reason));
    }
    Ok(())
}

/// Two sides, and each line of one has its mirror on the other: judged once selections are known.
pub(super) fn check_sides(new: BettingType, runners: &[RunnerDefinition]) -> Checked {
    if new != BettingType::AsianHandicapDoubleLine {
        return Ok(());
    }
    let has = |other: &RunnerDefinition, runner: &RunnerDefinition| {
        other.runner.selection != runner.runner.selection
            && other.runner.handicap == -runner.runner.handicap
    };
    let first = runners.first().map(|runner| runner.runner.selection);
    let second = runners.iter().map(|runner| runner.runner.selection).find(|it| Some(*it) != first);
    for (index, runner) in runners.iter().enumerate() {
        let side = Some(runner.runner.selection);
        if side != first && side != second {
            return Err(HomeError::unfit("runners", "a double line has two sides"));
        }
        if !runners.iter().any(|other| has(other, runner)) {
            let field = format!("runners[{index}].handicap");
            return Err(HomeError::unfit(field, "has no mirror on the other side"));
        }
    }
    Ok(())
}

fn check_line(new: &NewMarket) -> Checked {
    match (new.betting_type, &new.line) {
        (BettingType::Line, None) => Err(HomeError::unfit("line", "is mandatory for LINE")),
        (BettingType::Line, Some(line)) => {
            check::name("line.unit", &line.unit, check::NAME_CHARS)?;
            match new.runners.len() {
                1 => Ok(()),
                _ => Err(HomeError::unfit("runners", "a market of LINE has one")),
            }
        }
        (_, Some(_)) => Err(HomeError::unfit("line", "is for markets of LINE")),
        (_, None) => Ok(()),
    }
}

fn check_each_way(new: &NewMarket) -> Checked {
    match new.each_way_divisor {
        Some(_) if new.betting_type != BettingType::Odds => {
            Err(HomeError::unfit("eachWayDivisor", "is for markets of ODDS"))
        }
        Some(divisor) if !DIVISOR.contains(&divisor) => {
            Err(HomeError::unfit("eachWayDivisor", "must be 1 to 1000"))
        }
        _ => Ok(()),
    }
}

/// What may be lost at a starting price is said of a bet on winning.
fn check_starting_price(new: &NewMarket) -> Checked {
    let plain = new.betting_type == BettingType::Odds && new.each_way_divisor.is_none();
    match new.bsp_market && !plain {
        true => Err(HomeError::unfit("bspMarket", "is for plain markets of ODDS")),
        false => Ok(()),
    }
}

/// The exchange stands between all runners, and loses nothing only where exactly one of them must win and
/// none can be taken away.
fn check_cross_matching(new: &NewMarket) -> Checked {
    let reason = if !new.cross_matching {
        return Ok(());
    } else if new.betting_type != BettingType::Odds || new.each_way_divisor.is_some() {
        "is for plain markets of ODDS"
    } else if new.number_of_winners != 1 || !new.complete {
        "needs a complete market of one winner"
    } else if new.runners.iter().any(|runner| runner.adjustment_factor.is_some()) {
        "is not for runners that may be removed"
    } else {
        return Ok(());
    };
    Err(HomeError::unfit("crossMatching", reason))
}
