//! Fisher scoring: from a first guess, steps along the slope scaled by the information until it is level.
//!
//! Each step is halved until it climbs. From an earlier fit as first guess two or three steps will do, so a
//! competition is fitted anew after every result.

use super::likelihood::{BASE, HOME, Point, Slope, slope, value};
use super::sample::Sample;
use super::{Played, Ratings, Settings};

/// Five to eleven steps are usual.
pub const ITERATIONS_MAX: u32 = 60;
/// Level: no slope is steeper, in log likelihood a unit of log strength.
const LEVEL: f64 = 1e-6;
const HALVINGS_MAX: u32 = 30;
/// Where every grid that may be priced keeps its taus positive.
const RHO_MIN: f64 = -0.2;
const RHO_MAX: f64 = 0.1;
/// Of a first guess.
const USUAL_HOME_ADVANTAGE: f64 = 0.2;
/// Nobody is e^5 times as strong as another: a strength that runs away has no maximum.
const STRENGTH_MAX: f64 = 5.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    #[error("no match in the window")]
    NoMatches,
    #[error("nobody scored in the window")]
    NoGoals,
    #[error("the fit did not come to rest: too few results for what they say")]
    NotConverged,
}

/// Ratings from the matches before `day`, which need not be in order. `warm`: an earlier fit to begin from.
pub fn fit(
    day: i32,
    played: &[Played],
    settings: &Settings,
    warm: Option<&Ratings>,
) -> Result<Ratings, FitError> {
    let sample = Sample::before(day, played, settings);
    let mut point = first_guess(&sample, warm)?;
    let mut there = Slope::zero(Point::order(sample.teams));
    let (mut plain, mut height) = value(&sample, &point);
    if height == f64::NEG_INFINITY {
        point.rho = 0.0;
        (plain, height) = value(&sample, &point);
    }
    for iteration in 1..=ITERATIONS_MAX {
        slope(&sample, &point, &mut there);
        if is_level(&there, point.rho) {
            return Ok(ratings(&sample, point, settings, plain, iteration));
        }
        let mut step = there.gradient.clone();
        there.information.solve(&mut step).ok_or(FitError::NotConverged)?;
        let rho_step = match there.rho_information > 0.0 {
            true => there.rho_gradient / there.rho_information,
            false => 0.0,
        };
        let Some((next, next_plain, next_height)) = climb(&sample, &point, height, &step, rho_step)
        else {
            // No step climbs any more: as level as floats tell.
            return Ok(ratings(&sample, point, settings, plain, iteration));
        };
        (point, plain, height) = (next, next_plain, next_height);
        if point.strengths[2..].iter().any(|strength| strength.abs() > STRENGTH_MAX) {
            return Err(FitError::NotConverged);
        }
    }
    Err(FitError::NotConverged)
}

fn first_guess(sample: &Sample, warm: Option<&Ratings>) -> Result<Point, FitError> {
    if sample.pairings.is_empty() {
        return Err(FitError::NoMatches);
    }
    let (mut goals, mut weight) = (0.0, 0.0);
    for pairing in &sample.pairings {
        goals += pairing.home_goals + pairing.away_goals;
        weight += pairing.weight;
    }
    if goals <= 0.0 {
        return Err(FitError::NoGoals);
    }
    let teams = sample.teams;
    let mut strengths = vec![0.0; Point::order(teams)];
    for team in 0..teams {
        let known = |of: fn(&Ratings) -> &Vec<f64>| {
            warm.and_then(|warm| of(warm).get(team).copied()).unwrap_or(sample.prior[team])
        };
        strengths[Point::attack(team)] = known(|ratings| &ratings.attack);
        strengths[Point::defence(team, teams)] = known(|ratings| &ratings.defence);
    }
    match warm {
        Some(warm) => {
            (strengths[BASE], strengths[HOME]) = (warm.base, warm.home_advantage);
            Ok(Point { strengths, rho: warm.rho })
        }
        None => {
            strengths[BASE] = (goals / weight / 2.0).ln() - USUAL_HOME_ADVANTAGE / 2.0;
            strengths[HOME] = USUAL_HOME_ADVANTAGE;
            Ok(Point { strengths, rho: 0.0 })
        }
    }
}

fn is_level(there: &Slope, rho: f64) -> bool {
    // At a bound the slope may point outwards.
    let rho_rests = there.rho_gradient.abs() < LEVEL
        || (rho <= RHO_MIN && there.rho_gradient < 0.0)
        || (rho >= RHO_MAX && there.rho_gradient > 0.0);
    rho_rests && there.gradient.iter().all(|slope| slope.abs() < LEVEL)
}

/// The longest of the step, its half, its quarter... that does not go down.
fn climb(
    sample: &Sample,
    from: &Point,
    height: f64,
    step: &[f64],
    rho_step: f64,
) -> Option<(Point, f64, f64)> {
    let mut length = 1.0;
    for _ in 0..HALVINGS_MAX {
        let strengths = from.strengths.iter().zip(step).map(|(at, by)| at + length * by).collect();
        let rho = (from.rho + length * rho_step).clamp(RHO_MIN, RHO_MAX);
        let next = Point { strengths, rho };
        let (plain, reached) = value(sample, &next);
        if reached > height {
            return Some((next, plain, reached));
        }
        length /= 2.0;
    }
    None
}

fn ratings(
    sample: &Sample,
    point: Point,
    settings: &Settings,
    log_likelihood: f64,
    iterations: u32,
) -> Ratings {
    let teams = sample.teams;
    let strengths = &point.strengths;
    Ratings {
        base: strengths[BASE],
        home_advantage: strengths[HOME],
        attack: (0..teams).map(|team| strengths[Point::attack(team)]).collect(),
        defence: (0..teams).map(|team| strengths[Point::defence(team, teams)]).collect(),
        rho: point.rho,
        newcomer: settings.newcomer,
        log_likelihood,
        iterations,
        matches: sample.matches,
    }
}
