//! Fair prices of football from goal expectancies.
//!
//! ```text
//!   weekend ─▶ expectancies ─▶ fixture (seeded script) ─▶ inplay (state of a match) ─▶ score_grid ─▶ quote
//!   almanac: what providers tell ─▶ ratings ─▶ parameters ─▶ live: a match as told ─▶ book
//!                            port: what a model of somebody's own says of it ────────┘
//!                                                                          book ─▶ listed: an exchange's market
//! ```
//! The only floats of the domain live here. Nothing of them is journaled: they end in [`quote`], as prices
//! on the ladder, and a price is an order like anybody's. What a match is priced from is journaled in
//! millionths ([`almanac::Parameters`]).

pub mod almanac;
pub mod book;
pub mod club;
pub mod fixture;
pub mod implied;
pub mod inplay;
pub mod judge;
pub mod listed;
pub mod live;
pub mod margin;
pub mod port;
pub mod pricer;
pub mod profile;
pub mod quote;
pub mod rater;
pub mod ratings;
pub mod score_grid;
mod split_mix;
pub mod trial;
pub mod weekend;

pub use split_mix::SplitMix64;

use serde::{Deserialize, Serialize};

/// One of the two teams of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Team {
    #[serde(rename = "h")]
    Home,
    #[serde(rename = "a")]
    Away,
}

impl Team {
    pub fn opponent(self) -> Team {
        match self {
            Team::Home => Team::Away,
            Team::Away => Team::Home,
        }
    }
}
