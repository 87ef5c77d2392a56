//! The process and its doors.

pub mod door;
pub mod operator;
