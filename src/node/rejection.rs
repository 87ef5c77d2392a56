//! What warp refuses, as a problem document. Used once, around all routes of a listener.

use std::convert::Infallible;

use warp::http::StatusCode;
use warp::{Filter, Rejection, Reply};

use crate::operator::problem::Problem;

/// Routes that answer every request: what no route takes is a problem.
pub fn complete<T: Reply + 'static>(
    routes: impl Filter<Extract = (T,), Error = Rejection> + Clone + Send + Sync + 'static,
) -> impl Filter<Extract = (impl Reply,), Error = Infallible> + Clone {
    routes.recover(|rejection: Rejection| async move {
        Ok::<warp::reply::Response, Infallible>(problem_of(&rejection).to_response())
    })
}

fn problem_of(rejection: &Rejection) -> Problem {
    if rejection.is_not_found() {
        Problem::new(StatusCode::NOT_FOUND, "not_found")
    } else if rejection.find::<warp::reject::MethodNotAllowed>().is_some() {
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed")
    } else {
        // Such as a header that is not text. Its content is not echoed.
        Problem::new(StatusCode::BAD_REQUEST, "bad_request")
    }
}
