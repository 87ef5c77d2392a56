//! Customers and who they are: sign-up, links, passwords, sessions, keys, one story a test.

use super::*;
use crate::home::links::Links;
use proptest::prelude::*;

const MINUTE: i64 = 60_000;
const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA";
const OTHER_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$b3RoZXI";

fn drawn(number: u64) -> Drawn {
    Drawn { nonce: [number as u8; 16], token: token(number) }
}

impl Node {
    fn signs_up(
        &mut self,
        at: UtcMillis,
        username: &str,
        email: &str,
        number: u64,
    ) -> Result<bool, HomeError> {
        let event = self.home.sign_up(at, username, email, HASH, drawn(number))?;
        Ok(self.journal_some(at, event))
    }

    fn journal_some(&mut self, at: UtcMillis, event: Option<HomeEvent>) -> bool {
        let any = event.is_some();
        event.into_iter().for_each(|event| self.journal(at, event));
        any
    }

    fn confirms(&mut self, at: UtcMillis, number: u64) -> Result<AccountId, HomeError> {
        let request = HomeRequest::Confirm {
            token: token(number),
            app_key: format!("key-{number}"),
            partition: PartitionId(0),
        };
        self.ask(at, by(), request)?;
        self.answer_all(at);
        self.home.users().map(|user| user.account).max().ok_or(HomeError::NoSuchUser)
    }

    /// A user by way of a confirmed link.
    fn joined(&mut self, at: UtcMillis, username: &str, email: &str, number: u64) -> AccountId {
        assert_eq!(self.signs_up(at, username, email, number), Ok(true));
        self.confirms(at, number).unwrap()
    }

    fn purpose(&self) -> Option<&Purpose> {
        match self.log.last() {
            Some((_, HomeEvent::LinkMade(link))) => Some(&link.purpose),
            _ => None,
        }
    }
}

#[test]
fn a_link_followed_in_time_makes_the_user_once() {
    let mut node = Node::default();
    assert_eq!(node.signs_up(NOON, "Zoe", "zoe@mail.example", 1), Ok(true));
    assert!(node.home.user("zoe").is_none(), "not before the address is seen to be theirs");
    assert_eq!(node.signs_up(NOON, "zoe", "other@mail.example", 2), Err(HomeError::UsernameTaken));
    let at = NOON.plus_ms(15 * MINUTE - 1);
    let account = node.confirms(at, 1).unwrap();
    let user = node.home.user("zoe").unwrap();
    assert_eq!((user.account, user.email.as_deref()), (account, Some("zoe@mail.example")));
    assert_eq!(user.password_hash, HASH);
    assert_eq!(node.confirms(at, 1), Err(HomeError::LinkSpent), "once");
    assert_eq!(node.replayed(), node.home);
}

#[test]
fn a_late_link_is_refused_and_what_it_was_for_is_swept() {
    let mut node = Node::default();
    node.signs_up(NOON, "zoe", "zoe@mail.example", 1).unwrap();
    let due = NOON.plus_ms(15 * MINUTE);
    assert_eq!((node.home.wake(), node.home.due(due.plus_ms(-1))), (Some(due), None));
    assert_eq!(node.confirms(due, 1), Err(HomeError::LinkSpent));
    let swept = node.home.due(due).unwrap();
    node.journal(due, swept);
    assert_eq!(node.home.links, Links::default(), "nothing of them is left");
    assert_eq!(node.home.wake(), None);
    assert_eq!(node.signs_up(due, "zoe", "zoe@mail.example", 2), Ok(true), "the way on");
}

#[test]
fn a_renewed_link_takes_the_place_of_the_one_before() {
    let mut node = Node::default();
    node.signs_up(NOON, "zoe", "zoe@mail.example", 1).unwrap();
    let renewed = node.home.renew_sign_up(NOON, "ZOE@mail.example", drawn(2)).unwrap();
    assert!(node.journal_some(NOON, renewed));
    assert_eq!(node.confirms(NOON, 1), Err(HomeError::LinkSpent));
    assert!(node.confirms(NOON, 2).is_ok());
    let nobodys = node.home.renew_sign_up(NOON, "no@mail.example", drawn(3)).unwrap();
    assert_eq!(nobodys, None);
}

#[test]
fn a_known_address_is_written_to_and_nobody_else_learns_it() {
    let mut node = Node::default();
    let zoe = node.joined(NOON, "zoe", "zoe@mail.example", 1);
    assert_eq!(node.signs_up(NOON, "mallory", "Zoe@mail.example", 2), Ok(true), "as for anybody");
    assert_eq!(node.purpose(), Some(&Purpose::Known(zoe)));
    assert_eq!(node.confirms(NOON, 2), Err(HomeError::LinkSpent), "no second user of the address");
    // It leads to a new password instead.
    let reset = node.home.reset_password(NOON, &token(2), OTHER_HASH).unwrap();
    node.journal(NOON, reset);
    assert_eq!(node.home.user("zoe").unwrap().password_hash, OTHER_HASH);
    assert_eq!(node.home.ask_reset(NOON, "nobody@mail.example", drawn(3)), Ok(None));
}

#[test]
fn one_address_is_not_flooded() {
    let mut node = Node::default();
    node.joined(NOON, "zoe", "zoe@mail.example", 1);
    for number in 2..10 {
        let asked = node.home.ask_reset(NOON, "zoe@mail.example", drawn(number)).unwrap();
        let sent = node.journal_some(NOON, asked);
        assert_eq!(sent, number < 2 + MAX_LINKS_PER_ADDRESS as u64, "{number}");
    }
}

#[test]
fn of_two_sign_ups_with_one_address_the_first_confirmed_is_it() {
    let mut node = Node::default();
    node.signs_up(NOON, "zoe", "zoe@mail.example", 1).unwrap();
    node.signs_up(NOON, "mallory", "zoe@mail.example", 2).unwrap();
    node.confirms(NOON, 1).unwrap();
    assert_eq!(node.confirms(NOON, 2), Err(HomeError::LinkSpent));
    assert!(node.home.user("mallory").is_none());
}

#[test]
fn a_new_password_ends_every_other_session_and_spends_the_links() {
    let mut node = Node::default();
    let zoe = node.joined(NOON, "zoe", "zoe@mail.example", 1);
    let key = node.home.user("zoe").unwrap().app_key.clone();
    let log_in = |node: &mut Node, number: u64| {
        let session = SessionId(number);
        let lasts = SESSION_MS;
        let opened = node.home.open_session(NOON, session, "zoe", token(number), &key, lasts);
        node.journal(NOON, opened.unwrap());
        session
    };
    let (first, second) = (log_in(&mut node, 11), log_in(&mut node, 12));
    for number in [20, 21] {
        let asked = node.home.ask_reset(NOON, "zoe@mail.example", drawn(number)).unwrap();
        node.journal_some(NOON, asked);
    }
    let changed = node.home.change_password(zoe, OTHER_HASH, Some(second)).unwrap();
    node.journal(NOON, changed);
    assert!(node.home.session(NOON, first).is_none());
    let left: Vec<_> = node.home.sessions_of(NOON, zoe).iter().map(|(id, _)| *id).collect();
    assert_eq!(left, [second]);
    for number in [20, 21] {
        let spent = node.home.reset_password(NOON, &token(number), HASH);
        assert_eq!(spent, Err(HomeError::LinkSpent));
    }
    let other = node.joined(NOON, "bob", "bob@mail.example", 2);
    let foreign = node.home.end_session(NOON, other, second);
    assert_eq!(foreign, Err(HomeError::NoSuchSession), "only one's own");
    let ended = node.home.end_session(NOON, zoe, second).unwrap();
    node.journal(NOON, ended);
    assert!(node.home.sessions_of(NOON, zoe).is_empty());
    assert_eq!(node.replayed(), node.home);
}

#[test]
fn keys_have_scopes_expire_are_noted_once_an_hour_and_revoked() {
    let mut node = Node::default();
    let zoe = node.joined(NOON, "zoe", "zoe@mail.example", 1);
    let new = |number: u64, expires| NewApiKey {
        name: "bot".to_owned(),
        token: token(number),
        scopes: [Scope::Read].into(),
        expires,
    };
    let make = |node: &mut Node, new: NewApiKey| {
        let made = node.home.create_api_key(NOON, zoe, new)?;
        node.journal(NOON, made);
        Ok(())
    };
    assert_eq!(make(&mut node, new(7, None)), Ok(()));
    assert!(make(&mut node, new(7, None)).is_err(), "a key is given once");
    let empty = NewApiKey { scopes: BTreeSet::new(), ..new(8, None) };
    assert_eq!(make(&mut node, empty), Err(HomeError::invalid("scopes", "must name at least one")));
    let hour = NOON.plus_ms(HOUR);
    assert!(make(&mut node, new(9, Some(NOON))).is_err(), "would be over already");
    assert_eq!(make(&mut node, new(9, Some(hour))), Ok(()));

    let (account, key, event) = node.home.use_api_key(NOON, &token(7)).unwrap();
    assert_eq!((account, key.id, event.is_some()), (zoe, 1, true));
    let event = event.unwrap();
    node.journal(NOON, event);
    let (_, key, event) = node.home.use_api_key(hour.plus_ms(-1), &token(7)).unwrap();
    assert_eq!((key.last_used, event), (Some(NOON), None));
    assert!(node.home.use_api_key(hour, &token(7)).unwrap().2.is_some());

    let session = session_of(&token(7));
    assert_eq!(node.home.login(NOON, session).unwrap().account, zoe);
    assert!(node.home.session_by_token(NOON, &token(7)).is_none(), "a key is no login");
    assert!(node.home.use_api_key(hour, &token(9)).is_none(), "expired");
    assert_eq!(node.home.api_keys(hour, zoe).len(), 1);
    let bob = node.joined(NOON, "bob", "bob@mail.example", 2);
    assert_eq!(node.home.revoke_api_key(NOON, bob, 1), Err(HomeError::NoSuchKey));
    let revoked = node.home.revoke_api_key(NOON, zoe, 1).unwrap();
    node.journal(NOON, revoked);
    assert!(node.home.use_api_key(NOON, &token(7)).is_none());
    assert!(node.home.login(NOON, session).is_none());
    assert_eq!(node.replayed(), node.home);
}

#[test]
fn mail_about_bets_is_for_who_asked_for_it() {
    let mut node = Node::default();
    let zoe = node.joined(NOON, "zoe", "zoe@mail.example", 1);
    assert!(node.home.mail_wishes().is_empty());
    let wished = node.home.wish_mail(zoe, true).unwrap();
    assert!(node.journal_some(NOON, wished));
    assert_eq!(node.home.wish_mail(zoe, true), Ok(None), "it is so already");
    let email = "zoe@mail.example".to_owned();
    assert_eq!(node.home.mail_wishes(), [MailWish { account: zoe, email }]);
    let wished = node.home.wish_mail(zoe, false).unwrap();
    node.journal_some(NOON, wished);
    assert!(!node.home.is_mailed(zoe));
    node.done(NOON, by(), HomeRequest::CreateUser(Box::new(user("ann", None))));
    let ann = node.home.user("ann").unwrap().account;
    if node.home.user("ann").unwrap().email.is_none() {
        assert!(node.home.wish_mail(ann, true).is_err(), "nowhere to send it");
    }
}

#[test]
fn limits_and_exclusions_are_acts_of_the_customers_own() {
    let mut node = Node::default();
    node.joined(NOON, "zoe", "zoe@mail.example", 1);
    let exclude = |days| HomeRequest::Exclude { username: "zoe".to_owned(), days };
    for days in [0, 1_827, u32::MAX] {
        let refused = node.ask(NOON, By::customer("zoe", None), exclude(Some(days)));
        let named = matches!(&refused, Err(HomeError::Invalid { field, .. }) if field == "days");
        assert!(named, "{refused:?}");
    }
    node.done(NOON, By::customer("Zoe", None), exclude(Some(7)));
    let (_, HomeEvent::Operated { by: asked, acts, .. }) = &node.log[node.log.len() - 2] else {
        panic!("not an operation")
    };
    assert_eq!(asked.operator, "customer:zoe");
    let until = Some(NOON.plus_ms(7 * 24 * HOUR));
    assert_eq!(acts[0].act, Act::Account(AccountAct::Exclude { until }));
    let token = HomeRequest::CreateOperatorToken {
        token: token(99),
        name: "customer:zoe".to_owned(),
        role: Role::Viewer,
    };
    assert!(node.ask(NOON, super::by(), token).is_err(), "no operator passes for a customer");
}

proptest! {
    /// Whatever is asked in whatever order, at whatever time: nothing that expired can be followed, and a
    /// replay gives the same.
    #[test]
    fn links_live_a_quarter_of_an_hour_whatever_happens(
        steps in prop::collection::vec((0_u8..6, 0_u64..6, 0_i64..10 * MINUTE), 1..60)
    ) {
        let mut node = Node::default();
        let mut now = NOON;
        let mut made: Vec<(u64, UtcMillis)> = Vec::new();
        for (number, (kind, who, wait)) in (1_u64..).zip(steps) {
            now = now.plus_ms(wait);
            let (name, email) = (format!("user-{who}"), format!("user-{}@mail.example", who / 2));
            let decided = match kind {
                0 | 1 => node.home.sign_up(now, &name, &email, HASH, drawn(number)),
                2 => node.home.ask_reset(now, &email, drawn(number)),
                3 => node.home.renew_sign_up(now, &email, drawn(number)),
                4 => {
                    if let Some((number, due)) = made.get(who as usize).copied()
                        && node.confirms(now, number).is_ok()
                    {
                        prop_assert!(now < due, "a late link made a user");
                    }
                    Ok(None)
                }
                _ => Ok(node.home.due(now)),
            };
            if let Ok(Some(event)) = decided {
                if let HomeEvent::LinkMade(link) = &event {
                    made.insert(0, (number, link.due));
                }
                node.journal(now, event);
            }
        }
        prop_assert_eq!(node.replayed(), node.home);
    }
}
