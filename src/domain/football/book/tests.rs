//! Books against the golden values, and against themselves: every market adds up, lines are monotone, and
//! what two markets both say they say alike, over random matches in random states.

use super::*;
use crate::football::inplay::{AddedTime, Clock};
use crate::football::score_grid::Expectancy;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A market of a book: its kind and its line.
type Market = (Kind, Option<GoalLine>);

#[derive(Default)]
struct Priced {
    now: Option<Market>,
    markets: BTreeMap<Market, Vec<(Name, Chances)>>,
}

impl Sheet for Priced {
    fn market(&mut self, kind: Kind, line: Option<GoalLine>) {
        self.now = Some((kind, line));
        assert!(self.markets.insert((kind, line), Vec::new()).is_none(), "{kind:?} {line:?} twice");
    }

    fn selection(&mut self, name: Name, chances: Chances) {
        let market = self.now.expect("a market begins first");
        self.markets.get_mut(&market).expect("it has begun").push((name, chances));
    }
}

impl Priced {
    fn of(situation: &Situation) -> Self {
        let mut priced = Priced::default();
        write(situation, &mut priced);
        priced
    }

    fn at(&self, kind: Kind, line: Option<i32>, name: &str) -> Chances {
        let market = &self.markets[&(kind, line.map(GoalLine))];
        let found = market.iter().find(|(selection, _)| selection.to_string() == name);
        found.unwrap_or_else(|| panic!("{kind:?} has no {name}")).1
    }

    fn p(&self, kind: Kind, line: Option<i32>, name: &str) -> f64 {
        self.at(kind, line, name).win
    }
}

fn close(actual: f64, expected: f64, within: f64, what: &str) {
    assert!((actual - expected).abs() < within, "{what}: {actual} is not {expected}");
}

fn golden() -> Priced {
    let state = MatchState::before(Expectancy::new(1.53, 1.21), -0.06);
    Priced::of(&Situation::before(state))
}

#[test]
fn the_golden_book() {
    let book = golden();
    for (kind, line, name, p) in [
        (Kind::MatchOdds, None, "Home", 0.439666125732),
        (Kind::MatchOdds, None, "Draw", 0.266579802673),
        (Kind::MatchOdds, None, "Away", 0.293754071595),
        (Kind::BothTeamsToScore, None, "Yes", 0.557009745138),
        (Kind::OverUnder, Some(2), "Over", 0.928257308114),
        (Kind::OverUnder, Some(6), "Over", 0.765679247609),
        (Kind::OverUnder, Some(10), "Over", 0.516122734447),
        (Kind::CorrectScore, None, "0-0", 0.071742691886),
        (Kind::CorrectScore, None, "1-0", 0.091620285755),
        (Kind::CorrectScore, None, "0-1", 0.070957774749),
        (Kind::CorrectScore, None, "1-1", 0.126711428197),
        (Kind::CorrectScore, None, "2-1", 0.091447398652),
        (Kind::AsianHandicap, Some(-1), "Home", 0.439666125732),
        (Kind::AsianHandicap, Some(-3), "Home", 0.331633248313),
    ] {
        close(book.p(kind, line, name), p, 1e-9, &format!("{kind:?} {line:?} {name}"));
    }
    close(book.at(Kind::OverUnder, Some(9), "Over").lose, 0.359099008972, 1e-9, "over 2.25 lost");
    close(book.at(Kind::OverUnder, Some(12), "Over").lose, 0.483877265553, 1e-9, "over 3 lost");
    let fair = book.at(Kind::AsianHandicap, Some(-1), "Home").fair_price();
    close(fair, 1.971292, 1e-6, "home -0.25");
}

#[test]
fn a_book_is_as_large_as_promised_and_always_the_same() {
    let layout = layout();
    assert_eq!(layout.markets.len(), 109);
    assert_eq!(layout.names.len(), 317);
    let mut priced = Vec::new();
    let late = MatchState {
        clock: Clock::SecondHalf { played_s: 2_000 },
        score: Score { home: 3, away: 1 },
        ..MatchState::before(Expectancy::new(2.0, 0.7), -0.05)
    };
    let situation = Situation {
        state: late,
        half_time: Some(Score { home: 1, away: 1 }),
        first_goal: Some(Team::Away),
    };
    chances(&situation, &mut priced);
    assert_eq!(priced.len(), layout.names.len());
    let book = Priced::of(&situation);
    assert_eq!(book.p(Kind::HalfTime, None, "Draw"), 1.0);
    assert_eq!(book.p(Kind::FirstHalfGoals, Some(6), "Over"), 1.0);
    assert_eq!(book.p(Kind::FirstToScore, None, "Away"), 1.0);
    assert_eq!(book.p(Kind::HalfTimeFullTime, None, "Home/Home"), 0.0);
    assert_eq!(book.p(Kind::SecondHalfGoals, Some(6), "Over"), 1.0);
    assert_eq!(book.p(Kind::CorrectScore, None, "1-0"), 0.0);
}

#[test]
fn a_match_that_is_over_has_no_doubts() {
    let state = MatchState {
        clock: Clock::FullTime,
        score: Score { home: 2, away: 1 },
        ..MatchState::before(Expectancy::new(1.5, 1.2), -0.06)
    };
    let half_time = Some(Score { home: 0, away: 1 });
    let book = Priced::of(&Situation { state, half_time, first_goal: Some(Team::Away) });
    for market in book.markets.values() {
        for (name, chances) in market {
            let certain = |p: f64| p.min((1.0 - p).abs()).min((0.5 - p).abs()) < 1e-9;
            assert!(certain(chances.win) && certain(chances.lose), "{name:?}: {chances:?}");
        }
    }
    assert_eq!(book.p(Kind::HalfTimeFullTime, None, "Away/Home"), 1.0);
    assert_eq!(book.p(Kind::HighestScoringHalf, None, "2nd Half"), 1.0);
    assert_eq!(book.p(Kind::NextGoal, None, "No Goal"), 1.0);
}

fn situations() -> impl Strategy<Value = Situation> {
    let expectancy = (0.1..2.5_f64, 0.1..2.5_f64, -0.15..0.05_f64);
    let clock = prop_oneof![
        Just(Clock::BeforeKickOff),
        (0..2_900_u32).prop_map(|played_s| Clock::FirstHalf { played_s }),
        Just(Clock::HalfTime),
        (0..3_100_u32).prop_map(|played_s| Clock::SecondHalf { played_s }),
    ];
    (expectancy, clock, (0..3_u8, 0..3_u8), (0..3_u8, 0..3_u8), (0..2_u8, 0..2_u8)).prop_map(
        |((home, away, rho), clock, first, second, reds)| {
            let mut state = MatchState::before(Expectancy::new(home, away), rho);
            state.clock = clock;
            state.added = AddedTime::default();
            let at_half_time = Score { home: first.0, away: first.1 };
            let (score, half_time) = match clock {
                Clock::BeforeKickOff => (Score::default(), None),
                Clock::FirstHalf { .. } => (at_half_time, None),
                Clock::HalfTime => (at_half_time, Some(at_half_time)),
                _ => {
                    let home = first.0 + second.0;
                    (Score { home, away: first.1 + second.1 }, Some(at_half_time))
                }
            };
            state.score = score;
            if clock != Clock::BeforeKickOff {
                (state.home_reds, state.away_reds) = reds;
            }
            let first_goal = match (score.home, score.away) {
                (0, 0) => None,
                (0, _) => Some(Team::Away),
                _ => Some(Team::Home),
            };
            Situation { state, half_time, first_goal }
        },
    )
}

proptest! {
    #[test]
    fn every_market_adds_up(situation in situations()) {
        let book = Priced::of(&situation);
        for ((kind, line), market) in &book.markets {
            for (name, chances) in market {
                prop_assert!((0.0..=1.0).contains(&chances.win), "{:?} {:?}", kind, name);
                prop_assert!((0.0..=1.0).contains(&chances.lose), "{:?} {:?}", kind, name);
                prop_assert!(chances.win + chances.lose < 1.0 + 1e-9, "{:?} {:?}", kind, name);
            }
            let pushes = market.iter().any(|(_, c)| c.win + c.lose < 1.0 - 1e-9);
            if !pushes {
                let sum: f64 = market.iter().map(|(_, chances)| chances.win).sum();
                let expected = f64::from(kind.winners());
                let quarter = line.is_some_and(|line| line.0 % 2 != 0);
                prop_assert!(quarter || (sum - expected).abs() < 1e-9, "{:?} {:?}: {}", kind, line, sum);
            }
        }
    }

    #[test]
    fn what_two_markets_say_they_say_alike(situation in situations()) {
        let book = Priced::of(&situation);
        let p = |kind, line, name: &str| book.p(kind, line, name);
        // The grid stops at fifteen goals for the match, and at fifteen for each half.
        let near = |a: f64, b: f64, what: &str| {
            prop_assert!((a - b).abs() < 1e-5, "{}: {} and {}", what, a, b);
            Ok(())
        };
        for (at, outcome) in ["Home", "Draw", "Away"].into_iter().enumerate() {
            let full = p(Kind::MatchOdds, None, outcome);
            let halves: f64 = ["Home", "Draw", "Away"]
                .iter()
                .map(|half| p(Kind::HalfTimeFullTime, None, &format!("{half}/{outcome}")))
                .sum();
            near(halves, full, "half time/full time by its end")?;
            let ends: f64 = ["Home", "Draw", "Away"]
                .iter()
                .map(|end| p(Kind::HalfTimeFullTime, None, &format!("{outcome}/{end}")))
                .sum();
            near(ends, p(Kind::HalfTime, None, outcome), "and by its half")?;
            let both = p(Kind::MatchOddsAndBothToScore, None, &format!("{outcome}/Yes"))
                + p(Kind::MatchOddsAndBothToScore, None, &format!("{outcome}/No"));
            near(both, full, "match odds and both to score")?;
            for line in [6, 10, 14, 18] {
                let over = p(Kind::MatchOddsAndOverUnder, Some(line), &format!("{outcome}/Over"));
                let under = p(Kind::MatchOddsAndOverUnder, Some(line), &format!("{outcome}/Under"));
                near(over + under, full, "match odds and totals")?;
            }
            let scores: f64 = book.markets[&(Kind::CorrectScore, None)]
                .iter()
                .filter(|(name, _)| match name {
                    Name::Score(h, a) => h.cmp(a) as i32 == 1 - at as i32,
                    Name::AnyOther(other) => *other as usize == at,
                    _ => false,
                })
                .map(|(_, chances)| chances.win)
                .sum();
            near(scores, full, "correct scores")?;
        }
        near(p(Kind::AsianHandicap, Some(-2), "Home"), p(Kind::MatchOdds, None, "Home"), "-0.5")?;
        near(p(Kind::CleanSheet(Team::Home), None, "Yes"), p(Kind::TeamTotal(Team::Away), Some(2), "Under"), "clean sheet")?;
        near(p(Kind::ExactGoals, None, "0"), p(Kind::OverUnder, Some(2), "Under"), "no goals")?;
        if situation.first_goal.is_none() {
            near(p(Kind::NextGoal, None, "No Goal"), p(Kind::CorrectScore, None, "0-0"), "no goal")?;
        }
        for line in [6, 10, 14, 18] {
            let over = p(Kind::BothToScoreAndOverUnder, Some(line), "Yes/Over")
                + p(Kind::BothToScoreAndOverUnder, Some(line), "No/Over");
            near(over, p(Kind::OverUnder, Some(line), "Over"), "both to score and totals")?;
        }
        let margin = p(Kind::WinningMargin, None, "Home by 1") + p(Kind::WinningMargin, None, "Home by 2")
            + p(Kind::WinningMargin, None, "Home by 3") + p(Kind::WinningMargin, None, "Home by 4+");
        near(margin, p(Kind::MatchOdds, None, "Home"), "margins")?;
    }

    /// A price is what it is expected to be a moment later: the next goal is home's, away's, or none falls.
    #[test]
    fn prices_are_martingales(
        home in 0.3..3.0_f64, away in 0.3..3.0_f64, rho in -0.12..0.05_f64, minute in 1..88_u32,
    ) {
        let clock = |minute: u32| match minute < 45 {
            true => Clock::FirstHalf { played_s: minute * 60 },
            false => Clock::SecondHalf { played_s: (minute - 45) * 60 },
        };
        let at = |minute: u32, score: (u8, u8), first_goal| {
            let mut state = MatchState::before(Expectancy::new(home, away), rho);
            state.clock = clock(minute);
            state.score = Score { home: score.0, away: score.1 };
            let half_time = (minute >= 45).then_some(Score::default());
            Priced::of(&Situation { state, half_time, first_goal })
        };
        let now = at(minute, (0, 0), None);
        // In the end somebody scores next, or nobody does; given neither scores the match ends goalless.
        let nobody = now.p(Kind::NextGoal, None, "No Goal");
        let next = now.p(Kind::NextGoal, None, "Home") + now.p(Kind::NextGoal, None, "Away");
        prop_assert!((nobody + next - 1.0).abs() < 1e-9);
        // Over a short step: the chance of no goal in it is the ratio of the chances of none at all.
        let later = at(minute + 1, (0, 0), None);
        let quiet = nobody / later.p(Kind::NextGoal, None, "No Goal");
        prop_assert!(quiet <= 1.0 + 1e-12, "a quiet minute cannot be more than certain: {}", quiet);
        let one = at(minute + 1, (1, 0), Some(Team::Home));
        let other = at(minute + 1, (0, 1), Some(Team::Away));
        let goal = 1.0 - quiet;
        let of = |book: &Priced| book.p(Kind::MatchOdds, None, "Home");
        let share = now.p(Kind::NextGoal, None, "Home") / next;
        let expected = quiet * of(&later) + goal * (share * of(&one) + (1.0 - share) * of(&other));
        // Two goals in one minute, and the order of things within it, are left out.
        prop_assert!((expected - of(&now)).abs() < 2e-3, "{} and {}", expected, of(&now));
    }
}
