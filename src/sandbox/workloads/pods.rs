//! Pods: the kubelet's and the scheduler's part.

use crate::sandbox::defaults;
use crate::sandbox::store::Change;
use crate::sandbox::store::ChangeKind;
use crate::sandbox::store::ObjectKey;
use crate::sandbox::store::Store;
use crate::sandbox::tree;
use crate::sandbox::workloads::Moment;
use crate::sandbox::workloads::PodBehaviour;
use crate::sandbox::workloads::REACTION;
use crate::sandbox::workloads::Task;
use crate::sandbox::workloads::Workloads;
use crate::sandbox::workloads::edit;
use crate::sandbox::workloads::owner_reference;
use crate::sandbox::writes::seconds;
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// The annotation on a pod template that keeps its pods from becoming ready.
const NEVER_READY: &str = "test/never-ready";

/// The node of pods that no DaemonSet placed.
pub(super) const FIRST_NODE: &str = "node-1";

pub(super) fn key(namespace: &str, name: &str) -> ObjectKey {
    ObjectKey::of("", "pods", namespace, name)
}

pub(super) fn is_ready(pod: &Value) -> bool {
    tree::items(pod, "/status/conditions")
        .iter()
        .any(|condition| {
            tree::text(condition, "/type") == "Ready" && tree::text(condition, "/status") == "True"
        })
}

pub(super) fn is_terminating(pod: &Value) -> bool {
    pod.pointer("/metadata/deletionTimestamp").is_some()
}

/// Creates a pod from its controller's template.
pub(super) fn create(
    moment: &mut Moment<'_>,
    owner: &Value,
    labels: &[(&str, String)],
    node: Option<&str>,
) {
    let namespace = tree::text(owner, "/metadata/namespace").to_owned();
    let prefix = format!("{}-", tree::text(owner, "/metadata/name"));
    let name = format!("{prefix}{}", moment.store.next_suffix());
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "generateName": prefix,
            "namespace": namespace,
            "uid": moment.store.next_uid(),
            "creationTimestamp": seconds(moment.now),
            "labels": owner.pointer("/spec/template/metadata/labels").cloned().unwrap_or_else(|| json!({})),
            "ownerReferences": [owner_reference(owner)],
        },
        "spec": owner.pointer("/spec/template/spec").cloned().unwrap_or_else(|| json!({})),
    });
    if let Some(annotations) = owner.pointer("/spec/template/metadata/annotations") {
        tree::set(&mut pod, &["metadata", "annotations"], annotations.clone());
    }
    for (label, value) in labels {
        tree::set(&mut pod, &["metadata", "labels", label], value.as_str());
    }
    if let Some(node) = node {
        tree::set(&mut pod, &["spec", "nodeName"], node);
    }
    defaults::pod(&mut pod);
    moment.store.put(key(&namespace, &name), pod);
}

pub(super) fn remove(moment: &mut Moment<'_>, namespace: &str, name: &str, uid: &str) {
    let key = key(namespace, name);
    let same = moment
        .store
        .get(&key)
        .is_some_and(|pod| tree::text(pod, "/metadata/uid") == uid);
    if same {
        moment.store.remove(&key);
    }
}

fn condition(kind: &str, status: bool, now: &str, why: Option<&str>) -> Value {
    let mut condition = json!({
        "type": kind, "status": if status { "True" } else { "False" }, "lastProbeTime": null,
        "lastTransitionTime": now,
    });
    if let Some(why) = why {
        tree::set(&mut condition, &["reason"], "ContainersNotReady");
        tree::set(&mut condition, &["message"], why);
    }
    condition
}

/// The status of a running pod.
fn running(pod: &mut Value, ready: bool, now: &str, address: &str) {
    let names: Vec<String> = tree::items(pod, "/spec/containers")
        .iter()
        .map(|container| tree::text(container, "/name").to_owned())
        .collect();
    let why = format!("containers with unready status: [{}]", names.join(" "));
    let why = (!ready).then_some(why.as_str());
    let started = tree::text(pod, "/metadata/creationTimestamp").to_owned();
    let containers: Vec<Value> = tree::items(pod, "/spec/containers")
        .iter()
        .map(|container| {
            json!({
                "name": tree::text(container, "/name"), "image": tree::text(container, "/image"), "imageID": "",
                "ready": ready, "started": true, "restartCount": 0, "state": {"running": {"startedAt": now}},
                "lastState": {},
            })
        })
        .collect();
    tree::set(
        pod,
        &["status"],
        json!({
            "phase": "Running",
            "conditions": [
                condition("PodReadyToStartContainers", true, &started, None),
                condition("Initialized", true, &started, None),
                condition("Ready", ready, now, why),
                condition("ContainersReady", ready, now, why),
                condition("PodScheduled", true, &started, None),
            ],
            "hostIP": "10.0.0.1",
            "podIP": address,
            "podIPs": [{"ip": address}],
            "startTime": started,
            "containerStatuses": containers,
            "qosClass": "BestEffort",
        }),
    );
}

/// The pod of that uid, unless it is on its way out or another one has its name by now.
fn living<'a>(store: &'a Store, key: &ObjectKey, uid: &str) -> Option<&'a Arc<Value>> {
    store
        .get(key)
        .filter(|pod| tree::text(pod, "/metadata/uid") == uid && !is_terminating(pod))
}

impl Workloads {
    pub(super) fn react_to_pod(&mut self, change: &Change, elapsed: Duration) {
        let namespace = change.key.namespace.clone();
        let name = change.key.name.clone();
        let uid = tree::text(&change.after, "/metadata/uid").to_owned();
        let was_terminating = change
            .before
            .as_ref()
            .is_some_and(|pod| is_terminating(pod));
        match change.kind {
            ChangeKind::Added => {
                self.schedule(
                    Task::PodStarts {
                        namespace,
                        name,
                        uid,
                    },
                    elapsed + REACTION,
                );
            }
            ChangeKind::Modified if is_terminating(&change.after) && !was_terminating => {
                let runs = tree::text(&change.after, "/status/phase") == "Running";
                let drain = if runs {
                    Duration::from_millis(self.times.drain_ms)
                } else {
                    REACTION
                };
                self.schedule(
                    Task::PodGone {
                        namespace,
                        name,
                        uid,
                    },
                    elapsed + drain,
                );
            }
            ChangeKind::Modified => {}
            ChangeKind::Deleted => {
                self.ready_at.remove(&uid);
            }
        }
    }

    /// The pod is placed on a node and runs; it becomes ready later.
    pub(super) fn start_pod(
        &mut self,
        moment: &mut Moment<'_>,
        namespace: &str,
        name: &str,
        uid: &str,
    ) {
        let key = key(namespace, name);
        let Some(pod) = living(moment.store, &key, uid).cloned() else {
            return;
        };
        let n = self.addresses;
        self.addresses += 1;
        let address = format!("10.1.{}.{}", n / 250 % 256, n % 250 + 2);
        let now = seconds(moment.now);
        edit(moment.store, &key, |pod| {
            tree::default(pod, &["spec", "nodeName"], FIRST_NODE);
            running(pod, false, &now, &address);
        });
        let ready_after = match self
            .rule
            .as_ref()
            .map_or(PodBehaviour::Usual, |rule| rule(&pod))
        {
            PodBehaviour::Usual => {
                let never = pod
                    .pointer("/metadata/annotations")
                    .is_some_and(|annotations| annotations.get(NEVER_READY).is_some());
                (!never).then_some(self.times.start_ms)
            }
            PodBehaviour::ReadyAfterMs(after) => Some(after),
            PodBehaviour::NeverReady => None,
        };
        if let Some(after) = ready_after {
            // the time counts from the pod's creation, one reaction ago
            let wait = Duration::from_millis(after).saturating_sub(REACTION);
            let task = Task::PodReady {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                uid: uid.to_owned(),
            };
            self.schedule(task, moment.elapsed + wait);
        }
    }

    pub(super) fn ready_pod(
        &mut self,
        moment: &mut Moment<'_>,
        namespace: &str,
        name: &str,
        uid: &str,
    ) {
        let key = key(namespace, name);
        let Some(pod) = living(moment.store, &key, uid) else {
            return;
        };
        let address = tree::text(pod, "/status/podIP").to_owned();
        let now = seconds(moment.now);
        self.ready_at.insert(uid.to_owned(), moment.elapsed);
        edit(moment.store, &key, |pod| running(pod, true, &now, &address));
    }
}
