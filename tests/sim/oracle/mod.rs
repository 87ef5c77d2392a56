//! The exchange once more, so naive that it is obviously right: it reads the log, takes the commands in the
//! order in which markets took them, works out by itself what should have come of each, and compares.
//!
//! Owns a list of orders and a list of matches for each market, and sums for each account. Never looks into
//! the entities under test but to compare. After a crash it reads the log again from the beginning.

mod book;
mod commands;
mod crossing;
mod money;
mod removal;
mod starting_price;

use super::law::{Check, hold};
use super::world::Entry;
pub(super) use book::NaiveMarket;
use domain::account::CUSTOMER_REF_WINDOW_MS;
use domain::act::{AccountAct, Act, MarketAct};
use domain::definition::MarketDefinition;
use domain::ids::{AccountId, BetId, EntityId, MarketId, SessionId};
use domain::market::Market;
use domain::money::Pence;
use domain::order::{Answer, Matched, OrderCommand};
use domain::record::{AccountEvent, Event, MarketEvent, Notice, Ordered, Record, RequestKey};
use domain::time::UtcMillis;
use money::NaiveAccount;
use std::collections::{BTreeMap, BTreeSet};

/// In place of a price, which what was matched at the starting price has none of.
const AT_CLOSE: u32 = 0;

#[derive(Default)]
pub(super) struct Oracle {
    pub(super) markets: BTreeMap<MarketId, NaiveMarket>,
    pub(super) accounts: BTreeMap<AccountId, NaiveAccount>,
    /// What accounts have sent, by account, market and number.
    commands: BTreeMap<(AccountId, MarketId, u64), OrderCommand>,
    /// Bets by the request that asked for them.
    requests: BTreeMap<(SessionId, u64), Vec<(MarketId, BetId)>>,
    last_request: Option<(RequestKey, bool)>,
    bets: BTreeSet<BetId>,
    /// The customers' own names of orders: each is one wish.
    wishes: BTreeSet<String>,
    refs: BTreeMap<(AccountId, u8, String), (UtcMillis, RequestKey)>,
    asked: BTreeMap<(EntityId, u64), Act>,
    acted: BTreeSet<(EntityId, u64)>,
    /// What accounts have been told of each bet: stake by price.
    told: BTreeMap<(BetId, u32), i64>,
}

impl Oracle {
    pub(super) fn take(&mut self, entry: &Entry) -> Check {
        match entry {
            Entry::Asked { target, n, act } => {
                self.asked.insert((*target, *n), act.clone());
                Ok(())
            }
            Entry::Answered { .. } => Ok(()),
            Entry::Record(record) => match (&record.event, record.entity) {
                (Event::Account(event), EntityId::Account(id)) => {
                    self.of_account(record, id, event)
                }
                (Event::Market(event), EntityId::Market(id)) => self.of_market(record, id, event),
                _ => Ok(()),
            },
        }
    }

    pub(super) fn has_taken(&self, key: RequestKey) -> bool {
        self.requests.contains_key(&(key.session, key.n))
    }

    pub(super) fn has_acted(&self, target: EntityId, n: u64) -> bool {
        self.acted.contains(&(target, n))
    }

    /// Whether anything that the request asked for was matched or rests.
    pub(super) fn has_bets_of(&self, session: SessionId, n: u64) -> bool {
        let bets = self.requests.get(&(session, n)).into_iter().flatten();
        bets.into_iter().any(|(market, bet)| {
            let market = self.markets.get(market);
            market.is_some_and(|market| market.knows(*bet))
        })
    }

    // -------------------------------------------------------------------------------------- acts

    fn act(&mut self, record: &Record, n: u64) -> Check<Act> {
        let key = (record.entity, n);
        hold!(OneEffect, self.acted.insert(key), "act {n} of {} is done twice", record.entity);
        let act = self.asked.get(&key).cloned();
        hold!(OneEffect, act.is_some(), "act {n} of {} was never asked", record.entity);
        Ok(act.expect("held"))
    }

    // ---------------------------------------------------------------------------------- accounts

    fn of_account(&mut self, record: &Record, id: AccountId, event: &AccountEvent) -> Check {
        let naive = self.accounts.entry(id).or_default();
        match event {
            AccountEvent::Ordered(ordered) => self.ordered(record, id, ordered),
            AccountEvent::Noticed(noticed) => {
                self.noticed(id, noticed.market, &noticed.notice)?;
                if let (Notice::Resolved { generation, .. }, Some(payment)) =
                    (&noticed.notice, &noticed.payment)
                {
                    let market = self.markets.entry(noticed.market).or_default();
                    let naive = self.accounts.entry(id).or_default();
                    naive.paid(id, noticed.market, market, *generation, payment)?;
                }
                Ok(())
            }
            AccountEvent::Heartbeat { .. } | AccountEvent::HeartbeatMissed { .. } => Ok(()),
            AccountEvent::ActRefused { n, .. } => self.act(record, *n).map(|_| ()),
            AccountEvent::LimitSet { n, change, .. } => {
                let act = self.act(record, *n)?;
                let asked = Act::Account(AccountAct::Limit(*change));
                hold!(OneEffect, act == asked, "{act:?} became {event:?}");
                Ok(())
            }
            AccountEvent::Excluded { n, until } => {
                let act = self.act(record, *n)?;
                let asked = Act::Account(AccountAct::Exclude { until: *until });
                hold!(OneEffect, act == asked, "{act:?} became {event:?}");
                Ok(())
            }
            AccountEvent::Opened { n, profile, .. } => {
                naive.profile = *profile;
                self.act(record, *n).map(|_| ())
            }
            AccountEvent::Deposited { n, amount } => {
                naive.balance += amount.0;
                let act = self.act(record, *n)?;
                let asked = Act::Account(AccountAct::Deposit { amount: *amount });
                hold!(OneEffect, act == asked, "{act:?} became {event:?}");
                Ok(())
            }
            AccountEvent::Withdrew { n, amount } => {
                naive.balance -= amount.0;
                let act = self.act(record, *n)?;
                let asked = Act::Account(AccountAct::Withdraw { amount: *amount });
                hold!(OneEffect, act == asked, "{act:?} became {event:?}");
                Ok(())
            }
            AccountEvent::Changed { n, change } => {
                let profile = &mut naive.profile;
                profile.discount_rate = change.discount_rate.unwrap_or(profile.discount_rate);
                self.act(record, *n).map(|_| ())
            }
        }
    }

    fn ordered(&mut self, record: &Record, id: AccountId, ordered: &Ordered) -> Check {
        let key = (id, ordered.market, ordered.n);
        hold!(
            OneEffect,
            self.commands.insert(key, ordered.command.clone()).is_none(),
            "account {id} sent command {} to {} twice",
            ordered.n,
            ordered.market
        );
        let mut bets = Vec::new();
        match &ordered.command {
            OrderCommand::Place { orders, .. } => {
                bets.extend(orders.iter().map(|order| (ordered.market, order.bet)));
            }
            OrderCommand::Replace { orders, .. } => {
                bets.extend(orders.iter().map(|order| (ordered.market, order.new_bet)));
            }
            OrderCommand::Cancel { .. } | OrderCommand::Update { .. } => {}
        }
        for (_, bet) in &bets {
            hold!(OneEffect, self.bets.insert(*bet), "bet {bet} is given twice");
        }
        for wish in ordered.references.iter().flatten() {
            hold!(
                OneEffect,
                self.wishes.insert(wish.to_string()),
                "the order {wish} is placed twice"
            );
        }
        if let Some(request) = ordered.request {
            let name = (request.session, request.n);
            let goes_on = self.last_request.is_some_and(|(last, more)| last == request && more);
            hold!(
                OneEffect,
                goes_on || !self.requests.contains_key(&name),
                "request {request:?} is taken twice"
            );
            self.requests.entry(name).or_default().extend(bets);
            self.last_request = Some((request, ordered.more));
            if let Some(reference) = &ordered.customer_ref {
                let kind = match &ordered.command {
                    OrderCommand::Place { .. } => 0,
                    OrderCommand::Cancel { .. } => 1,
                    OrderCommand::Replace { .. } => 2,
                    OrderCommand::Update { .. } => 3,
                };
                let name = (id, kind, reference.to_string());
                let before = self.refs.insert(name, (record.at, request));
                let free = before.is_none_or(|(at, by)| {
                    by == request || record.at.since_ms(at) >= CUSTOMER_REF_WINDOW_MS
                });
                hold!(OneEffect, free, "the reference {reference} of {id} is taken twice");
            }
        }
        Ok(())
    }

    /// What accounts hear of matches was matched, to the price and penny.
    fn noticed(&mut self, id: AccountId, market: MarketId, notice: &Notice) -> Check {
        if let Notice::Closed(bets) = notice {
            let naive = self.markets.entry(market).or_default();
            for closed in bets {
                let really = naive.closed_of(closed.bet);
                let told = self.told.insert((closed.bet, AT_CLOSE), closed.matched.0);
                hold!(
                    Book,
                    told.is_none() && (closed.matched.0, closed.value) == really,
                    "account {id} heard {closed:?}, {really:?} was matched"
                );
            }
        }
        let mut told: Vec<(BetId, Matched)> = Vec::new();
        match notice {
            Notice::Filled(fills) => told.extend(fills),
            Notice::Answered { answer: Answer::Placed(orders), .. } => {
                let each = orders.iter();
                told.extend(each.flat_map(|o| o.matched.iter().map(move |m| (o.bet, *m))));
            }
            Notice::Answered { answer: Answer::Replaced(orders), .. } => {
                let placed = orders.iter().filter_map(|order| order.placed.as_ref()?.as_ref().ok());
                told.extend(placed.flat_map(|o| o.matched.iter().map(move |m| (o.bet, *m))));
            }
            _ => {}
        }
        for (bet, matched) in told {
            let sum = self.told.entry((bet, matched.price.0)).or_default();
            *sum += matched.size.0;
            let sum = *sum;
            let naive = self.markets.entry(market).or_default();
            let really = naive.matched_at(bet, matched.price);
            hold!(
                Book,
                sum <= really,
                "account {id} heard of {sum} of bet {bet} at {}, {really} was matched",
                matched.price.0
            );
        }
        Ok(())
    }

    // ----------------------------------------------------------------------------------- markets

    fn of_market(&mut self, record: &Record, id: MarketId, event: &MarketEvent) -> Check {
        use MarketEvent as E;
        let n = match event {
            E::Created { n, .. } | E::ActRefused { n, .. } | E::Resolved { n, .. } => Some(*n),
            E::StatusChanged(change) => change.n,
            E::RunnerRemoved(removal) => Some(removal.n),
            E::Reconciled(made) => made.n,
            _ => None,
        };
        let act = match n {
            Some(n) => match self.act(record, n)? {
                Act::Market(act) => Some(act),
                Act::Account(_) => None,
            },
            None => None,
        };
        let command = match event {
            E::Placed { command, .. }
            | E::Delayed { command, .. }
            | E::Cancelled { command, .. }
            | E::Replaced { command, .. }
            | E::Updated { command, .. }
            | E::Refused { command, .. } => Some(*command),
            _ => None,
        };
        let what = match command {
            Some(command) => {
                let what = self.commands.get(&(command.account, id, command.n)).cloned();
                hold!(OneEffect, what.is_some(), "{id} answers what was never sent: {event:?}");
                what
            }
            None => None,
        };
        let naive = self.markets.entry(id).or_default();
        match event {
            E::Created { definition, status, .. } => {
                naive.create(definition, *status, record.at);
                Ok(())
            }
            E::ActRefused { .. } | E::Acknowledged { .. } | E::KeyLine { .. } => Ok(()),
            E::ResolutionSent { accounts } => {
                naive.is_told(accounts);
                Ok(())
            }
            E::Prepared(_) => Ok(()),
            E::Reconciled(made) => naive.reconciled(act.as_ref(), made),
            E::RunnerRemoved(removal) => naive.runner_removed(act.as_ref(), removal),
            E::StatusChanged(change) => naive.status_changed(act.as_ref(), change),
            E::Withdrawn { command, lapsed } => naive.withdrawn(command, lapsed),
            E::Resolved { generation, resolution, change, .. } => {
                let act = act.unwrap_or(MarketAct::Open);
                naive.resolved(&act, *generation, resolution, change)
            }
            E::ResolutionPaid { payments } => naive.was_paid(payments),
            E::ResolutionClosed { rounding, crossed, .. } => naive.closed(*rounding, *crossed),
            _ => naive.commanded(record.at, event, &what.expect("a command's record")),
        }
    }

    pub(super) fn agrees_with_book(&self, id: MarketId, market: &Market) -> Check {
        match self.markets.get(&id) {
            Some(naive) => naive.agrees(market),
            None => Ok(()),
        }
    }

    pub(super) fn definition(&self, id: MarketId) -> Option<&MarketDefinition> {
        self.markets.get(&id)?.definition.as_deref()
    }

    /// What accounts were told of a bet altogether.
    pub(super) fn told(&self, bet: BetId) -> Pence {
        let of_bet = self.told.range((bet, 0)..=(bet, u32::MAX));
        Pence(of_bet.map(|(_, size)| *size).sum())
    }
}
