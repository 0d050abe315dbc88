//! `kubectl flagger`: drives one Flagger canary to its end, without a controller.

pub mod canary;
pub mod port;
pub mod rollout;
pub mod sandbox;
pub mod ui;
