//! What was asked for, fixed for the whole run: the spec's numbers and the operator's options.

use crate::canary::spec::Canary;
use crate::canary::weight::Weight;
use crate::rollout::analysis::metric_checks;
use crate::rollout::weights::Ladder;
use jiff::SignedDuration;
use jiff::Timestamp;

/// When things happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// As soon as they can: an interval is the soak of a weight, nothing else waits.
    Event,
    /// On Flagger's ticks, for comparison.
    Grid,
}

/// The plan of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The weights of the way up.
    pub ladder: Ladder,
    /// Step of the way back to the primary after promotion; zero moves everything at once.
    pub promotion_step: Weight,
    /// Soak of a weight, and time between looks.
    pub interval: SignedDuration,
    /// Failed checks that roll back; at least 1.
    pub threshold: u32,
    /// How long a workload may take to become ready.
    pub progress_deadline: SignedDuration,
    /// Percent of the primary's pods that must be available.
    pub primary_ready_percent: u32,
    /// Percent of the canary's pods that must be available.
    pub canary_ready_percent: u32,
    /// Number of questions to metrics.
    pub metrics: usize,
    /// How long pods stay after their weight became 0.
    pub drain: SignedDuration,
    /// When things happen.
    pub timing: Timing,
    /// Drive a rejected revision again?
    pub retry: bool,
    /// Promote as soon as the canary is ready, unanalysed?
    pub skip_analysis: bool,
    /// When the run must be over.
    pub deadline: Option<Timestamp>,
}

/// What the operator decides beside the spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanOptions {
    /// When things happen.
    pub timing: Timing,
    /// How long pods stay after their weight became 0.
    pub drain: SignedDuration,
    /// Drive a rejected revision again?
    pub retry: bool,
}

impl Plan {
    /// The plan of a weighted canary; `None` where its steps never get anywhere.
    #[must_use]
    pub fn of(canary: &Canary, options: PlanOptions) -> Option<Self> {
        let analysis = &canary.analysis;
        let percent = |weight: Weight| u32::from(weight.percent());
        let ladder = match analysis.step_weight {
            Some(step) => Ladder::linear(percent(step), percent(canary.max_weight())),
            None => Ladder::explicit(
                &analysis
                    .step_weights
                    .iter()
                    .copied()
                    .map(percent)
                    .collect::<Vec<_>>(),
            ),
        };
        let signed = |duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        Some(Self {
            ladder: ladder?,
            promotion_step: analysis.step_weight_promotion,
            interval: signed(canary.interval()),
            threshold: canary.threshold(),
            progress_deadline: signed(canary.progress_deadline()),
            primary_ready_percent: percent(canary.primary_ready_threshold()),
            canary_ready_percent: percent(canary.canary_ready_threshold()),
            metrics: metric_checks(&analysis.metrics).len(),
            drain: options.drain,
            timing: options.timing,
            retry: options.retry,
            skip_analysis: canary.skip_analysis,
            deadline: None,
        })
    }

    /// How long a run may take that nobody gave a `--timeout`: twice what all looks and both rollouts can take.
    #[must_use]
    pub fn default_timeout(&self) -> SignedDuration {
        let looks = i32::try_from(self.ladder.steps().len()).unwrap_or(i32::MAX);
        let threshold = i32::try_from(self.threshold).unwrap_or(i32::MAX);
        self.interval
            .saturating_mul(looks.saturating_add(threshold).saturating_mul(2))
            .saturating_add(self.progress_deadline.saturating_mul(2))
    }

    /// About how long the way up takes when every check passes, without pod starts.
    #[must_use]
    pub fn estimate(&self) -> SignedDuration {
        let looks = i32::try_from(self.ladder.steps().len()).unwrap_or(i32::MAX);
        match self.timing {
            Timing::Event => self.interval.saturating_mul(looks),
            Timing::Grid => self.interval.saturating_mul(looks.saturating_add(3)),
        }
    }
}
