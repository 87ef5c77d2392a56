//! Where a market's public figures changed, without the figures: deltas merge, and whoever was not told for
//! a while is told the present figures at the places of the merged delta.

use domain::price::{ExactPrice, Price};

/// Best offers are kept this deep.
pub const DEPTH_MAX: usize = 10;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delta {
    /// The definition or how the market stands.
    pub definition: bool,
    pub total: bool,
    /// By runner.
    pub runners: Vec<RunnerDelta>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunnerDelta {
    /// Its place in the definition.
    pub runner: u16,
    /// Prices, lowest first.
    pub to_back: Vec<Price>,
    pub to_lay: Vec<Price>,
    pub traded: Vec<Price>,
    /// Limits of what waits for the starting price.
    pub sp_backs: Vec<ExactPrice>,
    pub sp_lays: Vec<ExactPrice>,
    pub near: bool,
    pub far: bool,
    pub last_price: bool,
    pub total: bool,
    /// Of the best offers to back and to lay, without and with virtual bets.
    pub best_to_back: Levels,
    pub best_to_lay: Levels,
    pub shown_to_back: Levels,
    pub shown_to_lay: Levels,
}

/// Which levels of a ladder of best offers changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Levels(u16);

/// Something changed, perhaps too deep to be a level.
const TOUCHED: u16 = 1 << 15;

impl Levels {
    pub const NONE: Levels = Levels(0);

    /// Compares the ladder before and after. The first offer of an empty ladder changes every level.
    pub(super) fn between<T: PartialEq>(before: &[T], after: &[T]) -> Levels {
        let mut levels = TOUCHED;
        for level in 0..DEPTH_MAX {
            let changed = before.get(level) != after.get(level);
            let first = before.is_empty() && !after.is_empty();
            if changed || first {
                levels |= 1 << level;
            }
        }
        Levels(levels)
    }

    pub fn is_touched(self) -> bool {
        self.0 & TOUCHED != 0
    }

    /// Those that changed, of the first `depth`.
    pub fn within(self, depth: usize) -> impl Iterator<Item = usize> {
        (0..depth.min(DEPTH_MAX)).filter(move |level| self.0 >> level & 1 == 1)
    }

    fn merge(&mut self, other: Levels) {
        self.0 |= other.0;
    }
}

impl Delta {
    pub fn is_empty(&self) -> bool {
        !self.definition && !self.total && self.runners.is_empty()
    }

    /// What changed of a runner, if anything did.
    pub(super) fn find(&self, runner: u16) -> Option<&RunnerDelta> {
        let at = self.runners.binary_search_by_key(&runner, |delta| delta.runner).ok()?;
        Some(&self.runners[at])
    }

    pub(super) fn runner(&mut self, runner: u16) -> &mut RunnerDelta {
        let at = match self.runners.binary_search_by_key(&runner, |delta| delta.runner) {
            Ok(at) => at,
            Err(at) => {
                self.runners.insert(at, RunnerDelta { runner, ..RunnerDelta::default() });
                at
            }
        };
        &mut self.runners[at]
    }

    pub(super) fn merge(&mut self, other: &Delta) {
        self.definition |= other.definition;
        self.total |= other.total;
        for delta in &other.runners {
            self.runner(delta.runner).merge(delta);
        }
    }
}

impl RunnerDelta {
    fn merge(&mut self, other: &RunnerDelta) {
        merge_prices(&mut self.to_back, &other.to_back);
        merge_prices(&mut self.to_lay, &other.to_lay);
        merge_prices(&mut self.traded, &other.traded);
        merge_prices(&mut self.sp_backs, &other.sp_backs);
        merge_prices(&mut self.sp_lays, &other.sp_lays);
        self.near |= other.near;
        self.far |= other.far;
        self.last_price |= other.last_price;
        self.total |= other.total;
        self.best_to_back.merge(other.best_to_back);
        self.best_to_lay.merge(other.best_to_lay);
        self.shown_to_back.merge(other.shown_to_back);
        self.shown_to_lay.merge(other.shown_to_lay);
    }
}

fn merge_prices<P: Ord + Copy>(into: &mut Vec<P>, more: &[P]) {
    for price in more {
        if let Err(at) = into.binary_search(price) {
            into.insert(at, *price);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_offer_changes_every_level_and_a_bump_only_its_own() {
        let within = |before: &[u8], after: &[u8]| {
            Levels::between(before, after).within(3).collect::<Vec<_>>()
        };
        assert_eq!(within(&[], &[7]), [0, 1, 2]);
        assert_eq!(within(&[7], &[8]), [0]);
        assert_eq!(within(&[8, 7], &[7]), [0, 1]);
        assert_eq!(within(&[7], &[]), [0]);
        assert_eq!(within(&[1, 2, 3, 4], &[1, 2, 3]), [0_usize; 0]);
        assert!(Levels::between(&[1], &[1]).is_touched());
    }

    #[test]
    fn deltas_merge_to_every_place_that_either_names() {
        let mut one = Delta::default();
        one.runner(1).to_back = vec![Price(200), Price(300)];
        let mut other = Delta { total: true, ..Delta::default() };
        other.runner(0).last_price = true;
        other.runner(1).to_back = vec![Price(250), Price(300)];
        one.merge(&other);
        assert!(one.total && !one.definition);
        assert_eq!(one.runners.len(), 2);
        assert_eq!(one.runners[1].to_back, [Price(200), Price(250), Price(300)]);
    }
}
