//! `docs/rbac.md` lists what a whole run asks of the API server, no less and no more.

use crate::meshes;
use crate::support::sandbox::Sandbox;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Verb and resource, as RBAC names them.
type Right = (String, String);

fn documented() -> BTreeSet<Right> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rbac.md"));
    let mut rights = BTreeSet::new();
    for block in page.unwrap().split("```yaml\n").skip(1) {
        let text = block.split("```").next().unwrap();
        let role: Value = serde_saphyr::from_str(text).unwrap();
        for rule in role["rules"].as_array().unwrap() {
            let words = |key: &str| -> Vec<String> {
                let list = rule[key].as_array().unwrap();
                list.iter()
                    .map(|word| word.as_str().unwrap().to_owned())
                    .collect()
            };
            for group in words("apiGroups") {
                for resource in words("resources") {
                    for verb in words("verbs") {
                        rights.insert((verb, qualified(&group, &resource)));
                    }
                }
            }
        }
    }
    rights
}

/// `deployments.apps`, `canaries.flagger.app/status`, `services/proxy`.
fn qualified(group: &str, resource: &str) -> String {
    let (plural, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let dot = if group.is_empty() { "" } else { "." };
    let slash = if subresource.is_empty() { "" } else { "/" };
    format!("{plural}{dot}{group}{slash}{subresource}")
}

fn used(scenario: &str) -> BTreeSet<Right> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(scenario);
    let scenario = if file.is_file() {
        file.to_string_lossy().into_owned()
    } else {
        scenario.to_owned()
    };
    let sandbox = Sandbox::play(&scenario, &[]);
    let mut rights = BTreeSet::new();
    for line in sandbox.requests().lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (verb, resource, code) = (words[1], words[2], words[words.len() - 1]);
        rights.insert((verb.to_owned(), resource.to_owned()));
        // An apply that creates needs the right to create, too.
        if verb == "patch" && code == "201" {
            rights.insert(("create".to_owned(), resource.to_owned()));
        }
    }
    rights
}

/// The same of a run in a mesh.
fn used_in(provider: &str) -> BTreeSet<Right> {
    let stage = meshes::played(provider);
    let mut rights = BTreeSet::new();
    for request in stage.world.cluster().log() {
        let dot = if request.group.is_empty() { "" } else { "." };
        let slash = if request.subresource.is_empty() {
            ""
        } else {
            "/"
        };
        let (resource, group, part) = (&request.resource, &request.group, &request.subresource);
        let resource = format!("{resource}{dot}{group}{slash}{part}");
        if request.verb == "patch" && request.code == 201 {
            rights.insert(("create".to_owned(), resource.clone()));
        }
        rights.insert((request.verb.clone(), resource));
    }
    rights
}

#[test]
fn the_listed_rights_are_those_that_runs_use() {
    let mut all = BTreeSet::new();
    for scenario in [
        "success",
        "error-spike",
        "never-ready",
        "istio",
        "gatewayapi",
        "testdata/scenarios/daemonset.yaml",
        "testdata/scenarios/service.yaml",
        "testdata/scenarios/hpa.yaml",
        "testdata/scenarios/keda.yaml",
        "testdata/scenarios/eject.yaml",
        "testdata/scenarios/eject-gatewayapi.yaml",
        "nginx",
        "contour",
        "skipper",
        "apisix",
        "knative",
        concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/testdata/scenarios/kubernetes.yaml"
        ),
    ] {
        all.extend(used(scenario));
    }
    for provider in ["appmesh", "appmesh:v1beta2", "gloo", "kuma", "linkerd"] {
        all.extend(used_in(provider));
    }
    let documented = documented();
    let missing: Vec<_> = all.difference(&documented).collect();
    let idle: Vec<_> = documented.difference(&all).collect();
    assert!(missing.is_empty(), "docs/rbac.md lacks {missing:?}");
    assert!(idle.is_empty(), "no run uses {idle:?}");
}
