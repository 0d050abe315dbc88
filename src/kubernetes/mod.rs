//! The cluster through its API server: connection, requests, and the locks and records kept there.
//!
//! Carries out what it is told and reports what it sees; decides nothing about a rollout.

pub mod api_server;
pub mod autoscaler;
pub mod client;
pub mod cluster_target;
pub mod config_tracker;
pub mod credentials;
pub mod eject;
pub mod error;
pub mod fence;
pub mod follow;
pub mod knative;
pub mod kubeconfig;
pub mod lease;
pub mod mailbox;
pub mod objects;
pub mod operation;
pub mod options;
pub mod primary;
pub mod request;
pub mod retry;
pub mod revision;
pub mod routes;
pub mod run_record;
pub mod service;
pub mod service_proxy;
pub mod service_target;
pub mod target;
#[cfg(test)]
pub(crate) mod testing;
pub mod wake;
pub mod wire_log;
pub mod workloads;
