//! Whole rollouts of targets that are not plain Deployments, and of those that an autoscaler counts.

use crate::support::stage::Ended;
use crate::support::stage::Stage;
use crate::support::stage::later;
use crate::support::stage::scenario;
use crate::support::stage::served;
use crate::support::tap::Death;
use crate::support::tap::Switch;
use kubectl_flagger::canary::load::load;
use kubectl_flagger::canary::source::SourceFile;
use kubectl_flagger::controller::Word;
use kubectl_flagger::rollout::decision::Outcome;
use kubectl_flagger::rollout::observation::Request;
use kubectl_flagger::sandbox::faults::Fault;
use kubectl_flagger::sandbox::faults::FaultEffect;
use kubectl_flagger::sandbox::objects::Objects as _;
use kubectl_flagger::sandbox::scenario::Scenario;
use serde_json::Value;
use serde_json::json;
use std::time::Duration;
use tokio::sync::mpsc::unbounded_channel;

fn selector(stage: &Stage, name: &str) -> Value {
    stage.object("daemonsets", name)["spec"]["template"]["spec"]["nodeSelector"].clone()
}

fn image(stage: &Stage, resource: &str, name: &str) -> String {
    let object = stage.object(resource, name);
    let image = object["spec"]["template"]["spec"]["containers"][0]["image"].as_str();
    image.unwrap_or_default().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_daemon_set_is_promoted_beside_a_copy_of_itself() {
    let stage = Stage::open(served(scenario("daemonset"))).serving().await;
    assert_eq!(stage.play().await.unwrap(), 0);
    assert_eq!(stage.weights(), [25, 50, 0]);
    assert_eq!(
        image(&stage, "daemonsets", "podinfo-primary"),
        "podinfo:6.0.1"
    );
    assert_eq!(selector(&stage, "podinfo-primary"), json!({"disk": "ssd"}));
    assert_eq!(
        selector(&stage, "podinfo"),
        json!({"disk": "ssd", "flagger.app/scale-to-zero": "true"})
    );
    let primary = stage.object("daemonsets", "podinfo-primary");
    assert_eq!(primary["status"]["numberAvailable"], 2);
    assert_eq!(stage.lost(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_primary_never_takes_over_what_takes_the_pods_away() {
    let stage = Stage::open(scenario("daemonset"));
    stage.bootstrap().await;
    let cluster = stage.world.cluster();
    cluster
        .delete_object("daemonsets", "test", "podinfo-primary")
        .unwrap();
    let _rest = stage.play().await;
    assert_eq!(selector(&stage, "podinfo-primary"), json!({"disk": "ssd"}));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_a_daemon_set_counts_from_when_it_became_unready() {
    let stage = Stage::open(scenario("daemonset"));
    stage.bootstrap().await;
    later(&stage, Duration::from_secs(3600)).await;
    // One pod is gone at the moment the change is seen.
    let pods = stage.world.cluster().objects().list("pods", "test");
    let name = pods.iter().find_map(|pod| {
        let name = pod["metadata"]["name"].as_str()?;
        name.starts_with("podinfo-primary").then(|| name.to_owned())
    });
    let cluster = stage.world.cluster();
    cluster
        .delete_object("pods", "test", &name.unwrap())
        .unwrap();
    assert_eq!(stage.run().await.unwrap().outcome, Outcome::Promoted);
}

#[tokio::test(start_paused = true)]
async fn a_service_hands_its_users_to_other_pods_by_its_copies() {
    let stage = Stage::open(scenario("service")).serving().await;
    stage.bootstrap().await;
    let selector = |name: &str| stage.object("services", name)["spec"]["selector"]["color"].clone();
    assert_eq!(
        (selector("podinfo-primary"), selector("podinfo-canary")),
        (json!("blue"), json!("blue"))
    );
    assert_eq!(stage.play().await.unwrap(), 0);
    assert_eq!(stage.weights(), [25, 50, 0]);
    assert_eq!(
        (selector("podinfo-primary"), selector("podinfo-canary")),
        (json!("green"), json!("green"))
    );
    assert_eq!(stage.lost(), 0);
    let of = |name: &str| stage.object("services", name)["spec"]["clusterIP"].clone();
    assert_ne!(of("podinfo-primary"), of("podinfo"));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_changes_midway_is_looked_at_from_no_weight() {
    let mut stage = Stage::open(scenario("service"));
    stage.options.timeout = Some(Duration::from_secs(3600));
    stage.bootstrap().await;
    let (run, ()) = tokio::join!(stage.run(), async {
        later(&stage, Duration::from_secs(15)).await;
        let sticky = json!({"spec": {"sessionAffinity": "ClientIP"}});
        let cluster = stage.world.cluster();
        cluster
            .patch_object("services", "test", "podinfo", &sticky)
            .unwrap();
    });
    assert_eq!(run.unwrap().outcome, Outcome::Promoted);
    assert_eq!(stage.weights(), [25, 50, 0, 25, 50, 0]);
    for copy in ["podinfo-primary", "podinfo-canary"] {
        let spec = &stage.object("services", copy)["spec"];
        assert_eq!(spec["sessionAffinity"], "ClientIP", "{copy}");
    }
}

/// The scenario, with more pods than its autoscaler begins with.
fn with_pods(name: &str, pods: u32) -> Scenario {
    let mut scenario = scenario(name);
    for object in &mut scenario.objects {
        if object["metadata"]["name"] == "podinfo" && object["kind"] == "Deployment" {
            object["spec"]["replicas"] = json!(pods);
        }
    }
    scenario
}

/// Contents of a field of an object, in the order in which they were written.
fn written(stage: &Stage, resource: &str, name: &str, pointer: &str) -> Vec<Value> {
    let writes = stage.writes();
    let objects = writes.iter().filter(|write| write.resource == resource);
    let objects = objects.filter_map(|write| write.object.as_ref());
    let of = objects.filter(|object| object["metadata"]["name"] == name);
    let mut values: Vec<Value> = of
        .map(|object| object.pointer(pointer).cloned().unwrap_or_default())
        .collect();
    values.dedup();
    values
}

const PAUSED: &str = "/metadata/annotations/autoscaling.keda.sh~1paused-replicas";

#[tokio::test(start_paused = true)]
async fn an_autoscaler_says_how_many_pods_a_canary_begins_with_and_rests_with_it() {
    let stage = Stage::open(scenario("keda"));
    assert_eq!(stage.play().await.unwrap(), 0);
    assert_eq!(
        written(&stage, "deployments", "podinfo", "/spec/replicas"),
        [json!(0), json!(1), json!(2), json!(0)]
    );
    assert_eq!(
        written(&stage, "scaledobjects", "podinfo", PAUSED),
        [json!("0"), Value::Null, json!("0")]
    );
    let copy = stage.object("scaledobjects", "podinfo-primary");
    assert_eq!(copy["spec"]["scaleTargetRef"]["name"], "podinfo-primary");
    assert_eq!(stage.deployed("podinfo-primary"), ("6.0.1".to_owned(), 2));
}

#[tokio::test(start_paused = true)]
async fn a_share_that_needs_pods_raises_the_minimum_of_the_targets_autoscaler_for_the_run() {
    for aborted in [false, true] {
        let stage = Stage::open(with_pods("hpa", 4));
        stage.bootstrap().await;
        let (words, heard) = unbounded_channel();
        let (_ended, ()) = tokio::join!(stage.drive(Switch::new(None), heard), async {
            while stage.weights().len() < 3 {
                later(&stage, Duration::from_secs(1)).await;
            }
            if aborted {
                words.send(Word::Do(Request::Abort)).unwrap();
            }
        });
        let scaler = |pointer| written(&stage, "horizontalpodautoscalers", "podinfo", pointer);
        assert_eq!(scaler("/spec/minReplicas"), [json!(2), json!(3), json!(1)]);
        let kept = scaler("/metadata/annotations/flagger-driver~1min-replicas");
        assert_eq!(kept, [json!("1"), Value::Null]);
        assert_eq!(stage.deployed("podinfo").1, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn the_primary_keeps_its_pods_for_the_way_back_where_an_autoscaler_acts() {
    let stage = Stage::open(with_pods("hpa", 4));
    stage.bootstrap().await;
    let acts = json!({"status": {"currentReplicas": 4, "desiredReplicas": 4}});
    let cluster = stage.world.cluster();
    cluster
        .patch_object(
            "horizontalpodautoscalers/status",
            "test",
            "podinfo-primary",
            &acts,
        )
        .unwrap();
    assert_eq!(stage.run().await.unwrap().outcome, Outcome::Promoted);
    let minimum = "/spec/minReplicas";
    assert_eq!(
        written(
            &stage,
            "horizontalpodautoscalers",
            "podinfo-primary",
            minimum
        ),
        [json!(1), json!(4), json!(1)]
    );
}

#[tokio::test(start_paused = true)]
async fn without_the_right_to_ask_for_pods_the_run_goes_on_with_a_warning() {
    for resource in ["horizontalpodautoscalers", "deployments"] {
        let stage = Stage::open(with_pods("hpa", 4));
        stage.bootstrap().await;
        let (run, ()) = tokio::join!(stage.run(), async {
            while stage.weights().is_empty() {
                later(&stage, Duration::from_secs(1)).await;
            }
            let mut denied = Fault::once("patch", resource, FaultEffect::Code(403));
            denied.name = "podinfo".to_owned();
            stage.world.cluster().fail_next(denied);
        });
        assert_eq!(run.unwrap().outcome, Outcome::Promoted, "{resource}");
        assert_eq!(stage.weights(), [20, 40, 60, 0], "{resource}");
        let warned = stage.said("diagnostic");
        assert!(warned[0].contains("may not be asked for"), "{warned:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_autoscaler_that_is_not_there_is_refused_before_anything_moves() {
    let mut scenario = scenario("hpa");
    scenario
        .objects
        .retain(|object| object["kind"] != "HorizontalPodAutoscaler");
    let stage = Stage::open(scenario);
    let refused = stage.run().await.unwrap_err().to_string();
    assert!(refused.contains("horizontalpodautoscaler"), "{refused}");
    assert_eq!(stage.object("deployments", "podinfo-primary"), Value::Null);
}

#[tokio::test(start_paused = true)]
async fn an_autoscaler_is_as_it_was_whenever_a_driver_dies() {
    for write in (1..40).step_by(3) {
        let stage = Stage::open(with_pods("keda", 4));
        stage.bootstrap().await;
        let (_words, heard) = unbounded_channel();
        let died = stage
            .drive(Switch::new(Some(Death::After(write))), heard)
            .await;
        if matches!(died, Ended::Finished(_)) {
            break;
        }
        stage.play().await.unwrap();
        let scaler = stage.object("scaledobjects", "podinfo");
        assert_eq!(scaler.pointer(PAUSED), Some(&json!("0")), "{write}");
        assert_eq!(scaler["spec"]["minReplicaCount"], 1, "{write}");
        assert_eq!(
            stage.deployed("podinfo"),
            ("6.0.1".to_owned(), 0),
            "{write}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn copies_of_a_service_are_named_as_routes_name_them() {
    let mut scenario = scenario("service");
    scenario.canary["spec"]["service"]["name"] = json!("front");
    let stage = Stage::open(scenario);
    stage.bootstrap().await;
    for copy in ["front-primary", "front-canary"] {
        let selector = &stage.object("services", copy)["spec"]["selector"];
        assert_eq!(selector["color"], "blue", "{copy}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_spec_says_anew_reaches_route_and_services_at_the_next_run() {
    let changed = scenario("istio");
    let mut stage = Stage::open(changed.clone());
    stage.bootstrap().await;
    let mut canary = changed.canary;
    canary["spec"]["service"]["retries"] = json!({"attempts": 7});
    canary["spec"]["service"]["canary"] = json!({"labels": {"side": "canary"}});
    let file = SourceFile {
        path: "canary.yaml".to_owned(),
        text: canary.to_string().into(),
    };
    stage.spec.loaded = load(&[file], None, None).unwrap();
    while stage.run().await.unwrap().outcome == Outcome::Bootstrapped {}
    assert_eq!(stage.weights(), [10, 20, 30, 40, 50, 0]);
    let route = stage.object("virtualservices", "podinfo");
    assert_eq!(route["spec"]["http"][0]["retries"]["attempts"], 7);
    let service = stage.object("services", "podinfo-canary");
    assert_eq!(service["metadata"]["labels"]["side"], "canary");
}
