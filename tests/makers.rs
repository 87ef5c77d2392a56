//! Market makers of the settings: are the models' prices quoted on the exchange's own markets, taken away before they
//! are wrong, and the markets led to the end, whoever dies meanwhile?

use serde_json::{Value, json};

use crate::fixtures::{Provider, fixture, look, ours, past};
use crate::harness::{Bettor, Launch, Market, Node, Operator, Scratch, eventually, limit};

const KICK_OFF: &str = "2036-11-28T15:00:00Z";
const MONEY: i64 = 100_000_000;

/// A node with a maker whose money is the user house's, and a match that is rated and listed.
struct Evening {
    node: Node,
    operator: Operator,
    provider: Provider,
    alice: Bettor,
    id: u64,
    event: String,
    odds: Market,
}

impl Evening {
    fn begin(scratch: &Scratch, leads: bool) -> Evening {
        let node = Launch::new(scratch).manual_clock().start();
        let mut operator = Operator::of(&node);
        let key = operator.open_account("house", "house-password", MONEY);
        let alice_key = operator.open_account("alice", "alice-password", 1_000_000);
        drop(node);
        let path = scratch.path().join("node.toml");
        let maker = format!(
            "[[makers]]\nname = \"house\"\nuser = \"house\"\napp_key = {key:?}\nleads = {leads}\n"
        );
        std::fs::write(&path, maker).unwrap();
        let node = Launch::new(scratch).config(&path).manual_clock().start();
        let mut operator = Operator::of(&node);
        let mut provider = Provider::of(&node, &mut operator);
        past(&mut provider);
        let mut next = fixture("1", "Leeds", "Wolverhampton Wanderers");
        next["kickOff"] = json!(KICK_OFF);
        provider.tell("fixtures", &json!([next]));
        let id = ours(&node, "1");
        let event = json!({
            "eventTypeId": "1", "name": "Leeds FC v Wolves", "countryCode": "GB",
            "openDate": KICK_OFF, "competition": "premier league",
        });
        let event = operator.post("/v1/operator/events", &event);
        let event = event["eventId"].as_str().expect("an event id").to_owned();
        let odds = list(&mut operator, &event, "MATCH_ODDS", &["Leeds FC", "Wolves", "The Draw"]);
        let alice = Bettor::log_in(&node, "alice", "alice-password", &alice_key);
        Evening { node, operator, provider, alice, id, event, odds }
    }

    fn told(&mut self, seq: u32, kind: &str, side: Option<&str>, minute: u32) {
        self.provider.event("1", seq, kind, side, minute);
    }

    fn until_status(&mut self, status: &str) -> Value {
        eventually(&format!("the market is {status}"), || {
            let book = self.alice.book(&self.odds);
            if book["status"] == status { Ok(book) } else { Err(book) }
        })
    }

    /// Best prices to back and to lay of each runner, once all of them have both, as the model prices them now.
    fn until_quoted(&mut self) -> Vec<(i64, i64)> {
        eventually("the model's prices are quoted", || {
            let model = look(&self.node, &format!("/v1/pricing/matches/{}", self.id));
            let fair = |name: &str| {
                let selections = model["markets"][0]["selections"].as_array()?;
                let one = selections.iter().find(|one| one["name"] == name)?;
                one["fair"].as_f64()
            };
            let best = |alice: &mut Bettor, runner, side| {
                Some(alice.ladder(&self.odds, runner, side).first()?.0)
            };
            let quotes = ["Home", "Away", "Draw"].iter().enumerate().map(|(runner, name)| {
                let back = best(&mut self.alice, runner, "availableToBack")?;
                let lay = best(&mut self.alice, runner, "availableToLay")?;
                let fair = fair(name)? * 100.0;
                let around = (back as f64) <= fair
                    && fair <= lay as f64
                    && (lay as f64 - 100.0) <= 1.3 * (back as f64 - 100.0);
                around.then_some((back, lay))
            });
            let quotes = quotes.collect::<Option<Vec<_>>>();
            quotes.ok_or_else(|| self.operator.observe("maker-0")["state"].clone())
        })
    }

    /// What rests in the market, of everybody.
    fn resting(&mut self) -> usize {
        let sides = ["availableToBack", "availableToLay"];
        let of = |alice: &mut Bettor, odds: &Market, runner| {
            sides.iter().map(|side| alice.ladder(odds, runner, side).len()).sum::<usize>()
        };
        (0..3).map(|runner| of(&mut self.alice, &self.odds, runner)).sum()
    }

    fn quoter(&mut self) -> Value {
        let id = format!("quoter-0-{}", self.event);
        self.operator.observe(&id)
    }

    /// Waits until the quoter has looked some times more.
    fn after_some_looks(&mut self) {
        let handled = |quoter: &Value| quoter["mailbox"]["handled"].as_u64().unwrap_or_default();
        let before = handled(&self.quoter());
        eventually("the quoter looks again", || {
            let quoter = self.quoter();
            if handled(&quoter) > before + 12 { Ok(()) } else { Err(quoter) }
        });
    }
}

fn list(operator: &mut Operator, event: &str, market_type: &str, runners: &[&str]) -> Market {
    let names: Vec<Value> = runners.iter().map(|name| json!({"name": name})).collect();
    let market = json!({
        "eventId": event, "name": market_type, "marketType": market_type,
        "startTime": KICK_OFF, "runners": names, "betDelay": 0,
    });
    let made = operator.post("/v1/operator/markets", &market);
    let ids = made["runners"].as_array().expect("runners").iter();
    Market {
        id: made["marketId"].as_str().expect("a market id").to_owned(),
        runners: ids.map(|it| it["selectionId"].as_i64().expect("a number")).collect(),
    }
}

#[test]
fn a_maker_quotes_and_leads_its_markets_to_the_end_whoever_dies() {
    let scratch = Scratch::new("makers-lead");
    let mut evening = Evening::begin(&scratch, true);
    let event = evening.event.clone();
    let goals = ["Under 2.5 Goals", "Over 2.5 Goals"];
    let goals = list(&mut evening.operator, &event, "OVER_UNDER_25", &goals);
    let scorers = list(&mut evening.operator, &event, "TOP_SCORER", &["Saka", "Havertz"]);
    let before = evening.until_quoted();
    assert_eq!(evening.quoter()["row"]["kind"], "quoter");
    eventually("both markets that are understood are quoted", || {
        let quoter = evening.quoter()["state"].clone();
        let so = quoter["markets"].as_array().is_some_and(|markets| markets.len() == 2)
            && quoter["notUnderstood"] == 1;
        if so { Ok(()) } else { Err(quoter) }
    });
    let (bet, matched) = {
        let (best, selection) = (before[0].0 as f64 / 100.0, evening.odds.runners[0]);
        let report = evening.alice.place(&evening.odds, &[limit(selection, "BACK", 2.0, best)]);
        let report = &report["instructionReports"][0];
        (report["betId"].clone(), report["sizeMatched"].clone())
    };
    assert_eq!(matched, 2.0, "{bet}");

    evening.told(1, "kickOff", None, 0);
    let in_play = eventually("the market is in play", || {
        let book = evening.alice.book(&evening.odds);
        if book["inplay"] == true { Ok(book) } else { Err(book) }
    });
    assert_eq!(in_play["status"], "OPEN");
    evening.until_quoted();
    evening.told(2, "goal", Some("home"), 10);
    let suspended = evening.until_status("SUSPENDED");
    let why = suspended["suspendReason"].as_str().expect("a reason");
    assert!(why.starts_with("a goal"), "{suspended}");
    assert_eq!(evening.resting(), 0, "everything lapsed");
    // The one who suspended it dies; the next one opens it again.
    evening.operator.kill_actor(&format!("quoter-0-{event}"), "panic");
    evening.operator.kill_actor("maker-0", "kill");
    evening.told(3, "clock", None, 11);
    evening.until_status("OPEN");
    let after = evening.until_quoted();
    assert!(after[0].1 < before[0].0 && after[1].0 > before[1].1, "{before:?} {after:?}");
    let rests = evening.resting();
    evening.operator.kill_actor(&format!("quoter-0-{event}"), "kill");
    evening.after_some_looks();
    assert_eq!(evening.resting(), rests, "a new one shows what the old one showed");

    // What somebody else suspends stays so.
    let odds = Market { id: evening.odds.id.clone(), runners: evening.odds.runners.clone() };
    evening.operator.act(&odds, "suspend", &json!({}));
    evening.after_some_looks();
    evening.until_status("SUSPENDED");
    evening.operator.act(&odds, "open", &json!({}));
    evening.until_quoted();

    evening.told(4, "halfTime", None, 46);
    evening.told(5, "secondHalf", None, 45);
    evening.told(6, "fullTime", None, 94);
    let closed = evening.until_status("CLOSED");
    let won = |book: &Value| {
        let runners = book["runners"].as_array().expect("runners").clone();
        let won = runners.iter().find(|it| it["status"] == "WINNER").expect("a winner");
        won["selectionId"].as_i64().expect("a number")
    };
    assert_eq!(won(&closed), evening.odds.runners[0], "Leeds");
    let closed = eventually("the goals are settled", || {
        let book = evening.alice.book(&goals);
        if book["status"] == "CLOSED" { Ok(book) } else { Err(book) }
    });
    assert_eq!(won(&closed), goals.runners[0], "under");
    assert_eq!(evening.alice.book(&scorers)["status"], "OPEN", "not its own to settle");
    assert!(evening.operator.wallet("alice").balance > 1_000_000, "alice has won");
    let ledger = evening.operator.ledger();
    assert_eq!(ledger.difference, 0, "{ledger:?}");
}

#[test]
fn one_that_does_not_lead_takes_its_prices_away_and_leaves_the_market_alone() {
    let scratch = Scratch::new("makers-quote");
    let mut evening = Evening::begin(&scratch, false);
    evening.until_quoted();
    evening.told(1, "kickOff", None, 0);
    evening.told(2, "goal", Some("away"), 10);
    eventually("nothing is quoted while a goal may be taken back", || match evening.resting() {
        0 => Ok(()),
        rests => Err(rests),
    });
    let book = evening.alice.book(&evening.odds);
    assert_eq!((&book["status"], &book["inplay"]), (&json!("OPEN"), &json!(false)));
    evening.told(3, "clock", None, 11);
    evening.until_quoted();
    // Its login ends: it logs in again, and what it shows is looked after.
    let sessions: Vec<Value> = evening.operator.actors("session");
    for session in sessions {
        evening.operator.kill_actor(session["id"].as_str().expect("an id"), "kill");
    }
    evening.told(4, "goal", Some("away"), 20);
    evening.told(5, "clock", None, 21);
    evening.until_quoted();
}

#[test]
fn a_maker_that_nobody_knows_says_so_and_costs_nothing() {
    let scratch = Scratch::new("makers-nobody");
    let path = scratch.path().join("node.toml");
    std::fs::write(&path, "[[makers]]\nname = \"lost\"\nuser = \"nobody\"\napp_key = \"none\"\n")
        .unwrap();
    let node = Launch::new(&scratch).config(&path).manual_clock().start();
    let mut operator = Operator::of(&node);
    let lint = eventually("it needs a person", || {
        let lints = operator.get("/v1/operator/lints");
        let found = lints["lints"].as_array().expect("a list").iter();
        let mut found = found.filter(|lint| lint["lint"] == "maker-cannot-log-in");
        found.next().cloned().ok_or(lints)
    });
    assert_eq!(lint["id"], "maker-0");
    assert!(lint["text"].as_str().is_some_and(|text| text.starts_with("lost: ")), "{lint}");
}
