//! The house rules that Cargo cannot hold.
//!
//! Every rule is a function from what it looks at to complaints. Before it judges the workspace it is shown
//! samples that break it and samples that only look like it; a rule that could not fail holds nothing.

mod map;
mod mask;
mod rooms;
mod rules;
mod source;

use source::{Source, Workspace};

/// What a rule says of one file; empty when all is well.
type Rule = fn(&Source) -> Vec<String>;

/// Tries the rule on samples, (path, text), then holds the workspace to it.
fn check(rule: Rule, bad: &[(&str, &str)], good: &[(&str, &str)]) {
    for (path, text) in bad {
        assert!(!rule(&Source::sample(path, text)).is_empty(), "let pass:\n{path}:\n{text}");
    }
    for (path, text) in good {
        let complaints = rule(&Source::sample(path, text));
        assert!(complaints.is_empty(), "complained of a good sample: {complaints:#?}");
    }
    let sources = &Workspace::get().sources;
    assert!(sources.len() > 100, "the workspace was not found: {} files", sources.len());
    none(sources.iter().flat_map(rule).collect());
}

/// Fails with all complaints, one a line.
fn none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "{} complaints\n{}", complaints.len(), complaints.join("\n"));
}
