//! What there is to bet on.

mod event_type;

pub use event_type::{event_type_name, event_types};
