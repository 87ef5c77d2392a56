//! How a message finds an entity: straight into its mailbox when it runs, through the directory when not.
//!
//! The directory starts what sleeps and holds its mail meanwhile. Messages between entities may be lost
//! with a mailbox; the links repeat them (`domain::link`).

use crate::account::AccountMsg;
use crate::directory::DirectoryMsg;
use crate::entity::EntityMsg;
use crate::home::HomeMsg;
use crate::mailbox::Mailbox;
use crate::market::MarketMsg;
use crate::node::Node;
use crate::registry::Address;
use crate::shell::Named;
use domain::ids::{EntityId, PartitionId};
use std::collections::HashMap;

/// A message to an entity of any kind, as the directory holds it.
#[derive(Debug)]
pub enum EntityMessage {
    Home(HomeMsg),
    Account(AccountMsg),
    Market(MarketMsg),
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

/// A sender's ways to entities of one kind, kept while they lead somewhere.
#[derive(Debug)]
pub struct Routes<M> {
    known: HashMap<EntityId, Mailbox<EntityMsg<M>>>,
}

impl<M> Default for Routes<M> {
    fn default() -> Self {
        Routes { known: HashMap::new() }
    }
}

/// Ways kept at most; then all are looked up again.
const KNOWN_MAX: usize = 4_096;

impl<M: Routed> Routes<M> {
    pub fn send(&mut self, node: &Node, partition: PartitionId, to: EntityId, message: M) {
        let mut mail = EntityMsg::Own(message);
        if let Some(way) = self.known.get(&to) {
            match way.send(mail) {
                Ok(()) => return,
                Err(returned) => mail = returned,
            }
            self.known.remove(&to);
        }
        if let Some(way) = node.registry.find::<EntityMsg<M>>(Address::Entity(partition, to)) {
            match way.send(mail) {
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
            deliver(node, partition, to, message);
        }
    }
}

/// Through the directory, which starts what sleeps. When there is no directory the partition is going
/// down, and the links repeat what they sent.
pub fn deliver(node: &Node, partition: PartitionId, to: EntityId, message: impl Routed) {
    let message = message.into_message();
    if let Some(directory) = node.registry.find::<DirectoryMsg>(Address::Directory(partition)) {
        let _ = directory.send(DirectoryMsg::Deliver { to, message });
    }
}
