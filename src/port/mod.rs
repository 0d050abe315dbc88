//! What the driver needs of the world, as traits. They do I/O; whoever implements them decides nothing.
//!
//! Must not mention the crates that talk to clusters, repositories or HTTP servers.

use std::future::Future;
use std::pin::Pin;

pub mod alerts;
pub mod ask;
pub mod causes;
pub mod clock;
pub mod cluster;
pub mod cluster_error;
pub mod hooks;
pub mod journal;
pub mod lease;
pub mod metric_source;
pub mod namespaces;
pub mod proxy;
pub mod router;
pub mod run_record;
pub mod subscriber;
pub mod transport;

/// A future of a port: not `Send`, since one thread drives one rollout.
pub type Job<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;
