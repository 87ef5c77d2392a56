//! `laybook tree`: the supervision tree of a running node, as the operator API shows it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::cli::{Exit, TreeArgs};

const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// Asks the node and draws what it says.
pub fn run(args: &TreeArgs) -> anyhow::Result<Exit> {
    let token = std::fs::read_to_string(&args.token_file)
        .with_context(|| format!("--token-file {}", args.token_file.display()))?;
    let Ok(stream) = TcpStream::connect(&args.admin) else {
        writeln!(std::io::stderr(), "laybook: no node answers at {}", args.admin)?;
        return Ok(Exit::Unreachable);
    };
    let tree = get(stream, &args.admin, "/v1/operator/tree", token.trim())?;
    let mut out = std::io::stdout();
    if args.json {
        writeln!(out, "{tree:#}")?;
    } else {
        draw(&mut out, &tree, "", "")?;
    }
    Ok(Exit::Done)
}

fn get(mut stream: TcpStream, host: &str, path: &str, token: &str) -> anyhow::Result<Value> {
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8(answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("the node's answer has no head")?;
    if !head.starts_with("HTTP/1.1 200") {
        bail!("the node answered {}: {body}", head.lines().next().unwrap_or_default());
    }
    Ok(serde_json::from_str(body)?)
}

/// One line an actor, its children below it.
fn draw(out: &mut impl Write, line: &Value, mark: &str, indent: &str) -> std::io::Result<()> {
    let text = |key: &str| line[key].as_str().unwrap_or_default();
    let what = match line["strategy"].as_str() {
        Some(strategy) => strategy.to_owned(),
        None => text("kind").to_owned(),
    };
    write!(out, "{mark}{}  {what}", text("id"))?;
    if text("status") != "Running" {
        write!(out, "  {}", text("status"))?;
    }
    for (key, word) in
        [("restarts", "restarts"), ("mailbox", "in mailbox"), ("hidden", "not shown")]
    {
        if let Some(count) = line[key].as_u64().filter(|count| *count > 0) {
            write!(out, "  {count} {word}")?;
        }
    }
    writeln!(out)?;
    let children = line["children"].as_array().map_or(&[][..], Vec::as_slice);
    for (at, child) in children.iter().enumerate() {
        let last = at + 1 == children.len();
        let (mark, below) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        draw(out, child, &format!("{indent}{mark}"), &format!("{indent}{below}"))?;
    }
    Ok(())
}
