//! The embedded cluster as a client sees it.

mod applies;
mod details;
mod events;
mod faulty;
mod owning;
mod repeating;
mod rolling;
mod storing;
mod tapes;
mod watching;
mod workloads;

use crate::sandbox::SandboxCluster;
use crate::sandbox::SandboxOptions;
use crate::sandbox::clock::SandboxClock;
use kube::Api;
use kube::Client;
use kube::api::ApiResource;
use kube::api::DynamicObject;
use serde_json::Value;
use serde_json::json;
use std::time::Duration;

pub(super) fn cluster() -> SandboxCluster {
    let mut options = SandboxOptions::new(SandboxClock::at_speed(1.0));
    options.namespaces.push("test".to_owned());
    SandboxCluster::new(options)
}

pub(super) fn client(cluster: &SandboxCluster) -> Client {
    Client::new(cluster.service(), "test")
}

pub(super) fn deployment(image: &str, replicas: u32) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "podinfo", "namespace": "test", "labels": {"app": "podinfo"}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "podinfo"}},
            "template": {
                "metadata": {"labels": {"app": "podinfo"}},
                "spec": {"containers": [{"name": "podinfod", "image": image, "ports": [{"name": "http", "containerPort": 9898}]}]},
            },
        },
    })
}

pub(super) fn service() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "podinfo", "namespace": "test"},
        "spec": {"selector": {"app": "podinfo"}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
    })
}

pub(super) fn dynamic(
    client: &Client,
    api_version: &str,
    kind: &str,
    plural: &str,
) -> Api<DynamicObject> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let resource = ApiResource {
        group: group.to_owned(),
        version: version.to_owned(),
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    };
    Api::namespaced_with(client.clone(), "test", &resource)
}

pub(super) async fn pass(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}

pub(super) fn stored(cluster: &SandboxCluster, resource: &str, name: &str) -> Value {
    use crate::sandbox::objects::Objects as _;
    (*cluster.objects().get(resource, "test", name).unwrap()).clone()
}

pub(super) fn listed(cluster: &SandboxCluster, resource: &str) -> Vec<Value> {
    use crate::sandbox::objects::Objects as _;
    let objects = cluster.objects().list(resource, "test");
    objects.iter().map(|object| (**object).clone()).collect()
}
