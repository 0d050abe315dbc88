//! What all of Flagger's kinds have in common: version, kind, name, namespace and a spec.
//!
//! Must not know what a spec holds.

use crate::canary::reader::At;
use crate::canary::spec::API_VERSION;

/// The parts that all three kinds share: version, kind, name, namespace, and a spec.
pub(super) fn object<'a, T>(
    at: At<'a>,
    kind: &str,
    namespace: &str,
    read: impl FnOnce(String, String, At<'a>) -> Option<T>,
) -> Option<T> {
    let mut fields = at.fields()?;
    let version = fields.required("apiVersion", At::text);
    if let (Some(version), Some(at)) = (version, fields.get("apiVersion"))
        && version != API_VERSION
    {
        at.refuse(
            "unknown version",
            &format!("must be {API_VERSION}"),
            "other versions of Flagger's API are no longer served",
        );
    }
    let is = fields.required("kind", At::text);
    if let (Some(is), Some(at)) = (is, fields.get("kind"))
        && is != kind
    {
        at.refuse(
            "another kind",
            &format!("must be {kind}"),
            format!("write {kind}"),
        );
    }
    let names = fields.required("metadata", |at| {
        let mut fields = at.fields()?;
        let name = fields.required("name", At::object_name);
        let own = fields
            .get("namespace")
            .filter(|at| at.value.as_str() != Some(""))
            .and_then(At::label_name);
        // All other metadata is the API server's and other tools'.
        Some((name?, own))
    });
    // Written by a controller or by us, never read from Git.
    fields.get("status");
    // Keeps the problems of the spec even where the metadata is broken.
    let (name, own) = names.clone().unwrap_or_default();
    let spec = fields.required("spec", |at| {
        read(name, own.unwrap_or_else(|| namespace.to_owned()), at)
    });
    fields.close();
    names.and(spec)
}
