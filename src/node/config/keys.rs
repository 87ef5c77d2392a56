//! The table of keys: what may be set, what it is when nobody sets it, and what it is for.
//!
//! Owns     nothing but the words. Whether a value will do is `config`'s to say.

/// Every key with its default and what it is for.
pub(super) const KEYS: &[(&str, &str, &str)] = &[
    ("http.listen", "127.0.0.1:8080", "pages, the Betfair-compatible API, the native API"),
    ("admin.listen", "127.0.0.1:8081", "console, operator API, /metrics, /livez, /readyz"),
    ("stream.listen", "127.0.0.1:8443", "the Exchange Stream API over TLS, or off"),
    ("stream.certificate", "", "PEM file of its chain; without one the node makes its own"),
    ("stream.key", "", "PEM file of the certificate's key"),
    ("stream_plain.listen", "off", "the Exchange Stream API over plain TCP, or off"),
    ("data.directory", "laybook-data", "journal and everything that can be rebuilt from it"),
    (
        "clock.source",
        "system",
        "system, or manual: moved by the operator API, for tests and replays",
    ),
    (
        "api.extensions",
        "",
        "what an application is always sent beyond the documented keys: KEY=replay+bet-id, OTHER=...",
    ),
    ("limits.profile", "open", "open, or betfair: the real limits, to rehearse them"),
    ("limits.orders_per_market", "1000000", "unmatched orders of one market"),
    ("limits.data_weight", "off", "weight of the markets of one query, or off; 200 in betfair"),
    ("limits.catalogue_results", "1000", "markets of one list from the catalogue"),
    ("limits.ids", "250", "bet ids and market ids of one list of orders, together"),
    ("limits.place_instructions", "200", "orders of one placement"),
    ("limits.change_instructions", "60", "orders of one cancel, replace or update"),
    (
        "limits.concurrent_queries",
        "off",
        "queries of one account's orders in flight, or off; 3 in betfair",
    ),
    (
        "limits.instructions_per_second",
        "off",
        "orders placed or changed by one account in a second, or off; 1000 in betfair",
    ),
    ("limits.logins_per_minute", "off", "good logins of one user, or off; 100 in betfair"),
    ("limits.login_ban_ms", "1200000", "how long a user who logs in more often is kept out"),
    ("limits.stream_markets", "10000", "markets of one stream subscription; 200 in betfair"),
    ("limits.stream_connections", "10000", "stream connections of one account; 10 in betfair"),
    ("journal.segment_bytes", "67108864", "size of a journal file, a multiple of 512"),
    (
        "journal.snapshot_after_bytes",
        "131072",
        "records of an account or market after which its state is written down, to come back faster",
    ),
    (
        "journal.checkpoint_after_records",
        "4000000",
        "records after which everything is written down, and older journal files may go",
    ),
    (
        "recovery.resume_suspended_after_ms",
        "10000",
        "after a longer outage markets in play come back suspended",
    ),
    (
        "entities.idle_after_ms",
        "60000",
        "accounts and markets without mail for so long sleep until somebody writes to them",
    ),
    (
        "sessions.lifetime_ms",
        "43200000",
        "a login lasts so long, and so long again from each keepAlive",
    ),
    ("timeouts.header_ms", "5000", "for a request's head"),
    ("timeouts.body_ms", "10000", "for a request's body"),
    ("timeouts.idle_ms", "240000", "of a connection without a request"),
    ("timeouts.drain_ms", "10000", "for requests in flight when the node stops"),
    ("caps.connections", "20000", "connections of one listener"),
    ("caps.connections_per_address", "10000", "connections of one listener from one address"),
    ("caps.head_bytes", "32768", "bytes of a request's line and headers"),
    ("caps.url_bytes", "8192", "bytes of a request's path and query"),
    ("log.format", "auto", "pretty, json, or auto: pretty on a terminal"),
    ("log.filter", "info", "tracing directives, such as info,laybook::door=debug"),
];
