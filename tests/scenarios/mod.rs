//! Evenings at the exchange, told through the doors of the real binary as a bettor would tell them.
//!
//! Owns the stories. After every step of every story the house's books add up: [`Evening::square`].

mod crossed;
mod funds;
mod in_play;
mod matching;
mod order_channel;
mod orders;
mod people;
mod places;
mod racing;
mod restart;
mod settlement;
mod shapes;
mod stakes;

use crate::harness::operator::Ledger;
use crate::harness::{Bettor, Launch, Market, Node, Operator, Scratch, eventually};
use std::time::{Duration, Instant};

/// A node, its operator and everybody who has come so far. The node goes before its directory.
pub(crate) struct Evening {
    node: Option<Node>,
    operator: Operator,
    launch: Launch,
    customers: Vec<String>,
    deposits: i64,
    withdrawals: i64,
    _scratch: Scratch,
}

impl Evening {
    pub(crate) fn begin(story: &str) -> Evening {
        Evening::with(story, |launch| launch)
    }

    /// Time moves only when the operator moves it.
    pub(crate) fn begin_with_manual_clock(story: &str) -> Evening {
        Evening::with(story, Launch::manual_clock)
    }

    /// The limits of the real one, to rehearse them.
    pub(crate) fn begin_with_the_real_limits(story: &str) -> Evening {
        Evening::with(story, |launch| launch.setting("LIMITS__PROFILE", "betfair"))
    }

    pub(crate) fn with(story: &str, settings: impl Fn(Launch) -> Launch) -> Evening {
        let scratch = Scratch::new(story);
        let launch = settings(Launch::new(&scratch));
        let node = launch.start();
        Evening {
            operator: Operator::of(&node),
            node: Some(node),
            launch,
            customers: Vec::new(),
            deposits: 0,
            withdrawals: 0,
            _scratch: scratch,
        }
    }

    pub(crate) fn node(&self) -> &Node {
        self.node.as_ref().expect("between restarts nobody asks")
    }

    /// Somebody comes in with `deposit` pence.
    pub(crate) fn bettor(&mut self, name: &str, deposit: i64) -> Bettor {
        let app_key = self.operator.open_account(name, "a long password", deposit);
        self.customers.push(name.to_owned());
        self.deposits += deposit;
        Bettor::log_in(self.node(), name, "a long password", &app_key)
    }

    pub(crate) fn deposit(&mut self, name: &str, amount: i64) {
        self.operator.deposit(name, amount);
        self.deposits += amount;
    }

    pub(crate) fn withdraw(&mut self, name: &str, amount: i64) {
        self.operator.withdraw(name, amount);
        self.withdrawals += amount;
    }

    /// Every penny that came in is somewhere, and the node's own sum of it says so too.
    pub(crate) fn square(&mut self) -> Ledger {
        let ledger = self.operator.ledger();
        assert_eq!(ledger.difference, 0, "{ledger:?}");
        assert_eq!(ledger.deposits, self.deposits, "{ledger:?}");
        assert_eq!(ledger.withdrawals, self.withdrawals, "{ledger:?}");
        let held = ledger.customer_balances
            + ledger.clearing
            + ledger.commission
            + ledger.rounding
            + ledger.cross_matching;
        assert_eq!(held, ledger.deposits - ledger.withdrawals, "{ledger:?}");
        let wallets = self.customers.iter().map(|name| self.operator.wallet(name).balance);
        assert_eq!(wallets.sum::<i64>(), ledger.customer_balances, "{ledger:?}");
        ledger
    }

    /// SIGKILL, and a new start in the same directory.
    pub(crate) fn kill_and_start(&mut self) {
        self.kill_and_start_after(Duration::ZERO);
    }

    /// SIGKILL, and a new start when the machine's clock has gone on by so much.
    pub(crate) fn kill_and_start_after(&mut self, outage: Duration) {
        self.node.take().expect("there is a node").kill();
        let killed = Instant::now();
        eventually("the outage is over", || {
            if killed.elapsed() >= outage { Ok(()) } else { Err(killed.elapsed()) }
        });
        let node = self.launch.start();
        self.operator = Operator::of(&node);
        self.node = Some(node);
    }

    /// The same customer at the node that was started last.
    pub(crate) fn come_back(&self, bettor: &Bettor) -> Bettor {
        bettor.resume(self.node().http)
    }

    pub(crate) fn match_odds(&mut self) -> Market {
        self.operator.match_odds("Leeds", "York")
    }

    pub(crate) fn operator(&mut self) -> &mut Operator {
        &mut self.operator
    }
}
