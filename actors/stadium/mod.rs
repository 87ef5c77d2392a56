//! The stadium: tells of scripted matches as any provider tells of real ones, over the same way.
//!
//! Owns     nothing that lasts: what is to be told follows from the season and the time.
//! Started  by `feeds`, one for a demo; permanent.
//! Asks     football to take what it says, one list at a time.
//! Crash    everything is told again; a repeat changes nothing.
//! Bounds   one list of at most `football::WORDS_MAX` words is out; the next waits for its answer.
//!
//! First come the results of two seasons in which the same teams met, from which their ratings are learned.

mod season;

use crate::football::{FootballMsg, Taken, WORDS_MAX, Word};
use crate::partition::{Busy, deliver};
use crate::registry::Address;
use crate::shell::{Behaviour, Context, Fault, Named};
use crate::trader::playbill::Season;
use domain::ids::{EntityId, PartitionId};
use serde_json::json;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

pub use season::{SOURCE, id_of};

#[derive(Debug)]
pub enum StadiumMsg {
    Look,
    /// To list number `n`.
    Told {
        n: u64,
        answer: Option<Result<Taken, Busy>>,
    },
}

impl Named for StadiumMsg {
    fn name(&self) -> &'static str {
        match self {
            StadiumMsg::Look => "look",
            StadiumMsg::Told { .. } => "told",
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct StadiumArgs {
    pub number: u32,
}

pub struct Stadium {
    season: Arc<Season>,
    /// Not told yet, in order.
    words: VecDeque<Word>,
    /// Of each slot: the round, and how much of its match was made words of.
    told: Vec<(u64, usize)>,
    /// The list that is out.
    out: Option<(u64, Instant, Vec<Word>)>,
    lists: u64,
    refused: u64,
}

/// An answer that takes longer does not come.
const PATIENCE: Duration = Duration::from_secs(10);
const PARTITION: PartitionId = PartitionId(0);

impl Behaviour for Stadium {
    type Args = StadiumArgs;
    type Message = StadiumMsg;
    const KIND: &'static str = "stadium";

    fn address(args: &StadiumArgs) -> Address {
        Address::Stadium(args.number)
    }

    fn start(args: StadiumArgs, context: &Context<StadiumMsg>) -> Result<Self, Fault> {
        let season = context.node.seasons.find(args.number);
        let season = season.ok_or_else(|| Fault::new("no season of this number"))?;
        Ok(Stadium {
            words: season::past(&season).into(),
            told: vec![(0, 0); season.slots as usize],
            season,
            out: None,
            lists: 0,
            refused: 0,
        })
    }

    fn started(&mut self, context: &mut Context<StadiumMsg>) -> Result<(), Fault> {
        context.every(Duration::from_millis(self.season.tick_ms()), || StadiumMsg::Look);
        self.look(context);
        Ok(())
    }

    fn handle(
        &mut self,
        message: StadiumMsg,
        context: &mut Context<StadiumMsg>,
    ) -> Result<(), Fault> {
        match message {
            StadiumMsg::Look => self.look(context),
            StadiumMsg::Told { n, answer } => {
                let Some((_, _, words)) = self.out.take_if(|(out, ..)| *out == n) else {
                    return Ok(());
                };
                match answer {
                    Some(Ok(taken)) => {
                        self.refused += taken.refused.len() as u64;
                        for (at, fault) in &taken.refused {
                            tracing::warn!(word = ?words[*at], %fault, "the stadium is not believed");
                        }
                        self.tell(context);
                    }
                    // Told again at the next look.
                    Some(Err(_)) | None => self.take_back(words),
                }
            }
        }
        Ok(())
    }

    fn observe(&self) -> serde_json::Value {
        json!({ "waiting": self.words.len(), "lists": self.lists, "refused": self.refused })
    }
}

impl Stadium {
    fn look(&mut self, context: &Context<StadiumMsg>) {
        if let Some((_, _, words)) = self.out.take_if(|(_, since, _)| since.elapsed() > PATIENCE) {
            self.take_back(words);
        }
        let now = context.node.partition(PARTITION).and_then(|partition| partition.now());
        let Some(now) = now else { return };
        for slot in 0..self.season.slots {
            let told = &mut self.told[slot as usize];
            let round = self.season.round_at(slot, now);
            if round != told.0 {
                // What was left of the match before: its end.
                self.words.extend(season::words(&self.season, slot, told.0, None).skip(told.1));
                *told = (round, 0);
            }
            let due: Vec<Word> =
                season::words(&self.season, slot, round, Some(now)).skip(told.1).collect();
            told.1 += due.len();
            self.words.extend(due);
        }
        self.tell(context);
    }

    fn tell(&mut self, context: &Context<StadiumMsg>) {
        if self.out.is_some() || self.words.is_empty() {
            return;
        }
        let some = self.words.len().min(WORDS_MAX);
        let words: Vec<Word> = self.words.drain(..some).collect();
        self.lists += 1;
        let n = self.lists;
        let (reply, answer) = oneshot::channel();
        let tell = FootballMsg::Tell { words: words.clone(), reply };
        self.out = Some((n, Instant::now(), words));
        deliver(&context.node, PARTITION, EntityId::Football, tell);
        context.when(answer, move |answer| StadiumMsg::Told { n, answer });
    }

    fn take_back(&mut self, words: Vec<Word>) {
        for word in words.into_iter().rev() {
            self.words.push_front(word);
        }
    }
}
