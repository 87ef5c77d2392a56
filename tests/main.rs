//! The one integration binary: everything here but [`sim`] drives the real `laybook` process through its doors.
//!
//! | room | what it asks |
//! |---|---|
//! | [`harness`] | nothing: a process, three clients, deadlines and seeds |
//! | [`scenarios`] | does an evening at the exchange go as a bettor expects? |
//! | [`torture`] | does anything acknowledged get lost when the process, a file or the disk dies? |
//! | [`conformance`] | does the API answer as a client that knows Betfair's expects? |
//! | [`bad_input`] | does any door break, or any penny move, when what comes in is wrong? |
//! | [`golden`] | does what was once written on a disk still mean the same? |
//! | [`console`] | who may watch, what is seen, is the past as it was, and is it said why somebody fell? |
//! | [`fuzz`] | does any parser of what comes from outside break, whatever comes? |
//! | [`events`] | does the supervision log tell what happened, also after a restart? |
//! | [`passivation`] | do idle accounts and markets sleep, and wake as they were, with nothing lost? |
//! | [`stream`] | is everybody told the same, in the stream's own words, whatever dies meanwhile? |
//! | [`fixtures`] | does what providers tell move prices, and is every price the same after every death? |
//! | [`pricing`] | do the pricing commands say what the models say, and refuse files by name and line? |
//! | [`makers`] | are the models' prices quoted on the exchange's markets, and the markets led, whoever dies? |
//! | [`ports`] | does a model of somebody's own price, and never cost a price, whatever it does? |
//! | [`traces`] | is an order's way handed on to who collects traces, and a collector that fails no harm? |
//! | [`sim`] | do the rules hold for any history of the whole exchange, without process or disk? |
//! | [`healing`] | does the tree heal when an actor dies, and is the truth the same afterwards? |
//! | [`tidy`] | does the code keep the house rules that Cargo cannot hold? |
//!
//! Law of the room: no sleep stands for an event. Whatever is waited for is looked at until a deadline.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]
#![allow(
    clippy::print_stdout,
    reason = "seeds and places to look at are printed for who reads a failure"
)]

mod bad_input;
mod conformance;
mod console;
mod events;
mod fixtures;
mod fuzz;
mod golden;
mod harness;
mod healing;
mod makers;
mod passivation;
mod ports;
mod pricing;
mod pulls;
mod scenarios;
mod sim;
mod stream;
mod tidy;
mod torture;
mod traces;
