//! An entity's life, written once for home, accounts and markets.
//!
//! ```text
//!   start ──▶ Parked (no journal: waits to be stopped with its subtree)
//!     │
//!     ▼ attach                      crash, kill: state is dropped, the supervisor starts again
//!   Recovering ──snapshot + records──▶ Serving ──▶ decide, apply, hand over, release
//!   (mail is held)                      │    ▲     never waits for the disk
//!                       idle, at rest:  │    │ mail came meanwhile:
//!                       may I retire?   ▼    │ it stays
//!                        the directory holds new mail
//!                                       │ mailbox empty, and closed in the same instant
//!                                       ▼
//!                                    Retiring: last snapshot, token given back
//!                                       │ all it handed over is durable
//!                                       ▼
//!                  stopped for good; mail held meanwhile, or a moment that comes, starts it again
//! ```
//! No mail is lost by that: what was sent before the mailbox closed was handled, and what is sent later
//! comes back to its sender, who takes the way through the directory.
//!
//! The state is a fold of the journal: restart, failover and test are the same code. `Desk` is what a
//! serving entity works with. It gathers the records of a batch of messages with the effects that wait for
//! them; its `hand_over` is the one place from which they reach the journal, in one piece, and only behind it
//! do messages go to others ([`Entity::deliver`]).

use crate::board::BoardMsg;
use crate::directory::DirectoryMsg;
use crate::mailbox::Mailbox;
use crate::node::{Child, Node, Recovered};
use crate::partition::{Effect, Partition, Routed};
use crate::registry::Address;
use crate::shell::{Behaviour, Context, Fault, Named};
use domain::ids::{EntityId, PartitionId};
use domain::link::Asked;
use domain::record::{Event, Record};
use domain::time::UtcMillis;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::collections::VecDeque;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;
use store::codec;
use store::entry::{Offset, Token};
use store::keeper::{Recovery, RecoveryError};
use store::writer::HandOver;

/// One kind of entity: pure state from `domain`, and how its messages become decisions.
pub trait Entity: Sized + Send + 'static {
    type State: Default + Clone + Serialize + DeserializeOwned + Send;
    type Event;
    type Message: Routed;
    const KIND: &'static str;

    fn new(id: EntityId, state: Self::State) -> Self;
    fn event_of(event: &Event) -> Option<&Self::Event>;
    fn into_event(event: Self::Event) -> Event;
    fn apply(state: &mut Self::State, at: UtcMillis, event: &Self::Event);
    fn wake(&self) -> Option<UtcMillis>;

    /// Whether the record may change what everybody sees.
    fn shows(_: &Self::Event) -> bool {
        true
    }

    /// After replay: what was open with others is taken up again.
    fn resume(&mut self, desk: &mut Desk) -> Result<(), Fault>;
    fn handle(&mut self, message: Self::Message, desk: &mut Desk) -> Result<(), Fault>;
    /// Its moment has come.
    fn woken(&mut self, desk: &mut Desk) -> Result<(), Fault>;
    /// A while after something was left open with others: repeat it. Says whether anything is still open.
    fn repeat(&mut self, desk: &mut Desk) -> Result<bool, Fault>;
    /// Another entity has fallen and is there again: what is open with it goes out again at once.
    fn send_again_to(&mut self, fallen: EntityId, desk: &mut Desk) -> Result<(), Fault>;
    /// Behind a batch of messages: effects to the desk, [`Desk::hand_over`], then messages to others.
    fn deliver(&mut self, desk: &mut Desk) -> Result<(), Fault>;
    /// Nothing is open with others: it may be stopped until somebody writes to it.
    fn is_at_rest(&self) -> bool;
    fn observe(&self) -> serde_json::Value;
    /// For the proof that a replay gives what was: see `codec::state_hash`.
    fn state(&self) -> &Self::State;
}

/// What an entity actor is sent.
#[derive(Debug)]
pub enum EntityMsg<M> {
    Own(M),
    Recovered(Box<Result<Recovery<Record>, String>>),
    /// From the directory: the moment that the entity named has come.
    Wake,
    /// From the directory: something was left open a while ago.
    Repeat,
    /// From the directory: this entity has fallen, with what was on its way to it, and is there again.
    Lost(EntityId),
    /// From itself: was there any mail lately?
    LookIdle,
    /// From the directory, as asked for: new mail is held.
    Retire,
    /// From the journal: what was handed over is durable. False when the token was not the last.
    Retired(bool),
}

impl<M: Named> Named for EntityMsg<M> {
    fn name(&self) -> &'static str {
        match self {
            EntityMsg::Own(message) => message.name(),
            EntityMsg::Recovered(_) => "recovered",
            EntityMsg::Wake => "wake",
            EntityMsg::Repeat => "repeat",
            EntityMsg::Lost(_) => "lost",
            EntityMsg::LookIdle => "look idle",
            EntityMsg::Retire => "retire",
            EntityMsg::Retired(_) => "retired",
        }
    }
}

/// Identity only.
#[derive(Debug, Clone, Copy)]
pub struct EntityArgs {
    pub partition: PartitionId,
    pub entity: EntityId,
}

/// What a serving entity works with.
pub struct Desk {
    pub id: EntityId,
    pub node: Arc<Node>,
    pub partition: Arc<Partition>,
    /// Which life of the entity this is.
    pub(crate) incarnation: u64,
    token: Token,
    seq: u64,
    /// What the directory was last told.
    wake: Option<UtcMillis>,
    repeat_asked: bool,
    asked: Asked<EntityId>,
    replayed: u64,
    /// The end of what it recovered from.
    pub(crate) recovered_through: Offset,
    /// The last of that which shows, or the snapshot.
    pub(crate) shown_through: Offset,
    /// No mail since it last looked.
    idle: bool,
    /// About how many bytes of records there are since the last snapshot.
    unsnapped: u64,
    /// Decided and applied in this batch, and not handed over yet.
    records: Vec<Record>,
    effects: Vec<Effect>,
    /// Size of the last snapshot, written by the keeper's thread.
    snapshot_bytes: Arc<AtomicUsize>,
}

/// What is handed over goes into one frame whole, so that it must not grow with the mail.
const LADEN_RECORDS: usize = 256;

impl Desk {
    /// The time for one decision.
    pub fn now(&self) -> UtcMillis {
        self.partition.sample()
    }

    /// How many records the entity's state rests on.
    pub fn records(&self) -> u64 {
        self.seq
    }

    /// Tells the board, in the log's order, that this life of a market has begun.
    fn announce(&mut self) {
        let EntityId::Market(market) = self.id else { return };
        let address = Address::Board(self.partition.id);
        let Some(board) = self.node.registry.find::<BoardMsg>(address) else { return };
        self.effect(move |through| {
            // A board that has just died asks everybody anew.
            let _ = board.send(BoardMsg::Up { market, through });
        });
    }

    /// Keeps records that were decided and applied for the next [`hand_over`](Self::hand_over).
    pub fn record<E>(
        &mut self,
        at: UtcMillis,
        events: impl IntoIterator<Item = E>,
        into_event: fn(E) -> Event,
        wake: Option<UtcMillis>,
    ) {
        let entity = self.id;
        for event in events {
            self.seq += 1;
            let event = into_event(event);
            self.unsnapped += event.weight();
            self.records.push(Record { entity, seq: self.seq, at, wake, event });
        }
    }

    /// Keeps what leaves the partition behind the records so far.
    pub fn effect(&mut self, act: impl FnOnce(Offset) + Send + 'static) {
        self.effects.push(Effect::new(act));
    }

    /// The same of what nobody waits for: it may come a moment later than the disk allows.
    pub fn news(&mut self, act: impl FnOnce(Offset) + Send + 'static) {
        self.effects.push(Effect::news(act));
    }

    /// Hands what was gathered to the journal, and does not wait. Only after this may messages go to
    /// entities of the same partition.
    pub fn hand_over(&mut self) -> Result<(), Fault> {
        if self.records.is_empty() && self.effects.is_empty() {
            return Ok(());
        }
        let handed = HandOver {
            key: self.id,
            token: self.token,
            records: std::mem::take(&mut self.records),
            effects: std::mem::take(&mut self.effects),
        };
        self.partition.log.hand_over(handed).map_err(|gone| Fault::new(gone.to_string()))
    }

    /// An answer that changes nothing still waits for what it may rest on.
    pub fn tell(&mut self, tell: impl FnOnce() + Send + 'static) -> Result<(), Fault> {
        self.effect(move |_| tell());
        Ok(())
    }

    /// Nothing that was decided waits to be handed over.
    pub(crate) fn has_handed_over(&self) -> bool {
        self.records.is_empty()
    }

    /// Enough for one piece.
    fn is_laden(&self) -> bool {
        self.records.len() >= LADEN_RECORDS
    }

    /// The last snapshot and the token back, if nothing more can come; else the directory is told that it
    /// stays. True when it retires.
    fn retire<E: Entity>(
        &mut self,
        entity: &E,
        me: &Mailbox<EntityMsg<E::Message>>,
    ) -> Result<bool, Fault> {
        // The mailbox last: once it is closed it stays so.
        if !(self.may_retire(entity) && me.close_if_empty()) {
            self.tell_directory(DirectoryMsg::Stays(self.id));
            return Ok(false);
        }
        if self.unsnapped > 0 {
            self.snap(entity.state())?;
        }
        let me = me.clone();
        let done = move |was_last| me.insist(EntityMsg::Retired(was_last));
        let retired = self.partition.log.retire(self.id, self.token, done);
        retired.map(|()| true).map_err(|gone| Fault::new(gone.to_string()))
    }

    fn may_retire<E: Entity>(&self, entity: &E) -> bool {
        self.idle && !self.repeat_asked && entity.is_at_rest()
    }

    /// Copies the state for a snapshot when the records since the last one are as large as that was, so that
    /// neither a replay nor the writing of snapshots outgrows what it is for. The keeper's thread encodes it once
    /// it is durable.
    fn snapshot<S: Clone + Serialize + Send + 'static>(&mut self, state: &S) -> Result<(), Fault> {
        let bytes = self.snapshot_bytes.load(Relaxed) as u64;
        if self.unsnapped < bytes.max(self.node.settings.snapshot_after_bytes) {
            return Ok(());
        }
        self.snap(state)
    }

    fn snap<S: Clone + Serialize + Send + 'static>(&mut self, state: &S) -> Result<(), Fault> {
        self.unsnapped = 0;
        let (seq, state, size) = (self.seq, state.clone(), self.snapshot_bytes.clone());
        let encode = move || {
            let encoded = codec::encode_state(&(seq, state));
            size.store(encoded.len(), Relaxed);
            encoded
        };
        let snapped = self.partition.log.snapshot(self.id, self.token, encode);
        snapped.map_err(|gone| Fault::new(gone.to_string()))
    }

    /// Something was sent that wants an answer: the entity is asked to repeat it if none comes.
    pub fn expect_answers(&mut self) {
        if !self.repeat_asked {
            self.repeat_asked = true;
            self.tell_directory(DirectoryMsg::RepeatLater(self.id));
        }
    }

    /// Something came too early: whether its sender is to be asked to begin again at `expected`.
    pub fn asks_again(&mut self, sender: EntityId, expected: u64) -> bool {
        self.expect_answers();
        self.asked.asks(sender, expected)
    }

    fn tell_directory(&self, message: DirectoryMsg) {
        let address = Address::Directory(self.partition.id);
        if let Some(directory) = self.node.registry.find::<DirectoryMsg>(address) {
            // A directory that is gone takes this entity with it (rest for one).
            let _ = directory.send(message);
        }
    }

    fn tell_wake(&mut self, wake: Option<UtcMillis>) {
        if wake != self.wake {
            self.wake = wake;
            self.tell_directory(DirectoryMsg::WakeAt { entity: self.id, at: wake });
        }
    }
}

/// The actor around an entity of one kind.
pub struct EntityActor<E: Entity> {
    args: EntityArgs,
    life: Life<E>,
    /// Messages that came while recovering and were let go at the bound.
    let_go: u64,
    kind: PhantomData<E>,
}

enum Life<E: Entity> {
    Parked,
    Recovering {
        partition: Arc<Partition>,
        since: Instant,
        held: VecDeque<EntityMsg<E::Message>>,
    },
    Serving {
        entity: Box<E>,
        desk: Desk,
    },
    /// Its mailbox is closed; what still comes are its own timers.
    Retiring,
}

impl<E: Entity> Behaviour for EntityActor<E> {
    type Args = EntityArgs;
    type Message = EntityMsg<E::Message>;
    const KIND: &'static str = E::KIND;

    fn address(args: &EntityArgs) -> Address {
        Address::Entity(args.partition, args.entity)
    }

    fn start(args: EntityArgs, _: &Context<Self::Message>) -> Result<Self, Fault> {
        Ok(EntityActor { args, life: Life::Parked, let_go: 0, kind: PhantomData })
    }

    fn started(&mut self, context: &mut Context<Self::Message>) -> Result<(), Fault> {
        let Some(partition) = context.node.partition(self.args.partition) else {
            tracing::debug!(entity = %self.args.entity, "no journal, parked");
            return Ok(());
        };
        let me = context.me.clone();
        let answer = move |recovery: Result<Recovery<Record>, RecoveryError>| {
            let recovery = recovery.map_err(|error| error.to_string());
            let _ = me.send(EntityMsg::Recovered(Box::new(recovery)));
        };
        if partition.log.attach(self.args.entity, answer).is_ok() {
            let held = VecDeque::new();
            self.life = Life::Recovering { partition, since: Instant::now(), held };
            tell_directory(context, self.args.partition, DirectoryMsg::Up(self.args.entity));
        }
        Ok(())
    }

    fn handle(
        &mut self,
        message: Self::Message,
        context: &mut Context<Self::Message>,
    ) -> Result<(), Fault> {
        match (&mut self.life, message) {
            (Life::Serving { entity, desk }, EntityMsg::LookIdle) => {
                if desk.may_retire(entity.as_ref()) {
                    desk.tell_directory(DirectoryMsg::MayRetire(desk.id));
                }
                desk.idle = true;
                look_idle_later(context);
                Ok(())
            }
            (Life::Serving { entity, desk }, EntityMsg::Retire) => {
                entity.deliver(desk)?;
                if desk.retire(entity.as_ref(), &context.me)? {
                    self.life = Life::Retiring;
                }
                Ok(())
            }
            (Life::Serving { entity, desk }, message) => {
                serve(entity.as_mut(), desk, message)?;
                if desk.is_laden() { entity.deliver(desk) } else { Ok(()) }
            }
            (Life::Retiring, EntityMsg::Retired(true)) => {
                tell_directory(
                    context,
                    self.args.partition,
                    DirectoryMsg::Retired(self.args.entity),
                );
                Ok(())
            }
            (Life::Retiring, EntityMsg::Retired(false)) => {
                Err(Fault::new("retired, but not the last of its name"))
            }
            (Life::Retiring, _) => Ok(()),
            (Life::Recovering { .. }, EntityMsg::Recovered(recovery)) => {
                self.recover((*recovery).map_err(Fault)?, context)
            }
            (Life::Recovering { held, .. }, EntityMsg::Own(message)) => {
                // What is held is out of the mailbox, and bounded as if it were in it.
                if held.len() < message.bound() {
                    held.push_back(EntityMsg::Own(message));
                } else {
                    self.let_go += 1;
                    message.let_go(&context.node, context.me.incarnation());
                }
                Ok(())
            }
            // The directory's and its own words: a few.
            (Life::Recovering { held, .. }, message) => {
                held.push_back(message);
                Ok(())
            }
            (Life::Parked, _) => Ok(()),
        }
    }

    fn handled(&mut self, _: &mut Context<Self::Message>) -> Result<(), Fault> {
        match &mut self.life {
            Life::Serving { entity, desk } => settle(entity.as_mut(), desk),
            Life::Parked | Life::Recovering { .. } | Life::Retiring => Ok(()),
        }
    }

    fn observe(&self) -> serde_json::Value {
        match &self.life {
            Life::Parked => json!({ "life": "parked" }),
            Life::Retiring => json!({ "life": "retiring" }),
            Life::Recovering { since, held, .. } => json!({
                "life": "recovering", "forMs": since.elapsed().as_millis() as u64, "held": held.len(),
                "letGo": self.let_go,
            }),
            Life::Serving { entity, desk } => json!({
                "life": "serving",
                "records": desk.seq,
                "replayed": desk.replayed,
                "bytesSinceSnapshot": desk.unsnapped,
                "snapshotBytes": desk.snapshot_bytes.load(Relaxed),
                "wakeAt": desk.wake.map(|at| at.0),
                "stateHash": codec::state_hash(entity.state()),
                "entity": entity.observe(),
            }),
        }
    }
}

impl<E: Entity> EntityActor<E> {
    /// Folds snapshot and records, takes up what was open with others, then handles the mail that came
    /// meanwhile.
    fn recover(
        &mut self,
        recovery: Recovery<Record>,
        context: &mut Context<EntityMsg<E::Message>>,
    ) -> Result<(), Fault> {
        let Life::Recovering { partition, since, held } =
            std::mem::replace(&mut self.life, Life::Parked)
        else {
            return Err(Fault::new("recovered twice"));
        };
        let (mut seq, mut state) = match &recovery.snapshot {
            Some((_, bytes)) => codec::decode_state::<(u64, E::State)>(bytes)
                .map_err(|error| Fault::new(error.to_string()))?,
            None => (0, E::State::default()),
        };
        let replayed = recovery.records.len() as u64;
        let unsnapped = recovery.records.iter().map(|(_, record)| record.event.weight()).sum();
        let last = recovery.records.last().map(|(offset, _)| *offset);
        let through = last.or(recovery.snapshot.as_ref().map(|(offset, _)| *offset));
        let through = through.unwrap_or_default();
        let shows = |record: &Record| E::event_of(&record.event).is_some_and(E::shows);
        let shown = recovery.records.iter().rfind(|(_, record)| shows(record));
        let shown_through = shown.map(|(offset, _)| *offset);
        let shown_through = shown_through.or(recovery.snapshot.as_ref().map(|(offset, _)| *offset));
        let snapshot_bytes = recovery.snapshot.as_ref().map_or(0, |(_, bytes)| bytes.len());
        for (offset, record) in &recovery.records {
            if record.seq != seq + 1 {
                let entity = self.args.entity;
                return Err(Fault(format!(
                    "{entity}: record {} follows {seq} at {offset}",
                    record.seq
                )));
            }
            seq = record.seq;
            let event = E::event_of(&record.event).ok_or_else(|| {
                Fault(format!("{}: a record of another kind at {offset}", record.entity))
            })?;
            E::apply(&mut state, record.at, event);
        }
        let mut entity = Box::new(E::new(self.args.entity, state));
        let mut desk = Desk {
            id: self.args.entity,
            node: context.node.clone(),
            partition,
            incarnation: context.me.incarnation(),
            token: recovery.token,
            seq,
            wake: None,
            repeat_asked: false,
            asked: Asked::default(),
            replayed,
            recovered_through: through,
            shown_through: shown_through.unwrap_or_default(),
            idle: false,
            unsnapped,
            records: Vec::new(),
            effects: Vec::new(),
            snapshot_bytes: Arc::new(AtomicUsize::new(snapshot_bytes)),
        };
        tracing::debug!(
            entity = %desk.id, seq, replayed, micros = since.elapsed().as_micros() as u64, "recovered"
        );
        let recovered = Recovered {
            after: since.elapsed(),
            snapshot: recovery.snapshot.as_ref().map(|(offset, _)| offset.get()),
            replayed,
        };
        let child = Child::Entity(self.args.partition, self.args.entity);
        context.node.nursery().tell_ready(child, recovered);
        entity.resume(&mut desk)?;
        desk.announce();
        settle(entity.as_mut(), &mut desk)?;
        for message in held {
            serve(entity.as_mut(), &mut desk, message)?;
            if desk.is_laden() {
                entity.deliver(&mut desk)?;
            }
        }
        self.life = Life::Serving { entity, desk };
        if self.args.entity != EntityId::Home {
            look_idle_later(context);
        }
        Ok(())
    }
}

fn look_idle_later<M: Send + 'static>(context: &Context<EntityMsg<M>>) {
    context.after(context.node.settings.idle_after, || EntityMsg::LookIdle);
}

fn serve<E: Entity>(
    entity: &mut E,
    desk: &mut Desk,
    message: EntityMsg<E::Message>,
) -> Result<(), Fault> {
    match message {
        EntityMsg::Own(message) => {
            desk.idle = false;
            entity.handle(message, desk)?;
        }
        EntityMsg::Wake => {
            desk.wake = None;
            entity.woken(desk)?;
        }
        EntityMsg::Repeat => {
            desk.repeat_asked = false;
            desk.asked.forget();
            if entity.repeat(desk)? {
                desk.expect_answers();
            }
        }
        EntityMsg::Lost(fallen) => entity.send_again_to(fallen, desk)?,
        // Asked of an earlier incarnation.
        EntityMsg::Retire => desk.tell_directory(DirectoryMsg::Stays(desk.id)),
        EntityMsg::LookIdle => {}
        EntityMsg::Recovered(_) | EntityMsg::Retired(_) => {
            return Err(Fault::new("recovered twice, or retired and not gone"));
        }
    }
    Ok(())
}

/// Everything that a batch of messages led to goes out.
fn settle<E: Entity>(entity: &mut E, desk: &mut Desk) -> Result<(), Fault> {
    entity.deliver(desk)?;
    desk.tell_wake(entity.wake());
    desk.snapshot(entity.state())
}

fn tell_directory<M: Send + 'static>(
    context: &Context<M>,
    partition: PartitionId,
    message: DirectoryMsg,
) {
    if let Some(directory) = context.node.registry.find(Address::Directory(partition)) {
        // A directory that is gone takes this entity with it (rest for one).
        let _ = directory.send(message);
    }
}
