//! Deaths at chosen places: the process aborts at its nth pass of a fail point.
//!
//! Only in debug builds; in a release the points are not in the binary.

use super::campaign::Campaign;

/// A point, and the highest pass at which it is aimed: some are passed by every bet, some once in a while.
const POINTS: &[(&str, u64)] = &[
    ("before_sync", 60),
    ("after_sync", 60),
    ("before_release", 60),
    ("rotation", 3),
    ("snapshot_write", 2),
    ("checkpoint_rename", 1),
    ("recovery", 1),
];

#[test]
fn nothing_acknowledged_is_lost_when_the_process_dies_at_the_worst_places() {
    let (mut campaign, mut node) = Campaign::begin("aimed");
    for (point, highest) in POINTS {
        for _ in 0..3 {
            let pass = campaign.random.between(1, *highest);
            let aim = format!("{point}:{pass}=abort");
            println!("{aim}");
            node.kill();
            let armed = campaign.launch.clone().fail_points(&aim);
            match armed.try_start() {
                Err(ended) => {
                    assert!(!ended.status.success(), "{aim}: {}\n{}", ended.status, ended.log);
                }
                Ok(mut armed) => {
                    let herd = campaign.unleash_on_doomed(&armed);
                    let status = armed.wait();
                    assert!(!status.success(), "{aim}: {status}\n{}", armed.log());
                    campaign.gather(herd);
                }
            }
            campaign.verify();
            node = campaign.launch.start();
            campaign.check(&node);
        }
        campaign.turn_over(&node);
    }
}
