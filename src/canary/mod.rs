//! The words: Canary, MetricTemplate and AlertProvider of `flagger.app/v1beta1` as types with units, and the rules
//! that make them valid.
//!
//! Must not wait, read or write.

pub mod alert;
pub mod alert_provider;
pub mod analysis;
pub mod answer;
pub mod capabilities;
pub mod duration;
mod envelope;
mod fields;
pub mod holder;
pub mod hook;
pub mod http;
pub mod http_match;
pub mod load;
mod lookup;
pub mod metadata;
pub mod metric;
pub mod metric_template;
pub mod name;
pub mod namespaces;
mod node;
pub mod object;
pub mod phase;
pub mod problem;
pub mod provider;
mod reader;
pub mod reference;
pub mod routing;
pub mod service;
pub mod session_affinity;
mod shape;
mod sink;
pub mod source;
pub mod spec;
pub mod status;
pub mod validate;
pub mod webhook;
pub mod weight;
pub mod yaml;
pub mod yaml_error;
