//! Deleting objects: grace periods, finalizers and what becomes of dependents.

use crate::sandbox::failure::Failure;
use crate::sandbox::kinds::ApiKind;
use crate::sandbox::store::ObjectKey;
use crate::sandbox::store::Store;
use crate::sandbox::tree;
use crate::sandbox::writes::seconds;
use jiff::SignedDuration;
use jiff::Timestamp;
use serde_json::Value;
use std::sync::Arc;

/// The finalizer that keeps an owner until its dependents are gone.
pub const FOREGROUND: &str = "foregroundDeletion";

/// What becomes of the objects that a deleted one owns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Propagation {
    /// They go after it.
    #[default]
    Background,
    /// They go before it.
    Foreground,
    /// They stay.
    Orphan,
}

/// `DeleteOptions`, from body and query.
#[derive(Clone, Debug, Default)]
pub struct DeleteOptions {
    /// What becomes of dependents.
    pub propagation: Propagation,
    /// Seconds; pods only.
    pub grace: Option<i64>,
    /// Only the object with this uid.
    pub uid: Option<String>,
    /// Only the object in this version.
    pub resource_version: Option<String>,
    /// Answer only.
    pub dry_run: bool,
}

impl DeleteOptions {
    /// Reads the body of a DELETE, which may be empty.
    pub fn parse(body: &[u8]) -> Result<Self, Failure> {
        if body.is_empty() {
            return Ok(Self::default());
        }
        let value = crate::sandbox::patch::parse(body)?;
        let text = |pointer: &str| {
            let text = tree::text(&value, pointer);
            (!text.is_empty()).then(|| text.to_owned())
        };
        Ok(Self {
            propagation: Self::propagation(tree::text(&value, "/propagationPolicy")),
            grace: tree::int(&value, "/gracePeriodSeconds"),
            uid: text("/preconditions/uid"),
            resource_version: text("/preconditions/resourceVersion"),
            dry_run: !tree::items(&value, "/dryRun").is_empty(),
        })
    }

    /// Reads a propagation policy; an absent one is Background.
    #[must_use]
    pub fn propagation(policy: &str) -> Propagation {
        match policy {
            "Foreground" => Propagation::Foreground,
            "Orphan" => Propagation::Orphan,
            _ => Propagation::Background,
        }
    }
}

/// How far a deletion came.
#[derive(Clone, Debug, PartialEq)]
pub enum Deleted {
    /// The object is gone.
    Gone(Arc<Value>),
    /// It is terminating: a pod in its grace period, or something with finalizers.
    Pending(Arc<Value>),
}

/// DELETE of one object.
pub fn delete(
    store: &mut Store,
    kind: &ApiKind,
    key: &ObjectKey,
    options: &DeleteOptions,
    now: Timestamp,
) -> Result<Deleted, Failure> {
    let name = &key.name;
    let current = store
        .get(key)
        .cloned()
        .ok_or_else(|| Failure::not_found(kind, name))?;
    let uid = tree::text(&current, "/metadata/uid");
    if let Some(wanted) = options.uid.as_deref().filter(|wanted| *wanted != uid) {
        let why = format!(
            "Precondition failed: UID in precondition: {wanted}, UID in object meta: {uid}"
        );
        return Err(Failure::conflict(kind, name, &why));
    }
    let revision = tree::text(&current, "/metadata/resourceVersion");
    if let Some(wanted) = options
        .resource_version
        .as_deref()
        .filter(|wanted| *wanted != revision)
    {
        let why = format!(
            "Precondition failed: ResourceVersion in precondition: {wanted}, ResourceVersion in object meta: {revision}"
        );
        return Err(Failure::conflict(kind, name, &why));
    }
    if options.dry_run {
        return Ok(Deleted::Gone(current));
    }
    if kind.kind == "Pod" && kind.builtin {
        return Ok(delete_pod(store, key, &current, options.grace, now));
    }
    if options.propagation == Propagation::Orphan {
        release_dependents(store, uid);
    }
    let foreground = options.propagation == Propagation::Foreground && has_dependents(store, uid);
    let namespace = kind.kind == "Namespace" && kind.builtin;
    if !foreground && !namespace && tree::items(&current, "/metadata/finalizers").is_empty() {
        let last = store.remove(key).unwrap_or(current);
        return Ok(Deleted::Gone(last));
    }
    let mut next = (*current).clone();
    tree::default(&mut next, &["metadata", "deletionTimestamp"], seconds(now));
    tree::default(&mut next, &["metadata", "deletionGracePeriodSeconds"], 0);
    if foreground {
        let finalizers = tree::field(&mut next, &["metadata", "finalizers"]);
        let mut list = finalizers.as_array().cloned().unwrap_or_default();
        if !list.iter().any(|entry| entry == FOREGROUND) {
            list.push(FOREGROUND.into());
        }
        *finalizers = Value::Array(list);
    }
    if namespace {
        tree::set(&mut next, &["status", "phase"], "Terminating");
    }
    if next == *current {
        return Ok(Deleted::Pending(current));
    }
    Ok(Deleted::Pending(store.put(key.clone(), next)))
}

fn delete_pod(
    store: &mut Store,
    key: &ObjectKey,
    current: &Arc<Value>,
    grace: Option<i64>,
    now: Timestamp,
) -> Deleted {
    let grace = grace
        .or_else(|| tree::int(current, "/spec/terminationGracePeriodSeconds"))
        .unwrap_or(30);
    if grace <= 0 {
        return Deleted::Gone(store.remove(key).unwrap_or_else(|| Arc::clone(current)));
    }
    if current.pointer("/metadata/deletionTimestamp").is_some() {
        return Deleted::Pending(Arc::clone(current));
    }
    let mut next = (**current).clone();
    let end = now
        .checked_add(SignedDuration::from_secs(grace))
        .unwrap_or(Timestamp::MAX);
    tree::set(&mut next, &["metadata", "deletionTimestamp"], seconds(end));
    tree::set(
        &mut next,
        &["metadata", "deletionGracePeriodSeconds"],
        grace,
    );
    Deleted::Pending(store.put(key.clone(), next))
}

/// Does an object refer to that owner?
#[must_use]
pub fn is_owned_by(object: &Value, uid: &str) -> bool {
    tree::items(object, "/metadata/ownerReferences")
        .iter()
        .any(|reference| tree::text(reference, "/uid") == uid)
}

/// The objects that refer to that owner.
#[must_use]
pub fn dependents(store: &Store, uid: &str) -> Vec<ObjectKey> {
    store
        .all()
        .filter(|(_, object)| is_owned_by(object, uid))
        .map(|(key, _)| key.clone())
        .collect()
}

fn has_dependents(store: &Store, uid: &str) -> bool {
    store.all().any(|(_, object)| is_owned_by(object, uid))
}

/// Takes the reference to that owner from all objects.
fn release_dependents(store: &mut Store, uid: &str) {
    for key in dependents(store, uid) {
        release(store, &key, uid);
    }
}

/// Takes the reference to that owner from an object.
pub fn release(store: &mut Store, key: &ObjectKey, uid: &str) {
    let Some(object) = store.get(key) else {
        return;
    };
    let mut next = (**object).clone();
    let mut references = tree::items(&next, "/metadata/ownerReferences").to_vec();
    references.retain(|reference| tree::text(reference, "/uid") != uid);
    if references.is_empty() {
        tree::take(&mut next, &["metadata", "ownerReferences"]);
    } else {
        tree::set(&mut next, &["metadata", "ownerReferences"], references);
    }
    store.put(key.clone(), next);
}
