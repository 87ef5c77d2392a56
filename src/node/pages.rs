//! The pages, inside the program: what `src/web` was built to, one folder for each site.
//!
//! Owns     the embedded folder `src/web/dist` and how a file of it is served: kind, ETag, gzip, cache, policy.
//! Never    reads a path from outside: a name that is not in the site's folder is not there.
//!
//! A debug build reads the folder when it is asked, so that pages can be worked on without compiling.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};
use rust_embed::RustEmbed;

use crate::door::gzip;

/// Nothing from elsewhere, nothing inline, no frame around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Shown where the pages were left out of the build.
const EMPTY: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
    <title>Laybook</title><p>The pages are not in this build: see src/web.</p></html>";

#[derive(RustEmbed)]
#[folder = "src/web/dist"]
struct Dist;

/// Pages that belong together, behind one listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {
    /// The operators' console.
    Console,
    /// A customer's own pages.
    Account,
}

impl Site {
    /// Its folder and the page in it that reads every address.
    fn place(self) -> (&'static str, &'static str) {
        match self {
            Site::Console => ("", "index.html"),
            Site::Account => ("account/", "account.html"),
        }
    }
}

/// A file as it goes out.
#[derive(Debug, Clone)]
struct File {
    /// The bytes, compressed when `gzip`.
    body: Bytes,
    /// `Content-Type`.
    kind: &'static str,
    /// `ETag`, of the bytes before compression.
    tag: String,
    /// `Content-Encoding: gzip`.
    gzip: bool,
}

/// The files of one site; compressed once each, as many as there are.
#[derive(Debug)]
pub struct Pages {
    site: Site,
    packed: Mutex<HashMap<String, (String, Bytes)>>,
}

impl Pages {
    /// Of a site.
    pub fn of(site: Site) -> Pages {
        Pages { site, packed: Mutex::default() }
    }

    /// A file by its name, as an answer; the empty name is the page itself. `None` when there is no such file.
    pub fn answer<B: From<Bytes>>(&self, name: &str, asked: &HeaderMap) -> Option<Response<B>> {
        let text_of = |name| asked.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let accepts_gzip = gzip::is_accepted(text_of(header::ACCEPT_ENCODING));
        let File { body, kind, tag, gzip } = self.get(name, accepts_gzip)?;
        let known = text_of(header::IF_NONE_MATCH).unwrap_or_default();
        let is_known = known.split(',').any(|known| known.trim().trim_start_matches("W/") == tag);
        let (status, body) = match is_known {
            true => (StatusCode::NOT_MODIFIED, Bytes::new()),
            false => (StatusCode::OK, body),
        };
        let mut response = Response::new(body.into());
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        // Names are stable, so a browser asks each time whether it has the newest.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if let Ok(tag) = HeaderValue::try_from(tag) {
            headers.insert(header::ETAG, tag);
        }
        if gzip && !is_known {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Some(response)
    }

    fn get(&self, name: &str, accepts_gzip: bool) -> Option<File> {
        let (folder, page) = self.site.place();
        let name = if name.is_empty() { page } else { name };
        // A site's files lie side by side: what lies deeper is another's.
        if name.contains('/') {
            return None;
        }
        let Some(found) = Dist::get(&format!("{folder}{name}")) else {
            return (name == page).then(|| File {
                body: Bytes::from_static(EMPTY.as_bytes()),
                kind: kind("html"),
                tag: "\"empty\"".to_owned(),
                gzip: false,
            });
        };
        let kind = kind(name.rsplit('.').next().unwrap_or_default());
        let hash = found.metadata.sha256_hash();
        let tag: String = hash[..12].iter().map(|byte| format!("{byte:02x}")).collect();
        let body = match found.data {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => Bytes::from(bytes),
        };
        let packed = if accepts_gzip { self.packed(name, &tag, &body) } else { None };
        let gzip = packed.is_some();
        let coding = if gzip { "-gzip" } else { "" };
        Some(File { body: packed.unwrap_or(body), kind, tag: format!("\"{tag}{coding}\""), gzip })
    }

    fn packed(&self, name: &str, tag: &str, body: &Bytes) -> Option<Bytes> {
        let mut packed = self.packed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, bytes)) = packed.get(name)
            && of == tag
        {
            return Some(bytes.clone());
        }
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(body).ok()?;
        let bytes = encoder.finish().ok().filter(|bytes| bytes.len() < body.len())?;
        let bytes = Bytes::from(bytes);
        packed.insert(name.to_owned(), (tag.to_owned(), bytes.clone()));
        Some(bytes)
    }
}

fn kind(extension: &str) -> &'static str {
    match extension {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "webmanifest" => "application/manifest+json",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_there_and_nothing_outside_its_folder_is() {
        for site in [Site::Console, Site::Account] {
            let pages = Pages::of(site);
            assert_eq!(pages.get("", false).unwrap().kind, "text/html; charset=utf-8");
            for name in [
                "../package.json",
                "/etc/passwd",
                "..%2fCargo.toml",
                "nothing.js",
                "a/../../b",
                "account/account.html",
                "../index.html",
            ] {
                assert!(pages.get(name, true).is_none(), "{site:?} {name}");
            }
        }
    }

    #[test]
    fn every_file_has_a_kind_a_tag_and_a_smaller_body_where_that_is_possible() {
        let mut of_account = 0;
        for path in Dist::iter().filter(|path| !path.starts_with('.')) {
            let (site, name) = match path.strip_prefix("account/") {
                Some(name) => (Site::Account, name),
                None => (Site::Console, &*path),
            };
            of_account += usize::from(site == Site::Account);
            let pages = Pages::of(site);
            let (plain, small) = (pages.get(name, false).unwrap(), pages.get(name, true).unwrap());
            assert!(small.body.len() <= plain.body.len(), "{path}");
            assert_ne!(plain.kind, "application/octet-stream", "{path}");
            assert_eq!(small.gzip, small.tag != plain.tag, "{path}: one tag, one body");
        }
        assert!(of_account >= 3, "page, script and style");
    }

    #[test]
    fn a_page_has_nothing_inline_and_says_so() {
        for site in [Site::Console, Site::Account] {
            let page = Pages::of(site).get("", false).unwrap();
            let text = std::str::from_utf8(&page.body).unwrap();
            assert!(!text.contains("<style") && !text.contains(" style=") && !text.contains(" on"));
            assert!(text.split("<script").skip(1).all(|tag| tag.contains("src=\"/")), "{text}");
            let headers = HeaderMap::new();
            let answer: Response<Bytes> = Pages::of(site).answer("", &headers).unwrap();
            let policy = answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"));
        }
    }
}
