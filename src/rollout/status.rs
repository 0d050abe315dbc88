//! The only memory of a run: what the run record keeps, and what [`crate::rollout::step::step`] needs to go on.

use crate::canary::phase::Phase;
use crate::canary::status::CanaryStatus;
use crate::canary::weight::Routes;
use crate::canary::weight::Weight;
use crate::rollout::decision::Cause;
use crate::rollout::decision::Outcome;
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
    /// Does the canary get a copy of the traffic?
    #[serde(default)]
    pub mirrored: bool,
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
    /// Until when they may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_until: Option<Timestamp>,
    /// Hooks that have passed at this look, by their place in the spec: a driver that takes over asks only the others.
    #[serde(default)]
    pub answered: Vec<usize>,
    /// The gate that holds the run.
    #[serde(default)]
    pub gate: Option<Closed>,
    /// Hooks that need not be asked before the next step, because a person has opened their gates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approved: Vec<Approved>,
    /// When the closed gate is asked again, between two looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate_due: Option<Timestamp>,
    /// Since when looks have come to nothing, because there was nothing to judge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blind_since: Option<Timestamp>,
    /// Who wants this revision promoted without looking any further.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<Asked>,
    /// Everything is done but the `post-rollout` hooks.
    #[serde(default)]
    pub closing: Option<Outcome>,
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

/// A gate that did not open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// The hook's name.
    pub name: String,
    /// Its type, such as `confirm-promotion`.
    #[serde(default)]
    pub kind: String,
    /// Since when.
    pub since: Timestamp,
}

/// A gate that a person opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approved {
    /// Place of its hook in the spec.
    pub hook: usize,
    /// Who opened it.
    #[serde(flatten)]
    pub asked: Asked,
}

/// Who asked for something, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Such as `alice@mbp/4711`.
    pub by: String,
    /// When the driver heard it.
    pub at: Timestamp,
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

    /// The routes as we last wrote them.
    #[must_use]
    pub const fn routes(&self) -> Routes {
        Routes {
            canary: self.canary.canary_weight,
            mirrored: self.mirrored,
        }
    }

    /// Has the canary had traffic, or a look, in this analysis?
    #[must_use]
    pub fn is_begun(&self) -> bool {
        self.routes() != Routes::PRIMARY || self.canary.iterations > 0
    }

    /// Need that hook not be asked, because a person has opened its gate?
    #[must_use]
    pub fn is_approved(&self, hook: usize) -> bool {
        self.approved.iter().any(|one| one.hook == hook)
    }

    /// Does the run's time go on? Not while a person or a gate holds it.
    #[must_use]
    pub const fn time_counts(&self) -> bool {
        self.paused_since.is_none() && self.gate.is_none()
    }

    /// Called once written routes were acknowledged: the soak begins, where there is anything to soak.
    pub fn acknowledge(&mut self, at: Timestamp, interval: SignedDuration) {
        self.weight_since = Some(at);
        self.look_after(at, interval);
        if !self.is_begun() {
            self.next_check = None;
        }
    }

    /// The next look is an interval away.
    pub(super) fn look_after(&mut self, at: Timestamp, interval: SignedDuration) {
        self.next_check = Some(at.checked_add(interval).unwrap_or(Timestamp::MAX));
        self.passed = false;
        self.answered.clear();
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
