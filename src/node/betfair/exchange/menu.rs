//! The navigation menu as it is served: made of the catalogue when something was listed or unlisted, and
//! kept until then, so that asking again costs a look.
//!
//! Bounds   [`MARKETS_MAX`] markets, those that start first; the catalogue is read in pages so that it is
//!          never held up; whoever asks while the menu is made waits for it and does not make another.

use std::collections::BTreeMap;

use actors::node::Node;
use bytes::Bytes;
use domain::catalogue::{Catalogue, ListingMark};
use domain::ids::MarketId;
use domain::time::UtcMillis;
use tokio::sync::Mutex;

use super::busy;
use crate::betfair::exception::{Exception, ExceptionWord};
use crate::betfair::handler::Menu;
use crate::betfair::navigation::menu;
use crate::catalogue;

/// Markets of one menu.
const MARKETS_MAX: usize = 20_000;
/// Markets read from the catalogue at once.
const PAGE: usize = 500;

#[derive(Default)]
pub(super) struct Menus {
    kept: Mutex<Option<(ListingMark, Menu)>>,
}

impl Menus {
    pub(super) async fn menu(&self, node: &Node) -> Result<Menu, Exception> {
        let mut kept = self.kept.lock().await;
        let mark = ask(node, Catalogue::listing_mark).await?;
        match &*kept {
            Some((of, menu)) if *of == mark => Ok(menu.clone()),
            _ => {
                let menu = make(node).await?;
                *kept = Some((mark, menu.clone()));
                Ok(menu)
            }
        }
    }
}

async fn make(node: &Node) -> Result<Menu, Exception> {
    let (mut events, mut markets) = (BTreeMap::new(), Vec::new());
    let mut last: Option<(UtcMillis, MarketId)> = None;
    while markets.len() < MARKETS_MAX {
        let page = ask(node, move |catalogue| {
            let cards: Vec<_> = catalogue.listed_after(last).take(PAGE).collect();
            let events: BTreeMap<_, _> = cards
                .iter()
                .filter_map(|card| catalogue.event_of(card))
                .map(|event| (event.id, event.clone()))
                .collect();
            let markets: Vec<_> = cards.iter().map(|card| card.definition.clone()).collect();
            (events, markets)
        });
        let (of_page, page) = page.await?;
        events.extend(of_page);
        last = page.last().map(|market| (market.start_time, market.id));
        let ended = page.len() < PAGE;
        markets.extend(page);
        if ended {
            break;
        }
    }
    markets.truncate(MARKETS_MAX);
    let body = serde_json::to_vec(&menu(&events, markets));
    let body = body.map_err(|_| Exception::from(ExceptionWord::UnexpectedError))?;
    let etag = format!("\"{}\"", &blake3::hash(&body).to_hex()[..32]);
    Ok(Menu { body: Bytes::from(body), etag })
}

async fn ask<T: Send + 'static>(
    node: &Node,
    question: impl FnOnce(&Catalogue) -> T + Send + 'static,
) -> Result<T, Exception> {
    let answer = catalogue::ask(node, question).await;
    answer.ok_or_else(|| busy("the catalogue is being read, try again"))
}
