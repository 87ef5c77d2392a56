//! The catalogue: what there is to bet on, as this node's doors list it.
//!
//! Owns     a read model of the home partition's stream; nothing rests on it.
//! Started  by `catalogue-readers`, behind the partitions.
//! Asks     the journal for the model as of one offset, then follows the publisher from there.
//! Crash    read again; doors that wait ask again.
//! Bounds   questions wait for the offset that was released when they came, `WAITING_MAX` at once.

use crate::mailbox::Mailbox;
use crate::publisher::{Next, PublisherMsg};
use crate::registry::Address;
use crate::session::SessionMsg;
use crate::shell::{Behaviour, Context, Fault, Named};
use domain::catalogue::Catalogue as State;
use domain::ids::{MarketId, PartitionId};
use serde_json::json;
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;
use store::entry::Offset;

pub enum CatalogueMsg {
    /// The next records of the stream, for the following that was begun as `number`.
    Next { number: u64, next: Next },
    /// The model as the journal has it.
    Model { state: Box<State>, through: Offset },
    /// Asked by a session that meets the market for the first time.
    Terms { market: MarketId, reply: Mailbox<SessionMsg> },
    /// A door's question; it answers itself. Dropped when there are too many, or in a crash.
    Ask(Question),
    /// Looks whether the publisher is still the one that is followed.
    Check,
}

/// Reads the model and tells whoever waits.
pub type Question = Box<dyn FnOnce(&State) + Send>;

impl fmt::Debug for CatalogueMsg {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl Named for CatalogueMsg {
    fn name(&self) -> &'static str {
        match self {
            CatalogueMsg::Next { .. } => "next",
            CatalogueMsg::Model { .. } => "model",
            CatalogueMsg::Terms { .. } => "terms",
            CatalogueMsg::Ask(_) => "ask",
            CatalogueMsg::Check => "check",
        }
    }
}

const PARTITION: PartitionId = PartitionId(0);
const CHECK_EVERY: Duration = Duration::from_millis(100);
const WAITING_MAX: usize = 16_384;

pub struct Catalogue {
    state: State,
    /// `None` until the journal has told the model.
    at: Option<Offset>,
    /// The publisher that is followed, and how many were.
    following: Option<u64>,
    followings: u64,
    /// Questions, with the offset that each waits for.
    waiting: VecDeque<(Offset, Question)>,
}

impl Behaviour for Catalogue {
    type Args = ();
    type Message = CatalogueMsg;
    const KIND: &'static str = "catalogue";

    fn address(_: &()) -> Address {
        Address::Catalogue
    }

    fn start(_: (), _: &Context<CatalogueMsg>) -> Result<Self, Fault> {
        Ok(Catalogue {
            state: State::default(),
            at: None,
            following: None,
            followings: 0,
            waiting: VecDeque::new(),
        })
    }

    fn started(&mut self, context: &mut Context<CatalogueMsg>) -> Result<(), Fault> {
        self.read_model(context);
        context.every(CHECK_EVERY, || CatalogueMsg::Check);
        Ok(())
    }

    fn handle(
        &mut self,
        message: CatalogueMsg,
        context: &mut Context<CatalogueMsg>,
    ) -> Result<(), Fault> {
        match message {
            CatalogueMsg::Next { number, next } => self.next(number, &next, context),
            CatalogueMsg::Model { state, through } => self.model(*state, through, context),
            CatalogueMsg::Terms { market, reply } => {
                let tell = move |state: &State| {
                    let terms = state.terms(market);
                    let _ = reply.send(SessionMsg::Terms { market, terms });
                };
                self.ask(Box::new(tell), context);
            }
            CatalogueMsg::Ask(question) => self.ask(question, context),
            CatalogueMsg::Check => self.check(context),
        }
        Ok(())
    }

    fn observe(&self) -> serde_json::Value {
        json!({
            "offset": self.at.map(Offset::get),
            "markets": self.state.listed_len(),
            "waiting": self.waiting.len(),
            "followings": self.followings,
        })
    }
}

impl Catalogue {
    fn read_model(&self, context: &Context<CatalogueMsg>) {
        if let Some(partition) = context.node.partition(PARTITION) {
            let me = context.me.clone();
            let tell = move |fold: &domain::partition::PartitionFold, through| {
                let state = Box::new(fold.catalogue.clone());
                let _ = me.send(CatalogueMsg::Model { state, through });
            };
            // A log that is gone comes back with its partition; `check` asks again.
            let _ = partition.log.query(tell);
        }
    }

    fn model(&mut self, state: State, through: Offset, context: &Context<CatalogueMsg>) {
        if self.at.is_none_or(|at| at < through) {
            self.state = state;
            self.at = Some(through);
        }
        self.follow(context);
        self.answer();
    }

    fn follow(&mut self, context: &Context<CatalogueMsg>) {
        let Some(after) = self.at else { return self.read_model(context) };
        let publisher = context.node.registry.find::<PublisherMsg>(Address::Publisher(PARTITION));
        let Some(publisher) = publisher else { return };
        if self.following == Some(publisher.incarnation()) {
            return;
        }
        self.followings += 1;
        let (me, number) = (context.me.clone(), self.followings);
        let deliver = Box::new(move |next| me.send(CatalogueMsg::Next { number, next }).is_ok());
        if publisher.send(PublisherMsg::Follow { after, deliver }).is_ok() {
            self.following = Some(publisher.incarnation());
        }
    }

    fn next(&mut self, number: u64, next: &Next, context: &Context<CatalogueMsg>) {
        if number != self.followings {
            return;
        }
        let Next::Records(frame) = next else {
            self.following = None;
            return self.read_model(context);
        };
        for (offset, record) in frame.iter() {
            if self.at.is_some_and(|at| at < *offset) {
                self.state.apply(record);
                self.at = Some(*offset);
            }
        }
        self.answer();
    }

    /// What was released when the question came is what its asker may have seen already.
    fn ask(&mut self, question: Question, context: &Context<CatalogueMsg>) {
        let released = context.node.partition(PARTITION).map(|partition| partition.log.released());
        let wanted = released.or(self.at).unwrap_or(Offset::ZERO);
        if self.at.is_some_and(|at| at >= wanted) {
            question(&self.state);
        } else if self.waiting.len() < WAITING_MAX {
            self.waiting.push_back((wanted, question));
        }
    }

    fn answer(&mut self) {
        let Some(at) = self.at else { return };
        while self.waiting.front().is_some_and(|(wanted, _)| *wanted <= at) {
            if let Some((_, question)) = self.waiting.pop_front() {
                question(&self.state);
            }
        }
    }

    fn check(&mut self, context: &Context<CatalogueMsg>) {
        self.follow(context);
    }
}
