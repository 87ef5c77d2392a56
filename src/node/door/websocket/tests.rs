//! The socket as a client sees it that does not keep to the protocol, or does not keep up.

use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;
use crate::door::{DrainSwitch, drain};

const MASK: [u8; 4] = [0x5a, 0xa5, 0x0f, 0x33];

/// A client's frame: the first byte as given, the payload masked.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        short @ 0..=125 => bytes.push(0x80 | short as u8),
        middle @ 126..=0xffff => {
            bytes.push(0x80 | 126);
            bytes.extend((middle as u16).to_be_bytes());
        }
        long => {
            bytes.push(0x80 | 127);
            bytes.extend((long as u64).to_be_bytes());
        }
    }
    bytes.extend(MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

const FINAL: u8 = 0x80;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

fn hasty() -> Rules {
    Rules { message_bytes_max: 1_000, queued_bytes_max: 4_000, ..Rules::default() }
}

/// Both ends, and the switch that drains the door.
fn lab(rules: Rules) -> (WebSocket<DuplexStream>, DuplexStream, DrainSwitch) {
    let (ours, theirs) = duplex(8_000);
    let (switch, drain) = drain();
    (WebSocket::new(ours, Bytes::new(), rules, drain), theirs, switch)
}

fn messages(event: &Event) -> Vec<(Kind, Vec<u8>)> {
    let Event::Received(batch) = event else { panic!("{event:?} instead of messages") };
    batch.iter().map(|message| (message.kind, message.bytes.to_vec())).collect()
}

/// The code and reason of the close frame that follows, pings and pongs left out.
async fn close_frame(client: &mut DuplexStream) -> (u16, String) {
    loop {
        let head = [client.read_u8().await.unwrap(), client.read_u8().await.unwrap()];
        let mut payload = vec![0; usize::from(head[1])];
        client.read_exact(&mut payload).await.unwrap();
        if head[0] == FINAL | CLOSE {
            let code = u16::from_be_bytes([payload[0], payload[1]]);
            return (code, String::from_utf8(payload[2..].to_vec()).unwrap());
        }
    }
}

/// What the socket does with these bytes, until it ends.
async fn ending(bytes: &[u8]) -> (Ended, u16, String) {
    let (mut socket, mut client, _switch) = lab(hasty());
    let serving = async {
        loop {
            if let Event::Ended(why) = socket.next().await {
                return why;
            }
        }
    };
    let talking = async {
        client.write_all(bytes).await.unwrap();
        let told = close_frame(&mut client).await;
        client.write_all(&frame(FINAL | CLOSE, b"")).await.unwrap();
        told
    };
    let (why, (code, reason)) = tokio::join!(serving, talking);
    (why, code, reason)
}

#[tokio::test(start_paused = true)]
async fn bad_frames_close_the_connection_with_a_code_and_a_reason() {
    let mut unmasked = frame(FINAL | BINARY, b"x");
    unmasked[1] &= 0x7f;
    let endless = [frame(BINARY, b"a"), frame(0, b"").repeat(1_100)].concat();
    let mut long_length = vec![FINAL | BINARY, 0x80 | 126, 0, 5];
    long_length.extend(MASK);
    let huge = [&[FINAL | BINARY, 0x80 | 127][..], &u64::MAX.to_be_bytes(), &MASK].concat();
    let pieces = [frame(BINARY, &[7; 600]), frame(FINAL, &[7; 600])].concat();
    let max = hasty().message_bytes_max;
    let cases = [
        (unmasked, Violation::NotMasked, 1002),
        (frame(FINAL | 0x40 | BINARY, b"x"), Violation::ReservedBits, 1002),
        (frame(FINAL | 3, b"x"), Violation::UnknownOpcode(3), 1002),
        (frame(PING, b""), Violation::BadControl, 1002),
        (frame(FINAL | PING, &[1; 126]), Violation::BadControl, 1002),
        (frame(FINAL | CLOSE, &[3; 200]), Violation::BadControl, 1002),
        (frame(FINAL, b"x"), Violation::NothingToContinue, 1002),
        ([frame(TEXT, b"a"), frame(TEXT, b"b")].concat(), Violation::Unfinished, 1002),
        (long_length, Violation::LongLength, 1002),
        (frame(FINAL | BINARY, &[7; 1_001]), Violation::TooBig { max }, 1009),
        (huge, Violation::TooBig { max }, 1009),
        (pieces, Violation::TooBig { max }, 1009),
        (endless, Violation::TooManyFragments, 1008),
        (frame(FINAL | TEXT, b"\xff\xfe"), Violation::NotText, 1007),
        (frame(FINAL | TEXT, b"\xed\xa0\x80"), Violation::NotText, 1007),
        (frame(FINAL | CLOSE, b"\x03"), Violation::BadClose, 1002),
        (frame(FINAL | CLOSE, &1005u16.to_be_bytes()), Violation::BadClose, 1002),
        (frame(FINAL | CLOSE, b"\x03\xe8\xff"), Violation::BadClose, 1002),
        (frame(FINAL | PING, b"").repeat(1_001), Violation::ControlFlood, 1008),
    ];
    for (bytes, violation, code) in cases {
        let ended = ending(&bytes).await;
        assert_eq!(ended, (Ended::Violated(violation), code, violation.to_string()));
    }
}

#[tokio::test(start_paused = true)]
async fn junk_of_any_length_ends_the_connection_or_waits_for_more() {
    for seed in 0..200u64 {
        let (mut socket, mut client, _switch) = lab(hasty());
        let mut junk = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let bytes: Vec<u8> = (0..300)
            .map(|_| {
                junk = junk.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (junk >> 56) as u8
            })
            .collect();
        client.write_all(&bytes).await.unwrap();
        drop(client);
        while !matches!(socket.next().await, Event::Ended(_)) {}
    }
}

proptest! {
    /// However the bytes of good messages are cut into frames and reads, the messages come out whole.
    #[test]
    fn messages_do_not_depend_on_how_they_are_cut(
        sent in prop::collection::vec((any::<bool>(), prop::collection::vec(0u8..128, 0..400)), 1..12),
        fragments in prop::collection::vec(1usize..90, 1..40),
        reads in prop::collection::vec(1usize..70, 1..40),
    ) {
        let mut wire = Vec::new();
        let mut cuts = fragments.iter().cycle();
        for (text, payload) in &sent {
            let mut rest = &payload[..];
            let mut opcode = if *text { TEXT } else { BINARY };
            loop {
                let (piece, next) = rest.split_at(rest.len().min(*cuts.next().unwrap()));
                let last = if next.is_empty() { FINAL } else { 0 };
                wire.extend(frame(last | opcode, piece));
                if next.is_empty() {
                    break;
                }
                wire.extend(frame(FINAL | PING, b"between"));
                (rest, opcode) = (next, 0);
            }
        }
        let mut decoder = Decoder::new(1_000);
        let (mut rest, mut got) = (&wire[..], Vec::new());
        for read in reads.iter().cycle() {
            let (piece, next) = rest.split_at(rest.len().min(*read));
            decoder.feed(piece).unwrap();
            let batch = decoder.take();
            got.extend(batch.iter().map(|it| (it.kind == Kind::Text, it.bytes.to_vec())));
            rest = next;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(got, sent);
    }
}

#[tokio::test(start_paused = true)]
async fn messages_that_come_together_are_handed_over_together() {
    let (mut socket, mut client, _switch) = lab(hasty());
    let three = [
        frame(FINAL | TEXT, b"one"),
        frame(FINAL | BINARY, b""),
        frame(FINAL | TEXT, "zwö".as_bytes()),
    ];
    client.write_all(&three.concat()).await.unwrap();
    let got = messages(&socket.next().await);
    let expected = [
        (Kind::Text, b"one".to_vec()),
        (Kind::Binary, vec![]),
        (Kind::Text, "zwö".as_bytes().to_vec()),
    ];
    assert_eq!(got, expected);
}

#[tokio::test(start_paused = true)]
async fn a_ping_is_answered_and_a_close_is_echoed() {
    let (mut socket, mut client, _switch) = lab(hasty());
    client.write_all(&frame(FINAL | PING, b"are you there")).await.unwrap();
    client.write_all(&frame(FINAL | CLOSE, &4001u16.to_be_bytes())).await.unwrap();
    assert_eq!(socket.next().await, Event::Ended(Ended::ByClient(CloseCode(4001))));
    drop(socket);
    let mut told = Vec::new();
    client.read_to_end(&mut told).await.unwrap();
    let pong = [&[FINAL | PONG, 13][..], b"are you there"].concat();
    let close = [FINAL | CLOSE, 2, 0x0f, 0xa1];
    assert_eq!(told, [&pong[..], &close].concat());
}

#[tokio::test(start_paused = true)]
async fn sent_and_shared_frames_keep_their_order() {
    let (mut socket, mut client, _switch) = lab(hasty());
    let shared = Frame::text("shared");
    socket.send(Kind::Binary, b"first");
    socket.push(&shared);
    socket.send(Kind::Text, b"last");
    assert_eq!(socket.queued_bytes(), 7 + 8 + 6);
    let expected = b"\x82\x05first\x81\x06shared\x81\x04last";
    let mut got = vec![0; expected.len()];
    tokio::select! {
        event = socket.next() => panic!("{event:?}"),
        read = client.read_exact(&mut got) => assert_eq!(read.unwrap(), expected.len()),
    }
    assert_eq!(got, expected);
    assert_eq!(socket.queued_bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_pinged_and_who_does_not_answer_is_gone() {
    let rules = hasty();
    let (mut socket, mut client, _switch) = lab(rules);
    let begun = Instant::now();
    let listening = async {
        let mut ping = [0; 2];
        client.read_exact(&mut ping).await.unwrap();
        assert_eq!((ping, begun.elapsed()), ([FINAL | PING, 0], rules.ping_every));
        client.write_all(&frame(FINAL | PONG, b"")).await.unwrap();
        client.read_exact(&mut ping).await.unwrap();
        assert_eq!((ping, begun.elapsed()), ([FINAL | PING, 0], 2 * rules.ping_every));
        std::future::pending::<()>().await;
    };
    tokio::select! {
        event = socket.next() => assert_eq!(event, Event::Ended(Ended::Silent)),
        () = listening => {}
    }
    assert_eq!(begun.elapsed(), rules.ping_every + rules.silent_timeout);
}

#[tokio::test(start_paused = true)]
async fn who_does_not_read_is_not_read_from_and_is_cut() {
    let rules = hasty();
    let (mut socket, mut client, _switch) = lab(rules);
    // As much as the pipe holds, then half of what may wait, and then it is full.
    socket.send(Kind::Binary, &[0; 7_996]);
    assert!(socket.is_full());
    socket.send(Kind::Binary, &[0; 2_100]);
    client.write_all(&frame(FINAL | TEXT, b"and another")).await.unwrap();
    let begun = Instant::now();
    assert_eq!(socket.next().await, Event::Ended(Ended::Stalled));
    assert_eq!(begun.elapsed(), rules.stall_timeout);
}

#[tokio::test(start_paused = true)]
async fn who_reads_late_is_told_as_unblocked() {
    let (mut socket, mut client, _switch) = lab(hasty());
    socket.send(Kind::Binary, &[0; 9_000]);
    let reading = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mut all = vec![0; 9_004];
        client.read_exact(&mut all).await.unwrap();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        event = socket.next() => assert_eq!(event, Event::Unblocked),
        () = reading => {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_is_told_once_and_a_close_waits_a_moment_for_the_peer() {
    let rules = hasty();
    let (mut socket, mut client, switch) = lab(rules);
    switch.drain();
    assert_eq!(socket.next().await, Event::Draining);
    client.write_all(&frame(FINAL | TEXT, b"late")).await.unwrap();
    assert_eq!(messages(&socket.next().await), [(Kind::Text, b"late".to_vec())]);
    let begun = Instant::now();
    socket.close(CloseCode::GOING_AWAY, "the node is being stopped").await;
    assert_eq!(begun.elapsed(), rules.close_timeout);
    assert_eq!(close_frame(&mut client).await, (1001, "the node is being stopped".into()));
    assert_eq!(client.read(&mut [0; 9]).await.unwrap(), 0, "one close frame is enough");
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_told() {
    let (mut socket, client, _switch) = lab(hasty());
    drop(client);
    assert_eq!(socket.next().await, Event::Ended(Ended::Lost));
}
