//! Recordings mirrored into the product's own market: after every message of an open market its full ladders
//! are the recorded ones, and its volume is what the rule of volume says.

use super::*;
use actors::replay::life::Life;
use actors::replay::mirror::{Mirror, Reports, Request, Resting};
use domain::act::MarketAct;
use domain::definition::{MarketDefinition, MarketStatus};
use domain::ids::*;
use domain::market::{Acknowledgement, Market, Outgoing};
use domain::money::Pence;
use domain::order::*;
use domain::price::Price;
use domain::record::{MarketEvent, Notice, RunnerResult};
use domain::request::{CancelReport, CancelledBet, PlaceReport, PlacedBet, PlacedEnd};
use domain::time::UtcMillis;
use std::collections::{BTreeMap, HashMap};

const MIRROR: AccountId = AccountId(1);
const CUSTOMER: AccountId = AccountId(2);

/// A market without actors: one account after the other.
struct Stage {
    market: Market,
    now: UtcMillis,
    acts: u64,
    commands: BTreeMap<AccountId, u64>,
    handles: HashMap<BetId, Handle>,
    bets: u64,
}

impl Stage {
    fn act(&mut self, act: &MarketAct) {
        self.acts += 1;
        let mut records = Vec::new();
        self.market.act(self.now, self.acts, act, &mut records);
        assert!(!matches!(records[0], MarketEvent::ActRefused { .. }), "{act:?}: {records:?}");
        let mut heard = Vec::new();
        self.market.send_outgoing(|outgoing| {
            if let Outgoing::Notice { account, k, notice: Notice::RunnerRemoved(_) } = outgoing {
                heard.push(Acknowledgement { account, k, paid: Some(Pence::ZERO) });
            }
        });
        // A removal is through when every account has heard of it.
        self.market.acknowledge(self.now, &heard, &mut records);
        self.market.send_outgoing(|_| {});
    }

    /// At each price in the order of the queue.
    fn resting(&self) -> Vec<Resting> {
        let own = self.market.orders().filter(|order| order.account == MIRROR);
        let mut resting: Vec<(Option<Pence>, Resting)> = own
            .map(|order| {
                let known = Resting {
                    bet: order.bet,
                    runner: order.runner,
                    side: order.side,
                    price: order.price,
                    remaining: order.remaining,
                };
                (self.market.size_ahead(order.handle, &mut { u32::MAX }), known)
            })
            .collect();
        resting.sort_by_key(|(ahead, _)| *ahead);
        resting.into_iter().map(|(_, known)| known).collect()
    }

    fn command(&mut self, account: AccountId, command: &OrderCommand) -> MarketEvent {
        let n = self.commands.entry(account).or_insert(0);
        *n += 1;
        let (n, mut records) = (*n, Vec::new());
        // Everything before was acknowledged, as an account does.
        let heard = u64::MAX >> 1;
        self.market.command(self.now, account, n, 1, heard, command, &mut records);
        self.market.send_outgoing(|_| {});
        records.pop().expect("a command is answered by a record")
    }

    fn place(&mut self, account: AccountId, tickets: &[Ticket]) -> Vec<PlaceReport> {
        let order = |ticket: &Ticket| {
            self.bets += 1;
            NewOrder {
                bet: BetId(self.bets),
                runner: ticket.runner,
                side: ticket.side,
                price: ticket.price,
                size: ticket.size,
                persistence: ticket.persistence,
                time_in_force: ticket.time_in_force,
                kind: OrderKind::Limit,
            }
        };
        let orders = tickets.iter().map(order).collect();
        let conditions =
            Conditions { market_version: None, best_execution: true, self_match: true };
        let MarketEvent::Placed { orders, .. } =
            self.command(account, &OrderCommand::Place { orders, conditions })
        else {
            panic!("{tickets:?} were refused")
        };
        let report = |taken: domain::record::Taken| {
            if let Some(handle) = taken.rests {
                self.handles.insert(taken.order.bet, handle);
            }
            Ok(PlacedBet {
                bet: taken.order.bet,
                placed_at: self.now,
                size_matched: taken.fills.iter().map(|fill| fill.size).sum(),
                matched_times_price: 0,
                end: PlacedEnd::Executable,
            })
        };
        orders.into_iter().map(report).collect()
    }

    fn cancel(&mut self, orders: &[(BetId, Option<Pence>)]) -> Vec<CancelReport> {
        let cancel = |(bet, reduction): &(BetId, Option<Pence>)| CancelOrder {
            bet: *bet,
            handle: self.handles[bet],
            reduction: *reduction,
        };
        let orders = orders.iter().map(cancel).collect();
        let MarketEvent::Cancelled { orders, .. } =
            self.command(MIRROR, &OrderCommand::Cancel { orders, on_close: false })
        else {
            panic!("cancels are never refused whole")
        };
        let report = |cancelled: Result<(CancelledOrder, Handle), InstructionFault>| {
            let (bet, result) = match cancelled {
                Ok((order, _)) => (order.bet, Ok(CancelledBet { size: order.size, at: self.now })),
                Err(fault) => (fault.bet, Err(fault.error)),
            };
            CancelReport { market: MarketId(1), bet, result }
        };
        orders.into_iter().map(report).collect()
    }

    fn work_off(&mut self, mirror: &mut Mirror) {
        while let Some(request) = mirror.next(self.market.status() == MarketStatus::Open) {
            match request {
                Request::Place(tickets) => {
                    mirror.answered(Reports::Placed(&self.place(MIRROR, &tickets)));
                }
                Request::Cancel(orders) => {
                    mirror.answered(Reports::Cancelled(&self.cancel(&orders)));
                }
            }
        }
    }
}

/// Messages, comparisons, and the volume made of both sides.
struct Played {
    messages: u64,
    compared: u64,
    volume: Pence,
    stage: Stage,
    mirror: Mirror,
}

fn play(recording: Recording) -> Played {
    let mut messages = recording.map(Result::unwrap).peekable();
    let definition = messages.peek().and_then(|first| first.definition.clone()).unwrap();
    let mut life = Life::new(&definition);
    let runners = life.runners().to_vec();
    let mut stage = Stage {
        market: Market::default(),
        now: UtcMillis(0),
        acts: 0,
        commands: BTreeMap::new(),
        handles: HashMap::new(),
        bets: 0,
    };
    let created = MarketDefinition {
        event_type: definition.event_type,
        market_type: definition.market_type.clone(),
        start_time: definition.start_time,
        number_of_winners: definition.number_of_winners,
        turn_in_play: definition.turn_in_play,
        persistence: definition.persistence,
        base_rate: definition.base_rate,
        ..MarketDefinition::plain(MarketId(1), runners.iter().copied())
    };
    let open = life.status() == MarketStatus::Open;
    stage.act(&MarketAct::Create { definition: Box::new(created), open });
    let persistence = match definition.persistence {
        true => Persistence::Persist,
        false => Persistence::Lapse,
    };
    let mut mirror = Mirror::new(runners, persistence);
    let mut played = (0, 0);
    for message in messages {
        played.0 += 1;
        stage.now = message.at;
        mirror.take(&message);
        let turn = message.definition.as_ref().map(|definition| life.take(definition));
        let turn = turn.unwrap_or_default();
        turn.before.iter().for_each(|act| stage.act(act));
        if turn.turns_in_play {
            mirror.lapsed(false);
        }
        if turn.removes {
            mirror.know(&stage.resting());
        }
        stage.work_off(&mut mirror);
        turn.after.iter().for_each(|act| stage.act(act));
        stage.work_off(&mut mirror);
        if stage.market.status() == MarketStatus::Open {
            played.1 += 1;
            for view in stage.market.runners() {
                let sides = [
                    mirror.compare(view.runner, Side::Lay, view.available_to_back()),
                    mirror.compare(view.runner, Side::Back, view.available_to_lay()),
                ];
                let differences = sides.concat();
                assert!(differences.is_empty(), "line {}: {differences:#?}", message.line);
                let made: Vec<_> = view.traded().collect();
                let expected: Vec<_> = mirror.volume(view.runner).collect();
                assert_eq!(made, expected, "line {}", message.line);
            }
            assert_eq!(mirror.differences(), [], "line {}", message.line);
        }
    }
    let volume = stage.market.total_matched();
    Played { messages: played.0, compared: played.1, volume, stage, mirror }
}

fn recorded(name: &str) -> Option<Recording> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/betfair");
    let folder = std::env::var("LAYBOOK_RECORDINGS").unwrap_or_else(|_| beside.to_owned());
    let path = Path::new(&folder).join(name);
    let there = path.exists();
    if !there {
        eprintln!("{name} is not at hand: not played");
    }
    there.then(|| Recording::open(&path, name.trim_end_matches(".gz")).unwrap())
}

fn winner(played: &Played) -> Vec<u64> {
    let Some(domain::record::Resolution::Settled(results)) = played.stage.market.resolution()
    else {
        panic!("not settled")
    };
    let won = |result: &RunnerResult| matches!(result, RunnerResult::Winner { places: 1, of: 1 });
    let winners = results.iter().filter(|(_, result)| won(result));
    winners.map(|(runner, _)| runner.selection.0).collect()
}

#[test]
fn drawn_recordings_are_mirrored_to_the_penny() {
    for seed in 0..20 {
        eprintln!("seed {seed}");
        let text = generator::recording(seed, 400);
        let played =
            play(Recording::from_reader(std::io::Cursor::new(text), generator::MARKET).unwrap());
        assert!(played.compared > 350, "{} of {}", played.compared, played.messages);
        assert!(played.volume > Pence(100_000));
        assert_eq!(winner(&played), [2]);
    }
}

/// As a client of the live stream writes it down, and cut at both ends.
#[test]
fn live_captures_are_mirrored_to_the_penny_wherever_they_begin_and_end() {
    for seed in 0..8 {
        eprintln!("seed {seed}");
        let text = generator::live(seed, 200, &["1.5", "1.55", "1.555"]);
        for market in ["1.5", "1.55", "1.555"] {
            let whole = Recording::from_reader(std::io::Cursor::new(text.clone()), market);
            let whole = play(whole.unwrap());
            assert!(whole.compared > 150, "{} of {}", whole.compared, whole.messages);
            assert_eq!(winner(&whole), [2]);
            let lines: Vec<&str> = text.lines().collect();
            // Up to where the first of the markets closes.
            let closes = lines.iter().position(|line| line.contains("\"CLOSED\"")).unwrap();
            let middle = lines[closes / 4..closes].join("\n");
            let cut = Recording::from_reader(std::io::Cursor::new(middle), market).unwrap();
            let cut = play(cut);
            assert!(cut.messages > 50, "{}", cut.messages);
            assert!(cut.stage.market.resolution().is_none(), "it never closed");
        }
    }
}

#[test]
fn a_recording_with_a_removed_runner_is_mirrored_to_the_penny() {
    for seed in 0..8 {
        eprintln!("seed {seed}");
        let text = generator::with_a_removal(seed, 300);
        let recording = Recording::from_reader(std::io::Cursor::new(text), generator::MARKET);
        let played = play(recording.unwrap());
        assert!(played.compared > 200, "{} of {}", played.compared, played.messages);
        let third = played.stage.market.runner_view(Runner::plain(SelectionId(3))).unwrap();
        assert!(third.removed_at.is_some());
        assert_eq!(winner(&played), [2], "settled, not void");
    }
}

#[test]
fn a_recorded_cricket_match_is_mirrored_to_the_penny() {
    let Some(recording) = recorded("1.200806927.gz") else { return };
    let played = play(recording);
    assert_eq!(played.messages, 18_529);
    assert_eq!(played.compared, 18_519);
    assert_eq!(winner(&played), [228_749]);
}

#[test]
fn a_recorded_greyhound_race_is_mirrored_to_the_penny() {
    let Some(recording) = recorded("1.197931750.gz") else { return };
    let played = play(recording);
    assert_eq!((played.messages, played.compared), (166, 164));
    assert_eq!(winner(&played), [37_947_503]);
}

/// A customer who rests ahead of the mirror is filled when the recording trades at their price, and the
/// mirror's own ladders still are the recorded ones.
#[test]
fn customers_are_matched_by_recorded_trades() {
    let lines = [
        r#""rc":[{"id":1,"atb":[[2.0,10]],"atl":[[2.1,10]]}]"#,
        r#""rc":[{"id":1,"atb":[[2.0,7]],"trd":[[2.04,2],[2.0,6]]}]"#,
    ];
    let text = generator::recording(1, 0);
    let first = text.lines().next().unwrap();
    let mut all = first.to_owned();
    for body in lines {
        all += &format!("\n{{\"op\":\"mcm\",\"pt\":1,\"mc\":[{{\"id\":\"1.5\",{body}}}]}}");
    }
    let until = |count| all.lines().take(count).collect::<Vec<_>>().join("\n");
    let Played { mut stage, mut mirror, .. } =
        play(Recording::from_reader(std::io::Cursor::new(until(2)), generator::MARKET).unwrap());
    let runner = Runner::plain(SelectionId(1));
    let ticket = Ticket {
        runner,
        side: Side::Lay,
        price: Price(204),
        size: Pence(100),
        persistence: Persistence::Lapse,
        time_in_force: TimeInForce::Rest,
        kind: OrderKind::Limit,
        reference: None,
    };
    stage.place(CUSTOMER, &[ticket]);
    let mut recording =
        Recording::from_reader(std::io::Cursor::new(all.clone()), generator::MARKET).unwrap();
    mirror.take(&Iterator::nth(&mut recording, 2).unwrap().unwrap());
    stage.work_off(&mut mirror);
    assert!(stage.market.orders().all(|order| order.account == MIRROR), "the customer is filled");
    assert_eq!(mirror.differences(), []);
    let view = stage.market.runner_view(runner).unwrap();
    let traded: Vec<_> = view.traded().collect();
    assert_eq!(traded, [(Price(200), Pence(600)), (Price(204), Pence(200))]);
    assert_eq!(mirror.compare(runner, Side::Lay, view.available_to_back()), []);
}
