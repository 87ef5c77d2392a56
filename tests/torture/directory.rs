//! Directories that a node must not serve from: another's, one that cannot be written, one that is none.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::harness::{Launch, Operator, Scratch};

fn refused(launch: &Launch) -> String {
    match launch.try_start() {
        Ok(_) => panic!("the node serves from {}", launch.data().display()),
        Err(ended) => {
            assert!(!ended.status.success(), "{}", ended.status);
            assert!(ended.status.code().is_some(), "a refusal is no crash: {}", ended.status);
            assert!(!ended.log.contains("panicked"), "{}", ended.log);
            let named = ended.log.contains(&launch.data().display().to_string());
            assert!(named, "the directory is not named: {}", ended.log);
            ended.log
        }
    }
}

#[test]
fn a_second_process_on_the_same_directory_is_turned_away_and_the_first_goes_on() {
    let scratch = Scratch::new("second");
    let launch = Launch::new(&scratch);
    let node = launch.start();
    let message = refused(&launch);
    let says = ["lock", "another process", "in use"].iter().any(|word| message.contains(word));
    assert!(says, "{message}");
    let mut operator = Operator::of(&node);
    operator.open_account("ann", "a long password", 100);
    assert_eq!(operator.ledger().deposits, 100);
    node.kill();
    // The lock dies with its process.
    let node = launch.start();
    assert_eq!(Operator::of(&node).ledger().deposits, 100);
}

#[test]
fn a_file_is_not_a_data_directory() {
    let scratch = Scratch::new("file");
    let launch = Launch::new(&scratch);
    fs::write(launch.data(), b"not a directory").unwrap();
    refused(&launch);
}

#[test]
fn a_directory_that_cannot_be_written_is_refused_and_left_as_it_was() {
    let scratch = Scratch::new("read-only");
    let launch = Launch::new(&scratch);
    launch.start().kill();
    let data = launch.data().display().to_string();
    // Root may write where permissions say that nobody may: for root the file system itself is read-only.
    let is_root =
        fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    if is_root {
        let mount = |arguments: &[&str]| {
            Command::new("mount").args(arguments).status().is_ok_and(|status| status.success())
        };
        if !mount(&["--bind", &data, &data]) || !mount(&["-o", "remount,bind,ro", &data]) {
            println!("skipped: root may not mount here");
            return;
        }
    } else {
        fs::set_permissions(launch.data(), fs::Permissions::from_mode(0o555)).unwrap();
    }
    let outcome = std::panic::catch_unwind(|| refused(&launch));
    if is_root {
        let _ = Command::new("umount").arg(&data).status();
    } else {
        fs::set_permissions(launch.data(), fs::Permissions::from_mode(0o755)).unwrap();
    }
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
    launch.start().kill();
}
