//! The supervisor held against OTP: each test is named after its line of the checklist (lines
//! 1 to 34 of `actors.md` 1g), and what Laybook needs beyond OTP follows in files of its own.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests, which clippy cannot see")]

mod admin;
mod dynamic;
mod events;
mod isolation;
mod keeping;
mod restarts;
mod stage;
mod starting;
mod stopping;
mod watching;
