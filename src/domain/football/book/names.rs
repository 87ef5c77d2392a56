//! The markets of a book and their selections, by the exchange's own codes where it has them.

use super::super::Team;
use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    MatchOdds,
    DoubleChance,
    DrawNoBet,
    /// Goals of both; quarter lines are two half bets.
    OverUnder,
    /// The line is added to home's goals.
    AsianHandicap,
    /// The same, with the draw as a selection.
    EuropeanHandicap,
    CorrectScore,
    BothTeamsToScore,
    WinningMargin,
    OddOrEven,
    ExactGoals,
    TeamTotal(Team),
    CleanSheet(Team),
    WinToNil(Team),
    MatchOddsAndBothToScore,
    MatchOddsAndOverUnder,
    BothToScoreAndOverUnder,
    HalfTime,
    SecondHalf,
    FirstHalfGoals,
    SecondHalfGoals,
    HalfTimeFullTime,
    HighestScoringHalf,
    NextGoal,
    FirstToScore,
}

impl Kind {
    pub fn code(self) -> &'static str {
        match self {
            Kind::MatchOdds => "MATCH_ODDS",
            Kind::DoubleChance => "DOUBLE_CHANCE",
            Kind::DrawNoBet => "DRAW_NO_BET",
            Kind::OverUnder => "OVER_UNDER",
            Kind::AsianHandicap => "ASIAN_HANDICAP",
            Kind::EuropeanHandicap => "HANDICAP",
            Kind::CorrectScore => "CORRECT_SCORE",
            Kind::BothTeamsToScore => "BOTH_TEAMS_TO_SCORE",
            Kind::WinningMargin => "WINNING_MARGIN",
            Kind::OddOrEven => "ODD_OR_EVEN",
            Kind::ExactGoals => "EXACT_GOALS",
            Kind::TeamTotal(Team::Home) => "TEAM_A_OVER_UNDER",
            Kind::TeamTotal(Team::Away) => "TEAM_B_OVER_UNDER",
            Kind::CleanSheet(Team::Home) => "CLEAN_SHEET_A",
            Kind::CleanSheet(Team::Away) => "CLEAN_SHEET_B",
            Kind::WinToNil(Team::Home) => "TEAM_A_WIN_TO_NIL",
            Kind::WinToNil(Team::Away) => "TEAM_B_WIN_TO_NIL",
            Kind::MatchOddsAndBothToScore => "MATCH_ODDS_AND_BTTS",
            Kind::MatchOddsAndOverUnder => "MATCH_ODDS_AND_OVER_UNDER",
            Kind::BothToScoreAndOverUnder => "BTTS_AND_OVER_UNDER",
            Kind::HalfTime => "HALF_TIME",
            Kind::SecondHalf => "SECOND_HALF_RESULT",
            Kind::FirstHalfGoals => "FIRST_HALF_GOALS",
            Kind::SecondHalfGoals => "SECOND_HALF_GOALS",
            Kind::HalfTimeFullTime => "HALF_TIME_FULL_TIME",
            Kind::HighestScoringHalf => "HIGHEST_SCORING_HALF",
            Kind::NextGoal => "NEXT_GOAL",
            Kind::FirstToScore => "FIRST_TO_SCORE",
        }
    }

    /// What happens in a half decides it.
    pub fn is_of_halves(self) -> bool {
        use Kind::{
            FirstHalfGoals, HalfTime, HalfTimeFullTime, HighestScoringHalf, SecondHalf,
            SecondHalfGoals,
        };
        matches!(
            self,
            FirstHalfGoals
                | HalfTime
                | HalfTimeFullTime
                | HighestScoringHalf
                | SecondHalf
                | SecondHalfGoals
        )
    }

    /// How many of its selections win; the chances of a market without pushes add up to it.
    pub fn winners(self) -> u8 {
        match self {
            Kind::DoubleChance => 2,
            _ => 1,
        }
    }
}

/// How a match, or a half of it, ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    Home,
    Draw,
    Away,
}

impl Outcome {
    pub const ALL: [Outcome; 3] = [Outcome::Home, Outcome::Draw, Outcome::Away];

    /// Of home's goals less away's.
    pub fn of_lead(lead: i32) -> Outcome {
        match lead {
            1.. => Outcome::Home,
            0 => Outcome::Draw,
            ..0 => Outcome::Away,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Outcome::Home => "Home",
            Outcome::Draw => "Draw",
            Outcome::Away => "Away",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    Result(Outcome),
    /// Everything but this.
    AllBut(Outcome),
    Over,
    Under,
    Yes,
    No,
    Score(u8, u8),
    AnyOther(Outcome),
    By(Team, u8),
    ByOrMore(Team, u8),
    Goalless,
    ScoreDraw,
    Odd,
    Even,
    Goals(u8),
    GoalsOrMore(u8),
    ResultAndBothScore(Outcome, bool),
    ResultAndOver(Outcome, bool),
    BothScoreAndOver(bool, bool),
    HalfAndFull(Outcome, Outcome),
    FirstHalf,
    SecondHalf,
    Equal,
    Scores(Team),
    Nobody,
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let yes = |yes: bool| if yes { "Yes" } else { "No" };
        let over = |over: bool| if over { "Over" } else { "Under" };
        let team = |team: Team| match team {
            Team::Home => "Home",
            Team::Away => "Away",
        };
        match *self {
            Name::Result(outcome) => out.write_str(outcome.name()),
            Name::AllBut(Outcome::Away) => out.write_str("Home or Draw"),
            Name::AllBut(Outcome::Home) => out.write_str("Draw or Away"),
            Name::AllBut(Outcome::Draw) => out.write_str("Home or Away"),
            Name::Over => out.write_str("Over"),
            Name::Under => out.write_str("Under"),
            Name::Yes => out.write_str("Yes"),
            Name::No => out.write_str("No"),
            Name::Score(home, away) => write!(out, "{home}-{away}"),
            Name::AnyOther(Outcome::Draw) => out.write_str("Any Other Draw"),
            Name::AnyOther(outcome) => write!(out, "Any Other {} Win", outcome.name()),
            Name::By(of, goals) => write!(out, "{} by {goals}", team(of)),
            Name::ByOrMore(of, goals) => write!(out, "{} by {goals}+", team(of)),
            Name::Goalless => out.write_str("0-0"),
            Name::ScoreDraw => out.write_str("Score Draw"),
            Name::Odd => out.write_str("Odd"),
            Name::Even => out.write_str("Even"),
            Name::Goals(goals) => write!(out, "{goals}"),
            Name::GoalsOrMore(goals) => write!(out, "{goals}+"),
            Name::ResultAndBothScore(outcome, both) => {
                write!(out, "{}/{}", outcome.name(), yes(both))
            }
            Name::ResultAndOver(outcome, more) => write!(out, "{}/{}", outcome.name(), over(more)),
            Name::BothScoreAndOver(both, more) => write!(out, "{}/{}", yes(both), over(more)),
            Name::HalfAndFull(half, full) => write!(out, "{}/{}", half.name(), full.name()),
            Name::FirstHalf => out.write_str("1st Half"),
            Name::SecondHalf => out.write_str("2nd Half"),
            Name::Equal => out.write_str("Equal"),
            Name::Scores(of) => out.write_str(team(of)),
            Name::Nobody => out.write_str("No Goal"),
        }
    }
}
