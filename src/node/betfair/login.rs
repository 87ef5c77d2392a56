//! The login endpoints' forms and answers. Who may log in is decided elsewhere.
//!
//! Every answer is HTTP 200 with all four fields as texts: real clients refuse anything else.

use crate::form::decoded;
use serde::Serialize;

use super::rest::is_json;
use super::tree::Tree;

/// Bytes of a login form.
pub const MAX_FORM: usize = 4 << 10;
/// Bytes of a user name or password; a longer one is refused before it is hashed.
pub const MAX_CREDENTIAL: usize = 128;

/// `username` and `password` of a login form.
#[derive(Clone, PartialEq, Eq)]
pub struct LoginForm {
    /// As typed.
    pub username: String,
    /// As typed; never shown.
    pub password: String,
}

/// Why a login, a keepAlive or a logout failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginError {
    /// The form or its headers are not what they should be.
    InputValidationError,
    /// No such user with this password: which of the two is never told.
    InvalidUsernameOrPassword,
    /// Too many wrong passwords.
    TemporaryBanTooManyRequests,
    /// The operator has stopped the account.
    Suspended,
    /// The account is closed.
    Closed,
    /// The application key is missing or nobody's.
    InvalidAppKey,
    /// There is no session of this token.
    NoSession,
    /// The node cannot tell now.
    InternalError,
}

impl LoginError {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            LoginError::InputValidationError => "INPUT_VALIDATION_ERROR",
            LoginError::InvalidUsernameOrPassword => "INVALID_USERNAME_OR_PASSWORD",
            LoginError::TemporaryBanTooManyRequests => "TEMPORARY_BAN_TOO_MANY_REQUESTS",
            LoginError::Suspended => "SUSPENDED",
            LoginError::Closed => "CLOSED",
            LoginError::InvalidAppKey => "INVALID_APP_KEY",
            LoginError::NoSession => "NO_SESSION",
            LoginError::InternalError => "INTERNAL_ERROR",
        }
    }
}

/// The answer of `/api/login`, `/api/keepAlive` and `/api/logout`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LoginAnswer<'a> {
    /// The session's token, empty on failure.
    pub token: &'a str,
    /// The application key as it came.
    pub product: &'a str,
    /// `SUCCESS` or `FAIL`.
    pub status: &'static str,
    /// Empty on success.
    pub error: &'static str,
}

impl<'a> LoginAnswer<'a> {
    /// It worked.
    pub fn success(token: &'a str, product: &'a str) -> LoginAnswer<'a> {
        LoginAnswer { token, product, status: "SUCCESS", error: "" }
    }

    /// It did not.
    pub fn failure(product: &'a str, error: LoginError) -> LoginAnswer<'a> {
        LoginAnswer { token: "", product, status: "FAIL", error: error.word() }
    }
}

/// The answer of `/api/certlogin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CertLoginAnswer<'a> {
    /// The session's token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_token: Option<&'a str>,
    /// `SUCCESS`, or the error's word.
    pub login_status: &'static str,
}

impl<'a> CertLoginAnswer<'a> {
    /// It worked, or not.
    pub fn new(outcome: Result<&'a str, LoginError>) -> CertLoginAnswer<'a> {
        match outcome {
            Ok(token) => CertLoginAnswer { session_token: Some(token), login_status: "SUCCESS" },
            Err(error) => CertLoginAnswer { session_token: None, login_status: error.word() },
        }
    }
}

impl std::fmt::Debug for LoginForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginForm").field("username", &self.username).finish_non_exhaustive()
    }
}

impl LoginForm {
    /// Reads a urlencoded form, or an object when the body says that it is JSON. Both fields must be there
    /// once, in bounds, and of text without controls.
    pub fn read(body: &[u8], content_type: Option<&str>) -> Result<LoginForm, LoginError> {
        match content_type {
            Some(kind) if !kind.trim().is_empty() && is_json(content_type) => {
                LoginForm::read_json(body)
            }
            _ => LoginForm::read_form(body),
        }
    }

    fn read_json(body: &[u8]) -> Result<LoginForm, LoginError> {
        let tree = if body.len() > MAX_FORM { None } else { Tree::read(body) };
        let text = |name: &str| match tree.as_ref()?.get(name)? {
            Tree::Text(text) if is_credential(text) => Some(text.clone().into_owned()),
            _ => None,
        };
        match (text("username"), text("password")) {
            (Some(username), Some(password)) => Ok(LoginForm { username, password }),
            _ => Err(LoginError::InputValidationError),
        }
    }

    fn read_form(body: &[u8]) -> Result<LoginForm, LoginError> {
        let refused = Err(LoginError::InputValidationError);
        if body.len() > MAX_FORM {
            return refused;
        }
        let (mut username, mut password) = (None, None);
        for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let name = decoded(halves.next().unwrap_or_default());
            let slot = match name.as_deref() {
                Some("username") => &mut username,
                Some("password") => &mut password,
                // Clients send more, such as `product` and `url`.
                _ => continue,
            };
            if slot.is_some() {
                return refused;
            }
            match decoded(halves.next().unwrap_or_default()) {
                Some(text) if is_credential(&text) => *slot = Some(text),
                _ => return refused,
            }
        }
        match (username, password) {
            (Some(username), Some(password)) => Ok(LoginForm { username, password }),
            _ => refused,
        }
    }
}

fn is_credential(text: &str) -> bool {
    (1..=MAX_CREDENTIAL).contains(&text.len()) && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expect: Option<(&str, &str)>) {
        let read = LoginForm::read(body.as_bytes(), None).ok();
        let read = read.as_ref().map(|form| (form.username.as_str(), form.password.as_str()));
        assert_eq!(read, expect, "{body:?}");
    }

    #[test]
    fn a_form_is_decoded() {
        check("username=alice&password=pw", Some(("alice", "pw")));
        check("password=a%2Bb%26c+d&username=%C3%A9lan&product=x", Some(("élan", "a+b&c d")));
        check("username=a&password=x=y", Some(("a", "x=y")));
        for refused in [
            "",
            "username=alice",
            "username=&password=pw",
            "username=a&password=b&password=c",
            "username=a%0d%0a&password=b",
            "username=a%00&password=b",
            "username=%ff&password=b",
            "username=%4&password=b",
            "username=%+1&password=b",
            "{\"username\":\"a\"}",
        ] {
            check(refused, None);
        }
        let long = |length| format!("username=a&password={}", "x".repeat(length));
        assert!(LoginForm::read(long(MAX_CREDENTIAL).as_bytes(), None).is_ok());
        check(&long(MAX_CREDENTIAL + 1), None);
        let padded = format!("username=a&password=b&padding={}", "x".repeat(MAX_FORM));
        check(&padded, None);
    }

    #[test]
    fn an_object_is_read_when_it_says_that_it_is_one() {
        let read = |body: &str, kind| LoginForm::read(body.as_bytes(), Some(kind)).ok();
        let alice = LoginForm { username: "alice".into(), password: "a+b".into() };
        let body = r#"{"username":"alice","password":"a+b","product":"x"}"#;
        assert_eq!(read(body, "application/json; charset=utf-8"), Some(alice.clone()));
        let form = "username=alice&password=a%2Bb";
        assert_eq!(read(form, "application/x-www-form-urlencoded"), Some(alice.clone()));
        assert_eq!(read(form, ""), Some(alice));
        for (body, kind) in [
            (body, "application/x-www-form-urlencoded"),
            (form, "application/json"),
            (r#"{"username":"alice"}"#, "application/json"),
            (r#"{"username":1,"password":"x"}"#, "application/json"),
            (r#"{"username":"a\n","password":"x"}"#, "application/json"),
            ("[]", "application/json"),
        ] {
            assert_eq!(read(body, kind), None, "{kind} {body}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let form = LoginForm::read(b"username=alice&password=hunter2", None).unwrap();
        assert!(!format!("{form:?}").contains("hunter2"));
    }

    #[test]
    fn answers_have_all_their_fields() {
        let json = |value: &LoginAnswer<'_>| serde_json::to_string(value).unwrap();
        let success = r#"{"token":"t=","product":"key","status":"SUCCESS","error":""}"#;
        assert_eq!(json(&LoginAnswer::success("t=", "key")), success);
        let error = LoginError::InvalidUsernameOrPassword;
        let failure =
            r#"{"token":"","product":"","status":"FAIL","error":"INVALID_USERNAME_OR_PASSWORD"}"#;
        assert_eq!(json(&LoginAnswer::failure("", error)), failure);
        let json = |value: &CertLoginAnswer<'_>| serde_json::to_string(value).unwrap();
        let success = r#"{"sessionToken":"t=","loginStatus":"SUCCESS"}"#;
        assert_eq!(json(&CertLoginAnswer::new(Ok("t="))), success);
        let failure = r#"{"loginStatus":"INVALID_USERNAME_OR_PASSWORD"}"#;
        assert_eq!(json(&CertLoginAnswer::new(Err(error))), failure);
    }
}
