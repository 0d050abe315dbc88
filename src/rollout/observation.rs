//! What the driver saw at one wake-up.

use crate::canary::weight::Proof;
use crate::canary::weight::Routes;
use crate::rollout::event::Signal;
use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;
use std::collections::BTreeMap;

/// A Deployment, reduced to what readiness depends on. Counts are pods.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workload {
    /// `metadata.generation`.
    pub generation: i64,
    /// `status.observedGeneration`.
    pub observed_generation: i64,
    /// `spec.replicas`.
    pub desired: u32,
    /// `status.replicas`.
    pub replicas: u32,
    /// `status.updatedReplicas`.
    pub updated: u32,
    /// `status.readyReplicas`.
    pub ready: u32,
    /// `status.availableReplicas`.
    pub available: u32,
    /// Does the condition `Progressing` say `ProgressDeadlineExceeded`?
    pub deadline_exceeded: bool,
    /// Since when the condition `Available` says `MinimumReplicasUnavailable`.
    pub unavailable_since: Option<Timestamp>,
    /// The images of its containers, for people.
    pub images: Vec<String>,
}

/// What an operator or the system asks of the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Stop, and put the traffic right.
    Interrupt(Signal),
    /// Stop, and leave the weight where it is.
    Hold(Signal),
    /// As an interrupt, and leave as soon as the traffic is right, without drain and scale-down.
    Leave(Signal),
    /// Go back now: asked by a person.
    Abort,
    /// Go back now: something the run needs was lost for good.
    Lost,
}

/// Everything [`crate::rollout::step::step`] may know of the world.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// When it was seen.
    pub at: Timestamp,
    /// The target: the canary, while a rollout runs.
    pub canary: Workload,
    /// Our copy; absent before the first bootstrap.
    pub primary: Option<Workload>,
    /// Hash of the target's pod template and tracked configs.
    pub revision: String,
    /// Does the primary run what the target asks for?
    pub primary_is_current: bool,
    /// Do the canary and primary services exist as wanted?
    pub services_exist: bool,
    /// Does the apex service select the primary?
    pub apex_on_primary: bool,
    /// The weights, as the route object says; absent where there is none.
    pub routes: Option<Routes>,
    /// Are they in effect?
    pub proof: Proof,
    /// `configmap/NAME` or `secret/NAME` to the checksum of its data.
    pub tracked_configs: Option<BTreeMap<String, String>>,
    /// What was asked of the driver.
    pub request: Option<Request>,
}
