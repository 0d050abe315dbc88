//! A second route object beside the user's own: what is taken over from it.
//!
//! The user's own is read and never written. Must not know an annotation of any router.

use crate::canary::metadata::copied;
use crate::canary::metadata::entries;
use crate::canary::object::ObjectRef;
use crate::router::Facts;
use crate::router::RouteError;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

/// By these Argo CD tells what it has applied: a copy that carries them is pruned.
const TRACKING: [&str; 3] = [
    "app.kubernetes.io/instance",
    "argocd.argoproj.io/instance",
    "argocd.argoproj.io/tracking-id",
];

/// Name, labels and annotations of a copy.
pub(super) fn metadata(source: &Value, address: &ObjectRef) -> Value {
    let kept = |field| {
        let mut kept = copied(entries(source, field));
        kept.retain(|key, _| !TRACKING.contains(&key.as_str()));
        kept
    };
    let (labels, annotations): (Map<_, _>, Map<_, _>) = (kept("labels"), kept("annotations"));
    json!({"name": address.name, "namespace": address.namespace, "labels": labels, "annotations": annotations})
}

/// The user's own object, which the route cannot be made without.
pub(super) fn source<'a>(
    facts: &'a Facts,
    address: &ObjectRef,
    route: &ObjectRef,
) -> Result<&'a Value, RouteError> {
    facts.get(address).ok_or_else(|| RouteError::Missing {
        object: route.to_string(),
        what: address.to_string(),
    })
}

/// Path of an annotation in a JSON Patch.
pub(super) fn annotation(key: &str) -> String {
    format!(
        "/metadata/annotations/{}",
        key.replace('~', "~0").replace('/', "~1")
    )
}

/// Operations that give annotations these values.
pub(super) fn annotated(live: &Value, wanted: &Map<String, Value>) -> Vec<Value> {
    let found = entries(live, "annotations");
    let mut operations = Vec::new();
    if live.pointer("/metadata/annotations").is_none() {
        operations.push(json!({"op": "add", "path": "/metadata/annotations", "value": {}}));
    }
    let differing = wanted
        .iter()
        .filter(|(key, value)| found.get(*key) != Some(value));
    operations.extend(
        differing.map(|(key, value)| json!({"op": "add", "path": annotation(key), "value": value})),
    );
    operations
}
