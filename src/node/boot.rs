//! A node's life: from settings to a serving tree, and down again in order.
//!
//! ```text
//!   bind listeners ─▶ start the tree (journals open, home recovers) ─▶ doors up ─▶ ready
//!   SIGTERM ─▶ doors drain ─▶ the tree stops bottom to top ─▶ the journal writes what it has
//! ```
//! Listening sockets are bound first, so that a port that is taken is told before anything is touched.

use std::future::Future;
use std::net::{SocketAddr, TcpListener as Socket};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actors::directory::DirectoryMsg;
use actors::entity::EntityMsg;
use actors::home::HomeMsg;
use actors::mail::{Mail, MailArgs};
use actors::node::{Child, ClockMode, Node, Nursery};
use actors::port::{Port, PortArgs, Workshop};
use actors::pull::{Pull, PullArgs};
use actors::registry::Address;
use actors::tracer::{Tracer, TracerArgs};
use anyhow::{Context as _, anyhow, bail};
use domain::home::{By, HomeRequest, Role};
use domain::ids::{EntityId, PartitionId};
use supervision::tree::{self, Tree};
use supervision::{ChildSpec, EventLog, Executor, Root, SupervisorRef, TreeNursery, What};
use tokio::sync::oneshot;
use warp::Filter;

use crate::betfair;
use crate::betfair::exchange::NodeExchange;
use crate::config::{ClockSource, Settings};
use crate::door::actor::{DoorActor, HttpDoor, bind};
use crate::door::{self, DrainSwitch, Limits};
use crate::mail::NodePost;
use crate::native::Native;
use crate::port::{ModelSettings, NodeWorkshop};
use crate::pull::{NodeProvider, PullSettings};
use crate::secret::{self, LinkKey};
use crate::stream::{self, Service, StreamActor, StreamArgs, StreamDoor, StreamSession};
use crate::telemetry::otlp::Exporter;
use crate::{native, operator};

/// A node that runs.
pub struct Running {
    /// What its actors share.
    pub node: Arc<Node>,
    /// Where the listeners are.
    pub listeners: Listeners,
    /// What stream connections share.
    pub stream: Arc<Service>,
    /// What is on the admin door besides the actors.
    pub watch: operator::Watch,
    root: Root,
    drain: DrainSwitch,
    settings: Settings,
}

/// Addresses as bound.
#[derive(Debug, Clone, Copy)]
pub struct Listeners {
    /// Pages and public APIs.
    pub http: SocketAddr,
    /// Operators.
    pub admin: SocketAddr,
    /// The stream over TLS.
    pub stream: Option<SocketAddr>,
    /// The stream over plain TCP.
    pub stream_plain: Option<SocketAddr>,
}

/// What runs, for the supervision log.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// How long a node may take to read its journal and come up.
const READY_WITHIN: Duration = Duration::from_secs(600);
/// How long an orderly stop may take.
const STOP_WITHIN: Duration = Duration::from_secs(30);

impl Running {
    /// Starts a node and returns when its tree is up; it may still be reading its journal.
    pub async fn start(settings: Settings) -> anyhow::Result<Running> {
        let http = bind(settings.http).with_context(|| format!("http.listen {}", settings.http))?;
        let admin =
            bind(settings.admin).with_context(|| format!("admin.listen {}", settings.admin))?;
        let stream = bind_stream("stream.listen", settings.stream)?;
        let stream_plain = bind_stream("stream_plain.listen", settings.stream_plain)?;
        let address = |socket: &Option<Arc<Socket>>| {
            socket.as_ref().map(|socket| socket.local_addr()).transpose()
        };
        let listeners = Listeners {
            http: http.local_addr()?,
            admin: admin.local_addr()?,
            stream: address(&stream)?,
            stream_plain: address(&stream_plain)?,
        };
        make_writable(&settings.data_directory)?;
        let node = Node::new(actor_settings(&settings));
        let nursery = TreeNursery::default();
        node.set_nursery(Arc::new(nursery.clone()));
        let noted = nursery.clone();
        let (sink, events) =
            EventLog::open(&settings.data_directory.join("supervision"), move |event| {
                noted.note(event);
            });
        nursery.set_sink(sink.clone());
        let after_crash = events.ended_in_crash();
        sink.note("node", "node", What::NodeStarted { version: VERSION.into(), after_crash });
        let watch = operator::Watch {
            node: node.clone(),
            nursery: nursery.clone(),
            events,
            sink: sink.clone(),
            tokens: Arc::default(),
            pace: Arc::default(),
            recoveries: Arc::default(),
            flow: Arc::default(),
            glances: Arc::default(),
            console: Arc::new(operator::console::Console::new(listeners.admin)),
        };
        let (switch, drain) = door::drain();
        let exchange = Arc::new(NodeExchange::new(node.clone(), &settings));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let tellers = Executor::new("tellers", cores / 2).context("the executor of streams")?;
        let service = Service::new(
            node.clone(),
            exchange.clone(),
            settings.stream_limits,
            drain.clone(),
            tellers.clone(),
            &settings.data_directory,
        )?;
        let door = |name, socket, routes, room: usize| HttpDoor {
            name,
            socket,
            routes,
            limits: Limits {
                connections: settings.door.connections.min(room),
                ..settings.door.clone()
            },
            counts: Arc::default(),
            drain: drain.clone(),
        };
        let room = door::OpenFiles::raise().room();
        let bets = betfair::routes::routes(exchange.clone());
        let link_key = link_key(&settings.data_directory)?;
        let own_url = format!("http://{}", listeners.http);
        let data = &settings.data_directory;
        let post = NodePost::new(node.clone(), &settings.mail, data, link_key.clone(), own_url)?;
        // Who cannot be written to cannot confirm.
        let mut customers = settings.customers.clone();
        customers.sign_up &= post.is_some();
        let tokens = watch.tokens.clone();
        let api = Native::new(node.clone(), exchange.clone(), customers, link_key, tokens);
        let bets = bets.or(native::orders::routes(exchange)).unify().boxed();
        let bets = bets.or(native::pricing::stream(node.clone())).unify().boxed();
        let mail = post.map(|post| tree::actor::<Mail>(&node, MailArgs { post: Arc::new(post) }));
        let tracer = settings.collector.clone().map(|collector| {
            tree::actor::<Tracer>(&node, TracerArgs { carrier: Arc::new(Exporter::to(collector)) })
        });
        let console = operator::routes::routes(watch.clone());
        let bets = stream::routes::beside(bets, service.clone());
        let bets = native::routes::before(bets, Arc::new(api));
        let doors = vec![
            door("http", http, bets, room.public),
            door("admin", admin, console, room.operators),
        ];
        let certificate = settings.stream_certificate.as_ref();
        let tls = match &stream {
            Some(_) => Some(stream::acceptor(certificate, &settings.data_directory)?),
            None => None,
        };
        let streams = [("stream", stream, tls), ("stream-plain", stream_plain, None)];
        let streams = streams.into_iter().filter_map(|(name, socket, tls)| {
            let door = StreamDoor {
                name,
                socket: socket?,
                tls,
                service: service.clone(),
                connections: settings.door.connections.min(room.public),
                connections_per_address: settings.door.connections_per_address,
            };
            Some(tree::actor::<StreamActor>(&node, door).on(&tellers))
        });
        let spec = Tree {
            node: node.clone(),
            services: mail.into_iter().chain(tracer).collect(),
            port: port(&node, &settings.models),
            pull: pull(&node, &settings.pulls),
            stream: stream_session(&node, &service),
            doors: doors
                .into_iter()
                .map(|door| tree::actor::<DoorActor>(&node, door))
                .chain(streams)
                .collect(),
            tellers: tellers.clone(),
        };
        let up = async {
            let root = Root::start(spec.spec(), sink).await.context("the tree did not start")?;
            nursery.set_root(root.supervisor().clone());
            let numbers = |count| (0..count).filter_map(|at| u16::try_from(at).ok());
            for (number, maker) in (0..).zip(&settings.makers) {
                node.makers.give(number, maker.terms());
                nursery.start(Child::Maker(number));
            }
            numbers(settings.models.len()).for_each(|n| nursery.start(Child::Port(n)));
            numbers(settings.pulls.len()).for_each(|n| nursery.start(Child::Pull(n)));
            let started = start_partition(&nursery, PartitionId(0)).await;
            tokio::select! {
                biased;
                // Says why, where the partition only says that a child is missing.
                why = node.doomed(), if started.is_err() => bail!(why),
                started = std::future::ready(started) => started?,
            }
            Ok(root)
        };
        match up.await {
            Ok(root) => Ok(Running {
                node,
                listeners,
                stream: service,
                watch,
                root,
                drain: switch,
                settings,
            }),
            Err(error) => {
                tell_end(&watch, Some(format!("{error:#}"))).await;
                Err(error)
            }
        }
    }

    /// Waits until the journal is read, home has recovered, overdue moments have passed and, on the first
    /// start, the first operator's token is written.
    pub async fn ready(&self) -> anyhow::Result<()> {
        let end = tokio::select! {
            ready = tokio::time::timeout(READY_WITHIN, self.become_ready()) => {
                match ready.context("the node did not become ready in time") {
                    Ok(Ok(())) => return Ok(()),
                    Ok(Err(error)) | Err(error) => error,
                }
            }
            why = self.node.doomed() => anyhow!(why),
            end = self.root.wait() => anyhow!("the tree ended: {end:?}"),
        };
        tell_end(&self.watch, Some(format!("{end:#}"))).await;
        Err(end)
    }

    async fn become_ready(&self) -> anyhow::Result<()> {
        let (directory, home) =
            (Address::Directory(PartitionId(0)), Address::Entity(PartitionId(0), EntityId::Home));
        ask(&self.node, directory, DirectoryMsg::WhenReady).await.context("no directory came")?;
        let has = |reply| EntityMsg::Own(HomeMsg::HasOperators { reply });
        if !ask(&self.node, home, has).await.context("home did not come")? {
            self.first_operator().await?;
        }
        self.watch.node.set_ready();
        Ok(())
    }

    /// The token is on disk before it is good, so that a crash between the two only makes another.
    async fn first_operator(&self) -> anyhow::Result<()> {
        let token = secret::token();
        let path = self.settings.data_directory.join("operator.token");
        write_secret(&path, &token).with_context(|| path.display().to_string())?;
        let request = HomeRequest::CreateOperatorToken {
            token: secret::hash(&token),
            name: "operator".into(),
            role: Role::Admin,
        };
        let by = By { operator: "node".into(), reason: Some("first start".into()), key: None };
        let (reply, answer) = oneshot::channel();
        let message = HomeMsg::Operate { by, request, reply };
        actors::partition::deliver(&self.node, PartitionId(0), EntityId::Home, message);
        answer.await.context("home died while the first token was made")??;
        Ok(())
    }

    /// A link that signs one browser in to the console, as whoever can read the process's output.
    pub fn console_link(&self, name: &str) -> String {
        self.watch.console.link(None, name, Role::Admin).url
    }

    /// Runs until the tree ends, the node is doomed, or `stop` resolves; then lets go in order.
    pub async fn run(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let end = tokio::select! {
            () = stop => return self.stop().await,
            why = self.node.doomed() => {
                let _ = self.root.shutdown(STOP_WITHIN).await;
                Err(anyhow!(why))
            }
            end = self.root.wait() => end.context("the tree gave up"),
        };
        let cause = end.as_ref().err().map(|error| format!("{error:#}"));
        tell_end(&self.watch, cause).await;
        end
    }

    /// Doors drain, then the tree stops bottom to top.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.node.set_draining();
        self.drain.drain();
        let end = self.root.shutdown(STOP_WITHIN).await.context("the tree did not end in order");
        let cause = end.as_ref().err().map(|error| format!("{error:#}"));
        tell_end(&self.watch, cause).await;
        end
    }
}

/// The last supervision event of a process, and all of them on the disk.
async fn tell_end(watch: &operator::Watch, cause: Option<String>) {
    watch.sink.note("node", "node", What::NodeStopped { version: VERSION.into(), cause });
    watch.events.close(&watch.sink).await;
}

/// How the session of a stream connection starts: its id names the connection.
fn stream_session(node: &Arc<Node>, service: &Arc<Service>) -> ChildSpec {
    let service = service.clone();
    tree::child::<StreamSession>(node, move |context| {
        let connection = context.id.strip_prefix("stream-")?.parse().ok()?;
        Some(StreamArgs { connection, service: service.clone() })
    })
}

/// How the port of a model starts: its id names the model's place in the settings.
fn port(node: &Arc<Node>, models: &[ModelSettings]) -> ChildSpec {
    let workshop: Arc<dyn Workshop> = Arc::new(NodeWorkshop::new(models));
    let terms: Vec<_> = models.iter().map(|model| model.terms.clone()).collect();
    tree::child::<Port>(node, move |context| {
        let number: u16 = context.id.strip_prefix("port-")?.parse().ok()?;
        let terms = terms.get(usize::from(number))?.clone();
        Some(PortArgs { number, terms, workshop: workshop.clone() })
    })
}

/// How a pull starts: its id names its place in the settings.
fn pull(node: &Arc<Node>, pulls: &[PullSettings]) -> ChildSpec {
    let providers: Vec<_> = pulls.iter().map(NodeProvider::of).collect();
    tree::child::<Pull>(node, move |context| {
        let number: u16 = context.id.strip_prefix("pull-")?.parse().ok()?;
        let provider = providers.get(usize::from(number))?.clone();
        Some(PullArgs { number, provider })
    })
}

fn bind_stream(key: &str, address: Option<SocketAddr>) -> anyhow::Result<Option<Arc<Socket>>> {
    let bound = address.map(|address| bind(address).with_context(|| format!("{key} {address}")));
    bound.transpose()
}

/// Makes the data directory and writes a file into it: what cannot be kept is said before anything starts.
fn make_writable(directory: &Path) -> anyhow::Result<()> {
    let path = directory.display();
    std::fs::create_dir_all(directory)
        .with_context(|| format!("data.directory {path} cannot be made"))?;
    let probe = directory.join("writable");
    std::fs::write(&probe, b"")
        .and_then(|()| std::fs::remove_file(&probe))
        .with_context(|| format!("data.directory {path} cannot be written"))
}

async fn start_partition(nursery: &TreeNursery, id: PartitionId) -> anyhow::Result<()> {
    let partitions: SupervisorRef =
        nursery.supervisor("partitions").await.context("no supervisor of partitions")?;
    let started = partitions.start_dynamic(&format!("partition-{id}")).await;
    started.with_context(|| format!("partition {id} did not start"))?;
    Ok(())
}

/// A question to an actor, asked again of its next life when it dies over it. `None` when none comes: the
/// caller's own time is up by then.
async fn ask<M: Send + 'static, T>(
    node: &Node,
    address: Address,
    question: impl Fn(oneshot::Sender<T>) -> M,
) -> Option<T> {
    let mut gone = None;
    loop {
        let way = node.registry.arrival::<M>(address, gone, READY_WITHIN).await?;
        let (reply, answer) = oneshot::channel();
        if way.send(question(reply)).is_ok()
            && let Ok(answer) = answer.await
        {
            return Some(answer);
        }
        gone = Some(way.incarnation());
    }
}

fn actor_settings(settings: &Settings) -> actors::node::Settings {
    actors::node::Settings {
        data: settings.data_directory.clone(),
        clock: match settings.clock {
            ClockSource::System => ClockMode::System,
            ClockSource::Manual => ClockMode::Manual,
        },
        segment_bytes: settings.segment_bytes,
        snapshot_after_bytes: settings.snapshot_after_bytes,
        checkpoint_after_records: settings.checkpoint_after_records,
        snapshot_cache_bytes: 16 << 20,
        backlog_max: 100_000,
        resume_suspended_after_ms: millis(settings.resume_suspended_after),
        idle_after: settings.idle_after,
        session_ms: millis(settings.session),
        placement_timeout_ms: 5_000,
        models: settings.models.iter().map(|model| model.terms.clone()).collect(),
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// What mailed links are made with: drawn at the first start, the same from then on.
fn link_key(directory: &Path) -> anyhow::Result<LinkKey> {
    let path = directory.join("link.key");
    let what = || path.display().to_string();
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let digits = text.trim();
            let byte = |at: usize| u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok();
            let bytes: Option<Vec<u8>> = (0..32).map(byte).collect();
            let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
            bytes.map(LinkKey::of).with_context(|| format!("{} is no key of 64 digits", what()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = LinkKey::new();
            let digits: String = key.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
            write_secret(&path, &digits).with_context(what)?;
            Ok(key)
        }
        Err(error) => Err(error).with_context(what),
    }
}

/// Readable by its owner only, complete or not there.
fn write_secret(path: &Path, secret: &str) -> std::io::Result<()> {
    use std::io::Write;
    let part = path.with_extension("part");
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&part)?;
    writeln!(file, "{secret}")?;
    file.sync_all()?;
    std::fs::rename(part, path)
}

#[cfg(test)]
mod tests;
