//! Everything that runs the crate from outside, in one binary.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its files has failed"
)]

#[path = "integration/artifacts.rs"]
mod artifacts;
#[path = "integration/cli.rs"]
mod cli;
#[path = "integration/deaths.rs"]
mod deaths;
#[path = "integration/docs.rs"]
mod docs;
#[path = "integration/faults.rs"]
mod faults;
#[cfg(unix)]
#[path = "integration/install.rs"]
mod install;
#[path = "integration/scenarios.rs"]
mod scenarios;
mod specs;
mod support;
