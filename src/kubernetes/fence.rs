//! The guard of every write to an existing object: the same incarnation and version that was read, no newer driver,
//! and our marks in the same patch as the change.
//!
//! Works on JSON values only; must not ask a cluster.

use crate::canary::metadata::CANARY;
use crate::canary::metadata::EPOCH;
use crate::canary::metadata::INTENT;
use crate::canary::metadata::RUN;
use crate::canary::metadata::SEQ;
use crate::canary::metadata::entries;
use crate::port::cluster::Fence;
use crate::port::cluster::WorkloadError;
use serde_json::Value;
use serde_json::json;

/// Epoch on an object; 0 where no driver wrote it.
#[must_use]
pub fn epoch(object: &Value) -> u64 {
    let annotations = entries(object, "annotations");
    annotations
        .get(EPOCH)
        .and_then(Value::as_str)
        .and_then(|epoch| epoch.parse().ok())
        .unwrap_or(0)
}

/// The marks of a write, as annotations.
#[must_use]
pub fn marks(fence: &Fence, canary: &str) -> Vec<(&'static str, String)> {
    vec![
        (CANARY, canary.to_owned()),
        (RUN, fence.run.clone()),
        (EPOCH, fence.epoch.to_string()),
        (SEQ, fence.seq.to_string()),
    ]
}

/// Adds the marks to a manifest that is going to be created.
pub fn mark(manifest: &mut Value, fence: &Fence, canary: &str) {
    let mut annotations = entries(manifest, "annotations");
    for (key, value) in marks(fence, canary) {
        annotations.insert(key.to_owned(), value.into());
    }
    manifest["metadata"]["annotations"] = annotations.into();
}

/// Is this object free, or this canary's? `kind` such as `deployment`; `canary` is `NAMESPACE/NAME`.
///
/// # Errors
/// [`WorkloadError::Unusable`] where it is another canary's.
pub fn owned(object: &Value, kind: &str, canary: &str) -> Result<(), WorkloadError> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    check_owner(object, &format!("{kind}/{name}"), canary)
}

fn check_owner(object: &Value, what: &str, canary: &str) -> Result<(), WorkloadError> {
    let annotations = entries(object, "annotations");
    let owner = annotations.get(CANARY).and_then(Value::as_str);
    match owner.filter(|owner| *owner != canary) {
        None => Ok(()),
        Some(owner) => Err(WorkloadError::Unusable {
            object: what.to_owned(),
            why: format!("it belongs to the canary {owner}"),
            help: format!(
                "give {canary} objects of its own, or take the annotation {CANARY} off if {owner} is gone"
            ),
        }),
    }
}

/// A JSON Patch of those operations on that object, guarded. `intent` stands on a route while a way back is under
/// way; `canary` is `NAMESPACE/NAME`.
///
/// # Errors
/// [`WorkloadError::Superseded`] where a newer driver wrote it, [`WorkloadError::Unusable`] where another canary's did.
pub fn guarded(
    object: &Value,
    what: &str,
    fence: &Fence,
    canary: &str,
    intent: Option<&str>,
    operations: Vec<Value>,
) -> Result<Value, WorkloadError> {
    let theirs = epoch(object);
    if theirs > fence.epoch {
        return Err(WorkloadError::Superseded {
            object: what.to_owned(),
            theirs,
            ours: fence.epoch,
        });
    }
    let annotations = entries(object, "annotations");
    check_owner(object, what, canary)?;
    let metadata = &object["metadata"];
    let mut patch = vec![
        json!({"op": "test", "path": "/metadata/uid", "value": metadata["uid"]}),
        json!({"op": "replace", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]}),
    ];
    if let Some(epoch) = annotations.get(EPOCH) {
        patch.push(json!({"op": "test", "path": annotation(EPOCH), "value": epoch}));
    }
    patch.extend(operations);
    // After the operations, which may replace the annotations as a whole.
    let replaced = patch
        .iter()
        .any(|operation| operation["path"] == "/metadata/annotations");
    if metadata.get("annotations").is_none() && !replaced {
        patch.push(json!({"op": "add", "path": "/metadata/annotations", "value": {}}));
    }
    for (key, value) in marks(fence, canary) {
        patch.push(json!({"op": "add", "path": annotation(key), "value": value}));
    }
    match intent {
        Some(intent) => {
            patch.push(json!({"op": "add", "path": annotation(INTENT), "value": intent}));
        }
        None if annotations.contains_key(INTENT) => {
            patch.push(json!({"op": "remove", "path": annotation(INTENT)}));
        }
        None => {}
    }
    Ok(patch.into())
}

fn annotation(key: &str) -> String {
    format!(
        "/metadata/annotations/{}",
        key.replace('~', "~0").replace('/', "~1")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fence() -> Fence {
        Fence {
            run: "01RUN".to_owned(),
            epoch: 3,
            seq: 7,
        }
    }

    fn applied(object: &Value, operations: Vec<Value>) -> Value {
        let patch = guarded(object, "x", &fence(), "test/podinfo", None, operations).unwrap();
        let patch: json_patch::Patch = serde_json::from_value(patch).unwrap();
        let mut object = object.clone();
        json_patch::patch(&mut object, &patch).unwrap();
        object
    }

    #[test]
    fn a_write_carries_its_marks_and_is_bound_to_what_was_read() {
        let object =
            json!({"metadata": {"uid": "u", "resourceVersion": "9"}, "spec": {"replicas": 1}});
        let after = applied(
            &object,
            vec![json!({"op": "replace", "path": "/spec/replicas", "value": 2})],
        );
        assert_eq!(after["metadata"]["annotations"][EPOCH], "3");
        assert_eq!(after["metadata"]["annotations"][CANARY], "test/podinfo");
        assert_eq!(after["spec"]["replicas"], 2);
    }

    #[test]
    fn annotations_replaced_as_a_whole_still_carry_the_marks() {
        let object =
            json!({"metadata": {"uid": "u", "resourceVersion": "9", "annotations": {"a": "b"}}});
        let wipe = json!({"op": "add", "path": "/metadata/annotations", "value": {}});
        assert_eq!(
            applied(&object, vec![wipe])["metadata"]["annotations"][RUN],
            "01RUN"
        );
    }

    #[test]
    fn a_newer_driver_stops_us() {
        let object =
            json!({"metadata": {"uid": "u", "resourceVersion": "9", "annotations": {EPOCH: "4"}}});
        let refused = guarded(&object, "x", &fence(), "test/podinfo", None, Vec::new());
        assert!(matches!(
            refused,
            Err(WorkloadError::Superseded {
                theirs: 4,
                ours: 3,
                ..
            })
        ));
    }

    #[test]
    fn an_object_of_another_canary_is_left_alone() {
        let object = json!({"metadata": {"uid": "u", "resourceVersion": "9", "annotations": {CANARY: "test/other"}}});
        let refused = guarded(&object, "x", &fence(), "test/podinfo", None, Vec::new());
        assert!(matches!(refused, Err(WorkloadError::Unusable { .. })));
    }

    #[test]
    fn an_intent_goes_with_the_next_write() {
        let object = json!({"metadata": {"uid": "u", "resourceVersion": "9", "annotations": {INTENT: "rollback/x/1"}}});
        assert_eq!(
            applied(&object, Vec::new())["metadata"]["annotations"].get(INTENT),
            None
        );
    }
}
