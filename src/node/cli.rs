//! The command line: every command's arguments, and what a command's end means to the shell.
//!
//! Owns words and help. A command's work is in a file of its own; `main` only matches.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::Flag;
use crate::port::confined::ConfinedArgs;
use crate::pricing::backtest_command::BacktestArgs;
use crate::pricing::fit_command::FitArgs;
use crate::pricing::inplay_command::InplayArgs;
use crate::pricing::models_command::ModelsArgs;
use crate::pricing::price_command::PriceArgs;

/// What `laybook` may be asked.
#[derive(Debug, Parser)]
#[command(
    name = "laybook",
    version,
    about = "A betting exchange that anyone can run",
    propagate_version = true,
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong arguments or configuration, 3 the node cannot be reached"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs a node
    Serve(ServeArgs),
    /// Shows a moving exchange: football, market makers and play money, in a directory that goes away
    Demo(DemoArgs),
    /// Plays a recorded Betfair market as a live one
    Replay(ReplayArgs),
    /// Checks a data directory and prints its ledger
    Verify(VerifyArgs),
    /// Shows a running node's supervision tree
    Tree(TreeArgs),
    /// Shows what has happened in a node's supervision tree
    Events(EventsArgs),
    /// Shows a running node's busiest actors, live in a terminal
    Top(TopArgs),
    /// Says why an actor was started again
    Why(WhyArgs),
    /// Draws the way of one order through a running node
    Follow(FollowArgs),
    /// Says what of a running node needs a person
    Lints(LintsArgs),
    /// Makes a link that signs one browser in to a running node's console, once
    Link(LinkArgs),
    /// Prices one match: every market of its book
    Price(PriceArgs),
    /// Learns how strong teams are from files of results
    Fit(FitArgs),
    /// Predicts seasons day by day from the days before, and says how well
    Backtest(BacktestArgs),
    /// Judges the models on the same matches: log loss, calibration, champion against challengers
    Models(ModelsArgs),
    /// Prices matches in every minute from the goals that fell
    Inplay(InplayArgs),
    /// Measures and prints figures
    Bench(BenchArgs),
    /// Checks or shows what a node would be told
    Config(ConfigArgs),
    /// Becomes another program with less memory: how a node runs models
    #[command(hide = true)]
    Confined(ConfinedArgs),
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// Tried and failed.
    Failed,
    /// Wrong arguments or configuration; clap ends with the same.
    Usage,
    /// The node cannot be reached.
    Unreachable,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Unreachable => 3,
        })
    }
}

/// Where a node's settings come from, for every command that runs or examines one.
#[derive(Debug, Clone, Default, Args)]
pub struct NodeArgs {
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE", env = "LAYBOOK_CONFIG")]
    pub config: Option<PathBuf>,
    /// Data directory
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Address of pages and public APIs
    #[arg(long, value_name = "ADDRESS")]
    pub http: Option<String>,
    /// Address of console, operator API and metrics
    #[arg(long, value_name = "ADDRESS")]
    pub admin: Option<String>,
    /// Address of the Exchange Stream API over TLS, or off
    #[arg(long, value_name = "ADDRESS")]
    pub stream: Option<String>,
    /// Address of the Exchange Stream API over plain TCP, or off
    #[arg(long, value_name = "ADDRESS")]
    pub stream_plain: Option<String>,
    /// Folder of football that is told to the node: results (CSV), fixtures, results and events (JSON)
    #[arg(long, value_name = "DIR")]
    pub football: Option<PathBuf>,
    /// Whose time it is
    #[arg(long)]
    pub clock: Option<ClockArg>,
}

/// The word of `--clock`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ClockArg {
    /// The machine's
    System,
    /// Moved by the operator API, for tests and replays
    Manual,
}

impl NodeArgs {
    /// The flags as values of configuration keys.
    pub fn flags(&self) -> Vec<Flag> {
        let clock = self.clock.map(|clock| match clock {
            ClockArg::System => "system".to_owned(),
            ClockArg::Manual => "manual".to_owned(),
        });
        let data = self.data.as_ref().map(|path| path.display().to_string());
        let football = self.football.as_ref().map(|path| path.display().to_string());
        let flags = [
            ("football.directory", football),
            ("data.directory", data),
            ("http.listen", self.http.clone()),
            ("admin.listen", self.admin.clone()),
            ("stream.listen", self.stream.clone()),
            ("stream_plain.listen", self.stream_plain.clone()),
            ("clock.source", clock),
        ];
        flags.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }
}

/// `laybook serve`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  laybook serve --data /var/lib/laybook
  laybook serve --config config/node.toml --http 0.0.0.0:8080
  laybook serve --data /tmp/t --http 127.0.0.1:0 --clock manual")]
pub struct ServeArgs {
    /// The node's settings.
    #[command(flatten)]
    pub node: NodeArgs,
}

/// `laybook demo`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  laybook demo
  laybook demo --seed 7 --speed 10")]
pub struct DemoArgs {
    /// Address of pages and public APIs
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub http: String,
    /// Address of console, operator API and metrics
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8081")]
    pub admin: String,
    /// Seed of the fixtures and their goals
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How many times faster than life matches are played
    #[arg(long, default_value = "1", value_parser = speed)]
    pub speed: f64,
}

/// `laybook replay`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  laybook replay 1.170000001.bz2
  laybook replay market.json.gz --speed 60
  laybook replay market.json --speed max --http 127.0.0.1:0")]
pub struct ReplayArgs {
    /// A recorded Betfair stream file: plain, gz or bz2
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// How many times faster than it was recorded, or max
    #[arg(long, default_value = "1", value_parser = speed)]
    pub speed: f64,
    /// Tell the recording over the stream as it is, from its beginning to whoever subscribes, without playing
    /// it on the exchange
    #[arg(long)]
    pub passive: bool,
    /// The node's settings; without --data a temporary directory is used.
    #[command(flatten)]
    pub node: NodeArgs,
}

/// `laybook verify`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  laybook verify /var/lib/laybook
  laybook verify /var/lib/laybook --json")]
pub struct VerifyArgs {
    /// The data directory of a node that is not running
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `laybook bench`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  laybook bench match
  laybook bench bets --json
  laybook bench bets --rounds 1 --seconds 1
  laybook bench orders")]
pub struct BenchArgs {
    /// Which one
    #[arg(value_name = "NAME")]
    pub name: BenchName,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// How often each figure is taken
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub rounds: u16,
    /// How many seconds a round of load lasts
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=600))]
    pub seconds: u16,
    /// `pricing`: prints the results of so many seasons that it fits, for a peer, and measures nothing
    #[arg(long, value_name = "SEASONS", value_parser = clap::value_parser!(u8).range(1..=50))]
    pub results_csv: Option<u8>,
    /// Where a node of its own keeps its data while it lasts
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// One load of `bets` instead of all: connections x bets a request, such as 256x1
    #[arg(long, value_name = "CxB", value_parser = one_load)]
    pub only: Option<(usize, usize)>,
}

fn one_load(text: &str) -> Result<(usize, usize), &'static str> {
    let two = text.split_once('x').and_then(|(connections, bets)| {
        Some((connections.trim().parse().ok()?, bets.trim().parse().ok()?))
    });
    two.ok_or("two numbers with an x between them")
}

/// The benchmarks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BenchName {
    /// Orders a second through the product's own market
    Match,
    /// Durable bets a second over HTTP
    Bets,
    /// Durable bets a second over the binary order channel, beside an Erlang peer
    Orders,
    /// How long a killed market and a stopped node are away
    Restart,
    /// One market's changes to thousands of subscribers
    Fanout,
    /// A healthy client's bets beside slow sockets, readers that never read and huge bodies
    Crowd,
    /// What a hundred thousand markets cost that nobody asks
    Idle,
    /// A market of a million orders lapses at once
    Full,
    /// Bets with and without a console open on ten thousand actors
    Watch,
    /// A thousand matches at once, from a provider's word to a reader's socket
    Saturday,
    /// Books, fits and inversions of football, on one thread
    Pricing,
}

/// `laybook tree`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  laybook tree
  laybook tree --admin 127.0.0.1:8081 --token-file laybook-data/operator.token --json")]
pub struct TreeArgs {
    /// Which node.
    #[command(flatten)]
    pub reach: ReachArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Print a graph for Graphviz
    #[arg(long, conflicts_with = "json")]
    pub dot: bool,
}

/// `laybook events`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  laybook events
  laybook events --since 1200 --json")]
pub struct EventsArgs {
    /// Which node.
    #[command(flatten)]
    pub reach: ReachArgs,
    /// Only events with a higher number
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub since: u64,
    /// Print JSON, one event a line
    #[arg(long)]
    pub json: bool,
}

/// `laybook top`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  laybook top
  laybook top --sort mailbox --limit 40
  laybook top --once --json")]
pub struct TopArgs {
    /// Which node.
    #[command(flatten)]
    pub reach: ReachArgs,
    /// Which first: busy, mailbox, restarts or heat
    #[arg(long, value_name = "WORD", default_value = "busy")]
    pub sort: String,
    /// How many
    #[arg(long, default_value_t = 20)]
    pub limit: u16,
    /// Print once and end, as when the output is no terminal
    #[arg(long)]
    pub once: bool,
    /// Print JSON, once
    #[arg(long)]
    pub json: bool,
}

/// `laybook why`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  laybook why market-1.000000007
  laybook why home --json")]
pub struct WhyArgs {
    /// Which node.
    #[command(flatten)]
    pub reach: ReachArgs,
    /// The actor, by its id in the tree
    #[arg(value_name = "ID")]
    pub id: String,
    /// How many deaths, newest first
    #[arg(long, default_value_t = 5)]
    pub limit: u16,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `laybook follow`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  laybook follow 100000010000
  laybook follow 100000010000 --json")]
pub struct FollowArgs {
    /// Which node.
    #[command(flatten)]
    pub reach: ReachArgs,
    /// The bet, by its id
    #[arg(value_name = "BET")]
    pub bet: u64,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `laybook lints`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  laybook lints
  laybook lints --json")]
pub struct LintsArgs {
    /// Which node.
    #[command(flatten)]
    pub reach: ReachArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `laybook link`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  laybook link
  laybook link --name night-shift --role viewer")]
pub struct LinkArgs {
    /// Which node.
    #[command(flatten)]
    pub reach: ReachArgs,
    /// Who it is for, as the audit will say
    #[arg(long, default_value = "console")]
    pub name: String,
    /// What its reader may do
    #[arg(long, default_value = "admin")]
    pub role: RoleArg,
}

/// What an operator may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoleArg {
    /// Look
    Viewer,
    /// Run markets, users and actors
    Operator,
    /// Everything
    Admin,
}

/// How a command reaches a running node.
#[derive(Debug, Clone, Args)]
pub struct ReachArgs {
    /// Address of a running node's admin listener
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8081")]
    pub admin: String,
    /// File that holds an operator's token
    #[arg(long, value_name = "FILE", default_value = "laybook-data/operator.token")]
    pub token_file: PathBuf,
}

/// `laybook config`
#[derive(Debug, Clone, Args)]
pub struct ConfigArgs {
    /// Check or show.
    #[command(subcommand)]
    pub action: ConfigAction,
}

/// What to do with the settings.
#[derive(Debug, Clone, Subcommand)]
pub enum ConfigAction {
    /// Says what is wrong with the settings, key by key
    #[command(after_help = "Examples:
  laybook config check --config config/node.toml
  LAYBOOK__HTTP__LISTEN=0.0.0.0:8080 laybook config check")]
    Check(NodeArgs),
    /// Prints the effective settings and where each comes from
    #[command(after_help = "Examples:
  laybook config show
  laybook config show --config config/node.toml --json")]
    Show {
        /// The node's settings.
        #[command(flatten)]
        node: NodeArgs,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// A factor above zero; `max` is as fast as the machine can.
fn speed(text: &str) -> Result<f64, String> {
    if text == "max" {
        return Ok(f64::INFINITY);
    }
    match text.parse::<f64>() {
        Ok(factor) if factor.is_finite() && factor > 0.0 => Ok(factor),
        _ => Err("is neither a factor above 0 nor max".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// Every command, also those whose machinery is wired elsewhere.
    #[derive(Debug, Parser)]
    enum All {
        Serve(ServeArgs),
        Demo(DemoArgs),
        Replay(ReplayArgs),
        Verify(VerifyArgs),
        Bench(BenchArgs),
        Tree(TreeArgs),
        Events(EventsArgs),
        Link(LinkArgs),
        Top(TopArgs),
        Why(WhyArgs),
        Lints(LintsArgs),
        Follow(FollowArgs),
        Config(ConfigArgs),
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
        All::command().debug_assert();
    }

    #[test]
    fn serve_takes_the_flags_of_its_help() {
        let line = "laybook serve --config F --data D --http 1.1.1.1:1 --admin 1.1.1.1:2 \
            --stream off --stream-plain 1.1.1.1:3 --clock manual";
        let All::Serve(serve) = All::try_parse_from(line.split_whitespace()).unwrap() else {
            panic!("not serve");
        };
        assert_eq!(serve.node.config.as_deref(), Some(std::path::Path::new("F")));
        let flags = serve.node.flags();
        let expect = [
            ("data.directory", "D"),
            ("http.listen", "1.1.1.1:1"),
            ("admin.listen", "1.1.1.1:2"),
            ("stream.listen", "off"),
            ("stream_plain.listen", "1.1.1.1:3"),
            ("clock.source", "manual"),
        ];
        let expect: Vec<Flag> = expect.into_iter().map(|(key, v)| (key, v.to_owned())).collect();
        assert_eq!(flags, expect);
    }

    #[test]
    fn wrong_arguments_are_refused() {
        let refused = |line: &str| All::try_parse_from(line.split_whitespace()).is_err();
        for line in [
            "laybook",
            "laybook replay",
            "laybook replay F --speed 0",
            "laybook replay F --speed fast",
            "laybook bench nothing",
            "laybook serve --clock sundial",
            "laybook config",
        ] {
            assert!(refused(line), "{line}");
        }
        assert!(!refused("laybook replay F --speed max"));
        assert!(!refused("laybook bench bets --json"));
    }
}
