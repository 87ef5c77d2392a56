//! The stadium: tells of scripted matches as any provider tells of real ones, over the same way.
//!
//! Owns     nothing that lasts: what is to be told follows from the season and the time.
//! Started  by `feeds`, one for a demo; permanent.
//! Asks     football to take what it says, one list at a time.
//! Crash    everything is told again; a repeat changes nothing.
//! Bounds   those of `football::Telling`.
//!
//! First come the results of two seasons in which the same teams met, from which their ratings are learned.

mod season;

use crate::football::{Telling, Told, Word};
use crate::registry::Address;
use crate::shell::{Behaviour, Context, Fault, Named};
use crate::trader::playbill::Season;
use domain::ids::PartitionId;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

pub use season::{SOURCE, id_of};

#[derive(Debug)]
pub enum StadiumMsg {
    Look,
    Told(Told),
}

impl Named for StadiumMsg {
    fn name(&self) -> &'static str {
        match self {
            StadiumMsg::Look => "look",
            StadiumMsg::Told(_) => "told",
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct StadiumArgs {
    pub number: u32,
}

pub struct Stadium {
    season: Arc<Season>,
    telling: Telling,
    /// Of each slot: the round, and how much of its match was made words of.
    told: Vec<(u64, usize)>,
}

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
        let mut telling = Telling::default();
        telling.add(season::past(&season));
        Ok(Stadium { telling, told: vec![(0, 0); season.slots as usize], season })
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
            StadiumMsg::Told(told) => {
                if self.telling.told(told) {
                    self.telling.go_on(context, StadiumMsg::Told);
                }
            }
        }
        Ok(())
    }

    fn observe(&self) -> serde_json::Value {
        let telling = &self.telling;
        json!({
            "waiting": telling.waiting(),
            "lists": telling.messages(),
            "refused": telling.refused(),
        })
    }
}

impl Stadium {
    fn look(&mut self, context: &Context<StadiumMsg>) {
        let now = context.node.partition(PARTITION).and_then(|partition| partition.now());
        let Some(now) = now else { return };
        for slot in 0..self.season.slots {
            let told = &mut self.told[slot as usize];
            let round = self.season.round_at(slot, now);
            if round != told.0 {
                // What was left of the match before: its end.
                self.telling.add(season::words(&self.season, slot, told.0, None).skip(told.1));
                *told = (round, 0);
            }
            let due: Vec<Word> =
                season::words(&self.season, slot, round, Some(now)).skip(told.1).collect();
            told.1 += due.len();
            self.telling.add(due);
        }
        self.telling.go_on(context, StadiumMsg::Told);
    }
}
