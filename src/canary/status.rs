//! A Canary's status, by Flagger's field names: what `kubectl get canaries` and the status branch show.

use crate::canary::phase::Phase;
use crate::canary::weight::Weight;
use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;
use std::collections::BTreeMap;

/// `status` of a `flagger.app/v1beta1` Canary.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CanaryStatus {
    /// Where the rollout stands.
    pub phase: Phase,
    /// Failed checks of this analysis; never falls within one.
    #[serde(default)]
    pub failed_checks: u32,
    /// Share of the canary as the route says, percent.
    #[serde(default)]
    pub canary_weight: Weight,
    /// Finished iterations of A/B and Blue/Green; -1 is a value Flagger writes.
    #[serde(default)]
    pub iterations: i32,
    /// `configmap/NAME` or `secret/NAME` to the checksum of its data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracked_configs: Option<BTreeMap<String, String>>,
    /// The cookie that the canary's users had before, which is being taken back: `NAME=VALUE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_session_affinity_cookie: Option<String>,
    /// The cookie that keeps users on the canary: `NAME=VALUE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_affinity_cookie: Option<String>,
    /// The cookie that keeps users on the primary: `NAME=VALUE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_session_affinity_cookie: Option<String>,
    /// When this status was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_transition_time: Option<Timestamp>,
    /// At most one, of type `Promoted`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// The condition `Promoted`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Always `Promoted`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// The name of the phase.
    pub reason: String,
    /// A sentence for people.
    #[serde(default)]
    pub message: String,
    /// When anything of it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_update_time: Option<Timestamp>,
    /// When its status changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_transition_time: Option<Timestamp>,
}
