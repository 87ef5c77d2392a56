//! One book, market after market. One pass over the grid gathers what all of them are sums of.

use super::super::Team;
use super::super::score_grid::{Chances, GoalLine, Score, ScoreGrid};
use super::halves::Halves;
use super::names::{Kind, Name, Outcome};
use super::{Sheet, Situation};
use std::cmp::Ordering;

/// Lines in quarter goals.
const TOTAL_LINES: std::ops::RangeInclusive<i32> = 2..=34;
const HANDICAP_LINES: std::ops::RangeInclusive<i32> = -12..=12;
const SCORES_MAX: u8 = 5;
const EXACT_MAX: u8 = 6;
const MARGIN_MAX: u8 = 4;
const COMBINED_LINES: [u8; 4] = [1, 2, 3, 4];

/// Final goals a team, or both, that are told apart; more are the last.
const FINAL: usize = 32;

/// Sums over the grid, by what the final score says.
struct Sums {
    outcomes: [f64; 3],
    /// By outcome and whether both scored.
    both: [[f64; 2]; 3],
    /// By outcome, whether both scored, and goals of both.
    totals: [[[f64; FINAL]; 2]; 3],
    home: [f64; FINAL],
    away: [f64; FINAL],
    /// The next goal is home's, away's, nobody's.
    next: [f64; 3],
}

impl Sums {
    fn of(grid: &ScoreGrid) -> Self {
        let mut sums = Sums {
            outcomes: [0.0; 3],
            both: [[0.0; 2]; 3],
            totals: [[[0.0; FINAL]; 2]; 3],
            home: [0.0; FINAL],
            away: [0.0; FINAL],
            next: grid.next_goal(),
        };
        let score = grid.score();
        for (h, row) in grid.cells().iter().enumerate() {
            let home = usize::from(score.home) + h;
            for (a, p) in row.iter().enumerate() {
                let away = usize::from(score.away) + a;
                let outcome = match home.cmp(&away) {
                    Ordering::Greater => 0,
                    Ordering::Equal => 1,
                    Ordering::Less => 2,
                };
                let both = usize::from(home > 0 && away > 0);
                sums.totals[outcome][both][(home + away).min(FINAL - 1)] += p;
                sums.home[home.min(FINAL - 1)] += p;
                sums.away[away.min(FINAL - 1)] += p;
            }
        }
        for outcome in 0..3 {
            for both in 0..2 {
                let sum: f64 = sums.totals[outcome][both].iter().sum();
                sums.both[outcome][both] = sum;
                sums.outcomes[outcome] += sum;
            }
        }
        sums
    }

    /// This outcome (any without one), both scored or not (either without), and more goals than `line`, or
    /// not more.
    fn over(&self, outcome: Option<usize>, both: Option<bool>, line: u8, over: bool) -> f64 {
        let outcomes = outcome.map_or(0..3, |outcome| outcome..outcome + 1);
        let split = usize::from(line) + 1;
        let mut sum = 0.0;
        for outcome in outcomes {
            for (scored, totals) in self.totals[outcome].iter().enumerate() {
                if both.is_none_or(|both| usize::from(both) == scored) {
                    sum += match over {
                        true => totals[split..].iter().sum::<f64>(),
                        false => totals[..split].iter().sum::<f64>(),
                    };
                }
            }
        }
        sum
    }
}

fn sure(win: f64) -> Chances {
    let win = win.clamp(0.0, 1.0);
    Chances { win, lose: 1.0 - win }
}

pub(super) fn book(situation: &Situation, sheet: &mut impl Sheet) {
    book_of(situation, &situation.state.grid(), sheet);
}

/// Halves are the situation's own, all else is the grid's.
pub(super) fn book_of(situation: &Situation, grid: &ScoreGrid, sheet: &mut impl Sheet) {
    let sums = Sums::of(grid);
    results(grid, &sums, sheet);
    lines(grid, sheet);
    scores(grid, &sums, sheet);
    teams(&sums, sheet);
    combinations(&sums, sheet);
    halves(&Halves::of(situation), sheet);
    goals(situation, &sums, sheet);
}

fn results(grid: &ScoreGrid, sums: &Sums, sheet: &mut impl Sheet) {
    let p = sums.outcomes;
    sheet.market(Kind::MatchOdds, None);
    for (outcome, p) in Outcome::ALL.into_iter().zip(p) {
        sheet.selection(Name::Result(outcome), sure(p));
    }
    sheet.market(Kind::DoubleChance, None);
    sheet.selection(Name::AllBut(Outcome::Away), sure(p[0] + p[1]));
    sheet.selection(Name::AllBut(Outcome::Draw), sure(p[0] + p[2]));
    sheet.selection(Name::AllBut(Outcome::Home), sure(p[1] + p[2]));
    sheet.market(Kind::DrawNoBet, None);
    let home = grid.home_handicap(GoalLine(0));
    sheet.selection(Name::Result(Outcome::Home), home);
    sheet.selection(Name::Result(Outcome::Away), home.opposite());
}

fn lines(grid: &ScoreGrid, sheet: &mut impl Sheet) {
    for quarters in TOTAL_LINES {
        let line = GoalLine(quarters);
        let over = grid.over(line);
        sheet.market(Kind::OverUnder, Some(line));
        sheet.selection(Name::Over, over);
        sheet.selection(Name::Under, over.opposite());
    }
    for quarters in HANDICAP_LINES {
        let line = GoalLine(quarters);
        let home = grid.home_handicap(line);
        sheet.market(Kind::AsianHandicap, Some(line));
        sheet.selection(Name::Result(Outcome::Home), home);
        sheet.selection(Name::Result(Outcome::Away), home.opposite());
    }
    for goals in [-3, -2, -1, 1, 2, 3] {
        let line = GoalLine(4 * goals);
        let level = grid.home_handicap(line);
        sheet.market(Kind::EuropeanHandicap, Some(line));
        sheet.selection(Name::Result(Outcome::Home), sure(level.win));
        sheet.selection(Name::Result(Outcome::Draw), sure(1.0 - level.win - level.lose));
        sheet.selection(Name::Result(Outcome::Away), sure(level.lose));
    }
}

fn scores(grid: &ScoreGrid, sums: &Sums, sheet: &mut impl Sheet) {
    sheet.market(Kind::CorrectScore, None);
    let mut others = sums.outcomes;
    for home in 0..=SCORES_MAX {
        for away in 0..=SCORES_MAX {
            let chances = grid.correct_score(Score { home, away });
            others[Outcome::of_lead(i32::from(home) - i32::from(away)) as usize] -= chances.win;
            sheet.selection(Name::Score(home, away), chances);
        }
    }
    for (outcome, p) in Outcome::ALL.into_iter().zip(others) {
        sheet.selection(Name::AnyOther(outcome), sure(p));
    }

    sheet.market(Kind::WinningMargin, None);
    for team in [Team::Home, Team::Away] {
        let ahead = |by: u8| {
            let line = GoalLine(match team {
                Team::Home => -4 * i32::from(by) + 2,
                Team::Away => 4 * i32::from(by) - 2,
            });
            let home = grid.home_handicap(line);
            if team == Team::Home { home.win } else { home.lose }
        };
        for by in 1..MARGIN_MAX {
            sheet.selection(Name::By(team, by), sure(ahead(by) - ahead(by + 1)));
        }
        sheet.selection(Name::ByOrMore(team, MARGIN_MAX), sure(ahead(MARGIN_MAX)));
    }
    let goalless = grid.correct_score(Score::default()).win;
    sheet.selection(Name::Goalless, sure(goalless));
    sheet.selection(Name::ScoreDraw, sure(sums.outcomes[1] - goalless));

    let by_total =
        |goals: usize| -> f64 { sums.totals.iter().flatten().map(|totals| totals[goals]).sum() };
    sheet.market(Kind::OddOrEven, None);
    let odd: f64 = (1..FINAL).step_by(2).map(by_total).sum();
    sheet.selection(Name::Odd, sure(odd));
    sheet.selection(Name::Even, sure(1.0 - odd));
    sheet.market(Kind::ExactGoals, None);
    for goals in 0..=EXACT_MAX {
        sheet.selection(Name::Goals(goals), sure(by_total(usize::from(goals))));
    }
    sheet.selection(Name::GoalsOrMore(EXACT_MAX + 1), sure(sums.over(None, None, EXACT_MAX, true)));
}

fn teams(sums: &Sums, sheet: &mut impl Sheet) {
    for (team, goals, conceded, outcome) in
        [(Team::Home, &sums.home, &sums.away, 0), (Team::Away, &sums.away, &sums.home, 2)]
    {
        for line in 0..=4_u8 {
            let over = sure(goals[usize::from(line) + 1..].iter().sum());
            sheet.market(Kind::TeamTotal(team), Some(half_above(line)));
            sheet.selection(Name::Over, over);
            sheet.selection(Name::Under, over.opposite());
        }
        let clean = sure(conceded[0]);
        sheet.market(Kind::CleanSheet(team), None);
        sheet.selection(Name::Yes, clean);
        sheet.selection(Name::No, clean.opposite());
        // Who wins has scored, so not both have when the other has not.
        let nil = sure(sums.both[outcome][0]);
        sheet.market(Kind::WinToNil(team), None);
        sheet.selection(Name::Yes, nil);
        sheet.selection(Name::No, nil.opposite());
    }
}

fn combinations(sums: &Sums, sheet: &mut impl Sheet) {
    let both: f64 = sums.both.iter().map(|both| both[1]).sum();
    sheet.market(Kind::BothTeamsToScore, None);
    sheet.selection(Name::Yes, sure(both));
    sheet.selection(Name::No, sure(1.0 - both));
    sheet.market(Kind::MatchOddsAndBothToScore, None);
    for outcome in Outcome::ALL {
        for yes in [true, false] {
            let p = sums.both[outcome as usize][usize::from(yes)];
            sheet.selection(Name::ResultAndBothScore(outcome, yes), sure(p));
        }
    }
    for line in COMBINED_LINES {
        sheet.market(Kind::MatchOddsAndOverUnder, Some(half_above(line)));
        for outcome in Outcome::ALL {
            for over in [true, false] {
                let p = sums.over(Some(outcome as usize), None, line, over);
                sheet.selection(Name::ResultAndOver(outcome, over), sure(p));
            }
        }
    }
    for line in COMBINED_LINES {
        sheet.market(Kind::BothToScoreAndOverUnder, Some(half_above(line)));
        for yes in [true, false] {
            for over in [true, false] {
                let p = sums.over(None, Some(yes), line, over);
                sheet.selection(Name::BothScoreAndOver(yes, over), sure(p));
            }
        }
    }
}

fn halves(halves: &Halves, sheet: &mut impl Sheet) {
    sheet.market(Kind::HalfTime, None);
    for outcome in Outcome::ALL {
        sheet.selection(Name::Result(outcome), sure(halves.first_half_is(outcome)));
    }
    sheet.market(Kind::SecondHalf, None);
    for outcome in Outcome::ALL {
        sheet.selection(Name::Result(outcome), sure(halves.second_half_is(outcome)));
    }
    for line in 0..=3_u8 {
        let over = sure(halves.first_half_over(line));
        sheet.market(Kind::FirstHalfGoals, Some(half_above(line)));
        sheet.selection(Name::Over, over);
        sheet.selection(Name::Under, over.opposite());
    }
    for line in 0..=3_u8 {
        let over = sure(halves.second_half_over(line));
        sheet.market(Kind::SecondHalfGoals, Some(half_above(line)));
        sheet.selection(Name::Over, over);
        sheet.selection(Name::Under, over.opposite());
    }
    sheet.market(Kind::HalfTimeFullTime, None);
    for half in Outcome::ALL {
        for full in Outcome::ALL {
            sheet.selection(Name::HalfAndFull(half, full), sure(halves.half_and_full(half, full)));
        }
    }
    sheet.market(Kind::HighestScoringHalf, None);
    let more = |order| sure(halves.first_half_against_second(order));
    sheet.selection(Name::FirstHalf, more(Ordering::Greater));
    sheet.selection(Name::SecondHalf, more(Ordering::Less));
    sheet.selection(Name::Equal, more(Ordering::Equal));
}

fn goals(situation: &Situation, sums: &Sums, sheet: &mut impl Sheet) {
    sheet.market(Kind::NextGoal, None);
    sheet.selection(Name::Scores(Team::Home), sure(sums.next[0]));
    sheet.selection(Name::Scores(Team::Away), sure(sums.next[1]));
    sheet.selection(Name::Nobody, sure(sums.next[2]));
    let certain = |happened: bool| sure(if happened { 1.0 } else { 0.0 });
    let [home, away, none] = match situation.first_goal {
        Some(team) => [certain(team == Team::Home), certain(team == Team::Away), certain(false)],
        None => [sure(sums.next[0]), sure(sums.next[1]), sure(sums.next[2])],
    };
    sheet.market(Kind::FirstToScore, None);
    sheet.selection(Name::Scores(Team::Home), home);
    sheet.selection(Name::Scores(Team::Away), away);
    sheet.selection(Name::Nobody, none);
}

/// 2 is the line 2.5.
fn half_above(goals: u8) -> GoalLine {
    GoalLine(4 * i32::from(goals) + 2)
}
