//! How a message finds an entity: straight into its mailbox when it runs, through the directory when not.
//!
//! The directory starts what sleeps and holds its mail meanwhile. Messages between entities may be lost
//! with a mailbox; the links repeat them (`domain::link`).
//!
//! Mail on its way through the directory must not be overtaken by what the same sender sends straight
//! afterwards, when the entity is up: a sender keeps a [`Detour`] for each entity, its mail carries clones
//! of it, and while any is alive everything takes the same way.

use crate::account::AccountMsg;
use crate::directory::DirectoryMsg;
use crate::entity::{Desk, EntityMsg};
use crate::home::HomeMsg;
use crate::mailbox::Mailbox;
use crate::market::MarketMsg;
use crate::node::Node;
use crate::registry::Address;
use crate::shell::Named;
use domain::ids::{EntityId, PartitionId};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

/// A message to an entity of any kind, as the directory holds it.
#[derive(Debug)]
pub enum EntityMessage {
    Home(HomeMsg),
    Account(AccountMsg),
    Market(MarketMsg),
}

/// A message on its way through the directory.
#[derive(Debug)]
pub struct Mail {
    pub(crate) message: EntityMessage,
    /// Let go of when the message is in the entity's mailbox.
    pub(crate) detour: Detour,
}

/// A message that entities of one kind take.
pub trait Routed: Sized + Named + Send + 'static {
    fn into_message(self) -> EntityMessage;
}

impl Routed for HomeMsg {
    fn into_message(self) -> EntityMessage {
        EntityMessage::Home(self)
    }
}

impl Routed for AccountMsg {
    fn into_message(self) -> EntityMessage {
        EntityMessage::Account(self)
    }
}

impl Routed for MarketMsg {
    fn into_message(self) -> EntityMessage {
        EntityMessage::Market(self)
    }
}

/// One sender's mail to one entity that is on its way through the directory.
#[derive(Debug, Clone, Default)]
pub struct Detour(Arc<()>);

impl Detour {
    /// Some of the mail has not reached the entity's mailbox yet.
    pub fn is_taken(&self) -> bool {
        if Arc::strong_count(&self.0) > 1 {
            return true;
        }
        // What the directory did before it let go of the mail is before what its sender does next.
        fence(Ordering::Acquire);
        false
    }
}

/// A sender's ways to entities of one kind, kept while they lead somewhere.
#[derive(Debug)]
pub struct Routes<M> {
    known: HashMap<EntityId, Mailbox<EntityMsg<M>>>,
    detours: HashMap<EntityId, Detour>,
}

impl<M> Default for Routes<M> {
    fn default() -> Self {
        Routes { known: HashMap::new(), detours: HashMap::new() }
    }
}

/// Ways kept at most; then all are looked up again.
const KNOWN_MAX: usize = 4_096;

impl<M: Routed> Routes<M> {
    /// Whoever sends has handed over what the message rests on.
    pub fn send(&mut self, desk: &Desk, partition: PartitionId, to: EntityId, message: M) {
        debug_assert!(desk.has_handed_over(), "a message ahead of its records");
        self.put(&desk.node, partition, to, message, true);
    }

    /// The same for what nobody waits for: the entity comes upon it when it has other mail.
    pub fn leave(&mut self, desk: &Desk, partition: PartitionId, to: EntityId, message: M) {
        debug_assert!(desk.has_handed_over(), "a message ahead of its records");
        self.put(&desk.node, partition, to, message, false);
    }

    fn put(&mut self, node: &Node, partition: PartitionId, to: EntityId, message: M, wake: bool) {
        let post = |way: &Mailbox<EntityMsg<M>>, mail| match wake {
            true => way.send(mail),
            false => way.leave(mail),
        };
        if !self.detours.is_empty()
            && let Some(detour) = self.detours.get(&to)
        {
            if detour.is_taken() {
                return deliver_by(detour, node, partition, to, message);
            }
            self.detours.remove(&to);
        }
        let mut mail = EntityMsg::Own(message);
        if let Some(way) = self.known.get(&to) {
            match post(way, mail) {
                Ok(()) => return,
                Err(returned) => mail = returned,
            }
            self.known.remove(&to);
        }
        if let Some(way) = node.registry.find::<EntityMsg<M>>(Address::Entity(partition, to)) {
            match post(&way, mail) {
                Ok(()) => {
                    if self.known.len() >= KNOWN_MAX {
                        self.known.clear();
                    }
                    self.known.insert(to, way);
                    return;
                }
                Err(returned) => mail = returned,
            }
        }
        if let EntityMsg::Own(message) = mail {
            if self.detours.len() >= KNOWN_MAX {
                self.detours.retain(|_, detour| detour.is_taken());
            }
            let detour = self.detours.entry(to).or_default();
            deliver_by(detour, node, partition, to, message);
        }
    }
}

/// Through the directory, which starts what sleeps. When there is no directory the partition is going
/// down, and the links repeat what they sent.
pub fn deliver(node: &Node, partition: PartitionId, to: EntityId, message: impl Routed) {
    deliver_by(&Detour::default(), node, partition, to, message);
}

/// The same, in the order of one sender's mail.
pub fn deliver_by(
    detour: &Detour,
    node: &Node,
    partition: PartitionId,
    to: EntityId,
    message: impl Routed,
) {
    let mail = Mail { message: message.into_message(), detour: detour.clone() };
    if let Some(directory) = node.registry.find::<DirectoryMsg>(Address::Directory(partition)) {
        let _ = directory.send(DirectoryMsg::Deliver { to, mail });
    }
}
