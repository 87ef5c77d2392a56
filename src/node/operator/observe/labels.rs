//! Names for people: what a market is called, whose account it is.
//!
//! Owns nothing: asks the catalogue and home, shortly, and goes without when they do not answer. A name is text
//! of customers and is never anything else.

use std::collections::HashMap;
use std::time::Duration;

use actors::entity::EntityMsg;
use actors::home::HomeMsg;
use actors::node::Node;
use actors::registry::Address;
use domain::catalogue::{Catalogue, MarketCard};
use domain::ids::{AccountId, EntityId, MarketId, PartitionId};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::row::Row;
use crate::catalogue;

/// A look waits no longer for names.
const WITHIN: Duration = Duration::from_millis(250);
/// Characters of a name that are shown.
const SHOWN_CHARS: usize = 120;

/// Fills in the labels of rows.
pub async fn fill(node: &Node, rows: &mut [Row]) {
    let (mut markets, mut accounts) = (Vec::new(), Vec::new());
    for row in rows.iter() {
        match row.id.parse() {
            Ok(EntityId::Market(market)) => markets.push(market),
            Ok(EntityId::Account(account)) => accounts.push(account),
            Ok(EntityId::Home) | Err(_) => {}
        }
    }
    let (markets, accounts) = (names(node, markets).await, usernames(node, accounts).await);
    for row in rows {
        row.label = match row.id.parse() {
            Ok(EntityId::Market(market)) => markets.get(&market).cloned(),
            Ok(EntityId::Account(account)) => accounts.get(&account).cloned(),
            Ok(EntityId::Home) | Err(_) => None,
        };
    }
}

/// What markets are called, event first.
async fn names(node: &Node, markets: Vec<MarketId>) -> HashMap<MarketId, String> {
    if markets.is_empty() {
        return HashMap::new();
    }
    let question = move |catalogue: &Catalogue| {
        let named = |market: MarketId| Some((market, name(catalogue, catalogue.card(market)?)));
        markets.into_iter().filter_map(named).collect()
    };
    timeout(WITHIN, catalogue::ask(node, question)).await.ok().flatten().unwrap_or_default()
}

/// Whose accounts these are.
async fn usernames(node: &Node, accounts: Vec<AccountId>) -> HashMap<AccountId, String> {
    if accounts.is_empty() {
        return HashMap::new();
    }
    let question = |reply| HomeMsg::Usernames { accounts, reply };
    home(node, question).await.unwrap_or_default().into_iter().collect()
}

/// Ids of markets and accounts whose names contain the text, in small letters; at most so many of each.
pub async fn find(node: &Node, text: &str, limit: usize) -> Vec<String> {
    let wanted = text.to_owned();
    let question = move |catalogue: &Catalogue| {
        let is_meant = |card: &&MarketCard| {
            let contains = |name: &str| name.to_lowercase().contains(&wanted);
            let definition = &card.definition;
            contains(&name(catalogue, card))
                || definition.runners.iter().any(|runner| contains(&runner.name))
        };
        let ids = catalogue.cards().filter(is_meant).take(limit);
        ids.map(|card| EntityId::Market(card.definition.id).to_string()).collect::<Vec<_>>()
    };
    let found = timeout(WITHIN, catalogue::ask(node, question)).await;
    let mut ids = found.ok().flatten().unwrap_or_default();
    let text = text.to_owned();
    let users = home(node, |reply| HomeMsg::FindUsers { text, limit, reply }).await;
    let users = users.unwrap_or_default();
    ids.extend(users.into_iter().map(|account| EntityId::Account(account).to_string()));
    ids
}

async fn home<T>(node: &Node, question: impl FnOnce(oneshot::Sender<T>) -> HomeMsg) -> Option<T> {
    let address = Address::Entity(PartitionId(0), EntityId::Home);
    let way = node.registry.find::<EntityMsg<HomeMsg>>(address)?;
    let (reply, answer) = oneshot::channel();
    way.send(EntityMsg::Own(question(reply))).ok()?;
    timeout(WITHIN, answer).await.ok()?.ok()
}

fn name(catalogue: &Catalogue, card: &MarketCard) -> String {
    let event = catalogue.event_of(card).map_or("", |event| event.name.as_str());
    let name = match event {
        "" => card.definition.name.clone(),
        event => format!("{event} · {}", card.definition.name),
    };
    name.chars().take(SHOWN_CHARS).collect()
}
