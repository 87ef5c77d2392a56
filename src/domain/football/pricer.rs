//! The prices of one match at one moment: from its dossier to a whole book on the ladder, or to the reason why
//! there is none.
//!
//! Never a bad number. What is written is looked over before anybody sees it: probabilities that are none, that
//! do not add up, or that have moved without an event withhold the whole book, with the reason. Where a model of
//! somebody's own prices the match ([`Counsel`]), its book is looked over alike; what will not do of it, or is not
//! there, is priced by the built-in model, and the book says so ([`Voice`]).

use super::almanac::{Dossier, Parameters};
use super::book::{self, layout};
use super::live::{Branch, Phase, Reason, Trust};
use super::port::{Absence, Counsel, Opinion};
use super::quote::{PROBABILITY_MIN, ladder_down};
use super::rater::any_match;
use super::score_grid::{Chances, Score};
use crate::price::Price;
use crate::time::UtcMillis;
use std::fmt;

/// Sums are off by no more.
const SUM_OFF: f64 = 1e-9;
/// Without an event nothing in a second moves a match so far.
const JUMP: f64 = 0.1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Open,
    /// Priced, and not to be bet on.
    Suspended,
    /// Suspended, and not priced.
    Withheld,
    Over,
}

impl Status {
    pub fn word(self) -> &'static str {
        match self {
            Status::Open => "OPEN",
            Status::Suspended => "SUSPENDED",
            Status::Withheld => "WITHHELD",
            Status::Over => "OVER",
        }
    }
}

/// Why a book is not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    Match(Reason),
    NotRated,
    NotANumber,
    DoesNotAddUp,
    MovedByItself,
}

impl fmt::Display for Why {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Why::Match(reason) => return reason.fmt(out),
            Why::NotRated => "nobody has rated the teams yet",
            Why::NotANumber => "model error: a probability is none",
            Why::DoesNotAddUp => "model error: probabilities do not add up",
            Why::MovedByItself => "model error: prices moved without an event",
        })
    }
}

/// What the prices of a match rest on; the same of two books means that time alone lies between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rests {
    /// The number of the last event.
    pub seq: u32,
    pub version: u32,
    pub phase: Phase,
    pub score: Score,
    /// The number of the opinion that it follows from; 0 of the built-in model.
    pub opinion: u32,
}

/// Whose numbers a book is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    BuiltIn,
    /// The model of somebody's own that prices the match.
    Model,
    /// The built-in model in its place, and why.
    Instead(Absence),
}

/// A book; chances and ticks in the order of [`layout`], both empty when it is withheld.
#[derive(Debug, Clone, PartialEq)]
pub struct Priced {
    pub status: Status,
    pub why: Option<Why>,
    pub rests: Rests,
    pub voice: Voice,
    /// Goals expected, as it was priced from.
    pub parameters: Option<Parameters>,
    pub chances: Vec<Chances>,
    /// Fair prices, rounded down onto the ladder; none where the ladder does not reach.
    pub ticks: Vec<Option<Price>>,
    /// Both ends of what is pending.
    pub branches: Vec<Branch>,
}

/// Prices a match. `before` is the last book of it, which is written over.
pub fn price(
    dossier: &Dossier,
    counsel: &Counsel,
    now: UtcMillis,
    before: Option<Priced>,
) -> Priced {
    let story = &dossier.story;
    let rests = Rests {
        seq: story.seq,
        version: dossier.parameters.map_or(0, |parameters| parameters.version),
        phase: story.phase,
        score: story.score(),
        opinion: 0,
    };
    let (status, reason) = match dossier.trust(now) {
        Trust::Open => (Status::Open, None),
        Trust::Suspended(reason) => (Status::Suspended, Some(reason)),
        Trust::Withheld(reason) => (Status::Withheld, Some(reason)),
        Trust::Over(reason) => (Status::Over, Some(reason)),
    };
    let (chances, ticks, last) = match before {
        Some(Priced { chances, ticks, rests, .. }) => {
            let last = chances.first().map(|chances| (rests, chances.win));
            (chances, ticks, last)
        }
        None => (Vec::new(), Vec::new(), None),
    };
    let why = reason.map(Why::Match);
    let (voice, parameters) = (Voice::BuiltIn, dossier.parameters);
    let mut priced =
        Priced { status, why, rests, voice, parameters, chances, ticks, branches: Vec::new() };
    if matches!(status, Status::Withheld | Status::Over) {
        priced.withhold(status, why);
        return priced;
    }
    match counsel {
        Counsel::Nobody => {}
        Counsel::Absent(absence) => priced.voice = Voice::Instead(*absence),
        Counsel::Opinion(number, opinion) => {
            match priced.by_opinion(*number, opinion, dossier, now, last) {
                Ok(()) => return priced,
                Err(absence) => priced.voice = Voice::Instead(absence),
            }
        }
    }
    (priced.rests, priced.parameters) = (rests, dossier.parameters);
    match dossier.parameters {
        None => priced.withhold(Status::Withheld, Some(Why::NotRated)),
        Some(parameters) => {
            let branches = story.branches(parameters.expectancy(), parameters.rho(), now);
            mix(&branches, None, &mut priced.chances);
            if let Err(why) = priced.seal(branches, last) {
                priced.withhold(Status::Withheld, Some(why));
            }
        }
    }
    priced
}

impl Priced {
    fn by_opinion(
        &mut self,
        number: u32,
        opinion: &Opinion,
        dossier: &Dossier,
        now: UtcMillis,
        last: Option<(Rests, f64)>,
    ) -> Result<(), Absence> {
        let story = &dossier.story;
        if !opinion.holds_at(self.rests.score) {
            return Err(Absence::Asked);
        }
        let otherwise = dossier.parameters.unwrap_or_else(any_match);
        let parameters = opinion.parameters(story, now, otherwise);
        if dossier.market.is_some_and(|market| market.is_far_from(parameters.expectancy())) {
            return Err(Absence::FarFromMarket);
        }
        let branches = story.branches(parameters.expectancy(), parameters.rho(), now);
        mix(&branches, Some(opinion), &mut self.chances);
        self.rests.opinion = number;
        self.parameters = Some(parameters.of_opinion(number));
        self.voice = Voice::Model;
        self.seal(branches, last).map_err(Absence::Refused)
    }

    /// Looks over what was written, and puts it onto the ladder.
    fn seal(&mut self, branches: Vec<Branch>, last: Option<(Rests, f64)>) -> Result<(), Why> {
        let fault = faulty(&self.chances).or_else(|| {
            let (rested, home) = last?;
            let moved = (home - self.chances.first()?.win).abs() > JUMP;
            (rested == self.rests && moved).then_some(Why::MovedByItself)
        });
        if let Some(why) = fault {
            return Err(why);
        }
        self.ticks.clear();
        self.ticks.extend(self.chances.iter().map(|chances| tick(*chances)));
        if branches.len() > 1 {
            self.branches = branches;
        }
        Ok(())
    }

    fn withhold(&mut self, status: Status, why: Option<Why>) {
        (self.status, self.why) = (status, why);
        self.chances.clear();
        self.ticks.clear();
    }
}

/// The price of a selection on the ladder.
pub fn tick(chances: Chances) -> Option<Price> {
    let likely = chances.win / (chances.win + chances.lose) >= PROBABILITY_MIN;
    ladder_down(chances.fair_price()).filter(|_| likely)
}

/// Every branch's book, weighed by its chance. An opinion on a moment says nothing of what may come of it, so while
/// something is pending the goals that it implies are priced.
fn mix(branches: &[Branch], opinion: Option<&Opinion>, into: &mut Vec<Chances>) {
    let mut one = Vec::new();
    into.clear();
    for branch in branches {
        if branches.len() == 1 {
            return match opinion {
                Some(opinion) => opinion.chances(&branch.situation, into),
                None => book::chances(&branch.situation, into),
            };
        }
        book::chances(&branch.situation, &mut one);
        into.resize(one.len(), Chances::default());
        for (sum, chances) in into.iter_mut().zip(&one) {
            sum.win += branch.chance * chances.win;
            sum.lose += branch.chance * chances.lose;
        }
    }
}

/// What is wrong with a book.
fn faulty(chances: &[Chances]) -> Option<Why> {
    let sound =
        |one: &Chances| one.win >= 0.0 && one.lose >= 0.0 && one.win + one.lose <= 1.0 + SUM_OFF;
    if chances.len() != layout().names.len() || !chances.iter().all(sound) {
        return Some(Why::NotANumber);
    }
    let adds_up = |market: &book::MarketLayout| {
        let selections = &chances[market.first..market.first + market.selections];
        let pushes = selections.iter().any(|one| one.win + one.lose < 1.0 - SUM_OFF);
        let sum: f64 = selections.iter().map(|one| one.win).sum();
        pushes || (sum - f64::from(market.kind.winners())).abs() <= 1e-7
    };
    (!layout().markets.iter().all(adds_up)).then_some(Why::DoesNotAddUp)
}

#[cfg(test)]
mod tests {
    use super::super::Team;
    use super::super::almanac::{
        Almanac, Basis, FixtureId, FootballEvent, Item, NewFixture, Source, Stirred,
    };
    use super::super::live::{FeedEvent, FeedKind};
    use super::super::port::Answer;
    use super::*;
    use proptest::prelude::*;
    use std::sync::Arc;

    const KICK_OFF: UtcMillis = UtcMillis(1_800_000_000_000);
    const MATCH: FixtureId = FixtureId(1);

    fn almanac(home: f64, away: f64) -> Almanac {
        let mut almanac = Almanac::default();
        let new = NewFixture {
            from: Source { source: "a".to_owned(), id: "1".to_owned() },
            competition: "League".to_owned(),
            season: "1".to_owned(),
            kick_off: KICK_OFF,
            home: "Arsenal".to_owned(),
            away: "Everton".to_owned(),
            neutral: false,
        };
        let mut items = almanac.decide_fixture(&new).expect("a good fixture");
        let parameters = Parameters::new(home, away, -0.06, Basis::Ratings).expect("sound");
        items.push(Item::Rated { fixture: MATCH, parameters });
        almanac.apply(KICK_OFF, &FootballEvent::Told(items), &mut Stirred::default());
        almanac
    }

    fn hear(almanac: &mut Almanac, seq: u32, kind: FeedKind, minute: u8) -> UtcMillis {
        let at = KICK_OFF.plus_ms(i64::from(minute) * 60_000);
        let event = FeedEvent::new(kind, minute, 0);
        let item = Item::Event { fixture: MATCH, provider: 0, seq, event };
        almanac.apply(at, &FootballEvent::Told(vec![item]), &mut Stirred::default());
        at
    }

    fn priced(almanac: &Almanac, now: UtcMillis) -> Priced {
        price(&almanac.dossier(MATCH).expect("known"), &Counsel::Nobody, now, None)
    }

    #[test]
    fn a_goal_moves_the_book_while_it_is_suspended() {
        let mut almanac = almanac(1.5, 1.2);
        let before = priced(&almanac, KICK_OFF);
        assert_eq!((before.status, before.ticks.len()), (Status::Open, layout().names.len()));
        hear(&mut almanac, 1, FeedKind::KickOff, 0);
        let at = hear(&mut almanac, 2, FeedKind::Goal(Team::Home), 9);
        let goal = priced(&almanac, at);
        assert_eq!((goal.status, goal.why), (Status::Suspended, Some(Why::Match(Reason::Goal))));
        assert!(goal.chances[0].win > before.chances[0].win + 0.15);
        let at = hear(&mut almanac, 3, FeedKind::Clock, 10);
        assert_eq!(priced(&almanac, at).status, Status::Open);
        hear(&mut almanac, 5, FeedKind::Clock, 11);
        let doubted = priced(&almanac, at);
        assert_eq!((doubted.status, doubted.ticks.len()), (Status::Withheld, 0));
    }

    #[test]
    fn what_moves_by_itself_is_withheld() {
        let mut almanac = almanac(1.5, 1.2);
        hear(&mut almanac, 1, FeedKind::KickOff, 0);
        let now = hear(&mut almanac, 2, FeedKind::Clock, 1);
        let dossier = almanac.dossier(MATCH).expect("known");
        let nobody = Counsel::Nobody;
        let mut before = price(&dossier, &nobody, now, None);
        assert_eq!(price(&dossier, &nobody, now, Some(before.clone())).status, Status::Open);
        before.chances[0].win += 0.2;
        assert_eq!(price(&dossier, &nobody, now, Some(before)).why, Some(Why::MovedByItself));
    }

    #[test]
    fn a_model_of_somebodys_own_prices_and_never_costs_a_price() {
        let mut almanac = almanac(1.5, 1.2);
        let counsel = |number, answer: &Answer, score| {
            Counsel::Opinion(number, Arc::new(Opinion::of(answer, score).expect("sound")))
        };
        let goals = Answer::Goals { lambda: 3.0, mu: 0.5, rho: 0.0 };
        let dossier = almanac.dossier(MATCH).expect("known");
        let own = price(&dossier, &Counsel::Nobody, KICK_OFF, None);
        let by_goals = counsel(1, &goals, Score::default());
        let told = price(&dossier, &by_goals, KICK_OFF, Some(own.clone()));
        assert_eq!((told.status, told.voice), (Status::Open, Voice::Model));
        assert!(told.chances[0].win > own.chances[0].win + 0.3, "it may move when others speak");
        assert_eq!(told.parameters.map(|one| one.basis), Some(Basis::Port));
        // The same opinion twice may not.
        let mut before = told.clone();
        before.chances[0].win -= 0.2;
        let refused = price(&dossier, &by_goals, KICK_OFF, Some(before));
        assert_eq!(refused.voice, Voice::Instead(Absence::Refused(Why::MovedByItself)));
        assert_eq!((refused.status, &refused.ticks), (Status::Open, &own.ticks));
        let absent = Counsel::Absent(Absence::TooLate);
        let instead = price(&dossier, &absent, KICK_OFF, Some(told));
        assert_eq!(instead.voice, Voice::Instead(Absence::TooLate));
        assert_eq!((&instead.chances, instead.parameters), (&own.chances, own.parameters));
        // Of another score it says nothing.
        let nil = Answer::Grid(vec![vec![0.0, 0.5], vec![0.5, 0.0]]);
        let by_grid = counsel(2, &nil, Score::default());
        assert_eq!(price(&dossier, &by_grid, KICK_OFF, None).voice, Voice::Model);
        hear(&mut almanac, 1, FeedKind::KickOff, 0);
        hear(&mut almanac, 2, FeedKind::Goal(Team::Home), 5);
        let now = hear(&mut almanac, 3, FeedKind::Clock, 6);
        let dossier = almanac.dossier(MATCH).expect("known");
        let asked = price(&dossier, &by_grid, now, None);
        assert_eq!(asked.voice, Voice::Instead(Absence::Asked));
        assert_eq!(asked.status, Status::Open);
        assert_eq!(price(&dossier, &by_goals, now, None).voice, Voice::Model);
    }

    #[test]
    fn a_book_with_a_bad_number_is_never_shown() {
        let almanac = almanac(1.5, 1.2);
        let good = priced(&almanac, KICK_OFF).chances;
        assert_eq!(faulty(&good), None);
        for bad in [f64::NAN, -0.1, 1.1] {
            let mut chances = good.clone();
            chances[3].win = bad;
            assert_eq!(faulty(&chances), Some(Why::NotANumber));
        }
        let mut chances = good.clone();
        (chances[0].win, chances[0].lose) = (chances[0].win - 0.01, chances[0].lose + 0.01);
        assert_eq!(faulty(&chances), Some(Why::DoesNotAddUp));
        assert_eq!(faulty(&good[1..]), Some(Why::NotANumber));
    }

    proptest! {
        #[test]
        fn every_book_of_every_story_adds_up(
            home in 0.05..7.0_f64, away in 0.05..7.0_f64,
            goals in prop::collection::vec((0..2_u8, 1..44_u8), 0..9), pending in 0..4_u8,
        ) {
            let mut almanac = almanac(home, away);
            hear(&mut almanac, 1, FeedKind::KickOff, 0);
            let mut minutes: Vec<_> = goals.clone();
            minutes.sort_by_key(|goal| goal.1);
            let mut seq = 1;
            for (team, minute) in minutes {
                seq += 1;
                let team = if team == 0 { Team::Home } else { Team::Away };
                hear(&mut almanac, seq, FeedKind::Goal(team), minute);
            }
            let kind = [FeedKind::Clock, FeedKind::VarStart, FeedKind::Penalty(Team::Away), FeedKind::HalfTime];
            let at = hear(&mut almanac, seq + 1, kind[usize::from(pending)], 44);
            let book = priced(&almanac, at);
            prop_assert!(matches!(book.status, Status::Open | Status::Suspended), "{:?}", book.why);
            prop_assert_eq!(book.ticks.len(), layout().names.len());
        }
    }
}
