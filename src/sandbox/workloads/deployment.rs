//! The Deployment controller: replica sets by template, scaled by surge and unavailable.

use crate::sandbox::store::ObjectKey;
use crate::sandbox::store::Store;
use crate::sandbox::tree;
use crate::sandbox::workloads::Moment;
use crate::sandbox::workloads::Task;
use crate::sandbox::workloads::Workloads;
use crate::sandbox::workloads::count;
use crate::sandbox::workloads::edit;
use crate::sandbox::workloads::owner_reference;
use crate::sandbox::workloads::replica_set;
use crate::sandbox::workloads::revisions::DESIRED;
use crate::sandbox::workloads::revisions::HASH_LABEL;
use crate::sandbox::workloads::revisions::MAXIMUM;
use crate::sandbox::workloads::revisions::REVISION;
use crate::sandbox::workloads::revisions::Sets;
use crate::sandbox::workloads::revisions::revision;
use crate::sandbox::workloads::revisions::surge_and_unavailable;
use crate::sandbox::workloads::revisions::template_hash;
use crate::sandbox::workloads::rollout_status;
use crate::sandbox::writes::seconds;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

impl Workloads {
    pub(super) fn sync_deployment(&mut self, moment: &mut Moment<'_>, namespace: &str, name: &str) {
        let key = ObjectKey::of("apps", "deployments", namespace, name);
        let Some(deployment) = moment.store.get(&key).cloned() else {
            return;
        };
        if deployment.pointer("/metadata/deletionTimestamp").is_some() {
            return;
        }
        let paused = deployment.pointer("/spec/paused") == Some(&Value::Bool(true));
        let mut sets = Sets::find(moment.store, &deployment);
        if sets.new.is_none() && !paused {
            sets.new = Some(create_set(moment, &key, &deployment, &sets));
        }
        if let Some(new) = &sets.new {
            number(moment.store, &key, new, &sets, &deployment);
        }
        if !resize(moment.store, &deployment, &sets) && !paused {
            roll(moment.store, &deployment, &sets);
        }
        let deadline = rollout_status::write(moment, &key, &sets);
        if let Some(at) = deadline {
            let task = Task::Deployment(namespace.to_owned(), name.to_owned());
            self.schedule(task, at);
        }
        if rollout_status::is_complete(moment.store, &key) {
            forget_old(moment, &deployment, &sets);
        }
    }
}

fn create_set(
    moment: &mut Moment<'_>,
    key: &ObjectKey,
    deployment: &Value,
    sets: &Sets,
) -> ObjectKey {
    let template = deployment
        .pointer("/spec/template")
        .cloned()
        .unwrap_or(Value::Null);
    let hash = template_hash(&template);
    let name = format!("{}-{hash}", key.name);
    let mut set = json!({
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": name,
            "namespace": key.namespace,
            "uid": moment.store.next_uid(),
            "generation": 1,
            "creationTimestamp": seconds(moment.now),
            "labels": template.pointer("/metadata/labels").cloned().unwrap_or(Value::Null),
            "annotations": {},
            "ownerReferences": [owner_reference(deployment)],
        },
        "spec": {
            "replicas": first_size(moment.store, deployment, sets),
            "selector": deployment.pointer("/spec/selector").cloned().unwrap_or(Value::Null),
            "template": template,
        },
        "status": {"replicas": 0},
    });
    if let Some(min_ready) = deployment.pointer("/spec/minReadySeconds") {
        tree::set(&mut set, &["spec", "minReadySeconds"], min_ready.clone());
    }
    tree::set(&mut set, &["metadata", "labels", HASH_LABEL], hash.as_str());
    tree::set(
        &mut set,
        &["spec", "selector", "matchLabels", HASH_LABEL],
        hash.as_str(),
    );
    let labels = ["spec", "template", "metadata", "labels", HASH_LABEL];
    tree::set(&mut set, &labels, hash.as_str());
    let set_key = replica_set::key(&key.namespace, &name);
    moment.store.put(set_key.clone(), set);
    rollout_status::created(moment, key, &name);
    set_key
}

/// The replicas a new set starts with.
fn first_size(store: &Store, deployment: &Value, sets: &Sets) -> i64 {
    let wanted = count(deployment, "/spec/replicas");
    if tree::text(deployment, "/spec/strategy/type") == "Recreate" {
        let old_pods = sets.sum(store, "/status/replicas");
        return if old_pods == 0 { wanted } else { 0 };
    }
    let (surge, _) = surge_and_unavailable(deployment);
    let room = wanted + surge - sets.sum(store, "/spec/replicas");
    room.clamp(0, wanted)
}

/// Writes the revision's number on set and Deployment.
fn number(store: &mut Store, key: &ObjectKey, new: &ObjectKey, sets: &Sets, deployment: &Value) {
    let newest_old = sets
        .old
        .iter()
        .map(|old| revision(store.get(old)))
        .max()
        .unwrap_or(0);
    let number = revision(store.get(new)).max(newest_old + 1).to_string();
    let wanted = count(deployment, "/spec/replicas");
    let (surge, _) = surge_and_unavailable(deployment);
    let copied: Map<String, Value> = deployment
        .pointer("/metadata/annotations")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(name, _)| {
            !matches!(
                name.as_str(),
                REVISION | "kubectl.kubernetes.io/last-applied-configuration"
            )
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    edit(store, new, |set| {
        for (name, value) in copied {
            tree::set(set, &["metadata", "annotations", &name], value);
        }
        tree::default(
            set,
            &["metadata", "annotations", DESIRED],
            wanted.to_string(),
        );
        tree::default(
            set,
            &["metadata", "annotations", MAXIMUM],
            (wanted + surge).to_string(),
        );
        tree::set(set, &["metadata", "annotations", REVISION], number.as_str());
        match deployment.pointer("/spec/minReadySeconds") {
            Some(min_ready) => tree::set(set, &["spec", "minReadySeconds"], min_ready.clone()),
            None => {
                tree::take(set, &["spec", "minReadySeconds"]);
            }
        }
    });
    edit(store, key, |deployment| {
        tree::set(
            deployment,
            &["metadata", "annotations", REVISION],
            number.as_str(),
        );
    });
}

fn scale(store: &mut Store, key: &ObjectKey, deployment: &Value, replicas: i64) {
    let wanted = count(deployment, "/spec/replicas");
    let (surge, _) = surge_and_unavailable(deployment);
    edit(store, key, |set| {
        tree::set(set, &["spec", "replicas"], replicas);
        tree::set(
            set,
            &["metadata", "annotations", DESIRED],
            wanted.to_string(),
        );
        tree::set(
            set,
            &["metadata", "annotations", MAXIMUM],
            (wanted + surge).to_string(),
        );
    });
}

/// Follows a change of the Deployment's replicas: the active set alone, or all in proportion. False if there was
/// no such change.
fn resize(store: &mut Store, deployment: &Value, sets: &Sets) -> bool {
    let wanted = count(deployment, "/spec/replicas");
    let wanted_text = wanted.to_string();
    let changed = sets.all().filter_map(|key| store.get(key)).any(|set| {
        let desired = set
            .pointer("/metadata/annotations")
            .and_then(|annotations| annotations.get(DESIRED));
        count(set, "/spec/replicas") > 0
            && desired.is_some_and(|desired| desired.as_str() != Some(wanted_text.as_str()))
    });
    if !changed {
        return false;
    }
    let active: Vec<ObjectKey> = sets
        .all()
        .filter(|key| {
            store
                .get(key)
                .is_some_and(|set| count(set, "/spec/replicas") > 0)
        })
        .cloned()
        .collect();
    if let [only] = active.as_slice() {
        scale(store, only, deployment, wanted);
        return true;
    }
    let (surge, _) = surge_and_unavailable(deployment);
    let allowed = if wanted > 0 { wanted + surge } else { 0 };
    let total = sets.sum(store, "/spec/replicas").max(1);
    let mut left = allowed;
    for (at, key) in active.iter().enumerate() {
        let size = store.get(key).map_or(0, |set| count(set, "/spec/replicas"));
        // the newest set comes last and takes what rounding left
        let share = if at + 1 == active.len() {
            left
        } else {
            (size * allowed / total).min(left)
        };
        left -= share;
        scale(store, key, deployment, share);
    }
    true
}

/// One step of the rollout: the new set up, or the old ones down.
fn roll(store: &mut Store, deployment: &Value, sets: &Sets) {
    let Some(new) = &sets.new else {
        return;
    };
    let wanted = count(deployment, "/spec/replicas");
    let size = |store: &Store| store.get(new).map_or(0, |set| count(set, "/spec/replicas"));
    if tree::text(deployment, "/spec/strategy/type") == "Recreate" {
        for old in &sets.old {
            scale(store, old, deployment, 0);
        }
        let old_pods: i64 = sets
            .old
            .iter()
            .filter_map(|key| store.get(key))
            .map(|set| count(set, "/status/replicas"))
            .sum();
        if old_pods == 0 {
            scale(store, new, deployment, wanted);
        }
        return;
    }
    let (surge, unavailable) = surge_and_unavailable(deployment);
    let now = size(store);
    let total = sets.sum(store, "/spec/replicas");
    if now > wanted {
        scale(store, new, deployment, wanted);
        return;
    }
    if now < wanted && total < wanted + surge {
        scale(
            store,
            new,
            deployment,
            now + (wanted + surge - total).min(wanted - now),
        );
        return;
    }
    let least = wanted - unavailable;
    let new_available = store
        .get(new)
        .map_or(0, |set| count(set, "/status/availableReplicas"));
    let mut room = total - least - (now - new_available);
    if room <= 0 {
        return;
    }
    // pods of old sets that do not serve go first
    for old in &sets.old {
        let (size, available) = store.get(old).map_or((0, 0), |set| {
            (
                count(set, "/spec/replicas"),
                count(set, "/status/availableReplicas"),
            )
        });
        let gone = room.min(size - available);
        if gone > 0 {
            room -= gone;
            scale(store, old, deployment, size - gone);
        }
    }
    let available = sets.sum(store, "/status/availableReplicas");
    let mut surplus = available - least;
    for old in &sets.old {
        let size = store.get(old).map_or(0, |set| count(set, "/spec/replicas"));
        let gone = surplus.min(size);
        if gone > 0 {
            surplus -= gone;
            scale(store, old, deployment, size - gone);
        }
    }
}

/// Deletes sets beyond the history limit.
fn forget_old(moment: &mut Moment<'_>, deployment: &Value, sets: &Sets) {
    let limit = usize::try_from(count(deployment, "/spec/revisionHistoryLimit")).unwrap_or(0);
    let surplus = sets.old.len().saturating_sub(limit);
    for key in sets.old.iter().take(surplus) {
        let idle = moment.store.get(key).is_some_and(|set| {
            count(set, "/spec/replicas") == 0 && count(set, "/status/replicas") == 0
        });
        if idle {
            moment.store.remove(key);
        }
    }
}
