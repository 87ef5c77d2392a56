//! A question to a running node's admin listener, for the text commands. One connection a question, no
//! dependency on the node's own HTTP.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::cli::ReachArgs;

const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// The answer to `GET path`; `None`, and said on standard error, when no node answers.
pub fn get(reach: &ReachArgs, path: &str) -> anyhow::Result<Option<Value>> {
    ask(reach, "GET", path, None)
}

/// The answer to `POST path`; `None`, and said on standard error, when no node answers.
pub fn post(reach: &ReachArgs, path: &str, body: &Value) -> anyhow::Result<Option<Value>> {
    ask(reach, "POST", path, Some(body))
}

fn ask(
    reach: &ReachArgs,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> anyhow::Result<Option<Value>> {
    let token = std::fs::read_to_string(&reach.token_file)
        .with_context(|| format!("--token-file {}", reach.token_file.display()))?;
    let Ok(mut stream) = TcpStream::connect(&reach.admin) else {
        writeln!(std::io::stderr(), "laybook: no node answers at {}", reach.admin)?;
        return Ok(None);
    };
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    let (host, token) = (&reach.admin, token.trim());
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n"
    );
    let body = body.map(Value::to_string).unwrap_or_default();
    if method != "GET" {
        head.push_str(&format!(
            "content-type: application/json\r\ncontent-length: {}\r\n",
            body.len()
        ));
    }
    write!(stream, "{head}\r\n{body}")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8(answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("the node's answer has no head")?;
    let status = head.lines().next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    if !status.starts_with('2') {
        bail!("the node answered {}: {body}", head.lines().next().unwrap_or_default());
    }
    Ok(Some(serde_json::from_str(body)?))
}
