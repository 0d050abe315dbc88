//! `kubectl flagger`: drives one Flagger canary to its end, without a controller.

pub mod canary;
pub mod clock;
pub mod kubernetes;
pub mod metrics;
pub mod git;
pub mod os;
pub mod cli;
pub mod error;
pub mod port;
pub mod rollout;
pub mod router;
pub mod sandbox;
pub mod ui;
