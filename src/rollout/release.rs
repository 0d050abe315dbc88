//! What of a spec this release drives. Everything else is refused by name before anything moves.

use crate::canary::reference::TargetKind;
use crate::canary::spec::Canary;
use crate::canary::spec::Strategy;

/// A part of the spec that has to wait for a later release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotYet {
    /// JSON pointer of it.
    pub pointer: &'static str,
    /// What it asks for.
    pub feature: &'static str,
}

/// All parts of the spec that this release does not drive.
#[must_use]
pub fn not_yet(canary: &Canary) -> Vec<NotYet> {
    let analysis = &canary.analysis;
    let (iterations, iterated) = match canary.strategy() {
        Strategy::Canary => (false, ""),
        Strategy::AbTesting => (true, "A/B testing"),
        Strategy::BlueGreen => (true, "Blue/Green"),
    };
    let (target, kind) = match canary.target.kind {
        TargetKind::Deployment | TargetKind::DaemonSet | TargetKind::Service => (false, ""),
        TargetKind::KnativeService => (true, "a Knative target"),
    };
    let rows = [
        (target, "/spec/targetRef/kind", kind),
        (iterations, "/spec/analysis/iterations", iterated),
        (analysis.mirror, "/spec/analysis/mirror", "mirroring"),
        (
            !analysis.matches.is_empty() && !iterations,
            "/spec/analysis/match",
            "matches",
        ),
        (
            analysis.session_affinity.is_some(),
            "/spec/analysis/sessionAffinity",
            "session affinity",
        ),
        (
            !analysis.webhooks.is_empty(),
            "/spec/analysis/webhooks",
            "webhooks",
        ),
        (
            !analysis.alerts.is_empty(),
            "/spec/analysis/alerts",
            "alerts",
        ),
    ];
    rows.into_iter()
        .filter(|(asked, _, _)| *asked)
        .map(|(_, pointer, feature)| NotYet { pointer, feature })
        .collect()
}
