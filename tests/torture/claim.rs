//! What clients tried and what they were told, as lines of a file outside the node.
//!
//! A trial is written before it is sent. What was answered is written and synced before the same client
//! sends anything else: only then has the world outside heard of it.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

/// One line. `reference` is the customerOrderRef, unique per trial; sizes are pence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    Tried {
        reference: String,
        account: String,
    },
    Placed {
        reference: String,
        bet: u64,
        size: i64,
        matched: i64,
    },
    Refused {
        reference: String,
    },
    Cancelled {
        bet: u64,
        size: i64,
    },
    /// One more bet may now carry the reference.
    TriedReplace {
        reference: String,
    },
    Replaced {
        reference: String,
        bet: u64,
        size: i64,
        matched: i64,
    },
    NotReplaced {
        reference: String,
    },
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Line::Tried { reference, account } => write!(f, "tried {reference} {account}"),
            Line::Placed { reference, bet, size, matched } => {
                write!(f, "placed {reference} {bet} {size} {matched}")
            }
            Line::Refused { reference } => write!(f, "refused {reference}"),
            Line::Cancelled { bet, size } => write!(f, "cancelled {bet} {size}"),
            Line::TriedReplace { reference } => write!(f, "tried-replace {reference}"),
            Line::Replaced { reference, bet, size, matched } => {
                write!(f, "replaced {reference} {bet} {size} {matched}")
            }
            Line::NotReplaced { reference } => write!(f, "not-replaced {reference}"),
        }
    }
}

impl Line {
    fn read(line: &str) -> Option<Line> {
        let words: Vec<&str> = line.split(' ').collect();
        let text = |at: usize| words.get(at).map(|word| (*word).to_owned());
        let bet = |at: usize| words.get(at)?.parse().ok();
        let size = |at: usize| words.get(at)?.parse().ok();
        Some(match *words.first()? {
            "tried" => Line::Tried { reference: text(1)?, account: text(2)? },
            "placed" => Line::Placed {
                reference: text(1)?,
                bet: bet(2)?,
                size: size(3)?,
                matched: size(4)?,
            },
            "refused" => Line::Refused { reference: text(1)? },
            "cancelled" => Line::Cancelled { bet: bet(1)?, size: size(2)? },
            "tried-replace" => Line::TriedReplace { reference: text(1)? },
            "replaced" => Line::Replaced {
                reference: text(1)?,
                bet: bet(2)?,
                size: size(3)?,
                matched: size(4)?,
            },
            "not-replaced" => Line::NotReplaced { reference: text(1)? },
            _ => return None,
        })
    }
}

/// One client's file.
#[derive(Debug)]
pub(crate) struct ClaimLog {
    file: File,
}

impl ClaimLog {
    pub(crate) fn open(path: &Path) -> ClaimLog {
        let file = OpenOptions::new().create(true).append(true).open(path);
        ClaimLog { file: file.expect("the scratch directory can be written") }
    }

    /// Before the request: only the process's own death could lose it, and then nobody asks.
    pub(crate) fn intend(&mut self, lines: &[Line]) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        self.file.write_all(text.as_bytes()).expect("the log can be written");
    }

    /// After the answer.
    pub(crate) fn acknowledge(&mut self, lines: &[Line]) {
        self.intend(lines);
        self.file.sync_data().expect("the log can be synced");
    }
}

/// A bet that some client was told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    pub(crate) reference: String,
    pub(crate) size: i64,
    pub(crate) matched: i64,
    pub(crate) cancelled: i64,
}

/// A reference that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trial {
    pub(crate) account: String,
    /// So many bets may carry it at most; 0 once it was refused.
    pub(crate) bets_max: usize,
}

/// Everything that clients know, folded from their files.
#[derive(Debug, Clone, Default)]
pub(crate) struct Claims {
    pub(crate) trials: BTreeMap<String, Trial>,
    pub(crate) bets: BTreeMap<u64, Acknowledged>,
    /// Ids that were acknowledged twice, for different bets.
    pub(crate) doubled: Vec<u64>,
}

impl Claims {
    /// Of all clients' files in a directory.
    pub(crate) fn read(directory: &Path) -> Claims {
        let mut claims = Claims::default();
        for entry in std::fs::read_dir(directory).expect("the directory of claims") {
            let path = entry.expect("the directory of claims").path();
            let text = std::fs::read_to_string(&path).expect("a file of claims");
            for line in text.lines() {
                let read = Line::read(line);
                claims.fold(read.unwrap_or_else(|| panic!("{}: {line:?}", path.display())));
            }
        }
        claims
    }

    pub(crate) fn fold(&mut self, line: Line) {
        match line {
            Line::Tried { reference, account } => {
                self.trials.insert(reference, Trial { account, bets_max: 1 });
            }
            Line::Refused { reference } | Line::NotReplaced { reference } => {
                self.trial(&reference).bets_max -= 1;
            }
            Line::TriedReplace { reference } => self.trial(&reference).bets_max += 1,
            Line::Placed { reference, bet, size, matched }
            | Line::Replaced { reference, bet, size, matched } => {
                let told = Acknowledged { reference, size, matched, cancelled: 0 };
                if self.bets.insert(bet, told).is_some() {
                    self.doubled.push(bet);
                }
            }
            Line::Cancelled { bet, size } => {
                let told = self.bets.get_mut(&bet).expect("only a known bet is cancelled");
                told.cancelled += size;
            }
        }
    }

    fn trial(&mut self, reference: &str) -> &mut Trial {
        self.trials.get_mut(reference).expect("what was answered was tried")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_they_were_written() {
        let reference = || "c1r2n3".to_owned();
        for line in [
            Line::Tried { reference: reference(), account: "ann".to_owned() },
            Line::Placed { reference: reference(), bet: 7, size: 100, matched: 20 },
            Line::Refused { reference: reference() },
            Line::Cancelled { bet: 7, size: 80 },
            Line::TriedReplace { reference: reference() },
            Line::Replaced { reference: reference(), bet: 8, size: 80, matched: 0 },
            Line::NotReplaced { reference: reference() },
        ] {
            assert_eq!(Line::read(&line.to_string()), Some(line));
        }
        assert_eq!(Line::read("placed c1r2n3 seven 1 1"), None);
    }
}
