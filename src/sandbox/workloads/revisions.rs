//! A Deployment's replica sets: which is of the template as it is now, and their numbers.

use crate::sandbox::store::NAME_LETTERS;
use crate::sandbox::store::ObjectKey;
use crate::sandbox::store::Store;
use crate::sandbox::tree;
use crate::sandbox::workloads::controlled;
use crate::sandbox::workloads::count;
use serde_json::Value;
use sha2::Digest as _;
use sha2::Sha256;
use std::sync::Arc;

/// The label that tells a Deployment's replica sets apart.
pub(super) const HASH_LABEL: &str = "pod-template-hash";
/// The annotation with a set's number.
pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";
/// The annotation with the Deployment's replicas when a set was scaled.
pub(super) const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
/// The annotation with the Deployment's replicas and surge when a set was scaled.
pub(super) const MAXIMUM: &str = "deployment.kubernetes.io/max-replicas";

/// A template's hash as Kubernetes writes it: up to ten safe letters, equal for equal templates.
pub(super) fn template_hash(template: &Value) -> String {
    let digest = Sha256::digest(tree::canonical(template).as_bytes());
    let number = digest
        .iter()
        .take(4)
        .fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    number
        .to_string()
        .bytes()
        .filter_map(|digit| NAME_LETTERS.get(usize::from(digit) % NAME_LETTERS.len()))
        .map(|letter| char::from(*letter))
        .collect()
}

/// A number or a percentage of `total`, rounded up or down.
pub(super) fn resolve(value: Option<&Value>, total: i64, up: bool) -> i64 {
    let Some(value) = value else {
        return 0;
    };
    if let Some(number) = value.as_i64() {
        return number;
    }
    let percent: i64 = value
        .as_str()
        .and_then(|text| text.strip_suffix('%'))
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    let scaled = percent * total;
    if up {
        (scaled + 99) / 100
    } else {
        scaled / 100
    }
}

/// How many pods may be more, and how many fewer, than wanted.
pub(super) fn surge_and_unavailable(deployment: &Value) -> (i64, i64) {
    let wanted = count(deployment, "/spec/replicas");
    if tree::text(deployment, "/spec/strategy/type") != "RollingUpdate" {
        return (0, 0);
    }
    let strategy = "/spec/strategy/rollingUpdate";
    let surge = resolve(
        deployment.pointer(&format!("{strategy}/maxSurge")),
        wanted,
        true,
    );
    let unavailable = resolve(
        deployment.pointer(&format!("{strategy}/maxUnavailable")),
        wanted,
        false,
    );
    if surge == 0 && unavailable == 0 {
        return (0, 1);
    }
    (surge, unavailable.min(wanted))
}

/// A Deployment's replica sets.
pub(super) struct Sets {
    /// The one of the template as it is now.
    pub(super) new: Option<ObjectKey>,
    /// The others, oldest first.
    pub(super) old: Vec<ObjectKey>,
}

impl Sets {
    /// The sets that a Deployment controls.
    pub(super) fn find(store: &Store, deployment: &Value) -> Self {
        let namespace = tree::text(deployment, "/metadata/namespace");
        let mut keys = controlled(store, "apps", "replicasets", namespace, deployment);
        keys.sort_by_key(|key| revision(store.get(key)));
        let new = keys.iter().position(|key| {
            store
                .get(key)
                .is_some_and(|set| same_template(set, deployment))
        });
        let new = new.map(|at| keys.remove(at));
        Self { new, old: keys }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &ObjectKey> {
        self.old.iter().chain(self.new.as_ref())
    }

    pub(super) fn sum(&self, store: &Store, pointer: &str) -> i64 {
        self.all()
            .filter_map(|key| store.get(key))
            .map(|set| count(set, pointer))
            .sum()
    }
}

/// A set's number, 0 before it has one.
pub(super) fn revision(set: Option<&Arc<Value>>) -> u64 {
    set.and_then(|set| {
        set.pointer("/metadata/annotations")?
            .get(REVISION)?
            .as_str()?
            .parse()
            .ok()
    })
    .unwrap_or(0)
}

fn same_template(set: &Value, deployment: &Value) -> bool {
    let mut template = set
        .pointer("/spec/template")
        .cloned()
        .unwrap_or(Value::Null);
    tree::take(&mut template, &["metadata", "labels", HASH_LABEL]);
    Some(&template) == deployment.pointer("/spec/template")
}
