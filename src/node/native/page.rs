//! The documents of the native API and the small page to try them, and which addresses are the customers' pages.
//!
//! Plain files inside the program: nothing inline, so that the door's policy lets nothing foreign run, and
//! nothing from elsewhere. What customers see is built from `src/web` ([`crate::pages`]).

use std::sync::OnceLock;

use super::document;

/// A page as it goes out.
pub struct Page {
    /// The bytes.
    pub body: &'static str,
    /// `Content-Type`.
    pub kind: &'static str,
}

const HTML: &str = "text/html; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// Path, text, kind.
const FILES: &[(&str, &str, &str)] = &[
    ("/try", include_str!("page/try.html"), HTML),
    ("/try.js", include_str!("page/try.js"), JAVASCRIPT),
    ("/plain.css", include_str!("page/plain.css"), "text/css; charset=utf-8"),
];

/// There is something at this path.
pub fn is_page(path: &str) -> bool {
    matches!(path, "/openapi.json" | "/asyncapi.json")
        || FILES.iter().any(|(known, ..)| *known == path)
}

/// The file of the customers' pages at this path: theirs are `/account` and where mailed links lead.
pub fn of_account(path: &str) -> Option<&str> {
    match path {
        "/account" | "/account/" | "/confirm" | "/reset" => Some(""),
        _ => path.strip_prefix("/account/"),
    }
}

/// What is at this path.
pub fn get(path: &str) -> Option<Page> {
    static OPENAPI: OnceLock<String> = OnceLock::new();
    static ASYNCAPI: OnceLock<String> = OnceLock::new();
    let json = |body| Some(Page { body, kind: "application/json" });
    match path {
        "/openapi.json" => json(OPENAPI.get_or_init(|| document::openapi().to_string())),
        "/asyncapi.json" => json(ASYNCAPI.get_or_init(|| document::asyncapi().to_string())),
        path => {
            let (_, body, kind) = FILES.iter().find(|(known, ..)| *known == path)?;
            Some(Page { body, kind })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_have_nothing_inline_and_nothing_from_elsewhere() {
        for (path, text, kind) in FILES {
            assert!(is_page(path) && get(path).is_some());
            for foreign in ["http://", "https://", "//cdn", "innerHTML", "eval("] {
                assert!(!text.contains(foreign), "{path} has {foreign}");
            }
            if *kind == HTML {
                assert!(!text.contains("style=") && !text.contains("<style"), "{path}");
                assert!(text.contains("lang=\"en\"") && text.contains("<title>"), "{path}");
                assert!(!text.contains("onclick") && !text.contains("<script>"), "{path}");
            }
        }
        assert!(get("/nothing").is_none());
        assert_eq!((of_account("/confirm"), of_account("/account/a.js")), (Some(""), Some("a.js")));
        assert_eq!((of_account("/accounts"), of_account("/confirm/x")), (None, None));
    }
}
