//! What bad input gets, at every door of the real binary.
//!
//! One law for every row: the right refusal, and nothing else. The ledger is as it was and its difference is
//! zero, nothing panicked, and the node still answers. Each file has one table or one kind of trouble:
//!
//! | file | who misbehaves |
//! |---|---|
//! | [`orders`] | a bettor with an order that is wrong |
//! | [`calls`] | a client with a call, a login or a body that is wrong |
//! | [`operators`] | an operator with a request that is wrong |
//! | [`wire`] | a peer that does not speak HTTP well, or slowly, or too much |
//! | [`crowds`] | fifty at once |
//! | [`trespass`] | a customer at another's bets, a stranger at the operators' door |
//!
//! Address caps and timeouts of other lengths are the door's own tests; full disks and lost descriptors are
//! `torture`'s.

mod calls;
mod crowds;
mod operators;
mod orders;
mod trespass;
mod wire;

use crate::harness::http::HttpClient;
use crate::harness::operator::Ledger;
use crate::harness::{Bettor, Launch, Market, Node, Operator, Scratch};

const PASSWORD: &str = "correct horse";

/// A node with an operator, who watches the money.
struct House {
    // Dropped in this order: the process before its directory.
    node: Node,
    operator: Operator,
    noted: Ledger,
    _scratch: Scratch,
}

impl House {
    fn open(test: &str) -> House {
        House::launched(test, |launch| launch)
    }

    /// Whose time only an operator moves.
    fn standing_still(test: &str) -> House {
        House::launched(test, Launch::manual_clock)
    }

    fn launched(test: &str, how: impl FnOnce(Launch) -> Launch) -> House {
        let scratch = Scratch::new(test);
        let node = how(Launch::new(&scratch)).start();
        let operator = Operator::of(&node);
        House { node, operator, noted: Ledger::default(), _scratch: scratch }
    }

    /// A customer who is logged in, and the application key.
    fn customer(&mut self, name: &str, deposit: i64) -> (Bettor, String) {
        let app_key = self.operator.open_account(name, PASSWORD, deposit);
        (Bettor::log_in(&self.node, name, PASSWORD, &app_key), app_key)
    }

    /// The token of one more session of a customer.
    fn token(&self, name: &str, app_key: &str) -> String {
        let form = format!("username={name}&password={PASSWORD}");
        let headers = [("X-Application", app_key)];
        let answer = HttpClient::new(self.node.http).request(
            "POST",
            "/api/login",
            &headers,
            form.as_bytes(),
        );
        let answer = answer.expect("the node answers").json();
        answer["token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    fn market(&mut self) -> Market {
        self.operator.match_odds("Arsenal", "Chelsea")
    }

    /// What the ledger says from here on is what it must go on to say.
    fn note(&mut self) {
        self.noted = self.operator.ledger();
    }

    /// After a row of a table: nothing was moved, nothing panicked, the node answers.
    fn unharmed(&mut self, row: &str) {
        let ledger = self.operator.ledger();
        assert_eq!(ledger.difference, 0, "{row}: the ledger does not add up: {ledger:?}");
        assert_eq!(ledger, self.noted, "{row}: money moved");
        let log = self.node.log();
        assert!(!log.contains("panicked"), "{row}: the node panicked\n{log}");
    }
}
