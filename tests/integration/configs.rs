//! The ConfigMaps and Secrets that a target refers to: what makes a revision, what is copied, and what it costs.

use crate::support::stage::Stage;
use crate::support::stage::podinfo;
use crate::support::stage::scenario;
use kubectl_flagger::rollout::decision::Outcome;
use kubectl_flagger::sandbox::faults::Fault;
use kubectl_flagger::sandbox::faults::FaultEffect;
use kubectl_flagger::sandbox::scenario::Scenario;
use serde_json::Value;
use serde_json::json;

/// The example whose change is that edit of one of its configs.
fn edited(resource: &str, name: &str, merge: Value) -> Stage {
    let patch = json!({"resource": resource, "name": name, "merge": merge});
    let at = json!([{"when": "initialized", "patch": patch}]);
    Stage::open(podinfo(&format!(
        "pods: {{startMs: 3000, drainMs: 5000}}\nat: {at}\n"
    )))
}

fn pod_spec(scenario: &mut Scenario) -> &mut Value {
    let mut objects = scenario.objects.iter_mut();
    let workload = objects
        .find(|object| object["kind"] == "Deployment" && object["metadata"]["name"] == "podinfo");
    workload
        .unwrap()
        .pointer_mut("/spec/template/spec")
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn binary_data_makes_a_revision_and_is_copied() {
    let stage = edited(
        "configmaps",
        "podinfo-config",
        json!({"binaryData": {"logo": "AQID"}}),
    );
    assert_eq!(stage.play().await.unwrap(), 0);
    assert_eq!(stage.weights(), [10, 20, 30, 40, 50, 0]);
    let copy = stage.object("configmaps", "podinfo-config-primary");
    assert_eq!(copy["binaryData"], json!({"logo": "AQID"}));
}

#[tokio::test(start_paused = true)]
async fn an_immutable_config_has_a_copy_that_can_follow_it() {
    let mut scenario = scenario("success");
    for object in &mut scenario.objects {
        if object["metadata"]["name"] == "podinfo-config" {
            object["immutable"] = json!(true);
        }
    }
    let stage = Stage::open(scenario);
    assert_eq!(stage.play().await.unwrap(), 0);
    let copy = stage.object("configmaps", "podinfo-config-primary");
    assert_eq!(copy["immutable"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn a_config_that_opted_out_is_shared() {
    let mut scenario = scenario("success");
    for object in &mut scenario.objects {
        if object["metadata"]["name"] == "podinfo-config" {
            object["metadata"]["annotations"] = json!({"flagger.app/config-tracking": "disabled"});
        }
    }
    let stage = Stage::open(scenario);
    stage.bootstrap().await;
    let primary = stage.object("deployments", "podinfo-primary");
    let from = &primary["spec"]["template"]["spec"]["containers"][0]["envFrom"][0];
    assert_eq!(from["configMapRef"]["name"], "podinfo-config");
    assert_eq!(
        stage.object("configmaps", "podinfo-config-primary"),
        Value::Null
    );
}

#[tokio::test(start_paused = true)]
async fn without_tracking_nothing_is_copied_and_no_config_makes_a_revision() {
    let mut stage = edited(
        "configmaps",
        "podinfo-config",
        json!({"data": {"color": "green"}}),
    );
    stage.options.workloads.config_tracking = false;
    stage.bootstrap().await;
    assert_eq!(stage.run().await.unwrap().outcome, Outcome::Unchanged);
    assert_eq!(
        stage.object("configmaps", "podinfo-config-primary"),
        Value::Null
    );
    let status = stage.object("canaries", "podinfo")["status"].clone();
    assert_eq!(status["trackedConfigs"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn an_optional_config_may_be_missing_and_another_may_not() {
    let mut missing = scenario("success");
    pod_spec(&mut missing)["containers"][0]["envFrom"] =
        json!([{"secretRef": {"name": "nobody", "optional": true}}]);
    let stage = Stage::open(missing.clone());
    stage.bootstrap().await;
    pod_spec(&mut missing)["containers"][0]["envFrom"] = json!([{"secretRef": {"name": "nobody"}}]);
    let refused = Stage::open(missing).run().await.unwrap_err();
    assert!(refused.to_string().contains("secret/nobody"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_config_that_cannot_be_read_is_an_error() {
    for optional in [false, true] {
        let mut scenario = scenario("success");
        let reference = json!({"name": "podinfo-config", "optional": optional});
        pod_spec(&mut scenario)["containers"][0]["envFrom"] = json!([{"configMapRef": reference}]);
        let stage = Stage::open(scenario);
        let denied = Fault::once("get", "configmaps", FaultEffect::Code(403));
        let denied = Fault {
            name: "podinfo-config".to_owned(),
            ..denied
        };
        stage.world.cluster().fail_next(denied);
        assert_eq!(stage.run().await.unwrap_err().exit_code().get(), 4);
        assert_eq!(stage.object("deployments", "podinfo-primary"), Value::Null);
    }
}

/// The example with that many more of each kind.
fn with_references(count: usize) -> Scenario {
    let mut scenario = scenario("success");
    let mut env = Vec::new();
    for number in 0..count {
        let (map, secret) = (format!("map-{number}"), format!("secret-{number}"));
        env.push(json!({"name": format!("M{number}"), "valueFrom": {"configMapKeyRef": {"name": map, "key": "k"}}}));
        env.push(json!({"name": format!("S{number}"), "valueFrom": {"secretKeyRef": {"name": secret, "key": "k"}}}));
        for (kind, name) in [("ConfigMap", map), ("Secret", secret)] {
            let metadata = json!({"name": name, "namespace": "test"});
            scenario.objects.insert(
                2,
                json!({"apiVersion": "v1", "kind": kind, "metadata": metadata, "data": {"k": "dg=="}}),
            );
        }
    }
    pod_spec(&mut scenario)["containers"][0]["env"] = env.into();
    scenario
}

/// Requests that read configs of the target.
fn reads(stage: &Stage) -> usize {
    let log = stage.world.cluster().log();
    let reads = log.iter().filter(|request| {
        ["get", "list"].contains(&request.verb.as_str())
            && ["configmaps", "secrets"].contains(&request.resource.as_str())
            && !request.name.starts_with("flagger-")
    });
    reads.count()
}

#[tokio::test(start_paused = true)]
async fn any_number_of_references_costs_two_requests_a_look() {
    let mut asked = Vec::new();
    for count in [2, 250] {
        let stage = Stage::open(with_references(count));
        stage.bootstrap().await;
        let before = reads(&stage);
        stage.run().await.unwrap();
        asked.push(reads(&stage) - before);
    }
    assert_eq!(asked[0], asked[1]);
    let looks = asked[0] / 2;
    assert!(looks > 1 && asked[0] % 2 == 0, "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn whoever_may_not_list_configs_reads_them_one_by_one() {
    let stage = Stage::open(with_references(2));
    for resource in ["configmaps", "secrets"] {
        let mut denied = Fault::once("list", resource, FaultEffect::Code(403));
        denied.times = u32::MAX;
        stage.world.cluster().fail_next(denied);
    }
    assert_eq!(stage.play().await.unwrap(), 0);
    let copy = stage.object("secrets", "secret-1-primary");
    assert_eq!(copy["data"], json!({"k": "dg=="}));
}
