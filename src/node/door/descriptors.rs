//! How many connections the process may have open at once: sockets are files, and so is the journal.
//!
//! A crowd that took the last file descriptor would take it from the journal's next segment, and the
//! journal would fall. So doors together leave some for everything else, and turn the crowd away.

use std::fs;

/// For journal segments, snapshots, the executor, and what is forgotten here.
const RESERVED: usize = 128;

/// Connections of the public door and of the operators' door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Most of it.
    pub public: usize,
    /// A small part that the public cannot take.
    pub operators: usize,
}

impl Room {
    /// What the process's limit leaves; no bound where the limit cannot be read.
    pub fn of_process() -> Room {
        let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
        Room::below(soft_limit(&limits).unwrap_or(usize::MAX))
    }

    fn below(descriptors: usize) -> Room {
        // However tight, somebody is let in.
        let room = descriptors.saturating_sub(RESERVED).max(16);
        Room { public: room / 8 * 7, operators: room / 8 }
    }
}

/// The soft limit on open files in the words of `/proc/self/limits`.
fn soft_limit(limits: &str) -> Option<usize> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_doors_leave_files_for_the_journal() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units\n\
            Max processes             100                  100                  processes\n\
            Max open files            256                  4096                 files\n";
        assert_eq!(soft_limit(limits), Some(256));
        assert_eq!(soft_limit("Max open files            unlimited  unlimited  files"), None);
        assert_eq!(soft_limit(""), None);
        assert_eq!(Room::below(256), Room { public: 112, operators: 16 });
        assert_eq!(Room::below(10), Room { public: 14, operators: 2 });
        let Room { public, operators } = Room::of_process();
        assert!(public > operators && operators > 0);
    }
}
