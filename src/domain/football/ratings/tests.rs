//! The fit against finite differences, against seasons it must survive, and against leagues of known
//! strength. Golden likelihoods of real seasons are held by the integration tests, where files are read.

use super::likelihood::{Point, Slope, slope, value};
use super::sample::Sample;
use super::*;
use crate::football::{SplitMix64, Team};

/// A double round of `teams` teams whose goals are drawn from known strengths.
fn season(teams: u16, seed: u64, strength: impl Fn(u16) -> (f64, f64)) -> Vec<Played> {
    let mut random = SplitMix64::new(seed);
    let mut played = Vec::new();
    for home in 0..teams {
        for away in (0..teams).filter(|away| *away != home) {
            let ((home_attack, home_defence), (away_attack, away_defence)) =
                (strength(home), strength(away));
            let mut draw = |mean: f64| {
                let (mut goals, mut left) = (0_u8, (-mean).exp());
                let mut point = random.next_unit();
                while point > left && goals < 15 {
                    point -= left;
                    goals += 1;
                    left *= mean / f64::from(goals);
                }
                goals
            };
            played.push(Played {
                day: i32::from(home) * 7 + i32::from(away) % 3,
                home: TeamIndex(home),
                away: TeamIndex(away),
                home_goals: draw((0.3 + 0.2 + home_attack - away_defence).exp()),
                away_goals: draw((0.3 + away_attack - home_defence).exp()),
                shots: None,
                neutral: false,
                worth: None,
            });
        }
    }
    played
}

fn varied(team: u16) -> (f64, f64) {
    let at = f64::from(team) / 10.0;
    (at - 0.5, 0.4 - at * 0.8)
}

#[test]
fn the_slope_is_that_of_finite_differences() {
    let settings = Settings { ridge: 1.5, newcomer: -0.2, shots_share: 0.3, ..Settings::CHAMPION };
    let mut played = season(6, 7, varied);
    for (at, played) in played.iter_mut().enumerate() {
        played.neutral = at % 5 == 0;
        played.shots = (at % 3 != 0).then_some((played.home_goals + 3, played.away_goals + 2));
    }
    let sample = Sample::before(200, &played, &settings);
    let strengths = (0..Point::order(6)).map(|at| 0.1 * ((at * 7 % 5) as f64 - 2.0)).collect();
    let point = Point { strengths, rho: -0.07 };
    let mut at_point = Slope::zero(Point::order(6));
    slope(&sample, &point, &mut at_point);
    let step = 1e-5;
    let along = |change: &dyn Fn(&mut Point, f64)| {
        let [mut up, mut down] = [point.clone(), point.clone()];
        change(&mut up, step);
        change(&mut down, -step);
        (value(&sample, &up).1 - value(&sample, &down).1) / (2.0 * step)
    };
    for at in 0..Point::order(6) {
        let measured = along(&|point, by| point.strengths[at] += by);
        assert!((measured - at_point.gradient[at]).abs() < 1e-5, "{at}: {measured}");
    }
    let measured = along(&|point, by| point.rho += by);
    assert!((measured - at_point.rho_gradient).abs() < 1e-5, "rho: {measured}");
}

#[test]
fn strengths_of_a_league_are_found_again() {
    let mut played = Vec::new();
    for year in 0..30 {
        for mut one in season(10, year, varied) {
            one.day += 100 * year as i32;
            played.push(one);
        }
    }
    let ratings = fit(10_000, &played, &Settings::PLAIN, None).expect("a league is fitted");
    let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
    let (attack, defence) = (mean(&ratings.attack), mean(&ratings.defence));
    for team in 0..10_u16 {
        let (true_attack, true_defence) = varied(team);
        let found = ratings.attack[usize::from(team)] - attack;
        assert!((found - (true_attack + 0.05)).abs() < 0.12, "attack {team}: {found}");
        let found = ratings.defence[usize::from(team)] - defence;
        assert!((found - (true_defence - 0.04)).abs() < 0.12, "defence {team}: {found}");
    }
    assert!((ratings.home_advantage - 0.2).abs() < 0.05);
    assert!(ratings.rho.abs() < 0.06);
    assert!(ratings.iterations <= 15, "{}", ratings.iterations);
}

#[test]
fn a_warm_start_ends_where_a_cold_one_does() {
    let played = season(12, 3, varied);
    let settings = Settings::CHAMPION;
    let cold = fit(100, &played, &settings, None).expect("a season is fitted");
    let before = fit(80, &played, &settings, None).expect("part of one too");
    let warm = fit(100, &played, &settings, Some(&before)).expect("from there on");
    assert!(warm.iterations <= cold.iterations);
    for (warm, cold) in warm.attack.iter().zip(&cold.attack) {
        assert!((warm - cold).abs() < 1e-6);
    }
    assert!((warm.log_likelihood - cold.log_likelihood).abs() < 1e-6);
}

#[test]
fn a_team_that_never_scored_and_a_twelve_nil_still_have_finite_prices() {
    let mut played = season(8, 11, |_| (0.0, 0.0));
    for match_ in &mut played {
        if match_.home == TeamIndex(0) {
            (match_.home_goals, match_.away_goals) = (0, 12);
        }
        if match_.away == TeamIndex(0) {
            match_.away_goals = 0;
        }
    }
    for settings in [Settings::CHAMPION, Settings::POISSON] {
        let ratings = fit(100, &played, &settings, None).expect("the ridge holds it");
        let goals = ratings.expectancy(TeamIndex(0), TeamIndex(1), false);
        assert!(goals.of(Team::Home) > 0.01 && goals.of(Team::Away) <= 8.0, "{goals:?}");
    }
    let plain = fit(100, &played, &Settings::PLAIN, None);
    assert_eq!(plain, Err(FitError::NotConverged), "without a prior there is no maximum");
}

#[test]
fn teams_nobody_has_seen_are_newcomers() {
    let played = season(6, 5, |_| (0.0, 0.0));
    let ratings = fit(100, &played, &Settings::CHAMPION, None).expect("a season is fitted");
    let known = ratings.expectancy(TeamIndex(0), TeamIndex(1), true);
    let unknown = ratings.expectancy(TeamIndex(99), TeamIndex(98), true);
    assert!(known.of(Team::Home) > 0.5 && unknown.of(Team::Home) > 0.5);
    assert!(unknown.of(Team::Home).is_finite());
}

#[test]
fn nothing_to_learn_from_is_an_error_that_says_so() {
    assert_eq!(fit(0, &[], &Settings::CHAMPION, None), Err(FitError::NoMatches));
    let mut played = season(4, 1, varied);
    assert_eq!(fit(0, &played, &Settings::CHAMPION, None), Err(FitError::NoMatches));
    for goalless in &mut played {
        (goalless.home_goals, goalless.away_goals) = (0, 0);
    }
    assert_eq!(fit(100, &played, &Settings::CHAMPION, None), Err(FitError::NoGoals));
}

#[test]
fn order_of_results_changes_nothing() {
    let mut played = season(8, 2, varied);
    let one = fit(100, &played, &Settings::CHAMPION, None).expect("a season is fitted");
    played.reverse();
    let other = fit(100, &played, &Settings::CHAMPION, None).expect("backwards too");
    assert!((one.log_likelihood - other.log_likelihood).abs() < 1e-9);
}
