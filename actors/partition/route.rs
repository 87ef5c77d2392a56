//! How a message finds an entity: straight into its mailbox when it runs, through the directory when not.
//!
//! The directory starts what sleeps and holds its mail meanwhile. Messages between entities may be lost
//! with a mailbox, or let go at its bound (`bounds`); the links repeat them (`domain::link`).
//!
//! Mail on its way through the directory must not be overtaken by what the same sender sends straight
//! afterwards, when the entity is up: a sender keeps a [`Detour`] for each entity, its mail carries clones
//! of it, and while any is alive everything takes the same way.

use super::bounds::{DIRECTORY_MAX, REQUESTS_MAX};
use crate::account::AccountMsg;
use crate::directory::DirectoryMsg;
use crate::entity::{Desk, EntityMsg};
use crate::football::FootballMsg;
use crate::home::HomeMsg;
use crate::mailbox::{Mailbox, Undelivered};
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
    Football(FootballMsg),
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

    /// With how many messages waiting it is not let in any more.
    fn bound(&self) -> usize;

    /// It goes nowhere: whoever waits for it to be taken is told. `by` is the incarnation that it would have
    /// gone to, or [`THROUGH_DIRECTORY`].
    fn let_go(self, node: &Node, by: u64);
}

/// In place of an incarnation: whichever the directory finds or starts.
pub const THROUGH_DIRECTORY: u64 = 0;

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
        if !self.detours.is_empty()
            && let Some(detour) = self.detours.get(&to)
        {
            if detour.is_taken() {
                return deliver_by(detour, node, partition, to, message);
            }
            self.detours.remove(&to);
        }
        let bound = message.bound();
        let post = |way: &Mailbox<EntityMsg<M>>, mail| match wake {
            true => way.try_send(mail, bound),
            false => way.try_leave(mail, bound),
        };
        let mut mail = EntityMsg::Own(message);
        if let Some(way) = self.known.get(&to) {
            match post(way, mail) {
                Ok(()) => return,
                Err(Undelivered::Overloaded(mail)) => return let_go(mail, node, way.incarnation()),
                Err(Undelivered::Gone(returned)) => mail = returned,
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
                Err(Undelivered::Overloaded(mail)) => return let_go(mail, node, way.incarnation()),
                Err(Undelivered::Gone(returned)) => mail = returned,
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

    /// So much waits for the entity already that nothing new should be begun with it.
    pub fn is_overloaded(&self, to: EntityId) -> bool {
        self.known.get(&to).is_some_and(|way| way.depth() >= REQUESTS_MAX)
    }
}

pub(crate) fn let_go<M: Routed>(mail: EntityMsg<M>, node: &Node, by: u64) {
    if let EntityMsg::Own(message) = mail {
        message.let_go(node, by);
    }
}

/// Through the directory, which starts what sleeps. When there is no directory the partition is going
/// down; then, and when too much waits for it, the message is let go.
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
    let deliver = DirectoryMsg::Deliver { to, mail };
    let returned = match node.registry.find::<DirectoryMsg>(Address::Directory(partition)) {
        Some(directory) => match directory.try_send(deliver, DIRECTORY_MAX) {
            Ok(()) => return,
            Err(Undelivered::Gone(returned) | Undelivered::Overloaded(returned)) => returned,
        },
        None => deliver,
    };
    if let DirectoryMsg::Deliver { mail, .. } = returned {
        mail.message.let_go(node, THROUGH_DIRECTORY);
    }
}
