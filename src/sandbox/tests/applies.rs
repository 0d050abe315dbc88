//! Server-side apply.

use crate::sandbox::tests::client;
use crate::sandbox::tests::cluster;
use crate::sandbox::tests::deployment;
use crate::sandbox::tests::dynamic;
use kube::Api;
use kube::Error;
use kube::api::DynamicObject;
use kube::api::Patch;
use kube::api::PatchParams;
use kube::core::Status;
use serde_json::Value;
use serde_json::json;

fn config(data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data})
}

async fn apply(
    api: &Api<DynamicObject>,
    manager: &str,
    object: &Value,
) -> Result<DynamicObject, Error> {
    let name = object["metadata"]["name"].as_str().unwrap();
    api.patch(name, &PatchParams::apply(manager), &Patch::Apply(object))
        .await
}

fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> Box<Status> {
    match result.unwrap_err() {
        Error::Api(status) => status,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn what_another_manager_applied_is_a_conflict_without_force() {
    let cluster = cluster();
    let api = dynamic(&client(&cluster), "v1", "ConfigMap", "configmaps");
    apply(&api, "flux", &config(json!({"color": "blue"})))
        .await
        .unwrap();
    let other = config(json!({"color": "red"}));
    let status = refused(apply(&api, "flagger-driver", &other).await);
    assert!(status.is_conflict());
    assert_eq!(
        status.message,
        "Apply failed with 1 conflict: conflict with \"flux\": .data.color"
    );
    let cause = status.details.unwrap().causes.remove(0);
    assert_eq!(
        (cause.reason.as_str(), cause.field.as_str()),
        ("FieldManagerConflict", ".data.color")
    );
    let force = PatchParams::apply("flagger-driver").force();
    let after = api.patch("a", &force, &Patch::Apply(&other)).await.unwrap();
    assert_eq!(after.data["data"]["color"], "red");
    let status = refused(apply(&api, "flux", &config(json!({"color": "blue"}))).await);
    assert!(status.message.contains("flagger-driver"));
}

#[tokio::test(start_paused = true)]
async fn a_field_no_longer_sent_goes_unless_another_manager_owns_it() {
    let cluster = cluster();
    let api = dynamic(&client(&cluster), "v1", "ConfigMap", "configmaps");
    apply(&api, "one", &config(json!({"a": "1", "b": "2", "c": "3"})))
        .await
        .unwrap();
    apply(&api, "two", &config(json!({"b": "2"})))
        .await
        .unwrap();
    let after = apply(&api, "one", &config(json!({"a": "1"})))
        .await
        .unwrap();
    assert_eq!(after.data["data"], json!({"a": "1", "b": "2"}));
    let after = apply(&api, "two", &config(json!({}))).await.unwrap();
    assert_eq!(after.data["data"], json!({"a": "1"}));
}

#[tokio::test(start_paused = true)]
async fn the_same_apply_again_changes_nothing() {
    let cluster = cluster();
    let api = dynamic(&client(&cluster), "apps/v1", "Deployment", "deployments");
    let object = deployment("podinfo:6.0.0", 0);
    let first = apply(&api, "me", &object).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    let again = apply(&api, "me", &object).await.unwrap();
    assert_eq!(first, again);
}

#[tokio::test(start_paused = true)]
async fn a_container_of_another_manager_stays_and_ours_goes_with_its_defaults() {
    let cluster = cluster();
    let api = dynamic(&client(&cluster), "apps/v1", "Deployment", "deployments");
    apply(&api, "me", &deployment("podinfo:6.0.0", 0))
        .await
        .unwrap();
    let sidecar = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "podinfo"},
        "spec": {"template": {"spec": {"containers": [{"name": "proxy", "image": "proxy:1"}]}}}});
    apply(&api, "mesh", &sidecar).await.unwrap();
    let after = apply(&api, "me", &deployment("podinfo:6.0.1", 0))
        .await
        .unwrap();
    let names = |object: &DynamicObject| {
        let list = object
            .data
            .pointer("/spec/template/spec/containers")
            .unwrap()
            .as_array()
            .unwrap()
            .clone();
        list.iter()
            .map(|container| container["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&after), ["podinfod", "proxy"]);
    let nothing =
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "podinfo"}});
    let after = apply(&api, "mesh", &nothing).await.unwrap();
    assert_eq!(names(&after), ["podinfod"]);
}

#[tokio::test(start_paused = true)]
async fn an_update_takes_a_field_from_its_applier() {
    let cluster = cluster();
    let api = dynamic(&client(&cluster), "apps/v1", "Deployment", "deployments");
    apply(&api, "me", &deployment("podinfo:6.0.0", 2))
        .await
        .unwrap();
    let scale = Patch::Merge(json!({"spec": {"replicas": 0}}));
    let parameters = PatchParams {
        field_manager: Some("autoscaler".to_owned()),
        ..PatchParams::default()
    };
    api.patch("podinfo", &parameters, &scale).await.unwrap();
    let status = refused(apply(&api, "me", &deployment("podinfo:6.0.0", 2)).await);
    assert_eq!(
        status.message,
        "Apply failed with 1 conflict: conflict with \"autoscaler\" using apps/v1: .spec.replicas"
    );
    // what it no longer owns it does not remove either
    let mut without = deployment("podinfo:6.0.0", 2);
    without["spec"].as_object_mut().unwrap().remove("replicas");
    let after = apply(&api, "me", &without).await.unwrap();
    assert_eq!(after.data["spec"]["replicas"], 0);
}

#[tokio::test(start_paused = true)]
async fn a_custom_resources_list_is_owned_as_a_whole() {
    let cluster = cluster();
    let api = dynamic(
        &client(&cluster),
        "traefik.io/v1alpha1",
        "TraefikService",
        "traefikservices",
    );
    let route = |weight: u32| {
        json!({"apiVersion": "traefik.io/v1alpha1", "kind": "TraefikService", "metadata": {"name": "podinfo"},
            "spec": {"weighted": {"services": [{"name": "podinfo-primary", "weight": weight}]}}})
    };
    apply(&api, "flux", &route(100)).await.unwrap();
    let status = refused(apply(&api, "me", &route(90)).await);
    assert_eq!(
        status.message,
        "Apply failed with 1 conflict: conflict with \"flux\": .spec.weighted.services"
    );
}
