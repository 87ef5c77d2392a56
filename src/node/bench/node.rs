//! The node under measurement: started in a directory of its own, or running somewhere already.
//!
//! Owns the process and the directory, and takes both away when dropped. The process is this very program
//! unless another build of it is named.

use anyhow::{Context, bail, ensure};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// A node that runs elsewhere.
#[derive(Debug, Clone)]
pub struct RunningNode {
    pub http: SocketAddr,
    pub admin: SocketAddr,
    /// An operator's.
    pub token: String,
}

/// A directory that goes away.
#[derive(Debug)]
pub(super) struct Directory(PathBuf);

/// A node of our own.
#[derive(Debug)]
pub(super) struct OwnNode {
    child: Child,
    /// Kept open, so that the node never writes into a closed pipe.
    _lines: BufReader<ChildStdout>,
    pub(super) address: RunningNode,
    /// From the start of the process to its `ready`.
    pub(super) ready_after: Duration,
}

impl Directory {
    /// In `parent`, or where the system keeps what is temporary.
    pub(super) fn new(parent: Option<&Path>) -> anyhow::Result<Self> {
        let parent = parent.map_or_else(std::env::temp_dir, Path::to_path_buf);
        let path = parent.join(format!("laybook-bench-{}", std::process::id()));
        std::fs::create_dir_all(&path)
            .with_context(|| format!("{} cannot be made", path.display()))?;
        Ok(Directory(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What cannot be removed is left to the system that keeps temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl OwnNode {
    /// Starts `laybook serve` on free ports and waits until it says `ready`.
    pub(super) fn start(program: &Path, data: &Path) -> anyhow::Result<Self> {
        OwnNode::start_with(program, data, &[])
    }

    /// The same with settings in its environment.
    pub(super) fn start_with(
        program: &Path,
        data: &Path,
        environment: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let log = std::fs::File::create(data.with_extension("log"))?;
        let begun = Instant::now();
        let mut child = Command::new(program)
            .args(["serve", "--http", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
            .args(["--stream", "127.0.0.1:0", "--data"])
            .arg(data)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .context("the node cannot be started")?;
        let mut lines = BufReader::new(child.stdout.take().context("its output is piped")?);
        let addresses = read_addresses(&mut lines);
        let ready_after = begun.elapsed();
        let (http, admin) = match addresses {
            Ok(addresses) => addresses,
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                let log = std::fs::read_to_string(data.with_extension("log")).unwrap_or_default();
                return Err(error.context(log));
            }
        };
        let token = std::fs::read_to_string(data.join("operator.token"))
            .context("the operator's token cannot be read")?;
        let address = RunningNode { http, admin, token: token.trim().to_owned() };
        Ok(OwnNode { child, _lines: lines, address, ready_after })
    }

    pub(super) fn process(&self) -> u32 {
        self.child.id()
    }

    /// SIGTERM, and waits for the end.
    pub(super) fn stop(mut self) -> anyhow::Result<()> {
        let process = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &process]).status()?;
        ensure!(asked.success(), "the node could not be told to stop");
        let ended = self.child.wait()?;
        ensure!(ended.success(), "the node stopped with {ended}");
        Ok(())
    }
}

impl Drop for OwnNode {
    fn drop(&mut self) {
        // Gone already after `stop`.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_addresses(lines: &mut impl BufRead) -> anyhow::Result<(SocketAddr, SocketAddr)> {
    let (mut http, mut admin) = (None, None);
    for line in lines.lines() {
        let line = line?;
        let address = |url: &str| -> anyhow::Result<SocketAddr> {
            let address = url.trim_start_matches("http://").trim_end_matches('/');
            address.parse().with_context(|| format!("no address in {line:?}"))
        };
        match line.split_once(' ') {
            Some(("http", url)) => http = Some(address(url)?),
            Some(("admin", url)) => admin = Some(address(url)?),
            _ if line == "ready" => {
                return http.zip(admin).context("ready, but no address was named");
            }
            _ => {}
        }
    }
    bail!("the node ended before it was ready")
}

/// What `laybook verify DIR --json` says of the directory of a node that has stopped: a ledger for each of
/// its partitions.
pub(super) fn verify(program: &Path, data: &Path) -> anyhow::Result<Vec<Value>> {
    let verified = Command::new(program)
        .arg("verify")
        .arg(data)
        .arg("--json")
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&verified.stdout);
    let complaint = String::from_utf8_lossy(&verified.stderr);
    ensure!(verified.status.success(), "laybook verify failed: {said}{complaint}");
    let ledgers: Result<Vec<Value>, _> = said.lines().map(serde_json::from_str).collect();
    ledgers.context("laybook verify printed no JSON")
}
