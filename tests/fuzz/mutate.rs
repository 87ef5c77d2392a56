//! Valid messages, changed a little at a time.
//!
//! What was still understood after a change is changed on, so that several changes meet in one input; so many
//! such inputs are kept, and the oldest go first. Nothing is measured of the parser but how far an input came.

use std::collections::VecDeque;

use crate::harness::Random;

/// Inputs that were understood and are changed on.
const LEARNT_MAX: usize = 64;
const BYTES_MAX: usize = 4 << 10;
/// Bytes that parsers have opinions about.
const EDGES: [u8; 12] = [0, 1, 0x7f, 0x80, 0xff, b'"', b'\\', b'[', b'{', b'\n', b'-', b'9'];

pub(super) struct Mutator<'t> {
    random: Random,
    seeds: &'t [Vec<u8>],
    words: &'t [&'t [u8]],
    learnt: VecDeque<Vec<u8>>,
}

impl<'t> Mutator<'t> {
    pub(super) fn new(random: Random, seeds: &'t [Vec<u8>], words: &'t [&'t [u8]]) -> Mutator<'t> {
        Mutator { random, seeds, words, learnt: VecDeque::new() }
    }

    pub(super) fn next(&mut self) -> Vec<u8> {
        let mut input = self.base();
        for _ in 0..=self.random.below(3) {
            self.change(&mut input);
        }
        input.truncate(BYTES_MAX);
        input
    }

    /// One that was understood may lead further.
    pub(super) fn learn(&mut self, input: &[u8], read: bool) {
        if read && self.random.percent(10) {
            if self.learnt.len() == LEARNT_MAX {
                self.learnt.pop_front();
            }
            self.learnt.push_back(input.to_vec());
        }
    }

    fn base(&mut self) -> Vec<u8> {
        if !self.learnt.is_empty() && self.random.percent(50) {
            let at = self.below(self.learnt.len());
            return self.learnt[at].clone();
        }
        self.random.pick(self.seeds).clone()
    }

    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).expect("fits");
        usize::try_from(self.random.below(end)).expect("below an usize")
    }

    /// A range of the input, at most so long.
    fn range(&mut self, input: &[u8], longest: usize) -> std::ops::Range<usize> {
        let from = self.below(input.len());
        let to = (from + 1 + self.below(longest)).min(input.len());
        from..to
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        match self.random.below(10) {
            0 if at < input.len() => input[at] ^= 1 << self.random.below(8),
            1 if at < input.len() => input[at] = *self.random.pick(&EDGES),
            2 => input.insert(at, *self.random.pick(&EDGES)),
            3 if !input.is_empty() => {
                let range = self.range(input, 16);
                input.drain(range);
            }
            4 if !input.is_empty() => {
                let range = self.range(input, 64);
                let again = input[range].to_vec();
                input.splice(at..at, again);
            }
            5 | 6 => {
                let word = *self.random.pick(self.words);
                input.splice(at..at, word.iter().copied());
            }
            7 if !input.is_empty() => {
                // A word in place of a piece, between two places where a value may begin.
                let word = *self.random.pick(self.words);
                let range = self.value(input);
                input.splice(range, word.iter().copied());
            }
            8 => {
                let other = self.base();
                let from = self.below(other.len());
                let to = (from + 1 + self.below(256)).min(other.len());
                input.splice(at..at, other[from..to].iter().copied());
            }
            _ => input.truncate(at),
        }
    }

    /// From behind a colon, comma or bracket to the next; of bytes without any, anything short.
    fn value(&mut self, input: &[u8]) -> std::ops::Range<usize> {
        let is_edge = |byte: &u8| b":,[]{}".contains(byte);
        let from = self.below(input.len());
        let Some(begun) = input[from..].iter().position(is_edge).map(|at| from + at + 1) else {
            return self.range(input, 4);
        };
        let end = input[begun..].iter().position(is_edge).map_or(input.len(), |at| begun + at);
        begun..end
    }
}
