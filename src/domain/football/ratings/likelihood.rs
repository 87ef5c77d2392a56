//! The penalised log likelihood of a sample, its slope, and the information that Fisher scoring steps by.
//!
//! ```text
//!   L = Σ w [ log tau + x log lam - lam + y log nu - nu - log x! y! ]  -  ridge/2 Σ (strength - prior)²
//! ```
//! With `q = d log tau / d rho`, the residuals are `x - lam` and `y - nu` plus what tau adds:
//! (0,0) `q rho` to both, (0,1) `q rho` to home's, (1,0) to away's, (1,1) to none. Leaving those out is a
//! known defect of a widely used library; the slope here is held to finite differences by a test.

use super::cholesky::Symmetric;
use super::sample::{Pairing, Sample};

/// Where a fit stands: base, home advantage, then attack and defence of each team; rho apart.
#[derive(Debug, Clone)]
pub(super) struct Point {
    pub(super) strengths: Vec<f64>,
    pub(super) rho: f64,
}

pub(super) const BASE: usize = 0;
pub(super) const HOME: usize = 1;
const FIRST_ATTACK: usize = 2;

impl Point {
    pub(super) fn order(teams: usize) -> usize {
        FIRST_ATTACK + 2 * teams
    }

    pub(super) fn attack(team: usize) -> usize {
        FIRST_ATTACK + team
    }

    pub(super) fn defence(team: usize, teams: usize) -> usize {
        FIRST_ATTACK + teams + team
    }
}

/// Where it is steepest, and how curved.
#[derive(Debug, Clone)]
pub(super) struct Slope {
    pub(super) gradient: Vec<f64>,
    pub(super) information: Symmetric,
    pub(super) rho_gradient: f64,
    pub(super) rho_information: f64,
}

impl Slope {
    pub(super) fn zero(order: usize) -> Self {
        Slope {
            gradient: vec![0.0; order],
            information: Symmetric::zero(order),
            rho_gradient: 0.0,
            rho_information: 0.0,
        }
    }

    fn clear(&mut self) {
        self.gradient.fill(0.0);
        self.information.clear();
        (self.rho_gradient, self.rho_information) = (0.0, 0.0);
    }
}

/// The low scores in the order of `Pairing::low`, each with what makes its tau, `1 + factor * rho`.
fn low_factors(home: f64, away: f64) -> [f64; 4] {
    [-home * away, home, away, -1.0]
}

/// The log likelihood without and with the ridge; minus infinity where some tau is not positive.
pub(super) fn value(sample: &Sample, point: &Point) -> (f64, f64) {
    let teams = sample.teams;
    let s = &point.strengths;
    let mut sum = -sample.factorials;
    for pairing in &sample.pairings {
        let (log_home, log_away) = logs(s, teams, pairing);
        let (home, away) = (log_home.exp(), log_away.exp());
        sum += pairing.home_goals * log_home + pairing.away_goals * log_away
            - pairing.weight * (home + away);
        for (weight, factor) in pairing.low.into_iter().zip(low_factors(home, away)) {
            if weight > 0.0 {
                let tau = 1.0 + factor * point.rho;
                if tau <= 0.0 {
                    return (f64::NEG_INFINITY, f64::NEG_INFINITY);
                }
                sum += weight * tau.ln();
            }
        }
    }
    let off: f64 = (0..teams)
        .map(|team| {
            let prior = sample.prior[team];
            let attack = s[Point::attack(team)] - prior;
            let defence = s[Point::defence(team, teams)] - prior;
            attack * attack + defence * defence
        })
        .sum();
    (sum, sum - sample.ridge / 2.0 * off)
}

fn logs(s: &[f64], teams: usize, pairing: &Pairing) -> (f64, f64) {
    let Pairing { home, away, neutral, .. } = *pairing;
    let advantage = if neutral { 0.0 } else { s[HOME] };
    let log_home = s[BASE] + advantage + s[Point::attack(home)] - s[Point::defence(away, teams)];
    let log_away = s[BASE] + s[Point::attack(away)] - s[Point::defence(home, teams)];
    (log_home, log_away)
}

pub(super) fn slope(sample: &Sample, point: &Point, slope: &mut Slope) {
    let (teams, s, rho) = (sample.teams, &point.strengths, point.rho);
    slope.clear();
    let Slope { gradient, information, rho_gradient, rho_information } = slope;
    for pairing in &sample.pairings {
        let (log_home, log_away) = logs(s, teams, pairing);
        let (home, away) = (log_home.exp(), log_away.exp());
        let mut home_residual = pairing.home_goals - pairing.weight * home;
        let mut away_residual = pairing.away_goals - pairing.weight * away;
        let factors = low_factors(home, away);
        for (score, (weight, factor)) in pairing.low.into_iter().zip(factors).enumerate() {
            if weight > 0.0 {
                let q = factor / (1.0 + factor * rho);
                if score < 2 {
                    home_residual += weight * q * rho;
                }
                if score % 2 == 0 {
                    away_residual += weight * q * rho;
                }
                *rho_gradient += weight * q;
                *rho_information += weight * q * q;
            }
        }
        let scored = [
            (home, home_residual, pairing.home, pairing.away, !pairing.neutral),
            (away, away_residual, pairing.away, pairing.home, false),
        ];
        for (goals, residual, attack, defence, at_home) in scored {
            let goals = pairing.weight * goals;
            let (attack, defence) = (Point::attack(attack), Point::defence(defence, teams));
            gradient[BASE] += residual;
            gradient[attack] += residual;
            gradient[defence] -= residual;
            information.add(BASE, BASE, goals);
            information.add(attack, BASE, goals);
            information.add(attack, attack, goals);
            information.add(defence, BASE, -goals);
            information.add(defence, attack, -goals);
            information.add(defence, defence, goals);
            if at_home {
                gradient[HOME] += residual;
                information.add(HOME, BASE, goals);
                information.add(HOME, HOME, goals);
                information.add(attack, HOME, goals);
                information.add(defence, HOME, -goals);
            }
        }
    }
    for team in 0..teams {
        for at in [Point::attack(team), Point::defence(team, teams)] {
            gradient[at] -= sample.ridge * (s[at] - sample.prior[team]);
            information.add(at, at, sample.ridge);
        }
    }
}
