//! A whole exchange without actors and disk: entities, the messages between them, and one log.
//!
//! Owns the queues (order is kept for each sender and receiver), the log in the order of hand-over, how much
//! of it is synced, and the effects that wait for the sync. What an entity actor does around its state is in
//! `entities`, clients and home in `client`. Never decides anything that the domain decides.

use super::client::{Client, Home, Released};
use super::entities::{AccountShell, MarketShell};
use super::law::{Check, hold};
use super::mutation::Mutation;
use super::oracle::Oracle;
use crate::harness::Random;
use domain::act::{AccountAct, Act, ActAnswer, MarketAct};
use domain::ids::{AccountId, BetId, EntityId, MarketId, SessionId};
use domain::ledger::{LedgerAccount, postings};
use domain::market::Acknowledgement;
use domain::money::Pence;
use domain::order::OrderCommand;
use domain::partition::PartitionFold;
use domain::record::{Event, MarketEvent, Notice, Record, RequestKey};
use domain::request::{CustomerRequest, Outcome};
use domain::time::UtcMillis;
use std::collections::{BTreeMap, VecDeque};

pub(super) const PLACEMENT_TIMEOUT_MS: i64 = 10_000;
pub(super) const RESUME_SUSPENDED_AFTER_MS: i64 = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sender {
    Entity(EntityId),
    Session(SessionId),
}

#[derive(Debug, Clone)]
pub(super) enum Message {
    Request { key: RequestKey, request: CustomerRequest },
    Notice { market: MarketId, k: u64, notice: Notice },
    SendAgain { market: MarketId, from: u64 },
    AccountAct { n: u64, act: AccountAct },
    Command { account: AccountId, n: u64, attempt: u32, acknowledged: u64, command: OrderCommand },
    Withdraw { account: AccountId, n: u64 },
    Acknowledge(Acknowledgement),
    Resume { account: AccountId, acknowledged: u64 },
    MarketAct { n: u64, act: MarketAct },
    ActAnswered { target: EntityId, n: u64, answer: ActAnswer },
    SendActsAgain { target: EntityId },
}

/// Home is a stand-in, so its records are not those of `domain::home`.
#[derive(Debug, Clone)]
pub(super) enum Entry {
    Record(Box<Record>),
    Asked { target: EntityId, n: u64, act: Act },
    Answered { target: EntityId, n: u64 },
}

/// What leaves the partition, and so waits for the sync.
#[derive(Debug, Clone)]
pub(super) enum Effect {
    Outcome { session: SessionId, n: u64, outcome: Outcome, life: u64 },
    ActAnswer { target: EntityId, n: u64 },
}

pub(super) struct World {
    pub(super) mutation: Option<Mutation>,
    pub(super) now: UtcMillis,
    /// Counts bet ids.
    pub(super) bets: u64,
    pub(super) log: Vec<Entry>,
    /// Where each hand-over ends: the journal writes one whole or not at all.
    ends: Vec<usize>,
    pub(super) synced: usize,
    /// With the length of the log that each rests on.
    pub(super) effects: VecDeque<(usize, Effect)>,
    pub(super) queues: BTreeMap<(EntityId, Sender), VecDeque<Message>>,
    pub(super) accounts: BTreeMap<AccountId, AccountShell>,
    pub(super) markets: BTreeMap<MarketId, MarketShell>,
    pub(super) home: Home,
    pub(super) clients: Vec<Client>,
    pub(super) released: Released,
    pub(super) fold: PartitionFold,
    pub(super) seqs: BTreeMap<EntityId, u64>,
    pub(super) oracle: Oracle,
    /// Encoded states: how long the log was, how many of the entity's records are in it.
    pub(super) snapshots: BTreeMap<EntityId, (usize, Vec<u8>)>,
    pub(super) lives: u64,
    /// Counts orders as customers wish them.
    pub(super) wishes: u64,
    /// What happened, for the report of a broken law; only kept when asked for.
    pub(super) story: Option<Vec<String>>,
}

impl World {
    /// Nothing in it yet.
    pub(super) fn empty(mutation: Option<Mutation>, now: UtcMillis) -> World {
        World {
            mutation,
            now,
            bets: BetId::FIRST_COUNT,
            log: vec![],
            ends: vec![],
            synced: 0,
            effects: VecDeque::new(),
            queues: BTreeMap::new(),
            accounts: BTreeMap::new(),
            markets: BTreeMap::new(),
            home: Home::default(),
            clients: vec![],
            released: Released::default(),
            fold: PartitionFold::default(),
            seqs: BTreeMap::new(),
            oracle: Oracle::default(),
            snapshots: BTreeMap::new(),
            lives: 0,
            wishes: 0,
            story: None,
        }
    }

    pub(super) fn tell(&mut self, line: impl FnOnce() -> String) {
        if let Some(story) = &mut self.story {
            story.push(line());
        }
    }

    // ----------------------------------------------------------------------------------- messages

    pub(super) fn send(&mut self, from: Sender, to: EntityId, mut message: Message) {
        if matches!(message, Message::Acknowledge(_)) && self.lies(Mutation::AcknowledgementDropped)
        {
            return;
        }
        if let (Message::Command { command, .. }, Sender::Entity(from)) = (&mut message, from) {
            self.bend_command(from, to, command);
        }
        self.queues.entry((to, from)).or_default().push_back(message);
    }

    /// Hands the head of one queue, chosen at random, to its entity; says whether there was one.
    pub(super) fn deliver(&mut self, random: &mut Random) -> Check<bool> {
        self.queues.retain(|_, queue| !queue.is_empty());
        if self.queues.is_empty() {
            return Ok(false);
        }
        let at = random.below(self.queues.len() as u64) as usize;
        let (&(to, from), queue) = self.queues.iter_mut().nth(at).expect("counted");
        let message = queue.pop_front().expect("empty queues were dropped");
        self.tell(|| format!("{to} takes {message:?} of {from:?}"));
        match to {
            EntityId::Home => self.home_takes(message)?,
            EntityId::Account(id) => self.account_takes(id, message)?,
            EntityId::Market(id) => self.market_takes(id, message)?,
            EntityId::Football => {}
        }
        Ok(true)
    }

    /// What waits in the mailbox of a dead entity is lost.
    pub(super) fn lose_mail(&mut self, of: EntityId) {
        self.queues.retain(|(to, _), _| *to != of);
    }

    // ------------------------------------------------------------------------------------ the log

    /// Hands over records and what waits for them.
    pub(super) fn hand_over(
        &mut self,
        entity: EntityId,
        seq: &mut u64,
        wake: Option<UtcMillis>,
        events: Vec<Event>,
        effects: Vec<Effect>,
    ) -> Check {
        for mut event in events {
            self.bend_event(&mut event);
            *seq += 1;
            let record = Record { entity, seq: *seq, at: self.now, wake, event };
            self.append(Entry::Record(Box::new(record)))?;
        }
        self.ends.push(self.log.len());
        for effect in effects {
            self.wait_for_sync(effect)?;
        }
        Ok(())
    }

    /// A hand-over of home's.
    pub(super) fn append_alone(&mut self, entry: Entry) -> Check {
        self.append(entry)?;
        self.ends.push(self.log.len());
        Ok(())
    }

    fn append(&mut self, entry: Entry) -> Check {
        let offset = self.log.len() + 1;
        self.tell(|| format!("  {offset}: {entry:?}"));
        if let Entry::Record(record) = &entry {
            let last = self.seqs.insert(record.entity, record.seq).unwrap_or_default();
            let (entity, seq) = (record.entity, record.seq);
            hold!(Sequence, seq == last + 1, "{entity}: record {seq} follows {last} at {offset}");
            fold_checked(&mut self.fold, record)?;
        }
        self.oracle.take(&entry)?;
        self.log.push(entry);
        Ok(())
    }

    pub(super) fn wait_for_sync(&mut self, effect: Effect) -> Check {
        self.effects.push_back((self.log.len(), effect));
        if self.lies(Mutation::ReleasedBeforeSync) {
            self.release(self.log.len())?;
        }
        Ok(())
    }

    /// The log is durable up to here: what rests on no more leaves.
    pub(super) fn sync(&mut self, through: usize) -> Check {
        self.synced = self.synced.max(self.end_before(through));
        self.release(self.synced)
    }

    /// How much of the log is there when the disk has no more than this of it.
    fn end_before(&self, cut: usize) -> usize {
        if self.lies(Mutation::HandOverTorn) {
            return cut;
        }
        let whole = self.ends.partition_point(|end| *end <= cut);
        whole.checked_sub(1).map_or(0, |last| self.ends[last])
    }

    fn release(&mut self, through: usize) -> Check {
        while self.effects.front().is_some_and(|(rests_on, _)| *rests_on <= through) {
            let (rests_on, effect) = self.effects.pop_front().expect("looked at");
            self.released_to_client(rests_on, effect)?;
        }
        Ok(())
    }

    // ------------------------------------------------------------------------------------- crashes

    /// The partition dies: of what was not synced a part may be on the disk all the same, and nobody was
    /// told of any of it.
    pub(super) fn crash(&mut self, random: &mut Random) -> Check {
        let lost = (self.log.len() - self.synced) as u64;
        let cut = self.end_before(self.synced + random.below(lost + 1) as usize);
        let outage = *random.pick(&[0, 500, 3_000, 30_000]);
        self.tell(|| format!("crash: {lost} not synced, log cut at {cut}, away for {outage} ms"));
        self.log.truncate(cut);
        self.ends.retain(|end| *end <= cut);
        self.synced = cut;
        self.effects.clear();
        self.queues.clear();
        self.snapshots.retain(|_, (at, _)| *at <= cut);
        self.seqs.clear();
        self.fold = PartitionFold::default();
        self.oracle = Oracle::default();
        for entry in &self.log {
            if let Entry::Record(record) = entry {
                self.seqs.insert(record.entity, record.seq);
                self.fold.apply(record);
            }
            self.oracle.take(entry)?;
        }
        self.now = self.fold.last_at.plus_ms(outage);
        if !self.lies(Mutation::BetCountNotRestored) {
            self.bets = self.fold.next_bet_count;
        } else {
            self.bets = BetId::FIRST_COUNT;
        }
        self.released_is_there()?;
        self.home = Home::replayed(&self.log);
        let accounts: Vec<AccountId> = self.accounts.keys().copied().collect();
        let markets: Vec<MarketId> = self.markets.keys().copied().collect();
        for id in accounts {
            self.revive_account(id, None)?;
        }
        for id in markets {
            self.revive_market(id, None, outage > RESUME_SUSPENDED_AFTER_MS)?;
        }
        self.home_resumes();
        Ok(())
    }

    /// The records of one entity from its own record `seq` on.
    pub(super) fn records_of(&self, entity: EntityId, after: u64) -> Vec<Record> {
        let records = self.log.iter().filter_map(|entry| match entry {
            Entry::Record(record) if record.entity == entity && record.seq > after => {
                Some((**record).clone())
            }
            _ => None,
        });
        records.collect()
    }

    // ---------------------------------------------------------------------------------------- time

    /// Time passes; entities whose moment has come are woken.
    pub(super) fn tick(&mut self, ms: i64) -> Check {
        self.now = self.now.plus_ms(ms);
        let due: Vec<EntityId> =
            self.fold.wakes().filter(|(_, at)| *at <= self.now).map(|(entity, _)| entity).collect();
        for entity in due {
            if let EntityId::Market(id) = entity {
                self.market_wakes(id)?;
            }
        }
        Ok(())
    }
}

/// The ledger after each record: what went in is what is there.
fn fold_checked(fold: &mut PartitionFold, record: &Record) -> Check {
    let moved: Vec<(LedgerAccount, Pence)> = postings(record).collect();
    let sum: Pence = moved.iter().map(|(_, amount)| *amount).sum();
    hold!(Ledger, sum.is_zero(), "{:?} does not balance: {moved:?}", record.event);
    fold.apply(record);
    let difference = fold.ledger.totals().difference;
    hold!(Ledger, difference.is_zero(), "the ledger is off by {difference} after {record:?}");
    if let (Event::Market(MarketEvent::ResolutionClosed { .. }), EntityId::Market(market)) =
        (&record.event, record.entity)
    {
        let left = fold.ledger.clearing(market);
        hold!(Settlement, left.is_zero(), "{left} stays in clearing of {market}");
    }
    Ok(())
}
