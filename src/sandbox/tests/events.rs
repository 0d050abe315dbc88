//! What controllers and nodes report, where somebody looks.

use crate::sandbox::SandboxCluster;
use crate::sandbox::tests::cluster;
use crate::sandbox::tests::deployment;
use crate::sandbox::tests::listed;
use crate::sandbox::tests::pass;
use serde_json::Value;
use serde_json::json;

/// Kind, reason and message, without what is random.
fn told(cluster: &SandboxCluster) -> Vec<String> {
    let mut events = listed(cluster, "events");
    events.sort_by_key(|event| event["metadata"]["resourceVersion"].to_string());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut lines: Vec<String> = events
        .iter()
        .map(|event| {
            let words = text(&event["message"]);
            let words: Vec<&str> = words
                .split(' ')
                .map(|word| match word.split('-').count() {
                    2.. if word.starts_with("podinfo-") => "NAME",
                    _ if word.starts_with("test/podinfo-") => "test/NAME",
                    _ => word,
                })
                .collect();
            format!(
                "{} {}: {}",
                text(&event["involvedObject"]["kind"]),
                text(&event["reason"]),
                words.join(" ")
            )
        })
        .collect();
    lines.dedup();
    lines
}

#[tokio::test(start_paused = true)]
async fn a_deployment_its_replica_sets_and_its_pods_tell_what_was_done_to_them() {
    let cluster = cluster();
    cluster.tell_events();
    cluster
        .apply_object(deployment("podinfo:6.0.0", 1))
        .unwrap();
    pass(5.0).await;
    assert_eq!(
        told(&cluster),
        [
            "Deployment ScalingReplicaSet: Scaled up replica set NAME from 0 to 1",
            "ReplicaSet SuccessfulCreate: Created pod: NAME",
            "Pod Scheduled: Successfully assigned test/NAME to node-1",
            "Pod Started: Started container podinfod",
        ]
    );
    cluster
        .apply_object(deployment("podinfo:6.0.0", 0))
        .unwrap();
    pass(1.0).await;
    assert_eq!(
        told(&cluster)[4..],
        [
            "Deployment ScalingReplicaSet: Scaled down replica set NAME from 1 to 0",
            "Pod Killing: Stopping container podinfod",
        ]
    );
    let one = &listed(&cluster, "events")[0];
    assert_eq!(one["involvedObject"]["namespace"], "test");
    assert!(one["involvedObject"]["uid"].is_string(), "{one}");
}

#[tokio::test(start_paused = true)]
async fn events_are_kept_for_an_hour() {
    let cluster = cluster();
    cluster.tell_events();
    cluster
        .apply_object(deployment("podinfo:6.0.0", 1))
        .unwrap();
    pass(3700.0).await;
    cluster
        .apply_object(deployment("podinfo:6.0.0", 2))
        .unwrap();
    pass(5.0).await;
    let told = told(&cluster);
    assert!(told[0].ends_with("from 1 to 2"), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn nobody_tells_events_unless_somebody_looks() {
    let cluster = cluster();
    cluster
        .apply_object(deployment("podinfo:6.0.0", 1))
        .unwrap();
    pass(5.0).await;
    assert_eq!(json!(listed(&cluster, "events")), json!([]));
}
