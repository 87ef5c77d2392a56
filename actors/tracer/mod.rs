//! The tracer: hands the journeys of followed orders on to who collects traces.
//!
//! Owns     nothing that lasts: what is to be told are the journeys that the node keeps anyway.
//! Started  by `services`, where a collector is configured; permanent.
//! Asks     its [`Carrier`] to take a batch, on a thread of the nursery: it never waits for a network itself.
//! Crash    the batch that was out may be lost; journeys that were not handed on are handed on by the next life.
//! Bounds   one batch of `BATCH` journeys is out; what the collector does not take is let go and counted, and it is
//!          left alone for `REST` then. Journeys that go before their turn are counted where they are kept.

use crate::journey::Journey;
use crate::registry::Address;
use crate::shell::{Behaviour, Context, Fault, Named};
use serde_json::json;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How traces travel: the node's own.
pub trait Carrier: Send + Sync + 'static {
    /// Tries to hand a batch over, and waits for that: never longer than `PATIENCE`.
    fn carry(&self, journeys: &[Journey]) -> Result<(), String>;
}

/// What became of traces, since the process began.
#[derive(Debug, Default)]
pub struct Counts {
    pub taken: AtomicU64,
    /// The collector did not take them.
    pub refused: AtomicU64,
}

#[derive(Clone)]
pub struct TracerArgs {
    pub carrier: Arc<dyn Carrier>,
}

pub enum TracerMsg {
    Look,
    /// What became of the batch that was out.
    Carried(Result<(), String>),
}

impl fmt::Debug for TracerMsg {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl Named for TracerMsg {
    fn name(&self) -> &'static str {
        match self {
            TracerMsg::Look => "look",
            TracerMsg::Carried(_) => "carried",
        }
    }
}

/// A batch is given up after so long.
pub const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_secs(1);
const BATCH: usize = 256;
/// A collector that took nothing is left alone for so long.
const REST: Duration = Duration::from_secs(10);

pub struct Tracer {
    carrier: Arc<dyn Carrier>,
    /// How many are out, and since when.
    out: Option<(u64, Instant)>,
    rests_until: Option<Instant>,
    failure: Option<String>,
}

impl Behaviour for Tracer {
    type Args = TracerArgs;
    type Message = TracerMsg;
    const KIND: &'static str = "tracer";

    fn address(_: &TracerArgs) -> Address {
        Address::Tracer
    }

    fn start(args: TracerArgs, _: &Context<TracerMsg>) -> Result<Self, Fault> {
        Ok(Tracer { carrier: args.carrier, out: None, rests_until: None, failure: None })
    }

    fn started(&mut self, context: &mut Context<TracerMsg>) -> Result<(), Fault> {
        context.every(LOOK_EVERY, || TracerMsg::Look);
        Ok(())
    }

    fn handle(
        &mut self,
        message: TracerMsg,
        context: &mut Context<TracerMsg>,
    ) -> Result<(), Fault> {
        match message {
            TracerMsg::Look => self.look(context),
            TracerMsg::Carried(result) => self.carried(result, context),
        }
        Ok(())
    }

    fn observe(&self) -> serde_json::Value {
        json!({ "out": self.out.map(|(count, _)| count), "resting": self.rests_until.is_some(), "failure": self.failure })
    }
}

impl Tracer {
    fn look(&mut self, context: &Context<TracerMsg>) {
        if self.out.is_some_and(|(_, since)| since.elapsed() > 2 * PATIENCE) {
            self.carried(Err("no answer came".to_owned()), context);
        }
        if self.out.is_some() || self.rests_until.is_some_and(|until| Instant::now() < until) {
            return;
        }
        self.rests_until = None;
        let journeys = context.node.journeys.hand_on(BATCH);
        if journeys.is_empty() {
            return;
        }
        self.out = Some((journeys.len() as u64, Instant::now()));
        let (carrier, me) = (self.carrier.clone(), context.me.clone());
        context.node.nursery().labour(Box::new(move || {
            let _ = me.send(TracerMsg::Carried(carrier.carry(&journeys)));
        }));
    }

    fn carried(&mut self, result: Result<(), String>, context: &Context<TracerMsg>) {
        // One that was given up was counted.
        let Some((count, _)) = self.out.take() else { return };
        let counts = &context.node.traces;
        match result {
            Ok(()) => {
                counts.taken.fetch_add(count, Relaxed);
                self.failure = None;
                // There may be more than a batch.
                self.look(context);
            }
            Err(failure) => {
                counts.refused.fetch_add(count, Relaxed);
                if self.failure.is_none() {
                    tracing::warn!(failure, "traces are not taken by their collector");
                }
                (self.failure, self.rests_until) = (Some(failure), Some(Instant::now() + REST));
            }
        }
    }
}
