//! Messages to and from other programs as bytes: MessagePack maps with their fields by name, behind four bytes of
//! length.
//!
//! Owns     the encoding, and how long a message may be. What comes in is read with bounds: a length that is a lie, a
//!          tree without end or a field that is not known is an error, never an allocation.
//! Never    knows what a message means: the domain does.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Bytes of length before a message, big end first.
pub const HEAD_BYTES: usize = 4;

/// Bytes that are no message, or a message that is too long.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PacketError(pub String);

/// A message with its length before it; refused when it is longer than `most`.
pub fn encode<T: Serialize>(message: &T, most: usize) -> Result<Vec<u8>, PacketError> {
    let mut bytes = vec![0; HEAD_BYTES];
    let mut serializer = rmp_serde::Serializer::new(&mut bytes).with_struct_map();
    message.serialize(&mut serializer).map_err(|error| PacketError(error.to_string()))?;
    let length = bytes.len() - HEAD_BYTES;
    let head = u32::try_from(length).ok().filter(|_| length <= most);
    let head = head.ok_or_else(|| PacketError(format!("{length} bytes, more than {most}")))?;
    bytes[..HEAD_BYTES].copy_from_slice(&head.to_be_bytes());
    Ok(bytes)
}

/// How long the message behind this head is; refused when it is longer than `most`, or empty.
pub fn length(head: [u8; HEAD_BYTES], most: usize) -> Result<usize, PacketError> {
    let length = u32::from_be_bytes(head) as usize;
    match (1..=most).contains(&length) {
        true => Ok(length),
        false => Err(PacketError(format!("a message of {length} bytes, where 1 to {most} may be"))),
    }
}

/// A message without its head. Nothing may stand behind it.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, PacketError> {
    let mut deserializer = rmp_serde::Deserializer::new(bytes);
    deserializer.set_max_depth(DEPTH_MAX);
    let message = T::deserialize(&mut deserializer);
    let message = message.map_err(|error| PacketError(error.to_string()))?;
    match deserializer.into_inner() {
        [] => Ok(message),
        rest => Err(PacketError(format!("{} bytes behind the message", rest.len()))),
    }
}

/// A list of lists of lists is as deep as messages go.
const DEPTH_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Default, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Message {
        id: Option<u64>,
        p: f64,
        rows: Vec<Vec<f64>>,
    }

    #[test]
    fn a_message_comes_back_as_it_went_and_has_its_fields_by_name() {
        let message = Message { id: Some(7), p: 0.25, rows: vec![vec![1.0], vec![]] };
        let bytes = encode(&message, 1_000).expect("it fits");
        let (head, body) = bytes.split_first_chunk().expect("a head");
        assert_eq!(length(*head, 1_000), Ok(body.len()));
        assert!(body.windows(4).any(|bytes| bytes == b"rows"));
        assert_eq!(decode::<Message>(body), Ok(message));
        // As others write it: a whole number where a fraction may stand.
        assert_eq!(decode::<Message>(b"\x81\xa1p\x02").map(|message| message.p), Ok(2.0));
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let message = Message { rows: vec![vec![0.0; 100]], ..Message::default() };
        assert!(encode(&message, 100).is_err());
        assert!(length(*b"hell", 1 << 20).is_err(), "text where a length belongs");
        assert!(length([0; 4], 100).is_err());
        for bytes in [
            &b""[..],
            b"\x81\xa1q\x02",
            b"\x81\xa1p\xa1x",
            b"\x80\x80",
            // An array of four billion.
            b"\x81\xa4rows\xdd\xff\xff\xff\xff",
        ] {
            assert!(decode::<Message>(bytes).is_err(), "{bytes:?}");
        }
        let deep: Vec<u8> = b"\x81\xa4rows".iter().copied().chain([0x91; 10_000]).collect();
        assert!(decode::<Message>(&deep).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode::<Message>(&bytes);
        }
    }
}
