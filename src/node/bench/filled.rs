//! A node of our own with many open bets: what `restart` and `full` begin with.
//!
//! Owns the directory that the node writes to, who bets, and how markets are filled. Measures nothing.

use super::bets_flow::{BetsFlow, Crossing};
use super::client::text_field;
use super::exchange::{Login, OpenMarket, Operator, connect, log_in};
use super::match_flow::Splitmix;
use super::node::{Directory, OwnNode, RunningNode};
use super::{Settings, progress};
use anyhow::{bail, ensure};
use std::cell::Cell as Shared;
use std::path::PathBuf;
use std::rc::Rc;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

pub(super) const ACCOUNTS: usize = 100;
pub(super) const BETS_A_REQUEST: usize = 100;
const CONNECTIONS: usize = 8;

/// Where the node lives, and what its clients run on.
pub(super) struct Rig {
    pub(super) program: PathBuf,
    pub(super) data: PathBuf,
    pub(super) runtime: Runtime,
    _directory: Directory,
}

impl Rig {
    /// `why`: the node must be our own.
    pub(super) fn new(settings: &Settings, why: &str) -> anyhow::Result<Rig> {
        ensure!(settings.node.is_none(), "{why} must be our own");
        let directory = Directory::new(settings.data.as_deref())?;
        Ok(Rig {
            program: settings.program()?,
            data: directory.path().join("data"),
            runtime: Builder::new_current_thread().enable_all().build()?,
            _directory: directory,
        })
    }

    pub(super) fn start(&self) -> anyhow::Result<OwnNode> {
        OwnNode::start(&self.program, &self.data)
    }
}

/// Who bets, on what, and who operates it.
pub(super) struct Crowd {
    pub(super) logins: Vec<Login>,
    pub(super) operator: Operator,
    pub(super) markets: Vec<OpenMarket>,
}

impl Crowd {
    pub(super) async fn gather(node: &RunningNode, markets: usize) -> anyhow::Result<Crowd> {
        let bar = progress::bar(ACCOUNTS, "users");
        let logins = log_in(node, ACCOUNTS, &bar).await?;
        bar.finish_and_clear();
        let mut operator = Operator::connect(node).await?;
        let markets = operator.open_markets(markets).await?;
        Ok(Crowd { logins, operator, markets })
    }
}

/// Open bets on every market, none of which meets another. Answers how many requests timed out: whether their bets
/// were taken is not known then.
pub(super) async fn fill(
    node: &RunningNode,
    logins: &[Login],
    markets: &[OpenMarket],
    bets_a_market: usize,
) -> anyhow::Result<usize> {
    let requests = markets.len() * bets_a_market / BETS_A_REQUEST;
    let flows = markets.iter().map(std::slice::from_ref);
    let flows = flows.map(|market| BetsFlow::new(logins, market, BETS_A_REQUEST, Crossing::Never));
    let flows: Rc<Vec<BetsFlow>> = Rc::new(flows.collect());
    let next = Rc::new(Shared::new(0));
    let bar = progress::bar(requests, "requests");
    let mut workers = JoinSet::new();
    for (number, mut connection) in connect(node.http, CONNECTIONS).await?.into_iter().enumerate() {
        let (flows, next, bar) = (flows.clone(), next.clone(), bar.clone());
        workers.spawn_local(async move {
            let mut random = Splitmix(number as u64);
            let mut request = Vec::new();
            let mut timed_out = 0;
            loop {
                let at = next.replace(next.get() + 1);
                if at >= requests {
                    return anyhow::Ok(timed_out);
                }
                flows[at % flows.len()].draw(&mut random, &mut request);
                let answer = connection.exchange(&request).await?;
                match text_field(answer.body, "status") {
                    Some("SUCCESS") => {}
                    Some("TIMEOUT") => timed_out += 1,
                    _ => {
                        let text = String::from_utf8_lossy(answer.body);
                        bail!("bets were refused: {}", text.chars().take(500).collect::<String>());
                    }
                }
                bar.inc(1);
            }
        });
    }
    let mut timed_out = 0;
    while let Some(ended) = workers.join_next().await {
        timed_out += ended??;
    }
    bar.finish_and_clear();
    Ok(timed_out)
}
