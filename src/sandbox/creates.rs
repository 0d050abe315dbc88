//! Creating objects.

use crate::sandbox::defaults;
use crate::sandbox::failure::Failure;
use crate::sandbox::kinds::ApiKind;
use crate::sandbox::store::ObjectKey;
use crate::sandbox::store::Store;
use crate::sandbox::tree;
use crate::sandbox::validation::validate;
use crate::sandbox::writes::Write;
use crate::sandbox::writes::seconds;
use jiff::Timestamp;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;

/// POST.
pub fn create(
    store: &mut Store,
    write: &Write<'_>,
    namespace: &str,
    body: Value,
) -> Result<Arc<Value>, Failure> {
    write.check_type(&body)?;
    create_tracked(store, write, namespace, body, true)
}

pub(super) fn create_tracked(
    store: &mut Store,
    write: &Write<'_>,
    namespace: &str,
    body: Value,
    track: bool,
) -> Result<Arc<Value>, Failure> {
    let kind = write.kind;
    let mut object = body;
    if !tree::text(&object, "/metadata/resourceVersion").is_empty() {
        return Err(Failure::bad_request(
            "resourceVersion should not be set on objects to be created",
        ));
    }
    if kind.namespaced {
        let given = tree::text(&object, "/metadata/namespace");
        if !given.is_empty() && given != namespace {
            return Err(Failure::bad_request(
                "the namespace of the provided object does not match the namespace sent on the request",
            ));
        }
        let home = store.get(&ObjectKey::of("", "namespaces", "", namespace));
        if home.is_none() {
            return Err(Failure::no_namespace(namespace));
        }
    }
    let mut name = tree::text(&object, "/metadata/name").to_owned();
    if name.is_empty() {
        let prefix = tree::text(&object, "/metadata/generateName");
        if prefix.is_empty() {
            let why = "Required value: name or generateName is required".to_owned();
            return Err(Failure::invalid(kind, "", &[("metadata.name", why)]));
        }
        let prefix = prefix.to_owned();
        name = format!("{prefix}{}", store.next_suffix());
    }
    let key = ObjectKey::new(kind, namespace, &name);
    if store.get(&key).is_some() {
        return Err(Failure::already_exists(kind, &name));
    }
    defaults::normalize(&mut object, kind.builtin);
    write.decode(&mut object)?;
    if kind.status {
        tree::take(&mut object, &["status"]);
    }
    let metadata = ordered_metadata(&object, kind, namespace, &name, store.next_uid(), write.now);
    tree::set(&mut object, &["metadata"], metadata);
    let mut object = in_order(object);
    defaults::fill(kind, &mut object, None);
    if kind.kind == "Service" && kind.builtin {
        let n = store.list("", "services", "").count() as u64;
        defaults::allocate_cluster_ip(&mut object, free_address(store, n));
    }
    validate(kind, &name, &object, None)?;
    if track {
        write.track(None, &mut object);
    }
    if write.dry_run {
        return Ok(Arc::new(object));
    }
    Ok(store.put(key, object))
}

/// The first number from `n` whose address no Service has.
fn free_address(store: &Store, n: u64) -> u64 {
    let taken: Vec<&str> = store
        .list("", "services", "")
        .map(|(_, service)| tree::text(service, "/spec/clusterIP"))
        .collect();
    (n..)
        .find(|n| {
            let mut probe = json!({});
            defaults::allocate_cluster_ip(&mut probe, *n);
            !taken.contains(&tree::text(&probe, "/spec/clusterIP"))
        })
        .unwrap_or(n)
}

fn ordered_metadata(
    object: &Value,
    kind: &ApiKind,
    namespace: &str,
    name: &str,
    uid: String,
    now: Timestamp,
) -> Map<String, Value> {
    let given = object.get("metadata").and_then(Value::as_object);
    let mut metadata = Map::new();
    metadata.insert("name".to_owned(), name.into());
    if kind.namespaced {
        metadata.insert("namespace".to_owned(), namespace.into());
    }
    metadata.insert("uid".to_owned(), uid.into());
    metadata.insert("resourceVersion".to_owned(), Value::Null);
    if kind.has_generation() {
        metadata.insert("generation".to_owned(), 1.into());
    }
    metadata.insert("creationTimestamp".to_owned(), seconds(now).into());
    for (field, value) in given.into_iter().flatten() {
        let server_set = matches!(
            field.as_str(),
            "selfLink" | "deletionTimestamp" | "deletionGracePeriodSeconds" | "generation"
        );
        if !metadata.contains_key(field) && !server_set {
            metadata.insert(field.clone(), value.clone());
        }
    }
    metadata.shift_remove("resourceVersion");
    metadata
}

/// `apiVersion`, `kind` and `metadata` first, as everybody prints them.
fn in_order(object: Value) -> Value {
    let Value::Object(mut map) = object else {
        return object;
    };
    let mut ordered = Map::new();
    for name in ["apiVersion", "kind", "metadata"] {
        if let Some(value) = map.shift_remove(name) {
            ordered.insert(name.to_owned(), value);
        }
    }
    ordered.extend(map);
    Value::Object(ordered)
}
