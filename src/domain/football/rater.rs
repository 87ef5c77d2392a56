//! From a competition's results to what each of its matches is priced from, whatever happens.
//!
//! ```text
//!   fit comes to rest ──▶ ratings ──▶ a team without results: newcomer
//!        │ fails
//!        └──▶ the last good fit ──▶ the competition's average ──▶ that of any match
//! ```

use super::Team;
use super::almanac::{Basis, Parameters};
use super::ratings::{FitError, Played, Ratings, Settings, TeamIndex, fit};
use super::weekend::RHO;

/// Of any match: a home and an away team's goals.
const ANY_MATCH: (f64, f64) = (1.5, 1.2);
/// Fewer results make no average.
const RESULTS_MIN: usize = 10;
/// A history goes so far back, and a month is a month.
const HISTORY_MONTHS: i32 = 24;
const MONTH_DAYS: i32 = 30;

/// Ratings as they were on a day.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    pub day: i32,
    pub ratings: Ratings,
}

#[derive(Debug, Clone)]
pub struct Rater {
    settings: Settings,
    ratings: Option<Ratings>,
    failure: Option<FitError>,
    /// Teams with results in the window.
    seen: Vec<bool>,
    average: Option<(f64, f64)>,
}

/// Where nothing at all is known.
pub fn any_match() -> Parameters {
    let any = Parameters::new(ANY_MATCH.0, ANY_MATCH.1, RHO, Basis::AnyMatch);
    any.expect("the average of any match is sound")
}

impl Default for Rater {
    fn default() -> Self {
        Rater {
            settings: Settings::CHAMPION,
            ratings: None,
            failure: None,
            seen: Vec::new(),
            average: None,
        }
    }
}

impl Rater {
    /// From the results before `day`. One that fails leaves the ratings before it in force.
    pub fn fit(&mut self, day: i32, played: &[Played]) {
        self.seen.clear();
        let since = day.saturating_sub(self.settings.window_days);
        let lately = || played.iter().filter(|one| one.day >= since && one.day < day);
        for team in lately().flat_map(|one| [one.home, one.away]) {
            let team = usize::from(team.0);
            if self.seen.len() <= team {
                self.seen.resize(team + 1, false);
            }
            self.seen[team] = true;
        }
        let count = lately().count();
        let goals = |of: fn(&Played) -> u8| {
            lately().map(|one| f64::from(of(one))).sum::<f64>() / count as f64
        };
        self.average = (count >= RESULTS_MIN)
            .then(|| (goals(|one| one.home_goals), goals(|one| one.away_goals)));
        match fit(day, played, &self.settings, self.ratings.as_ref()) {
            Ok(ratings) => (self.ratings, self.failure) = (Some(ratings), None),
            Err(failure) => self.failure = Some(failure),
        }
    }

    pub fn ratings(&self) -> Option<&Ratings> {
        self.ratings.as_ref()
    }

    /// Why the last fit failed, when it did.
    pub fn failure(&self) -> Option<FitError> {
        self.failure
    }

    /// Never without an answer, and never with a bad one.
    pub fn rate(&self, home: TeamIndex, away: TeamIndex, neutral: bool) -> Parameters {
        let by_fit = self.ratings.as_ref().and_then(|ratings| {
            let expected = ratings.expectancy(home, away, neutral);
            let seen =
                |team: TeamIndex| self.seen.get(usize::from(team.0)).copied().unwrap_or(false);
            let basis = match self.failure {
                Some(_) => Basis::LastGood,
                None if seen(home) && seen(away) => Basis::Ratings,
                None => Basis::Newcomer,
            };
            Parameters::new(expected.of(Team::Home), expected.of(Team::Away), ratings.rho, basis)
        });
        let by_average = || {
            let (home, away) = self.average?;
            let (home, away) =
                if neutral { ((home + away) / 2.0, (home + away) / 2.0) } else { (home, away) };
            Parameters::new(home, away, RHO, Basis::LeagueMean)
        };
        by_fit.or_else(by_average).unwrap_or_else(any_match)
    }

    /// How the ratings came to be what they are, month by month up to `day`.
    pub fn history(&self, day: i32, played: &[Played]) -> Vec<Point> {
        let mut points = Vec::new();
        let mut warm: Option<Ratings> = None;
        for month in (0..HISTORY_MONTHS).rev() {
            let day = day.saturating_sub(month * MONTH_DAYS).saturating_add(1);
            if let Ok(ratings) = fit(day, played, &self.settings, warm.as_ref()) {
                warm = Some(ratings.clone());
                points.push(Point { day: day - 1, ratings });
            }
        }
        points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn season(goals: impl Fn(i32, i32) -> (u8, u8)) -> Vec<Played> {
        let pairs = (0..6).flat_map(|home| (0..6).map(move |away| (home, away)));
        let pairs = pairs.filter(|(home, away)| home != away);
        let played = pairs.map(|(home, away)| {
            let (home_goals, away_goals) = goals(home, away);
            let (home_index, away_index) = (TeamIndex(home as u16), TeamIndex(away as u16));
            Played {
                day: 100 + home * 6 + away,
                home: home_index,
                away: away_index,
                home_goals,
                away_goals,
                shots: None,
                neutral: false,
                worth: None,
            }
        });
        played.collect()
    }

    #[test]
    fn there_is_something_for_every_match() {
        let mut rater = Rater::default();
        let (one, two, stranger) = (TeamIndex(0), TeamIndex(1), TeamIndex(77));
        assert_eq!(rater.rate(one, two, false).basis, Basis::AnyMatch);
        rater.fit(200, &[]);
        assert_eq!(rater.rate(one, two, false).basis, Basis::AnyMatch);
        rater.fit(200, &season(|_, _| (0, 0)));
        assert_eq!(rater.rate(one, two, true).basis, Basis::AnyMatch, "nobody scores");
        let good = season(|home, away| ((home + 1) as u8 / 2, away as u8 / 2));
        rater.fit(200, &good);
        let rated = rater.rate(TeamIndex(5), TeamIndex(0), false);
        assert_eq!(rated.basis, Basis::Ratings);
        assert!(rated.goals(Team::Home) > rated.goals(Team::Away));
        assert_eq!(rater.rate(one, stranger, false).basis, Basis::Newcomer);
        // A fit that fails leaves the one before.
        rater.fit(200, &season(|_, _| (0, 0)));
        assert_eq!(rater.rate(TeamIndex(5), TeamIndex(0), false).basis, Basis::LastGood);
    }

    #[test]
    fn a_history_ends_with_what_is() {
        let played = season(|home, away| ((home + 1) as u8 / 2, away as u8 / 2));
        let mut rater = Rater::default();
        rater.fit(201, &played);
        let history = rater.history(200, &played);
        let last = history.last().expect("there are results");
        assert_eq!(last.day, 200);
        let now = rater.ratings().expect("fitted");
        assert!((last.ratings.home_advantage - now.home_advantage).abs() < 1e-6);
        assert!(history.len() < 24, "nothing is known before the first result");
    }
}
