//! The garbage collector and the end of namespaces.

use crate::sandbox::deletes::DeleteOptions;
use crate::sandbox::deletes::FOREGROUND;
use crate::sandbox::deletes::delete;
use crate::sandbox::deletes::dependents;
use crate::sandbox::deletes::release;
use crate::sandbox::store::ObjectKey;
use crate::sandbox::store::Store;
use crate::sandbox::tree;
use crate::sandbox::workloads::Moment;
use serde_json::Value;

/// Is the object deleted and waiting for its dependents?
pub(super) fn is_foreground(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some()
        && tree::items(object, "/metadata/finalizers")
            .iter()
            .any(|finalizer| finalizer == FOREGROUND)
}

/// The owner of that uid, if it waits for its dependents.
pub(super) fn foreground_owner(store: &Store, uid: &str) -> Option<ObjectKey> {
    store
        .all()
        .find(|(_, object)| tree::text(object, "/metadata/uid") == uid && is_foreground(object))
        .map(|(key, _)| key.clone())
}

fn exists(store: &Store, uid: &str) -> bool {
    store
        .all()
        .any(|(_, object)| tree::text(object, "/metadata/uid") == uid)
}

/// Asks for an object's deletion as a controller does.
pub(super) fn remove(moment: &mut Moment<'_>, key: &ObjectKey) {
    let Some(kind) = moment
        .store
        .kinds()
        .iter()
        .find(|kind| kind.group == key.group && kind.plural == key.plural)
        .cloned()
    else {
        return;
    };
    // it may be gone already, which is what is wanted
    let _ = delete(
        moment.store,
        &kind,
        key,
        &DeleteOptions::default(),
        moment.now,
    );
}

/// After an owner is gone: its dependents go too, unless another owner keeps them.
pub(super) fn collect_dependents(moment: &mut Moment<'_>, uid: &str) {
    for key in dependents(moment.store, uid) {
        let others = moment.store.get(&key).is_some_and(|object| {
            tree::items(object, "/metadata/ownerReferences")
                .iter()
                .any(|reference| exists(moment.store, tree::text(reference, "/uid")))
        });
        if others {
            release(moment.store, &key, uid);
        } else {
            remove(moment, &key);
        }
    }
}

/// A new object none of whose owners exists is garbage.
pub(super) fn check_owners(moment: &mut Moment<'_>, key: &ObjectKey) {
    let Some(object) = moment.store.get(key) else {
        return;
    };
    let references = tree::items(object, "/metadata/ownerReferences");
    let kept = references.is_empty()
        || references
            .iter()
            .any(|reference| exists(moment.store, tree::text(reference, "/uid")));
    if !kept {
        remove(moment, key);
    }
}

/// Deletes what a foreground-deleted owner still has, or lets the owner go.
pub(super) fn finish_foreground(moment: &mut Moment<'_>, key: &ObjectKey) {
    let Some(owner) = moment.store.get(key).cloned() else {
        return;
    };
    let uid = tree::text(&owner, "/metadata/uid");
    let left = dependents(moment.store, uid);
    if !left.is_empty() {
        for dependent in left {
            remove(moment, &dependent);
        }
        return;
    }
    let mut next = (*owner).clone();
    let mut finalizers = tree::items(&next, "/metadata/finalizers").to_vec();
    finalizers.retain(|finalizer| finalizer != FOREGROUND);
    let last = finalizers.is_empty();
    tree::set(&mut next, &["metadata", "finalizers"], finalizers);
    if last {
        moment.store.remove(key);
    } else {
        moment.store.put(key.clone(), next);
    }
}

/// Deletes what is in a terminating namespace, then the namespace; true if it is gone.
pub(super) fn empty_namespace(moment: &mut Moment<'_>, name: &str) -> bool {
    let inside: Vec<ObjectKey> = moment
        .store
        .all()
        .filter(|(key, _)| key.namespace == name)
        .map(|(key, _)| key.clone())
        .collect();
    if inside.is_empty() {
        moment
            .store
            .remove(&ObjectKey::of("", "namespaces", "", name));
        return true;
    }
    for key in &inside {
        remove(moment, key);
    }
    false
}
