//! Named places where a test makes the process die, to see what survives.
//!
//! Owns the reading of `LAYBOOK_FAILPOINTS`, e.g. `after_sync:7=abort,rotation:1=abort`: the
//! process aborts at the 7th hit of `after_sync` or the 1st of `rotation`, whichever comes first.
//! Only in debug builds, which tests are; in a release `fail_at` is empty and costs nothing. Never
//! returns an error: a crash is the only fault it knows.
//!
//! Points: `before_sync`, `after_sync`, `before_release`, `rotation`, `snapshot_write`,
//! `checkpoint_rename`, `recovery`.

#[cfg(not(debug_assertions))]
#[inline(always)]
pub fn fail_at(_point: &'static str) {}

#[cfg(debug_assertions)]
pub use armed::fail_at;

#[cfg(any(debug_assertions, test))]
mod armed {
    use std::sync::atomic::{AtomicU64, Ordering};

    /// One armed point: dies at its `at`-th hit.
    #[derive(Debug)]
    pub(super) struct Armed {
        pub(super) point: String,
        pub(super) at: u64,
        pub(super) hits: AtomicU64,
    }

    impl Armed {
        /// Counts a hit of `point`; true when it is the one to die at.
        pub(super) fn hit(&self, point: &str) -> bool {
            self.point == point && self.hits.fetch_add(1, Ordering::SeqCst) + 1 == self.at
        }
    }

    /// Parses the variable; what it does not understand is an error, so a misspelt test does not
    /// pass by surviving.
    pub(super) fn parse(text: &str) -> Result<Vec<Armed>, String> {
        text.split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(|part| {
                let wrong = || format!("failpoint {part:?} is not of the form point:n=abort");
                let (left, action) = part.split_once('=').ok_or_else(wrong)?;
                let (point, at) = left.split_once(':').ok_or_else(wrong)?;
                let at = at.parse().map_err(|_| wrong())?;
                if action != "abort" || at == 0 {
                    return Err(wrong());
                }
                Ok(Armed { point: point.to_owned(), at, hits: AtomicU64::new(0) })
            })
            .collect()
    }

    #[cfg(debug_assertions)]
    pub fn fail_at(point: &'static str) {
        static ARMED: std::sync::OnceLock<Vec<Armed>> = std::sync::OnceLock::new();
        let armed = ARMED.get_or_init(|| {
            let text = std::env::var("LAYBOOK_FAILPOINTS").unwrap_or_default();
            parse(&text).unwrap_or_else(|why| {
                tracing::error!(%why, "failpoints cannot be read");
                std::process::abort()
            })
        });
        if armed.iter().any(|armed| armed.hit(point)) {
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::armed::parse;

    #[test]
    fn a_point_dies_at_its_nth_hit_and_only_there() {
        let armed = parse("after_sync:2=abort, rotation:1=abort").unwrap();
        assert!(!armed[0].hit("after_sync"));
        assert!(!armed[0].hit("rotation"));
        assert!(armed[0].hit("after_sync"));
        assert!(!armed[0].hit("after_sync"));
        assert!(armed[1].hit("rotation"));
    }

    #[test]
    fn a_misspelt_variable_is_refused() {
        for text in ["after_sync", "after_sync:x=abort", "after_sync:1=panic", "a:0=abort"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse("").unwrap().is_empty());
    }
}
