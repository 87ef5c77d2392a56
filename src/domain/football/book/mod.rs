//! Everything that can be bet on one match, priced from one measure.
//!
//! ```text
//!   Situation ─▶ ScoreGrid, Halves ─▶ write: market after market ─▶ a Sheet: names, or chances, or both
//! ```
//! Tau weighs final scores, and a book weighs every path to them by it, so half times, next goals and
//! prices in play come from the same measure as the match odds: nothing inside a book can be arbitraged but
//! for the rounding to the ladder, and without events no price drifts but by the clock.
//!
//! A book has the same markets and selections in the same order whatever the situation, so a client reads
//! the names once ([`layout`]) and then only numbers ([`chances`]).

mod halves;
mod names;
mod write;

pub use names::{Kind, Name, Outcome};

use super::Team;
use super::inplay::MatchState;
use super::score_grid::{Chances, GoalLine, Score, ScoreGrid};
use std::sync::OnceLock;

/// All that a book depends on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Situation {
    pub state: MatchState,
    /// The score at half time, from half time on.
    pub half_time: Option<Score>,
    /// Who scored first, once somebody has.
    pub first_goal: Option<Team>,
}

impl Situation {
    pub fn before(state: MatchState) -> Self {
        Situation { state, half_time: None, first_goal: None }
    }
}

/// Takes a book as it is written.
pub trait Sheet {
    /// The selections that follow belong to this market.
    fn market(&mut self, kind: Kind, line: Option<GoalLine>);
    fn selection(&mut self, name: Name, chances: Chances);
}

/// Writes the whole book.
pub fn write(situation: &Situation, sheet: &mut impl Sheet) {
    write::book(situation, sheet);
}

/// A market of every book: its selections are those from `first` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarketLayout {
    pub kind: Kind,
    pub line: Option<GoalLine>,
    pub first: usize,
    pub selections: usize,
}

/// What every book holds, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout {
    pub markets: Vec<MarketLayout>,
    pub names: Vec<Name>,
}

impl Sheet for Layout {
    fn market(&mut self, kind: Kind, line: Option<GoalLine>) {
        let first = self.names.len();
        self.markets.push(MarketLayout { kind, line, first, selections: 0 });
    }

    fn selection(&mut self, name: Name, _: Chances) {
        self.names.push(name);
        if let Some(market) = self.markets.last_mut() {
            market.selections += 1;
        }
    }
}

/// The one layout that all books share.
pub fn layout() -> &'static Layout {
    static LAYOUT: OnceLock<Layout> = OnceLock::new();
    LAYOUT.get_or_init(|| {
        let mut layout = Layout::default();
        let nobody = super::score_grid::Expectancy::new(1.0, 1.0);
        write(&Situation::before(MatchState::before(nobody, 0.0)), &mut layout);
        layout
    })
}

/// Where a book has this market.
pub fn market(kind: Kind, line: Option<GoalLine>) -> Option<&'static MarketLayout> {
    layout().markets.iter().find(|market| market.kind == kind && market.line == line)
}

struct OnlyChances<'a>(&'a mut Vec<Chances>);

impl Sheet for OnlyChances<'_> {
    fn market(&mut self, _: Kind, _: Option<GoalLine>) {}

    fn selection(&mut self, _: Name, chances: Chances) {
        self.0.push(chances);
    }
}

/// The chances of every selection, in the order of [`layout`], into a list that is used again.
pub fn chances(situation: &Situation, into: &mut Vec<Chances>) {
    into.clear();
    write(situation, &mut OnlyChances(into));
}

/// The same with final scores from another grid than the situation's own.
pub fn chances_of(situation: &Situation, grid: &ScoreGrid, into: &mut Vec<Chances>) {
    into.clear();
    write::book_of(situation, grid, &mut OnlyChances(into));
}

#[cfg(test)]
mod tests;
