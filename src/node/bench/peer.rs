//! The Erlang peer of `laybook bench orders`, started beside the node when the machine has Erlang.
//!
//! Owns the process. Its source is our own (`peer/orders_peer.erl`) and is compiled where the benchmark keeps
//! its data; without `erlc` there is no peer, and the report says so.

use anyhow::{Context, ensure};
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const SOURCE: &str = include_str!("peer/orders_peer.erl");

#[derive(Debug)]
pub(super) struct Peer {
    child: Child,
    /// Kept open: Erlang ends with its input.
    _input: Option<ChildStdin>,
    _lines: BufReader<ChildStdout>,
    pub(super) address: SocketAddr,
}

impl Peer {
    /// `None` where Erlang is not installed.
    pub(super) fn start(directory: &Path) -> anyhow::Result<Option<Peer>> {
        std::fs::create_dir_all(directory)?;
        let source = directory.join("orders_peer.erl");
        std::fs::write(&source, SOURCE)?;
        let compiler = Command::new("erlc").arg("-o").arg(directory).arg(&source).status();
        let Ok(compiled) = compiler else { return Ok(None) };
        ensure!(compiled.success(), "the peer does not compile");
        let mut child = Command::new("erl")
            .args(["-noshell", "-pa"])
            .arg(directory)
            .args(["-run", "orders_peer", "main"])
            .arg(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the peer cannot be started")?;
        let input = child.stdin.take();
        let mut lines = BufReader::new(child.stdout.take().context("its output is piped")?);
        let mut line = String::new();
        lines.read_line(&mut line)?;
        let port = line.trim().strip_prefix("listening ").and_then(|port| port.parse().ok());
        let peer = |port: u16| Peer {
            child,
            _input: input,
            _lines: lines,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        };
        Ok(Some(port.map(peer).with_context(|| format!("the peer said {line:?}"))?))
    }

    pub(super) fn process(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
