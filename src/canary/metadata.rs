//! Labels and annotations: which of the user's are copied, and which are ours.
//!
//! Works on JSON values only.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

/// Label on everything we create.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Its value: what we own, and our name as field manager.
pub const MANAGER: &str = "flagger-driver";
/// Prefix of all annotations of ours.
pub const OURS: &str = "flagger-driver/";
/// On objects of one canary: `NAMESPACE/NAME`.
pub const CANARY: &str = "flagger-driver/canary";
/// The run that wrote last.
pub const RUN: &str = "flagger-driver/run";
/// Generation of the driver that wrote last.
pub const EPOCH: &str = "flagger-driver/epoch";
/// Transition of the run that wrote last.
pub const SEQ: &str = "flagger-driver/seq";
/// A way back that was begun: `rollback/RUN/SEQ`.
pub const INTENT: &str = "flagger-driver/intent";
/// On a route or an apex service that was there before us: its spec as it was, JSON.
pub const ORIGINAL: &str = "flagger-driver/original";
/// On a Knative Service: the revision that serves the users outside rollouts. Flagger's.
pub const PRIMARY_REVISION: &str = "flagger.app/primary-revision";
/// On a Knative Service: the revision that is analysed, or was analysed last.
pub const ANALYSED_REVISION: &str = "flagger-driver/analysed-revision";
/// On the primary's pods: a new value at each promotion, as Flagger writes it.
pub const FLAGGER_ID: &str = "flagger-id";

/// Part of the keys by which Flux marks what it manages.
const TOOLKIT: &str = "toolkit.fluxcd.io";
/// Annotations about another object than the copy.
const NEVER_COPIED: [&str; 3] = [
    "deprecated.daemonset.template.generation",
    "kubectl.kubernetes.io/last-applied-configuration",
    "deployment.kubernetes.io/revision",
];

/// Keeps Flux away from objects that we create.
#[must_use]
pub fn flux_opt_out() -> Map<String, Value> {
    let mut annotations = Map::new();
    annotations.insert(
        "kustomize.toolkit.fluxcd.io/reconcile".to_owned(),
        json!("disabled"),
    );
    annotations.insert(
        "helm.toolkit.fluxcd.io/driftDetection".to_owned(),
        json!("disabled"),
    );
    annotations
}

/// Labels or annotations of an object, by field name; empty where there are none.
#[must_use]
pub fn entries(object: &Value, field: &str) -> Map<String, Value> {
    object
        .pointer(&format!("/metadata/{field}"))
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default()
}

/// Without the marks of Flux and ours.
#[must_use]
pub fn copied(mut entries: Map<String, Value>) -> Map<String, Value> {
    entries.retain(|key, _| {
        !key.contains(TOOLKIT) && !key.starts_with(OURS) && !NEVER_COPIED.contains(&key.as_str())
    });
    entries
}

/// Only the keys with one of the prefixes; `*` stands for all, no prefix for none.
#[must_use]
pub fn with_prefix(entries: Map<String, Value>, prefixes: &[String]) -> Map<String, Value> {
    let mut entries = copied(entries);
    entries.retain(|key, _| {
        prefixes
            .iter()
            .any(|prefix| prefix == "*" || (!prefix.is_empty() && key.starts_with(prefix.as_str())))
    });
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(entries: &Map<String, Value>) -> Vec<&str> {
        entries.keys().map(String::as_str).collect()
    }

    #[test]
    fn marks_of_flux_are_not_copied() {
        let object =
            json!({"metadata": {"labels": {"app": "a", "kustomize.toolkit.fluxcd.io/name": "x"}}});
        assert_eq!(keys(&copied(entries(&object, "labels"))), ["app"]);
    }

    #[test]
    fn prefixes_choose_and_a_star_takes_all() {
        let object = json!({"metadata": {"labels": {"app": "a", "team": "t"}}});
        let labels = || entries(&object, "labels");
        assert!(with_prefix(labels(), &[]).is_empty());
        assert_eq!(keys(&with_prefix(labels(), &["te".to_owned()])), ["team"]);
        assert_eq!(
            keys(&with_prefix(labels(), &["*".to_owned()])),
            ["app", "team"]
        );
    }
}
