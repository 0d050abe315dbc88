//! Autoscalers: what the primary's copy looks like, how the target's rests while the target has no pods, and how a
//! minimum is raised for a run. Every edit of an object of the user's keeps what it replaces on the object itself, so
//! that any later process can undo it.
//!
//! Works on JSON values only; must not ask a cluster.

use crate::canary::metadata::MANAGED_BY;
use crate::canary::metadata::MANAGER;
use crate::canary::metadata::OURS;
use crate::canary::metadata::copied;
use crate::canary::metadata::entries;
use crate::canary::metadata::with_prefix;
use crate::canary::object::Resource;
use crate::canary::reference::AutoscalerKind;
use crate::canary::reference::AutoscalerRef;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

/// With `"0"` KEDA takes all pods away and leaves it at that.
const PAUSED: &str = "autoscaling.keda.sh/paused-replicas";
/// What [`PAUSED`] said before us.
const PAUSED_BEFORE: &str = "flagger-driver/paused-replicas";
/// The minimum before a run raised it, as JSON.
const MINIMUM_BEFORE: &str = "flagger-driver/min-replicas";

/// The autoscaler of a target, and how its copy for the primary differs.
pub struct Autoscaling<'a> {
    /// Which.
    pub reference: &'a AutoscalerRef,
    /// Name of the target.
    pub target: &'a str,
    /// Prefixes of labels and annotations that a promoted copy keeps.
    pub prefixes: &'a [String],
}

impl Autoscaling<'_> {
    /// Where its objects are. Whatever version of `autoscaling` a spec says, v2 is meant: others are not served any more.
    #[must_use]
    pub const fn resource(&self) -> Resource {
        match self.reference.kind {
            AutoscalerKind::HorizontalPodAutoscaler => Resource::new(
                "autoscaling",
                "v2",
                "horizontalpodautoscalers",
                "HorizontalPodAutoscaler",
            ),
            AutoscalerKind::ScaledObject => {
                Resource::new("keda.sh", "v1alpha1", "scaledobjects", "ScaledObject")
            }
        }
    }

    const fn minimum_field(&self) -> &'static str {
        match self.reference.kind {
            AutoscalerKind::HorizontalPodAutoscaler => "minReplicas",
            AutoscalerKind::ScaledObject => "minReplicaCount",
        }
    }

    const fn maximum_field(&self) -> &'static str {
        match self.reference.kind {
            AutoscalerKind::HorizontalPodAutoscaler => "maxReplicas",
            AutoscalerKind::ScaledObject => "maxReplicaCount",
        }
    }

    fn bound(live: &Value, field: &str) -> Option<u32> {
        let bound = live["spec"].get(field).and_then(Value::as_u64);
        bound.and_then(|bound| u32::try_from(bound).ok())
    }

    /// Pods that it begins with.
    #[must_use]
    pub fn first_pods(&self, live: &Value) -> u32 {
        Self::bound(live, self.minimum_field()).unwrap_or(1).max(1)
    }

    /// Does anything act on it? Its controller has said so in its status.
    #[must_use]
    pub fn acts(live: &Value) -> bool {
        let status = live.get("status").and_then(Value::as_object);
        status.is_some_and(|status| !status.is_empty())
    }

    /// The primary's autoscaler, new.
    #[must_use]
    pub fn copy(&self, live: &Value, name: &str, namespace: &str) -> Value {
        let resource = self.resource();
        let mut labels = copied(entries(live, "labels"));
        labels.insert(MANAGED_BY.to_owned(), MANAGER.into());
        let mut metadata = json!({"name": name, "namespace": namespace, "labels": labels});
        match self.reference.kind {
            AutoscalerKind::HorizontalPodAutoscaler => {}
            AutoscalerKind::ScaledObject => {
                let mut annotations = copied(entries(live, "annotations"));
                // The copy serves while the target rests.
                annotations.remove(PAUSED);
                metadata["annotations"] = annotations.into();
            }
        }
        let version = format!("{}/{}", resource.group, resource.version);
        json!({
            "apiVersion": version, "kind": resource.kind, "metadata": metadata, "spec": self.spec(live),
        })
    }

    fn spec(&self, live: &Value) -> Value {
        let mut original = live.clone();
        self.lower(&mut original);
        let mut spec = original["spec"].take();
        spec["scaleTargetRef"]["name"] = format!("{}-primary", self.target).into();
        let bounds = [
            (self.minimum_field(), self.reference.primary_min_replicas),
            (self.maximum_field(), self.reference.primary_max_replicas),
        ];
        for (field, bound) in bounds {
            if let Some(bound) = bound {
                spec[field] = bound.into();
            }
        }
        match self.reference.kind {
            AutoscalerKind::HorizontalPodAutoscaler => {}
            AutoscalerKind::ScaledObject => self.adapt(&mut spec),
        }
        spec
    }

    /// What of a ScaledObject names the target.
    fn adapt(&self, spec: &mut Value) {
        let inner = &mut spec["advanced"]["horizontalPodAutoscalerConfig"];
        if inner.is_null() {
            *inner = json!({});
        }
        if let Some(name) = inner.get("name").and_then(Value::as_str) {
            inner["name"] = format!("{name}-primary").into();
        }
        let triggers = spec.get_mut("triggers").and_then(Value::as_array_mut);
        for trigger in triggers.into_iter().flatten() {
            let name = trigger.get("name").and_then(Value::as_str);
            let given = name.and_then(|name| self.reference.primary_scaler_queries.get(name));
            let given = given.cloned();
            let Some(metadata) = trigger.get_mut("metadata").and_then(Value::as_object_mut) else {
                continue;
            };
            let query = metadata.get("query").and_then(Value::as_str);
            let query = if self.reference.primary_scaler_queries.is_empty() {
                query.map(|query| self.of_the_primary(query))
            } else {
                given
            };
            if let Some(query) = query {
                metadata.insert("query".to_owned(), query.into());
            }
        }
    }

    /// The same question about the primary.
    fn of_the_primary(&self, query: &str) -> String {
        let primary = format!("{}-primary", self.target);
        // One that asks for the primary already is left as it is.
        let parts = query.split(&primary).map(|part| {
            part.replace(&format!("{}-canary", self.target), self.target)
                .replace(self.target, &primary)
        });
        parts.collect::<Vec<String>>().join(&primary)
    }

    /// The operations by which a promoted copy follows the target's; none where it does.
    #[must_use]
    pub fn promoted(&self, live: &Value, copy: &Value) -> Vec<Value> {
        let mut wanted = copy.clone();
        self.lower(&mut wanted);
        wanted["spec"] = self.spec(live);
        match self.reference.kind {
            AutoscalerKind::HorizontalPodAutoscaler => {}
            AutoscalerKind::ScaledObject => {
                for field in ["labels", "annotations"] {
                    let mut kept = with_prefix(entries(live, field), self.prefixes);
                    let ours = entries(&wanted, field).into_iter();
                    kept.extend(ours.filter(|(key, _)| key.starts_with(OURS) || key == MANAGED_BY));
                    wanted["metadata"][field] = kept.into();
                }
            }
        }
        if let Some(raised) = entries(copy, "annotations")
            .contains_key(MINIMUM_BEFORE)
            .then(|| self.first_pods(copy))
        {
            self.raise(&mut wanted, raised);
        }
        differences(copy, &wanted)
    }

    /// The operations that raise its minimum, as far as its maximum goes, for a run.
    #[must_use]
    pub fn raised(&self, live: &Value, pods: u32) -> Vec<Value> {
        let mut wanted = live.clone();
        self.raise(&mut wanted, pods);
        differences(live, &wanted)
    }

    fn raise(&self, object: &mut Value, pods: u32) {
        let most = Self::bound(object, self.maximum_field());
        let pods = most.map_or(pods, |most| pods.min(most));
        let before = object["spec"].get(self.minimum_field()).cloned();
        if self.first_pods(object) >= pods {
            return;
        }
        let before = before.unwrap_or(Value::Null).to_string();
        let mut annotations = entries(object, "annotations");
        annotations
            .entry(MINIMUM_BEFORE)
            .or_insert_with(|| before.into());
        object["metadata"]["annotations"] = annotations.into();
        object["spec"][self.minimum_field()] = pods.into();
    }

    fn lower(&self, object: &mut Value) {
        let mut annotations = entries(object, "annotations");
        let Some(before) = annotations.shift_remove(MINIMUM_BEFORE) else {
            return;
        };
        object["metadata"]["annotations"] = annotations.into();
        let before = before
            .as_str()
            .and_then(|text| serde_json::from_str(text).ok());
        let spec = object.get_mut("spec").and_then(Value::as_object_mut);
        if let Some(spec) = spec {
            match before {
                None | Some(Value::Null) => spec.shift_remove(self.minimum_field()),
                Some(before) => spec.insert(self.minimum_field().to_owned(), before),
            };
        }
    }

    /// The operations after which the copy is as it was before the run.
    #[must_use]
    pub fn lowered(&self, copy: &Value) -> Vec<Value> {
        let mut wanted = copy.clone();
        self.lower(&mut wanted);
        differences(copy, &wanted)
    }

    /// The operations after which the target's lets the target be without pods, and is else as before the run. An HPA
    /// does so by itself.
    #[must_use]
    pub fn resting(&self, live: &Value) -> Vec<Value> {
        let mut wanted = live.clone();
        self.lower(&mut wanted);
        if self.pauses() {
            let mut annotations = entries(&wanted, "annotations");
            let before = annotations.insert(PAUSED.to_owned(), "0".into());
            if let Some(before) = before.filter(|before| before != "0") {
                annotations.insert(PAUSED_BEFORE.to_owned(), before);
            }
            wanted["metadata"]["annotations"] = annotations.into();
        }
        differences(live, &wanted)
    }

    /// The operations after which the target's acts again, as it did before it rested.
    #[must_use]
    pub fn awake(&self, live: &Value) -> Vec<Value> {
        let mut wanted = live.clone();
        self.wake(&mut wanted);
        differences(live, &wanted)
    }

    /// The operations after which the target's is as it was before us.
    #[must_use]
    pub fn given_back(&self, live: &Value) -> Vec<Value> {
        let mut wanted = live.clone();
        self.wake(&mut wanted);
        self.lower(&mut wanted);
        differences(live, &wanted)
    }

    fn wake(&self, object: &mut Value) {
        let mut annotations = entries(object, "annotations");
        if self.pauses() && annotations.get(PAUSED) == Some(&json!("0")) {
            annotations.shift_remove(PAUSED);
            if let Some(before) = annotations.shift_remove(PAUSED_BEFORE) {
                annotations.insert(PAUSED.to_owned(), before);
            }
            object["metadata"]["annotations"] = annotations.into();
        }
    }

    const fn pauses(&self) -> bool {
        match self.reference.kind {
            AutoscalerKind::HorizontalPodAutoscaler => false,
            AutoscalerKind::ScaledObject => true,
        }
    }
}

/// The patch from one to the other, as small as it can be: labels, annotations, and fields of the spec.
fn differences(live: &Value, wanted: &Value) -> Vec<Value> {
    let mut operations = Vec::new();
    for (parent, fields) in [
        (
            "/metadata",
            &["labels", "annotations"].map(str::to_owned)[..],
        ),
        ("/spec", &names(&live["spec"], &wanted["spec"])),
    ] {
        for field in fields {
            let path = format!("{parent}/{field}");
            match (live.pointer(&path), wanted.pointer(&path)) {
                (before, after) if before == after => {}
                (_, Some(value)) => {
                    operations.push(json!({"op": "add", "path": path, "value": value}));
                }
                (_, None) => operations.push(json!({"op": "remove", "path": path})),
            }
        }
    }
    operations
}

fn names(a: &Value, b: &Value) -> Vec<String> {
    let mut names: Map<String, Value> = a.as_object().cloned().unwrap_or_default();
    names.extend(b.as_object().cloned().unwrap_or_default());
    names.into_iter().map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests;
