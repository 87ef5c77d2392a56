//! The door's paths over a socket, with an exchange that only knows one customer.

use std::sync::Mutex;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::super::decimal::Hundredths;
use super::super::exception::Exception;
use super::super::extensions::Extensions;
use super::super::handler::{Answer, Menu};
use super::super::limits::Limits;
use super::super::request::Request;
use super::super::response::account::AccountFunds;
use super::super::response::report::ExecutionReport;
use super::super::rpc::{Denied, RpcError};
use super::super::words::{ReportError, ReportStatus};
use super::*;
use crate::door::{self, ConnectionTask, Counts, DrainSwitch, NoRoom, Spawn};

/// Knows key `key`, token `t=` and the user alice; remembers what it was asked.
struct Little {
    limits: Limits,
    asked: Mutex<Vec<Request>>,
    lookups: Mutex<u32>,
}

impl Exchange for Little {
    type Session = ();

    fn limits(&self) -> &Limits {
        &self.limits
    }

    async fn session(&self, app_key: Option<&str>, token: &str) -> Result<(), Denied> {
        *self.lookups.lock().unwrap() += 1;
        match (app_key, token) {
            (Some("key") | None, "t=") => Ok(()),
            (Some("key") | None, _) => Err(Denied::Session),
            _ => Err(Denied::AppKey),
        }
    }

    async fn answer(&self, (): &(), _: Extensions, request: Request) -> Result<Answer, RpcError> {
        self.asked.lock().unwrap().push(request.clone());
        Ok(match request {
            Request::GetAccountFunds => Answer::Funds(AccountFunds {
                available_to_bet_balance: Hundredths(99_999),
                exposure: Hundredths(-1),
                retained_commission: Hundredths(0),
                exposure_limit: Hundredths(-100),
                discount_rate: Hundredths(0),
                points_balance: 0,
                wallet: "UK",
            }),
            Request::PlaceOrders(orders) => Answer::Placed(ExecutionReport {
                customer_ref: orders.customer_ref,
                status: ReportStatus::Failure,
                error_code: Some(ReportError::MarketSuspended),
                market_id: Some(orders.market_id),
                instruction_reports: vec![],
            }),
            _ => return Err(RpcError::Internal),
        })
    }

    async fn menu(&self) -> Result<Menu, Exception> {
        Ok(Menu { body: r#"{"type":"GROUP"}"#.into(), etag: r#""e1""#.into() })
    }

    async fn login(&self, _: &str, form: LoginForm) -> Result<String, LoginError> {
        match (form.username.as_str(), form.password.as_str()) {
            ("alice", "pw") => Ok("t=".to_owned()),
            _ => Err(LoginError::InvalidUsernameOrPassword),
        }
    }

    async fn keep_alive(&self, token: &str, _: bool) -> Result<(), LoginError> {
        (token == "t=").then_some(()).ok_or(LoginError::NoSession)
    }
}

struct Tasks(JoinSet<()>);

impl Spawn for Tasks {
    fn spawn(&mut self, task: ConnectionTask) -> Result<(), NoRoom> {
        self.0.spawn(task);
        Ok(())
    }
}

struct Lab {
    address: std::net::SocketAddr,
    little: Arc<Little>,
    /// Dropped, the door closes.
    _switch: DrainSwitch,
}

async fn lab() -> Lab {
    let little =
        Little { limits: Limits::open(), asked: Mutex::default(), lookups: Mutex::default() };
    let little = Arc::new(little);
    let service = warp::service(crate::rejection::complete(routes(little.clone())));
    let service = hyper_util::service::TowerToHyperService::new(service);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (switch, drain) = door::drain();
    let (counts, tasks) = (Arc::new(Counts::default()), Tasks(JoinSet::new()));
    let serving = door::serve(listener, service, door::Limits::default(), counts, tasks, drain);
    tokio::spawn(serving);
    Lab { address, little, _switch: switch }
}

impl Lab {
    /// Status and body of one request, with the good headers.
    async fn send(&self, line: &str, body: &str) -> (u16, String) {
        self.send_as(line, "X-Application: key\r\nX-Authentication: t=\r\n", body).await
    }

    async fn send_as(&self, line: &str, headers: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let length = body.len();
        let request = format!(
            "{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}x-request-id: r1\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), body.to_owned())
    }

    async fn call(&self, headers: &str, path: &str, call: Value) -> Value {
        let line = format!("POST /exchange/{path}/json-rpc/v1");
        let (status, body) = self.send_as(&line, headers, &call.to_string()).await;
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }
}

const GOOD: &str = "X-Application: key\r\nX-Authentication: t=\r\n";

fn funds(id: u32) -> Value {
    json!({"jsonrpc": "2.0", "method": "AccountAPING/v1.0/getAccountFunds", "params": {}, "id": id})
}

#[tokio::test]
async fn a_call_is_answered_with_its_id() {
    let lab = lab().await;
    let reply = lab.call(GOOD, "account", funds(7)).await;
    assert_eq!(reply["id"], 7);
    assert_eq!(reply["result"]["availableToBetBalance"], 999.99);
    let place = json!({"method": "sportsaping/v1.0/PLACEORDERS", "id": "x", "params":
        {"marketId": "1.2", "customerRef": "c", "instructions":
            [{"selectionId": "7", "side": "BACK", "orderType": "LIMIT",
              "limitOrder": {"size": "2", "price": 2.02}}]}});
    let reply = lab.call(GOOD, "betting", place).await;
    let expect = json!({"customerRef": "c", "status": "FAILURE", "errorCode": "MARKET_SUSPENDED",
        "marketId": "1.2", "instructionReports": []});
    assert_eq!(reply["result"], expect);
}

#[tokio::test]
async fn a_path_of_its_own_is_answered_as_the_call_is() {
    let lab = lab().await;
    let funds = r#""availableToBetBalance":999.99"#;
    for path in [
        "account/rest/v1.0/getAccountFunds",
        "account/rest/v1.0/getAccountFunds/",
        "betting/rest/v1.0/getAccountFunds/",
        "betting/rest/v1.0/GETACCOUNTFUNDS",
    ] {
        for body in ["{}", "", r#"{"wallet":null}"#] {
            let (status, body) = lab.send(&format!("POST /exchange/{path}"), body).await;
            assert_eq!(status, 200, "{path}: {body}");
            assert!(body.starts_with('{') && body.contains(funds), "{path}: {body}");
        }
    }
    let place = r#"{"marketId":"1.2","instructions":[{"selectionId":"7","side":"BACK",
        "orderType":"LIMIT","limitOrder":{"size":"2","price":2.02}}]}"#;
    let (status, body) = lab.send("POST /exchange/betting/rest/v1.0/placeOrders/", place).await;
    assert_eq!(status, 200);
    assert!(body.contains(r#""errorCode":"MARKET_SUSPENDED""#), "{body}");
    assert_eq!(lab.little.asked.lock().unwrap().len(), 13);
}

#[tokio::test]
async fn a_path_answers_faults_with_their_status() {
    let lab = lab().await;
    let check = async |path: &str, headers: &str, body: &str, status: u16, word: &str| {
        let line = format!("POST /exchange/{path}");
        let (got, text) = lab.send_as(&line, headers, body).await;
        assert_eq!(got, status, "{path} {body}: {text}");
        let fault: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(fault["faultstring"], word, "{path} {body}: {text}");
        fault
    };
    let events = "betting/rest/v1.0/listEvents/";
    check(events, GOOD, "{", 400, "DSC-0008").await;
    check(events, GOOD, "7", 400, "DSC-0008").await;
    check(events, GOOD, "{}", 400, "DSC-0018").await;
    check(events, GOOD, r#"{"filter":7}"#, 400, "DSC-0044").await;
    check(events, GOOD, r#"{"filter":{}}"#, 500, "DSC-0005").await;
    check("betting/rest/v1.0/fly/", GOOD, "{}", 404, "DSC-0021").await;
    check("account/rest/v1.0/listEvents/", GOOD, "{}", 404, "DSC-0021").await;
    check("betting/rest/v2.0/listEvents/", GOOD, "{}", 404, "DSC-0023").await;
    let xml = format!("{GOOD}content-type: application/xml\r\n");
    check(events, &xml, "<a/>", 415, "DSC-0011").await;
    let fault = check(events, "", r#"{"filter":{}}"#, 400, "ANGX-0004").await;
    assert_eq!(fault["detail"]["APINGException"]["errorCode"], "NO_APP_KEY");
    assert_eq!(fault["detail"]["exceptionname"], "APINGException");
    let funds = "betting/rest/v1.0/getAccountFunds/";
    let fault = check(funds, "", "{}", 400, "AANGX-0011").await;
    assert_eq!(fault["detail"]["AccountAPINGException"]["errorCode"], "NO_APP_KEY");
    let flight = format!("{GOOD}X-Laybook-Extensions: flight\r\n");
    check(funds, &flight, "{}", 400, "AANGX-0001").await;
    let (status, _) = lab.send("GET /exchange/betting/rest/v1.0/listEvents/", "").await;
    assert_eq!(status, 405);
}

#[tokio::test]
async fn a_batch_is_answered_in_order_with_one_session() {
    let lab = lab().await;
    let unknown = json!({"method": "AccountAPING/v1.0/nothing", "id": 2});
    let batch = json!([funds(1), unknown, funds(3)]);
    let replies = lab.call(GOOD, "account", batch).await;
    let ids: Vec<&Value> = replies.as_array().unwrap().iter().map(|reply| &reply["id"]).collect();
    assert_eq!(ids, [1, 2, 3]);
    assert_eq!(replies[1]["error"]["message"], "DSC-0021");
    assert_eq!(*lab.little.lookups.lock().unwrap(), 1);
}

#[tokio::test]
async fn errors_come_in_the_order_of_the_checks() {
    let lab = lab().await;
    let check = async |headers: &str, call: Value, message: &str, word: &str| {
        let reply = lab.call(headers, "betting", call).await;
        assert_eq!(reply["error"]["message"], message, "{reply}");
        let exception = &reply["error"]["data"]["APINGException"];
        assert_eq!(exception["errorCode"].as_str().unwrap_or_default(), word, "{reply}");
        if !word.is_empty() {
            assert_eq!(exception["requestUUID"], "r1");
            assert!(exception["errorDetails"].as_str().unwrap().contains(':'), "{reply}");
        }
    };
    let call = |operation: &str, params: Value| json!({"method": format!("SportsAPING/v1.0/{operation}"), "params": params, "id": 1});
    let catalogue =
        |most: Value| call("listMarketCatalogue", json!({"filter": {}, "maxResults": most}));
    check("", call("getAccountFunds", json!({})), "DSC-0021", "").await;
    check("", catalogue(json!(null)), "DSC-0018", "").await;
    check("", catalogue(json!("ten")), "DSC-0044", "").await;
    check("", catalogue(json!(1001)), "ANGX-0004", "NO_APP_KEY").await;
    let only_key = "X-Application: key\r\n";
    check(only_key, catalogue(json!(1001)), "ANGX-0005", "NO_SESSION").await;
    let old = "X-Application: key\r\nX-Authentication: old\r\n";
    check(old, catalogue(json!(1)), "ANGX-0003", "INVALID_SESSION_INFORMATION").await;
    let other = "X-Application: other\r\nX-Authentication: t=\r\n";
    check(other, catalogue(json!(1)), "ANGX-0007", "INVALID_APP_KEY").await;
    check(GOOD, catalogue(json!(1001)), "ANGX-0001", "TOO_MUCH_DATA").await;
    assert!(lab.little.asked.lock().unwrap().is_empty(), "nothing reached the exchange");
    check(GOOD, catalogue(json!(1)), "DSC-0005", "").await;
    let (status, body) = lab.send("POST /exchange/betting/json-rpc/v1", "{").await;
    assert_eq!(status, 400);
    assert!(body.contains("-32700"), "{body}");
}

#[tokio::test]
async fn logins_answer_200_with_all_their_fields() {
    let lab = lab().await;
    let check = async |line: &str, headers: &str, body: &str, expect: Value| {
        let (status, body) = lab.send_as(line, headers, body).await;
        assert_eq!(status, 200, "{body}");
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), expect, "{line}");
    };
    let success = json!({"token": "t=", "product": "key", "status": "SUCCESS", "error": ""});
    let failure =
        |error: &str| json!({"token": "", "product": "key", "status": "FAIL", "error": error});
    let form = "username=alice&password=pw";
    check("POST /api/login", GOOD, form, success.clone()).await;
    let wrong = "username=alice&password=no";
    check("POST /api/login", GOOD, wrong, failure("INVALID_USERNAME_OR_PASSWORD")).await;
    check("POST /api/login", GOOD, "{}", failure("INPUT_VALIDATION_ERROR")).await;
    let keyless = json!({"token": "", "product": "", "status": "FAIL", "error": "INVALID_APP_KEY"});
    check("POST /api/login", "", form, keyless).await;
    let by_certificate = json!({"sessionToken": "t=", "loginStatus": "SUCCESS"});
    check("POST /api/certlogin", GOOD, form, by_certificate).await;
    for method in ["GET", "POST"] {
        for path in ["keepAlive", "logout"] {
            check(&format!("{method} /api/{path}"), GOOD, "", success.clone()).await;
        }
    }
    let only_key = "X-Application: key\r\n";
    check("GET /api/keepAlive", only_key, "", failure("NO_SESSION")).await;
    let (status, body) = lab.send("PUT /api/login", "").await;
    assert_eq!(status, 405);
    assert!(body.contains("\"code\":\"method_not_allowed\""), "{body}");
    for path in ["/api/nothing", "/api//login", "/api/%2e%2e/login", "/exchange"] {
        let (status, body) = lab.send(&format!("POST {path}"), "").await;
        assert_eq!(status, 404, "{path}");
        assert!(body.contains("\"code\":\"not_found\""), "{body}");
    }
}

#[tokio::test]
async fn the_menu_is_told_apart_from_the_one_before() {
    let lab = lab().await;
    let line = "GET /exchange/betting/rest/v1/en/navigation/menu.json";
    assert_eq!(lab.send(line, "").await, (200, r#"{"type":"GROUP"}"#.to_owned()));
    let good = "X-Application: key\r\nX-Authentication: t=\r\n";
    for (etag, status) in [(r#""e1""#, 304), (r#""e0", W/"e1""#, 304), ("*", 304), (r#""e2""#, 200)]
    {
        let headers = format!("{good}If-None-Match: {etag}\r\n");
        assert_eq!(lab.send_as(line, &headers, "").await.0, status, "{etag}");
    }
    let (status, body) = lab.send_as(line, "X-Application: key\r\n", "").await;
    let fault: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &fault["faultstring"]), (400, &json!("ANGX-0005")));
}

#[tokio::test]
async fn keys_are_asked_for_without_one() {
    let lab = lab().await;
    let body = r#"{"method":"AccountAPING/v1.0/getDeveloperAppKeys","id":1}"#;
    let line = "POST /exchange/account/json-rpc/v1";
    lab.send_as(line, "X-Authentication: t=\r\n", body).await;
    assert_eq!(*lab.little.asked.lock().unwrap(), [Request::GetDeveloperAppKeys]);
    let (_, answer) = lab.send_as(line, "", body).await;
    assert!(answer.contains("AANGX-0010"), "{answer}");
}

#[tokio::test]
async fn a_password_in_a_url_is_refused_in_the_same_shape() {
    let lab = lab().await;
    let (status, answer) = lab.send("GET /api/login?username=alice&password=pw", "").await;
    let refused = json!({
        "token": "", "product": "key", "status": "FAIL", "error": "INPUT_VALIDATION_ERROR",
    });
    assert_eq!((status, serde_json::from_str::<Value>(&answer).unwrap()), (200, refused));
}
