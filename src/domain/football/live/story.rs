//! What a log says of its match: one fold over the events in the provider's own order.

use super::super::Team;
use super::super::inplay::{AddedTime, Clock};
use super::super::score_grid::Score;
use super::event::{FeedEvent, FeedKind};
use super::log::Log;
use crate::time::UtcMillis;
use std::fmt;

const HALF_S: i64 = 45 * 60;
/// A clock that comes so much earlier than the one before it has run backwards.
const BACK_S: i64 = 60;
/// A clock that is so far ahead of where it was thought to be has jumped.
const AHEAD_S: i64 = 600;
/// A goal or a card stands once the match clock has run so long after it without a review.
const STANDS_AFTER_S: i64 = 20;
/// A penalty was taken by then.
const TAKEN_AFTER_S: i64 = 180;
/// A review that begins so long after a goal is not about it.
const REVIEWED_WITHIN_S: i64 = 180;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    Before,
    FirstHalf,
    HalfTime,
    SecondHalf,
    FullTime,
    Abandoned,
}

impl Phase {
    pub fn is_running(self) -> bool {
        matches!(self, Phase::FirstHalf | Phase::SecondHalf)
    }

    pub fn is_over(self) -> bool {
        matches!(self, Phase::FullTime | Phase::Abandoned)
    }
}

/// Why what was told cannot be so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    Missing(u32),
    NobodyScored(u32),
    NobodyWasSentOff(u32),
    NotUnderWay(u32),
    OutOfOrder(u32),
    Backwards(u32),
    Jumped(u32),
}

impl fmt::Display for Doubt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Doubt::Missing(seq) => write!(out, "event {seq} is missing"),
            Doubt::NobodyScored(seq) => {
                write!(out, "event {seq} takes back a goal that nobody scored")
            }
            Doubt::NobodyWasSentOff(seq) => {
                write!(out, "event {seq} takes back a red card that nobody was shown")
            }
            Doubt::NotUnderWay(seq) => {
                write!(out, "event {seq} happens while nobody plays")
            }
            Doubt::OutOfOrder(seq) => write!(out, "event {seq} does not follow what came before"),
            Doubt::Backwards(seq) => write!(out, "the clock runs backwards at event {seq}"),
            Doubt::Jumped(seq) => write!(out, "the clock jumps at event {seq}"),
        }
    }
}

/// What may still be taken back, or is still to be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pending {
    /// Scored, and the feed has not gone on yet.
    Goal(Team),
    /// A goal was taken back, or a card shown or taken back, and the feed has not gone on yet.
    Decision,
    Penalty(Team),
    /// Under review; of a goal when it was scored just before.
    Review {
        goal: Option<Team>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Goal {
    pub seq: u32,
    pub team: Team,
    pub first_half: bool,
    /// Of the match, the second half counted from 45 minutes.
    pub clock_s: i64,
}

/// Where a match stands, by one provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    pub phase: Phase,
    pub added: AddedTime,
    pub goals: Vec<Goal>,
    pub home_reds: u8,
    pub away_reds: u8,
    pub pending: Option<Pending>,
    /// The first that was not resolved.
    pub doubt: Option<Doubt>,
    /// The number of the last event.
    pub seq: u32,
    /// When the last word came.
    pub heard_at: Option<UtcMillis>,
    /// How late it was, and when that was heard.
    anchor: Option<(i64, UtcMillis)>,
    /// When, by the match clock, what is pending began.
    pending_since_s: i64,
    /// When something was last pending, by the last word of it.
    pub pended_at: Option<UtcMillis>,
}

impl Story {
    pub(super) fn of(log: &Log) -> Story {
        let mut story = Story {
            phase: Phase::Before,
            added: AddedTime::default(),
            goals: Vec::new(),
            home_reds: 0,
            away_reds: 0,
            pending: None,
            doubt: None,
            seq: 0,
            heard_at: None,
            anchor: None,
            pending_since_s: 0,
            pended_at: None,
        };
        let mut clock_doubt = None;
        for (seq, heard) in log.events() {
            story.take(seq, &heard.event, heard.at, &mut clock_doubt);
        }
        story.doubt = log.missing().map(Doubt::Missing).or(story.doubt).or(clock_doubt);
        story
    }

    pub fn score(&self) -> Score {
        self.score_of(|_| true)
    }

    /// From half time on.
    pub fn half_time(&self) -> Option<Score> {
        let ended = self.phase >= Phase::HalfTime;
        ended.then(|| self.score_of(|goal| goal.first_half))
    }

    pub fn first_goal(&self) -> Option<Team> {
        self.goals.first().map(|goal| goal.team)
    }

    /// Seconds of the half that is played.
    pub fn played_s(&self, now: UtcMillis) -> u32 {
        let begins = if self.phase == Phase::SecondHalf { HALF_S } else { 0 };
        u32::try_from(self.clock_s(now) - begins).unwrap_or(0)
    }

    pub fn clock(&self, now: UtcMillis) -> Clock {
        match self.phase {
            Phase::Before => Clock::BeforeKickOff,
            Phase::FirstHalf => Clock::FirstHalf { played_s: self.played_s(now) },
            Phase::HalfTime => Clock::HalfTime,
            Phase::SecondHalf => Clock::SecondHalf { played_s: self.played_s(now) },
            Phase::FullTime | Phase::Abandoned => Clock::FullTime,
        }
    }

    fn clock_s(&self, now: UtcMillis) -> i64 {
        let Some((clock_s, at)) = self.anchor else { return 0 };
        match self.phase.is_running() {
            true => clock_s + now.since_ms(at).max(0) / 1_000,
            false => clock_s,
        }
    }

    fn score_of(&self, counts: impl Fn(&Goal) -> bool) -> Score {
        let goals = self.goals.iter().filter(|goal| counts(goal));
        goals.fold(Score::default(), |score, goal| score.after_goal(goal.team))
    }

    fn take(
        &mut self,
        seq: u32,
        event: &FeedEvent,
        at: UtcMillis,
        clock_doubt: &mut Option<Doubt>,
    ) {
        let pended = self.pending.is_some();
        self.seq = seq;
        self.heard_at = self.heard_at.max(Some(at));
        self.keep_time(seq, event, at, clock_doubt);
        self.settle(event);
        match event.kind {
            FeedKind::KickOff => self.go_to(Phase::FirstHalf, &[Phase::Before], seq),
            FeedKind::HalfTime => self.go_to(Phase::HalfTime, &[Phase::FirstHalf], seq),
            FeedKind::SecondHalf => {
                self.go_to(Phase::SecondHalf, &[Phase::HalfTime, Phase::FirstHalf], seq);
            }
            FeedKind::FullTime => self.go_to(Phase::FullTime, &[Phase::SecondHalf], seq),
            FeedKind::Abandoned => self.phase = Phase::Abandoned,
            FeedKind::Goal(team) => self.goal(seq, team, event),
            FeedKind::GoalCancelled(team) => self.cancel(seq, team, event),
            FeedKind::Red(team) => self.red(seq, team, event),
            FeedKind::Penalty(team) => match event.value {
                Some(0) => self.pending = None,
                _ => self.await_settling(Pending::Penalty(team), event),
            },
            FeedKind::VarStart => {
                let last = self.goals.last();
                let lately = |goal: &&Goal| event.clock_s() - goal.clock_s <= REVIEWED_WITHIN_S;
                let goal = last.filter(lately).map(|goal| goal.team);
                self.await_settling(Pending::Review { goal }, event);
            }
            FeedKind::VarEnd => self.pending = None,
            FeedKind::AddedTime => self.add_time(event.value.unwrap_or(0)),
            FeedKind::Clock => {}
        }
        if matches!(event.kind, FeedKind::KickOff | FeedKind::SecondHalf) {
            let least = if self.phase == Phase::SecondHalf { HALF_S } else { 0 };
            self.anchor = Some((event.clock_s().max(least), at));
        }
        if pended || self.pending.is_some() {
            self.pended_at = Some(at);
        }
    }

    /// The clock is as late as was told last; an event that only says its minute does not turn it back.
    fn keep_time(
        &mut self,
        seq: u32,
        event: &FeedEvent,
        at: UtcMillis,
        clock_doubt: &mut Option<Doubt>,
    ) {
        let told = event.clock_s();
        if !self.phase.is_running() {
            return;
        }
        let Some((before, _)) = self.anchor else {
            self.anchor = Some((told, at));
            return;
        };
        let thought = self.clock_s(at);
        if event.kind == FeedKind::Clock {
            *clock_doubt = match () {
                () if told < before - BACK_S => Some(Doubt::Backwards(seq)),
                () if told > thought + AHEAD_S => Some(Doubt::Jumped(seq)),
                () => None,
            };
            self.anchor = Some((told, at));
        } else if told > thought {
            self.anchor = Some((told, at));
        }
    }

    /// What was pending is settled when the feed goes on.
    fn settle(&mut self, event: &FeedEvent) {
        let since_s = event.clock_s() - self.pending_since_s;
        let ends_a_half = matches!(
            event.kind,
            FeedKind::HalfTime | FeedKind::SecondHalf | FeedKind::FullTime | FeedKind::Abandoned
        );
        let goes_on = match (self.pending, event.kind) {
            (None, _) => false,
            (Some(_), _) if ends_a_half => true,
            // Only its end ends a review.
            (Some(Pending::Review { .. }), _) => false,
            (_, FeedKind::VarStart | FeedKind::VarEnd | FeedKind::AddedTime) => false,
            (Some(Pending::Penalty(_)), FeedKind::Clock) => since_s >= TAKEN_AFTER_S,
            (Some(_), FeedKind::Clock) => since_s >= STANDS_AFTER_S,
            (Some(_), _) => true,
        };
        if goes_on {
            self.pending = None;
        }
    }

    fn await_settling(&mut self, pending: Pending, event: &FeedEvent) {
        self.pending = Some(pending);
        self.pending_since_s = event.clock_s();
    }

    fn go_to(&mut self, phase: Phase, from: &[Phase], seq: u32) {
        match () {
            () if self.phase == phase => {}
            () if from.contains(&self.phase) => self.phase = phase,
            // Whatever came before: nothing is played any more.
            () if phase == Phase::FullTime && !self.phase.is_over() => {
                self.phase = phase;
                self.suspect(Doubt::OutOfOrder(seq));
            }
            () => self.suspect(Doubt::OutOfOrder(seq)),
        }
    }

    fn goal(&mut self, seq: u32, team: Team, event: &FeedEvent) {
        if !self.phase.is_running() {
            return self.suspect(Doubt::NotUnderWay(seq));
        }
        let (first_half, clock_s) = (self.phase == Phase::FirstHalf, event.clock_s());
        self.goals.push(Goal { seq, team, first_half, clock_s });
        if !matches!(self.pending, Some(Pending::Review { .. })) {
            self.await_settling(Pending::Goal(team), event);
        }
    }

    fn cancel(&mut self, seq: u32, team: Team, event: &FeedEvent) {
        let wanted = event.value.and_then(|value| u32::try_from(value).ok());
        let is_it = |goal: &Goal| goal.team == team && wanted.is_none_or(|seq| goal.seq == seq);
        match self.goals.iter().rposition(is_it) {
            Some(at) => {
                self.goals.remove(at);
                if !matches!(self.pending, Some(Pending::Review { .. })) {
                    self.await_settling(Pending::Decision, event);
                } else {
                    self.pending = Some(Pending::Review { goal: None });
                }
            }
            None => self.suspect(Doubt::NobodyScored(seq)),
        }
    }

    fn red(&mut self, seq: u32, team: Team, event: &FeedEvent) {
        let reds = match team {
            Team::Home => &mut self.home_reds,
            Team::Away => &mut self.away_reds,
        };
        match (event.value, *reds) {
            (Some(0), 0) => return self.suspect(Doubt::NobodyWasSentOff(seq)),
            (Some(0), _) => *reds -= 1,
            _ => *reds = reds.saturating_add(1),
        }
        if !matches!(self.pending, Some(Pending::Review { .. } | Pending::Penalty(_))) {
            self.await_settling(Pending::Decision, event);
        }
    }

    fn add_time(&mut self, minutes: i32) {
        let added_s = u32::try_from(minutes).unwrap_or(0).min(60) * 60;
        match self.phase {
            Phase::FirstHalf => self.added.first_s = added_s,
            Phase::SecondHalf => self.added.second_s = added_s,
            _ => {}
        }
    }

    fn suspect(&mut self, doubt: Doubt) {
        self.doubt.get_or_insert(doubt);
    }
}
