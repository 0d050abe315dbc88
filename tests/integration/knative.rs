//! Whole runs of a Knative Service, whose revisions the embedded cluster's Knative makes.

use crate::support::stage::Stage;
use crate::support::stage::podinfo;
use crate::support::stage::scenario;
use crate::support::tap::Switch;
use kubectl_flagger::sandbox::scenario::Scenario;
use serde_json::Value;
use serde_json::json;

/// The built-in scenario with other events.
fn knative(events: &str) -> Scenario {
    let mut scenario = scenario("knative");
    let other = podinfo(&format!(
        "pods: {{startMs: 3000, drainMs: 5000}}\ntraffic: {{rps: 50, errorPercent: 0, latencyMs: 50}}\nat:\n{events}"
    ));
    scenario.timeline = other.timeline;
    scenario
}

async fn played(events: &str) -> (Stage, u8) {
    let stage = Stage::open(knative(events)).serving().await;
    let code = stage.play().await.unwrap();
    (stage, code)
}

fn service(stage: &Stage) -> Value {
    stage.object("services.serving.knative.dev", "podinfo")
}

fn primary(stage: &Stage) -> Value {
    service(stage)["metadata"]["annotations"]["flagger.app/primary-revision"].clone()
}

const GOOD: &str = "- {when: initialized, set: upgrade}\n";

#[tokio::test(start_paused = true)]
async fn a_good_revision_is_promoted_and_no_request_is_lost() {
    let (stage, code) = played(GOOD).await;
    assert_eq!(code, 0, "{:?}", stage.said("diagnostic"));
    assert_eq!(stage.weights(), [10, 20, 30, 40, 50, 0]);
    assert_eq!(primary(&stage), "podinfo-00002");
    let everything = json!([{"revisionName": "podinfo-00002", "percent": 100}]);
    assert_eq!(service(&stage)["status"]["traffic"], everything);
    assert_eq!(stage.lost(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_bad_revision_is_found_by_the_metrics_of_its_own_and_rolled_back() {
    let (stage, code) = played(
        "- {when: initialized, set: upgrade}\n\
         - {when: weight>=20, set: {version: 6.0.1, errorPercent: 20}}\n",
    )
    .await;
    assert_eq!(code, 10);
    assert_eq!(stage.weights().last(), Some(&0));
    assert_eq!(primary(&stage), "podinfo-00001");
    let asked = stage.said("metric.sampled");
    assert!(
        asked
            .iter()
            .all(|said| !said.contains("<analysed-revision>")),
        "{asked:?}"
    );
    let served = service(&stage)["status"]["traffic"].clone();
    assert_eq!(
        served[1],
        json!({"revisionName": "podinfo-00001", "percent": 100})
    );
    assert_eq!(stage.lost(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_revision_that_never_becomes_ready_gets_nobody() {
    let (stage, code) = played("- {when: initialized, set: break}\n").await;
    assert_eq!(code, 11);
    assert_eq!(stage.world.totals().by_version("6.0.1"), 0);
    assert_eq!(stage.lost(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_newer_revision_midway_gets_no_traffic_before_it_is_analysed() {
    let (stage, code) = played(
        "- {when: initialized, set: upgrade}\n\
         - {when: weight>=20, set: upgrade}\n",
    )
    .await;
    assert_eq!(code, 0);
    assert_eq!(stage.weights(), [10, 20, 0, 10, 20, 30, 40, 50, 0]);
    assert_eq!(primary(&stage), "podinfo-00003");
    let listed = stage.world.cluster().log().into_iter().filter(|request| {
        let object = request.object.as_ref();
        let traffic = object.map(|object| object["spec"]["traffic"].to_string());
        traffic.is_some_and(|traffic| traffic.contains("latestRevision\":true"))
    });
    assert_eq!(listed.count(), 0);
    assert_eq!(stage.lost(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_given_back_has_its_traffic_as_it_was() {
    let (stage, _) = played(GOOD).await;
    let switch = Switch::new(None);
    stage.eject(switch, &mut |_| {}).await.unwrap();
    let service = service(&stage);
    assert_eq!(service["spec"].get("traffic"), None);
    assert_eq!(service["metadata"].get("annotations"), None);
    assert_eq!(stage.lost(), 0);
}
