//! The JSON-RPC envelope of the Betfair doors, as tolerant as the framework behind the original.
//!
//! Owns reading a body into calls and writing the replies. Never decides what a call does: the caller takes
//! each [`Call`], reads its request, and pushes a result or an error into [`Replies`].
//!
//! The order of checks is the original's: body, batch, method, parameters, then the headers.
//!
//! Bounds   [`MAX_CALLS`] in a batch: a body of one megabyte could hold 300,000 empty calls.

use std::borrow::Cow;

use serde::Serialize;

use super::coerce::{Fault, FaultKind};
use super::exception::{Api, Exception, ExceptionWord};
use super::operation::{Operation, Parameters};
use super::tree::Tree;

/// Calls in one batch.
pub const MAX_CALLS: usize = 1000;

/// A body, taken apart.
#[derive(Debug)]
pub struct Envelope<'b> {
    /// The client sent a list and gets a list.
    pub batch: bool,
    /// The calls, at least one.
    pub calls: Vec<Call<'b>>,
}

/// One call of a body.
#[derive(Debug)]
pub struct Call<'b> {
    /// Echoed, whatever it is.
    pub id: Tree<'b>,
    method: Option<Cow<'b, str>>,
    params: Option<Tree<'b>>,
}

/// Why a call, or a whole body, has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RpcError {
    /// The body is not JSON, or not an object or list: HTTP 400.
    Unreadable,
    /// A list without calls, or with too many: HTTP 400. Also a call without a method.
    EmptyBatch,
    /// No such operation here.
    UnknownMethod,
    /// A parameter is missing or cannot be read.
    Parameter(Fault),
    /// A bug or a broken node.
    Internal,
    /// The service says no.
    Service(Exception),
}

impl From<Exception> for RpcError {
    fn from(exception: Exception) -> RpcError {
        RpcError::Service(exception)
    }
}

impl From<Fault> for RpcError {
    fn from(fault: Fault) -> RpcError {
        RpcError::Parameter(fault)
    }
}

impl RpcError {
    /// Code and message; the message of an exception depends on its family.
    fn code(&self, api: Api) -> (i32, String) {
        let (code, message) = match self {
            RpcError::Unreadable => (-32700, "DSC-0044"),
            RpcError::EmptyBatch => (-32600, "DSC-0031"),
            RpcError::UnknownMethod => (-32601, "DSC-0021"),
            RpcError::Parameter(Fault { kind: FaultKind::Missing, .. }) => (-32602, "DSC-0018"),
            RpcError::Parameter(Fault { kind: FaultKind::Unreadable, .. }) => (-32602, "DSC-0044"),
            RpcError::Internal => (-32603, "DSC-0005"),
            RpcError::Service(exception) => return (-32099, exception.message(api)),
        };
        (code, message.to_owned())
    }

    /// The answer to a body that has no calls to answer: its HTTP status and its JSON.
    pub fn whole_body(&self, api: Api, request_id: &str) -> (u16, Vec<u8>) {
        let mut replies = Replies::new(api, false, request_id);
        replies.error(&Tree::Null, self);
        let status = match self {
            RpcError::Unreadable | RpcError::EmptyBatch => 400,
            _ => 200,
        };
        (status, replies.finish())
    }
}

impl<'b> Envelope<'b> {
    /// Takes a body apart.
    pub fn read(body: &'b [u8]) -> Result<Envelope<'b>, RpcError> {
        match Tree::read(body) {
            Some(call @ Tree::Object(_)) => {
                Ok(Envelope { batch: false, calls: vec![Call::read(call)] })
            }
            Some(Tree::List(calls)) if calls.is_empty() || calls.len() > MAX_CALLS => {
                Err(RpcError::EmptyBatch)
            }
            Some(Tree::List(calls)) => {
                Ok(Envelope { batch: true, calls: calls.into_iter().map(Call::read).collect() })
            }
            Some(_) | None => Err(RpcError::Unreadable),
        }
    }
}

impl<'b> Call<'b> {
    fn read(call: Tree<'b>) -> Call<'b> {
        let (mut id, mut method, mut params) = (Tree::Null, None, None);
        if let Tree::Object(members) = call {
            for (name, value) in members {
                match (&*name, value) {
                    ("id", value) => id = value,
                    ("method", Tree::Text(text)) => method = Some(text),
                    ("params", value) => params = Some(value),
                    _ => {}
                }
            }
        }
        Call { id, method, params }
    }

    /// The operation and its parameters.
    pub fn operation(&self, api: Api) -> Result<(Operation, Parameters<'_>), RpcError> {
        let method = self.method.as_deref().ok_or(RpcError::EmptyBatch)?;
        let operation = Operation::of_method(api, method).ok_or(RpcError::UnknownMethod)?;
        let parameters = Parameters::new(operation, self.params.as_ref()).ok_or_else(|| Fault {
            path: "params".to_owned(),
            kind: FaultKind::Unreadable,
            reason: "is neither an object nor a list".to_owned(),
        })?;
        Ok((operation, parameters))
    }
}

/// The replies to one body, written as they come.
#[derive(Debug)]
pub struct Replies<'a> {
    api: Api,
    batch: bool,
    request_id: &'a str,
    body: Vec<u8>,
}

#[derive(Serialize)]
struct ErrorMember<'a, D> {
    code: i32,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<D>,
}

impl<'a> Replies<'a> {
    /// No replies yet; `request_id` stands in the exceptions.
    pub fn new(api: Api, batch: bool, request_id: &'a str) -> Replies<'a> {
        let mut body = Vec::with_capacity(512);
        if batch {
            body.push(b'[');
        }
        Replies { api, batch, request_id, body }
    }

    /// Adds a result.
    pub fn result(&mut self, id: &Tree<'_>, result: &impl Serialize) {
        let begun = self.begin();
        self.body.extend_from_slice(b"\"result\":");
        if serde_json::to_writer(&mut self.body, result).is_err() {
            self.body.truncate(begun);
            return self.error(id, &RpcError::Internal);
        }
        self.end(id);
    }

    /// Adds an error.
    pub fn error(&mut self, id: &Tree<'_>, error: &RpcError) {
        self.begin();
        self.body.extend_from_slice(b"\"error\":");
        let (code, message) = error.code(self.api);
        let data = match error {
            RpcError::Service(exception) => Some(exception.data(self.api, self.request_id)),
            _ => None,
        };
        let member = ErrorMember { code, message: &message, data };
        serde_json::to_writer(&mut self.body, &member).expect("texts and a number are always JSON");
        self.end(id);
    }

    /// Bytes written so far.
    pub fn len(&self) -> usize {
        self.body.len()
    }

    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.body.is_empty()
    }

    /// The body; HTTP 200.
    pub fn finish(mut self) -> Vec<u8> {
        if self.batch {
            self.body.push(b']');
        }
        self.body
    }

    /// Begins a reply and says where.
    fn begin(&mut self) -> usize {
        let begun = self.body.len();
        if begun > 1 {
            self.body.push(b',');
        }
        self.body.extend_from_slice(b"{\"jsonrpc\":\"2.0\",");
        begun
    }

    fn end(&mut self, id: &Tree<'_>) {
        self.body.extend_from_slice(b",\"id\":");
        serde_json::to_writer(&mut self.body, id).expect("what was read as JSON is JSON");
        self.body.push(b'}');
    }
}

/// Why a session is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// The application key is nobody's.
    AppKey,
    /// The token is unknown, expired, or of another application key.
    Session,
    /// The node cannot tell now.
    Busy,
}

impl From<Denied> for Exception {
    fn from(denied: Denied) -> Exception {
        match denied {
            Denied::AppKey => {
                Exception::new(ExceptionWord::InvalidAppKey, "X-Application: is not a known key")
            }
            Denied::Session => Exception::new(
                ExceptionWord::InvalidSessionInformation,
                "X-Authentication: is not a session's token, or no longer one",
            ),
            Denied::Busy => Exception::from(ExceptionWord::ServiceBusy),
        }
    }
}

/// The headers that every call needs, as they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Credentials<'a> {
    /// `X-Application`.
    pub app_key: Option<&'a str>,
    /// `X-Authentication`.
    pub token: Option<&'a str>,
}

impl<'a> Credentials<'a> {
    /// Both of them, key and token, or the exception that names the missing one.
    pub fn both(self) -> Result<(&'a str, &'a str), Exception> {
        let app_key = there(self.app_key)
            .ok_or_else(|| Exception::new(ExceptionWord::NoAppKey, "X-Application: is missing"))?;
        Ok((app_key, self.token()?))
    }

    /// The token alone.
    pub fn token(self) -> Result<&'a str, Exception> {
        there(self.token)
            .ok_or_else(|| Exception::new(ExceptionWord::NoSession, "X-Authentication: is missing"))
    }
}

fn there(header: Option<&str>) -> Option<&str> {
    header.map(str::trim).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// What a body is answered when every good call results in its operation's name.
    fn check(body: &str, status: u16, expect: &str) {
        let answer = match Envelope::read(body.as_bytes()) {
            Err(error) => error.whole_body(Api::Sports, "r1"),
            Ok(envelope) => {
                let mut replies = Replies::new(Api::Sports, envelope.batch, "r1");
                for call in &envelope.calls {
                    match call.operation(Api::Sports) {
                        Ok((operation, _)) => replies.result(&call.id, &operation.name()),
                        Err(error) => replies.error(&call.id, &error),
                    }
                }
                (200, replies.finish())
            }
        };
        let text = String::from_utf8(answer.1).unwrap();
        assert_eq!((answer.0, text.as_str()), (status, expect), "{body}");
    }

    const LIST: &str = r#""method":"SportsAPING/v1.0/listEvents","params":{}"#;

    #[test]
    fn calls_come_alone_or_in_a_list_with_ids_of_any_kind() {
        for id in ["1", "\"x\"", "null", "[1,{\"a\":2}]", "true"] {
            check(
                &format!(r#"{{"jsonrpc":"2.0",{LIST},"id":{id}}}"#),
                200,
                &format!(r#"{{"jsonrpc":"2.0","result":"listEvents","id":{id}}}"#),
            );
        }
        check(&format!("{{{LIST}}}"), 200, r#"{"jsonrpc":"2.0","result":"listEvents","id":null}"#);
        check(
            &format!(r#"[{{{LIST},"id":1}},{{"method":"SportsAPING/v1.0/nothing","id":2}},7]"#),
            200,
            concat!(
                r#"[{"jsonrpc":"2.0","result":"listEvents","id":1},"#,
                r#"{"jsonrpc":"2.0","error":{"code":-32601,"message":"DSC-0021"},"id":2},"#,
                r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"DSC-0031"},"id":null}]"#
            ),
        );
    }

    #[test]
    fn what_cannot_be_read_is_answered_400() {
        let unreadable =
            r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"DSC-0044"},"id":null}"#;
        let deep = "[".repeat(100_000);
        let inside = format!("{{{LIST},\"id\":1e309}}");
        let trailing = format!("{{{LIST}}} x");
        let bom = format!("\u{feff}{{{LIST}}}");
        let surrogate = r#"{"method":"\ud800"}"#;
        for body in ["", "{", "7", "\"x\"", "null", &deep, &inside, &trailing, &bom, surrogate] {
            check(body, 400, unreadable);
        }
        let empty = r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"DSC-0031"},"id":null}"#;
        check("[]", 400, empty);
        check(&format!("[{}7]", "7,".repeat(MAX_CALLS)), 400, empty);
        assert_eq!(Envelope::read(b"\xff\xfe{\x00}\x00").unwrap_err(), RpcError::Unreadable);
    }

    #[test]
    fn each_error_has_its_code() {
        let errors = [
            (RpcError::Internal, json!({"code": -32603, "message": "DSC-0005"})),
            (
                Exception::new(ExceptionWord::InvalidInputData, "maxResults: is above 1000").into(),
                json!({"code": -32099, "message": "ANGX-0002", "data": {
                    "exceptionname": "APINGException",
                    "APINGException": {
                        "requestUUID": "r1",
                        "errorCode": "INVALID_INPUT_DATA",
                        "errorDetails": "maxResults: is above 1000",
                    },
                }}),
            ),
        ];
        for (error, expect) in errors {
            let mut replies = Replies::new(Api::Sports, false, "r1");
            replies.error(&Tree::Number(1.into()), &error);
            let reply: Value = serde_json::from_slice(&replies.finish()).unwrap();
            assert_eq!(reply, json!({"jsonrpc": "2.0", "error": expect, "id": 1}));
        }
        check(
            r#"{"method":"SportsAPING/v1.0/listEvents","params":"x","id":1}"#,
            200,
            r#"{"jsonrpc":"2.0","error":{"code":-32602,"message":"DSC-0044"},"id":1}"#,
        );
    }

    #[test]
    fn the_key_is_asked_for_before_the_session() {
        let word = |app_key, token| {
            Credentials { app_key, token }.both().map_err(|exception| exception.word)
        };
        assert_eq!(word(None, None), Err(ExceptionWord::NoAppKey));
        assert_eq!(word(Some(" "), Some("t")), Err(ExceptionWord::NoAppKey));
        assert_eq!(word(Some("k"), None), Err(ExceptionWord::NoSession));
        assert_eq!(word(Some("k"), Some("t")), Ok(("k", "t")));
    }

    #[test]
    fn a_denied_session_is_named() {
        let word = |denied| Exception::from(denied).word;
        assert_eq!(word(Denied::AppKey), ExceptionWord::InvalidAppKey);
        assert_eq!(word(Denied::Session), ExceptionWord::InvalidSessionInformation);
        assert_eq!(word(Denied::Busy), ExceptionWord::ServiceBusy);
    }
}
