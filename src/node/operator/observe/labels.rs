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
use domain::ids::{AccountId, EntityId, MarketId, PartitionId, SessionId};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::row::Row;
use crate::catalogue;

/// A look waits no longer for names.
const WITHIN: Duration = Duration::from_millis(250);
/// Markets of one name.
const MARKETS_MAX: usize = 100_000;
/// Users of one name: home has more to do than to look for them.
const USERS_MAX: usize = 10_000;
/// Characters of a name that are shown.
const SHOWN_CHARS: usize = 120;

/// Fills in the labels of rows.
pub async fn fill(node: &Node, rows: &mut [Row]) {
    let (mut markets, mut accounts) = (Vec::new(), Vec::new());
    for row in rows.iter() {
        match row.id.parse() {
            Ok(EntityId::Market(market)) => markets.push(market),
            Ok(EntityId::Account(account)) => accounts.push(account),
            Ok(EntityId::Home | EntityId::Football) | Err(_) => {}
        }
    }
    let (markets, accounts) = (names(node, markets).await, usernames(node, accounts).await);
    for row in rows {
        row.label = match row.id.parse() {
            Ok(EntityId::Market(market)) => markets.get(&market).cloned(),
            Ok(EntityId::Account(account)) => accounts.get(&account).cloned(),
            Ok(EntityId::Home | EntityId::Football) | Err(_) => None,
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

/// Ids of markets and accounts whose names contain the text, in small letters. Many more than a search shows: most of
/// them may be asleep, and whoever asks looks for those that are not.
pub async fn find(node: &Node, text: &str) -> Vec<String> {
    let wanted = text.to_owned();
    let question = move |catalogue: &Catalogue| {
        // Only a text with the sign between them can lie across an event's name and a market's.
        let lies_across = wanted.contains('·');
        let is_meant = |card: &&MarketCard| {
            let definition = &card.definition;
            let event = catalogue.event_of(card).map_or("", |event| event.name.as_str());
            contains(event, &wanted)
                || contains(&definition.name, &wanted)
                || definition.runners.iter().any(|runner| contains(&runner.name, &wanted))
                || lies_across && contains(&name(catalogue, card), &wanted)
        };
        let ids = catalogue.cards().filter(is_meant).take(MARKETS_MAX);
        ids.map(|card| EntityId::Market(card.definition.id).to_string()).collect::<Vec<_>>()
    };
    let found = timeout(WITHIN, catalogue::ask(node, question)).await;
    let mut ids = found.ok().flatten().unwrap_or_default();
    let text = text.to_owned();
    let question = |reply| HomeMsg::FindUsers { text, limit: USERS_MAX, reply };
    let users = home(node, question).await;
    let users = users.unwrap_or_default();
    ids.extend(users.into_iter().map(|account| EntityId::Account(account).to_string()));
    ids
}

/// Whether a name contains a text that is in small letters. Most names are plain, and are not copied for it.
fn contains(name: &str, text: &str) -> bool {
    if !name.is_ascii() {
        return name.to_lowercase().contains(text);
    }
    let (name, text) = (name.as_bytes(), text.as_bytes());
    text.is_empty() || name.windows(text.len()).any(|some| some.eq_ignore_ascii_case(text))
}

/// The newest sessions of an account.
pub async fn sessions(node: &Node, account: AccountId, limit: usize) -> Vec<SessionId> {
    let question = |reply| HomeMsg::SessionsOf { account, limit, reply };
    home(node, question).await.unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::contains;

    #[test]
    fn a_name_is_found_however_it_is_written() {
        for (name, text) in [("Leeds v York", "ds V".to_lowercase()), ("İpswich", "pswi".into())] {
            assert!(contains(name, &text), "{name} {text}");
        }
        assert!(contains("ÖREBRO", "öre") && contains("any", "") && contains("", ""));
        assert!(!contains("Leeds", "leeds united") && !contains("Leeds", "ö"));
    }
}
