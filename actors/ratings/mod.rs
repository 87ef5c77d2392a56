//! The ratings of one competition: how strong its teams are, fitted anew after every result.
//!
//! Owns     the last fit and its history, both of which follow from results.
//! Started  by `fixtures`, when something is told of the competition; transient.
//! Asks     football for results and for matches to be rated; tells it what they are to be priced from. A model of
//!          somebody's own that prices the competition is told all results whenever they are others.
//! Crash    fitted again from the results; what was rated before stays rated.
//! Bounds   one question at a time; at most one fit every `REST`, one history for each fit; a trial of the models
//!          only since somebody asked, a day of matches a message, the newest `trial::TRIED_MAX` of them.
//!
//! A fit that fails never costs a price: `domain::football::rater` has something for every match.

use crate::football::FootballMsg;
use crate::partition::deliver;
use crate::port::PortMsg;
use crate::registry::Address;
use crate::shell::{Behaviour, Context, Fault, Named};
use domain::football::almanac::{CompetitionNo, Parameters, Upcoming, day_of};
use domain::football::rater::{Point, Rater};
use domain::football::ratings::{Played, Ratings as Fit};
use domain::football::trial::{Ended, Trial, Tried, Walk};
use domain::ids::{EntityId, PartitionId};
use domain::time::UtcMillis;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

#[derive(Debug)]
pub enum RatingsMsg {
    /// Something was told of the competition.
    Stirred,
    /// From football, as asked for.
    Results {
        name: String,
        teams: Vec<String>,
        ended: Vec<Ended>,
        upcoming: Vec<Upcoming>,
    },
    /// The rest after a fit is over.
    Rested,
    /// Another day may have begun.
    Look,
    View {
        reply: oneshot::Sender<Arc<RatingsView>>,
    },
    /// A model's process has begun, and knows nothing.
    ModelStarted,
    /// Month by month, of which the last is now.
    History {
        reply: oneshot::Sender<Arc<Vec<Point>>>,
    },
    /// How the models did so far; whoever asks sets them going.
    Trial {
        reply: oneshot::Sender<TrialView>,
    },
    /// Another day of the trial.
    Walk,
}

impl Named for RatingsMsg {
    fn name(&self) -> &'static str {
        match self {
            RatingsMsg::Stirred => "stirred",
            RatingsMsg::Results { .. } => "results",
            RatingsMsg::Rested => "rested",
            RatingsMsg::Look => "look",
            RatingsMsg::View { .. } => "view",
            RatingsMsg::ModelStarted => "model started",
            RatingsMsg::History { .. } => "history",
            RatingsMsg::Trial { .. } => "trial",
            RatingsMsg::Walk => "walk",
        }
    }
}

/// What the ratings are, for those who look.
#[derive(Debug, Clone, Default)]
pub struct RatingsView {
    pub competition: String,
    pub teams: Vec<String>,
    /// `None` without results that can be fitted.
    pub fit: Option<Fit>,
    /// Why the last fit failed, when it did.
    pub failure: Option<String>,
    pub fitted_at: UtcMillis,
    pub results: usize,
}

/// How far the trial of the models has come.
#[derive(Debug, Clone, Default)]
pub struct TrialView {
    pub competition: String,
    pub teams: Vec<String>,
    /// By day.
    pub tried: Arc<Vec<Tried>>,
    /// Matches that are still to be tried.
    pub left: usize,
    /// What each model says of matches to come; `None` while something is left.
    pub now: Option<Arc<Walk>>,
    /// Another number, another view.
    pub version: u64,
}

#[derive(Debug, Clone, Copy)]
pub struct RatingsArgs {
    pub competition: CompetitionNo,
}

/// Between two fits: results that come together are fitted together.
const REST: Duration = Duration::from_millis(100);
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Who waits for the first results.
const WAITING_MAX: usize = 1_024;
const PARTITION: PartitionId = PartitionId(0);

pub struct Ratings {
    competition: CompetitionNo,
    rater: Rater,
    view: Arc<RatingsView>,
    ended: Vec<Ended>,
    history: Option<Arc<Vec<Point>>>,
    /// Since somebody asked for it, with the fit whose results it has heard.
    trial: Option<(u64, Trial)>,
    walking: bool,
    steps: u64,
    /// Something was told since football was asked last.
    stirred: bool,
    asked: bool,
    resting: bool,
    fits: u64,
    day: i32,
    waiting: Vec<oneshot::Sender<Arc<RatingsView>>>,
}

impl Behaviour for Ratings {
    type Args = RatingsArgs;
    type Message = RatingsMsg;
    const KIND: &'static str = "ratings";

    fn address(args: &RatingsArgs) -> Address {
        Address::Ratings(args.competition)
    }

    fn start(args: RatingsArgs, _: &Context<RatingsMsg>) -> Result<Self, Fault> {
        Ok(Ratings {
            competition: args.competition,
            rater: Rater::default(),
            view: Arc::default(),
            ended: Vec::new(),
            history: None,
            trial: None,
            walking: false,
            steps: 0,
            stirred: true,
            asked: false,
            resting: false,
            fits: 0,
            day: i32::MIN,
            waiting: Vec::new(),
        })
    }

    fn started(&mut self, context: &mut Context<RatingsMsg>) -> Result<(), Fault> {
        let football = Address::Entity(PARTITION, EntityId::Football);
        // What its last life was asked for is lost.
        context.node.registry.watch(football, context.me.clone(), || RatingsMsg::Rested);
        for port in 0..context.node.settings.models.len() {
            let port = Address::Port(u16::try_from(port).unwrap_or(u16::MAX));
            let me = context.me.clone();
            context.node.registry.watch(port, me, || RatingsMsg::ModelStarted);
        }
        context.every(LOOK_EVERY, || RatingsMsg::Look);
        self.ask(context);
        Ok(())
    }

    fn handle(
        &mut self,
        message: RatingsMsg,
        context: &mut Context<RatingsMsg>,
    ) -> Result<(), Fault> {
        match message {
            RatingsMsg::Stirred => {
                self.stirred = true;
                self.ask(context);
            }
            RatingsMsg::Results { name, teams, ended, upcoming } => {
                self.asked = false;
                self.fit(name, teams, ended, &upcoming, context);
                self.resting = true;
                context.after(REST, || RatingsMsg::Rested);
            }
            RatingsMsg::Rested => {
                self.resting = false;
                // Nobody may be there any more who was asked.
                self.stirred |= self.asked;
                self.asked = false;
                self.ask(context);
            }
            RatingsMsg::Look => {
                self.stirred |=
                    self.fits > 0 && now(context).is_some_and(|now| day_of(now) != self.day);
                self.ask(context);
            }
            RatingsMsg::View { reply } if self.fits == 0 => {
                if self.waiting.len() < WAITING_MAX {
                    self.waiting.push(reply);
                }
            }
            RatingsMsg::View { reply } => drop(reply.send(self.view.clone())),
            RatingsMsg::ModelStarted => self.teach(context),
            RatingsMsg::History { reply } => {
                let (rater, ended, day) = (&self.rater, &self.ended, self.day);
                let history = self
                    .history
                    .get_or_insert_with(|| Arc::new(rater.history(day, &played(ended))));
                drop(reply.send(history.clone()));
            }
            RatingsMsg::Trial { reply } => {
                let view = self.trial(context);
                drop(reply.send(view));
            }
            RatingsMsg::Walk => self.walk(context),
        }
        Ok(())
    }

    fn observe(&self) -> serde_json::Value {
        json!({
            "competition": self.view.competition,
            "teams": self.view.teams.len(),
            "results": self.view.results,
            "fits": self.fits,
            "failure": self.view.failure,
        })
    }
}

impl Ratings {
    fn ask(&mut self, context: &Context<RatingsMsg>) {
        if !self.stirred || self.asked || self.resting {
            return;
        }
        (self.stirred, self.asked) = (false, true);
        let (competition, who) = (self.competition, context.me.clone());
        let question = FootballMsg::Results { competition, who };
        deliver(&context.node, PARTITION, EntityId::Football, question);
    }

    fn fit(
        &mut self,
        competition: String,
        teams: Vec<String>,
        ended: Vec<Ended>,
        upcoming: &[Upcoming],
        context: &Context<RatingsMsg>,
    ) {
        let Some(now) = now(context) else { return };
        self.fits += 1;
        self.day = day_of(now);
        // Results of today are known; a fit takes those before a day.
        self.rater.fit(self.day + 1, &played(&ended));
        let rated: Vec<(_, Parameters)> = upcoming
            .iter()
            .map(|one| (one.fixture, self.rater.rate(one.home, one.away, one.neutral)))
            .collect();
        if !rated.is_empty() {
            let rated = FootballMsg::Rated { fixtures: rated };
            deliver(&context.node, PARTITION, EntityId::Football, rated);
        }
        self.view = Arc::new(RatingsView {
            competition,
            teams,
            fit: self.rater.ratings().cloned(),
            failure: self.rater.failure().map(|failure| failure.to_string()),
            fitted_at: now,
            results: ended.len(),
        });
        let news = self.ended != ended;
        self.ended = ended;
        if news {
            self.teach(context);
        }
        self.history = None;
        for reply in self.waiting.drain(..) {
            let _ = reply.send(self.view.clone());
        }
    }

    /// What is known of the trial, which goes on from here when there is more to walk.
    fn trial(&mut self, context: &Context<RatingsMsg>) -> TrialView {
        let (heard, trial) = self.trial.get_or_insert_with(|| (u64::MAX, Trial::default()));
        if *heard != self.fits {
            *heard = self.fits;
            trial.hear(self.ended.clone());
        }
        let view = TrialView {
            competition: self.view.competition.clone(),
            teams: self.view.teams.clone(),
            tried: trial.tried(),
            left: trial.left(),
            now: trial.now(),
            version: self.fits.wrapping_shl(32).wrapping_add(self.steps),
        };
        if !self.walking && trial.now().is_none() {
            self.walking = context.me.send(RatingsMsg::Walk).is_ok();
        }
        view
    }

    /// One day, so that nobody waits long in between.
    fn walk(&mut self, context: &Context<RatingsMsg>) {
        let Some((_, trial)) = &mut self.trial else { return };
        self.steps += 1;
        self.walking = trial.step() && context.me.send(RatingsMsg::Walk).is_ok();
    }
}

fn played(ended: &[Ended]) -> Vec<Played> {
    ended.iter().map(|one| one.played).collect()
}

impl Ratings {
    /// Tells the model that prices the competition what has been played.
    fn teach(&self, context: &Context<RatingsMsg>) {
        let competition = &self.view.competition;
        let Some(port) = context.node.port_of(competition).filter(|_| !self.ended.is_empty())
        else {
            return;
        };
        if let Some(port) = context.node.registry.find::<PortMsg>(Address::Port(port)) {
            // One that is gone is told in its next life.
            let _ = port.send(PortMsg::Fit {
                competition: competition.clone(),
                teams: self.view.teams.clone(),
                played: played(&self.ended),
            });
        }
    }
}

fn now(context: &Context<RatingsMsg>) -> Option<UtcMillis> {
    context.node.partition(PARTITION).and_then(|partition| partition.now())
}
