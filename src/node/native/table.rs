//! The table of the native API: every path, who may use it, what it takes and what it gives.
//!
//! Owns     the single truth: requests are found, admitted and read by it, and the documents are written
//!          from it, so that neither can say what the other does not.

mod football;

use serde_json::Value;

use super::schema::{Field, Kind, maybe, needed};
use crate::form;

/// What a route does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is explained by its route's summary below")]
pub enum Operation {
    SignUp,
    RenewSignUp,
    Confirm,
    LogIn,
    LogOut,
    ForgotPassword,
    ResetPassword,
    ChangePassword,
    Sessions,
    EndSession,
    Account,
    ChangeMail,
    Deposit,
    Statement,
    StatementCsv,
    Limits,
    SetLimit,
    Exclusion,
    Exclude,
    ApiKeys,
    CreateApiKey,
    RevokeApiKey,
    Markets,
    Market,
    Book,
    Orders,
    PlaceOrder,
    CancelOrders,
    TellFixtures,
    TellResults,
    TellEvents,
    TellQuotes,
    PricedMatches,
    PricedMatch,
    PricedMarket,
    PricedFrom,
    ToldOfMatch,
    Competitions,
    Ratings,
    RatingsHistory,
    PricingPerformance,
}

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Anyone,
    /// Who logged in with the password; no API key.
    Person,
    /// Who logged in, or an API key with the scope `read`.
    Read,
    /// Who logged in, or an API key with the scope `bet`.
    Bet,
    /// Who logged in, or an API key with the scope `account`.
    Manage,
    /// Who has an operator's token for providers, as a bearer or in `X-Api-Key`.
    Provider,
}

/// A body that is a list of objects, for the routes whose objects are more than fields: they read it themselves.
#[derive(Debug, Clone, Copy)]
pub struct List {
    /// Objects in it.
    pub most: usize,
    /// One of them, as the documents say it.
    pub of: fn() -> Value,
}

/// One row.
#[derive(Debug)]
pub struct Route {
    /// `GET`, `POST`, ...
    pub method: &'static str,
    /// With `{names}` for its variable parts.
    pub path: &'static str,
    /// What is done.
    pub operation: Operation,
    /// For people, one sentence.
    pub summary: &'static str,
    /// Who may.
    pub access: Access,
    /// Of the body.
    pub body: &'static [Field],
    /// The body, where it is a list instead.
    pub list: Option<List>,
    /// Of the query.
    pub query: &'static [Field],
    /// The status when it went well.
    pub status: u16,
    /// Name of the answer's shape in the documents; empty when there is none.
    pub answer: &'static str,
    /// Other statuses that it answers on purpose, beside 400, 401, 403, 415, 429 and 503.
    pub refusals: &'static [u16],
    /// Takes an `Idempotency-Key`.
    pub keyed: bool,
}

/// A secret may be so long; a longer one is refused before it is hashed.
const SECRET: Kind = Kind::Secret(128);
const EMAIL: Field = needed("email", Kind::Text(254), "a mail address");
const LIMITS: &[&str] = &["deposit", "loss"];
const WINDOWS: &[&str] = &["day", "week", "month"];
/// The scopes of an API key.
pub const SCOPES: &[&str] = &["read", "bet", "account"];
const MONEY_MAX: i64 = 10_000_000_000;

/// A row of most common kind.
const ROW: Route = Route {
    method: "GET",
    path: "",
    operation: Operation::Account,
    summary: "",
    access: Access::Read,
    body: &[],
    list: None,
    query: &[],
    status: 200,
    answer: "",
    refusals: &[],
    keyed: false,
};

/// Every path below `/v1` that speaks JSON.
pub fn routes() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().chain(football::ROUTES)
}

/// Those of people and their bets.
const ROUTES: &[Route] = &[
    Route {
        method: "POST",
        path: "/v1/sign-up",
        operation: Operation::SignUp,
        summary: "Asks for an account; a link to confirm it is mailed, and is good for 15 minutes, once",
        access: Access::Anyone,
        body: &[
            needed("username", Kind::Text(64), "letters, digits and . _ -"),
            EMAIL,
            needed("password", SECRET, "8 to 128 bytes"),
        ],
        status: 202,
        refusals: &[409],
        ..ROW
    },
    Route {
        method: "POST",
        path: "/v1/sign-up/again",
        operation: Operation::RenewSignUp,
        summary: "Mails the link of a sign-up once more; says the same whoever has the address",
        access: Access::Anyone,
        body: &[EMAIL],
        status: 202,
        ..ROW
    },
    Route {
        method: "POST",
        path: "/v1/sign-up/confirm",
        operation: Operation::Confirm,
        summary: "Follows the mailed link: from now on the account is there",
        access: Access::Anyone,
        body: &[needed("token", SECRET, "what stands behind the link's #")],
        status: 201,
        answer: "Confirmed",
        refusals: &[410],
        ..ROW
    },
    Route {
        method: "POST",
        path: "/v1/login",
        operation: Operation::LogIn,
        summary: "Opens a session: a token to send as a bearer, and the same as a cookie for browsers",
        access: Access::Anyone,
        body: &[
            needed("username", Kind::Text(128), "as signed up"),
            needed("password", SECRET, "as signed up"),
        ],
        answer: "LoggedIn",
        ..ROW
    },
    Route {
        method: "POST",
        path: "/v1/logout",
        operation: Operation::LogOut,
        summary: "Ends the session that asks",
        access: Access::Person,
        status: 204,
        ..ROW
    },
    Route {
        method: "POST",
        path: "/v1/password/forgotten",
        operation: Operation::ForgotPassword,
        summary: "Mails a link to a new password; says the same whoever has the address",
        access: Access::Anyone,
        body: &[EMAIL],
        status: 202,
        ..ROW
    },
    Route {
        method: "POST",
        path: "/v1/password/reset",
        operation: Operation::ResetPassword,
        summary: "Follows the mailed link: chooses a new password, and ends every session",
        access: Access::Anyone,
        body: &[
            needed("token", SECRET, "what stands behind the link's #"),
            needed("password", SECRET, "8 to 128 bytes"),
        ],
        status: 204,
        refusals: &[410],
        ..ROW
    },
    Route {
        method: "POST",
        path: "/v1/password",
        operation: Operation::ChangePassword,
        summary: "Chooses a new password, and ends every other session",
        access: Access::Person,
        body: &[
            needed("current", SECRET, "the password until now"),
            needed("password", SECRET, "8 to 128 bytes"),
        ],
        status: 204,
        ..ROW
    },
    Route {
        path: "/v1/sessions",
        operation: Operation::Sessions,
        summary: "Where the customer is logged in",
        access: Access::Person,
        answer: "Sessions",
        ..ROW
    },
    Route {
        method: "DELETE",
        path: "/v1/sessions/{id}",
        operation: Operation::EndSession,
        summary: "Ends one of the customer's sessions",
        access: Access::Person,
        status: 204,
        refusals: &[404],
        ..ROW
    },
    Route {
        path: "/v1/account",
        operation: Operation::Account,
        summary: "Who the customer is, and their money now",
        answer: "Account",
        ..ROW
    },
    Route {
        method: "PATCH",
        path: "/v1/account",
        operation: Operation::ChangeMail,
        summary: "Whether the customer is mailed at every change of a bet",
        access: Access::Manage,
        body: &[needed("mailAboutBets", Kind::Truth, "mail at every change of a bet")],
        status: 204,
        ..ROW
    },
    Route {
        method: "POST",
        path: "/v1/account/deposit",
        operation: Operation::Deposit,
        summary: "Pays in play money, where the node allows it",
        access: Access::Manage,
        body: &[needed("amount", Kind::Amount(1, MONEY_MAX), "pounds")],
        answer: "Funds",
        refusals: &[404, 409, 422, 504],
        keyed: true,
        ..ROW
    },
    Route {
        path: "/v1/account/statement",
        operation: Operation::Statement,
        summary: "What moved the balance, the newest first",
        query: STATEMENT,
        answer: "Statement",
        ..ROW
    },
    Route {
        path: "/v1/account/statement.csv",
        operation: Operation::StatementCsv,
        summary: "The same as a table for spreadsheets, up to 10,000 lines",
        query: &[
            maybe("from", Kind::Time, "not before"),
            maybe("to", Kind::Time, "not after"),
            maybe("kind", Kind::Word(STATEMENT_KINDS), "which lines"),
        ],
        answer: "text/csv",
        ..ROW
    },
    Route {
        path: "/v1/account/limits",
        operation: Operation::Limits,
        summary: "What the customer has limited themself to, and what of it is used",
        answer: "Limits",
        ..ROW
    },
    Route {
        method: "PUT",
        path: "/v1/account/limits",
        operation: Operation::SetLimit,
        summary: "Sets one limit: a lower one holds at once, a higher one or none after 24 hours",
        access: Access::Manage,
        body: &[
            needed("kind", Kind::Word(LIMITS), "what is limited; both gross"),
            needed("window", Kind::Word(WINDOWS), "24 hours, 7 or 30 days back from any moment"),
            maybe("amount", Kind::Amount(0, MONEY_MAX), "pounds; left out, there is no limit"),
        ],
        answer: "Limits",
        refusals: &[409, 422, 504],
        keyed: true,
        ..ROW
    },
    Route {
        path: "/v1/account/exclusion",
        operation: Operation::Exclusion,
        summary: "Whether the customer has excluded themself, and until when",
        answer: "Exclusion",
        ..ROW
    },
    Route {
        method: "POST",
        path: "/v1/account/exclusion",
        operation: Operation::Exclude,
        summary: "Excludes the customer: open orders are cancelled at once, matched bets stand, and there \
                  are no bets and no deposits until it ends; it can be made longer, never shorter",
        access: Access::Person,
        body: &[maybe("days", Kind::Whole(1, 1_826), "left out, it is for good")],
        answer: "Exclusion",
        refusals: &[409, 422, 504],
        keyed: true,
        ..ROW
    },
    Route {
        path: "/v1/api-keys",
        operation: Operation::ApiKeys,
        summary: "The customer's API keys",
        access: Access::Person,
        answer: "ApiKeys",
        ..ROW
    },
    Route {
        method: "POST",
        path: "/v1/api-keys",
        operation: Operation::CreateApiKey,
        summary: "Makes a key for a program; it is shown this once",
        access: Access::Person,
        body: &[
            needed("name", Kind::Text(100), "to tell it from others"),
            needed("scopes", Kind::Words(SCOPES), "what it may be used for"),
            maybe("expires", Kind::Time, "left out, never"),
        ],
        status: 201,
        answer: "NewApiKey",
        refusals: &[409],
        ..ROW
    },
    Route {
        method: "DELETE",
        path: "/v1/api-keys/{id}",
        operation: Operation::RevokeApiKey,
        summary: "Revokes a key at once",
        access: Access::Person,
        status: 204,
        refusals: &[404],
        ..ROW
    },
    Route {
        path: "/v1/markets",
        operation: Operation::Markets,
        summary: "What there is to bet on, the first to start first",
        access: Access::Anyone,
        query: &[
            maybe("text", Kind::Text(250), "words of the event's name"),
            maybe("inPlay", Kind::Truth, "only those in play, or only the others"),
            maybe("count", Kind::Whole(1, 200), "50 when left out"),
        ],
        answer: "Markets",
        ..ROW
    },
    Route {
        path: "/v1/markets/{id}",
        operation: Operation::Market,
        summary: "One market and its runners",
        access: Access::Anyone,
        answer: "Market",
        refusals: &[404],
        ..ROW
    },
    Route {
        path: "/v1/markets/{id}/book",
        operation: Operation::Book,
        summary: "The best prices of each runner",
        access: Access::Anyone,
        query: &[maybe("depth", Kind::Whole(1, 350), "prices a side; 3 when left out")],
        answer: "Book",
        refusals: &[404],
        ..ROW
    },
    Route {
        path: "/v1/account/orders",
        operation: Operation::Orders,
        summary: "The customer's orders in markets that are not settled, the newest first",
        query: &[
            maybe("marketId", Kind::Text(24), "only of this market"),
            maybe("open", Kind::Truth, "only those of which something can still be matched"),
            maybe("skip", Kind::Whole(0, 1_000_000), "so many of the newest"),
            maybe("count", Kind::Whole(1, 1_000), "100 when left out"),
        ],
        answer: "Orders",
        ..ROW
    },
    Route {
        method: "POST",
        path: "/v1/markets/{id}/orders",
        operation: Operation::PlaceOrder,
        summary: "Places an order",
        access: Access::Bet,
        body: &[
            needed("selectionId", Kind::Whole(1, i64::MAX), "the runner"),
            maybe("handicap", Kind::Price(0, 100_000), "of the runner, where it has one"),
            needed("side", Kind::Word(&["back", "lay"]), "for or against it"),
            needed("price", Kind::Price(101, 100_000), "decimal odds, 1.01 to 1000"),
            needed("size", Kind::Amount(1, MONEY_MAX), "the backer's stake, pounds"),
            maybe(
                "persistence",
                Kind::Word(&["lapse", "persist"]),
                "when the market turns in play",
            ),
        ],
        status: 201,
        answer: "Placed",
        refusals: &[402, 404, 409, 422, 504],
        keyed: true,
        ..ROW
    },
    Route {
        method: "POST",
        path: "/v1/markets/{id}/cancel",
        operation: Operation::CancelOrders,
        summary: "Cancels an order, or all of the customer's in the market",
        access: Access::Bet,
        body: &[maybe("betId", Kind::Whole(1, i64::MAX), "left out, all of them")],
        answer: "Cancelled",
        refusals: &[404, 409, 504],
        ..ROW
    },
];

const STATEMENT_KINDS: &[&str] = &["all", "payments", "bets"];
const STATEMENT: &[Field] = &[
    maybe("from", Kind::Time, "not before"),
    maybe("to", Kind::Time, "not after"),
    maybe("kind", Kind::Word(STATEMENT_KINDS), "which lines"),
    maybe("skip", Kind::Whole(0, 1_000_000), "so many of the newest"),
    maybe("count", Kind::Whole(1, 100), "100 when left out"),
];

/// What the table says of a request.
pub enum Found {
    /// The route, and what stands for its names.
    Route(&'static Route, Vec<String>),
    /// The path is there; these are its methods.
    Methods(Vec<&'static str>),
    /// There is no such path.
    Nothing,
}

/// Looks a request up.
pub fn find(method: &str, path: &str) -> Found {
    let mut methods = Vec::new();
    for route in routes() {
        let Some(names) = matched(route.path, path) else { continue };
        if route.method == method {
            return Found::Route(route, names);
        }
        methods.push(route.method);
    }
    if methods.is_empty() { Found::Nothing } else { Found::Methods(methods) }
}

fn matched(pattern: &str, path: &str) -> Option<Vec<String>> {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    let mut names = Vec::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(names),
            (Some(wanted), Some(given)) if wanted.starts_with('{') && !given.is_empty() => {
                names.push(unescaped(given)?);
            }
            (Some(wanted), Some(given)) if wanted == given => {}
            _ => return None,
        }
    }
}

/// A part of a path as it was meant: `Premier%20League`. A plus is a plus there.
fn unescaped(part: &str) -> Option<String> {
    form::decoded(part.replace('+', "%2B").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_route_is_found_once_and_does_something_of_its_own() {
        let mut operations = HashSet::new();
        for route in routes() {
            let path = route.path.replace(['{', '}'], "");
            let Found::Route(found, _) = find(route.method, &path) else {
                panic!("{} is not found", route.path)
            };
            assert_eq!(found.operation, route.operation, "{}", route.path);
            assert!(operations.insert(route.operation), "{:?} twice", route.operation);
            assert!(route.method == "GET" || route.query.is_empty());
            assert!(route.method != "GET" || (route.body.is_empty() && !route.keyed));
            assert!(route.list.is_none() || (route.body.is_empty() && !route.keyed));
        }
    }

    #[test]
    fn what_is_not_in_the_table_is_not_there() {
        for path in ["/v1", "/v1/", "/v1/account/", "/v1/sessions//", "/v1/operator/users", "/v1/x"]
        {
            assert!(matches!(find("GET", path), Found::Nothing), "{path}");
        }
        let Found::Route(_, names) = find("GET", "/v1/pricing/ratings/Premier%20League+") else {
            panic!("no such path")
        };
        assert_eq!(names, ["Premier League+"]);
        assert!(matches!(find("GET", "/v1/pricing/ratings/%ff"), Found::Nothing));
        let Found::Methods(methods) = find("DELETE", "/v1/account") else { panic!("no such path") };
        assert_eq!(methods, ["GET", "PATCH"]);
    }
}
