//! The admin listener: what an operator may ask for, look at and do.
//!
//! | file | noun |
//! |---|---|
//! | `request`, `json`, `strict`, `problem` | strict reading into plain values; RFC 9457 refusals |
//! | `api` | the table of paths, and what each does |
//! | `access` | who asks, and whether they may |
//! | `console` | one-time links, browsers' sessions, the pages |
//! | `ask` | questions to the exchange |
//! | `tokens` | who operators are, also while home is down |
//! | `watch` | the running tree: ways in, and acts on actors |
//! | `observe` | everything that is only looked at |
//! | `trials` | how the models that price football do |
//! | `ledger`, `metrics` | what adds up; figures |
//! | `routes` | warp |

pub mod access;
pub mod api;
pub mod ask;
pub mod console;
pub mod json;
pub mod ledger;
pub mod metrics;
pub mod observe;
pub mod problem;
pub mod request;
pub mod routes;
mod strict;
pub mod tokens;
pub mod trials;
pub mod watch;

pub use watch::Watch;
