//! What can be asked of the API server, in its own words: selections, write options, patches, and their wire format.
//!
//! Sends nothing.

use crate::canary::object::ObjectRef;
use serde_json::Value;
use serde_json::json;
use std::fmt::Write as _;

/// Who owns the fields we write. Flux takes fields back from managers whose name starts with `kubectl`.
pub const FIELD_MANAGER: &str = "flagger-driver";

/// Which objects of a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Such as `app=podinfo`.
    pub labels: Option<String>,
    /// Such as `metadata.name=podinfo`.
    pub fields: Option<String>,
}

/// Objects of a kind, at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectList {
    /// Complete, whatever the pages.
    pub items: Vec<Value>,
    /// The moment.
    pub resource_version: String,
}

/// How something is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteOptions {
    /// Such as `status` or `scale`.
    pub subresource: Option<&'static str>,
    /// Only check it.
    pub dry_run: bool,
    /// Refuse fields the server does not know, instead of dropping them.
    pub strict: bool,
}

/// A change of an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Patch {
    /// A JSON Patch (RFC 6902): a list of operations, all or none.
    Json(Value),
    /// A JSON merge patch (RFC 7386); a `metadata.resourceVersion` in it guards it.
    Merge(Value),
    /// Server-side apply of all the fields that are ours.
    Apply {
        /// With `apiVersion` and `kind`.
        manifest: Value,
        /// Take fields over that others own.
        force: bool,
    },
}

/// What must still hold for a deletion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeleteOptions {
    /// Only this incarnation of the object.
    pub uid: Option<String>,
    /// Only this version.
    pub resource_version: Option<String>,
    /// Wait for what it owns: `Foreground`, `Background` or `Orphan`; the server's choice where absent.
    pub propagation: Option<&'static str>,
}

impl Selection {
    pub(super) fn query(&self) -> Vec<(&'static str, String)> {
        let labels = self.labels.clone().map(|labels| ("labelSelector", labels));
        let fields = self.fields.clone().map(|fields| ("fieldSelector", fields));
        labels.into_iter().chain(fields).collect()
    }
}

impl WriteOptions {
    pub(super) fn path(&self, object: &ObjectRef) -> String {
        match self.subresource {
            Some(subresource) => format!("{}/{subresource}", object.path()),
            None => object.path(),
        }
    }

    pub(super) fn query(&self) -> Vec<(&'static str, String)> {
        let mut query = vec![("fieldManager", FIELD_MANAGER.to_owned())];
        if self.dry_run {
            query.push(("dryRun", "All".to_owned()));
        }
        if self.strict {
            query.push(("fieldValidation", "Strict".to_owned()));
        }
        query
    }
}

impl DeleteOptions {
    pub(super) fn body(&self) -> Value {
        let mut body = json!({"apiVersion": "v1", "kind": "DeleteOptions"});
        if let Some(uid) = &self.uid {
            body["preconditions"]["uid"] = uid.as_str().into();
        }
        if let Some(version) = &self.resource_version {
            body["preconditions"]["resourceVersion"] = version.as_str().into();
        }
        if let Some(propagation) = self.propagation {
            body["propagationPolicy"] = propagation.into();
        }
        body
    }
}

impl Patch {
    pub(super) const fn content_type(&self) -> &'static str {
        match self {
            Self::Json(_) => "application/json-patch+json",
            Self::Merge(_) => "application/merge-patch+json",
            // JSON is YAML.
            Self::Apply { .. } => "application/apply-patch+yaml",
        }
    }

    pub(super) const fn body(&self) -> &Value {
        match self {
            Self::Json(body) | Self::Merge(body) => body,
            Self::Apply { manifest, .. } => manifest,
        }
    }

    pub(super) fn is_guarded(&self) -> bool {
        match self {
            Self::Json(operations) => operations.as_array().is_some_and(|operations| {
                operations
                    .iter()
                    .any(|operation| operation.get("op") == Some(&Value::from("test")))
            }),
            Self::Merge(change) => names_version(change),
            Self::Apply { .. } => true,
        }
    }
}

/// Does the manifest or merge patch say which version it replaces?
pub(super) fn names_version(manifest: &Value) -> bool {
    manifest
        .pointer("/metadata/resourceVersion")
        .is_some_and(Value::is_string)
}

/// A path with a query, whose values are escaped.
pub(super) fn with_query(path: &str, query: &[(&'static str, String)]) -> String {
    let mut whole = path.to_owned();
    for (number, (name, value)) in query.iter().enumerate() {
        whole.push(if number == 0 { '?' } else { '&' });
        whole.push_str(name);
        whole.push('=');
        whole.push_str(&escaped(value));
    }
    whole
}

fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing into a string cannot fail.
            let _infallible = write!(text, "%{byte:02X}");
        }
    }
    text
}
