//! Requests under faults.

use super::*;
use crate::canary::object::Resource;
use crate::kubernetes::testing::Fault;
use crate::kubernetes::testing::Server;
use serde_json::json;
use tokio::time::Instant;

fn config_map() -> ObjectRef {
    Resource::CONFIG_MAP.in_namespace("shop", "settings")
}

fn holding(data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": data})
}

fn server() -> Server {
    let server = Server::default();
    server.set(&config_map().path(), holding(&json!({"a": "1"})));
    server
}

#[tokio::test(start_paused = true)]
async fn an_absent_object_is_none() {
    let object = Resource::CONFIG_MAP.in_namespace("shop", "absent");
    assert_eq!(server().requests().get_opt(&object).await, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn a_list_says_of_each_object_what_it_is() {
    let list = server()
        .requests()
        .list(&config_map(), &Selection::default())
        .await
        .unwrap();
    assert_eq!(list.items.len(), 1);
    assert_eq!(list.items[0]["kind"], "ConfigMap");
    assert_eq!(list.resource_version, "1");
}

#[tokio::test(start_paused = true)]
async fn a_kind_is_served_only_in_versions_that_list_it() {
    let server = Server::default();
    server.set(
        "/apis/flagger.app/v1beta1",
        json!({"resources": [{"name": "canaries"}]}),
    );
    let requests = server.requests();
    for (version, plural, served) in [
        ("v1beta1", "canaries", true),
        ("v1beta1", "others", false),
        ("v2", "canaries", false),
    ] {
        let kind = Resource::new("flagger.app", version, plural, "X").cluster_scoped("");
        assert_eq!(
            requests.serves(&kind).await,
            Ok(served),
            "{version} {plural}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_busy_server_is_asked_again() {
    let server = server();
    server.fail([Fault::Status(503, None), Fault::ResetBefore]);
    let found = server.requests().get(&config_map()).await.unwrap();
    assert_eq!(found["data"]["a"], "1");
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_lasting_failure_ends_after_four_tries() {
    let server = server();
    server.fail(vec![Fault::Status(500, None); 9]);
    let error = server.requests().get(&config_map()).await.unwrap_err();
    assert!(matches!(
        error,
        ClusterError::Other {
            code: Some(500),
            ..
        }
    ));
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_waited_for() {
    let server = server();
    server.fail([Fault::Status(429, Some(6))]);
    let before = Instant::now();
    server.requests().get(&config_map()).await.unwrap();
    assert_eq!(before.elapsed().as_secs(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_costs_15_seconds_at_most() {
    let server = server();
    server.fail(vec![Fault::Hang; 9]);
    let before = Instant::now();
    let error = server.requests().get(&config_map()).await.unwrap_err();
    assert!(matches!(error, ClusterError::Timeout { .. }), "{error:?}");
    assert!(before.elapsed() <= TOTAL, "{:?}", before.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_write_that_hangs_is_left_to_its_caller() {
    let server = server();
    server.fail([Fault::HangAfter]);
    let change = Patch::Merge(json!({"metadata": {"resourceVersion": "1"}, "data": {"a": "2"}}));
    let error = server
        .requests()
        .patch(&config_map(), &change, WriteOptions::default())
        .await
        .unwrap_err();
    assert!(matches!(error, ClusterError::Timeout { .. }), "{error:?}");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_guarded_write_that_landed_before_the_reset_conflicts() {
    let server = server();
    server.fail([Fault::ResetAfter]);
    let change = Patch::Merge(json!({"metadata": {"resourceVersion": "1"}, "data": {"a": "2"}}));
    let error = server
        .requests()
        .patch(&config_map(), &change, WriteOptions::default())
        .await
        .unwrap_err();
    assert!(matches!(error, ClusterError::Conflict { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn an_unguarded_write_is_sent_once() {
    let server = server();
    server.fail([Fault::ResetBefore]);
    let change = Patch::Merge(json!({"data": {"a": "2"}}));
    let error = server
        .requests()
        .patch(&config_map(), &change, WriteOptions::default())
        .await
        .unwrap_err();
    assert!(error.is_retryable());
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failed_test_of_a_json_patch_is_invalid() {
    let change = Patch::Json(json!([
        {"op": "test", "path": "/data/a", "value": "other"},
        {"op": "replace", "path": "/data/a", "value": "2"}
    ]));
    let error = server()
        .requests()
        .patch(&config_map(), &change, WriteOptions::default())
        .await
        .unwrap_err();
    assert!(matches!(error, ClusterError::Invalid { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn writes_name_the_field_manager_and_their_options() {
    let server = server();
    let options = WriteOptions {
        subresource: None,
        dry_run: true,
        strict: true,
    };
    let change = Patch::Apply {
        manifest: holding(&json!({})),
        force: true,
    };
    server
        .requests()
        .patch(&config_map(), &change, options)
        .await
        .unwrap();
    assert_eq!(
        server.seen(),
        ["PATCH /api/v1/namespaces/shop/configmaps/settings\
          ?fieldManager=flagger-driver&dryRun=All&fieldValidation=Strict&force=true"]
    );
}

#[tokio::test(start_paused = true)]
async fn deleting_what_is_gone_is_no_error() {
    let server = server();
    let requests = server.requests();
    let options = DeleteOptions::default();
    assert_eq!(requests.delete(&config_map(), &options).await, Ok(()));
    assert_eq!(requests.delete(&config_map(), &options).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_selection_is_escaped() {
    let server = server();
    let selection = Selection {
        labels: Some("app in (a,b)".to_owned()),
        fields: None,
    };
    server
        .requests()
        .list(&config_map(), &selection)
        .await
        .unwrap();
    assert!(
        server.seen()[0].contains("labelSelector=app%20in%20%28a%2Cb%29"),
        "{:?}",
        server.seen()
    );
}
