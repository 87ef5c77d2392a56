//! The stream's path on the http listener. The only file here that knows warp.

use std::sync::Arc;

use warp::Filter;
use warp::filters::BoxedFilter;

use super::Service;
use super::connection;
use super::frames::{Frames, rules};
use crate::door::websocket::{Handshake, handshake};

/// `GET /stream`, a WebSocket that speaks what the stream's own listeners speak, beside what else is served.
pub fn beside(
    others: BoxedFilter<(warp::reply::Response,)>,
    service: Arc<Service>,
) -> BoxedFilter<(warp::reply::Response,)> {
    warp::path!("stream")
        .and(handshake())
        .map(move |handshake: Handshake| {
            let service = service.clone();
            handshake.accept(rules(), move |socket| {
                let tellers = service.tellers.clone();
                tellers.run(connection::serve(service, Frames::new(socket)))
            })
        })
        .or(others)
        .unify()
        .boxed()
}
