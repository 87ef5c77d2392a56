//! The results that a fit looks at, as it looks at them: weighted by age, shots on target blended in, with
//! what is believed of each team beforehand.

use super::{Played, Settings, TeamIndex};

/// All matches of the window between the same two, at home of the same one: what is expected of them is
/// the same, so their goals and weights add up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pairing {
    pub(super) home: usize,
    pub(super) away: usize,
    pub(super) neutral: bool,
    pub(super) weight: f64,
    /// Weighted goals, or the blend of goals and shots.
    pub(super) home_goals: f64,
    pub(super) away_goals: f64,
    /// The weight of those that ended 0-0, 0-1, 1-0 and 1-1, which tau touches.
    pub(super) low: [f64; 4],
}

#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) teams: usize,
    pub(super) matches: u32,
    pub(super) pairings: Vec<Pairing>,
    /// The prior mean of each team's attack and defence.
    pub(super) prior: Vec<f64>,
    pub(super) ridge: f64,
    /// What the factorials of the goals take off the log likelihood.
    pub(super) factorials: f64,
}

/// Strengths are only told apart from the base by some prior, however faint.
const FAINT: f64 = 1e-6;
/// A team whose first match is so much later than the window's first came up meanwhile.
const NEWCOMER_AFTER_DAYS: i32 = 60;

impl Sample {
    /// Matches before `day`. Weights are those of that day.
    pub(super) fn before(day: i32, played: &[Played], settings: &Settings) -> Self {
        let from = day.saturating_sub(settings.window_days);
        let window = || played.iter().filter(move |played| (from..day).contains(&played.day));
        let teams = window()
            .map(|played| usize::from(played.home.0.max(played.away.0)) + 1)
            .max()
            .unwrap_or(0);
        let goals_a_shot = goals_a_shot(window());
        let share = settings.shots_share;
        let blend = |goals: u8, shots: Option<u8>| match (shots, goals_a_shot) {
            (Some(shots), Some(worth)) if share > 0.0 => {
                (1.0 - share) * f64::from(goals) + share * worth * f64::from(shots)
            }
            _ => f64::from(goals),
        };
        let mut factorials = 0.0;
        let mut matches = 0;
        let mut pairings: Vec<Pairing> = Vec::new();
        let mut places = vec![None; 2 * teams * teams];
        for played in window() {
            let weight = (-settings.forget_per_day * f64::from(day - played.day)).exp();
            let (home_goals, away_goals) = (played.home_goals, played.away_goals);
            factorials += weight * (log_factorial(home_goals) + log_factorial(away_goals));
            matches += 1;
            let (home, away) = (usize::from(played.home.0), usize::from(played.away.0));
            let neutral = played.neutral;
            let place = &mut places[2 * (home * teams + away) + usize::from(neutral)];
            let at = *place.get_or_insert_with(|| {
                let (weight, low) = (0.0, [0.0; 4]);
                let (home_goals, away_goals) = (0.0, 0.0);
                pairings.push(Pairing { home, away, neutral, weight, home_goals, away_goals, low });
                pairings.len() - 1
            });
            let pairing = &mut pairings[at];
            pairing.weight += weight;
            pairing.home_goals += weight * blend(home_goals, played.shots.map(|shots| shots.0));
            pairing.away_goals += weight * blend(away_goals, played.shots.map(|shots| shots.1));
            if settings.correlated && home_goals <= 1 && away_goals <= 1 {
                pairing.low[usize::from(2 * home_goals + away_goals)] += weight;
            }
        }
        let prior = prior(teams, window(), settings.newcomer);
        Sample { teams, matches, pairings, prior, ridge: settings.ridge.max(FAINT), factorials }
    }
}

/// How many goals a shot on target is worth, over all matches that counted them.
fn goals_a_shot<'a>(played: impl Iterator<Item = &'a Played>) -> Option<f64> {
    let (mut goals, mut shots) = (0_u64, 0_u64);
    for played in played {
        if let Some((home, away)) = played.shots {
            goals += u64::from(played.home_goals) + u64::from(played.away_goals);
            shots += u64::from(home) + u64::from(away);
        }
    }
    (shots > 0).then(|| goals as f64 / shots as f64)
}

/// A newcomer's mean for whoever was not there when the window began, the usual for the others. Teams that
/// never played are newcomers too.
fn prior<'a>(
    teams: usize,
    played: impl Iterator<Item = &'a Played> + Clone,
    newcomer: f64,
) -> Vec<f64> {
    let mut first = vec![None::<i32>; teams];
    let mut note = |team: TeamIndex, day: i32| {
        let first = &mut first[usize::from(team.0)];
        *first = Some(first.map_or(day, |first| first.min(day)));
    };
    for played in played.clone() {
        note(played.home, played.day);
        note(played.away, played.day);
    }
    let begin = played.map(|played| played.day).min().unwrap_or(0);
    let is_new = |first: Option<i32>| first.is_none_or(|day| day - begin > NEWCOMER_AFTER_DAYS);
    first.into_iter().map(|first| if is_new(first) { newcomer } else { 0.0 }).collect()
}

fn log_factorial(n: u8) -> f64 {
    (2..=n).map(|k| f64::from(k).ln()).sum()
}
