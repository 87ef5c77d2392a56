//! Telling football a long list of words: in order, one message at a time, and again while no answer comes.
//!
//! Owns     the words that are not known to be taken. It dies with its actor, which tells all of them again.
//! Bounds   one message of at most `WORDS_MAX` words is out; the next waits for its answer.

use super::{FootballMsg, Taken, WORDS_MAX, Word};
use crate::partition::{Busy, deliver};
use crate::shell::Context;
use domain::ids::{EntityId, PartitionId};
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// An answer that takes longer does not come.
const PATIENCE: Duration = Duration::from_secs(10);
const PARTITION: PartitionId = PartitionId(0);

/// What became of message number `n`; `None` where no answer will come.
#[derive(Debug)]
pub struct Told {
    n: u64,
    answer: Option<Result<Taken, Busy>>,
}

#[derive(Debug, Default)]
pub struct Telling {
    /// Not told yet, in order.
    words: VecDeque<Word>,
    out: Option<(u64, Instant, Vec<Word>)>,
    messages: u64,
    taken: u64,
    refused: u64,
}

impl Telling {
    pub fn add(&mut self, words: impl IntoIterator<Item = Word>) {
        self.words.extend(words);
    }

    /// Everything was told.
    pub fn is_through(&self) -> bool {
        self.words.is_empty() && self.out.is_none()
    }

    /// How many words wait to be told.
    pub fn waiting(&self) -> usize {
        self.words.len() + self.out.as_ref().map_or(0, |(_, _, words)| words.len())
    }

    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// Words that were new, so far.
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// Words that football did not believe, so far; each was logged.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Tells the next words unless some are out; those whose answer is overdue are told again. What becomes of them
    /// comes back as `message`, and belongs into [`Telling::told`].
    pub fn go_on<M: Send + 'static>(
        &mut self,
        context: &Context<M>,
        message: impl FnOnce(Told) -> M + Send + 'static,
    ) {
        if let Some((_, _, words)) = self.out.take_if(|(_, since, _)| since.elapsed() > PATIENCE) {
            self.take_back(words);
        }
        if self.out.is_some() || self.words.is_empty() {
            return;
        }
        let some = self.words.len().min(WORDS_MAX);
        let words: Vec<Word> = self.words.drain(..some).collect();
        self.messages += 1;
        let n = self.messages;
        let (reply, answer) = oneshot::channel();
        let tell = FootballMsg::Tell { words: words.clone(), reply };
        self.out = Some((n, Instant::now(), words));
        deliver(&context.node, PARTITION, EntityId::Football, tell);
        context.when(answer, move |answer| message(Told { n, answer }));
    }

    /// True when these words were taken and the next may be told at once; false when it is better to wait a little.
    pub fn told(&mut self, told: Told) -> bool {
        let Some((_, _, words)) = self.out.take_if(|(out, ..)| *out == told.n) else {
            return false;
        };
        let Some(Ok(taken)) = told.answer else {
            self.take_back(words);
            return false;
        };
        self.taken += taken.taken as u64;
        self.refused += taken.refused.len() as u64;
        for (at, fault) in &taken.refused {
            tracing::warn!(word = ?words[*at], %fault, "football does not believe this");
        }
        true
    }

    fn take_back(&mut self, words: Vec<Word>) {
        for word in words.into_iter().rev() {
            self.words.push_front(word);
        }
    }
}
