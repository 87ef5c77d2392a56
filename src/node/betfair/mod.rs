//! Betfair's words and shapes: the only room, with the stream, that knows them.
//!
//! Owns     reading calls as forgivingly as the original, and writing answers with exactly its keys.
//! Never    decides anything about a bet, and never talks to an actor: what is behind the door is a
//!          [`handler::Exchange`], which takes a [`request::Request`] and gives a [`response`] back.
//!
//! ```text
//!   body -> rpc::Envelope -> operation::Operation -> request::Request -> (the exchange)
//!   body <- rpc::Replies  <- response::*, exception::Exception        <-
//! ```
//! A REST path carries the operation and a body of its parameters ([`rest`]); from there on both are one.

pub mod coerce;
pub mod dates;
pub mod decimal;
pub mod examples;
pub mod exception;
pub mod exchange;
pub mod extensions;
pub mod filter;
pub mod handler;
pub mod instruction;
pub mod limits;
pub mod login;
pub mod navigation;
pub mod operation;
pub mod region;
pub mod request;
pub mod response;
pub mod rest;
pub mod routes;
pub mod rpc;
pub mod tree;
pub mod words;
