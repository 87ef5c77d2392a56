//! The world of a torture test: customers, markets and what was claimed of them, over the lives of many nodes.
//!
//! A round is one life: [`Campaign::unleash`], a fault, a new node, [`Campaign::check`]. Markets are settled
//! or voided after some rounds and new ones made, so that the world does not grow without end.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use serde_json::json;

use super::cashier::{Cashier, Takings};
use super::checkers::{Found, bank, books, cleared, exposure, set};
use super::claim::{ClaimLog, Claims};
use super::client::{Client, Ends, Tally};
use super::damage::files;
use crate::harness::deadline::within;
use crate::harness::operator::{Ledger, Wallet};
use crate::harness::{
    Bettor, DEADLINE, Launch, Market, Node, Operator, Random, Scratch, eventually,
};

const CLIENTS: usize = 8;
const ACCOUNTS: usize = 5;
const MARKETS: usize = 4;
/// What the journal keeps when it has had time: a few checkpoints' worth of records.
const SEGMENTS_MAX: usize = 16;
const FIRST_DEPOSIT: i64 = 5_000_000;

pub(crate) struct Campaign {
    test: &'static str,
    seed: u64,
    pub(crate) random: Random,
    pub(crate) launch: Launch,
    customers: Vec<Customer>,
    markets: Arc<Vec<Market>>,
    /// Bets of markets that were settled and checked.
    settled: BTreeSet<u64>,
    lives: usize,
    deposits: RangeInclusive<i64>,
    pub(crate) tally: Tally,
    pub(crate) scratch: Scratch,
}

struct Customer {
    name: String,
    bettor: Bettor,
}

/// The clients of one life of a node.
pub(crate) struct Herd {
    ends: Arc<Ends>,
    clients: Vec<JoinHandle<Tally>>,
    cashier: JoinHandle<Takings>,
}

impl Herd {
    /// From here on a broken connection is no complaint.
    pub(crate) fn doom(&self) {
        self.ends.doomed.store(true, Ordering::SeqCst);
    }

    /// Tells everybody to finish what is under way.
    pub(crate) fn enough(&self) {
        self.ends.enough.store(true, Ordering::SeqCst);
    }
}

impl Campaign {
    /// A new world at a node that is ready.
    pub(crate) fn begin(test: &'static str) -> (Campaign, Node) {
        let scratch = Scratch::new(test);
        let launch = Launch::new(&scratch);
        Campaign::begin_at(test, scratch, launch)
    }

    pub(crate) fn begin_at(
        test: &'static str,
        scratch: Scratch,
        launch: Launch,
    ) -> (Campaign, Node) {
        let seed = Random::seed(test);
        std::fs::create_dir(scratch.path().join("claims")).expect("the scratch is new");
        let node = launch.start();
        let mut operator = Operator::of(&node);
        let customers = (0..ACCOUNTS).map(|number| {
            let name = format!("punter{number}");
            let app_key = operator.open_account(&name, "a long password", FIRST_DEPOSIT);
            let bettor = Bettor::log_in(&node, &name, "a long password", &app_key);
            Customer { name, bettor }
        });
        let customers: Vec<Customer> = customers.collect();
        let deposits = i64::try_from(customers.len()).expect("fits") * FIRST_DEPOSIT;
        let mut campaign = Campaign {
            test,
            seed,
            random: Random::new(seed),
            launch,
            customers,
            markets: Arc::default(),
            settled: BTreeSet::new(),
            lives: 0,
            deposits: deposits..=deposits,
            tally: Tally::default(),
            scratch,
        };
        campaign.make_markets(&mut operator);
        (campaign, node)
    }

    /// What to say when something is wrong.
    fn place(&self) -> String {
        format!("{} with LAYBOOK_SEED={}, life {}", self.test, self.seed, self.lives)
    }

    pub(crate) fn markets(&self) -> &[Market] {
        &self.markets
    }

    fn claims(&self) -> PathBuf {
        self.scratch.path().join("claims")
    }

    fn make_markets(&mut self, operator: &mut Operator) {
        let make = |number| {
            let name = format!("Home {number} v Away {number}");
            operator.market(&name, &["Home", "Away", "The Draw"], &json!({}))
        };
        self.markets = Arc::new((0..MARKETS).map(make).collect());
    }

    /// Sets eight clients and a cashier on the node.
    pub(crate) fn unleash(&mut self, node: &Node) -> Herd {
        self.unleash_with(node, Ends::default())
    }

    /// The same on a node that dies by itself, at any moment.
    #[cfg(debug_assertions)]
    pub(crate) fn unleash_on_doomed(&mut self, node: &Node) -> Herd {
        self.unleash_with(node, Ends { doomed: true.into(), ..Ends::default() })
    }

    fn unleash_with(&mut self, node: &Node, ends: Ends) -> Herd {
        self.lives += 1;
        let ends = Arc::new(ends);
        let mut operator = Operator::of(node);
        for market in self.markets.iter() {
            // A life may have ended between a suspension and its end. Open already, it is refused; dead
            // already, the clients will say so.
            let path = format!("/v1/operator/markets/{}/open", market.id);
            let _ = operator.send("POST", &path, None, Some(&json!({})));
        }
        let mut clients = Vec::new();
        for number in 0..CLIENTS {
            let customer = &self.customers[number % self.customers.len()];
            let client = Client {
                name: format!("c{number}l{}", self.lives),
                account: customer.name.clone(),
                bettor: customer.bettor.resume(node.http),
                markets: self.markets.clone(),
                random: Random::new(self.random.next()),
                log: ClaimLog::open(&self.claims().join(format!("client-{number}"))),
                ends: ends.clone(),
            };
            clients.push(std::thread::spawn(move || client.run()));
        }
        let cashier = Cashier {
            name: format!("cashier-l{}", self.lives),
            operator: Operator::of(node),
            accounts: self.customers.iter().map(|it| it.name.clone()).collect(),
            markets: self.markets.clone(),
            random: Random::new(self.random.next()),
            ends: ends.clone(),
        };
        let cashier = std::thread::spawn(move || cashier.run());
        Herd { ends, clients, cashier }
    }

    /// Waits until every client has ended, and takes down what they did.
    pub(crate) fn gather(&mut self, herd: Herd) -> Tally {
        let mut tally = Tally::default();
        for client in herd.clients {
            tally.add(client.join().unwrap_or_else(|_| panic!("{}: a client", self.place())));
        }
        let takings = herd.cashier.join();
        let takings = takings.unwrap_or_else(|_| panic!("{}: the cashier", self.place()));
        tally.complaints.extend(takings.complaints);
        let (low, high) = (*self.deposits.start(), *self.deposits.end());
        self.deposits = low + takings.acknowledged..=high + takings.acknowledged + takings.open;
        self.none(&tally.complaints);
        self.tally.add(tally.clone());
        tally
    }

    // --------------------------------------------------------------------------------------- checks

    /// Every checker. What clients were told and the bank must be right at once; what is under way between
    /// markets and accounts may arrive until the deadline, and then all must agree.
    pub(crate) fn check(&mut self, node: &Node) {
        let mut operator = Operator::of(node);
        self.none(&bank::check(&operator.ledger(), &self.deposits));
        let claims = Claims::read(&self.claims());
        let found = self.orders(node);
        self.none(&set::check(&claims, &found, |bet| self.settled.contains(&bet)));
        self.check_quiet(node);
    }

    /// Waits until nothing is under way and everything agrees.
    pub(crate) fn check_quiet(&mut self, node: &Node) {
        let mut complaints = Vec::new();
        within(DEADLINE / 2, || {
            complaints = self.disagreements(node);
            complaints.is_empty().then_some(())
        });
        self.none(&complaints);
    }

    fn disagreements(&self, node: &Node) -> Vec<String> {
        let mut operator = Operator::of(node);
        let found = self.orders(node);
        let mut complaints = books::check_orders(&found);
        let mut anybody = self.customers[0].bettor.resume(node.http);
        for market in self.markets.iter() {
            complaints.extend(books::check_ladders(&found, &anybody.book(market)));
        }
        let wallets = self.wallets(&mut operator);
        complaints.extend(exposure::check(&wallets, &found));
        let ledger = operator.ledger();
        complaints.extend(bank::check_wallets(&ledger, &wallets));
        complaints.extend(bank::check(&ledger, &self.deposits));
        let claims = Claims::read(&self.claims());
        complaints.extend(set::check(&claims, &found, |bet| self.settled.contains(&bet)));
        complaints
    }

    fn wallets(&self, operator: &mut Operator) -> Vec<(String, Wallet)> {
        let wallet = |it: &Customer| (it.name.clone(), operator.wallet(&it.name));
        self.customers.iter().map(wallet).collect()
    }

    /// Everybody's orders of markets that are not settled.
    pub(crate) fn orders(&self, node: &Node) -> Vec<Found> {
        let mut found = Vec::new();
        for customer in &self.customers {
            let orders = customer.bettor.resume(node.http).orders();
            let own = |order| Found { account: customer.name.clone(), order };
            found.extend(orders.into_iter().map(own));
        }
        found
    }

    /// Settles half of the markets and voids the others, checks that everybody was paid, and makes new ones.
    pub(crate) fn turn_over(&mut self, node: &Node) {
        let before = self.orders(node);
        let mut operator = Operator::of(node);
        let markets = self.markets.clone();
        for (number, market) in markets.iter().enumerate() {
            let status = if number % 2 == 0 {
                operator.settle(market, &[*self.random.pick(&market.runners)]);
                "SETTLED"
            } else {
                operator.act(market, "void", &json!({}));
                "VOIDED"
            };
            self.check_paid(node, market, &before, status);
        }
        self.close_the_books(node, &before);
        self.make_markets(&mut operator);
        self.await_retention();
    }

    /// Everybody has exactly one cleared bet, of the size that was matched, for each of `before` in `market`.
    pub(crate) fn check_paid(&self, node: &Node, market: &Market, before: &[Found], status: &str) {
        for customer in &self.customers {
            let own: Vec<Found> = before
                .iter()
                .filter(|it| it.account == customer.name && it.order.market == market.id)
                .cloned()
                .collect();
            let rows = customer.bettor.resume(node.http).cleared(market, status);
            if status == "SETTLED" {
                self.none(&cleared::check(&own, &rows));
            } else {
                let matched = own.iter().filter(|it| it.order.matched > 0).count();
                let told = format!("{matched} were matched, void are {}", rows.len());
                self.none(if matched == rows.len() { &[] } else { std::slice::from_ref(&told) });
            }
        }
    }

    /// All markets are settled or void: nothing is held and nothing is left in clearing.
    pub(crate) fn close_the_books(&mut self, node: &Node, before: &[Found]) {
        self.settled.extend(before.iter().map(Found::bet));
        let ledger = self.check_money(node);
        let left = (ledger.clearing, ledger.holds) != (0, 0);
        let told = format!("something is left of settled markets: {ledger:?}");
        self.none(if left { std::slice::from_ref(&told) } else { &[] });
    }

    /// Bank and wallets, when nobody bets.
    pub(crate) fn check_money(&self, node: &Node) -> Ledger {
        let mut operator = Operator::of(node);
        let ledger = operator.ledger();
        let mut complaints = bank::check(&ledger, &self.deposits);
        complaints.extend(bank::check_wallets(&ledger, &self.wallets(&mut operator)));
        self.none(&complaints);
        ledger
    }

    /// Waits until a checkpoint has let go of old journal files.
    fn await_retention(&self) {
        eventually("the journal lets go of what a checkpoint holds", || {
            let kept = files(self.launch.data()).len();
            if kept <= SEGMENTS_MAX { Ok(()) } else { Err(format!("{kept} files")) }
        });
    }

    /// `laybook verify` on the directory of a node that is gone.
    pub(crate) fn verify(&self) {
        let verify = Command::new(env!("CARGO_BIN_EXE_laybook"))
            .arg("verify")
            .arg(self.launch.data())
            .output()
            .expect("the binary under test runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, err) = (text(&verify.stdout), text(&verify.stderr));
        assert!(verify.status.success(), "{}: {}\n{out}\n{err}", self.place(), verify.status);
    }

    /// Panics with all that is needed to do it again.
    pub(crate) fn none(&self, complaints: &[String]) {
        let first: Vec<&String> = complaints.iter().take(20).collect();
        assert!(
            complaints.is_empty(),
            "{}: {} complaints\n{first:#?}",
            self.place(),
            complaints.len()
        );
    }
}
