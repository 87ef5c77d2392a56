//! Valid messages, and the words that such messages are made of.

pub(super) const JSON_WORDS: &[&[u8]] = &[
    b"null",
    b"true",
    b"-1",
    b"0",
    b"1e999",
    b"9223372036854775808",
    b"0.005",
    b"\"\"",
    b"\"1.000000001\"",
    b"\"\\ud800\"",
    b"[]",
    b"{}",
    b"[[[[[[[[",
    b",",
    b"\"a\":",
    b"\xff\xfe",
    b"\"2031-05-03T14:00:00Z\"",
];

pub(super) const FRAME_WORDS: &[&[u8]] = &[
    // An empty binary message, a ping, a pong, a close, a fragment and its end; all masked with zeroes.
    &[0x82, 0x80, 0, 0, 0, 0],
    &[0x89, 0x81, 0, 0, 0, 0, 7],
    &[0x8a, 0x80, 0, 0, 0, 0],
    &[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8],
    &[0x02, 0x81, 0, 0, 0, 0, 1],
    &[0x80, 0x81, 0, 0, 0, 0, 2],
    &[0x81, 0x82, 0, 0, 0, 0, 0xc3, 0xa9],
    &[0xfe],
    &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
];

pub(super) const PACK_WORDS: &[&[u8]] = &[
    &[0xc0],
    &[0xcc, 0xff],
    &[0xcd, 0xff, 0xff],
    &[0xce, 0xff, 0xff, 0xff, 0xff],
    &[0xcf, 0, 0, 0, 0, 0, 0, 0, 1],
    &[0xd3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    &[0xa3, b'r', b'e', b'f'],
    &[0xd9, 0xff],
    &[0xdb, 0xff, 0xff, 0xff, 0xff],
    &[0x9f],
    &[0xdd, 0xff, 0xff, 0xff, 0xff],
    &[0x80],
    &[0xcb, 0, 0, 0, 0, 0, 0, 0, 0],
];

pub(super) fn json_rpc() -> Vec<Vec<u8>> {
    let call = |method: &str, params: &str| {
        format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params},"id":1}}"#)
    };
    let place = concat!(
        r#"{"marketId":"1.000000001","instructions":[{"selectionId":47,"handicap":0,"side":"BACK","#,
        r#""orderType":"LIMIT","limitOrder":{"size":2.0,"price":3.05,"persistenceType":"LAPSE","#,
        r#""timeInForce":null}},{"selectionId":"48","side":"LAY","orderType":"LIMIT_ON_CLOSE","#,
        r#""limitOnCloseOrder":{"liability":10,"price":4}}],"customerRef":"a","async":"true"}"#
    );
    let book = concat!(
        r#"{"marketIds":["1.000000001"],"priceProjection":{"priceData":["EX_BEST_OFFERS"],"#,
        r#""exBestOffersOverrides":{"bestPricesDepth":3,"rollupModel":"STAKE","rollupLimit":20},"#,
        r#""virtualise":"true"},"matchedSince":"2031-05-03T14:00:00Z","betIds":null}"#
    );
    let filter = concat!(
        r#"{"filter":{"eventTypeIds":[1],"textQuery":"a*","inPlayOnly":false,"marketStartTime":"#,
        r#"{"from":"2031-05-03T14:00:00Z","to":null}},"maxResults":5,"sort":"FIRST_TO_START"}"#
    );
    let calls = [
        call("SportsAPING/v1.0/placeOrders", place),
        call("SportsAPING/v1.0/listMarketBook", book),
        call("SportsAPING/v1.0/listMarketCatalogue", filter),
        call(
            "SportsAPING/v1.0/cancelOrders",
            r#"{"marketId":"1.1","instructions":[{"betId":"9"}]}"#,
        ),
        call("AccountAPING/v1.0/getAccountFunds", "{}"),
        call("HeartbeatAPING/v1.0/heartbeat", r#"["10"]"#),
    ];
    let batch = format!("[{},{}]", calls[0], calls[4]);
    calls.into_iter().chain([batch]).map(String::into_bytes).collect()
}

pub(super) fn stream_lines() -> Vec<Vec<u8>> {
    let markets = concat!(
        r#"{"op":"marketSubscription","id":1,"marketFilter":{"marketIds":["1.000000001"],"#,
        r#""eventTypeIds":[1],"bspMarket":true},"marketDataFilter":{"fields":["EX_ALL_OFFERS"],"#,
        r#""ladderLevels":3},"clk":"AAA","conflateMs":5,"segmentationEnabled":true}"#
    );
    let orders = concat!(
        r#"{"op":"orderSubscription","id":2,"orderFilter":{"includeOverallPosition":false,"#,
        r#""customerStrategyRefs":["a"],"partitionMatchedByStrategyRef":true},"heartbeatMs":500}"#
    );
    let login = r#"{"op":"authentication","id":"3","appKey":"key","session":"token"}"#;
    [markets, orders, login, r#"{"op":"heartbeat"}"#].map(|line| line.as_bytes().to_vec()).into()
}

/// Masked with zeroes, which is a mask.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match u8::try_from(payload.len()) {
        Ok(length @ 0..=125) => frame.push(0x80 | length),
        _ => {
            frame.push(0x80 | 126);
            frame.extend(u16::try_from(payload.len()).expect("a short payload").to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

pub(super) fn frames() -> Vec<Vec<u8>> {
    let mut fragments = frame(0x01, "caf".as_bytes());
    fragments.extend(frame(0x89, b"ping"));
    fragments.extend(frame(0x80, "\u{e9}".as_bytes()));
    let mut two = frame(0x82, &[0x93, 2, 9, 0xc0]);
    two.extend(frame(0x81, b"{\"op\":\"heartbeat\"}"));
    vec![frame(0x82, &[1; 200]), fragments, two]
}

pub(super) fn orders() -> Vec<Vec<u8>> {
    let place = vec![0x97, 1, 9, 5, 47, 0, 0xcc, 250, 0xcc, 200];
    let mut whole = vec![0x9f, 1, 9, 5, 47, 1, 0xcc, 250, 0xcc, 200, 1, 5, 0xd0, 0xce];
    whole.extend([0xa1, b'o', 0xa1, b's', 0xa1, b'c', 7, 0]);
    let login = vec![0x94, 0, 1, 0xa3, b'k', b'e', b'y', 0xa2, b't', b'='];
    let cancel = vec![0x95, 2, 3, 5, 8, 10];
    let replace = vec![0x95, 3, 4, 5, 8, 0xcc, 220];
    let update = vec![0x95, 4, 4, 5, 8, 1];
    vec![place, whole, login, cancel, replace, update]
}
