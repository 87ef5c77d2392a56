//! The process and its doors.

pub mod betfair;
pub mod door;
pub mod operator;
