//! What an operator does to a market that there is.

use super::super::json::{self, Members};
use super::super::problem::Problem;
use super::{MAX_RUNNERS, count, id, reason};

/// What an operator does to a market.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarketAct {
    /// The act.
    pub act: Act,
    /// Why, for the audit.
    pub reason: Option<String>,
}

/// `POST /v1/operator/markets/{id}/…`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// INACTIVE or SUSPENDED to OPEN.
    Open,
    /// OPEN to SUSPENDED; unmatched orders lapse when asked for.
    Suspend {
        /// Whether orders of LAPSE lapse.
        lapse: bool,
        /// Why, for everybody.
        reason: Option<String>,
    },
    /// To OPEN, in play.
    TurnInPlay {
        /// Seconds, when it changes.
        bet_delay: Option<u32>,
    },
    /// In play, of a market of the model DYNAMIC.
    BetDelay {
        /// Seconds, from now on.
        bet_delay: u32,
    },
    /// The line that a market of Asian handicaps is now about.
    KeyLine {
        /// Its runners, by selection and handicap in hundredths; none: there is no such line.
        key_line: Vec<(u64, i64)>,
    },
    /// Every bet is void.
    Void,
    /// CLOSED to SUSPENDED, after `Unsettle`.
    Reopen,
    /// The starting prices are made.
    ReconcileSp,
    /// A runner does not run.
    RemoveRunner {
        /// Which one.
        selection_id: u64,
        /// Its chance in percent, in hundredths.
        adjustment_factor: Option<i64>,
    },
    /// The result.
    Settle {
        /// Who won.
        winners: Vec<u64>,
        /// Who was placed, in EACH_WAY markets.
        placed: Vec<u64>,
        /// Who shares the places that the others leave.
        tied: Vec<u64>,
        /// More winners than places share them.
        dead_heat: bool,
        /// What decides handicaps and lines, in hundredths.
        result: Option<i64>,
    },
    /// The result was wrong.
    Unsettle,
}

impl MarketAct {
    /// Reads the body of an act named by its path, such as `turn-in-play`; `None` when there is no such act.
    pub fn read(act: &str, body: &[u8]) -> Option<Result<MarketAct, Problem>> {
        let read: fn(&mut Members<'_>) -> Result<Act, Problem> = match act {
            "open" => |_| Ok(Act::Open),
            "suspend" => |m| {
                let lapse = m.truth("lapse")?.unwrap_or(false);
                Ok(Act::Suspend { lapse, reason: m.name("suspendReason")? })
            },
            "turn-in-play" => |m| Ok(Act::TurnInPlay { bet_delay: count(m, "betDelay", 0, 600)? }),
            "bet-delay" => |m| {
                let bet_delay = count(m, "betDelay", 0, 600)?;
                Ok(Act::BetDelay { bet_delay: m.must("betDelay", bet_delay)? })
            },
            "key-line" => |m| {
                let runner = |m: &mut Members<'_>| {
                    let handicap = m.decimal("bad_number", "handicap", -100_000, 100_000)?;
                    Ok((id(m, "selectionId")?, m.must("handicap", handicap)?))
                };
                let key_line = m.objects("keyLine", MAX_RUNNERS, runner)?;
                Ok(Act::KeyLine { key_line: m.must("keyLine", key_line)? })
            },
            "void" => |_| Ok(Act::Void),
            "reopen" => |_| Ok(Act::Reopen),
            "reconcile-sp" => |_| Ok(Act::ReconcileSp),
            "remove-runner" => |m| {
                Ok(Act::RemoveRunner {
                    selection_id: id(m, "selectionId")?,
                    adjustment_factor: m.decimal("bad_rate", "adjustmentFactor", 0, 10_000)?,
                })
            },
            "settle" => |m| {
                let result = m.decimal("bad_number", "result", -MOST_COUNTED, MOST_COUNTED)?;
                let winners = m.ids("winners", MAX_RUNNERS)?;
                let winners = match result {
                    Some(_) => winners.unwrap_or_default(),
                    None => m.must("winners", winners)?,
                };
                let placed = m.ids("placed", MAX_RUNNERS)?.unwrap_or_default();
                let tied = m.ids("tied", MAX_RUNNERS)?.unwrap_or_default();
                refuse_repeats("winners", &winners)?;
                refuse_repeats("placed", &placed)?;
                refuse_repeats("tied", &tied)?;
                let dead_heat = m.truth("deadHeat")?.unwrap_or(false);
                Ok(Act::Settle { winners, placed, tied, dead_heat, result })
            },
            "unsettle" => |_| Ok(Act::Unsettle),
            _ => return None,
        };
        Some(json::read(body, |m| Ok(MarketAct { act: read(m)?, reason: reason(m)? })))
    }
}

/// Hundredths of whatever is counted: a million.
const MOST_COUNTED: i64 = 100_000_000;

fn refuse_repeats(name: &'static str, ids: &[u64]) -> Result<(), Problem> {
    let repeated = |(at, id): (usize, &u64)| ids[..at].contains(id);
    match ids.iter().enumerate().any(repeated) {
        true => Err(Problem::field("repeated", name, "names a runner twice")),
        false => Ok(()),
    }
}
