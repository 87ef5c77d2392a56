//! supervision: who restarts whom.
//!
//! The generic half is an OTP supervisor on ractor and knows nothing of betting. A tree is data
//! (`SupervisorSpec`, `DynamicSpec`, `ChildSpec`); `Root` starts it, `SupervisorRef` speaks to a
//! running supervisor, `walk` shows all of it, and everything that happens is a
//! `SupervisionEvent`. Long-lived work begins nowhere else: `spawn.rs` has the only spawns.
//!
//! `tests/otp` holds it against OTP line by line. Where it differs, it differs on purpose:
//! - a supervisor that gives up ends with `shutdown: <cause>`, so that a root's end can be told
//!   from an order; its parent treats both alike, as OTP treats `{shutdown, Cause}`;
//! - a worker's start has a timeout (30 s), and a killed child that never reaches an await is
//!   given up after 5 s: Rust cannot interrupt it;
//! - after a failed start in one for all the others are down until the next try, and not only
//!   from then on, because there may be a backoff in between;
//! - children of a dynamic supervisor have ids, keep them over restarts, and may be quarantined;
//! - an `Err` out of `post_stop` of a child that is being stopped is not reported, since ractor
//!   tells it only to a linked supervisor; a panic there is;
//! - what runs here is linked to its supervisor only: nobody else's exit can end it.

mod admin;
mod backoff;
mod brood;
mod dynamic;
mod event;
mod event_file;
mod event_log;
mod executor;
mod exit;
mod family;
pub mod history;
mod intensity;
mod nursery;
mod office;
mod panics;
mod root;
mod spawn;
mod spec;
mod start;
mod stop;
mod supervisor;
mod task_set;
pub mod tree;
mod walk;

pub use admin::{AdminError, CHANGE_TIMEOUT, ChildCounts, ChildInfo, ChildStatus, PAGE_MAX, Page};
pub use admin::{QUERY_TIMEOUT, SupervisorInfo, SupervisorRef};
pub use backoff::Backoff;
pub use event::{EventSink, SINK_BOUND, SupervisionEvent, What};
pub use event_log::{EventLog, LOG_EVENTS_MAX, LOG_TRACES_MAX};
pub use executor::Executor;
pub use exit::{ExitReason, REASON_BYTES_MAX, reason};
pub use intensity::{Budget, Intensity};
pub use nursery::TreeNursery;
pub use panics::{Panic, Trace, install_panic_hook};
pub use root::{Root, RootError};
pub use spawn::{blocking, later};
pub use spec::SupervisorSpec;
pub use spec::{AutoShutdown, ChildSpec, DynamicSpec, ID_BYTES_MAX, Restart, Role, Shutdown};
pub use spec::{SHUTDOWN_TIMEOUT_MS, START_TIMEOUT_MS, STATIC_CHILDREN_MAX, SpecError, Strategy};
pub use start::{Start, StartContext, StartError, Started};
pub use task_set::{Drained, TaskSet, TaskSetFull};
pub use walk::{TreeNode, WalkLimits, walk};
