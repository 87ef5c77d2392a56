//! Questions of the doors to the catalogue actor.

use std::time::Duration;

use actors::catalogue::CatalogueMsg;
use actors::node::Node;
use actors::registry::Address;
use domain::catalogue::Catalogue;
use tokio::sync::oneshot;

const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Reads the catalogue as of everything that any door has been told; `None` when it does not answer.
pub async fn ask<T: Send + 'static>(
    node: &Node,
    question: impl FnOnce(&Catalogue) -> T + Send + 'static,
) -> Option<T> {
    let catalogue = node.registry.find::<CatalogueMsg>(Address::Catalogue)?;
    let (reply, answer) = oneshot::channel();
    let ask = move |catalogue: &Catalogue| {
        // A door that went away wants no answer.
        let _ = reply.send(question(catalogue));
    };
    catalogue.send(CatalogueMsg::Ask(Box::new(ask))).ok()?;
    tokio::time::timeout(ANSWER_WITHIN, answer).await.ok()?.ok()
}
