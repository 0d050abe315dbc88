use super::*;
use std::collections::BTreeMap;

fn reference(kind: AutoscalerKind) -> AutoscalerRef {
    AutoscalerRef {
        api_version: "autoscaling/v2beta2".to_owned(),
        kind,
        name: "podinfo".to_owned(),
        primary_scaler_queries: BTreeMap::new(),
        primary_min_replicas: None,
        primary_max_replicas: None,
    }
}

fn with<T>(reference: &AutoscalerRef, work: impl FnOnce(&Autoscaling<'_>) -> T) -> T {
    work(&Autoscaling {
        reference,
        target: "podinfo",
        prefixes: &[],
    })
}

fn hpa<T>(work: impl FnOnce(&Autoscaling<'_>) -> T) -> T {
    with(&reference(AutoscalerKind::HorizontalPodAutoscaler), work)
}

fn keda<T>(work: impl FnOnce(&Autoscaling<'_>) -> T) -> T {
    with(&reference(AutoscalerKind::ScaledObject), work)
}

fn hpa_object() -> Value {
    json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "podinfo", "labels": {"team": "demo", "kustomize.toolkit.fluxcd.io/name": "x"},
            "annotations": {"note": "mine"}},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "podinfo"},
            "minReplicas": 2, "maxReplicas": 4, "metrics": [{"type": "Resource", "someNewField": 1}],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": 30}}},
    })
}

fn scaled_object() -> Value {
    json!({
        "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
        "metadata": {"name": "podinfo", "annotations": {PAUSED: "0", "scaledobject.keda.sh/transfer-hpa-ownership": "true"}},
        "spec": {"scaleTargetRef": {"name": "podinfo", "envSourceContainerName": "app"}, "cooldownPeriod": 20,
            "advanced": {"horizontalPodAutoscalerConfig": {"name": "podinfo-hpa"}},
            "triggers": [
                {"type": "prometheus", "name": "rps", "metadata": {"query":
                    "sum(rate(a{app=\"podinfo\"}[1m])) + sum(rate(b{app=\"podinfo-canary\"}[1m])) + c{app=\"podinfo-primary\"}"}},
                {"type": "cpu", "metadata": {"value": "60"}}]},
    })
}

fn patched(object: &Value, operations: Vec<Value>) -> Value {
    let patch: json_patch::Patch = serde_json::from_value(operations.into()).unwrap();
    let mut object = object.clone();
    json_patch::patch(&mut object, &patch).unwrap();
    object
}

#[test]
fn the_copy_of_an_hpa_counts_the_primary_and_loses_no_field() {
    let copy = hpa(|scaling| scaling.copy(&hpa_object(), "podinfo-primary", "test"));
    let mut spec = hpa_object()["spec"].clone();
    spec["scaleTargetRef"]["name"] = json!("podinfo-primary");
    assert_eq!(copy["spec"], spec);
    assert_eq!(copy["apiVersion"], "autoscaling/v2");
    assert_eq!(
        copy["metadata"],
        json!({"name": "podinfo-primary", "namespace": "test", "labels": {"team": "demo", MANAGED_BY: MANAGER}})
    );
}

#[test]
fn a_primary_may_have_bounds_of_its_own() {
    let mut reference = reference(AutoscalerKind::HorizontalPodAutoscaler);
    reference.primary_min_replicas = Some(5);
    reference.primary_max_replicas = Some(9);
    let copy = with(&reference, |scaling| {
        scaling.copy(&hpa_object(), "x", "test")
    });
    assert_eq!(
        (&copy["spec"]["minReplicas"], &copy["spec"]["maxReplicas"]),
        (&json!(5), &json!(9))
    );
}

#[test]
fn the_copy_of_a_scaled_object_asks_about_the_primary_and_does_not_rest() {
    let copy = keda(|scaling| scaling.copy(&scaled_object(), "podinfo-primary", "test"));
    let spec = &copy["spec"];
    assert_eq!(
        spec["scaleTargetRef"],
        json!({"name": "podinfo-primary", "envSourceContainerName": "app"})
    );
    assert_eq!(
        spec["advanced"]["horizontalPodAutoscalerConfig"]["name"],
        "podinfo-hpa-primary"
    );
    assert_eq!(spec["cooldownPeriod"], 20);
    assert_eq!(spec["triggers"][1], scaled_object()["spec"]["triggers"][1]);
    assert_eq!(
        copy["metadata"]["annotations"],
        json!({"scaledobject.keda.sh/transfer-hpa-ownership": "true"})
    );
}

#[test]
fn a_query_that_asks_for_the_primary_already_is_left_alone() {
    let copy = keda(|scaling| scaling.copy(&scaled_object(), "podinfo-primary", "test"));
    assert_eq!(
        copy["spec"]["triggers"][0]["metadata"]["query"],
        "sum(rate(a{app=\"podinfo-primary\"}[1m])) + sum(rate(b{app=\"podinfo-primary\"}[1m])) + \
         c{app=\"podinfo-primary\"}"
    );
}

#[test]
fn queries_that_are_given_replace_those_of_their_triggers_alone() {
    let mut reference = reference(AutoscalerKind::ScaledObject);
    let queries = [
        ("rps".to_owned(), "up".to_owned()),
        ("other".to_owned(), "down".to_owned()),
    ];
    reference.primary_scaler_queries = queries.into();
    let mut object = scaled_object();
    object["spec"]["triggers"][1]["metadata"]["query"] = json!("podinfo");
    let copy = with(&reference, |scaling| scaling.copy(&object, "x", "test"));
    let query = |at: usize| copy["spec"]["triggers"][at]["metadata"]["query"].clone();
    assert_eq!((query(0), query(1)), (json!("up"), json!("podinfo")));
}

#[test]
fn a_promoted_copy_follows_the_targets_and_keeps_what_the_run_raised() {
    hpa(|scaling| {
        let copy = scaling.copy(&hpa_object(), "podinfo-primary", "test");
        assert!(scaling.promoted(&hpa_object(), &copy).is_empty());
        let raised = patched(&copy, scaling.raised(&copy, 3));
        let mut next = hpa_object();
        next["spec"]["maxReplicas"] = json!(8);
        next["spec"]["minReplicas"] = json!(1);
        let promoted = patched(&raised, scaling.promoted(&next, &raised));
        assert_eq!(
            (
                &promoted["spec"]["minReplicas"],
                &promoted["spec"]["maxReplicas"]
            ),
            (&json!(3), &json!(8))
        );
        let after = patched(&promoted, scaling.lowered(&promoted));
        assert_eq!(after["spec"]["minReplicas"], 1);
    });
}

#[test]
fn a_raised_minimum_stays_below_the_maximum_and_is_given_back() {
    hpa(|scaling| {
        let raised = patched(&hpa_object(), scaling.raised(&hpa_object(), 10));
        assert_eq!(raised["spec"]["minReplicas"], 4);
        assert!(scaling.raised(&raised, 3).is_empty());
        assert_eq!(patched(&raised, scaling.resting(&raised)), hpa_object());
    });
}

#[test]
fn a_minimum_that_was_not_written_is_not_written_afterwards() {
    keda(|scaling| {
        let mut object = scaled_object();
        object["metadata"]["annotations"] = json!({});
        let raised = patched(&object, scaling.raised(&object, 3));
        assert_eq!(raised["spec"]["minReplicaCount"], 3);
        assert_eq!(patched(&raised, scaling.lowered(&raised)), object);
    });
}

#[test]
fn the_copy_is_made_of_the_minimum_before_the_run() {
    hpa(|scaling| {
        let raised = patched(&hpa_object(), scaling.raised(&hpa_object(), 3));
        let copy = scaling.copy(&raised, "podinfo-primary", "test");
        assert_eq!(copy["spec"]["minReplicas"], 2);
    });
}

#[test]
fn a_pause_of_the_users_is_given_back() {
    keda(|scaling| {
        let mut object = scaled_object();
        object["metadata"]["annotations"] = json!({PAUSED: "5"});
        let resting = patched(&object, scaling.resting(&object));
        assert_eq!(resting["metadata"]["annotations"][PAUSED], "0");
        assert!(scaling.resting(&resting).is_empty());
        let awake = patched(&resting, scaling.awake(&resting));
        assert_eq!(awake, object);
        assert!(scaling.awake(&awake).is_empty());
    });
    keda(|scaling| {
        let awake = patched(&scaled_object(), scaling.awake(&scaled_object()));
        assert_eq!(awake["metadata"]["annotations"].get(PAUSED), None);
    });
}

#[test]
fn an_hpa_rests_by_itself() {
    hpa(|scaling| {
        assert!(scaling.resting(&hpa_object()).is_empty());
        assert!(scaling.awake(&hpa_object()).is_empty());
    });
}
