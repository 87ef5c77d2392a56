//! What every test here stands on: the real binary as a child process, and clients that speak to it.
//!
//! Owns no expectation about the exchange. Waits only on observations, with deadlines; prints the seed of
//! everything random; keeps the directory of a failed run and says where it is.

pub(crate) mod bettor;
pub(crate) mod deadline;
pub(crate) mod http;
pub(crate) mod keys;
pub(crate) mod message_pack;
pub(crate) mod money;
pub(crate) mod node;
pub(crate) mod operator;
pub(crate) mod order_channel;
pub(crate) mod price_stream;
pub(crate) mod random;
pub(crate) mod scratch;
pub(crate) mod stream;

pub(crate) use bettor::{Bettor, limit};
pub(crate) use deadline::{DEADLINE, eventually};
pub(crate) use money::pence;
pub(crate) use node::{Launch, Node};
pub(crate) use operator::{Market, Operator};
pub(crate) use price_stream::PriceStream;
pub(crate) use random::Random;
pub(crate) use scratch::Scratch;
pub(crate) use stream::{Cache, Stream, Way};
