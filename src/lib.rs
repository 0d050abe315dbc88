//! `kubectl flagger`: drives one Flagger canary to its end, without a controller.
#![doc = include_str!("../docs/architecture.md")]

pub mod canary;
pub mod cli;
pub mod error;
pub mod port;
pub mod rollout;
pub mod sandbox;
