//! How many connections the process may have open at once: sockets are files, and so is the journal.
//!
//! The soft limit that a shell gives (often 1,024) is raised to the hard one at the start. A crowd that took
//! the last file descriptor would take it from the journal's next segment, and the journal would fall. So
//! doors together leave some for everything else, and turn the crowd away.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// For journal segments, snapshots, the executor, and what is forgotten here.
const RESERVED: usize = 128;
/// Asked for where the hard limit is none: more than the doors' own caps allow.
const ENOUGH: u64 = 1 << 20;

/// The process's limits on open files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenFiles {
    /// The soft limit as the process was given it.
    pub given: usize,
    /// What it may raise that to, or has raised it to.
    pub most: usize,
}

/// Connections of the public door and of the operators' door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Most of it.
    pub public: usize,
    /// A small part that the public cannot take.
    pub operators: usize,
}

impl OpenFiles {
    /// What the process could have; nothing is changed.
    pub fn of_process() -> OpenFiles {
        OpenFiles::of(getrlimit(Resource::Nofile))
    }

    /// Raises the soft limit to the hard one. Where the system does not let it, what was given counts.
    pub fn raise() -> OpenFiles {
        let limits = getrlimit(Resource::Nofile);
        let wanted = OpenFiles::of(limits);
        let raised = Rlimit { current: Some(wanted.most as u64), maximum: limits.maximum };
        if wanted.most <= wanted.given {
            return wanted;
        }
        match setrlimit(Resource::Nofile, raised) {
            Ok(()) => {
                tracing::info!(from = wanted.given, to = wanted.most, "open files, raised");
                wanted
            }
            Err(error) => {
                tracing::warn!(%error, given = wanted.given, "the limit on open files stays");
                OpenFiles { most: wanted.given, ..wanted }
            }
        }
    }

    fn of(limits: Rlimit) -> OpenFiles {
        let number = |limit: u64| usize::try_from(limit).unwrap_or(usize::MAX);
        let given = number(limits.current.unwrap_or(u64::MAX));
        let most = number(limits.maximum.unwrap_or(ENOUGH));
        OpenFiles { given, most: most.max(given) }
    }

    /// What the doors may have of them.
    pub fn room(self) -> Room {
        // However tight, somebody is let in.
        let room = self.most.saturating_sub(RESERVED).max(16);
        Room { public: room / 8 * 7, operators: room / 8 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(current: Option<u64>, maximum: Option<u64>) -> OpenFiles {
        OpenFiles::of(Rlimit { current, maximum })
    }

    #[test]
    fn the_doors_leave_files_for_the_journal() {
        let room = |most| files(Some(most), Some(most)).room();
        assert_eq!(room(256), Room { public: 112, operators: 16 });
        assert_eq!(room(10), Room { public: 14, operators: 2 });
    }

    #[test]
    fn the_hard_limit_counts_and_no_limit_is_enough() {
        assert_eq!(files(Some(1_024), Some(4_096)), OpenFiles { given: 1_024, most: 4_096 });
        assert_eq!(files(Some(1_024), None), OpenFiles { given: 1_024, most: 1 << 20 });
        assert_eq!(files(None, None).most, usize::MAX);
    }

    #[test]
    fn what_is_raised_is_what_was_announced() {
        let announced = OpenFiles::of_process();
        assert_eq!(OpenFiles::raise(), announced);
        let now = getrlimit(Resource::Nofile).current;
        assert_eq!(now, Some(announced.most as u64), "{announced:?}");
    }
}
