//! The Exchange Stream API over raw sockets: what is said, in which order, and what a reader who applies it
//! ends up knowing.
//!
//! | file | what it asks |
//! |---|---|
//! | `talk` | statuses, closes, clocks, heartbeats, segments |
//! | `markets` | is what is told what listMarketBook says? |
//! | `orders` | is every order told, and its end once? |
//! | `slow` | what does it cost when somebody does not read? |
//! | `healing` | and whatever dies meanwhile? |

mod healing;
mod markets;
mod orders;
mod slow;
mod talk;

use crate::harness::{Bettor, Launch, Market, Node, Operator, Scratch};

/// A node with the stream over TLS and plain TCP.
struct Evening {
    node: Node,
    operator: Operator,
    launch: Launch,
    _scratch: Scratch,
}

impl Evening {
    fn begin(name: &str) -> Evening {
        Evening::with(name, |launch| launch)
    }

    fn with(name: &str, terms: impl FnOnce(Launch) -> Launch) -> Evening {
        let scratch = Scratch::new(name);
        let launch = terms(Launch::new(&scratch).stream_plain());
        let node = launch.start();
        let operator = Operator::of(&node);
        Evening { node, operator, launch, _scratch: scratch }
    }

    fn bettor(&mut self, name: &str, deposit: i64) -> Bettor {
        let app_key = self.operator.open_account(name, "secret", deposit);
        Bettor::log_in(&self.node, name, "secret", &app_key)
    }

    fn match_odds(&mut self) -> Market {
        self.operator.match_odds("Home", "Away")
    }
}

/// The sessions of stream connections.
fn sessions(operator: &mut Operator) -> Vec<String> {
    let sessions = operator.actors("session").into_iter();
    let ids = sessions.filter_map(|it| it["id"].as_str().map(str::to_owned));
    ids.filter(|id| id.starts_with("stream-")).collect()
}
