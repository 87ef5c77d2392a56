//! Football prices from the command line: files in, models of `domain::football`, files out.
//!
//! | file | noun |
//! |---|---|
//! | [`table`] | a CSV file with a header, whose errors name file, line and column |
//! | [`day`] | a date, as files write it and as models count it |
//! | [`results`], [`odds`], [`goals`] | what such files hold |
//! | [`folder`] | what `serve --football DIR` tells the node |
//! | `ported` | a model of somebody's own, asked match by match |
//! | `*_command` | `laybook price`, `fit`, `backtest`, `models`, `inplay` |
//!
//! Decides nothing about football: what a strength, a price or a margin is stands in the domain.

pub mod backtest_command;
pub mod day;
pub mod fit_command;
pub mod folder;
pub mod goals;
pub mod inplay_command;
pub mod models_command;
pub mod odds;
mod ported;
pub mod price_command;
pub mod results;
pub mod table;

/// The factor on low scores where no fit says otherwise.
pub use domain::football::weekend::RHO;

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar on a terminal, nothing in a pipe.
fn progress(of: &str, length: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = format!("{of} {{pos}}/{{len}} [{{wide_bar}}] {{eta}}");
    let style =
        ProgressStyle::with_template(&style).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length as u64).with_style(style)
}
