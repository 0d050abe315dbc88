//! Updating objects, as the API server does it whatever the client's format was.

use crate::sandbox::apply;
use crate::sandbox::creates::create_tracked;
use crate::sandbox::defaults;
use crate::sandbox::failure::Failure;
use crate::sandbox::kinds::ApiKind;
use crate::sandbox::managed;
use crate::sandbox::managed::Writer;
use crate::sandbox::patch;
use crate::sandbox::patch::PatchType;
use crate::sandbox::schema;
use crate::sandbox::store::ObjectKey;
use crate::sandbox::store::Store;
use crate::sandbox::tree;
use crate::sandbox::validation::validate;
use jiff::Timestamp;
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;

/// What is done with fields that a built-in type does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldValidation {
    /// Refused.
    Strict,
    /// Dropped.
    Drop,
}

/// Which part of an object a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All but the status.
    Main,
    /// The status alone.
    Status,
}

/// Who writes, and how.
#[derive(Clone, Debug)]
pub struct Write<'a> {
    /// The kind.
    pub kind: &'a ApiKind,
    /// The version in the request's path.
    pub version: &'a str,
    /// Field manager.
    pub manager: &'a str,
    /// Which part.
    pub part: Part,
    /// Answer only, store nothing.
    pub dry_run: bool,
    /// Unknown fields.
    pub validation: FieldValidation,
    /// Time of day.
    pub now: Timestamp,
}

/// RFC 3339 in whole seconds, as `metav1.Time` is written.
#[must_use]
pub fn seconds(now: Timestamp) -> String {
    format!("{now:.0}")
}

/// Metadata that no client changes.
const FIXED: &[&str] = &[
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "generation",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generateName",
];

impl Write<'_> {
    fn api_version(&self) -> String {
        self.kind.api_version(self.version)
    }

    const fn subresource(&self) -> &'static str {
        match self.part {
            Part::Main => "",
            Part::Status => "status",
        }
    }

    pub(super) fn check_type(&self, object: &Value) -> Result<(), Failure> {
        let version = self.api_version();
        let given = tree::text(object, "/apiVersion");
        if !given.is_empty() && given != version {
            return Err(Failure::bad_request(format!(
                "the API version in the data ({given}) does not match the expected API version ({version})"
            )));
        }
        let kind = tree::text(object, "/kind");
        if !kind.is_empty() && kind != self.kind.kind {
            return Err(Failure::bad_request(format!(
                "{} in version \"{}\" cannot be handled as a {}: converting ({kind}) to ({}): unknown conversion",
                kind, self.version, self.kind.kind, self.kind.kind
            )));
        }
        Ok(())
    }

    /// Decodes into the kind's type: wrong types are refused, unknown fields dropped or refused.
    pub(super) fn decode(&self, object: &mut Value) -> Result<(), Failure> {
        tree::set(
            object,
            &["apiVersion"],
            self.kind.api_version(self.kind.storage_version()),
        );
        tree::set(object, &["kind"], self.kind.kind.as_str());
        if !self.kind.builtin {
            return Ok(());
        }
        let prefix = || {
            let kind = &self.kind.kind;
            format!(
                "{kind} in version \"{}\" cannot be handled as a {kind}",
                self.version
            )
        };
        let unknown = schema::unknown_fields(&self.kind.kind, object)
            .map_err(|error| Failure::bad_request(format!("{}: {error}", prefix())))?;
        if self.validation == FieldValidation::Strict && !unknown.is_empty() {
            let names: Vec<String> = unknown
                .iter()
                .map(|path| format!("unknown field \"{}\"", schema::dotted(path)))
                .collect();
            return Err(Failure::bad_request(format!(
                "{}: strict decoding error: {}",
                prefix(),
                names.join(", ")
            )));
        }
        for path in &unknown {
            schema::drop_field(object, path);
        }
        Ok(())
    }

    pub(super) fn track(&self, current: Option<&Value>, next: &mut Value) {
        let api_version = self.api_version();
        let time = seconds(self.now);
        let writer = Writer {
            name: self.manager,
            api_version: &api_version,
            subresource: self.subresource(),
            time: &time,
        };
        managed::track_update(current, next, self.kind.builtin, writer);
    }
}

/// PUT. `body` is the whole object, or the whole object with its new status.
pub fn replace(
    store: &mut Store,
    write: &Write<'_>,
    namespace: &str,
    name: &str,
    body: Value,
) -> Result<Arc<Value>, Failure> {
    write.check_type(&body)?;
    let given = tree::text(&body, "/metadata/name");
    if given != name && !given.is_empty() {
        return Err(Failure::bad_request(format!(
            "the name of the object ({given}) does not match the name on the URL ({name})"
        )));
    }
    let key = ObjectKey::new(write.kind, namespace, name);
    let current = store
        .get(&key)
        .cloned()
        .ok_or_else(|| Failure::not_found(write.kind, name))?;
    if !write.kind.builtin && tree::text(&body, "/metadata/resourceVersion").is_empty() {
        let why = "Invalid value: 0: must be specified for an update".to_owned();
        return Err(Failure::invalid(
            write.kind,
            name,
            &[("metadata.resourceVersion", why)],
        ));
    }
    update(store, write, &key, &current, body, true)
}

/// PATCH in any format; also whether it created the object.
pub fn patch(
    store: &mut Store,
    write: &Write<'_>,
    namespace: &str,
    name: &str,
    patch_type: PatchType,
    body: &[u8],
    force: bool,
) -> Result<(Arc<Value>, bool), Failure> {
    let kind = write.kind;
    let key = ObjectKey::new(kind, namespace, name);
    let current = store.get(&key).cloned();
    if patch_type == PatchType::Apply {
        return apply_patch(store, write, namespace, &key, current, body, force);
    }
    if patch_type == PatchType::Strategic && !kind.builtin {
        return Err(PatchType::unsupported(kind));
    }
    let current = current.ok_or_else(|| Failure::not_found(kind, name))?;
    let next = patch::patched(&as_version(&current, kind, write.version), patch_type, body)?;
    write.check_type(&next)?;
    if tree::text(&next, "/metadata/name") != name {
        let why = "Invalid value: field is immutable".to_owned();
        return Err(Failure::invalid(kind, name, &[("metadata.name", why)]));
    }
    Ok((update(store, write, &key, &current, next, true)?, false))
}

fn apply_patch(
    store: &mut Store,
    write: &Write<'_>,
    namespace: &str,
    key: &ObjectKey,
    current: Option<Arc<Value>>,
    body: &[u8],
    force: bool,
) -> Result<(Arc<Value>, bool), Failure> {
    let kind = write.kind;
    let name = &key.name;
    let mut config = patch::parse_apply(body)?;
    for field in ["apiVersion", "kind"] {
        if tree::text(&config, &format!("/{field}")).is_empty() {
            return Err(Failure::bad_request(format!(
                "{field} must be set in an apply patch"
            )));
        }
    }
    write.check_type(&config)?;
    if config.pointer("/metadata/managedFields").is_some() {
        return Err(Failure::bad_request("metadata.managedFields must be nil"));
    }
    let given = tree::text(&config, "/metadata/name");
    if given != name && !given.is_empty() {
        return Err(Failure::bad_request(format!(
            "the name of the object ({given}) does not match the name on the URL ({name})"
        )));
    }
    tree::set(&mut config, &["metadata", "name"], name.as_str());
    defaults::normalize(&mut config, kind.builtin);
    write.decode(&mut config)?;
    match write.part {
        Part::Main if kind.status => {
            tree::take(&mut config, &["status"]);
        }
        Part::Main => {}
        Part::Status => {
            let status = config.get("status").cloned().unwrap_or(Value::Null);
            config = json!({"metadata": {"name": name}, "status": status});
        }
    }
    let revision = tree::take(&mut config, &["metadata", "resourceVersion"]);
    let api_version = write.api_version();
    let time = seconds(write.now);
    let writer = Writer {
        name: write.manager,
        api_version: &api_version,
        subresource: write.subresource(),
        time: &time,
    };
    let mut next = apply::apply(current.as_deref(), &config, kind.builtin, writer, force)?;
    match current {
        Some(current) => {
            if let Some(revision) = revision {
                tree::set(&mut next, &["metadata", "resourceVersion"], revision);
            }
            Ok((update(store, write, key, &current, next, false)?, false))
        }
        None if write.part == Part::Status => Err(Failure::not_found(kind, name)),
        None if revision.is_some() => Err(Failure::stale(kind, name)),
        None => Ok((create_tracked(store, write, namespace, next, false)?, true)),
    }
}

/// Stores `next` in place of `current`, or nothing where nothing changed.
fn update(
    store: &mut Store,
    write: &Write<'_>,
    key: &ObjectKey,
    current: &Arc<Value>,
    next: Value,
    track: bool,
) -> Result<Arc<Value>, Failure> {
    let kind = write.kind;
    let mut next = next;
    let revision = tree::text(&next, "/metadata/resourceVersion");
    if !revision.is_empty() && revision != tree::text(current, "/metadata/resourceVersion") {
        return Err(Failure::stale(kind, &key.name));
    }
    let uid = tree::text(&next, "/metadata/uid");
    let current_uid = tree::text(current, "/metadata/uid");
    if !uid.is_empty() && uid != current_uid {
        let why = format!(
            "Precondition failed: UID in precondition: {uid}, UID in object meta: {current_uid}"
        );
        return Err(Failure::conflict(kind, &key.name, &why));
    }
    defaults::normalize(&mut next, kind.builtin);
    write.decode(&mut next)?;
    match write.part {
        Part::Main => {
            if kind.status {
                restore(&mut next, current, &["status"]);
            }
        }
        Part::Status => {
            let status = tree::take(&mut next, &["status"]);
            let owners = next.pointer("/metadata/managedFields").cloned();
            next = (**current).clone();
            if let Some(status) = status {
                tree::set(&mut next, &["status"], status);
            }
            if let Some(owners) = owners {
                tree::set(&mut next, &["metadata", "managedFields"], owners);
            }
        }
    }
    for field in FIXED {
        restore(&mut next, current, &["metadata", field]);
    }
    restore(&mut next, current, &["metadata", "resourceVersion"]);
    if track {
        restore(&mut next, current, &["metadata", "managedFields"]);
    }
    defaults::fill(kind, &mut next, Some(current));
    if write.part == Part::Main {
        validate(kind, &key.name, &next, Some(current))?;
    }
    if track && next != **current {
        write.track(Some(current), &mut next);
    }
    if next == **current {
        return Ok(Arc::clone(current));
    }
    if kind.has_generation() && intent(&next) != intent(current) {
        let generation = tree::int(current, "/metadata/generation").unwrap_or(1);
        tree::set(&mut next, &["metadata", "generation"], generation + 1);
    }
    if write.dry_run {
        return Ok(Arc::new(next));
    }
    let dying = next.pointer("/metadata/deletionTimestamp").is_some();
    let ends_elsewhere = kind.builtin && matches!(kind.kind.as_str(), "Pod" | "Namespace");
    if dying && !ends_elsewhere && tree::items(&next, "/metadata/finalizers").is_empty() {
        store.put(key.clone(), next);
        return Ok(store.remove(key).unwrap_or_else(|| Arc::clone(current)));
    }
    Ok(store.put(key.clone(), next))
}

fn restore(next: &mut Value, current: &Value, path: &[&str]) {
    let pointer: String = path.iter().map(|name| format!("/{name}")).collect();
    match current.pointer(&pointer) {
        Some(value) => tree::set(next, path, value.clone()),
        None => {
            tree::take(next, path);
        }
    }
}

/// What `generation` counts changes of: everything but metadata and status.
fn intent(object: &Value) -> Vec<(&String, &Value)> {
    let mut fields: Vec<_> = object
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| !matches!(name.as_str(), "metadata" | "status" | "apiVersion" | "kind"))
        .collect();
    fields.sort_by_key(|(name, _)| name.as_str());
    fields
}

/// The object as a version of its kind shows it.
#[must_use]
pub fn as_version(object: &Value, kind: &ApiKind, version: &str) -> Value {
    let mut object = object.clone();
    if version != kind.storage_version() {
        tree::set(&mut object, &["apiVersion"], kind.api_version(version));
    }
    object
}
