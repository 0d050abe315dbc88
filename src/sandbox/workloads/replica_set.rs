//! The ReplicaSet controller.

use crate::sandbox::store::ObjectKey;
use crate::sandbox::tree;
use crate::sandbox::workloads::Moment;
use crate::sandbox::workloads::Task;
use crate::sandbox::workloads::Workloads;
use crate::sandbox::workloads::controlled;
use crate::sandbox::workloads::count;
use crate::sandbox::workloads::edit;
use crate::sandbox::workloads::garbage::remove;
use crate::sandbox::workloads::pods;
use serde_json::Value;
use std::cmp::Reverse;
use std::time::Duration;

pub(super) fn key(namespace: &str, name: &str) -> ObjectKey {
    ObjectKey::of("apps", "replicasets", namespace, name)
}

impl Workloads {
    pub(super) fn sync_replica_set(
        &mut self,
        moment: &mut Moment<'_>,
        namespace: &str,
        name: &str,
    ) {
        let key = key(namespace, name);
        let Some(set) = moment.store.get(&key).cloned() else {
            return;
        };
        if set.pointer("/metadata/deletionTimestamp").is_some() {
            return;
        }
        let wanted = usize::try_from(count(&set, "/spec/replicas")).unwrap_or(0);
        let mut active = self.active_pods(moment, &set);
        while active.len() < wanted {
            pods::create(moment, &set, &[], None);
            active = self.active_pods(moment, &set);
        }
        if active.len() > wanted {
            // not ready ones first, then the youngest
            active.sort_by_key(|pod| {
                let object = moment.store.get(pod);
                let ready = object.is_some_and(|pod| pods::is_ready(pod));
                let born =
                    object.map(|pod| tree::text(pod, "/metadata/creationTimestamp").to_owned());
                (ready, Reverse(born), pod.name.clone())
            });
            let surplus = active.len() - wanted;
            for pod in active.drain(..surplus) {
                remove(moment, &pod);
            }
        }
        self.replica_set_status(moment, &key, &set);
    }

    /// The pods of a controller that are not terminating.
    fn active_pods(&self, moment: &Moment<'_>, owner: &Value) -> Vec<ObjectKey> {
        let namespace = tree::text(owner, "/metadata/namespace");
        let mut keys = controlled(moment.store, "", "pods", namespace, owner);
        keys.retain(|key| {
            moment
                .store
                .get(key)
                .is_some_and(|pod| !pods::is_terminating(pod))
        });
        keys
    }

    /// Is the pod ready for `min_ready`? If it will be, the task is queued for that moment.
    pub(super) fn is_available(
        &mut self,
        elapsed: Duration,
        pod: &Value,
        min_ready: Duration,
        again: &Task,
    ) -> bool {
        if !pods::is_ready(pod) {
            return false;
        }
        let since = self.ready_at.get(tree::text(pod, "/metadata/uid")).copied();
        let available_at = since.unwrap_or_default() + min_ready;
        if available_at <= elapsed {
            return true;
        }
        self.schedule(again.clone(), available_at);
        false
    }

    fn replica_set_status(&mut self, moment: &mut Moment<'_>, key: &ObjectKey, set: &Value) {
        let min_ready = Duration::from_secs(count(set, "/spec/minReadySeconds").unsigned_abs());
        let again = Task::ReplicaSet(key.namespace.clone(), key.name.clone());
        let mut replicas = 0;
        let mut ready = 0;
        let mut available = 0;
        for pod in self.active_pods(moment, set) {
            let Some(pod) = moment.store.get(&pod).cloned() else {
                continue;
            };
            replicas += 1;
            ready += i64::from(pods::is_ready(&pod));
            available += i64::from(self.is_available(moment.elapsed, &pod, min_ready, &again));
        }
        let generation = count(set, "/metadata/generation");
        edit(moment.store, key, |set| {
            tree::set(set, &["status", "replicas"], replicas);
            for (name, value) in [
                ("fullyLabeledReplicas", replicas),
                ("readyReplicas", ready),
                ("availableReplicas", available),
            ] {
                if value == 0 {
                    tree::take(set, &["status", name]);
                } else {
                    tree::set(set, &["status", name], value);
                }
            }
            tree::set(set, &["status", "observedGeneration"], generation);
        });
    }
}
