//! Betfair's words and shapes: the only room, with the stream, that knows them.
//!
//! Owns     reading calls as forgivingly as the original, and writing answers with exactly its keys.
//! Never    decides anything about a bet, and never talks to an actor: handlers take a [`request::Request`]
//!          from here, ask the exchange in its own words, and give a [`response`] back.
//!
//! ```text
//!   body -> rpc::Envelope -> operation::Operation -> request::Request -> (the exchange)
//!   body <- rpc::Replies  <- response::*, exception::Exception        <-
//! ```

pub mod coerce;
pub mod dates;
pub mod decimal;
pub mod exception;
pub mod filter;
pub mod instruction;
pub mod login;
pub mod operation;
pub mod request;
pub mod response;
pub mod rpc;
pub mod words;
