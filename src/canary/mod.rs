//! The words: Canary, MetricTemplate and AlertProvider of `flagger.app/v1beta1` as types with units, and the rules
//! that make them valid.
//!
//! Must not wait, read or write.

pub mod holder;
pub mod object;
pub mod phase;
pub mod source;
pub mod status;
pub mod weight;
