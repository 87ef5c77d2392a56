//! The REST face of the Betfair doors: one operation a path, its parameters as the body, its result bare.
//!
//! Owns how faults look there: an HTTP status, and a body of `detail`, `faultcode` and `faultstring`. Never
//! decides what an operation does: JSON-RPC and REST share one handler.

use serde::Serialize;

use super::coerce::{Fault, FaultKind};
use super::exception::{Api, Exception};
use super::rpc::RpcError;

/// Why a REST call has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RestError {
    /// No such service, or not in this version: HTTP 404.
    UnknownService,
    /// No such operation: HTTP 404.
    UnknownOperation,
    /// The body says that it is not JSON: HTTP 415.
    MediaType,
    /// The body is not JSON, or not an object.
    Unreadable,
    /// What JSON-RPC would say too.
    Call(RpcError),
}

impl From<RpcError> for RestError {
    fn from(error: RpcError) -> RestError {
        match error {
            RpcError::Unreadable | RpcError::EmptyBatch => RestError::Unreadable,
            RpcError::UnknownMethod => RestError::UnknownOperation,
            error => RestError::Call(error),
        }
    }
}

/// `{}` for what the framework says, the exception for what the service says.
#[derive(Serialize)]
#[serde(untagged)]
enum Detail<D> {
    Nothing {},
    Exception(D),
}

#[derive(Serialize)]
struct FaultBody<'a, D> {
    detail: Detail<D>,
    faultcode: &'static str,
    faultstring: &'a str,
}

impl RestError {
    /// The HTTP status and the body; an exception is spoken in the words of `api`.
    pub fn answer(&self, api: Api, request_id: &str) -> (u16, Vec<u8>) {
        let (status, word) = match self {
            RestError::UnknownService => (404, "DSC-0023"),
            RestError::UnknownOperation => (404, "DSC-0021"),
            RestError::MediaType => (415, "DSC-0011"),
            RestError::Unreadable => (400, "DSC-0008"),
            RestError::Call(error) => match error {
                RpcError::Service(exception) => return of_service(exception, api, request_id),
                RpcError::Parameter(Fault { kind: FaultKind::Missing, .. }) => (400, "DSC-0018"),
                RpcError::Parameter(Fault { kind: FaultKind::Unreadable, .. }) => (400, "DSC-0044"),
                RpcError::Internal => (500, "DSC-0005"),
                RpcError::Unreadable | RpcError::EmptyBatch | RpcError::UnknownMethod => {
                    (400, "DSC-0008")
                }
            },
        };
        let faultcode = if status == 500 { "Server" } else { "Client" };
        let body = FaultBody::<()> { detail: Detail::Nothing {}, faultcode, faultstring: word };
        (status, written(&body))
    }
}

fn of_service(exception: &Exception, api: Api, request_id: &str) -> (u16, Vec<u8>) {
    let message = exception.message(api);
    let body = FaultBody {
        detail: Detail::Exception(exception.data(api, request_id)),
        faultcode: "Client",
        faultstring: &message,
    };
    (400, written(&body))
}

fn written(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("texts are always JSON")
}

/// Whether a body of this `Content-Type` may be JSON: without a word it is taken to be.
pub fn is_json(content_type: Option<&str>) -> bool {
    let Some(kind) = content_type.and_then(|value| value.split(';').next()) else { return true };
    let kind = kind.trim();
    kind.is_empty()
        || ["application/json", "text/json"].iter().any(|json| kind.eq_ignore_ascii_case(json))
}

#[cfg(test)]
mod tests {
    use super::super::exception::ExceptionWord;
    use super::*;

    fn check(error: RestError, status: u16, expect: &str) {
        let (got, body) = error.answer(Api::Sports, "r1");
        assert_eq!((got, String::from_utf8(body).unwrap().as_str()), (status, expect), "{error:?}");
    }

    #[test]
    fn faults_have_their_status_and_their_word() {
        let framework = |code: &str, word: &str| {
            format!(r#"{{"detail":{{}},"faultcode":"{code}","faultstring":"{word}"}}"#)
        };
        check(RestError::UnknownService, 404, &framework("Client", "DSC-0023"));
        check(RestError::UnknownOperation, 404, &framework("Client", "DSC-0021"));
        check(RestError::MediaType, 415, &framework("Client", "DSC-0011"));
        check(RestError::Unreadable, 400, &framework("Client", "DSC-0008"));
        check(RpcError::Internal.into(), 500, &framework("Server", "DSC-0005"));
        let missing = Fault { path: "filter".into(), kind: FaultKind::Missing, reason: "x".into() };
        check(RpcError::from(missing).into(), 400, &framework("Client", "DSC-0018"));
        let exception = Exception::new(ExceptionWord::TooMuchData, "maxResults: too many");
        check(
            RpcError::from(exception).into(),
            400,
            concat!(
                r#"{"detail":{"exceptionname":"APINGException","APINGException":{"requestUUID":"r1","#,
                r#""errorCode":"TOO_MUCH_DATA","errorDetails":"maxResults: too many"}},"#,
                r#""faultcode":"Client","faultstring":"ANGX-0001"}"#
            ),
        );
    }

    #[test]
    fn json_is_what_says_so_or_says_nothing() {
        for json in
            [None, Some(""), Some("application/json"), Some("Application/JSON; charset=utf-8")]
        {
            assert!(is_json(json), "{json:?}");
        }
        for other in ["application/xml", "application/x-www-form-urlencoded", "json"] {
            assert!(!is_json(Some(other)), "{other}");
        }
    }
}
