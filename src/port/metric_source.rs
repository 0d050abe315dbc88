//! Answers of metrics.

use crate::port::Job;
use crate::rollout::decision::CheckResult;

/// Asks metrics. A backend that does not answer is a result, not an error.
pub trait MetricSource {
    /// The metric at that place of `analysis.metrics`.
    fn ask(&self, metric: usize) -> Job<'_, CheckResult>;
}
