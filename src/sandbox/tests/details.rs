//! Subresources, validation, deletion and what the server says about itself.

use crate::sandbox::kinds::ApiKind;
use crate::sandbox::tests::client;
use crate::sandbox::tests::cluster;
use crate::sandbox::tests::deployment;
use crate::sandbox::tests::dynamic;
use crate::sandbox::tests::pass;
use crate::sandbox::tests::stored;
use crate::sandbox::tests::storing::config;
use crate::sandbox::tests::storing::refused;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::DeleteParams;
use kube::api::ListParams;
use kube::api::Patch;
use kube::api::PatchParams;
use kube::api::PostParams;
use serde_json::Value;
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn a_dry_run_leaves_no_trace() {
    let cluster = cluster();
    let before = cluster.dump();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&cluster));
    let dry = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let answer = api.create(&dry, &config("a", "blue")).await.unwrap();
    assert_eq!(answer.data.unwrap()["color"], "blue");
    assert_eq!(cluster.dump(), before);
}

#[tokio::test(start_paused = true)]
async fn strict_validation_names_the_unknown_field() {
    let cluster = cluster();
    let api = dynamic(&client(&cluster), "apps/v1", "Deployment", "deployments");
    let mut object = deployment("podinfo:6.0.0", 1);
    object["spec"]["template"]["spec"]["containers"][0]["imagePolicy"] = json!("Always");
    let strict = PatchParams::apply("me").validation_strict();
    let status = refused(api.patch("podinfo", &strict, &Patch::Apply(&object)).await);
    assert_eq!(status.code, 400);
    assert_eq!(
        status.message,
        "Deployment in version \"v1\" cannot be handled as a Deployment: strict decoding error: unknown field \"spec.template.spec.containers[0].imagePolicy\""
    );
    api.patch("podinfo", &PatchParams::apply("me"), &Patch::Apply(&object))
        .await
        .unwrap();
    let after = stored(&cluster, "deployments", "podinfo");
    assert_eq!(
        after.pointer("/spec/template/spec/containers/0/imagePolicy"),
        None
    );
}

#[tokio::test(start_paused = true)]
async fn the_scale_subresource_reads_and_writes_replicas() {
    let cluster = cluster();
    cluster
        .apply_object(deployment("podinfo:6.0.0", 1))
        .unwrap();
    let api: Api<Deployment> = Api::default_namespaced(client(&cluster));
    let scale = api.get_scale("podinfo").await.unwrap();
    assert_eq!(scale.spec.unwrap().replicas, Some(1));
    let patch = Patch::Merge(json!({"spec": {"replicas": 3}}));
    let scale = api
        .patch_scale("podinfo", &PatchParams::default(), &patch)
        .await
        .unwrap();
    assert_eq!(
        scale.status.unwrap().selector.as_deref(),
        Some("app=podinfo")
    );
    assert_eq!(
        stored(&cluster, "deployments", "podinfo")["spec"]["replicas"],
        3
    );
}

#[tokio::test(start_paused = true)]
async fn a_selector_cannot_be_changed() {
    let cluster = cluster();
    cluster
        .apply_object(deployment("podinfo:6.0.0", 1))
        .unwrap();
    let patch = json!({"spec": {"selector": {"matchLabels": {"app": "other"}}}});
    let error = cluster
        .patch_object("deployments", "test", "podinfo", &patch)
        .unwrap_err();
    assert!(error.to_string().contains("field is immutable"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn both_versions_of_a_route_are_one_object() {
    let cluster = cluster();
    let route = json!({"apiVersion": "gateway.networking.k8s.io/v1beta1", "kind": "HTTPRoute",
        "metadata": {"name": "podinfo", "namespace": "test"}, "spec": {"rules": []}});
    cluster.apply_object(route).unwrap();
    let client = client(&cluster);
    let old = dynamic(
        &client,
        "gateway.networking.k8s.io/v1beta1",
        "HTTPRoute",
        "httproutes",
    );
    let new = dynamic(
        &client,
        "gateway.networking.k8s.io/v1",
        "HTTPRoute",
        "httproutes",
    );
    let old = old.get("podinfo").await.unwrap();
    let new = new.get("podinfo").await.unwrap();
    assert_eq!(
        old.types.unwrap().api_version,
        "gateway.networking.k8s.io/v1beta1"
    );
    assert_eq!(old.metadata, new.metadata);
}

#[tokio::test(start_paused = true)]
async fn discovery_lists_what_is_registered() {
    let cluster = cluster();
    let client = client(&cluster);
    let groups = client.list_api_groups().await.unwrap();
    assert!(
        groups
            .groups
            .iter()
            .any(|group| group.name == "flagger.app")
    );
    let resources = client
        .list_api_group_resources("flagger.app/v1beta1")
        .await
        .unwrap();
    assert!(
        resources
            .resources
            .iter()
            .any(|resource| resource.name == "canaries/status")
    );
    assert_eq!(
        client.apiserver_version().await.unwrap().git_version,
        "v1.36.3"
    );
}

#[tokio::test(start_paused = true)]
async fn the_log_tells_what_was_asked_and_stored() {
    let cluster = cluster();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&cluster));
    api.create(&PostParams::default(), &config("a", "blue"))
        .await
        .unwrap();
    let _ = api.get("b").await;
    let log = cluster.log();
    let rows: Vec<(&str, &str, u16)> = log
        .iter()
        .map(|row| (row.verb.as_str(), row.resource.as_str(), row.code))
        .collect();
    assert_eq!(
        rows,
        [("create", "configmaps", 201), ("get", "configmaps", 404)]
    );
    let object: &Value = log[0].object.as_ref().unwrap();
    assert_eq!(object["data"]["color"], "blue");
}
#[tokio::test(start_paused = true)]
async fn preconditions_of_a_deletion_are_checked() {
    let cluster = cluster();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&cluster));
    api.create(&PostParams::default(), &config("a", "blue"))
        .await
        .unwrap();
    let wrong = DeleteParams::default().preconditions(kube::api::Preconditions {
        uid: Some("other".to_owned()),
        resource_version: None,
    });
    assert!(refused(api.delete("a", &wrong).await).is_conflict());
}

#[tokio::test(start_paused = true)]
async fn a_finalizer_keeps_a_deleted_object_until_it_is_taken() {
    let cluster = cluster();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&cluster));
    let mut object = config("a", "blue");
    object.metadata.finalizers = Some(vec!["example.com/keep".to_owned()]);
    api.create(&PostParams::default(), &object).await.unwrap();
    api.delete("a", &DeleteParams::default()).await.unwrap();
    assert!(
        api.get("a")
            .await
            .unwrap()
            .metadata
            .deletion_timestamp
            .is_some()
    );
    let release = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    api.patch("a", &PatchParams::default(), &release)
        .await
        .unwrap();
    assert!(api.get_opt("a").await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_collection_is_deleted_by_its_labels() {
    let cluster = cluster();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&cluster));
    for (name, color) in [("a", "blue"), ("b", "green"), ("c", "blue")] {
        api.create(&PostParams::default(), &config(name, color))
            .await
            .unwrap();
    }
    let blue = ListParams::default().labels("color=blue");
    api.delete_collection(&DeleteParams::default(), &blue)
        .await
        .unwrap();
    let left = api.list(&ListParams::default()).await.unwrap();
    assert_eq!(left.items.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_registered_kind_is_served_like_a_custom_resource() {
    let cluster = cluster();
    cluster.register(ApiKind::custom(
        "networking.istio.io",
        "v1beta1",
        "virtualservices",
        "VirtualService",
    ));
    let api = dynamic(
        &client(&cluster),
        "networking.istio.io/v1beta1",
        "VirtualService",
        "virtualservices",
    );
    let object = json!({"apiVersion": "networking.istio.io/v1beta1", "kind": "VirtualService",
        "metadata": {"name": "podinfo"}, "spec": {"anything": [1, {"goes": true}]}});
    let object = serde_json::from_value(object).unwrap();
    let created = api.create(&PostParams::default(), &object).await.unwrap();
    assert_eq!(
        created.data["spec"],
        json!({"anything": [1, {"goes": true}]})
    );
    assert_eq!(created.metadata.generation, Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_put_of_a_custom_resource_needs_its_version() {
    let cluster = cluster();
    let object = json!({"apiVersion": "traefik.io/v1alpha1", "kind": "TraefikService",
        "metadata": {"name": "podinfo", "namespace": "test"}, "spec": {}});
    cluster.apply_object(object.clone()).unwrap();
    let api = dynamic(
        &client(&cluster),
        "traefik.io/v1alpha1",
        "TraefikService",
        "traefikservices",
    );
    let object = serde_json::from_value(object).unwrap();
    let status = refused(
        api.replace("podinfo", &PostParams::default(), &object)
            .await,
    );
    assert_eq!(
        status.message,
        "TraefikService.traefik.io \"podinfo\" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update"
    );
}

#[tokio::test(start_paused = true)]
async fn a_wrong_type_is_a_bad_request() {
    let cluster = cluster();
    let mut object = deployment("podinfo:6.0.0", 1);
    object["spec"]["replicas"] = json!("two");
    let error = cluster.apply_object(object).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("cannot be handled as a Deployment"),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_custom_resource_named_like_a_built_in_kind_gets_no_defaults() {
    let cluster = cluster();
    cluster.register(ApiKind::custom(
        "serving.knative.dev",
        "v1",
        "services",
        "Service",
    ));
    let object = json!({"apiVersion": "serving.knative.dev/v1", "kind": "Service",
        "metadata": {"name": "podinfo", "namespace": "test"}, "spec": {"traffic": []}});
    let stored = cluster.apply_object(object).unwrap();
    assert_eq!(stored["spec"], json!({"traffic": []}));
    assert_eq!(stored.get("status"), None);
}

#[tokio::test(start_paused = true)]
async fn times_are_cut_to_whole_seconds() {
    let cluster = cluster();
    pass(1.9).await;
    cluster
        .apply_object(deployment("podinfo:6.0.0", 0))
        .unwrap();
    let stored = stored(&cluster, "deployments", "podinfo");
    assert_eq!(
        stored["metadata"]["creationTimestamp"],
        "2026-01-05T09:00:01Z"
    );
}

#[tokio::test(start_paused = true)]
async fn a_null_stays_in_a_custom_resource_and_goes_from_a_built_in_one() {
    let cluster = cluster();
    let route = json!({"apiVersion": "traefik.io/v1alpha1", "kind": "TraefikService",
        "metadata": {"name": "podinfo", "namespace": "test", "labels": null}, "spec": {"plugin": {"config": null}}});
    let stored = cluster.apply_object(route).unwrap();
    assert_eq!(stored["spec"], json!({"plugin": {"config": null}}));
    assert_eq!(stored["metadata"].get("labels"), None);
    let mut object = deployment("podinfo:6.0.0", 0);
    object["spec"]["template"]["spec"]["nodeSelector"] = Value::Null;
    let stored = cluster.apply_object(object).unwrap();
    assert_eq!(stored.pointer("/spec/template/spec/nodeSelector"), None);
}

#[tokio::test(start_paused = true)]
async fn an_applied_object_comes_back_in_its_own_version() {
    let cluster = cluster();
    let route = json!({"apiVersion": "gateway.networking.k8s.io/v1beta1", "kind": "HTTPRoute",
        "metadata": {"name": "podinfo", "namespace": "test"}, "spec": {"rules": []}});
    let stored = cluster.apply_object(route).unwrap();
    assert_eq!(stored["apiVersion"], "gateway.networking.k8s.io/v1beta1");
}

#[tokio::test(start_paused = true)]
async fn events_are_found_by_the_object_they_are_about() {
    let cluster = cluster();
    for name in ["a", "b"] {
        let event = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": name, "namespace": "test"},
            "involvedObject": {"kind": "Canary", "name": name}, "reason": "Synced", "type": "Normal"});
        cluster.apply_object(event).unwrap();
    }
    let api = dynamic(&client(&cluster), "v1", "Event", "events");
    let about = ListParams::default().fields("involvedObject.kind=Canary,involvedObject.name=b");
    let found = api.list(&about).await.unwrap();
    assert_eq!(found.items.len(), 1);
    assert_eq!(found.items[0].metadata.name.as_deref(), Some("b"));
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_of_a_patch_answers_and_stores_nothing() {
    let cluster = cluster();
    cluster
        .apply_object(deployment("podinfo:6.0.0", 1))
        .unwrap();
    let api: Api<Deployment> = Api::default_namespaced(client(&cluster));
    let dry = PatchParams {
        dry_run: true,
        ..PatchParams::default()
    };
    let patch = Patch::Merge(json!({"spec": {"replicas": 3}}));
    let answer = api.patch("podinfo", &dry, &patch).await.unwrap();
    assert_eq!(answer.spec.replicas, Some(3));
    assert_eq!(
        stored(&cluster, "deployments", "podinfo")["spec"]["replicas"],
        1
    );
}

#[tokio::test(start_paused = true)]
async fn services_get_addresses_of_their_own_and_keep_them() {
    let cluster = cluster();
    let service = |name: &str, port: u16| {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "test"},
            "spec": {"selector": {"app": name}, "ports": [{"port": port}]}})
    };
    let first = cluster.apply_object(service("a", 80)).unwrap();
    let second = cluster.apply_object(service("b", 80)).unwrap();
    assert_ne!(first["spec"]["clusterIP"], second["spec"]["clusterIP"]);
    assert_eq!(first["spec"]["clusterIPs"][0], first["spec"]["clusterIP"]);
    let changed = cluster.apply_object(service("a", 81)).unwrap();
    assert_eq!(changed["spec"]["clusterIP"], first["spec"]["clusterIP"]);
    assert_eq!(changed["spec"]["ports"].as_array().unwrap().len(), 1);
}
