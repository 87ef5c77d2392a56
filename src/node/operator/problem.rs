//! Refusals of the native and the operator API, and of the doors themselves: RFC 9457 problem documents.
//!
//! Owns the document's shape. `code` is stable and meant for programs, `reason` for people; `field` names
//! what in the request was wrong, as a path (`runners[1].name`).

use std::borrow::Cow;

use bytes::Bytes;
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

/// One refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The HTTP status, in the document too.
    pub status: StatusCode,
    /// For programs; never changes its meaning.
    pub code: &'static str,
    /// What in the request was wrong, if it was one thing.
    pub field: Option<String>,
    /// For people.
    pub reason: Option<Cow<'static, str>>,
    /// Of an actor that is gone: what was there last.
    pub last_known: Option<Box<serde_json::Value>>,
}

impl Problem {
    /// A problem that says no more than its code.
    pub fn new(status: StatusCode, code: &'static str) -> Problem {
        Problem { status, code, field: None, reason: None, last_known: None }
    }

    /// A field that breaks its rule.
    pub fn field(
        code: &'static str,
        field: impl Into<String>,
        reason: impl Into<Cow<'static, str>>,
    ) -> Problem {
        Problem {
            status: StatusCode::BAD_REQUEST,
            code,
            field: Some(field.into()),
            reason: Some(reason.into()),
            last_known: None,
        }
    }

    /// A field whose rules are not built yet: understood, and not silently ignored.
    pub fn not_built(field: impl Into<String>) -> Problem {
        let reason = "not built yet, leave it out";
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Problem { status, ..Problem::field("not_built", field, reason) }
    }

    /// The same with a reason for people.
    pub fn reason(self, reason: impl Into<Cow<'static, str>>) -> Problem {
        Problem { reason: Some(reason.into()), ..self }
    }

    /// The document as an answer, with a body of any kind.
    pub fn to_response<B: From<Bytes>>(&self) -> Response<B> {
        let body = serde_json::to_vec(self).expect("strings and numbers are always JSON");
        let mut response = Response::new(B::from(Bytes::from(body)));
        *response.status_mut() = self.status;
        let json = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_struct("Problem", 7)?;
        document.serialize_field("type", "about:blank")?;
        let title = self.status.canonical_reason().unwrap_or("Problem");
        document.serialize_field("title", title)?;
        document.serialize_field("status", &self.status.as_u16())?;
        document.serialize_field("code", self.code)?;
        if let Some(field) = &self.field {
            document.serialize_field("field", field)?;
        }
        if let Some(reason) = &self.reason {
            document.serialize_field("detail", reason)?;
        }
        if let Some(known) = &self.last_known {
            document.serialize_field("lastKnown", known)?;
        }
        document.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_names_code_field_and_reason() {
        let problem = Problem::field("bad_stake", "deposit", "is below zero");
        let document = serde_json::to_value(&problem).unwrap();
        let expected = serde_json::json!({
            "type": "about:blank", "title": "Bad Request", "status": 400,
            "code": "bad_stake", "field": "deposit", "detail": "is below zero",
        });
        assert_eq!(document, expected);
        let response = problem.to_response::<Bytes>();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert_eq!(Problem::not_built("line").status, StatusCode::UNPROCESSABLE_ENTITY);
    }
}
