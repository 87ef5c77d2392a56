//! The margin in a set of prices: taken off, to see what they say, and put on, to quote.
//!
//! A price `o` says `q = 1/o`; of selections of which one wins the q add up to 1 + margin. The seven methods
//! differ in who carries it:
//!
//! | method | probability p of a price |
//! |---|---|
//! | Multiplicative | q / sum |
//! | Additive | q - margin / n |
//! | DifferentialMargin | 1 / (n o / (n - margin o)), which weighs by odds (Buchdahl); the same as additive |
//! | Power | q^k |
//! | Shin | (sqrt(z² + 4 (1 - z) q² / sum) - z) / (2 (1 - z)), for a share z of insiders (1992, 1993) |
//! | OddsRatio | q / (c + q - c q) |
//! | Logarithmic | logit p = logit q - log c: the odds ratio, computed in logits |
//!
//! k, z and c are found so that the p add up to 1. Power is the default: safe with longshots, and never
//! negative, as additive can be (pricing fact sheet 4.6).

use std::fmt;
use std::str::FromStr;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    Multiplicative,
    Additive,
    DifferentialMargin,
    #[default]
    Power,
    Shin,
    OddsRatio,
    Logarithmic,
}

impl Method {
    pub const ALL: [Method; 7] = [
        Method::Multiplicative,
        Method::Additive,
        Method::DifferentialMargin,
        Method::Power,
        Method::Shin,
        Method::OddsRatio,
        Method::Logarithmic,
    ];

    fn name(self) -> &'static str {
        match self {
            Method::Multiplicative => "multiplicative",
            Method::Additive => "additive",
            Method::DifferentialMargin => "differential-margin",
            Method::Power => "power",
            Method::Shin => "shin",
            Method::OddsRatio => "odds-ratio",
            Method::Logarithmic => "logarithmic",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl FromStr for Method {
    type Err = MarginError;

    fn from_str(text: &str) -> Result<Self, MarginError> {
        Method::ALL
            .into_iter()
            .find(|method| method.name() == text)
            .ok_or(MarginError::NoSuchMethod)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MarginError {
    #[error(
        "no such method; there are multiplicative, additive, differential-margin, power, shin, odds-ratio and logarithmic"
    )]
    NoSuchMethod,
    #[error("fewer than two selections")]
    TooFew,
    #[error("a price must be a number above 1")]
    Price,
    #[error("a probability must lie between 0 and 1, and all must add up to 1")]
    Probability,
    #[error("the margin must be a number above -1 that the method can carry")]
    Margin,
    #[error("a longshot would have no probability left")]
    Negative,
}

/// Halvings of an interval: more than floats can tell apart.
const HALVINGS: u32 = 200;
/// Shin's share of insiders beyond which nothing is sensible.
const INSIDERS_MAX: f64 = 0.99;
const TOGETHER: f64 = 1e-6;

/// What prices of which one wins say, without their margin; adds up to 1 within 1e-9.
pub fn remove(prices: &[f64], method: Method) -> Result<Vec<f64>, MarginError> {
    if prices.len() < 2 {
        return Err(MarginError::TooFew);
    }
    if prices.iter().any(|price| !(price.is_finite() && *price > 1.0)) {
        return Err(MarginError::Price);
    }
    let q: Vec<f64> = prices.iter().map(|price| 1.0 / price).collect();
    let (sum, n) = (q.iter().sum::<f64>(), q.len() as f64);
    let margin = sum - 1.0;
    let p: Vec<f64> = match method {
        Method::Multiplicative => q.iter().map(|q| q / sum).collect(),
        Method::Additive => q.iter().map(|q| q - margin / n).collect(),
        Method::DifferentialMargin => {
            prices.iter().map(|price| (n - margin * price) / (n * price)).collect()
        }
        Method::Power => {
            // Rises as k falls: 0 makes every probability 1.
            let k = root(0.0, 64.0, |k| 1.0 - q.iter().map(|q| q.powf(k)).sum::<f64>());
            q.iter().map(|q| q.powf(k)).collect()
        }
        Method::Shin => {
            let of = |z: f64| {
                let scale = 2.0 * (1.0 - z);
                q.iter().map(move |q| ((z * z + 4.0 * (1.0 - z) * q * q / sum).sqrt() - z) / scale)
            };
            // Below a full book nobody knows more than the market.
            let z = if margin > 0.0 {
                root(0.0, INSIDERS_MAX, |z| 1.0 - of(z).sum::<f64>())
            } else {
                0.0
            };
            normal(of(z).collect())
        }
        Method::OddsRatio => {
            let of = |log_c: f64| q.iter().map(move |q| q / (log_c.exp() * (1.0 - q) + q));
            let log_c = root(-20.0, 20.0, |log_c| 1.0 - of(log_c).sum::<f64>());
            of(log_c).collect()
        }
        Method::Logarithmic => {
            let of = |log_c: f64| q.iter().map(move |q| logistic(logit(*q) - log_c));
            let log_c = root(-20.0, 20.0, |log_c| 1.0 - of(log_c).sum::<f64>());
            of(log_c).collect()
        }
    };
    match p.iter().all(|p| *p > 0.0 && *p < 1.0) {
        true => Ok(p),
        false => Err(MarginError::Negative),
    }
}

/// Prices with a margin on them: the inverse of [`remove`]. `margin` 0.05 makes the inverse prices add up to
/// 1.05.
pub fn apply(p: &[f64], margin: f64, method: Method) -> Result<Vec<f64>, MarginError> {
    if p.len() < 2 {
        return Err(MarginError::TooFew);
    }
    let together = (p.iter().sum::<f64>() - 1.0).abs() < TOGETHER;
    if !together || p.iter().any(|p| !(*p > 0.0 && *p < 1.0)) {
        return Err(MarginError::Probability);
    }
    if !(margin.is_finite() && margin > -1.0 && margin < p.len() as f64 - 1.0) {
        return Err(MarginError::Margin);
    }
    let (wanted, n) = (1.0 + margin, p.len() as f64);
    let q: Vec<f64> = match method {
        Method::Multiplicative => p.iter().map(|p| p * wanted).collect(),
        Method::Additive | Method::DifferentialMargin => p.iter().map(|p| p + margin / n).collect(),
        Method::Power => {
            let k = root(0.0, 64.0, |k| wanted - p.iter().map(|p| p.powf(k)).sum::<f64>());
            p.iter().map(|p| p.powf(k)).collect()
        }
        Method::Shin => {
            let root_of = |z: f64| move |p: &f64| (z * p + (1.0 - z) * p * p).sqrt();
            let sum = |z: f64| p.iter().map(root_of(z)).sum::<f64>();
            let z = if margin > 0.0 {
                root(0.0, INSIDERS_MAX, |z| sum(z) * sum(z) - wanted)
            } else {
                0.0
            };
            let sum = sum(z);
            p.iter().map(root_of(z)).map(|root| root * sum).collect()
        }
        Method::OddsRatio | Method::Logarithmic => {
            let of = |log_c: f64| p.iter().map(move |p| logistic(logit(*p) + log_c));
            let log_c = root(-20.0, 20.0, |log_c| of(log_c).sum::<f64>() - wanted);
            of(log_c).collect()
        }
    };
    match q.iter().all(|q| *q > 0.0 && *q < 1.0) && (q.iter().sum::<f64>() - wanted).abs() < 1e-6 {
        true => Ok(q.iter().map(|q| 1.0 / q).collect()),
        false => Err(MarginError::Margin),
    }
}

fn logit(p: f64) -> f64 {
    (p / (1.0 - p)).ln()
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn normal(mut p: Vec<f64>) -> Vec<f64> {
    let sum: f64 = p.iter().sum();
    p.iter_mut().for_each(|p| *p /= sum);
    p
}

/// Where a function that rises from `low` to `high` crosses zero; an end when it does not.
fn root(mut low: f64, mut high: f64, f: impl Fn(f64) -> f64) -> f64 {
    for _ in 0..HALVINGS {
        let middle = (low + high) / 2.0;
        if middle == low || middle == high {
            break;
        }
        if f(middle) < 0.0 { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_price_of_one_is_no_price_and_nothing_is_no_market() {
        for method in Method::ALL {
            for bad in [1.0, 0.5, 0.0, -2.0, f64::NAN, f64::INFINITY] {
                assert_eq!(remove(&[2.0, bad], method), Err(MarginError::Price), "{method} {bad}");
                assert!(apply(&[0.3, bad], 0.05, method).is_err(), "{method} {bad}");
            }
            assert_eq!(remove(&[2.0], method), Err(MarginError::TooFew));
            for margin in [f64::NAN, -1.0, 5.0, f64::INFINITY] {
                assert_eq!(apply(&[0.5, 0.5], margin, method), Err(MarginError::Margin));
            }
            assert_eq!(method.to_string().parse(), Ok(method));
        }
        assert_eq!("shinny".parse::<Method>(), Err(MarginError::NoSuchMethod));
        let longshot = [1.03, 15.0, 1_000.0];
        assert_eq!(remove(&longshot, Method::Additive), Err(MarginError::Negative));
        assert!(remove(&longshot, Method::Power).is_ok());
    }

    #[test]
    fn two_way_shin_is_additive_and_the_logarithm_is_the_odds_ratio() {
        let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9);
        let of = |method| remove(&[1.5, 2.6], method).expect("a plain market");
        assert!(close(&of(Method::Shin), &of(Method::Additive)));
        assert!(close(&of(Method::DifferentialMargin), &of(Method::Additive)));
        assert!(close(&of(Method::Logarithmic), &of(Method::OddsRatio)));
    }

    proptest! {
        #[test]
        fn what_is_put_on_comes_off_again(
            weights in prop::collection::vec(0.05..1.0_f64, 2..8), margin in 0.0..0.15_f64,
        ) {
            let sum: f64 = weights.iter().sum();
            let p: Vec<f64> = weights.iter().map(|weight| weight / sum).collect();
            for method in Method::ALL {
                let Ok(prices) = apply(&p, margin, method) else { continue };
                let inverse: f64 = prices.iter().map(|price| 1.0 / price).sum();
                prop_assert!((inverse - 1.0 - margin).abs() < 1e-9, "{}: {}", method, inverse);
                let back = remove(&prices, method).expect("its own prices");
                prop_assert!((back.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{}", method);
                for (back, p) in back.iter().zip(&p) {
                    prop_assert!((back - p).abs() < 1e-7, "{}: {} and {}", method, back, p);
                }
            }
        }
    }
}
