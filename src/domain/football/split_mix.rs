//! Numbers that look random and are a function of their seed: splitmix64 (Steele, Lea and Flood, 2014).

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    pub fn new(seed: u64) -> Self {
        SplitMix64 { state: seed }
    }

    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// In 0..1, in steps of 2^-53.
    pub fn next_unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// In 0..bound; `bound` is positive. The bias is below bound / 2^64.
    pub fn next_below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// Exponential with mean 1.
    pub fn next_exponential(&mut self) -> f64 {
        -(1.0 - self.next_unit()).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_reference() {
        let mut random = SplitMix64::new(1_234_567);
        let drawn: Vec<_> = (0..3).map(|_| random.next_u64()).collect();
        assert_eq!(
            drawn,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn draws_stay_inside_their_bounds_and_are_spread_evenly() {
        let mut random = SplitMix64::new(7);
        let (mut units, mut exponentials, mut sixes) = (0.0, 0.0, [0; 6]);
        for _ in 0..60_000 {
            let unit = random.next_unit();
            assert!((0.0..1.0).contains(&unit));
            units += unit;
            exponentials += random.next_exponential();
            sixes[random.next_below(6) as usize] += 1;
        }
        assert!((units / 60_000.0 - 0.5).abs() < 0.005);
        assert!((exponentials / 60_000.0 - 1.0).abs() < 0.015);
        assert!(sixes.iter().all(|count: &i32| (count - 10_000).abs() < 400), "{sixes:?}");
    }
}
