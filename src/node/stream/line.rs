//! Change messages: the members around their rows, one message a line.

use bytes::Bytes;
use domain::time::UtcMillis;

use super::number::{push_integer, push_signed};

/// A message that is larger is sent in segments, to those who asked for it.
pub(super) const SEGMENT_BYTES: usize = 32 << 10;

/// Which stream a message is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Market,
    Orders,
}

impl Op {
    fn word(self) -> &'static [u8] {
        match self {
            Op::Market => b"mcm",
            Op::Orders => b"ocm",
        }
    }

    fn rows(self) -> &'static [u8] {
        match self {
            Op::Market => b"mc",
            Op::Orders => b"oc",
        }
    }
}

/// What stands in every message of a subscription.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) op: Op,
    pub(super) id: Option<i64>,
}

/// What stands in the answer to a subscription only.
#[derive(Debug, Clone)]
pub(super) struct Opening<'a> {
    pub(super) resumed: bool,
    pub(super) initial_clk: &'a str,
    pub(super) heartbeat_ms: u64,
    pub(super) conflate_ms: u64,
    pub(super) segmented: bool,
}

impl Head {
    fn begin(self, out: &mut Vec<u8>, clk: u64, at: UtcMillis) {
        out.extend_from_slice(b"{\"op\":\"");
        out.extend_from_slice(self.op.word());
        out.push(b'"');
        if let Some(id) = self.id {
            out.extend_from_slice(b",\"id\":");
            push_signed(out, id);
        }
        out.extend_from_slice(b",\"clk\":\"");
        super::clk::push(out, clk);
        out.extend_from_slice(b"\",\"pt\":");
        push_integer(out, u64::try_from(at.0).unwrap_or_default());
    }

    /// One change.
    pub(super) fn push_change(self, out: &mut Vec<u8>, clk: u64, at: UtcMillis, body: &[u8]) {
        self.begin(out, clk, at);
        self.begin_rows(out);
        out.extend_from_slice(body);
        out.extend_from_slice(b"]}\r\n");
    }

    pub(super) fn heartbeat(self, clk: u64, at: UtcMillis) -> Bytes {
        let mut out = Vec::with_capacity(80);
        self.begin(&mut out, clk, at);
        out.extend_from_slice(b",\"ct\":\"HEARTBEAT\"}\r\n");
        Bytes::from(out)
    }

    /// The answer to a subscription, in segments when it is large. The rows' bytes are not copied.
    pub(super) fn opening(
        self,
        opening: &Opening<'_>,
        clk: u64,
        at: UtcMillis,
        rows: Vec<Bytes>,
    ) -> Vec<Bytes> {
        let all: usize = rows.iter().map(Bytes::len).sum();
        let mut segments = vec![Vec::new()];
        let mut size = 0;
        for row in rows {
            if opening.segmented && all > SEGMENT_BYTES && size + row.len() > SEGMENT_BYTES {
                // Never in the middle of a market.
                if size > 0 {
                    segments.push(Vec::new());
                    size = 0;
                }
            }
            size += row.len();
            if let Some(last) = segments.last_mut() {
                last.push(row);
            }
        }
        let count = segments.len();
        let mut pieces = Vec::new();
        for (number, rows) in segments.into_iter().enumerate() {
            let mut head = Vec::with_capacity(160);
            self.begin(&mut head, clk, at);
            let ct = if opening.resumed { "RESUB_DELTA" } else { "SUB_IMAGE" };
            let segment = match number {
                _ if count == 1 => "",
                0 => ",\"segmentType\":\"SEG_START\"",
                last if last + 1 == count => ",\"segmentType\":\"SEG_END\"",
                _ => ",\"segmentType\":\"SEG\"",
            };
            let Opening { initial_clk, heartbeat_ms, conflate_ms, .. } = opening;
            head.extend_from_slice(
                format!(
                    ",\"ct\":\"{ct}\",\"initialClk\":\"{initial_clk}\",\"conflateMs\":{conflate_ms},\
                     \"heartbeatMs\":{heartbeat_ms}{segment}"
                )
                .as_bytes(),
            );
            if rows.is_empty() {
                head.extend_from_slice(b"}\r\n");
                pieces.push(Bytes::from(head));
                continue;
            }
            self.begin_rows(&mut head);
            pieces.push(Bytes::from(head));
            for (at, row) in rows.into_iter().enumerate() {
                if at > 0 {
                    pieces.push(Bytes::from_static(b","));
                }
                pieces.push(row);
            }
            pieces.push(Bytes::from_static(b"]}\r\n"));
        }
        pieces
    }

    fn begin_rows(self, out: &mut Vec<u8>) {
        out.extend_from_slice(b",\"");
        out.extend_from_slice(self.op.rows());
        out.extend_from_slice(b"\":[");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn opening(segmented: bool, rows: Vec<Bytes>) -> Vec<Value> {
        let head = Head { op: Op::Market, id: Some(-1) };
        let opening = Opening {
            resumed: false,
            initial_clk: "x",
            heartbeat_ms: 500,
            conflate_ms: 0,
            segmented,
        };
        let bytes = head.opening(&opening, 7, UtcMillis(12), rows).concat();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.ends_with("\r\n"));
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_large_image_is_cut_between_markets_only_for_who_asked() {
        let rows = |count: usize| {
            let row = format!("{{\"id\":\"1.{}\"}}", "0".repeat(9_000));
            vec![Bytes::from(row); count]
        };
        let whole = opening(false, rows(10));
        assert_eq!(whole.len(), 1);
        assert_eq!(whole[0].get("segmentType"), None);
        let cut = opening(true, rows(10));
        let types: Vec<_> = cut.iter().map(|it| it["segmentType"].as_str().unwrap()).collect();
        assert_eq!(types, ["SEG_START", "SEG", "SEG", "SEG_END"]);
        let markets: usize = cut.iter().map(|it| it["mc"].as_array().unwrap().len()).sum();
        assert_eq!(markets, 10);
        assert!(cut.iter().all(|it| it["clk"] == cut[0]["clk"] && it["ct"] == "SUB_IMAGE"));
        assert_eq!(opening(true, rows(2)).len(), 1, "a small one is not cut");
        let empty = opening(true, vec![]);
        assert_eq!((empty.len(), empty[0].get("mc")), (1, None));
    }

    #[test]
    fn a_change_is_one_line() {
        let mut out = Vec::new();
        Head { op: Op::Orders, id: None }.push_change(&mut out, 1, UtcMillis(5), b"{}");
        let read: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!((read["op"].as_str(), read["pt"].as_i64()), (Some("ocm"), Some(5)));
        assert_eq!(read["oc"].as_array().map(Vec::len), Some(1));
        assert_eq!(read.get("id"), None);
    }
}
