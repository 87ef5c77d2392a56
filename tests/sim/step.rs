//! What may happen next: one number says what kind, another says everything else about it.
//!
//! A step looks at the world only to name something that is there, so a history from which steps were taken
//! out is still a history: that is how a broken one is made small.

use super::law::Check;
use super::world::World;
use crate::harness::Random;
use domain::act::{AccountAct, AccountChange, AccountStatus, Act, MarketAct, Verdict};
use domain::definition::MarketStatus;
use domain::ids::{AccountId, BetId, EntityId, MarketId, Runner, SelectionId};
use domain::money::Pence;
use domain::order::{OrderKind, Persistence, Side, Ticket, TimeInForce};
use domain::price::Price;
use domain::request::{CancelScope, CustomerRequest, RequestBody};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Deliver,
    Ask,
    Stray,
    OperateAccount,
    OperateMarket,
    Sync,
    Tick,
    Repeat,
    Die,
    Crash,
    Snapshot,
    RestartSession,
    SettleDown,
}

/// Each kind as often as it stands here, of a thousand.
const OFTEN: [(Kind, u64); 13] = [
    (Kind::Deliver, 440),
    (Kind::Ask, 250),
    (Kind::Stray, 20),
    (Kind::OperateAccount, 30),
    (Kind::OperateMarket, 35),
    (Kind::Sync, 70),
    (Kind::Tick, 50),
    (Kind::Repeat, 40),
    (Kind::Die, 25),
    (Kind::Crash, 10),
    (Kind::Snapshot, 15),
    (Kind::RestartSession, 5),
    (Kind::SettleDown, 10),
];

#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) kind: Kind,
    pub(super) seed: u64,
}

impl Step {
    pub(super) fn any(random: &mut Random) -> Step {
        let mut left = random.below(1_000);
        let kind = OFTEN.iter().find(|(_, often)| {
            let here = left < *often;
            left = left.saturating_sub(*often);
            here
        });
        Step { kind: kind.map_or(Kind::Deliver, |(kind, _)| *kind), seed: random.next() }
    }
}

const PRICES: [u32; 7] = [150, 190, 200, 210, 220, 300, 1_000];
/// Some make others of them, to the penny or not: 2.0 and 3.0 leave 6.0, 2.2 and 3.0 leave 4.71.
const PRICES_CROSSING: [u32; 7] = [200, 220, 300, 330, 400, 600, 1_000];
const SIZES: [i64; 8] = [100, 137, 200, 250, 333, 500, 1_001, 2_000];
/// So many orders are asked for in one market before the next is the favourite.
const CROWD: u64 = 20;

/// So often something dies of the same mail: then its third repeat is refused unread.
const DEATHS_MAX: u32 = 2;

/// What a backer is to get back or win.
const TARGETS: [i64; 4] = [501, 1_000, 1_333, 3_000];
const SIZES_ON_CLOSE: [i64; 5] = [333, 1_000, 1_001, 1_500, 2_777];
pub(super) const TURN_IN_PLAY_DELAYS: [Option<u16>; 3] = [None, Some(0), Some(1)];

/// What is said of a removed runner: what its market gives it, or little, or more.
const REMOVED_CHANCES: [Option<u32>; 5] = [None, None, Some(200), Some(300), Some(2_500)];

pub(super) fn runner(number: u64) -> Runner {
    Runner::plain(SelectionId(number))
}

impl World {
    pub(super) fn step(&mut self, step: Step) -> Check {
        let mut random = Random::new(step.seed);
        let random = &mut random;
        self.tell(|| format!("{:?}", step.kind));
        match step.kind {
            Kind::Deliver => {
                for _ in 0..random.between(1, 6) {
                    self.deliver(random)?;
                }
            }
            Kind::Ask => {
                let client = random.below(self.clients.len() as u64) as usize;
                if let Some(request) = self.any_request(client, random) {
                    self.tell(|| format!("  client {client} asks {request:?}"));
                    self.ask(client, request);
                }
            }
            Kind::Stray => {
                let client = random.below(self.clients.len() as u64) as usize;
                self.stray(client, random.next());
            }
            Kind::OperateAccount => {
                let account = self.any_account(random);
                let act = self.any_account_act(account, random);
                self.operate(EntityId::Account(account), Act::Account(act))?;
            }
            Kind::OperateMarket => {
                let market = self.any_market(random);
                let act = self.any_market_act(market, random);
                self.operate(EntityId::Market(market), Act::Market(act))?;
            }
            Kind::Sync => {
                let lag = (self.log.len() - self.synced) as u64;
                let through = self.synced + random.below(lag + 1) as usize;
                self.sync(if random.percent(50) { self.log.len() } else { through })?;
            }
            Kind::Tick => self.tick(*random.pick(&[1, 40, 900, 1_000, 5_000, 12_000, 61_000]))?,
            Kind::Repeat => match self.any_entity(random) {
                EntityId::Home => self.home_repeats(),
                EntityId::Account(id) => self.account_repeats(id),
                EntityId::Market(id) => self.market_repeats(id),
                EntityId::Football => {}
            },
            Kind::Die => {
                let entity = self.any_entity(random);
                self.die(entity)?;
                if random.percent(15) {
                    self.dies_again(entity)?;
                }
            }
            Kind::Crash => self.crash(random)?,
            Kind::Snapshot => {
                let entity = self.any_entity(random);
                self.snapshot(entity);
            }
            Kind::RestartSession => {
                let client = random.below(self.clients.len() as u64) as usize;
                self.restart_session(client);
            }
            Kind::SettleDown => self.settle_down(random)?,
        }
        // A session that finds a new life of its account sends again what is open.
        self.pass_open();
        Ok(())
    }

    /// Whatever is in its mail kills it as often as it is repeated.
    fn dies_again(&mut self, entity: EntityId) -> Check {
        let accounts: Vec<AccountId> = self.accounts.keys().copied().collect();
        for _ in 0..DEATHS_MAX {
            accounts.iter().for_each(|id| self.account_repeats(*id));
            self.die(entity)?;
        }
        accounts.iter().for_each(|id| self.account_repeats(*id));
        Ok(())
    }

    fn any_account(&self, random: &mut Random) -> AccountId {
        AccountId(random.between(1, self.accounts.len() as u64))
    }

    fn any_market(&self, random: &mut Random) -> MarketId {
        let markets: Vec<MarketId> = self.markets.keys().copied().collect();
        *random.pick(&markets)
    }

    fn any_entity(&self, random: &mut Random) -> EntityId {
        match random.below(10) {
            0 => EntityId::Home,
            1..=5 => EntityId::Account(self.any_account(random)),
            _ => EntityId::Market(self.any_market(random)),
        }
    }

    // ------------------------------------------------------------------------------------- clients

    fn any_request(&mut self, client: usize, random: &mut Random) -> Option<CustomerRequest> {
        let references = ["once", "twice"];
        let customer_ref = random.percent(10).then(|| (*random.pick(&references)).into());
        let body = match random.below(100) {
            0..=59 => self.any_placement(random),
            60..=79 => RequestBody::Cancel(self.any_cancel(client, random)?),
            80..=92 => {
                let (market, bets) = self.any_bets(client, random)?;
                let orders =
                    bets.into_iter().map(|bet| (bet, Price(*random.pick(&PRICES)))).collect();
                let market_version = self.any_version(market, random);
                RequestBody::Replace { market, orders, market_version }
            }
            _ => {
                let (market, bets) = self.any_bets(client, random)?;
                let persistence = self.any_persistence(self.may_close(market, random), random);
                let orders = bets.into_iter().map(|bet| (bet, persistence)).collect();
                RequestBody::Update { market, orders }
            }
        };
        Some(CustomerRequest { customer_ref, body })
    }

    fn any_placement(&mut self, random: &mut Random) -> RequestBody {
        // Customers crowd in one market for a while, then in the next, beginning with the last.
        let first = (self.wishes / CROWD) as usize % self.markets.len();
        let open = |id: &&MarketId| self.markets[*id].state.status() == MarketStatus::Open;
        let mut from_first = self.markets.keys().rev().cycle().skip(first).take(self.markets.len());
        let open = from_first.find(open).filter(|_| random.percent(60)).copied();
        let market = open.unwrap_or_else(|| self.any_market(random));
        let terms = self.oracle.definition(market).expect("made at the start").terms();
        let closes = self.may_close(market, random);
        let crosses = self.oracle.markets[&market].is_crossing();
        let count = random.between(1, 3);
        let tickets = (0..count).map(|_| self.any_ticket(closes, crosses, random)).collect();
        RequestBody::Place {
            market,
            terms,
            tickets,
            strategy_ref: random.percent(10).then(|| "plan".into()),
            market_version: self.any_version(market, random),
        }
    }

    /// Whether orders for the starting price are asked for; now and then where none is taken.
    fn may_close(&self, market: MarketId, random: &mut Random) -> bool {
        self.oracle.markets[&market].awaits_starting_price() || random.percent(3)
    }

    fn any_ticket(&mut self, closes: bool, crosses: bool, random: &mut Random) -> Ticket {
        self.wishes += 1;
        let runners: u64 = if random.percent(2) { 9 } else { 3 };
        let prices: &[u32] = if crosses { &PRICES_CROSSING } else { &PRICES };
        let price = if random.percent(2) { 201 } else { *random.pick(prices) };
        let favourite = if crosses { 0 } else { 60 };
        let kind = match random.below(100) {
            0..=2 => OrderKind::Payout(Pence(*random.pick(&TARGETS))),
            3..=5 => OrderKind::BackersProfit(Pence(*random.pick(&TARGETS))),
            _ if !closes => OrderKind::Limit,
            6..=10 => OrderKind::LimitOnClose,
            11..=15 => OrderKind::MarketOnClose,
            _ => OrderKind::Limit,
        };
        // A lay at the starting price says what it may lose, and that is more.
        let sizes: &[i64] = if kind.is_on_close() { &SIZES_ON_CLOSE } else { &SIZES };
        let size = if kind.target().is_some() { Pence::ZERO } else { Pence(*random.pick(sizes)) };
        let time_in_force = match random.below(100) {
            0..=7 => TimeInForce::FillOrKill { min_fill: None },
            8..=15 => TimeInForce::FillOrKill { min_fill: Some(Pence(100)) },
            _ => TimeInForce::Rest,
        };
        Ticket {
            runner: runner(if random.percent(favourite) { 1 } else { random.between(1, runners) }),
            side: if random.percent(50) { Side::Back } else { Side::Lay },
            price: Price(price),
            size,
            persistence: self.any_persistence(closes, random),
            time_in_force,
            kind,
            reference: Some(format!("wish-{}", self.wishes).into()),
        }
    }

    fn any_persistence(&self, closes: bool, random: &mut Random) -> Persistence {
        match random.below(100) {
            0..40 => Persistence::Persist,
            40..52 if closes => Persistence::MarketOnClose,
            _ => Persistence::Lapse,
        }
    }

    fn any_version(&self, market: MarketId, random: &mut Random) -> Option<u64> {
        let state = &self.markets[&market].state;
        match random.below(20) {
            0 => Some(state.version()),
            1 => Some(state.version().saturating_sub(1)),
            2 => Some(state.last_material_version()),
            _ => None,
        }
    }

    fn any_cancel(&self, client: usize, random: &mut Random) -> Option<CancelScope> {
        Some(match random.below(10) {
            0 | 1 => CancelScope::Everything,
            2 => CancelScope::Market(self.any_market(random)),
            _ => {
                let (market, bets) = self.any_bets(client, random)?;
                let orders = bets
                    .into_iter()
                    .map(|bet| (bet, random.percent(50).then(|| Pence(*random.pick(&SIZES)))))
                    .collect();
                CancelScope::Bets { market, orders }
            }
        })
    }

    /// Up to three bets of one market that the client knows of, most often the latest.
    fn any_bets(&self, client: usize, random: &mut Random) -> Option<(MarketId, Vec<BetId>)> {
        let market = self.any_market(random);
        let known = self.clients[client].bets.iter().rev().filter(|(of, _)| *of == market);
        let known: Vec<BetId> = known.map(|(_, bet)| *bet).take(12).collect();
        if known.is_empty() {
            return None;
        }
        let bets = (0..random.between(1, 3)).map(|_| *random.pick(&known)).collect();
        Some((market, bets))
    }

    // ----------------------------------------------------------------------------------- operators

    fn any_account_act(&self, account: AccountId, random: &mut Random) -> AccountAct {
        let funds = self.accounts[&account].state.funds();
        let amount = Pence(random.between(1, 5_000) as i64);
        match random.below(10) {
            0..=3 => AccountAct::Deposit { amount },
            4 => AccountAct::Withdraw { amount: funds.available().max(Pence(1)) },
            5 => AccountAct::Withdraw { amount },
            _ => AccountAct::Change(self.any_change(random)),
        }
    }

    fn any_change(&self, random: &mut Random) -> AccountChange {
        let nothing = AccountChange::default();
        match random.below(8) {
            0 => AccountChange { status: Some(AccountStatus::Suspended), ..nothing },
            1 | 2 => AccountChange { status: Some(AccountStatus::Active), ..nothing },
            3 => AccountChange { discount_rate: Some(random.below(10_001) as u32), ..nothing },
            4 => AccountChange { exposure_limit: Some(Some(Pence(3_000))), ..nothing },
            5 => AccountChange { exposure_limit: Some(None), ..nothing },
            6 => AccountChange { best_execution: Some(random.percent(50)), ..nothing },
            _ => AccountChange { self_match: Some(random.percent(50)), ..nothing },
        }
    }

    fn any_market_act(&self, market: MarketId, random: &mut Random) -> MarketAct {
        let definition = self.oracle.definition(market).expect("made at the start");
        let state = &self.oracle.markets[&market];
        let all = definition.runners.iter().map(|runner| runner.runner);
        let running: Vec<Runner> = all.filter(|runner| !state.is_removed(*runner)).collect();
        let settle = |random: &mut Random| {
            let places = u64::from(definition.number_of_winners);
            // Each-way one wins, and the others of the places are placed.
            let each_way = definition.each_way_divisor.is_some();
            let full = if each_way { 1 } else { places };
            let winners = if random.percent(35) { full + 1 } else { full };
            let first = random.below(running.len().max(1) as u64);
            let some = |from: u64, to: u64| {
                let named = running.iter().cycle().skip((first + from) as usize).copied();
                let most = running.len().saturating_sub(from as usize);
                named.take(most.min((to - from) as usize)).collect::<Vec<_>>()
            };
            let placed = if each_way { some(winners, places) } else { Vec::new() };
            let winners = some(0, winners);
            let dead_heat = random.percent(90);
            MarketAct::Settle(Verdict { placed, dead_heat, ..Verdict::won_by(winners) })
        };
        let turn = MarketAct::TurnInPlay { bet_delay_s: *random.pick(&TURN_IN_PLAY_DELAYS) };
        let state = &self.markets[&market].state;
        // Most often what leads on, so that a market lives; sometimes what must be refused.
        match (state.status(), random.below(22)) {
            (_, 0) => MarketAct::Open,
            (_, 1) => MarketAct::Unsettle,
            (_, 2) => MarketAct::Reopen,
            (_, 3) => MarketAct::Void,
            (_, 4) => turn,
            (_, 5) => settle(random),
            (_, 21) => MarketAct::ReconcileSp,
            (_, 20) => MarketAct::RemoveRunner {
                runner: runner(random.between(1, definition.runners.len() as u64)),
                factor: *random.pick(&REMOVED_CHANCES),
            },
            (MarketStatus::Closed, 6..=8) => settle(random),
            (MarketStatus::Closed, _) if state.resolution().is_some() => MarketAct::Unsettle,
            (MarketStatus::Closed, _) => MarketAct::Reopen,
            (MarketStatus::Open, 6 | 7) => settle(random),
            (MarketStatus::Open, 8..=10) => turn,
            (MarketStatus::Open, n @ 11..=14) => MarketAct::Suspend { lapse: n < 13, reason: None },
            (_, 6) => turn,
            (_, _) => MarketAct::Open,
        }
    }
}
