//! `[[makers]]`: market makers that quote the models' prices on the exchange's own markets, one table each.
//!
//! | key | what it is |
//! |---|---|
//! | `name` | a word of 1 to 32 small letters, digits, `-`, `_`; no other maker has it |
//! | `user` | whose money it bets, and in whose name: a user that an operator has made |
//! | `app_key` | the application key that it logs in with |
//! | `competitions` | names of those that it quotes; without it, all |
//! | `spread_bp` | to each side of the fair odds to one, in hundredths of a per cent of them: 1 to 5,000; 120 without it |
//! | `stake` | at its best price at even money or less, a text: 2.00 to 1000000.00; 60.00 without it |
//! | `leads` | true: it also takes the markets through the match, as an operator: in play, suspended, open, settled |

use actors::assignment::Customer;
use actors::maker::Terms;
use domain::money::Pence;

use super::list::Reader;
use crate::operator::json::{hundredths, in_full};
use crate::residents::session_secrets;

const KEYS: [&str; 7] = ["name", "user", "app_key", "competitions", "spread_bp", "stake", "leads"];
const STAKES: std::ops::RangeInclusive<i64> = 200..=100_000_000;

/// A market maker, as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MakerSettings {
    /// What it is called.
    pub name: String,
    /// In whose name it bets.
    pub user: String,
    /// What it logs in with.
    pub app_key: String,
    /// Whose matches it quotes; none named: all.
    pub competitions: Vec<String>,
    /// Hundredths of a per cent of the odds to one.
    pub spread_bp: u16,
    /// At its best price.
    pub stake: Pence,
    /// It leads the markets, too.
    pub leads: bool,
}

impl MakerSettings {
    /// What its actor is told.
    pub fn terms(&self) -> Terms {
        Terms {
            name: self.name.clone(),
            customer: Customer { username: self.user.clone(), app_key: self.app_key.clone() },
            competitions: self.competitions.clone(),
            spread: f64::from(self.spread_bp) / 10_000.0,
            stake: self.stake,
            leads: self.leads,
            secrets: session_secrets,
        }
    }
}

pub(super) fn read(table: &mut Reader<'_>) -> Option<MakerSettings> {
    table.only(&KEYS);
    let name = table.name();
    let mut must = |key, what: &str| {
        let text = table.text(key)?.filter(|text| !text.is_empty());
        table.keep(key, text.ok_or_else(|| format!("is missing: {what}")))
    };
    let user = must("user", "the name of a user");
    let app_key = must("app_key", "an application key");
    let competitions = table.texts("competitions");
    let spread_bp = table.number("spread_bp", 120, 1, 5_000);
    let stake = table.text("stake").and_then(|stake| {
        let pence = match stake.as_deref() {
            None => Ok(6_000),
            Some(text) => {
                hundredths(text).filter(|pence| STAKES.contains(pence)).ok_or_else(|| {
                    format!(
                        "is not from {} to {}",
                        in_full(*STAKES.start()),
                        in_full(*STAKES.end())
                    )
                })
            }
        };
        table.keep("stake", pence)
    });
    let leads = table.truth("leads");
    Some(MakerSettings {
        name: name?,
        user: user?,
        app_key: app_key?,
        competitions: competitions?.unwrap_or_default(),
        spread_bp: u16::try_from(spread_bp?).ok()?,
        stake: Pence(stake?),
        leads: leads?,
    })
}

/// As the file would say it.
pub(super) fn to_toml(maker: &MakerSettings, origin: &str) -> String {
    let mut toml = format!("\n[[makers]]  # {origin}\nname = {:?}\n", maker.name);
    toml += &format!("user = {:?}\napp_key = {:?}\n", maker.user, maker.app_key);
    if !maker.competitions.is_empty() {
        toml += &format!("competitions = {:?}\n", maker.competitions);
    }
    toml += &format!("spread_bp = {}\nstake = \"{}\"\n", maker.spread_bp, maker.stake);
    toml + &format!("leads = {}\n", maker.leads)
}

/// As `config show --json` has it.
pub(super) fn to_json(maker: &MakerSettings, origin: &str) -> serde_json::Value {
    serde_json::json!({
        "name": maker.name,
        "user": maker.user,
        "app_key": maker.app_key,
        "competitions": maker.competitions,
        "spread_bp": maker.spread_bp,
        "stake": maker.stake.to_string(),
        "leads": maker.leads,
        "origin": origin,
    })
}
