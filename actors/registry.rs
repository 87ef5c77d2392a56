//! Who lives where in this process: addresses to mailboxes, the one thing that actors share.
//!
//! An actor registers as it starts and leaves the registry as its state is dropped, however it died. A
//! successor may have registered meanwhile, so an entry is only removed by the incarnation that made it.
//! What is found may be gone a moment later: every send says so.

use crate::gauge::{Gauge, Load};
use crate::last_words;
use crate::mailbox::{Control, Mailbox};
use domain::football::almanac::{CompetitionNo, FixtureId};
use domain::ids::{AccountId, EntityId, EventId, PartitionId, SessionId};
use ractor::ActorCell;
use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

/// The identity of an actor, the same for all its incarnations. Printed, it is the actor's id in the
/// supervision tree: URL-safe, without `/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Address {
    Journal(PartitionId),
    Directory(PartitionId),
    Publisher(PartitionId),
    Board(PartitionId),
    Entity(PartitionId, EntityId),
    Catalogue,
    Mail,
    Tracer,
    Session(SessionId),
    /// A stream connection.
    Stream(u64),
    /// A recorded market being played.
    Replay(u32),
    /// A market maker.
    Maker(u32),
    /// Who quotes an event for a market maker.
    Quoter(u32, EventId),
    /// A demo trader.
    Trader(u32),
    /// Who tells of a demo's matches.
    Stadium(u32),
    /// The ratings of a competition.
    Ratings(CompetitionNo),
    /// The prices of a match.
    Fixture(FixtureId),
    /// The port of a model of somebody's own, by its place in the settings.
    Port(u16),
    /// What fetches from a provider of football, by its place in the settings.
    Pull(u16),
    /// A listener, by its name.
    Door(&'static str),
}

/// Names of listeners.
const DOORS: [&str; 4] = ["http", "admin", "stream", "stream-plain"];

impl Address {
    /// The address that is printed so, of anybody but an entity.
    fn of_worker(id: &str) -> Option<Address> {
        match id {
            "catalogue" => return Some(Address::Catalogue),
            "mail" => return Some(Address::Mail),
            "tracer" => return Some(Address::Tracer),
            _ => {}
        }
        let (word, rest) = id.split_once('-')?;
        let partition = || rest.parse().ok().map(PartitionId);
        match word {
            "journal" => partition().map(Address::Journal),
            "directory" => partition().map(Address::Directory),
            "publisher" => partition().map(Address::Publisher),
            "board" => partition().map(Address::Board),
            "session" => {
                let number = u64::from_str_radix(rest, 16).ok()?;
                Some(Address::Session(SessionId(number)))
            }
            "stream" => rest.parse().ok().map(Address::Stream),
            "replay" => rest.parse().ok().map(Address::Replay),
            "maker" => rest.parse().ok().map(Address::Maker),
            "quoter" => {
                let (maker, event) = rest.split_once('-')?;
                Some(Address::Quoter(maker.parse().ok()?, event.parse().ok().map(EventId)?))
            }
            "trader" => rest.parse().ok().map(Address::Trader),
            "stadium" => rest.parse().ok().map(Address::Stadium),
            "ratings" => rest.parse().ok().map(|n| Address::Ratings(CompetitionNo(n))),
            "fixture" => rest.parse().ok().map(|n| Address::Fixture(FixtureId(n))),
            "port" => rest.parse().ok().map(Address::Port),
            "pull" => rest.parse().ok().map(Address::Pull),
            "door" => DOORS.iter().find(|name| **name == rest).map(|name| Address::Door(name)),
            _ => None,
        }
    }

    /// The kind of actor that lives there.
    pub fn kind(&self) -> &'static str {
        match self {
            Address::Journal(_) => "journal",
            Address::Directory(_) => "directory",
            Address::Publisher(_) => "publisher",
            Address::Board(_) => "board",
            Address::Entity(_, EntityId::Home) => "home",
            Address::Entity(_, EntityId::Account(_)) => "account",
            Address::Entity(_, EntityId::Market(_)) => "market",
            Address::Entity(_, EntityId::Football) => "football",
            Address::Catalogue => "catalogue",
            Address::Mail => "mail",
            Address::Tracer => "tracer",
            Address::Session(_) | Address::Stream(_) => "session",
            Address::Replay(_) => "replay",
            Address::Maker(_) => "maker",
            Address::Quoter(..) => "quoter",
            Address::Trader(_) => "trader",
            Address::Stadium(_) => "stadium",
            Address::Ratings(_) => "ratings",
            Address::Fixture(_) => "fixture",
            Address::Port(_) => "port",
            Address::Pull(_) => "pull",
            Address::Door(_) => "door",
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Journal(partition) => write!(out, "journal-{partition}"),
            Address::Directory(partition) => write!(out, "directory-{partition}"),
            Address::Publisher(partition) => write!(out, "publisher-{partition}"),
            Address::Board(partition) => write!(out, "board-{partition}"),
            Address::Entity(_, entity) => entity.fmt(out),
            Address::Catalogue => write!(out, "catalogue"),
            Address::Mail => write!(out, "mail"),
            Address::Tracer => write!(out, "tracer"),
            Address::Session(session) => write!(out, "session-{:016x}", session.0),
            Address::Stream(connection) => write!(out, "stream-{connection}"),
            Address::Replay(n) => write!(out, "replay-{n}"),
            Address::Maker(n) => write!(out, "maker-{n}"),
            Address::Quoter(maker, event) => write!(out, "quoter-{maker}-{event}"),
            Address::Trader(n) => write!(out, "trader-{n}"),
            Address::Stadium(n) => write!(out, "stadium-{n}"),
            Address::Ratings(competition) => write!(out, "ratings-{competition}"),
            Address::Fixture(fixture) => write!(out, "fixture-{fixture}"),
            Address::Port(n) => write!(out, "port-{n}"),
            Address::Pull(n) => write!(out, "pull-{n}"),
            Address::Door(name) => write!(out, "door-{name}"),
        }
    }
}

#[derive(Debug, Default)]
pub struct Registry {
    residents: RwLock<Residents>,
}

#[derive(Debug, Default)]
struct Residents {
    entries: HashMap<Address, Entry>,
    /// Who waits for somebody to register there, for as long as they wait.
    awaited: HashMap<Address, Vec<oneshot::Sender<()>>>,
    /// Who wants to hear of every incarnation that registers there.
    watchers: HashMap<Address, Vec<Watcher>>,
}

/// Tells one actor that another has come up; false when it is gone itself.
struct Watcher {
    tell: Box<dyn Fn() -> bool + Send + Sync>,
    is_there: Box<dyn Fn() -> bool + Send + Sync>,
}

impl fmt::Debug for Watcher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Watcher")
    }
}

struct Entry {
    mailbox: Box<dyn Any + Send + Sync>,
    incarnation: u64,
    gauge: Arc<Gauge>,
    control: Arc<dyn Fn(Control) -> bool + Send + Sync>,
    cell: ActorCell,
}

/// How an operator may end an actor from outside; its supervisor does the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// At once; a handler that runs is not waited for.
    Kill,
    /// After the message in hand; the mailbox is dropped.
    Stop,
    /// After every message that waits.
    Drain,
}

impl fmt::Debug for Entry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Entry({})", self.incarnation)
    }
}

/// Held in an actor's state: dropping it takes the actor out of the registry.
#[derive(Debug)]
pub(crate) struct Registration {
    registry: Arc<Registry>,
    address: Address,
    incarnation: u64,
}

impl Drop for Registration {
    fn drop(&mut self) {
        let entries = &mut self.registry.write().entries;
        if entries.get(&self.address).is_some_and(|entry| entry.incarnation == self.incarnation) {
            entries.remove(&self.address);
        }
    }
}

impl Registry {
    pub(crate) fn register<M: Send + 'static>(
        self: &Arc<Self>,
        address: Address,
        mailbox: &Mailbox<M>,
    ) -> Registration {
        let incarnation = mailbox.incarnation();
        let way = mailbox.clone();
        let entry = Entry {
            mailbox: Box::new(mailbox.clone()),
            incarnation,
            gauge: mailbox.gauge(),
            control: Arc::new(move |control| way.control(control)),
            cell: mailbox.cell(),
        };
        let mut residents = self.write();
        residents.entries.insert(address, entry);
        for waiting in residents.awaited.remove(&address).unwrap_or_default() {
            // Who waited may have gone.
            let _ = waiting.send(());
        }
        if let Some(watching) = residents.watchers.get_mut(&address) {
            watching.retain(|watcher| (watcher.tell)());
            if watching.is_empty() {
                residents.watchers.remove(&address);
            }
        }
        drop(residents);
        Registration { registry: self.clone(), address, incarnation }
    }

    /// The present incarnation's mailbox. `None` when there is none, or when it speaks other messages.
    pub fn find<M: Send + 'static>(&self, address: Address) -> Option<Mailbox<M>> {
        self.read().find(address)
    }

    /// The mailbox of who lives there, or of the next one to register within so long. `gone` is an
    /// incarnation that is known to be no more, though it may not have left the registry yet.
    pub async fn arrival<M: Send + 'static>(
        &self,
        address: Address,
        gone: Option<u64>,
        within: Duration,
    ) -> Option<Mailbox<M>> {
        let deadline = Instant::now() + within;
        loop {
            let told = match self.find_or_wait(address, gone) {
                Ok(way) => return Some(way),
                Err(told) => told,
            };
            let _waiting = Waiting { registry: self, address };
            timeout_at(deadline, told).await.ok()?.ok()?;
        }
    }

    /// Sends `word` to the actor whenever a new incarnation comes up at the address, as long as it lives
    /// itself: what it sent to the last one may be lost.
    pub fn watch<M: Send + 'static>(&self, address: Address, who: Mailbox<M>, word: fn() -> M) {
        let there = who.clone();
        let watcher = Watcher {
            tell: Box::new(move || who.send(word()).is_ok()),
            is_there: Box::new(move || there.is_open()),
        };
        let mut residents = self.write();
        let watching = residents.watchers.entry(address).or_default();
        watching.retain(|watcher| (watcher.is_there)());
        watching.push(watcher);
    }

    /// How many addresses somebody waits at.
    pub fn awaited(&self) -> usize {
        self.read().awaited.len()
    }

    fn find_or_wait<M: Send + 'static>(
        &self,
        address: Address,
        gone: Option<u64>,
    ) -> Result<Mailbox<M>, oneshot::Receiver<()>> {
        let is_new = |way: &Mailbox<M>| Some(way.incarnation()) != gone;
        if let Some(way) = self.find(address).filter(is_new) {
            return Ok(way);
        }
        let mut residents = self.write();
        // It may have registered in between.
        if let Some(way) = residents.find(address).filter(is_new) {
            return Ok(way);
        }
        let (tell, told) = oneshot::channel();
        residents.awaited.entry(address).or_default().push(tell);
        Err(told)
    }

    fn read(&self) -> RwLockReadGuard<'_, Residents> {
        self.residents.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Residents> {
        self.residents.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends what every actor understands. False when nobody is there.
    pub fn control(&self, address: Address, control: Control) -> bool {
        let send = {
            let residents = self.read();
            residents.entries.get(&address).map(|entry| entry.control.clone())
        };
        send.is_some_and(|send| send(control))
    }

    /// Ends an actor. False when nobody is there.
    pub fn end(&self, address: Address, ending: Ending, reason: &str) -> bool {
        let found = {
            let residents = self.read();
            let entry = residents.entries.get(&address);
            entry.map(|entry| (entry.cell.clone(), entry.gauge.clone()))
        };
        let Some((cell, gauge)) = found else { return false };
        match ending {
            Ending::Kill => {
                last_words::leave(cell.get_id().pid(), &gauge);
                cell.kill();
            }
            Ending::Stop => cell.stop(Some(reason.to_owned())),
            // One that ends meanwhile is drained.
            Ending::Drain => drop(cell.drain()),
        }
        true
    }

    /// Everybody's mailbox and handler in figures, in order of address.
    pub fn loads(&self) -> Vec<(Address, Load)> {
        let residents = self.read();
        let mut loads: Vec<_> = residents
            .entries
            .iter()
            .map(|(address, entry)| (*address, entry.gauge.load()))
            .collect();
        loads.sort_by_key(|(address, _)| *address);
        loads
    }

    /// Everybody's gauge, in no order.
    pub fn gauges(&self) -> Vec<(Address, Arc<Gauge>)> {
        let residents = self.read();
        residents.entries.iter().map(|(address, entry)| (*address, entry.gauge.clone())).collect()
    }

    /// The gauge of who lives there.
    pub fn gauge(&self, address: Address) -> Option<Arc<Gauge>> {
        self.read().entries.get(&address).map(|entry| entry.gauge.clone())
    }

    pub fn count(&self) -> usize {
        self.read().entries.len()
    }

    /// The accounts of a partition that are awake, in order.
    pub fn accounts(&self, partition: PartitionId) -> Vec<AccountId> {
        let account = |address: &Address| match address {
            Address::Entity(of, EntityId::Account(account)) if *of == partition => Some(*account),
            _ => None,
        };
        let mut accounts: Vec<_> = self.read().entries.keys().filter_map(account).collect();
        accounts.sort_unstable();
        accounts
    }

    /// The address whose printed form is `id`, if somebody lives there.
    pub fn address_of(&self, id: &str) -> Option<Address> {
        let residents = self.read();
        if let Ok(entity) = id.parse::<EntityId>() {
            // A node alone runs one partition; where there are more, an entity lives in one of them.
            let home = Address::Entity(PartitionId(0), entity);
            let is_it =
                |address: &&Address| matches!(address, Address::Entity(_, it) if *it == entity);
            let is_here = residents.entries.contains_key(&home);
            let elsewhere = || residents.entries.keys().find(is_it).copied();
            return if is_here { Some(home) } else { elsewhere() };
        }
        let address = Address::of_worker(id)?;
        residents.entries.contains_key(&address).then_some(address)
    }
}

impl Residents {
    fn find<M: Send + 'static>(&self, address: Address) -> Option<Mailbox<M>> {
        self.entries.get(&address)?.mailbox.downcast_ref::<Mailbox<M>>().cloned()
    }
}

/// Takes those out again who have stopped waiting at an address.
struct Waiting<'a> {
    registry: &'a Registry,
    address: Address,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let awaited = &mut self.registry.write().awaited;
        if let Some(waiting) = awaited.get_mut(&self.address) {
            waiting.retain(|told| !told.is_closed());
            if waiting.is_empty() {
                awaited.remove(&self.address);
            }
        }
    }
}
