//! How well forecasts did: scoring rules, calibration, and whether one model is better than another.
//!
//! Log loss is what a model's word costs who believes it; RPS knows that a draw lies between the two wins; Brier
//! is the square of the error. Calibrated forecasts have a slope of 1: below it they promise too much, above it
//! too little. Models are compared on the same matches, resampled in pairs: two models see the same upsets.

use super::almanac::Odds;
use super::margin;
use super::score_grid::{GoalLine, ScoreGrid};
use super::split_mix::SplitMix64;

/// Reliability in steps of a tenth.
pub const BINS: usize = 10;
const RESAMPLES: usize = 2_000;
/// A forecast of nothing would cost everything; it is counted as this.
const LEAST: f64 = 1e-15;
const STEPS_MAX: u32 = 50;

/// A market in which forecasts are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Market {
    MatchOdds,
    /// More than two and a half goals.
    Over,
    BothScore,
}

impl Market {
    pub const ALL: [Market; 3] = [Market::MatchOdds, Market::Over, Market::BothScore];

    /// As the book of a match calls it, its line behind it.
    pub fn word(self) -> &'static str {
        match self {
            Market::MatchOdds => "MATCH_ODDS",
            Market::Over => "OVER_UNDER_25",
            Market::BothScore => "BOTH_TEAMS_TO_SCORE",
        }
    }
}

/// What was said of a match, and how it ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Forecast {
    /// Home, draw, away.
    pub results: [f64; 3],
    pub over: f64,
    pub both: f64,
    pub outcome: usize,
    pub went_over: bool,
    pub both_scored: bool,
}

impl Forecast {
    /// `score`: home's and away's goals.
    pub fn new(results: [f64; 3], over: f64, both: f64, score: (u8, u8)) -> Self {
        let outcome = match score.0.cmp(&score.1) {
            std::cmp::Ordering::Greater => 0,
            std::cmp::Ordering::Equal => 1,
            std::cmp::Ordering::Less => 2,
        };
        let went_over = u16::from(score.0) + u16::from(score.1) > 2;
        let both_scored = score.0 > 0 && score.1 > 0;
        Forecast { results, over, both, outcome, went_over, both_scored }
    }

    /// What a grid says before a match that ended so.
    pub fn of(grid: &ScoreGrid, score: (u8, u8)) -> Self {
        let odds = grid.match_odds();
        let results = [odds.home.win, odds.draw.win, odds.away.win];
        Forecast::new(results, grid.over(GoalLine(10)).win, grid.both_score().win, score)
    }

    pub fn log_loss(&self) -> f64 {
        self.log_loss_in(Market::MatchOdds)
    }

    pub fn over_log_loss(&self) -> f64 {
        self.log_loss_in(Market::Over)
    }

    pub fn brier(&self) -> f64 {
        self.brier_in(Market::MatchOdds)
    }

    pub fn rps(&self) -> f64 {
        self.rps_in(Market::MatchOdds)
    }

    pub fn log_loss_in(&self, market: Market) -> f64 {
        let (said, outcome) = self.book(market);
        -said.as_slice()[outcome].max(LEAST).ln()
    }

    pub fn brier_in(&self, market: Market) -> f64 {
        self.errors(market).map(|error| error * error).sum()
    }

    pub fn rps_in(&self, market: Market) -> f64 {
        let (mut ahead, mut sum, mut steps) = (0.0, 0.0, -1.0);
        for error in self.errors(market) {
            ahead += error;
            sum += ahead * ahead;
            steps += 1.0;
        }
        sum / steps
    }

    /// What was said of each selection, and which of them it was.
    fn book(&self, market: Market) -> (Said, usize) {
        let two = |p: f64, happened: bool| (Said::Two([p, 1.0 - p]), usize::from(!happened));
        match market {
            Market::MatchOdds => (Said::Three(self.results), self.outcome),
            Market::Over => two(self.over, self.went_over),
            Market::BothScore => two(self.both, self.both_scored),
        }
    }

    fn errors(&self, market: Market) -> impl Iterator<Item = f64> {
        let (said, outcome) = self.book(market);
        let happened = move |at: usize| f64::from(u8::from(at == outcome));
        (0..said.as_slice().len()).map(move |at| said.as_slice()[at] - happened(at))
    }
}

/// The probabilities of a market's selections.
#[derive(Clone, Copy)]
enum Said {
    Two([f64; 2]),
    Three([f64; 3]),
}

impl Said {
    fn as_slice(&self) -> &[f64] {
        match self {
            Said::Two(all) => all,
            Said::Three(all) => all,
        }
    }
}

/// Forecasts between two tenths, and how often they came true.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bin {
    pub count: u32,
    pub said: f64,
    pub happened: f64,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Measures {
    pub matches: usize,
    pub log_loss: f64,
    pub rps: f64,
    pub brier: f64,
    pub over_log_loss: f64,
    /// `None` when it cannot be told.
    pub slope: Option<f64>,
    pub reliability: [Bin; BINS],
}

/// In the market of match odds; over 2.5 is told beside.
pub fn measure<'a>(forecasts: impl IntoIterator<Item = &'a Forecast>) -> Measures {
    measure_in(Market::MatchOdds, forecasts)
}

pub fn measure_in<'a>(
    market: Market,
    forecasts: impl IntoIterator<Item = &'a Forecast>,
) -> Measures {
    let mut measures = Measures::default();
    let mut pairs = Vec::new();
    for one in forecasts {
        measures.matches += 1;
        measures.log_loss += one.log_loss_in(market);
        measures.rps += one.rps_in(market);
        measures.brier += one.brier_in(market);
        measures.over_log_loss += one.over_log_loss();
        let (said, outcome) = one.book(market);
        for (at, p) in said.as_slice().iter().enumerate() {
            let happened = f64::from(u8::from(at == outcome));
            pairs.push((*p, happened));
            let bin = ((p * BINS as f64) as usize).min(BINS - 1);
            let bin = &mut measures.reliability[bin];
            bin.count += 1;
            bin.said += p;
            bin.happened += happened;
        }
    }
    let matches = measures.matches.max(1) as f64;
    for sum in [
        &mut measures.log_loss,
        &mut measures.rps,
        &mut measures.brier,
        &mut measures.over_log_loss,
    ] {
        *sum /= matches;
    }
    for bin in &mut measures.reliability {
        let count = f64::from(bin.count.max(1));
        (bin.said, bin.happened) = (bin.said / count, bin.happened / count);
    }
    measures.slope = slope(&pairs);
    measures
}

/// Of a logistic regression of what happened on the logit of what was said.
fn slope(pairs: &[(f64, f64)]) -> Option<f64> {
    let usable = pairs.iter().filter(|(p, _)| *p > 0.0 && *p < 1.0);
    let logits: Vec<(f64, f64)> =
        usable.map(|(p, happened)| ((p / (1.0 - p)).ln(), *happened)).collect();
    let (mut intercept, mut slope) = (0.0_f64, 1.0_f64);
    for _ in 0..STEPS_MAX {
        let (mut g0, mut g1, mut h00, mut h01, mut h11) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for (logit, happened) in &logits {
            let p = 1.0 / (1.0 + (-(intercept + slope * logit)).exp());
            let (error, weight) = (happened - p, p * (1.0 - p));
            g0 += error;
            g1 += error * logit;
            h00 += weight;
            h01 += weight * logit;
            h11 += weight * logit * logit;
        }
        let determinant = h00 * h11 - h01 * h01;
        if !determinant.is_finite() || determinant < 1e-9 {
            return None;
        }
        let (d0, d1) = ((h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant);
        intercept += d0;
        slope += d1;
        if d0.abs().max(d1.abs()) < 1e-9 {
            return slope.is_finite().then_some(slope);
        }
    }
    None
}

/// A difference with the span that nineteen of twenty resamples lie in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    pub mean: f64,
    pub low: f64,
    pub high: f64,
}

/// Champion less challenger, by `loss`; below zero the champion is better. Both must be of the same matches in
/// the same order. `None` without matches.
pub fn compare(
    champion: &[Forecast],
    challenger: &[Forecast],
    loss: impl Fn(&Forecast) -> f64,
    seed: u64,
) -> Option<Difference> {
    let differences: Vec<f64> =
        champion.iter().zip(challenger).map(|(one, other)| loss(one) - loss(other)).collect();
    if differences.is_empty() {
        return None;
    }
    let count = differences.len();
    let mean = |sum: f64| sum / count as f64;
    let mut random = SplitMix64::new(seed);
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let drawn = (0..count).map(|_| differences[random.next_below(count as u64) as usize]);
            mean(drawn.sum())
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let at = |part: f64| means[((RESAMPLES - 1) as f64 * part) as usize];
    Some(Difference { mean: mean(differences.iter().sum()), low: at(0.025), high: at(0.975) })
}

/// What it would have been worth to back a model's opinion early, by the prices that stood at the end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClosingValue {
    pub bets: usize,
    /// Of a stake of one: above zero, the market went the model's way.
    pub mean: f64,
}

/// Backs each selection that the model holds for more likely than the opening price does, and values the bet by
/// the closing prices without their margin. `None` where no bet was to be had.
pub fn closing_value<'a>(
    matches: impl IntoIterator<Item = (&'a Forecast, &'a Odds)>,
) -> Option<ClosingValue> {
    let (mut bets, mut sum) = (0, 0.0);
    let decimal = |hundredths: u32| f64::from(hundredths) / 100.0;
    for (forecast, odds) in matches {
        let Some(open) = odds.open else { continue };
        let Ok(fair) = margin::remove(&odds.close.map(decimal), margin::Method::default()) else {
            continue;
        };
        for ((said, open), fair) in forecast.results.iter().zip(open).zip(fair) {
            if said * decimal(open) > 1.0 {
                bets += 1;
                sum += decimal(open) * fair - 1.0;
            }
        }
    }
    (bets > 0).then(|| ClosingValue { bets, mean: sum / bets as f64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Matches that end as `truth` says, forecast as `said`.
    fn forecasts(truth: impl Fn(f64) -> f64, said: impl Fn(f64) -> f64) -> Vec<Forecast> {
        let mut random = SplitMix64::new(5);
        (0..20_000)
            .map(|n| {
                let strength = f64::from(n % 50) / 50.0;
                let home = truth(strength);
                let drawn = random.next_unit();
                let score = match () {
                    () if drawn < home => (2, 1),
                    () if drawn < home + 0.25 => (1, 1),
                    () => (0, 1),
                };
                let p = said(strength);
                Forecast::new([p, 0.25, 0.75 - p], 0.5, 0.5, score)
            })
            .collect()
    }

    #[test]
    fn scores_are_the_textbooks() {
        let one = Forecast::new([0.5, 0.3, 0.2], 0.6, 0.45, (1, 0));
        assert!((one.log_loss() - 0.5_f64.ln().abs()).abs() < 1e-12);
        assert!((one.rps() - (0.25 + 0.04) / 2.0).abs() < 1e-12);
        assert!((one.brier() - (0.25 + 0.09 + 0.04)).abs() < 1e-12);
        assert!((one.over_log_loss() + 0.4_f64.ln()).abs() < 1e-12);
        assert!((one.log_loss_in(Market::BothScore) + 0.55_f64.ln()).abs() < 1e-12);
        assert!((one.rps_in(Market::Over) - 0.36).abs() < 1e-12);
        assert!((one.brier_in(Market::Over) - 0.72).abs() < 1e-12);
        let over = measure_in(Market::Over, [&one]);
        assert!((over.log_loss - one.over_log_loss()).abs() < 1e-12);
        assert_eq!(over.reliability.iter().map(|bin| bin.count).sum::<u32>(), 2);
        assert!(Forecast::new([0.0, 0.5, 0.5], 0.0, 0.0, (3, 0)).log_loss().is_finite());
    }

    #[test]
    fn who_knows_the_truth_is_calibrated_and_beats_who_exaggerates() {
        let truth = |strength: f64| 0.15 + 0.45 * strength;
        let exaggerated =
            |strength: f64| (0.375 + 1.9 * (truth(strength) - 0.375)).clamp(0.01, 0.74);
        let (knows, tells) = (forecasts(truth, truth), forecasts(truth, exaggerated));
        let (good, bad) = (measure(&knows), measure(&tells));
        assert!((good.slope.unwrap() - 1.0).abs() < 0.06, "{:?}", good.slope);
        assert!(bad.slope.unwrap() < 0.8, "{:?}", bad.slope);
        let difference = compare(&knows, &tells, Forecast::log_loss, 1).unwrap();
        assert!(difference.high < 0.0 && difference.low < difference.mean, "{difference:?}");
        let itself = compare(&knows, &knows, Forecast::rps, 1).unwrap();
        assert_eq!((itself.mean, itself.low, itself.high), (0.0, 0.0, 0.0));
        for bin in good.reliability.iter().filter(|bin| bin.count > 1_000) {
            assert!((bin.said - bin.happened).abs() < 0.03, "{bin:?}");
        }
        assert_eq!(compare(&[], &[], Forecast::rps, 1), None);
        assert_eq!(measure(&[]).slope, None);
    }

    #[test]
    fn who_bets_before_the_market_comes_round_has_its_value() {
        let odds = |open, close| Odds { open, close };
        let said = Forecast::new([0.55, 0.25, 0.20], 0.5, 0.5, (1, 0));
        let came_round = odds(Some([210, 340, 380]), [180, 350, 480]);
        let value = closing_value([(&said, &came_round)]).unwrap();
        assert_eq!(value.bets, 1);
        assert!((0.10..0.15).contains(&value.mean), "{value:?}");
        let went_away = odds(Some([210, 340, 380]), [250, 330, 300]);
        assert!(closing_value([(&said, &went_away)]).unwrap().mean < -0.1);
        assert_eq!(closing_value([(&said, &odds(None, [210, 340, 380]))]), None);
        assert_eq!(closing_value([(&said, &odds(Some([150, 340, 480]), [150, 340, 480]))]), None);
        assert_eq!(closing_value([(&said, &odds(Some([210, 340, 380]), [100, 0, 0]))]), None);
    }
}
