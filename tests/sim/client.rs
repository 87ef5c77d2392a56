//! Who stands around accounts and markets: sessions with their clients, and home with its operators.
//!
//! Both are stand-ins that know the protocol and nothing else: a session numbers requests and sends an open
//! one again to every new life of its account; home numbers acts for each target and repeats the open ones.

use super::law::{Check, hold};
use super::mutation::Mutation;
use super::world::{Effect, Entry, Message, Sender, World};
use domain::act::Act;
use domain::ids::{AccountId, BetId, EntityId, MarketId, SessionId};
use domain::record::RequestKey;
use domain::request::{CustomerRequest, Outcome, PlacedBet};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone)]
struct Open {
    request: CustomerRequest,
    sent_to: u64,
}

/// One login with its client.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) account: AccountId,
    session: SessionId,
    next: u64,
    open: BTreeMap<u64, Open>,
    /// What was asked, for stray repeats.
    asked: BTreeMap<u64, (RequestKey, CustomerRequest)>,
    /// What the client knows it has.
    pub(super) bets: Vec<(MarketId, BetId)>,
}

impl Client {
    pub(super) fn new(account: AccountId, session: u64) -> Client {
        Client {
            account,
            session: SessionId(session),
            next: 0,
            open: BTreeMap::new(),
            asked: BTreeMap::new(),
            bets: Vec::new(),
        }
    }
}

/// What left the partition.
#[derive(Debug, Default)]
pub(super) struct Released {
    /// How much of the log each answer rests on.
    rests_on: usize,
    outcomes: BTreeMap<(SessionId, u64), Outcome>,
    bets: Vec<(AccountId, MarketId, PlacedBet)>,
    acts: BTreeSet<(EntityId, u64)>,
}

#[derive(Debug, Default)]
pub(super) struct Home {
    last: BTreeMap<EntityId, u64>,
    open: BTreeMap<(EntityId, u64), Act>,
    open_before: BTreeSet<(EntityId, u64)>,
}

impl Home {
    pub(super) fn replayed(log: &[Entry]) -> Home {
        let mut home = Home::default();
        log.iter().for_each(|entry| home.fold(entry));
        home
    }

    fn fold(&mut self, entry: &Entry) {
        match entry {
            Entry::Asked { target, n, act } => {
                self.last.insert(*target, *n);
                self.open.insert((*target, *n), act.clone());
            }
            Entry::Answered { target, n } => {
                self.open.remove(&(*target, *n));
            }
            Entry::Record(_) => {}
        }
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.open.is_empty()
    }
}

impl World {
    // -------------------------------------------------------------------------------------- clients

    pub(super) fn ask(&mut self, client: usize, request: CustomerRequest) {
        let client = &mut self.clients[client];
        client.next += 1;
        client.open.insert(client.next, Open { request, sent_to: 0 });
        self.pass_open();
    }

    /// Sends what is open to a life of its account that has not seen it.
    pub(super) fn pass_open(&mut self) {
        let renumber = self.lies(Mutation::RepeatUnderANewNumber);
        let mut messages = Vec::new();
        for client in &mut self.clients {
            let life = self.accounts[&client.account].life;
            let unseen: Vec<u64> = client
                .open
                .iter()
                .filter(|(_, open)| open.sent_to != life)
                .map(|(n, _)| *n)
                .collect();
            for mut n in unseen {
                if renumber && client.open[&n].sent_to != 0 {
                    let open = client.open.remove(&n).expect("listed");
                    client.next += 1;
                    n = client.next;
                    client.open.insert(n, open);
                }
                let oldest = *client.open.keys().next().expect("one is open");
                let open = client.open.get_mut(&n).expect("listed");
                open.sent_to = life;
                let key =
                    RequestKey { session: client.session, n, answered_through: oldest.min(n) - 1 };
                client.asked.insert(n, (key, open.request.clone()));
                let request = open.request.clone();
                messages.push((client.session, client.account, Message::Request { key, request }));
            }
        }
        for (session, account, message) in messages {
            self.send(Sender::Session(session), EntityId::Account(account), message);
        }
    }

    /// A copy of a request that the account has taken comes again.
    pub(super) fn stray(&mut self, client: usize, pick: u64) {
        let client = &self.clients[client];
        let taken: Vec<_> =
            client.asked.values().filter(|(key, _)| self.oracle.has_taken(*key)).collect();
        if taken.is_empty() {
            return;
        }
        let (key, request) = taken[(pick % taken.len() as u64) as usize].clone();
        let (session, account) = (client.session, client.account);
        let message = Message::Request { key, request };
        self.send(Sender::Session(session), EntityId::Account(account), message);
    }

    /// The session's actor dies: what was open has no one who waits; numbers go on higher.
    pub(super) fn restart_session(&mut self, client: usize) {
        let client = &mut self.clients[client];
        client.open.clear();
        client.next = (client.next / 1_000 + 1) * 1_000;
    }

    pub(super) fn released_to_client(&mut self, rests_on: usize, effect: Effect) -> Check {
        self.released.rests_on = self.released.rests_on.max(rests_on);
        let (session, n, outcome, life) = match effect {
            Effect::ActAnswer { target, n } => {
                self.released.acts.insert((target, n));
                return Ok(());
            }
            Effect::Outcome { session, n, outcome, life } => (session, n, outcome, life),
        };
        let lies = self.lies(Mutation::AnswerOfAnEarlierLife);
        let Some(client) = self.clients.iter_mut().find(|client| client.session == session) else {
            return Ok(());
        };
        if let Some(first) = self.released.outcomes.get(&(session, n)) {
            hold!(
                OneEffect,
                *first == outcome,
                "request {n} of session {session} was answered {first:?}, then {outcome:?}"
            );
            return Ok(());
        }
        let waits = client.open.get(&n).is_some_and(|open| lies || open.sent_to == life);
        if !waits {
            return Ok(());
        }
        client.open.remove(&n);
        let bets: Vec<(MarketId, PlacedBet)> = match (&outcome, client.asked.get(&n)) {
            (Outcome::Placed(execution), Some((_, request))) => match &request.body {
                domain::request::RequestBody::Place { market, .. } => {
                    let placed = execution.reports.iter().flatten();
                    placed.map(|bet| (*market, bet.clone())).collect()
                }
                _ => vec![],
            },
            (Outcome::Replaced(execution), _) => {
                let lines = execution.reports.iter();
                lines
                    .filter_map(|line| Some((line.cancel.market, line.place.as_ref()?)))
                    .filter_map(|(market, place)| Some((market, place.report.clone().ok()?)))
                    .collect()
            }
            _ => vec![],
        };
        for (market, bet) in bets {
            client.bets.push((market, bet.bet));
            self.released.bets.push((client.account, market, bet));
        }
        self.released.outcomes.insert((session, n), outcome);
        Ok(())
    }

    /// What was told is in the log, and stays there.
    pub(super) fn released_is_there(&self) -> Check {
        hold!(
            Released,
            self.released.rests_on <= self.log.len(),
            "an answer rests on {} of {} records",
            self.released.rests_on,
            self.log.len()
        );
        Ok(())
    }

    /// Every bet that was told is known, with at least what was matched then; a key that was refused has no
    /// effect.
    pub(super) fn released_holds(&self) -> Check {
        self.released_is_there()?;
        for (account, market, told) in &self.released.bets {
            let known = self.accounts[account].state.current_order(*market, told.bet);
            hold!(
                Released,
                known.as_ref().is_some_and(|bet| bet.matched + bet.voided >= told.size_matched),
                "account {account} was told {told:?} and has {known:?}"
            );
        }
        for (target, n) in &self.released.acts {
            hold!(Released, self.oracle.has_acted(*target, *n), "act {n} of {target} is missing");
        }
        for ((session, n), outcome) in &self.released.outcomes {
            let refused = match outcome {
                Outcome::Placed(execution) => {
                    execution.error.is_some() && execution.reports.iter().all(Result::is_err)
                }
                _ => false,
            };
            let placed = refused && self.oracle.has_bets_of(*session, *n);
            hold!(
                OneEffect,
                !placed,
                "request {n} of {session} was refused and placed: {outcome:?}"
            );
        }
        Ok(())
    }

    pub(super) fn clients_are_quiet(&self) -> bool {
        self.clients.iter().all(|client| client.open.is_empty())
    }

    // ----------------------------------------------------------------------------------------- home

    pub(super) fn operate(&mut self, target: EntityId, act: Act) -> Check {
        let n = self.home.last.get(&target).copied().unwrap_or_default() + 1;
        let entry = Entry::Asked { target, n, act: act.clone() };
        self.home.fold(&entry);
        self.append_alone(entry)?;
        self.send_act(target, n, act);
        Ok(())
    }

    fn send_act(&mut self, target: EntityId, n: u64, act: Act) {
        let message = match act {
            Act::Market(act) => Message::MarketAct { n, act },
            Act::Account(act) => Message::AccountAct { n, act },
        };
        self.send(Sender::Entity(EntityId::Home), target, message);
    }

    pub(super) fn home_takes(&mut self, message: Message) -> Check {
        match message {
            Message::ActAnswered { target, n, answer } => {
                self.tell(|| format!("  {answer:?}"));
                if self.home.open.contains_key(&(target, n)) {
                    self.home_answers(target, n)?;
                }
            }
            Message::SendActsAgain { target } => self.send_open_acts(|of| of == target),
            other => unreachable!("no message to home: {other:?}"),
        }
        Ok(())
    }

    fn home_answers(&mut self, target: EntityId, n: u64) -> Check {
        let entry = Entry::Answered { target, n };
        self.home.fold(&entry);
        self.append_alone(entry)?;
        self.wait_for_sync(Effect::ActAnswer { target, n })
    }

    pub(super) fn home_resumes(&mut self) {
        self.send_open_acts(|_| true);
    }

    fn send_open_acts(&mut self, to: impl Fn(EntityId) -> bool) {
        let open = self.home.open.iter().filter(|((target, _), _)| to(*target));
        let open: Vec<_> = open.map(|(key, act)| (*key, act.clone())).collect();
        for ((target, n), act) in open {
            let n = self.bend_repeated_act(target, n, &act);
            self.send_act(target, n, act);
        }
    }

    pub(super) fn home_repeats(&mut self) {
        let open: BTreeSet<_> = self.home.open.keys().copied().collect();
        let before = std::mem::replace(&mut self.home.open_before, open);
        for (target, n) in before {
            if let Some(act) = self.home.open.get(&(target, n)).cloned() {
                let n = self.bend_repeated_act(target, n, &act);
                self.send_act(target, n, act);
            }
        }
    }
}
