//! What of a spec this release drives. Everything else is refused by name before anything moves.

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
    let rows = [(
        !analysis.matches.is_empty() && canary.strategy() == Strategy::Canary,
        "/spec/analysis/match",
        "matches",
    )];
    rows.into_iter()
        .filter(|(asked, _, _)| *asked)
        .map(|(_, pointer, feature)| NotYet { pointer, feature })
        .collect()
}
