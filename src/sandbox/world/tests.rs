use super::*;
use crate::port::transport::HttpRequest;
use crate::port::transport::TransportError;
use crate::sandbox::objects::Objects as _;
use crate::sandbox::scenario::built_in;
use crate::sandbox::scripted::Asked;
use http::Request;
use http_body_util::BodyExt as _;
use kube::client::Body;
use std::time::Duration;
use tower::ServiceExt as _;

const NAMESPACE: &str = "test";

fn scenario(name: &str) -> Scenario {
    built_in::scenario(name).unwrap()
}

fn with_steps(steps: &[&str]) -> Scenario {
    let mut scenario = scenario("success");
    scenario.timeline = crate::sandbox::scenario::trigger::Timeline::default();
    scenario.steps = crate::sandbox::scenario::steps::Steps::parse(steps).unwrap();
    scenario
}

fn world(scenario: Scenario) -> World {
    let clock = SandboxClock::at_speed(1.0);
    World::new(scenario, WorldOptions { clock, seed: 1 }).unwrap()
}

fn image(world: &World, deployment: &str) -> String {
    let object = world
        .cluster()
        .objects()
        .get("deployments", NAMESPACE, deployment)
        .unwrap();
    crate::sandbox::scenario::edit::image(&object)
        .unwrap()
        .to_owned()
}

/// What a driver would write.
fn status(world: &World, phase: &str, weight: u64) {
    let patch = json!({"status": {"phase": phase, "canaryWeight": weight}});
    world
        .cluster()
        .patch_object("canaries/status", NAMESPACE, "podinfo", &patch)
        .unwrap();
}

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

fn get(url: &str) -> HttpRequest {
    HttpRequest {
        method: "GET",
        url: url.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        timeout: Duration::from_secs(1),
    }
}

async fn through_proxy(world: &World, query: &str) -> (u16, String) {
    let path = "/api/v1/namespaces/monitoring/services/http:prometheus:9090/proxy/api/v1/query";
    let request = Request::get(format!("{path}?query={query}"))
        .body(Body::empty())
        .unwrap();
    let answer = world.service().oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_world_begins_with_the_objects_of_its_scenario_and_its_pods_start() {
    let world = world(scenario("success"));
    pass(5).await;
    let objects = world.cluster().objects();
    assert!(objects.get("canaries", NAMESPACE, "podinfo").is_some());
    assert_eq!(image(&world, "podinfo"), "podinfo:6.0.0");
    let target = objects.get("deployments", NAMESPACE, "podinfo").unwrap();
    assert_eq!(target["status"]["readyReplicas"], 2);
}

#[tokio::test(start_paused = true)]
async fn an_object_without_a_namespace_lies_in_that_of_the_canary() {
    let mut scenario = scenario("success");
    scenario
        .objects
        .push(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "extra"}}));
    scenario
        .objects
        .push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}}));
    let world = world(scenario);
    let objects = world.cluster().objects();
    assert!(objects.get("configmaps", NAMESPACE, "extra").is_some());
    assert!(objects.get("namespaces", "", "other").is_some());
}

#[tokio::test(start_paused = true)]
async fn objects_of_any_kind_may_be_there() {
    let mut scenario = scenario("success");
    scenario.objects.push(
        json!({"apiVersion": "example.com/v1", "kind": "Policy", "metadata": {"name": "strict"}}),
    );
    let world = world(scenario);
    let objects = world.cluster().objects();
    assert!(objects.get("policies", NAMESPACE, "strict").is_some());
}

#[tokio::test(start_paused = true)]
async fn the_target_changes_once_the_primary_serves_and_asks_for_one_run() {
    let world = world(scenario("success"));
    pass(10).await;
    assert_eq!(image(&world, "podinfo"), "podinfo:6.0.0");
    world.initialized();
    assert_eq!(image(&world, "podinfo"), "podinfo:6.0.1");
    assert!(world.next_run().await);
    status(&world, "Progressing", 10);
    pass(10).await;
    status(&world, "Failed", 0);
    assert!(!world.next_run().await);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_never_began_is_not_asked_for_again() {
    let world = world(scenario("success"));
    world.initialized();
    assert!(world.next_run().await);
    assert!(!world.next_run().await);
}

#[tokio::test(start_paused = true)]
async fn the_next_run_is_waited_for_as_long_as_time_brings_it() {
    let world = world(with_steps(&[
        "wait=7 upgrade",
        "end",
        "wait=30",
        "downgrade",
    ]));
    world.initialized();
    let clock = world.clock();
    assert!(world.next_run().await);
    assert_eq!(clock.elapsed(), Duration::from_secs(7));
    status(&world, "Progressing", 10);
    pass(10).await;
    status(&world, "Failed", 0);
    assert!(world.next_run().await);
    assert_eq!(clock.elapsed(), Duration::from_secs(47));
    assert_eq!(image(&world, "podinfo"), "podinfo:6.0.0");
}

#[tokio::test(start_paused = true)]
async fn a_change_midway_that_the_driver_took_over_asks_for_no_other_run() {
    let world = world(with_steps(&["upgrade", "weight>=20 upgrade"]));
    world.initialized();
    assert!(world.next_run().await);
    status(&world, "Progressing", 20);
    pass(1).await;
    assert_eq!(image(&world, "podinfo"), "podinfo:6.0.2");
    let template = json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "podinfo-primary", "namespace": NAMESPACE}, "spec": {
        "selector": {"matchLabels": {"app": "podinfo-primary"}},
        "template": {"metadata": {"labels": {"app": "podinfo-primary"}},
            "spec": {"containers": [{"name": "podinfod", "image": "podinfo:6.0.2"}]}}}});
    world.cluster().apply_object(template).unwrap();
    status(&world, "Succeeded", 0);
    assert!(!world.next_run().await);
}

#[tokio::test(start_paused = true)]
async fn a_change_that_came_too_late_for_the_promotion_asks_for_another_run() {
    let world = world(with_steps(&["upgrade", "phase=Finalising upgrade"]));
    world.initialized();
    assert!(world.next_run().await);
    status(&world, "Finalising", 0);
    pass(1).await;
    status(&world, "Succeeded", 0);
    assert!(world.next_run().await);
}

#[tokio::test(start_paused = true)]
async fn a_scenario_that_waits_for_a_driver_forever_has_no_next_run() {
    let world = world(with_steps(&["weight>=20 upgrade"]));
    world.initialized();
    assert!(!world.next_run().await);
}

#[tokio::test(start_paused = true)]
async fn errors_begin_with_the_weight_that_the_status_says() {
    let mut scenario = scenario("error-spike");
    // Without a proxy, users go straight to the Service.
    scenario.objects.retain(|o| o["kind"] != "IngressRoute");
    scenario.objects.push(
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "podinfo"},
        "spec": {"selector": {"app": "podinfo"}, "ports": [{"port": 80, "targetPort": 9898}]}}),
    );
    let world = world(scenario);
    pass(5).await;
    world.initialized();
    status(&world, "Progressing", 20);
    pass(10).await;
    let errors = |world: &World| {
        let totals = world.totals();
        let errors = totals.answered.iter().filter(|((_, code), _)| *code == 500);
        errors.map(|(_, n)| n).sum::<u64>()
    };
    assert_eq!(errors(&world), 0);
    status(&world, "Progressing", 30);
    pass(10).await;
    assert_eq!(errors(&world), 150);
}

#[tokio::test(start_paused = true)]
async fn users_are_counted_by_phase() {
    let world = world(scenario("success"));
    pass(2).await;
    status(&world, "Initializing", 0);
    pass(3).await;
    let phases = world.totals_by_phase();
    let sent: Vec<(Phase, u64)> = phases.iter().map(|p| (p.phase, p.totals.sent())).collect();
    assert_eq!(sent, [(Phase::New, 100), (Phase::Initializing, 150)]);
    assert_eq!(world.totals().sent(), 250);
}

#[tokio::test(start_paused = true)]
async fn prometheus_is_reached_through_the_api_server_once_its_pod_is_ready() {
    let world = world(scenario("success"));
    assert_eq!(through_proxy(&world, "vector(1)").await.0, 503);
    pass(5).await;
    let (code, body) = through_proxy(&world, "vector(1)").await;
    assert_eq!(code, 200, "{body}");
    assert!(body.contains(r#""1""#), "{body}");
}

#[tokio::test(start_paused = true)]
async fn prometheus_can_be_down() {
    let mut scenario = with_steps(&[]);
    scenario.timeline = parse_timeline("- {when: initialized, fault: {prometheus: down}}");
    let world = world(scenario);
    pass(5).await;
    world.initialized();
    assert_eq!(through_proxy(&world, "vector(1)").await.0, 503);
    let direct = world
        .transport()
        .send(&get("http://world.test:9090/api/v1/query?query=up"))
        .await;
    assert!(matches!(direct, Err(TransportError::Unreachable { .. })));
}

fn parse_timeline(at: &str) -> crate::sandbox::scenario::trigger::Timeline {
    let file = crate::canary::source::SourceFile {
        path: "scenario.yaml".to_owned(),
        text: format!("canary: {{kind: Canary}}\nat:\n{at}\n").into(),
    };
    let scenario = Scenario::parse(&file, &|_| Err("no such file".to_owned()));
    scenario.unwrap().timeline
}

#[tokio::test(start_paused = true)]
async fn the_scripted_host_answers_what_words_say_and_remembers_what_was_asked() {
    let world = world(with_steps(&["success=90 hook:pre=500"]));
    world.initialized();
    let query = "sum(rate(a[1m]))%2Fsum(rate(b[1m]))*100";
    let transport = world.transport();
    let url = format!("http://{SCRIPTED_HOST}/api/v1/query?query={query}");
    let answer = transport.send(&get(&url)).await.unwrap();
    assert!(String::from_utf8_lossy(&answer.body).contains(r#""90""#));
    let hook = transport
        .send(&get("http://world.test:9090/test/pre"))
        .await
        .unwrap();
    assert_eq!(hook.status, 500);
    let heard = world.heard();
    assert_eq!(
        heard[0],
        Heard::Asked {
            metric: Asked::Success,
            query: "sum(rate(a[1m]))/sum(rate(b[1m]))*100".to_owned(),
            window: Some(Duration::from_secs(60)),
            value: Some(90.0),
        }
    );
    assert!(matches!(&heard[1], Heard::Called { status: 500, .. }));
}

#[tokio::test(start_paused = true)]
async fn gates_answer_as_those_of_the_load_tester_and_a_word_beats_them() {
    let world = world(with_steps(&[]));
    let transport = world.transport();
    let ask = async |path: &str| {
        let request = HttpRequest {
            method: "POST",
            body: br#"{"name":"podinfo","namespace":"test"}"#.to_vec(),
            ..get(&format!("http://flagger-loadtester.test{path}"))
        };
        transport.send(&request).await.unwrap().status
    };
    assert_eq!(ask("/gate/check").await, 403);
    assert_eq!(ask("/gate/open").await, 202);
    assert_eq!(ask("/gate/check").await, 200);
    assert_eq!(ask("/rollback/check").await, 403);
    assert_eq!(ask("/").await, 200);
    let world = self::world(with_steps(&["gate=200"]));
    world.initialized();
    let check = get("http://flagger-loadtester.test/gate/check");
    assert_eq!(world.transport().send(&check).await.unwrap().status, 200);
}

#[tokio::test(start_paused = true)]
async fn every_other_prometheus_answers_from_the_users_requests() {
    let world = world(scenario("success"));
    pass(60).await;
    let url = "http://prometheus.example.com/api/v1/query?query=vector(3)";
    let answer = world.transport().send(&get(url)).await.unwrap();
    assert!(String::from_utf8_lossy(&answer.body).contains(r#""3""#));
    assert!(world.heard().is_empty());
}

#[tokio::test(start_paused = true)]
async fn only_the_primary_of_version_nine_stays_unready() {
    let world = world(with_steps(&["upgrade9"]));
    world.initialized();
    let mut primary = world
        .cluster()
        .objects()
        .get("deployments", NAMESPACE, "podinfo")
        .map(|target| (*target).clone())
        .unwrap();
    primary["metadata"] = json!({"name": "podinfo-primary", "namespace": NAMESPACE});
    primary["spec"]["selector"]["matchLabels"]["app"] = json!("podinfo-primary");
    primary["spec"]["template"]["metadata"]["labels"]["app"] = json!("podinfo-primary");
    if let Some(fields) = primary.as_object_mut() {
        fields.remove("status");
    }
    world.cluster().apply_object(primary).unwrap();
    pass(30).await;
    let ready = |name: &str| {
        let objects = world.cluster().objects();
        let object = objects.get("deployments", NAMESPACE, name).unwrap();
        object["status"]["readyReplicas"].as_u64().unwrap_or(0)
    };
    assert_eq!((ready("podinfo"), ready("podinfo-primary")), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn what_the_cluster_refuses_is_remembered() {
    let mut scenario = with_steps(&[]);
    scenario.timeline = parse_timeline(
        "- {when: start, patch: {resource: deployments, name: nobody, merge: {spec: {replicas: 1}}}}",
    );
    let world = world(scenario);
    assert_eq!(world.mishaps().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_fault_hits_the_requests_it_names() {
    let mut scenario = with_steps(&[]);
    scenario.timeline = parse_timeline(
        "- {when: start, fault: {verb: get, resource: deployments, code: 500, times: 1}}",
    );
    let world = world(scenario);
    let path = "/apis/apps/v1/namespaces/test/deployments/podinfo";
    let mut codes = Vec::new();
    for _ in 0..2 {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = world.service().oneshot(request).await.unwrap();
        codes.push(answer.status().as_u16());
    }
    assert_eq!(codes, [500, 200]);
}

#[tokio::test(start_paused = true)]
async fn words_that_nobody_acts_on_and_canaries_without_target_are_refused() {
    let clock = SandboxClock::at_speed(1.0);
    let options = WorldOptions { clock, seed: 1 };
    let error = World::new(with_steps(&["upgrade", "skip"]), options.clone()).err();
    assert!(matches!(error, Some(WorldError::Word { word: "skip" })));
    let mut scenario = with_steps(&[]);
    scenario.canary = json!({"metadata": {"name": "podinfo"}});
    let error = World::new(scenario, options).err();
    assert!(matches!(error, Some(WorldError::Canary { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_world_ends_with_its_last_handle() {
    let world = world(scenario("success"));
    let state = Arc::downgrade(&world.inner.state);
    let other = world.clone();
    drop(world);
    pass(1).await;
    assert!(state.upgrade().is_some());
    drop(other);
    pass(1).await;
    assert!(state.upgrade().is_none());
}
