//! An account, told as stories and shaken at random.
//!
//! [`Bettor`] is an account with everything that surrounds it: a clock, a session, home, a count of bet ids
//! and a copy of itself that only replays. Every step is checked: the audit, the copy, the ledger's
//! postings, and that no customer's act makes available negative.

mod endings;
mod fake_market;
mod heartbeats;
mod model;
mod statements;
mod stories;

use super::*;
use crate::act::AccountAct;
use crate::definition::{MarketKind, MarketTerms};
use crate::ids::{
    AccountId, BetId, EntityId, Handle, MarketId, PartitionId, Runner, SelectionId, SessionId,
};
use crate::ledger::{Ledger, postings};
use crate::link::Arrival;
use crate::order::{
    Answer, ExecutionError, InstructionError, Matched, OrderCommand, OrderKind, Persistence,
    PlacedOrder, Refusal, Remainder, Side, Ticket, TimeInForce,
};
use crate::price::Price;
use crate::record::{Event, Notice, Record, RequestKey};
use crate::request::{CancelScope, CustomerRequest, Execution, Outcome, RequestBody};

const ACCOUNT: AccountId = AccountId(7);
const SESSION: SessionId = SessionId(99);
const MATCH_ODDS: MarketId = MarketId(100_000_001);
const CORRECT_SCORE: MarketId = MarketId(100_000_002);
const HOME: Runner = Runner { selection: SelectionId(1), handicap: 0 };
const AWAY: Runner = Runner { selection: SelectionId(2), handicap: 0 };
const DRAW: Runner = Runner { selection: SelectionId(3), handicap: 0 };

const TERMS: MarketTerms = MarketTerms {
    number_of_winners: 1,
    runners: 3,
    complete: true,
    base_rate: 500,
    discount_allowed: true,
    persistence: true,
    kind: MarketKind::Odds,
    bsp_market: true,
};

struct Bettor {
    account: Account,
    /// Folds the same events and does nothing else.
    replica: Account,
    ledger: Ledger,
    seq: u64,
    now: i64,
    request: u64,
    act: u64,
    bets: u64,
    sent: Vec<Outgoing>,
    /// Notices that each market has sent.
    notices: BTreeMap<MarketId, u64>,
}

impl Bettor {
    /// Opened, with so many pounds.
    fn with(pounds: i64) -> Bettor {
        let mut bettor = Bettor {
            account: Account::default(),
            replica: Account::default(),
            ledger: Ledger::default(),
            seq: 0,
            now: 1_000_000,
            request: 0,
            act: 0,
            bets: BetId::FIRST_COUNT,
            sent: Vec::new(),
            notices: BTreeMap::new(),
        };
        let profile = AccountProfile::default();
        bettor.act(AccountAct::Open { currency: Currency::Gbp, profile });
        bettor.act(AccountAct::Deposit { amount: Pence(pounds * 100) });
        bettor
    }

    fn journal(&mut self, event: &AccountEvent) {
        self.seq += 1;
        let at = UtcMillis(self.now);
        self.replica.replay(at, event);
        let event = Event::Account(event.clone());
        let entity = EntityId::Account(ACCOUNT);
        let record = Record { entity, seq: self.seq, at, wake: None, event };
        let balanced: Pence = postings(&record).map(|(_, amount)| amount).sum();
        assert_eq!(balanced, Pence::ZERO, "every record balances by itself");
        self.ledger.apply(&record);
    }

    fn checked(&mut self) {
        self.account.check_invariants();
        assert_eq!(self.account, self.replica, "a replay is the live state");
        let funds = self.account.funds();
        if let Some((_, balance, held)) = self.ledger.customer(ACCOUNT) {
            assert_eq!((balance, held), (funds.balance, funds.exposure), "the ledger agrees");
        }
        assert_eq!(self.ledger.totals().difference, Pence::ZERO);
        assert_eq!(self.ledger.totals(), self.ledger.recounted());
        let sent = self.account.take_outgoing();
        self.sent.extend(sent);
    }

    fn act(&mut self, act: AccountAct) -> ActAnswer {
        self.act += 1;
        let acted = self.account.act(UtcMillis(self.now), self.act, &act);
        let Acted::Taken(event) = acted else { panic!("a new act is taken: {acted:?}") };
        self.journal(&event);
        self.checked();
        match self.account.act(UtcMillis(self.now), self.act, &act) {
            Acted::Answered(answer) => answer,
            other => panic!("an act is answered at once: {other:?}"),
        }
    }

    fn ask(&mut self, customer_ref: Option<&str>, body: RequestBody) -> Requested {
        self.request += 1;
        let key = RequestKey { session: SESSION, n: self.request, answered_through: 0 };
        self.ask_as(key, customer_ref, body)
    }

    fn ask_as(
        &mut self,
        key: RequestKey,
        customer_ref: Option<&str>,
        body: RequestBody,
    ) -> Requested {
        let request = CustomerRequest { customer_ref: customer_ref.map(Into::into), body };
        let before = self.account.funds().available();
        let drawn = self.bets;
        let bets = &mut self.bets;
        let requested = self.account.request(UtcMillis(self.now), key, &request, &mut || {
            *bets += 1;
            BetId::new(*bets, PartitionId(0))
        });
        match &requested {
            Requested::Taken(events) => {
                assert!(!events.is_empty());
                for event in events {
                    self.journal(event);
                }
            }
            _ => assert_eq!(self.bets, drawn, "bet ids are taken only when admitted"),
        }
        let after = self.account.funds().available();
        assert!(after >= Pence::ZERO || after >= before, "a customer made available negative");
        self.checked();
        requested
    }

    /// The outcome of the last request.
    fn outcome(&self) -> Option<&Outcome> {
        self.sent.iter().rev().find_map(|sent| match sent {
            Outgoing::ToSession { session, n, outcome }
                if (*session, *n) == (SESSION, self.request) =>
            {
                Some(outcome)
            }
            _ => None,
        })
    }

    fn place(&mut self, market: MarketId, tickets: Vec<Ticket>) -> Requested {
        let body = RequestBody::Place {
            market,
            terms: TERMS,
            tickets,
            strategy_ref: Some("plan".into()),
            market_version: None,
        };
        self.ask(None, body)
    }

    /// Places one order that the market takes as it is, to rest.
    fn rests(&mut self, market: MarketId, ticket: Ticket) -> BetId {
        let size = ticket.size;
        let taken = self.place(market, vec![ticket]);
        assert!(matches!(taken, Requested::Taken(_)), "{taken:?}");
        let bet = self.last_bet();
        self.answer(market, Answer::Placed([resting(bet, size)].into()));
        bet
    }

    /// Places one order that is matched at once at its price.
    fn matched(&mut self, market: MarketId, ticket: Ticket) -> BetId {
        let matched = vec![Matched { price: ticket.price, size: ticket.size }];
        let taken = self.place(market, vec![ticket]);
        assert!(matches!(taken, Requested::Taken(_)), "{taken:?}");
        let bet = self.last_bet();
        let placed = PlacedOrder { bet, matched, remainder: Remainder::None };
        self.answer(market, Answer::Placed([placed].into()));
        bet
    }

    fn last_bet(&self) -> BetId {
        BetId::new(self.bets, PartitionId(0))
    }

    /// The market answers the oldest command that it has not answered.
    fn answer(&mut self, market: MarketId, answer: Answer) {
        let (n, ..) = self.account.open_commands_of(market, 0).next().expect("a command is open");
        self.hear(market, Notice::Answered { n, answer });
    }

    /// The market's next notice arrives.
    fn hear(&mut self, market: MarketId, notice: Notice) {
        let k = self.notices.entry(market).or_default();
        *k += 1;
        let k = *k;
        let taken = self.account.notice(UtcMillis(self.now), market, k, notice);
        assert_eq!(taken.arrival, Arrival::Next);
        self.journal(&taken.event.expect("a new notice is journaled"));
        self.checked();
    }

    fn held(&self) -> Pence {
        self.account.funds().exposure
    }

    fn available(&self) -> Pence {
        self.account.funds().available()
    }

    fn order(&self, market: MarketId, bet: BetId) -> CurrentOrder {
        self.account.current_order(market, bet).expect("the bet is known")
    }
}

fn pounds(amount: i64) -> Pence {
    Pence(amount * 100)
}

fn back(runner: Runner, price: u32, size: i64) -> Ticket {
    Ticket {
        runner,
        side: Side::Back,
        price: Price(price),
        size: pounds(size),
        persistence: Persistence::Lapse,
        time_in_force: TimeInForce::Rest,
        kind: OrderKind::Limit,
        reference: None,
    }
}

fn lay(runner: Runner, price: u32, size: i64) -> Ticket {
    Ticket { side: Side::Lay, ..back(runner, price, size) }
}

fn handle(bet: BetId) -> Handle {
    Handle { slot: (bet.count() - BetId::FIRST_COUNT) as u32, generation: 1 }
}

fn resting(bet: BetId, size: Pence) -> PlacedOrder {
    PlacedOrder {
        bet,
        matched: Vec::new(),
        remainder: Remainder::Rests { handle: handle(bet), size },
    }
}

fn cancel(market: MarketId, bets: &[BetId]) -> RequestBody {
    let orders = bets.iter().map(|bet| (*bet, None)).collect();
    RequestBody::Cancel(CancelScope::Bets { market, orders })
}
