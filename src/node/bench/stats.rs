//! What a pile of measurements says: quantiles of single ones, median and spread of rounds.
//!
//! Never throws a measurement away and never averages: a mean hides what a bad moment costs.

/// Latencies by rank, in the unit that they were measured in. An empty pile is all zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Quantiles {
    pub(super) p50: u64,
    pub(super) p99: u64,
    pub(super) p999: u64,
    pub(super) max: u64,
}

impl Quantiles {
    /// Sorts `samples`.
    pub(super) fn of(samples: &mut [u64]) -> Self {
        samples.sort_unstable();
        let at = |per_mille: usize| {
            let rank = (samples.len() * per_mille).div_ceil(1_000).max(1);
            samples.get(rank - 1).copied().unwrap_or_default()
        };
        Quantiles { p50: at(500), p99: at(990), p999: at(999), max: at(1_000) }
    }
}

/// One figure over all rounds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Spread {
    /// The lower of the two middle ones when the rounds are even in number.
    pub(super) fn of(rounds: impl IntoIterator<Item = f64>) -> Self {
        let mut rounds: Vec<f64> = rounds.into_iter().collect();
        rounds.sort_by(f64::total_cmp);
        let middle = rounds.len().saturating_sub(1) / 2;
        let at = |place: usize| rounds.get(place).copied().unwrap_or_default();
        Spread { median: at(middle), min: at(0), max: at(rounds.len().saturating_sub(1)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_samples_by_rank() {
        let mut samples: Vec<u64> = (1..=1_000).rev().collect();
        let expected = Quantiles { p50: 500, p99: 990, p999: 999, max: 1_000 };
        assert_eq!(Quantiles::of(&mut samples), expected);
        assert_eq!(Quantiles::of(&mut []), Quantiles::default());
        let one = Quantiles { p50: 7, p99: 7, p999: 7, max: 7 };
        assert_eq!(Quantiles::of(&mut [7]), one);
    }

    #[test]
    fn a_spread_is_the_middle_and_the_ends() {
        let spread = Spread::of([3.0, 1.0, 2.0]);
        assert_eq!(spread, Spread { median: 2.0, min: 1.0, max: 3.0 });
        assert_eq!(Spread::of([]), Spread::default());
    }
}
