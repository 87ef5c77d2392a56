//! `laybook config check|show`.

use std::io::{self, Write};

use crate::cli::{ConfigAction, ConfigArgs, Exit, NodeArgs};
use crate::config::{ConfigError, Settings};
use crate::door::{OpenFiles, Room};

/// Checks or shows, on the outputs given.
pub fn run(args: &ConfigArgs, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<Exit> {
    let read = |node: &NodeArgs| Settings::read(node.config.as_deref(), &node.flags());
    let (settings, shown) = match &args.action {
        ConfigAction::Check(node) => (read(node), None),
        ConfigAction::Show { node, json } => (read(node), Some(*json)),
    };
    match (settings, shown) {
        (Ok(_), None) => writeln!(out, "the configuration is good")?,
        (Ok(settings), Some(false)) => write!(out, "{settings}\n{}", connections(&settings))?,
        (Ok(settings), Some(true)) => writeln!(out, "{:#}", settings.to_json())?,
        (Err(error), _) => {
            report(&error, err)?;
            return Ok(Exit::Usage);
        }
    }
    Ok(Exit::Done)
}

/// What the process's own limits make of `caps.connections`, as comments under the settings.
fn connections(settings: &Settings) -> String {
    let files = OpenFiles::of_process();
    let (Room { public, operators }, cap) = (files.room(), settings.door.connections);
    format!(
        "# The process may have {} files open, and raises that to {} at its start.\n\
         # So the http door takes {} connections, and the admin door {}.\n",
        files.given,
        files.most,
        public.min(cap),
        operators.min(cap)
    )
}

/// Complaints one a line, each with the command's name, as a shell user expects.
fn report(error: &ConfigError, err: &mut dyn Write) -> io::Result<()> {
    for line in error.to_string().lines() {
        writeln!(err, "laybook: {line}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(action: ConfigAction, expect: Exit, out_has: &str, err_has: &str) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let exit = run(&ConfigArgs { action }, &mut out, &mut err).unwrap();
        let (out, err) = (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap());
        assert_eq!(exit, expect, "{err}");
        assert!(out.contains(out_has), "{out}");
        assert!(err.contains(err_has), "{err}");
    }

    #[test]
    fn good_settings_are_shown_and_bad_ones_refused() {
        let with = |http: &str| NodeArgs { http: Some(http.to_owned()), ..NodeArgs::default() };
        let show = |json| ConfigAction::Show { node: with("127.0.0.1:9"), json };
        check(ConfigAction::Check(with("127.0.0.1:9")), Exit::Done, "good", "");
        check(show(false), Exit::Done, "listen = \"127.0.0.1:9\"  # flag", "");
        check(show(false), Exit::Done, "# So the http door takes ", "");
        check(show(true), Exit::Done, "\"http.listen\": {", "");
        let err = "laybook: http.listen = \"here\" (flag): is not an address";
        check(ConfigAction::Check(with("here")), Exit::Usage, "", err);
    }
}
