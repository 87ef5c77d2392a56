//! What is true: the exchange's rules and nothing else.
//!
//! Everything here is pure. `decide` is told the time and the input and returns records; `apply` folds
//! records into state and cannot fail. There is no clock, IO, randomness, async, hash order or lock in this
//! crate, and it knows nothing of disks, actors or HTTP.
//!
//! | room | what is decided there |
//! |---|---|
//! | [`ids`], [`money`], [`price`], [`ladder`], [`time`], [`few`] | values |
//! | [`order`], [`request`], [`act`] | what may be asked, and how it may be answered |
//! | [`reduction`] | what a bet is worth when another runner does not run |
//! | [`record`], `weight` | what the journal keeps, and about how much of it that takes |
//! | [`link`] | numbered messages between entities that may die |
//! | [`market`] | the book and a market's life |
//! | [`account`] | money, exposure, bets |
//! | [`home`], [`catalogue`] | users, operators' acts, what there is to bet on |
//! | [`ledger`], [`partition`] | what a whole log adds up to |
//! | [`football`] | fair prices from goals |

pub mod account;
pub mod act;
pub mod catalogue;
pub mod definition;
pub mod few;
pub mod football;
pub mod home;
pub mod ids;
pub mod ladder;
pub mod ledger;
pub mod link;
pub mod market;
pub mod money;
pub mod order;
pub mod partition;
pub mod price;
pub mod record;
pub mod reduction;
pub mod request;
pub mod time;
mod weight;
