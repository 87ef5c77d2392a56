//! A weekend of football: real teams (public facts) with strengths of our own making, paired by a seed.
//!
//! A strength is a logarithm: a team with attack 0.2 scores e^0.2 = 1.22 times as often as the league's
//! average, one with defence 0.2 concedes that much less.

use super::fixture::MatchScript;
use super::score_grid::{Expectancy, Score};
use super::split_mix::SplitMix64;

/// The correlation of low scores that fits four leagues best (pricing fact sheet 4.5).
pub const RHO: f64 = -0.06;

/// A team, its attack and its defence.
type Strength = (&'static str, f64, f64);

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct League {
    pub name: &'static str,
    /// ISO 3166, two letters.
    pub country: &'static str,
    pub timezone: &'static str,
    /// Goals of an average team against another on neutral ground.
    goals: f64,
    teams: &'static [Strength],
}

/// Of playing at home, as a logarithm.
const HOME_ADVANTAGE: f64 = 0.12;

/// One match of the weekend.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fixture {
    pub league: &'static League,
    pub home: &'static str,
    pub away: &'static str,
    pub expectancy: Expectancy,
    /// Of the match's script.
    pub seed: u64,
}

impl Fixture {
    pub fn name(&self) -> String {
        format!("{} v {}", self.home, self.away)
    }
}

/// Every team of every league plays once; leagues in order, their pairs drawn.
pub fn fixtures(seed: u64) -> Vec<Fixture> {
    let mut random = SplitMix64::new(seed);
    let mut fixtures = Vec::new();
    for league in &LEAGUES {
        let mut order: Vec<_> = league.teams.iter().collect();
        for last in (1..order.len()).rev() {
            order.swap(last, random.next_below(last as u64 + 1) as usize);
        }
        for pair in order.chunks_exact(2) {
            let (home, away) = (pair[0], pair[1]);
            fixtures.push(Fixture {
                league,
                home: home.0,
                away: away.0,
                expectancy: expectancy(league, home, away),
                seed: random.next_u64(),
            });
        }
    }
    fixtures
}

/// A match of a season that is over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Past {
    pub league: &'static League,
    pub home: &'static str,
    pub away: &'static str,
    pub score: Score,
    /// From 0; a league has `rounds` of them.
    pub round: u32,
    pub rounds: u32,
}

/// A season in which every team of every league has met every other at home and away, by the same strengths.
pub fn past_season(seed: u64) -> Vec<Past> {
    let mut random = SplitMix64::new(seed ^ 0x5EA5_0217);
    let mut season = Vec::new();
    for league in &LEAGUES {
        let teams = league.teams;
        let others = teams.len() - 1;
        let rounds = 2 * others as u32;
        for round in 0..2 * others {
            for pair in 0..teams.len() / 2 {
                // Everybody but the last goes round in a circle.
                let place = |at: usize| (at + round) % others;
                let (one, other) = match pair {
                    0 => (place(0), others),
                    _ => (place(pair), place(others - pair)),
                };
                let (home, away) = match (round >= others) ^ (round % others % 2 == 1) {
                    true => (&teams[other], &teams[one]),
                    false => (&teams[one], &teams[other]),
                };
                let script =
                    MatchScript::draw(expectancy(league, home, away), RHO, random.next_u64());
                season.push(Past {
                    league,
                    home: home.0,
                    away: away.0,
                    score: script.final_state().score,
                    round: round as u32,
                    rounds,
                });
            }
        }
    }
    season
}

fn expectancy(league: &League, home: &Strength, away: &Strength) -> Expectancy {
    let of = |strength: f64| league.goals * strength.exp();
    Expectancy::new(of(HOME_ADVANTAGE + home.1 - away.2), of(away.1 - home.2 - HOME_ADVANTAGE))
}

/// Teams with attack and defence.
pub const LEAGUES: [League; 4] = [
    League {
        name: "English Premier League",
        country: "GB",
        timezone: "Europe/London",
        goals: 1.40,
        teams: &[
            ("Arsenal", 0.30, 0.42),
            ("Aston Villa", 0.14, 0.04),
            ("Bournemouth", 0.08, -0.02),
            ("Brentford", 0.10, -0.08),
            ("Brighton", 0.10, 0.00),
            ("Burnley", -0.32, -0.22),
            ("Chelsea", 0.20, 0.12),
            ("Crystal Palace", -0.02, 0.08),
            ("Everton", -0.16, 0.06),
            ("Fulham", -0.02, -0.02),
            ("Leeds", -0.18, -0.20),
            ("Liverpool", 0.40, 0.26),
            ("Man City", 0.42, 0.30),
            ("Man Utd", 0.08, -0.04),
            ("Newcastle", 0.20, 0.10),
            ("Nottm Forest", -0.02, 0.06),
            ("Sunderland", -0.28, -0.16),
            ("Tottenham", 0.18, -0.04),
            ("West Ham", -0.10, -0.20),
            ("Wolves", -0.16, -0.18),
        ],
    },
    League {
        name: "Spanish La Liga",
        country: "ES",
        timezone: "Europe/Madrid",
        goals: 1.24,
        teams: &[
            ("Alaves", -0.20, -0.02),
            ("Athletic Bilbao", 0.08, 0.24),
            ("Atletico Madrid", 0.22, 0.30),
            ("Barcelona", 0.56, 0.20),
            ("Betis", 0.06, 0.02),
            ("Celta Vigo", 0.06, -0.10),
            ("Elche", -0.24, -0.16),
            ("Espanyol", -0.18, -0.06),
            ("Getafe", -0.34, 0.12),
            ("Girona", 0.00, -0.10),
            ("Levante", -0.18, -0.20),
            ("Mallorca", -0.22, 0.06),
            ("Osasuna", -0.06, -0.04),
            ("Oviedo", -0.38, -0.18),
            ("Rayo Vallecano", -0.10, 0.04),
            ("Real Madrid", 0.50, 0.30),
            ("Real Sociedad", -0.02, 0.12),
            ("Sevilla", -0.06, -0.06),
            ("Valencia", -0.08, -0.04),
            ("Villarreal", 0.24, 0.02),
        ],
    },
    League {
        name: "German Bundesliga",
        country: "DE",
        timezone: "Europe/Berlin",
        goals: 1.52,
        teams: &[
            ("Augsburg", -0.16, -0.08),
            ("Bayern Munich", 0.56, 0.32),
            ("Borussia Dortmund", 0.24, 0.10),
            ("Borussia Mönchengladbach", -0.02, -0.10),
            ("Eintracht Frankfurt", 0.18, 0.00),
            ("Freiburg", -0.04, 0.00),
            ("Hamburg", -0.22, -0.18),
            ("Heidenheim", -0.22, -0.20),
            ("Hoffenheim", 0.02, -0.16),
            ("Köln", -0.16, -0.14),
            ("Leverkusen", 0.30, 0.18),
            ("Mainz", 0.00, 0.08),
            ("RB Leipzig", 0.16, 0.14),
            ("St Pauli", -0.32, 0.02),
            ("Stuttgart", 0.22, 0.02),
            ("Union Berlin", -0.18, 0.00),
            ("Werder Bremen", 0.02, -0.12),
            ("Wolfsburg", 0.00, -0.04),
        ],
    },
    League {
        name: "Italian Serie A",
        country: "IT",
        timezone: "Europe/Rome",
        goals: 1.27,
        teams: &[
            ("AC Milan", 0.20, 0.14),
            ("Atalanta", 0.32, 0.12),
            ("Bologna", 0.10, 0.12),
            ("Cagliari", -0.16, -0.14),
            ("Como", 0.02, 0.02),
            ("Cremonese", -0.26, -0.18),
            ("Fiorentina", 0.10, 0.06),
            ("Genoa", -0.20, 0.02),
            ("Inter", 0.46, 0.30),
            ("Juventus", 0.14, 0.28),
            ("Lazio", 0.14, 0.02),
            ("Lecce", -0.36, -0.12),
            ("Napoli", 0.22, 0.32),
            ("Parma", -0.14, -0.16),
            ("Pisa", -0.30, -0.16),
            ("Roma", 0.12, 0.24),
            ("Sassuolo", -0.04, -0.20),
            ("Torino", -0.14, 0.06),
            ("Udinese", -0.10, -0.06),
            ("Verona", -0.24, -0.24),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::super::score_grid::ScoreGrid;
    use super::*;
    use crate::football::Team;
    use std::collections::BTreeSet;

    #[test]
    fn every_team_plays_once_and_every_seed_is_another_weekend() {
        for seed in 0..50 {
            let fixtures = fixtures(seed);
            let teams: BTreeSet<_> =
                fixtures.iter().flat_map(|fixture| [fixture.home, fixture.away]).collect();
            assert_eq!(fixtures.len(), 39);
            assert_eq!(teams.len(), 78);
            let seeds: BTreeSet<_> = fixtures.iter().map(|fixture| fixture.seed).collect();
            assert_eq!(seeds.len(), 39);
        }
        assert_eq!(fixtures(5), fixtures(5));
        assert_ne!(fixtures(5), fixtures(6));
    }

    #[test]
    fn in_a_season_everybody_meets_everybody_at_home_and_away() {
        let season = past_season(4);
        assert_eq!(season.len(), 3 * 380 + 306);
        let pairs: BTreeSet<_> = season.iter().map(|past| (past.home, past.away)).collect();
        assert_eq!(pairs.len(), season.len());
        for league in &LEAGUES {
            for round in 0..2 * (league.teams.len() as u32 - 1) {
                let of = season.iter().filter(|past| past.league == league && past.round == round);
                let teams: BTreeSet<_> = of.flat_map(|past| [past.home, past.away]).collect();
                assert_eq!(teams.len(), league.teams.len(), "{} {round}", league.name);
            }
        }
    }

    #[test]
    fn expectancies_are_those_of_real_leagues() {
        let (mut home, mut away, mut count) = (0.0, 0.0, 0.0);
        for fixture in (0..100).flat_map(fixtures) {
            for team in [Team::Home, Team::Away] {
                let goals = fixture.expectancy.of(team);
                assert!((0.3..4.5).contains(&goals), "{}: {goals}", fixture.name());
            }
            let odds = ScoreGrid::new(fixture.expectancy, RHO).match_odds();
            for chances in [odds.home, odds.draw, odds.away] {
                assert!((0.02..0.92).contains(&chances.win), "{}: {chances:?}", fixture.name());
            }
            home += fixture.expectancy.of(Team::Home);
            away += fixture.expectancy.of(Team::Away);
            count += 1.0;
        }
        assert!((1.4..1.8).contains(&(home / count)), "{}", home / count);
        assert!((1.1..1.45).contains(&(away / count)), "{}", away / count);
    }
}
