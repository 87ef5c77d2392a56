//! The golden log: a journal as it was once written, which every later program must read to the same state.
//!
//! `first.log` beside this file holds the files of one journal, the rows of them that are not all zeros in
//! hexadecimal, each behind its place; `first.state` says what they add up to. A change of a record's shape that
//! cannot read them is found here and not on somebody's disk. When the format is raised a second log joins the
//! first, written by `LAYBOOK_GOLDEN=first cargo test --test laybook golden` (which plays an evening on a real
//! node); the first stays.

use crate::harness::bettor::limit;
use crate::harness::{Bettor, Launch, Operator, Scratch};
use domain::account::Account;
use domain::home::Home;
use domain::ids::{AccountId, MarketId};
use domain::market::Market;
use domain::partition::PartitionFold;
use domain::record::{Event, Record};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use store::codec::state_hash;
use store::entry::{Fold, Offset};
use store::verify::verify;

/// Everything that a log adds up to: the partition's own fold, and every entity.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Everything {
    partition: PartitionFold,
    home: Home,
    accounts: BTreeMap<AccountId, Account>,
    markets: BTreeMap<MarketId, Market>,
    /// Not every kind of record is in every log: which are.
    kinds: BTreeSet<String>,
}

impl Fold<Record> for Everything {
    fn apply(&mut self, _: Offset, record: &Record) {
        self.partition.apply(record);
        let kind = match (&record.event, record.entity) {
            (Event::Home(event), _) => {
                self.home.apply(record.at, event);
                kind_of(event)
            }
            (Event::Account(event), domain::ids::EntityId::Account(id)) => {
                self.accounts.entry(id).or_default().replay(record.at, event);
                kind_of(event)
            }
            (Event::Market(event), domain::ids::EntityId::Market(id)) => {
                let market = self.markets.entry(id).or_default();
                market.apply(record.at, event);
                market.send_outgoing(|_| {});
                kind_of(event)
            }
            other => panic!("a record of another entity's kind: {other:?}"),
        };
        self.kinds.insert(kind);
    }
}

fn kind_of(event: &impl std::fmt::Debug) -> String {
    let text = format!("{event:?}");
    let end = text.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(text.len());
    text[..end].to_owned()
}

fn beside(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// What the log in a directory says.
fn read(journal: &Path) -> String {
    let report = verify::<Record, Everything>(journal, |_| {}).unwrap();
    let everything = report.fold;
    everything.markets.values().for_each(Market::check_invariants);
    for (id, account) in &everything.accounts {
        assert!(account.audit().is_empty(), "account {id}: {:?}", account.audit());
    }
    let kinds: Vec<&str> = everything.kinds.iter().map(String::as_str).collect();
    format!(
        "records {}\naccounts {}\nmarkets {}\nkinds {}\nstate {}\n",
        report.log.records,
        everything.accounts.len(),
        everything.markets.len(),
        kinds.join(" "),
        state_hash(&everything)
    )
}

const ROW: usize = 64;

fn to_text(journal: &Path) -> String {
    let mut text = String::new();
    let mut names: Vec<_> =
        std::fs::read_dir(journal).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    for name in names {
        let bytes = std::fs::read(journal.join(&name)).unwrap();
        writeln!(text, "file {} {}", name.to_str().unwrap(), bytes.len()).unwrap();
        for (number, row) in bytes.chunks(ROW).enumerate() {
            if row.iter().any(|byte| *byte != 0) {
                write!(text, "{:x} ", number * ROW).unwrap();
                row.iter().for_each(|byte| write!(text, "{byte:02x}").unwrap());
                text.push('\n');
            }
        }
    }
    text
}

fn from_text(text: &str, journal: &Path) {
    std::fs::create_dir_all(journal).unwrap();
    let mut files: Vec<(&str, Vec<u8>)> = Vec::new();
    for line in text.lines() {
        if let Some(file) = line.strip_prefix("file ") {
            let (name, length) = file.split_once(' ').unwrap();
            files.push((name, vec![0; length.parse().unwrap()]));
            continue;
        }
        let (place, row) = line.split_once(' ').unwrap();
        let place = usize::from_str_radix(place, 16).unwrap();
        let (_, bytes) = files.last_mut().expect("a file comes first");
        for at in 0..row.len() / 2 {
            bytes[place + at] = u8::from_str_radix(&row[2 * at..2 * at + 2], 16).unwrap();
        }
    }
    for (name, bytes) in files {
        std::fs::write(journal.join(name), bytes).unwrap();
    }
}

/// An evening with a little of everything; the directory of its journal.
fn play(scratch: &Scratch) -> PathBuf {
    let node = Launch::new(scratch).manual_clock().start();
    let mut operator = Operator::of(&node);
    let [mut ann, mut bob] = ["ann", "bob"].map(|name| {
        let app_key = operator.open_account(name, "a long password", 100_000);
        Bettor::log_in(&node, name, "a long password", &app_key)
    });
    operator.withdraw("ann", 1_000);
    let market = operator.match_odds("Leeds", "York");
    let (first, _) = ann.lay(&market, 0, 10.0, 3.0);
    bob.back(&market, 0, 4.0, 3.0);
    ann.cancel(&market, &first, Some(2.0));
    let (second, _) = ann.back(&market, 1, 5.0, 4.0);
    let replace = json!({"betId": second, "newPrice": 4.2});
    ann.ask("replaceOrders", &json!({"marketId": market.id, "instructions": [replace]}));
    let keep = json!({"betId": first, "newPersistenceType": "PERSIST"});
    ann.ask("updateOrders", &json!({"marketId": market.id, "instructions": [keep]}));
    bob.place(&market, &[limit(market.runners[2], "BACK", 99_999.0, 3.0)]);
    operator.act(&market, "suspend", &json!({}));
    operator.act(&market, "turn-in-play", &json!({"betDelay": 0}));
    operator.settle(&market, &[market.runners[0]]);
    operator.act(&market, "unsettle", &json!({}));
    operator.settle(&market, &[market.runners[1]]);
    let terms = json!({"marketType": "WIN", "bspMarket": true});
    let race = operator.market("Ascot 14:30", &["Comet", "Meteor", "Star"], &terms);
    let close = |side: &str| {
        json!({
            "selectionId": race.runners[0], "side": side, "orderType": "MARKET_ON_CLOSE",
            "marketOnCloseOrder": {"liability": 20.0},
        })
    };
    ann.place(&race, &[close("BACK")]);
    bob.place(&race, &[close("LAY")]);
    bob.lay(&race, 1, 2.0, 8.0);
    let removal = json!({"selectionId": race.runners[2], "adjustmentFactor": "20.0"});
    operator.act(&race, "remove-runner", &removal);
    operator.act(&race, "reconcile-sp", &json!({}));
    operator.act(&race, "void", &json!({}));
    assert_eq!(operator.ledger().difference, 0);
    let journal = node.data.join("partition-0").join("journal");
    assert!(node.stop().success());
    journal
}

/// Only when it is asked for: what it writes is to be looked at, and committed.
#[test]
fn the_golden_log_is_written_when_it_is_asked_for() {
    let Ok(name) = std::env::var("LAYBOOK_GOLDEN") else { return };
    let scratch = Scratch::new("golden");
    let journal = play(&scratch);
    std::fs::write(beside(&format!("{name}.state")), read(&journal)).unwrap();
    std::fs::write(beside(&format!("{name}.log")), to_text(&journal)).unwrap();
}

#[test]
fn what_was_once_written_is_read_to_the_same_state() {
    let scratch = Scratch::new("golden");
    let journal = scratch.path().join("journal");
    from_text(&std::fs::read_to_string(beside("first.log")).unwrap(), &journal);
    assert_eq!(read(&journal), std::fs::read_to_string(beside("first.state")).unwrap());
}
