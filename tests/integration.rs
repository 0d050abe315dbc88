//! Everything that runs the crate from outside, in one binary.

#[path = "integration/artifacts.rs"]
mod artifacts;
#[path = "integration/cli.rs"]
mod cli;
#[path = "integration/docs.rs"]
mod docs;
mod support;
