//! Where an account's answers go: to the doors that wait, to repeats of the same request, and before its followers.
//!
//! Owns     the doors' waiting ends of requests that are not answered yet, and what goes with the answers of a batch
//!          so that followers can be told behind them. Nothing of it is stored: sessions send again what was
//!          not answered.
//! Bounds   `WAITING_MAX` doors, more are answered by way of their session; `REPEATS_MAX` repeats of one request.

use crate::entity::Desk;
use crate::registry::Address;
use crate::session::{Handed, SessionMsg, Waiting};
use domain::ids::SessionId;
use domain::request::Outcome;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

/// A request by its session and number.
pub(super) type Name = (SessionId, u64);

/// Doors that are known to wait at most.
const WAITING_MAX: usize = 65_536;
/// Repeats of one request that is not answered yet; more are refused as busy.
const REPEATS_MAX: usize = 16;

#[derive(Default)]
pub(super) struct Answers {
    waiting: BTreeMap<Name, Arc<Waiting>>,
    /// By the first: they hear what it hears.
    repeats: BTreeMap<Name, Vec<Name>>,
    /// Goes with the answers of this batch, while anybody follows.
    handing: Option<Arc<Handed>>,
    /// Of the last batch that answered anything.
    handed: Weak<Handed>,
}

impl Answers {
    pub(super) fn wait(&mut self, name: Name, waiting: Arc<Waiting>) {
        if self.waiting.len() < WAITING_MAX {
            self.waiting.insert(name, waiting);
        }
    }

    /// Nobody is answered.
    pub(super) fn forget(&mut self, name: Name) {
        self.waiting.remove(&name);
    }

    /// A repeat waits for what the first is told; false when too many do.
    pub(super) fn wait_for(&mut self, first: Name, repeat: Name) -> bool {
        let repeats = self.repeats.entry(first).or_default();
        let known = repeats.contains(&repeat);
        if !known && repeats.len() < REPEATS_MAX {
            repeats.push(repeat);
            return true;
        }
        known
    }

    /// To the door that waits; else by way of the session, if it is still there: if not, the answer stays
    /// with the account. Repeats that waited for it hear the same.
    pub(super) fn answer(&mut self, name: Name, outcome: Outcome, followed: bool, desk: &mut Desk) {
        for repeat in self.repeats.remove(&name).unwrap_or_default() {
            self.answer_one(repeat, outcome.clone(), followed, desk);
        }
        self.answer_one(name, outcome, followed, desk);
    }

    fn answer_one(&mut self, name: Name, outcome: Outcome, followed: bool, desk: &mut Desk) {
        let (from, handed) = (desk.incarnation, self.hand(followed));
        if desk.node.journeys.follows(name) {
            let node = desk.node.clone();
            desk.news(move |through| {
                let offset = Some(through.get());
                node.journeys.step(name, ["account", "door", "durable, answered"], offset);
            });
        }
        match self.waiting.remove(&name) {
            Some(waiting) => desk.effect(move |_| waiting.answer(outcome, from, handed)),
            None => {
                let (session, n) = name;
                let way = desk.node.registry.find::<SessionMsg>(Address::Session(session));
                desk.effect(move |_| {
                    if let Some(way) = way {
                        let _ = way.send(SessionMsg::Answered { n, outcome, from, handed });
                    }
                });
            }
        }
    }

    /// What goes with an answer, for those who are to hear of its orders behind it.
    pub(super) fn hand(&mut self, followed: bool) -> Option<Arc<Handed>> {
        if !followed {
            return None;
        }
        let handed = self.handing.get_or_insert_with(Handed::new);
        self.handed = Arc::downgrade(handed);
        Some(handed.clone())
    }

    /// The answers that followers are told behind, as long as they are on their way.
    pub(super) fn behind(&self) -> Weak<Handed> {
        self.handed.clone()
    }

    /// The next answers are of another batch.
    pub(super) fn batch_ends(&mut self) {
        self.handing = None;
    }
}
