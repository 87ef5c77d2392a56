//! Properties of home over random histories of requests, repeats, answers, logins and time.

use super::*;
use proptest::prelude::*;

/// One step of a random history; numbers are taken modulo what there is.
#[derive(Debug, Clone)]
enum Step {
    User(u8, Option<i64>),
    Deposit(u8, i64),
    Event(u8),
    Market(u8, Vec<u8>),
    Act(u8, bool),
    Repeat(u8),
    Answer(u8, u8),
    Login(u8, u64),
    Extend(u64),
    Close(u64),
    Pass(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..6u8, prop::option::of(-1..1_000i64)).prop_map(|(u, d)| Step::User(u, d)),
        (0..6u8, 0..1_000i64).prop_map(|(u, d)| Step::Deposit(u, d)),
        (0..4u8).prop_map(Step::Event),
        (0..4u8, prop::collection::vec(0..6u8, 0..4)).prop_map(|(e, r)| Step::Market(e, r)),
        (0..4u8, any::<bool>()).prop_map(|(m, open)| Step::Act(m, open)),
        (0..8u8).prop_map(Step::Repeat),
        (0..8u8, 0..6u8).prop_map(|(a, how)| Step::Answer(a, how)),
        (0..6u8, 0..12u64).prop_map(|(u, s)| Step::Login(u, s)),
        (0..12u64).prop_map(Step::Extend),
        (0..12u64).prop_map(Step::Close),
        (0..30 * HOUR).prop_map(Step::Pass),
    ]
}

fn request_of(node: &Node, step: &Step) -> Option<HomeRequest> {
    let event_at = |n: u8| node.home.events().nth(usize::from(n)).map(|event| event.id);
    Some(match step {
        Step::User(n, deposit) => create_user(&format!("user{n}"), *deposit),
        Step::Deposit(n, amount) => {
            HomeRequest::Deposit { username: format!("user{n}"), amount: Pence(*amount) }
        }
        Step::Event(n) => HomeRequest::CreateEvent(Box::new(event(&format!("Event {n}")))),
        Step::Market(n, runners) => {
            let names: Vec<_> = runners.iter().map(|r| format!("Runner {r}")).collect();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            HomeRequest::CreateMarket(Box::new(market(event_at(*n)?, &names)))
        }
        Step::Act(n, open) => {
            let market = node.home.markets().nth(usize::from(*n))?.0;
            let act = if *open {
                MarketAct::Open
            } else {
                MarketAct::Suspend { lapse: true, reason: None }
            };
            HomeRequest::MarketAct { market, act }
        }
        _ => return None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_history_replays_to_the_same_home(steps in prop::collection::vec(step(), 1..80)) {
        check(&lived(&steps));
    }
}

/// Carries a history out. A repeat under a key gets the first answer and begins nothing; every act is
/// answered once.
fn lived(steps: &[Step]) -> Node {
    let mut node = Node::default();
    let mut now = NOON;
    let mut asked: Vec<(UtcMillis, By, HomeRequest, u64)> = Vec::new();
    for (number, step) in (0_u64..).zip(steps) {
        match step {
            Step::Repeat(n) => {
                let Some((at, by, request, first)) = asked.get(usize::from(*n)).cloned() else {
                    continue;
                };
                let running = node.home.is_running(first);
                if now.since_ms(at) >= KEY_MS && !running {
                    continue;
                }
                let records = node.log.len();
                match node.ask(now, by.clone(), request.clone()) {
                    Ok(Operated::Running { operation }) => assert!(running && operation == first),
                    Ok(Operated::Answered { operation, answer }) => {
                        assert_eq!(operation, first);
                        assert_eq!(Some(answer), node.answer_to(first));
                    }
                    other => panic!("{other:?}"),
                }
                assert_eq!(node.log.len(), records);
                let mut other = by;
                other.key.as_mut().unwrap().request = token(u64::MAX);
                assert_eq!(node.ask(now, other, request), Err(HomeError::KeyReused));
            }
            Step::Answer(n, how) => {
                let Some(act) = node.home.open_acts().nth(usize::from(*n)) else { continue };
                let answer = match how {
                    0 => ActAnswer::Refused(ActError::InsufficientFunds),
                    1 => ActAnswer::Refused(ActError::ReadOnly),
                    _ => success(&act.act),
                };
                let taken = matches!(
                    node.answer(now, act.target, act.n, answer.clone()),
                    Arrival::Record(_)
                );
                assert_eq!(taken, *how != 1);
                if taken {
                    assert_eq!(node.answer(now, act.target, act.n, answer), Arrival::Repeat);
                }
            }
            Step::Login(n, session) => {
                let user = format!("user{n}");
                let key = format!("key-{user}");
                let opened = node.home.open_session(
                    now,
                    SessionId(*session),
                    &user,
                    token(number),
                    &key,
                    SESSION_MS,
                );
                if let Ok(event) = opened {
                    node.journal(now, event);
                    let found = node.home.session_by_token(now, &token(number)).map(|(id, _)| id);
                    assert_eq!(found, Some(SessionId(*session)));
                }
            }
            Step::Extend(session) => {
                if let Ok(Some(event)) =
                    node.home.extend_session(now, SessionId(*session), SESSION_MS)
                {
                    node.journal(now, event);
                }
            }
            Step::Close(session) => {
                if let Ok(event) = node.home.close_session(now, SessionId(*session)) {
                    node.journal(now, event);
                    assert_eq!(node.home.session(now, SessionId(*session)), None);
                }
            }
            Step::Pass(ms) => now = now.plus_ms(*ms),
            _ => {
                let Some(request) = request_of(&node, step) else { continue };
                let by = keyed(&format!("key-{number}"), number);
                if let Ok(Operated::Begun { operation, .. }) =
                    node.ask(now, by.clone(), request.clone())
                {
                    asked.push((now, by, request, operation));
                }
            }
        }
    }
    node
}

/// Live equals replayed, ids never repeat, and no operation is answered twice.
fn check(node: &Node) {
    assert_eq!(&node.replayed(), &node.home);

    let mut ids = BTreeSet::new();
    for (_, event) in &node.log {
        if let HomeEvent::Operated { operation, change, acts, .. } = event {
            assert!(ids.insert(format!("operation {operation}")));
            match change {
                Change::UserCreated(user) => {
                    assert!(ids.insert(format!("account {}", user.account)))
                }
                Change::EventCreated(event) => assert!(ids.insert(format!("event {}", event.id))),
                Change::MarketListed(market) => assert!(ids.insert(format!("market {market}"))),
                Change::Nothing | Change::OperatorTokenCreated(_) => {}
            }
            for act in acts {
                assert!(ids.insert(format!("act {} {}", act.target, act.n)));
            }
        }
    }
    let mut answered = BTreeSet::new();
    for outgoing in &node.outgoing {
        if let Outgoing::Answered { operation, .. } = outgoing {
            assert!(answered.insert(*operation), "operation {operation} is answered twice");
        }
    }
    let names: BTreeMap<_, _> = node.home.selections.iter().collect();
    let selections: BTreeSet<_> = names.values().collect();
    assert_eq!(names.len(), selections.len(), "a selection id stands for two names");
}
