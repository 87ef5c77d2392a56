//! A match as a provider tells it: events that come late, twice, out of order, corrected or taken back.
//!
//! ```text
//!   events, kept by number ─▶ Log ─ told ─▶ Story (phase, clock, score, what is not settled, doubts)
//!                                             ├─ trust(now) ─▶ Open, Suspended, Withheld, Over
//!                                             └─ branches(now) ─▶ situations with their chances ─▶ book
//! ```
//! The log is kept by the provider's own numbers and the story is told from its beginning after every event.
//! So it does not matter in which order events came: what is known is what a replay from scratch tells.
//! What does not fit together is never smoothed over. It is a doubt, and nothing is priced from a doubt.

mod event;
mod log;
mod story;
#[cfg(test)]
mod tests;
mod trust;

pub use event::{FeedEvent, FeedKind, MINUTE_MAX};
pub use log::{Heard, LOG_MAX, Log, Told};
pub use story::{Doubt, Goal, Pending, Phase, Story};
pub use trust::{Branch, Reason, Trust};
