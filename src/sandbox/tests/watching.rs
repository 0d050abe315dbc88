//! Watches.

use crate::sandbox::tests::client;
use crate::sandbox::tests::cluster;
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::WatchEvent;
use kube::api::WatchParams;
use serde_json::Value;
use serde_json::json;
use std::time::Duration;

fn config(name: &str, color: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "test",
        "labels": {"color": color}}, "data": {"color": color}})
}

fn told(event: &WatchEvent<ConfigMap>) -> String {
    let name = |object: &ConfigMap| object.metadata.name.clone().unwrap_or_default();
    match event {
        WatchEvent::Added(object) => format!("added {}", name(object)),
        WatchEvent::Modified(object) => format!("modified {}", name(object)),
        WatchEvent::Deleted(object) => format!("deleted {}", name(object)),
        WatchEvent::Bookmark(_) => "bookmark".to_owned(),
        WatchEvent::Error(status) => format!("error {}", status.code),
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_tells_what_happened_since_its_version_and_what_happens() {
    let cluster = cluster();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&cluster));
    let from = api
        .list(&kube::api::ListParams::default())
        .await
        .unwrap()
        .metadata
        .resource_version
        .unwrap();
    cluster.apply_object(config("a", "blue")).unwrap();
    let mut events = Box::pin(api.watch(&WatchParams::default(), &from).await.unwrap());
    assert_eq!(told(&events.next().await.unwrap().unwrap()), "added a");
    cluster.apply_object(config("a", "red")).unwrap();
    cluster.delete_object("configmaps", "test", "a").unwrap();
    assert_eq!(told(&events.next().await.unwrap().unwrap()), "modified a");
    assert_eq!(told(&events.next().await.unwrap().unwrap()), "deleted a");
}

#[tokio::test(start_paused = true)]
async fn an_object_that_leaves_the_selection_is_deleted_for_the_watch() {
    let cluster = cluster();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&cluster));
    let blue = WatchParams::default().labels("color=blue");
    let mut events = Box::pin(api.watch(&blue, "0").await.unwrap());
    cluster.apply_object(config("a", "blue")).unwrap();
    assert_eq!(told(&events.next().await.unwrap().unwrap()), "added a");
    cluster.apply_object(config("a", "red")).unwrap();
    assert_eq!(told(&events.next().await.unwrap().unwrap()), "deleted a");
}

#[tokio::test(start_paused = true)]
async fn a_quiet_watch_gets_a_bookmark_each_minute_and_ends_in_time() {
    let cluster = cluster();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&cluster));
    let start = tokio::time::Instant::now();
    let parameters = WatchParams::default().timeout(150);
    let mut events = Box::pin(api.watch(&parameters, "1").await.unwrap());
    let mut bookmarks = Vec::new();
    while let Some(event) = events.next().await {
        assert_eq!(told(&event.unwrap()), "bookmark");
        bookmarks.push(start.elapsed().as_secs());
    }
    assert_eq!(bookmarks, [60, 120]);
    assert_eq!(start.elapsed(), Duration::from_secs(150));
}

#[tokio::test(start_paused = true)]
async fn a_watch_from_forgotten_history_is_gone() {
    let cluster = cluster();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&cluster));
    cluster.apply_object(config("a", "blue")).unwrap();
    cluster.compact();
    let result = api.watch(&WatchParams::default(), "1").await;
    match result.map(|_| ()).unwrap_err() {
        kube::Error::Api(status) => {
            assert_eq!((status.code, status.reason.as_str()), (410, "Expired"));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn initial_events_end_with_a_marked_bookmark() {
    let cluster = cluster();
    cluster.apply_object(config("a", "blue")).unwrap();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&cluster));
    let parameters = WatchParams::default().initial_events();
    let mut events = Box::pin(api.watch(&parameters, "0").await.unwrap());
    assert_eq!(told(&events.next().await.unwrap().unwrap()), "added a");
    match events.next().await.unwrap().unwrap() {
        WatchEvent::Bookmark(mark) => {
            assert_eq!(
                mark.metadata.annotations["k8s.io/initial-events-end"],
                "true"
            );
        }
        other => panic!("{}", told(&other)),
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_watch_ends_and_the_next_one_goes_on() {
    let cluster = cluster();
    let api: Api<ConfigMap> = Api::default_namespaced(client(&cluster));
    let mut events = Box::pin(api.watch(&WatchParams::default(), "1").await.unwrap());
    cluster.break_watches();
    assert!(events.next().await.is_none());
    cluster.apply_object(config("a", "blue")).unwrap();
    let mut events = Box::pin(api.watch(&WatchParams::default(), "1").await.unwrap());
    assert_eq!(told(&events.next().await.unwrap().unwrap()), "added a");
}
