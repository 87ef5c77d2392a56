//! `laybook link`: a link that signs one browser in to a running node's console, once.

use std::io::Write;

use anyhow::Context as _;
use serde_json::json;

use crate::cli::{Exit, LinkArgs, RoleArg};
use crate::node_client;

/// Asks the node for a link and prints it.
pub fn run(args: &LinkArgs) -> anyhow::Result<Exit> {
    let role = match args.role {
        RoleArg::Viewer => "viewer",
        RoleArg::Operator => "operator",
        RoleArg::Admin => "admin",
    };
    let asked = json!({ "name": args.name, "role": role });
    let Some(link) = node_client::post(&args.reach, "/v1/operator/links", &asked)? else {
        return Ok(Exit::Unreachable);
    };
    let url = link["url"].as_str().context("the node's answer has no link")?;
    writeln!(std::io::stdout(), "{url}")?;
    Ok(Exit::Done)
}
