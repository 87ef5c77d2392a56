//! What is told of prices, as JSON. Nothing is rounded but prices onto the ladder.

use actors::fixture::View;
use actors::ratings::RatingsView;
use domain::football::Team;
use domain::football::almanac::{Almanac, Fixture, Market, Parameters};
use domain::football::book::{MarketLayout, layout};
use domain::football::live::{FeedKind, Phase, Story};
use domain::football::pricer::Voice;
use domain::football::rater::Point;
use domain::football::ratings::Ratings;
use domain::football::score_grid::{GoalLine, Score, ScoreGrid};
use domain::price::Price;
use domain::time::UtcMillis;
use serde_json::{Value, json};

const DAY_MS: i64 = 86_400_000;

pub(crate) fn time(at: UtcMillis) -> Value {
    match jiff::Timestamp::from_millisecond(at.0) {
        Ok(time) => json!(time.to_string()),
        Err(_) => Value::Null,
    }
}

pub(crate) fn score(score: Score) -> Value {
    json!({ "home": score.home, "away": score.away })
}

pub(crate) fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Before => "BEFORE",
        Phase::FirstHalf => "FIRST_HALF",
        Phase::HalfTime => "HALF_TIME",
        Phase::SecondHalf => "SECOND_HALF",
        Phase::FullTime => "FULL_TIME",
        Phase::Abandoned => "ABANDONED",
    }
}

/// `23:10`; the second half counts from 45.
pub(crate) fn clock(story: &Story, now: UtcMillis) -> Option<String> {
    let begins = match story.phase {
        Phase::FirstHalf => 0,
        Phase::SecondHalf => 45 * 60,
        _ => return None,
    };
    let played_s = begins + story.played_s(now);
    Some(format!("{:02}:{:02}", played_s / 60, played_s % 60))
}

pub(crate) fn price(price: Option<Price>) -> Value {
    price.map_or(Value::Null, |price| json!(f64::from(price.0) / 100.0))
}

pub(crate) fn rated(parameters: &Parameters) -> Value {
    json!({
        "lambda": parameters.goals(Team::Home),
        "mu": parameters.goals(Team::Away),
        "rho": parameters.rho(),
        "model": parameters.basis.word(),
        "reason": parameters.basis.reason(),
        "version": parameters.version,
    })
}

/// What markets expect of a match, and how much of its price they make, per cent.
fn market(market: &Market) -> Value {
    json!({
        "lambda": market.goals(Team::Home),
        "mu": market.goals(Team::Away),
        "share": market.share,
    })
}

/// The head of a book: what it is, and why it is as it is.
pub(crate) fn head(view: &View) -> Value {
    let (dossier, priced) = (&view.dossier, &view.priced);
    let story = &dossier.story;
    let branches = priced.branches.iter().map(|branch| {
        let grid = branch.situation.state.grid().match_odds();
        json!({
            "if": branch.name,
            "chance": branch.chance,
            "score": score(branch.situation.state.score),
            "matchOdds": [grid.home.win, grid.draw.win, grid.away.win],
        })
    });
    json!({
        "id": dossier.fixture.0,
        "competition": dossier.competition,
        "season": dossier.season,
        "home": dossier.home,
        "away": dossier.away,
        "kickOff": time(dossier.kick_off),
        "status": priced.status.word(),
        "reason": priced.why.map(|why| why.to_string()),
        "at": time(view.at),
        "phase": phase(story.phase),
        "clock": clock(story, view.at),
        "score": score(story.score()),
        "halfTime": story.half_time().map(score),
        "redCards": { "home": story.home_reds, "away": story.away_reds },
        "pending": branches.collect::<Vec<_>>(),
        "event": story.seq,
        "parameters": priced.parameters.as_ref().map(rated),
        "market": dossier.market.as_ref().map(market),
        "model": view.model.as_deref().map(|name| model(name, priced.voice)),
    })
}

/// The model of somebody's own that should price the match: whether it does, and if not, why.
fn model(name: &str, voice: Voice) -> Value {
    let reason = match voice {
        Voice::Instead(absence) => Some(format!("{absence}: priced by the built-in model")),
        Voice::Model | Voice::BuiltIn => None,
    };
    json!({ "name": name, "prices": voice == Voice::Model, "reason": reason })
}

/// A book, or those of its markets that have the code. What is withheld or over has no prices.
pub(crate) fn book(view: &View, code: Option<&str>) -> Value {
    let mut book = head(view);
    let priced = &view.priced;
    let wanted = layout().markets.iter().filter(|market| {
        let named = code.is_none_or(|code| market.kind.code() == code);
        named && !priced.ticks.is_empty()
    });
    book["markets"] = wanted.map(|market| one_market(market, view)).collect();
    book
}

pub(crate) fn is_a_market(code: &str) -> bool {
    layout().markets.iter().any(|market| market.kind.code() == code)
}

fn one_market(market: &MarketLayout, view: &View) -> Value {
    let range = market.first..market.first + market.selections;
    let selections: Vec<Value> = range
        .map(|at| {
            let chances = view.priced.chances[at];
            let fair = chances.fair_price();
            json!({
                "index": at,
                "name": layout().names[at].to_string(),
                "probability": chances.win,
                "fair": fair.is_finite().then_some(fair),
                "price": price(view.priced.ticks[at]),
            })
        })
        .collect();
    let mut one = json!({ "code": market.kind.code(), "selections": selections });
    if let Some(line) = market.line {
        one["line"] = json!(goals(line));
    }
    one
}

fn goals(line: GoalLine) -> f64 {
    f64::from(line.0) / 4.0
}

/// The first by kick-off of those that are wanted and not over.
pub(crate) fn matches(almanac: &Almanac, wanted: impl Fn(&Fixture) -> bool, limit: usize) -> Value {
    let mut open: Vec<_> = almanac
        .fixtures()
        .filter(|(_, fixture)| wanted(fixture) && fixture.outcome().is_none())
        .collect();
    open.sort_by_key(|(id, fixture)| (fixture.kick_off, *id));
    let all = open.len();
    let told = open.into_iter().take(limit).map(|(id, fixture)| {
        let competition = almanac.competition(fixture.competition);
        let team = |index: usize| competition.and_then(|known| known.teams.get(index)).cloned();
        let story = fixture.story();
        json!({
            "id": id.0,
            "competition": competition.map(|known| known.name.clone()),
            "season": fixture.season,
            "kickOff": time(fixture.kick_off),
            "home": team(usize::from(fixture.home.0)),
            "away": team(usize::from(fixture.away.0)),
            "neutral": fixture.neutral,
            "phase": phase(story.phase),
            "score": score(story.score()),
            "disputed": fixture.is_disputed(),
            "sources": fixture.providers.iter().map(|told| json!({
                "source": told.source, "id": told.id,
            })).collect::<Vec<_>>(),
            "parameters": fixture.parameters().as_ref().map(rated),
        })
    });
    json!({ "matches": told.collect::<Vec<_>>(), "count": all })
}

/// What a match is priced from now, with what its markets expect, and what its competition's ratings said when.
pub(crate) fn parameters(fixture: &Fixture) -> Value {
    let history = fixture.rated.iter().map(|one| {
        let mut told = rated(&one.parameters);
        told["at"] = time(one.at);
        told
    });
    let history: Vec<Value> = history.collect();
    json!({
        "now": fixture.parameters().as_ref().map(rated),
        "market": fixture.market().as_ref().map(market),
        "history": history,
    })
}

pub(crate) fn history(fixture: &Fixture) -> Value {
    let providers = fixture.providers.iter().enumerate().map(|(at, provider)| {
        let story = provider.log.story();
        let events = provider.log.events().map(|(seq, heard)| {
            let (word, side) = kind(heard.event.kind);
            json!({
                "seq": seq,
                "type": word,
                "side": side,
                "minute": heard.event.minute,
                "second": heard.event.second,
                "value": heard.event.value,
                "heardAt": time(heard.at),
            })
        });
        json!({
            "source": provider.source,
            "id": provider.id,
            "leads": at == fixture.lead(),
            "phase": phase(story.phase),
            "score": score(story.score()),
            "doubt": story.doubt.map(|doubt| doubt.to_string()),
            "result": provider.result.map(|result| json!({
                "home": result.home, "away": result.away,
                "halfTime": result.half_time.map(|(home, away)| json!({ "home": home, "away": away })),
            })),
            "events": events.collect::<Vec<_>>(),
        })
    });
    json!({
        "providers": providers.collect::<Vec<_>>(),
        "disputed": fixture.is_disputed(),
        "prices": chart(fixture),
    })
}

/// What the match odds were behind each event, from the parameters in force: the price chart of a match.
fn chart(fixture: &Fixture) -> Vec<Value> {
    let Some(parameters) = fixture.parameters() else { return Vec::new() };
    let (expectancy, rho) = (parameters.expectancy(), parameters.rho());
    let mut told = domain::football::live::Log::default();
    let before = ScoreGrid::new(expectancy, rho);
    let point =
        |at: Option<UtcMillis>, seq: Option<u32>, story: Option<&Story>, grid: &ScoreGrid| {
            let odds = grid.match_odds();
            json!({
                "at": at.map(time),
                "seq": seq,
                "clock": story.zip(at).and_then(|(story, at)| clock(story, at)),
                "score": story.map(|story| score(story.score())),
                "matchOdds": [odds.home.win, odds.draw.win, odds.away.win],
                "over25": grid.over(GoalLine(10)).win,
            })
        };
    let mut points = vec![point(None, None, None, &before)];
    let Some(lead) = fixture.providers.get(fixture.lead()) else { return points };
    for (seq, heard) in lead.log.events() {
        told.hear(seq, heard.event, heard.at);
        let story = told.story();
        let branches = story.branches(expectancy, rho, heard.at);
        if let [only] = branches.as_slice() {
            let grid = only.situation.state.grid();
            points.push(point(Some(heard.at), Some(seq), Some(&story), &grid));
        }
    }
    points
}

pub(crate) fn kind(kind: FeedKind) -> (&'static str, Option<&'static str>) {
    let side = |team| match team {
        Team::Home => Some("home"),
        Team::Away => Some("away"),
    };
    match kind {
        FeedKind::KickOff => ("kickOff", None),
        FeedKind::Goal(team) => ("goal", side(team)),
        FeedKind::GoalCancelled(team) => ("goalCancelled", side(team)),
        FeedKind::Red(team) => ("red", side(team)),
        FeedKind::Penalty(team) => ("penalty", side(team)),
        FeedKind::VarStart => ("varStart", None),
        FeedKind::VarEnd => ("varEnd", None),
        FeedKind::AddedTime => ("addedTime", None),
        FeedKind::HalfTime => ("halfTime", None),
        FeedKind::SecondHalf => ("secondHalf", None),
        FeedKind::FullTime => ("fullTime", None),
        FeedKind::Clock => ("clock", None),
        FeedKind::Abandoned => ("abandoned", None),
    }
}

fn strengths(ratings: &Ratings, teams: &[String]) -> Vec<Value> {
    let rated = teams.iter().enumerate().map(|(at, name)| {
        let of = |strengths: &[f64]| strengths.get(at).copied().unwrap_or(ratings.newcomer);
        json!({ "team": name, "attack": of(&ratings.attack), "defence": of(&ratings.defence) })
    });
    rated.collect()
}

pub(crate) fn ratings(view: &RatingsView) -> Value {
    let fit = view.fit.as_ref();
    json!({
        "competition": view.competition,
        "model": "dixon-coles, time-weighted, with a prior and shots on target",
        "fittedAt": time(view.fitted_at),
        "results": view.results,
        "failure": view.failure,
        "base": fit.map(|fit| fit.base),
        "homeAdvantage": fit.map(|fit| fit.home_advantage),
        "rho": fit.map(|fit| fit.rho),
        "logLikelihood": fit.map(|fit| fit.log_likelihood),
        "teams": fit.map(|fit| strengths(fit, &view.teams)).unwrap_or_default(),
    })
}

pub(crate) fn ratings_history(view: &RatingsView, history: &[Point]) -> Value {
    let points = history.iter().map(|point| {
        json!({
            "at": time(UtcMillis(i64::from(point.day) * DAY_MS)),
            "homeAdvantage": point.ratings.home_advantage,
            "base": point.ratings.base,
            "rho": point.ratings.rho,
            "teams": strengths(&point.ratings, &view.teams),
        })
    });
    json!({ "competition": view.competition, "history": points.collect::<Vec<_>>() })
}
