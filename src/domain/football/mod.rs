//! Fair prices of football from goal expectancies.
//!
//! ```text
//!   weekend ─▶ expectancies ─▶ fixture (seeded script) ─▶ inplay (state of a match) ─▶ score_grid ─▶ quote
//! ```
//! The only floats of the domain live here. Nothing of them is journaled: they end in [`quote`], as prices
//! on the ladder, and a price is an order like anybody's.

pub mod book;
pub mod fixture;
pub mod implied;
pub mod inplay;
pub mod margin;
pub mod quote;
pub mod ratings;
pub mod score_grid;
mod split_mix;
pub mod weekend;

pub use split_mix::SplitMix64;

/// One of the two teams of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Team {
    Home,
    Away,
}
