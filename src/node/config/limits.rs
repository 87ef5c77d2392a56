//! The limits that customers meet: each a key of its own, with the profile's value where nobody gave one.

use std::str::FromStr;
use std::time::Duration;

use super::{CustomerLimits, Given, Layers, Profile};

/// What the `betfair` profile says where the defaults say `open`.
const BETFAIR: &[(&str, &str)] = &[
    ("limits.data_weight", "200"),
    ("limits.concurrent_queries", "3"),
    ("limits.instructions_per_second", "1000"),
    ("limits.logins_per_minute", "100"),
    ("limits.stream_markets", "200"),
    ("limits.stream_connections", "10"),
];

impl Layers {
    pub(super) fn read_limits(&mut self, profile: Option<Profile>) -> Option<CustomerLimits> {
        if profile == Some(Profile::Betfair) {
            self.rehearse();
        }
        let data_weight = self.number_or_off::<u64>("limits.data_weight");
        let catalogue_results = self.number("limits.catalogue_results", 1, 1_000);
        let ids = self.count("limits.ids", 1, 10_000);
        // The exchange itself takes no more of them in one request.
        let most = domain::request::MAX_INSTRUCTIONS as u64;
        let place_instructions = self.count("limits.place_instructions", 1, most);
        let change_instructions = self.count("limits.change_instructions", 1, most);
        let concurrent_queries = self.number_or_off("limits.concurrent_queries");
        let instructions_per_second = self.number_or_off("limits.instructions_per_second");
        let logins_per_minute = self.number_or_off("limits.logins_per_minute");
        let login_ban = self.number("limits.login_ban_ms", 1, 86_400_000);
        Some(CustomerLimits {
            data_weight: data_weight?,
            catalogue_results: u32::try_from(catalogue_results?).ok()?,
            ids: ids?,
            place_instructions: place_instructions?,
            change_instructions: change_instructions?,
            concurrent_queries: concurrent_queries?,
            instructions_per_second: instructions_per_second?,
            logins_per_minute: logins_per_minute?,
            login_ban: Duration::from_millis(login_ban?),
        })
    }

    /// Puts the real limits where nobody gave another.
    fn rehearse(&mut self) {
        for (key, value) in BETFAIR {
            if let Some(given) = self.given.get_mut(key)
                && given.origin == "default"
            {
                *given = Given { value: (*value).to_owned(), origin: "profile betfair".to_owned() };
            }
        }
    }

    fn number_or_off<T: FromStr>(&mut self, key: &'static str) -> Option<Option<T>> {
        self.read(key, |value| match value {
            "off" => Ok(None),
            "0" => Err("is not at least 1, and not off".to_owned()),
            value => {
                value.parse().map(Some).map_err(|_| "is not a whole number, and not off".to_owned())
            }
        })
    }
}
