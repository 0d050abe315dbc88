//! `kubectl flagger`: drives one Flagger canary to its end, without a controller.

pub mod canary;
pub mod clock;
pub mod kubernetes;
pub mod os;
pub mod port;
pub mod rollout;
pub mod sandbox;
pub mod transport;
