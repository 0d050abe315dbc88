//! Answers of metrics.

use crate::canary::answer::Answer;
use crate::port::Job;
use crate::port::transport::TransportError;

/// What a backend said, and what it was asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// The query as it was sent.
    pub query: String,
    /// What came back; no answer at all is an answer too.
    pub answer: Answer,
}

/// Asks metrics.
pub trait MetricSource {
    /// The check at that place of all, of the analysed revision.
    fn ask<'a>(&'a self, check: usize, revision: &'a str) -> Job<'a, Answered>;
    /// Does every backend answer? Asked once, before anything moves.
    fn probe(&self) -> Job<'_, Result<(), TransportError>>;
}
