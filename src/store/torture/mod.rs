//! Tests of the room as a whole: what no single file can show.

mod corruption;
#[cfg(debug_assertions)]
mod failpoints;
mod journal_torture;
pub(crate) mod note;
mod opening;
mod recovery;
pub(crate) mod scene;
mod writer;
mod writer_torture;
