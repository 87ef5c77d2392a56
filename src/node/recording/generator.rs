//! A recording of a market that never was: drawn from a seed, with everything that real ones hold.
//!
//! Ladders that move and are never crossed, volume that rises by odd pence and away from the best price,
//! sizes under a pound, suspensions, a turn in play, an image in the middle, and a result.

use domain::football::SplitMix64;
use domain::price::LadderIndex;
use std::collections::BTreeMap;
use std::fmt::Write;

type Ladder = BTreeMap<u16, i64>;

#[derive(Default)]
struct Runner {
    atb: Ladder,
    atl: Ladder,
    trd: Ladder,
}

/// `messages` of ladders, and a few of the market's life around them.
pub(crate) fn recording(seed: u64, messages: u32) -> String {
    let mut random = SplitMix64::new(seed);
    let mut runners = [Runner::default(), Runner::default(), Runner::default()];
    let mut text = String::new();
    let mut at = 1_700_000_000_000_i64;
    let mut line = |at: &mut i64, step: i64, body: &str| {
        *at += step;
        let id = "\"id\":\"1.5\"";
        writeln!(text, "{{\"op\":\"mcm\",\"pt\":{at},\"mc\":[{{{id},{body}}}]}}").unwrap();
    };
    line(&mut at, 0, &format!("\"img\":true,{}", definition("OPEN", false, None)));
    for message in 0..messages {
        let mut changes = Vec::new();
        for (number, runner) in runners.iter_mut().enumerate() {
            if random.next_below(3) < 2 {
                changes.push(step(runner, number, &mut random));
            }
        }
        let image = match random.next_below(200) {
            0 => {
                changes =
                    (0..).zip(&runners).map(|(number, runner)| whole(number, runner)).collect();
                "\"img\":true,"
            }
            _ => "",
        };
        let body = format!("{image}\"rc\":[{}]", changes.join(","));
        line(&mut at, 1 + random.next_below(900) as i64, &body);
        if message == messages / 2 {
            line(&mut at, 50, &definition("SUSPENDED", false, None));
            line(&mut at, 50, &definition("OPEN", true, None));
        } else if random.next_below(60) == 0 {
            let in_play = message > messages / 2;
            line(&mut at, 50, &definition("SUSPENDED", in_play, None));
            // What goes while nothing can be placed.
            let gone: Vec<String> = runners[0].atb.keys().map(|at| level(*at, 0)).collect();
            runners[0].atb.clear();
            line(&mut at, 50, &format!("\"rc\":[{{\"id\":1,\"atb\":[{}]}}]", gone.join(",")));
            line(&mut at, 50, &definition("OPEN", in_play, None));
        }
    }
    line(&mut at, 50, &definition("SUSPENDED", true, None));
    line(&mut at, 50, "\"rc\":[{\"id\":1,\"trd\":[[2.0,0]],\"tv\":0}]");
    line(&mut at, 50, &definition("CLOSED", true, Some(1)));
    text
}

fn definition(status: &str, in_play: bool, winner: Option<usize>) -> String {
    let status_of = |number| match winner {
        None => "ACTIVE",
        Some(winner) if winner == number => "WINNER",
        Some(_) => "LOSER",
    };
    let runner = |number: usize| {
        let (id, status) = (number + 1, status_of(number));
        format!("{{\"status\":\"{status}\",\"sortPriority\":{id},\"id\":{id}}}")
    };
    let runners: Vec<String> = (0..3).map(runner).collect();
    format!(
        "\"marketDefinition\":{{\"eventTypeId\":\"1\",\"turnInPlayEnabled\":true,\
         \"persistenceEnabled\":true,\"marketBaseRate\":5,\"numberOfWinners\":1,\
         \"bettingType\":\"ODDS\",\"marketType\":\"MATCH_ODDS\",\
         \"marketTime\":\"2023-11-14T23:00:00.000Z\",\"inPlay\":{in_play},\"betDelay\":0,\
         \"status\":\"{status}\",\"runners\":[{}]}}",
        runners.join(",")
    )
}

/// Moves the ladders and trades, and says what changed.
fn step(runner: &mut Runner, number: usize, random: &mut SplitMix64) -> String {
    let (mut atb, mut atl, mut trd) = (Vec::new(), Vec::new(), Vec::new());
    let centre = 90 + 40 * number as u16 + random.next_below(12) as u16;
    for _ in 0..random.next_below(3) {
        let at = centre.saturating_sub(6) + random.next_below(12) as u16;
        let rise = 1 + random.next_below(9_999) as i64;
        let volume = runner.trd.entry(at).or_default();
        *volume += rise;
        trd.push(level(at, *volume));
    }
    for _ in 0..=random.next_below(4) {
        // Whatever would be crossed goes first.
        let (at, size) = (random.next_below(30) as u16, random.next_below(4) as i64);
        let size = size * (1 + random.next_below(50_000) as i64);
        match random.next_below(2) {
            0 => set(&mut runner.atb, &mut atb, centre.saturating_sub(1 + at), size),
            _ => set(&mut runner.atl, &mut atl, centre + at, size),
        }
    }
    let low: Vec<u16> = runner.atl.range(..centre).map(|(at, _)| *at).collect();
    low.into_iter().for_each(|at| set(&mut runner.atl, &mut atl, at, 0));
    let high: Vec<u16> = runner.atb.range(centre..).map(|(at, _)| *at).collect();
    high.into_iter().for_each(|at| set(&mut runner.atb, &mut atb, at, 0));
    format!(
        "{{\"id\":{},\"atb\":[{}],\"atl\":[{}],\"trd\":[{}]}}",
        number + 1,
        atb.join(","),
        atl.join(","),
        trd.join(",")
    )
}

fn set(ladder: &mut Ladder, told: &mut Vec<String>, at: u16, size: i64) {
    match size {
        0 => drop(ladder.remove(&at)),
        _ => drop(ladder.insert(at, size)),
    }
    told.push(level(at, size));
}

fn whole(number: usize, runner: &Runner) -> String {
    let ladder = |ladder: &Ladder| {
        let levels: Vec<String> = ladder.iter().map(|(at, size)| level(*at, *size)).collect();
        levels.join(",")
    };
    format!(
        "{{\"id\":{},\"atb\":[{}],\"atl\":[{}],\"trd\":[{}]}}",
        number + 1,
        ladder(&runner.atb),
        ladder(&runner.atl),
        ladder(&runner.trd)
    )
}

fn level(at: u16, pence: i64) -> String {
    format!("[{},{}.{:02}]", LadderIndex(at).price(), pence / 100, pence % 100)
}
