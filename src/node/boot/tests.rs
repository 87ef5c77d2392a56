//! A whole node in this process: who waits for an actor, and what becomes of mail that finds no room.

use super::*;
use crate::operator::ask as operator;
use crate::residents::{Resident, Residents, TemporaryDirectory, session_secrets};
use actors::account::{AccountMsg, AccountQuery, AccountView};
use actors::entity::{EntityActor, EntityArgs};
use actors::home::NewLogin;
use actors::mailbox::{Control, Mailbox};
use actors::market::{LadderDepth, Market, MarketMsg, ViewRequest};
use actors::node::Child;
use actors::partition::{Busy, MAIL_MAX, REQUESTS_MAX, deliver};
use actors::session::{RequestError, SessionMsg, SessionRequest};
use domain::home::{NewEvent, NewMarket, OperationAnswer};
use domain::ids::{AccountId, EventTypeId, MarketId, Runner, SessionId};
use domain::money::Pence;
use domain::order::{ExecutionError, OrderKind, Persistence, Side, Ticket, TimeInForce};
use domain::price::Price;
use domain::request::Outcome;
use domain::time::UtcMillis;
use supervision::{EventSink, Strategy, SupervisorSpec};

const SOON: Duration = Duration::from_millis(20);
const WITHIN: Duration = Duration::from_secs(60);
const STARTS_MAX: u32 = 12;
/// Long enough to fill a mailbox meanwhile.
const HANGS: Duration = Duration::from_secs(5);

struct Stage {
    running: Running,
    _directory: TemporaryDirectory,
}

/// A customer who is logged in.
struct Customer {
    session: SessionId,
    account: AccountId,
}

impl Stage {
    async fn new() -> Stage {
        let directory = TemporaryDirectory::new("laybook-boot-test").unwrap();
        let flags = [
            ("data.directory", directory.path().display().to_string()),
            ("http.listen", "127.0.0.1:0".to_owned()),
            ("admin.listen", "127.0.0.1:0".to_owned()),
            ("stream.listen", "off".to_owned()),
        ];
        let settings = Settings::read_from(None, config::Map::new(), &flags).unwrap();
        let running = Running::start(settings).await.unwrap();
        running.ready().await.unwrap();
        Stage { running, _directory: directory }
    }

    fn node(&self) -> &Node {
        &self.running.node
    }

    async fn customer(&self, username: &str) -> Customer {
        let residents = Residents::new(self.node(), "test").await.unwrap();
        let deposit = Pence(100_000_000);
        let resident = Resident { username, password: None, deposit, minimum_stakes: false };
        let customer = residents.create(resident).await.unwrap();
        let (session, token) = session_secrets();
        let (username, app_key) = (customer.username, customer.app_key);
        let login = NewLogin { session, username, token, app_key };
        let opened = |reply| HomeMsg::OpenSession { login, reply };
        let login = operator::home(self.node(), opened).await.unwrap().unwrap();
        self.node().nursery().start(Child::Session(session));
        Customer { session, account: login.account }
    }

    async fn operate(&self, request: HomeRequest) -> OperationAnswer {
        let by = By { operator: "test".into(), reason: None, key: None };
        operator::operate(self.node(), by, request).await.unwrap()
    }

    async fn market(&self) -> (MarketId, Runner) {
        let event = NewEvent {
            event_type: EventTypeId(1),
            name: "Leeds v York".to_owned(),
            competition: None,
            country: None,
            venue: None,
            open_date: UtcMillis(0),
            timezone: "Europe/London".to_owned(),
        };
        let event = self.operate(HomeRequest::CreateEvent(Box::new(event))).await;
        let OperationAnswer::Event(event) = event else { panic!("{event:?}") };
        let market = NewMarket::of(event, "Match Odds", "MATCH_ODDS", UtcMillis(0))
            .with_runners(&["Leeds", "York", "The Draw"]);
        let made = self.operate(HomeRequest::CreateMarket(Box::new(market))).await;
        let OperationAnswer::Market { market, runners } = made else { panic!("{made:?}") };
        (market, runners[0].0)
    }

    async fn place(
        &self,
        customer: &Customer,
        market: MarketId,
        tickets: Vec<Ticket>,
    ) -> Result<Outcome, RequestError> {
        let address = Address::Session(customer.session);
        let arrival = self.node().registry.arrival::<SessionMsg>(address, None, WITHIN);
        let request = SessionRequest::Place {
            market,
            tickets,
            customer_ref: None,
            strategy_ref: None,
            market_version: None,
        };
        let (reply, answer) = oneshot::channel();
        assert!(
            arrival
                .await
                .unwrap()
                .send(SessionMsg::Request { request, reply: reply.into() })
                .is_ok()
        );
        tokio::time::timeout(WITHIN, answer).await.expect("in time").expect("answered")
    }

    async fn placed(&self, customer: &Customer, market: MarketId, tickets: Vec<Ticket>) {
        match self.place(customer, market, tickets).await {
            Ok(Outcome::Placed(execution)) if execution.error.is_none() => {}
            other => panic!("not placed: {other:?}"),
        }
    }

    async fn funds(&self, customer: &Customer) -> Pence {
        match operator::funds(self.node(), customer.account).await.unwrap() {
            AccountView::Funds { funds, .. } => funds.exposure,
            other => panic!("{other:?}"),
        }
    }

    fn way<M: Send + 'static>(&self, entity: EntityId) -> Mailbox<EntityMsg<M>> {
        self.node().registry.find(at(entity)).expect("it is awake")
    }

    /// Holds the entity's handler: what is sent from here on waits.
    fn hang<M: Send + 'static>(&self, entity: EntityId) -> Mailbox<EntityMsg<M>> {
        let way = self.way::<M>(entity);
        assert!(self.node().registry.control(at(entity), Control::Hang(HANGS)));
        way
    }
}

/// Of a partition whose journal is not there: it fails nothing, answers nobody, and is stopped with its tree.
#[tokio::test(flavor = "multi_thread")]
async fn an_entity_without_a_journal_parks() {
    let stage = Stage::new().await;
    let args = EntityArgs { partition: PartitionId(7), entity: EntityId::Market(MarketId(1)) };
    let market = tree::actor::<EntityActor<Market>>(&stage.running.node, args);
    let alone = SupervisorSpec::new("alone", Strategy::OneForOne, vec![market]);
    let root = Root::start(alone, EventSink::nowhere()).await.unwrap();

    let address = Address::Entity(args.partition, args.entity);
    let registry = &stage.node().registry;
    let way = registry.find::<EntityMsg<MarketMsg>>(address).expect("it is up");
    let request = ViewRequest { offers: LadderDepth::None, traded: false, starting_price: false };
    let (reply, answer) = oneshot::channel();
    assert!(way.send(EntityMsg::Own(MarketMsg::View { request, reply })).is_ok());
    let answer = tokio::time::timeout(WITHIN, answer).await.expect("let go");
    assert!(answer.is_err(), "it has nothing to answer from");
    let (reply, observation) = oneshot::channel();
    assert!(registry.control(address, Control::Observe(reply)));
    let observation = tokio::time::timeout(WITHIN, observation).await.unwrap().unwrap();
    assert_eq!(observation.state["life"], "parked");

    root.shutdown(WITHIN).await.unwrap();
    assert!(registry.find::<EntityMsg<MarketMsg>>(address).is_none());
    stage.running.stop().await.unwrap();
}

fn at(entity: EntityId) -> Address {
    Address::Entity(PartitionId(0), entity)
}

/// Nothing was handled, and nothing was let in beyond; but the directory may have asked it to repeat.
fn assert_full<M: Send + 'static>(way: &Mailbox<EntityMsg<M>>, bound: usize) {
    let depth = way.depth();
    assert!((bound..bound + 20).contains(&depth), "{depth} wait, {bound} may");
}

fn ticket(runner: Runner, side: Side, price: u32, size: i64) -> Ticket {
    Ticket {
        runner,
        side,
        kind: OrderKind::Limit,
        price: Price(price),
        size: Pence(size),
        persistence: Persistence::Lapse,
        time_in_force: TimeInForce::Rest,
        reference: None,
    }
}

/// Two wait for a session that does not run: one gives up, the other is told when it comes.
#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_an_actor_is_told_when_it_registers() {
    let stage = Stage::new().await;
    let (session, registry) = (SessionId(7), &stage.node().registry);
    let address = Address::Session(session);
    assert!(registry.arrival::<SessionMsg>(address, None, SOON).await.is_none());
    assert_eq!(registry.awaited(), 0, "who has given up is forgotten");

    let mut came = None;
    // It may have ended again before who waits looks: then it is started anew.
    for _ in 0..STARTS_MAX {
        let waiting = registry.arrival::<SessionMsg>(address, None, WITHIN / STARTS_MAX);
        let start = async {
            while registry.awaited() == 0 {
                tokio::task::yield_now().await;
            }
            stage.node().nursery().start(Child::Session(session));
        };
        let (way, ()) = tokio::join!(waiting, start);
        came = way.map(|way| way.incarnation());
        if came.is_some() {
            break;
        }
    }
    assert!(came.is_some());
    // Nobody is logged in by that number, so it ends; and who saw it end is not given it again.
    assert!(registry.arrival::<SessionMsg>(address, came, SOON).await.is_none());
    assert_eq!(registry.awaited(), 0);
    stage.running.stop().await.unwrap();
}

/// The account's handler is held: what is asked of it waits up to the bound, and is refused beyond, at once.
#[tokio::test(flavor = "multi_thread")]
async fn customers_are_refused_as_busy_when_their_account_has_too_much_to_do() {
    let stage = Stage::new().await;
    let ann = stage.customer("ann").await;
    let (market, runner) = stage.market().await;
    stage.placed(&ann, market, vec![ticket(runner, Side::Lay, 300, 1_000)]).await;
    let entity = EntityId::Account(ann.account);
    let way = stage.hang::<AccountMsg>(entity);

    let ask = || {
        let (reply, answer) = oneshot::channel();
        let query = AccountMsg::Query { query: AccountQuery::Funds, reply };
        deliver(stage.node(), PartitionId(0), entity, query);
        answer
    };
    let mut questions: Vec<_> = (0..REQUESTS_MAX).map(|_| ask()).collect();
    while way.depth() < REQUESTS_MAX {
        tokio::task::yield_now().await;
    }
    for _ in 0..100 {
        assert!(ask().await.is_err(), "let go, and its reply end with it");
    }
    let tickets = || vec![ticket(runner, Side::Lay, 300, 1_000)];
    let refused = stage.place(&ann, market, tickets()).await;
    assert_eq!(refused, Err(RequestError::Busy(Busy::Mailbox)));
    assert_full(&way, REQUESTS_MAX);

    for question in questions.drain(..) {
        assert!(tokio::time::timeout(WITHIN, question).await.unwrap().is_ok());
    }
    stage.placed(&ann, market, tickets()).await;
    assert_eq!(stage.funds(&ann).await, Pence(4_000), "two bets: what was refused was not made");
    stage.running.stop().await.unwrap();
}

/// The market's handler is held: its accounts refuse what is asked of it, and other markets trade.
#[tokio::test(flavor = "multi_thread")]
async fn one_hot_market_refuses_early_and_the_others_are_unharmed() {
    let stage = Stage::new().await;
    let ann = stage.customer("ann").await;
    let (hot, runner) = stage.market().await;
    let (cool, cool_runner) = stage.market().await;
    stage.placed(&ann, hot, vec![ticket(runner, Side::Lay, 300, 1_000)]).await;
    let entity = EntityId::Market(hot);
    let way = stage.hang::<MarketMsg>(entity);
    for _ in 0..REQUESTS_MAX {
        let request =
            ViewRequest { offers: LadderDepth::None, traded: false, starting_price: false };
        let view = MarketMsg::View { request, reply: oneshot::channel().0 };
        assert!(way.send(EntityMsg::Own(view)).is_ok());
    }
    let tickets = |runner| vec![ticket(runner, Side::Lay, 300, 1_000)];
    match stage.place(&ann, hot, tickets(runner)).await {
        Ok(Outcome::Placed(execution)) => {
            assert_eq!(execution.error, Some(ExecutionError::ServiceUnavailable));
        }
        other => panic!("{other:?}"),
    }
    stage.placed(&ann, cool, tickets(cool_runner)).await;
    assert_full(&way, REQUESTS_MAX);
    assert_eq!(stage.funds(&ann).await, Pence(4_000));
    while way.depth() > 0 {
        tokio::task::yield_now().await;
    }
    stage.placed(&ann, hot, tickets(runner)).await;
    stage.running.stop().await.unwrap();
}

/// An account's mailbox is full to the brim while its orders are met: the market's notices find no room, and
/// all of them arrive in the end.
#[tokio::test(flavor = "multi_thread")]
async fn what_entities_owe_each_other_is_let_go_at_the_bound_and_repeated() {
    const FILLS: usize = 600;
    let stage = Stage::new().await;
    let (ann, bob) = (stage.customer("ann").await, stage.customer("bob").await);
    let (market, runner) = stage.market().await;
    let rests: Vec<_> = (0..200).map(|_| ticket(runner, Side::Back, 300, 300)).collect();
    for _ in 0..FILLS / 200 {
        stage.placed(&ann, market, rests.clone()).await;
    }
    let before = stage.funds(&ann).await;
    assert_eq!(before, Pence(FILLS as i64 * 300));
    let way = stage.hang::<AccountMsg>(EntityId::Account(ann.account));
    for _ in 0..MAIL_MAX {
        // Of nothing: the market has taken every command.
        let message = AccountMsg::SendAgain { market, from: u64::MAX };
        assert!(way.send(EntityMsg::Own(message)).is_ok());
    }
    for _ in 0..FILLS {
        stage.placed(&bob, market, vec![ticket(runner, Side::Lay, 300, 300)]).await;
    }
    assert_full(&way, MAIL_MAX);
    let began = std::time::Instant::now();
    let settle = HomeRequest::MarketAct {
        market,
        act: domain::act::MarketAct::Settle(domain::act::Verdict::won_by(vec![runner])),
    };
    // Answered when every account has applied everything.
    stage.operate(settle).await;
    eprintln!("{FILLS} notices told again within {:?}", began.elapsed());
    assert_eq!(stage.funds(&ann).await, Pence::ZERO);
    let AccountView::Funds { funds, .. } =
        operator::funds(stage.node(), ann.account).await.unwrap()
    else {
        panic!("not funds");
    };
    let won = FILLS as i64 * 600;
    assert_eq!(funds.balance, Pence(100_000_000 + won - won / 20));
    stage.running.stop().await.unwrap();
}
