//! A recorded market being played.
pub mod mirror;
pub mod recorded;
