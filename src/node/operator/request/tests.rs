//! Every operator request: what it is read as, and by which name it is refused.

use super::*;
use domain::definition::BettingType;

/// The code and the field of a refusal.
fn check<T: std::fmt::Debug>(
    read: impl Fn(&[u8]) -> Result<T, Problem>,
    body: &str,
    code: &str,
    field: &str,
) {
    let problem = read(body.as_bytes()).unwrap_err();
    assert_eq!((problem.code, problem.field.as_deref()), (code, Some(field)), "{body}");
}

#[test]
fn a_user_is_created() {
    let user = CreateUser::read(br#"{"username":"alice","password":"pw","deposit":"1000.00"}"#);
    let user = user.unwrap();
    assert_eq!((user.username.as_str(), user.currency.as_str()), ("alice", "GBP"));
    assert_eq!(user.deposit_pence, Some(100_000));
    assert!(!format!("{user:?}").contains("pw"), "a password is not shown");
    let with = |more: &str| format!(r#"{{"username":"alice","password":"pw",{more}}}"#);
    check(CreateUser::read, "{}", "missing_field", "username");
    check(CreateUser::read, r#"{"username":"a"}"#, "missing_field", "password");
    check(CreateUser::read, r#"{"username":"a b","password":"p"}"#, "bad_username", "username");
    let long = format!(r#"{{"username":"a","password":"{}"}}"#, "x".repeat(129));
    check(CreateUser::read, &long, "bad_password", "password");
    check(CreateUser::read, &with(r#""deposit":10"#), "bad_amount", "deposit");
    check(CreateUser::read, &with(r#""deposit":"-1""#), "bad_amount", "deposit");
    check(CreateUser::read, &with(r#""currency":"EUR""#), "bad_word", "currency");
    check(CreateUser::read, &with(r#""email":"nobody""#), "bad_email", "email");
    check(CreateUser::read, &with(r#""balance":"1""#), "unknown_field", "balance");
}

#[test]
fn money_is_moved_and_a_user_changed() {
    let moved = MoveMoney::read(br#"{"amount":"0.01","reason":"gift"}"#).unwrap();
    assert_eq!(moved, MoveMoney { amount_pence: 1, reason: Some("gift".into()) });
    check(MoveMoney::read, "{}", "missing_field", "amount");
    check(MoveMoney::read, r#"{"amount":"0"}"#, "bad_amount", "amount");
    check(MoveMoney::read, r#"{"amount":"100000000.01"}"#, "bad_amount", "amount");
    let long = format!(r#"{{"amount":"1","reason":"{}"}}"#, "x".repeat(501));
    check(MoveMoney::read, &long, "bad_reason", "reason");

    let body = br#"{"discountRate":"2.50","exposureLimit":"10000","selfMatch":false,"status":"SUSPENDED"}"#;
    let expect = ChangeUser {
        discount_rate: Some(250),
        exposure_limit_pence: Some(1_000_000),
        best_execution: None,
        self_match: Some(false),
        status: Some(UserStatus::Suspended),
        reason: None,
    };
    assert_eq!(ChangeUser::read(body), Ok(expect));
    check(ChangeUser::read, r#"{"discountRate":"100.01"}"#, "bad_rate", "discountRate");
    check(ChangeUser::read, r#"{"status":"GONE"}"#, "bad_word", "status");
    check(ChangeUser::read, r#"{"bestExecution":"yes"}"#, "bad_type", "bestExecution");
}

#[test]
fn an_event_is_created() {
    let body = br#"{"eventTypeId":"1","name":"Arsenal v Chelsea","countryCode":"GB",
        "openDate":"2026-11-21T15:00:00Z"}"#;
    let event = CreateEvent::read(body).unwrap();
    assert_eq!((event.event_type_id, event.timezone.as_str()), (1, "Europe/London"));
    assert_eq!(event.open_date_ms, 1_795_273_200_000);
    let with = |more: &str| {
        format!(r#"{{"eventTypeId":1,"name":"n","openDate":"2026-11-21T15:00:00Z",{more}}}"#)
    };
    check(CreateEvent::read, r#"{"eventTypeId":0}"#, "bad_number", "eventTypeId");
    check(CreateEvent::read, r#"{"eventTypeId":"x"}"#, "bad_number", "eventTypeId");
    check(CreateEvent::read, r#"{"eventTypeId":""}"#, "bad_number", "eventTypeId");
    check(CreateEvent::read, r#"{"eventTypeId":1,"name":"n"}"#, "missing_field", "openDate");
    check(CreateEvent::read, &with(r#""timezone":"Mars/Base""#), "bad_timezone", "timezone");
    check(CreateEvent::read, &with(r#""countryCode":"gb""#), "bad_country", "countryCode");
    check(CreateEvent::read, &with(r#""competition":"<b>""#), "bad_name", "competition");
}

/// A market of two runners, with more members.
fn market(more: &str) -> String {
    format!(
        r#"{{"eventId":7,"name":"Match Odds","marketType":"MATCH_ODDS",
            "startTime":"2026-11-21T15:00:00Z","runners":[{{"name":"A"}},{{"name":"B","selectionId":9,
            "handicap":"-0.5","sortPriority":2,"adjustmentFactor":"33.33"}}]{more}}}"#
    )
}

#[test]
fn a_market_is_created_with_the_defaults_of_the_design() {
    let read = CreateMarket::read(market("").as_bytes()).unwrap();
    assert_eq!((read.number_of_winners, read.base_rate, read.bet_delay), (1, 500, 0));
    assert_eq!(read.betting_type, BettingType::Odds);
    assert!(read.turn_in_play && read.persistence && read.complete && read.discount_allowed);
    assert!(read.open && !read.bsp_market && !read.cross_matching);
    let expect = CreateRunner {
        name: "B".into(),
        selection_id: Some(9),
        handicap: Some(-50),
        sort_priority: Some(2),
        adjustment_factor: Some(3333),
    };
    assert_eq!(read.runners[1], expect);
    let line = market(
        r#","bettingType":"LINE","line":{"unit":"runs","min":"0.5","max":"300.5","interval":"1"}"#,
    );
    let expect = Line { unit: "runs".into(), min: 50, max: 30_050, interval: 100 };
    assert_eq!(CreateMarket::read(line.as_bytes()).unwrap().line, Some(expect));
}

#[test]
fn a_market_that_cannot_be_is_refused_by_field() {
    let cases = [
        (r#","numberOfWinners":3"#, "bad_number", "numberOfWinners"),
        (r#","baseRate":"101""#, "bad_rate", "baseRate"),
        (r#","baseRate":5.0"#, "bad_rate", "baseRate"),
        (r#","betDelay":-1"#, "bad_number", "betDelay"),
        (r#","bettingType":"RANGE""#, "bad_word", "bettingType"),
        (r#","line":{"unit":"u","min":"1","max":"2"}"#, "missing_field", "line.interval"),
        (r#","line":{"unit":"u","min":"1","max":"2","interval":"0.3"}"#, "bad_number", "line.max"),
        (
            r#","line":{"unit":"u","min":"1","max":"2","interval":"1","x":1}"#,
            "unknown_field",
            "line.x",
        ),
        (r#","status":"OPEN""#, "unknown_field", "status"),
    ];
    for (more, code, field) in cases {
        check(CreateMarket::read, &market(more), code, field);
    }
    let runners = |runners: &str| {
        format!(
            r#"{{"eventId":7,"name":"n","marketType":"T","startTime":"2026-11-21T15:00:00Z",
                "runners":{runners}}}"#
        )
    };
    check(CreateMarket::read, &runners("[]"), "bad_runners", "runners");
    check(CreateMarket::read, &runners("[7]"), "bad_type", "runners[0]");
    check(CreateMarket::read, &runners("[{}]"), "missing_field", "runners[0].name");
    let bad = runners(r#"[{"name":"a"},{"name":"b","selectionId":-1}]"#);
    check(CreateMarket::read, &bad, "bad_number", "runners[1].selectionId");
    let many = vec![r#"{"name":"a"}"#; MAX_RUNNERS + 1].join(",");
    check(CreateMarket::read, &runners(&format!("[{many}]")), "too_many", "runners");
}

#[test]
fn every_act_on_a_market_is_read_from_its_path() {
    let act = |path: &str, body: &str| MarketAct::read(path, body.as_bytes()).unwrap();
    let good = |path: &str, body: &str, expect: Act| {
        assert_eq!(act(path, body), Ok(MarketAct { act: expect, reason: None }), "{path} {body}");
    };
    good("open", "", Act::Open);
    good("suspend", "{}", Act::Suspend { lapse: false, reason: None });
    let goal = Act::Suspend { lapse: true, reason: Some("GOAL".into()) };
    good("suspend", r#"{"lapse":true,"suspendReason":"GOAL"}"#, goal);
    good("bet-delay", r#"{"betDelay":3}"#, Act::BetDelay { bet_delay: 3 });
    let line = Act::KeyLine { key_line: vec![(9, -50), (10, 50)] };
    let sides = r#"{"selectionId":9,"handicap":"-0.5"},{"selectionId":10,"handicap":"0.5"}"#;
    good("key-line", &format!(r#"{{"keyLine":[{sides}]}}"#), line);
    good("key-line", r#"{"keyLine":[]}"#, Act::KeyLine { key_line: vec![] });
    good("turn-in-play", r#"{"betDelay":5}"#, Act::TurnInPlay { bet_delay: Some(5) });
    good("void", "", Act::Void);
    good("reopen", "", Act::Reopen);
    good("reconcile-sp", "", Act::ReconcileSp);
    good("unsettle", "", Act::Unsettle);
    let removed = Act::RemoveRunner { selection_id: 9, adjustment_factor: Some(250) };
    good("remove-runner", r#"{"selectionId":9,"adjustmentFactor":"2.5"}"#, removed);
    let settled = Act::Settle {
        winners: vec![9, 10],
        placed: vec![],
        tied: vec![],
        dead_heat: true,
        result: None,
    };
    good("settle", r#"{"winners":[9,10],"deadHeat":true}"#, settled);
    let counted = Act::Settle {
        winners: vec![],
        placed: vec![],
        tied: vec![],
        dead_heat: false,
        result: Some(-150),
    };
    good("settle", r#"{"result":"-1.5"}"#, counted);
    assert_eq!(MarketAct::read("explode", b""), None);
    let refused = |path: &'static str| move |body: &[u8]| MarketAct::read(path, body).unwrap();
    check(refused("settle"), "{}", "missing_field", "winners");
    check(refused("settle"), r#"{"winners":[9,9]}"#, "repeated", "winners");
    check(refused("settle"), r#"{"winners":["9"]}"#, "bad_number", "winners[0]");
    check(refused("settle"), r#"{"winners":[9],"tied":[9,9]}"#, "repeated", "tied");
    check(refused("settle"), r#"{"result":2}"#, "bad_number", "result");
    check(refused("void"), r#"{"lapse":true}"#, "unknown_field", "lapse");
    check(refused("turn-in-play"), r#"{"betDelay":601}"#, "bad_number", "betDelay");
    check(refused("remove-runner"), "{}", "missing_field", "selectionId");
    check(refused("suspend"), r#"{"suspendReason":""}"#, "bad_name", "suspendReason");
    check(refused("bet-delay"), "{}", "missing_field", "betDelay");
    check(refused("key-line"), "{}", "missing_field", "keyLine");
    let half = r#"{"keyLine":[{"selectionId":9}]}"#;
    check(refused("key-line"), half, "missing_field", "keyLine[0].handicap");
}

#[test]
fn actors_tokens_and_the_clock() {
    let kill = KillActor::read(br#"{"mode":"panic","reason":"drill"}"#).unwrap();
    assert_eq!(kill, KillActor { mode: KillMode::Panic, reason: "drill".into() });
    check(KillActor::read, r#"{"mode":"kill"}"#, "missing_field", "reason");
    check(KillActor::read, r#"{"mode":"maim","reason":"x"}"#, "bad_word", "mode");
    let token = CreateToken::read(br#"{"name":"ops","role":"viewer"}"#).unwrap();
    assert_eq!(token.role, Role::Viewer);
    check(CreateToken::read, r#"{"name":"ops","role":"root"}"#, "bad_word", "role");
    let clock = AdvanceClock::read(br#"{"advanceMs":60000}"#).unwrap();
    assert_eq!(clock.advance_ms, 60_000);
    check(AdvanceClock::read, r#"{"advanceMs":-1}"#, "bad_number", "advanceMs");
    check(AdvanceClock::read, r#"{"advanceMs":1e300}"#, "bad_number", "advanceMs");
}

#[test]
fn an_idempotency_key_is_short_and_visible() {
    assert_eq!(idempotency_key(None), Ok(None));
    assert_eq!(idempotency_key(Some(b"k-1")), Ok(Some("k-1".into())));
    let long = [b'x'; MAX_KEY + 1];
    let longest = &long[..MAX_KEY];
    assert!(idempotency_key(Some(longest)).is_ok());
    for bad in [&b""[..], b"a b", b"a\0b", b"a\r\nb", "é".as_bytes(), &long] {
        let problem = idempotency_key(Some(bad)).unwrap_err();
        assert_eq!(problem.field.as_deref(), Some("Idempotency-Key"));
    }
}
