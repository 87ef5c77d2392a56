//! The operator API: what an operator may ask for and how a refusal looks.

pub mod problem;
