//! One event as a provider tells it.

use super::super::Team;
use serde::{Deserialize, Serialize};

/// No match is older.
pub const MINUTE_MAX: u8 = 150;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FeedKind {
    #[serde(rename = "k")]
    KickOff,
    #[serde(rename = "g")]
    Goal(Team),
    /// With a value it is the goal of that number, else the team's last.
    #[serde(rename = "x")]
    GoalCancelled(Team),
    /// With value 0 the team's last red card is taken back.
    #[serde(rename = "r")]
    Red(Team),
    /// Awarded; with value 0 it was missed, or taken back.
    #[serde(rename = "p")]
    Penalty(Team),
    #[serde(rename = "v")]
    VarStart,
    #[serde(rename = "w")]
    VarEnd,
    /// The value: minutes that are added to the half that is played.
    #[serde(rename = "a")]
    AddedTime,
    #[serde(rename = "h")]
    HalfTime,
    #[serde(rename = "s")]
    SecondHalf,
    #[serde(rename = "f")]
    FullTime,
    /// How late it is.
    #[serde(rename = "c")]
    Clock,
    /// It will not be played to its end.
    #[serde(rename = "q")]
    Abandoned,
}

/// What happened, and when by the match clock: minutes and seconds that have been played, the second half
/// counted from 45.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedEvent {
    pub kind: FeedKind,
    pub minute: u8,
    pub second: u8,
    pub value: Option<i32>,
}

impl FeedEvent {
    pub fn new(kind: FeedKind, minute: u8, second: u8) -> Self {
        FeedEvent { kind, minute, second, value: None }
    }

    pub fn with_value(self, value: i32) -> Self {
        FeedEvent { value: Some(value), ..self }
    }

    pub(super) fn clock_s(&self) -> i64 {
        i64::from(self.minute) * 60 + i64::from(self.second)
    }
}
