//! Answers made smaller for clients that ask for it.
//!
//! Owns the reading of `Accept-Encoding` and the choice of what is worth the work. Never touches a request:
//! compressed bodies are refused at the gate, or a kilobyte could unpack to a gigabyte.
//!
//! Bounds   long answers are compressed apart from the connections' threads, [`AT_ONCE`] at a time; past it
//!          they go out as they are, which is always right.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::sync::Semaphore;

/// Shorter bodies would save less than a packet.
const WORTH_BYTES: usize = 1_400;
/// Longer bodies take a millisecond or more, and are compressed apart.
const APART_BYTES: usize = 64 << 10;
/// Long bodies being compressed.
const AT_ONCE: usize = 2;

static APART: Semaphore = Semaphore::const_new(AT_ONCE);

/// Whether an `Accept-Encoding` names gzip, and does not rule it out.
pub fn is_accepted(header: Option<&str>) -> bool {
    header.unwrap_or_default().split(',').any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let refused = parts.any(|part| {
            let weight = part.strip_prefix("q=").and_then(|q| q.trim().parse::<f32>().ok());
            weight.is_some_and(|weight| weight <= 0.0)
        });
        named && !refused
    })
}

/// The body, smaller, or as it was when that is not worth it or there is too much of it now.
pub async fn shrink(body: Vec<u8>) -> Shrunk {
    match body.len() {
        0..WORTH_BYTES => Shrunk::No(body),
        WORTH_BYTES..APART_BYTES => squeeze(body),
        _ => {
            let Ok(_permit) = APART.try_acquire() else { return Shrunk::No(body) };
            let body = std::sync::Arc::new(body);
            let work = body.clone();
            match supervision::blocking(move || pack(&work)).await {
                Ok(Some(packed)) => Shrunk::Yes(packed),
                // The work is done or died: either way nobody else holds the body.
                _ => Shrunk::No(std::sync::Arc::unwrap_or_clone(body)),
            }
        }
    }
}

/// A body and whether it is compressed.
#[derive(Debug, PartialEq, Eq)]
pub enum Shrunk {
    /// In gzip.
    Yes(Vec<u8>),
    /// As it was.
    No(Vec<u8>),
}

fn squeeze(body: Vec<u8>) -> Shrunk {
    match pack(&body) {
        Some(packed) => Shrunk::Yes(packed),
        None => Shrunk::No(body),
    }
}

fn pack(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok().filter(|packed| packed.len() < body.len())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn gzip_is_sent_to_who_names_it() {
        for accepts in ["gzip", "gzip, deflate", "deflate;q=0.5, GZIP;q=0.8", "br, gzip;q=1"] {
            assert!(is_accepted(Some(accepts)), "{accepts}");
        }
        for refuses in ["", "identity", "deflate", "gzip;q=0", "gzip; q=0.0", "x-gzip"] {
            assert!(!is_accepted(Some(refuses)), "{refuses}");
        }
        assert!(!is_accepted(None));
    }

    #[tokio::test]
    async fn what_is_worth_it_comes_back_the_same() {
        assert_eq!(shrink(b"short".to_vec()).await, Shrunk::No(b"short".to_vec()));
        for length in [WORTH_BYTES, APART_BYTES - 1, 10 * APART_BYTES] {
            let body: Vec<u8> = (0..length).map(|at| b'a' + (at % 17) as u8).collect();
            let Shrunk::Yes(packed) = shrink(body.clone()).await else { panic!("{length}") };
            assert!(packed.len() < length / 2, "{length}: {}", packed.len());
            let mut back = Vec::new();
            flate2::read::GzDecoder::new(&*packed).read_to_end(&mut back).unwrap();
            assert_eq!(back, body);
        }
    }
}
