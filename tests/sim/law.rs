//! The laws that hold after every step, and how a broken one is said.
//!
//! Owns the names only: who checks which law stands in `checks`, `oracle` and `world`.

use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Law {
    /// (a) The ledger sums to zero at every offset, and every record by itself.
    Ledger,
    /// (b) No customer's act makes available negative; while it is, no risk is added.
    Available,
    /// (c) What is kept incrementally is what the bets add up to.
    Exposure,
    /// (d) Nobody is told of a match that was not made, nothing is crossed, backs are lays.
    Book,
    /// (e) A resolution pays what it should and leaves clearing at zero.
    Settlement,
    /// (f) Replay from empty, replay from a snapshot and the live state are one.
    Replay,
    /// (g) One key, one effect.
    OneEffect,
    /// (h) An entity's records are numbered without holes.
    Sequence,
    /// (i) The exchange itself, between the runners of a cross matched market, loses nothing whoever wins.
    House,
    /// The market and the accounts do what the naive ones do.
    Naive,
    /// When nothing is on its way, nothing is open.
    Quiet,
    /// What was told to a client is never missing afterwards.
    Released,
    /// The domain never panics on what the world may send.
    Panic,
}

#[derive(Debug, Clone)]
pub(super) struct Broken {
    pub(super) law: Law,
    pub(super) how: String,
}

pub(super) type Check<T = ()> = Result<T, Broken>;

impl fmt::Display for Broken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}: {}", self.law, self.how)
    }
}

/// Says which law is broken, and how, unless the condition holds.
macro_rules! hold {
    ($law:ident, $holds:expr, $($how:tt)+) => {
        if !$holds {
            return Err($crate::sim::law::Broken {
                law: $crate::sim::law::Law::$law,
                how: format!($($how)+),
            });
        }
    };
}
pub(super) use hold;
