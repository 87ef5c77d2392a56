//! Fair prices of football from goal expectancies.
