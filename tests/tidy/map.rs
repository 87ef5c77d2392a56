//! README is the map: it names exactly the rooms there are, and only commands that there are.
//!
//! How it is read: a room is named by its path in backticks (`` `src/node` ``, `` `src/{domain,store}` ``),
//! or in a code block by a line that begins with its name and `/`, indented under the room around it.
//! A command is the word after `laybook` (or after `cargo run … --`) in backticks or in a code block.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::none;
use super::source::{Workspace, name_of};

/// The rooms at the top, each with rooms of its own.
const ROOTS: [&str; 5] = ["src", "actors", "supervision", "tests", "config"];

/// Every folder that the map must name: the five, and those right inside them.
fn rooms(root: &Path) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for top in ROOTS {
        let folder = root.join(top);
        if folder.is_dir() {
            rooms.insert(top.to_owned());
            let inside = fs::read_dir(&folder).expect("a readable folder");
            let inside = inside.map(|entry| entry.expect("a readable folder").path());
            rooms.extend(inside.filter(|path| path.is_dir()).map(|path| name_of(root, &path)));
        }
    }
    rooms.retain(|room| !room.ends_with("__pycache__"));
    rooms
}

/// What a README says: rooms, and commands of `laybook`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    rooms: BTreeSet<String>,
    commands: BTreeSet<String>,
}

fn read(readme: &str) -> Said {
    let mut said = Said::default();
    let mut in_block = false;
    // Rooms around the present line of a block, each with its indentation.
    let mut around: Vec<(usize, String)> = Vec::new();
    for line in readme.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
            around.clear();
        } else if in_block {
            note_commands(line, &mut said);
            note_drawn(line, &mut around, &mut said);
        } else {
            for span in line.split('`').skip(1).step_by(2) {
                note_commands(span, &mut said);
                for room in unfold(span) {
                    note_room(&room, &mut said);
                }
            }
        }
    }
    said
}

/// `src/{a,b}` names two.
fn unfold(span: &str) -> Vec<String> {
    let Some((head, rest)) = span.split_once('{') else { return vec![span.to_owned()] };
    let Some((names, tail)) = rest.split_once('}') else { return vec![span.to_owned()] };
    names.split(',').map(|name| format!("{head}{}{tail}", name.trim())).collect()
}

fn note_room(span: &str, said: &mut Said) {
    let path = span.trim_end_matches('/');
    let top = path.split('/').next().unwrap_or_default();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '/';

    if ROOTS.contains(&top) && path.chars().all(plain) {
        said.rooms.insert(path.to_owned());
    }
}

fn note_drawn(line: &str, around: &mut Vec<(usize, String)>, said: &mut Said) {
    let indent = line.len() - line.trim_start().len();
    let Some(word) = line.split_whitespace().next() else { return };
    let Some(name) = word.strip_suffix('/') else { return };
    around.retain(|(outer, _)| *outer < indent);
    let path = match around.last() {
        Some((_, outer)) => format!("{outer}/{name}"),
        None => name.to_owned(),
    };
    note_room(&path, said);
    around.push((indent, path));
}

fn note_commands(text: &str, said: &mut Said) {
    let words: Vec<&str> = text.split_whitespace().collect();
    for pair in words.windows(2) {
        let runs = pair[0] == "laybook"
            || pair[0].ends_with("/laybook")
            || (pair[0] == "--" && text.contains("cargo run"));
        let command = pair[1].trim_end_matches([',', ';', '.', ')']);
        let plain = command.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        if runs && plain && !command.is_empty() && !command.starts_with('-') {
            said.commands.insert(command.to_owned());
        }
    }
}

fn differences(said: &BTreeSet<String>, rooms: &BTreeSet<String>, root: &Path) -> Vec<String> {
    let unsaid = rooms.difference(said).map(|room| format!("README does not name `{room}`"));
    let gone = said.iter().filter(|room| !root.join(room).exists());
    let gone = gone.map(|room| format!("README names `{room}`, which is not there"));
    unsaid.chain(gone).collect()
}

fn is_command(command: &str) -> bool {
    let mut laybook = Command::new(env!("CARGO_BIN_EXE_laybook"));
    let output = laybook.args([command, "--help"]).output().expect("the binary under test runs");
    output.status.success()
}

#[test]
fn a_map_is_read_as_people_read_it() {
    let readme = "Run `laybook demo`, see `src/node` and `src/{domain,store}/`.\n\
        ```\ncargo run --release -- serve --data D\n./target/release/laybook verify DIR\n\
        actors/          who\n  market/        one\nconfig/\n```\nA bet is `a/b`; `laybook --help`.";
    let said = read(readme);
    let rooms = ["actors", "actors/market", "config", "src/domain", "src/node", "src/store"];
    assert_eq!(said.rooms, rooms.map(str::to_owned).into());
    assert_eq!(said.commands, ["demo", "serve", "verify"].map(str::to_owned).into());
}

#[test]
fn the_readme_names_exactly_the_rooms_there_are() {
    let workspace = Workspace::get();
    let rooms = rooms(&workspace.root);
    assert!(rooms.contains("src/domain") && rooms.contains("actors/market"), "{rooms:?}");
    let mut planted = rooms.clone();
    planted.remove("src/domain");
    assert_eq!(differences(&planted, &rooms, &workspace.root).len(), 1);
    planted = rooms.clone();
    planted.insert("src/nowhere".to_owned());
    assert_eq!(differences(&planted, &rooms, &workspace.root).len(), 1);

    let readme = workspace.text("README.md").expect("README.md is the map, and it is missing");
    none(differences(&read(&readme).rooms, &rooms, &workspace.root));
}

#[test]
fn the_readme_names_only_commands_that_there_are() {
    assert!(!is_command("no-such-command"), "any word passes");
    let readme =
        Workspace::get().text("README.md").expect("README.md is the map, and it is missing");
    let said = read(&readme).commands;
    assert!(!said.is_empty(), "README tells nobody what to run");
    let wrong = said.into_iter().filter(|command| !is_command(command));
    none(
        wrong
            .map(|command| format!("README says `laybook {command}`, which is no command"))
            .collect(),
    );
}
