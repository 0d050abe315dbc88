//! What a primary looks like for a target, and what promoting changes. Objects travel as JSON values, so that no field
//! is lost.
//!
//! Must not ask a cluster.

use crate::canary::metadata::FLAGGER_ID;
use crate::canary::metadata::MANAGED_BY;
use crate::canary::metadata::MANAGER;
use crate::canary::metadata::OURS;
use crate::canary::metadata::copied;
use crate::canary::metadata::entries;
use crate::canary::metadata::with_prefix;
use crate::kubernetes::config_tracker::ConfigRef;
use crate::kubernetes::config_tracker::rewire;
use crate::kubernetes::target::PodKind;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

/// Annotations that controllers count by: a promotion leaves them to their object.
const COUNTERS: [&str; 2] = [
    "deployment.kubernetes.io/revision",
    "deprecated.daemonset.template.generation",
];

/// The label that tells the pods of canary and primary apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectorLabel {
    /// Such as `app`.
    pub key: String,
    /// The canary's value; the primary's ends in `-primary`.
    pub value: String,
}

impl SelectorLabel {
    /// The first of `keys` that the target selects its pods by.
    #[must_use]
    pub fn of(target: &Value, keys: &[String]) -> Option<Self> {
        let labels = target.pointer("/spec/selector/matchLabels")?;
        keys.iter().find_map(|key| {
            let value = labels.get(key)?.as_str()?.to_owned();
            Some(Self {
                key: key.clone(),
                value,
            })
        })
    }

    /// The primary's value.
    #[must_use]
    pub fn primary_value(&self) -> String {
        format!("{}-primary", self.value)
    }
}

/// How a target becomes a primary.
pub struct Copying<'a> {
    /// What both are.
    pub kind: PodKind,
    /// Does an autoscaler of its own count the primary's pods?
    pub autoscaled: bool,
    /// Name of the target.
    pub target: &'a str,
    /// The label that tells both apart.
    pub label: &'a SelectorLabel,
    /// Keys that may be such a label.
    pub label_keys: &'a [String],
    /// Prefixes of labels and annotations that the primary takes over.
    pub prefixes: &'a [String],
    /// Is this reference's object copied?
    pub tracked: &'a dyn Fn(&ConfigRef) -> bool,
}

impl Copying<'_> {
    /// The pod template of the primary, without [`FLAGGER_ID`].
    #[must_use]
    pub fn template(&self, target: &Value) -> Value {
        let mut template = self.kind.template(target);
        let mut labels = copied(entries(&template, "labels"));
        labels.insert(self.label.key.clone(), self.label.primary_value().into());
        let mut annotations = copied(entries(&template, "annotations"));
        annotations.remove(FLAGGER_ID);
        template["metadata"]["labels"] = labels.into();
        set_or_remove(&mut template["metadata"], "annotations", annotations);
        if let Some(spec) = template.get_mut("spec") {
            rewire(spec, self.tracked);
            if self.kind == PodKind::Deployment {
                self.reschedule(spec);
            }
        }
        template
    }

    fn labels(&self, target: &Value) -> Map<String, Value> {
        let mut labels = with_prefix(entries(target, "labels"), self.prefixes);
        labels.insert(self.label.key.clone(), self.label.primary_value().into());
        labels.insert(MANAGED_BY.to_owned(), MANAGER.into());
        labels
    }

    /// A whole new primary. `id` goes into its pods' [`FLAGGER_ID`].
    #[must_use]
    pub fn primary(&self, target: &Value, namespace: &str, id: &str) -> Value {
        let mut spec = json!({
            "selector": {"matchLabels": {&self.label.key: self.label.primary_value()}},
            "template": with_id(self.template(target), id),
        });
        if self.kind == PodKind::Deployment {
            spec["replicas"] = self.kind.pods(target).max(1).into();
        }
        for field in self.kind.promoted_fields() {
            if let Some(value) = target.pointer(&format!("/spec/{field}")) {
                spec[*field] = value.clone();
            }
        }
        let mut metadata = json!({
            "name": format!("{}-primary", self.target),
            "namespace": namespace,
            "labels": self.labels(target),
        });
        set_or_remove(
            &mut metadata,
            "annotations",
            copied(entries(target, "annotations")),
        );
        let kind = self.kind.resource().kind;
        json!({"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec})
    }

    /// What a promotion makes of a primary: the whole object, to be compared with the live one.
    #[must_use]
    pub fn promoted(&self, target: &Value, primary: &Value, id: &str) -> Value {
        let mut promoted = primary.clone();
        promoted["spec"]["template"] = with_id(self.template(target), id);
        if self.kind == PodKind::Deployment && !self.autoscaled {
            promoted["spec"]["replicas"] = self.kind.pods(target).max(1).into();
        }
        for field in self.kind.promoted_fields() {
            match target.pointer(&format!("/spec/{field}")) {
                Some(value) => promoted["spec"][*field] = value.clone(),
                None => {
                    if let Some(spec) = promoted["spec"].as_object_mut() {
                        spec.shift_remove(*field);
                    }
                }
            }
        }
        promoted["metadata"]["labels"] = self.labels(target).into();
        // Ours stay: they fence the write that this object is for.
        let mut annotations = with_prefix(entries(target, "annotations"), self.prefixes);
        let ours = entries(primary, "annotations").into_iter();
        annotations.extend(
            ours.filter(|(key, _)| key.starts_with(OURS) || COUNTERS.contains(&key.as_str())),
        );
        set_or_remove(&mut promoted["metadata"], "annotations", annotations);
        promoted
    }

    /// Does this primary run what the target asks for?
    #[must_use]
    pub fn is_current(&self, target: &Value, primary: &Value) -> bool {
        let mut live = primary
            .pointer("/spec/template")
            .cloned()
            .unwrap_or(Value::Null);
        let mut annotations = entries(&live, "annotations");
        annotations.remove(FLAGGER_ID);
        if live.get("metadata").is_some() {
            set_or_remove(&mut live["metadata"], "annotations", annotations);
        }
        let mut wanted = self.template(target);
        for template in [&mut live, &mut wanted] {
            if let Some(metadata) = template.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.retain(|key, _| key != "creationTimestamp");
            }
        }
        live == wanted
    }

    /// Pods of the primary spread among themselves: label selectors that name the Deployment name its copy.
    fn reschedule(&self, pod_spec: &mut Value) {
        let spread = pod_spec
            .get_mut("topologySpreadConstraints")
            .and_then(Value::as_array_mut);
        for constraint in spread.into_iter().flatten() {
            self.reselect(constraint.get_mut("labelSelector"));
        }
        let Some(anti) = pod_spec.pointer_mut("/affinity/podAntiAffinity") else {
            return;
        };
        let required = anti
            .get_mut("requiredDuringSchedulingIgnoredDuringExecution")
            .and_then(Value::as_array_mut);
        for term in required.into_iter().flatten() {
            self.reselect(term.get_mut("labelSelector"));
        }
        let preferred = anti
            .get_mut("preferredDuringSchedulingIgnoredDuringExecution")
            .and_then(Value::as_array_mut);
        for term in preferred.into_iter().flatten() {
            self.reselect(term.pointer_mut("/podAffinityTerm/labelSelector"));
        }
    }

    fn reselect(&self, selector: Option<&mut Value>) {
        let Some(selector) = selector else { return };
        let primary = format!("{}-primary", self.target);
        let expressions = selector
            .get_mut("matchExpressions")
            .and_then(Value::as_array_mut);
        for expression in expressions.into_iter().flatten() {
            let key = expression
                .get("key")
                .and_then(Value::as_str)
                .unwrap_or_default();
            if !self.label_keys.iter().any(|candidate| candidate == key) {
                continue;
            }
            let values = expression.get_mut("values").and_then(Value::as_array_mut);
            if let Some(value) = values
                .into_iter()
                .flatten()
                .find(|value| **value == self.target)
            {
                *value = primary.clone().into();
            }
        }
        let Some(labels) = selector
            .get_mut("matchLabels")
            .and_then(Value::as_object_mut)
        else {
            return;
        };
        for key in self.label_keys {
            if let Some(value) = labels.get_mut(key).filter(|value| **value == self.target) {
                *value = primary.clone().into();
            }
        }
    }
}

fn with_id(mut template: Value, id: &str) -> Value {
    template["metadata"]["annotations"][FLAGGER_ID] = id.into();
    template
}

fn set_or_remove(holder: &mut Value, field: &str, entries: Map<String, Value>) {
    let Some(holder) = holder.as_object_mut() else {
        return;
    };
    if entries.is_empty() {
        holder.shift_remove(field);
    } else {
        holder.insert(field.to_owned(), entries.into());
    }
}

#[cfg(test)]
mod tests;
