//! Home as its operators and customers meet it.
//!
//! `Node` plays the shell: it decides, checks that a state rebuilt from the records equals the live one,
//! and answers acts as an account or a market would.

use super::*;
use crate::act::{
    AccountAct, AccountChange, AccountProfile, AccountStatus, Act, Currency, Funds, MarketAct,
    Verdict,
};
use crate::definition::{BettingType, LineDefinition, MAX_RUNNERS, MarketStatus};
use crate::ladder::LineRange;
use crate::money::Pence;

mod history;
mod people;

const NOON: UtcMillis = UtcMillis(1_700_000_000_000);
const HOUR: i64 = 3_600_000;

#[derive(Default)]
struct Node {
    home: Home,
    log: Vec<(UtcMillis, HomeEvent)>,
    outgoing: Vec<Outgoing>,
}

impl Node {
    fn journal(&mut self, at: UtcMillis, event: HomeEvent) {
        self.home.apply(at, &event);
        self.log.push((at, event));
        self.outgoing.extend(self.home.take_outgoing());
        self.home.check_invariants().unwrap();
    }

    fn ask(&mut self, at: UtcMillis, by: By, request: HomeRequest) -> Result<Operated, HomeError> {
        let before = self.home.clone();
        let operated = self.home.operate(at, by, request);
        assert_eq!(self.home, before, "a decision changes nothing");
        if let Ok(Operated::Begun { event, .. }) = &operated {
            self.journal(at, event.clone());
        }
        operated
    }

    /// Asks, answers every act with success, and returns the answer.
    fn done(&mut self, at: UtcMillis, by: By, request: HomeRequest) -> OperationAnswer {
        let operation = match self.ask(at, by, request).unwrap() {
            Operated::Begun { operation, .. } => operation,
            other => panic!("not begun: {other:?}"),
        };
        self.answer_all(at);
        self.answer_to(operation).expect("every act was answered")
    }

    fn answer_all(&mut self, at: UtcMillis) {
        for act in self.home.open_acts().collect::<Vec<_>>() {
            let answer = success(&act.act);
            self.answer(at, act.target, act.n, answer);
        }
    }

    fn answer(&mut self, at: UtcMillis, target: EntityId, n: u64, answer: ActAnswer) -> Arrival {
        let arrival = self.home.answered(target, n, answer);
        if let Arrival::Record(event) = &arrival {
            self.journal(at, event.clone());
        }
        arrival
    }

    fn answer_to(&self, wanted: u64) -> Option<OperationAnswer> {
        self.outgoing.iter().find_map(|out| match out {
            Outgoing::Answered { operation, answer } if *operation == wanted => {
                Some(answer.clone())
            }
            _ => None,
        })
    }

    fn login(&mut self, at: UtcMillis, session: u64, username: &str) -> SecretHash {
        let token = token(session);
        let key = user(&username.to_lowercase(), None).app_key;
        let opened = self
            .home
            .open_session(at, SessionId(session), username, token, &key, SESSION_MS)
            .unwrap();
        self.journal(at, opened);
        token
    }

    fn replayed(&self) -> Home {
        let mut home = Home::default();
        for (at, event) in &self.log {
            home.apply(*at, event);
            home.take_outgoing();
        }
        home
    }
}

fn success(act: &Act) -> ActAnswer {
    match act {
        Act::Account(_) => ActAnswer::Account(Funds {
            balance: Pence(1_000),
            exposure: Pence::ZERO,
            status: AccountStatus::Active,
        }),
        Act::Market(_) => ActAnswer::Market { status: MarketStatus::Open, version: 1 },
    }
}

fn token(number: u64) -> SecretHash {
    let mut token = [7; 32];
    token[..8].copy_from_slice(&number.to_be_bytes());
    token
}

fn by() -> By {
    By { operator: "ops".to_owned(), reason: Some("because".to_owned()), key: None }
}

fn keyed(key: &str, request: u64) -> By {
    By { key: Some(IdempotencyKey { key: key.to_owned(), request: token(request) }), ..by() }
}

fn user(username: &str, deposit: Option<i64>) -> NewUser {
    NewUser {
        username: username.to_owned(),
        password_hash: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".to_owned(),
        email: None,
        app_key: format!("key-{}", username.replace('.', "-")),
        currency: Currency::Gbp,
        profile: AccountProfile::default(),
        deposit: deposit.map(Pence),
        partition: PartitionId(0),
    }
}

fn create_user(username: &str, deposit: Option<i64>) -> HomeRequest {
    HomeRequest::CreateUser(Box::new(user(username, deposit)))
}

fn event(name: &str) -> NewEvent {
    NewEvent {
        event_type: EventTypeId(1),
        name: name.to_owned(),
        competition: Some("Premier League".to_owned()),
        country: Some("GB".to_owned()),
        venue: None,
        open_date: NOON,
        timezone: "Europe/London".to_owned(),
    }
}

fn market(event: EventId, runners: &[&str]) -> NewMarket {
    NewMarket::of(event, "Match Odds", "MATCH_ODDS", NOON).with_runners(runners)
}

fn with_event() -> (Node, EventId) {
    let mut node = Node::default();
    let request = HomeRequest::CreateEvent(Box::new(event("Arsenal v Chelsea")));
    match node.done(NOON, by(), request) {
        OperationAnswer::Event(id) => (node, id),
        other => panic!("no event: {other:?}"),
    }
}

fn list(node: &mut Node, new: NewMarket) -> (MarketId, Vec<(u64, String)>) {
    match node.done(NOON, by(), HomeRequest::CreateMarket(Box::new(new))) {
        OperationAnswer::Market { market, runners } => {
            (market, runners.into_iter().map(|(r, name)| (r.selection.0, name)).collect())
        }
        other => panic!("no market: {other:?}"),
    }
}

fn refused_field(node: &mut Node, request: HomeRequest) -> String {
    match node.ask(NOON, by(), request) {
        Err(HomeError::Invalid { field, .. } | HomeError::Unfit { field, .. }) => field,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_user_is_there_when_the_account_is_open_and_the_deposit_is_paid() {
    let mut node = Node::default();
    let begun = node.ask(NOON, by(), create_user("maria", Some(5_000))).unwrap();
    let Operated::Begun { operation, .. } = begun else { panic!("{begun:?}") };
    let account = EntityId::Account(AccountId(1));
    let acts: Vec<_> = node.home.open_acts().map(|act| (act.target, act.n, act.act)).collect();
    let open = AccountAct::Open { currency: Currency::Gbp, profile: AccountProfile::default() };
    assert_eq!(
        acts,
        [
            (account, 1, Act::Account(open)),
            (account, 2, Act::Account(AccountAct::Deposit { amount: Pence(5_000) })),
        ]
    );
    node.answer(NOON, account, 1, success(&acts[0].2));
    assert_eq!(node.answer_to(operation), None);
    node.answer(NOON, account, 2, success(&acts[1].2));
    assert_eq!(
        node.answer_to(operation),
        Some(OperationAnswer::User {
            account: AccountId(1),
            username: "maria".to_owned(),
            app_key: "key-maria".to_owned(),
        })
    );
    assert_eq!(node.home.user_of(AccountId(1)).unwrap().username, "maria");
    assert_eq!(node.home.app_key("key-maria"), Some(AccountId(1)));
    assert_eq!(node.home.partition(account), Some(PartitionId(0)));
    assert_eq!(node.replayed(), node.home);
}

#[test]
fn usernames_that_differ_in_case_only_are_one() {
    let mut node = Node::default();
    node.done(NOON, by(), create_user("Maria", None));
    assert_eq!(node.ask(NOON, by(), create_user("mARIA", None)), Err(HomeError::UsernameTaken));
    assert_eq!(node.home.user("MARIA").unwrap().username, "Maria");
}

#[test]
fn the_first_refused_act_is_the_answer() {
    let mut node = Node::default();
    let begun = node.ask(NOON, by(), create_user("maria", Some(5_000))).unwrap();
    let Operated::Begun { operation, .. } = begun else { panic!("{begun:?}") };
    let account = EntityId::Account(AccountId(1));
    let refusal = ActAnswer::Refused(ActError::TooLarge);
    node.answer(NOON, account, 2, refusal.clone());
    node.answer(NOON, account, 1, ActAnswer::Refused(ActError::NoSuchAccount));
    assert_eq!(node.answer_to(operation), Some(OperationAnswer::Act(refusal)));
}

#[test]
fn a_deposit_is_answered_with_the_funds() {
    let mut node = Node::default();
    node.done(NOON, by(), create_user("maria", None));
    let deposit = HomeRequest::Deposit { username: "Maria".to_owned(), amount: Pence(100) };
    let answer = node.done(NOON, by(), deposit);
    assert!(matches!(answer, OperationAnswer::Act(ActAnswer::Account(_))), "{answer:?}");
    let unknown = HomeRequest::Deposit { username: "nobody".to_owned(), amount: Pence(100) };
    assert_eq!(node.ask(NOON, by(), unknown), Err(HomeError::NoSuchUser));
}

#[test]
fn a_repeat_under_the_same_key_gets_the_first_answer() {
    let mut node = Node::default();
    let request = || create_user("maria", Some(5_000));
    let begun = node.ask(NOON, keyed("k", 1), request()).unwrap();
    let Operated::Begun { operation, .. } = begun else { panic!("{begun:?}") };
    let again = node.ask(NOON, keyed("k", 1), request());
    assert_eq!(again, Ok(Operated::Running { operation }));
    assert_eq!(node.ask(NOON, keyed("k", 2), request()), Err(HomeError::KeyReused));
    node.answer_all(NOON);
    let answer = node.answer_to(operation).unwrap();
    let later = NOON.plus_ms(KEY_MS - 1);
    let again = node.ask(later, keyed("k", 1), request());
    assert_eq!(again, Ok(Operated::Answered { operation, answer }));
    assert_eq!(node.ask(later, keyed("k", 2), request()), Err(HomeError::KeyReused));
    // Keys of other operators are other keys.
    let other = By { operator: "night shift".to_owned(), ..keyed("k", 2) };
    assert_eq!(node.ask(later, other, request()), Err(HomeError::UsernameTaken));
}

#[test]
fn after_a_day_a_key_is_new_again() {
    let mut node = Node::default();
    node.done(NOON, keyed("k", 1), create_user("maria", None));
    let next_day = NOON.plus_ms(KEY_MS);
    assert_eq!(
        node.ask(next_day, keyed("k", 1), create_user("maria", None)),
        Err(HomeError::UsernameTaken)
    );
    node.done(next_day, keyed("k", 2), create_user("jonas", None));
    assert_eq!(node.replayed(), node.home);
}

#[test]
fn an_operation_that_runs_longer_than_a_day_keeps_its_key_until_it_is_answered() {
    let mut node = Node::default();
    let begun = node.ask(NOON, keyed("k", 1), create_user("maria", None)).unwrap();
    let Operated::Begun { operation, .. } = begun else { panic!("{begun:?}") };
    let late = NOON.plus_ms(2 * KEY_MS);
    node.login(late, 1, "maria");
    let again = node.ask(late, keyed("k", 1), create_user("maria", None));
    assert_eq!(again, Ok(Operated::Running { operation }));
    node.answer_all(late);
    assert!(node.answer_to(operation).is_some());
    let again = node.ask(late, keyed("k", 1), create_user("maria", None));
    assert_eq!(again, Err(HomeError::UsernameTaken));
}

#[test]
fn a_refusal_leaves_no_trace_and_is_decided_again() {
    let mut node = Node::default();
    let deposit = || HomeRequest::Deposit { username: "maria".to_owned(), amount: Pence(1) };
    assert_eq!(node.ask(NOON, keyed("k", 1), deposit()), Err(HomeError::NoSuchUser));
    assert!(node.log.is_empty());
    node.done(NOON, by(), create_user("maria", None));
    node.done(NOON, keyed("k", 1), deposit());
}

#[test]
fn an_act_stays_open_until_a_journaled_answer_and_is_taken_once() {
    let (mut node, event) = with_event();
    let request = HomeRequest::CreateMarket(Box::new(market(event, &["Arsenal", "Chelsea"])));
    node.ask(NOON, by(), request).unwrap();
    let sent = node.home.open_acts().next().unwrap();
    for error in [ActError::ReadOnly, ActError::Quarantined] {
        let arrival = node.answer(NOON, sent.target, sent.n, ActAnswer::Refused(error));
        assert!(matches!(arrival, Arrival::Hindered { .. }), "{arrival:?}");
        assert_eq!(node.home.open_acts().count(), 1);
    }
    // A restart: the log alone says what must be sent again.
    assert_eq!(node.replayed().open_acts().collect::<Vec<_>>(), std::slice::from_ref(&sent));
    let first = node.answer(NOON, sent.target, sent.n, success(&sent.act));
    assert!(matches!(first, Arrival::Record(_)));
    let second = node.answer(NOON, sent.target, sent.n, success(&sent.act));
    assert_eq!(second, Arrival::Repeat);
    assert_eq!(node.home.open_acts().count(), 0);
}

#[test]
fn a_target_is_told_what_it_may_forget() {
    let (mut node, event) = with_event();
    let (market, _) = list(&mut node, market(event, &["Arsenal", "Chelsea"]));
    let target = EntityId::Market(market);
    node.outgoing.clear();
    for act in [MarketAct::Suspend { lapse: false, reason: None }, MarketAct::Open, MarketAct::Void]
    {
        node.ask(NOON, by(), HomeRequest::MarketAct { market, act }).unwrap();
    }
    let answer = ActAnswer::Market { status: MarketStatus::Suspended, version: 2 };
    node.answer(NOON, target, 3, answer.clone());
    let through = |node: &Node| {
        node.home.open_acts().map(|act| (act.n, act.answered_through)).collect::<Vec<_>>()
    };
    assert_eq!(through(&node), [(2, 1), (4, 1)]);
    node.answer(NOON, target, 2, answer);
    assert_eq!(through(&node), [(4, 3)]);
}

#[test]
fn a_team_keeps_its_id_and_other_sports_have_their_own() {
    let (mut node, event) = with_event();
    let (first, runners) = list(&mut node, market(event, &["Arsenal", "Chelsea", "The Draw"]));
    assert_eq!(first.to_string(), "1.100000001");
    assert_eq!(runners[2], (58_805, "The Draw".to_owned()));
    assert_eq!((runners[0].0, runners[1].0), (1_000_000_001, 1_000_000_002));
    let (second, again) = list(&mut node, market(event, &["Chelsea", "Leeds", "The Draw"]));
    assert_eq!(second.to_string(), "1.100000002");
    assert_eq!((again[0].0, again[1].0), (1_000_000_002, 1_000_000_003));

    let mut tennis = super::tests::event("Final");
    tennis.event_type = EventTypeId(2);
    let tennis = node.done(NOON, by(), HomeRequest::CreateEvent(Box::new(tennis)));
    let OperationAnswer::Event(tennis) = tennis else { panic!("{tennis:?}") };
    assert_eq!(tennis, EventId(10_000_002));
    let (_, players) = list(&mut node, market(tennis, &["Chelsea", "The Draw"]));
    assert_eq!((players[0].0, players[1].0), (1_000_000_004, 1_000_000_005));
}

#[test]
fn a_creator_may_bring_ids_from_elsewhere_but_never_ids_not_given_yet() {
    let (mut node, event) = with_event();
    let mut new = market(event, &["Arsenal", "Chelsea"]);
    new.runners[0].selection = Some(SelectionId(1_096));
    let (_, runners) = list(&mut node, new.clone());
    assert_eq!((runners[0].0, runners[1].0), (1_096, 1_000_000_001));
    let (_, again) = list(&mut node, market(event, &["Arsenal", "Leeds"]));
    assert_eq!(again[0].0, 1_096);
    for given in [0, 1_000_000_003, u64::MAX] {
        new.runners[0].selection = Some(SelectionId(given));
        let request = HomeRequest::CreateMarket(Box::new(new.clone()));
        assert_eq!(refused_field(&mut node, request), "runners[0].selectionId", "{given}");
    }
}

#[test]
fn what_a_market_may_not_be_is_refused_by_field() {
    let (mut node, event) = with_event();
    type Spoil = fn(&mut NewMarket);
    let cases: [(&str, Spoil); 24] = [
        ("name", |m| m.name.clear()),
        ("name", |m| m.name = "x".repeat(101)),
        ("name", |m| m.name = "Match\u{202E}Odds".to_owned()),
        ("marketType", |m| m.market_type = "MATCH ODDS".to_owned()),
        ("startTime", |m| m.start_time = UtcMillis(-1)),
        ("runners", |m| m.runners.clear()),
        ("runners", |m| m.runners = vec![NewRunner::named("x"); MAX_RUNNERS + 1]),
        ("numberOfWinners", |m| m.number_of_winners = 0),
        ("numberOfWinners", |m| m.number_of_winners = 3),
        ("numberOfWinners", |m| m.runners.truncate(1)),
        ("crossMatching", |m| (m.cross_matching, m.complete) = (true, false)),
        ("crossMatching", |m| (m.cross_matching, m.number_of_winners) = (true, 2)),
        ("crossMatching", |m| {
            (m.cross_matching, m.runners[0].adjustment_factor) = (true, Some(250));
        }),
        ("baseRate", |m| m.base_rate = 10_001),
        ("betDelay", |m| m.bet_delay_s = 61),
        ("jurisdiction", |m| m.jurisdiction = Some(String::new())),
        ("raceType", |m| m.race_type = Some(String::new())),
        ("runners[1].name", |m| m.runners[1].name = "\u{200B}".to_owned()),
        ("runners[1].handicap", |m| m.runners[1].handicap = 50),
        ("runners[1].adjustmentFactor", |m| m.runners[1].adjustment_factor = Some(10_001)),
        ("runners[1].selectionId", |m| m.runners[1].selection = Some(SelectionId(0))),
        ("runners[2].selectionId", |m| {
            m.runners[1].selection = Some(SelectionId(5));
            m.runners[2].selection = Some(SelectionId(5));
        }),
        ("runners[2].name", |m| m.runners[2].name = "Arsenal".to_owned()),
        ("runners[2].selectionId", |m| m.runners[1].selection = Some(SelectionId(58_805))),
    ];
    for (field, spoil) in cases {
        let mut new = market(event, &["Arsenal", "Chelsea", "The Draw"]);
        spoil(&mut new);
        let request = HomeRequest::CreateMarket(Box::new(new));
        assert_eq!(refused_field(&mut node, request), field);
    }
    let mut incomplete = market(event, &["Arsenal"]);
    incomplete.complete = false;
    list(&mut node, incomplete);
    let nowhere = HomeRequest::CreateMarket(Box::new(market(EventId(1), &["A", "B"])));
    assert_eq!(node.ask(NOON, by(), nowhere), Err(HomeError::NoSuchEvent));
}

#[test]
fn each_shape_of_market_is_held_to_its_own_rules() {
    let (mut node, event) = with_event();
    let sides = |handicaps: [i32; 4]| {
        let mut new = market(event, &["Arsenal", "Chelsea", "Arsenal", "Chelsea"]);
        for (runner, handicap) in new.runners.iter_mut().zip(handicaps) {
            runner.handicap = handicap;
        }
        NewMarket { betting_type: BettingType::AsianHandicapDoubleLine, ..new }
    };
    let line = |max| {
        let range = LineRange::new(0, max, 100).unwrap();
        let line = Some(LineDefinition { unit: "runs".to_owned(), range });
        NewMarket { betting_type: BettingType::Line, line, ..market(event, &["Runs"]) }
    };
    let runners = ["A", "B", "C", "D"];
    let each_way =
        NewMarket { each_way_divisor: Some(500), number_of_winners: 3, ..market(event, &runners) };
    let cases: [(&str, NewMarket); 9] = [
        ("runners[0].handicap", sides([30, -30, -50, 50])),
        ("runners[0].handicap", sides([25, -50, -50, 50])),
        ("runners[2].name", sides([25, -25, 25, -25])),
        ("numberOfWinners", NewMarket { number_of_winners: 2, ..sides([25, -25, 50, -50]) }),
        ("line", NewMarket { line: None, ..line(40_000) }),
        ("line", NewMarket { betting_type: BettingType::Odds, ..line(40_000) }),
        ("runners", NewMarket { runners: market(event, &runners).runners, ..line(40_000) }),
        ("eachWayDivisor", NewMarket { each_way_divisor: Some(99), ..each_way.clone() }),
        ("eachWayDivisor", NewMarket { each_way_divisor: Some(500), ..line(40_000) }),
    ];
    for (field, new) in cases {
        let request = HomeRequest::CreateMarket(Box::new(new));
        assert_eq!(refused_field(&mut node, request), field);
    }
    let (_, named) = list(&mut node, sides([25, -25, 50, -50]));
    assert_eq!(named[0].0, named[2].0, "a side is one selection on all its lines");
    assert_ne!(named[0].0, named[1].0);
    list(&mut node, line(40_000));
    list(&mut node, each_way);
}

#[test]
fn what_a_user_an_event_or_an_act_may_not_be_is_refused_by_field() {
    let (mut node, event_id) = with_event();
    let (market, _) = list(&mut node, market(event_id, &["Arsenal", "Chelsea"]));
    node.done(NOON, by(), create_user("maria", None));
    let user = |spoil: fn(&mut NewUser)| {
        let mut new = super::tests::user("jonas", None);
        spoil(&mut new);
        HomeRequest::CreateUser(Box::new(new))
    };
    let event = |spoil: fn(&mut NewEvent)| {
        let mut new = super::tests::event("A v B");
        spoil(&mut new);
        HomeRequest::CreateEvent(Box::new(new))
    };
    let change =
        |change: AccountChange| HomeRequest::ChangeUser { username: "maria".to_owned(), change };
    let to_market = |act: MarketAct| HomeRequest::MarketAct { market, act };
    let none = AccountChange::default();
    let definition = Box::new(node.log.iter().find_map(|(_, e)| e.listed()).unwrap().clone());
    let too_many = vec![crate::ids::Runner::plain(SelectionId(1)); MAX_RUNNERS + 1];
    let cases = [
        ("username", user(|u| u.username = "jo nas".to_owned())),
        ("username", user(|u| u.username = "j".repeat(65))),
        ("password", user(|u| u.password_hash = "hunter2".to_owned())),
        ("email", user(|u| u.email = Some("nowhere".to_owned()))),
        ("appKey", user(|u| u.app_key = String::new())),
        ("appKey", user(|u| u.app_key = "key-maria".to_owned())),
        ("deposit", user(|u| u.deposit = Some(Pence(0)))),
        ("discountRate", user(|u| u.profile.discount_rate = 10_001)),
        ("eventTypeId", event(|e| e.event_type = EventTypeId(9))),
        ("name", event(|e| e.name = " A".to_owned())),
        ("competition", event(|e| e.competition = Some(String::new()))),
        ("countryCode", event(|e| e.country = Some("England".to_owned()))),
        ("venue", event(|e| e.venue = Some("\u{7}".to_owned()))),
        ("openDate", event(|e| e.open_date = UtcMillis(i64::MAX))),
        ("timezone", event(|e| e.timezone = "Europe London".to_owned())),
        ("discountRate", change(AccountChange { discount_rate: Some(10_001), ..none })),
        ("exposureLimit", change(AccountChange { exposure_limit: Some(Some(Pence(-1))), ..none })),
        ("amount", HomeRequest::Withdraw { username: "maria".to_owned(), amount: Pence(-5) }),
        ("market", to_market(MarketAct::Create { definition, open: true })),
        ("betDelay", to_market(MarketAct::TurnInPlay { bet_delay_s: Some(61) })),
        ("winners", to_market(MarketAct::Settle(Verdict::won_by(too_many)))),
    ];
    for (field, request) in cases {
        assert_eq!(refused_field(&mut node, request), field);
    }
    let unknown = HomeRequest::MarketAct { market: MarketId(5), act: MarketAct::Open };
    assert_eq!(node.ask(NOON, by(), unknown), Err(HomeError::NoSuchMarket));
    let long = By { reason: Some("x".repeat(501)), ..by() };
    let refused = node.ask(NOON, long, create_user("jonas", None));
    assert!(matches!(refused, Err(HomeError::Invalid { field, .. }) if field == "reason"));
    let blank = node.ask(NOON, keyed("a b", 1), create_user("jonas", None));
    assert!(matches!(blank, Err(HomeError::Invalid { field, .. }) if field == "Idempotency-Key"));
}

#[test]
fn a_target_that_never_answers_is_not_sent_acts_without_end() {
    let (mut node, event) = with_event();
    let (market, _) = list(&mut node, market(event, &["Arsenal", "Chelsea"]));
    let open = || HomeRequest::MarketAct { market, act: MarketAct::Open };
    for _ in 0..MAX_OPEN_ACTS {
        let operated = node.home.operate(NOON, by(), open()).unwrap();
        let Operated::Begun { event, .. } = operated else { panic!("{operated:?}") };
        node.home.apply(NOON, &event);
    }
    let full = node.home.operate(NOON, by(), open());
    assert!(matches!(full, Err(HomeError::Full { .. })), "{full:?}");
}

#[test]
fn an_operators_token_is_known_by_its_hash() {
    let mut node = Node::default();
    assert!(!node.home.has_operators());
    let request = |number, name: &str| HomeRequest::CreateOperatorToken {
        token: token(number),
        name: name.to_owned(),
        role: Role::Operator,
    };
    assert_eq!(node.done(NOON, by(), request(1, "night shift")), OperationAnswer::OperatorToken);
    assert_eq!(node.home.operator(&token(1)).unwrap().name, "night shift");
    assert_eq!(node.home.operator(&token(2)), None);
    assert_eq!(refused_field(&mut node, request(2, "night shift")), "name");
    assert_eq!(refused_field(&mut node, request(1, "day shift")), "token");
}

#[test]
fn a_login_lasts_twelve_hours_unless_it_is_kept_alive_or_closed() {
    let mut node = Node::default();
    node.done(NOON, by(), create_user("maria", None));
    let token = node.login(NOON, 1, "MARIA");
    let found = |node: &Node, hours: i64| {
        node.home.session_by_token(NOON.plus_ms(hours * HOUR), &token).map(|(id, _)| id)
    };
    assert_eq!(found(&node, 11), Some(SessionId(1)));
    assert_eq!(found(&node, 12), None);
    let soon = node.home.extend_session(NOON.plus_ms(59_999), SessionId(1), SESSION_MS);
    assert_eq!(soon, Ok(None), "hardly later: no record");
    let extended =
        node.home.extend_session(NOON.plus_ms(HOUR), SessionId(1), SESSION_MS).unwrap().unwrap();
    node.journal(NOON.plus_ms(HOUR), extended);
    assert_eq!(found(&node, 12), Some(SessionId(1)));
    assert_eq!(found(&node, 13), None);
    let late = node.home.extend_session(NOON.plus_ms(13 * HOUR), SessionId(1), SESSION_MS);
    assert_eq!(late, Err(HomeError::NoSuchSession));
    let closed = node.home.close_session(NOON.plus_ms(2 * HOUR), SessionId(1)).unwrap();
    node.journal(NOON.plus_ms(2 * HOUR), closed);
    assert_eq!(found(&node, 3), None);
    assert_eq!(node.replayed(), node.home);
}

#[test]
fn expired_sessions_leave_with_the_next_record() {
    let mut node = Node::default();
    node.done(NOON, by(), create_user("maria", None));
    for session in 0..10 {
        node.login(NOON, session, "maria");
    }
    assert_eq!(node.home.summary().sessions, 10);
    node.login(NOON.plus_ms(12 * HOUR), 10, "maria");
    assert_eq!(node.home.summary().sessions, 1);
}

#[test]
fn one_session_too_many_closes_the_oldest() {
    let mut node = Node::default();
    node.done(NOON, by(), create_user("maria", None));
    let tokens: Vec<_> =
        (0..=MAX_SESSIONS_PER_USER as u64).map(|n| node.login(NOON, n, "maria")).collect();
    assert_eq!(node.home.summary().sessions, MAX_SESSIONS_PER_USER as u64);
    assert_eq!(node.home.session_by_token(NOON, &tokens[0]), None);
    assert!(node.home.session_by_token(NOON, &tokens[1]).is_some());
    let open = |session, username, key| {
        node.home.open_session(NOON, SessionId(session), username, token(9_999), key, SESSION_MS)
    };
    let again = open(5, "maria", "key-maria");
    assert!(matches!(again, Err(HomeError::Invalid { .. })), "{again:?}");
    assert_eq!(open(5_000, "jonas", "key-maria"), Err(HomeError::NoSuchUser));
    let no_key = open(5_000, "maria", "key-jonas");
    assert_eq!(no_key, Err(HomeError::invalid("appKey", "is nobody's")));
}

#[test]
fn a_customer_registers_applications_whose_keys_are_known_from_then_on() {
    let mut node = Node::default();
    node.done(NOON, by(), create_user("ann", None));
    let ann = node.home.user("ann").unwrap().account;
    let create = |node: &mut Node, name: &str, live: &str, delayed: &str| {
        let event = node.home.create_app(ann, name, live, delayed)?;
        node.journal(NOON, event);
        Ok(())
    };
    create(&mut node, "My bot", "LIVE-1", "DELAY-1").unwrap();
    let apps = node.home.apps(ann);
    assert_eq!(apps.len(), 2, "the one that came with the user, and this one");
    assert_eq!((apps[0].name.as_str(), &apps[0].delayed_key), ("ann", &None));
    assert_eq!(apps[1].delayed_key.as_deref(), Some("DELAY-1"));
    assert_eq!(node.home.app_key("LIVE-1"), Some(ann));
    assert_eq!(node.home.app_key("DELAY-1"), Some(ann));
    let taken: Result<(), HomeError> = create(&mut node, "MY BOT", "LIVE-2", "DELAY-2");
    assert_eq!(taken, Err(HomeError::AppNameTaken));
    for (name, live, delayed) in
        [("", "A", "B"), ("x\n", "A", "B"), ("x", "LIVE-1", "B"), ("x", "A", "A")]
    {
        let refused: Result<(), HomeError> = create(&mut node, name, live, delayed);
        assert!(matches!(refused, Err(HomeError::Invalid { .. })), "{name:?} {refused:?}");
    }
    for number in 2..=MAX_APPS_PER_USER {
        let [live, delayed] = ["L", "D"].map(|kind| format!("{kind}{number}"));
        create(&mut node, &format!("bot {number}"), &live, &delayed).unwrap();
    }
    let full: Result<(), HomeError> = create(&mut node, "one more", "LX", "DX");
    assert!(matches!(full, Err(HomeError::Full { .. })), "{full:?}");
    node.home.check_invariants().unwrap();
}
