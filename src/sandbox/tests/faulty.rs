//! Requests that go wrong on purpose, and the service proxy.

use crate::sandbox::faults::Fault;
use crate::sandbox::faults::FaultEffect;
use crate::sandbox::proxy::ProxyResponse;
use crate::sandbox::tests::client;
use crate::sandbox::tests::cluster;
use crate::sandbox::tests::deployment;
use crate::sandbox::tests::listed;
use crate::sandbox::tests::pass;
use crate::sandbox::tests::service;
use crate::sandbox::tests::stored;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::authorization::v1::SelfSubjectAccessReview;
use kube::Api;
use kube::Error;
use kube::api::Patch;
use kube::api::PatchParams;
use kube::api::PostParams;
use serde_json::json;
use std::time::Duration;

fn scale(replicas: u32) -> Patch<serde_json::Value> {
    Patch::Merge(json!({"spec": {"replicas": replicas}}))
}

#[tokio::test(start_paused = true)]
async fn a_forbidden_request_names_verb_and_resource() {
    let cluster = cluster();
    cluster
        .apply_object(deployment("podinfo:6.0.0", 1))
        .unwrap();
    cluster.fail_next(Fault::once("patch", "deployments", FaultEffect::Code(403)));
    let api: Api<Deployment> = Api::default_namespaced(client(&cluster));
    match api
        .patch("podinfo", &PatchParams::default(), &scale(0))
        .await
        .unwrap_err()
    {
        Error::Api(status) => assert_eq!(
            status.message,
            "deployments.apps \"podinfo\" is forbidden: User \"sandbox\" cannot patch resource \"deployments\" in API group \"apps\" in the namespace \"test\""
        ),
        other => panic!("{other:?}"),
    }
    api.patch("podinfo", &PatchParams::default(), &scale(0))
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_access_review_knows_of_a_forbidden_request() {
    let cluster = cluster();
    cluster.fail_next(Fault::once("patch", "deployments", FaultEffect::Code(403)));
    let reviews: Api<SelfSubjectAccessReview> = Api::all(client(&cluster));
    let review = |verb: &str| -> SelfSubjectAccessReview {
        let asked =
            json!({"verb": verb, "group": "apps", "resource": "deployments", "namespace": "test"});
        serde_json::from_value(json!({"spec": {"resourceAttributes": asked}})).unwrap()
    };
    for (verb, allowed) in [("get", true), ("patch", false)] {
        let answer = reviews
            .create(&PostParams::default(), &review(verb))
            .await
            .unwrap();
        assert_eq!(answer.status.unwrap().allowed, allowed, "{verb}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_turned_away_request_says_when_to_come_back() {
    let cluster = cluster();
    cluster.fail_next(Fault::once("get", "", FaultEffect::TooManyRequests(7)));
    let mut service = cluster.service();
    let request = http::Request::get("/api/v1/namespaces/test")
        .body(kube::client::Body::empty())
        .unwrap();
    let response = tower::Service::call(&mut service, request).await.unwrap();
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "7");
}

#[tokio::test(start_paused = true)]
async fn an_answer_may_be_lost_after_the_write() {
    let cluster = cluster();
    cluster
        .apply_object(deployment("podinfo:6.0.0", 1))
        .unwrap();
    cluster.fail_next(Fault::once(
        "patch",
        "deployments.apps",
        FaultEffect::DropAfterCommit,
    ));
    let api: Api<Deployment> = Api::default_namespaced(client(&cluster));
    let result = api
        .patch("podinfo", &PatchParams::default(), &scale(0))
        .await;
    assert!(matches!(result, Err(Error::Service(_))), "{result:?}");
    assert_eq!(
        stored(&cluster, "deployments", "podinfo")["spec"]["replicas"],
        0
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_may_hang_or_be_late() {
    let cluster = cluster();
    cluster
        .apply_object(deployment("podinfo:6.0.0", 1))
        .unwrap();
    let api: Api<Deployment> = Api::default_namespaced(client(&cluster));
    cluster.fail_next(Fault::once("get", "deployments", FaultEffect::Hang));
    let result = tokio::time::timeout(Duration::from_secs(10), api.get("podinfo")).await;
    assert!(result.is_err());
    cluster.fail_next(Fault::once(
        "get",
        "deployments",
        FaultEffect::Delay(Duration::from_secs(3)),
    ));
    let before = cluster.now();
    api.get("podinfo").await.unwrap();
    assert_eq!(cluster.now().duration_since(before).as_secs(), 3);
}

async fn ask(cluster: &crate::sandbox::SandboxCluster, name: &str) -> Result<String, Error> {
    let uri = format!("/api/v1/namespaces/test/services/{name}/proxy/api/v1/query?query=up");
    let request = http::Request::get(uri).body(Vec::new()).unwrap();
    client(cluster).request_text(request).await
}

#[tokio::test(start_paused = true)]
async fn the_service_proxy_needs_a_service_with_a_ready_endpoint() {
    let cluster = cluster();
    cluster.set_proxy(Box::new(|request| ProxyResponse {
        status: 200,
        content_type: "text/plain".to_owned(),
        body: format!(
            "{} {} {}",
            request.service, request.port, request.path_and_query
        )
        .into_bytes(),
    }));
    let code = |result: Result<String, Error>| match result.unwrap_err() {
        Error::Api(status) => (status.code, status.message),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        code(ask(&cluster, "http:podinfo:80").await),
        (404, "services \"podinfo\" not found".to_owned())
    );
    cluster.apply_object(service()).unwrap();
    pass(1.0).await;
    assert_eq!(
        code(ask(&cluster, "http:podinfo:80").await),
        (
            503,
            "no endpoints available for service \"podinfo\"".to_owned()
        )
    );
    cluster
        .apply_object(deployment("podinfo:6.0.0", 1))
        .unwrap();
    pass(5.0).await;
    assert_eq!(
        ask(&cluster, "http:podinfo:80").await.unwrap(),
        "podinfo 80 /api/v1/query?query=up"
    );
    assert_eq!(
        ask(&cluster, "podinfo:http").await.unwrap(),
        "podinfo http /api/v1/query?query=up"
    );
    assert_eq!(
        code(ask(&cluster, "http:podinfo:81").await),
        (
            503,
            "no service port 81 found for service \"podinfo\"".to_owned()
        )
    );
    assert_eq!(listed(&cluster, "endpoints").len(), 1);
}
