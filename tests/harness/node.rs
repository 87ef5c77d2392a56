//! The real binary as a child process: how it is launched, where it listens, how it ends.
//!
//! The process says on its standard output where it listens, one line for each listener, then `ready`.
//! Its standard error goes to a file, shown when a test fails.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Instant;

use super::deadline::within;
use super::{DEADLINE, Scratch};

/// How a node is to be started, any number of times.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    data: PathBuf,
    log: PathBuf,
    flags: Vec<String>,
    environment: Vec<(String, String)>,
    /// For `ulimit`.
    descriptors: Option<String>,
}

/// A node that ended instead of becoming ready.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// All that this start wrote to its standard error.
    pub(crate) log: String,
}

/// A node that was ready; killed when dropped.
#[derive(Debug)]
pub(crate) struct Node {
    child: Child,
    pub(crate) http: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) stream: Option<SocketAddr>,
    pub(crate) stream_plain: Option<SocketAddr>,
    pub(crate) data: PathBuf,
    log: PathBuf,
    log_begins: u64,
    /// Keeps the reader of standard output alive, so that the node never writes into a closed pipe.
    _lines: Receiver<String>,
}

impl Launch {
    /// With small journal files, and state written down often, so that both happen in every test that
    /// lasts.
    pub(crate) fn new(scratch: &Scratch) -> Launch {
        Launch::at(scratch, scratch.data())
    }

    pub(crate) fn at(scratch: &Scratch, data: PathBuf) -> Launch {
        let environment = [
            ("LAYBOOK__JOURNAL__SEGMENT_BYTES", "65536"),
            ("LAYBOOK__JOURNAL__SNAPSHOT_AFTER_BYTES", "4000"),
            ("LAYBOOK__JOURNAL__CHECKPOINT_AFTER_RECORDS", "1000"),
            ("RUST_BACKTRACE", "1"),
        ];
        let environment = environment.map(|(key, value)| (key.to_owned(), value.to_owned()));
        Launch {
            data,
            log: scratch.path().join("stderr.log"),
            flags: Vec::new(),
            environment: environment.to_vec(),
            descriptors: None,
        }
    }

    /// Time stands still until an operator moves it.
    pub(crate) fn manual_clock(mut self) -> Launch {
        self.flags.extend(["--clock".to_owned(), "manual".to_owned()]);
        self
    }

    /// The stream over plain TCP too.
    pub(crate) fn stream_plain(mut self) -> Launch {
        self.flags.extend(["--stream-plain".to_owned(), "127.0.0.1:0".to_owned()]);
        self
    }

    /// One more setting, by its name in the environment.
    pub(crate) fn setting(mut self, name: &str, value: &str) -> Launch {
        self.environment.push((format!("LAYBOOK__{name}"), value.to_owned()));
        self
    }

    /// What no variable of the environment can say.
    pub(crate) fn config(mut self, file: &Path) -> Launch {
        self.flags.extend(["--config".to_owned(), file.display().to_string()]);
        self
    }

    /// Accounts and markets sleep when nobody has written to them for so long.
    pub(crate) fn idle_after_ms(mut self, idle: u64) -> Launch {
        self.environment.push(("LAYBOOK__ENTITIES__IDLE_AFTER_MS".to_owned(), idle.to_string()));
        self
    }

    /// Dies at these fail points (`point:n=abort`, see `store::failpoint`).
    #[cfg(debug_assertions)]
    pub(crate) fn fail_points(mut self, points: &str) -> Launch {
        self.environment.push(("LAYBOOK_FAILPOINTS".to_owned(), points.to_owned()));
        self
    }

    /// The process may have so many files and connections open.
    pub(crate) fn descriptors(mut self, most: u32) -> Launch {
        self.descriptors = Some(format!("-n {most}"));
        self
    }

    /// The same, but the process itself may ask for more.
    pub(crate) fn soft_descriptors(mut self, most: u32) -> Launch {
        self.descriptors = Some(format!("-Sn {most}"));
        self
    }

    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// A node that is ready; panics with its log when it ends instead.
    pub(crate) fn start(&self) -> Node {
        match self.try_start() {
            Ok(node) => node,
            Err(ended) => panic!("the node did not start: {}\n{}", ended.status, ended.log),
        }
    }

    /// A node that is ready, or how it ended.
    pub(crate) fn try_start(&self) -> Result<Node, Ended> {
        let log = OpenOptions::new().create(true).append(true).open(&self.log);
        let log = log.expect("the scratch directory can be written");
        let log_begins = log.metadata().expect("an open file has a length").len();
        let mut child = self.command(log).spawn().expect("the binary under test runs");
        let stdout = child.stdout.take().expect("piped");
        let (send, lines) = channel();
        // Ends with the child's standard output.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        match read_addresses(&lines) {
            Some(at) => {
                let (data, log) = (self.data.clone(), self.log.clone());
                let (http, admin) = (at.http.expect("http was named"), at.admin);
                let admin = admin.expect("admin was named");
                let (stream, stream_plain) = (at.stream, at.stream_plain);
                Ok(Node {
                    child,
                    http,
                    admin,
                    stream,
                    stream_plain,
                    data,
                    log,
                    log_begins,
                    _lines: lines,
                })
            }
            None => {
                let status = wait(&mut child).unwrap_or_else(|| {
                    let _ = child.kill();
                    let _ = child.wait();
                    panic!("neither ready nor ended\n{}", log_since(&self.log, log_begins))
                });
                Err(Ended { status, log: log_since(&self.log, log_begins) })
            }
        }
    }

    fn command(&self, log: File) -> Command {
        let binary = env!("CARGO_BIN_EXE_laybook");
        let mut command = match &self.descriptors {
            None => Command::new(binary),
            Some(most) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("ulimit {most} && exec \"$0\" \"$@\""), binary]);
                shell
            }
        };
        command.arg("serve").arg("--data").arg(&self.data);
        for listener in ["--http", "--admin", "--stream"] {
            command.args([listener, "127.0.0.1:0"]);
        }
        command.args(&self.flags).envs(self.environment.iter().map(|(key, value)| (key, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::from(log));
        command
    }
}

/// Where the node said that it listens.
#[derive(Debug, Default)]
struct Addresses {
    http: Option<SocketAddr>,
    admin: Option<SocketAddr>,
    stream: Option<SocketAddr>,
    stream_plain: Option<SocketAddr>,
}

/// The addresses, once the node said that it is ready; `None` when it stopped talking.
fn read_addresses(lines: &Receiver<String>) -> Option<Addresses> {
    let end = Instant::now() + DEADLINE;
    let mut addresses = Addresses::default();
    loop {
        match lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(line) if line == "ready" => return Some(addresses),
            Ok(line) => {
                let listener = line.split_once(' ');
                let address = |url: &str| {
                    let address = url.trim_start_matches("http://").trim_end_matches('/');
                    Some(address.parse().unwrap_or_else(|_| panic!("no address in {line:?}")))
                };
                match listener {
                    Some(("http", url)) => addresses.http = address(url),
                    Some(("admin", url)) => addresses.admin = address(url),
                    Some(("stream", at)) => addresses.stream = address(at),
                    Some(("stream_plain", at)) => addresses.stream_plain = address(at),
                    _ => (),
                }
            }
            Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => return None,
        }
    }
}

impl Node {
    /// Its number in the operating system.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL, and waits until the process is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("the process is ours");
        self.child.wait().expect("the process is ours");
    }

    /// SIGTERM: the node is asked to stop, and does.
    pub(crate) fn stop(mut self) -> ExitStatus {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
        assert!(sent.success(), "SIGTERM was not delivered");
        self.wait()
    }

    /// Waits for the end that the node comes to by itself.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let ended = wait(&mut self.child);
        ended.unwrap_or_else(|| panic!("the node goes on\n{}", self.log()))
    }

    /// All that this start has written to its standard error so far.
    pub(crate) fn log(&self) -> String {
        log_since(&self.log, self.log_begins)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let last = &lines[lines.len().saturating_sub(80)..];
            println!("--- last lines of the node's log ---\n{}\n---", last.join("\n"));
        }
    }
}

/// How the child ended, unless it outlives the deadline.
fn wait(child: &mut Child) -> Option<ExitStatus> {
    within(DEADLINE, || child.try_wait().expect("the process is ours"))
}

fn log_since(log: &Path, begins: u64) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let begins = usize::try_from(begins).expect("a log fits in memory").min(bytes.len());
    String::from_utf8_lossy(&bytes[begins..]).into_owned()
}
