//! A pull: fetches what a provider of football has, on a schedule, and tells football of it.
//!
//! Owns     nothing that lasts: when it fetches next follows from its schedule and the time.
//! Started  by `feeds`, one for each pull of the settings; restarted when it fails.
//! Asks     its [`Provider`] for what there is, on a thread of the nursery; football to take it.
//! Crash    fetches at once, as after a start: what was missed while it was away comes too, and what is told again
//!          changes nothing.
//! Bounds   one fetch is out, for `PATIENCE` at most; nothing is fetched before the words of the last one are told.
//!          A fetch that fails is tried again after `RETRY_FIRST`, then after twice as long, up to `RETRY_MOST`.

use crate::football::{Telling, Told, Word};
use crate::registry::Address;
use crate::shell::{Behaviour, Context, Fault, Named};
use domain::ids::PartitionId;
use domain::time::UtcMillis;
use serde_json::json;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Where words come from, and when: the node's own.
pub trait Provider: fmt::Debug + Send + Sync + 'static {
    /// For people: the name it has in the settings.
    fn name(&self) -> &str;

    /// The first moment after this one at which to fetch; `None`: never again.
    fn due_after(&self, moment: UtcMillis) -> Option<UtcMillis>;

    /// What there is; `None` when that is what `seen` stands for. Waits, but never longer than `PATIENCE`.
    fn fetch(&self, seen: Option<&str>) -> Result<Option<Fetched>, String>;
}

#[derive(Debug)]
pub struct Fetched {
    pub words: Vec<Word>,
    /// Stands for exactly this, as the provider knows it again.
    pub seen: Option<String>,
}

#[derive(Clone)]
pub struct PullArgs {
    pub number: u16,
    pub provider: Arc<dyn Provider>,
}

pub enum PullMsg {
    Look,
    /// What came of fetch number `n`.
    Fetched {
        n: u64,
        result: Result<Option<Fetched>, String>,
    },
    Told(Told),
}

impl fmt::Debug for PullMsg {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl Named for PullMsg {
    fn name(&self) -> &'static str {
        match self {
            PullMsg::Look => "look",
            PullMsg::Fetched { .. } => "fetched",
            PullMsg::Told(_) => "told",
        }
    }
}

/// A fetch is given up after so long.
pub const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(500);
const RETRY_FIRST: Duration = Duration::from_secs(10);
const RETRY_MOST: Duration = Duration::from_secs(600);
const PARTITION: PartitionId = PartitionId(0);

pub struct Pull {
    number: u16,
    provider: Arc<dyn Provider>,
    /// `None`: at once.
    due: Option<UtcMillis>,
    /// The schedule has come to its end.
    over: bool,
    fetches: u64,
    out: Option<(u64, Instant)>,
    telling: Telling,
    /// What is being told, and what was.
    telling_of: Option<String>,
    seen: Option<String>,
    last_good: Option<UtcMillis>,
    failure: Option<String>,
    failing_since: Option<UtcMillis>,
    retry: Duration,
}

impl Behaviour for Pull {
    type Args = PullArgs;
    type Message = PullMsg;
    const KIND: &'static str = "pull";

    fn address(args: &PullArgs) -> Address {
        Address::Pull(args.number)
    }

    fn start(args: PullArgs, _: &Context<PullMsg>) -> Result<Self, Fault> {
        Ok(Pull {
            number: args.number,
            provider: args.provider,
            due: None,
            over: false,
            fetches: 0,
            out: None,
            telling: Telling::default(),
            telling_of: None,
            seen: None,
            last_good: None,
            failure: None,
            failing_since: None,
            retry: RETRY_FIRST,
        })
    }

    fn started(&mut self, context: &mut Context<PullMsg>) -> Result<(), Fault> {
        context.every(LOOK_EVERY, || PullMsg::Look);
        Ok(())
    }

    fn handle(&mut self, message: PullMsg, context: &mut Context<PullMsg>) -> Result<(), Fault> {
        // Without a journal there is no time, and nobody to tell.
        let now = context.node.partition(PARTITION).and_then(|partition| partition.now());
        let Some(now) = now else { return Ok(()) };
        match message {
            PullMsg::Look => {
                if self.out.is_some_and(|(_, since)| since.elapsed() > 2 * PATIENCE) {
                    self.out = None;
                    self.failed("no answer came".to_owned(), now);
                }
                self.telling.go_on(context, PullMsg::Told);
                self.settle();
                let is_due = !self.over && self.due.is_none_or(|due| due <= now);
                if is_due && self.out.is_none() && self.telling.is_through() {
                    self.fetch(context);
                }
            }
            PullMsg::Fetched { n, result } => {
                if self.out.take_if(|(out, _)| *out == n).is_none() {
                    return Ok(());
                }
                match result {
                    Ok(fetched) => self.fetched(fetched, now),
                    Err(failure) => self.failed(failure, now),
                }
                self.telling.go_on(context, PullMsg::Told);
            }
            PullMsg::Told(told) => {
                if self.telling.told(told) {
                    self.telling.go_on(context, PullMsg::Told);
                }
                self.settle();
            }
        }
        Ok(())
    }

    fn observe(&self) -> serde_json::Value {
        json!({
            "name": self.provider.name(),
            "fetching": self.out.is_some(),
            "fetches": self.fetches,
            "due": self.due.map(|due| due.0),
            "over": self.over,
            "lastGood": self.last_good.map(|at| at.0),
            "waiting": self.telling.waiting(),
            "taken": self.telling.taken(),
            "refused": self.telling.refused(),
            "failure": self.failure,
            "failingSince": self.failing_since.map(|at| at.0),
        })
    }
}

impl Pull {
    fn fetch(&mut self, context: &Context<PullMsg>) {
        self.fetches += 1;
        let n = self.fetches;
        self.out = Some((n, Instant::now()));
        let (provider, seen, me) = (self.provider.clone(), self.seen.clone(), context.me.clone());
        context.node.nursery().labour(Box::new(move || {
            let result = provider.fetch(seen.as_deref());
            let _ = me.send(PullMsg::Fetched { n, result });
        }));
    }

    fn fetched(&mut self, fetched: Option<Fetched>, now: UtcMillis) {
        if self.failure.take().is_some() {
            tracing::info!(pull = self.provider.name(), "its provider answers again");
        }
        self.retry = RETRY_FIRST;
        self.failing_since = None;
        self.last_good = Some(now);
        self.due = self.provider.due_after(now);
        self.over = self.due.is_none();
        if let Some(fetched) = fetched {
            self.telling.add(fetched.words);
            self.telling_of = fetched.seen;
        }
    }

    /// Not before all of it is told is it known as seen.
    fn settle(&mut self) {
        if self.telling.is_through() && self.telling_of.is_some() {
            self.seen = self.telling_of.take();
        }
    }

    fn failed(&mut self, failure: String, now: UtcMillis) {
        if self.failure.as_ref() != Some(&failure) {
            let number = self.number;
            tracing::warn!(number, pull = self.provider.name(), failure, "nothing was fetched");
        }
        self.failure = Some(failure);
        self.failing_since.get_or_insert(now);
        let again = now.plus_ms(i64::try_from(self.retry.as_millis()).unwrap_or(i64::MAX));
        let scheduled = self.provider.due_after(now);
        self.due = Some(scheduled.map_or(again, |scheduled| scheduled.min(again)));
        self.retry = (2 * self.retry).min(RETRY_MOST);
    }
}
