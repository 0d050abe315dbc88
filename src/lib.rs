//! `kubectl flagger`: drives one Flagger canary to its end, without a controller.

pub mod canary;
pub mod cli;
pub mod error;
pub mod port;
pub mod rollout;
pub mod sandbox;
