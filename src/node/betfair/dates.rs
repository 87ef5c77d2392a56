//! Dates of the wire.
//!
//! Out, always `YYYY-MM-DDTHH:MM:SS.mmmZ`: real clients silently drop any other form. In, ISO 8601 with or
//! without fraction and offset (none means UTC), a bare day, or milliseconds since 1970.

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, Serializer};

/// Milliseconds since 1970, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date(pub i64);

/// 1 January of the year 1, and of the year 10000: outside of it the form above does not hold.
const FIRST_MS: i64 = -62_135_596_800_000;
const END_MS: i64 = 253_402_300_800_000;

impl Date {
    /// A date as clients write it.
    pub fn from_text(text: &str) -> Option<Date> {
        let text = text.trim();
        let with_offset = text.parse::<Timestamp>().ok();
        let timestamp = with_offset.or_else(|| {
            let civil: DateTime = text.parse().ok()?;
            Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
        })?;
        Date::from_millis(timestamp.as_duration().as_millis().try_into().ok()?)
    }

    /// Milliseconds since 1970, within the years that can be printed.
    pub fn from_millis(millis: i64) -> Option<Date> {
        (FIRST_MS..END_MS).contains(&millis).then_some(Date(millis))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.clamp(FIRST_MS, END_MS - 1);
        let timestamp = Timestamp::UNIX_EPOCH + SignedDuration::from_millis(millis);
        let civil = TimeZone::UTC.to_datetime(timestamp);
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            civil.year(),
            civil.month(),
            civil.day(),
            civil.hour(),
            civil.minute(),
            civil.second(),
            civil.millisecond()
        )
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Option<&str>) {
        let read = Date::from_text(text).map(|date| date.to_string());
        assert_eq!(read.as_deref(), expect, "{text}");
    }

    #[test]
    fn dates_are_read_in_every_usual_form_and_written_in_one() {
        check("2026-11-21T15:00:00.000Z", Some("2026-11-21T15:00:00.000Z"));
        check("2026-11-21T15:00:00Z", Some("2026-11-21T15:00:00.000Z"));
        check("2026-11-21T15:00:00", Some("2026-11-21T15:00:00.000Z"));
        check("2026-11-21T15:00:00.123456", Some("2026-11-21T15:00:00.123Z"));
        check("2026-11-21T16:00:00+01:00", Some("2026-11-21T15:00:00.000Z"));
        check("2026-11-21T15:00Z", Some("2026-11-21T15:00:00.000Z"));
        check("2026-11-21", Some("2026-11-21T00:00:00.000Z"));
        check("1969-12-31T23:59:59.999Z", Some("1969-12-31T23:59:59.999Z"));
        check("2024-02-29T00:00:00Z", Some("2024-02-29T00:00:00.000Z"));
        for refused in
            ["", "yesterday", "2026-13-01", "2026-02-30T00:00:00Z", "15:00", "-000001-01-01"]
        {
            check(refused, None);
        }
    }

    #[test]
    fn what_cannot_be_printed_is_not_a_date() {
        assert_eq!(Date::from_millis(i64::MAX), None);
        assert_eq!(Date::from_millis(END_MS), None);
        assert_eq!(Date(i64::MIN).to_string(), "0001-01-01T00:00:00.000Z");
        assert_eq!(Date::from_millis(0).unwrap().to_string(), "1970-01-01T00:00:00.000Z");
    }
}
