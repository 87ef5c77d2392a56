//! The process of a model: started as the leader of a group of its own, spoken to in frames, killed with all that it
//! started.
//!
//! Owns     one process and its three pipes, for as long as it runs.
//! Bounds   a message has at most `SAID_BYTES_MAX` bytes; of its standard error `LINES_A_SECOND` lines are logged, each
//!          cut at `LINE_BYTES`; what is more is read and dropped, so it never stands still over it.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use actors::port::{FRAME_BYTES_MAX, Heard, Line, SAID_BYTES_MAX};
use domain::football::port::{Garbled, Said, ToModel};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use store::packet;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::ModelSettings;

const LINES_A_SECOND: u32 = 20;
const LINE_BYTES: usize = 400;
/// What it wrote to its standard error before its end is waited for so long.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// A killed process is gone by then, unless the disk holds it.
const GONE_WITHIN: Duration = Duration::from_secs(5);

/// Runs the model until it ends or its port is gone.
pub(super) async fn run(settings: &ModelSettings, mut line: Line) {
    let name = settings.terms.name.as_str();
    let mut group = match Group::start(settings) {
        Ok(group) => group,
        Err(error) => {
            let reason = format!("it cannot be started: {error}");
            (line.tell)(Heard::Ended { reason });
            return;
        }
    };
    (line.tell)(Heard::Started { process: group.process });
    let pipes = (group.leader.stdin.take(), group.leader.stdout.take(), group.leader.stderr.take());
    let (Some(mut stdin), Some(mut stdout), Some(mut stderr)) = pipes else { return };
    let mut log = Log::new(name);
    let why = tokio::select! {
        biased;
        why = read(&mut stdout, &line.tell) => why,
        why = write(&mut stdin, &mut line.to_model) => why,
        _ = &mut line.cut => "its port is gone".to_owned(),
        never = log.follow(&mut stderr) => match never {},
    };
    let status = group.end().await;
    // Nobody writes to it any more: it ends, and with it what follows it.
    let _ = timeout(LAST_WORDS, log.drain(&mut stderr)).await;
    let reason = match status {
        Some(status) => format!("{why} ({status})"),
        None => why,
    };
    (line.tell)(Heard::Ended { reason });
}

/// A process and all that it starts; killed when dropped.
struct Group {
    leader: Child,
    process: u32,
    /// None once its leader was waited for: its number may be another's then.
    id: Option<Pid>,
}

impl Group {
    fn start(settings: &ModelSettings) -> io::Result<Group> {
        let mut command = Command::new(own_program()?);
        command.arg("confined").arg("--memory-mb").arg(settings.memory_mb.to_string());
        command.arg("--").args(&settings.command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0).kill_on_drop(true);
        let leader = command.spawn()?;
        let process = leader.id().unwrap_or_default();
        let id = i32::try_from(process).ok().and_then(Pid::from_raw);
        Ok(Group { leader, process, id })
    }

    /// Kills all of it and waits for its leader; how that ended, if it did by itself or at all.
    async fn end(&mut self) -> Option<std::process::ExitStatus> {
        self.kill();
        let status = timeout(GONE_WITHIN, self.leader.wait()).await;
        self.id = None;
        status.ok()?.ok()
    }

    fn kill(&self) {
        if let Some(id) = self.id {
            // Gone already is as good.
            let _ = kill_process_group(id, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The file that this process runs, though another may stand in its place by now.
fn own_program() -> io::Result<std::path::PathBuf> {
    let running = std::path::Path::new("/proc/self/exe");
    if running.exists() { Ok(running.to_owned()) } else { std::env::current_exe() }
}

/// Until it says nothing more; why.
async fn read(
    from: &mut (impl AsyncRead + Unpin),
    tell: &(dyn Fn(Heard) -> bool + Send + Sync),
) -> String {
    loop {
        let heard = match frame(from).await {
            Ok(Some(bytes)) => decoded(&bytes),
            Ok(None) => return "it has ended".to_owned(),
            Err(error) => return format!("what it writes is no message: {error}"),
        };
        if !tell(heard) {
            return "it says more than can be heard".to_owned();
        }
    }
}

/// A message without its head; `None` when there is no more.
async fn frame(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let mut head = [0; packet::HEAD_BYTES];
    let mut read = 0;
    while read < head.len() {
        match from.read(&mut head[read..]).await? {
            0 if read == 0 => return Ok(None),
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            some => read += some,
        }
    }
    let length = packet::length(head, SAID_BYTES_MAX).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes).await?;
    Ok(Some(bytes))
}

fn decoded(bytes: &[u8]) -> Heard {
    match packet::decode::<Said>(bytes) {
        Ok(said) => Heard::Said(Box::new(said)),
        Err(error) => {
            /// As much of a message as says whose answer it is.
            #[derive(Default, Deserialize)]
            #[serde(default)]
            struct Whose {
                id: Option<u64>,
            }
            let whose = packet::decode::<Whose>(bytes).unwrap_or_default();
            Heard::Garbled(Garbled { id: whose.id, reason: error.to_string() })
        }
    }
}

/// Until it takes nothing more; why.
async fn write(
    to: &mut (impl AsyncWrite + Unpin),
    messages: &mut mpsc::Receiver<ToModel>,
) -> String {
    while let Some(message) = messages.recv().await {
        let bytes = match packet::encode(&message, FRAME_BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) => return format!("what it is told does not fit: {error}"),
        };
        let written = async {
            to.write_all(&bytes).await?;
            to.flush().await
        };
        if let Err(error) = written.await {
            // Its end says why.
            tracing::debug!(%error, "a model reads no more");
            return std::future::pending().await;
        }
    }
    "its port is gone".to_owned()
}

/// The standard error of a model, in our log.
struct Log<'a> {
    model: &'a str,
    line: Vec<u8>,
    since: Instant,
    lines: u32,
    dropped: u64,
}

impl<'a> Log<'a> {
    fn new(model: &'a str) -> Self {
        Log { model, line: Vec::new(), since: Instant::now(), lines: 0, dropped: 0 }
    }

    /// For ever: that it writes nothing more to it is not its end.
    async fn follow(&mut self, from: &mut (impl AsyncRead + Unpin)) -> std::convert::Infallible {
        self.drain(from).await;
        std::future::pending().await
    }

    async fn drain(&mut self, from: &mut (impl AsyncRead + Unpin)) {
        let mut bytes = [0; 4_096];
        while let Ok(some @ 1..) = from.read(&mut bytes).await {
            for byte in &bytes[..some] {
                match byte {
                    b'\n' => self.tell(),
                    _ if self.line.len() < LINE_BYTES => self.line.push(*byte),
                    _ => {}
                }
            }
        }
        self.tell();
    }

    fn tell(&mut self) {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return;
        }
        if self.since.elapsed() >= Duration::from_secs(1) {
            if self.dropped > 0 {
                tracing::info!(
                    model = self.model,
                    lines = self.dropped,
                    "a model wrote more than is logged"
                );
            }
            (self.since, self.lines, self.dropped) = (Instant::now(), 0, 0);
        }
        if self.lines >= LINES_A_SECOND {
            self.dropped += 1;
            return;
        }
        self.lines += 1;
        let text = String::from_utf8_lossy(&line);
        tracing::info!(
            model = self.model,
            line = text.trim_end(),
            "a model wrote to its standard error"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_are_read_one_behind_the_other_and_rubbish_ends_the_reading() {
        let hello = Said { kind: "hello".to_owned(), protocol: Some(1), ..Said::default() };
        let mut bytes = packet::encode(&hello, 1_000).expect("it fits");
        bytes.extend(packet::encode(&"no map", 1_000).expect("it fits"));
        let heard = std::sync::Mutex::new(Vec::new());
        let tell = |one| {
            heard.lock().expect("nobody panics").push(one);
            true
        };
        assert_eq!(read(&mut &bytes[..], &tell).await, "it has ended");
        let got = std::mem::take(&mut *heard.lock().expect("nobody panics"));
        assert!(matches!(&got[0], Heard::Said(said) if **said == hello), "{got:?}");
        assert!(matches!(&got[1], Heard::Garbled(Garbled { id: None, .. })), "{got:?}");
        for (bytes, why) in [
            (&b"hello, world"[..], "1 to"),
            (&[0, 0, 0, 9, 1], "no message"),
            (&[0, 0], "no message"),
        ] {
            let ended = read(&mut &*bytes, &tell).await;
            assert!(ended.contains(why), "{bytes:?}: {ended}");
        }
        assert_eq!(read(&mut &bytes[..], &|_| false).await, "it says more than can be heard");
    }

    #[test]
    fn an_answer_with_a_field_too_many_says_whose_it_is() {
        let bytes = b"\x83\xa4type\xa5price\xa2id\x07\xa6colour\xa3red";
        match decoded(bytes) {
            Heard::Garbled(garbled) => {
                assert_eq!(garbled.id, Some(7));
                assert!(garbled.reason.contains("colour"), "{}", garbled.reason);
            }
            other => panic!("{other:?}"),
        }
    }
}
