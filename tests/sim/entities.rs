//! What an entity actor does around its state, as `actors::account` and `actors::market` do it: decide,
//! hand over, then send; resume and repeat; die and be rebuilt from the log.
//!
//! Beside each state stands a replica that folds the journaled records and nothing else.

use super::law::{Check, hold};
use super::mutation::Mutation;
use super::world::{Effect, Message, PLACEMENT_TIMEOUT_MS, Sender, World};
use domain::account::{Account, Acted, Outgoing as FromAccount, Requested};
use domain::ids::{AccountId, BetId, EntityId, MarketId, PartitionId};
use domain::link::{Arrival, Asked};
use domain::market::{Acknowledgement, Market, Outgoing as FromMarket};
use domain::money::Pence;
use domain::record::{AccountEvent, Event, MarketEvent, Notice, Record, RequestKey};
use domain::request::CustomerRequest;
use std::collections::{BTreeMap, BTreeSet};
use store::codec::{decode_state, encode_state, state_hash};

#[derive(Default)]
pub(super) struct AccountShell {
    pub(super) state: Account,
    replica: Account,
    pub(super) seq: u64,
    pub(super) life: u64,
    attempts: BTreeMap<(MarketId, u64), u32>,
    asked: Asked<EntityId>,
}

#[derive(Default)]
pub(super) struct MarketShell {
    pub(super) state: Market,
    replica: Market,
    pub(super) seq: u64,
    oldest_open: BTreeMap<AccountId, u64>,
    asked: Asked<EntityId>,
}

fn fold_account(state: &mut Account, record: &Record) {
    if let Event::Account(event) = &record.event {
        state.replay(record.at, event);
    }
}

fn fold_market(state: &mut Market, record: &Record) {
    if let Event::Market(event) = &record.event {
        state.apply(record.at, event);
        state.send_outgoing(|_| {});
    }
}

impl World {
    // ------------------------------------------------------------------------------------ accounts

    pub(super) fn account_takes(&mut self, id: AccountId, message: Message) -> Check {
        match message {
            Message::Request { key, request } => self.account_request(id, key, &request),
            Message::Notice { market, k, mut notice } => {
                self.bend_notice(&mut notice);
                self.account_notice(id, market, k, notice)
            }
            Message::SendAgain { market, from } => {
                self.send_open_commands(id, |(other, n)| other == market && n >= from);
                Ok(())
            }
            Message::AccountAct { n, act } => {
                let now = self.now;
                match self.account(id).state.act(now, n, &act) {
                    Acted::Taken(events) => self.account_hands_over(id, events),
                    Acted::Answered(answer) => {
                        self.account_sends(id, FromAccount::ActAnswered { n, answer });
                        Ok(())
                    }
                    Acted::Forgotten => Ok(()),
                    Acted::Gap => {
                        if self.account(id).asked.asks(EntityId::Home, 0) {
                            self.ask_home_again(EntityId::Account(id));
                        }
                        Ok(())
                    }
                }
            }
            other => unreachable!("no message to an account: {other:?}"),
        }
    }

    pub(super) fn account(&mut self, id: AccountId) -> &mut AccountShell {
        self.accounts.get_mut(&id).expect("accounts are made at the start")
    }

    fn account_request(
        &mut self,
        id: AccountId,
        key: RequestKey,
        request: &CustomerRequest,
    ) -> Check {
        let (now, mut bets) = (self.now, self.bets);
        let shell = self.account(id);
        let before = shell.state.funds();
        let held: BTreeMap<MarketId, Pence> = shell.state.exposures().collect();
        let requested = shell.state.request(now, key, request, &mut || {
            bets += 1;
            BetId::new(bets - 1, PartitionId(0))
        });
        let (after, life) = (shell.state.funds(), shell.life);
        let limit = shell.state.settings().and_then(|(_, profile)| profile.exposure_limit);
        self.bets = bets;
        match requested {
            Requested::Taken(events) => {
                for event in &events {
                    let AccountEvent::Ordered(ordered) = event else { continue };
                    let was = held.get(&ordered.market).copied().unwrap_or_default();
                    let more = ordered.exposure > was;
                    hold!(
                        Available,
                        !more || after.available() >= Pence::ZERO,
                        "account {id} took risk with {} available: {ordered:?}",
                        after.available()
                    );
                    hold!(
                        Available,
                        !more || limit.is_none_or(|limit| after.exposure <= limit),
                        "account {id} went over its limit {limit:?}: {ordered:?}"
                    );
                }
                hold!(
                    Available,
                    after.available() >= before.available().min(Pence::ZERO),
                    "a request made available of {id} {}",
                    after.available()
                );
                self.account_hands_over(id, events)
            }
            Requested::Pending | Requested::Forgotten => Ok(()),
            Requested::Answered(outcome) => {
                let (session, n) = (key.session, key.n);
                self.wait_for_sync(Effect::Outcome { session, n, outcome, life })
            }
        }
    }

    fn account_notice(&mut self, id: AccountId, market: MarketId, k: u64, notice: Notice) -> Check {
        let now = self.now;
        // Without a runner that hedged them, the bets on the others may lose more.
        let risky = matches!(notice, Notice::Resolved { .. } | Notice::RunnerRemoved(_));
        let twice = match &notice {
            Notice::Filled(_) if self.lies(Mutation::NoticeAppliedTwice) => Some(notice.clone()),
            _ => None,
        };
        let skipped = matches!(&notice, Notice::Lapsed(lapses) if lapses.is_empty());
        let shell = self.account(id);
        let before = shell.state.exposure_in(market);
        let taken = shell.state.notice(now, market, k, notice);
        let after = shell.state.exposure_in(market);
        self.account_hands_over(id, taken.event.into_iter().collect())?;
        hold!(
            Available,
            risky || after <= before,
            "account {id}: notice {k} of {market} raised the hold from {before} to {after}"
        );
        if skipped {
            let told = Acknowledgement { account: id, k, paid: Some(Pence::ZERO) };
            let from = Sender::Entity(EntityId::Account(id));
            self.send(from, EntityId::Market(market), Message::Acknowledge(told));
        }
        let asked = &mut self.account(id).asked;
        if let Arrival::Gap { expected } = taken.arrival
            && asked.asks(EntityId::Market(market), expected)
        {
            let message = Message::Resume { account: id, acknowledged: expected - 1 };
            self.send(Sender::Entity(EntityId::Account(id)), EntityId::Market(market), message);
        }
        if let (Some(notice), Arrival::Next) = (twice, taken.arrival) {
            let again = self.account(id).state.notice(now, market, k + 1, notice);
            self.account_hands_over(id, again.event.into_iter().collect())?;
        }
        Ok(())
    }

    fn account_hands_over(&mut self, id: AccountId, events: Vec<AccountEvent>) -> Check {
        let shell = self.account(id);
        let (life, mut seq) = (shell.life, shell.seq);
        let (mut effects, mut messages) = (Vec::new(), Vec::new());
        for outgoing in shell.state.take_outgoing() {
            match outgoing {
                FromAccount::ToSession { session, n, outcome } => {
                    effects.push(Effect::Outcome { session, n, outcome, life });
                }
                FromAccount::BetChanged { .. } => {}
                other => messages.push(other),
            }
        }
        let from = self.log.len();
        let events = events.into_iter().map(Event::Account).collect();
        self.hand_over(EntityId::Account(id), &mut seq, None, events, effects)?;
        for message in messages {
            self.account_sends(id, message);
        }
        let records = self.since(from);
        let shell = self.account(id);
        shell.seq = seq;
        records.iter().for_each(|record| fold_account(&mut shell.replica, record));
        self.account_is_sound(id)
    }

    fn since(&self, from: usize) -> Vec<Record> {
        let records = self.log[from..].iter();
        let records = records.filter_map(|entry| match entry {
            super::world::Entry::Record(record) => Some((**record).clone()),
            _ => None,
        });
        records.collect()
    }

    fn account_is_sound(&mut self, id: AccountId) -> Check {
        let shell = &self.accounts[&id];
        hold!(Replay, shell.state == shell.replica, "account {id}: its records make another state");
        let audit = shell.state.audit();
        hold!(Exposure, audit.is_empty(), "account {id}: {audit:?}");
        let funds = shell.state.funds();
        let folded = self.fold.ledger.customer(id).unwrap_or_default();
        let live = (shell.seq, funds.balance, funds.exposure);
        hold!(
            Ledger,
            folded == live || shell.seq == 0,
            "account {id}: {folded:?} in the ledger, {live:?}"
        );
        Ok(())
    }

    fn account_sends(&mut self, id: AccountId, outgoing: FromAccount) {
        let from = Sender::Entity(EntityId::Account(id));
        let (to, message) = match outgoing {
            FromAccount::ToMarket { market, n, acknowledged, command } => {
                let message =
                    Message::Command { account: id, n, attempt: 1, acknowledged, command };
                (EntityId::Market(market), message)
            }
            FromAccount::Withdraw { market, n } => {
                (EntityId::Market(market), Message::Withdraw { account: id, n })
            }
            FromAccount::Acknowledge { market, k, paid } => {
                let told = Acknowledgement { account: id, k, paid };
                (EntityId::Market(market), Message::Acknowledge(told))
            }
            FromAccount::ActAnswered { n, answer } => {
                let target = EntityId::Account(id);
                (EntityId::Home, Message::ActAnswered { target, n, answer })
            }
            FromAccount::ToSession { .. } | FromAccount::BetChanged { .. } => {
                unreachable!("what leaves the partition is an effect")
            }
        };
        self.send(from, to, message);
    }

    fn send_open_commands(&mut self, id: AccountId, which: impl Fn((MarketId, u64)) -> bool) {
        let shell = self.account(id);
        let mut messages = Vec::new();
        for (market, n, command, _) in shell.state.open_commands() {
            if !which((market, n)) {
                continue;
            }
            let attempt = shell.attempts.entry((market, n)).or_insert(0);
            *attempt += 1;
            let acknowledged = shell.state.acknowledged(market);
            let (attempt, command) = (*attempt, command.clone());
            let message = Message::Command { account: id, n, attempt, acknowledged, command };
            messages.push((market, message));
        }
        for (market, message) in messages {
            self.send(Sender::Entity(EntityId::Account(id)), EntityId::Market(market), message);
        }
    }

    pub(super) fn account_repeats(&mut self, id: AccountId) {
        let now = self.now;
        let shell = self.account(id);
        shell.asked.forget();
        let overdue = shell.state.overdue(now, PLACEMENT_TIMEOUT_MS);
        let given_up: BTreeSet<_> = overdue.into_iter().chain(shell.state.withdrawals()).collect();
        let before = std::mem::take(&mut shell.attempts);
        let open = shell.state.open_commands().map(|(market, n, ..)| (market, n));
        shell.attempts = open.map(|open| (open, before.get(&open).map_or(1, |n| *n))).collect();
        for (market, n) in given_up {
            let from = Sender::Entity(EntityId::Account(id));
            self.send(from, EntityId::Market(market), Message::Withdraw { account: id, n });
        }
        self.send_open_commands(id, |open| before.contains_key(&open));
    }

    /// A new life from the log; `before` is the state that died, when nothing of the log was lost.
    pub(super) fn revive_account(&mut self, id: AccountId, before: Option<Account>) -> Check {
        let entity = EntityId::Account(id);
        let (state, seq) = self.replayed(entity, before.as_ref(), fold_account)?;
        self.lives += 1;
        let (replica, life) = (state.clone(), self.lives);
        let shell = AccountShell { state, replica, seq, life, ..AccountShell::default() };
        self.accounts.insert(id, shell);
        let markets: Vec<_> = self.account(id).state.markets_to_resume().collect();
        for (market, acknowledged) in markets {
            let message = Message::Resume { account: id, acknowledged };
            self.send(Sender::Entity(entity), EntityId::Market(market), message);
        }
        self.send_open_commands(id, |_| true);
        self.account_is_sound(id)
    }

    fn ask_home_again(&mut self, target: EntityId) {
        let message = Message::SendActsAgain { target };
        self.send(Sender::Entity(target), EntityId::Home, message);
    }

    // ------------------------------------------------------------------------------------- markets

    pub(super) fn market(&mut self, id: MarketId) -> &mut MarketShell {
        self.markets.get_mut(&id).expect("markets are made at the start")
    }

    pub(super) fn market_takes(&mut self, id: MarketId, message: Message) -> Check {
        let (now, mut records) = (self.now, Vec::new());
        let mut gap = false;
        let state = &mut self.market(id).state;
        let arrival = match message {
            Message::Command { account, n, attempt, acknowledged, command } => {
                let arrival =
                    state.command(now, account, n, attempt, acknowledged, &command, &mut records);
                Some((account, arrival))
            }
            Message::Withdraw { account, n } => {
                Some((account, state.withdraw(now, account, n, &mut records)))
            }
            Message::Acknowledge(told) => {
                state.acknowledge(now, &[told], &mut records);
                None
            }
            Message::Resume { account, acknowledged } => {
                let told = Acknowledgement { account, k: acknowledged, paid: None };
                state.acknowledge(now, &[told], &mut records);
                Some((account, Arrival::Repeat))
            }
            Message::MarketAct { n, act } => {
                gap = matches!(state.act(now, n, &act, &mut records), Arrival::Gap { .. });
                None
            }
            other => unreachable!("no message to a market: {other:?}"),
        };
        self.market_hands_over(id, records)?;
        if gap && self.market(id).asked.asks(EntityId::Home, 0) {
            self.ask_home_again(EntityId::Market(id));
        }
        match arrival {
            Some((account, Arrival::Repeat)) => self.resend(id, account, usize::MAX),
            Some((account, Arrival::Gap { expected }))
                if self.market(id).asked.asks(EntityId::Account(account), expected) =>
            {
                let message = Message::SendAgain { market: id, from: expected };
                let from = Sender::Entity(EntityId::Market(id));
                self.send(from, EntityId::Account(account), message);
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn market_wakes(&mut self, id: MarketId) -> Check {
        let (now, mut records) = (self.now, Vec::new());
        self.market(id).state.due(now, &mut records);
        self.market_hands_over(id, records)
    }

    fn market_hands_over(&mut self, id: MarketId, events: Vec<MarketEvent>) -> Check {
        let shell = self.market(id);
        let (wake, mut seq) = (shell.state.wake(), shell.seq);
        let (entity, from) = (EntityId::Market(id), self.log.len());
        let events = events.into_iter().map(Event::Market).collect();
        self.hand_over(entity, &mut seq, wake, events, vec![])?;
        let records = self.since(from);
        let shell = self.market(id);
        shell.seq = seq;
        records.iter().for_each(|record| fold_market(&mut shell.replica, record));
        let mut messages = Vec::new();
        shell.state.send_outgoing(|outgoing| match outgoing {
            FromMarket::Notice { account, k, notice } => {
                let message = Message::Notice { market: id, k, notice: notice.clone() };
                messages.push((EntityId::Account(account), message));
            }
            FromMarket::ActAnswered { n, answer } => {
                let message = Message::ActAnswered { target: entity, n, answer: answer.clone() };
                messages.push((EntityId::Home, message));
            }
        });
        for (to, message) in messages {
            self.send(Sender::Entity(entity), to, message);
        }
        self.market_is_sound(id)
    }

    fn market_is_sound(&mut self, id: MarketId) -> Check {
        let shell = &self.markets[&id];
        hold!(Replay, shell.state == shell.replica, "market {id}: its records make another state");
        shell.state.check_invariants();
        for runner in shell.state.runners() {
            let backed = runner.available_to_back().next();
            let laid = runner.available_to_lay().next();
            let crossed = backed.zip(laid).is_some_and(|(lay, back)| lay.0 >= back.0);
            hold!(Book, !crossed, "market {id} is crossed: {backed:?} {laid:?}");
        }
        self.oracle.agrees_with_book(id, &shell.state)
    }

    fn resend(&mut self, id: MarketId, account: AccountId, most: usize) {
        let open = self.markets[&id].state.open_notices(account, 0).take(most);
        let open: Vec<_> = open.map(|(k, notice)| (k, notice.clone())).collect();
        for (k, notice) in open {
            let message = Message::Notice { market: id, k, notice };
            self.send(Sender::Entity(EntityId::Market(id)), EntityId::Account(account), message);
        }
    }

    pub(super) fn market_repeats(&mut self, id: MarketId) {
        let shell = self.market(id);
        shell.asked.forget();
        let state = &shell.state;
        let oldest: BTreeMap<AccountId, u64> = state
            .accounts_to_resume()
            .filter_map(|account| Some((account, state.open_notices(account, 0).next()?.0)))
            .collect();
        let before = std::mem::replace(&mut shell.oldest_open, oldest.clone());
        for (account, k) in oldest {
            if before.get(&account) == Some(&k) {
                self.resend(id, account, 1);
            }
        }
    }

    pub(super) fn revive_market(
        &mut self,
        id: MarketId,
        before: Option<Market>,
        outage: bool,
    ) -> Check {
        let (state, seq) = self.replayed(EntityId::Market(id), before.as_ref(), fold_market)?;
        let replica = state.clone();
        self.markets.insert(id, MarketShell { state, replica, seq, ..MarketShell::default() });
        if outage {
            let (now, mut records) = (self.now, Vec::new());
            self.market(id).state.suspend_after_outage(now, &mut records);
            self.market_hands_over(id, records)?;
        }
        let accounts: Vec<_> = self.market(id).state.accounts_to_resume().collect();
        for account in accounts {
            self.resend(id, account, usize::MAX);
        }
        self.market_is_sound(id)
    }

    // -------------------------------------------------------------------------------------- replay

    /// Replays an entity from empty and, where there is one, from its snapshot.
    fn replayed<S: Default + serde::Serialize + serde::de::DeserializeOwned>(
        &self,
        entity: EntityId,
        before: Option<&S>,
        fold: fn(&mut S, &Record),
    ) -> Check<(S, u64)> {
        let mut state = S::default();
        let mut records = self.records_of(entity, 0);
        let seq = records.len() as u64;
        if self.lies(Mutation::ReplayedWithoutARecord) {
            records.pop();
        }
        records.iter().for_each(|record| fold(&mut state, record));
        let hash = state_hash(&state);
        if let Some(before) = before {
            hold!(Replay, hash == state_hash(before), "{entity} is another after its replay");
        }
        if let Some((at, bytes)) = self.snapshots.get(&entity) {
            let decoded = decode_state::<(u64, S)>(bytes);
            let (after, mut other) = decoded.map_err(|error| super::law::Broken {
                law: super::law::Law::Replay,
                how: format!("the snapshot of {entity} cannot be read: {error}"),
            })?;
            self.records_of(entity, after).iter().for_each(|record| fold(&mut other, record));
            hold!(
                Replay,
                state_hash(&other) == hash,
                "{entity} is another from its snapshot at {at} of {}",
                self.log.len()
            );
            return Ok((other, seq));
        }
        Ok((state, seq))
    }

    pub(super) fn snapshot(&mut self, entity: EntityId) {
        let bytes = match entity {
            EntityId::Account(id) => {
                let shell = &self.accounts[&id];
                encode_state(&(shell.seq, &shell.state))
            }
            EntityId::Market(id) => {
                let shell = &self.markets[&id];
                encode_state(&(shell.seq, &shell.state))
            }
            EntityId::Home | EntityId::Football => return,
        };
        self.snapshots.insert(entity, (self.log.len(), bytes));
    }

    /// The entity dies with its mailbox, and is started again.
    pub(super) fn die(&mut self, entity: EntityId) -> Check {
        self.tell(|| format!("{entity} dies"));
        self.lose_mail(entity);
        match entity {
            EntityId::Home => {
                self.home = super::client::Home::replayed(&self.log);
                self.home_resumes();
                Ok(())
            }
            EntityId::Account(id) => {
                let before = self.accounts.remove(&id).map(|shell| shell.state);
                self.revive_account(id, before)
            }
            EntityId::Market(id) => {
                let before = self.markets.remove(&id).map(|shell| shell.state);
                self.revive_market(id, before, false)
            }
            EntityId::Football => Ok(()),
        }
    }
}
