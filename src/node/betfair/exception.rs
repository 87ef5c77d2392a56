//! The service exceptions of the three API families: their words, their numbers and their JSON.

use std::borrow::Cow;

use serde::ser::{SerializeMap, SerializeStruct, Serializer};
use serde::{Serialize, ser};

/// A family of operations: each has its own door, prefix and exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Api {
    /// Betting: `SportsAPING`.
    Sports,
    /// Accounts: `AccountAPING`.
    Account,
    /// The dead man's switch: `HeartbeatAPING`.
    Heartbeat,
}

impl Api {
    /// The first part of a method.
    pub fn service(self) -> &'static str {
        match self {
            Api::Sports => "SportsAPING",
            Api::Account => "AccountAPING",
            Api::Heartbeat => "HeartbeatAPING",
        }
    }

    fn exception(self) -> &'static str {
        match self {
            Api::Sports | Api::Heartbeat => "APINGException",
            Api::Account => "AccountAPINGException",
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Api::Sports => "ANGX",
            Api::Account => "AANGX",
            Api::Heartbeat => "HBT",
        }
    }
}

/// Defines the words with their number in each family (0: the family does not have it).
macro_rules! exception_words {
    ($($variant:ident = $word:literal $sports:literal $account:literal $heartbeat:literal,)*) => {
        /// What a service exception says.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ExceptionWord { $(
            #[doc = concat!("`", $word, "`")]
            $variant,
        )* }

        impl ExceptionWord {
            /// The word on the wire.
            pub fn word(self) -> &'static str {
                match self { $(ExceptionWord::$variant => $word,)* }
            }

            fn numbers(self) -> [u8; 3] {
                match self { $(ExceptionWord::$variant => [$sports, $account, $heartbeat],)* }
            }
        }
    };
}

exception_words! {
    TooMuchData = "TOO_MUCH_DATA" 1 0 0,
    InvalidInputData = "INVALID_INPUT_DATA" 2 1 1,
    InvalidSessionInformation = "INVALID_SESSION_INFORMATION" 3 2 2,
    NoAppKey = "NO_APP_KEY" 4 11 3,
    NoSession = "NO_SESSION" 5 10 4,
    UnexpectedError = "UNEXPECTED_ERROR" 6 3 6,
    InvalidAppKey = "INVALID_APP_KEY" 7 4 5,
    TooManyRequests = "TOO_MANY_REQUESTS" 8 14 0,
    ServiceBusy = "SERVICE_BUSY" 9 5 0,
    TimeoutError = "TIMEOUT_ERROR" 10 6 0,
    AppKeyCreationFailed = "APP_KEY_CREATION_FAILED" 11 8 0,
    DuplicateAppName = "DUPLICATE_APP_NAME" 12 7 0,
    AppCreationFailed = "APP_CREATION_FAILED" 13 9 0,
    WalletTransferError = "WALLET_TRANSFER_ERROR" 0 16 0,
    RequestSizeExceedsLimit = "REQUEST_SIZE_EXCEEDS_LIMIT" 14 0 0,
    // Accounts have no number of their own for it: this one stands behind all of theirs.
    AccessDenied = "ACCESS_DENIED" 15 23 0,
}

impl ExceptionWord {
    /// The word as this family can say it: what it has no number for is an unexpected error there.
    fn known_to(self, api: Api) -> (ExceptionWord, u8) {
        let number = |word: ExceptionWord| word.numbers()[api as usize];
        match number(self) {
            0 => (ExceptionWord::UnexpectedError, number(ExceptionWord::UnexpectedError)),
            number => (self, number),
        }
    }
}

/// A service exception. What it carries beside the word names the field and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// What happened.
    pub word: ExceptionWord,
    /// Which field, and why; empty when the word says it all.
    pub details: Cow<'static, str>,
}

impl Exception {
    /// An exception with an explanation.
    pub fn new(word: ExceptionWord, details: impl Into<Cow<'static, str>>) -> Exception {
        Exception { word, details: details.into() }
    }

    /// `ANGX-0003` and its like.
    pub fn message(&self, api: Api) -> String {
        format!("{}-{:04}", api.prefix(), self.word.known_to(api).1)
    }

    /// The `data` of an error: the exception under its name.
    pub fn data<'a>(&'a self, api: Api, request_id: &'a str) -> impl Serialize + 'a {
        ExceptionData { exception: self, api, request_id }
    }
}

impl From<ExceptionWord> for Exception {
    fn from(word: ExceptionWord) -> Exception {
        Exception::new(word, "")
    }
}

struct ExceptionData<'a> {
    exception: &'a Exception,
    api: Api,
    request_id: &'a str,
}

impl Serialize for ExceptionData<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let name = self.api.exception();
        let mut data = serializer.serialize_map(Some(2))?;
        data.serialize_entry("exceptionname", name)?;
        data.serialize_entry(name, &ExceptionBody(self))?;
        data.end()
    }
}

struct ExceptionBody<'a>(&'a ExceptionData<'a>);

impl ser::Serialize for ExceptionBody<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let data = self.0;
        let (word, _) = data.exception.word.known_to(data.api);
        let mut body = serializer.serialize_struct("Exception", 3)?;
        body.serialize_field("requestUUID", data.request_id)?;
        body.serialize_field("errorCode", word.word())?;
        body.serialize_field("errorDetails", &data.exception.details)?;
        body.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: ExceptionWord, api: Api, message: &str, code: &str) {
        let exception = Exception::from(word);
        assert_eq!(exception.message(api), message, "{word:?}");
        let data = serde_json::to_value(exception.data(api, "r1")).unwrap();
        let name = data["exceptionname"].as_str().unwrap();
        assert_eq!(data[name]["errorCode"], code);
        assert_eq!(data[name]["requestUUID"], "r1");
    }

    #[test]
    fn each_family_counts_its_exceptions_itself() {
        use ExceptionWord::*;
        check(InvalidSessionInformation, Api::Sports, "ANGX-0003", "INVALID_SESSION_INFORMATION");
        check(InvalidSessionInformation, Api::Account, "AANGX-0002", "INVALID_SESSION_INFORMATION");
        check(NoAppKey, Api::Account, "AANGX-0011", "NO_APP_KEY");
        check(RequestSizeExceedsLimit, Api::Sports, "ANGX-0014", "REQUEST_SIZE_EXCEEDS_LIMIT");
        check(InvalidAppKey, Api::Heartbeat, "HBT-0005", "INVALID_APP_KEY");
        check(TooMuchData, Api::Account, "AANGX-0003", "UNEXPECTED_ERROR");
    }
}
