//! What becomes of Deployments, DaemonSets, Services and owned objects.

use crate::sandbox::PodBehaviour;
use crate::sandbox::SandboxCluster;
use crate::sandbox::tests::client;
use crate::sandbox::tests::cluster;
use crate::sandbox::tests::deployment;
use crate::sandbox::tests::listed;
use crate::sandbox::tests::pass;
use crate::sandbox::tests::service;
use crate::sandbox::tests::stored;
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::Patch;
use kube::api::PatchParams;
use serde_json::Value;
use serde_json::json;

fn status(cluster: &SandboxCluster) -> Value {
    stored(cluster, "deployments", "podinfo")["status"].clone()
}

fn condition(cluster: &SandboxCluster, kind: &str) -> Value {
    let status = status(cluster);
    let list = status["conditions"].as_array().unwrap();
    list.iter()
        .find(|condition| condition["type"] == kind)
        .unwrap()
        .clone()
}

fn upgrade(cluster: &SandboxCluster, image: &str) {
    cluster.apply_object(deployment(image, 2)).unwrap();
}

fn live_pods(cluster: &SandboxCluster, image: &str) -> usize {
    listed(cluster, "pods")
        .iter()
        .filter(|pod| pod["spec"]["containers"][0]["image"] == image)
        .filter(|pod| pod["metadata"].get("deletionTimestamp").is_none())
        .count()
}

#[tokio::test(start_paused = true)]
async fn a_deployment_becomes_ready_after_its_pods_start_time() {
    let cluster = cluster();
    cluster
        .apply_object(deployment("podinfo:6.0.0", 2))
        .unwrap();
    pass(2.9).await;
    assert_eq!(
        condition(&cluster, "Available")["reason"],
        "MinimumReplicasUnavailable"
    );
    assert_eq!(
        condition(&cluster, "Progressing")["reason"],
        "ReplicaSetUpdated"
    );
    assert_eq!(status(&cluster)["unavailableReplicas"], 2);
    pass(0.5).await;
    let object = stored(&cluster, "deployments", "podinfo");
    assert_eq!(
        object["metadata"]["annotations"]["deployment.kubernetes.io/revision"],
        "1"
    );
    assert_eq!(object["status"]["observedGeneration"], 1);
    for field in [
        "replicas",
        "updatedReplicas",
        "readyReplicas",
        "availableReplicas",
    ] {
        assert_eq!(object["status"][field], 2, "{field}");
    }
    assert_eq!(condition(&cluster, "Available")["status"], "True");
    assert_eq!(
        condition(&cluster, "Progressing")["reason"],
        "NewReplicaSetAvailable"
    );
    let pods = listed(&cluster, "pods");
    assert_eq!(pods.len(), 2);
    assert_eq!(
        pods[0]["status"]["podIP"]
            .as_str()
            .unwrap()
            .split('.')
            .take(2)
            .collect::<Vec<_>>(),
        ["10", "1"]
    );
}

#[tokio::test(start_paused = true)]
async fn min_ready_seconds_delay_availability() {
    let cluster = cluster();
    let mut object = deployment("podinfo:6.0.0", 1);
    object["spec"]["minReadySeconds"] = json!(10);
    cluster.apply_object(object).unwrap();
    pass(12.0).await;
    assert_eq!(status(&cluster)["readyReplicas"], 1);
    assert_eq!(status(&cluster).get("availableReplicas"), None);
    pass(1.5).await;
    assert_eq!(status(&cluster)["availableReplicas"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_rolling_update_replaces_two_pods_one_at_a_time() {
    let cluster = cluster();
    upgrade(&cluster, "podinfo:6.0.0");
    pass(4.0).await;
    upgrade(&cluster, "podinfo:6.0.1");
    pass(1.0).await;
    // 25 % of two: one more, none fewer
    assert_eq!(live_pods(&cluster, "podinfo:6.0.1"), 1);
    assert_eq!(live_pods(&cluster, "podinfo:6.0.0"), 2);
    pass(3.0).await;
    assert_eq!(live_pods(&cluster, "podinfo:6.0.1"), 2);
    assert_eq!(live_pods(&cluster, "podinfo:6.0.0"), 1);
    pass(4.0).await;
    assert_eq!(live_pods(&cluster, "podinfo:6.0.1"), 2);
    assert_eq!(live_pods(&cluster, "podinfo:6.0.0"), 0);
    assert_eq!(status(&cluster)["availableReplicas"], 2);
    let object = stored(&cluster, "deployments", "podinfo");
    assert_eq!(
        object["metadata"]["annotations"]["deployment.kubernetes.io/revision"],
        "2"
    );
    assert_eq!(listed(&cluster, "replicasets").len(), 2);
    pass(6.0).await;
    assert_eq!(listed(&cluster, "pods").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn going_back_reuses_the_old_replica_set_under_a_new_number() {
    let cluster = cluster();
    upgrade(&cluster, "podinfo:6.0.0");
    pass(4.0).await;
    upgrade(&cluster, "podinfo:6.0.1");
    pass(20.0).await;
    upgrade(&cluster, "podinfo:6.0.0");
    pass(20.0).await;
    assert_eq!(listed(&cluster, "replicasets").len(), 2);
    let object = stored(&cluster, "deployments", "podinfo");
    assert_eq!(
        object["metadata"]["annotations"]["deployment.kubernetes.io/revision"],
        "3"
    );
    assert_eq!(live_pods(&cluster, "podinfo:6.0.0"), 2);
}

#[tokio::test(start_paused = true)]
async fn scaling_to_zero_drains_and_scaling_from_zero_starts() {
    let cluster = cluster();
    upgrade(&cluster, "podinfo:6.0.0");
    pass(4.0).await;
    let api: Api<Deployment> = Api::default_namespaced(client(&cluster));
    let scale = |replicas: u32| Patch::Merge(json!({"spec": {"replicas": replicas}}));
    api.patch("podinfo", &PatchParams::default(), &scale(0))
        .await
        .unwrap();
    pass(1.0).await;
    let pods = listed(&cluster, "pods");
    assert_eq!(pods.len(), 2);
    assert!(
        pods.iter()
            .all(|pod| pod["metadata"].get("deletionTimestamp").is_some())
    );
    assert_eq!(status(&cluster).get("replicas"), None);
    pass(5.0).await;
    assert!(listed(&cluster, "pods").is_empty());
    api.patch("podinfo", &PatchParams::default(), &scale(2))
        .await
        .unwrap();
    pass(4.0).await;
    assert_eq!(status(&cluster)["availableReplicas"], 2);
    assert_eq!(status(&cluster)["observedGeneration"], 3);
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_at_zero_is_complete_at_once() {
    let cluster = cluster();
    cluster
        .apply_object(deployment("podinfo:6.0.0", 0))
        .unwrap();
    pass(1.0).await;
    cluster
        .apply_object(deployment("podinfo:6.0.1", 0))
        .unwrap();
    pass(1.0).await;
    assert_eq!(
        condition(&cluster, "Progressing")["reason"],
        "NewReplicaSetAvailable"
    );
    assert_eq!(status(&cluster)["observedGeneration"], 2);
    assert!(listed(&cluster, "pods").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_template_marked_never_ready_exceeds_the_progress_deadline() {
    let cluster = cluster();
    let mut object = deployment("podinfo:6.0.0", 1);
    object["spec"]["progressDeadlineSeconds"] = json!(60);
    object["spec"]["template"]["metadata"]["annotations"] = json!({"test/never-ready": "true"});
    cluster.apply_object(object).unwrap();
    pass(59.0).await;
    assert_eq!(condition(&cluster, "Progressing")["status"], "True");
    pass(4.0).await;
    let progressing = condition(&cluster, "Progressing");
    assert_eq!(progressing["status"], "False");
    assert_eq!(progressing["reason"], "ProgressDeadlineExceeded");
    assert_eq!(listed(&cluster, "pods")[0]["status"]["phase"], "Running");
}

#[tokio::test(start_paused = true)]
async fn a_rule_decides_by_image_which_pods_become_ready() {
    let cluster = cluster();
    cluster.set_pod_rule(Box::new(|pod| {
        if pod["spec"]["containers"][0]["image"] == "podinfo:6.0.9" {
            PodBehaviour::NeverReady
        } else {
            PodBehaviour::Usual
        }
    }));
    upgrade(&cluster, "podinfo:6.0.0");
    pass(4.0).await;
    let image = json!({"spec": {"template": {"spec": {"containers": [{"name": "podinfod", "image": "podinfo:6.0.9"}]}}}});
    cluster
        .strategic_patch_object("deployments", "test", "podinfo", &image)
        .unwrap();
    pass(60.0).await;
    assert_eq!(live_pods(&cluster, "podinfo:6.0.0"), 2);
    assert_eq!(live_pods(&cluster, "podinfo:6.0.9"), 1);
    assert_eq!(status(&cluster)["unavailableReplicas"], 1);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_is_ready_then_terminating_then_gone() {
    let cluster = cluster();
    cluster.apply_object(service()).unwrap();
    cluster
        .apply_object(deployment("podinfo:6.0.0", 1))
        .unwrap();
    pass(1.0).await;
    let conditions = |cluster: &SandboxCluster| {
        let slices = listed(cluster, "endpointslices");
        assert_eq!(slices.len(), 1);
        let endpoints = slices[0]["endpoints"].as_array().unwrap().clone();
        endpoints
            .first()
            .map(|endpoint| endpoint["conditions"].clone())
    };
    assert_eq!(
        conditions(&cluster).unwrap(),
        json!({"ready": false, "serving": false, "terminating": false})
    );
    pass(3.0).await;
    assert_eq!(
        conditions(&cluster).unwrap(),
        json!({"ready": true, "serving": true, "terminating": false})
    );
    let endpoints = stored(&cluster, "endpoints", "podinfo");
    assert_eq!(endpoints["subsets"][0]["ports"][0]["port"], 9898);
    assert_eq!(
        endpoints["subsets"][0]["addresses"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    cluster
        .patch_object(
            "deployments",
            "test",
            "podinfo",
            &json!({"spec": {"replicas": 0}}),
        )
        .unwrap();
    pass(1.0).await;
    assert_eq!(
        conditions(&cluster).unwrap(),
        json!({"ready": false, "serving": true, "terminating": true})
    );
    pass(5.0).await;
    assert_eq!(conditions(&cluster), None);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_pod_is_replaced() {
    let cluster = cluster();
    upgrade(&cluster, "podinfo:6.0.0");
    pass(4.0).await;
    let name = listed(&cluster, "pods")[0]["metadata"]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    cluster.delete_object("pods", "test", &name).unwrap();
    pass(10.0).await;
    let pods = listed(&cluster, "pods");
    assert_eq!(pods.len(), 2);
    assert!(
        pods.iter()
            .all(|pod| pod["metadata"]["name"] != name.as_str())
    );
}

#[tokio::test(start_paused = true)]
async fn a_daemon_set_runs_on_selected_nodes_and_rolls() {
    let cluster = cluster();
    let mut set = deployment("podinfo:6.0.0", 0);
    set["kind"] = json!("DaemonSet");
    set["spec"].as_object_mut().unwrap().remove("replicas");
    cluster.apply_object(set.clone()).unwrap();
    pass(4.0).await;
    let status = stored(&cluster, "daemonsets", "podinfo")["status"].clone();
    assert_eq!(status["numberAvailable"], 1);
    assert_eq!(status["desiredNumberScheduled"], 1);
    set["spec"]["template"]["spec"]["containers"][0]["image"] = json!("podinfo:6.0.1");
    cluster.apply_object(set).unwrap();
    pass(10.0).await;
    let status = stored(&cluster, "daemonsets", "podinfo")["status"].clone();
    assert_eq!(status["updatedNumberScheduled"], 1);
    assert_eq!(status["numberAvailable"], 1);
    assert_eq!(live_pods(&cluster, "podinfo:6.0.1"), 1);
    let nowhere = json!({"spec": {"template": {"spec": {"nodeSelector": {"flagger.app/scale-to-zero": "true"}}}}});
    cluster
        .patch_object("daemonsets", "test", "podinfo", &nowhere)
        .unwrap();
    pass(10.0).await;
    assert!(listed(&cluster, "pods").is_empty());
    let status = stored(&cluster, "daemonsets", "podinfo")["status"].clone();
    assert_eq!(status["desiredNumberScheduled"], 0);
}

#[tokio::test(start_paused = true)]
async fn recreate_ends_all_old_pods_before_the_first_new_one() {
    let cluster = cluster();
    let mut object = deployment("podinfo:6.0.0", 2);
    object["spec"]["strategy"] = json!({"type": "Recreate"});
    cluster.apply_object(object.clone()).unwrap();
    pass(4.0).await;
    object["spec"]["template"]["spec"]["containers"][0]["image"] = json!("podinfo:6.0.1");
    cluster.apply_object(object).unwrap();
    pass(0.1).await;
    assert_eq!(live_pods(&cluster, "podinfo:6.0.1"), 0);
    pass(10.0).await;
    assert_eq!(live_pods(&cluster, "podinfo:6.0.1"), 2);
    assert_eq!(status(&cluster)["availableReplicas"], 2);
}

#[tokio::test(start_paused = true)]
async fn a_scale_midway_ends_at_the_wanted_size() {
    let cluster = cluster();
    upgrade(&cluster, "podinfo:6.0.0");
    pass(4.0).await;
    upgrade(&cluster, "podinfo:6.0.1");
    pass(1.0).await;
    let five = json!({"spec": {"replicas": 5}});
    cluster
        .patch_object("deployments", "test", "podinfo", &five)
        .unwrap();
    pass(40.0).await;
    assert_eq!(live_pods(&cluster, "podinfo:6.0.1"), 5);
    assert_eq!(live_pods(&cluster, "podinfo:6.0.0"), 0);
    assert_eq!(
        condition(&cluster, "Progressing")["reason"],
        "NewReplicaSetAvailable"
    );
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_breaks_later_makes_its_deployment_unavailable() {
    let cluster = cluster();
    upgrade(&cluster, "podinfo:6.0.0");
    pass(4.0).await;
    let pods = listed(&cluster, "pods");
    for pod in &pods {
        let name = pod["metadata"]["name"].as_str().unwrap();
        let broken = json!({"status": {"conditions": [{"type": "Ready", "status": "False"}]}});
        cluster
            .patch_object("pods/status", "test", name, &broken)
            .unwrap();
    }
    pass(1.0).await;
    assert_eq!(condition(&cluster, "Available")["status"], "False");
    assert_eq!(status(&cluster)["unavailableReplicas"], 2);
}
