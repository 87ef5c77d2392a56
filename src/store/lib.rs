//! store: see README.
