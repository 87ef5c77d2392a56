//! As much MessagePack as the order channel speaks: arrays of integers, texts and nil.
//!
//! Owns the reading, which takes any width of integer a client's library chooses and never trusts a length,
//! and the writing, which chooses the shortest. Never allocates for what it reads.

/// What stands where something else was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// The message ends before it.
    Missing,
    /// It is of another kind or out of range: what was expected.
    Expected(&'static str),
}

/// A message that is being read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader(bytes)
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Wrong> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(Wrong::Missing)?;
        self.0 = rest;
        Ok(*head)
    }

    /// How many items the array has that begins here.
    pub(super) fn array(&mut self) -> Result<usize, Wrong> {
        Ok(match self.take()? {
            [short @ 0x90..=0x9f] => usize::from(short & 0x0f),
            [0xdc] => usize::from(u16::from_be_bytes(self.take()?)),
            [0xdd] => u32::from_be_bytes(self.take()?) as usize,
            _ => return Err(Wrong::Expected("an array")),
        })
    }

    /// Takes a nil if there is one.
    pub(super) fn nil(&mut self) -> bool {
        match self.0.split_first() {
            Some((0xc0, rest)) => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    pub(super) fn integer(&mut self) -> Result<i128, Wrong> {
        Ok(match self.take()? {
            [positive @ 0..=0x7f] => positive.into(),
            [negative @ 0xe0..=0xff] => (negative as i8).into(),
            [0xcc] => u8::from_be_bytes(self.take()?).into(),
            [0xcd] => u16::from_be_bytes(self.take()?).into(),
            [0xce] => u32::from_be_bytes(self.take()?).into(),
            [0xcf] => u64::from_be_bytes(self.take()?).into(),
            [0xd0] => i8::from_be_bytes(self.take()?).into(),
            [0xd1] => i16::from_be_bytes(self.take()?).into(),
            [0xd2] => i32::from_be_bytes(self.take()?).into(),
            [0xd3] => i64::from_be_bytes(self.take()?).into(),
            _ => return Err(Wrong::Expected("an integer")),
        })
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Wrong> {
        let length = match self.take()? {
            [short @ 0xa0..=0xbf] => usize::from(short & 0x1f),
            [0xd9] => usize::from(u8::from_be_bytes(self.take()?)),
            [0xda] => usize::from(u16::from_be_bytes(self.take()?)),
            _ => return Err(Wrong::Expected("a text")),
        };
        let (text, rest) = self.0.split_at_checked(length).ok_or(Wrong::Missing)?;
        self.0 = rest;
        std::str::from_utf8(text).map_err(|_| Wrong::Expected("UTF-8"))
    }
}

/// Appends to a message.
#[derive(Debug)]
pub(super) struct Writer<'a>(pub(super) &'a mut Vec<u8>);

impl Writer<'_> {
    pub(super) fn array(&mut self, length: usize) -> &mut Self {
        match length {
            0..=15 => self.0.push(0x90 | length as u8),
            // No answer has more lines than a request may have instructions, or an account open bets.
            _ => {
                self.0.push(0xdd);
                self.0.extend((length as u32).to_be_bytes());
            }
        }
        self
    }

    pub(super) fn nil(&mut self) -> &mut Self {
        self.0.push(0xc0);
        self
    }

    pub(super) fn unsigned(&mut self, value: u64) -> &mut Self {
        match value {
            0..=0x7f => self.0.push(value as u8),
            0x80..=0xff => self.0.extend([0xcc, value as u8]),
            0x100..=0xffff => {
                self.0.push(0xcd);
                self.0.extend((value as u16).to_be_bytes());
            }
            0x1_0000..=0xffff_ffff => {
                self.0.push(0xce);
                self.0.extend((value as u32).to_be_bytes());
            }
            _ => {
                self.0.push(0xcf);
                self.0.extend(value.to_be_bytes());
            }
        }
        self
    }

    /// Sums and times of this channel are never negative; one that were would be written as zero.
    pub(super) fn amount(&mut self, value: impl TryInto<u64>) -> &mut Self {
        self.unsigned(value.try_into().unwrap_or_default())
    }

    /// A text of at most 65,535 bytes; what is longer is cut at a character.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        let mut length = text.len().min(usize::from(u16::MAX));
        while !text.is_char_boundary(length) {
            length -= 1;
        }
        match length {
            0..=31 => self.0.push(0xa0 | length as u8),
            32..=0xff => self.0.extend([0xd9, length as u8]),
            _ => {
                self.0.push(0xda);
                self.0.extend((length as u16).to_be_bytes());
            }
        }
        self.0.extend_from_slice(&text.as_bytes()[..length]);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn integers_of_any_width_are_read() {
        let cases: [(&[u8], i128); 12] = [
            (&[5], 5),
            (&[0xff], -1),
            (&[0xcc, 200], 200),
            (&[0xcd, 1, 0], 256),
            (&[0xce, 0, 1, 0, 0], 65_536),
            (&[0xcf, 0, 0, 0, 1, 0, 0, 0, 0], 1 << 32),
            (&[0xcf, 255, 255, 255, 255, 255, 255, 255, 255], u64::MAX as i128),
            (&[0xd0, 0x80], -128),
            (&[0xd1, 0xff, 0], -256),
            (&[0xd2, 0, 0, 0, 7], 7),
            (&[0xd3, 0, 0, 0, 0, 0, 0, 0, 9], 9),
            (&[0xcd, 0, 3], 3),
        ];
        for (bytes, expected) in cases {
            assert_eq!(Reader::new(bytes).integer(), Ok(expected), "{bytes:?}");
        }
        for bytes in [&[0xca, 0, 0, 0, 0][..], &[0xc3], &[0xa1, b'1'], &[0xc1]] {
            assert_eq!(Reader::new(bytes).integer(), Err(Wrong::Expected("an integer")));
        }
        assert_eq!(Reader::new(&[0xce, 0, 0]).integer(), Err(Wrong::Missing));
    }

    #[test]
    fn a_length_is_not_trusted() {
        assert_eq!(Reader::new(&[0xda, 0xff, 0xff, b'a']).text(), Err(Wrong::Missing));
        assert_eq!(Reader::new(&[0xa2, 0xff, 0xfe]).text(), Err(Wrong::Expected("UTF-8")));
        assert_eq!(Reader::new(&[]).array(), Err(Wrong::Missing));
        assert_eq!(Reader::new(&[0x81]).array(), Err(Wrong::Expected("an array")));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(number: u64, text in ".{0,300}", length in 0usize..16) {
            let mut bytes = Vec::new();
            Writer(&mut bytes).array(length).unsigned(number).text(&text).nil();
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(reader.array(), Ok(length));
            prop_assert_eq!(reader.integer(), Ok(i128::from(number)));
            prop_assert_eq!(reader.text(), Ok(&text[..]));
            prop_assert!(reader.nil() && reader.is_at_end());
        }

        #[test]
        fn junk_is_refused_and_never_read_past_its_end(bytes: Vec<u8>) {
            let mut reader = Reader::new(&bytes);
            let _ = (reader.array(), reader.integer(), reader.text(), reader.nil(), reader.integer());
        }
    }
}
