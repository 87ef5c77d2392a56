//! The port of a model of somebody's own: a process of the operating system that is asked for prices.
//!
//! Owns     the process, what it was asked and has not answered yet, and what waits to be asked.
//! Started  by `ports`, one per configured model, when the node starts; permanent, with a backoff.
//! Asks     the process, through its [`Workshop`]; nobody else. Who asks it for a price is told an opinion, or why
//!          there is none, and prices with the built-in model meanwhile.
//! Crash    the process is killed with its group. The next life starts another; who wants prices asks again, and
//!          ratings tell it all results again.
//! Bounds   `OUT_MAX` questions with the process, `WAITING_MAX` before it (one a match), `HEARD_MAX` messages of it
//!          unread; a deadline for each answer. `LATE_MAX` late answers in a row, a message that is none, or an end of
//!          the process are this actor's own end.

use crate::fixture::FixtureMsg;
use crate::mailbox::Mailbox;
use crate::registry::Address;
use crate::shell::{Behaviour, Context, Fault, Named};
use domain::football::almanac::{Dossier, FixtureId};
use domain::football::club::plain;
use domain::football::port::{
    Absence, Answer, Garbled, MatchWord, Nonsense, Opinion, PROTOCOL, ResultWord, Said, StateWord,
    ToModel, Word,
};
use domain::football::ratings::Played;
use domain::football::score_grid::Score;
use domain::time::UtcMillis;
use serde_json::json;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// What a model is told of itself, and to which matches it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    pub name: String,
    /// None: all of them.
    pub competitions: Vec<String>,
    /// For the answer to one question.
    pub deadline: Duration,
}

impl Terms {
    pub fn prices(&self, competition: &str) -> bool {
        self.competitions.is_empty() || is_among(&self.competitions, competition)
    }
}

fn is_among(competitions: &[String], competition: &str) -> bool {
    let wanted = plain(competition);
    competitions.iter().any(|known| plain(known) == wanted)
}

pub type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// How processes run: the node's own.
pub trait Workshop: Send + Sync + 'static {
    /// Runs the model's process, writes it what comes and tells what it says, until it ends or the line is cut: by
    /// `line.cut`, or because nobody listens any more. Nothing of it runs when the work is done.
    fn run(&self, model: u16, line: Line) -> Work<()>;
}

/// Between a port and the process of its model.
pub struct Line {
    pub to_model: mpsc::Receiver<ToModel>,
    /// Resolves when the port is gone.
    pub cut: oneshot::Receiver<()>,
    /// False when nobody listens, or too much of it is unread.
    pub tell: Box<dyn Fn(Heard) -> bool + Send + Sync>,
}

/// What comes of a process.
#[derive(Debug)]
pub enum Heard {
    Started { process: u32 },
    Said(Box<Said>),
    Garbled(Garbled),
    Ended { reason: String },
}

#[derive(Clone)]
pub struct PortArgs {
    pub number: u16,
    pub terms: Terms,
    pub workshop: Arc<dyn Workshop>,
}

pub enum PortMsg {
    Heard(Heard),
    /// All results of a competition, from its ratings.
    Fit {
        competition: String,
        teams: Vec<String>,
        played: Vec<Played>,
    },
    /// An opinion is wanted, under this number of the asker's own.
    Price {
        dossier: Arc<Dossier>,
        at: UtcMillis,
        number: u32,
        who: Mailbox<FixtureMsg>,
    },
    /// Something happened in a match that it prices.
    Event {
        dossier: Arc<Dossier>,
        at: UtcMillis,
    },
    /// Time has passed.
    Look,
}

impl fmt::Debug for PortMsg {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl Named for PortMsg {
    fn name(&self) -> &'static str {
        match self {
            PortMsg::Heard(_) => "heard",
            PortMsg::Fit { .. } => "fit",
            PortMsg::Price { .. } => "price",
            PortMsg::Event { .. } => "event",
            PortMsg::Look => "look",
        }
    }
}

/// Bytes of a message to a model, and of one from it.
pub const FRAME_BYTES_MAX: usize = 8 << 20;
pub const SAID_BYTES_MAX: usize = 1 << 20;
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// An interpreter with its packages has said hello by then.
const HELLO_WITHIN: Duration = Duration::from_secs(30);
const FIT_WITHIN: Duration = Duration::from_secs(120);
/// Of one competition, the newest.
const RESULTS_MAX: usize = 20_000;
/// Questions that the process has at once. It may answer them in any order.
const OUT_MAX: usize = 64;
const WAITING_MAX: usize = 4_096;
/// Competitions whose results wait.
const FITS_MAX: usize = 256;
/// Messages that wait to be written to it; more than are ever asked at once, and events.
const LINE_MAX: usize = 256;
const HEARD_MAX: usize = 1_024;
const LATE_MAX: u32 = 3;

/// A price that is wanted.
struct Wanted {
    dossier: Arc<Dossier>,
    at: UtcMillis,
    number: u32,
    who: Mailbox<FixtureMsg>,
}

impl Wanted {
    fn tell(&self, said: Result<Arc<Opinion>, Absence>) {
        // One that is gone asks again in its next life.
        let _ = self.who.send(FixtureMsg::Opinion { number: self.number, said });
    }
}

/// A question that the process has.
enum Open {
    Fit,
    Price(Wanted, Score),
}

pub struct Port {
    terms: Terms,
    to_model: mpsc::Sender<ToModel>,
    /// Dropped with the actor: the process ends.
    _cut: oneshot::Sender<()>,
    process: Option<u32>,
    /// What it says of itself, once it has.
    hello: Option<Hello>,
    started: Instant,
    /// With when it was sent.
    open: BTreeMap<u64, (Instant, Open)>,
    /// When something was answered last, or given up.
    progress: Instant,
    last_id: u64,
    waiting: VecDeque<Wanted>,
    fits: BTreeMap<String, Vec<ResultWord>>,
    /// Who asked of which match last.
    askers: BTreeMap<FixtureId, Mailbox<FixtureMsg>>,
    late_in_a_row: u32,
    counts: Counts,
    last_trouble: Option<String>,
}

struct Hello {
    name: String,
    competitions: Option<Vec<String>>,
}

#[derive(Default)]
struct Counts {
    asked: u64,
    answered: u64,
    late: u64,
    nonsense: u64,
    declined: u64,
    fits: u64,
}

impl Behaviour for Port {
    type Args = PortArgs;
    type Message = PortMsg;
    const KIND: &'static str = "port";

    fn address(args: &PortArgs) -> Address {
        Address::Port(args.number)
    }

    fn start(args: PortArgs, context: &Context<PortMsg>) -> Result<Self, Fault> {
        let (to_model, line) = mpsc::channel(LINE_MAX);
        let (cut, is_cut) = oneshot::channel();
        let me = context.me.clone();
        let tell = move |heard| match heard {
            // Its end is always heard.
            Heard::Ended { .. } => me.send(PortMsg::Heard(heard)).is_ok(),
            heard => me.try_send(PortMsg::Heard(heard), HEARD_MAX).is_ok(),
        };
        let line = Line { to_model: line, cut: is_cut, tell: Box::new(tell) };
        context.node.nursery().attend(args.workshop.run(args.number, line));
        Ok(Port {
            terms: args.terms,
            to_model,
            _cut: cut,
            process: None,
            hello: None,
            started: Instant::now(),
            open: BTreeMap::new(),
            progress: Instant::now(),
            last_id: 0,
            waiting: VecDeque::new(),
            fits: BTreeMap::new(),
            askers: BTreeMap::new(),
            late_in_a_row: 0,
            counts: Counts::default(),
            last_trouble: None,
        })
    }

    fn started(&mut self, context: &mut Context<PortMsg>) -> Result<(), Fault> {
        let hello = ToModel::Hello {
            protocol: PROTOCOL,
            deadline_ms: millis(self.terms.deadline),
            frame_bytes: SAID_BYTES_MAX as u32,
        };
        self.say(hello);
        context.every(LOOK_EVERY, || PortMsg::Look);
        Ok(())
    }

    fn handle(&mut self, message: PortMsg, _: &mut Context<PortMsg>) -> Result<(), Fault> {
        match message {
            PortMsg::Heard(Heard::Started { process }) => self.process = Some(process),
            PortMsg::Heard(Heard::Said(said)) => self.hear(*said)?,
            PortMsg::Heard(Heard::Garbled(garbled)) => self.garbled(garbled)?,
            PortMsg::Heard(Heard::Ended { reason }) => {
                return Err(self.give_up(format!("the process ended: {reason}")));
            }
            PortMsg::Fit { competition, teams, played } => {
                self.want_fit(competition, &teams, &played);
            }
            PortMsg::Price { dossier, at, number, who } => {
                self.want(Wanted { dossier, at, number, who });
            }
            PortMsg::Event { dossier, at } => self.event(&dossier, at),
            PortMsg::Look => self.look()?,
        }
        Ok(())
    }

    fn handled(&mut self, _: &mut Context<PortMsg>) -> Result<(), Fault> {
        self.ask();
        Ok(())
    }

    fn observe(&self) -> serde_json::Value {
        let hello = self.hello.as_ref();
        json!({
            "model": self.terms.name,
            "process": self.process,
            "says": hello.map(|hello| hello.name.as_str()),
            "prices": hello.map(|hello| match &hello.competitions {
                None => json!("every competition"),
                Some(competitions) => json!(competitions),
            }),
            "open": self.open.len(),
            "waiting": self.waiting.len(),
            "matches": self.askers.len(),
            "asked": self.counts.asked,
            "answered": self.counts.answered,
            "late": self.counts.late,
            "nonsense": self.counts.nonsense,
            "declined": self.counts.declined,
            "fits": self.counts.fits,
            "lastTrouble": self.last_trouble,
        })
    }
}

impl Port {
    /// What follows is read by nobody: all who wait are told now.
    fn give_up(&mut self, why: String) -> Fault {
        let why = format!("model {}: {why}", self.terms.name);
        let open = std::mem::take(&mut self.open);
        for (_, open) in open.into_values() {
            if let Open::Price(wanted, _) = open {
                wanted.tell(Err(Absence::NotRunning));
            }
        }
        for wanted in self.waiting.drain(..) {
            wanted.tell(Err(Absence::NotRunning));
        }
        for asker in self.askers.values() {
            let _ = asker.send(FixtureMsg::ModelGone);
        }
        Fault(why)
    }

    fn trouble(&mut self, trouble: String) {
        tracing::warn!(model = self.terms.name, trouble, "a model of somebody's own is in trouble");
        self.last_trouble = Some(trouble);
    }

    /// False when the line is full: the process reads nothing.
    fn say(&self, message: ToModel) -> bool {
        // Or it is closed: that is told by the line itself, with the reason.
        self.to_model.try_send(message).is_ok()
    }

    fn hear(&mut self, said: Said) -> Result<(), Fault> {
        let id = said.id;
        match said.read() {
            Ok(Word::Hello { name, competitions }) => {
                tracing::info!(
                    model = self.terms.name,
                    says = name,
                    "a model of somebody's own is there"
                );
                self.hello = Some(Hello { name, competitions });
                Ok(())
            }
            Ok(_) | Err(_) if self.hello.is_none() => {
                Err(self.give_up("it said something else before hello".to_owned()))
            }
            Ok(Word::Fitted { id }) => {
                if let Some(Open::Fit) = self.answered(id)? {
                    self.counts.fits += 1;
                    self.ask_anew();
                }
                Ok(())
            }
            Ok(Word::Price { id, answer }) => self.price(id, &answer),
            Ok(Word::Error { id: None, message }) => {
                self.trouble(message);
                Ok(())
            }
            Ok(Word::Error { id: Some(id), message }) => {
                if let Some(Open::Price(wanted, _)) = self.answered(id)? {
                    self.counts.declined += 1;
                    wanted.tell(Err(Absence::Declined));
                }
                self.trouble(message);
                Ok(())
            }
            Ok(Word::Event { fixture }) => {
                if let Some(asker) = self.askers.get(&FixtureId(fixture)) {
                    let _ = asker.send(FixtureMsg::AskModel);
                }
                Ok(())
            }
            Err(nonsense) => self.nonsense(id, nonsense),
        }
    }

    fn price(&mut self, id: u64, answer: &Answer) -> Result<(), Fault> {
        match self.answered(id)? {
            Some(Open::Price(wanted, score)) => match Opinion::of(answer, score) {
                Ok(opinion) => {
                    self.counts.answered += 1;
                    wanted.tell(Ok(Arc::new(opinion)));
                }
                Err(nonsense) => self.refuse(id, &wanted, nonsense),
            },
            Some(Open::Fit) => self.trouble("it answered a fit with a price".to_owned()),
            None => {}
        }
        Ok(())
    }

    fn nonsense(&mut self, id: Option<u64>, nonsense: Nonsense) -> Result<(), Fault> {
        match id {
            Some(id) => {
                if let Some(Open::Price(wanted, _)) = self.answered(id)? {
                    self.refuse(id, &wanted, nonsense);
                }
                Ok(())
            }
            None => Err(self.give_up(format!("it said nonsense: {nonsense}"))),
        }
    }

    fn garbled(&mut self, garbled: Garbled) -> Result<(), Fault> {
        let Some(id) = garbled.id.filter(|_| self.hello.is_some()) else {
            return Err(self.give_up(format!("it said what is no message: {}", garbled.reason)));
        };
        if let Some(Open::Price(wanted, _)) = self.answered(id)? {
            let nonsense = Nonsense { field: "message", reason: "has fields that are not its own" };
            self.refuse(id, &wanted, nonsense);
        }
        self.trouble(garbled.reason);
        Ok(())
    }

    /// The asker prices otherwise, and the model hears what was wrong.
    fn refuse(&mut self, id: u64, wanted: &Wanted, nonsense: Nonsense) {
        self.counts.nonsense += 1;
        wanted.tell(Err(Absence::Nonsense(nonsense)));
        let (field, message) = (nonsense.field.to_owned(), nonsense.reason.to_owned());
        self.say(ToModel::Error { id: Some(id), field, message });
        self.trouble(format!("match {}: {nonsense}", wanted.dossier.fixture));
    }

    /// The question that is answered; `None` when that came too late.
    fn answered(&mut self, id: u64) -> Result<Option<Open>, Fault> {
        if id == 0 || id > self.last_id {
            return Err(self.give_up(format!("it answers question {id}, which nobody asked")));
        }
        let open = self.open.remove(&id);
        if open.is_some() {
            self.late_in_a_row = 0;
            self.progress = Instant::now();
        }
        Ok(open.map(|(_, open)| open))
    }

    fn want_fit(&mut self, competition: String, teams: &[String], played: &[Played]) {
        if self.fits.len() >= FITS_MAX && !self.fits.contains_key(&competition) {
            return self.trouble("results of more competitions wait than may".to_owned());
        }
        let mut newest: Vec<&Played> = played.iter().collect();
        newest.sort_by_key(|one| one.day);
        let newest = &newest[newest.len().saturating_sub(RESULTS_MAX)..];
        let results = newest.iter().map(|one| ResultWord::of(one, teams)).collect();
        // Those that still wait are older.
        self.fits.insert(competition, results);
    }

    fn want(&mut self, wanted: Wanted) {
        let fixture = wanted.dossier.fixture;
        self.askers.retain(|_, asker| asker.is_open());
        self.askers.insert(fixture, wanted.who.clone());
        match self.waiting.iter().position(|one| one.dossier.fixture == fixture) {
            // What was asked before is of no use any more.
            Some(at) => self.waiting[at] = wanted,
            None if self.waiting.len() >= WAITING_MAX => wanted.tell(Err(Absence::Busy)),
            None => self.waiting.push_back(wanted),
        }
    }

    fn event(&mut self, dossier: &Dossier, at: UtcMillis) {
        if self.hello.as_ref().is_some_and(|hello| hello.prices(&dossier.competition)) {
            let r#match = dossier.fixture.0;
            // One that is lost is in the state of the next question.
            self.say(ToModel::Event { r#match, state: StateWord::of(dossier, at) });
        }
    }

    /// Sends what waits, as far as the process may have more: results first and by themselves, since nobody answers
    /// while learning.
    fn ask(&mut self) {
        let is_learning = |open: &BTreeMap<u64, (Instant, Open)>| {
            open.values().any(|(_, open)| matches!(open, Open::Fit))
        };
        if self.hello.is_none() || is_learning(&self.open) {
            return;
        }
        while !self.fits.is_empty() {
            if !self.open.is_empty() {
                return;
            }
            let Some((competition, results)) = self.fits.pop_first() else { break };
            if !self.prices(&competition) {
                continue;
            }
            let id = self.last_id + 1;
            let question = ToModel::Fit { id, competition, results };
            if self.say(question) {
                self.last_id = id;
                self.open.insert(id, (Instant::now(), Open::Fit));
            }
            return;
        }
        while self.open.len() < OUT_MAX {
            let Some(wanted) = self.waiting.pop_front() else { break };
            if !self.prices(&wanted.dossier.competition) {
                wanted.tell(Err(Absence::NotItsOwn));
                continue;
            }
            let id = self.last_id + 1;
            let question = ToModel::Price {
                id,
                deadline_ms: millis(self.terms.deadline),
                r#match: MatchWord::of(&wanted.dossier),
                state: StateWord::of(&wanted.dossier, wanted.at),
            };
            if !self.say(question) {
                self.waiting.push_front(wanted);
                break;
            }
            self.last_id = id;
            self.counts.asked += 1;
            let score = wanted.dossier.story.score();
            self.open.insert(id, (Instant::now(), Open::Price(wanted, score)));
        }
    }

    fn prices(&self, competition: &str) -> bool {
        self.hello.as_ref().is_some_and(|hello| hello.prices(competition))
    }

    /// It has learned, and may say something else of every match.
    fn ask_anew(&mut self) {
        for asker in self.askers.values() {
            let _ = asker.send(FixtureMsg::AskModel);
        }
    }

    fn look(&mut self) -> Result<(), Fault> {
        let now = Instant::now();
        if self.hello.is_none() && now.duration_since(self.started) >= HELLO_WITHIN {
            return Err(self.give_up(format!("it has not said hello within {HELLO_WITHIN:?}")));
        }
        for id in self.late(now) {
            match self.open.remove(&id) {
                Some((_, Open::Price(wanted, _))) => {
                    wanted.tell(Err(Absence::TooLate));
                    self.counts.late += 1;
                    self.late_in_a_row += 1;
                    // The next one has a deadline of its own.
                    self.progress = now;
                }
                Some((_, Open::Fit)) => {
                    return Err(self.give_up(format!("it has not learned within {FIT_WITHIN:?}")));
                }
                None => {}
            }
        }
        if self.late_in_a_row >= LATE_MAX {
            let deadline = self.terms.deadline;
            let why =
                format!("{} answers in a row did not come within {deadline:?}", self.late_in_a_row);
            return Err(self.give_up(why));
        }
        Ok(())
    }
}

impl Port {
    /// It has questions one behind the other, and each may take its time: late is the oldest when nothing was answered
    /// for so long, and any that the others cannot explain.
    fn late(&self, now: Instant) -> Vec<u64> {
        let oldest = self.open.first_key_value().map(|(id, _)| *id);
        let is_late = |(id, (sent, open)): (&u64, &(Instant, Open))| {
            let waited = now.saturating_duration_since(*sent);
            let still = now.saturating_duration_since(self.progress.max(*sent));
            let late = match open {
                Open::Fit => waited >= FIT_WITHIN,
                Open::Price(..) => {
                    (oldest == Some(*id) && still >= self.terms.deadline)
                        || waited >= self.terms.deadline * OUT_MAX as u32
                }
            };
            late.then_some(*id)
        };
        self.open.iter().filter_map(is_late).collect()
    }
}

impl Hello {
    fn prices(&self, competition: &str) -> bool {
        self.competitions.as_ref().is_none_or(|all| is_among(all, competition))
    }
}

fn millis(span: Duration) -> u32 {
    u32::try_from(span.as_millis()).unwrap_or(u32::MAX)
}
