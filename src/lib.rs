//! `kubectl flagger`: drives one Flagger canary to its end, without a controller.
#![doc = include_str!("../docs/architecture.md")]

pub mod alerts;
pub mod canary;
pub mod cli;
pub mod clock;
pub mod controller;
pub mod error;
pub mod git;
pub mod kubernetes;
pub mod metrics;
pub mod os;
pub mod port;
pub mod rollout;
pub mod router;
pub mod sandbox;
pub mod transport;
pub mod ui;
