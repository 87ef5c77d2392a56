//! Mail as this node sends it: how letters look, and how they travel.
//!
//! Owns     the settings, the transport, the file that keeps the outbox, and the secret that links are made with.
//! Never    decides who is written to: `domain::mail` does, and `actors::mail` when.
//!
//! | file | noun |
//! |---|---|
//! | [`letter`] | a letter's text and headers |
//! | `transport` | a folder, or a mail server with STARTTLS and a password |
//! | `outbox_file` | the outbox, kept whole |

pub mod letter;
mod outbox_file;
mod transport;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actors::mail::{Post, Work};
use actors::node::Node;
use anyhow::Context as _;
use domain::catalogue::Catalogue;
use domain::ids::MarketId;
use domain::mail::{Content, Ended, Letter, Outbox};

use crate::catalogue;
use crate::secret::LinkKey;
use letter::{Look, Named};
use outbox_file::OutboxFile;
use transport::Transport;

/// How mail leaves this node.
#[derive(Debug, Clone)]
pub struct MailSettings {
    /// Where to.
    pub way: Way,
    /// Whom it says it is from.
    pub from: lettre::message::Mailbox,
    /// What links begin with; `None`: the http listener's own address.
    pub public_url: Option<String>,
    /// The pause behind a letter's first try; it doubles.
    pub retry: Duration,
}

/// Where mail goes.
#[derive(Debug, Clone)]
pub enum Way {
    /// Nowhere: none is made.
    Off,
    /// One file a letter; `None`: `mail` in the data directory.
    File(Option<PathBuf>),
    /// To a mail server.
    Smtp(Server),
}

/// A mail server.
#[derive(Debug, Clone)]
pub struct Server {
    /// Its name, as its certificate has it.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is secured.
    pub tls: ServerTls,
    /// A PEM file of the authority that its certificate is held against, beside the system's.
    pub authority: Option<PathBuf>,
    /// Who the node is to it.
    pub username: Option<String>,
    /// The file with the password.
    pub password_file: Option<PathBuf>,
    /// How long a try may take.
    pub timeout: Duration,
}

/// How the connection to a mail server is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerTls {
    /// Plain until STARTTLS, which must be there.
    Starttls,
    /// From the first byte.
    Tls,
    /// Not at all.
    Off,
}

/// The post of a node.
pub struct NodePost {
    node: Arc<Node>,
    transport: Arc<Transport>,
    outbox: Arc<OutboxFile>,
    link_key: LinkKey,
    from: lettre::message::Mailbox,
    public_url: String,
    retry: Duration,
}

/// Where letters are put in files.
pub fn folder(settings: &MailSettings, data: &Path) -> Option<PathBuf> {
    match &settings.way {
        Way::File(folder) => Some(folder.clone().unwrap_or_else(|| data.join("mail"))),
        Way::Off | Way::Smtp(_) => None,
    }
}

impl NodePost {
    /// `None` when this node sends no mail.
    pub fn new(
        node: Arc<Node>,
        settings: &MailSettings,
        data: &Path,
        link_key: LinkKey,
        own_url: String,
    ) -> anyhow::Result<Option<NodePost>> {
        let transport = match (&settings.way, folder(settings, data)) {
            (Way::Off, _) => return Ok(None),
            (Way::Smtp(server), _) => Transport::server(server)?,
            (Way::File(_), folder) => Transport::folder(&folder.unwrap_or_else(|| data.into()))?,
        };
        let outbox = OutboxFile::new(data.join("outbox.json"));
        // A new node writes down that it has read nothing before anybody can ask it for a letter; one that
        // had mail switched off until now begins behind what is there.
        if !data.join("partition-0").exists() && outbox.load().is_none() {
            outbox.keep(&Outbox::default()).context("outbox.json")?;
        }
        Ok(Some(NodePost {
            node,
            transport: Arc::new(transport),
            outbox: Arc::new(outbox),
            link_key,
            from: settings.from.clone(),
            public_url: settings.public_url.clone().unwrap_or(own_url),
            retry: settings.retry,
        }))
    }
}

impl Post for NodePost {
    fn load(&self) -> Option<Outbox> {
        self.outbox.load()
    }

    fn keep(&self, outbox: Outbox) -> Work<Result<(), String>> {
        let file = self.outbox.clone();
        Box::pin(async move {
            let kept = supervision::blocking(move || file.keep(&outbox)).await;
            kept.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
        })
    }

    fn send(&self, letter: Letter) -> Work<Ended> {
        let (node, transport) = (self.node.clone(), self.transport.clone());
        let (from, url, key) = (self.from.clone(), self.public_url.clone(), self.link_key.clone());
        Box::pin(async move {
            let named = match &letter.content {
                Content::Bets { market, .. } => named(&node, *market).await,
                _ => Named::default(),
            };
            let look = Look { from: &from, public_url: &url, link_key: &key };
            let (id, message) = match letter::write(&letter, &look, &named) {
                Ok(written) => written,
                Err(error) => {
                    tracing::warn!(letter = %letter.id, %error, "a letter cannot be written");
                    return Ended::Never;
                }
            };
            transport.send(letter.id, &id, message).await
        })
    }

    fn pause_ms(&self) -> i64 {
        i64::try_from(self.retry.as_millis()).unwrap_or(i64::MAX)
    }
}

/// How a market is called, where the catalogue knows it.
async fn named(node: &Node, market: MarketId) -> Named {
    let question = move |catalogue: &Catalogue| {
        let card = catalogue.card(market)?;
        let event = catalogue.event_of(card).map(|event| event.name.clone());
        Some(Named { market: Some(card.definition.name.clone()), event })
    };
    catalogue::ask(node, question).await.flatten().unwrap_or_default()
}
