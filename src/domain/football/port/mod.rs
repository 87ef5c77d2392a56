//! Models of somebody's own: the words that are exchanged with one, and what of its answers may be priced from.
//!
//! ```text
//!   dossier ─▶ ToModel ── a port ──▶ the model's process ── a port ──▶ Said ─ read ─▶ Word ─ Opinion::of ─▶ price
//!                                                                        └─ nonsense, by field ─┴─▶ Absence
//! ```
//! A model is never believed because it speaks: what it says is read field by field, and what is no probability,
//! does not add up or is impossible at the score is refused with the field and the reason. Whoever prices then goes
//! on with the built-in model and says why ([`Absence`]).

mod opinion;
mod words;

pub use opinion::{Opinion, Quoted};
pub use words::{
    Answer, Garbled, MatchWord, NAME_BYTES_MAX, ResultWord, Said, SaidMarket, StateWord, ToModel,
    Word,
};

use super::pricer::Why;
use std::fmt;
use std::sync::Arc;

/// Of the messages. A model that speaks another is not spoken to.
pub const PROTOCOL: u32 = 1;

/// A field of an answer that will not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct Nonsense {
    pub field: &'static str,
    pub reason: &'static str,
}

/// Why a match is not priced by the model that should price it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// Its process is down, or starting.
    NotRunning,
    /// It has not answered yet.
    Asked,
    /// More wait for it than may.
    Busy,
    TooLate,
    /// It says that it cannot.
    Declined,
    NotItsOwn,
    Nonsense(Nonsense),
    /// What it said of a running match is too old.
    Stale,
    /// It is far from what the market expects.
    FarFromMarket,
    /// A book from its answer is none.
    Refused(Why),
}

impl fmt::Display for Absence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the model ")?;
        match self {
            Absence::NotRunning => out.write_str("is not running"),
            Absence::Asked => out.write_str("has not answered yet"),
            Absence::Busy => out.write_str("has more to answer than it may"),
            Absence::TooLate => out.write_str("did not answer in time"),
            Absence::Declined => out.write_str("cannot price this match"),
            Absence::NotItsOwn => out.write_str("does not price this competition"),
            Absence::Nonsense(nonsense) => write!(out, "answered nonsense: {nonsense}"),
            Absence::FarFromMarket => out.write_str("is far from what the market expects"),
            Absence::Stale => out.write_str("has not answered lately"),
            Absence::Refused(why) => write!(out, "answered what makes no book: {why}"),
        }
    }
}

/// What whoever prices has heard from the model that should price the match.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Counsel {
    /// There is none: the built-in model prices it.
    #[default]
    Nobody,
    Absent(Absence),
    /// Opinions on one match are numbered from 1.
    Opinion(u32, Arc<Opinion>),
}
