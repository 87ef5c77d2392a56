//! Progress of long work on the terminal's error stream; silent where that is no terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// `indicatif` draws nothing where the error stream is no terminal.
pub(super) fn bar(steps: usize, unit: &str) -> ProgressBar {
    let bar = ProgressBar::new(steps as u64);
    let template = format!("{{bar:40}} {{pos}}/{{len}} {unit}  {{elapsed}}  {{msg}}");
    match ProgressStyle::with_template(&template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
