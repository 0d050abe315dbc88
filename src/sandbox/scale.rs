//! The scale subresource: `autoscaling/v1` Scale of a workload.

use crate::sandbox::tree;
use serde_json::Value;
use serde_json::json;

/// A workload's Scale.
pub(super) fn of(object: &Value) -> Value {
    let mut metadata = json!({});
    for name in [
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "creationTimestamp",
    ] {
        if let Some(value) = object
            .get("metadata")
            .and_then(|metadata| metadata.get(name))
        {
            tree::set(&mut metadata, &[name], value.clone());
        }
    }
    let selector: Vec<String> = object
        .pointer("/spec/selector/matchLabels")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
        .collect();
    json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": metadata,
        "spec": {"replicas": tree::int(object, "/spec/replicas").unwrap_or(0)},
        "status": {
            "replicas": tree::int(object, "/status/replicas").unwrap_or(0),
            "selector": selector.join(","),
        },
    })
}

/// The merge patch that brings a workload to a Scale, in the version it was read at.
pub(super) fn change(scale: &Value) -> Value {
    let replicas = tree::int(scale, "/spec/replicas").unwrap_or(0);
    let mut patch = json!({"spec": {"replicas": replicas}});
    let revision = tree::text(scale, "/metadata/resourceVersion");
    if !revision.is_empty() {
        tree::set(&mut patch, &["metadata", "resourceVersion"], revision);
    }
    patch
}
