//! Who asks, and whether they may: a bearer token, or the console's cookie.
//!
//! Owns     the rule that a browser's request to change something must come from the console's own pages: a
//!          cookie goes along with whatever another site makes a browser send, a header does not.
//! Never    says why somebody is not let in.

use domain::home::Role;
use hyper::{Method, StatusCode};

use super::console::sessions::{Guest, cookie_of};
use super::problem::Problem;
use super::watch::Watch;
use crate::secret;

/// What a request brings to show who sent it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Credentials<'a> {
    /// Of `Authorization`.
    pub authorization: Option<&'a str>,
    /// Of `Cookie`.
    pub cookie: Option<&'a str>,
    /// Of `Origin`.
    pub origin: Option<&'a str>,
    /// Of `Sec-Fetch-Site`.
    pub fetch_site: Option<&'a str>,
    /// Of `Host`.
    pub host: Option<&'a str>,
}

/// Somebody who was let in.
#[derive(Debug, Clone)]
pub struct Operator {
    /// For the audit.
    pub name: String,
    /// What they may.
    pub role: Role,
}

/// Who sent it. Who only looks need not wait for home: the tree is looked at most when it heals.
pub async fn who(
    watch: &Watch,
    method: &Method,
    brought: &Credentials<'_>,
) -> Result<Operator, Problem> {
    let looks = *method == Method::GET || *method == Method::HEAD;
    if let Some(token) = brought.authorization.and_then(|value| value.strip_prefix("Bearer ")) {
        return by_token(watch, looks, secret::hash(token.trim())).await;
    }
    let cookie = brought.cookie.and_then(cookie_of).ok_or_else(unauthorized)?;
    let guest = watch.console.sessions.guest(cookie).ok_or_else(unauthorized)?;
    if !looks && !is_own_page(brought) {
        return Err(forbidden());
    }
    match guest {
        Guest::Linked { name, role } => Ok(Operator { name, role }),
        Guest::Token(token) => by_token(watch, looks, token).await,
    }
}

async fn by_token(
    watch: &Watch,
    looks: bool,
    token: domain::home::SecretHash,
) -> Result<Operator, Problem> {
    let operator = match looks {
        true => watch.tokens.to_look(&watch.node, token).await?,
        false => watch.tokens.to_act(&watch.node, token).await?,
    };
    Ok(Operator { name: operator.name, role: operator.role })
}

/// Whether a browser says that the request comes from a page of this very listener. One that says nothing
/// is no browser of today, and has headers to bring a token in.
pub fn is_own_page(brought: &Credentials<'_>) -> bool {
    let own = |origin: &str| {
        let name = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        name.is_some() && name == brought.host
    };
    match (brought.fetch_site, brought.origin) {
        (Some(site), origin) => site == "same-origin" && origin.is_none_or(own),
        (None, Some(origin)) => own(origin),
        (None, None) => false,
    }
}

/// 401.
pub fn unauthorized() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized")
}

/// 403.
pub fn forbidden() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "forbidden")
}

/// The word of a role.
pub fn role_word(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Operator => "operator",
        Role::Admin => "admin",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_consoles_own_pages_may_use_its_cookie() {
        let host = Some("127.0.0.1:8081");
        let check = |fetch_site, origin| {
            is_own_page(&Credentials { fetch_site, origin, host, ..Credentials::default() })
        };
        assert!(check(Some("same-origin"), Some("http://127.0.0.1:8081")));
        assert!(check(Some("same-origin"), None));
        assert!(check(None, Some("http://127.0.0.1:8081")));
        for (site, origin) in [
            (None, None),
            (None, Some("null")),
            (None, Some("http://evil.example")),
            (None, Some("http://127.0.0.1:8080")),
            (None, Some("127.0.0.1:8081")),
            (Some("cross-site"), Some("http://127.0.0.1:8081")),
            (Some("same-site"), None),
            (Some("none"), None),
            (Some("same-origin"), Some("http://evil.example")),
        ] {
            assert!(!check(site, origin), "{site:?} {origin:?}");
        }
    }
}
