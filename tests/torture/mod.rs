//! Does anything acknowledged get lost, doubled or invented when the process, a file or the disk dies?
//!
//! | file | what it is |
//! |---|---|
//! | [`claim`] | what clients were told, in files outside the node that are synced before the next bet |
//! | [`client`], [`cashier`] | who bets, and who moves money and markets meanwhile |
//! | [`campaign`] | the world they live in, over any number of nodes |
//! | [`checkers`] | claims against what the node shows, each first shown to find a planted bug |
//! | `kills`, `settling`, `aimed`, `damage`, `disk`, `directory`, `descriptors` | the faults |
//!
//! A SIGKILL loses no page cache: that what is acknowledged was synced is proved in `store::torture`, with a
//! disk that forgets. Here it is the whole process that dies.

pub(crate) mod campaign;
pub(crate) mod cashier;
pub(crate) mod checkers;
pub(crate) mod claim;
pub(crate) mod client;

#[cfg(debug_assertions)]
mod aimed;
mod damage;
mod descriptors;
mod directory;
mod disk;
mod kills;
mod settling;
