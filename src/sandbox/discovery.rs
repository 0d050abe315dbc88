//! What the API server says about itself, in the classic form.

use crate::sandbox::failure::Failure;
use crate::sandbox::kinds::ApiKind;
use crate::sandbox::store::Store;
use serde_json::Value;
use serde_json::json;

/// The Kubernetes release whose behaviour is copied.
const RELEASE: &str = "v1.36.3";

/// The media type of aggregated discovery, which says everything about all kinds in one document.
pub const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// What a request for it has in its `Accept` header.
pub const AGGREGATED_PARAMETERS: &str = "g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// `/version`
#[must_use]
pub fn version() -> Value {
    json!({
        "major": "1", "minor": "36", "gitVersion": RELEASE, "gitCommit": "", "gitTreeState": "clean", "buildDate": "",
        "goVersion": "", "compiler": "gc", "platform": "linux/amd64",
    })
}

/// `/api`
#[must_use]
pub fn core_versions() -> Value {
    json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []})
}

/// Groups in the order they were registered, without the core one.
fn groups(store: &Store) -> Vec<&str> {
    let mut groups: Vec<&str> = Vec::new();
    for kind in store.kinds() {
        if !kind.group.is_empty() && !groups.contains(&kind.group.as_str()) {
            groups.push(&kind.group);
        }
    }
    groups
}

fn versions<'a>(store: &'a Store, group: &str) -> Vec<&'a str> {
    let mut versions: Vec<&str> = Vec::new();
    for version in store
        .kinds()
        .iter()
        .filter(|kind| kind.group == group)
        .flat_map(|kind| &kind.versions)
    {
        if !versions.contains(&version.as_str()) {
            versions.push(version);
        }
    }
    versions
}

fn describe(store: &Store, group: &str) -> Value {
    let list: Vec<Value> = versions(store, group)
        .into_iter()
        .map(|version| json!({"groupVersion": format!("{group}/{version}"), "version": version}))
        .collect();
    json!({"name": group, "versions": list, "preferredVersion": list.first()})
}

/// `/apis`
#[must_use]
pub fn all_groups(store: &Store) -> Value {
    let list: Vec<Value> = groups(store)
        .into_iter()
        .map(|group| describe(store, group))
        .collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": list})
}

/// `/apis/GROUP`
pub fn group(store: &Store, name: &str) -> Result<Value, Failure> {
    if !groups(store).contains(&name) {
        return Err(Failure::no_such_path());
    }
    let mut group = describe(store, name);
    crate::sandbox::tree::set(&mut group, &["kind"], "APIGroup");
    crate::sandbox::tree::set(&mut group, &["apiVersion"], "v1");
    Ok(group)
}

/// `/api/v1` and `/apis/GROUP/VERSION`
pub fn resources(store: &Store, group: &str, version: &str) -> Result<Value, Failure> {
    let kinds: Vec<&ApiKind> = store
        .kinds()
        .iter()
        .map(AsRef::as_ref)
        .filter(|kind| kind.group == group && kind.versions.iter().any(|served| served == version))
        .collect();
    let Some(first) = kinds.first() else {
        return Err(Failure::no_such_path());
    };
    let rows: Vec<Value> = kinds.iter().flat_map(|kind| kind.discovery()).collect();
    Ok(json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": first.api_version(version), "resources": rows,
    }))
}

/// `/api` or `/apis` in the aggregated form.
#[must_use]
pub fn aggregated(store: &Store, core: bool) -> Value {
    let groups = if core { vec![""] } else { groups(store) };
    let items: Vec<Value> = groups
        .into_iter()
        .map(|group| {
            let versions: Vec<Value> = versions(store, group)
                .into_iter()
                .map(|version| {
                    let resources: Vec<Value> = store
                        .kinds()
                        .iter()
                        .filter(|kind| {
                            kind.group == group && kind.versions.iter().any(|v| v == version)
                        })
                        .map(|kind| kind.aggregated_discovery(version))
                        .collect();
                    json!({"version": version, "resources": resources, "freshness": "Current"})
                })
                .collect();
            let metadata = match group {
                "" => json!({"creationTimestamp": null}),
                name => json!({"name": name, "creationTimestamp": null}),
            };
            json!({"metadata": metadata, "versions": versions})
        })
        .collect();
    json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items,
    })
}
