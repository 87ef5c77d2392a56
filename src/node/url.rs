//! URLs of others that the settings name: checked before anything is asked of them.

use warp::http::Uri;

/// An absolute URL of http or https, without anything that a settings file should not hold: no name and password.
pub fn read(url: &str) -> Result<Uri, String> {
    let uri: Uri = url.parse().map_err(|error| format!("is not a URL: {error}"))?;
    let authority = uri.authority().map(warp::http::uri::Authority::as_str).unwrap_or_default();
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err("is not a URL of http or https".to_owned());
    }
    if uri.host().is_none_or(str::is_empty) || uri.port_u16() == Some(0) {
        return Err("has no host, or no port that anybody listens on".to_owned());
    }
    match authority.contains('@') {
        true => Err("holds a name or password, which would stand in logs".to_owned()),
        false => Ok(uri),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_absolute_of_the_web_and_hold_no_secret() {
        for good in ["http://127.0.0.1:4318", "https://example.org/a.csv?b=1", "http://[::1]:1/x"] {
            assert!(read(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "a",
            "/a",
            "a:1",
            "ftp://a/b",
            "http://",
            "http:///a",
            "http://a b",
            "http://a:0",
            "https://a:b@c",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
