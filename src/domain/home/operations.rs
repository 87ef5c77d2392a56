//! Operators' operations under way, the answers kept for their keys, and the numbered acts to accounts and
//! markets.
//!
//! ```text
//!   begin ──▶ running, `open` acts ──last act answered──▶ answered ──24 h after it was begun──▶ forgotten
//!     └──────────── no acts ────────────────────────────────▲   └── without a key: at once ──────▲
//! ```
//! An operation that is still running after a day keeps its key until it is answered.

use crate::act::{Act, ActAnswer, ActError};
use crate::home::event::{By, IdempotencyKey, OperationAnswer, SentAct};
use crate::home::request::HomeError;
use crate::ids::EntityId;
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How long an answer is kept for its key.
pub const KEY_MS: i64 = 24 * 60 * 60 * 1_000;
/// Running, or kept for their keys; past it operations are refused until some are forgotten.
pub const MAX_OPERATIONS: usize = 200_000;
/// Acts to one account or market that it has not answered; past it further ones are refused.
pub const MAX_OPEN_ACTS: usize = 1_000;

/// What follows from applied records: to be done once they are handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outgoing {
    ToEntity(ToEntity),
    /// To whoever waits for this operation.
    Answered {
        operation: u64,
        answer: OperationAnswer,
    },
}

/// An act on its way. It may be repeated at any time: the target takes each number once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToEntity {
    pub target: EntityId,
    pub n: u64,
    pub act: Act,
    /// Home has the answers of all acts to this target up to this number: they may be forgotten.
    pub answered_through: u64,
}

/// What home does with an answer that came from a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// To be journaled and applied.
    Record(crate::home::HomeEvent),
    /// The target could not decide and journaled nothing. Only what is journaled settles an act (else a
    /// repeat on its way could still be carried out after the operator was told no), so the act stays open
    /// and is repeated; whoever waits may be told why it takes so long.
    Hindered { operation: u64, error: ActError },
    /// Answered before.
    Repeat,
}

/// What the key of a request says about it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Known<'a> {
    New,
    Running(u64),
    Answered(u64, &'a OperationAnswer),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Operation {
    begun: UtcMillis,
    operator: String,
    key: Option<IdempotencyKey>,
    /// Acts that are not answered.
    open: u64,
    /// Final once `open` is zero. Until then what it will be if no act is refused, and `None` when it will
    /// be the act's own answer.
    answer: Option<OperationAnswer>,
    refused: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct OpenAct {
    operation: u64,
    act: Act,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Operations {
    last: u64,
    known: BTreeMap<u64, Operation>,
    /// By operator and key.
    keys: BTreeMap<(String, String), u64>,
    /// Those with a key that have not reached their day yet, by when they were begun.
    keyed: BTreeSet<(UtcMillis, u64)>,
    /// The number of each target's last act. With `open` apart, a target that nothing is open for costs one
    /// number: there may be a million of them.
    last_acts: BTreeMap<EntityId, u64>,
    open: BTreeMap<(EntityId, u64), OpenAct>,
}

impl Operations {
    pub(crate) fn next(&self) -> u64 {
        self.last + 1
    }

    /// The number of the target's next act; `more` of them are wanted.
    pub(crate) fn next_act(&self, target: EntityId, more: usize) -> Result<u64, HomeError> {
        let open = self.open_to(target).count();
        HomeError::full("unanswered acts", open + more - 1, MAX_OPEN_ACTS)?;
        Ok(self.last_act(target) + 1)
    }

    fn last_act(&self, target: EntityId) -> u64 {
        self.last_acts.get(&target).copied().unwrap_or(0)
    }

    fn open_to(&self, target: EntityId) -> impl Iterator<Item = (u64, &OpenAct)> {
        self.open.range((target, 0)..=(target, u64::MAX)).map(|((_, n), act)| (*n, act))
    }

    fn answered_through(&self, target: EntityId) -> u64 {
        self.open_to(target).next().map_or(self.last_act(target), |(first, _)| first - 1)
    }

    pub(crate) fn room(&self) -> Result<(), HomeError> {
        HomeError::full(
            "operations under way or of the last 24 hours",
            self.known.len(),
            MAX_OPERATIONS,
        )
    }

    pub(crate) fn known(&self, now: UtcMillis, by: &By) -> Result<Known<'_>, HomeError> {
        let Some(key) = &by.key else { return Ok(Known::New) };
        let Some(&number) = self.keys.get(&(by.operator.clone(), key.key.clone())) else {
            return Ok(Known::New);
        };
        let operation = &self.known[&number];
        match &operation.answer {
            Some(_) if operation.open == 0 && operation.begun.plus_ms(KEY_MS) <= now => {
                Ok(Known::New)
            }
            _ if operation.key.as_ref().is_some_and(|first| first.request != key.request) => {
                Err(HomeError::KeyReused)
            }
            Some(answer) if operation.open == 0 => Ok(Known::Answered(number, answer)),
            _ => Ok(Known::Running(number)),
        }
    }

    /// `answer` as in [`Operation::answer`]; `None` takes at least one act.
    pub(crate) fn begin(
        &mut self,
        begun: UtcMillis,
        number: u64,
        by: &By,
        answer: Option<OperationAnswer>,
        acts: &[SentAct],
        outgoing: &mut Vec<Outgoing>,
    ) {
        debug_assert_eq!(number, self.last + 1, "operations are numbered without holes");
        debug_assert!(answer.is_some() || !acts.is_empty(), "something answers an operation");
        self.last = number;
        if let Some(key) = &by.key {
            self.keys.insert((by.operator.clone(), key.key.clone()), number);
            self.keyed.insert((begun, number));
        }
        self.known.insert(
            number,
            Operation {
                begun,
                operator: by.operator.clone(),
                key: by.key.clone(),
                open: acts.len() as u64,
                answer,
                refused: false,
            },
        );
        for SentAct { target, n, act } in acts {
            debug_assert_eq!(*n, self.last_act(*target) + 1, "acts are numbered without holes");
            self.last_acts.insert(*target, *n);
            self.open.insert((*target, *n), OpenAct { operation: number, act: act.clone() });
            outgoing.push(Outgoing::ToEntity(ToEntity {
                target: *target,
                n: *n,
                act: act.clone(),
                answered_through: self.answered_through(*target),
            }));
        }
        if acts.is_empty() {
            self.finish(number, outgoing);
        }
    }

    /// The operation that an unanswered act belongs to.
    pub(crate) fn open_act(&self, target: EntityId, n: u64) -> Option<u64> {
        self.open.get(&(target, n)).map(|act| act.operation)
    }

    pub(crate) fn answered(
        &mut self,
        target: EntityId,
        n: u64,
        answer: &ActAnswer,
        outgoing: &mut Vec<Outgoing>,
    ) {
        let Some(act) = self.open.remove(&(target, n)) else { return };
        let number = act.operation;
        let operation =
            self.known.get_mut(&number).expect("an operation is kept while acts of it are open");
        operation.open -= 1;
        let refused = matches!(answer, ActAnswer::Refused(_));
        if !operation.refused && (refused || operation.answer.is_none()) {
            operation.answer = Some(OperationAnswer::Act(answer.clone()));
            operation.refused = refused;
        }
        if operation.open == 0 {
            self.finish(number, outgoing);
        }
    }

    fn finish(&mut self, number: u64, outgoing: &mut Vec<Outgoing>) {
        let operation = &self.known[&number];
        let answer = operation.answer.clone().expect("every answered act leaves an answer");
        outgoing.push(Outgoing::Answered { operation: number, answer });
        if !self.keyed.contains(&(operation.begun, number)) {
            self.forget(number);
        }
    }

    /// Drops the answers whose day is over.
    pub(crate) fn drop_expired(&mut self, now: UtcMillis) {
        while let Some(&(begun, number)) = self.keyed.first()
            && begun.plus_ms(KEY_MS) <= now
        {
            self.keyed.pop_first();
            if self.known[&number].open == 0 {
                self.forget(number);
            }
        }
    }

    fn forget(&mut self, number: u64) {
        let Some(operation) = self.known.remove(&number) else { return };
        if let Some(key) = operation.key {
            self.keys.remove(&(operation.operator, key.key));
        }
    }

    /// Every act that is not answered, in order per target.
    pub(crate) fn open_acts(&self) -> impl Iterator<Item = ToEntity> {
        self.open.iter().map(|((target, n), open)| ToEntity {
            target: *target,
            n: *n,
            act: open.act.clone(),
            answered_through: self.answered_through(*target),
        })
    }

    pub(crate) fn is_running(&self, number: u64) -> bool {
        self.known.get(&number).is_some_and(|operation| operation.open > 0)
    }

    pub(crate) fn running(&self) -> usize {
        self.known.values().filter(|operation| operation.open > 0).count()
    }

    pub(crate) fn check_invariants(&self) -> Result<(), String> {
        let mut open = BTreeMap::<u64, u64>::new();
        for ((target, n), act) in &self.open {
            if *n > self.last_act(*target) {
                return Err(format!("act {n} of {target} would be given again"));
            }
            *open.entry(act.operation).or_default() += 1;
        }
        for (number, operation) in &self.known {
            let acts = open.remove(number).unwrap_or(0);
            if operation.open != acts {
                return Err(format!("operation {number} waits for {} of {acts}", operation.open));
            }
            if acts == 0 && (operation.key.is_none() || operation.answer.is_none()) {
                return Err(format!("operation {number} is kept for nobody"));
            }
            if let Some(key) = &operation.key
                && self.keys.get(&(operation.operator.clone(), key.key.clone())) != Some(number)
            {
                return Err(format!("operation {number} is not found by its key"));
            }
        }
        if !open.is_empty() {
            return Err(format!("acts of unknown operations: {open:?}"));
        }
        let keyed = self.known.values().filter(|operation| operation.key.is_some()).count();
        if self.keys.len() != keyed {
            return Err(format!("{} keys of {keyed} operations", self.keys.len()));
        }
        Ok(())
    }
}
