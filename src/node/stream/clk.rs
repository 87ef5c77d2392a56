//! Where a subscriber was: the two clocks of a subscription, opaque to clients.
//!
//! The initial clock says what it is a clock of: whose log, and which filter. The other says how far the
//! log was told. Both outlive a restart of the node, since both rest on the log only. Each carries a check,
//! so that what was never one of ours is told from one that is old or another's.

/// A client's clocks, read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clocks {
    /// None were sent, or of another log or filter: everything must be told.
    None,
    /// Everything up to here was told.
    At(u64),
}

/// The text is no clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable;

/// What a clock is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) log: u64,
    /// A hash of what was subscribed to.
    pub(super) filter: u64,
}

impl Origin {
    /// The initial clock of a subscription.
    pub(super) fn initial(self) -> String {
        let mut bytes = [0; 17];
        bytes[..8].copy_from_slice(&self.log.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.filter.to_be_bytes());
        bytes[16] = check(&bytes[..16]);
        let mut out = Vec::new();
        push_letters(&mut out, &bytes);
        String::from_utf8_lossy(&out).into_owned()
    }

    /// Reads what a client sent.
    pub(super) fn read(
        self,
        initial: Option<&str>,
        clk: Option<&str>,
    ) -> Result<Clocks, Unreadable> {
        let initial = initial.map(letters::<17>).transpose()?;
        let Some(clk) = clk.map(letters::<9>).transpose()? else { return Ok(Clocks::None) };
        let Some(initial) = initial else { return Ok(Clocks::None) };
        let number = |bytes: &[u8]| bytes.iter().fold(0, |all, byte| all << 8 | u64::from(*byte));
        let ours = Origin { log: number(&initial[..8]), filter: number(&initial[8..16]) } == self;
        Ok(if ours { Clocks::At(number(&clk[..8])) } else { Clocks::None })
    }
}

/// The clock of a place in the log.
pub(super) fn push(out: &mut Vec<u8>, at: u64) {
    let mut bytes = [0; 9];
    bytes[..8].copy_from_slice(&at.to_be_bytes());
    bytes[8] = check(&bytes[..8]);
    push_letters(out, &bytes);
}

fn check(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0x5a, |sum: u8, byte| sum.rotate_left(3) ^ byte)
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn push_letters(out: &mut Vec<u8>, bytes: &[u8]) {
    for three in bytes.chunks(3) {
        let of = |at: usize| u32::from(three.get(at).copied().unwrap_or_default());
        let bits = of(0) << 16 | of(1) << 8 | of(2);
        for letter in 0..=three.len() {
            out.push(LETTERS[(bits >> (18 - 6 * letter) & 63) as usize]);
        }
    }
}

/// `N` bytes with a right check at their end.
fn letters<const N: usize>(text: &str) -> Result<[u8; N], Unreadable> {
    let mut bytes = [0; N];
    let mut bits: u32 = 0;
    let (mut have, mut at) = (0, 0);
    for letter in text.bytes() {
        let value = LETTERS.iter().position(|known| *known == letter).ok_or(Unreadable)?;
        bits = bits << 6 | value as u32;
        have += 6;
        if have >= 8 {
            have -= 8;
            *bytes.get_mut(at).ok_or(Unreadable)? = (bits >> have) as u8;
            at += 1;
        }
    }
    let whole = at == N && check(&bytes[..N - 1]) == bytes[N - 1];
    if whole { Ok(bytes) } else { Err(Unreadable) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clk(at: u64) -> String {
        let mut out = Vec::new();
        push(&mut out, at);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_clock_is_read_as_it_was_written() {
        let ours = Origin { log: 7, filter: u64::MAX };
        for at in [0, 1, 255, 1 << 40, u64::MAX] {
            assert_eq!(ours.read(Some(&ours.initial()), Some(&clk(at))), Ok(Clocks::At(at)));
        }
        assert_eq!(ours.read(None, None), Ok(Clocks::None));
    }

    #[test]
    fn a_clock_of_another_log_or_filter_means_nothing() {
        let ours = Origin { log: 7, filter: 8 };
        for other in [Origin { log: 8, ..ours }, Origin { filter: 9, ..ours }] {
            assert_eq!(ours.read(Some(&other.initial()), Some(&clk(1))), Ok(Clocks::None));
        }
        assert_eq!(ours.read(None, Some(&clk(1))), Ok(Clocks::None));
    }

    #[test]
    fn what_was_never_a_clock_is_unreadable() {
        let ours = Origin { log: 7, filter: 8 };
        let long = "A".repeat(1_000);
        for bogus in ["", "bogus", "AAAAAAAAAAAA", "ALkCAAAA", "é", &long, &clk(1)[1..]] {
            assert_eq!(ours.read(Some(&ours.initial()), Some(bogus)), Err(Unreadable), "{bogus}");
            assert_eq!(ours.read(Some(bogus), Some(&clk(1))), Err(Unreadable), "{bogus}");
        }
    }
}
