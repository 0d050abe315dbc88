//! A cluster inside the process: it stores and answers, and knows nothing of canaries.
//!
//! An API server (`service`), the controllers behind Deployments, DaemonSets, Services and owner references
//! (`workloads`), and a clock. Everything derives from the seed and from tokio's time: in a paused runtime two
//! runs are byte-identical. Must not use threads, sockets or the machine's time.

pub mod api_server;
mod apply;
pub mod clock;
mod cluster;
mod creates;
pub mod dataplane;
mod defaults;
mod deletes;
mod discovery;
mod failure;
pub mod faults;
mod fields;
mod gates;
pub mod kinds;
mod lists;
mod managed;
pub mod objects;
mod openapi;
mod options;
mod patch;
mod placed;
pub mod prometheus;
pub mod promql;
mod protobuf;
pub mod proxy;
mod requests;
mod route;
mod scale;
pub mod scenario;
mod schema;
pub mod scripted;
mod selectors;
pub mod server;
mod shared;
mod store;
mod strategic;
mod table;
pub mod traffic;
mod tree;
mod validation;
mod watches;
mod workloads;
pub mod world;
mod writes;

#[cfg(test)]
mod tests;

pub use crate::sandbox::cluster::SandboxCluster;
pub use crate::sandbox::options::SandboxError;
pub use crate::sandbox::options::SandboxOptions;
pub use crate::sandbox::workloads::PodBehaviour;
pub use crate::sandbox::workloads::PodRule;
pub use crate::sandbox::workloads::PodTimes;
