//! Mail: which letters follow from the log, and which of them have still to go.
//!
//! ```text
//!   record at an offset ──letters──▶ waiting ──taken by the mail server──▶ gone
//!                                      │  ▲ told to come back: later, and later still
//!                                      └──┘──refused for good, or too late──▶ given up
//! ```
//! A letter is named by the record that it follows from, so the same letter has the same name however often
//! the log is read: mail goes out at least once, and its receiver can tell a repeat. Never knows how a
//! letter looks or how it travels.

mod outbox;

pub use outbox::{Ended, Outbox, WAITING_MAX};

use crate::home::{HomeEvent, Link, MailWish, Purpose};
use crate::ids::{AccountId, BetId, EntityId, MarketId};
use crate::money::Pence;
use crate::order::{Answer, Matched, PlacedOrder, Remainder};
use crate::price::Price;
use crate::record::{AccountEvent, Event, Notice, Noticed, Record, Resolution};
use crate::time::UtcMillis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Changes of bets that one letter tells; the rest are counted.
pub const CHANGES_MAX: usize = 100;

/// The record that a letter follows from. One record leads to one letter at most.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct LetterId(pub u64);

impl fmt::Display for LetterId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    pub id: LetterId,
    pub to: String,
    /// When what it tells happened.
    pub at: UtcMillis,
    /// It says nothing any more from then on.
    pub worthless: Option<UtcMillis>,
    pub content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// Whose link is to be followed, to be a user.
    Confirm { username: String, nonce: [u8; 16] },
    /// The way to a new password; `known` when it was a sign-up with the address of a user.
    Reset { nonce: [u8; 16], known: bool },
    /// What became of bets in one market, and how many more changes there were.
    Bets { market: MarketId, changes: Vec<BetChange>, more: u32 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BetChange {
    pub bet: BetId,
    pub what: Change,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    Placed {
        size: Pence,
    },
    Matched {
        price: Price,
        size: Pence,
    },
    /// At the starting price; price times size, hundredths of a penny.
    MatchedAtClose {
        size: Pence,
        value: i64,
    },
    Cancelled {
        size: Pence,
    },
    Lapsed {
        size: Pence,
    },
    /// What it won or, negative, lost.
    Settled {
        profit: Pence,
    },
    /// The settlement was taken back, and with it so much.
    Reversed {
        profit: Pence,
    },
    /// Another runner does not run: the bet is worth less, or void.
    Reduced,
}

/// Who is mailed about bets, and where.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wishes(BTreeMap<AccountId, String>);

impl Wishes {
    pub fn new(wishes: Vec<MailWish>) -> Wishes {
        Wishes(wishes.into_iter().map(|wish| (wish.account, wish.email)).collect())
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The letter that follows from a record, and what it says about wishes is kept.
    pub fn letter(&mut self, offset: u64, record: &Record) -> Option<Letter> {
        let (to, worthless, content) = match (&record.event, record.entity) {
            (Event::Home(HomeEvent::LinkMade(link)), _) => {
                (link.email.clone(), Some(link.due), of_link(link))
            }
            (Event::Home(HomeEvent::MailWished { account, email }), _) => {
                match email {
                    Some(email) => self.0.insert(*account, email.clone()),
                    None => self.0.remove(account),
                };
                return None;
            }
            (Event::Account(AccountEvent::Noticed(noticed)), EntityId::Account(account)) => {
                let to = self.0.get(&account)?.clone();
                (to, None, of_notice(noticed)?)
            }
            _ => return None,
        };
        Some(Letter { id: LetterId(offset), to, at: record.at, worthless, content })
    }
}

fn of_link(link: &Link) -> Content {
    let nonce = link.nonce;
    match &link.purpose {
        Purpose::SignUp(sign_up) => Content::Confirm { username: sign_up.username.clone(), nonce },
        Purpose::Reset(_) => Content::Reset { nonce, known: false },
        Purpose::Known(_) => Content::Reset { nonce, known: true },
    }
}

fn of_notice(noticed: &Noticed) -> Option<Content> {
    let mut all = Vec::new();
    let mut tell = |bet: BetId, what: Change| all.push(BetChange { bet, what });
    match &noticed.notice {
        Notice::Answered { answer, .. } => of_answer(answer, &mut tell),
        Notice::Waiting { .. } => {}
        Notice::Filled(fills) => {
            fills.iter().for_each(|(bet, matched)| tell(*bet, of_match(matched)));
        }
        Notice::Lapsed(lapses) => {
            lapses.iter().for_each(|(bet, size, _)| tell(*bet, Change::Lapsed { size: *size }));
        }
        Notice::Closed(bets) => {
            for closed in bets {
                let (size, value) = (closed.matched, closed.value);
                if !size.is_zero() {
                    tell(closed.bet, Change::MatchedAtClose { size, value });
                }
                if !closed.lapsed.is_zero() {
                    tell(closed.bet, Change::Lapsed { size: closed.lapsed });
                }
            }
        }
        Notice::Adjusted(bets) => bets.iter().for_each(|(bet, ..)| tell(*bet, Change::Reduced)),
        Notice::RunnerRemoved(_) => {
            noticed.reduced.iter().for_each(|reduced| tell(reduced.bet, Change::Reduced));
        }
        Notice::Resolved { resolution, .. } => {
            let profits = noticed.payment.iter().flat_map(|payment| &payment.profits);
            for (bet, profit) in profits {
                let profit = *profit;
                tell(
                    *bet,
                    match resolution {
                        Resolution::Unsettled => Change::Reversed { profit },
                        _ => Change::Settled { profit },
                    },
                );
            }
        }
    }
    if all.is_empty() {
        return None;
    }
    let more = all.len().saturating_sub(CHANGES_MAX);
    all.truncate(CHANGES_MAX);
    let more = u32::try_from(more).unwrap_or(u32::MAX);
    Some(Content::Bets { market: noticed.market, changes: all, more })
}

fn of_answer(answer: &Answer, tell: &mut impl FnMut(BetId, Change)) {
    match answer {
        Answer::Placed(placed) => placed.iter().for_each(|placed| of_placed(placed, tell)),
        Answer::Cancelled(cancelled) => {
            for cancelled in cancelled.iter().flatten().filter(|it| !it.size.is_zero()) {
                tell(cancelled.bet, Change::Cancelled { size: cancelled.size });
            }
        }
        Answer::Replaced(replaced) => {
            for line in replaced {
                if let Ok(cancelled) = &line.cancelled {
                    tell(cancelled.bet, Change::Cancelled { size: cancelled.size });
                }
                if let Some(Ok(placed)) = &line.placed {
                    of_placed(placed, tell);
                }
            }
        }
        Answer::Updated(_) | Answer::Refused(_) => {}
    }
}

fn of_placed(placed: &PlacedOrder, tell: &mut impl FnMut(BetId, Change)) {
    placed.matched.iter().for_each(|matched| tell(placed.bet, of_match(matched)));
    match placed.remainder {
        Remainder::None => {}
        Remainder::Rests { size, .. } => tell(placed.bet, Change::Placed { size }),
        Remainder::Gone { size, .. } => tell(placed.bet, Change::Lapsed { size }),
    }
}

fn of_match(matched: &Matched) -> Change {
    Change::Matched { price: matched.price, size: matched.size }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::SignUp;
    use crate::ids::PartitionId;

    const MARKET: MarketId = MarketId(100_000_001);

    fn bet(number: u64) -> BetId {
        BetId::new(BetId::FIRST_COUNT + number, PartitionId(0))
    }

    fn record(entity: EntityId, event: Event) -> Record {
        Record { entity, seq: 1, at: UtcMillis(1_000), wake: None, event }
    }

    fn filled(account: u64, bets: u64) -> Record {
        let matched = Matched { price: Price(250), size: Pence(100) };
        let noticed = Noticed {
            market: MARKET,
            k: 1,
            notice: Notice::Filled((0..bets).map(|number| (bet(number), matched)).collect()),
            exposure: Pence::ZERO,
            payment: None,
            reduced: Vec::new(),
        };
        let entity = EntityId::Account(AccountId(account));
        record(entity, Event::Account(AccountEvent::Noticed(noticed)))
    }

    #[test]
    fn only_who_asked_is_told_of_bets_and_only_for_as_long() {
        let mut wishes = Wishes::default();
        let wish = |email: Option<&str>| {
            let email = email.map(str::to_owned);
            let event = HomeEvent::MailWished { account: AccountId(1), email };
            record(EntityId::Home, Event::Home(event))
        };
        assert_eq!(wishes.letter(1, &filled(1, 1)), None);
        assert_eq!(wishes.letter(2, &wish(Some("a@b.example"))), None);
        let letter = wishes.letter(3, &filled(1, 1)).unwrap();
        assert_eq!((letter.id, letter.to.as_str()), (LetterId(3), "a@b.example"));
        let what = Change::Matched { price: Price(250), size: Pence(100) };
        let changes = vec![BetChange { bet: bet(0), what }];
        assert_eq!(letter.content, Content::Bets { market: MARKET, changes, more: 0 });
        assert_eq!(wishes.letter(4, &filled(2, 1)), None, "somebody else's");
        wishes.letter(5, &wish(None));
        assert_eq!(wishes.letter(6, &filled(1, 1)), None);
    }

    #[test]
    fn a_letter_of_many_changes_counts_what_it_does_not_tell() {
        let email = "a@b.example".to_owned();
        let mut wishes = Wishes::new(vec![MailWish { account: AccountId(1), email }]);
        let letter = wishes.letter(1, &filled(1, CHANGES_MAX as u64 + 7)).unwrap();
        let Content::Bets { changes, more, .. } = letter.content else { panic!("of bets") };
        assert_eq!((changes.len(), more), (CHANGES_MAX, 7));
    }

    #[test]
    fn a_link_is_sent_to_its_address_and_says_nothing_once_it_has_expired() {
        let sign_up =
            SignUp { username: "zoe".to_owned(), password_hash: "$argon2id$x".to_owned() };
        let link = Link {
            nonce: [3; 16],
            token: [4; 32],
            due: UtcMillis(9_000),
            email: "zoe@mail.example".to_owned(),
            purpose: Purpose::SignUp(Box::new(sign_up)),
        };
        let event = Event::Home(HomeEvent::LinkMade(Box::new(link)));
        let letter = Wishes::default().letter(7, &record(EntityId::Home, event)).unwrap();
        assert_eq!(letter.to, "zoe@mail.example");
        assert_eq!(letter.worthless, Some(UtcMillis(9_000)));
        let username = "zoe".to_owned();
        assert_eq!(letter.content, Content::Confirm { username, nonce: [3; 16] });
    }
}
