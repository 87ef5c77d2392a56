//! `laybook tree`: the supervision tree of a running node, as the operator API shows it.

use std::io::Write;

use serde_json::Value;

use crate::cli::{Exit, TreeArgs};
use crate::node_client;

/// Asks the node and draws what it says.
pub fn run(args: &TreeArgs) -> anyhow::Result<Exit> {
    let Some(tree) = node_client::get(&args.reach, "/v1/operator/tree")? else {
        return Ok(Exit::Unreachable);
    };
    let mut out = std::io::stdout();
    if args.json {
        writeln!(out, "{tree:#}")?;
    } else if args.dot {
        graph(&mut out, &tree)?;
    } else {
        draw(&mut out, &tree, "", "")?;
    }
    Ok(Exit::Done)
}

/// One line an actor, its children below it.
fn draw(out: &mut impl Write, line: &Value, mark: &str, indent: &str) -> std::io::Result<()> {
    let text = |key: &str| line[key].as_str().unwrap_or_default();
    let what = match line["strategy"].as_str() {
        Some(strategy) => strategy.to_owned(),
        None => text("kind").to_owned(),
    };
    write!(out, "{mark}{}  {what}", text("id"))?;
    if text("status") != "running" {
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

/// The tree in Graphviz's words.
fn graph(out: &mut impl Write, tree: &Value) -> std::io::Result<()> {
    writeln!(out, "digraph laybook {{\n  rankdir=LR;\n  node [shape=box];")?;
    edges(out, tree)?;
    writeln!(out, "}}")
}

fn edges(out: &mut impl Write, line: &Value) -> std::io::Result<()> {
    let text = |line: &Value, key: &str| {
        let text = line[key].as_str().unwrap_or_default();
        text.replace('\\', "\\\\").replace('"', "\\\"")
    };
    let id = text(line, "id");
    let shape = if line["strategy"].is_string() { "ellipse" } else { "box" };
    let (what, status) = (text(line, "kind"), text(line, "status"));
    writeln!(out, "  \"{id}\" [shape={shape}, tooltip=\"{what}, {status}\"];")?;
    for child in line["children"].as_array().map_or(&[][..], Vec::as_slice) {
        writeln!(out, "  \"{id}\" -> \"{}\";", text(child, "id"))?;
        edges(out, child)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_graph_names_everybody_once_and_every_edge() {
        let leaf = |id: &str| json!({ "id": id, "kind": "market", "status": "running" });
        let tree = json!({ "id": "top", "kind": "supervisor", "strategy": "dynamic",
            "status": "running", "children": [leaf("a"), leaf("b \"c\"")] });
        let mut out = Vec::new();
        graph(&mut out, &tree).unwrap();
        let dot = String::from_utf8(out).unwrap();
        assert!(dot.starts_with("digraph laybook {") && dot.ends_with("}\n"), "{dot}");
        assert_eq!(dot.matches("->").count(), 2);
        assert!(dot.contains(r#""top" -> "b \"c\"";"#), "{dot}");
    }
}
