//! The operator API: what an operator may ask for and how a refusal looks.
//!
//! Owns     strict reading of requests into plain values, and RFC 9457 problem documents.
//! Never    judges a request against the exchange's state, and never talks to an actor.

pub mod json;
pub mod problem;
pub mod request;
pub mod response;
