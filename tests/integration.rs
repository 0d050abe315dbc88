//! Everything that runs the crate from outside, in one binary.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its files has failed"
)]

#[path = "integration/alerts.rs"]
mod alerts;
#[path = "integration/artifacts.rs"]
mod artifacts;
#[path = "integration/asks.rs"]
mod asks;
#[path = "integration/bad_input.rs"]
mod bad_input;
#[path = "integration/cli.rs"]
mod cli;
#[path = "integration/configs.rs"]
mod configs;
#[path = "integration/deaths.rs"]
mod deaths;
#[path = "integration/docs.rs"]
mod docs;
#[path = "integration/ejecting.rs"]
mod ejecting;
#[path = "integration/exit_codes.rs"]
mod exit_codes;
#[path = "integration/faults.rs"]
mod faults;
#[cfg(unix)]
#[path = "integration/install.rs"]
mod install;
#[path = "integration/knative.rs"]
mod knative;
#[path = "integration/meshes.rs"]
mod meshes;
#[path = "integration/metrics.rs"]
mod metrics;
#[path = "integration/queueing.rs"]
mod queueing;
#[path = "integration/quiet.rs"]
mod quiet;
#[path = "integration/rbac.rs"]
mod rbac;
#[path = "integration/readme.rs"]
mod readme;
#[path = "integration/scenarios.rs"]
mod scenarios;
#[cfg(unix)]
#[path = "integration/serve.rs"]
mod serve;
mod specs;
#[path = "integration/strategies.rs"]
mod strategies;
mod support;
#[path = "integration/targets.rs"]
mod targets;
#[cfg(unix)]
#[path = "integration/terminal.rs"]
mod terminal;
#[cfg(unix)]
#[path = "integration/tour.rs"]
mod tour;
