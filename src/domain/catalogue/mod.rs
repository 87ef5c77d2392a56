//! What there is to bet on, as the doors list it.
