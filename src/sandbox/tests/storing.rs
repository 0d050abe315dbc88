//! Each verb, its conflicts and its refusals.

use crate::sandbox::tests::client;
use crate::sandbox::tests::cluster;
use crate::sandbox::tests::deployment;
use crate::sandbox::tests::dynamic;
use crate::sandbox::tests::stored;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::Error;
use kube::api::DeleteParams;
use kube::api::ListParams;
use kube::api::Patch;
use kube::api::PatchParams;
use kube::api::PostParams;
use kube::core::Status;
use serde_json::json;

pub(super) fn config(name: &str, color: &str) -> ConfigMap {
    serde_json::from_value(json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "labels": {"color": color}}, "data": {"color": color},
    }))
    .unwrap()
}

pub(super) fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> Box<Status> {
    match result.unwrap_err() {
        Error::Api(status) => status,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_is_created_read_listed_and_deleted() {
    let cluster = cluster();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&cluster));
    let created = api
        .create(&PostParams::default(), &config("a", "blue"))
        .await
        .unwrap();
    assert!(created.metadata.uid.is_some());
    assert_eq!(api.get("a").await.unwrap(), created);
    api.create(&PostParams::default(), &config("b", "green"))
        .await
        .unwrap();
    let green = api
        .list(&ListParams::default().labels("color=green"))
        .await
        .unwrap();
    assert_eq!(green.items.len(), 1);
    let named = api
        .list(&ListParams::default().fields("metadata.name=a"))
        .await
        .unwrap();
    assert_eq!(named.items.len(), 1);
    api.delete("a", &DeleteParams::default()).await.unwrap();
    let status = refused(api.get("a").await);
    assert_eq!(status.code, 404);
    assert_eq!(status.reason, "NotFound");
    assert_eq!(status.message, "configmaps \"a\" not found");
    assert_eq!(status.details.unwrap().kind, "configmaps");
}

#[tokio::test(start_paused = true)]
async fn creating_twice_is_refused() {
    let cluster = cluster();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&cluster));
    api.create(&PostParams::default(), &config("a", "blue"))
        .await
        .unwrap();
    let status = refused(
        api.create(&PostParams::default(), &config("a", "blue"))
            .await,
    );
    assert!(status.is_already_exists());
    assert_eq!(status.message, "configmaps \"a\" already exists");
}

#[tokio::test(start_paused = true)]
async fn a_namespace_has_to_exist() {
    let cluster = cluster();
    let api: Api<ConfigMap> = Api::namespaced(client(&cluster), "nowhere");
    let status = refused(
        api.create(&PostParams::default(), &config("a", "blue"))
            .await,
    );
    assert_eq!(
        (status.code, status.message.as_str()),
        (404, "namespaces \"nowhere\" not found")
    );
}

#[tokio::test(start_paused = true)]
async fn an_unregistered_kind_is_not_found_as_text() {
    let cluster = cluster();
    let api = dynamic(&client(&cluster), "example.com/v1", "Thing", "things");
    let status = refused(api.get("a").await);
    assert_eq!(
        (status.code, status.message.as_str()),
        (404, "404 page not found")
    );
}

#[tokio::test(start_paused = true)]
async fn a_put_of_an_old_version_conflicts() {
    let cluster = cluster();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&cluster));
    let mut old = api
        .create(&PostParams::default(), &config("a", "blue"))
        .await
        .unwrap();
    old.data = Some([("color".to_owned(), "red".to_owned())].into());
    let newer = api
        .replace("a", &PostParams::default(), &old)
        .await
        .unwrap();
    assert_ne!(
        newer.metadata.resource_version,
        old.metadata.resource_version
    );
    let status = refused(api.replace("a", &PostParams::default(), &old).await);
    assert!(status.is_conflict());
    assert_eq!(
        status.message,
        "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to the latest version and try again"
    );
}

#[tokio::test(start_paused = true)]
async fn a_merge_patch_of_an_old_version_conflicts() {
    let cluster = cluster();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&cluster));
    api.create(&PostParams::default(), &config("a", "blue"))
        .await
        .unwrap();
    let patch = json!({"metadata": {"resourceVersion": "1"}, "data": {"color": "red"}});
    let status = refused(
        api.patch("a", &PatchParams::default(), &Patch::Merge(patch))
            .await,
    );
    assert!(status.is_conflict());
}

#[tokio::test(start_paused = true)]
async fn a_write_that_changes_nothing_keeps_the_version() {
    let cluster = cluster();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&cluster));
    let created = api
        .create(&PostParams::default(), &config("a", "blue"))
        .await
        .unwrap();
    let patch = Patch::Merge(json!({"data": {"color": "blue"}}));
    let patched = api
        .patch("a", &PatchParams::default(), &patch)
        .await
        .unwrap();
    assert_eq!(
        patched.metadata.resource_version,
        created.metadata.resource_version
    );
    let put = api
        .replace("a", &PostParams::default(), &created)
        .await
        .unwrap();
    assert_eq!(put, created);
}

#[tokio::test(start_paused = true)]
async fn a_json_patch_is_atomic_and_its_failing_test_is_unprocessable() {
    let cluster = cluster();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&cluster));
    api.create(&PostParams::default(), &config("a", "blue"))
        .await
        .unwrap();
    let patch = |expected: &str| {
        let operations = json!([
            {"op": "replace", "path": "/data/color", "value": "red"},
            {"op": "test", "path": "/metadata/labels/color", "value": expected},
        ]);
        Patch::Json::<()>(serde_json::from_value(operations).unwrap())
    };
    let status = refused(
        api.patch("a", &PatchParams::default(), &patch("green"))
            .await,
    );
    assert_eq!((status.code, status.reason.as_str()), (422, "Invalid"));
    assert_eq!(
        status.message,
        "the server rejected our request due to an error in our request"
    );
    assert_eq!(stored(&cluster, "configmaps", "a")["data"]["color"], "blue");
    let done = api
        .patch("a", &PatchParams::default(), &patch("blue"))
        .await
        .unwrap();
    assert_eq!(done.data.unwrap()["color"], "red");
}

#[tokio::test(start_paused = true)]
async fn a_strategic_patch_is_for_built_in_kinds_alone() {
    let cluster = cluster();
    let client = client(&cluster);
    cluster
        .apply_object(deployment("podinfo:6.0.0", 0))
        .unwrap();
    let api: Api<Deployment> = Api::default_namespaced(client.clone());
    let image = json!({"spec": {"template": {"spec": {"containers": [{"name": "podinfod", "image": "podinfo:6.0.1"}]}}}});
    api.patch("podinfo", &PatchParams::default(), &Patch::Strategic(image))
        .await
        .unwrap();
    let after = stored(&cluster, "deployments", "podinfo");
    let container = after.pointer("/spec/template/spec/containers/0").unwrap();
    assert_eq!(container["image"], "podinfo:6.0.1");
    assert_eq!(container["ports"][0]["containerPort"], 9898);

    let route = json!({"apiVersion": "traefik.io/v1alpha1", "kind": "TraefikService",
        "metadata": {"name": "podinfo", "namespace": "test"}, "spec": {}});
    cluster.apply_object(route).unwrap();
    let routes = dynamic(
        &client,
        "traefik.io/v1alpha1",
        "TraefikService",
        "traefikservices",
    );
    let patch = Patch::Strategic(json!({"spec": {"weighted": {}}}));
    let status = refused(
        routes
            .patch("podinfo", &PatchParams::default(), &patch)
            .await,
    );
    assert_eq!(
        (status.code, status.reason.as_str()),
        (415, "UnsupportedMediaType")
    );
}

#[tokio::test(start_paused = true)]
async fn the_generation_counts_changes_of_the_spec_alone() {
    let cluster = cluster();
    let canary = json!({"apiVersion": "flagger.app/v1beta1", "kind": "Canary",
        "metadata": {"name": "podinfo", "namespace": "test"}, "spec": {"provider": "traefik"}});
    cluster.apply_object(canary).unwrap();
    let api = dynamic(
        &client(&cluster),
        "flagger.app/v1beta1",
        "Canary",
        "canaries",
    );
    let parameters = PatchParams::default();
    let status =
        Patch::Merge(json!({"status": {"phase": "Initialized"}, "spec": {"provider": "istio"}}));
    let after = api
        .patch_status("podinfo", &parameters, &status)
        .await
        .unwrap();
    assert_eq!(after.metadata.generation, Some(1));
    assert_eq!(after.data["status"]["phase"], "Initialized");
    assert_eq!(after.data["spec"]["provider"], "traefik");
    let main =
        Patch::Merge(json!({"status": {"phase": "Failed"}, "metadata": {"labels": {"a": "b"}}}));
    let after = api.patch("podinfo", &parameters, &main).await.unwrap();
    assert_eq!(after.metadata.generation, Some(1));
    assert_eq!(after.data["status"]["phase"], "Initialized");
    let main = Patch::Merge(json!({"spec": {"provider": "istio"}}));
    let after = api.patch("podinfo", &parameters, &main).await.unwrap();
    assert_eq!(after.metadata.generation, Some(2));
}
