//! The workspace as the rules see it: every Rust file, how it is reached, and its text in three masks.
//!
//! Owns the reading. Knows Rust only as far as comments, texts, brackets and `mod` lines; judges nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use super::mask::{Masks, blank_tests, mask};

/// One Rust file.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// From the root of the workspace, with `/`.
    pub(crate) path: String,
    /// As it stands.
    pub(crate) text: String,
    /// Comments, the insides of texts and what is compiled only for tests are blank. As long as `text`, byte by
    /// byte, as is `spoken`.
    pub(crate) product: String,
    /// Comments, and what is compiled only for tests, are blank; texts stand.
    pub(crate) spoken: String,
}

impl Source {
    /// A file that is not there: the sample a rule must complain of, or must let pass.
    pub(crate) fn sample(path: &str, text: &str) -> Source {
        Source::new(path.to_owned(), text.to_owned(), false)
    }

    fn new(path: String, text: String, only_for_tests: bool) -> Source {
        let Masks { code, spoken } = mask(&text);
        let (product, spoken) = match only_for_tests {
            true => (blank(&code), blank(&spoken)),
            false => blank_tests(&code, &spoken),
        };
        Source { path, text, product, spoken }
    }

    /// The number of the line that holds this byte.
    pub(crate) fn line(&self, at: usize) -> usize {
        1 + self.text[..at].bytes().filter(|byte| *byte == b'\n').count()
    }

    /// What a rule says of a place in this file.
    pub(crate) fn complain(&self, at: usize, what: &str) -> String {
        format!("{}:{}: {what}", self.path, self.line(at))
    }
}

fn blank(text: &str) -> String {
    text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect()
}

/// Where `word` stands in `code` with no letter, digit or `_` beside it.
pub(crate) fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let part = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let bytes = code.as_bytes();
    code.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        !part(before) && !part(bytes.get(at + word.len()))
    })
}

/// All that the rules look at.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    /// Every file that a crate root leads to.
    pub(crate) sources: Vec<Source>,
    /// Every Rust file in the folders.
    pub(crate) files: Vec<String>,
    /// `mod` lines that lead nowhere.
    pub(crate) broken: Vec<String>,
    /// (package, its dependency, only for its tests)
    pub(crate) dependencies: Vec<(String, String, bool)>,
}

impl Workspace {
    /// Read once for all rules.
    pub(crate) fn get() -> &'static Workspace {
        static READ: OnceLock<Workspace> = OnceLock::new();
        READ.get_or_init(Workspace::read)
    }

    fn read() -> Workspace {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let metadata = metadata(&root);
        let packages = metadata["packages"].as_array().expect("a list of packages");
        let mut dependencies = Vec::new();
        let mut reached = BTreeMap::new();
        let mut broken = Vec::new();
        for package in packages {
            let name = |it: &Value| it["name"].as_str().expect("a name").to_owned();
            for dependency in package["dependencies"].as_array().expect("a list") {
                dependencies.push((name(package), name(dependency), dependency["kind"] == "dev"));
            }
            for target in package["targets"].as_array().expect("a list of targets") {
                let file = PathBuf::from(target["src_path"].as_str().expect("a path"));
                walk(&root, &file, true, is_test(target), &mut reached, &mut broken);
            }
        }
        let mut files = Vec::new();
        rust_files(&root, &root, &mut files);
        let source = |(path, (text, only_for_tests))| Source::new(path, text, only_for_tests);
        let sources = reached.into_iter().map(source).collect();
        Workspace { root, sources, files, broken, dependencies }
    }

    /// A file of the workspace as text.
    pub(crate) fn text(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.root.join(path)).ok()
    }
}

fn metadata(root: &Path) -> Value {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root)
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON")
}

fn is_test(target: &Value) -> bool {
    target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "test"))
}

type Reached = BTreeMap<String, (String, bool)>;

/// Follows the `mod` lines of one file. A file that is reached both ways is not only for tests.
fn walk(
    root: &Path,
    file: &Path,
    owns_folder: bool,
    only_for_tests: bool,
    reached: &mut Reached,
    broken: &mut Vec<String>,
) {
    let path = name_of(root, file);
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{path}: {error}"));
    let code = mask(&text).code;
    let known = reached.entry(path.clone()).or_insert((text, true));
    known.1 &= only_for_tests;
    let parent = file.parent().expect("a file is in a folder");
    let folder = match owns_folder {
        true => parent.to_owned(),
        false => parent.join(file.file_stem().expect("a file has a name")),
    };
    for (name, in_test) in module_lines(&code) {
        let flat = folder.join(format!("{name}.rs"));
        let nested = folder.join(&name).join("mod.rs");
        let only_for_tests = only_for_tests || in_test;
        if flat.is_file() {
            walk(root, &flat, false, only_for_tests, reached, broken);
        } else if nested.is_file() {
            walk(root, &nested, true, only_for_tests, reached, broken);
        } else {
            broken.push(format!("{path}: mod {name}; leads to no file"));
        }
    }
}

/// Names of `mod x;` lines, and whether each is only for tests.
pub(crate) fn module_lines(code: &str) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    for at in words(code, "mod") {
        let rest = code[at + 3..].trim_start();
        let name: String =
            rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        if !name.is_empty() && rest[name.len()..].trim_start().starts_with(';') {
            let before = code[..at].rfind([';', '{', '}']).map_or(0, |end| end + 1);
            let attributes = &code[before..at];
            let in_test = attributes.contains("cfg(test)") || attributes.contains("cfg(all(test");
            found.push((name, in_test));
        }
    }
    found
}

fn rust_files(root: &Path, folder: &Path, files: &mut Vec<String>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    for entry in entries {
        let path = entry.expect("a readable folder").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" && name != "node_modules" {
                rust_files(root, &path, files);
            }
        } else if path.extension().is_some_and(|it| it == "rs") {
            files.push(name_of(root, &path));
        }
    }
    files.sort();
}

pub(crate) fn name_of(root: &Path, file: &Path) -> String {
    let inside = file.strip_prefix(root).unwrap_or(file);
    inside.to_string_lossy().replace('\\', "/")
}
