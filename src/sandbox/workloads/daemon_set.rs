//! The DaemonSet controller: a pod on each node that the template selects, replaced one node at a time.

use crate::sandbox::store::ObjectKey;
use crate::sandbox::store::Store;
use crate::sandbox::tree;
use crate::sandbox::workloads::Moment;
use crate::sandbox::workloads::Task;
use crate::sandbox::workloads::Workloads;
use crate::sandbox::workloads::controlled;
use crate::sandbox::workloads::count;
use crate::sandbox::workloads::edit;
use crate::sandbox::workloads::garbage::remove;
use crate::sandbox::workloads::pods;
use crate::sandbox::workloads::revisions::resolve;
use crate::sandbox::workloads::revisions::template_hash;
use serde_json::Value;
use std::time::Duration;

/// The label that tells a DaemonSet's revisions apart.
const HASH_LABEL: &str = "controller-revision-hash";

/// The nodes that the template's `nodeSelector` selects.
fn eligible_nodes(store: &Store, set: &Value) -> Vec<String> {
    let selector = set
        .pointer("/spec/template/spec/nodeSelector")
        .and_then(Value::as_object);
    store
        .list("", "nodes", "")
        .filter(|(_, node)| {
            let labels = node.pointer("/metadata/labels");
            selector
                .into_iter()
                .flatten()
                .all(|(label, value)| labels.and_then(|labels| labels.get(label)) == Some(value))
        })
        .map(|(key, _)| key.name.clone())
        .collect()
}

fn node_of(pod: &Value) -> &str {
    tree::text(pod, "/spec/nodeName")
}

fn is_current(pod: &Value, hash: &str) -> bool {
    pod.pointer("/metadata/labels")
        .and_then(|labels| labels.get(HASH_LABEL))
        == Some(&Value::from(hash))
}

/// The set's pods.
fn pods_of(store: &Store, set: &Value) -> Vec<(ObjectKey, Value)> {
    let namespace = tree::text(set, "/metadata/namespace");
    controlled(store, "", "pods", namespace, set)
        .into_iter()
        .filter_map(|key| store.get(&key).map(|pod| (key.clone(), (**pod).clone())))
        .collect()
}

impl Workloads {
    pub(super) fn sync_daemon_set(&mut self, moment: &mut Moment<'_>, namespace: &str, name: &str) {
        let key = ObjectKey::of("apps", "daemonsets", namespace, name);
        let Some(set) = moment.store.get(&key).cloned() else {
            return;
        };
        if set.pointer("/metadata/deletionTimestamp").is_some() {
            return;
        }
        let again = Task::DaemonSet(namespace.to_owned(), name.to_owned());
        let min_ready = Duration::from_secs(count(&set, "/spec/minReadySeconds").unsigned_abs());
        let template = set
            .pointer("/spec/template")
            .cloned()
            .unwrap_or(Value::Null);
        let hash = template_hash(&template);
        let nodes = eligible_nodes(moment.store, &set);
        let pods = pods_of(moment.store, &set);
        for (key, pod) in &pods {
            let misplaced = !nodes.iter().any(|node| node == node_of(pod));
            if misplaced && !pods::is_terminating(pod) {
                remove(moment, key);
            }
        }
        // a terminating pod holds its node until it is gone
        for node in &nodes {
            if !pods.iter().any(|(_, pod)| node_of(pod) == node) {
                let labels = [
                    (HASH_LABEL, hash.clone()),
                    (
                        "pod-template-generation",
                        count(&set, "/metadata/generation").to_string(),
                    ),
                ];
                pods::create(moment, &set, &labels, Some(node));
            }
        }
        self.replace_outdated(moment, &set, &nodes, &hash, min_ready, &again);
        self.daemon_set_status(moment, &key, &set, &nodes, &hash, min_ready, &again);
    }

    fn replace_outdated(
        &mut self,
        moment: &mut Moment<'_>,
        set: &Value,
        nodes: &[String],
        hash: &str,
        min_ready: Duration,
        again: &Task,
    ) {
        if tree::text(set, "/spec/updateStrategy/type") != "RollingUpdate" {
            return;
        }
        let total = i64::try_from(nodes.len()).unwrap_or(i64::MAX);
        let allowed = set.pointer("/spec/updateStrategy/rollingUpdate/maxUnavailable");
        let mut room = resolve(allowed, total, true);
        let pods = pods_of(moment.store, set);
        let mut outdated = Vec::new();
        for node in nodes {
            let pod = pods
                .iter()
                .find(|(_, pod)| node_of(pod) == node && !pods::is_terminating(pod));
            let Some((key, pod)) = pod else {
                room -= 1;
                continue;
            };
            let available = self.is_available(moment.elapsed, pod, min_ready, again);
            match (is_current(pod, hash), available) {
                (true, true) => {}
                (true, false) => room -= 1,
                (false, true) => outdated.push(key.clone()),
                // serves nobody, so that its end makes nothing worse
                (false, false) => {
                    room -= 1;
                    remove(moment, key);
                }
            }
        }
        for key in outdated.iter().take(usize::try_from(room).unwrap_or(0)) {
            remove(moment, key);
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one pass of the controller hands on what it worked out"
    )]
    fn daemon_set_status(
        &mut self,
        moment: &mut Moment<'_>,
        key: &ObjectKey,
        set: &Value,
        nodes: &[String],
        hash: &str,
        min_ready: Duration,
        again: &Task,
    ) {
        let desired = i64::try_from(nodes.len()).unwrap_or(i64::MAX);
        let mut current = 0;
        let mut misplaced = 0;
        let mut ready = 0;
        let mut updated = 0;
        let mut available = 0;
        for (_, pod) in pods_of(moment.store, set) {
            if pods::is_terminating(&pod) {
                continue;
            }
            if !nodes.iter().any(|node| node == node_of(&pod)) {
                misplaced += 1;
                continue;
            }
            current += 1;
            updated += i64::from(is_current(&pod, hash));
            ready += i64::from(pods::is_ready(&pod));
            available += i64::from(self.is_available(moment.elapsed, &pod, min_ready, again));
        }
        let generation = count(set, "/metadata/generation");
        edit(moment.store, key, |set| {
            for (name, value) in [
                ("currentNumberScheduled", current),
                ("numberMisscheduled", misplaced),
                ("desiredNumberScheduled", desired),
                ("numberReady", ready),
                ("observedGeneration", generation),
            ] {
                tree::set(set, &["status", name], value);
            }
            for (name, value) in [
                ("updatedNumberScheduled", updated),
                ("numberAvailable", available),
                ("numberUnavailable", desired - available),
            ] {
                if value == 0 {
                    tree::take(set, &["status", name]);
                } else {
                    tree::set(set, &["status", name], value);
                }
            }
        });
    }
}
