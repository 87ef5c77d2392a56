//! actors: see README.
