//! Who asks: a session's token or an API key as a bearer, or a browser's cookie.
//!
//! Owns     the rule that a cookie changes something only from the node's own pages.
//! Never    says why somebody is not let in.

use actors::home::{HomeMsg, PeopleMsg};
use actors::node::Node;
use domain::home::{Scope, session_of};
use domain::ids::{AccountId, SessionId};
use hyper::StatusCode;

use super::table::Access;
use crate::operator::access::{Credentials, forbidden, is_own_page, unauthorized};
use crate::operator::ask;
use crate::operator::problem::Problem;
use crate::secret;

/// What an API key begins with, so that one is known when it lies about.
pub const KEY_PREFIX: &str = "lbk_";

/// The cookie of a browser's session: over TLS it is bound to this host and to https.
pub const COOKIE: &str = "laybook-session";
/// The same where the node stands behind TLS.
pub const TLS_COOKIE: &str = "__Host-laybook-session";

/// A customer who was let in.
#[derive(Debug, Clone)]
pub struct Who {
    /// Whose account.
    pub account: AccountId,
    /// As it was signed up.
    pub username: String,
    /// The session that carries their orders.
    pub session: SessionId,
    /// The token, for what the exchange asks it.
    pub token: String,
    /// They came with an API key.
    pub by_key: bool,
}

/// Who sent a request, if they may do it.
pub async fn who(
    node: &Node,
    access: Access,
    changes: bool,
    brought: &Credentials<'_>,
) -> Result<Who, Problem> {
    let bearer = brought.authorization.and_then(|value| value.strip_prefix("Bearer "));
    if let Some(key) = bearer.map(str::trim).filter(|token| token.starts_with(KEY_PREFIX)) {
        return by_key(node, access, key).await;
    }
    let token = match bearer {
        Some(token) => token.trim(),
        None => {
            let token = brought.cookie.and_then(cookie_of).ok_or_else(unauthorized)?;
            if changes && !is_own_page(brought) {
                return Err(forbidden().reason(
                    "a cookie may change something only from this \
                                               node's own pages; send the token as a bearer",
                ));
            }
            token
        }
    };
    let hash = secret::hash(token);
    let found = ask::home(node, |reply| HomeMsg::SessionByToken { token: hash, reply }).await?;
    let (session, login) = found.ok_or_else(unauthorized)?;
    Ok(Who {
        account: login.account,
        username: login.username,
        session,
        token: token.to_owned(),
        by_key: false,
    })
}

async fn by_key(node: &Node, access: Access, key: &str) -> Result<Who, Problem> {
    let token = secret::hash(key);
    let question = |reply| HomeMsg::People(PeopleMsg::UseApiKey { token, reply });
    let (user, known) = ask::home(node, question).await?.ok_or_else(unauthorized)?;
    let scope = match access {
        Access::Anyone | Access::Provider => None,
        Access::Read => Some(Scope::Read),
        Access::Bet => Some(Scope::Bet),
        Access::Manage => Some(Scope::Account),
        Access::Person => {
            return Err(forbidden().reason("only who has logged in may do this, no API key"));
        }
    };
    if scope.is_some_and(|scope| !known.scopes.contains(&scope)) {
        let problem = Problem::new(StatusCode::FORBIDDEN, "scope_missing");
        return Err(problem.reason("the API key was not made for this"));
    }
    Ok(Who {
        account: user.account,
        username: user.username,
        session: session_of(&token),
        token: key.to_owned(),
        by_key: true,
    })
}

/// The session's token among the cookies of a browser.
pub fn cookie_of(cookies: &str) -> Option<&str> {
    let of = |name: &str| {
        let mut pairs = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
    };
    of(TLS_COOKIE).or_else(|| of(COOKIE)).filter(|token| !token.is_empty())
}

/// The cookie's header: out of reach of scripts and of other sites. Without a token it is taken away.
pub fn set_cookie(token: Option<&str>, behind_tls: bool, lasts_s: u64) -> String {
    let (name, secure) = match behind_tls {
        true => (TLS_COOKIE, "; Secure"),
        false => (COOKIE, ""),
    };
    let (token, age) = token.map_or(("", 0), |token| (token, lasts_s));
    format!("{name}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={age}{secure}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_out_of_reach_of_scripts_and_other_sites() {
        let cookie = set_cookie(Some("ABC="), false, 60);
        assert_eq!(cookie, "laybook-session=ABC=; Path=/; HttpOnly; SameSite=Strict; Max-Age=60");
        let cookie = set_cookie(Some("ABC="), true, 60);
        assert!(cookie.starts_with("__Host-laybook-session=ABC=;") && cookie.ends_with("; Secure"));
        assert!(set_cookie(None, false, 60).contains("laybook-session=; "));
        assert_eq!(cookie_of("a=b; laybook-session=ABC=; c=d"), Some("ABC="));
        assert_eq!(cookie_of("laybook-session=; x=y"), None);
        assert_eq!(cookie_of("xlaybook-session=ABC"), None);
    }
}
