//! Random lives of a market beside the naive one: after every step the same answers, fills, lapses,
//! ladders and orders, a replica that was told the records only, and nothing that contradicts itself.
//!
//! Seen to fail when planted: the last of a queue met first; fill or kill held to each price instead of the
//! average; at least `min_fill` read as more than; an equal price read as an improvement; a level's bit left
//! set; a back and a lay of one batch that meet let through; the wrong orders lapsed in play; any cancel taken
//! whole; what was cancelled during the bet delay forgotten; a suspension or a version that passed during it
//! forgotten; fills told in another order.

use super::naive::{Naive, erased};
use super::*;
use crate::act::Verdict;
use crate::definition::BetDelayModel;
use proptest::collection::vec;
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Place {
        account: u64,
        tickets: Vec<Ticket>,
        conditions: Wish,
    },
    Cancel {
        account: u64,
        bet: u64,
        reduction: Option<i64>,
        on_close: bool,
    },
    Replace {
        account: u64,
        bets: Vec<(u64, u32)>,
        conditions: Wish,
    },
    Update {
        account: u64,
        bet: u64,
        persistence: Persistence,
    },
    Withdraw {
        account: u64,
        back: u64,
    },
    Pass(i64),
    Act(MarketAct),
    /// As after a goal: suspended, what does not persist goes, open again.
    Goal,
    /// From whatever status to open.
    Back,
}

#[derive(Debug, Clone)]
struct Ticket {
    runner: Runner,
    side: Side,
    price: u32,
    size: i64,
    persistence: Persistence,
    kill: Option<Option<i64>>,
    kind: Kind,
}

/// Of a target, what it is for each penny that the ticket says.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Limit,
    Payout(i64),
    BackersProfit(i64),
    LimitOnClose,
    MarketOnClose,
}

#[derive(Debug, Clone, Copy)]
struct Wish {
    /// Names a version this many acts old.
    version: Option<usize>,
    best_execution: bool,
    self_match: bool,
}

fn ticket() -> impl Strategy<Value = Ticket> {
    let runner = prop_oneof![4 => Just(HOME), 1 => Just(AWAY)];
    let side = prop_oneof![Just(Side::Back), Just(Side::Lay)];
    let price = prop_oneof![30 => (100_u32..106).prop_map(|half| half * 2), 1 => Just(201)];
    let size = prop_oneof![30 => 1_i64..60, 1 => Just(0)];
    let kill = prop_oneof![5 => Just(None), 1 => Just(Some(None)),
        1 => (0_i64..40).prop_map(|least| Some(Some(least)))];
    let kind = prop_oneof![
        14 => Just(Kind::Limit),
        1 => (1_i64..5).prop_map(Kind::Payout),
        1 => (1_i64..5).prop_map(Kind::BackersProfit),
        2 => Just(Kind::LimitOnClose),
        1 => Just(Kind::MarketOnClose),
    ];
    (runner, side, price, size, persistence(), kill, kind).prop_map(
        |(runner, side, price, size, persistence, kill, kind)| Ticket {
            runner,
            side,
            price,
            size,
            persistence,
            kill,
            kind,
        },
    )
}

fn persistence() -> impl Strategy<Value = Persistence> {
    prop_oneof![
        10 => Just(Persistence::Lapse),
        10 => Just(Persistence::Persist),
        3 => Just(Persistence::MarketOnClose),
    ]
}

fn wish() -> impl Strategy<Value = Wish> {
    let version = prop_oneof![4 => Just(None), 1 => (0_usize..3).prop_map(Some)];
    let rarely_off = || prop_oneof![6 => Just(true), 1 => Just(false)];
    (version, rarely_off(), rarely_off()).prop_map(|(version, best_execution, self_match)| Wish {
        version,
        best_execution,
        self_match,
    })
}

/// Counted back from the last: what was placed lately is what is still there.
fn bet() -> impl Strategy<Value = u64> {
    prop_oneof![3 => 0_u64..6, 1 => 0_u64..60]
}

fn step() -> impl Strategy<Value = Step> {
    let account = || 1_u64..4;
    let act = prop_oneof![
        2 => any::<bool>().prop_map(|lapse| MarketAct::Suspend { lapse, reason: None }),
        6 => Just(MarketAct::Open),
        2 => Just(MarketAct::TurnInPlay { bet_delay_s: None }),
        1 => Just(MarketAct::Settle(Verdict::won_by(vec![HOME]))),
        1 => Just(MarketAct::Void),
        3 => Just(MarketAct::Unsettle),
        3 => Just(MarketAct::Reopen),
        1 => Just(MarketAct::ReconcileSp),
        1 => prop_oneof![Just(AWAY), Just(DRAW), Just(HOME)]
            .prop_map(|runner| MarketAct::RemoveRunner { runner, factor: Some(2_000) }),
    ];
    prop_oneof![
        24 => (account(), vec(ticket(), 1..4), wish()).prop_map(
            |(account, tickets, conditions)| Step::Place { account, tickets, conditions }),
        6 => (account(), bet(), proptest::option::of(0_i64..40), any::<bool>()).prop_map(
            |(account, bet, reduction, on_close)|
                Step::Cancel { account, bet, reduction, on_close }),
        4 => (account(), vec((bet(), 100_u32..106), 1..3), wish()).prop_map(
            |(account, bets, conditions)| {
                let bets = bets.into_iter().map(|(bet, half)| (bet, half * 2)).collect();
                Step::Replace { account, bets, conditions }
            }),
        2 => (account(), bet(), persistence()).prop_map(
            |(account, bet, persistence)| Step::Update { account, bet, persistence }),
        1 => (account(), 0_u64..6).prop_map(|(account, back)| Step::Withdraw { account, back }),
        4 => (0_i64..4_000).prop_map(Step::Pass),
        2 => act.prop_map(Step::Act),
        1 => Just(Step::Goal),
        1 => Just(Step::Back),
    ]
}

struct Both {
    table: Table,
    naive: Naive,
    /// All bet ids so far, whatever became of them.
    bets: u64,
    versions: Vec<u64>,
}

impl Both {
    fn new(passive: bool) -> Both {
        let mut definition = MarketDefinition { bsp_market: true, ..definition() };
        definition.bet_delay_models.extend(passive.then_some(BetDelayModel::Passive));
        let table = Table::with(definition);
        let version = table.market.version();
        let naive = Naive::open(version, passive);
        Both { table, naive, bets: 0, versions: vec![version] }
    }

    fn new_bet(&mut self) -> BetId {
        self.bets += 1;
        BetId(self.bets)
    }

    fn new_order(&mut self, ticket: &Ticket) -> NewOrder {
        let kind = match ticket.kind {
            Kind::Limit => OrderKind::Limit,
            Kind::Payout(times) => OrderKind::Payout(Pence(times * ticket.size)),
            Kind::BackersProfit(times) => OrderKind::BackersProfit(Pence(times * ticket.size)),
            Kind::LimitOnClose => OrderKind::LimitOnClose,
            Kind::MarketOnClose => OrderKind::MarketOnClose,
        };
        let price = match ticket.kind {
            Kind::MarketOnClose => any_price(ticket.side),
            _ => Price(ticket.price),
        };
        NewOrder {
            bet: self.new_bet(),
            runner: ticket.runner,
            side: ticket.side,
            price,
            size: kind.stake_at(price).unwrap_or(Pence(ticket.size)),
            persistence: ticket.persistence,
            kind,
            time_in_force: ticket.kill.map_or(TimeInForce::Rest, |least| TimeInForce::FillOrKill {
                min_fill: least.map(Pence),
            }),
        }
    }

    fn some_bet(&self, back: u64) -> (BetId, Handle) {
        let bet = BetId(self.bets.saturating_sub(back).max(1));
        // A bet that never rested is asked for at a slot that never was.
        let nowhere = Handle { slot: 1_000_000, generation: 0 };
        (bet, self.table.handles.get(&bet).copied().unwrap_or(nowhere))
    }

    fn conditions(&self, wish: Wish) -> Conditions {
        let version = |back: usize| self.versions[self.versions.len().saturating_sub(back + 1)];
        Conditions {
            market_version: wish.version.map(version),
            best_execution: wish.best_execution,
            self_match: wish.self_match,
        }
    }

    fn command(&mut self, account: u64, what: &OrderCommand) {
        self.naive.due(self.table.now);
        self.table.ask(account, what);
        let n = self.table.numbers[&account];
        self.naive.command(self.table.now, account, n, what);
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Place { account, tickets, conditions } => {
                let conditions = self.conditions(conditions);
                let orders = tickets.into_iter().map(|ticket| self.new_order(&ticket));
                let orders = orders.collect();
                self.command(account, &OrderCommand::Place { orders, conditions });
            }
            Step::Cancel { account, bet, reduction, on_close } => {
                let (bet, handle) = self.some_bet(bet);
                let reduction = reduction.map(Pence);
                let orders = vec![CancelOrder { bet, handle, reduction }];
                let orders = orders.into();
                self.command(account, &OrderCommand::Cancel { orders, on_close });
            }
            Step::Replace { account, bets, conditions } => {
                let conditions = self.conditions(conditions);
                let orders = bets.into_iter().map(|(bet, price)| {
                    let (bet, handle) = self.some_bet(bet);
                    let (new_bet, new_price) = (self.new_bet(), Price(price));
                    ReplaceOrder { bet, handle, new_bet, new_price }
                });
                let orders = orders.collect();
                self.command(account, &OrderCommand::Replace { orders, conditions });
            }
            Step::Update { account, bet, persistence } => {
                let (bet, handle) = self.some_bet(bet);
                let orders = vec![UpdateOrder { bet, handle, persistence }];
                self.command(account, &OrderCommand::Update { orders });
            }
            Step::Withdraw { account, back } => {
                let last = self.table.numbers.get(&account).copied().unwrap_or_default();
                let n = last.saturating_sub(back);
                if n > 0 {
                    self.naive.due(self.table.now);
                    self.table.withdraw(account, n);
                    self.naive.withdraw(account, n);
                }
            }
            Step::Pass(ms) => {
                self.table.pass_ms(ms);
                self.naive.due(self.table.now);
            }
            Step::Act(act) => self.act(act),
            Step::Goal => {
                self.act(MarketAct::Suspend { lapse: true, reason: None });
                self.act(MarketAct::Open);
            }
            Step::Back => {
                for act in [MarketAct::Unsettle, MarketAct::Reopen, MarketAct::Open] {
                    self.act(act);
                }
            }
        }
        self.compare();
    }

    fn act(&mut self, act: MarketAct) {
        self.naive.due(self.table.now);
        let answer = self.table.act(act.clone());
        for account in 1..4 {
            let heard = self.table.heard.get(&account).copied().unwrap_or_default();
            self.table.acknowledge(account, heard, Some(0));
        }
        assert!(!self.table.market.settling());
        if matches!(answer, Some(ActAnswer::Refused(_))) {
            return;
        }
        let persist = |persistence| persistence != Persistence::Persist;
        let naive = &mut self.naive;
        let (status, material) = match act {
            MarketAct::Open => (MarketStatus::Open, false),
            MarketAct::Reopen => (MarketStatus::Suspended, false),
            MarketAct::Suspend { lapse, .. } => {
                if lapse {
                    naive.lapse(LapseReason::MarketSuspended, persist);
                }
                (MarketStatus::Suspended, lapse)
            }
            MarketAct::RemoveRunner { runner, .. } => {
                naive.remove(runner);
                (naive.status, true)
            }
            MarketAct::ReconcileSp => {
                naive.start_all();
                (MarketStatus::Suspended, true)
            }
            MarketAct::TurnInPlay { .. } => {
                if naive.awaits_start() {
                    naive.start_all();
                }
                naive.in_play = true;
                naive.lapse(LapseReason::TurnedInPlay, persist);
                (MarketStatus::Open, true)
            }
            _ => {
                naive.lapse(LapseReason::MarketClosed, |_| true);
                (MarketStatus::Closed, true)
            }
        };
        naive.status = status;
        let version = self.table.market.version();
        self.versions.push(version);
        if material {
            naive.last_material = version;
        }
    }

    fn compare(&self) {
        let Both { table, naive, .. } = self;
        assert_eq!(table.market.status(), naive.status);
        for runner in [HOME, AWAY, DRAW] {
            let view = table.market.runner_view(runner).expect("the runner is there");
            let price = naive.prices.iter().find(|(named, _)| *named == runner);
            assert_eq!(view.actual_price(), price.map(|(_, price)| *price));
            assert_eq!(view.removed_at.is_some(), naive.removed.contains(&runner));
            let plain = |(price, size): (Price, Pence)| (price.0, size.0);
            let to_back: Vec<_> = view.available_to_back().map(plain).collect();
            let to_lay: Vec<_> = view.available_to_lay().map(plain).collect();
            assert_eq!(to_back, naive.ladder(runner, Side::Lay));
            assert_eq!(to_lay, naive.ladder(runner, Side::Back));
        }
        let plain =
            |order: OrderView| (order.bet.0, order.account.0, order.remaining.0, order.waiting);
        let mut unmatched: Vec<_> = table.market.orders().map(plain).collect();
        unmatched.sort_unstable();
        assert_eq!(unmatched, naive.unmatched());
        assert_eq!(table.market.total_matched(), Pence(naive.matched * 2));
        for (&account, &last) in &table.numbers {
            for n in 1..=last {
                let answer = table.answer(account, n).map(erased);
                assert_eq!(answer.as_ref(), naive.answers.get(&(account, n)), "{account} {n}");
            }
        }
        for account in 1..4 {
            let filled = naive.filled.iter().filter(|(to, ..)| *to == account);
            let filled: Vec<_> =
                filled.map(|(_, bet, price, size)| (*bet, *price, *size)).collect();
            assert_eq!(table.fills_of(account), filled, "{account}");
            let lapsed = naive.lapsed.iter().filter(|(to, ..)| *to == account);
            let mut lapsed: Vec<_> =
                lapsed.map(|(_, bet, size, reason)| (*bet, *size, *reason)).collect();
            let mut told = table.lapses_of(account);
            let closed = naive.closed.iter().filter(|(to, _)| *to == account);
            let mut closed: Vec<_> = closed.map(|(_, bet)| *bet).collect();
            closed.sort_unstable_by_key(|closed| closed.bet);
            assert_eq!(table.closed_of(account), closed, "{account}");
            lapsed.sort_unstable_by_key(|(bet, ..)| *bet);
            told.sort_unstable_by_key(|(bet, ..)| *bet);
            assert_eq!(told, lapsed, "{account}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_market_does_what_the_naive_one_does(
        in_play in any::<bool>(),
        passive in any::<bool>(),
        steps in vec(step(), 1..80),
    ) {
        let mut both = Both::new(passive);
        if in_play {
            both.step(Step::Act(MarketAct::TurnInPlay { bet_delay_s: None }));
        }
        for step in steps {
            both.step(step);
        }
    }
}
