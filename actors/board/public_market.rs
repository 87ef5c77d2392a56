//! What the public sees of one market, as a fold of its image and its changes.
//!
//! Best offers are kept beside the full ladders, rolled up as the exchange shows them: what is less than the
//! least stake counts towards the next worse price. In a cross matched market what is shown holds what can be
//! made of the other runners too, so a move of one ladder may show on every runner.

use super::delta::{DEPTH_MAX, Delta, Levels, RunnerDelta};
use domain::definition::MarketDefinition;
use domain::home::SportEvent;
use domain::ids::{MarketId, Runner};
use domain::market::{AtClose, PublicChange, PublicImage, RunnerChange, Standing, displayed};
use domain::money::Pence;
use domain::order::Side;
use domain::price::{ExactPrice, Price, StartingPrice};
use domain::time::UtcMillis;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Smaller offers are rolled into the next worse price: the least stake of the exchange's currency.
const LEAST_SHOWN: Pence = Pence(100);
/// So many real and virtual offers are looked at for those that are shown: small ones are rolled up.
const LOOKED_AT: usize = 3 * DEPTH_MAX;

/// What a market's own actor does not know of it.
#[derive(Debug, Clone, Default)]
pub struct MarketFacts {
    /// `None` while the event has not come.
    pub event: Option<Arc<SportEvent>>,
    /// When it was settled or voided, unless that was taken back.
    pub settled_at: Option<UtcMillis>,
}

pub type Ladder<P = Price> = BTreeMap<P, Pence>;

#[derive(Debug, Clone)]
pub struct PublicMarket {
    pub definition: Arc<MarketDefinition>,
    pub facts: MarketFacts,
    pub standing: Standing,
    /// Its actor waits for an operator: it is shown suspended.
    pub quarantined: bool,
    pub total_matched: Pence,
    pub runners: Vec<PublicRunner>,
}

#[derive(Debug, Clone)]
pub struct PublicRunner {
    pub runner: Runner,
    pub to_back: Ladder,
    pub to_lay: Ladder,
    pub traded: Ladder,
    pub last_price: Option<Price>,
    pub total_matched: Pence,
    /// What waits for the starting price, and what that would be; nothing where there is none.
    pub sp_backs: Ladder<ExactPrice>,
    pub sp_lays: Ladder<ExactPrice>,
    pub near: Option<StartingPrice>,
    pub far: Option<StartingPrice>,
    /// At most `DEPTH_MAX`, best first.
    pub best_to_back: Vec<(Price, Pence)>,
    pub best_to_lay: Vec<(Price, Pence)>,
    /// The same with virtual bets.
    pub shown_to_back: Vec<(Price, Pence)>,
    pub shown_to_lay: Vec<(Price, Pence)>,
}

impl PublicMarket {
    pub(super) fn new(image: PublicImage, facts: MarketFacts) -> PublicMarket {
        let runner = |runner: Runner| PublicRunner {
            runner,
            to_back: Ladder::new(),
            to_lay: Ladder::new(),
            traded: Ladder::new(),
            sp_backs: Ladder::new(),
            sp_lays: Ladder::new(),
            near: None,
            far: None,
            last_price: None,
            total_matched: Pence::ZERO,
            best_to_back: Vec::new(),
            best_to_lay: Vec::new(),
            shown_to_back: Vec::new(),
            shown_to_lay: Vec::new(),
        };
        let mut market = PublicMarket {
            runners: image.definition.runners.iter().map(|it| runner(it.runner)).collect(),
            standing: image.standing,
            quarantined: false,
            total_matched: image.total_matched,
            definition: Arc::new(image.definition),
            facts,
        };
        market.apply_runners(image.runners, &mut Delta::default());
        market
    }

    pub fn id(&self) -> MarketId {
        self.definition.id
    }

    /// Folds the change in and says where anything is other than it was.
    pub(super) fn apply(&mut self, change: PublicChange) -> Delta {
        let mut delta = Delta::default();
        if let Some(standing) = change.standing {
            self.stand(standing, change.at, &mut delta);
        }
        if let Some(total) = change.total_matched {
            delta.total |= self.total_matched != total;
            self.total_matched = total;
        }
        self.apply_runners(change.runners, &mut delta);
        delta
    }

    /// Becomes the image of the market's next life and says what of it is other than it was.
    pub(super) fn become_image(&mut self, at: UtcMillis, image: PublicImage) -> Delta {
        let mut delta = Delta::default();
        if *self.definition != image.definition {
            // Runners are never added or taken away: their places stay.
            self.definition = Arc::new(image.definition);
            delta.definition = true;
        }
        self.stand(image.standing, at, &mut delta);
        delta.total = self.total_matched != image.total_matched;
        self.total_matched = image.total_matched;
        let mut runners = image.runners;
        for change in &mut runners {
            if let Some(known) = self.runners.get(usize::from(change.runner)) {
                add_gone(&known.to_back, &mut change.available_to_back);
                add_gone(&known.to_lay, &mut change.available_to_lay);
                add_gone(&known.traded, &mut change.traded);
            }
        }
        self.apply_runners(runners, &mut delta);
        delta
    }

    pub(super) fn quarantine(&mut self, quarantined: bool) -> Delta {
        let definition = self.quarantined != quarantined;
        self.quarantined = quarantined;
        Delta { definition, ..Delta::default() }
    }

    fn stand(&mut self, standing: Standing, at: UtcMillis, delta: &mut Delta) {
        let settled_at = standing.resolved.then(|| self.facts.settled_at.unwrap_or(at));
        let changed = self.standing != standing || self.facts.settled_at != settled_at;
        delta.definition |= changed || self.quarantined;
        self.standing = standing;
        self.facts.settled_at = settled_at;
        self.quarantined = false;
    }

    fn apply_runners(&mut self, changes: Vec<RunnerChange>, delta: &mut Delta) {
        let mut moved = false;
        for change in changes {
            moved |= self.apply_runner(change, delta);
        }
        if moved && self.definition.cross_matching {
            self.show_virtual(delta);
        }
    }

    /// What is shown of every runner where each is offered what the others make.
    fn show_virtual(&mut self, delta: &mut Delta) {
        let both = |at| (self.shown(at, Side::Back), self.shown(at, Side::Lay));
        let shown: Vec<_> = (0..self.runners.len()).map(both).collect();
        let shown = shown.into_iter().zip(&mut self.runners);
        for (number, ((to_back, to_lay), known)) in (0_u16..).zip(shown) {
            let of = delta.find(number);
            let (backs, lays) = of.map_or((false, false), |of| {
                (of.best_to_back.is_touched(), of.best_to_lay.is_touched())
            });
            if backs || known.shown_to_back != to_back {
                delta.runner(number).shown_to_back =
                    Levels::between(&known.shown_to_back, &to_back);
                known.shown_to_back = to_back;
            }
            if lays || known.shown_to_lay != to_lay {
                delta.runner(number).shown_to_lay = Levels::between(&known.shown_to_lay, &to_lay);
                known.shown_to_lay = to_lay;
            }
        }
    }

    /// The best offers to a taker of this side, of this runner and made of all others.
    fn shown(&self, at: usize, taker: Side) -> Vec<(Price, Pence)> {
        let others = self.runners.iter().enumerate().filter(|(other, _)| *other != at);
        let others = others.map(|(_, other)| other.best_first(taker.opposite())).collect();
        let offers = displayed(taker, self.runners[at].best_first(taker), others, LOOKED_AT);
        rolled_up(offers.iter().copied())
    }

    /// Says whether what is on offer has moved.
    fn apply_runner(&mut self, change: RunnerChange, delta: &mut Delta) -> bool {
        let Some(known) = self.runners.get_mut(usize::from(change.runner)) else { return false };
        let to_back = set_levels(&mut known.to_back, &change.available_to_back);
        let to_lay = set_levels(&mut known.to_lay, &change.available_to_lay);
        let traded = set_levels(&mut known.traded, &change.traded);
        let at_close = change.at_close.map(|at_close| known.close(at_close)).unwrap_or_default();
        let last_price = change.last_price_traded.is_some_and(|it| known.last_price != Some(it));
        let total = change.total_matched.is_some_and(|total| known.total_matched != total);
        known.last_price = change.last_price_traded.or(known.last_price);
        known.total_matched = change.total_matched.unwrap_or(known.total_matched);
        let (backs, lays) = (!to_back.is_empty(), !to_lay.is_empty());
        let prices = backs || lays || !traded.is_empty();
        if !(prices || last_price || total || at_close != RunnerDelta::default()) {
            return false;
        }
        let of = delta.runner(change.runner);
        let real = !self.definition.cross_matching;
        if backs {
            let best = rolled_up(known.best_first(Side::Back));
            of.best_to_back = Levels::between(&known.best_to_back, &best);
            if real {
                of.shown_to_back = of.best_to_back;
                known.shown_to_back.clone_from(&best);
            }
            known.best_to_back = best;
        }
        if lays {
            let best = rolled_up(known.best_first(Side::Lay));
            of.best_to_lay = Levels::between(&known.best_to_lay, &best);
            if real {
                of.shown_to_lay = of.best_to_lay;
                known.shown_to_lay.clone_from(&best);
            }
            known.best_to_lay = best;
        }
        (of.to_back, of.to_lay, of.traded) = (to_back, to_lay, traded);
        (of.sp_backs, of.sp_lays) = (at_close.sp_backs, at_close.sp_lays);
        (of.near, of.far) = (at_close.near, at_close.far);
        of.last_price = last_price;
        of.total = total;
        backs || lays
    }
}

impl PublicRunner {
    /// What a taker of this side finds here, best first.
    fn best_first(&self, taker: Side) -> Box<dyn Iterator<Item = (Price, Pence)> + '_> {
        let pair = |(price, size): (&Price, &Pence)| (*price, *size);
        match taker {
            Side::Back => Box::new(self.to_back.iter().rev().map(pair)),
            Side::Lay => Box::new(self.to_lay.iter().map(pair)),
        }
    }

    fn close(&mut self, mut at_close: AtClose) -> RunnerDelta {
        add_gone(&self.sp_backs, &mut at_close.back_stakes);
        add_gone(&self.sp_lays, &mut at_close.lay_liabilities);
        let delta = RunnerDelta {
            sp_backs: set_levels(&mut self.sp_backs, &at_close.back_stakes),
            sp_lays: set_levels(&mut self.sp_lays, &at_close.lay_liabilities),
            near: self.near != Some(at_close.near),
            far: self.far != Some(at_close.far),
            ..RunnerDelta::default()
        };
        (self.near, self.far) = (Some(at_close.near), Some(at_close.far));
        delta
    }
}

/// Sets the levels; those that were not so already, lowest first.
fn set_levels<P: Ord + Copy>(ladder: &mut Ladder<P>, levels: &[(P, Pence)]) -> Vec<P> {
    let mut changed = Vec::with_capacity(levels.len());
    for (price, size) in levels {
        let before = match size.is_zero() {
            true => ladder.remove(price),
            false => ladder.insert(*price, *size),
        };
        if before.unwrap_or_default() != *size {
            changed.push(*price);
        }
    }
    changed.sort_unstable();
    changed.dedup();
    changed
}

/// Adds an empty level for each that was there and is not told.
fn add_gone<P: Ord + Copy>(known: &Ladder<P>, told: &mut Vec<(P, Pence)>) {
    let gone: Vec<_> = known
        .keys()
        .filter(|price| told.iter().all(|(other, _)| other != *price))
        .map(|price| (*price, Pence::ZERO))
        .collect();
    told.extend(gone);
}

fn rolled_up(levels: impl Iterator<Item = (Price, Pence)>) -> Vec<(Price, Pence)> {
    let mut shown = Vec::new();
    let mut carried = Pence::ZERO;
    for (price, size) in levels {
        carried += size;
        if carried >= LEAST_SHOWN {
            shown.push((price, std::mem::take(&mut carried)));
        }
        if shown.len() == DEPTH_MAX {
            break;
        }
    }
    shown
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use domain::definition::MarketStatus;
    use domain::ids::SelectionId;
    use domain::market::RunnerStanding;

    pub(crate) fn image() -> PublicImage {
        let runners = [1, 2].map(|number| Runner::plain(SelectionId(number)));
        PublicImage {
            definition: MarketDefinition::plain(MarketId(7), runners),
            standing: Standing {
                status: MarketStatus::Open,
                in_play: false,
                bet_delay_s: 0,
                suspend_reason: None,
                key_line: vec![],
                version: 1,
                resolved: false,
                bsp_reconciled: false,
                runners: vec![RunnerStanding::default(); 2],
            },
            total_matched: Pence::ZERO,
            runners: vec![],
        }
    }

    pub(crate) fn lays(levels: &[(u32, i64)]) -> PublicChange {
        let levels = levels.iter().map(|(price, size)| (Price(*price), Pence(*size)));
        let runner = RunnerChange { available_to_lay: levels.collect(), ..Default::default() };
        PublicChange {
            at: UtcMillis(1),
            standing: None,
            total_matched: None,
            runners: vec![runner],
        }
    }

    #[test]
    fn small_offers_are_rolled_into_the_next_worse_price() {
        let mut market = PublicMarket::new(image(), MarketFacts::default());
        market.apply(lays(&[(300, 60), (310, 50), (320, 500)]));
        let best = &market.runners[0].best_to_lay;
        assert_eq!(*best, [(Price(310), Pence(110)), (Price(320), Pence(500))]);
        assert_eq!(market.runners[0].to_lay.len(), 3, "the full ladder is as it stands");
    }

    #[test]
    fn what_is_shown_of_a_runner_holds_what_the_others_make() {
        let mut cross_matched = image();
        cross_matched.definition.cross_matching = true;
        let mut market = PublicMarket::new(cross_matched, MarketFacts::default());
        // Backs of the first runner at 3.0 are lays of the second at 1.5.
        let delta = market.apply(lays(&[(300, 2_000)]));
        assert_eq!(market.runners[1].shown_to_back, [(Price(150), Pence(4_000))]);
        assert!(market.runners[1].best_to_back.is_empty(), "nobody offers it by itself");
        assert_eq!(market.runners[0].shown_to_lay, market.runners[0].best_to_lay);
        let shown = delta.find(1).unwrap().shown_to_back;
        assert_eq!(shown.within(3).collect::<Vec<_>>(), [0, 1, 2], "the first offer of a runner");
        assert!(!delta.find(1).unwrap().best_to_back.is_touched());
        let gone = market.apply(lays(&[(300, 0)]));
        assert!(market.runners[1].shown_to_back.is_empty());
        assert_eq!(gone.find(1).unwrap().shown_to_back.within(3).collect::<Vec<_>>(), [0]);
    }

    #[test]
    fn an_image_is_the_difference_to_what_was_known() {
        let mut market = PublicMarket::new(image(), MarketFacts::default());
        market.apply(lays(&[(300, 200), (310, 300)]));
        let mut next = image();
        next.runners = lays(&[(310, 300), (330, 100)]).runners;
        let delta = market.become_image(UtcMillis(5), next.clone());
        assert_eq!(delta.runners.len(), 1);
        assert_eq!(delta.runners[0].to_lay, [Price(300), Price(330)]);
        assert!(!delta.definition);
        assert!(market.become_image(UtcMillis(6), next).is_empty(), "the second is no news");
    }
}
