//! Are providers' words sorted into one account of football, by ids and names of their own?

use super::super::Team;
use super::super::live::{FeedEvent, FeedKind, Reason, Trust};
use super::*;

const SATURDAY: UtcMillis = UtcMillis(1_800_000_000_000);

#[derive(Default)]
struct Desk {
    almanac: Almanac,
    stirred: Stirred,
    journal: Vec<(UtcMillis, Item)>,
}

impl Desk {
    fn take(&mut self, at: UtcMillis, items: impl IntoIterator<Item = Item>) -> usize {
        let before = self.journal.len();
        for item in items {
            self.almanac.take(at, &item, &mut self.stirred);
            self.journal.push((at, item));
        }
        self.journal.len() - before
    }

    fn fixture(&mut self, source: &str, id: &str, home: &str, away: &str) -> FixtureId {
        let new = new(source, id, home, away);
        let items = self.almanac.decide_fixture(&new).expect("a good fixture");
        self.take(SATURDAY.plus_ms(-DAY_MS), items);
        self.almanac.fixture_of(source, id).expect("it was taken")
    }

    fn result(&mut self, source: &str, id: &str, home: u8, away: u8) -> usize {
        let score = FinalScore { home, away, half_time: None, stats: Stats::default(), odds: None };
        let item = self.almanac.decide_result(&from(source, id), score).expect("a good result");
        self.take(SATURDAY.plus_ms(DAY_MS), item)
    }

    fn event(&mut self, source: &str, id: &str, seq: u32, kind: FeedKind, minute: u8) -> usize {
        let event = FeedEvent::new(kind, minute, 0);
        let item = self.almanac.decide_event(&from(source, id), seq, event).expect("a good event");
        self.take(SATURDAY.plus_ms(i64::from(minute) * 60_000), item)
    }
}

fn from(source: &str, id: &str) -> Source {
    Source { source: source.to_owned(), id: id.to_owned() }
}

fn new(source: &str, id: &str, home: &str, away: &str) -> NewFixture {
    NewFixture {
        from: from(source, id),
        competition: "Premier League".to_owned(),
        season: "2026/27".to_owned(),
        kick_off: SATURDAY,
        home: home.to_owned(),
        away: away.to_owned(),
        neutral: false,
    }
}

#[test]
fn two_providers_with_names_of_their_own_tell_of_one_match() {
    let mut desk = Desk::default();
    let ours = desk.fixture("a", "1", "Manchester United", "Newcastle United FC");
    assert_eq!(desk.fixture("b", "x9", "Man Utd", "Newcastle"), ours);
    assert_ne!(desk.fixture("b", "x8", "Man City", "Arsenal"), ours);
    let league = desk.almanac.competition_named("premier league").expect("it is known");
    let teams = &desk.almanac.competition(league).expect("it is known").teams;
    assert_eq!(teams.len(), 4, "{teams:?}");
    assert_eq!(desk.almanac.decide_fixture(&new("b", "x9", "Man Utd", "Newcastle")), Ok(vec![]));
    let other = desk.almanac.decide_fixture(&new("b", "x9", "Man Utd", "Arsenal"));
    assert_eq!(other.expect_err("another match").field, "away");
    let itself = desk.almanac.decide_fixture(&new("b", "x7", "Spurs", "Tottenham Hotspur"));
    assert_eq!(itself.expect_err("itself").field, "away");
}

#[test]
fn an_event_of_the_exchange_is_known_by_its_competition_day_and_teams() {
    let mut desk = Desk::default();
    let ours = desk.fixture("a", "1", "Manchester United", "Newcastle United FC");
    desk.fixture("a", "2", "Manchester City", "Leeds United");
    let of = |competition: &str, event: &str, days: i64| {
        desk.almanac.match_of(competition, event, SATURDAY.plus_ms(days * DAY_MS))
    };
    assert_eq!(of("premier league", "Man Utd v Newcastle", 0), Some(ours));
    assert_eq!(of("Premier League", "Man Utd vs. Newcastle", 1), Some(ours));
    for (competition, event, days) in [
        ("Premier League", "Newcastle v Man Utd", 0),
        ("Premier League", "Man Utd v Newcastle", 3),
        ("Serie A", "Man Utd v Newcastle", 0),
        ("Premier League", "Man Utd", 0),
        ("Premier League", "Man Utd v Leeds", 0),
    ] {
        assert_eq!(of(competition, event, days), None, "{competition} {event} {days}");
    }
}

#[test]
fn what_goals_were_worth_is_known_where_they_were_told_one_by_one() {
    let mut desk = Desk::default();
    let ours = desk.fixture("a", "1", "Arsenal", "Everton");
    let worth = |desk: &Desk| desk.almanac.fixture(ours).and_then(Fixture::worth);
    desk.event("a", "1", 1, FeedKind::KickOff, 0);
    desk.event("a", "1", 2, FeedKind::Goal(Team::Away), 5);
    desk.event("a", "1", 3, FeedKind::GoalCancelled(Team::Away), 6);
    desk.event("a", "1", 4, FeedKind::Goal(Team::Home), 10);
    desk.event("a", "1", 5, FeedKind::Red(Team::Away), 30);
    desk.event("a", "1", 6, FeedKind::HalfTime, 45);
    desk.event("a", "1", 7, FeedKind::SecondHalf, 45);
    desk.event("a", "1", 8, FeedKind::Goal(Team::Home), 69);
    desk.event("a", "1", 9, FeedKind::Goal(Team::Home), 80);
    assert_eq!(worth(&desk), None, "it is played");
    desk.event("a", "1", 10, FeedKind::FullTime, 94);
    // One, one against ten, and one against ten that led by three.
    assert_eq!(worth(&desk), Some((1.0 + 0.75 + 0.75 / 3.0, 0.0)));
    let league = desk.almanac.competition_named("Premier League").expect("it is known");
    assert_eq!(desk.almanac.ended(league)[0].played.worth, worth(&desk));
    desk.result("a", "1", 2, 0);
    assert_eq!(worth(&desk), None, "the result is another");
}

#[test]
fn a_match_is_priced_from_its_markets_while_they_quote() {
    let mut desk = Desk::default();
    let ours = desk.fixture("a", "1", "Arsenal", "Everton");
    desk.fixture("b", "2", "Arsenal", "Everton");
    let rated = Parameters::new(1.5, 1.0, -0.06, Basis::Ratings).expect("sound");
    let item = desk.almanac.decide_rated(ours, rated);
    desk.take(SATURDAY, item);
    let basis = |desk: &Desk| {
        let parameters = desk.almanac.fixture(ours).and_then(Fixture::parameters);
        parameters.map(|it| (it.basis, it.version)).expect("priced")
    };
    assert_eq!(basis(&desk), (Basis::Ratings, 1));
    let quotes =
        |home| Quotes { match_odds: Some([home, 340, 400]), share: 60, ..Quotes::default() };
    let tell = |desk: &mut Desk, source: &str, id: &str, quotes: Quotes| {
        let item = desk.almanac.decide_quoted(&from(source, id), quotes).expect("good quotes");
        desk.take(SATURDAY, item)
    };
    assert_eq!(tell(&mut desk, "a", "1", quotes(200)), 1);
    assert_eq!(tell(&mut desk, "a", "1", quotes(200)), 0, "a repeat");
    assert_eq!(basis(&desk), (Basis::Market, 2));
    // Ratings go on beside it, and are what is left when it goes.
    let again = Parameters::new(1.6, 1.0, -0.06, Basis::Ratings).expect("sound");
    let item = desk.almanac.decide_rated(ours, again);
    assert_eq!(desk.take(SATURDAY, item), 1);
    assert_eq!(desk.almanac.decide_rated(ours, again), None);
    assert_eq!(basis(&desk), (Basis::Market, 3));
    tell(&mut desk, "b", "2", quotes(210));
    tell(&mut desk, "a", "1", Quotes::default());
    assert_eq!(basis(&desk).0, Basis::Market, "another provider's is left");
    desk.event("a", "1", 1, FeedKind::KickOff, 0);
    let late = desk.almanac.decide_quoted(&from("b", "2"), Quotes::default());
    assert_eq!(late.expect_err("it has begun").field, "id");
    assert_eq!(basis(&desk).0, Basis::Market, "the last word stands");
}

#[test]
fn results_are_corrected_and_disputes_count_for_nobody() {
    let mut desk = Desk::default();
    let ours = desk.fixture("a", "1", "Arsenal", "Everton");
    desk.fixture("b", "2", "Arsenal FC", "Everton");
    let league = CompetitionNo(0);
    assert_eq!(desk.almanac.upcoming(league).len(), 1);
    assert_eq!((desk.result("a", "1", 2, 0), desk.result("a", "1", 2, 0)), (1, 0));
    assert_eq!(desk.almanac.ended(league)[0].played.home_goals, 2);
    assert!(desk.almanac.upcoming(league).is_empty());
    assert_eq!(desk.result("a", "1", 3, 0), 1);
    assert_eq!(desk.almanac.ended(league)[0].played.home_goals, 3);
    desk.result("b", "2", 2, 0);
    assert!(desk.almanac.ended(league).is_empty(), "in dispute");
    assert!(desk.almanac.fixture(ours).expect("known").is_disputed());
    desk.result("b", "2", 3, 0);
    assert_eq!(desk.almanac.ended(league).len(), 1);
    let score = FinalScore {
        home: 1,
        away: 0,
        half_time: Some((2, 0)),
        stats: Stats::default(),
        odds: None,
    };
    let refused = desk.almanac.decide_result(&from("a", "1"), score);
    assert_eq!(refused.expect_err("more at half time").field, "halfTime");
    let refused = desk.almanac.decide_result(&from("c", "1"), score);
    assert_eq!(refused.expect_err("nobody told of it").field, "id");
}

#[test]
fn parameters_stand_still_from_kick_off_on() {
    let mut desk = Desk::default();
    let ours = desk.fixture("a", "1", "Arsenal", "Everton");
    let parameters = |home| Parameters::new(home, 1.1, -0.05, Basis::Ratings).expect("sound");
    let rate = |desk: &mut Desk, home| {
        let item = desk.almanac.decide_rated(ours, parameters(home));
        desk.take(SATURDAY, item)
    };
    assert_eq!((rate(&mut desk, 1.6), rate(&mut desk, 1.6), rate(&mut desk, 1.7)), (1, 0, 1));
    let in_force = desk.almanac.fixture(ours).and_then(Fixture::parameters).expect("rated");
    assert_eq!((in_force.version, in_force.goals(Team::Home)), (2, 1.7));
    desk.event("a", "1", 1, FeedKind::KickOff, 0);
    assert_eq!(rate(&mut desk, 1.8), 0);
    for bad in [f64::NAN, 0.0, 9.0, f64::INFINITY, -1.0] {
        assert_eq!(Parameters::new(bad, 1.0, 0.0, Basis::Ratings), None);
        assert_eq!(Parameters::new(1.0, 1.0, bad, Basis::Ratings).is_some(), bad == 0.0);
    }
}

#[test]
fn providers_who_tell_other_scores_are_not_bet_on_while_both_speak() {
    let mut desk = Desk::default();
    let ours = desk.fixture("a", "1", "Arsenal", "Everton");
    desk.fixture("b", "2", "Arsenal", "Everton");
    for source in [("a", "1"), ("b", "2")] {
        desk.event(source.0, source.1, 1, FeedKind::KickOff, 0);
    }
    desk.event("b", "2", 2, FeedKind::Goal(Team::Home), 9);
    desk.event("a", "1", 2, FeedKind::Clock, 10);
    let trust = |desk: &Desk, minute: i64| {
        let dossier = desk.almanac.dossier(ours).expect("known");
        dossier.trust(SATURDAY.plus_ms(minute * 60_000))
    };
    assert_eq!(trust(&desk, 10), Trust::Suspended(Reason::Contradicted));
    desk.event("a", "1", 3, FeedKind::Clock, 14);
    assert_eq!(trust(&desk, 14), Trust::Open, "the other one is silent");
    // A leader who contradicts himself leads no more.
    desk.event("a", "1", 9, FeedKind::Clock, 15);
    desk.event("b", "2", 3, FeedKind::Clock, 15);
    let dossier = desk.almanac.dossier(ours).expect("known");
    assert_eq!((dossier.story.score().home, trust(&desk, 15)), (1, Trust::Open));
}

#[test]
fn a_replay_from_scratch_knows_the_same_and_a_match_told_to_its_end_is_a_result() {
    let mut desk = Desk::default();
    let ours = desk.fixture("a", "1", "Arsenal", "Everton");
    use FeedKind::{Clock, FullTime, Goal, HalfTime, KickOff, SecondHalf};
    let story = [
        (1, KickOff, 0),
        (4, HalfTime, 46),
        (2, Goal(Team::Home), 20),
        (2, Goal(Team::Away), 20),
        (3, Clock, 30),
        (5, SecondHalf, 45),
        (6, FullTime, 95),
    ];
    for (seq, kind, minute) in story {
        desk.event("a", "1", seq, kind, minute);
        assert_eq!(desk.event("a", "1", seq, kind, minute), 0, "a repeat is nothing new");
    }
    let outcome = desk.almanac.fixture(ours).and_then(Fixture::outcome).expect("it is over");
    assert_eq!((outcome.home, outcome.away, outcome.half_time), (0, 1, Some((0, 1))));
    assert_eq!(desk.almanac.ended(CompetitionNo(0)).len(), 1);
    let mut again = Almanac::default();
    for (at, item) in &desk.journal {
        let told = FootballEvent::Told(vec![item.clone()]);
        again.apply(*at, &told, &mut Stirred::default());
    }
    assert_eq!(again, desk.almanac);
}
