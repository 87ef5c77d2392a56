//! A market as its bettors know it: a table to play stories on, and the stories by file.

mod crossed;
mod delays;
mod ends;
mod machine;
mod naive;
mod naive_closing;
mod orders;
mod pieces;
mod reconciliation;
mod removals;
mod starting_prices;
mod statuses;
mod targets;

use super::*;
use crate::act::{ActError, MarketAct};
use crate::few::Few;
use crate::ids::{BetId, Handle, MarketId, SelectionId};
use crate::order::*;
use crate::price::Price;
use std::collections::BTreeMap;

pub(super) const HOME: Runner = Runner { selection: SelectionId(1), handicap: 0 };
pub(super) const AWAY: Runner = Runner { selection: SelectionId(2), handicap: 0 };
pub(super) const DRAW: Runner = Runner { selection: SelectionId(3), handicap: 0 };

pub(super) const START: UtcMillis = UtcMillis(1_700_000_000_000);

pub(super) fn definition() -> MarketDefinition {
    MarketDefinition {
        start_time: START,
        bet_delay_s: 5,
        ..MarketDefinition::plain(MarketId(100_000_001), [HOME, AWAY, DRAW])
    }
}

pub(super) fn back(bet: u64, price: u32, size: i64) -> NewOrder {
    order(bet, HOME, Side::Back, price, size)
}

pub(super) fn lay(bet: u64, price: u32, size: i64) -> NewOrder {
    order(bet, HOME, Side::Lay, price, size)
}

pub(super) fn order(bet: u64, runner: Runner, side: Side, price: u32, size: i64) -> NewOrder {
    NewOrder {
        bet: BetId(bet),
        runner,
        side,
        price: Price(price),
        size: Pence(size),
        persistence: Persistence::Lapse,
        time_in_force: TimeInForce::Rest,
        kind: OrderKind::Limit,
    }
}

pub(super) fn kill(order: NewOrder, min_fill: Option<i64>) -> NewOrder {
    let time_in_force = TimeInForce::FillOrKill { min_fill: min_fill.map(Pence) };
    NewOrder { time_in_force, ..order }
}

pub(super) fn on_close(order: NewOrder) -> NewOrder {
    NewOrder { kind: OrderKind::LimitOnClose, ..order }
}

/// Takes any starting price; `size` is what may be lost.
pub(super) fn at_any_price(bet: u64, side: Side, size: i64) -> NewOrder {
    let order = order(bet, HOME, side, any_price(side).0, size);
    NewOrder { kind: OrderKind::MarketOnClose, ..order }
}

pub(super) fn persisting(order: NewOrder) -> NewOrder {
    NewOrder { persistence: Persistence::Persist, ..order }
}

pub(super) const ANY: Conditions =
    Conditions { market_version: None, best_execution: true, self_match: true };

pub(super) fn place(orders: &[NewOrder]) -> OrderCommand {
    OrderCommand::Place { orders: Few::each(orders, |order| *order), conditions: ANY }
}

/// A market with its accounts, each of which hears everything at once and knows where its bets stand. Every
/// record is also folded into a second market, which must stay equal to the first.
pub(super) struct Table {
    pub(super) market: Market,
    replica: Market,
    pub(super) now: UtcMillis,
    pub(super) records: Vec<MarketEvent>,
    pub(super) numbers: BTreeMap<u64, u64>,
    pub(super) handles: BTreeMap<BetId, Handle>,
    /// Everything each account was told.
    pub(super) told: Vec<(u64, Notice)>,
    pub(super) heard: BTreeMap<u64, u64>,
    pub(super) acts: Vec<(u64, ActAnswer)>,
    next_act: u64,
}

impl Table {
    pub(super) fn with(definition: MarketDefinition) -> Table {
        let mut table = Table {
            market: Market::default(),
            replica: Market::default(),
            now: START,
            records: vec![],
            numbers: BTreeMap::new(),
            handles: BTreeMap::new(),
            told: vec![],
            heard: BTreeMap::new(),
            acts: vec![],
            next_act: 1,
        };
        table.done(MarketAct::Create { definition: Box::new(definition), open: true });
        table
    }

    pub(super) fn open() -> Table {
        Table::with(definition())
    }

    /// After every step: the replica agrees, nothing contradicts itself, accounts hear what there is.
    fn settle_down(&mut self, records: Vec<MarketEvent>) {
        for record in &records {
            self.replica.apply(self.now, record);
        }
        assert_eq!(self.replica, self.market, "folding {records:#?} gave another market");
        let mirrored = outgoing(&mut self.replica);
        let outgoing = outgoing(&mut self.market);
        if !records.is_empty() {
            assert_eq!(mirrored, outgoing, "folding {records:#?} told other things");
        }
        self.market.check_invariants();
        self.records.extend(records);
        for message in outgoing {
            match message {
                Sent::Answer(n, answer) => self.acts.push((n, answer)),
                Sent::Notice(account, k, notice) => {
                    let heard = self.heard.entry(account.0).or_default();
                    assert_eq!(k, *heard + 1, "notices come in order");
                    *heard = k;
                    self.learn(&notice);
                    self.told.push((account.0, notice));
                }
            }
        }
    }

    fn learn(&mut self, notice: &Notice) {
        let placed = |placed: &PlacedOrder| match placed.remainder {
            Remainder::Rests { handle, .. } => Some((placed.bet, handle)),
            _ => None,
        };
        match notice {
            Notice::Waiting { orders, .. } => self.handles.extend(orders.iter().copied()),
            Notice::Answered { answer: Answer::Placed(orders), .. } => {
                self.handles.extend(orders.iter().filter_map(placed));
            }
            Notice::Answered { answer: Answer::Replaced(orders), .. } => {
                let orders = orders.iter().filter_map(|order| order.placed.as_ref());
                let orders = orders.filter_map(|order| order.as_ref().ok());
                self.handles.extend(orders.filter_map(placed));
            }
            _ => {}
        }
    }

    pub(super) fn send(
        &mut self,
        account: u64,
        n: u64,
        attempt: u32,
        what: &OrderCommand,
    ) -> Arrival {
        let mut records = vec![];
        let heard = self.heard.get(&account).copied().unwrap_or_default();
        let account = AccountId(account);
        let arrival = self.market.command(self.now, account, n, attempt, heard, what, &mut records);
        self.settle_down(records);
        arrival
    }

    /// Sends the account's next command; `None` while it waits.
    pub(super) fn ask(&mut self, account: u64, what: &OrderCommand) -> Option<Answer> {
        let n = self.numbers.entry(account).or_default();
        *n += 1;
        let n = *n;
        assert_eq!(self.send(account, n, 1, what), Arrival::Next);
        self.answer(account, n)
    }

    pub(super) fn answer(&self, account: u64, number: u64) -> Option<Answer> {
        self.told.iter().rev().find_map(|(to, notice)| match notice {
            Notice::Answered { n, answer } if *to == account && *n == number => {
                Some(answer.clone())
            }
            _ => None,
        })
    }

    pub(super) fn place(&mut self, account: u64, order: NewOrder) -> PlacedOrder {
        match self.ask(account, &place(&[order])) {
            Some(Answer::Placed(orders)) => orders[0].clone(),
            other => panic!("not placed: {other:?}"),
        }
    }

    pub(super) fn refusal(&mut self, account: u64, what: &OrderCommand) -> Refusal {
        match self.ask(account, what) {
            Some(Answer::Refused(refusal)) => refusal,
            other => panic!("not refused: {other:?}"),
        }
    }

    pub(super) fn handle(&self, bet: u64) -> Handle {
        self.handles[&BetId(bet)]
    }

    pub(super) fn cancel(
        &mut self,
        account: u64,
        bet: u64,
        reduction: Option<i64>,
    ) -> Result<i64, InstructionError> {
        let (handle, reduction) = (self.handle(bet), reduction.map(Pence));
        let bet = BetId(bet);
        let orders = [CancelOrder { bet, handle, reduction }].into();
        match self.ask(account, &OrderCommand::Cancel { orders, on_close: false }) {
            Some(Answer::Cancelled(lines)) => {
                lines[0].map(|order| order.size.0).map_err(|fault| fault.error)
            }
            other => panic!("no answer to cancel: {other:?}"),
        }
    }

    pub(super) fn act(&mut self, act: MarketAct) -> Option<ActAnswer> {
        let n = self.next_act;
        self.next_act += 1;
        self.send_act(n, act);
        self.acts.iter().rev().find(|(number, _)| *number == n).map(|(_, answer)| answer.clone())
    }

    pub(super) fn send_act(&mut self, n: u64, act: MarketAct) {
        let mut records = vec![];
        self.market.act(self.now, n, &act, &mut records);
        self.settle_down(records);
    }

    pub(super) fn done(&mut self, act: MarketAct) {
        match self.act(act) {
            Some(ActAnswer::Market { .. }) => {}
            other => panic!("not done: {other:?}"),
        }
    }

    pub(super) fn act_refused(&mut self, act: MarketAct) -> ActError {
        match self.act(act) {
            Some(ActAnswer::Refused(error)) => error,
            other => panic!("not refused: {other:?}"),
        }
    }

    pub(super) fn pass_ms(&mut self, ms: i64) {
        self.now = self.now.plus_ms(ms);
        let mut records = vec![];
        self.market.due(self.now, &mut records);
        self.settle_down(records);
    }

    pub(super) fn suspend_after_outage(&mut self) {
        let mut records = vec![];
        self.market.suspend_after_outage(self.now, &mut records);
        self.settle_down(records);
    }

    pub(super) fn withdraw(&mut self, account: u64, n: u64) -> Arrival {
        let mut records = vec![];
        let arrival = self.market.withdraw(self.now, AccountId(account), n, &mut records);
        self.settle_down(records);
        arrival
    }

    pub(super) fn acknowledge(&mut self, account: u64, k: u64, paid: Option<i64>) {
        let mut records = vec![];
        let account = AccountId(account);
        let paid = paid.map(Pence);
        self.market.acknowledge(self.now, &[Acknowledgement { account, k, paid }], &mut records);
        self.settle_down(records);
    }

    /// The first runner's ladders: what can be backed, what can be laid.
    pub(super) fn ladders(&self) -> [Vec<(u32, i64)>; 2] {
        let view = self.market.runner_view(HOME).expect("the runner is there");
        let plain = |(price, size): (Price, Pence)| (price.0, size.0);
        [
            view.available_to_back().map(plain).collect(),
            view.available_to_lay().map(plain).collect(),
        ]
    }

    /// What an account was told since `from` of its other bets.
    pub(super) fn fills_of(&self, account: u64) -> Vec<(u64, u32, i64)> {
        let filled = self.told.iter().filter_map(|(to, notice)| match notice {
            Notice::Filled(bets) if *to == account => Some(bets),
            _ => None,
        });
        let plain = |(bet, matched): &(BetId, Matched)| (bet.0, matched.price.0, matched.size.0);
        filled.flatten().map(plain).collect()
    }

    pub(super) fn lapses_of(&self, account: u64) -> Vec<(u64, i64, LapseReason)> {
        let lapsed = self.told.iter().filter_map(|(to, notice)| match notice {
            Notice::Lapsed(bets) if *to == account => Some(bets),
            _ => None,
        });
        lapsed.flatten().map(|(bet, size, reason)| (bet.0, size.0, *reason)).collect()
    }
}

impl Table {
    pub(super) fn with_starting_price() -> Table {
        Table::with(MarketDefinition { bsp_market: true, ..definition() })
    }

    /// What an account was told of its bets at the starting price, by bet.
    pub(super) fn closed_of(&self, account: u64) -> Vec<crate::record::ClosedBet> {
        let closed = self.told.iter().filter_map(|(to, notice)| match notice {
            Notice::Closed(bets) if *to == account => Some(bets),
            _ => None,
        });
        let mut closed: Vec<_> = closed.flatten().copied().collect();
        closed.sort_unstable_by_key(|closed| closed.bet);
        closed
    }

    /// Bet, stake matched, what lapsed of what was brought: as accounts were told, by bet.
    pub(super) fn closed(&self) -> Vec<(u64, i64, i64)> {
        let closed = self.told.iter().filter_map(|(_, notice)| match notice {
            Notice::Closed(bets) => Some(bets),
            _ => None,
        });
        let plain = |bet: &crate::record::ClosedBet| (bet.bet.0, bet.matched.0, bet.lapsed.0);
        let mut closed: Vec<_> = closed.flatten().map(plain).collect();
        closed.sort_unstable();
        closed
    }
}

#[derive(Debug, PartialEq)]
enum Sent {
    Notice(AccountId, u64, Notice),
    Answer(u64, ActAnswer),
}

fn outgoing(market: &mut Market) -> Vec<Sent> {
    let mut sent = vec![];
    market.send_outgoing(|message| {
        sent.push(match message {
            Outgoing::Notice { account, k, notice } => Sent::Notice(account, k, notice.clone()),
            Outgoing::ActAnswered { n, answer } => Sent::Answer(n, answer.clone()),
        });
    });
    sent
}

pub(super) fn matched(placed: &PlacedOrder) -> Vec<(u32, i64)> {
    placed.matched.iter().map(|matched| (matched.price.0, matched.size.0)).collect()
}

pub(super) fn rests(placed: &PlacedOrder) -> i64 {
    match placed.remainder {
        Remainder::Rests { size, .. } => size.0,
        _ => 0,
    }
}

pub(super) fn gone(placed: &PlacedOrder) -> Option<(i64, LapseReason)> {
    match placed.remainder {
        Remainder::Gone { size, reason } => Some((size.0, reason)),
        _ => None,
    }
}
