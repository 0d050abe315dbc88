//! As much OpenAPI as kubectl needs: which objects can be patched with which parameters.
//!
//! kubectl 1.32 reads version 3 to learn that the server validates fields and knows dry runs, and version 2, as
//! protobuf, for keys of lists; it falls back to the types it was built with where there are no schemas.

use crate::sandbox::failure::Failure;
use crate::sandbox::kinds::ApiKind;
use crate::sandbox::store::Store;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

/// The media type of version 2 as protobuf.
pub const V2_PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

/// `/openapi/v2` as `openapi.v2.Document` of gnostic: `swagger` is field 1, `info` field 2 with title 1 and version 2.
#[must_use]
pub fn v2_protobuf() -> Vec<u8> {
    let info = [field(1, b"Kubernetes"), field(2, b"unversioned")].concat();
    [field(1, b"2.0"), field(2, &info)].concat()
}

/// A length-delimited field; its number is below 16 and its bytes fewer than 128, so each takes one byte.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u8::try_from(bytes.len()).unwrap_or(0);
    let mut all = vec![number << 3 | 2, length];
    all.extend_from_slice(bytes);
    all
}

/// `/openapi/v2` as JSON.
#[must_use]
pub fn v2() -> Value {
    json!({
        "swagger": "2.0", "info": {"title": "Kubernetes", "version": "unversioned"}, "paths": {}, "definitions": {},
    })
}

/// Path of a group's version: `api/v1`, `apis/apps/v1`.
fn path(group: &str, version: &str) -> String {
    if group.is_empty() {
        format!("api/{version}")
    } else {
        format!("apis/{group}/{version}")
    }
}

/// `/openapi/v3`
#[must_use]
pub fn v3_index(store: &Store) -> Value {
    let mut paths = Map::new();
    for kind in store.kinds() {
        for version in &kind.versions {
            let path = path(&kind.group, version);
            // A new kind of a version must not be hidden by what kubectl has kept under the old address.
            let kinds = kinds(store, &kind.group, version).count();
            let address = format!("/openapi/v3/{path}?hash={kinds}");
            paths.insert(path, json!({"serverRelativeURL": address}));
        }
    }
    json!({"paths": paths})
}

fn kinds<'a>(
    store: &'a Store,
    group: &'a str,
    version: &'a str,
) -> impl Iterator<Item = &'a ApiKind> {
    store
        .kinds()
        .iter()
        .map(AsRef::as_ref)
        .filter(move |kind| kind.group == group && kind.versions.iter().any(|v| v == version))
}

/// `/openapi/v3/api/v1`, `/openapi/v3/apis/GROUP/VERSION`
pub fn v3(store: &Store, group: &str, version: &str) -> Result<Value, Failure> {
    let mut paths = Map::new();
    for kind in kinds(store, group, version) {
        let namespace = if kind.namespaced {
            "namespaces/{namespace}/"
        } else {
            ""
        };
        let at = format!("/{}/{namespace}{}", path(group, version), kind.plural);
        let parameters = ["dryRun", "fieldManager", "fieldValidation"].map(parameter);
        let operation = |action: &str| {
            json!({
                "x-kubernetes-action": action,
                "x-kubernetes-group-version-kind": {"group": group, "version": version, "kind": kind.kind},
                "parameters": parameters,
                "responses": {"200": {"description": "OK"}},
            })
        };
        let one = json!({"put": operation("put"), "patch": operation("patch")});
        paths.insert(format!("{at}/{{name}}"), one);
        paths.insert(at, json!({"post": operation("post")}));
    }
    if paths.is_empty() {
        return Err(Failure::no_such_path());
    }
    Ok(json!({
        "openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "unversioned"},
        "paths": paths, "components": {"schemas": {}},
    }))
}

fn parameter(name: &str) -> Value {
    json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}})
}

#[cfg(test)]
mod tests {
    use super::v2_protobuf;

    #[test]
    fn version_2_says_that_it_is_version_2() {
        let bytes = v2_protobuf();
        assert_eq!(&bytes[..5], b"\x0a\x032.0");
        assert_eq!(usize::from(bytes[6]), bytes.len() - 7);
    }
}
