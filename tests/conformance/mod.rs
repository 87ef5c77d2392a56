//! What a client that knows Betfair's API expects of this one, by the numbers of the conformance list.
//!
//! | file | what is asked |
//! |---|---|
//! | [`accounts`] | the statement, keys, rates, and what there is not |
//! | [`heartbeat`] | the dead man's switch |
//! | [`identity`] | logging in, staying, leaving |
//! | [`navigation`] | the menu |

mod accounts;
mod heartbeat;
mod identity;
mod navigation;

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
