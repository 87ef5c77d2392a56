//! The course of one match: what each model said as it went on, and what happened meanwhile.
//!
//! A match's log is told again from the beginning, a sample at each word of it and one a minute in between; what
//! is pending is priced with both its ends. Nothing is stored: a course follows from the log and the models.

use std::sync::Arc;

use actors::node::Node;
use domain::football::almanac::{Fixture, FixtureId};
use domain::football::live::{FeedKind, Log, Phase, Story};
use domain::football::score_grid::{Expectancy, GoalLine, Score};
use domain::football::trial::Model;
use domain::ids::PartitionId;
use domain::time::UtcMillis;
use serde_json::{Value, json};

use super::{not_found, trial, unavailable};
use crate::native::pricing::{ask, shape, view};
use crate::operator::problem::Problem;

/// Clocks beyond it are thinned out; what happened stays.
const SAMPLES_MAX: usize = 600;
const MINUTE_MS: i64 = 60_000;
const HALF_S: u32 = 45 * 60;
const PARTITION: PartitionId = PartitionId(0);

/// What is said of a match at a moment.
pub(super) struct Chances {
    results: [f64; 3],
    over: f64,
    both: f64,
}

impl Chances {
    pub(super) fn match_odds(&self) -> [f64; 3] {
        self.results
    }
}

/// From what was expected before it, both ends of what is pending mixed.
pub(super) fn say(story: &Story, expectancy: Expectancy, rho: f64, now: UtcMillis) -> Chances {
    let mut said = Chances { results: [0.0; 3], over: 0.0, both: 0.0 };
    for branch in story.branches(expectancy, rho, now) {
        let grid = branch.situation.state.grid();
        let odds = grid.match_odds();
        for (sum, one) in said.results.iter_mut().zip([odds.home, odds.draw, odds.away]) {
            *sum += branch.chance * one.win;
        }
        said.over += branch.chance * grid.over(GoalLine(10)).win;
        said.both += branch.chance * grid.both_score().win;
    }
    said
}

pub(super) fn now(node: &Node) -> UtcMillis {
    let now = node.partition(PARTITION).and_then(|partition| partition.now());
    now.unwrap_or_default()
}

/// A moment of a match.
struct Sample {
    at: UtcMillis,
    /// Seconds since kick-off that were played, added time included.
    played_s: u32,
    story: Story,
    /// It happened then.
    word: Option<(u32, FeedKind)>,
}

pub(super) async fn of(node: &Arc<Node>, id: FixtureId) -> Result<Value, Problem> {
    let known = ask(node, move |almanac| almanac.fixture(id).cloned()).await?;
    let fixture = known.ok_or_else(|| not_found("no such match"))?;
    let trial = trial(node, fixture.competition).await?;
    let mut models: Vec<(&'static str, Expectancy, f64)> = Vec::new();
    if let Some(parameters) = fixture.parameters() {
        models.push(("inForce", parameters.expectancy(), parameters.rho()));
    }
    let tried = trial.tried.iter().rev().find(|tried| tried.fixture == id);
    let lines = match (tried, &trial.now) {
        (Some(tried), _) => Some(tried.lines),
        (None, Some(now)) => Some(now.lines(fixture.home, fixture.away, fixture.neutral)),
        (None, None) => None,
    };
    for (model, line) in Model::ALL.iter().zip(lines.into_iter().flatten()) {
        models.push((model.word(), line.expectancy, line.rho));
    }
    let head = shape::head(&*view(node, id).await?);
    let now = now(node);
    let told = supervision::blocking(move || told(&fixture, &models, head, now)).await;
    told.map_err(|_| unavailable("the course was not drawn, try again"))
}

fn told(
    fixture: &Fixture,
    models: &[(&'static str, Expectancy, f64)],
    head: Value,
    now: UtcMillis,
) -> Value {
    let lead = fixture.providers.get(fixture.lead());
    let samples = lead.map(|lead| samples(&lead.log, now)).unwrap_or_default();
    let lines = models.iter().map(|(name, expectancy, rho)| {
        let (mut results, mut over, mut both) = ([const { Vec::new() }; 3], Vec::new(), Vec::new());
        for sample in &samples {
            let said = say(&sample.story, *expectancy, *rho, sample.at);
            for (line, chance) in results.iter_mut().zip(said.results) {
                line.push(short(chance));
            }
            over.push(short(said.over));
            both.push(short(said.both));
        }
        let [home, draw, away] = results;
        json!({
            "name": name,
            "lambda": expectancy.of(domain::football::Team::Home),
            "mu": expectancy.of(domain::football::Team::Away),
            "rho": rho,
            "home": home, "draw": draw, "away": away, "over25": over, "both": both,
        })
    });
    let happened = samples.iter().filter_map(|sample| {
        let (seq, kind) = sample.word.filter(|(_, kind)| *kind != FeedKind::Clock)?;
        let (word, side) = shape::kind(kind);
        Some(json!({
            "seq": seq,
            "type": word,
            "side": side,
            "playedS": sample.played_s,
            "clock": shape::clock(&sample.story, sample.at),
            "score": shape::score(sample.story.score()),
            "atMs": sample.at.0,
        }))
    });
    let outcome = fixture.outcome();
    json!({
        "match": head,
        "models": lines.collect::<Vec<_>>(),
        "playedS": samples.iter().map(|sample| sample.played_s).collect::<Vec<_>>(),
        "events": happened.collect::<Vec<_>>(),
        "rated": shape::parameters(fixture)["history"].take(),
        "outcome": outcome.map(|end| shape::score(Score { home: end.home, away: end.away })),
        "live": samples.last().is_some_and(|last| !last.story.phase.is_over()),
    })
}

/// More digits than a chart has pixels are not told.
fn short(chance: f64) -> f64 {
    (chance * 1e4).round() / 1e4
}

fn samples(log: &Log, now: UtcMillis) -> Vec<Sample> {
    let mut told = Log::default();
    let mut samples: Vec<Sample> = Vec::new();
    for (seq, heard) in log.events() {
        fill(&mut samples, heard.at);
        told.hear(seq, heard.event, heard.at);
        push(&mut samples, told.story(), heard.at, Some((seq, heard.event.kind)));
    }
    let is_running = samples.last().is_some_and(|last| last.story.phase.is_running());
    if is_running {
        fill(&mut samples, now);
        if let Some(last) = samples.last().filter(|last| last.at < now) {
            let story = last.story.clone();
            push(&mut samples, story, now, None);
        }
    }
    thin(samples)
}

/// A sample a minute up to `until`, from the last word on.
fn fill(samples: &mut Vec<Sample>, until: UtcMillis) {
    while let Some(last) = samples.last() {
        let (next, story) = (last.at.plus_ms(MINUTE_MS), &last.story);
        // A feed that fell silent has no course.
        if next >= until || !story.phase.is_running() || samples.len() >= 2 * SAMPLES_MAX {
            return;
        }
        let story = story.clone();
        push(samples, story, next, None);
    }
}

fn push(samples: &mut Vec<Sample>, story: Story, at: UtcMillis, word: Option<(u32, FeedKind)>) {
    let before = samples.last().map_or(0, |last| last.played_s);
    // The second half begins where the first one ended, added time included.
    let first_s = samples.iter().rev().find(|sample| sample.story.phase <= Phase::HalfTime);
    let played_s = match story.phase {
        Phase::Before => 0,
        Phase::FirstHalf => story.played_s(at),
        Phase::SecondHalf => {
            first_s.map_or(HALF_S, |sample| sample.played_s.max(HALF_S)) + story.played_s(at)
        }
        Phase::HalfTime | Phase::FullTime | Phase::Abandoned => before,
    };
    samples.push(Sample { at, played_s: played_s.max(before), story, word });
}

fn thin(samples: Vec<Sample>) -> Vec<Sample> {
    let step = samples.len().div_ceil(SAMPLES_MAX).max(1);
    let happened = |sample: &Sample| sample.word.is_some_and(|(_, kind)| kind != FeedKind::Clock);
    let last = samples.len().saturating_sub(1);
    let kept = samples
        .into_iter()
        .enumerate()
        .filter(|(at, sample)| at % step == 0 || *at == last || happened(sample));
    kept.map(|(_, sample)| sample).collect()
}

#[cfg(test)]
mod tests {
    use domain::football::Team;
    use domain::football::live::FeedEvent;

    use super::*;

    fn log(words: &[(FeedKind, u8, i64)]) -> Log {
        let mut log = Log::default();
        for (seq, (kind, minute, at_s)) in (1..).zip(words) {
            log.hear(seq, FeedEvent::new(*kind, *minute, 0), UtcMillis(at_s * 1_000));
        }
        log
    }

    #[test]
    fn a_course_has_its_events_and_the_minutes_between_them_in_order() {
        let log = log(&[
            (FeedKind::KickOff, 0, 0),
            (FeedKind::Goal(Team::Home), 10, 600),
            (FeedKind::HalfTime, 45, 2_820),
            (FeedKind::SecondHalf, 45, 3_720),
            (FeedKind::Clock, 50, 4_020),
        ]);
        let samples = super::samples(&log, UtcMillis(4_080_000));
        assert!(samples.is_sorted_by_key(|sample| sample.played_s));
        assert!(samples.len() > 40 && samples.len() < 70, "{}", samples.len());
        let goal = samples.iter().position(|sample| sample.word.is_some_and(|(seq, _)| seq == 2));
        let goal = goal.expect("the goal");
        let expectancy = Expectancy::new(1.5, 1.2);
        let home =
            |at: usize| say(&samples[at].story, expectancy, -0.05, samples[at].at).results[0];
        assert!(home(goal) > home(goal - 1) + 0.1);
        let all: f64 =
            say(&samples[goal].story, expectancy, 0.0, samples[goal].at).results.iter().sum();
        assert!((all - 1.0).abs() < 1e-9);
        let last = samples.last().expect("samples");
        assert_eq!(last.played_s, 2_760 + 360);
    }

    #[test]
    fn a_course_is_bounded_and_keeps_what_happened() {
        let mut words = vec![(FeedKind::KickOff, 0, 0)];
        // Clocks that disagree are all kept by the log.
        words.extend((1..2_500).map(|n| (FeedKind::Clock, (n / 60) as u8, n * 7)));
        words.push((FeedKind::Goal(Team::Away), 44, 17_600));
        let samples = super::samples(&log(&words), UtcMillis(17_601_000));
        assert!(samples.len() <= SAMPLES_MAX + 10, "{}", samples.len());
        assert!(samples.iter().any(|sample| {
            sample.word.is_some_and(|(_, kind)| kind == FeedKind::Goal(Team::Away))
        }));
        assert!(super::samples(&Log::default(), UtcMillis(0)).is_empty());
    }
}
