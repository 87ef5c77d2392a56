//! The node: one process, its settings and its doors.
//!
//! | room | what it owns |
//! |---|---|
//! | [`cli`], `*_command` | the command line; each command's work in a file of its own |
//! | [`config`] | what the node is told, in layers, and every complaint about it |
//! | [`telemetry`] | where logs go |
//! | [`door`] | the accept loop: connections, deadlines, caps, whole bodies, draining |
//! | [`betfair`] | Betfair's JSON-RPC: reading calls, writing answers |
//! | [`native`] | the customers' own API: JSON, the binary order channel, football, prices |
//! | [`mail`] | how letters look, and how they leave |
//! | [`operator`] | the admin listener: operators' requests, the tree, figures |
//! | [`bench`] | programs that measure the product |
//! | [`boot`] | a node's life: up, ready, down |
//! | [`catalogue`], [`form`], [`password`], [`secret`] | what doors share |
//! | [`recording`] | recorded Betfair streams, read as typed changes |
//! | [`port`] | models of somebody's own, as processes |
//! | [`pull`] | providers of football that are asked on a schedule |
//! | [`pricing`] | football prices from files: price, fit, backtest, inplay |
//! | [`pages`] | what `src/web` was built to: the console and the customers' pages |
//! | [`residents`] | users that a command makes for itself |
//! | [`url`] | URLs of others that the settings name |
//! | [`fuzz`] | the parsers of what comes from outside, for fuzzers |
//! | [`rejection`] | what warp refuses, as a problem document |
//!
//! Invariants: Betfair's words appear only in `betfair` (and the stream). `door` knows no route and no
//! bet. A request becomes a plain value before anything is asked of the exchange, and warp's types stay in
//! the routes.

pub mod bench;
pub mod bench_command;
pub mod betfair;
pub mod boot;
pub mod catalogue;
pub mod cli;
pub mod config;
pub mod config_command;
pub mod demo_command;
pub mod door;
pub mod events_command;
pub mod follow_command;
pub mod form;
pub mod fuzz;
pub mod link_command;
pub mod lints_command;
pub mod mail;
pub mod native;
pub mod node_client;
pub mod operator;
pub mod pages;
pub mod password;
pub mod port;
pub mod pricing;
pub mod pull;
pub mod recording;
pub mod rejection;
pub mod replay_command;
pub mod residents;
pub mod secret;
pub mod serve_command;
pub mod stream;
pub mod telemetry;
pub mod top_command;
pub mod tree_command;
pub mod url;
pub mod verify_command;
pub mod why_command;
