//! The console's pages, inside the program: what `src/web` was built to.
//!
//! Owns     the embedded folder `src/web/dist` and how a file of it is served: kind, ETag, gzip, cache, policy.
//! Never    reads a path from outside: a name that is not in the folder is not there.
//!
//! A debug build reads the folder when it is asked, so that pages can be worked on without compiling.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::RustEmbed;

/// Nothing from elsewhere, nothing inline, no frame around it.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Shown where the pages were left out of the build.
const EMPTY: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
    <title>Laybook</title><p>The console's pages are not in this build: see src/web.</p></html>";

#[derive(RustEmbed)]
#[folder = "src/web/dist"]
struct Dist;

/// A file as it goes out.
#[derive(Debug, Clone)]
pub struct File {
    /// The bytes, compressed when `gzip`.
    pub body: Bytes,
    /// `Content-Type`.
    pub kind: &'static str,
    /// `ETag`, of the bytes before compression.
    pub tag: String,
    /// `Content-Encoding: gzip`.
    pub gzip: bool,
}

/// Compressed once each; as many as there are files.
#[derive(Debug, Default)]
pub struct Files {
    packed: Mutex<HashMap<String, (String, Bytes)>>,
}

impl Files {
    /// A file by its path below `/console/`; the empty path is the page itself.
    pub fn get(&self, path: &str, accepts_gzip: bool) -> Option<File> {
        let path = if path.is_empty() { "index.html" } else { path };
        let Some(found) = Dist::get(path) else {
            return (path == "index.html").then(|| File {
                body: Bytes::from_static(EMPTY.as_bytes()),
                kind: kind("html"),
                tag: "\"empty\"".to_owned(),
                gzip: false,
            });
        };
        let name = path.rsplit('/').next().unwrap_or_default();
        let kind = kind(name.rsplit('.').next().unwrap_or_default());
        let hash = found.metadata.sha256_hash();
        let tag: String = hash[..12].iter().map(|byte| format!("{byte:02x}")).collect();
        let body = match found.data {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => Bytes::from(bytes),
        };
        let packed = if accepts_gzip { self.packed(path, &tag, &body) } else { None };
        let gzip = packed.is_some();
        let coding = if gzip { "-gzip" } else { "" };
        Some(File { body: packed.unwrap_or(body), kind, tag: format!("\"{tag}{coding}\""), gzip })
    }

    fn packed(&self, path: &str, tag: &str, body: &Bytes) -> Option<Bytes> {
        let mut packed = self.packed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, bytes)) = packed.get(path)
            && of == tag
        {
            return Some(bytes.clone());
        }
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(body).ok()?;
        let bytes = encoder.finish().ok().filter(|bytes| bytes.len() < body.len())?;
        let bytes = Bytes::from(bytes);
        packed.insert(path.to_owned(), (tag.to_owned(), bytes.clone()));
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
        let files = Files::default();
        assert_eq!(files.get("", false).unwrap().kind, "text/html; charset=utf-8");
        for path in ["../package.json", "/etc/passwd", "..%2fCargo.toml", "nothing.js", "a/../../b"]
        {
            assert!(files.get(path, true).is_none(), "{path}");
        }
    }

    #[test]
    fn every_file_has_a_kind_a_tag_and_a_smaller_body_where_that_is_possible() {
        let files = Files::default();
        for path in Dist::iter().filter(|path| !path.starts_with('.')) {
            let (plain, small) =
                (files.get(&path, false).unwrap(), files.get(&path, true).unwrap());
            assert!(small.body.len() <= plain.body.len(), "{path}");
            assert_ne!(plain.kind, "application/octet-stream", "{path}");
            assert_eq!(small.gzip, small.tag != plain.tag, "{path}: one tag, one body");
        }
    }
}
