//! Answers of metrics.

use crate::port::Job;
use crate::port::transport::TransportError;
use crate::rollout::decision::CheckResult;

/// Asks metrics. A backend that does not answer is a result, not an error.
pub trait MetricSource {
    /// The metric at that place of `analysis.metrics`.
    fn ask(&self, metric: usize) -> Job<'_, CheckResult>;
    /// Does every backend answer? Asked once, before anything moves.
    fn probe(&self) -> Job<'_, Result<(), TransportError>>;
}
