//! What all of Flagger's kinds have in common: version, kind, name, namespace and a spec.
//!
//! Must not know what a spec holds.

use crate::canary::problem::SpecErrors;
use crate::canary::problem::SpecProblem;
use crate::canary::reader::At;
use crate::canary::sink::Sink;
use crate::canary::spec::API_VERSION;
use crate::canary::yaml::Document;

/// Reads a document of that kind, `people` being its name in messages; `namespace` is for those that have none.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) fn read_document<T>(
    document: &Document,
    (kind, people): (&str, &str),
    namespace: &str,
    read: impl FnOnce(String, String, At<'_>) -> Option<T>,
) -> Result<(T, Vec<SpecProblem>), SpecErrors> {
    let sink = Sink::default();
    let found = object(At::document(document, &sink), kind, namespace, read);
    sink.finish(found, document, people)
}

/// The parts that all three kinds share: version, kind, name, namespace, and a spec.
fn object<'a, T>(
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
