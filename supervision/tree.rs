//! Laybook's tree, as child specs that read like its drawing, and the nursery through which actors ask
//! it for children that come and go.
//!
//! ```text
//! laybook  one_for_one
//! ├─ partitions     dynamic        one subtree for each partition this node owns
//! │   └─ partition-0  rest_for_one
//! │       ├─ journal-0             the one writer of this partition's log
//! │       ├─ directory-0           finds, starts and wakes entities
//! │       ├─ accounts-0  dynamic   one actor per active account
//! │       ├─ markets-0   dynamic   one actor per open market
//! │       ├─ home                  users, operators' acts, what there is to bet on
//! │       ├─ publisher-0           the partition's causal stream
//! │       ├─ board-0               public prices of watched markets, for all who watch
//! │       └─ football              fixtures, results, and what is told of matches
//! ├─ catalogue-readers  one_for_one  read model of what there is to bet on
//! ├─ feeds          dynamic        one per recorded market being played, per provider that is asked on a
//! │                                schedule; who tells of a demo's matches
//! ├─ ports          dynamic        models of somebody's own, each a process of the operating system
//! ├─ fixtures       dynamic        pricing: ratings per competition, one per match that is looked at
//! ├─ strategies     dynamic        market makers, one quoter for each of their matches, traders of a demo; they log in
//! │                                as users
//! ├─ services       one_for_one    mail; who hands traces on
//! ├─ sessions       dynamic        one per login and per stream connection (transient)
//! └─ doors          one_for_one    handed in by the node; last up, first down
//! ```
//! The board and the sessions of stream connections run on threads of their own (`Tree::tellers`), as their
//! connections do: a crowd of readers takes what is left of the machine, and no order waits behind it.
//!
//! Entities are stopped by kill: outside the journal there is nothing to save. Each has a budget of its
//! own; spent, it is quarantined and does not take the partition with it (`protocol.md` 15).

use crate::backoff::Backoff;
use crate::executor::Executor;
use crate::intensity::Intensity;
use crate::spec::{ChildSpec, DynamicSpec, Restart, Shutdown, Strategy, SupervisorSpec};
use crate::start::{StartContext, StartError};
use actors::account::Account;
use actors::board::Board;
use actors::catalogue::Catalogue;
use actors::directory::Directory;
use actors::entity::{EntityActor, EntityArgs};
use actors::fixture::{Fixture, FixtureArgs};
use actors::football::Football;
use actors::home::Home;
use actors::journal::Journal;
use actors::maker::{Maker, MakerArgs};
use actors::market::Market;
use actors::node::Node;
use actors::publisher::Publisher;
use actors::quoter::{Quoter, QuoterArgs};
use actors::ratings::{Ratings, RatingsArgs};
use actors::replay::{Replay, ReplayArgs};
use actors::session::{Session, SessionArgs};
use actors::shell::{Behaviour, Shell};
use actors::stadium::{Stadium, StadiumArgs};
use actors::trader::{Trader, TraderArgs};
use domain::football::almanac::{CompetitionNo, FixtureId};
use domain::ids::{EntityId, EventId, PartitionId, SessionId};
use std::sync::Arc;

/// The root's id, with which every path in the events begins.
pub const ROOT: &str = "laybook";
/// Restarts that any supervisor of the tree allows in [`PERIOD_MS`].
const RESTARTS: u32 = 10;
const PERIOD_MS: u64 = 10_000;
/// What one entity, session, feed or strategy may use up alone.
const BUDGET: u32 = 5;
/// With their backoff, models that fall at once do not use it up.
const PORT_PERIOD_MS: u64 = 30_000;
/// Many entities may fall at once (a poison record of a partition): this many make it the supervisor's
/// own failure.
const CROWD: u32 = 10_000;

/// The whole tree. `services`, `stream` and `doors` are the node's own.
pub struct Tree {
    pub node: Arc<Node>,
    /// Who serves the whole node: mail, traces. The node's own, it knows who takes them.
    pub services: Vec<ChildSpec>,
    /// How the port of a model starts: the node's own, it knows the commands.
    pub port: ChildSpec,
    /// How what fetches from a provider of football starts: the node's own, it knows the providers.
    pub pull: ChildSpec,
    /// How the session of a stream connection starts: the node's own, it knows the words.
    pub stream: ChildSpec,
    pub doors: Vec<ChildSpec>,
    /// Where those run who only tell others, however many: nobody's order waits behind them.
    pub tellers: Executor,
}

impl Tree {
    pub fn spec(self) -> SupervisorSpec {
        let (node, tellers) = (self.node, self.tellers);
        supervisor(
            ROOT,
            Strategy::OneForOne,
            vec![
                partitions(&node, &tellers).into_child(),
                supervisor(
                    "catalogue-readers",
                    Strategy::OneForOne,
                    vec![actor::<Catalogue>(&node, ())],
                )
                .into_child(),
                crowd("feeds", feed(&node, self.pull)).into_child(),
                ports(self.port).into_child(),
                crowd("fixtures", fixture(&node)).into_child(),
                crowd("strategies", strategy(&node)).into_child(),
                supervisor("services", Strategy::OneForOne, self.services).into_child(),
                crowd("sessions", session(&node, self.stream.on(&tellers))).into_child(),
                supervisor("doors", Strategy::OneForOne, self.doors).into_child(),
            ],
        )
    }
}

fn partitions(node: &Arc<Node>, tellers: &Executor) -> DynamicSpec {
    let (node, tellers) = (node.clone(), tellers.clone());
    let partition = ChildSpec::subtree("partition", Strategy::RestForOne, move |context| {
        partition(&node, &tellers, &context.id)
    });
    let partition =
        partition.told_intensity(Intensity { restarts: RESTARTS, period_ms: PERIOD_MS });
    DynamicSpec::new("partitions", partition).intensity(RESTARTS, PERIOD_MS)
}

fn partition(node: &Arc<Node>, tellers: &Executor, id: &str) -> SupervisorSpec {
    // An id that is no partition's fails its first child's start.
    let number = id.strip_prefix("partition-").and_then(|n| n.parse().ok());
    let id = PartitionId(number.unwrap_or(u16::MAX));
    let mut children = vec![
        actor::<Journal>(node, id),
        actor::<Directory>(node, id),
        entities::<Account>(&format!("accounts-{id}"), node, id).into_child(),
        entities::<Market>(&format!("markets-{id}"), node, id).into_child(),
    ];
    if id == PartitionId(0) {
        let home = EntityArgs { partition: id, entity: EntityId::Home };
        children.push(actor::<EntityActor<Home>>(node, home).shutdown(Shutdown::Brutal));
    }
    children.push(actor::<Publisher>(node, id));
    children.push(actor::<Board>(node, id).on(tellers));
    if id == PartitionId(0) {
        let football = EntityArgs { partition: id, entity: EntityId::Football };
        children.push(actor::<EntityActor<Football>>(node, football).shutdown(Shutdown::Brutal));
    }
    supervisor(&format!("partition-{id}"), Strategy::RestForOne, children)
}

fn entities<E: actors::entity::Entity>(
    id: &str,
    node: &Arc<Node>,
    partition: PartitionId,
) -> DynamicSpec {
    let template = child::<EntityActor<E>>(node, move |context| {
        let entity = context.id.parse().ok()?;
        Some(EntityArgs { partition, entity })
    });
    crowd(id, template.shutdown(Shutdown::Brutal))
}

/// A login's session, or by its id a stream connection's.
fn session(node: &Arc<Node>, stream: ChildSpec) -> ChildSpec {
    let login = child::<Session>(node, |context| {
        let number = context.id.strip_prefix("session-")?;
        let session = SessionId(u64::from_str_radix(number, 16).ok()?);
        Some(SessionArgs { session })
    });
    login.or_if(|id| id.starts_with("stream-"), stream).restart(Restart::Transient)
}

/// A recorded market that is played, or by its id who tells of a demo's matches, or who fetches from a provider.
fn feed(node: &Arc<Node>, pull: ChildSpec) -> ChildSpec {
    let replay = child::<Replay>(node, |context| {
        let number = context.id.strip_prefix("replay-")?.parse().ok()?;
        Some(ReplayArgs { number })
    });
    let stadium = child::<Stadium>(node, |context| {
        let number = context.id.strip_prefix("stadium-")?.parse().ok()?;
        Some(StadiumArgs { number })
    });
    let feed = replay.or_if(|id| id.starts_with("stadium-"), stadium);
    feed.or_if(|id| id.starts_with("pull-"), pull).restart(Restart::Transient)
}

/// Models of somebody's own. One that falls at its start again and again is tried ever more seldom, and for ever:
/// somebody may mend it meanwhile. One that an operator or a bug fells oftener than that allows waits for an operator.
fn ports(port: ChildSpec) -> DynamicSpec {
    let backoff = Backoff { first_ms: 500, max_ms: 30_000, reset_after_ms: 10_000 };
    let port = port.restart(Restart::Permanent).backoff(backoff);
    DynamicSpec::new("ports", port).intensity(CROWD, PERIOD_MS).budget(RESTARTS, PORT_PERIOD_MS)
}

/// A match's prices, or by its id a competition's ratings.
fn fixture(node: &Arc<Node>) -> ChildSpec {
    let ratings = child::<Ratings>(node, |context| {
        let number = context.id.strip_prefix("ratings-")?.parse().ok()?;
        Some(RatingsArgs { competition: CompetitionNo(number) })
    });
    let fixture = child::<Fixture>(node, |context| {
        let number = context.id.strip_prefix("fixture-")?.parse().ok()?;
        Some(FixtureArgs { fixture: FixtureId(number) })
    });
    fixture.or_if(|id| id.starts_with("ratings-"), ratings).restart(Restart::Transient)
}

/// A market maker, or by its id who quotes an event for one, or a demo's trader.
fn strategy(node: &Arc<Node>) -> ChildSpec {
    let maker = child::<Maker>(node, |context| {
        let number = context.id.strip_prefix("maker-")?.parse().ok()?;
        Some(MakerArgs { number })
    });
    let quoter = child::<Quoter>(node, |context| {
        let (maker, event) = context.id.strip_prefix("quoter-")?.split_once('-')?;
        Some(QuoterArgs { maker: maker.parse().ok()?, event: EventId(event.parse().ok()?) })
    });
    let trader = child::<Trader>(node, |context| {
        let number = context.id.strip_prefix("trader-")?.parse().ok()?;
        Some(TraderArgs { number })
    });
    let strategy = maker.or_if(|id| id.starts_with("quoter-"), quoter);
    strategy.or_if(|id| id.starts_with("trader-"), trader).restart(Restart::Transient)
}

fn supervisor(id: &str, strategy: Strategy, children: Vec<ChildSpec>) -> SupervisorSpec {
    SupervisorSpec::new(id, strategy, children).intensity(RESTARTS, PERIOD_MS)
}

/// Children by identity, each with a budget of its own.
fn crowd(id: &str, template: ChildSpec) -> DynamicSpec {
    DynamicSpec::new(id, template).intensity(CROWD, PERIOD_MS).budget(BUDGET, PERIOD_MS)
}

/// A child whose arguments are known when the tree is written.
pub fn actor<B: Behaviour>(node: &Arc<Node>, args: B::Args) -> ChildSpec {
    let id = B::address(&args).to_string();
    let node = node.clone();
    ChildSpec::worker(&id, B::KIND, move |_| (Shell::<B>::new(node.clone()), args.clone()))
}

/// A template whose arguments are read from the child's id.
pub fn child<B: Behaviour>(
    node: &Arc<Node>,
    args: impl Fn(&StartContext) -> Option<B::Args> + Send + Sync + 'static,
) -> ChildSpec {
    let (node, args) = (node.clone(), Arc::new(args));
    ChildSpec::new(B::KIND, B::KIND, move |context| {
        let (node, args) = (node.clone(), args.clone());
        async move {
            let args = args(&context).ok_or_else(|| {
                StartError::failed(format!("`{}` names no {}", context.id, B::KIND))
            })?;
            context.spawn(Shell::<B>::new(node), args).await
        }
    })
}
