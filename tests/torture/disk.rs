//! The disk fills up, and somebody makes room again: on a file system in memory, small and our own.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::campaign::Campaign;
use crate::harness::bettor::{self, limit};
use crate::harness::http::Answer;
use crate::harness::{Bettor, Launch, Operator, Scratch, eventually};

/// A small tmpfs; unmounted when dropped.
struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    /// `None` where mounting is not allowed.
    fn mount(path: &Path) -> Option<SmallDisk> {
        fs::create_dir(path).unwrap();
        let arguments = ["-t", "tmpfs", "-o", "size=24m", "tmpfs"];
        let mounted = Command::new("mount").args(arguments).arg(path).output().ok()?;
        if mounted.status.success() { Some(SmallDisk { path: path.to_owned() }) } else { None }
    }

    /// Writes until nothing more goes in.
    fn fill(&self) -> PathBuf {
        let filler = self.path.join("filler");
        let mut file = fs::File::create(&filler).unwrap();
        let block = [1; 4096];
        while file.write_all(&block).is_ok() {}
        filler
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}

#[test]
fn a_full_disk_refuses_orders_and_nothing_else_until_there_is_room() {
    let scratch = Scratch::new("disk-full");
    let Some(disk) = SmallDisk::mount(&scratch.path().join("disk")) else {
        println!("skipped: mounting a tmpfs was refused, which takes root");
        return;
    };
    let launch = Launch::at(&scratch, disk.path.join("data"));
    let (mut campaign, node) = Campaign::begin_at("disk-full", scratch, launch);
    let mut operator = Operator::of(&node);
    let app_key = operator.open_account("probe", "a long password", 0);
    let mut probe = Bettor::log_in(&node, "probe", "a long password", &app_key);
    let market = campaign.markets()[0].clone();

    let filler = disk.fill();
    // Bets go on into what was set aside before, until that is used up too.
    let herd = campaign.unleash(&node);
    let refusal = eventually("changes are refused for want of room", || {
        let answer = add_event(&mut operator);
        if answer.status == 503 { Ok(answer.json()) } else { Err(answer.text()) }
    });
    println!("told: {refusal}");
    assert!(refusal["detail"].is_string() || refusal["code"].is_string(), "{refusal}");
    herd.enough();
    campaign.gather(herd);

    // Orders are refused with a word that says so; reads go on; the process lives.
    let order = [limit(market.runners[0], "BACK", 2.0, 3.0)];
    let params = json!({"marketId": market.id, "instructions": order});
    let refused = probe.call("placeOrders", &params);
    assert!(is_busy(&refused), "{refused:?}");
    assert_eq!(probe.book(&market)["marketId"], market.id.as_str());
    campaign.check(&node);

    fs::remove_file(filler).unwrap();
    eventually("changes are taken again", || {
        let answer = add_event(&mut operator);
        if answer.status == 201 { Ok(()) } else { Err(answer.text()) }
    });
    let orders = campaign.orders(&node).len();
    let herd = campaign.unleash(&node);
    eventually("bets are taken again", || {
        let now = campaign.orders(&node).len();
        if now > orders { Ok(()) } else { Err(now) }
    });
    herd.doom();
    node.kill();
    campaign.gather(herd);
    let node = campaign.launch.start();
    campaign.check(&node);
    node.kill();
    campaign.verify();
}

/// A change that moves no money.
fn add_event(operator: &mut Operator) -> Answer {
    let event = json!({"eventTypeId": "1", "name": "A v B", "openDate": "2031-05-03T14:00:00Z"});
    operator.send("POST", "/v1/operator/events", None, Some(&event)).expect("the node answers")
}

/// Betfair's ways to say that nothing was done and that it may work later.
fn is_busy(answer: &Result<Value, Value>) -> bool {
    match answer {
        Ok(report) => report["status"] == "FAILURE" && report["errorCode"] == "SERVICE_UNAVAILABLE",
        Err(error) => bettor::is_busy(error),
    }
}
