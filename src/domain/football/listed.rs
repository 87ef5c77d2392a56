//! What a market of the exchange asks of a match: which selection of the match's book each of its runners stands for,
//! and how it ended.
//!
//! A market says what it asks by its type: a book's own code ([`Kind::code`]), with the line in tenths of a goal where
//! there are several (`MATCH_ODDS`, `OVER_UNDER_25`, `TEAM_A_OVER_UNDER_15`). A runner says what it is by its name: a
//! team as the event names it, `The Draw`, `Under 2.5 Goals`, `1 - 0`, `Any Other Home Win`, `Yes`; in a market of Asian
//! handicaps by team and line. A market that is not understood whole is not priced at all.

use super::Team;
use super::almanac::Dossier;
use super::book::{self, Kind, MarketLayout, Name, Outcome, Situation, layout};
use super::club::{likeness, plain};
use super::inplay::{AddedTime, Clock, MatchState};
use super::live::Phase;
use super::rater::any_match;
use super::score_grid::{Chances, GoalLine, Score};
use crate::act::{MarketAct, Verdict};
use crate::definition::{BettingType, MarketDefinition, RunnerDefinition};
use crate::ids::Runner;

/// A name is a team's when it is as alike as this, and more alike than the other team's.
const ALIKE: f64 = 0.7;
/// Chances that are no less are certain.
const CERTAIN: f64 = 1.0 - 1e-9;
/// A line of a handicap is in hundredths, one of a book in quarters.
const QUARTER: i32 = 25;

/// What a runner stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stands {
    /// The selection of the book.
    For(usize),
    /// These outcomes of the match, without the scores that other runners stand for.
    Others { of: Vec<usize>, less: Vec<usize> },
}

/// What a market asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    kind: Kind,
    runners: Vec<(Runner, Stands)>,
    winners: u16,
}

/// How a match ended, as its markets need to know it.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    book: Vec<Chances>,
    score: Score,
    /// What is known beside the score.
    halves: bool,
    first_goal: bool,
}

impl Question {
    /// What a market asks of the match of these teams, home and away; `None` when it is not understood.
    pub fn of(definition: &MarketDefinition, teams: [&str; 2]) -> Option<Question> {
        let (kind, runners) = match definition.betting_type {
            BettingType::Odds => odds(definition, teams)?,
            BettingType::AsianHandicapDoubleLine
                if definition.market_type == Kind::AsianHandicap.code() =>
            {
                let of = |runner| Some((handicap(runner, teams)?, runner));
                let known = definition.runners.iter().filter_map(of);
                let runners = known.map(|(at, runner)| (runner.runner, Stands::For(at)));
                (Kind::AsianHandicap, runners.collect())
            }
            _ => return None,
        };
        let winners = definition.number_of_winners;
        let sound = kind == Kind::AsianHandicap || winners == u16::from(kind.winners());
        let apart = |at: usize| runners[..at].iter().all(|(_, it)| *it != runners[at].1);
        let each_its_own = (0..runners.len()).all(apart);
        (sound && each_its_own && !runners.is_empty()).then_some(Question {
            kind,
            runners,
            winners,
        })
    }

    /// Each runner's chances in a book; nothing when the book has none.
    pub fn chances(&self, book: &[Chances]) -> Vec<(Runner, Chances)> {
        let win = |at: &usize| book.get(*at).map(|chances| chances.win);
        let of = |stands: &Stands| match stands {
            Stands::For(at) => book.get(*at).copied(),
            Stands::Others { of, less } => {
                let all: f64 = of.iter().map(win).sum::<Option<f64>>()?;
                let win = (all - less.iter().map(win).sum::<Option<f64>>()?).clamp(0.0, 1.0);
                Some(Chances { win, lose: 1.0 - win })
            }
        };
        let chances = self.runners.iter().map(|(runner, stands)| Some((*runner, of(stands)?)));
        chances.collect::<Option<_>>().unwrap_or_default()
    }

    /// What its operator is to do with a market of a match that is over; `None` when that does not follow from what is
    /// known of its end.
    pub fn verdict(&self, ended: &Ended, definition: &MarketDefinition) -> Option<MarketAct> {
        if self.kind == Kind::AsianHandicap {
            let first = self.runners.first().map(|(_, stands)| stands)?;
            let home = i32::from(ended.score.home) - i32::from(ended.score.away);
            let of_home = matches!(first, Stands::For(at) if is_home(*at));
            let first_is_known = definition.runners.first()?.runner == self.runners[0].0;
            let lead = if of_home { home } else { -home };
            let result = Verdict::counted(lead * 100);
            return first_is_known.then_some(MarketAct::Settle(result));
        }
        if (self.kind.is_of_halves() && !ended.halves)
            || (self.kind == Kind::FirstToScore && !ended.first_goal)
        {
            return None;
        }
        let chances = self.chances(&ended.book);
        let winners: Vec<Runner> =
            chances.iter().filter(|(_, it)| it.win >= CERTAIN).map(|(runner, _)| *runner).collect();
        let given_back = |it: &Chances| it.win + it.lose <= 1.0 - CERTAIN;
        let lost = |it: &Chances| it.lose >= CERTAIN;
        if !chances.is_empty() && chances.iter().all(|(_, it)| given_back(it)) {
            return Some(MarketAct::Void);
        }
        let certain = chances.iter().all(|(_, it)| it.win >= CERTAIN || lost(it));
        let settled = certain && winners.len() == usize::from(self.winners);
        settled.then_some(MarketAct::Settle(Verdict::won_by(winners)))
    }
}

impl Ended {
    /// Of a match that was played to its end, and whose end nobody disputes.
    pub fn of(dossier: &Dossier) -> Option<Ended> {
        let outcome = dossier.outcome?;
        let score = Score { home: outcome.home, away: outcome.away };
        let story = &dossier.story;
        let told = story.phase == Phase::FullTime && story.doubt.is_none();
        if story.phase == Phase::Abandoned || (told && story.score() != score) {
            return None;
        }
        let half_time = outcome.half_time.map(|(home, away)| Score { home, away });
        let half_time = half_time.or_else(|| story.half_time().filter(|_| told));
        let first_goal = match (score.home, score.away) {
            (_, 0) | (0, _) if score == Score::default() => None,
            (_, 0) => Some(Team::Home),
            (0, _) => Some(Team::Away),
            _ => story.first_goal().filter(|_| told),
        };
        let any = any_match();
        let state = MatchState {
            clock: Clock::FullTime,
            added: AddedTime::default(),
            score,
            ..MatchState::before(any.expectancy(), any.rho())
        };
        let mut chances = Vec::new();
        book::chances(&Situation { state, half_time, first_goal }, &mut chances);
        let goalless = score == Score::default();
        Some(Ended {
            book: chances,
            score,
            halves: half_time.is_some(),
            first_goal: goalless || first_goal.is_some(),
        })
    }
}

fn odds(definition: &MarketDefinition, teams: [&str; 2]) -> Option<(Kind, Vec<(Runner, Stands)>)> {
    let asked =
        |market: &&MarketLayout| market_type(market).as_deref() == Some(&definition.market_type);
    let market = layout().markets.iter().find(asked)?;
    let range = market.first..market.first + market.selections;
    let names = &layout().names[range];
    let find = |text: &str| {
        let text = key(text);
        names.iter().position(|name| key(&name.to_string()) == text)
    };
    let stands = |runner: &RunnerDefinition| {
        let found = find(&runner.name).or_else(|| find(&in_own_words(&runner.name, teams)));
        found.map(|at| (runner.runner, at))
    };
    let scores_apart = market.kind == Kind::CorrectScore;
    let listed: Vec<usize> = match scores_apart {
        true => definition.runners.iter().filter_map(|it| Some(stands(it)?.1)).collect(),
        false => Vec::new(),
    };
    let one = |runner: &RunnerDefinition| {
        let unquoted = key(&runner.name) == "anyunquoted" && scores_apart;
        let at = match stands(runner) {
            Some((_, at)) => Some(at),
            None if unquoted => None,
            None => return None,
        };
        let others = match at.map(|at| names[at]) {
            None => Some(Outcome::ALL.to_vec()),
            Some(Name::AnyOther(outcome)) => Some(vec![outcome]),
            Some(_) => None,
        };
        let Some(outcomes) = others else {
            return Some((runner.runner, Stands::For(market.first + at?)));
        };
        let of_them = |at: &&usize| match names[**at] {
            Name::Score(home, away) => {
                outcomes.contains(&Outcome::of_lead(i32::from(home) - i32::from(away)))
            }
            _ => false,
        };
        let less = listed.iter().filter(of_them).map(|at| market.first + at).collect();
        let result = book::market(Kind::MatchOdds, None)?.first;
        let of = outcomes.iter().map(|outcome| result + *outcome as usize).collect();
        Some((runner.runner, Stands::Others { of, less }))
    };
    let runners = definition.runners.iter().map(one).collect::<Option<Vec<_>>>()?;
    Some((market.kind, runners))
}

/// How the exchange calls a market of a book; `None` of those that it lists otherwise, or whose meaning moves on.
fn market_type(market: &MarketLayout) -> Option<String> {
    let code = market.kind.code();
    match (market.kind, market.line) {
        (Kind::AsianHandicap | Kind::EuropeanHandicap | Kind::NextGoal, _) => None,
        (_, None) => Some(code.to_owned()),
        (_, Some(GoalLine(quarters))) => {
            let tenths = quarters.checked_mul(10)?;
            (tenths % 4 == 0).then(|| format!("{code}_{:02}", tenths / 4))
        }
    }
}

/// The place in the book of a team with its line.
fn handicap(runner: &RunnerDefinition, teams: [&str; 2]) -> Option<usize> {
    let quarters = runner.runner.handicap / QUARTER;
    if runner.runner.handicap % QUARTER != 0 {
        return None;
    }
    let team = team(&runner.name, teams)?;
    let (line, at) = match team {
        Team::Home => (quarters, 0),
        Team::Away => (-quarters, 1),
    };
    Some(book::market(Kind::AsianHandicap, Some(GoalLine(line)))?.first + at)
}

/// Whether a selection of the handicaps is home's.
fn is_home(at: usize) -> bool {
    let handicaps = layout().markets.iter().filter(|market| market.kind == Kind::AsianHandicap);
    handicaps.into_iter().any(|market| market.first == at)
}

fn team(text: &str, teams: [&str; 2]) -> Option<Team> {
    let text = plain(text);
    let [home, away] = teams.map(|team| likeness(&text, &plain(team)));
    match () {
        () if home >= ALIKE && home > away => Some(Team::Home),
        () if away >= ALIKE && away > home => Some(Team::Away),
        () => None,
    }
}

/// A runner's name in the words of a book: home, away and draw for the teams', part by part.
fn in_own_words(name: &str, teams: [&str; 2]) -> String {
    let join = |between: &str| {
        let parts: Vec<&str> = name.split(between).collect();
        let said = parts.iter().map(|part| word(part, teams)).collect::<Vec<_>>().join(between);
        (parts.len() > 1).then_some(said)
    };
    let by = || {
        let (who, rest) = name.split_once(" by ")?;
        Some(format!("{} by {rest}", word(who, teams)))
    };
    join("/").or_else(|| join(" or ")).or_else(by).unwrap_or_else(|| word(name, teams))
}

fn word(text: &str, teams: [&str; 2]) -> String {
    let text = text.trim();
    let first = text.split(' ').next().unwrap_or_default().to_lowercase();
    match (first.as_str(), key(text).as_str()) {
        ("over" | "under", _) => first,
        (_, "thedraw" | "draw") => "Draw".to_owned(),
        (_, "yes" | "no") => text.to_owned(),
        _ => match team(text, teams) {
            Some(Team::Home) => "Home".to_owned(),
            Some(Team::Away) => "Away".to_owned(),
            None => text.to_owned(),
        },
    }
}

/// What is left of a name when case and spaces do not count.
fn key(name: &str) -> String {
    name.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::super::score_grid::Expectancy;
    use super::*;
    use crate::ids::{MarketId, SelectionId};

    const TEAMS: [&str; 2] = ["Everton", "Nottingham Forest"];

    fn market(market_type: &str, winners: u16, runners: &[(&str, i32)]) -> MarketDefinition {
        let own = (1..).map(SelectionId).zip(runners);
        let own = own.map(|(selection, (_, handicap))| Runner { selection, handicap: *handicap });
        let mut plain = MarketDefinition::plain(MarketId(1), own);
        for (runner, (name, _)) in plain.runners.iter_mut().zip(runners) {
            runner.name = (*name).to_owned();
        }
        let asian = runners.iter().any(|(_, handicap)| *handicap != 0);
        MarketDefinition {
            market_type: market_type.to_owned(),
            number_of_winners: winners,
            betting_type: match asian {
                true => BettingType::AsianHandicapDoubleLine,
                false => BettingType::Odds,
            },
            ..plain
        }
    }

    fn plain_market(market_type: &str, names: &[&str]) -> MarketDefinition {
        let winners = if market_type == "DOUBLE_CHANCE" { 2 } else { 1 };
        let runners: Vec<(&str, i32)> = names.iter().map(|name| (*name, 0)).collect();
        market(market_type, winners, &runners)
    }

    fn book_before() -> Vec<Chances> {
        let state = MatchState::before(Expectancy::new(1.5, 1.2), -0.06);
        let mut chances = Vec::new();
        book::chances(&Situation::before(state), &mut chances);
        chances
    }

    fn ended(score: (u8, u8), half_time: Option<(u8, u8)>, first: Option<Team>) -> Ended {
        let state = MatchState {
            clock: Clock::FullTime,
            score: Score { home: score.0, away: score.1 },
            ..MatchState::before(Expectancy::new(1.5, 1.2), -0.06)
        };
        let half = half_time.map(|(home, away)| Score { home, away });
        let mut book = Vec::new();
        book::chances(&Situation { state, half_time: half, first_goal: first }, &mut book);
        Ended { book, score: state.score, halves: half.is_some(), first_goal: first.is_some() }
    }

    /// Markets as exchanges list them.
    fn listed() -> Vec<MarketDefinition> {
        [
            ("MATCH_ODDS", &["Everton", "Nottm Forest", "The Draw"][..]),
            ("OVER_UNDER_25", &["Under 2.5 Goals", "Over 2.5 Goals"]),
            ("TEAM_A_OVER_UNDER_15", &["Over 1.5 Goals", "Under 1.5 Goals"]),
            ("FIRST_HALF_GOALS_05", &["Under 0.5 Goals", "Over 0.5 Goals"]),
            ("BOTH_TEAMS_TO_SCORE", &["Yes", "No"]),
            ("DOUBLE_CHANCE", &["Home or Draw", "Draw or Away", "Home or Away"]),
            (
                "DOUBLE_CHANCE",
                &["Everton or Draw", "Draw or Nottm Forest", "Everton or Nottm Forest"],
            ),
            ("DRAW_NO_BET", &["Everton", "Nottm Forest"]),
            ("ODD_OR_EVEN", &["Odd", "Even"]),
            ("HALF_TIME", &["Everton", "The Draw", "Nottm Forest"]),
            (
                "MATCH_ODDS_AND_OVER_UNDER_25",
                &[
                    "Everton/Over 2.5 Goals",
                    "Everton/Under 2.5 Goals",
                    "Draw/Over 2.5 Goals",
                    "Draw/Under 2.5 Goals",
                    "Nottm Forest/Over 2.5 Goals",
                    "Nottm Forest/Under 2.5 Goals",
                ],
            ),
            (
                "CORRECT_SCORE",
                &[
                    "0 - 0",
                    "0 - 1",
                    "1 - 0",
                    "1 - 1",
                    "Any Other Home Win",
                    "Any Other Away Win",
                    "Any Other Draw",
                ],
            ),
            ("CORRECT_SCORE", &["0 - 0", "1 - 0", "Any Unquoted"]),
            ("FIRST_TO_SCORE", &["Everton", "Nottm Forest", "No Goal"]),
        ]
        .map(|(market_type, names)| plain_market(market_type, names))
        .to_vec()
    }

    #[test]
    fn runners_are_understood_by_their_names_and_their_chances_add_up() {
        let book = book_before();
        for definition in listed() {
            let named = &definition.market_type;
            let question = Question::of(&definition, TEAMS).unwrap_or_else(|| panic!("{named}"));
            let chances = question.chances(&book);
            assert_eq!(chances.len(), definition.runners.len(), "{named}");
            let pushes = chances.iter().any(|(_, it)| it.win + it.lose < CERTAIN);
            let sum: f64 = chances.iter().map(|(_, it)| it.win).sum();
            let winners = f64::from(definition.number_of_winners);
            assert!(pushes || (sum - winners).abs() < 1e-7, "{named} {sum}");
        }
        let odds = Question::of(&listed()[0], TEAMS).expect("understood").chances(&book);
        let [home, away, draw] = [odds[0].1.win, odds[1].1.win, odds[2].1.win];
        assert_eq!([home, draw, away], [book[0].win, book[1].win, book[2].win]);
        assert_eq!(Question::of(&listed()[0], TEAMS).expect("understood").chances(&[]), vec![]);
    }

    #[test]
    fn what_is_not_understood_whole_is_not_priced() {
        let unknown = [
            plain_market("MATCH_ODDS", &["Everton", "Leeds", "The Draw"]),
            plain_market("MATCH_ODDS", &["Everton", "Everton FC", "The Draw"]),
            plain_market("OVER_UNDER_95", &["Under 9.5 Goals", "Over 9.5 Goals"]),
            plain_market("TOP_GOALSCORER", &["Everton", "Nottm Forest"]),
            plain_market("NEXT_GOAL", &["Everton", "Nottm Forest", "No Goal"]),
            plain_market("CORRECT_SCORE", &["1 - 0", "9 - 9"]),
            market("MATCH_ODDS", 2, &[("Everton", 0), ("Nottm Forest", 0), ("The Draw", 0)]),
        ];
        for definition in unknown {
            assert_eq!(Question::of(&definition, TEAMS), None, "{definition:?}");
        }
    }

    #[test]
    fn handicaps_are_told_by_team_and_line() {
        let runners = [("Nottm Forest", 50), ("Everton", -50), ("Everton", -925), ("Everton", 10)];
        let definition = market("ASIAN_HANDICAP", 0, &runners);
        let question = Question::of(&definition, TEAMS).expect("understood");
        let chances = question.chances(&book_before());
        assert_eq!(chances.len(), 2, "lines that a book has");
        assert!((chances[0].1.win + chances[1].1.win - 1.0).abs() < 1e-9);
        assert!((chances[1].1.win - book_before()[0].win).abs() < 1e-9, "home wins");
        let act = question.verdict(&ended((3, 1), None, None), &definition);
        let Some(MarketAct::Settle(verdict)) = act else { panic!("{act:?}") };
        assert_eq!(verdict.result, Some(-200), "the first runner's side is away");
    }

    #[test]
    fn every_market_is_settled_by_how_the_match_ended() {
        let won = |definition: &MarketDefinition, ended: &Ended| {
            let question = Question::of(definition, TEAMS).expect("understood");
            match question.verdict(ended, definition) {
                Some(MarketAct::Settle(verdict)) => {
                    let name = |runner: &Runner| {
                        let is_it = |it: &&RunnerDefinition| it.runner == *runner;
                        definition.runners.iter().find(is_it).expect("its own").name.clone()
                    };
                    verdict.winners.iter().map(name).collect::<Vec<_>>().join("; ")
                }
                Some(MarketAct::Void) => "void".to_owned(),
                _ => "unknown".to_owned(),
            }
        };
        let three_one = ended((3, 1), Some((0, 1)), Some(Team::Away));
        let level = ended((1, 1), None, None);
        let expected = [
            ("Everton", "The Draw"),
            ("Over 2.5 Goals", "Under 2.5 Goals"),
            ("Over 1.5 Goals", "Under 1.5 Goals"),
            ("Over 0.5 Goals", "unknown"),
            ("Yes", "Yes"),
            ("Home or Draw; Home or Away", "Home or Draw; Draw or Away"),
            ("Everton or Draw; Everton or Nottm Forest", "Everton or Draw; Draw or Nottm Forest"),
            ("Everton", "void"),
            ("Even", "Even"),
            ("Nottm Forest", "unknown"),
            ("Everton/Over 2.5 Goals", "Draw/Under 2.5 Goals"),
            ("Any Other Home Win", "1 - 1"),
            ("Any Unquoted", "Any Unquoted"),
            ("Nottm Forest", "unknown"),
        ];
        for (definition, (first, second)) in listed().iter().zip(expected) {
            assert_eq!(won(definition, &three_one), first, "{}", definition.market_type);
            assert_eq!(won(definition, &level), second, "{}", definition.market_type);
        }
    }
}
