//! Random lives of an account between a session, two markets and an operator: messages are late, repeated
//! and lost, the process dies, settlements are taken back. After every step all that must ever hold is
//! checked, and at the end everything is over and nothing is held.

use super::fake_market::FakeMarket;
use super::*;
use crate::ladder::LineRange;
use crate::order::LapseReason;
use crate::record::RunnerResult;
use crate::reduction::ReductionRule;
use proptest::prelude::*;

/// Runner, whether it backs, price, pence, and what is special about it.
type Wish = (u8, bool, u8, i64, Manner);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Manner {
    Rests,
    Kills,
    OnClose,
    AnyPrice,
    Converts,
    Persists,
    Payout,
}

#[derive(Debug, Clone)]
enum Step {
    Place {
        market: u8,
        tickets: Vec<Wish>,
    },
    Cancel {
        market: u8,
        which: u8,
        reduction: Option<i64>,
    },
    CancelAll {
        market: Option<u8>,
    },
    /// For a moment, so that the story goes on.
    Exclude,
    Replace {
        market: u8,
        which: u8,
        price: u8,
    },
    Update {
        market: u8,
        which: u8,
    },
    /// The last request once more.
    Again,
    /// The market takes the oldest command that it has not seen.
    Deliver {
        market: u8,
        dice: u8,
    },
    Release {
        market: u8,
        dice: u8,
    },
    Fill {
        market: u8,
        which: u8,
        dice: u8,
    },
    Lapse {
        market: u8,
    },
    /// The starting price is made.
    Close {
        market: u8,
        dice: u8,
    },
    /// A runner does not run.
    Remove {
        market: u8,
        runner: u8,
        factor: u32,
    },
    Withdraw {
        market: u8,
    },
    /// The account hears the oldest notice that is open, or all of them again.
    Hear {
        market: u8,
        again: bool,
    },
    Settle {
        market: u8,
        outcome: u8,
    },
    Unsettle {
        market: u8,
    },
    Deposit {
        amount: i64,
    },
    Pay {
        amount: i64,
    },
    /// The process dies: what was sent and not journaled is gone.
    Crash,
    Tick {
        ms: i64,
    },
}

fn manner() -> impl Strategy<Value = Manner> {
    prop_oneof![
        8 => Just(Manner::Rests),
        1 => Just(Manner::Kills),
        2 => Just(Manner::OnClose),
        1 => Just(Manner::AnyPrice),
        1 => Just(Manner::Converts),
        1 => Just(Manner::Persists),
        1 => Just(Manner::Payout),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let market = || 0_u8..2;
    let dice = any::<u8>;
    let ticket = (0_u8..4, any::<bool>(), 0_u8..8, 100_i64..3_000, manner());
    prop_oneof![
        6 => (market(), prop::collection::vec(ticket, 1..4))
            .prop_map(|(market, tickets)| Step::Place { market, tickets }),
        2 => (market(), dice(), prop::option::of(-1_i64..2_000))
            .prop_map(|(market, which, reduction)| Step::Cancel { market, which, reduction }),
        1 => prop::option::of(market()).prop_map(|market| Step::CancelAll { market }),
        3 => (market(), dice(), 0_u8..8)
            .prop_map(|(market, which, price)| Step::Replace { market, which, price }),
        1 => (market(), dice()).prop_map(|(market, which)| Step::Update { market, which }),
        1 => Just(Step::Exclude),
        1 => Just(Step::Again),
        9 => (market(), dice()).prop_map(|(market, dice)| Step::Deliver { market, dice }),
        2 => (market(), dice()).prop_map(|(market, dice)| Step::Release { market, dice }),
        3 => (market(), dice(), dice())
            .prop_map(|(market, which, dice)| Step::Fill { market, which, dice }),
        1 => market().prop_map(|market| Step::Lapse { market }),
        1 => (market(), dice()).prop_map(|(market, dice)| Step::Close { market, dice }),
        1 => (market(), 0_u8..4, 0_u32..5_000)
            .prop_map(|(market, runner, factor)| Step::Remove { market, runner, factor }),
        1 => market().prop_map(|market| Step::Withdraw { market }),
        12 => (market(), prop::bool::weighted(0.1))
            .prop_map(|(market, again)| Step::Hear { market, again }),
        1 => (market(), 0_u8..8).prop_map(|(market, outcome)| Step::Settle { market, outcome }),
        1 => market().prop_map(|market| Step::Unsettle { market }),
        1 => (1_i64..20_000).prop_map(|amount| Step::Deposit { amount }),
        1 => (1_i64..20_000).prop_map(|amount| Step::Pay { amount }),
        1 => Just(Step::Crash),
        1 => (1_i64..40_000).prop_map(|ms| Step::Tick { ms }),
    ]
}

fn kind() -> impl Strategy<Value = MarketKind> {
    // Every price of `PRICES` is a line too.
    let lines = LineRange::new(101, 100_000, 1).unwrap();
    prop_oneof![
        2 => Just(MarketKind::Odds),
        2 => prop_oneof![Just(400), Just(500)].prop_map(|divisor| MarketKind::EachWay { divisor }),
        1 => Just(MarketKind::Asian),
        2 => Just(MarketKind::Line(lines)),
    ]
}

const PRICES: [u32; 8] = [101, 110, 150, 200, 220, 310, 1_050, 100_000];
const RUNNERS: [Runner; 4] = [HOME, AWAY, DRAW, Runner { selection: SelectionId(4), handicap: 0 }];

struct Life {
    bettor: Bettor,
    markets: [FakeMarket; 2],
    terms: [MarketTerms; 2],
    last: Option<(RequestKey, RequestBody)>,
}

fn id(market: u8) -> MarketId {
    [MATCH_ODDS, CORRECT_SCORE][usize::from(market)]
}

impl Life {
    fn begin(winners: u16, complete: bool, kind: MarketKind) -> Life {
        let number_of_winners = match kind {
            MarketKind::Odds | MarketKind::EachWay { .. } => winners,
            MarketKind::Asian | MarketKind::Line(_) => 0,
        };
        let bsp_market = kind == MarketKind::Odds;
        let other =
            MarketTerms { number_of_winners, runners: 4, complete, kind, bsp_market, ..TERMS };
        Life {
            bettor: Bettor::with(200),
            markets: [FakeMarket::default(), FakeMarket::default()],
            terms: [MarketTerms { runners: 4, ..TERMS }, other],
            last: None,
        }
    }

    /// A bet of the market, known or not.
    fn choose(&self, market: u8, which: u8) -> BetId {
        let position = self.bettor.account.positions.get(&id(market));
        let bets = position.map_or(&[][..], |position| &position.bets);
        match usize::from(which) % (bets.len() + 1) {
            0 => BetId(1),
            at => bets[at - 1].id,
        }
    }

    fn ask(&mut self, body: RequestBody) {
        self.bettor.request += 1;
        let n = self.bettor.request;
        let answered_through = n.saturating_sub(20);
        let key = RequestKey { session: SESSION, n, answered_through };
        self.last = Some((key, body.clone()));
        self.bettor.ask_as(key, None, body);
    }

    fn hear(&mut self, market: u8, from: u64) {
        let open = self.markets[usize::from(market)].notices.open_from(from);
        let next = open.map(|(k, notice)| (k, notice.clone())).next();
        let Some((k, notice)) = next else { return };
        // An end or a removal may part a bet from what covered it, or bring bets back.
        let operators = matches!(notice, Notice::Resolved { .. } | Notice::RunnerRemoved(_));
        let before = self.bettor.account.funds();
        let now = UtcMillis(self.bettor.now);
        let taken = self.bettor.account.notice(now, id(market), k, notice);
        if let Some(event) = &taken.event {
            self.bettor.journal(event);
        }
        let sent = self.bettor.sent.len();
        self.bettor.checked();
        let after = self.bettor.account.funds();
        assert!(operators || after.exposure <= before.exposure, "a notice freed less than nothing");
        if taken.arrival == Arrival::Repeat {
            assert_eq!(after, before);
        }
        for outgoing in &self.bettor.sent[sent..] {
            if let Outgoing::Acknowledge { k, paid, .. } = outgoing {
                let market = &mut self.markets[usize::from(market)];
                if let Some(paid) = paid {
                    assert_eq!(*paid, market.due, "the market is paid to the penny");
                    market.unpaid = false;
                }
                market.notices.settle_through(*k);
            }
        }
    }

    fn next_notice(&self, market: u8) -> u64 {
        self.bettor.account.acknowledged(id(market)) + 1
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Place { market, tickets } => {
                let tickets =
                    tickets.into_iter().map(|(runner, backs, price, size, manner)| Ticket {
                        runner: RUNNERS[usize::from(runner)],
                        side: if backs { Side::Back } else { Side::Lay },
                        price: Price(PRICES[usize::from(price)]),
                        size: if manner == Manner::Payout { Pence::ZERO } else { Pence(size) },
                        persistence: match manner {
                            Manner::Converts => Persistence::MarketOnClose,
                            Manner::Persists => Persistence::Persist,
                            _ => Persistence::Lapse,
                        },
                        kind: match manner {
                            Manner::OnClose => OrderKind::LimitOnClose,
                            Manner::AnyPrice => OrderKind::MarketOnClose,
                            Manner::Payout => OrderKind::Payout(Pence(10 * size)),
                            _ => OrderKind::Limit,
                        },
                        time_in_force: match manner {
                            Manner::Kills => TimeInForce::FillOrKill { min_fill: None },
                            _ => TimeInForce::Rest,
                        },
                        reference: (manner == Manner::Kills).then(|| "killer".into()),
                    });
                let body = RequestBody::Place {
                    market: id(market),
                    terms: self.terms[usize::from(market)],
                    tickets: tickets.collect(),
                    strategy_ref: None,
                    market_version: None,
                };
                self.ask(body);
            }
            Step::Cancel { market, which, reduction } => {
                let bet = self.choose(market, which);
                let other = self.choose(market, which.wrapping_add(1));
                let orders = vec![(bet, reduction.map(Pence)), (other, None)];
                let market = id(market);
                self.ask(RequestBody::Cancel(CancelScope::Bets { market, orders }));
            }
            Step::CancelAll { market: None } => {
                self.ask(RequestBody::Cancel(CancelScope::Everything));
            }
            Step::CancelAll { market: Some(market) } => {
                self.ask(RequestBody::Cancel(CancelScope::Market(id(market))));
            }
            Step::Replace { market, which, price } => {
                let price = Price(PRICES[usize::from(price)]);
                let bet = self.choose(market, which);
                let other = self.choose(market, which.wrapping_add(1));
                let orders = vec![(bet, price), (other, price)];
                let market = id(market);
                self.ask(RequestBody::Replace { market, orders, market_version: None });
            }
            Step::Update { market, which } => {
                let orders = vec![(self.choose(market, which), Persistence::Persist)];
                self.ask(RequestBody::Update { market: id(market), orders });
            }
            Step::Again => {
                if let Some((key, body)) = self.last.clone() {
                    let (seq, sent) = (self.bettor.seq, self.bettor.sent.len());
                    let requested = self.bettor.ask_as(key, None, body);
                    let taken = matches!(requested, Requested::Taken(_));
                    assert!(taken || (self.bettor.seq, self.bettor.sent.len()) == (seq, sent));
                }
            }
            Step::Deliver { market, dice } => {
                let fake = &mut self.markets[usize::from(market)];
                for (n, command, _) in self.bettor.account.open_commands_of(id(market), 0) {
                    fake.command(n, command, dice);
                }
            }
            Step::Release { market, dice } => self.markets[usize::from(market)].release(dice),
            Step::Fill { market, which, dice } => {
                self.markets[usize::from(market)].fill(which, dice);
            }
            Step::Lapse { market } => {
                self.markets[usize::from(market)].lapse(LapseReason::TurnedInPlay);
            }
            // Handicaps and lines have no starting price.
            Step::Close { market, .. } if !self.terms[usize::from(market)].bsp_market => {}
            Step::Close { market, dice } => self.markets[usize::from(market)].close(dice),
            // Nobody is taken out of handicaps and lines.
            Step::Remove { market, .. }
                if self.terms[usize::from(market)].number_of_winners == 0 => {}
            Step::Remove { market, runner, factor } => {
                let rule = match self.terms[usize::from(market)].number_of_winners {
                    1 => ReductionRule::Win,
                    _ => ReductionRule::Place,
                };
                let runner = RUNNERS[usize::from(runner)];
                self.markets[usize::from(market)].remove(runner, factor, rule);
            }
            Step::Withdraw { market } => {
                let overdue = self.bettor.account.overdue(UtcMillis(self.bettor.now), 0);
                let marked = self.bettor.account.withdrawals();
                let given_up: Vec<_> = marked.chain(overdue).collect();
                for (_, n) in given_up.iter().filter(|(named, _)| *named == id(market)) {
                    self.markets[usize::from(market)].withdraw(*n);
                }
            }
            Step::Hear { market, again } => {
                let from = if again { 0 } else { self.next_notice(market) };
                self.hear(market, from);
            }
            Step::Settle { market, outcome } => self.settle(market, outcome),
            Step::Unsettle { market } => self.markets[usize::from(market)].unsettle(),
            Step::Deposit { amount } => {
                self.bettor.act(AccountAct::Deposit { amount: Pence(amount) });
            }
            Step::Pay { amount } => {
                let available = self.bettor.available();
                self.bettor.act(AccountAct::Withdraw { amount: Pence(amount) });
                assert!(self.bettor.available() >= available.min(Pence::ZERO));
            }
            Step::Exclude => {
                let until = Some(UtcMillis(self.bettor.now + 1));
                self.bettor.act(AccountAct::Exclude { until });
                self.bettor.now += 1;
            }
            Step::Crash => self.bettor.account = self.bettor.replica.clone(),
            Step::Tick { ms } => self.bettor.now += ms,
        }
    }

    fn settle(&mut self, market: u8, outcome: u8) {
        use RunnerResult::*;
        let terms = self.terms[usize::from(market)];
        let winners = usize::from(terms.number_of_winners);
        let win = |places, of| RunnerResult::Winner { places, of };
        let place = |at: usize| (at + usize::from(outcome)) % RUNNERS.len();
        let result = |at: usize| match terms.kind {
            // One more than there are places: they share them.
            MarketKind::Odds if outcome == 1 && place(at) <= winners => {
                win(winners as u16, winners as u16 + 1)
            }
            MarketKind::Odds if place(at) < winners => win(1, 1),
            MarketKind::EachWay { .. } if outcome == 1 && place(at) < 2 => win(1, 2),
            MarketKind::EachWay { .. } if place(at) == 0 => win(1, 1),
            MarketKind::EachWay { .. } if outcome == 2 && winners == 2 && place(at) < 3 => {
                Placed { places: 1, of: 2 }
            }
            MarketKind::EachWay { .. } if place(at) < winners => Placed { places: 1, of: 1 },
            MarketKind::Odds | MarketKind::EachWay { .. } => Loser,
            MarketKind::Asian => {
                [win(1, 1), HalfWinner, Push, HalfLoser, Loser][(place(at) * 3) % 5]
            }
            MarketKind::Line(_) => Counted([0, 150, 151, 310, 999_999][usize::from(outcome) % 5]),
        };
        let results =
            RUNNERS.iter().enumerate().map(|(at, runner)| (*runner, result(at))).collect();
        let results = if outcome == 0 { None } else { Some(results) };
        self.markets[usize::from(market)].settle(&terms, results);
    }

    fn hear_all(&mut self, market: u8) {
        while self.next_notice(market) < self.markets[usize::from(market)].notices.next() {
            let next = self.next_notice(market);
            self.hear(market, next);
            assert_eq!(self.next_notice(market), next + 1, "the next notice is taken");
        }
    }

    /// Everybody answers, everything is settled: nothing may be left.
    fn end(&mut self) {
        for market in 0..2 {
            self.step(Step::Lapse { market });
            self.step(Step::Deliver { market, dice: 0 });
            for _ in 0..self.markets[usize::from(market)].notices.next() {
                self.step(Step::Release { market, dice: 0 });
            }
            // What is being paid is paid first.
            self.hear_all(market);
            self.step(Step::Settle { market, outcome: 2 });
            self.hear_all(market);
        }
        let account = &self.bettor.account;
        assert!(account.is_quiet());
        assert_eq!(account.funds().exposure, Pence::ZERO);
        assert_eq!(account.open_commands().count(), 0);
        assert_eq!(account.withdrawals().count(), 0);
        let sort = OrderSort::default();
        let current = account.current_orders(&OrderFilter::default(), sort, Page::default());
        assert!(current.orders.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_doubled_or_held_for_nothing(
        winners in 1_u16..=2,
        complete in any::<bool>(),
        kind in kind(),
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut life = Life::begin(winners, complete, kind);
        for step in steps {
            life.step(step);
        }
        life.end();
    }
}
