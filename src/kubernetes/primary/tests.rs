use super::*;
use serde_json::json;

fn target() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "podinfo", "namespace": "test", "generation": 2,
            "labels": {"app": "podinfo", "team": "demo"},
            "annotations": {"deployment.kubernetes.io/revision": "3", "owner": "me", "x.toolkit.fluxcd.io/y": "z"}},
        "spec": {
            "replicas": 2, "minReadySeconds": 1, "revisionHistoryLimit": 10,
            "selector": {"matchLabels": {"app": "podinfo"}},
            "strategy": {"type": "RollingUpdate"},
            "template": {
                "metadata": {"labels": {"app": "podinfo", "tier": "web"}, "annotations": {"scrape": "true"}},
                "spec": {
                    "containers": [{"name": "app", "image": "podinfo:6.0.0", "someNewField": {"kept": true},
                        "envFrom": [{"configMapRef": {"name": "conf"}}]}],
                    "topologySpreadConstraints": [{"labelSelector": {"matchLabels": {"app": "podinfo"}}}],
                    "affinity": {"podAntiAffinity": {
                        "requiredDuringSchedulingIgnoredDuringExecution": [{"labelSelector": {"matchExpressions": [
                            {"key": "app", "operator": "In", "values": ["other", "podinfo"]}]}}],
                        "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm":
                            {"labelSelector": {"matchLabels": {"app": "podinfo"}}}}]}}
                }
            }
        }
    })
}

fn copying<T>(prefixes: &[String], work: impl FnOnce(&Copying<'_>) -> T) -> T {
    let keys = ["app".to_owned(), "name".to_owned()];
    let label = SelectorLabel::of(&target(), &keys).unwrap();
    work(&Copying {
        kind: PodKind::Deployment,
        autoscaled: false,
        target: "podinfo",
        label: &label,
        label_keys: &keys,
        prefixes,
        tracked: &|_| true,
    })
}

#[test]
fn the_selector_label_is_the_first_accepted_one() {
    let label = SelectorLabel::of(&target(), &["name".to_owned(), "app".to_owned()]).unwrap();
    assert_eq!(
        (label.key.as_str(), label.primary_value().as_str()),
        ("app", "podinfo-primary")
    );
    assert_eq!(SelectorLabel::of(&target(), &["nope".to_owned()]), None);
}

#[test]
fn a_primary_is_a_copy_that_selects_its_own_pods() {
    let primary = copying(&[], |copying| copying.primary(&target(), "test", "id-1"));
    assert_eq!(primary["metadata"]["name"], "podinfo-primary");
    assert_eq!(
        primary["metadata"]["labels"],
        json!({"app": "podinfo-primary", MANAGED_BY: MANAGER})
    );
    assert_eq!(primary["metadata"]["annotations"], json!({"owner": "me"}));
    assert_eq!(
        primary["spec"]["selector"],
        json!({"matchLabels": {"app": "podinfo-primary"}})
    );
    let template = &primary["spec"]["template"];
    assert_eq!(
        template["metadata"]["labels"],
        json!({"app": "podinfo-primary", "tier": "web"})
    );
    assert_eq!(
        template["metadata"]["annotations"],
        json!({"scrape": "true", FLAGGER_ID: "id-1"})
    );
    assert_eq!(
        template["spec"]["containers"][0]["someNewField"],
        json!({"kept": true})
    );
    assert_eq!(
        template["spec"]["containers"][0]["envFrom"][0]["configMapRef"]["name"],
        "conf-primary"
    );
}

#[test]
fn pods_of_the_primary_spread_among_themselves() {
    let template = copying(&[], |copying| copying.template(&target()));
    let spec = &template["spec"];
    let anti = &spec["affinity"]["podAntiAffinity"];
    assert_eq!(
        spec["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"]["app"],
        "podinfo-primary"
    );
    assert_eq!(
        anti["requiredDuringSchedulingIgnoredDuringExecution"][0]["labelSelector"]["matchExpressions"]
            [0]["values"],
        json!(["other", "podinfo-primary"])
    );
    assert_eq!(
        anti["preferredDuringSchedulingIgnoredDuringExecution"][0]["podAffinityTerm"]["labelSelector"]
            ["matchLabels"]["app"],
        "podinfo-primary"
    );
}

#[test]
fn a_fresh_primary_is_current_until_the_target_changes() {
    copying(&[], |copying| {
        let primary = copying.primary(&target(), "test", "id-1");
        assert!(copying.is_current(&target(), &primary));
        let mut next = target();
        next["spec"]["template"]["spec"]["containers"][0]["image"] = json!("podinfo:6.0.1");
        assert!(!copying.is_current(&next, &primary));
        let promoted = copying.promoted(&next, &primary, "id-2");
        assert!(copying.is_current(&next, &promoted));
        assert_eq!(
            promoted["spec"]["template"]["metadata"]["annotations"][FLAGGER_ID],
            "id-2"
        );
    });
}

#[test]
fn a_promotion_wipes_annotations_but_those_with_the_prefix() {
    copying(&["own".to_owned()], |copying| {
        let mut primary = copying.primary(&target(), "test", "id-1");
        primary["metadata"]["annotations"] = json!({"stale": "1", "flagger-driver/epoch": "2"});
        let promoted = copying.promoted(&target(), &primary, "id-2");
        assert_eq!(
            promoted["metadata"]["annotations"],
            json!({"owner": "me", "flagger-driver/epoch": "2"})
        );
    });
}

#[test]
fn a_target_scaled_to_zero_makes_a_primary_of_one_pod() {
    let mut target = target();
    target["spec"]["replicas"] = json!(0);
    let primary = copying(&[], |copying| copying.primary(&target, "test", "id"));
    assert_eq!(primary["spec"]["replicas"], 1);
}
