//! The console's way in: one-time links, and sessions of browsers.
//!
//! Owns     the paths below `/console` and the signing in and out. What the pages ask for is the operator API,
//!          the same for everybody.
//!
//! | file | noun |
//! |---|---|
//! | [`links`] | codes that let one browser in, once |
//! | [`sessions`] | browsers that were let in, by their cookie |

pub mod links;
pub mod sessions;

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use domain::home::Role;

use links::Links;
use sessions::Sessions;

use crate::pages::{Pages, Site};

/// What the console keeps beside the tree.
#[derive(Debug)]
pub struct Console {
    /// Where its listener is, for links that nobody asked for over it.
    pub at: SocketAddr,
    /// Links that wait to be opened.
    pub links: Links,
    /// Browsers that are signed in.
    pub sessions: Sessions,
    /// The pages.
    pub pages: Pages,
}

/// A link as it is given out.
#[derive(Debug, Clone)]
pub struct Link {
    /// Whole.
    pub url: String,
    /// Unix milliseconds.
    pub expires_at_ms: u64,
}

impl Console {
    /// Of the listener at an address.
    pub fn new(at: SocketAddr) -> Console {
        let (links, sessions) = (Links::default(), Sessions::default());
        Console { at, links, sessions, pages: Pages::of(Site::Console) }
    }

    /// A new one-time link, under the name that its reader knows the listener by.
    pub fn link(&self, host: Option<&str>, name: &str, role: Role) -> Link {
        let plain = |host: &&str| {
            let may = |byte: u8| byte.is_ascii_alphanumeric() || b".:-[]".contains(&byte);
            !host.is_empty() && host.bytes().all(may)
        };
        let host = host.filter(plain).map_or_else(|| self.at.to_string(), str::to_owned);
        let code = self.links.make(name, role);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let expires_at_ms = u64::try_from((now + links::GOOD_FOR).as_millis()).unwrap_or(u64::MAX);
        Link { url: format!("http://{host}/console/open?code={code}"), expires_at_ms }
    }
}

/// What a browser is shown whose link is not good, or no more.
pub const SPENT: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
    <meta name=\"viewport\" content=\"width=device-width\"><title>Laybook</title></head><body>\
    <h1>This link has been used, or its time is up</h1>\
    <p>A link lets one browser in, once, within fifteen minutes. For another one run \
    <code>laybook link</code> where the node runs.</p></body></html>";
