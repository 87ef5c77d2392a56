//! A model that is asked from the command line, one question behind the other.
//!
//! Owns     its line to the process. The work that [`Interview::begin`] returns is the process itself, and must be
//!          polled beside the questions.
//! Never    goes on with a model that ends or stands still: the command that asks says so and ends.

use std::time::Duration;

use actors::port::{FRAME_BYTES_MAX, Heard, Line, Work};
use anyhow::{Context as _, bail};
use domain::football::port::{MatchWord, Opinion, PROTOCOL, ResultWord, StateWord, ToModel, Word};
use domain::football::score_grid::Score;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::{ModelSettings, process};

const HELLO_WITHIN: Duration = Duration::from_secs(30);
const FIT_WITHIN: Duration = Duration::from_secs(120);
/// Answers that wait to be read; there is one question at a time.
const HEARD_MAX: usize = 64;

/// A model that runs.
#[derive(Debug)]
pub struct Interview {
    name: String,
    deadline: Duration,
    to_model: mpsc::Sender<ToModel>,
    heard: mpsc::Receiver<Heard>,
    last_id: u64,
    _cut: oneshot::Sender<()>,
}

impl Interview {
    /// The way to ask, and the process to be polled.
    pub fn begin(settings: &ModelSettings) -> (Interview, Work<()>) {
        let (to_model, messages) = mpsc::channel(1);
        let (said, heard) = mpsc::channel(HEARD_MAX);
        let (cut, is_cut) = oneshot::channel();
        let tell = Box::new(move |one| said.try_send(one).is_ok());
        let line = Line { to_model: messages, cut: is_cut, tell };
        let interview = Interview {
            name: settings.terms.name.clone(),
            deadline: settings.terms.deadline,
            to_model,
            heard,
            last_id: 0,
            _cut: cut,
        };
        let settings = settings.clone();
        (interview, Box::pin(async move { process::run(&settings, line).await }))
    }

    /// Waits until the model is there.
    pub async fn hello(&mut self) -> anyhow::Result<()> {
        let hello = ToModel::Hello {
            protocol: PROTOCOL,
            deadline_ms: u32::try_from(self.deadline.as_millis()).unwrap_or(u32::MAX),
            frame_bytes: FRAME_BYTES_MAX as u32,
        };
        match self.ask(hello, HELLO_WITHIN).await? {
            Word::Hello { .. } => Ok(()),
            other => bail!("model {}: it said {other:?} before hello", self.name),
        }
    }

    /// Tells it what has been played.
    pub async fn fit(&mut self, competition: &str, results: Vec<ResultWord>) -> anyhow::Result<()> {
        let id = self.next_id();
        let question = ToModel::Fit { id, competition: competition.to_owned(), results };
        match self.ask(question, FIT_WITHIN).await? {
            Word::Fitted { id: answered } if answered == id => Ok(()),
            Word::Error { message, .. } => bail!("model {}: {message}", self.name),
            other => bail!("model {}: it answered a fit with {other:?}", self.name),
        }
    }

    /// Its opinion of a match, or what it says instead.
    pub async fn price(
        &mut self,
        r#match: MatchWord,
        state: StateWord,
    ) -> anyhow::Result<Result<Opinion, String>> {
        let (id, score) = (self.next_id(), Score { home: state.score.0, away: state.score.1 });
        let deadline_ms = u32::try_from(self.deadline.as_millis()).unwrap_or(u32::MAX);
        let question = ToModel::Price { id, deadline_ms, r#match, state };
        match self.ask(question, self.deadline).await? {
            Word::Price { id: answered, answer } if answered == id => {
                Ok(Opinion::of(&answer, score).map_err(|nonsense| nonsense.to_string()))
            }
            Word::Error { message, .. } => Ok(Err(message)),
            other => bail!("model {}: it answered question {id} with {other:?}", self.name),
        }
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    async fn ask(&mut self, question: ToModel, within: Duration) -> anyhow::Result<Word> {
        let name = &self.name;
        let ended = || format!("model {name}: the process has ended");
        // A process that has ended says why, below.
        let _ = self.to_model.send(question).await;
        loop {
            let heard = timeout(within, self.heard.recv()).await;
            let heard = heard.with_context(|| format!("model {name}: no answer in {within:?}"))?;
            match heard.with_context(ended)? {
                Heard::Started { .. } => {}
                Heard::Said(said) => match said.read() {
                    // Others may ask anew; here every match is asked once.
                    Ok(Word::Event { .. } | Word::Error { id: None, .. }) => {}
                    Ok(word) => return Ok(word),
                    Err(nonsense) => bail!("model {name}: {nonsense}"),
                },
                Heard::Garbled(garbled) => bail!("model {name}: {}", garbled.reason),
                Heard::Ended { reason } => bail!("model {name}: {reason}"),
            }
        }
    }
}
