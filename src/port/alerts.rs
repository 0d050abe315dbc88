//! Alerts, and events for those who listen. They are posted beside the rollout, which never waits for them.

use crate::port::Job;
use serde::Deserialize;
use serde::Serialize;

/// What a receiver did not get.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// Its name, as people know it.
    pub receiver: String,
    /// How many messages.
    pub count: usize,
    /// Why the last of them did not arrive.
    pub why: String,
}

/// Knows what became of them.
pub trait Alerts {
    /// Waits a moment, at the end of a run, for what is still on its way; then says what was lost, each loss once.
    fn settle(&self) -> Job<'_, Vec<Lost>>;
}
