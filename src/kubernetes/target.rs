//! Targets that have pods: what of them makes a revision, how many pods they ask for, and how ready they are.
//!
//! Works on JSON values only; must not ask a cluster.

use crate::canary::object::Resource;
use crate::canary::reference::TargetKind;
use crate::port::cluster::Workload;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

/// Key of a node selector that no node has: a DaemonSet with it has no pods. Flagger's.
pub const SCALE_TO_ZERO: &str = "flagger.app/scale-to-zero";

const NODE_SELECTOR: &str = "/spec/template/spec/nodeSelector";

/// A kind of targets that have pods of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PodKind {
    /// As many pods as it asks for.
    Deployment,
    /// A pod on each node that it selects.
    DaemonSet,
}

impl PodKind {
    /// `None` where others manage the pods.
    #[must_use]
    pub const fn of(kind: TargetKind) -> Option<Self> {
        match kind {
            TargetKind::Deployment => Some(Self::Deployment),
            TargetKind::DaemonSet => Some(Self::DaemonSet),
            TargetKind::Service | TargetKind::KnativeService => None,
        }
    }

    /// Where its objects are.
    #[must_use]
    pub const fn resource(self) -> Resource {
        match self {
            Self::Deployment => Resource::DEPLOYMENT,
            Self::DaemonSet => Resource::DAEMON_SET,
        }
    }

    /// Fields of the spec that a promotion replaces beside the template and the replicas.
    #[must_use]
    pub const fn promoted_fields(self) -> &'static [&'static str] {
        match self {
            Self::Deployment => &[
                "minReadySeconds",
                "revisionHistoryLimit",
                "progressDeadlineSeconds",
                "strategy",
            ],
            Self::DaemonSet => &["minReadySeconds", "revisionHistoryLimit", "updateStrategy"],
        }
    }

    /// The pod template as people wrote it: without what takes the pods away.
    #[must_use]
    pub fn template(self, target: &Value) -> Value {
        let mut template = target
            .pointer("/spec/template")
            .cloned()
            .unwrap_or(Value::Null);
        if self == Self::DaemonSet
            && let Some(spec) = template.get_mut("spec").and_then(Value::as_object_mut)
            && let Some(selector) = spec.get_mut("nodeSelector").and_then(Value::as_object_mut)
        {
            selector.shift_remove(SCALE_TO_ZERO);
            if selector.is_empty() {
                spec.shift_remove("nodeSelector");
            }
        }
        template
    }

    /// Pods that it asks for.
    #[must_use]
    pub fn pods(self, object: &Value) -> u32 {
        match self {
            // An API server fills in 1 where it is missing.
            Self::Deployment => count(object, "/spec/replicas").unwrap_or(1),
            Self::DaemonSet if has_no_nodes(object) => 0,
            Self::DaemonSet => status(object, "desiredNumberScheduled"),
        }
    }

    /// The operations after which it asks for that many pods; none where it does. A DaemonSet has all or none.
    #[must_use]
    pub fn scaled(self, object: &Value, pods: u32) -> Vec<Value> {
        match self {
            Self::Deployment if self.pods(object) == pods => Vec::new(),
            Self::Deployment => {
                vec![json!({"op": "add", "path": "/spec/replicas", "value": pods})]
            }
            Self::DaemonSet if has_no_nodes(object) == (pods == 0) => Vec::new(),
            Self::DaemonSet => {
                let mut selector = object
                    .pointer(NODE_SELECTOR)
                    .and_then(Value::as_object)
                    .cloned()
                    .unwrap_or_default();
                if pods == 0 {
                    selector.insert(SCALE_TO_ZERO.to_owned(), "true".into());
                } else {
                    selector.shift_remove(SCALE_TO_ZERO);
                }
                vec![node_selector(selector)]
            }
        }
    }

    /// Why it cannot be rolled out as it is, and what to do about it.
    #[must_use]
    pub fn obstacle(self, target: &Value) -> Option<(String, &'static str)> {
        let strategy = target
            .pointer("/spec/updateStrategy/type")
            .and_then(Value::as_str)
            .unwrap_or("RollingUpdate");
        (self == Self::DaemonSet && strategy != "RollingUpdate").then(|| {
            let why = format!("its update strategy is {strategy}: nobody would replace its pods");
            (why, "set spec.updateStrategy.type to RollingUpdate")
        })
    }

    /// Reads what readiness depends on.
    #[must_use]
    pub fn workload(self, object: &Value) -> Workload {
        let number = |pointer| object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0);
        let containers = object
            .pointer("/spec/template/spec/containers")
            .and_then(Value::as_array);
        let images = containers
            .into_iter()
            .flatten()
            .filter_map(|container| container.get("image").and_then(Value::as_str))
            .map(str::to_owned)
            .collect();
        let common = Workload {
            generation: number("/metadata/generation"),
            observed_generation: number("/status/observedGeneration"),
            desired: self.pods(object),
            images,
            ..Workload::default()
        };
        match self {
            Self::Deployment => deployment(object, common),
            // Its status says nothing of deadlines: they count from when we saw it unready.
            Self::DaemonSet => Workload {
                replicas: status(object, "currentNumberScheduled"),
                updated: status(object, "updatedNumberScheduled"),
                ready: status(object, "numberReady"),
                available: status(object, "numberAvailable"),
                ..common
            },
        }
    }
}

fn deployment(object: &Value, common: Workload) -> Workload {
    let condition = |kind: &str| {
        let conditions = object
            .pointer("/status/conditions")
            .and_then(Value::as_array);
        conditions
            .into_iter()
            .flatten()
            .find(|c| c.get("type").is_some_and(|t| t == kind))
    };
    let says = |condition: &Value, field: &str, word: &str| {
        condition.get(field).is_some_and(|value| value == word)
    };
    let progressing = condition("Progressing");
    let unavailable = condition("Available").filter(|c| {
        progressing.is_some()
            && says(c, "status", "False")
            && says(c, "reason", "MinimumReplicasUnavailable")
    });
    Workload {
        replicas: status(object, "replicas"),
        updated: status(object, "updatedReplicas"),
        ready: status(object, "readyReplicas"),
        available: status(object, "availableReplicas"),
        deadline_exceeded: progressing
            .is_some_and(|c| says(c, "reason", "ProgressDeadlineExceeded")),
        unavailable_since: unavailable
            .and_then(|c| c.get("lastUpdateTime"))
            .and_then(Value::as_str)
            .and_then(|time| time.parse().ok()),
        ..common
    }
}

fn has_no_nodes(object: &Value) -> bool {
    object
        .pointer(NODE_SELECTOR)
        .is_some_and(|selector| selector.get(SCALE_TO_ZERO).is_some())
}

fn node_selector(selector: Map<String, Value>) -> Value {
    if selector.is_empty() {
        json!({"op": "remove", "path": NODE_SELECTOR})
    } else {
        json!({"op": "add", "path": NODE_SELECTOR, "value": selector})
    }
}

fn status(object: &Value, field: &str) -> u32 {
    count(object, &format!("/status/{field}")).unwrap_or(0)
}

fn count(object: &Value, pointer: &str) -> Option<u32> {
    object
        .pointer(pointer)
        .and_then(Value::as_u64)
        .and_then(|n| u32::try_from(n).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn daemon_set() -> Value {
        json!({"kind": "DaemonSet", "metadata": {"generation": 2}, "spec": {
            "selector": {"matchLabels": {"app": "agent"}},
            "template": {"metadata": {"labels": {"app": "agent"}}, "spec": {"containers": [{"image": "agent:1"}]}}},
            "status": {"observedGeneration": 2, "currentNumberScheduled": 3, "desiredNumberScheduled": 3,
                "updatedNumberScheduled": 2, "numberReady": 3, "numberAvailable": 3}})
    }

    fn patched(object: &Value, operations: Vec<Value>) -> Value {
        let patch: json_patch::Patch = serde_json::from_value(operations.into()).unwrap();
        let mut object = object.clone();
        json_patch::patch(&mut object, &patch).unwrap();
        object
    }

    #[test]
    fn a_daemon_set_loses_its_pods_by_a_node_selector_and_gets_them_back() {
        let set = daemon_set();
        let kind = PodKind::DaemonSet;
        let gone = patched(&set, kind.scaled(&set, 0));
        assert_eq!(
            gone.pointer(NODE_SELECTOR),
            Some(&json!({SCALE_TO_ZERO: "true"}))
        );
        assert_eq!((kind.pods(&set), kind.pods(&gone)), (3, 0));
        assert!(kind.scaled(&gone, 0).is_empty());
        assert_eq!(patched(&gone, kind.scaled(&gone, 3)), set);
    }

    #[test]
    fn the_nodes_that_people_chose_stay_chosen() {
        let mut set = daemon_set();
        set["spec"]["template"]["spec"]["nodeSelector"] = json!({"disk": "ssd"});
        let kind = PodKind::DaemonSet;
        let gone = patched(&set, kind.scaled(&set, 0));
        assert_eq!(
            gone.pointer(NODE_SELECTOR),
            Some(&json!({"disk": "ssd", SCALE_TO_ZERO: "true"}))
        );
        assert_eq!(patched(&gone, kind.scaled(&gone, 1)), set);
    }

    #[test]
    fn taking_the_pods_away_makes_no_new_revision() {
        let set = daemon_set();
        let kind = PodKind::DaemonSet;
        let gone = patched(&set, kind.scaled(&set, 0));
        assert_eq!(kind.template(&gone), kind.template(&set));
    }

    #[test]
    fn a_daemon_set_whose_pods_are_replaced_by_hand_is_refused() {
        let mut set = daemon_set();
        assert_eq!(PodKind::DaemonSet.obstacle(&set), None);
        set["spec"]["updateStrategy"] = json!({"type": "OnDelete"});
        assert!(PodKind::DaemonSet.obstacle(&set).is_some());
    }

    #[test]
    fn readiness_facts_of_a_daemon_set_are_read_from_its_status() {
        let workload = PodKind::DaemonSet.workload(&daemon_set());
        assert_eq!(
            (
                workload.desired,
                workload.replicas,
                workload.updated,
                workload.ready,
                workload.available
            ),
            (3, 3, 2, 3, 3)
        );
    }

    #[test]
    fn readiness_facts_of_a_deployment_are_read_from_its_status() {
        let deployment = json!({
            "metadata": {"generation": 2},
            "spec": {"replicas": 2, "template": {"spec": {"containers": [{"image": "podinfo:6.0.0"}]}}},
            "status": {
                "observedGeneration": 2, "replicas": 3, "updatedReplicas": 1, "readyReplicas": 2,
                "availableReplicas": 2, "conditions": [
                    {"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable",
                     "lastUpdateTime": "2026-01-05T09:00:00Z"},
                    {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]}
        });
        let workload = PodKind::Deployment.workload(&deployment);
        assert_eq!(
            (
                workload.replicas,
                workload.updated,
                workload.ready,
                workload.desired
            ),
            (3, 1, 2, 2)
        );
        assert!(workload.deadline_exceeded);
        assert_eq!(
            workload.unavailable_since.unwrap().to_string(),
            "2026-01-05T09:00:00Z"
        );
        assert_eq!(workload.images, ["podinfo:6.0.0"]);
    }
}
