//! A date, as files write it and as models count it: days since 1970-01-01.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

/// One day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(Date);

/// Not a date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no date (2024-05-19, 19/05/2024 or 19/05/24)")]
pub struct NoDate(String);

const EPOCH: Date = jiff::civil::date(1970, 1, 1);

impl Day {
    /// Days since 1970-01-01.
    pub fn number(self) -> i32 {
        (self.0 - EPOCH).get_days()
    }
}

impl FromStr for Day {
    type Err = NoDate;

    /// Of year first, or day first as British files write it; a time behind it is not read.
    fn from_str(text: &str) -> Result<Self, NoDate> {
        let no_date = || NoDate(text.to_owned());
        let date = text.split([' ', 'T']).next().unwrap_or(text);
        let by_dashes = date.parse::<Date>().ok();
        let by_slashes = || {
            let mut parts = date.split('/').map(str::parse::<i16>);
            let mut next = || parts.next()?.ok();
            let (day, month, year) = (next()?, next()?, next()?);
            // Football files of two-digit years begin in 1993.
            let year = match year {
                0..=69 => 2_000 + year,
                70..=99 => 1_900 + year,
                year => year,
            };
            let (day, month) = (i8::try_from(day).ok()?, i8::try_from(month).ok()?);
            parts.next().is_none().then(|| Date::new(year, month, day).ok()).flatten()
        };
        by_dashes.or_else(by_slashes).map(Day).ok_or_else(no_date)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_as_files_write_them() {
        for text in
            ["2024-05-19", "19/05/2024", "19/05/24", "2024-05-19 16:00:00", "2024-05-19T16:00"]
        {
            let day: Day = text.parse().expect(text);
            assert_eq!((day.number(), day.to_string().as_str()), (19_862, "2024-05-19"), "{text}");
        }
        assert_eq!(
            "14/08/93".parse::<Day>().expect("a year of two digits").to_string(),
            "1993-08-14"
        );
        for bad in ["", "2024", "31/02/24", "2024-13-01", "1/2/3/4", "//", "99/99/99", "x"] {
            assert!(bad.parse::<Day>().is_err(), "{bad}");
        }
    }
}
