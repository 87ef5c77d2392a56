//! Home: the entity of partition 0 that keeps what belongs to no market and no account: users, sessions'
//! tokens, the list of events and markets, operators' tokens, and every operator's act with who and why.

mod event;

pub use event::*;
