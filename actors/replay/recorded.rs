//! What a recording says, as plain values: made by the reader of recordings, taken by the mirror.
//!
//! Sizes are whole halves of a penny: traded volume counts both sides, so its halves are stakes, and a trade
//! of odd pence is a stake that ends in half a penny. Never more exact, never rounded on the way.

use domain::definition::MarketStatus;
use domain::ids::{EventTypeId, Runner};
use domain::money::Pence;
use domain::price::Price;
use domain::time::UtcMillis;

/// An amount in halves of a penny.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct HalfPence(pub i64);

impl HalfPence {
    pub fn of_pence(pence: Pence) -> HalfPence {
        HalfPence(pence.0 * 2)
    }

    /// Half a penny is left out.
    pub fn whole_pence(self) -> Pence {
        Pence(self.0 / 2)
    }
}

/// One message of a recording: everything of one market that it changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecordedMessage {
    /// In the file, from 1.
    pub line: u64,
    /// When it was published, by the recording's clock.
    pub at: UtcMillis,
    /// The ladders are whole: what is not in them is gone.
    pub image: bool,
    pub definition: Option<Box<RecordedDefinition>>,
    pub runners: Vec<RecordedRunner>,
}

/// What changed of one runner's prices. A size of zero takes the price away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedRunner {
    pub runner: Runner,
    /// `atb`: what can be backed, resting lays.
    pub available_to_back: Vec<(Price, HalfPence)>,
    /// `atl`: what can be laid, resting backs.
    pub available_to_lay: Vec<(Price, HalfPence)>,
    /// `trd`: volume of both sides since the market began.
    pub traded: Vec<(Price, HalfPence)>,
    pub last_price_traded: Option<Price>,
    /// `tv`: of all prices, both sides.
    pub total_matched: Option<HalfPence>,
}

/// A market's definition: whole, whenever anything in it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedDefinition {
    /// As recorded: markets of one event say the same.
    pub event: Option<String>,
    pub event_type: EventTypeId,
    /// Only in purchased recordings.
    pub event_name: Option<String>,
    pub market_name: Option<String>,
    pub market_type: String,
    pub start_time: UtcMillis,
    pub open_date: UtcMillis,
    pub timezone: String,
    pub country: Option<String>,
    pub venue: Option<String>,
    pub status: MarketStatus,
    pub in_play: bool,
    pub turn_in_play: bool,
    pub persistence: bool,
    pub complete: bool,
    pub discount_allowed: bool,
    /// In hundredths of a percent.
    pub base_rate: u32,
    pub bet_delay_s: u16,
    pub number_of_winners: u16,
    pub runners: Vec<DefinedRunner>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefinedRunner {
    pub runner: Runner,
    pub name: Option<String>,
    pub sort_priority: u16,
    /// In hundredths of a percent.
    pub adjustment_factor: Option<u32>,
    pub status: RunnerStatus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunnerStatus {
    Active,
    Winner,
    Loser,
    /// Each-way markets only.
    Placed,
    /// Withdrawn, vacant or never shown.
    Removed,
}

/// A recording as it is played: message after message. Reading it may fail at any line.
pub trait Messages: Send {
    /// `None` at the end.
    fn next(&mut self) -> Option<Result<RecordedMessage, String>>;
}
