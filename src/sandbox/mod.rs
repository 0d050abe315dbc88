//! A cluster inside the process: it stores and answers, and knows nothing of canaries.

pub mod dataplane;
pub mod objects;
mod placed;
pub mod prometheus;
pub mod promql;
pub mod scenario;
pub mod scripted;
pub mod traffic;
