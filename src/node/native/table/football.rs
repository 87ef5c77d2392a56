//! Rows of football: what providers tell, and what is priced from it.

use super::{Access, List, Operation, ROW, Route};
use crate::native::football::{WORDS_MAX, shape};
use crate::native::schema::{Field, Kind, maybe};

const LISTED: &[Field] = &[
    maybe("competition", Kind::Text(128), "its number or name"),
    maybe("from", Kind::Time, "kick-off not before"),
    maybe("to", Kind::Time, "kick-off not after"),
    maybe("limit", Kind::Whole(1, 1_000), "so many; 1,000 when left out"),
];

/// What providers put, and then what everybody may look at.
pub(super) const ROUTES: &[Route] = &[
    Route {
        path: "/v1/football/fixtures",
        operation: Operation::TellFixtures,
        summary: "Tells of matches to come; a repeat changes nothing",
        list: Some(List { most: WORDS_MAX, of: shape::fixture }),
        ..PUT
    },
    Route {
        path: "/v1/football/results",
        operation: Operation::TellResults,
        summary: "Tells how matches ended; a repeat changes nothing",
        list: Some(List { most: WORDS_MAX, of: shape::result }),
        ..PUT
    },
    Route {
        path: "/v1/football/events",
        operation: Operation::TellEvents,
        summary: "Tells what happens in matches; the same seq in other words corrects",
        list: Some(List { most: WORDS_MAX, of: shape::event }),
        ..PUT
    },
    Route {
        path: "/v1/football/quotes",
        operation: Operation::TellQuotes,
        summary: "Tells all that a market asks for matches that have not begun; nothing withdraws it",
        list: Some(List { most: WORDS_MAX, of: shape::quotes }),
        ..PUT
    },
    Route {
        path: "/v1/pricing/matches",
        operation: Operation::PricedMatches,
        summary: "Matches that are not over, by kick-off",
        query: LISTED,
        answer: "PricedMatches",
        ..LOOK
    },
    Route {
        path: "/v1/pricing/matches/{id}",
        operation: Operation::PricedMatch,
        summary: "The whole book of a match",
        answer: "PricedBook",
        refusals: &[404],
        ..LOOK
    },
    Route {
        path: "/v1/pricing/matches/{id}/markets/{code}",
        operation: Operation::PricedMarket,
        summary: "One market of the book; with lines, all of them",
        answer: "PricedBook",
        refusals: &[404],
        ..LOOK
    },
    Route {
        path: "/v1/pricing/matches/{id}/parameters",
        operation: Operation::PricedFrom,
        summary: "What a match is priced from, and was",
        answer: "ParametersThen",
        refusals: &[404],
        ..LOOK
    },
    Route {
        path: "/v1/pricing/matches/{id}/history",
        operation: Operation::ToldOfMatch,
        summary: "What providers told of a match, with its price chart",
        answer: "ToldOfMatch",
        refusals: &[404],
        ..LOOK
    },
    Route {
        path: "/v1/pricing/ratings",
        operation: Operation::Competitions,
        summary: "Competitions",
        answer: "Competitions",
        ..LOOK
    },
    Route {
        path: "/v1/pricing/ratings/{competition}",
        operation: Operation::Ratings,
        summary: "How strong the teams of a competition are; by its number or name",
        answer: "Ratings",
        refusals: &[404],
        ..LOOK
    },
    Route {
        path: "/v1/pricing/ratings/{competition}/history",
        operation: Operation::RatingsHistory,
        summary: "The same, month by month",
        answer: "RatingsThen",
        refusals: &[404],
        ..LOOK
    },
    Route {
        path: "/v1/pricing/performance",
        operation: Operation::PricingPerformance,
        summary: "How the prices at kick-off did, by competition, month and model",
        answer: "Performance",
        ..LOOK
    },
];

const PUT: Route =
    Route { method: "PUT", access: Access::Provider, answer: "Told", refusals: &[422, 504], ..ROW };

const LOOK: Route = Route { access: Access::Anyone, ..ROW };
