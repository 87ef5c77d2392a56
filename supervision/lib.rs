//! supervision: see README.
