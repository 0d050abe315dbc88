//! Flagger's rules for what is absent, and rules over more than one field.

use super::*;
use serde_json::json;

fn value(analysis: Value) -> Value {
    json!({
        "apiVersion": API_VERSION,
        "kind": "Canary",
        "metadata": {"name": "podinfo", "namespace": "test"},
        "spec": {
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "podinfo"},
            "service": {"port": 80},
            "analysis": analysis,
        },
    })
}

fn canary(analysis: Value) -> Canary {
    Canary::from_value(&value(analysis)).unwrap().0
}

fn refused(value: &Value) -> Vec<String> {
    let errors = Canary::from_value(value).unwrap_err();
    errors.problems.iter().map(|p| p.pointer.clone()).collect()
}

#[test]
fn what_is_absent_has_flaggers_defaults() {
    let canary = canary(json!({"interval": "1m", "threshold": 5, "stepWeight": 10}));
    assert_eq!(canary.interval(), Duration::from_secs(60));
    assert_eq!(canary.threshold(), 5);
    assert_eq!(canary.max_weight(), Weight::FULL);
    assert_eq!(canary.progress_deadline(), Duration::from_secs(600));
    assert_eq!(canary.primary_ready_threshold(), Weight::FULL);
    assert_eq!(canary.canary_ready_threshold(), Weight::FULL);
    assert_eq!(canary.apex_name(), "podinfo");
    assert_eq!(canary.primary_service_name(), "podinfo-primary");
    assert_eq!(canary.canary_service_name(), "podinfo-canary");
    assert_eq!(canary.primary_name(), "podinfo-primary");
    assert_eq!(canary.target_name(), "podinfo");
    assert_eq!(canary.service.port_name(), "http");
    assert_eq!(canary.service.target_port().to_value(), json!(80));
    assert!(!canary.skip_analysis && !canary.suspend && !canary.revert_on_deletion);
}

#[test]
fn low_intervals_and_thresholds_are_raised() {
    let canary = canary(json!({
        "interval": "5s", "threshold": -3, "stepWeight": 10, "maxWeight": 0, "primaryReadyThreshold": 0,
    }));
    assert_eq!(canary.interval(), Duration::from_secs(10));
    assert_eq!(canary.threshold(), 1);
    assert_eq!(canary.max_weight(), Weight::FULL);
    assert_eq!(canary.primary_ready_threshold(), Weight::ZERO);
}

#[test]
fn the_last_step_is_the_highest_weight() {
    let canary = canary(json!({
        "interval": "1m", "threshold": 5, "stepWeights": [1, 2, 10, 80], "maxWeight": 500,
    }));
    assert_eq!(canary.max_weight().percent(), 80);
}

#[test]
fn iterations_and_matches_choose_the_strategy() {
    let matches = json!([{"headers": {"x-canary": {"exact": "on"}}}]);
    let strategy = |analysis: Value| canary(analysis).strategy();
    assert_eq!(
        strategy(json!({"interval": "1m", "threshold": 1, "iterations": 3, "match": matches})),
        Strategy::AbTesting
    );
    assert_eq!(
        strategy(json!({"interval": "1m", "threshold": 1, "iterations": 3})),
        Strategy::BlueGreen
    );
    assert_eq!(
        strategy(json!({"interval": "1m", "threshold": 1, "stepWeight": 5, "match": matches})),
        Strategy::Canary
    );
}

#[test]
fn services_take_their_name_from_the_service() {
    let mut value = value(json!({"interval": "1m", "threshold": 5, "stepWeight": 10}));
    value["spec"]["service"]["name"] = json!("web");
    let (canary, _) = Canary::from_value(&value).unwrap();
    assert_eq!(canary.apex_name(), "web");
    assert_eq!(canary.primary_service_name(), "web-primary");
    assert_eq!(canary.primary_name(), "podinfo-primary");
}

#[test]
fn a_knative_target_and_its_provider_belong_together() {
    let mut value = value(json!({"interval": "1m", "threshold": 5, "stepWeight": 10}));
    value["spec"]["targetRef"] =
        json!({"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": "podinfo"});
    assert_eq!(refused(&value), ["/spec/targetRef/apiVersion"]);
    value["spec"]["provider"] = json!("knative");
    let (canary, _) = Canary::from_value(&value).unwrap();
    assert_eq!(canary.target.kind, TargetKind::KnativeService);
    value["spec"]["autoscalerRef"] = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "name": "podinfo"});
    assert_eq!(refused(&value), ["/spec/autoscalerRef"]);
}

#[test]
fn a_workload_needs_a_service_but_knative_does_not() {
    let mut value = value(json!({"interval": "1m", "threshold": 5, "stepWeight": 10}));
    value["spec"]["service"] = Value::Null;
    assert_eq!(refused(&value), ["/spec"]);
    value["spec"]["provider"] = json!("knative");
    value["spec"]["targetRef"] =
        json!({"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": "podinfo"});
    assert!(Canary::from_value(&value).is_ok());
}

#[test]
fn a_name_that_is_a_path_is_refused() {
    let mut value = value(json!({"interval": "1m", "threshold": 5, "stepWeight": 10}));
    value["metadata"] = json!({"name": "../x", "namespace": "a/b"});
    assert_eq!(refused(&value), ["/metadata/name", "/metadata/namespace"]);
}

#[test]
fn a_name_too_long_for_its_services_is_refused() {
    let mut value = value(json!({"interval": "1m", "threshold": 5, "stepWeight": 10}));
    value["spec"]["targetRef"]["name"] = json!("a".repeat(56));
    assert_eq!(refused(&value), ["/spec/targetRef/name"]);
    value["spec"]["service"]["name"] = json!("web");
    assert!(Canary::from_value(&value).is_ok());
    value["spec"]["service"]["name"] = json!("a".repeat(56));
    assert_eq!(refused(&value), ["/spec/service/name"]);
}

#[test]
fn an_object_of_the_cluster_is_read_with_its_metadata_and_status() {
    let mut value = value(json!({"interval": "1m", "threshold": 5, "stepWeight": 10}));
    value["metadata"]["managedFields"] = json!([{"manager": "kubectl"}]);
    value["metadata"]["generation"] = json!(4);
    value["status"] = json!({"phase": "Initialized"});
    assert!(Canary::from_value(&value).is_ok());
}

#[test]
fn null_is_absent() {
    let mut value = value(json!({
        "interval": "1m", "threshold": 5, "stepWeight": 10, "metrics": null, "match": null,
    }));
    value["metadata"]["namespace"] = Value::Null;
    let (canary, _) = Canary::from_value(&value).unwrap();
    assert!(canary.analysis.metrics.is_empty());
    assert_eq!(canary.namespace, "default");
}

#[test]
fn annotations_are_kept_for_the_meshes_that_read_them() {
    let mut spec = value(json!({"interval": "1m", "threshold": 5, "stepWeight": 10}));
    spec["metadata"]["annotations"] = json!({"kuma.io/mesh": "shop"});
    let (canary, _) = Canary::from_value(&spec).unwrap();
    assert_eq!(
        canary.annotations.get("kuma.io/mesh").map(String::as_str),
        Some("shop")
    );
}

#[test]
fn the_names_of_supergloo_mean_the_mesh_behind_it() {
    let read = |provider: &str| {
        let mut spec = value(json!({"interval": "1m", "threshold": 5, "stepWeight": 10}));
        spec["spec"]["provider"] = json!(provider);
        let read = Canary::from_value(&spec).ok();
        read.map(|(canary, warnings)| {
            let said: Vec<String> = warnings.iter().map(ToString::to_string).collect();
            (canary.provider.unwrap(), said.join("; "))
        })
    };
    let (mesh, said) = read("supergloo:istio").unwrap();
    assert_eq!(mesh, Provider::Istio);
    assert_eq!(
        said,
        "spec.provider supergloo:istio is taken for istio: SuperGloo is no more"
    );
    assert_eq!(
        read("supergloo:appmesh.supergloo-system").unwrap().0,
        Provider::AppMesh
    );
    let (mesh, said) = read("supergloo:linkerd").unwrap();
    assert_eq!(mesh, Provider::Linkerd);
    assert!(said.contains("archived"), "{said}");
    for unknown in [
        "supergloo",
        "supergloo:",
        "supergloo:kuma",
        "supergloo:istio-x",
    ] {
        assert_eq!(read(unknown), None, "{unknown}");
    }
}

#[test]
fn a_mesh_that_has_an_end_is_said_so() {
    let mut spec = value(json!({"interval": "1m", "threshold": 5, "stepWeight": 10}));
    spec["spec"]["provider"] = json!("appmesh:v1beta2");
    let (_, warnings) = Canary::from_value(&spec).unwrap();
    assert_eq!(warnings[0].pointer, "/spec/provider");
    assert!(
        warnings[0]
            .to_string()
            .ends_with("ended App Mesh on 2026-09-30")
    );
}
