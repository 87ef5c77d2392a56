//! Who operators are, as far as the admin door knows without home: so that one can watch home heal.
//!
//! Owns     the tokens that home has called good lately, by their hashes.
//! Never    keeps a token, lets anybody in whom home has not let in, or lets anything be done: what changes
//!          something always asks home.
//!
//! Why this is safe: only home makes, changes or takes back a token, and home is asked first whenever it can
//! answer. What it says replaces what is kept here, a "no" too. So what is kept can only be behind what home
//! said to others just before it fell; it is good for looking, not for acting, and for `GOOD_FOR` at most.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use actors::entity::EntityMsg;
use actors::home::HomeMsg;
use actors::node::Node;
use actors::registry::Address;
use domain::home::{OperatorToken, SecretHash};
use domain::ids::{EntityId, PartitionId};
use hyper::StatusCode;
use tokio::sync::oneshot;

use super::ask;
use super::problem::Problem;

/// Past it what is kept is let go: operators are few.
const KEPT_MAX: usize = 4_096;
/// Home was asked no longer ago than this.
const GOOD_FOR: Duration = Duration::from_secs(15 * 60);
/// A look waits no longer for a home that is there and does not answer.
const HOME_WITHIN: Duration = Duration::from_millis(250);

/// What home said of tokens lately.
#[derive(Debug, Default)]
pub struct Tokens {
    kept: Mutex<HashMap<SecretHash, Kept>>,
}

#[derive(Debug)]
struct Kept {
    operator: OperatorToken,
    asked: Instant,
}

impl Tokens {
    /// The operator of a token, by home's own word.
    pub async fn to_act(&self, node: &Node, token: SecretHash) -> Result<OperatorToken, Problem> {
        let found = ask::home(node, |reply| HomeMsg::Operator { token, reply }).await?;
        self.keep(token, found)
    }

    /// The operator of a token, who only wants to look: by what home said lately, while it does not answer.
    pub async fn to_look(&self, node: &Node, token: SecretHash) -> Result<OperatorToken, Problem> {
        let home = Address::Entity(PartitionId(0), EntityId::Home);
        let (reply, answer) = oneshot::channel();
        let question = EntityMsg::Own(HomeMsg::Operator { token, reply });
        let way = node.registry.find::<EntityMsg<HomeMsg>>(home);
        if way.is_some_and(|way| way.send(question).is_ok())
            && let Ok(Ok(found)) = tokio::time::timeout(HOME_WITHIN, answer).await
        {
            return self.keep(token, found);
        }
        match self.kept(&token) {
            Some(operator) => Ok(operator),
            // Nobody the door knows: home must say, as soon as it can.
            None => self.to_act(node, token).await,
        }
    }

    fn keep(
        &self,
        token: SecretHash,
        found: Option<OperatorToken>,
    ) -> Result<OperatorToken, Problem> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(operator) = found else {
            kept.remove(&token);
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized"));
        };
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(token, Kept { operator: operator.clone(), asked: Instant::now() });
        Ok(operator)
    }

    fn kept(&self, token: &SecretHash) -> Option<OperatorToken> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.get(token).filter(|known| known.asked.elapsed() < GOOD_FOR)?;
        Some(known.operator.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::home::Role;

    fn operator(token: SecretHash) -> OperatorToken {
        OperatorToken { token, name: "night shift".to_owned(), role: Role::Viewer }
    }

    #[test]
    fn what_home_takes_back_is_not_kept() {
        let tokens = Tokens::default();
        let token = [7; 32];
        assert!(tokens.kept(&token).is_none());
        assert!(tokens.keep(token, Some(operator(token))).is_ok());
        assert_eq!(tokens.kept(&token).unwrap().name, "night shift");
        assert!(tokens.keep(token, None).is_err());
        assert!(tokens.kept(&token).is_none());
    }

    #[test]
    fn strangers_do_not_fill_what_is_kept() {
        let tokens = Tokens::default();
        for number in 0..=KEPT_MAX as u32 {
            let mut token = [0; 32];
            token[..4].copy_from_slice(&number.to_le_bytes());
            let _ = tokens.keep(token, Some(operator(token)));
            let _ = tokens.keep([255; 32], None);
        }
        assert!(tokens.kept.lock().unwrap().len() <= KEPT_MAX);
    }
}
