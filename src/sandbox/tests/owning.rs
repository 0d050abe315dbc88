//! Garbage collection.

use crate::sandbox::SandboxCluster;
use crate::sandbox::tests::client;
use crate::sandbox::tests::cluster;
use crate::sandbox::tests::deployment;
use crate::sandbox::tests::listed;
use crate::sandbox::tests::pass;
use crate::sandbox::tests::service;
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::DeleteParams;
use serde_json::json;

fn upgrade(cluster: &SandboxCluster, image: &str) {
    cluster.apply_object(deployment(image, 2)).unwrap();
}

#[tokio::test(start_paused = true)]
async fn owned_objects_go_with_their_owner() {
    let cluster = cluster();
    cluster.apply_object(service()).unwrap();
    upgrade(&cluster, "podinfo:6.0.0");
    pass(4.0).await;
    cluster
        .delete_object("deployments", "test", "podinfo")
        .unwrap();
    cluster
        .delete_object("services", "test", "podinfo")
        .unwrap();
    pass(6.0).await;
    for resource in ["replicasets", "pods", "endpointslices", "endpoints"] {
        assert!(listed(&cluster, resource).is_empty(), "{resource}");
    }
}

#[tokio::test(start_paused = true)]
async fn orphans_stay_without_their_reference() {
    let cluster = cluster();
    upgrade(&cluster, "podinfo:6.0.0");
    pass(4.0).await;
    let api: Api<Deployment> = Api::default_namespaced(client(&cluster));
    let orphan = DeleteParams {
        propagation_policy: Some(kube::api::PropagationPolicy::Orphan),
        ..DeleteParams::default()
    };
    api.delete("podinfo", &orphan).await.unwrap();
    pass(6.0).await;
    assert_eq!(
        listed(&cluster, "replicasets")[0]["metadata"].get("ownerReferences"),
        None
    );
    assert_eq!(listed(&cluster, "pods").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_foreground_deletion_ends_with_the_owner() {
    let cluster = cluster();
    upgrade(&cluster, "podinfo:6.0.0");
    pass(4.0).await;
    let api: Api<Deployment> = Api::default_namespaced(client(&cluster));
    api.delete("podinfo", &DeleteParams::foreground())
        .await
        .unwrap();
    assert!(
        api.get("podinfo")
            .await
            .unwrap()
            .metadata
            .deletion_timestamp
            .is_some()
    );
    pass(10.0).await;
    assert!(api.get_opt("podinfo").await.unwrap().is_none());
    assert!(listed(&cluster, "pods").is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_object_whose_owner_never_was_is_garbage() {
    let cluster = cluster();
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "test",
        "ownerReferences": [{"apiVersion": "flagger.app/v1beta1", "kind": "Canary", "name": "podinfo", "uid": "none"}]}});
    cluster.apply_object(object).unwrap();
    pass(1.0).await;
    assert!(listed(&cluster, "configmaps").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_namespace_goes_after_what_is_in_it() {
    let cluster = cluster();
    upgrade(&cluster, "podinfo:6.0.0");
    pass(4.0).await;
    cluster.delete_object("namespaces", "", "test").unwrap();
    pass(10.0).await;
    let left = cluster.dump();
    assert!(
        left.iter()
            .all(|object| object["metadata"]["namespace"] != "test")
    );
    assert!(
        left.iter()
            .all(|object| object["metadata"]["name"] != "test")
    );
}
