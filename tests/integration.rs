//! Everything that runs the crate from outside, in one binary.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot read its files has failed"
)]

#[path = "integration/artifacts.rs"]
mod artifacts;
#[path = "integration/cli.rs"]
mod cli;
#[path = "integration/docs.rs"]
mod docs;
#[cfg(unix)]
#[path = "integration/install.rs"]
mod install;
#[cfg(unix)]
#[path = "integration/serve.rs"]
mod serve;
mod specs;
mod support;
#[cfg(unix)]
#[path = "integration/tour.rs"]
mod tour;
