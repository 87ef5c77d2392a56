//! Statuses: the one answer to each request, and the last word before a close.

use super::number::push_text;

/// Why a request failed, in the stream's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ErrorCode {
    NoAppKey,
    InvalidAppKey,
    NoSession,
    InvalidSessionInformation,
    NotAuthorized,
    InvalidInput,
    InvalidClock,
    UnexpectedError,
    Timeout,
    SubscriptionLimitExceeded,
    InvalidRequest,
    ConnectionFailed,
    MaxConnectionLimitExceeded,
    TooManyRequests,
}

impl ErrorCode {
    fn word(self) -> &'static str {
        match self {
            ErrorCode::NoAppKey => "NO_APP_KEY",
            ErrorCode::InvalidAppKey => "INVALID_APP_KEY",
            ErrorCode::NoSession => "NO_SESSION",
            ErrorCode::InvalidSessionInformation => "INVALID_SESSION_INFORMATION",
            ErrorCode::NotAuthorized => "NOT_AUTHORIZED",
            ErrorCode::InvalidInput => "INVALID_INPUT",
            ErrorCode::InvalidClock => "INVALID_CLOCK",
            ErrorCode::UnexpectedError => "UNEXPECTED_ERROR",
            ErrorCode::Timeout => "TIMEOUT",
            ErrorCode::SubscriptionLimitExceeded => "SUBSCRIPTION_LIMIT_EXCEEDED",
            ErrorCode::InvalidRequest => "INVALID_REQUEST",
            ErrorCode::ConnectionFailed => "CONNECTION_FAILED",
            ErrorCode::MaxConnectionLimitExceeded => "MAX_CONNECTION_LIMIT_EXCEEDED",
            ErrorCode::TooManyRequests => "TOO_MANY_REQUESTS",
        }
    }

    /// Everything ends the connection but a subscription that is too large.
    pub(super) fn closes(self) -> bool {
        self != ErrorCode::SubscriptionLimitExceeded
    }
}

/// A failure with its reason for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) code: ErrorCode,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn new(code: ErrorCode, message: impl Into<String>) -> Failure {
        Failure { code, message: message.into() }
    }
}

/// The first line of a connection.
pub(super) fn connection(connection_id: &str) -> Vec<u8> {
    format!("{{\"op\":\"connection\",\"connectionId\":\"{connection_id}\"}}\r\n").into_bytes()
}

/// A request was done.
pub(super) fn success(
    id: Option<i64>,
    connection_id: &str,
    connections_available: usize,
) -> Vec<u8> {
    let id = id.map(|id| format!("\"id\":{id},")).unwrap_or_default();
    format!(
        "{{\"op\":\"status\",{id}\"statusCode\":\"SUCCESS\",\"connectionId\":\"{connection_id}\",\
         \"connectionClosed\":false,\"connectionsAvailable\":{connections_available}}}\r\n"
    )
    .into_bytes()
}

/// A request failed, or the connection ends.
pub(super) fn failure(id: Option<i64>, connection_id: &str, failure: &Failure) -> Vec<u8> {
    let id = id.map(|id| format!("\"id\":{id},")).unwrap_or_default();
    let (code, closed) = (failure.code.word(), failure.code.closes());
    let mut out = format!(
        "{{\"op\":\"status\",{id}\"statusCode\":\"FAILURE\",\"errorCode\":\"{code}\",\"errorMessage\":"
    )
    .into_bytes();
    push_text(&mut out, &failure.message);
    out.extend_from_slice(
        format!(",\"connectionClosed\":{closed},\"connectionId\":\"{connection_id}\"}}\r\n")
            .as_bytes(),
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_json_and_always_say_whether_the_connection_is_closed() {
        let told = Failure::new(ErrorCode::InvalidInput, "not \"JSON\"");
        for (line, closed) in [
            (success(Some(-3), "c", 9), false),
            (failure(None, "c", &told), true),
            (failure(Some(1), "c", &Failure::new(ErrorCode::SubscriptionLimitExceeded, "")), false),
        ] {
            assert!(line.ends_with(b"\r\n"));
            let read: serde_json::Value = serde_json::from_slice(&line).unwrap();
            assert_eq!(read["connectionClosed"], closed, "{read}");
            assert_eq!(read["op"], "status");
        }
    }
}
