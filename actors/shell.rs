//! The one wrapper around every actor: what a ractor actor needs, written once.
//!
//! An actor of Laybook is a [`Behaviour`]: plain state with a synchronous `handle`. The shell gives it its
//! mailbox, registers it, times every message, answers what every actor understands ([`Control`]), and
//! turns a broken promise (`Err`) or a panic into an exit that its supervisor sees. Handlers never await,
//! so a kill cannot leave half a step. Mail is taken as it has gathered: `handle` is called for each message,
//! and `handled` once behind them, which is where what they did is sent on together.

use crate::flow::{self, Sending};
use crate::gauge::{Gauge, Names};
use crate::last_words;
use crate::mailbox::{Body, Control, Envelope, Mailbox, Observation, Open, Wake};
use crate::node::Node;
use crate::registry::{Address, Registration};
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::collections::VecDeque;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A broken promise: the actor cannot go on and is started again from what is durable.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Fault(pub String);

impl Fault {
    pub fn new(what: impl Into<String>) -> Self {
        Fault(what.into())
    }
}

/// One kind of actor.
pub trait Behaviour: Sized + Send + 'static {
    /// Identity only: state is read back, addresses are looked up.
    type Args: Clone + Send + Sync + 'static;
    type Message: Named + Send + 'static;
    const KIND: &'static str;

    fn address(args: &Self::Args) -> Address;

    /// Checks the arguments and nothing else: a supervisor waits for it.
    fn start(args: Self::Args, context: &Context<Self::Message>) -> Result<Self, Fault>;

    /// Runs before the first message: recovery begins here.
    fn started(&mut self, _context: &mut Context<Self::Message>) -> Result<(), Fault> {
        Ok(())
    }

    fn handle(
        &mut self,
        message: Self::Message,
        context: &mut Context<Self::Message>,
    ) -> Result<(), Fault>;

    /// Behind each batch of messages, the shortest of which is one.
    fn handled(&mut self, _context: &mut Context<Self::Message>) -> Result<(), Fault> {
        Ok(())
    }

    /// A summary for people; never a secret.
    fn observe(&self) -> serde_json::Value;

    /// A polite stop; a kill or a crash does not come by here.
    fn stopped(&mut self) {}
}

/// A message's name, for the console and for what was in hand when an actor died.
pub trait Named {
    fn name(&self) -> &'static str;
}

/// What a behaviour has at hand.
#[derive(Debug)]
pub struct Context<M> {
    /// The way to the actor itself.
    pub me: Mailbox<M>,
    pub node: Arc<Node>,
    stop: bool,
}

impl<M: Send + 'static> Context<M> {
    /// Ends normally after this message.
    pub fn stop(&mut self) {
        self.stop = true;
    }

    /// Sends the actor a message after a while, unless it has gone by then.
    pub fn after(&self, span: Duration, message: impl FnOnce() -> M + Send + 'static) {
        self.me.after(span, message);
    }

    /// Sends the actor a message again and again, for as long as it lives.
    pub fn every(&self, span: Duration, message: impl Fn() -> M + Send + 'static) {
        self.me.every(span, message);
    }
}

/// Messages handled before other actors have their turn.
const BATCH_MAX: usize = 256;

/// The ractor actor around a behaviour. Its supervisor spawns it with the node it belongs to.
#[derive(Debug)]
pub struct Shell<B> {
    node: Arc<Node>,
    behaviour: PhantomData<fn() -> B>,
}

impl<B: Behaviour> Shell<B> {
    pub fn new(node: Arc<Node>) -> Self {
        Shell { node, behaviour: PhantomData }
    }
}

pub struct ShellState<B: Behaviour> {
    behaviour: B,
    context: Context<B::Message>,
    gauge: Arc<Gauge>,
    /// Taken from the mailbox and not handled yet.
    taken: VecDeque<Envelope<B::Message>>,
    names: Names,
    /// As `flow` numbers kinds.
    kind: u8,
    id: String,
    // Dropped in this order: who still finds the mailbox finds it closed.
    _open: Open<B::Message>,
    _registration: Registration,
}

impl<B: Behaviour> Actor for Shell<B> {
    type Msg = Wake<B::Message>;
    type State = ShellState<B>;
    type Arguments = B::Args;

    async fn pre_start(
        &self,
        me: ActorRef<Self::Msg>,
        args: B::Args,
    ) -> Result<Self::State, ActorProcessingErr> {
        let address = B::address(&args);
        let mailbox = Mailbox::new(me, B::KIND);
        let context = Context { me: mailbox.clone(), node: self.node.clone(), stop: false };
        let behaviour = B::start(args, &context)?;
        Ok(ShellState {
            behaviour,
            context,
            gauge: mailbox.gauge(),
            taken: VecDeque::new(),
            names: Names::default(),
            kind: flow::number(B::KIND),
            id: address.to_string(),
            _open: Open(mailbox.clone()),
            _registration: self.node.registry.register(address, &mailbox),
        })
    }

    async fn post_start(
        &self,
        me: ActorRef<Self::Msg>,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        let started =
            falling(&me, &state.gauge.clone(), || state.behaviour.started(&mut state.context));
        started?;
        state.stop_if_asked(&me);
        Ok(())
    }

    async fn handle(
        &self,
        me: ActorRef<Self::Msg>,
        wake: Self::Msg,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        state.take(wake);
        let sending = Sending::by(state.kind);
        let worked = falling(&me, &state.gauge.clone(), || state.work());
        drop(sending);
        worked?;
        state.stop_if_asked(&me);
        Ok(())
    }

    async fn post_stop(
        &self,
        _me: ActorRef<Self::Msg>,
        state: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        state.behaviour.stopped();
        Ok(())
    }
}

impl<B: Behaviour> ShellState<B> {
    fn take(&mut self, wake: Wake<B::Message>) {
        match wake {
            Wake::Due(message) => self.taken.push_back(self.context.me.due(message)),
            Wake::Mail if self.taken.is_empty() => self.context.me.take(&mut self.taken),
            // It has come back to what it took.
            Wake::Mail => {}
        }
    }

    /// Handles what was taken, at most so much that others have their turn.
    fn work(&mut self) -> Result<(), Fault> {
        loop {
            self.work_on_batch()?;
            // One that is being drained cannot come back, and works it all off.
            if self.taken.is_empty() || self.context.stop || self.context.me.come_back() {
                return Ok(());
            }
        }
    }

    fn work_on_batch(&mut self) -> Result<(), Fault> {
        let mut began = Instant::now();
        for _ in 0..BATCH_MAX {
            let Some(envelope) = self.taken.pop_front() else { break };
            self.gauge.taken(began.saturating_duration_since(envelope.sent));
            match envelope.body {
                Body::Message(message) => {
                    let name = self.names.number(message.name(), &self.gauge);
                    self.gauge.begins(name, began);
                    self.behaviour.handle(message, &mut self.context)?;
                }
                Body::Control(control) => self.control(control, began),
            }
            let ended = Instant::now();
            self.gauge.handled(ended - began);
            began = ended;
            if self.context.stop {
                break;
            }
        }
        self.behaviour.handled(&mut self.context)
    }

    fn control(&mut self, control: Control, began: Instant) {
        let name = match control {
            Control::Observe(_) => "observe",
            Control::Panic => "panic",
            Control::Hang(_) => "hang",
        };
        // To be looked at is not something that an actor did.
        if !matches!(control, Control::Observe(_)) {
            let name = self.names.number(name, &self.gauge);
            self.gauge.begins(name, began);
        }
        match control {
            Control::Observe(reply) => {
                let observation = Observation {
                    id: self.id.clone(),
                    kind: B::KIND,
                    mailbox: self.gauge.load(),
                    last_messages: self.gauge.last_messages(),
                    state: self.behaviour.observe(),
                };
                // Whoever asked may have stopped waiting.
                let _ = reply.send(observation);
            }
            Control::Panic => panic!("asked to panic by an operator"),
            Control::Hang(span) => std::thread::sleep(span),
        }
    }

    fn stop_if_asked(&self, me: &ActorRef<Wake<B::Message>>) {
        if self.context.stop {
            me.stop(None);
        }
    }
}

/// Runs a piece of an actor; when it fails or panics, what the actor was at is kept for who supervises it.
fn falling<M: ractor::Message>(
    me: &ActorRef<M>,
    gauge: &Gauge,
    work: impl FnOnce() -> Result<(), Fault>,
) -> Result<(), Fault> {
    let leave = || last_words::leave(me.get_id().pid(), gauge);
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(fault)) => {
            leave();
            Err(fault)
        }
        Err(panic) => {
            leave();
            resume_unwind(panic)
        }
    }
}
