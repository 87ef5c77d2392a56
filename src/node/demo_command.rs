//! `laybook demo`: a moving exchange for whoever has just built it.
//!
//! A node in a temporary directory, a weekend of football played on a fast clock, a market maker that quotes it as any
//! node's would, traders that list it and bet on it, and two customers with play money. What is where is printed, then a line of prices every few seconds until Ctrl-C.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use actors::assignment::Customer;
use actors::mailbox::Control;
use actors::maker::Terms;
use actors::market::{LadderDepth, MarketMsg, MarketView, ViewRequest};
use actors::node::{Child, Node};
use actors::partition::deliver;
use actors::registry::Address;
use actors::trader::Playbill;
use actors::trader::playbill::Season;
use anyhow::Context as _;
use domain::definition::MarketStatus;
use domain::ids::{EntityId, EventId, MarketId, PartitionId, SelectionId};
use domain::money::Pence;
use tokio::sync::oneshot;

use crate::betfair::examples::Examples;
use crate::boot::Running;
use crate::cli::{DemoArgs, Exit};
use crate::config::Settings;
use crate::residents::{Resident, Residents, TemporaryDirectory, session_secrets};
use crate::serve_command::{refused, runtime, stop_asked};
use crate::telemetry;

/// Matches that are listed at any time.
const SLOTS: u32 = 12;
/// Who tells of them.
const STADIUM: u32 = 0;
/// Who quotes them.
const MAKER: u32 = 0;
const TICKER_EVERY: Duration = Duration::from_secs(2);
const CUSTOMERS: [&str; 2] = ["alice", "bob"];
const PLAY_MONEY: Pence = Pence(1_000_000);
/// To each side of the fair odds to one.
const SPREAD: f64 = 0.012;
const STAKE: Pence = Pence(6_000);
const MAKERS_MONEY: Pence = Pence(100_000_000_000);

/// Runs until it is told to stop.
pub fn run(args: &DemoArgs) -> anyhow::Result<Exit> {
    let directory = TemporaryDirectory::new("laybook-demo")?;
    let flags = [
        ("data.directory", directory.path().display().to_string()),
        ("http.listen", args.http.clone()),
        ("admin.listen", args.admin.clone()),
        ("stream.listen", "off".to_owned()),
        ("stream_plain.listen", "off".to_owned()),
        ("accounts.play_money", "1000.00".to_owned()),
        ("log.filter", "warn,actors::quoter=info".to_owned()),
    ];
    let settings = match Settings::read(None, &flags) {
        Ok(settings) => settings,
        Err(error) => return refused(&error),
    };
    telemetry::install(settings.log_format, &settings.log_filter).context("logging")?;
    runtime()?.block_on(demo(settings, args, &directory))?;
    Ok(Exit::Done)
}

async fn demo(
    settings: Settings,
    args: &DemoArgs,
    directory: &TemporaryDirectory,
) -> anyhow::Result<()> {
    let stop = stop_asked()?;
    tokio::pin!(stop);
    let running = Running::start(settings).await?;
    let begun = async {
        running.ready().await?;
        begin(&running.node, args).await
    };
    tokio::select! {
        begun = begun => begun?,
        () = &mut stop => return running.stop().await,
    }
    let node = running.node.clone();
    let shown = async {
        welcome(&running, directory).await?;
        ticker(&node).await
    };
    tokio::select! {
        shown = shown => shown?,
        () = &mut stop => say("stopping")?,
    }
    running.stop().await
}

/// Users, the market maker and traders.
async fn begin(node: &Arc<Node>, args: &DemoArgs) -> anyhow::Result<()> {
    let residents = Residents::new(node, "demo").await?;
    for name in CUSTOMERS {
        let (password, deposit) = (Some(name), PLAY_MONEY);
        let customer = Resident { username: name, password, deposit, minimum_stakes: true };
        residents.create(customer).await?;
    }
    let began = node.partition(PartitionId(0)).and_then(|partition| partition.now());
    let season =
        Season::new(args.seed, SLOTS, began.context("the journal is not open")?, args.speed);
    // What is told of the matches comes in as from any provider.
    node.seasons.give(STADIUM, season);
    node.nursery().start(Child::Stadium(STADIUM));
    let terms = Terms {
        name: "house".to_owned(),
        customer: trader(&residents, "maker").await?,
        competitions: Vec::new(),
        spread: SPREAD,
        stake: STAKE,
        leads: true,
        secrets: session_secrets,
    };
    node.makers.give(MAKER, terms);
    node.nursery().start(Child::Maker(MAKER));
    for slot in 0..SLOTS {
        let playbill = Playbill {
            season,
            punter: trader(&residents, &format!("punter-{slot}")).await?,
            secrets: session_secrets,
        };
        node.playbills.give(slot, playbill);
        node.nursery().start(Child::Trader(slot));
    }
    Ok(())
}

async fn trader(residents: &Residents<'_>, name: &str) -> anyhow::Result<Customer> {
    let deposit = MAKERS_MONEY;
    let resident = Resident { username: name, password: None, deposit, minimum_stakes: false };
    residents.create(resident).await
}

/// What is where, and how to begin.
async fn welcome(running: &Running, directory: &TemporaryDirectory) -> anyhow::Result<()> {
    // The last slot's match is the last to begin: bets before it are not disturbed by goals.
    let (game, view) = loop {
        if let Some(game) = game_of(&running.node, SLOTS - 1).await
            && let Some(view) = view(&running.node, game.market).await
            && view.runners.iter().all(|runner| !runner.available_to_back.is_empty())
        {
            break (game, view);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let http = format!("http://{}", running.listeners.http);
    let admin = format!("http://{}", running.listeners.admin);
    let token = directory.path().join("operator.token");
    let token = token.display();
    let (market, name) = (game.market, &game.name);
    let selection = view.runners.first().map_or(SelectionId(0), |first| first.runner.selection);
    let (username, app_key) = (CUSTOMERS[0], "alice-key");
    let examples = Examples { http: &http, username, app_key, market, selection };
    let text = format!(
        r#"
Laybook is running. Everything is play money and goes with this process (Ctrl-C).

  customers   {http}    Betfair-compatible API: /api/login, /exchange/betting/json-rpc/v1
  console     {console}
              the supervision tree, live; the link works once (another: laybook link --admin {at} --token-file {token})
  operators   {admin}    /v1/operator/tree, /v1/operator/ledger; /metrics, /livez, /readyz
              token in {token}
  accounts    {http}/try    sign up, log in, limits: the native API, to try
              mail in {mail}
  data        {directory}

  username    password    application key    balance
  alice       alice       alice-key          {money}
  bob         bob         bob-key            {money}

Log in as alice, look at a market ({name}), and back its first runner:

{log_in}
{look}
{bet}
curl -s {admin}/v1/operator/tree -H "Authorization: Bearer $(cat {token})"

Live matches, best price to back / to lay, and what was matched:
"#,
        console = running.console_link("demo"),
        at = running.listeners.admin,
        directory = directory.path().display(),
        mail = directory.path().join("mail").display(),
        log_in = examples.log_in(),
        look = examples.look(),
        bet = examples.bet(),
        money = PLAY_MONEY,
    );
    say(&text)
}

/// One live match after another, for ever.
async fn ticker(node: &Arc<Node>) -> anyhow::Result<()> {
    let mut slots = (0..SLOTS).cycle();
    let mut every = tokio::time::interval(TICKER_EVERY);
    loop {
        every.tick().await;
        for _ in 0..SLOTS {
            let Some(slot) = slots.next() else { break };
            let Some(game) = game_of(node, slot).await.filter(|game| game.in_play) else {
                continue;
            };
            if let Some(view) = view(node, game.market).await {
                say(&line(&game, &view))?;
                break;
            }
        }
    }
}

fn line(game: &Game, view: &MarketView) -> String {
    let mut line = format!("{:>8}  {:<34}", game.score, game.name);
    for (name, runner) in ["home", "away", "draw"].iter().zip(&view.runners) {
        let best = |ladder: &[(domain::price::Price, Pence)]| {
            ladder.first().map_or_else(|| "-".to_owned(), |(price, _)| price.to_string())
        };
        let (back, lay) = (best(&runner.available_to_back), best(&runner.available_to_lay));
        line += &format!("  {name} {back:>4} / {lay:<4}");
    }
    let status = if view.status == MarketStatus::Suspended { "  suspended" } else { "" };
    line + &format!("  matched {}{status}", view.total_matched)
}

/// A slot's match, as its trader and its quoter tell it.
struct Game {
    name: String,
    score: String,
    in_play: bool,
    market: MarketId,
}

async fn game_of(node: &Node, slot: u32) -> Option<Game> {
    let listed = state_of(node, Address::Trader(slot)).await?;
    let event = EventId(listed["event"].as_str()?.parse().ok()?);
    let quoted = state_of(node, Address::Quoter(MAKER, event)).await?;
    Some(Game {
        name: listed["match"].as_str()?.to_owned(),
        score: quoted["score"].as_str()?.to_owned(),
        in_play: quoted["inPlay"].as_bool()?,
        market: listed["markets"][0].as_str()?.parse().ok()?,
    })
}

async fn state_of(node: &Node, address: Address) -> Option<serde_json::Value> {
    let (reply, answer) = oneshot::channel();
    node.registry.control(address, Control::Observe(reply));
    Some(answer.await.ok()?.state)
}

async fn view(node: &Node, market: MarketId) -> Option<MarketView> {
    let (reply, answer) = oneshot::channel();
    let request =
        ViewRequest { offers: LadderDepth::Best(1), traded: false, starting_price: false };
    let message = MarketMsg::View { request, reply };
    deliver(node, PartitionId(0), EntityId::Market(market), message);
    answer.await.ok()
}

fn say(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests;
