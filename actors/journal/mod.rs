//! A partition's journal: the one writer of its log.
//!
//! Owns     the writer's thread, and with it file, queue and the process-wide lock on the log.
//! Started  by `partition-N`, first: everything of the partition rests on it (rest for one).
//! Asks     nobody.
//! Crash    the thread stops and releases nothing more; the subtree falls with it and replays. Damage of
//!          the log is no crash: it is told to whoever runs the node, and nothing is served.
//! Bounds   the writer's queue; doors ask `Partition::admits` long before it is full.

use crate::node::Node;
use crate::partition::{Effect, Partition};
use crate::publisher::PublisherMsg;
use crate::registry::Address;
use crate::shell::{Behaviour, Context, Fault, Named};
use domain::ids::PartitionId;
use domain::partition::PartitionFold;
use domain::record::Record;
use serde_json::json;
use std::sync::Arc;
use store::writer::Writer;
