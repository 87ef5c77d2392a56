//! Models of somebody's own as this node runs them: processes of the operating system, confined.
//!
//! Owns     the settings of a model, its process, and the bytes between the two.
//! Never    decides what an answer is worth (`domain::football::port` does), or when one is asked and restarted
//!          (`actors::port` and its supervisor do).
//!
//! | file | noun |
//! |---|---|
//! | [`confined`] | the command that takes a model's memory away before it begins |
//! | `process` | a model's process: its group, its frames, its last words |
//! | [`interview`] | a model that is asked from the command line, without a node |

pub mod confined;
pub mod interview;
mod process;

use std::sync::Arc;

use actors::port::{Line, Terms, Work, Workshop};

/// A model, as the configuration has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelSettings {
    /// Its name, what it prices and how fast.
    pub terms: Terms,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Address space that each of its processes may have.
    pub memory_mb: u64,
}

/// Where the processes of this node's models run.
#[derive(Debug)]
pub struct NodeWorkshop(Arc<[ModelSettings]>);

impl NodeWorkshop {
    /// For the models that are configured.
    pub fn new(models: &[ModelSettings]) -> NodeWorkshop {
        NodeWorkshop(models.into())
    }
}

impl Workshop for NodeWorkshop {
    fn run(&self, model: u16, line: Line) -> Work<()> {
        let models = self.0.clone();
        Box::pin(async move {
            if let Some(settings) = models.get(usize::from(model)) {
                process::run(settings, line).await;
            }
        })
    }
}
