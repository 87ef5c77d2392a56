//! SIGKILL at random moments, again and again, while eight clients bet.
//!
//! `LAYBOOK_TORTURE_ROUNDS` says how often: a few by default, so that `cargo test` stays quick; 200 in CI.

use std::time::{Duration, Instant};

use super::campaign::Campaign;

const ROUNDS: &str = "LAYBOOK_TORTURE_ROUNDS";
const ROUNDS_DEFAULT: usize = 8;
/// After so many lives the markets are settled and the directory is verified.
const TURN_OVER_EVERY: usize = 4;

/// How many rounds were asked for.
pub(crate) fn rounds() -> usize {
    match std::env::var(ROUNDS) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{ROUNDS} is a number")),
        Err(_) => ROUNDS_DEFAULT,
    }
}

/// A campaign of this many rounds is fought in two worlds at once: one waits while the other works.
const WORTH_TWO: usize = 4 * ROUNDS_DEFAULT;

#[test]
fn nothing_acknowledged_is_lost_when_the_process_is_killed_at_any_moment() {
    match rounds() {
        few if few < WORTH_TWO => kill_again_and_again("kills", few),
        many => std::thread::scope(|threads| {
            threads.spawn(|| kill_again_and_again("kills", many.div_ceil(2)));
            threads.spawn(|| kill_again_and_again("kills-beside", many / 2));
        }),
    }
}

fn kill_again_and_again(world: &'static str, rounds: usize) {
    let (mut campaign, mut node) = Campaign::begin(world);
    let mut slowest_start = Duration::ZERO;
    for round in 1..=rounds {
        let herd = campaign.unleash(&node);
        // The fault itself: the moment is random, nothing waits for it.
        let moment = Duration::from_millis(campaign.random.between(50, 600));
        std::thread::park_timeout(moment);
        herd.doom();
        node.kill();
        campaign.gather(herd);
        if round % TURN_OVER_EVERY == 0 {
            campaign.verify();
        }
        let begun = Instant::now();
        node = campaign.launch.start();
        slowest_start = slowest_start.max(begun.elapsed());
        campaign.check(&node);
        if round % TURN_OVER_EVERY == 0 {
            campaign.turn_over(&node);
        }
    }
    node.kill();
    campaign.verify();
    let tally = &campaign.tally;
    println!("{world}: {rounds} kills, ready again within {slowest_start:?}: {tally:?}");
    let tested = [tally.placed, tally.refused, tally.cancelled, tally.replaced];
    assert!(tested.iter().all(|count| *count > 0), "a test that did not test: {tally:?}");
}
