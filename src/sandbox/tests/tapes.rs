//! What a real API server stored of the same objects.

use crate::sandbox::SandboxCluster;
use crate::sandbox::tests::client;
use crate::sandbox::tests::cluster;
use crate::sandbox::tests::dynamic;
use crate::sandbox::tests::pass;
use crate::sandbox::tests::stored;
use crate::sandbox::tree;
use kube::api::Patch;
use kube::api::PatchParams;
use serde_json::Value;
use serde_json::json;

fn rows(tape: &str) -> Vec<Value> {
    tape.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Without what the tapes leave out and what differs from run to run.
fn comparable(object: &Value) -> Value {
    let mut object = object.clone();
    tree::take(&mut object, &["status"]);
    for name in [
        "namespace",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "managedFields",
        "ownerReferences",
    ] {
        tree::take(&mut object, &["metadata", name]);
    }
    for name in ["clusterIP", "clusterIPs"] {
        tree::take(&mut object, &["spec", name]);
    }
    tree::take(
        &mut object,
        &[
            "metadata",
            "annotations",
            "deployment.kubernetes.io/revision",
        ],
    );
    if object
        .pointer("/metadata/annotations")
        .is_some_and(|map| *map == json!({}))
    {
        tree::take(&mut object, &["metadata", "annotations"]);
    }
    object
}

/// What a client would have sent: the stored object without what servers fill in.
fn bare(object: &Value) -> Value {
    let mut object = object.clone();
    tree::take(&mut object, &["metadata", "ownerReferences"]);
    tree::take(
        &mut object,
        &[
            "metadata",
            "annotations",
            "deployment.kubernetes.io/revision",
        ],
    );
    tree::take(
        &mut object,
        &[
            "metadata",
            "annotations",
            "deprecated.daemonset.template.generation",
        ],
    );
    for name in [
        "type",
        "sessionAffinity",
        "ipFamilies",
        "ipFamilyPolicy",
        "internalTrafficPolicy",
        "strategy",
        "updateStrategy",
        "revisionHistoryLimit",
        "progressDeadlineSeconds",
    ] {
        tree::take(&mut object, &["spec", name]);
    }
    if let Some(ports) = object
        .pointer_mut("/spec/ports")
        .and_then(Value::as_array_mut)
    {
        for port in ports {
            tree::take(port, &["protocol"]);
        }
    }
    if let Some(pod) = object.pointer_mut("/spec/template/spec") {
        for name in [
            "restartPolicy",
            "terminationGracePeriodSeconds",
            "dnsPolicy",
            "securityContext",
            "schedulerName",
        ] {
            tree::take(pod, &[name]);
        }
        for container in pod["containers"].as_array_mut().unwrap() {
            for name in [
                "resources",
                "terminationMessagePath",
                "terminationMessagePolicy",
                "imagePullPolicy",
            ] {
                tree::take(container, &[name]);
            }
        }
        for volume in pod["volumes"].as_array_mut().unwrap() {
            tree::take(volume, &["secret", "defaultMode"]);
        }
    }
    object
}

fn at_home(object: &Value) -> Value {
    let mut object = object.clone();
    tree::set(&mut object, &["metadata", "namespace"], "test");
    object
}

/// Applies each created object without its defaults and compares what is stored.
fn compare(cluster: &SandboxCluster, tape: &str) -> usize {
    let mut compared = 0;
    for row in rows(tape) {
        let Some(object) = row.get("object").filter(|_| row["write"] == "create") else {
            continue;
        };
        let resource = row["resource"].as_str().unwrap();
        let bare = if object["kind"] == "HTTPRoute" {
            object.clone()
        } else {
            bare(object)
        };
        let stored = cluster.apply_object(at_home(&bare)).unwrap();
        assert_eq!(comparable(&stored), comparable(object), "{resource}");
        compared += 1;
    }
    compared
}

#[tokio::test(start_paused = true)]
async fn created_objects_are_stored_as_a_real_server_stores_them() {
    let cluster = cluster();
    assert_eq!(
        compare(
            &cluster,
            include_str!("../../../testdata/tapes/canary-traefik.jsonl")
        ),
        7
    );
}

#[tokio::test(start_paused = true)]
async fn a_daemon_set_is_stored_as_a_real_server_stores_it() {
    let cluster = cluster();
    compare(
        &cluster,
        include_str!("../../../testdata/tapes/daemonset-bluegreen.jsonl"),
    );
}

#[tokio::test(start_paused = true)]
async fn a_route_that_says_everything_is_stored_as_it_came() {
    let cluster = cluster();
    compare(
        &cluster,
        include_str!("../../../testdata/tapes/service-full-gatewayapi.jsonl"),
    );
}

#[tokio::test(start_paused = true)]
async fn the_users_workload_is_stored_as_a_real_server_stores_it() {
    let cluster = cluster();
    let rows = rows(include_str!("../../../testdata/tapes/canary-traefik.jsonl"));
    cluster.apply_object(at_home(&rows[0]["workload"])).unwrap();
    pass(1.0).await;
    let api = dynamic(&client(&cluster), "apps/v1", "Deployment", "deployments");
    let zero = Patch::Merge(json!({"spec": {"replicas": 0}}));
    api.patch("podinfo", &PatchParams::default(), &zero)
        .await
        .unwrap();
    let expected = rows
        .iter()
        .find(|row| row["write"] == "patch" && row["name"] == "podinfo")
        .unwrap();
    let stored = stored(&cluster, "deployments", "podinfo");
    assert_eq!(comparable(&stored), comparable(&expected["object"]));
    assert_eq!(
        stored.pointer("/metadata/annotations"),
        expected.pointer("/object/metadata/annotations")
    );
}

#[tokio::test(start_paused = true)]
async fn secret_text_is_stored_encoded() {
    let cluster = cluster();
    let rows = rows(include_str!("../../../testdata/tapes/canary-traefik.jsonl"));
    let secret = &rows[0]["objects"][1];
    let stored = cluster.apply_object(at_home(secret)).unwrap();
    assert_eq!(stored["data"], json!({"token": "czNjcjN0"}));
    assert_eq!(stored["type"], "Opaque");
    assert_eq!(stored.get("stringData"), None);
}
