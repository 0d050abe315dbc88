//! Giving a target back: somebody serves at every moment, what was there is as it was, and nothing else is left.

use crate::support::stage::Stage;
use crate::support::stage::later;
use crate::support::stage::scenario;
use crate::support::stage::served;
use crate::support::tap::Switch;
use jiff::SignedDuration;
use kubectl_flagger::error::Error;
use kubectl_flagger::sandbox::scenario::Scenario;
use serde_json::Value;
use serde_json::json;
use std::time::Duration;

async fn eject(stage: &Stage) -> Result<Vec<String>, Error> {
    let mut said = Vec::new();
    stage
        .eject(Switch::new(None), &mut |line| said.push(line.to_owned()))
        .await?;
    Ok(said)
}

/// All objects of the canary's namespace that carry our label, but the lock.
fn ours(stage: &Stage) -> Vec<String> {
    let dump = stage.world.dump();
    let ours = dump.iter().filter(|object| {
        object["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "flagger-driver"
            && object["kind"] != "Lease"
            && object["kind"] != "ReplicaSet"
    });
    ours.map(|object| format!("{}/{}", object["kind"], object["metadata"]["name"]))
        .collect()
}

/// All that carry our annotations.
fn marked(stage: &Stage) -> Vec<String> {
    let dump = stage.world.dump();
    let marked = dump.iter().filter(|object| {
        let annotations = object["metadata"]["annotations"].as_object();
        annotations.is_some_and(|all| all.keys().any(|key| key.starts_with("flagger-driver/")))
            && object["kind"] != "Lease"
            // Kubernetes gives them the annotations of their Deployment, and takes none away.
            && object["kind"] != "ReplicaSet"
    });
    marked
        .map(|object| format!("{}/{}", object["kind"], object["metadata"]["name"]))
        .collect()
}

/// The Service and the route were there before any canary.
fn routed(mut scenario: Scenario) -> Scenario {
    scenario.objects.push(json!({
        "apiVersion": "traefik.io/v1alpha1", "kind": "TraefikService",
        "metadata": {"name": "podinfo", "namespace": "test", "annotations": {"team": "shop"}},
        "spec": {"weighted": {"services": [{"name": "podinfo", "port": 80, "nativeLB": true}]}},
    }));
    scenario
}

#[tokio::test(start_paused = true)]
async fn a_target_is_given_back_and_nobody_notices() {
    for name in ["success", "daemonset", "hpa", "keda"] {
        let stage = Stage::open(routed(served(scenario(name)))).serving().await;
        assert_eq!(stage.play().await.unwrap(), 0);
        let route = json!([{"name": "podinfo", "port": 80, "nativeLB": true}]);
        eject(&stage).await.unwrap();
        assert_eq!(ours(&stage), Vec::<String>::new(), "{name}");
        assert_eq!(marked(&stage), Vec::<String>::new(), "{name}");
        let apex = stage.object("services", "podinfo");
        assert_eq!(
            apex["spec"]["selector"],
            json!({"app": "podinfo"}),
            "{name}"
        );
        assert_eq!(
            apex["metadata"]["annotations"]
                .as_object()
                .map_or(0, |all| all.len()),
            0
        );
        let after = stage.object("traefikservices", "podinfo");
        assert_eq!(after["spec"]["weighted"]["services"], route, "{name}");
        assert_eq!(after["metadata"]["annotations"], json!({"team": "shop"}));
        assert_eq!(stage.phase(), "Terminating");
        later(&stage, Duration::from_secs(30)).await;
        assert_eq!(stage.lost(), 0, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_autoscaler_counts_again_as_before() {
    let stage = Stage::open(served(scenario("keda"))).serving().await;
    let before = stage.object("scaledobjects", "podinfo");
    assert_eq!(stage.play().await.unwrap(), 0);
    eject(&stage).await.unwrap();
    let after = stage.object("scaledobjects", "podinfo");
    assert_eq!(after["spec"], before["spec"]);
    assert_eq!(stage.deployed("podinfo"), ("6.0.1".to_owned(), 2));
}

#[tokio::test(start_paused = true)]
async fn a_service_target_is_given_back_too() {
    let stage = Stage::open(scenario("service")).serving().await;
    assert_eq!(stage.play().await.unwrap(), 0);
    eject(&stage).await.unwrap();
    assert_eq!(ours(&stage), Vec::<String>::new());
    assert_eq!(
        stage.object("services", "podinfo")["spec"]["selector"]["color"],
        "green"
    );
    assert_eq!(stage.lost(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_version_is_not_brought_to_users_by_giving_it_back() {
    let stage = Stage::open(served(scenario("error-spike"))).serving().await;
    assert_eq!(stage.play().await.unwrap(), 10);
    let before = stage.writes().len();
    let refused = eject(&stage).await.unwrap_err();
    assert_eq!(refused.exit_code().get(), 3);
    assert!(refused.to_string().contains("something else"), "{refused}");
    assert_eq!(stage.writes().len(), before);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_does_not_become_ready_is_not_given_the_traffic() {
    let mut scenario = served(scenario("success"));
    scenario.canary["spec"]["progressDeadlineSeconds"] = json!(30);
    let mut stage = Stage::open(scenario).serving().await;
    stage.options.plan.drain = SignedDuration::from_secs(1);
    assert_eq!(stage.play().await.unwrap(), 0);
    // The canary's pods are gone.
    later(&stage, Duration::from_secs(30)).await;
    stage.world.cluster().set_pod_rule(Box::new(|_| {
        kubectl_flagger::sandbox::PodBehaviour::NeverReady
    }));
    let failed = eject(&stage).await.unwrap_err();
    assert_eq!(failed.exit_code().get(), 11);
    let apex = stage.object("services", "podinfo");
    assert_eq!(apex["spec"]["selector"], json!({"app": "podinfo-primary"}));
    assert_eq!(stage.lost(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_given_back_can_be_taken_over_again() {
    let stage = Stage::open(served(scenario("success"))).serving().await;
    assert_eq!(stage.play().await.unwrap(), 0);
    eject(&stage).await.unwrap();
    let finished = stage.run().await.unwrap();
    assert_eq!(finished.outcome.word(), "bootstrapped");
    assert_eq!(stage.deployed("podinfo-primary"), ("6.0.1".to_owned(), 2));
    assert_ne!(
        stage.object("configmaps", "flagger-run-podinfo"),
        Value::Null
    );
}
