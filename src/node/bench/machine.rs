//! What the figures were measured on. A number without its machine is a rumour.
//!
//! Reads what the kernel says under `/proc`; where there is no such thing it says "unknown".

use serde::Serialize;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// The machine and how busy it was when it was asked.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Machine {
    pub(super) cpu: String,
    pub(super) cores: usize,
    pub(super) memory_mib: u64,
    pub(super) kernel: String,
    /// Whether this program was built with optimisation.
    pub(super) optimised: bool,
    pub(super) load_before: String,
    pub(super) load_after: String,
}

impl Machine {
    /// Asked before the measurement; [`Machine::finish`] completes it.
    pub(super) fn observe() -> Self {
        let kernel = read("/proc/sys/kernel/osrelease");
        Machine {
            cpu: field("/proc/cpuinfo", "model name").unwrap_or_else(unknown),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mib: kibibytes("/proc/meminfo", "MemTotal").unwrap_or_default() / 1_024,
            kernel: kernel.trim().to_owned(),
            optimised: !cfg!(debug_assertions),
            load_before: load(),
            load_after: String::new(),
        }
    }

    /// Notes how busy the machine was at the end.
    pub(super) fn finish(&mut self) {
        self.load_after = load();
    }

    /// One line for people.
    pub(super) fn line(&self) -> String {
        let build = if self.optimised { "release" } else { "DEBUG, figures mean nothing" };
        format!(
            "{}, {} cores, {} MiB, Linux {}; {build} build; load {} before, {} after",
            self.cpu, self.cores, self.memory_mib, self.kernel, self.load_before, self.load_after
        )
    }
}

/// Resident memory of a process in bytes; `None` when it has gone.
pub(super) fn resident_bytes(process: u32) -> Option<u64> {
    kibibytes(&format!("/proc/{process}/status"), "VmRSS").map(|kibibytes| kibibytes * 1_024)
}

/// How long this thread has really run, in nanoseconds: on a busy machine the clock on the wall also counts
/// the neighbours. As fine as the kernel's tick; `None` where the kernel does not say.
pub(super) fn thread_nanoseconds() -> Option<u64> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// What a process has taken of the processors so far, in the kernel's ticks of 10 ms.
pub(super) fn process_cpu(process: u32) -> Option<Duration> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in parentheses may hold anything; user and system time are the 12th and 13th behind it.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks = |text: Option<&str>| text?.parse::<u64>().ok();
    let (user, system) = (ticks(fields.next())?, ticks(fields.next())?);
    Some(Duration::from_millis((user + system) * 10))
}

/// The kind of file system that `path` is on.
pub(super) fn filesystem_of(path: &Path) -> String {
    let mounts = read("/proc/mounts");
    let mounted = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((fields.next()?, fields.next()?))
    });
    let holds = mounted.filter(|(point, _)| path.starts_with(point));
    holds.max_by_key(|(point, _)| point.len()).map_or_else(unknown, |(_, kind)| kind.to_owned())
}

/// The 1 and 5 minute load averages.
fn load() -> String {
    let text = read("/proc/loadavg");
    let mut parts = text.split_whitespace();
    match (parts.next(), parts.next()) {
        (Some(one), Some(five)) => format!("{one}/{five}"),
        _ => unknown(),
    }
}

fn kibibytes(path: &str, name: &str) -> Option<u64> {
    field(path, name)?.trim_end_matches("kB").trim().parse().ok()
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|_| unknown())
}

fn unknown() -> String {
    "unknown".to_owned()
}
