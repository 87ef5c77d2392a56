//! Reading a log's records from an offset on: for those who follow it at their own pace (publisher,
//! mail, warehouse).
//!
//! Owns the typed walk over what is durable. Keeps no position: a follower stores the offset that
//! it has seen.

use crate::checkpoint::decode_body;
use crate::entry::{CodecError, Entry, Offset};
use crate::error::ReadError;
use crate::journal::Reader;

/// Shows every record in `after+1 ..= through`, in order. `through` must be released. What a
/// checkpoint has replaced is `ReadError::Dropped`.
pub fn records<R: Entry>(
    reader: &dyn Reader,
    after: Offset,
    through: Offset,
    visit: &mut dyn FnMut(Offset, R) -> Result<(), CodecError>,
) -> Result<(), ReadError> {
    reader.scan(after, through, &mut |stored| {
        decode_body::<R>(stored.first, stored.records, stored.body, |offset, record| {
            if offset > after && offset <= through { visit(offset, record) } else { Ok(()) }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::torture::note::Note;
    use crate::torture::scene::{LONG, Scene, attach, hand_over};

    #[test]
    fn a_follower_reads_from_where_it_was_while_the_log_grows() {
        let scene = Scene::new();
        let (_writer, handle, ready) = scene.reopen();
        let token = attach(&handle, 1).token;
        let mut seen = Offset::ZERO;
        for round in 1..=20 {
            (0..10).for_each(|number| handle.hand_over(hand_over(1, token, number)).unwrap());
            assert!(handle.wait_released(Offset::new(round * 10), LONG));
            // Stops in the middle of a frame as well.
            let through = Offset::new(round * 10 - round % 3);
            records::<Note>(&*ready.reader, seen, through, &mut |offset, note| {
                assert_eq!(offset, seen.next());
                assert_eq!(note.number, (offset.get() - 1) % 10);
                seen = offset;
                Ok(())
            })
            .unwrap();
            assert_eq!(seen, through);
        }
    }
}
