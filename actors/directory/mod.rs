//! A partition's directory: finds, starts, wakes and retires entities.
//!
//! Owns     who of this partition runs, and who has fallen and come back, the mail of those who do not yet, and who wants to be woken when.
//! Started  by `partition-N`, behind the journal and before every entity.
//! Asks     the nursery to start and stop entities; the journal's fold for moments journaled long ago.
//! Crash    takes the entities with it (rest for one); all is read again from the log.
//! Bounds   `HELD_MAX` messages for each entity that is starting or retiring and `HELD_IN_ALL_MAX` for all of them; an
//!          entity's mailbox as `partition` says. More are let go: requests are refused as busy, the links of
//!          entities repeat the rest.

use crate::entity::EntityMsg;
use crate::mailbox::{Mailbox, Undelivered};
use crate::node::{Child, Node};
use crate::partition::{EntityMessage, Mail, Partition, Routed, THROUGH_DIRECTORY};
use crate::registry::Address;
use crate::shell::{Behaviour, Context, Fault, Named};
use domain::ids::{EntityId, PartitionId};
use domain::time::UtcMillis;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "mail is most of what comes, and a box would be made for each"
)]
pub enum DirectoryMsg {
    /// Mail for an entity that its sender did not find.
    Deliver {
        to: EntityId,
        mail: Mail,
    },
    /// The entity takes mail from now on.
    Up(EntityId),
    /// `None` takes a wish back.
    WakeAt {
        entity: EntityId,
        at: Option<UtcMillis>,
    },
    /// The entity left something open with others.
    RepeatLater(EntityId),
    /// The entity is idle and at rest, and asks to be stopped until somebody writes to it.
    MayRetire(EntityId),
    /// It does not retire after all: mail came meanwhile.
    Stays(EntityId),
    /// Its mailbox is closed and empty, and what it handed over is durable.
    Retired(EntityId),
    /// Its supervisor has let it go, or could not.
    Stopped {
        entity: EntityId,
        gone: bool,
    },
    /// What the log says of moments to come, read at start.
    Moments(Vec<(EntityId, UtcMillis)>),
    Tick,
    /// Answered when every moment that was overdue at start has been told.
    WhenReady(tokio::sync::oneshot::Sender<()>),
}

impl Named for DirectoryMsg {
    fn name(&self) -> &'static str {
        match self {
            DirectoryMsg::Deliver { .. } => "deliver",
            DirectoryMsg::Up(_) => "up",
            DirectoryMsg::WakeAt { .. } => "wake at",
            DirectoryMsg::RepeatLater(_) => "repeat later",
            DirectoryMsg::MayRetire(_) => "may retire",
            DirectoryMsg::Stays(_) => "stays",
            DirectoryMsg::Retired(_) => "retired",
            DirectoryMsg::Stopped { .. } => "stopped",
            DirectoryMsg::Moments(_) => "moments",
            DirectoryMsg::Tick => "tick",
            DirectoryMsg::WhenReady(_) => "when ready",
        }
    }
}

/// How exact a moment is kept.
const TICK: Duration = Duration::from_millis(10);
/// After so many ticks, entities that left something open are asked to repeat it, and starts are asked for
/// again.
const TICKS_TO_REPEAT: u64 = 25;
const HELD_MAX: usize = 4_096;
const HELD_IN_ALL_MAX: usize = 262_144;

pub struct Directory {
    partition: Arc<Partition>,
    /// Mail of entities that are being started or may be leaving.
    held: HashMap<EntityId, VecDeque<Mail>>,
    /// Who came up and did not leave: who comes up again has fallen, with the mail that it had.
    awake: HashSet<EntityId>,
    held_in_all: usize,
    let_go: u64,
    /// Entities that were let retire, until they are gone, stay, or are up again.
    leaving: HashMap<EntityId, Leaving>,
    moments: BTreeSet<(UtcMillis, EntityId)>,
    moment_of: BTreeMap<EntityId, UtcMillis>,
    /// Entities to ask to repeat, by the tick at which.
    repeats: VecDeque<(u64, EntityId)>,
    ticks: u64,
    moments_read: bool,
    ready: Vec<tokio::sync::oneshot::Sender<()>>,
}

/// How far an entity is on its way out.
#[derive(Default)]
struct Leaving {
    /// Its supervisor could not stop it: it is asked again.
    stop_again: bool,
    /// Its moment came too late for it: it is started again.
    wanted: bool,
}

impl Behaviour for Directory {
    type Args = PartitionId;
    type Message = DirectoryMsg;
    const KIND: &'static str = "directory";

    fn address(partition: &PartitionId) -> Address {
        Address::Directory(*partition)
    }

    fn start(partition: PartitionId, context: &Context<DirectoryMsg>) -> Result<Self, Fault> {
        let partition = context.node.opened(partition)?;
        Ok(Directory {
            partition,
            held: HashMap::new(),
            awake: HashSet::new(),
            held_in_all: 0,
            let_go: 0,
            leaving: HashMap::new(),
            moments: BTreeSet::new(),
            moment_of: BTreeMap::new(),
            repeats: VecDeque::new(),
            ticks: 0,
            moments_read: false,
            ready: Vec::new(),
        })
    }

    fn started(&mut self, context: &mut Context<DirectoryMsg>) -> Result<(), Fault> {
        let me = context.me.clone();
        self.partition
            .log
            .query(move |fold, _| {
                let _ = me.send(DirectoryMsg::Moments(fold.wakes().collect()));
            })
            .map_err(|gone| Fault::new(gone.to_string()))?;
        context.every(TICK, || DirectoryMsg::Tick);
        Ok(())
    }

    fn handle(
        &mut self,
        message: DirectoryMsg,
        context: &mut Context<DirectoryMsg>,
    ) -> Result<(), Fault> {
        match message {
            DirectoryMsg::Deliver { to, mail } => self.deliver(to, mail, context),
            DirectoryMsg::Up(entity) => self.up(entity, context),
            DirectoryMsg::WakeAt { entity, at } => self.wake_at(entity, at),
            DirectoryMsg::RepeatLater(entity) => {
                self.repeats.push_back((self.ticks + TICKS_TO_REPEAT, entity));
            }
            DirectoryMsg::MayRetire(entity) => self.let_retire(entity, context),
            DirectoryMsg::Stays(entity) => {
                self.leaving.remove(&entity);
                self.pass_held(entity, context);
            }
            DirectoryMsg::Retired(entity) => self.stop(entity, context),
            DirectoryMsg::Stopped { entity, gone } => self.stopped(entity, gone, context),
            DirectoryMsg::Moments(moments) => self.read_moments(moments, context),
            DirectoryMsg::Tick => self.tick(context),
            DirectoryMsg::WhenReady(reply) => {
                self.ready.push(reply);
                self.tell_ready();
            }
        }
        Ok(())
    }

    fn observe(&self) -> serde_json::Value {
        json!({
            "starting": self.held.len(),
            "held": self.held_in_all,
            "letGo": self.let_go,
            "leaving": self.leaving.len(),
            "moments": self.moments.len(),
            "toRepeat": self.repeats.len(),
            "backlog": self.partition.log.backlog(),
            "released": self.partition.log.released().get(),
            "writable": self.partition.log.writable(),
        })
    }
}

impl Directory {
    fn deliver(&mut self, to: EntityId, mail: Mail, context: &Context<DirectoryMsg>) {
        // What came first goes first: while mail is held, new mail waits behind it, though the entity may
        // be there already.
        let coming = self.held.contains_key(&to) || self.leaving.contains_key(&to);
        let mail = match if coming { Err(mail) } else { self.put(to, mail, context) } {
            Ok(()) => return,
            Err(mail) => mail,
        };
        let held = self.held.entry(to).or_default();
        if held.len() < HELD_MAX && self.held_in_all < HELD_IN_ALL_MAX {
            held.push_back(mail);
            self.held_in_all += 1;
        } else {
            self.let_go += 1;
            mail.message.let_go(&context.node, THROUGH_DIRECTORY);
        }
        if !coming {
            self.start_entity(to, context);
        }
    }

    fn up(&mut self, entity: EntityId, context: &Context<DirectoryMsg>) {
        self.leaving.remove(&entity);
        if !self.awake.insert(entity) {
            self.tell_lost(entity, context);
        }
        self.pass_held(entity, context);
    }

    /// Those who wait for answers may wait for one of this entity's: what it did not read is sent again at once.
    fn tell_lost(&self, fallen: EntityId, context: &Context<DirectoryMsg>) {
        let waiting: BTreeSet<EntityId> = self.repeats.iter().map(|(_, entity)| *entity).collect();
        for entity in waiting.into_iter().filter(|entity| *entity != fallen) {
            // One that is not there either begins with what is open.
            self.send(entity, EntityControl::Lost(fallen), context);
        }
    }

    fn pass_held(&mut self, entity: EntityId, context: &Context<DirectoryMsg>) {
        let Some(mut held) = self.held.remove(&entity) else { return };
        while let Some(mail) = held.pop_front() {
            self.held_in_all -= 1;
            if let Err(mail) = self.put(entity, mail, context) {
                self.held_in_all += 1;
                // Gone again already: it comes up once more.
                held.push_front(mail);
                self.held.insert(entity, held);
                return self.start_entity(entity, context);
            }
        }
    }

    fn start_entity(&self, entity: EntityId, context: &Context<DirectoryMsg>) {
        context.node.nursery().start(Child::Entity(self.partition.id, entity));
    }

    /// From here on its mail is held, until it stays or is gone.
    fn let_retire(&mut self, entity: EntityId, context: &Context<DirectoryMsg>) {
        if !self.held.contains_key(&entity) && self.send(entity, EntityControl::Retire, context) {
            self.leaving.insert(entity, Leaving::default());
        }
    }

    fn stop(&mut self, entity: EntityId, context: &Context<DirectoryMsg>) {
        self.leaving.entry(entity).or_default().stop_again = false;
        let me = context.me.clone();
        let then = move |gone| drop(me.send(DirectoryMsg::Stopped { entity, gone }));
        context.node.nursery().stop_then(Child::Entity(self.partition.id, entity), Box::new(then));
    }

    fn stopped(&mut self, entity: EntityId, gone: bool, context: &Context<DirectoryMsg>) {
        let wanted = match self.leaving.get_mut(&entity) {
            Some(leaving) if !gone => {
                leaving.stop_again = true;
                return;
            }
            Some(leaving) => leaving.wanted,
            // It died while it was leaving and was up again when the stop reached it.
            None => gone,
        };
        self.leaving.remove(&entity);
        if gone {
            self.awake.remove(&entity);
        }
        if wanted || self.held.contains_key(&entity) {
            self.start_entity(entity, context);
        }
    }

    /// Back when nobody is there; at the bound of who is, it is let go.
    #[allow(clippy::result_large_err, reason = "mail that was not taken goes back whole")]
    fn put(&self, to: EntityId, mail: Mail, context: &Context<DirectoryMsg>) -> Result<(), Mail> {
        let address = Address::Entity(self.partition.id, to);
        fn send<M: Routed>(
            way: Option<Mailbox<EntityMsg<M>>>,
            message: M,
            node: &Node,
        ) -> Result<(), M> {
            let Some(way) = way else { return Err(message) };
            let bound = message.bound();
            match way.try_send(EntityMsg::Own(message), bound) {
                Ok(()) => Ok(()),
                Err(Undelivered::Overloaded(EntityMsg::Own(message))) => {
                    message.let_go(node, THROUGH_DIRECTORY);
                    Ok(())
                }
                Err(Undelivered::Gone(EntityMsg::Own(message))) => Err(message),
                Err(_) => unreachable!("what was sent is what comes back"),
            }
        }
        let (node, registry) = (context.node.as_ref(), &context.node.registry);
        let Mail { message, detour } = mail;
        let put = match message {
            EntityMessage::Home(message) => {
                send(registry.find(address), message, node).map_err(EntityMessage::Home)
            }
            EntityMessage::Football(message) => {
                send(registry.find(address), message, node).map_err(EntityMessage::Football)
            }
            EntityMessage::Account(message) => {
                send(registry.find(address), message, node).map_err(EntityMessage::Account)
            }
            EntityMessage::Market(message) => {
                send(registry.find(address), message, node).map_err(EntityMessage::Market)
            }
        };
        put.map_err(|message| Mail { message, detour })
    }

    fn wake_at(&mut self, entity: EntityId, at: Option<UtcMillis>) {
        if let Some(before) = self.moment_of.remove(&entity) {
            self.moments.remove(&(before, entity));
        }
        if let Some(at) = at {
            self.moments.insert((at, entity));
            self.moment_of.insert(entity, at);
        }
    }

    /// An entity that has come up meanwhile knows better than the log did.
    fn read_moments(
        &mut self,
        moments: Vec<(EntityId, UtcMillis)>,
        context: &Context<DirectoryMsg>,
    ) {
        for (entity, at) in moments {
            if !self.moment_of.contains_key(&entity) {
                self.wake_at(entity, Some(at));
            }
        }
        self.moments_read = true;
        self.wake_due(context);
        self.tell_ready();
    }

    fn tick(&mut self, context: &Context<DirectoryMsg>) {
        self.ticks += 1;
        self.wake_due(context);
        if self.ticks.is_multiple_of(TICKS_TO_REPEAT) {
            // A start may have failed, or its supervisor may have been restarted meanwhile.
            let wanted = self.leaving.iter().filter(|(_, leaving)| leaving.wanted);
            for entity in self.held.keys().chain(wanted.map(|(entity, _)| entity)) {
                self.start_entity(*entity, context);
            }
            let stuck = self.leaving.iter().filter(|(_, leaving)| leaving.stop_again);
            for entity in stuck.map(|(entity, _)| *entity).collect::<Vec<_>>() {
                self.stop(entity, context);
            }
        }
        while self.repeats.front().is_some_and(|(tick, _)| *tick <= self.ticks) {
            if let Some((_, entity)) = self.repeats.pop_front() {
                self.control(entity, EntityControl::Repeat, context);
            }
        }
    }

    fn wake_due(&mut self, context: &Context<DirectoryMsg>) {
        let Some(now) = self.partition.now() else { return };
        while self.moments.first().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, entity)) = self.moments.pop_first() {
                self.moment_of.remove(&entity);
                self.control(entity, EntityControl::Wake, context);
            }
        }
    }

    /// Wakes (starting it if it sleeps: recovery itself tells the moment again) or asks to repeat.
    fn control(
        &mut self,
        entity: EntityId,
        control: EntityControl,
        context: &Context<DirectoryMsg>,
    ) {
        if self.send(entity, control, context) {
            return;
        }
        match self.leaving.get_mut(&entity) {
            Some(leaving) => leaving.wanted = true,
            None => self.start_entity(entity, context),
        }
    }

    /// False when it is not there, or takes no mail any more.
    fn send(
        &self,
        entity: EntityId,
        control: EntityControl,
        context: &Context<DirectoryMsg>,
    ) -> bool {
        let address = Address::Entity(self.partition.id, entity);
        let registry = &context.node.registry;
        match entity {
            EntityId::Home => {
                control.send(registry.find::<EntityMsg<crate::home::HomeMsg>>(address))
            }
            EntityId::Football => {
                control.send(registry.find::<EntityMsg<crate::football::FootballMsg>>(address))
            }
            EntityId::Account(_) => {
                control.send(registry.find::<EntityMsg<crate::account::AccountMsg>>(address))
            }
            EntityId::Market(_) => {
                control.send(registry.find::<EntityMsg<crate::market::MarketMsg>>(address))
            }
        }
    }

    fn tell_ready(&mut self) {
        if self.moments_read {
            for reply in self.ready.drain(..) {
                let _ = reply.send(());
            }
        }
    }
}

#[derive(Clone, Copy)]
enum EntityControl {
    Wake,
    Repeat,
    Lost(EntityId),
    Retire,
}

impl EntityControl {
    fn send<M: Named + Send + 'static>(self, way: Option<Mailbox<EntityMsg<M>>>) -> bool {
        way.is_some_and(|way| {
            way.send(match self {
                EntityControl::Wake => EntityMsg::Wake,
                EntityControl::Repeat => EntityMsg::Repeat,
                EntityControl::Lost(fallen) => EntityMsg::Lost(fallen),
                EntityControl::Retire => EntityMsg::Retire,
            })
            .is_ok()
        })
    }
}
