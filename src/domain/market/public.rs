//! What the public sees of a market, and what of it has changed.
//!
//! While a market is watched, every step that moves a public figure notes where ([`Touched`], in passing, no
//! part of the state), and [`Market::take_change`] turns the notes into one value of new totals, computed
//! once however many watch. Nobody watching costs one branch.

use super::Market;
use super::view::{RunnerView, both_sides};
use crate::definition::{MarketDefinition, MarketStatus};
use crate::ids::Runner;
use crate::money::Pence;
use crate::order::Side;
use crate::price::{ExactPrice, Price, StartingPrice};
use crate::record::{Resolution, RunnerResult};
use crate::time::UtcMillis;

/// Where public figures moved since the last [`Market::take_change`]. Equal whatever it holds.
#[derive(Debug, Clone, Default)]
pub(super) struct Touched {
    watched: bool,
    standing: bool,
    /// (runner, what, ladder index)
    cells: Vec<(u16, Cell, u32)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cell {
    /// Resting backs: what can be laid.
    Backs,
    /// Resting lays: what can be backed.
    Lays,
    Traded,
    /// Orders for the starting price, and that itself.
    Closing,
}

impl PartialEq for Touched {
    fn eq(&self, _: &Touched) -> bool {
        true
    }
}

impl Eq for Touched {}

impl Touched {
    #[inline(always)]
    pub(super) fn offers(&mut self, runner: u16, side: Side, index: u32) {
        if self.watched {
            let cell = if side == Side::Back { Cell::Backs } else { Cell::Lays };
            self.cells.push((runner, cell, index));
        }
    }

    #[inline(always)]
    pub(super) fn traded(&mut self, runner: u16, index: u32) {
        if self.watched {
            self.cells.push((runner, Cell::Traded, index));
        }
    }

    pub(super) fn closing(&mut self, runner: u16) {
        if self.watched {
            self.cells.push((runner, Cell::Closing, 0));
        }
    }

    pub(super) fn standing(&mut self) {
        self.standing = self.watched;
    }
}

/// How a market stands, apart from its prices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub status: MarketStatus,
    pub in_play: bool,
    pub bet_delay_s: u16,
    /// Of a suspension, where one was named.
    pub suspend_reason: Option<String>,
    pub key_line: Vec<Runner>,
    pub version: u64,
    /// A settlement or void stands.
    pub resolved: bool,
    /// The starting prices are made.
    pub bsp_reconciled: bool,
    /// In the order of the definition.
    pub runners: Vec<RunnerStanding>,
}

/// How a runner stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RunnerStanding {
    /// How it ended, once the market is settled.
    pub result: Option<RunnerResult>,
    pub starting_price: Option<StartingPrice>,
    /// Its chance in hundredths of a percent, for racing; as other runners are removed it grows.
    pub adjustment_factor: Option<u32>,
    /// When it was removed.
    pub removed_at: Option<UtcMillis>,
}

/// New totals of what changed; what is not there is as it was. Traded sizes count both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicChange {
    pub at: UtcMillis,
    pub standing: Option<Standing>,
    pub total_matched: Option<Pence>,
    pub runners: Vec<RunnerChange>,
}

/// Of one runner; a level of nothing has gone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunnerChange {
    /// Its place in the definition.
    pub runner: u16,
    pub available_to_back: Vec<(Price, Pence)>,
    pub available_to_lay: Vec<(Price, Pence)>,
    pub traded: Vec<(Price, Pence)>,
    pub last_price_traded: Option<Price>,
    pub total_matched: Option<Pence>,
    pub at_close: Option<AtClose>,
}

/// What waits for a runner's starting price, all of it, or was matched at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtClose {
    /// The starting price as it would be now, with the book's orders and without.
    pub near: StartingPrice,
    pub far: StartingPrice,
    /// Stakes of backs by the lowest price they take.
    pub back_stakes: Vec<(ExactPrice, Pence)>,
    /// Liabilities of lays by the highest price they take.
    pub lay_liabilities: Vec<(ExactPrice, Pence)>,
}

impl AtClose {
    fn of(view: &RunnerView<'_>) -> AtClose {
        AtClose {
            near: view.near_price(),
            far: view.far_price(),
            back_stakes: view.back_stakes_taken(),
            lay_liabilities: view.lay_liabilities_taken(),
        }
    }
}

/// Everything the public sees of a market.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicImage {
    pub definition: MarketDefinition,
    pub standing: Standing,
    pub total_matched: Pence,
    /// In the order of the definition.
    pub runners: Vec<RunnerChange>,
}

impl Market {
    /// From now on changes are noted, or no longer.
    pub fn watch(&mut self, watched: bool) {
        self.book.touched = Touched { watched, ..Touched::default() };
    }

    pub fn is_watched(&self) -> bool {
        self.book.touched.watched
    }

    /// What changed since the last call; `None` when nothing that the public sees did.
    pub fn take_change(&mut self, at: UtcMillis) -> Option<PublicChange> {
        let touched = &mut self.book.touched;
        if touched.cells.is_empty() && !touched.standing {
            return None;
        }
        let standing = std::mem::take(&mut touched.standing);
        let mut cells = std::mem::take(&mut touched.cells);
        cells.sort_unstable();
        cells.dedup();
        let mut change = PublicChange {
            at,
            standing: standing.then(|| self.standing()),
            total_matched: None,
            runners: Vec::new(),
        };
        for (runner, cell, index) in cells.drain(..) {
            self.note_cell(&mut change, runner, cell, index);
        }
        // The room is used again.
        self.book.touched.cells = cells;
        Some(change)
    }

    fn note_cell(&self, change: &mut PublicChange, runner: u16, cell: Cell, index: u32) {
        if change.runners.last().is_none_or(|last| last.runner != runner) {
            change.runners.push(RunnerChange { runner, ..RunnerChange::default() });
        }
        let Some(of) = change.runners.last_mut() else { return };
        let book = &self.book.runners[usize::from(runner)];
        let definition = self.definition.as_ref().expect("only a market that exists has runners");
        let view = self.view_of(runner, definition.runners[usize::from(runner)].runner);
        let prices = &self.book.prices;
        let price = prices.price(index);
        match cell {
            Cell::Backs => {
                of.available_to_lay.push((price, book.ladder(Side::Back).level(index).total));
            }
            Cell::Lays => {
                of.available_to_back.push((price, book.ladder(Side::Lay).level(index).total));
            }
            Cell::Traded => {
                let traded = book.traded.at(index);
                of.traded.push((price, both_sides(traded)));
                of.last_price_traded = book.last_price.map(|index| prices.price(index));
                of.total_matched = Some(view.total_matched());
                change.total_matched = Some(self.total_matched());
            }
            Cell::Closing => {
                of.at_close = Some(AtClose::of(&view));
                of.total_matched = Some(view.total_matched());
                change.total_matched = Some(self.total_matched());
            }
        }
    }

    /// `None` before the market is created.
    pub fn public_image(&self) -> Option<PublicImage> {
        let definition = self.definition()?.clone();
        let runners = (0_u16..).zip(self.runners()).map(|(number, view)| RunnerChange {
            runner: number,
            available_to_back: view.available_to_back().collect(),
            available_to_lay: view.available_to_lay().collect(),
            traded: view.traded().collect(),
            last_price_traded: view.last_price_traded(),
            total_matched: Some(view.total_matched()),
            at_close: self.definition().is_some_and(|it| it.bsp_market).then(|| AtClose::of(&view)),
        });
        Some(PublicImage {
            standing: self.standing(),
            total_matched: self.total_matched(),
            runners: runners.collect(),
            definition,
        })
    }

    fn standing(&self) -> Standing {
        let result = |runner: Runner| match self.resolution() {
            Some(Resolution::Settled(results)) => {
                let found = results.iter().find(|(other, _)| *other == runner);
                found.map(|(_, result)| *result)
            }
            _ => None,
        };
        let runners = self.runners().map(|view| RunnerStanding {
            result: result(view.runner),
            starting_price: view.actual_price(),
            adjustment_factor: view.adjustment_factor,
            removed_at: view.removed_at,
        });
        Standing {
            status: self.status,
            in_play: self.in_play,
            bet_delay_s: self.bet_delay_s,
            suspend_reason: self.suspend_reason.clone(),
            key_line: self.key_line.clone(),
            version: self.version,
            resolved: self.resolution.is_some(),
            bsp_reconciled: self.bsp_reconciled(),
            runners: runners.collect(),
        }
    }
}
