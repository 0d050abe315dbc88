//! What is Gateway API's alone.

use super::*;
use serde_json::json;

/// As the real Flagger made it of the same Canary.
const WHOLE: [&str; 2] = [
    include_str!("../../../testdata/providers/gatewayapi-v1/whole-canary.yaml"),
    include_str!("../../../testdata/providers/gatewayapi-v1/whole-route.yaml"),
];

fn bench() -> Bench {
    Bench::named("gatewayapi:v1")
}

fn made_of(text: &str) -> Value {
    let mut bench = bench();
    bench.canary = canary(text);
    bench.facts.clear();
    bench.prepare();
    bench.route().clone()
}

fn rule_of(service: &str) -> Value {
    let text = fixture("gatewayapi:v1")
        .canary
        .replace("    hosts:", &format!("    {service}\n    hosts:"));
    made_of(&text)["spec"]["rules"][0].clone()
}

#[test]
fn the_whole_service_becomes_the_route_that_flagger_makes() {
    assert_eq!(
        made_of(WHOLE[0]),
        serde_yaml::from_str::<Value>(WHOLE[1]).unwrap()
    );
}

#[test]
fn filters_stand_in_flaggers_order() {
    let rule = rule_of(
        "rewrite: {uri: /v2, authority: b.example, type: ReplacePrefixMatch}\n    \
         headers: {response: {set: {b: '2', a: '1'}}, request: {remove: [c]}}\n    \
         corsPolicy: {allowOrigin: ['https://a.example'], allowCredentials: true, maxAge: 24h}\n    \
         mirror: [{backendRef: {name: shadow, port: 80}}]",
    );
    assert_eq!(
        rule["filters"],
        json!([
            {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["c"]}},
            {"type": "ResponseHeaderModifier", "responseHeaderModifier":
                {"set": [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]}},
            {"type": "URLRewrite", "urlRewrite": {"hostname": "b.example",
                "path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/v2"}}},
            {"type": "RequestMirror", "requestMirror":
                {"backendRef": {"group": "", "kind": "Service", "name": "shadow", "port": 80}}},
            {"type": "CORS", "cors": {"allowOrigins": ["https://a.example"], "allowCredentials": true, "maxAge": 86400}},
        ])
    );
}

#[test]
fn both_timeouts_are_written() {
    let rule = rule_of("timeout: 15s\n    backendTimeout: 5s");
    assert_eq!(
        rule["timeouts"],
        json!({"request": "15s", "backendRequest": "5s"})
    );
}

#[test]
fn a_condition_that_a_route_cannot_say_is_refused() {
    let text = fixture("gatewayapi:v1").canary.replace(
        "    hosts:",
        "    match: [{method: {prefix: P}}]\n    hosts:",
    );
    let refused = (bench().provider.prepare)(&canary(&text), &Facts::new());
    assert!(matches!(refused, Err(RouteError::Unsaid { .. })));
}

#[test]
fn a_backend_without_a_weight_means_one() {
    let mut bench = bench();
    let backends = bench
        .live()
        .pointer_mut("/spec/rules/0/backendRefs")
        .unwrap();
    for side in [0, 1] {
        backends[side].as_object_mut().unwrap().remove("weight");
    }
    assert_eq!(bench.read(), 50);
}

#[test]
fn what_an_api_server_fills_in_is_no_difference() {
    let mut bench = bench();
    bench.canary = canary(WHOLE[0]);
    bench.facts.clear();
    bench.prepare();
    let rule = &mut bench.live()["spec"]["rules"][0];
    rule["timeouts"]["backendRequest"] = json!("10s");
    rule["matches"][0]["queryParams"] = json!([]);
    let changes = (bench.provider.prepare)(&bench.canary, &bench.facts);
    assert_eq!(changes, Ok(Vec::new()));
}

fn proof(status: Value) -> Proof {
    let mut bench = bench();
    bench.live()["metadata"]["generation"] = json!(4);
    bench.live()["status"] = status;
    (bench.provider.proof)(&bench.canary, &bench.facts)
}

fn said(accepted: &str, resolved: &str, generation: u64) -> Value {
    json!({"parents": [{"parentRef": {"name": "edge", "namespace": "infra"}, "conditions": [
        {"type": "Accepted", "status": accepted, "observedGeneration": generation},
        {"type": "ResolvedRefs", "status": resolved, "observedGeneration": generation,
            "reason": "BackendNotFound", "message": "no such service"}]}]})
}

#[test]
fn a_route_is_in_effect_once_its_gateway_has_taken_this_generation() {
    assert_eq!(proof(said("True", "True", 4)), Proof::InEffect);
}

#[test]
fn a_gateway_that_is_behind_or_objects_keeps_the_weight_pending() {
    let pending = |status| match proof(status) {
        Proof::Pending(why) => why,
        Proof::InEffect | Proof::Unknown => String::new(),
    };
    assert_eq!(
        pending(said("True", "True", 3)),
        "edge: it has not seen generation 4 yet"
    );
    assert!(pending(said("False", "True", 4)).starts_with("edge: Accepted is False"));
    assert_eq!(
        pending(said("True", "False", 4)),
        "edge: ResolvedRefs is False: BackendNotFound no such service"
    );
}

#[test]
fn a_gateway_that_says_nothing_proves_nothing() {
    assert_eq!(proof(json!({})), Proof::Unknown);
    let other = json!({"parents": [{"parentRef": {"name": "other"}, "conditions": []}]});
    assert_eq!(proof(other), Proof::Unknown);
}

#[test]
fn built_in_queries_are_flaggers() {
    let site = site();
    let queries = &bench().provider.queries;
    let labels = "kubernetes_namespace=\"demo\",kubernetes_pod_name=~\"checkout-[0-9a-zA-Z]+(-[0-9a-zA-Z]+)\"";
    assert_eq!(
        (queries.success_rate)(&site),
        format!(
            "sum(rate(http_request_duration_seconds_count{{{labels},status!~\"5.*\"}}[1m])) / \
             sum(rate(http_request_duration_seconds_count{{{labels}}}[1m])) * 100"
        )
    );
    assert_eq!(
        (queries.duration)(&site),
        format!(
            "histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket{{{labels}}}[1m])))"
        )
    );
}
