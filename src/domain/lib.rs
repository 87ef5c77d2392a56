//! domain: see README.
