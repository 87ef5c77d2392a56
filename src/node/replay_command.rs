//! `laybook replay FILE`: plays the recorded markets of a file as live ones, and says whether ours were the same.
//!
//! Every market of the file is played, each by an actor of its own and mirrored by an account of its own, all
//! by one clock. What cannot be played is said so, with the reason. The exit code is that of a failure when a
//! single price of an open market differed from the recording, when the file is damaged, or when there was
//! nothing to play.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actors::node::{Child, Node};
use actors::replay::recorded::Messages;
use actors::replay::{Play, Report};
use anyhow::{Context as _, anyhow};
use domain::money::Pence;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::watch;

use crate::betfair::dates::Date;
use crate::boot::Running;
use crate::cli::{Exit, ReplayArgs};
use crate::config::Settings;
use crate::operator::{ask, ledger};
use crate::recording::{Inventory, Progress, RecordedMarket, Recording};
use crate::residents::{Resident, Residents, TemporaryDirectory, session_secrets};
use crate::serve_command::{announce, refused, runtime, stop_asked};
use crate::stream::TapeFile;
use crate::{secret, telemetry};

/// Nobody bets more: liabilities at the longest odds fit many times.
const MIRRORS_MONEY: Pence = Pence::MAX_ENTERED;
const TOLD_EVERY: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Markets played at once when there is no clock to keep: each reads the file for itself.
const AT_ONCE: usize = 16;
/// Markets told one by one in full; of more, a line each.
const IN_FULL: usize = 3;

/// Plays the file to its end, or until it is told to stop.
pub fn run(args: &ReplayArgs) -> anyhow::Result<Exit> {
    // A file that cannot be read is said so before a node is made for it.
    let inventory = Inventory::of_file(&args.file)?;
    let mut flags = args.node.flags();
    let temporary = match args.node.data {
        Some(_) => None,
        None => Some(TemporaryDirectory::new("laybook-replay")?),
    };
    if let Some(directory) = &temporary {
        flags.push(("data.directory", directory.path().display().to_string()));
    }
    let settings = match Settings::read(args.node.config.as_deref(), &flags) {
        Ok(settings) => settings,
        Err(error) => return refused(&error),
    };
    tell_inventory(&args.file, &inventory)?;
    if inventory.markets.iter().all(|market| market.unplayable.is_some()) {
        writeln!(std::io::stderr(), "laybook: {}: nothing to play", args.file.display())?;
        return Ok(Exit::Failed);
    }
    telemetry::install(settings.log_format, &settings.log_filter).context("logging")?;
    runtime()?.block_on(replay(settings, args, inventory))
}

/// What there is, and what of it is not played.
fn tell_inventory(file: &Path, inventory: &Inventory) -> anyhow::Result<()> {
    let (markets, name) = (&inventory.markets, file.display());
    let messages: u64 = markets.iter().map(|market| market.messages).sum();
    say(&format!("{name}: {} markets, {messages} messages", markets.len()))?;
    for market in markets {
        if let Some(why) = &market.unplayable {
            say(&format!("not played           {}: {why}", market.id))?;
        } else if let Some(note) = market.note() {
            say(&format!("note                 {}: {note}", market.id))?;
        }
    }
    if inventory.passed_over > 0 {
        let lines = inventory.passed_over;
        say(&format!("passed over          {lines} lines that are about no market"))?;
    }
    if let Some(damage) = &inventory.damage {
        say(&format!("damaged              {damage}; what stands before is played"))?;
    }
    Ok(())
}

async fn replay(
    settings: Settings,
    args: &ReplayArgs,
    inventory: Inventory,
) -> anyhow::Result<Exit> {
    let stop = stop_asked()?;
    tokio::pin!(stop);
    let running = Running::start(settings).await?;
    announce(&running.listeners)?;
    if args.passive {
        return tell(running, args, stop.as_mut()).await;
    }
    let node = running.node.clone();
    let played = async {
        running.ready().await?;
        play(&node, args, inventory).await
    };
    let exit = tokio::select! {
        exit = played => exit?,
        () = &mut stop => {
            say("stopped before the end")?;
            Exit::Failed
        }
    };
    running.stop().await?;
    Ok(exit)
}

/// The recording is told to whoever subscribes, until the node is stopped.
async fn tell(
    running: Running,
    args: &ReplayArgs,
    stop: impl Future<Output = ()>,
) -> anyhow::Result<Exit> {
    let tape = TapeFile { path: args.file.clone(), speed: args.speed };
    running.stream.tape.set(tape).map_err(|_| anyhow!("one recording at a time"))?;
    running.ready().await?;
    let residents = Residents::new(&running.node, "replay").await?;
    let watcher = Resident {
        username: WATCHER,
        password: Some(WATCHER),
        deposit: WATCHERS_MONEY,
        minimum_stakes: true,
    };
    let customer = residents.create(watcher).await?;
    say(&format!("log in as {WATCHER} {WATCHER} with {}", customer.app_key))?;
    say("ready")?;
    stop.await;
    running.stop().await?;
    Ok(Exit::Done)
}

/// Who may follow a recording that is only told.
const WATCHER: &str = "watcher";
/// Nothing can be bet on, but an account begins with a deposit.
const WATCHERS_MONEY: Pence = Pence(10_000);

async fn play(node: &Arc<Node>, args: &ReplayArgs, inventory: Inventory) -> anyhow::Result<Exit> {
    let mut ensemble = Ensemble::new(node.clone(), &args.file, args.speed, inventory).await?;
    let began = Instant::now();
    ensemble.follow().await?;
    ensemble.summary(began.elapsed()).await
}

/// All markets of a file, being played.
struct Ensemble {
    node: Arc<Node>,
    players: Vec<Player>,
    /// So many have been started, in order.
    started: usize,
    at_once: usize,
    /// Bytes of the file, which every player reads.
    bytes: u64,
}

/// One market of them.
struct Player {
    number: u32,
    recorded: RecordedMarket,
    reports: watch::Receiver<Report>,
    progress: watch::Receiver<Progress>,
    /// Its market was told.
    listed: bool,
}

impl Ensemble {
    /// Makes a mirror account for every market that can be played; nothing is started yet.
    async fn new(
        node: Arc<Node>,
        file: &Path,
        speed: f64,
        inventory: Inventory,
    ) -> anyhow::Result<Ensemble> {
        let residents = Residents::new(&node, "replay").await?;
        // A data directory may hold the mirrors of earlier replays.
        let run = format!("{:016x}", secret::number());
        let damage = Arc::new(inventory.damage);
        let playable = inventory.markets.into_iter().filter(|market| market.unplayable.is_none());
        let mut players = Vec::new();
        let began = speed.is_finite().then(|| (inventory.began, Instant::now()));
        for (number, recorded) in (0..).zip(playable) {
            let username = format!("mirror-{run}-{number}");
            let mirror = Resident {
                username: &username,
                password: None,
                deposit: MIRRORS_MONEY,
                minimum_stakes: false,
            };
            let customer = residents.create(mirror).await?;
            let (report, reports) = watch::channel(Report::default());
            let (opened, progress) = watch::channel(Progress::default());
            let (path, market, damage) = (file.to_owned(), recorded.id.clone(), damage.clone());
            let open = move || -> Result<Box<dyn Messages>, String> {
                let recording = Recording::open(&path, &market).map_err(|error| error.to_string());
                let recording = recording?.until(damage.as_ref().as_ref());
                opened.send_replace(recording.progress());
                Ok(Box::new(recording))
            };
            let play = Play {
                open: Box::new(open),
                file: name_of(file),
                run: run.clone(),
                began,
                speed,
                customer,
                secrets: session_secrets,
                report,
            };
            node.plays.give(number, play);
            players.push(Player { number, recorded, reports, progress, listed: false });
        }
        // By the clock all play at once, or some would begin late.
        let at_once = if speed.is_finite() { players.len() } else { AT_ONCE };
        let bytes = std::fs::metadata(file).map_or(0, |metadata| metadata.len());
        Ok(Ensemble { node, players, started: 0, at_once, bytes })
    }

    /// Starts one player after the other and shows how far they are, until all have ended.
    async fn follow(&mut self) -> anyhow::Result<()> {
        let bar = bar();
        let (mut every, mut told) = (tokio::time::interval(LOOK_EVERY), Instant::now());
        loop {
            every.tick().await;
            let playing = self.players[..self.started].iter().filter(|player| !player.has_ended());
            let room = self.at_once.saturating_sub(playing.count());
            for player in self.players.iter().skip(self.started).take(room) {
                self.node.nursery().start(Child::Replay(player.number));
            }
            self.started = (self.started + room).min(self.players.len());
            for player in &mut self.players[..self.started] {
                player.tell_market(&bar)?;
                if self.node.nursery().is_quarantined(Child::Replay(player.number)) {
                    bar.finish_and_clear();
                    let id = &player.recorded.id;
                    return Err(anyhow!("{id}: the play failed again and again; see the log"));
                }
            }
            let state = self.state();
            bar.set_length(self.bytes * self.players.len() as u64);
            bar.set_position(state.read);
            bar.set_message(state.text.clone());
            if bar.is_hidden() && told.elapsed() >= TOLD_EVERY {
                told = Instant::now();
                let percent = 100 * state.read / (self.bytes * self.players.len() as u64).max(1);
                say(&format!("{percent:>3} % {}", state.text))?;
            }
            if self.players.iter().all(Player::has_ended) {
                bar.finish_and_clear();
                return Ok(());
            }
        }
    }

    fn state(&self) -> State {
        let (mut read, mut messages, mut compared, mut ended) = (0, 0, 0, 0);
        let mut latest = None;
        for player in &self.players {
            let report = player.reports.borrow();
            messages += report.messages;
            compared += report.compared;
            if player.has_ended() {
                (read, ended) = (read + self.bytes, ended + 1);
            } else {
                read += player.progress.borrow().read();
            }
            latest = latest.max(Some((report.at, report.status)));
        }
        let now = latest.map_or_else(String::new, |(at, status)| match self.players.len() {
            1 => format!("{} {status:?}: ", Date(at.0)),
            all => format!("{}, {ended} of {all} markets ended: ", Date(at.0)),
        });
        State { read, text: format!("{now}{messages} messages, {compared} compared") }
    }

    async fn summary(&self, took: Duration) -> anyhow::Result<Exit> {
        let mut good = true;
        for player in &self.players {
            let report = player.reports.borrow().clone();
            match self.players.len() <= IN_FULL {
                true => player.tell_in_full(&self.node, &report).await?,
                false => player.tell_in_a_line(&report)?,
            }
            good &= report.differences == 0 && report.end == Some(Ok(()));
            if let Some(Err(why)) = &report.end {
                let (id, played) = (&player.recorded.id, report.messages);
                writeln!(
                    std::io::stderr(),
                    "laybook: {id}: the recording ends with damage after {played} messages: {why}"
                )?;
            }
        }
        let state = self.state();
        let (markets, seconds) = (self.players.len(), took.as_secs_f64());
        say(&format!(
            "all                 {markets} markets, {} in {seconds:.1} s",
            state.totals()
        ))?;
        let ledger = ledger::read(&self.node).await;
        let ledger = ledger.map_err(|problem| anyhow!("the ledger: {problem:?}"))?;
        for key in ["deposits", "customerBalances", "holds", "clearing", "commission", "rounding"] {
            say(&format!("ledger              {key} {}", ledger[key].as_str().unwrap_or("?")))?;
        }
        let difference = ledger["difference"].as_str().unwrap_or("?");
        say(&format!("ledger              difference {difference}"))?;
        good &= difference == "0.00";
        Ok(if good { Exit::Done } else { Exit::Failed })
    }
}

/// How far all are.
struct State {
    /// Bytes, by all players together.
    read: u64,
    text: String,
}

impl State {
    /// Without where they are.
    fn totals(&self) -> &str {
        self.text.rsplit_once(": ").map_or(&*self.text, |(_, totals)| totals)
    }
}

impl Player {
    fn has_ended(&self) -> bool {
        self.reports.borrow().end.is_some()
    }

    /// Once, as soon as it is listed: what can be bet on, and what it was.
    fn tell_market(&mut self, bar: &ProgressBar) -> anyhow::Result<()> {
        let market = self.reports.borrow().market;
        if let Some(market) = market.filter(|_| !self.listed) {
            self.listed = true;
            let recorded = &self.recorded.id;
            bar.suspend(|| say(&format!("market {market}, recorded as {recorded}")))?;
        }
        Ok(())
    }

    fn tell_in_a_line(&self, report: &Report) -> anyhow::Result<()> {
        let (id, messages, compared) = (&self.recorded.id, report.messages, report.compared);
        let (status, differences) = (report.status, report.differences);
        say(&format!(
            "{id:<20}{messages} messages, {compared} compared, {differences} differences, {status:?}"
        ))?;
        for what in report.examples.iter().chain(&report.notes) {
            say(&format!("                    {what}"))?;
        }
        Ok(())
    }

    async fn tell_in_full(&self, node: &Node, report: &Report) -> anyhow::Result<()> {
        say(&format!("recorded market     {}", self.recorded.id))?;
        say(&format!("messages            {}", report.messages))?;
        say(&format!("ladders compared    {} times, in full", report.compared))?;
        say(&format!("differences         {}", report.differences))?;
        for example in &report.examples {
            say(&format!("                    {example}"))?;
        }
        if report.with_others > 0 {
            say(&format!("with others' orders {}", report.with_others))?;
        }
        let (ours, recorded) = report.volume;
        say(&format!("volume, both sides  {ours}; {recorded} by the rule of odd pence"))?;
        say(&format!("market              {:?}", report.status))?;
        for note in &report.notes {
            say(&format!("note                {note}"))?;
        }
        if let Some(account) = report.account
            && let Ok(actors::account::AccountView::Funds { funds, .. }) =
                ask::funds(node, account).await
        {
            let gained = funds.balance - MIRRORS_MONEY;
            say(&format!(
                "mirror              {gained} after settlement, {} held",
                funds.exposure
            ))?;
        }
        Ok(())
    }
}

fn bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bytes}/{total_bytes} [{wide_bar}] {msg} {eta}");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| "market".into(), |name| name.to_string_lossy().into_owned())
}

fn say(line: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests;
