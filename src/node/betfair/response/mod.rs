//! What operations answer, with exactly the documented keys: real clients refuse unknown ones, and some
//! crash on a missing list. Nulls are left out; numbers are JSON numbers from integers.

pub mod account;
pub mod apps;
pub mod book;
pub mod catalogue;
pub mod orders;
pub mod profit;
pub mod report;
pub mod statement;

#[cfg(test)]
fn check(value: &impl serde::Serialize, expect: &str) {
    let written = serde_json::to_string(value).unwrap();
    assert_eq!(written, expect.replace("\n", "").replace("    ", ""));
}
