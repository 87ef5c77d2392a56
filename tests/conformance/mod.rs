//! What a client that knows Betfair's API expects of this one, by the numbers of the conformance list.
//!
//! | file | what is asked |
//! |---|---|
//! | [`accounts`] | the statement, keys, rates, and what there is not |
//! | [`heartbeat`] | the dead man's switch |
//! | [`identity`] | logging in, staying, leaving |
//! | [`navigation`] | the menu |
//! | [`calls`] | envelopes, headers and faults, as JSON-RPC and as REST |
//! | [`lists`] | what there is to bet on, and how much of it may be asked for |
//! | [`books`] | prices and the customer's own in them |
//! | [`orders`] | orders placed, changed and taken back |
//! | [`history`] | lists of orders, current and cleared |
//! | [`extensions`] | what is only sent to who asks for it |
//!
//! A test is named by its number where the list has one. That no answer has a key which is not documented is
//! held by the harness for every test (`harness::keys`).

mod accounts;
mod books;
mod calls;
mod extensions;
mod heartbeat;
mod history;
mod identity;
mod lists;
mod navigation;
mod orders;

use serde_json::Value;

/// The word of a service exception.
fn word(answer: &Result<Value, Value>) -> &str {
    let error = answer.as_ref().expect_err("an exception was expected");
    let data = &error["data"];
    let name = data["exceptionname"].as_str().unwrap_or_else(|| panic!("{error}"));
    data[name]["errorCode"].as_str().expect("a word")
}

/// What it says of the field and the reason.
fn details(answer: &Result<Value, Value>) -> &str {
    let error = answer.as_ref().expect_err("an exception was expected");
    let data = &error["data"];
    let name = data["exceptionname"].as_str().unwrap_or_else(|| panic!("{error}"));
    data[name]["errorDetails"].as_str().expect("a text")
}

/// Error codes of a report: the whole, and each instruction; empty where there is none.
fn codes(report: &Value) -> (&str, Vec<&str>) {
    let lines = report["instructionReports"].as_array().expect("always a list");
    let lines = lines.iter().map(|line| line["errorCode"].as_str().unwrap_or_default());
    (report["errorCode"].as_str().unwrap_or_default(), lines.collect())
}
