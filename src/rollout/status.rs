//! The only memory of a run: what the run record keeps, and what [`crate::rollout::step::step`] needs to go on.

use crate::canary::phase::Phase;
use crate::canary::status::CanaryStatus;
use crate::canary::weight::Weight;
use crate::rollout::decision::Cause;
use jiff::SignedDuration;
use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;

/// Flagger's status of the canary and what it does not keep: deadlines and the way out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// What `kubectl get canaries` shows.
    pub canary: CanaryStatus,
    /// The revision being analysed.
    #[serde(default)]
    pub revision: String,
    /// When the present phase began.
    #[serde(default)]
    pub phase_since: Option<Timestamp>,
    /// When the present weight was acknowledged, or known to be in effect.
    #[serde(default)]
    pub weight_since: Option<Timestamp>,
    /// When to look next; a look before that asks no check.
    #[serde(default)]
    pub next_check: Option<Timestamp>,
    /// Did this weight pass its checks, so that only pods are missing for the next one?
    #[serde(default)]
    pub passed: bool,
    /// Since when the present step waits for pods.
    #[serde(default)]
    pub waiting_since: Option<Timestamp>,
    /// May nobody ask for the pods that a share needs, so that it is not waited for them?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub capacity_refused: bool,
    /// Since when a person holds the weight where it is; checks go on.
    #[serde(default)]
    pub paused_since: Option<Timestamp>,
    /// Times that someone else moved the weight.
    #[serde(default)]
    pub drifts: u32,
    /// The primary's generation whose template is the promoted one.
    #[serde(default)]
    pub promoted_generation: Option<i64>,
    /// The run is being ended on the old version: only drain and scale-down are left.
    #[serde(default)]
    pub ending: Option<Cause>,
    /// The revision that was rejected last, and why.
    #[serde(default)]
    pub rejected: Option<Rejected>,
    /// Did a promotion fail, so that users are on the target?
    #[serde(default)]
    pub promotion_failed: bool,
}

/// A revision that is not driven again unasked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// Its hash.
    pub revision: String,
    /// Why it was rolled back.
    pub cause: Cause,
}

impl Status {
    /// The phase.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.canary.phase
    }

    /// Share of the canary as we last wrote it, percent.
    #[must_use]
    pub const fn weight(&self) -> Weight {
        self.canary.canary_weight
    }

    /// Called once a written weight was acknowledged: the soak begins.
    pub fn acknowledge(&mut self, at: Timestamp, interval: SignedDuration) {
        self.weight_since = Some(at);
        self.next_check = Some(at.checked_add(interval).unwrap_or(Timestamp::MAX));
        self.passed = false;
    }

    /// Moves to a phase, with its clock.
    pub(super) fn enter(&mut self, phase: Phase, at: Timestamp) {
        if self.canary.phase != phase {
            self.canary.phase = phase;
            self.phase_since = Some(at);
            self.waiting_since = None;
        }
    }
}
