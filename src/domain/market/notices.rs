//! The numbered messages between a market and each account that ever spoke to it.
//!
//! Owns both halves of every link. A notice is kept until its account has applied it; a link with nothing
//! open is a few words. Never sends anything itself: what is new is shown as [`Outgoing`], once.

use crate::act::ActAnswer;
use crate::few::Few;
use crate::ids::{AccountId, BetId};
use crate::link::{Arrival, Inbound};
use crate::money::Pence;
use crate::order::{LapseReason, Matched};
use crate::price::Price;
use crate::record::{ClosedBet, Notice};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// What a market wants to be sent; it may go ahead of the disk inside the partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outgoing<'a> {
    Notice {
        account: AccountId,
        k: u64,
        notice: &'a Notice,
    },
    /// To home.
    ActAnswered {
        n: u64,
        answer: &'a ActAnswer,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Link {
    account: AccountId,
    commands: Inbound,
    notices: Notices,
}

/// As [`crate::link::Outbound`], but settled from the front only: the numbers need not be kept, and a notice
/// is moved once.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Notices {
    last: u64,
    open: VecDeque<Notice>,
}

/// A queue that was longer gives its memory back when it is settled.
const KEPT_CAPACITY: usize = 16;

impl Notices {
    /// The number of the oldest open one.
    fn first(&self) -> u64 {
        self.last + 1 - self.open.len() as u64
    }

    #[inline(always)]
    fn push(&mut self, notice: Notice) -> u64 {
        self.last += 1;
        self.open.push_back(notice);
        self.last
    }

    #[inline]
    fn settle_through(&mut self, k: u64) {
        let first = self.first();
        if k < first {
            return;
        }
        let settled = k - first + 1;
        if settled >= self.open.len() as u64 {
            self.open.clear();
        } else {
            self.open.drain(..settled as usize);
        }
        if self.open.is_empty() && self.open.capacity() > KEPT_CAPACITY {
            self.open = VecDeque::new();
        }
    }

    fn get(&self, k: u64) -> Option<&Notice> {
        self.open.get(usize::try_from(k.checked_sub(self.first())?).ok()?)
    }

    fn open_from(&self, from: u64) -> impl Iterator<Item = (u64, &Notice)> {
        (self.first()..).zip(&self.open).filter(move |(k, _)| *k >= from)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Links {
    /// Sorted: found faster than in a tree, and an account is new only once.
    numbers: Vec<(AccountId, u32)>,
    links: Vec<Link>,
    #[serde(skip)]
    news: News,
}

/// What the record being applied tells accounts, and what waits to be taken by the actor: no part of the
/// state, so two markets are equal whatever stands here.
#[derive(Debug, Clone, Default)]
struct News {
    filled: Vec<(u32, BetId, Matched)>,
    lapsed: Vec<(u32, BetId, Pence, LapseReason)>,
    closed: Vec<(u32, ClosedBet)>,
    adjusted: Vec<(u32, (BetId, Price, Pence))>,
    /// Link and number of each new notice.
    notices: Vec<(u32, u64)>,
    answers: Vec<(u64, ActAnswer)>,
}

impl PartialEq for News {
    fn eq(&self, _: &News) -> bool {
        true
    }
}

impl Eq for News {}

impl Links {
    #[inline]
    pub(super) fn number(&self, account: AccountId) -> Option<u32> {
        let at = self.numbers.binary_search_by_key(&account, |(account, _)| *account).ok()?;
        Some(self.numbers[at].1)
    }

    pub(super) fn number_or_new(&mut self, account: AccountId) -> u32 {
        match self.numbers.binary_search_by_key(&account, |(account, _)| *account) {
            Ok(at) => self.numbers[at].1,
            Err(at) => {
                let number = self.links.len() as u32;
                self.numbers.insert(at, (account, number));
                let (commands, notices) = (Inbound::default(), Notices::default());
                self.links.push(Link { account, commands, notices });
                number
            }
        }
    }

    pub(super) fn account(&self, number: u32) -> AccountId {
        self.links[number as usize].account
    }

    pub(super) fn accounts(&self) -> impl Iterator<Item = AccountId> {
        self.links.iter().map(|link| link.account)
    }

    pub(super) fn len(&self) -> usize {
        self.links.len()
    }

    #[inline]
    pub(super) fn arrival(&self, number: Option<u32>, n: u64) -> Arrival {
        let commands = number.map(|number| self.links[number as usize].commands);
        commands.unwrap_or_default().arrival(n)
    }

    /// Takes `n` if it is the next; says whether it was.
    #[inline]
    pub(super) fn take(&mut self, number: u32, n: u64) -> bool {
        let commands = &mut self.links[number as usize].commands;
        let next = commands.arrival(n) == Arrival::Next;
        if next {
            commands.take(n);
        }
        next
    }

    #[inline]
    pub(super) fn settle_through(&mut self, number: u32, k: u64) {
        self.links[number as usize].notices.settle_through(k);
    }

    /// Whether an acknowledgement through `k` would settle anything.
    pub(super) fn settles(&self, account: AccountId, k: u64) -> bool {
        self.number(account).is_some_and(|number| {
            let notices = &self.links[number as usize].notices;
            !notices.open.is_empty() && notices.first() <= k
        })
    }

    #[inline(always)]
    pub(super) fn tell(&mut self, number: u32, notice: Notice) -> u64 {
        let k = self.links[number as usize].notices.push(notice);
        self.news.notices.push((number, k));
        k
    }

    pub(super) fn answer_act(&mut self, n: u64, answer: ActAnswer) {
        self.news.answers.push((n, answer));
    }

    #[inline]
    pub(super) fn filled(&mut self, number: u32, bet: BetId, matched: Matched) {
        self.news.filled.push((number, bet, matched));
    }

    pub(super) fn lapsed(&mut self, number: u32, bet: BetId, size: Pence, reason: LapseReason) {
        self.news.lapsed.push((number, bet, size, reason));
    }

    pub(super) fn adjusted(&mut self, number: u32, bet: (BetId, Price, Pence)) {
        self.news.adjusted.push((number, bet));
    }

    pub(super) fn closed(&mut self, number: u32, bet: ClosedBet) {
        self.news.closed.push((number, bet));
    }

    /// The record is applied: tells each account once what it filled and what it lapsed.
    #[inline]
    pub(super) fn tell_gathered(&mut self) {
        if !self.news.filled.is_empty() {
            self.tell_filled();
        }
        let News { lapsed, adjusted, closed, .. } = &self.news;
        if !(lapsed.is_empty() && adjusted.is_empty() && closed.is_empty()) {
            self.tell_what_went();
        }
    }

    fn tell_filled(&mut self) {
        let mut filled = std::mem::take(&mut self.news.filled);
        filled.sort_by_key(|(number, ..)| *number);
        for group in filled.chunk_by(|(a, ..), (b, ..)| a == b) {
            let bets = Few::each(group, |(_, bet, matched)| (*bet, *matched));
            self.tell(group[0].0, Notice::Filled(bets));
        }
        filled.clear();
        self.news.filled = filled;
    }

    fn tell_what_went(&mut self) {
        let mut lapsed = std::mem::take(&mut self.news.lapsed);
        lapsed.sort_by_key(|(number, ..)| *number);
        for group in lapsed.chunk_by(|(a, ..), (b, ..)| a == b) {
            let bets = group.iter().map(|(_, bet, size, why)| (*bet, *size, *why)).collect();
            self.tell(group[0].0, Notice::Lapsed(bets));
        }
        let mut adjusted = std::mem::take(&mut self.news.adjusted);
        adjusted.sort_by_key(|(number, _)| *number);
        for group in adjusted.chunk_by(|(a, _), (b, _)| a == b) {
            let bets = group.iter().map(|(_, bet)| *bet).collect();
            self.tell(group[0].0, Notice::Adjusted(bets));
        }
        let mut closed = std::mem::take(&mut self.news.closed);
        closed.sort_by_key(|(number, _)| *number);
        for group in closed.chunk_by(|(a, _), (b, _)| a == b) {
            let bets = group.iter().map(|(_, bet)| *bet).collect();
            self.tell(group[0].0, Notice::Closed(bets));
        }
    }

    pub(super) fn send_outgoing(&mut self, mut send: impl FnMut(Outgoing<'_>)) {
        for (number, k) in &self.news.notices {
            let link = &self.links[*number as usize];
            // Nothing if it was acknowledged meanwhile.
            if let Some(notice) = link.notices.get(*k) {
                send(Outgoing::Notice { account: link.account, k: *k, notice });
            }
        }
        self.news.notices.clear();
        for (n, answer) in &self.news.answers {
            send(Outgoing::ActAnswered { n: *n, answer });
        }
        self.news.answers.clear();
    }

    /// What `account` has not acknowledged, from notice `from` on.
    pub(super) fn open_notices(
        &self,
        account: AccountId,
        from: u64,
    ) -> impl Iterator<Item = (u64, &Notice)> {
        let link = self.number(account).map(|number| &self.links[number as usize]);
        link.into_iter().flat_map(move |link| link.notices.open_from(from))
    }

    /// Accounts that have something to acknowledge.
    pub(super) fn unsettled(&self) -> impl Iterator<Item = AccountId> {
        self.links.iter().filter(|link| !link.notices.open.is_empty()).map(|link| link.account)
    }

    pub(super) fn check_invariants(&self) {
        assert_eq!(self.numbers.len(), self.links.len());
        assert!(self.numbers.is_sorted());
        for (account, number) in &self.numbers {
            let link = &self.links[*number as usize];
            assert_eq!(link.account, *account);
            assert!(link.notices.open.len() as u64 <= link.notices.last, "{account} has a hole");
        }
    }
}
