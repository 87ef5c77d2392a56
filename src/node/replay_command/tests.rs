//! Drawn recordings played by a whole node: left alone, shot at, and traded against.

use super::*;
use crate::recording::generator;
use actors::account::{AccountQuery, AccountView};
use actors::home::{HomeMsg, NewLogin};
use actors::mailbox::Control;
use actors::partition::deliver;
use actors::registry::Address;
use actors::session::{RequestError, SessionMsg, SessionRequest};
use domain::definition::MarketStatus;
use domain::ids::{AccountId, EntityId, MarketId, PartitionId, Runner, SelectionId, SessionId};
use domain::order::{OrderKind, Persistence, Side, Ticket, TimeInForce};
use domain::price::Price;
use domain::request::Outcome;
use tokio::sync::oneshot;

const WITHIN: Duration = Duration::from_secs(120);

struct Stage {
    running: Running,
    reports: watch::Receiver<Report>,
    _directory: TemporaryDirectory,
}

async fn node(directory: &TemporaryDirectory) -> Running {
    let flags = [
        ("data.directory", directory.path().display().to_string()),
        ("http.listen", "127.0.0.1:0".to_owned()),
        ("admin.listen", "127.0.0.1:0".to_owned()),
        ("stream.listen", "off".to_owned()),
    ];
    let settings = Settings::read_from(None, config::Map::new(), &flags).unwrap();
    let running = Running::start(settings).await.unwrap();
    running.ready().await.unwrap();
    running
}

/// A node that plays a drawn recording.
async fn playing(seed: u64, messages: u32, speed: f64) -> Stage {
    eprintln!("seed {seed}");
    let directory = TemporaryDirectory::new("laybook-replay-test").unwrap();
    let running = node(&directory).await;
    let residents = Residents::new(&running.node, "test").await.unwrap();
    let mirror = Resident {
        username: "mirror",
        password: None,
        deposit: MIRRORS_MONEY,
        minimum_stakes: false,
    };
    let customer = residents.create(mirror).await.unwrap();
    let (report, reports) = watch::channel(Report::default());
    let text = generator::recording(seed, messages);
    let open = move || -> Result<Box<dyn Messages>, String> {
        let bytes = std::io::Cursor::new(text.clone());
        let recording = Recording::from_reader(bytes, generator::MARKET);
        Ok(Box::new(recording.map_err(|error| error.to_string())?))
    };
    let play = Play {
        open: Box::new(open),
        file: "drawn".to_owned(),
        run: "test".to_owned(),
        began: None,
        speed,
        customer,
        secrets: session_secrets,
        report,
    };
    running.node.plays.give(0, play);
    running.node.nursery().start(Child::Replay(0));
    Stage { running, reports, _directory: directory }
}

impl Stage {
    async fn until(&mut self, what: impl FnMut(&Report) -> bool) -> Report {
        let reached = tokio::time::timeout(WITHIN, self.reports.wait_for(what)).await;
        reached.unwrap_or_else(|_| panic!("stands still")).unwrap().clone()
    }

    async fn end(mut self) -> Report {
        let report = self.until(|report| report.end.is_some()).await;
        let ledger = ledger::read(&self.running.node).await.unwrap();
        assert_eq!(ledger["difference"], "0.00", "{ledger}");
        assert_eq!((&ledger["clearing"], &ledger["holds"]), (&"0.00".into(), &"0.00".into()));
        self.running.stop().await.unwrap();
        report
    }
}

fn assert_equal(report: &Report) {
    assert_eq!((report.differences, report.with_others), (0, 0), "{:#?}", report.examples);
    assert_eq!((report.status, &report.end), (MarketStatus::Closed, &Some(Ok(()))));
    assert!(report.notes.is_empty(), "{:?}", report.notes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_plays_a_recording_to_the_penny() {
    let report = playing(11, 300, f64::INFINITY).await.end().await;
    assert_equal(&report);
    assert!(report.compared > 290, "{report:?}");
    assert!(report.traded > Pence(100_000));
    assert_eq!(report.volume.0, report.volume.1);
}

/// Everything that the replay rests on dies once, and so does the replay.
#[tokio::test(flavor = "multi_thread")]
async fn a_replay_survives_the_deaths_of_all_it_rests_on() {
    let mut stage = playing(12, 500, f64::INFINITY).await;
    let first = stage.until(|report| report.market.is_some() && report.account.is_some()).await;
    let (market, account) = (first.market.unwrap(), first.account.unwrap());
    let entity = |entity| Address::Entity(PartitionId(0), entity);
    let loads = stage.running.node.registry.loads();
    let mut addresses = loads.into_iter().map(|(address, _)| address);
    let session = addresses.rfind(|address| matches!(address, Address::Session(_)));
    let victims = [
        Some(Address::Replay(0)),
        Some(entity(EntityId::Account(account))),
        Some(entity(EntityId::Market(market))),
        session,
        Some(entity(EntityId::Home)),
        Some(Address::Replay(0)),
    ];
    for (victim, at) in victims.into_iter().flatten().zip((40..).step_by(40)) {
        stage.until(|report| report.messages >= at || report.end.is_some()).await;
        stage.running.node.registry.control(victim, Control::Panic);
    }
    let report = stage.end().await;
    assert_eq!(report.differences, 0, "{:#?}", report.examples);
    assert_eq!((report.status, &report.end), (MarketStatus::Closed, &Some(Ok(()))));
    assert!(report.compared > 480, "{report:?}");
}

/// The mirror gives back what a customer takes from it, and leaves alone what is the customer's.
#[tokio::test(flavor = "multi_thread")]
async fn customers_trade_against_a_replay() {
    let mut stage = playing(13, 400, f64::INFINITY).await;
    let market = stage.until(|report| report.messages > 20).await.market.unwrap();
    let node = stage.running.node.clone();
    let (session, account) = customer(&node).await;
    let ticket = |selection, side| Ticket {
        runner: Runner::plain(SelectionId(selection)),
        side,
        price: Price::MIN,
        size: Pence(500),
        persistence: Persistence::Persist,
        time_in_force: TimeInForce::Rest,
        kind: OrderKind::Limit,
        reference: None,
    };
    // A back that takes the best price there is from the mirror, and a lay that nobody will ever meet.
    let tickets = vec![ticket(1, Side::Back), ticket(2, Side::Lay)];
    let mut placed = false;
    while !placed {
        let outcome = place(&node, session, market, tickets.clone()).await;
        // The market may just be suspended.
        placed = matches!(outcome, Ok(Outcome::Placed(placed)) if placed.error.is_none());
        assert!(stage.reports.borrow().end.is_none(), "never placed");
    }
    let report = stage.until(|report| report.end.is_some()).await;
    assert_eq!(report.differences, 0, "{:#?}", report.examples);
    assert!(report.with_others > 0);
    let (reply, answer) = oneshot::channel();
    let message = actors::account::AccountMsg::Query { query: AccountQuery::Funds, reply };
    deliver(&node, PartitionId(0), EntityId::Account(account), message);
    let AccountView::Funds { funds, .. } = answer.await.unwrap() else { panic!("not funds") };
    // The runner lost: the stake is gone.
    assert_eq!((funds.balance, funds.exposure), (Pence(9_500), Pence::ZERO));
    stage.end().await;
}

/// Every market of a live capture, at once; cut off, packed and broken, it says so and how far it came.
#[tokio::test(flavor = "multi_thread")]
async fn every_market_of_a_file_is_played_and_damage_is_told_with_what_was_played() {
    use std::io::Write as _;
    let directory = TemporaryDirectory::new("laybook-replay-test").unwrap();
    let running = node(&directory).await;
    let text = generator::live(21, 120, &["1.5", "1.6", "1.7"]);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    // The name says nothing: what is in it does.
    let file = directory.path().join("capture.txt");
    for (bytes, whole) in [(&packed[..], true), (&packed[..packed.len() / 2], false)] {
        std::fs::write(&file, bytes).unwrap();
        let inventory = Inventory::of_file(&file).unwrap();
        assert_eq!(inventory.damage.is_none(), whole);
        let ensemble = Ensemble::new(running.node.clone(), &file, f64::INFINITY, inventory);
        let mut ensemble = ensemble.await.unwrap();
        ensemble.follow().await.unwrap();
        assert_eq!(ensemble.players.len(), 3);
        let mut markets = std::collections::BTreeSet::new();
        for player in &ensemble.players {
            let report = player.reports.borrow().clone();
            assert_eq!(report.differences, 0, "{:#?}", report.examples);
            markets.insert(report.market.unwrap());
            let (end, closed) = (report.end.unwrap(), report.status == MarketStatus::Closed);
            assert_eq!((end.is_ok(), closed), (whole, whole), "{end:?}");
            assert!(report.compared > 20, "{} were played before", report.compared);
            if let Err(why) = end {
                assert!(why.starts_with("line "), "{why}");
            }
        }
        assert_eq!(markets.len(), 3);
        let exit = ensemble.summary(Duration::ZERO).await.unwrap();
        assert_eq!(exit, if whole { Exit::Done } else { Exit::Failed });
        for number in 0..3 {
            running.node.nursery().stop(Child::Replay(number));
        }
    }
    running.stop().await.unwrap();
}

async fn customer(node: &Arc<Node>) -> (SessionId, AccountId) {
    let residents = Residents::new(node, "test").await.unwrap();
    let (username, deposit) = ("alice", Pence(10_000));
    let alice = Resident { username, password: None, deposit, minimum_stakes: true };
    let customer = residents.create(alice).await.unwrap();
    let (session, token) = session_secrets();
    let (username, app_key) = (customer.username, customer.app_key);
    let login = NewLogin { session, username, token, app_key };
    let login = ask::home(node, |reply| HomeMsg::OpenSession { login, reply }).await.unwrap();
    node.nursery().start(Child::Session(session));
    (session, login.unwrap().account)
}

async fn place(
    node: &Node,
    session: SessionId,
    market: MarketId,
    tickets: Vec<Ticket>,
) -> Result<Outcome, RequestError> {
    let way = loop {
        if let Some(way) = node.registry.find::<SessionMsg>(Address::Session(session)) {
            break way;
        }
        tokio::task::yield_now().await;
    };
    let request = SessionRequest::Place {
        market,
        tickets,
        customer_ref: None,
        strategy_ref: None,
        market_version: None,
    };
    let (reply, answer) = oneshot::channel();
    assert!(way.send(SessionMsg::Request { request, reply }).is_ok());
    answer.await.unwrap()
}
