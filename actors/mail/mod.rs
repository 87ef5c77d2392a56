//! Mail: reads the log, and sends what follows from it for people.
//!
//! Owns     the `domain::mail::Outbox`: how far the log was read, and which letters have still to go.
//! Started  by `services`, behind the partitions and before the doors: nobody can sign up unread.
//! Asks     home who wants mail, the publisher and the log's files for records; its [`Post`] to keep the
//!          outbox and to send, in tasks of the nursery: it never waits for a server or a disk itself.
//! Crash    the outbox is read back as it was last kept, and the log from there on. Only the letter that was
//!          in flight can go twice, under one Message-ID.
//! Bounds   one letter in flight; `domain::mail::WAITING_MAX` wait, then no more of the log is read.

use crate::home::{HomeMsg, PeopleMsg};
use crate::partition::deliver;
use crate::publisher::{Next, PublisherMsg};
use crate::registry::Address;
use crate::shell::{Behaviour, Context, Fault, Named};
use domain::home::MailWish;
use domain::ids::{EntityId, PartitionId};
use domain::mail::{Ended, Letter, LetterId, Outbox, Wishes};
use domain::record::Record;
use serde_json::json;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};
use store::entry::Offset;
use tokio::sync::oneshot;

/// How letters travel and where the outbox is kept: the node's own.
pub trait Post: Send + Sync + 'static {
    /// The outbox as it was last kept; `None` when none was.
    fn load(&self) -> Option<Outbox>;
    /// Keeps the outbox: durable when it resolves.
    fn keep(&self, outbox: Outbox) -> Work<Result<(), String>>;
    /// Tries one letter.
    fn send(&self, letter: Letter) -> Work<Ended>;
    /// The pause behind a letter's first try.
    fn pause_ms(&self) -> i64;
}

pub type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

#[derive(Clone)]
pub struct MailArgs {
    pub post: Arc<dyn Post>,
}

pub enum MailMsg {
    /// The next records of the stream, for the following that was begun as `number`.
    Next { number: u64, next: Next },
    /// Records that the publisher no longer has, from the log's files; `None` when they cannot be read.
    Read { number: u64, through: Offset, records: Option<Vec<(Offset, Record)>> },
    /// From home: everybody who is mailed about bets.
    Wishes(Vec<MailWish>),
    /// The outbox is durable, or not.
    Kept(Result<(), String>),
    /// How the letter in flight fared.
    Tried { id: LetterId, ended: Ended },
    /// Time has passed.
    Look,
}

impl fmt::Debug for MailMsg {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl Named for MailMsg {
    fn name(&self) -> &'static str {
        match self {
            MailMsg::Next { .. } => "next",
            MailMsg::Read { .. } => "read",
            MailMsg::Wishes(_) => "wishes",
            MailMsg::Kept(_) => "kept",
            MailMsg::Tried { .. } => "tried",
            MailMsg::Look => "look",
        }
    }
}

const PARTITION: PartitionId = PartitionId(0);
const LOOK_EVERY: Duration = Duration::from_millis(100);
const KEEP_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Offsets read from the log's files at once.
const PIECE: u64 = 4_096;
/// How far the log may have been read for nothing before that is written down too.
const UNKEPT_MAX: u64 = 50_000;

pub struct Mail {
    post: Arc<dyn Post>,
    /// False at the first start of all, until the log is open.
    begun: bool,
    outbox: Outbox,
    /// `None` until home has told.
    wishes: Option<Wishes>,
    following: Option<Following>,
    followings: u64,
    /// The offset that was last kept, and whether letters changed since.
    kept: u64,
    changed: bool,
    /// Keeping, sending or reading files is under way.
    keeping: bool,
    /// Not before: the disk took nothing a moment ago.
    keep_from: Instant,
    in_flight: Option<LetterId>,
    reading: bool,
}

struct Following {
    /// The publisher that is followed.
    incarnation: u64,
    /// Cleared when no more is wanted.
    wanted: Arc<AtomicBool>,
}

impl Drop for Following {
    fn drop(&mut self) {
        self.wanted.store(false, Relaxed);
    }
}

impl Behaviour for Mail {
    type Args = MailArgs;
    type Message = MailMsg;
    const KIND: &'static str = "mail";

    fn address(_: &MailArgs) -> Address {
        Address::Mail
    }

    fn start(args: MailArgs, _: &Context<MailMsg>) -> Result<Self, Fault> {
        let kept = args.post.load();
        let begun = kept.is_some();
        let outbox = kept.unwrap_or_default();
        Ok(Mail {
            post: args.post,
            begun,
            kept: outbox.read,
            outbox,
            wishes: None,
            following: None,
            followings: 0,
            changed: false,
            keeping: false,
            keep_from: Instant::now(),
            in_flight: None,
            reading: false,
        })
    }

    fn started(&mut self, context: &mut Context<MailMsg>) -> Result<(), Fault> {
        self.ask_home(context);
        context.every(LOOK_EVERY, || MailMsg::Look);
        Ok(())
    }

    fn handle(&mut self, message: MailMsg, context: &mut Context<MailMsg>) -> Result<(), Fault> {
        match message {
            MailMsg::Next { number, next } => self.next(number, &next, context),
            MailMsg::Read { number, through, records } => {
                self.was_read(number, through, records);
                self.look(context);
            }
            MailMsg::Wishes(wishes) => self.wishes = Some(Wishes::new(wishes)),
            MailMsg::Kept(kept) => {
                self.keeping = false;
                if let Err(error) = kept {
                    // No letter goes meanwhile; the exchange does not fall over its mail.
                    tracing::warn!(error, "the outbox cannot be kept, trying again");
                    self.changed = true;
                    self.keep_from = Instant::now() + KEEP_AGAIN_AFTER;
                }
            }
            MailMsg::Tried { id, ended } => self.tried(id, ended, context),
            MailMsg::Look => self.look(context),
        }
        Ok(())
    }

    /// What was read or tried is kept, and the next letter goes once it is.
    fn handled(&mut self, context: &mut Context<MailMsg>) -> Result<(), Fault> {
        self.go_on(context);
        Ok(())
    }

    fn observe(&self) -> serde_json::Value {
        json!({
            "offset": self.outbox.read,
            "waiting": self.outbox.len(),
            "sent": self.outbox.sent,
            "givenUp": self.outbox.given_up,
            "mailedAboutBets": self.wishes.as_ref().map(Wishes::len),
            "inFlight": self.in_flight.map(|id| id.0),
        })
    }
}

impl Mail {
    /// Where no outbox was kept it begins behind what was there when the log was opened: who is here already
    /// wants no old news.
    fn begin(&mut self, context: &Context<MailMsg>) {
        let partition = context.node.partition(PARTITION);
        let Some(partition) = partition.filter(|partition| partition.now().is_some()) else {
            return;
        };
        self.outbox = Outbox::from(partition.opened_at().get());
        (self.begun, self.changed) = (true, true);
    }

    fn ask_home(&self, context: &Context<MailMsg>) {
        let (reply, answer) = oneshot::channel();
        let message = HomeMsg::People(PeopleMsg::MailWishes { reply });
        deliver(&context.node, PARTITION, EntityId::Home, message);
        let me = context.me.clone();
        context.node.nursery().attend(Box::pin(async move {
            // Without an answer it asks again when it looks.
            if let Ok(wishes) = answer.await {
                let _ = me.send(MailMsg::Wishes(wishes));
            }
        }));
    }

    fn look(&mut self, context: &Context<MailMsg>) {
        if !self.begun {
            self.begin(context);
        }
        if self.wishes.is_none() {
            return self.ask_home(context);
        }
        if let Some(now) = now(context) {
            let worthless = self.outbox.drop_worthless(now);
            self.changed |= worthless > 0;
        }
        if self.outbox.is_full() {
            self.following = None;
        } else {
            self.follow(context);
        }
    }

    fn follow(&mut self, context: &Context<MailMsg>) {
        let is_open = now(context).is_some();
        if self.reading || !self.begun || !is_open {
            return;
        }
        let publisher = context.node.registry.find::<PublisherMsg>(Address::Publisher(PARTITION));
        let Some(publisher) = publisher else { return };
        let incarnation = publisher.incarnation();
        if self.following.as_ref().is_some_and(|following| following.incarnation == incarnation) {
            return;
        }
        self.followings += 1;
        let (me, number) = (context.me.clone(), self.followings);
        let wanted = Arc::new(AtomicBool::new(true));
        let still = wanted.clone();
        let deliver = Box::new(move |next| {
            still.load(Relaxed) && me.send(MailMsg::Next { number, next }).is_ok()
        });
        let after = Offset::new(self.outbox.read);
        if publisher.send(PublisherMsg::Follow { after, deliver }).is_ok() {
            self.following = Some(Following { incarnation, wanted });
        }
    }

    fn next(&mut self, number: u64, next: &Next, context: &Context<MailMsg>) {
        if number != self.followings || self.following.is_none() {
            return;
        }
        match next {
            Next::Behind => {
                self.following = None;
                self.read_files(context);
            }
            Next::Records(frame) => {
                for (offset, record) in frame.iter() {
                    self.read(*offset, record);
                }
                if self.outbox.is_full() {
                    self.following = None;
                }
            }
        }
    }

    fn read(&mut self, offset: Offset, record: &Record) {
        let offset = offset.get();
        // What a full outbox does not take is read again later.
        if offset != self.outbox.read + 1 || self.outbox.is_full() {
            return;
        }
        let letter = self.wishes.as_mut().and_then(|wishes| wishes.letter(offset, record));
        self.changed |= letter.is_some();
        self.outbox.read(offset, letter);
    }

    /// The publisher keeps only the newest records: the ones before are read where they are written.
    fn read_files(&mut self, context: &Context<MailMsg>) {
        let Some(partition) = context.node.partition(PARTITION) else { return };
        let Some(reader) = partition.reader() else { return };
        self.reading = true;
        let after = Offset::new(self.outbox.read);
        let released = partition.log.released().get();
        let through = Offset::new(released.min(self.outbox.read.saturating_add(PIECE)));
        let (me, number) = (context.me.clone(), self.followings);
        let work = move || {
            let mut records = Vec::new();
            let mut take = |offset, record: Record| {
                records.push((offset, record));
                Ok(())
            };
            let read = store::read::records(&*reader, after, through, &mut take);
            if let Err(error) = &read {
                tracing::error!(%error, offset = after.get(), "letters cannot be read from the log");
            }
            let records = read.is_ok().then_some(records);
            let _ = me.send(MailMsg::Read { number, through, records });
        };
        context.node.nursery().labour(Box::new(work));
    }

    fn was_read(&mut self, number: u64, through: Offset, records: Option<Vec<(Offset, Record)>>) {
        if number != self.followings {
            return;
        }
        self.reading = false;
        match records {
            Some(records) => {
                for (offset, record) in &records {
                    self.read(*offset, record);
                }
            }
            // A checkpoint has replaced them, and their letters are lost: said above, and gone on behind.
            None => {
                self.outbox.read(through.get(), None);
                self.changed = true;
            }
        }
    }

    fn tried(&mut self, id: LetterId, ended: Ended, context: &Context<MailMsg>) {
        self.in_flight = None;
        match ended {
            Ended::Sent => tracing::debug!(letter = %id, "mail sent"),
            Ended::Later => tracing::info!(letter = %id, "mail is to be tried again"),
            Ended::Never => tracing::warn!(letter = %id, "mail was refused for good"),
        }
        if let Some(now) = now(context) {
            self.outbox.ended(now, id, ended, self.post.pause_ms());
        }
        self.changed = true;
    }

    /// Kept before the next letter goes, so that no more than one can go twice.
    fn go_on(&mut self, context: &Context<MailMsg>) {
        if !self.begun || self.keeping || self.in_flight.is_some() {
            return;
        }
        let me = context.me.clone();
        if self.changed || self.outbox.read - self.kept >= UNKEPT_MAX {
            if Instant::now() < self.keep_from {
                return;
            }
            (self.changed, self.keeping) = (false, true);
            self.kept = self.outbox.read;
            let keep = self.post.keep(self.outbox.clone());
            return context.node.nursery().attend(Box::pin(async move {
                let kept = keep.await;
                let _ = me.send(MailMsg::Kept(kept));
            }));
        }
        let Some(now) = now(context) else { return };
        let Some(letter) = self.outbox.due(now) else { return };
        let id = letter.id;
        self.in_flight = Some(id);
        let send = self.post.send(letter.clone());
        context.node.nursery().attend(Box::pin(async move {
            let ended = send.await;
            let _ = me.send(MailMsg::Tried { id, ended });
        }));
    }
}

fn now(context: &Context<MailMsg>) -> Option<domain::time::UtcMillis> {
    context.node.partition(PARTITION).and_then(|partition| partition.now())
}
