//! Who does it: one folder for each kind of actor, its messages and the actor together in `mod.rs`.
//!
//! Decisions are in `domain`, survival is in `store`; an actor here is a thin shell that decides, applies,
//! hands over and goes on. Nothing here spawns: `supervision` does, and hears of every end.
//!
//! | room | what it is |
//! |---|---|
//! | [`shell`], [`mailbox`], [`gauge`], [`last_words`], [`registry`], [`node`] | what every actor is made of |
//! | [`partition`], [`entity`] | a log, and the life of an entity in it |
//! | [`journal`], [`directory`], [`publisher`], [`board`] | one of each in a partition |
//! | [`home`], [`account`], [`market`], [`football`] | the entities |
//! | [`session`], [`catalogue`] | between the doors and the entities |
//! | [`mail`] | reads the log and sends what follows from it for people |
//! | [`tracer`] | hands journeys on to who collects traces |
//! | [`flow`], [`journey`] | which kinds send to which, and the ways of single orders, for who watches |
//! | [`ratings`], [`fixture`] | how strong teams are, and the prices of one match |
//! | [`port`] | a model of somebody's own, as a process of the operating system |
//! | [`replay`], [`stadium`] | who plays recorded markets, and who tells of a demo's matches |
//! | [`pull`] | fetches from a provider of football, on a schedule |
//! | [`maker`], [`quoter`] | who makes markets by the prices of [`fixture`], as a customer |
//! | [`trader`] | who lists a demo's matches and bets on them |
//! | [`assignment`] | what feeds and strategies were told to do |

pub mod account;
mod asking;
pub mod assignment;
pub mod board;
pub mod catalogue;
pub mod directory;
pub mod entity;
pub mod fixture;
pub mod flow;
pub mod football;
pub mod gauge;
pub mod home;
pub mod journal;
pub mod journey;
pub mod last_words;
pub mod mail;
pub mod mailbox;
pub mod maker;
pub mod market;
pub mod node;
pub mod partition;
pub mod port;
pub mod publisher;
pub mod pull;
pub mod quoter;
pub mod ratings;
pub mod registry;
pub mod replay;
pub mod session;
pub mod shell;
pub mod stadium;
pub mod tracer;
pub mod trader;
