//! The cluster through its API server: connection, requests, and the locks and records kept there.
//!
//! Carries out what it is told and reports what it sees; decides nothing about a rollout.

pub mod api_server;
pub mod client;
pub mod config_tracker;
pub mod credentials;
pub mod deployment;
pub mod error;
pub mod fence;
pub mod follow;
pub mod kubeconfig;
pub mod lease;
pub mod operation;
pub mod options;
pub mod request;
pub mod retry;
pub mod routes;
pub mod run_record;
pub mod service;
pub mod service_proxy;
#[cfg(test)]
pub(crate) mod testing;
pub mod wake;
pub mod workloads;
