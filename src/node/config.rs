//! What the node is told at its start: defaults, then a file, then the environment, then flags.
//!
//! Owns     the layering and the checks; the table of keys is in `keys`. Every complaint names the key, the value, where
//!          it came from and the reason; all of them are reported at once.
//! Never    changes after the start, and never creates or opens what it names.
//!
//! A key is `section.name`; in the environment it is `LAYBOOK__SECTION__NAME`.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

mod keys;
mod limits;
mod list;
mod makers;
mod people;
mod ports;
mod pulls;

use ::config::{Environment, File, FileFormat, Map, Source, Value, ValueKind};

use keys::KEYS;
pub use makers::MakerSettings;

use crate::betfair::extensions::Extensions;
use crate::betfair::limits::Limits as CustomerLimits;
use crate::door::Limits;
use crate::mail::MailSettings;
use crate::native::Customers;
use crate::port::ModelSettings;
use crate::pull::PullSettings;
use crate::stream::{CertificateFiles, StreamLimits};
use crate::telemetry::otlp::Collector;

/// Everything the node is told, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Pages and public APIs.
    pub http: SocketAddr,
    /// Operators, health and metrics.
    pub admin: SocketAddr,
    /// The stream over TLS.
    pub stream: Option<SocketAddr>,
    /// The stream over plain TCP.
    pub stream_plain: Option<SocketAddr>,
    /// Where the journal is.
    pub data_directory: PathBuf,
    /// Whose time it is.
    pub clock: ClockSource,
    /// Which limits customers meet without a word.
    pub profile: Profile,
    /// The limits they meet.
    pub limits: CustomerLimits,
    /// What applications are sent beyond the documented keys without asking each time, by their keys.
    pub extensions: BTreeMap<String, Extensions>,
    /// What a stream connection may ask for.
    pub stream_limits: StreamLimits,
    /// The stream's certificate, unless the node makes its own.
    pub stream_certificate: Option<CertificateFiles>,
    /// Unmatched orders of one market.
    pub orders_per_market: u32,
    /// Size of a journal file.
    pub segment_bytes: u64,
    /// Bytes of an entity's records after which its state is written down, at least.
    pub snapshot_after_bytes: u64,
    /// Records after which the journal writes a checkpoint of everything.
    pub checkpoint_after_records: u64,
    /// After a longer outage markets in play come back suspended.
    pub resume_suspended_after: Duration,
    /// Without mail for so long, an account or market sleeps until somebody writes to it.
    pub idle_after: Duration,
    /// A login, or its last keepAlive, lasts so long.
    pub session: Duration,
    /// What the node says about customers.
    pub customers: Customers,
    /// How mail leaves.
    pub mail: MailSettings,
    /// Whose files are told to the node when it starts.
    pub football: Option<PathBuf>,
    /// Models of somebody's own.
    pub models: Vec<ModelSettings>,
    /// Market makers.
    pub makers: Vec<MakerSettings>,
    /// Providers of football that are asked on a schedule.
    pub pulls: Vec<PullSettings>,
    /// Who collects traces.
    pub collector: Option<Collector>,
    /// What every HTTP door allows.
    pub door: Limits,
    /// How logs look.
    pub log_format: LogFormat,
    /// Which logs there are.
    pub log_filter: String,
    origins: BTreeMap<&'static str, Given>,
    list_origins: ListOrigins,
}

/// Who gave each table of each list.
type ListOrigins = BTreeMap<&'static str, Vec<String>>;

/// Defines a word of the configuration.
macro_rules! choices {
    ($($(#[$about:meta])* $name:ident { $($(#[$what:meta])* $variant:ident = $word:literal,)* })*) => {$(
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$what])* $variant,)* }

        impl FromStr for $name {
            type Err = String;

            fn from_str(word: &str) -> Result<$name, String> {
                match word {
                    $($word => Ok($name::$variant),)*
                    _ => Err(format!("is not one of {}", [$($word),*].join(", "))),
                }
            }
        }
    )*};
}

choices! {
    /// Whose time it is.
    ClockSource {
        /// The machine's.
        System = "system",
        /// The operator's, who moves it.
        Manual = "manual",
    }
    /// Which limits customers meet.
    Profile {
        /// Next to none.
        Open = "open",
        /// The real ones.
        Betfair = "betfair",
    }
    /// How logs look.
    LogFormat {
        /// Pretty on a terminal, JSON otherwise.
        Auto = "auto",
        /// For people.
        Pretty = "pretty",
        /// For machines.
        Json = "json",
    }
}

/// A value and who gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Given {
    value: String,
    origin: String,
}

/// One thing wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} = {value:?} ({origin}): {reason}")]
pub struct Complaint {
    /// Which key.
    pub key: String,
    /// What it was given.
    pub value: String,
    /// By whom.
    pub origin: String,
    /// Why that will not do.
    pub reason: String,
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is not there, not readable or not TOML.
    #[error("configuration file {path}: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        reason: String,
    },
    /// Keys and values that will not do.
    #[error("{}", .0.iter().map(Complaint::to_string).collect::<Vec<_>>().join("\n"))]
    Complaints(Vec<Complaint>),
}

/// A value from a flag, by its key.
pub type Flag = (&'static str, String);

impl Settings {
    /// Reads all layers of this process.
    pub fn read(file: Option<&Path>, flags: &[Flag]) -> Result<Settings, ConfigError> {
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Settings::read_from(file, environment.collect(), flags)
    }

    /// Reads all layers, with the environment given.
    pub fn read_from(
        file: Option<&Path>,
        environment: Map<String, String>,
        flags: &[Flag],
    ) -> Result<Settings, ConfigError> {
        let mut layers = Layers::defaults();
        if let Some(path) = file {
            let refused = |reason| ConfigError::File { path: path.to_owned(), reason };
            let text = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
            let values = File::from_str(&text, FileFormat::Toml).collect();
            let values = values.map_err(|error| refused(error.to_string()))?;
            layers.add_all("", values, &|_| format!("file {}", path.display()));
        }
        let environment = Environment::with_prefix("LAYBOOK")
            .prefix_separator("__")
            .separator("__")
            .source(Some(environment));
        // Reading a map of texts cannot fail.
        let values = environment.collect().unwrap_or_default();
        layers.add_all("", values, &|key| {
            format!("environment LAYBOOK__{}", key.to_uppercase().replace('.', "__"))
        });
        for (key, value) in flags {
            layers.add(key, value.clone(), "flag".to_owned());
        }
        layers.check()
    }

    /// Every key with its value and who gave it, as TOML.
    pub fn to_toml(&self) -> String {
        let mut toml = String::new();
        let mut section = "";
        for (key, _, _) in KEYS {
            let (of, name) = key.split_once('.').expect("keys have a section");
            if of != section {
                let gap = if section.is_empty() { "" } else { "\n" };
                toml.push_str(&format!("{gap}[{of}]\n"));
                section = of;
            }
            let Some(Given { value, origin }) = self.origins.get(key) else { continue };
            let number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
            let shown = if number { value.clone() } else { format!("{value:?}") };
            toml.push_str(&format!("{name} = {shown}  # {origin}\n"));
        }
        toml.extend(self.of_list("makers", &self.makers, makers::to_toml));
        toml.extend(self.of_list("models", &self.models, ports::to_toml));
        toml.extend(self.of_list("pulls", &self.pulls, pulls::to_toml));
        toml
    }

    /// Every key with its value and who gave it, as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        let given =
            |given: &Given| serde_json::json!({"value": given.value, "origin": given.origin});
        let keys = self.origins.iter().map(|(key, it)| ((*key).to_owned(), given(it)));
        let mut json = serde_json::Value::Object(keys.collect());
        json["makers"] = self.of_list("makers", &self.makers, makers::to_json).collect();
        json["models"] = self.of_list("models", &self.models, ports::to_json).collect();
        json["pulls"] = self.of_list("pulls", &self.pulls, pulls::to_json).collect();
        json
    }

    fn of_list<'a, T, S>(
        &'a self,
        list: &str,
        items: &'a [T],
        shown: impl Fn(&T, &str) -> S + 'a,
    ) -> impl Iterator<Item = S> + 'a {
        let origins = self.list_origins.get(list).map_or(&[][..], Vec::as_slice);
        items.iter().zip(origins).map(move |(item, origin)| shown(item, origin))
    }
}

/// The layers, later ones over earlier ones, and what was wrong with them so far.
struct Layers {
    given: BTreeMap<&'static str, Given>,
    lists: BTreeMap<&'static str, Vec<list::Table>>,
    list_origins: ListOrigins,
    complaints: Vec<Complaint>,
}

impl Layers {
    fn defaults() -> Layers {
        let of = |value: &str| Given { value: value.to_owned(), origin: "default".to_owned() };
        let given = KEYS.iter().map(|(key, value, _)| (*key, of(value))).collect();
        let (lists, list_origins) = (BTreeMap::new(), BTreeMap::new());
        Layers { given, lists, list_origins, complaints: Vec::new() }
    }

    fn add_all(
        &mut self,
        prefix: &str,
        values: Map<String, Value>,
        origin: &dyn Fn(&str) -> String,
    ) {
        for (name, value) in values {
            let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
            match value.kind {
                ValueKind::Table(inner) => self.add_all(&key, inner, origin),
                ValueKind::Array(tables) => match list::LISTS.iter().find(|list| **list == key) {
                    Some(list) => self.add_list(list, tables, origin),
                    None => {
                        let reason = "is a list where one value is expected".to_owned();
                        self.complain(&key, "[...]", &origin(&key), reason);
                    }
                },
                kind => self.add(&key, kind.to_string(), origin(&key)),
            }
        }
    }

    fn add(&mut self, key: &str, value: String, origin: String) {
        match KEYS.iter().find(|(known, _, _)| *known == key) {
            Some((known, _, _)) => {
                self.given.insert(known, Given { value, origin });
            }
            None => {
                let near = KEYS.iter().map(|(known, _, _)| *known);
                let nearest = near.min_by_key(|known| distance(known, key)).unwrap_or_default();
                let reason = format!("is not a key; did you mean {nearest}?");
                self.complain(key, &value, &origin, reason);
            }
        }
    }

    fn complain(&mut self, key: &str, value: &str, origin: &str, reason: String) {
        let (key, value, origin) = (key.to_owned(), value.to_owned(), origin.to_owned());
        self.complaints.push(Complaint { key, value, origin, reason });
    }

    /// The value of a key, read by `read`; a complaint and `None` when it will not do.
    fn read<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let given = self.given.get(key).cloned().expect("every key that is read is in the table");
        match read(&given.value) {
            Ok(value) => Some(value),
            Err(reason) => {
                self.complain(key, &given.value, &given.origin, reason);
                None
            }
        }
    }

    fn number(&mut self, key: &'static str, least: u64, most: u64) -> Option<u64> {
        self.read(key, |value| match value.parse::<u64>() {
            Ok(number) if (least..=most).contains(&number) => Ok(number),
            Ok(_) => Err(format!("is not between {least} and {most}")),
            Err(_) => Err("is not a whole number".to_owned()),
        })
    }

    fn millis(&mut self, key: &'static str) -> Option<Duration> {
        self.number(key, 1, 3_600_000).map(Duration::from_millis)
    }

    fn count(&mut self, key: &'static str, least: u64, most: u64) -> Option<usize> {
        self.number(key, least, most).and_then(|number| usize::try_from(number).ok())
    }

    /// Reads every key; settings only when there is nothing to complain about.
    fn check(mut self) -> Result<Settings, ConfigError> {
        let settings = self.read_all();
        match settings {
            Some(settings) if self.complaints.is_empty() => {
                Ok(Settings { origins: self.given, list_origins: self.list_origins, ..settings })
            }
            _ => Err(ConfigError::Complaints(self.complaints)),
        }
    }

    fn read_all(&mut self) -> Option<Settings> {
        let http = self.read("http.listen", address);
        let admin = self.read("admin.listen", address);
        let stream = self.read("stream.listen", address_or_off);
        let stream_plain = self.read("stream_plain.listen", address_or_off);
        self.check_distinct();
        let data_directory = self.read("data.directory", |value| match value {
            "" => Err("is empty".to_owned()),
            path => Ok(PathBuf::from(path)),
        });
        let clock = self.read("clock.source", ClockSource::from_str);
        let profile = self.read("limits.profile", Profile::from_str);
        let limits = self.read_limits(profile);
        let extensions = self.read("api.extensions", Extensions::by_key);
        let stream_markets = self.count("limits.stream_markets", 1, 1_000_000);
        let stream_connections = self.count("limits.stream_connections", 1, 1_000_000);
        let stream_certificate = self.read_certificate();
        let orders_per_market = self.number("limits.orders_per_market", 1, 10_000_000);
        let segment_bytes = self.number("journal.segment_bytes", 64 << 10, 4 << 30);
        let snapshot_after_bytes = self.number("journal.snapshot_after_bytes", 100, 1 << 30);
        let checkpoint_after_records =
            self.number("journal.checkpoint_after_records", 100, 1 << 40);
        if segment_bytes.is_some_and(|bytes| bytes % 512 != 0) {
            let refuse = |_: &str| Err::<(), _>("is not a multiple of 512".to_owned());
            self.read("journal.segment_bytes", refuse);
        }
        let resume_suspended_after = self.millis("recovery.resume_suspended_after_ms");
        let idle_after = self.millis("entities.idle_after_ms");
        let session = self.number("sessions.lifetime_ms", 1_000, 24 * 3_600_000);
        let customers = self.read_customers(session);
        let mail = self.read_mail();
        let football = self.read("football.directory", |value| {
            Ok((!value.is_empty()).then(|| PathBuf::from(value)))
        });
        let makers = self.read_list("makers", makers::read, |maker| &maker.name);
        let models = self.read_list("models", ports::read, |model| &model.terms.name);
        let pulls = self.read_list("pulls", pulls::read, |pull| &pull.name);
        let collector = self.read("telemetry.otlp", |value| match value {
            "" => Ok(None),
            url => Collector::of(url).map(Some),
        });
        let door = self.read_door();
        let log_format = self.read("log.format", LogFormat::from_str);
        let log_filter = self.read("log.filter", |value| {
            let parsed = tracing_subscriber::EnvFilter::try_new(value);
            parsed.map(|_| value.to_owned()).map_err(|error| error.to_string())
        });
        Some(Settings {
            http: http?,
            admin: admin?,
            stream: stream?,
            stream_plain: stream_plain?,
            data_directory: data_directory?,
            clock: clock?,
            profile: profile?,
            limits: limits?,
            extensions: extensions?,
            stream_limits: StreamLimits {
                markets: stream_markets?,
                connections: stream_connections?,
            },
            stream_certificate: stream_certificate?,
            orders_per_market: u32::try_from(orders_per_market?).ok()?,
            segment_bytes: segment_bytes?,
            snapshot_after_bytes: snapshot_after_bytes?,
            checkpoint_after_records: checkpoint_after_records?,
            resume_suspended_after: resume_suspended_after?,
            idle_after: idle_after?,
            session: Duration::from_millis(session?),
            customers: customers?,
            mail: mail?,
            football: football?,
            makers: makers?,
            models: models?,
            pulls: pulls?,
            collector: collector?,
            door: door?,
            log_format: log_format?,
            log_filter: log_filter?,
            origins: BTreeMap::new(),
            list_origins: BTreeMap::new(),
        })
    }

    /// Both files, or neither.
    fn read_certificate(&mut self) -> Option<Option<CertificateFiles>> {
        let path = |value: &str| Ok((!value.is_empty()).then(|| PathBuf::from(value)));
        let chain = self.read("stream.certificate", path)?;
        let key = self.read("stream.key", path)?;
        match (chain, key) {
            (None, None) => Some(None),
            (Some(chain), Some(key)) => Some(Some(CertificateFiles { chain, key })),
            (chain, _) => {
                let (has, lacks) = match chain {
                    Some(_) => ("stream.certificate", "stream.key"),
                    None => ("stream.key", "stream.certificate"),
                };
                let refuse = |_: &str| Err::<(), _>(format!("is given without {lacks}"));
                self.read(has, refuse);
                None
            }
        }
    }

    fn read_door(&mut self) -> Option<Limits> {
        let header_timeout = self.millis("timeouts.header_ms");
        let body_timeout = self.millis("timeouts.body_ms");
        let idle_timeout = self.millis("timeouts.idle_ms");
        let drain_timeout = self.millis("timeouts.drain_ms");
        let connections = self.count("caps.connections", 1, 1_000_000);
        let connections_per_address = self.count("caps.connections_per_address", 1, 1_000_000);
        // hyper gives up on a head that is not complete within its buffer of 64 KiB.
        let head_bytes = self.count("caps.head_bytes", 1024, 64 << 10);
        let url_bytes = self.count("caps.url_bytes", 256, 32 << 10);
        Some(Limits {
            header_timeout: header_timeout?,
            body_timeout: body_timeout?,
            idle_timeout: idle_timeout?,
            drain_timeout: drain_timeout?,
            connections: connections?,
            connections_per_address: connections_per_address?,
            head_bytes: head_bytes?,
            url_bytes: url_bytes?,
            ..Limits::default()
        })
    }

    /// Two listeners cannot have one address; port 0 is a different one each time.
    fn check_distinct(&mut self) {
        const LISTENERS: [&str; 4] =
            ["http.listen", "admin.listen", "stream.listen", "stream_plain.listen"];
        for (position, key) in LISTENERS.iter().enumerate() {
            for other in &LISTENERS[..position] {
                let (mine, others) = (self.given[key].value.clone(), &self.given[other].value);
                let taken = mine == *others && !mine.ends_with(":0") && mine != "off";
                if taken {
                    let refuse = |_: &str| Err::<(), _>(format!("is the address of {other} too"));
                    self.read(key, refuse);
                }
            }
        }
    }
}

fn address(value: &str) -> Result<SocketAddr, String> {
    value.parse().map_err(|_| "is not an address such as 127.0.0.1:8080 or [::1]:8080".to_owned())
}

fn address_or_off(value: &str) -> Result<Option<SocketAddr>, String> {
    match value {
        "off" => Ok(None),
        value => address(value).map(Some).map_err(|reason| format!("{reason}, and not off")),
    }
}

/// Letters to insert, remove or change to make one text the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.bytes().enumerate() {
            let changed = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_toml())
    }
}

#[cfg(test)]
mod tests;
