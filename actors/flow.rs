//! How many messages go from which kind of actor to which, counted while somebody watches.
//!
//! Owns     one counter for each pair of kinds, of the whole process, and the switch that turns counting on. Off, a
//!          message costs one look at the switch.
//! Never    knows single actors: those have gauges.

use std::cell::Cell;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};

/// Kinds in the order of a bet's way; who is no actor sends as the first.
pub const KINDS: [&str; 14] = [
    "door",
    "session",
    "account",
    "market",
    "journal",
    "board",
    "publisher",
    "directory",
    "home",
    "catalogue",
    "replay",
    "trader",
    "maker",
    "quoter",
];

static COUNTING: AtomicBool = AtomicBool::new(false);
static COUNTS: [[AtomicU64; KINDS.len()]; KINDS.len()] =
    [const { [const { AtomicU64::new(0) }; KINDS.len()] }; KINDS.len()];

thread_local! {
    /// Whose handler runs on this thread. The journal releases effects on a thread of its own.
    static SENDER: Cell<u8> = Cell::new(match std::thread::current().name() {
        Some(name) if name.starts_with("journal") => number("journal"),
        _ => 0,
    });
}

/// Turns counting on or off.
pub fn count(on: bool) {
    COUNTING.store(on, Relaxed);
}

/// Messages since the process began, while counting was on: from, to, how many.
pub fn counts() -> Vec<(&'static str, &'static str, u64)> {
    let row = |from: usize| {
        (0..KINDS.len()).map(move |to| (KINDS[from], KINDS[to], COUNTS[from][to].load(Relaxed)))
    };
    (0..KINDS.len()).flat_map(row).filter(|(_, _, count)| *count > 0).collect()
}

/// A kind's place; one that is not in the list counts as the first.
pub(crate) fn number(kind: &str) -> u8 {
    KINDS.iter().position(|known| *known == kind).unwrap_or(0) as u8
}

/// A message was put into the mailbox of an actor of this kind.
pub(crate) fn sent(to: u8) {
    if COUNTING.load(Relaxed) {
        let from = SENDER.with(Cell::get);
        COUNTS[usize::from(from)][usize::from(to)].fetch_add(1, Relaxed);
    }
}

/// Until it is dropped, what is sent on this thread is sent by an actor of this kind.
pub(crate) struct Sending(u8);

impl Sending {
    pub(crate) fn by(kind: u8) -> Self {
        Sending(SENDER.with(|sender| sender.replace(kind)))
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        SENDER.with(|sender| sender.set(self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_counted_by_who_sends_and_only_while_somebody_watches() {
        let (trader, replay) = (number("trader"), number("replay"));
        let counted = || {
            let is_it = |(from, to, _): &(&str, &str, u64)| (*from, *to) == ("trader", "replay");
            counts().into_iter().find(is_it).map_or(0, |(_, _, count)| count)
        };
        let sending = Sending::by(trader);
        sent(replay);
        assert_eq!(counted(), 0);
        count(true);
        sent(replay);
        drop(sending);
        sent(replay);
        count(false);
        assert_eq!(counted(), 1, "the second was sent by nobody");
        assert_eq!(number("unheard of"), 0);
    }
}
